"""The sample, migrated and locked: each kind of drift is found by its rule, allowed changes are not."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hocmig.cli import run

CUS = "backend/app/hoc/cus"
Guard = Callable[..., list[dict[str, Any]]]


def _write(root: Path, path: str, text: str) -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(text)


def _move(root: Path, old: str, new: str) -> None:
    (root / new).parent.mkdir(parents=True, exist_ok=True)
    (root / old).rename(root / new)


def _add_layer_rules(root: Path) -> None:
    path = root / "hocmig.yaml"
    text = path.read_text()
    rules = (
        '  banned_names:\n    L6_drivers: ["*_engine.py"]\n'
        "  forbidden_libraries:\n    L5_engines: [sqlite3]\n"
        "  header: '^Layer: (L[0-9])'\n"
    )
    assert "    - L6_drivers\n" in text
    path.write_text(text.replace("    - L6_drivers\n", f"    - L6_drivers\n{rules}"))


DIGEST = f"{CUS}/overview/L5_engines/founder_digest.py"
PANEL = f"{CUS}/overview/L6_drivers/panel_driver.py"


def _move_and_edit(root: Path) -> None:
    _move(root, DIGEST, f"{CUS}/logs/L5_engines/owner_letter.py")
    path = root / f"{CUS}/logs/L5_engines/owner_letter.py"
    path.write_text(
        '"""Moved by hand."""\n\nimport json\n' + path.read_text() + "\n\nLAST = json.dumps({})\n"
    )


def _ignore(root: Path) -> None:
    with (root / ".gitignore").open("a") as file:
        file.write("founder_digest.py\n")


def _shim(root: Path) -> None:
    _write(
        root,
        "backend/app/old_place.py",
        '"""Moved."""\n# hocmig-shim: old=app.old_place new=app.worker expires=2001-01-01\n'
        "import sys\nimport warnings\n\nimport app.worker as _moved\n\nsys.modules[__name__] = _moved\n",
    )


DRIFT: dict[str, tuple[Callable[[Path], object], str, str]] = {
    "deleted": (lambda root: (root / DIGEST).unlink(), "GUARD002", DIGEST),
    "moved to another domain": (
        lambda root: _move(root, DIGEST, f"{CUS}/logs/L5_engines/founder_digest.py"),
        "GUARD003",
        DIGEST,
    ),
    "moved to another layer": (
        lambda root: _move(root, DIGEST, f"{CUS}/overview/L6_drivers/founder_digest.py"),
        "GUARD003",
        DIGEST,
    ),
    "moved out of all domains": (
        lambda root: _move(root, DIGEST, "backend/app/api/founder_digest.py"),
        "GUARD003",
        DIGEST,
    ),
    "moved, renamed and edited": (_move_and_edit, "GUARD003", DIGEST),
    "renamed": (
        lambda root: _move(root, DIGEST, f"{CUS}/overview/L5_engines/owner_digest.py"),
        "GUARD004",
        DIGEST,
    ),
    "added outside of the layers": (
        lambda root: _write(root, f"{CUS}/overview/loose.py", "X = 1\n"),
        "GUARD001",
        f"{CUS}/overview/loose.py",
    ),
    "added in an unknown layer": (
        lambda root: _write(root, f"{CUS}/overview/L9_magic/spell.py", "X = 1\n"),
        "GUARD001",
        f"{CUS}/overview/L9_magic/spell.py",
    ),
    "added under a banned name": (
        lambda root: _write(root, f"{CUS}/overview/L6_drivers/rule_engine.py", "X = 1\n"),
        "GUARD005",
        f"{CUS}/overview/L6_drivers/rule_engine.py",
    ),
    "added with a false claim": (
        lambda root: _write(root, f"{CUS}/overview/L6_drivers/new.py", '"""New.\n\nLayer: L5\n"""\n'),
        "GUARD006",
        f"{CUS}/overview/L6_drivers/new.py",
    ),
    "added with a forbidden library": (
        lambda root: _write(root, f"{CUS}/overview/L5_engines/new.py", "def f():\n    import sqlite3\n"),
        "GUARD007",
        f"{CUS}/overview/L5_engines/new.py",
    ),
    "domain gone": (
        lambda root: shutil.rmtree(root / CUS / "overview"),
        "GUARD008",
        f"{CUS}/overview",
    ),
    "domain without a lock": (
        lambda root: _write(root, f"{CUS}/payments/L5_engines/pay.py", "X = 1\n"),
        "GUARD009",
        f"{CUS}/payments",
    ),
    "shim expired": (_shim, "GUARD010", "backend/app/old_place.py"),
    "hidden by an ignore rule": (_ignore, "GUARD011", DIGEST),
    "unreadable": (
        lambda root: ((root / DIGEST).unlink(), (root / DIGEST).symlink_to("panel_summary.py")),
        "GUARD014",
        DIGEST,
    ),
}


@pytest.mark.parametrize("kind", DRIFT)
def test_drift_is_found_by_its_rule(kind: str, sample: Path, guard: Guard) -> None:
    _add_layer_rules(sample)
    assert guard(sample) == []
    change, code, path = DRIFT[kind]
    change(sample)
    findings = guard(sample)
    assert (code, path) in {(f["code"], f["path"]) for f in findings}
    assert {f["code"] for f in findings if f["path"] == path} == {code}
    for finding in findings:
        assert finding["rule"]
        assert finding["mend"]
        if finding["code"] in ("GUARD002", "GUARD003", "GUARD004", "GUARD008"):
            assert "hocmig lock --approve-by" in finding["mend"]


def test_owners_may_approve(sample: Path, guard: Guard) -> None:
    path = next((sample / CUS / "logs/L5_engines").glob("[a-z]*.py"))
    path.unlink()
    (finding,) = (f for f in guard(sample) if f["code"] == "GUARD002")
    assert finding["approvers"] == ["@hoc/logs"]


def test_allowed_changes_are_no_drift(sample: Path, guard: Guard) -> None:
    _write(sample, f"{CUS}/overview/L5_engines/new_engine.py", '"""New.\n\nLayer: L5\n"""\nX = 1\n')
    _write(sample, f"{CUS}/overview/L5_engines/deeper/__init__.py", "")
    _write(sample, f"{CUS}/general/L5_Infra/another.py", "X = 1\n")
    with (sample / DIGEST).open("a") as file:
        file.write("\nEDITED = True\n")
    _write(sample, "backend/app/api/outside.py", "X = 1\n")
    _write(sample, f"{CUS}/overview/notes.md", "text\n")
    assert guard(sample) == []


def test_moves_by_the_tool_are_no_drift_and_lock_again_without_approval(sample: Path, guard: Guard) -> None:
    new = f"{CUS}/logs/L6_drivers/panel_driver.py"
    assert run(["--root", str(sample), "--quiet", "mv", PANEL, new, "--execute"]) == 0
    assert guard(sample) == []
    assert run(["--root", str(sample), "--quiet", "lock"]) == 0
    assert guard(sample) == []
    (sample / new).unlink()
    assert {f["code"] for f in guard(sample)} == {"GUARD002"}


def test_a_move_by_the_tool_must_fit_the_layers_all_the_same(sample: Path, guard: Guard) -> None:
    new = f"{CUS}/logs/panel_driver.py"
    assert run(["--root", str(sample), "--quiet", "mv", PANEL, new, "--execute"]) == 0
    assert [(f["code"], f["path"]) for f in guard(sample)] == [("GUARD001", new)]
