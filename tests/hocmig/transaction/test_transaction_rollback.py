"""Rollback of ended transactions: byte for byte and mode for mode, and never over people's edits unasked."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import ModuleType

import pytest

from analyzers.errors import InputError
from hocmig.transaction.backup import read_backup
from hocmig.transaction.change import ChangeSet, FileChange, sha256
from hocmig.transaction.ledger import read_ledger
from hocmig.transaction.rollback import EditsAtRiskError, archives_back_to, latest, plan_rollback, rollback
from hocmig.transaction.transaction import TransactionResult, run_transaction

COMMAND = ("hocmig", "move", "--rollback")


@pytest.fixture
def migrated(scenario: ModuleType, tmp_path: Path) -> Path:
    scenario.build(tmp_path, scenario.old_files())
    scenario.migrate(tmp_path)
    return tmp_path


def archive_of(root: Path) -> Path:
    return root / latest(root, "P2").backup


def undo(root: Path, *archives: Path, force: bool = False) -> TransactionResult:
    return rollback(root, archives, phase="P2", command=COMMAND, reason="mistake", force=force)


def without_backups(scenario: ModuleType, root: Path) -> object:
    """The tree, but for the archives and for Python's caches, which no archive holds."""
    return {
        path: entry
        for path, entry in scenario.snapshot(root).items()
        if not path.startswith("backups") and "__pycache__" not in path
    }


def step(root: Path, phase: str, *changes: FileChange) -> TransactionResult:
    return run_transaction(root, ChangeSet(changes), phase=phase, command=("hocmig", phase), backup=True)


def edit(root: Path, path: str, content: bytes) -> FileChange:
    return FileChange(path, None, content, None, sha256((root / path).read_bytes()))


def move(root: Path, old: str, new: str) -> FileChange:
    content = (root / old).read_bytes()
    return FileChange(new, old, content, None, sha256(content))


