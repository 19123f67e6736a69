"""One transaction from end to end: what it writes and refuses, and what it does when others interfere."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from analyzers.errors import (
    GateError,
    InputError,
    InterruptedTransactionError,
    RolledBackError,
    StaleInputError,
)
from hocmig.transaction import filesystem
from hocmig.transaction.backup import read_backup
from hocmig.transaction.change import SYMLINK_MODE, ChangeSet, FileChange, sha256
from hocmig.transaction.ledger import read_ledger
from hocmig.transaction.overlay import Overlay
from hocmig.transaction.recovery import pending
from hocmig.transaction.transaction import TransactionResult, run_transaction

Patch = pytest.MonkeyPatch

#: Runs an action just before a file-system call about a path, once.
AtCall = Callable[[str, str, Callable[[], object]], None]


def write(root: Path, path: str, content: bytes = b"old\n", mode: int = 0o644) -> str:
    target = root / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content)
    target.chmod(mode)
    return sha256(content)


def run(
    root: Path,
    *changes: FileChange,
    verify: Callable[[Overlay], None] | None = None,
    backup: bool = False,
    git_stage: bool = False,
    inputs: dict[str, str | None] | None = None,
    remove_empty_dirs: bool = True,
) -> TransactionResult:
    return run_transaction(
        root,
        ChangeSet(changes, inputs=inputs or {}, remove_empty_dirs=remove_empty_dirs),
        phase="P2",
        command=("hocmig", "move", "--execute"),
        reason="because",
        backup=backup,
        verify=verify,
        git_stage=git_stage,
    )


def paths(root: Path) -> set[str]:
    return {
        p.relative_to(root).as_posix() for p in root.rglob("*") if ".hocmig" not in p.parts and not p.is_dir()
    }


def git(root: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=True).stdout


@pytest.fixture
def at_call(monkeypatch: pytest.MonkeyPatch) -> AtCall:
    """See `AtCall`."""

    def install(call: str, path: str, action: Callable[[], object]) -> None:
        done = False

        def observe(name: str, about: str) -> None:
            nonlocal done
            if not done and name == call and about == path:
                done = True
                action()

        monkeypatch.setattr(filesystem, "observe", observe)

    return install


def test_result_and_ledger_tell_what_happened(tmp_path: Path) -> None:
    old = write(tmp_path, "pkg/a.py", b"a\n", 0o755)
    gone = write(tmp_path, "gone.py")
    result = run(
        tmp_path,
        FileChange("lib/a.py", "pkg/a.py", b"A\n", None, old),
        FileChange("gone.py", before_sha256=gone),
        FileChange("made.py", content=b"made\n"),
        backup=True,
    )
    assert result.changed == ("lib/a.py", "made.py")
    assert result.removed == ("gone.py", "pkg/a.py")
    assert result.removed_folders == ("pkg",)
    assert result.backup == "backups/hoc_migration_20260127T100000Z.tar.gz"
    assert paths(tmp_path) == {"lib/a.py", "made.py", "backups/.gitignore", result.backup}
    assert stat.S_IMODE((tmp_path / "lib/a.py").stat().st_mode) == 0o755
    assert stat.S_IMODE((tmp_path / "made.py").stat().st_mode) == 0o644
    (entry,) = read_ledger(tmp_path).entries
    assert (entry.entry_id, entry.phase, entry.reason, entry.time) == (
        result.transaction_id,
        "P2",
        "because",
        "2026-01-27T10:00:00Z",
    )
    assert entry.backup_sha256 == sha256((tmp_path / result.backup).read_bytes())
    assert [(f.kind, f.path_before, f.path_after) for f in entry.files] == [
        ("delete", "gone.py", None),
        ("move", "pkg/a.py", "lib/a.py"),
        ("create", None, "made.py"),
    ]
    assert entry.files[1].sha256_before == old
    assert entry.files[1].sha256_after == sha256(b"A\n")


def test_state_and_backup_are_private_and_ignored_by_git(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    result = run(tmp_path, FileChange("a", content=b""), backup=True)
    assert stat.S_IMODE((tmp_path / ".hocmig").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / result.backup).stat().st_mode) == 0o600
    done = subprocess.run(
        ["git", "status", "--porcelain", "-uall"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert {line[3:] for line in done.stdout.splitlines()} == {
        "a",
        ".hocmig/.gitignore",
        ".hocmig/ledger.jsonl",
    }


def test_the_same_change_of_the_same_tree_gives_the_same_bytes(tmp_path: Path) -> None:
    archives = []
    for name in ("one", "two"):
        before = write(tmp_path / name, "a", b"x" * 5000)
        result = run(tmp_path / name, FileChange("a", None, b"y", None, before), backup=True)
        archives.append((tmp_path / name / result.backup).read_bytes())
    assert archives[0] == archives[1]


def test_nothing_to_do_leaves_no_trace_in_the_ledger(tmp_path: Path) -> None:
    before = write(tmp_path, "a")
    assert run(tmp_path, FileChange("a", None, b"old\n", None, before)) == TransactionResult()
    assert read_ledger(tmp_path).entries == ()


def test_a_file_that_stays_as_it_is_is_not_in_the_ledger(tmp_path: Path) -> None:
    before = write(tmp_path, "a")
    result = run(tmp_path, FileChange("a", None, b"old\n", None, before), FileChange("b", content=b""))
    assert result.changed == ("b",)
    assert [f.path_after for f in read_ledger(tmp_path).entries[0].files] == ["b"]


def test_stale_files_are_all_named_before_anything_is_written(tmp_path: Path) -> None:
    a, b = write(tmp_path, "a"), write(tmp_path, "b")
    other = write(tmp_path, "input")
    (tmp_path / "a").write_bytes(b"edited")
    (tmp_path / "b").unlink()
    (tmp_path / "input").write_bytes(b"edited")
    with pytest.raises(StaleInputError) as caught:
        run(
            tmp_path,
            FileChange("a", None, b"new", None, a),
            FileChange("c", "b", b"new", None, b),
            FileChange("d", content=b""),
            inputs={"input": other, "must_not_be": None},
        )
    assert caught.value.files == ("a", "b", "input")
    assert caught.value.exit_code == 2
    assert paths(tmp_path) == {"a", "input"}


def test_an_input_that_appeared_is_stale(tmp_path: Path) -> None:
    write(tmp_path, "must_not_be")
    with pytest.raises(StaleInputError, match="must_not_be"):
        run(tmp_path, FileChange("a", content=b""), inputs={"must_not_be": None})


def test_targets_that_exist_are_refused(tmp_path: Path) -> None:
    a = write(tmp_path, "a")
    write(tmp_path, "b")
    (tmp_path / "folder").mkdir()
    for change in (FileChange("b", "a", b"", None, a), FileChange("b", content=b"")):
        with pytest.raises(InputError, match="b: exists already"):
            run(tmp_path, change)
    with pytest.raises(InputError, match="exists already"):
        run(tmp_path, FileChange("folder", content=b""))


def test_targets_that_differ_by_case_from_what_stays_are_refused(tmp_path: Path) -> None:
    write(tmp_path, "pkg/Logs.py")
    with pytest.raises(InputError, match=r"differs only by case from pkg/Logs\.py"):
        run(tmp_path, FileChange("pkg/logs.py", content=b""))
    with pytest.raises(InputError, match="differs only by case from pkg;"):
        run(tmp_path, FileChange("PKG/other.py", content=b""))


def test_paths_through_symlinks_and_files_are_refused(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    root = tmp_path / "root"
    write(root, "file")
    (root / "link").symlink_to(outside)
    (root / "inner").symlink_to("real")
    (root / "real").mkdir()
    for path, problem in [("link/x", "symlink link"), ("inner/x", "symlink inner"), ("file/x", "no folder")]:
        with pytest.raises(InputError, match=problem):
            run(root, FileChange(path, content=b"evil"))
    assert list(outside.iterdir()) == []


def test_a_folder_that_becomes_a_symlink_in_the_middle_leads_nowhere(
    tmp_path: Path, at_call: Callable
) -> None:
    outside, root = tmp_path / "outside", tmp_path / "root"
    outside.mkdir()
    before = write(root, "a")
    (root / "d").mkdir()

    def replace() -> None:
        (root / "d").rmdir()
        (root / "d").symlink_to(outside)

    at_call("rename", "a", replace)
    with pytest.raises(RolledBackError):
        run(root, FileChange("a", None, b"new", None, before), FileChange("d/x", content=b"evil"))
    assert list(outside.iterdir()) == []
    assert (root / "a").read_bytes() == b"old\n"


@pytest.mark.parametrize("name", [".hocmig", "backups"])
def test_hostile_symlinks_in_place_of_our_folders(tmp_path: Path, name: str) -> None:
    outside, root = tmp_path / "outside", tmp_path / "root"
    outside.mkdir()
    root.mkdir()
    (root / name).symlink_to(outside)
    with pytest.raises(InputError):
        run(root, FileChange("a", content=b""), backup=True)
    assert list(outside.iterdir()) == []
    assert not (root / "a").exists()


def test_a_ledger_that_is_a_symlink_is_not_followed(tmp_path: Path) -> None:
    victim, root = tmp_path / "victim", tmp_path / "root"
    victim.write_text("")
    (root / ".hocmig").mkdir(parents=True)
    (root / ".hocmig/ledger.jsonl").symlink_to(victim)
    with pytest.raises(InputError, match="no regular file"):
        run(root, FileChange("a", content=b""))
    assert victim.read_text() == ""
    assert not (root / "a").exists()


def test_verification_sees_the_new_state_and_stops_the_run(tmp_path: Path) -> None:
    a, b = write(tmp_path, "a/a.py", b"a"), write(tmp_path, "b.py", b"b")
    write(tmp_path, "c.py", b"c")
    seen = []

    def verify(overlay: Overlay) -> None:
        seen.append(
            (
                overlay.changed,
                overlay.removed,
                dict(overlay.moves),
                overlay.read_bytes("n/a.py"),
                overlay.read_bytes("c.py"),
                overlay.sha256("n/a.py"),
                [overlay.exists(p) for p in ("a/a.py", "b.py", "c.py", "n/a.py", "n", "../x")],
            )
        )
        with pytest.raises(FileNotFoundError):
            overlay.read_bytes("b.py")
        raise GateError("no")

    with pytest.raises(GateError):
        run(
            tmp_path,
            FileChange("n/a.py", "a/a.py", b"A", None, a),
            FileChange("b.py", before_sha256=b),
            verify=verify,
        )
    assert seen == [
        (
            ("n/a.py",),
            ("a/a.py", "b.py"),
            {"n/a.py": "a/a.py"},
            b"A",
            b"c",
            sha256(b"A"),
            [False, False, True, True, False, False],
        )
    ]
    assert paths(tmp_path) == {"a/a.py", "b.py", "c.py"}
    assert not (tmp_path / ".hocmig/transaction").exists()


def test_temporary_copy_is_the_new_tree_and_private(tmp_path: Path) -> None:
    a = write(tmp_path, "a/a.py", b"a", 0o755)
    write(tmp_path, "a/__pycache__/a.pyc")
    write(tmp_path, "keep/k.py", b"k")
    write(tmp_path, ".git/HEAD")
    (tmp_path / "keep/link").symlink_to("k.py")
    os.mkfifo(tmp_path / "pipe")
    copies = []

    def verify(overlay: Overlay) -> None:
        with overlay.temporary_copy() as copy:
            copies.append(copy)
            assert paths(copy) == {"n/a.py", "keep/k.py", "keep/link", "n/l"}
            assert not (copy / "a").exists()
            assert (copy / "n/a.py").read_bytes() == b"A"
            assert stat.S_IMODE((copy / "n/a.py").stat().st_mode) == 0o755
            assert (copy / "keep/link").is_symlink()
            assert stat.S_IMODE(copy.parent.stat().st_mode) == 0o700
            (copy / "keep/k.py").write_text("tests may write here")

    run(
        tmp_path,
        FileChange("n/a.py", "a/a.py", b"A", None, a),
        FileChange("n/l", content=b"a.py", mode=SYMLINK_MODE),
        verify=verify,
    )
    assert not copies[0].exists()
    assert (tmp_path / "keep/k.py").read_bytes() == b"k"


def test_a_file_changed_during_verification_is_stale(tmp_path: Path) -> None:
    a, b = write(tmp_path, "a"), write(tmp_path, "b")
    with pytest.raises(StaleInputError) as caught:
        run(
            tmp_path,
            FileChange("a", None, b"new", None, a),
            FileChange("b", None, b"new", None, b),
            verify=lambda overlay: (tmp_path / "b").write_bytes(b"mine") and None,
        )
    assert caught.value.files == ("b",)
    assert (tmp_path / "a").read_bytes() == b"old\n"
    assert (tmp_path / "b").read_bytes() == b"mine"


def test_a_file_changed_during_the_swap_is_kept_and_the_rest_undone(tmp_path: Path, at_call: AtCall) -> None:
    a, b = write(tmp_path, "a"), write(tmp_path, "b")

    def replace() -> None:
        (tmp_path / "b").unlink()
        (tmp_path / "b").write_bytes(b"mine")

    at_call("rename", "a", replace)
    with pytest.raises(RolledBackError, match="changed by somebody else meanwhile at b"):
        run(tmp_path, FileChange("a", None, b"new", None, a), FileChange("b", None, b"new", None, b))
    assert (tmp_path / "a").read_bytes() == b"old\n"
    assert (tmp_path / "b").read_bytes() == b"mine"
    assert pending(tmp_path) is None


def test_a_file_changed_after_it_was_swapped_is_not_lost_by_the_undoing(
    tmp_path: Path, at_call: AtCall
) -> None:
    a, b = write(tmp_path, "a"), write(tmp_path, "b")

    def replace() -> None:
        (tmp_path / "a").write_bytes(b"mine")
        raise OSError(errno.EIO, "broken", "b")

    at_call("rename", "b", replace)
    with pytest.raises(InterruptedTransactionError, match="a: changed since the interruption"):
        run(tmp_path, FileChange("a", None, b"new", None, a), FileChange("b", None, b"new", None, b))
    assert (tmp_path / "a").read_bytes() == b"mine"
    state = pending(tmp_path)
    assert state is not None
    assert state.strangers == ("a",)


def test_a_file_replaced_by_a_folder_during_the_swap(tmp_path: Path, at_call: AtCall) -> None:
    a, b = write(tmp_path, "a"), write(tmp_path, "b")

    def replace() -> None:
        (tmp_path / "b").unlink()
        write(tmp_path, "b/mine")

    at_call("rename", "a", replace)
    with pytest.raises(RolledBackError, match="at b"):
        run(tmp_path, FileChange("a", None, b"new", None, a), FileChange("b", None, b"new", None, b))
    assert paths(tmp_path) == {"a", "b/mine"}
    assert (tmp_path / "a").read_bytes() == b"old\n"


def test_a_target_that_appears_during_the_swap_is_not_overwritten(tmp_path: Path, at_call: AtCall) -> None:
    at_call("link", "new.py", lambda: write(tmp_path, "new.py", b"mine"))
    with pytest.raises(RolledBackError, match=r"new\.py"):
        run(tmp_path, FileChange("new.py", content=b"ours"))
    assert (tmp_path / "new.py").read_bytes() == b"mine"


def test_everything_is_durable_before_the_next_step_relies_on_it(tmp_path: Path, monkeypatch: Patch) -> None:
    a, b = write(tmp_path, "d/a"), write(tmp_path, "e/b")
    calls: list[tuple[str, str]] = []
    monkeypatch.setattr(filesystem, "observe", lambda call, path: calls.append((call, path)))
    run(
        tmp_path,
        FileChange("d/a", None, b"new", None, a),
        FileChange("f/b", "e/b", b"new", None, b),
        backup=True,
    )
    stage = ".hocmig/transaction"
    journaled = calls.index(("rename", f"{stage}/journal"))
    staged = {path for call, path in calls[:journaled] if call == "create" and path.startswith(stage)}
    # Two files, the archive, the .gitignore beside it, and the journal's draft.
    assert len(staged) == 5
    assert staged <= {path for call, path in calls[:journaled] if call == "fsync"}
    assert {("fsyncdir", f"{stage}/new"), ("fsyncdir", f"{stage}/old")} <= set(calls[:journaled])
    assert ("fsyncdir", ".hocmig") in calls[calls.index(("mkdir", stage)) : journaled]
    first_write = calls.index(("rename", "d/a"))
    assert ("fsyncdir", stage) in calls[journaled:first_write]
    last_write = max(calls.index(("unlink", "e/b")), calls.index(("rmdir", "e")))
    logged = calls.index(("fsync", ".hocmig/ledger.jsonl"))
    assert {path for call, path in calls[last_write:logged] if call == "fsyncdir"} == {
        "",
        "d",
        "f",
        "backups",
    }
    ended = calls.index(("unlink", f"{stage}/journal"))
    assert first_write < last_write < logged < ended


@pytest.mark.parametrize("code", [errno.EXDEV, errno.EPERM, errno.EMLINK])
def test_file_systems_without_links_or_other_devices(tmp_path: Path, monkeypatch: Patch, code: int) -> None:
    a, b = write(tmp_path, "d/a", b"a", 0o751), write(tmp_path, "d/b", b"b")
    (tmp_path / "d/l").symlink_to("a")

    def observe(call: str, path: str) -> None:
        if call == "link" or (call == "rename" and path.startswith("d/__pycache__") and code == errno.EXDEV):
            raise OSError(code, os.strerror(code), path)

    monkeypatch.setattr(filesystem, "observe", observe)
    run(
        tmp_path,
        FileChange("d/a", None, b"A", None, a),
        FileChange("e/b", "d/b", b"B", None, b),
        FileChange("e/l", "d/l", b"a", None, sha256(b"a")),
        backup=True,
    )
    assert paths(tmp_path) >= {"d/a", "e/b", "e/l"}
    assert not [p for p in paths(tmp_path) if "transit" in p]
    assert (tmp_path / "d/a").read_bytes() == b"A"
    assert stat.S_IMODE((tmp_path / "d/a").stat().st_mode) == 0o751
    assert (tmp_path / "e/l").readlink() == Path("a")


def test_a_read_only_folder_stops_before_the_first_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = write(tmp_path, "d/a")
    real = os.access
    # Root may write everywhere, so the answer of the kernel is played.
    monkeypatch.setattr(os, "access", lambda p, mode: Path(p).name != "d" and real(p, mode))
    with pytest.raises(InputError, match="d: is a folder that may not be written"):
        run(tmp_path, FileChange("d/a", None, b"new", None, before))
    assert (tmp_path / "d/a").read_bytes() == b"old\n"


def test_a_real_limit_on_file_size_is_survived(tmp_path: Path) -> None:
    import resource
    import signal

    before = write(tmp_path, "a")
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
        try:
            run(tmp_path, FileChange("a", None, b"x" * 200_000, None, before))
        except RolledBackError as error:
            os._exit(error.exit_code)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 4
    assert (tmp_path / "a").read_bytes() == b"old\n"
    assert not (tmp_path / ".hocmig/transaction").exists()


def test_ctrl_c_during_the_swap_undoes_it(tmp_path: Path, at_call: AtCall) -> None:
    a, b = write(tmp_path, "a"), write(tmp_path, "b")

    def interrupt() -> None:
        raise KeyboardInterrupt

    at_call("rename", "b", interrupt)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, FileChange("a", None, b"new", None, a), FileChange("b", None, b"new", None, b))
    assert (tmp_path / "a").read_bytes() == b"old\n"
    assert read_ledger(tmp_path).entries == ()


def test_folders_with_only_caches_go_and_others_stay(tmp_path: Path) -> None:
    hashes = [write(tmp_path, p) for p in ("a/b/c.py", "x/y.py")]
    write(tmp_path, "a/b/__pycache__/c.pyc")
    write(tmp_path, "x/data.txt")
    (tmp_path / "a/other").mkdir()
    changes = [FileChange("a/b/c.py", before_sha256=hashes[0]), FileChange("x/y.py", before_sha256=hashes[1])]
    assert run(tmp_path, *changes).removed_folders == ("a/b",)
    assert (tmp_path / "a/other").is_dir()
    assert (tmp_path / "x/data.txt").exists()


def test_empty_folders_stay_when_asked(tmp_path: Path) -> None:
    before = write(tmp_path, "a/b.py")
    run(tmp_path, FileChange("a/b.py", before_sha256=before), remove_empty_dirs=False)
    assert (tmp_path / "a").is_dir()


def test_backups_of_one_second_get_different_names(tmp_path: Path) -> None:
    first = run(tmp_path, FileChange("a", content=b""), backup=True)
    second = run(tmp_path, FileChange("b", content=b""), backup=True)
    assert second.backup == first.backup.replace(".tar.gz", "_2.tar.gz")
    assert read_backup(tmp_path / second.backup).manifest.transaction_id == second.transaction_id


def test_git_stage_puts_the_new_state_into_the_index(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    before = write(tmp_path, "a.py")
    write(tmp_path, "other.py")
    subprocess.run(["git", "add", "."], cwd=tmp_path, check=True)
    (tmp_path / "other.py").write_bytes(b"not ours\n")
    hook = tmp_path / ".git/hooks/post-index-change"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\ntouch ran\n")
    hook.chmod(0o755)
    result = run(tmp_path, FileChange("b.py", "a.py", b"new\n", None, before), git_stage=True)
    assert result.warnings == ()
    done = subprocess.run(["git", "ls-files", "-s"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert [line.split("\t")[1] for line in done.stdout.splitlines()] == ["b.py", "other.py"]
    changed = subprocess.run(
        ["git", "diff", "--name-only"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert changed.stdout == "other.py\n"
    assert not (tmp_path / "ran").exists()


def test_git_stage_outside_of_a_repository_is_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    result = run(tmp_path, FileChange("b.py", content=b""), git_stage=True)
    assert "not a git repository" in result.warnings[0]
    assert (tmp_path / "b.py").exists()


def test_a_clock_that_is_no_clock_stops_before_anything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "yesterday")
    with pytest.raises(InputError, match="SOURCE_DATE_EPOCH"):
        run(tmp_path, FileChange("a", content=b""))
    assert not (tmp_path / "a").exists()
