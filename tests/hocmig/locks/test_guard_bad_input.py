"""Lock files that are edited, cut, merged or of another version: a clear finding, never a wrong pass."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from analyzers.domain_locks import parse_registry, render_registry
from hocmig.cli import run

Guard = Callable[..., list[dict[str, Any]]]
MAP = "src/app/_domain_map"
REGISTRY = f"{MAP}/DOMAIN_LOCK_REGISTRY.json"
GUARDS = f"{MAP}/DOMAIN_CI_GUARDS.yaml"
LOCK = "src/app/logs/DOMAIN_LOCK_FINAL.md"


def _edit(root: Path, path: str, change: Callable[[str], str]) -> None:
    text = (root / path).read_text()
    changed = change(text)
    assert changed != text
    (root / path).write_text(changed)


def _conflict(text: str) -> str:
    middle = text.index("\n", len(text) // 2) + 1
    return f"{text[:middle]}<<<<<<< HEAD\n{text[middle:]}=======\n>>>>>>> other\n"


def _without_row(text: str) -> str:
    lines = text.splitlines(keepends=True)
    return "".join(line for line in lines if "logs_store.py" not in line)


def _consistent_edit(text: str) -> str:
    """A registry from which a file was taken out, with all hashes made right again."""
    from analyzers.domain_inventory import count_layers, hash_of_domains, hash_of_files

    document = json.loads(text)
    lock = document["locks"]["logs"]
    del lock["inventory"]["L6_drivers/logs_store.py"]
    lock["files"] -= 1
    lock["layers"] = count_layers(lock["inventory"])
    lock["hash"] = hash_of_files({p: f["sha256"] for p, f in lock["inventory"].items()})
    document["files"] -= 1
    document["hash"] = hash_of_domains({d: entry["hash"] for d, entry in document["locks"].items()})
    return json.dumps(document)


CASES: dict[str, tuple[str, Callable[[str], str], str]] = {
    "lock with conflict markers": (LOCK, _conflict, "LOCK002"),
    "registry with conflict markers": (REGISTRY, _conflict, "LOCK002"),
    "rules with conflict markers": (GUARDS, _conflict, "LOCK002"),
    "lock of a newer version": (LOCK, lambda t: t.replace("Version:** 1.0", "Version:** 2.0"), "LOCK003"),
    "registry of a newer version": (
        REGISTRY,
        lambda t: t.replace('"lock_version": "1.0"', '"lock_version": "1.1", "more": 1'),
        "LOCK003",
    ),
    "cut lock": (LOCK, lambda t: t[: len(t) // 2], "LOCK004"),
    "empty lock": (LOCK, lambda t: "", "LOCK004"),
    "cut registry": (REGISTRY, lambda t: t[: len(t) // 2], "LOCK004"),
    "empty registry": (REGISTRY, lambda t: "", "LOCK004"),
    "registry of another kind": (REGISTRY, lambda t: "[1, 2]", "LOCK004"),
    "cut rules": (GUARDS, lambda t: t[: len(t) // 2], "LOCK004"),
    "rules that are no YAML": (GUARDS, lambda t: "domain_guards: [", "LOCK004"),
    "rules with an unknown operation": (GUARDS, lambda t: t.replace("MOVE_FILE", "FLY", 1), "LOCK004"),
    "lock without one of its rows": (LOCK, _without_row, "LOCK005"),
    "lock with a changed hash": (LOCK, lambda t: t.replace("**Hash:** ", "**Hash:** 0"), "LOCK005"),
    "lock with a changed count": (
        LOCK,
        lambda t: t.replace("| L6_drivers | 3 |", "| L6_drivers | 4 |"),
        "LOCK005",
    ),
    "lock of another day": (LOCK, lambda t: t.replace("**Locked:** 2", "**Locked:** 1"), "LOCK006"),
    "registry without one of its files": (
        REGISTRY,
        lambda t: t.replace('"L6_drivers/logs_store.py"', '"L6_drivers/other.py"'),
        "LOCK005",
    ),
    "registry edited with all its hashes": (REGISTRY, _consistent_edit, "LOCK006"),
    "registry with a path that leaves the domain": (
        REGISTRY,
        lambda t: t.replace('"L6_drivers/logs_store.py"', '"../../../etc/passwd"'),
        "LOCK004",
    ),
    "rules with another count": (GUARDS, lambda t: t.replace("file_count: 7", "file_count: 8", 1), "LOCK006"),
}


@pytest.mark.parametrize("kind", CASES)
def test_damaged_lock_files_are_findings(kind: str, locked: Path, guard: Guard) -> None:
    path, change, code = CASES[kind]
    _edit(locked, path, change)
    findings = guard(locked)
    found = {(f["code"], f["path"]) for f in findings if f["severity"] == "error"}
    # An edited registry shows in the lock file that it no longer agrees with.
    assert code in {c for c, _ in found}
    assert found & {(code, path), (code, LOCK)}
    assert all(f["message"] and f["mend"] for f in findings)


@pytest.mark.parametrize("path", [LOCK, REGISTRY, GUARDS])
def test_missing_lock_files_are_findings(path: str, locked: Path, guard: Guard) -> None:
    (locked / path).unlink()
    assert ("LOCK001", path) in {(f["code"], f["path"]) for f in guard(locked)}


def test_a_lock_file_that_is_a_folder_is_a_finding(locked: Path, guard: Guard) -> None:
    (locked / LOCK).unlink()
    (locked / LOCK).mkdir()
    assert {f["code"] for f in guard(locked)} == {"LOCK004"}


def test_a_lock_that_the_registry_does_not_know_is_a_finding(locked: Path, guard: Guard) -> None:
    (locked / "src/app/logs/deeper").mkdir()
    (locked / "src/app/logs/deeper/DOMAIN_LOCK_FINAL.md").write_text("x")
    assert {f["code"] for f in guard(locked)} == {"LOCK006"}


def test_line_ends_of_another_system_change_nothing(locked: Path, guard: Guard) -> None:
    for path in (LOCK, REGISTRY, GUARDS):
        (locked / path).write_bytes((locked / path).read_bytes().replace(b"\n", b"\r\n"))
    assert guard(locked) == []


def test_a_locked_registry_that_cannot_be_read_is_replaced_on_approval_alone(
    locked: Path, guard: Guard
) -> None:
    _edit(locked, REGISTRY, _conflict)
    lock = ["--root", str(locked), "--quiet", "lock"]
    assert run(lock) == 1
    assert "<<<<<<<" in (locked / REGISTRY).read_text()
    assert run([*lock, "--approve-by", "ana", "--reason", "both sides were wrong"]) == 0
    assert guard(locked) == []


def test_a_registry_of_a_newer_version_is_never_replaced(locked: Path) -> None:
    _edit(locked, REGISTRY, lambda t: t.replace('"lock_version": "1.0"', '"lock_version": "9.0"'))
    lock = ["--root", str(locked), "--quiet", "lock"]
    assert run([*lock, "--approve-by", "ana", "--reason", "x"]) == 1
    assert '"9.0"' in (locked / REGISTRY).read_text()


def test_a_torn_ledger_line_is_a_warning(locked: Path, guard: Guard) -> None:
    with (locked / ".hocmig/ledger.jsonl").open("a") as file:
        file.write('{"kind": "approv')
    findings = guard(locked)
    assert [(f["code"], f["severity"]) for f in findings] == [("LEDGER001", "warning")]


def test_an_approval_from_before_the_lock_does_not_count(locked: Path, guard: Guard) -> None:
    path = locked / "src/app/logs/L6_drivers/logs_store.py"
    content = path.read_bytes()
    path.unlink()
    lock = ["--root", str(locked), "--quiet", "lock"]
    assert run([*lock, "--approve-by", "ana", "--reason", "retired"]) == 0
    path.write_bytes(content)
    assert run(lock) == 0
    path.unlink()
    assert [f["code"] for f in guard(locked)] == ["GUARD002"]


def test_the_registry_survives_reading_and_writing(locked: Path) -> None:
    content = (locked / REGISTRY).read_bytes()
    assert render_registry(parse_registry(content, "registry")) == content