def test_the_old_tree_comes_back_with_modes_links_and_folders(
    scenario: ModuleType, migrated: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    pristine = tmp_path_factory.mktemp("pristine")
    scenario.build(pristine, scenario.old_files())
    result = undo(migrated, archive_of(migrated))
    assert without_backups(scenario, migrated) == without_backups(scenario, pristine)
    entry = read_ledger(migrated).entries[-1]
    assert (entry.kind, entry.reason, entry.migration_ids) == ("rollback", "mistake", ("001",))
    assert entry.reverts == (read_ledger(migrated).entries[0].entry_id,)
    assert read_ledger(migrated).standing() == ()
    moves = {(f.path_before, f.path_after) for f in entry.files if f.kind == "move"}
    assert ("pkg/b/moved/mod_00.py", "pkg/a/mod_00.py") in moves
    assert ("pkg/swap/x.py", "pkg/swap/y.py") in moves
    assert (migrated / result.backup).exists()


def test_a_rollback_can_be_rolled_back(scenario: ModuleType, migrated: Path) -> None:
    new = without_backups(scenario, migrated)
    result = undo(migrated, archive_of(migrated))
    undo(migrated, migrated / result.backup)
    assert without_backups(scenario, migrated) == new
    assert [e.phase for e in read_ledger(migrated).standing()] == ["P2"]


def test_edits_since_are_listed_and_refused_and_kept_in_the_backup_when_forced(
    scenario: ModuleType, migrated: Path
) -> None:
    (migrated / "pkg/b/moved/mod_01.py").write_bytes(b"my work\n")
    (migrated / "new/tool").unlink()
    (migrated / "tool.sh").chmod(0o700)
    (migrated / "mine.py").write_bytes(b"untouched\n")
    before = scenario.snapshot(migrated)
    with pytest.raises(EditsAtRiskError) as caught:
        undo(migrated, archive_of(migrated))
    # new/tool is gone already, as the rollback wants it.
    assert caught.value.files == ("pkg/b/moved/mod_01.py", "tool.sh")
    assert "would be lost: pkg/b/moved/mod_01.py, tool.sh" in str(caught.value)
    assert scenario.snapshot(migrated) == before
    result = undo(migrated, archive_of(migrated), force=True)
    assert (migrated / "pkg/a/mod_01.py").read_bytes() == b"# module 1\nimport pkg.a\n"
    assert (migrated / "mine.py").read_bytes() == b"untouched\n"
    assert read_backup(migrated / result.backup).contents["pkg/b/moved/mod_01.py"] == b"my work\n"


def test_a_file_that_people_put_at_an_old_path_is_at_risk(migrated: Path) -> None:
    (migrated / "pkg/a").mkdir()
    (migrated / "pkg/a/mod_00.py").write_bytes(b"a new one\n")
    with pytest.raises(EditsAtRiskError) as caught:
        undo(migrated, archive_of(migrated))
    assert caught.value.files == ("pkg/a/mod_00.py",)
    undo(migrated, archive_of(migrated), force=True)
    assert (migrated / "pkg/a/mod_00.py").read_bytes() == b"# module 0\nimport pkg.a\n"
    assert not (migrated / "pkg/b").exists()


def test_a_folder_in_the_way_is_refused_even_with_force(migrated: Path) -> None:
    (migrated / "new/tool").unlink()
    (migrated / "new/tool").mkdir()
    with pytest.raises(InputError, match="new/tool: a folder stands in the way"):
        undo(migrated, archive_of(migrated), force=True)


def test_an_archive_of_another_repository_is_refused(
    scenario: ModuleType, migrated: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = tmp_path_factory.mktemp("other")
    files = scenario.old_files(moved=2)
    scenario.build(other, files)
    scenario.migrate(other, files)
    with pytest.raises(InputError, match="belongs to no transaction of this repository's ledger"):
        undo(migrated, archive_of(other))


def test_a_forged_archive_with_the_right_id_is_refused(migrated: Path) -> None:
    archive = archive_of(migrated)
    import gzip

    archive.write_bytes(gzip.compress(gzip.decompress(archive.read_bytes()), compresslevel=1))
    with pytest.raises(InputError, match="is not the archive that the ledger names"):
        undo(migrated, archive)


def test_an_archive_is_good_once_and_anywhere(
    migrated: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "copy.tar.gz"
    shutil.move(archive_of(migrated), elsewhere)
    undo(migrated, elsewhere)
    with pytest.raises(InputError, match="has been rolled back already"):
        undo(migrated, elsewhere)


def test_several_in_a_row_go_back_to_the_first_as_one_transaction(
    scenario: ModuleType, tmp_path: Path
) -> None:
    (tmp_path / "d").mkdir()
    for name in ("a", "b", "c"):
        (tmp_path / "d" / name).write_bytes(name.encode())
    old = scenario.snapshot(tmp_path)
    step(tmp_path, "P2", move(tmp_path, "d/a", "e/a"), edit(tmp_path, "d/b", b"B"))
    step(tmp_path, "P6", move(tmp_path, "e/a", "f/g/a"), FileChange("d/c", before_sha256=sha256(b"c")))
    step(tmp_path, "P7", edit(tmp_path, "f/g/a", b"A!"), FileChange("d/c", content=b"other"))
    step(tmp_path, "P8", move(tmp_path, "d/c", "h"), FileChange("x", content=b"x"))
    archives = archives_back_to(tmp_path)
    assert len(archives) == 4
    undo(tmp_path, *archives)
    assert without_backups(scenario, tmp_path) == old
    ledger = read_ledger(tmp_path)
    assert ledger.standing() == ()
    assert ledger.entries[-1].reverts == tuple(e.entry_id for e in reversed(ledger.entries[:-1]))
    assert ("f/g/a", "d/a") in {(f.path_before, f.path_after) for f in ledger.entries[-1].files}


def test_going_back_part_of_the_way(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"0")
    for number in (1, 2, 3):
        step(tmp_path, f"P{number}", edit(tmp_path, "a", b"%d" % number))
    second = read_ledger(tmp_path).entries[1].entry_id
    undo(tmp_path, *archives_back_to(tmp_path, second))
    assert (tmp_path / "a").read_bytes() == b"1"
    assert [e.phase for e in read_ledger(tmp_path).standing()] == ["P1"]


def test_an_older_transaction_alone_would_lose_the_newer_one(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"0")
    first = step(tmp_path, "P2", edit(tmp_path, "a", b"1"))
    step(tmp_path, "P6", edit(tmp_path, "a", b"2"))
    with pytest.raises(EditsAtRiskError):
        undo(tmp_path, tmp_path / first.backup)


def test_an_edit_between_two_transactions_is_at_risk(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"0")
    step(tmp_path, "P2", edit(tmp_path, "a", b"1"))
    (tmp_path / "a").write_bytes(b"mine")
    step(tmp_path, "P6", edit(tmp_path, "a", b"2"))
    plan = plan_rollback(tmp_path, archives_back_to(tmp_path))
    assert plan.at_risk == ("a",)


def test_a_folder_that_was_empty_before_stays(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"0")
    (tmp_path / "empty").mkdir()
    step(tmp_path, "P2", move(tmp_path, "a", "empty/a"), FileChange("made/x", content=b""))
    undo(tmp_path, archive_of(tmp_path))
    assert (tmp_path / "empty").is_dir()
    assert not (tmp_path / "made").exists()


def test_without_a_backup_there_is_nothing_to_go_back_with(tmp_path: Path) -> None:
    changes = ChangeSet((FileChange("a", content=b""),))
    run_transaction(tmp_path, changes, phase="P2", command=COMMAND, backup=False)
    with pytest.raises(InputError, match="was run without --backup"):
        archives_back_to(tmp_path)
    with pytest.raises(InputError, match="knows no transaction of P6"):
        latest(tmp_path, "P6")
    with pytest.raises(InputError, match="no transaction nonsense is in force"):
        archives_back_to(tmp_path, "nonsense")
