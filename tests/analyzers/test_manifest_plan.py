from __future__ import annotations

import unicodedata
from pathlib import Path

import msgspec
import pytest

from analyzers.audit_workbook import parse_workbook
from analyzers.domain_tree import read_domain_tree
from analyzers.errors import InputError
from analyzers.layout import ProjectLayout
from analyzers.manifest_gates import manifest_gates
from analyzers.manifest_plan import plan_manifest
from analyzers.manifest_resolution import Resolution, carry_over, resolve_row
from analyzers.migration_manifest import ManifestRow, Status, parse_manifest, render_manifest
from analyzers.model import Finding

ROOT = "app/cus"


class Repository:
    """A tiny domain tree, a workbook for it, and the manifest that comes out."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.layout = ProjectLayout(root, (".",))
        self.records: list[str] = []
        (root / ROOT).mkdir(parents=True)

    def write(self, path: str, text: str = "") -> None:
        file = self.root / ROOT / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text or path)

    def record(self, path: str, decision: str, **attributes: str) -> None:
        table = "".join(f"| **{key.replace('_', ' ')}** | {value} |\n" for key, value in attributes.items())
        self.records.append(f"### [x] `{path}`\n{table}\n**DECISION:** `{decision}` ⚠️ (MISPLACED)\n\n")

    def plan(
        self, previous: tuple[ManifestRow, ...] = ()
    ) -> tuple[tuple[ManifestRow, ...], tuple[Finding, ...]]:
        tree = read_domain_tree(self.root, ROOT)
        workbook = parse_workbook("".join(self.records).encode(), "w.md")
        rows, findings = plan_manifest(workbook, tree, self.layout, previous)
        rows, stale = carry_over(rows, previous, tree, self.layout)
        assert parse_manifest(render_manifest(rows).encode(), "m.csv", self.layout, ROOT) == rows
        return rows, (*findings, *stale)

    def resolve(
        self, rows: tuple[ManifestRow, ...], number: int, action: str, **more: str
    ) -> tuple[ManifestRow, ...]:
        settled = list(rows)
        tree = read_domain_tree(self.root, ROOT)
        settled[number] = resolve_row(
            rows[number], Resolution(action, "why", **more), rows, tree, self.layout
        )
        return tuple(settled)


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path)


def codes(findings: tuple[Finding, ...]) -> list[str]:
    return [finding.code for finding in findings]


def test_a_decision_becomes_a_row(repository: Repository) -> None:
    repository.write("logs/L5_engines/x.py", "x")
    repository.write("controls/__init__.py")
    repository.record("logs/L5_engines/x.py", "controls")
    ((row,), findings) = repository.plan()
    assert (row.migration_id, row.status, row.workbook_line) == ("001", Status.PENDING, 1)
    assert row.current_path == "app/cus/logs/L5_engines/x.py"
    assert row.target_path == "app/cus/controls/L5_engines/x.py"
    assert (row.current_domain, row.current_layer, row.target_domain) == ("logs", "L5_engines", "controls")
    assert row.hash_before == "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"
    assert not findings


def test_ids_follow_the_paths_not_the_workbook(repository: Repository) -> None:
    for name in ("z", "a", "m"):
        repository.write(f"logs/{name}.py")
        repository.record(f"logs/{name}.py", "controls")
    rows, _ = repository.plan()
    assert [row.migration_id for row in rows] == ["001", "002", "003"]
    assert [row.current_path for row in rows] == [f"app/cus/logs/{name}.py" for name in "amz"]


def test_paths_below_the_repository_root_are_understood(repository: Repository) -> None:
    repository.write("logs/x.py")
    repository.record("app/cus/logs/x.py", "app/cus/controls/L5_engines/")
    ((row,), _) = repository.plan()
    assert (row.status, row.target_path) == (Status.PENDING, "app/cus/controls/L5_engines/x.py")


def test_a_stale_path_with_one_match_is_used_and_said(repository: Repository) -> None:
    repository.write("logs/L6_drivers/x.py")
    repository.write("controls/a.py")
    repository.record("logs/L5_engines/x.py", "controls")
    ((row,), findings) = repository.plan()
    assert (row.status, row.current_path) == (Status.PENDING, "app/cus/logs/L6_drivers/x.py")
    assert row.target_path == "app/cus/controls/L6_drivers/x.py"
    assert row.recorded_path == "app/cus/logs/L5_engines/x.py"
    assert codes(findings) == ["MAN001"]


def test_none_or_several_matches_are_unresolved_with_candidates(repository: Repository) -> None:
    repository.write("logs/L5_engines/x.py")
    repository.write("logs/L6_drivers/x.py")
    repository.write("other/y.py")
    repository.record("logs/x.py", "controls")
    repository.record("logs/y.py", "controls")
    rows, _ = repository.plan()
    assert [row.status for row in rows] == [Status.UNRESOLVED, Status.UNRESOLVED]
    assert "candidates: app/cus/logs/L5_engines/x.py, app/cus/logs/L6_drivers/x.py" in rows[0].findings
    assert "does not exist, nor a file of that name in logs" in rows[1].findings
    failed = [gate.name for gate in manifest_gates(rows, 3) if not gate.passed]
    assert failed == ["COUNT", "FILES_EXIST"]


def test_taken_targets_are_identical_or_in_conflict(repository: Repository) -> None:
    for name, other in (("same", "1"), ("differs", "2")):
        repository.write(f"logs/{name}.py", "1")
        repository.write(f"controls/{name}.py", other)
        repository.record(f"logs/{name}.py", "controls")
    rows, _ = repository.plan()
    assert [row.status for row in rows] == [Status.CONFLICT, Status.IDENTICAL]
    assert all(row.target_hash for row in rows)


def test_files_that_move_away_stand_in_nobodys_way(repository: Repository) -> None:
    for domain in ("a", "b", "c"):
        repository.write(f"{domain}/x.py")
    repository.record("a/x.py", "b")
    repository.record("b/x.py", "c")
    repository.record("c/x.py", "a")
    rows, _ = repository.plan()
    assert {row.status for row in rows} == {Status.PENDING}


def test_a_chain_whose_end_is_blocked_is_blocked_all_along(repository: Repository) -> None:
    for domain in ("a", "b", "c"):
        repository.write(f"{domain}/x.py")
    repository.record("a/x.py", "b")
    repository.record("b/x.py", "c")
    rows, _ = repository.plan()
    assert [row.status for row in rows] == [Status.CONFLICT, Status.CONFLICT]


def test_two_files_for_one_target_are_both_in_conflict(repository: Repository) -> None:
    repository.write("a/x.py")
    repository.write("b/x.py")
    repository.record("a/x.py", "c")
    repository.record("b/x.py", "c")
    rows, _ = repository.plan()
    assert [row.status for row in rows] == [Status.CONFLICT, Status.CONFLICT]
    assert "is wanted for app/cus/b/x.py, too" in rows[0].findings


def test_ignored_files_and_folders_are_flagged(repository: Repository) -> None:
    (repository.root / ".git").mkdir()
    (repository.root / ".gitignore").write_text("/app/cus/hidden/\n")
    repository.write("logs/x.py")
    repository.write("hidden/y.py")
    repository.write("controls/a.py")
    repository.record("logs/x.py", "hidden")
    repository.record("hidden/y.py", "controls")
    repository.record("hidden/gone.py", "controls")
    rows, findings = repository.plan()
    assert {row.current_path[8:]: row.status for row in rows} == {
        "hidden/gone.py": Status.UNRESOLVED, "hidden/y.py": Status.PENDING, "logs/x.py": Status.PENDING,
    }  # fmt: skip
    assert codes(findings) == ["MAN006", "MAN007", "MAN002"]
    assert ".gitignore covers the path" in rows[0].findings


def test_new_domains_and_disagreements_are_findings(repository: Repository) -> None:
    repository.write("logs/L6_drivers/x.py")
    repository.record(
        "logs/L6_drivers/x.py", "apis", Current_Domain="duplicates (QUARANTINED)", Layer="L5 — Engine"
    )
    ((row,), findings) = repository.plan()
    assert codes(findings) == ["MAN005", "MAN008", "MAN009"]
    assert row.status is Status.PENDING


def test_a_domain_attribute_may_carry_a_remark(repository: Repository) -> None:
    repository.write("logs/L6_drivers/x.py")
    repository.write("controls/a.py")
    repository.record("logs/L6_drivers/x.py", "controls", Current_Domain="logs (QUARANTINED, original: x/)")
    assert not repository.plan()[1]


@pytest.mark.parametrize("what", ["folder", "link", "no Python", "bad target", "same place"])
def test_what_cannot_move_is_unresolved(repository: Repository, what: str) -> None:
    repository.write("logs/real.py")
    path, decision = {
        "folder": ("logs/sub/", "controls"),
        "link": ("logs/link.py", "controls"),
        "no Python": ("logs/notes.md", "controls"),
        "bad target": ("logs/real.py", "not-a-name"),
        "same place": ("logs/real.py", "logs"),
    }[what]
    repository.write("logs/sub/inner.py")
    repository.write("logs/notes.md")
    (repository.root / ROOT / "logs/link.py").symlink_to("real.py")
    repository.record(path, decision)
    ((row,), findings) = repository.plan()
    assert row.status is Status.UNRESOLVED
    assert "MAN003" in codes(findings)


def test_composed_and_decomposed_names_are_the_same_file(repository: Repository) -> None:
    name = "caf\u00e9.py"
    repository.write(f"logs/{unicodedata.normalize('NFD', name)}")
    repository.record(f"logs/{name}", "controls")
    ((row,), _) = repository.plan()
    assert row.status is Status.PENDING
    assert (repository.root / row.current_path).is_file()


def test_two_records_that_turn_out_to_mean_one_file_contradict_each_other(repository: Repository) -> None:
    repository.write("logs/L5_engines/x.py")
    repository.record("logs/x.py", "controls")
    repository.record("logs/L5_engines/x.py", "general")
    with pytest.raises(
        InputError, match=r"w.md:\d+: contradicts line 1: both mean app/cus/logs/L5_engines/x.py"
    ):
        repository.plan()


# --- resolutions ---


@pytest.fixture
def conflict(repository: Repository) -> Repository:
    repository.write("logs/x.py", "source")
    repository.write("controls/x.py", "target")
    repository.record("logs/x.py", "controls")
    return repository


@pytest.mark.parametrize(
    ("action", "more", "status", "target"),
    [
        ("keep-target", {}, Status.DELETE_DUPLICATE, "controls/x.py"),
        ("keep-source", {}, Status.PENDING, "controls/x.py"),
        ("rename", {"new_path": "app/cus/controls/x2.py"}, Status.PENDING, "controls/x2.py"),
        ("skip", {}, Status.SKIPPED, "controls/x.py"),
    ],
)
def test_resolutions_settle_a_row_and_survive_a_new_plan(
    conflict: Repository, action: str, more: dict[str, str], status: Status, target: str
) -> None:
    rows = conflict.resolve(conflict.plan()[0], 0, action, **more)
    assert (rows[0].status, rows[0].target_path) == (status, f"{ROOT}/{target}")
    assert (rows[0].resolution, rows[0].resolution_reason) == (action, "why")
    assert rows[0].replaces_target is (action == "keep-source")
    again, findings = conflict.plan(rows)
    assert again == rows
    assert "MAN020" not in codes(findings)


@pytest.mark.parametrize("changed", ["logs/x.py", "controls/x.py"])
@pytest.mark.parametrize("action", ["keep-target", "keep-source"])
def test_a_resolution_is_stale_when_a_file_changed(conflict: Repository, action: str, changed: str) -> None:
    rows = conflict.resolve(conflict.plan()[0], 0, action)
    conflict.write(changed, "edited")
    again, findings = conflict.plan(rows)
    assert again[0].status is Status.CONFLICT
    assert "MAN020" in codes(findings)
    assert "is stale" in again[0].findings


def test_a_resolution_is_stale_when_the_workbook_decides_otherwise(conflict: Repository) -> None:
    rows = conflict.resolve(conflict.plan()[0], 0, "skip")
    conflict.records = []
    conflict.record("logs/x.py", "general")
    again, findings = conflict.plan(rows)
    assert again[0].status is Status.PENDING
    assert "the workbook said `controls`, now it says `general`" in str(findings[-1])


@pytest.mark.parametrize(
    ("action", "more", "problem"),
    [
        ("rename", {}, "rename needs a new path"),
        ("rename", {"new_path": "../x.py"}, "holds `..`"),
        ("rename", {"new_path": "app/other/x.py"}, "lies outside the domain root"),
        ("rename", {"new_path": "app/cus/controls/x.txt"}, "is no Python file"),
        ("rename", {"new_path": "app/cus/controls/x.py"}, "exists, too"),
        ("rename", {"new_path": "app/cus/logs/x.py"}, "the target is the source itself"),
        ("keep-source", {"source": "app/cus/none.py"}, "does not exist"),
        ("maybe", {}, "unknown action"),
    ],
)
def test_resolutions_that_cannot_be_are_refused(
    conflict: Repository, action: str, more: dict[str, str], problem: str
) -> None:
    with pytest.raises(InputError, match=problem):
        conflict.resolve(conflict.plan()[0], 0, action, **more)


def test_keep_target_needs_a_target_that_stays(repository: Repository) -> None:
    repository.write("a/x.py")
    repository.record("a/x.py", "b")
    with pytest.raises(InputError, match="there is nothing to keep"):
        repository.resolve(repository.plan()[0], 0, "keep-target")
    repository.write("b/x.py")
    repository.record("b/x.py", "c")
    with pytest.raises(InputError, match="is moved away by row 002"):
        repository.resolve(repository.plan()[0], 0, "keep-target")


def test_one_of_two_rivals_moves_and_the_other_is_its_duplicate(repository: Repository) -> None:
    repository.write("a/x.py")
    repository.write("b/x.py")
    repository.record("a/x.py", "c")
    repository.record("b/x.py", "c")
    rows = repository.resolve(repository.plan()[0], 0, "keep-source")
    with pytest.raises(InputError, match=r"row 001 moves to app/cus/c/x.py, too"):
        repository.resolve(rows, 1, "keep-source")
    rows = repository.resolve(rows, 1, "keep-target")
    assert [row.status for row in rows] == [Status.PENDING, Status.DELETE_DUPLICATE]
    assert not rows[0].replaces_target
    assert repository.plan(rows)[0] == rows


def test_a_source_can_be_named_for_an_unresolved_row(repository: Repository) -> None:
    repository.write("logs/L5_engines/x.py")
    repository.write("logs/L6_drivers/x.py")
    repository.record("logs/x.py", "controls")
    rows, _ = repository.plan()
    with pytest.raises(InputError, match="name the file with --source"):
        repository.resolve(rows, 0, "keep-source")
    rows = repository.resolve(rows, 0, "keep-source", source="app/cus/logs/L6_drivers/x.py")
    assert (rows[0].status, rows[0].target_path) == (Status.PENDING, "app/cus/controls/L6_drivers/x.py")
    assert repository.plan(rows)[0] == rows


def test_what_was_moved_stays_in_the_manifest(repository: Repository) -> None:
    for name in ("x", "y"):
        repository.write(f"logs/{name}.py")
        repository.record(f"logs/{name}.py", "controls")
    rows, _ = repository.plan()
    moved = tuple(msgspec.structs.replace(row, status=Status.MOVED) for row in rows)
    for row in moved:
        repository.write(row.target_path.removeprefix(f"{ROOT}/"))
        (repository.root / row.current_path).unlink()
    assert repository.plan(moved)[0] == moved
    with pytest.raises(InputError, match="was moved already"):
        repository.resolve(moved, 0, "skip")
    del repository.records[0]
    again, findings = repository.plan(moved)
    assert {row.current_path for row in again} == {row.current_path for row in moved}
    assert "MAN010" in codes(findings)


def test_what_was_rolled_back_is_planned_again(repository: Repository) -> None:
    repository.write("logs/x.py")
    repository.record("logs/x.py", "controls")
    rows, _ = repository.plan()
    back = (msgspec.structs.replace(rows[0], status=Status.ROLLED_BACK),)
    assert repository.plan(back)[0] == rows
