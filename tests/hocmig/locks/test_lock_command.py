"""P3: what is written, hashes that sha256sum recomputes, locking again, approvals."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from hocmig.cli import run
from hocmig.transaction.ledger import read_ledger

Guard = Callable[..., list[dict[str, Any]]]
MAP = "src/app/_domain_map"


def _lock(root: Path, *arguments: str) -> int:
    return run(["--root", str(root), "--quiet", "lock", *arguments])


def _registry(root: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((root / MAP / "DOMAIN_LOCK_REGISTRY.json").read_text())
    return document


def _tree(root: Path) -> dict[str, bytes]:
    """All artifacts by path."""
    files = [*(root / "src").rglob("*.md"), *(root / MAP).iterdir()]
    return {p.relative_to(root).as_posix(): p.read_bytes() for p in files}


def test_writes_the_plan_formats(locked: Path) -> None:
    text = (locked / "src/app/billing/DOMAIN_LOCK_FINAL.md").read_text()
    assert text.startswith("# BILLING Domain Lock\n\n**Locked:** 20")
    for line in (
        "**Lock Version:** 1.0",
        "**Files:** 7",
        "| Layer | Files |",
        "| L5_engines | 3 |",
        "| File | Layer | Hash |",
        "- New files: ALLOWED (must follow layer convention)",
        "- Delete files: REQUIRES_APPROVAL",
        "- Move files: BLOCKED (use migration process)",
        "- Rename files: BLOCKED",
    ):
        assert line in text.splitlines()
    registry = _registry(locked)
    assert (registry["domains"], registry["files"]) == (3, 21)
    guards = yaml.safe_load((locked / MAP / "DOMAIN_CI_GUARDS.yaml").read_text())["domain_guards"]
    assert guards["billing"]["file_count"] == 7
    assert guards["billing"]["locked_at"] == registry["locks"]["billing"]["locked_at"][:10]
    assert "ADD_FILE" in guards["billing"]["allowed_operations"]
    assert guards["billing"]["blocked_operations"] == ["DELETE_FILE", "MOVE_FILE", "RENAME_FILE"]


def _shell(command: str, folder: Path) -> str:
    done = subprocess.run(["bash", "-c", command], cwd=folder, capture_output=True, text=True, check=False)
    return done.stdout.strip()


def _recipes(folder: Path) -> list[str]:
    """The commands in the section on recomputing, continued lines joined."""
    text = (folder / "DOMAIN_LOCK_FINAL.md").read_text().partition("## How to recompute")[2]
    text = re.sub(r"\\\n\s*", "", text)
    return [line.strip() for line in text.splitlines() if line.startswith("    ")]


def test_the_recipes_in_the_lock_give_its_hashes(locked: Path) -> None:
    registry = _registry(locked)
    for domain, lock in registry["locks"].items():
        folder = locked / "src/app" / domain
        domain_hash, changed, all_hash = _recipes(folder)
        assert _shell(domain_hash, folder).split() == [lock["hash"], "-"]
        assert f"**Hash:** {lock['hash']}" in (folder / "DOMAIN_LOCK_FINAL.md").read_text()
        assert _shell(changed, folder) == ""
        assert _shell(all_hash, folder.parent).split() == [registry["hash"], "-"]
    with (locked / "src/app/logs/L6_drivers/logs_store.py").open("a") as file:
        file.write("\n")
    folder = locked / "src/app/logs"
    domain_hash, changed, _ = _recipes(folder)
    assert _shell(changed, folder) == "L6_drivers/logs_store.py: FAILED"
    assert _shell(domain_hash, folder).split()[0] != registry["locks"]["logs"]["hash"]


def test_locking_twice_writes_the_same_bytes(locked: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = _tree(locked)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "4102444800")
    assert _lock(locked) == 0
    assert _tree(locked) == before


def test_only_the_changed_domain_is_locked_anew(locked: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = _tree(locked)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "4102444800")
    (locked / "src/app/logs/L5_engines/logs_new.py").write_text("X = 1\n")
    assert _lock(locked) == 0
    after = _tree(locked)
    assert after["src/app/billing/DOMAIN_LOCK_FINAL.md"] == before["src/app/billing/DOMAIN_LOCK_FINAL.md"]
    assert b"**Locked:** 2100-01-01" in after["src/app/logs/DOMAIN_LOCK_FINAL.md"]
    locks = _registry(locked)["locks"]
    assert locks["logs"]["locked_at"] == "2100-01-01T00:00:00Z"
    assert locks["billing"]["locked_at"] < "2100"


def test_drift_is_not_locked_without_an_approval(locked: Path, guard: Guard) -> None:
    (locked / "src/app/logs/L6_drivers/logs_store.py").unlink()
    before = _tree(locked)
    assert _lock(locked) == 1
    assert _tree(locked) == before
    assert _lock(locked, "--approve-by", "ana") == 2
    assert _tree(locked) == before
    assert _lock(locked, "--approve-by", "ana", "--reason", "the store is retired") == 0
    assert guard(locked) == []
    approvals = [e for e in read_ledger(locked).entries if e.kind == "approval"]
    assert [(e.by, e.reason, e.subject) for e in approvals] == [
        ("ana", "the store is retired", {"src/app/logs/L6_drivers/logs_store.py": "DELETE_FILE"})
    ]


def test_a_vanished_domain_leaves_with_an_approval(locked: Path, guard: Guard) -> None:
    for path in sorted((locked / "src/app/logs").rglob("*.py")):
        path.unlink()
    assert _lock(locked) == 1
    assert _lock(locked, "--approve-by", "ana", "--reason", "merged into general") == 0
    assert not (locked / "src/app/logs/DOMAIN_LOCK_FINAL.md").exists()
    assert sorted(_registry(locked)["locks"]) == ["billing", "general"]
    assert guard(locked) == []


def test_guard_rules_that_people_changed_stay_and_count(locked: Path, guard: Guard) -> None:
    path = locked / MAP / "DOMAIN_CI_GUARDS.yaml"
    text = path.read_text()
    start = text.index("  logs:")
    logs = text[start:].replace("      - EDIT_FILE\n", "").replace("      - DELETE_FILE\n", "")
    logs = logs.replace("      - ADD_FILE\n", "      - ADD_FILE\n      - DELETE_FILE\n")
    path.write_text(text[:start] + logs)
    (locked / "src/app/logs/L6_drivers/logs_store.py").unlink()
    assert guard(locked) == []
    with (locked / "src/app/logs/L5_engines/logs_plan.py").open("a") as file:
        file.write("X = 1\n")
    assert [f["code"] for f in guard(locked)] == ["GUARD013"]
    assert _lock(locked, "--approve-by", "ana", "--reason", "a wanted edit") == 0
    assert guard(locked) == []
    rules = yaml.safe_load(path.read_text())["domain_guards"]["logs"]
    assert rules["allowed_operations"] == ["ADD_FILE", "DELETE_FILE"]
    assert "- Edit files: REQUIRES_APPROVAL" in (locked / "src/app/logs/DOMAIN_LOCK_FINAL.md").read_text()


def test_expected_counts_are_gates(project: Path) -> None:
    with (project / "hocmig.yaml").open("a") as file:
        file.write("expect:\n  domains: 11\n")
    assert _lock(project) == 1


def test_nothing_is_written_when_one_write_fails(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import hocmig.transaction.filesystem as filesystem

    original = filesystem.Tree.hard_link
    calls = 0

    def fail_late(self: Any, *arguments: Any, **options: Any) -> Any:
        nonlocal calls
        if any("DOMAIN_LOCK" in str(a) for a in arguments):
            calls += 1
            if calls == 2:
                raise OSError(28, "No space left on device")
        return original(self, *arguments, **options)

    monkeypatch.setattr(filesystem.Tree, "hard_link", fail_late)
    assert _lock(project) == 4
    assert calls >= 2
    assert not list((project / "src").rglob("DOMAIN_*"))


def test_an_unfinished_manifest_is_not_locked(project: Path) -> None:
    source = "src/app/logs/L6_drivers/logs_store.py"
    target = "src/app/general/L6_drivers/logs_store.py"
    columns = "migration_id,current_path,current_domain,current_layer,target_domain,target_layer,target_path"
    (project / MAP).mkdir()
    (project / MAP / "MIGRATION_MANIFEST.csv").write_text(
        f"{columns},reason,status,hash_before\n"
        f"001,{source},logs,L6_drivers,general,L6_drivers,{target},why,PENDING,{'0' * 64}\n"
    )
    assert _lock(project) == 1
    assert not (project / MAP / "DOMAIN_LOCK_REGISTRY.json").exists()
    assert _lock(project, "--approve-by", "ana", "--reason", "next quarter") == 0
    (approval,) = (e for e in read_ledger(project).entries if e.kind == "approval")
    assert approval.subject == {source: "UNFINISHED_MIGRATION"}


@pytest.mark.parametrize(
    ("config", "what"),
    [
        ("domain_root: ''\n", "no domain_root"),
        ("domain_root: src/app\ndomains: [gone]\n", "without a Python"),
    ],
)
def test_wrong_configurations_are_one_line(
    project: Path, config: str, what: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "hocmig.yaml").write_text(f"import_roots: [src]\n{config}")
    assert _lock(project) == 2
    error = capsys.readouterr().err
    assert what in error
    assert error.count("\n") == 1
