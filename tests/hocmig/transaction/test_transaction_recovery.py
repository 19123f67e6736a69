"""Recovery: what it refuses, what it puts aside, and damaged or hostile journals."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analyzers.errors import InputError, InterruptedTransactionError
from hocmig.cli import run
from hocmig.commands import recover as recover_command
from hocmig.transaction.change import sha256
from hocmig.transaction.filesystem import Tree
from hocmig.transaction.ledger import LedgerEntry, read_ledger
from hocmig.transaction.recovery import StrangersError, pending, recover, refuse_when_pending

MIDDLE = "old/deep/gone.py"


@pytest.fixture
def interrupted(scenario: ModuleType, tmp_path: Path) -> Path:
    """A migration killed when everything is written and the first file is to be deleted."""
    trial = tmp_path / "trial"
    trial.mkdir()
    scenario.build(trial, scenario.old_files())
    calls = scenario.count_calls(scenario.migrate, trial)
    root = tmp_path / "root"
    root.mkdir()
    scenario.build(root, scenario.old_files())
    number = 1 + calls.index(("unlink", MIDDLE))
    assert scenario.in_child(scenario.migrate, root, f"kill:{number}") == -9
    return root


def trees(scenario: ModuleType, root: Path) -> tuple[Any, Any]:
    pristine = root.parent / "pristine"
    pristine.mkdir()
    scenario.build(pristine, scenario.old_files())
    return scenario.snapshot(pristine), scenario.snapshot(root.parent / "trial")


def test_pending_tells_what_happened(interrupted: Path) -> None:
    state = pending(interrupted)
    assert state is not None
    assert (state.phase, state.command[:2], state.time) == ("P2", ("hocmig", "move"), "2026-01-27T10:00:00Z")
    assert 0 < state.written < state.total
    assert state.strangers == ()
    assert state.running is None
    with Tree(interrupted) as tree, pytest.raises(InterruptedTransactionError) as caught:
        refuse_when_pending(tree)
    assert caught.value.exit_code == 3
    assert "recover --resume" in str(caught.value)


def test_mutating_commands_ask_for_recovery_first(
    interrupted: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (interrupted / "hocmig.yaml").write_text("version: 1\nimport_roots: [.]\ndomain_root: old\n")
    (interrupted / "extra.py").write_text("X = 1\n")
    # The last ones name what the half-written tree lacks: that is no reason to say anything else first.
    commands = (
        ["mv", "extra.py", "other.py"],
        ["mv", "extra:X", "other"],
        ["normalize"],
        ["mv", "gone.module", "other.module", "--execute"],
        ["mv", "--rollback"],
        ["move", "--execute"],
        ["consolidate", "--all"],
        ["refactor"],
        ["lock"],
        ["manifest"],
        ["resolve", "001", "skip", "--reason", "so"],
    )
    for command in commands:
        assert run(["--root", str(interrupted), *command]) == 3, command
        assert "recover --resume" in capsys.readouterr().err


def test_nothing_pending_is_nothing_to_do(tmp_path: Path) -> None:
    assert pending(tmp_path) is None
    assert recover(tmp_path, resume=True) is None


@pytest.mark.parametrize("resume", [True, False])
@pytest.mark.parametrize("path", ["tool.sh", "pkg/edit/e0.py", MIDDLE, "pkg/b/moved/mod_01.py", "new/tool"])
def test_files_that_people_changed_since_are_refused_then_put_aside(
    scenario: ModuleType, interrupted: Path, path: str, resume: bool
) -> None:
    (interrupted / path).unlink()
    (interrupted / path).write_bytes(b"mine")
    before = scenario.snapshot(interrupted)
    with pytest.raises(StrangersError) as caught:
        recover(interrupted, resume=resume)
    assert caught.value.files == (path,)
    assert scenario.snapshot(interrupted) == before
    done = recover(interrupted, resume=resume, force=True)
    assert done is not None
    assert (interrupted / done.rescued[path]).read_bytes() == b"mine"
    old, new = trees(scenario, interrupted)
    assert scenario.snapshot(interrupted) == (new if resume else old)


def test_a_folder_that_was_made_without_its_mode_gets_it_in_the_next_attempt(
    scenario: ModuleType, tmp_path: Path
) -> None:
    trial, twin, root = (tmp_path / name for name in ("trial", "twin", "root"))
    for folder in (trial, twin, root):
        folder.mkdir()
        scenario.build(folder, scenario.old_files())
    old = scenario.snapshot(root)
    calls = scenario.count_calls(scenario.migrate, trial)
    number = 2 + calls.index(("rmdir", "pkg/a"))
    for folder in (twin, root):
        assert scenario.in_child(scenario.migrate, folder, f"kill:{number}") == -9
        assert not (folder / "pkg/a").exists()
    place = 1 + scenario.count_calls(scenario.rolled_back, twin).index(("chmod", "pkg/a"))
    assert scenario.in_child(scenario.rolled_back, root, f"kill:{place}") == -9
    assert stat.S_IMODE((root / "pkg/a").stat().st_mode) == 0o700
    assert recover(root, resume=False) is not None
    assert scenario.snapshot(root) == old


@pytest.mark.parametrize("resume", [True, False])
@pytest.mark.parametrize("path", ["tool.sh", "pkg/swap/x.py"])
def test_files_that_people_deleted_since_come_back_only_with_force(
    scenario: ModuleType, interrupted: Path, path: str, resume: bool
) -> None:
    (interrupted / path).unlink()
    with pytest.raises(StrangersError):
        recover(interrupted, resume=resume)
    done = recover(interrupted, resume=resume, force=True)
    assert done is not None
    assert done.rescued == {}
    old, new = trees(scenario, interrupted)
    assert scenario.snapshot(interrupted) == (new if resume else old)


def test_a_folder_in_the_way_is_put_aside_whole(scenario: ModuleType, interrupted: Path) -> None:
    (interrupted / "tool.sh").unlink()
    (interrupted / "tool.sh").mkdir()
    (interrupted / "tool.sh/mine").write_bytes(b"mine")
    done = recover(interrupted, resume=False, force=True)
    assert done is not None
    assert (interrupted / done.rescued["tool.sh"] / "mine").read_bytes() == b"mine"
    assert scenario.snapshot(interrupted) == trees(scenario, interrupted)[0]


def test_an_edit_in_place_that_went_into_the_only_copy_is_kept(
    scenario: ModuleType, interrupted: Path
) -> None:
    # Not yet deleted, so the path and the stage's copy are one inode.
    with (interrupted / MIDDLE).open("ab") as file:
        file.write(b"mine\n")
    with pytest.raises(StrangersError):
        recover(interrupted, resume=False)
    done = recover(interrupted, resume=False, force=True)
    assert done is not None
    assert done.kept == (MIDDLE,)
    assert (interrupted / MIDDLE).read_bytes() == b"delete me\nmine\n"
    old, _ = trees(scenario, interrupted)
    now = scenario.snapshot(interrupted)
    assert {p for p in old if old[p] != now[p]} == {MIDDLE}


def test_a_damaged_stage_names_the_other_way(scenario: ModuleType, interrupted: Path) -> None:
    header = read_header(interrupted)
    number = next(n for n, s in enumerate(header["plan"]["steps"]) if s["path"] == "tool.sh")
    slot = interrupted / f".hocmig/transaction/old/{number}"
    slot.unlink()
    slot.write_bytes(b"rotten")
    before = scenario.snapshot(interrupted)
    with pytest.raises(InputError, match=r"staged copy of tool\.sh is damaged; recover with --resume"):
        recover(interrupted, resume=False)
    assert scenario.snapshot(interrupted) == before
    assert recover(interrupted, resume=True) is not None
    assert scenario.snapshot(interrupted) == trees(scenario, interrupted)[1]


def journal(root: Path) -> Path:
    return root / ".hocmig/transaction/journal"


def read_header(root: Path) -> Any:
    return json.loads(journal(root).read_bytes().split(b"\n")[0][17:])


def write_header(root: Path, header: Any) -> None:
    document = json.dumps(header).encode()
    journal(root).write_bytes(sha256(document)[:16].encode() + b" " + document + b"\n")


def test_a_damaged_journal_is_refused_and_the_stage_kept(scenario: ModuleType, interrupted: Path) -> None:
    content = bytearray(journal(interrupted).read_bytes())
    content[100] ^= 1
    journal(interrupted).write_bytes(bytes(content))
    before = scenario.snapshot(interrupted)
    for resume in (True, False):
        with pytest.raises(InputError, match=r"journal:1: is damaged: its checksum is wrong"):
            recover(interrupted, resume=resume)
    with pytest.raises(InputError, match="damaged"):
        scenario.migrate(interrupted)
    assert scenario.snapshot(interrupted) == before
    assert (interrupted / ".hocmig/transaction/old").is_dir()


@pytest.mark.parametrize("path", ["../outside", "/tmp/outside", ".git/hooks/x", "a/../../x"])
@pytest.mark.parametrize("place", ["steps", "made", "removed"])
def test_a_hostile_journal_is_refused(interrupted: Path, path: str, place: str) -> None:
    header = read_header(interrupted)
    header["plan"][place][0]["path"] = path
    write_header(interrupted, header)
    with pytest.raises(InputError, match="the path"):
        recover(interrupted, resume=True)


def test_a_torn_last_event_does_not_matter(scenario: ModuleType, interrupted: Path) -> None:
    with journal(interrupted).open("ab") as file:
        file.write(b'0123456789abcdef {"mark"')
    assert recover(interrupted, resume=True) is not None
    assert scenario.snapshot(interrupted) == trees(scenario, interrupted)[1]


@pytest.mark.parametrize("event", [None, [], {"mark": "swapping"}, {"mark": "elsewhere", "time": "now"}])
def test_an_event_that_is_none_is_refused_with_its_line(interrupted: Path, event: object) -> None:
    """Found by fuzzing: a whole line with the right checksum that says something else."""
    document = json.dumps(event).encode()
    first = journal(interrupted).read_bytes().splitlines(keepends=True)[0]
    journal(interrupted).write_bytes(first + sha256(document)[:16].encode() + b" " + document + b"\n")
    with pytest.raises(InputError, match=r"journal:2: is no event of this version"):
        recover(interrupted, resume=True)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=300), st.booleans())
def test_any_journal_is_refused_without_a_traceback(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, signed: bool
) -> None:
    root = tmp_path_factory.mktemp("journal")
    journal(root).parent.mkdir(parents=True)
    line = sha256(content)[:16].encode() + b" " + content if signed else content
    journal(root).write_bytes(line)
    with pytest.raises(InputError):
        pending(root)


@pytest.mark.parametrize("first", [True, False])
def test_the_ledger_agrees_when_the_direction_changes_after_the_entry(
    scenario: ModuleType, tmp_path: Path, first: bool
) -> None:
    """Killed between the ledger and the end of the journal, then recovered one way and the other."""
    trial, root = tmp_path / "trial", tmp_path / "root"
    for folder in (trial, root):
        folder.mkdir()
        scenario.build(folder, scenario.old_files())
    calls = scenario.count_calls(scenario.migrate, trial)
    last = len(calls) - calls[::-1].index(("unlink", ".hocmig/transaction/journal"))
    assert scenario.in_child(scenario.migrate, root, f"kill:{last}") == -9
    assert len(read_ledger(root).entries) == 1
    for direction in (first, not first, first):
        # Kill the recovery at the same place: the ledger is written, the journal is still there.
        def action(folder: Path, direction: bool = direction) -> None:
            recover(folder, resume=direction)

        number = 1
        while scenario.in_child(action, root, f"kill:{number}") == -9:
            assert pending(root) is not None or number > 50
            if pending(root) is None:
                break
            number += 11
        tree = scenario.snapshot(root)
        old_tree, new_tree = scenario.snapshot(trial) if direction else None, scenario.snapshot(trial)
        assert (tree == new_tree) is direction
        assert len(read_ledger(root).standing()) == int(direction)
        assert old_tree in (None, new_tree)
        if pending(root) is None:
            break


def test_event_documents_are_typed() -> None:
    entry = LedgerEntry(kind="transaction", time="t", phase="P2")
    assert msgspec.json.decode(msgspec.json.encode(entry), type=LedgerEntry) == entry


def call(root: Path, *arguments: str, as_json: bool = False) -> Any:
    options = {"root": root, "as_json": as_json, "quiet": False, "verbose": False}
    return CliRunner().invoke(recover_command.command, arguments, obj=options)


def test_the_command_asks_for_a_direction_and_then_goes_there(
    scenario: ModuleType, interrupted: Path
) -> None:
    asked = call(interrupted)
    assert isinstance(asked.exception, InterruptedTransactionError)
    assert "say --resume for the new tree or --rollback for the old one" in str(asked.exception)
    both = call(interrupted, "--resume", "--rollback")
    assert isinstance(both.exception, InputError)
    done = call(interrupted, "--rollback")
    assert done.exit_code == 0
    assert "P2: the tree is the old one;" in done.output
    assert scenario.snapshot(interrupted) == trees(scenario, interrupted)[0]
    again = call(interrupted, "--resume")
    assert again.output == "Nothing to recover: no transaction was interrupted.\n"


def test_the_command_speaks_json(interrupted: Path) -> None:
    (interrupted / "tool.sh").unlink()
    (interrupted / "tool.sh").write_bytes(b"mine")
    asked = call(interrupted, as_json=True)
    assert json.loads(asked.stdout)["pending"]["strangers"] == ["tool.sh"]
    done = call(interrupted, "--resume", "--force", as_json=True)
    document = json.loads(done.stdout)
    assert document["pending"] is None
    assert document["recovered"]["direction"] == "resume"
    assert list(document["recovered"]["rescued"]) == ["tool.sh"]


def test_the_command_finds_the_root_from_a_folder_below(
    interrupted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(interrupted / "pkg/edit")
    assert recover_command.find_root(None) == interrupted
    assert recover_command.find_root(interrupted) == interrupted
    with pytest.raises(InputError, match="is no directory"):
        recover_command.find_root(interrupted / "nowhere")
