"""Two runs at once: one works, the other waits or says who is at work."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from analyzers.errors import InputError
from hocmig.transaction.change import ChangeSet, FileChange
from hocmig.transaction.lock import LockHeldError, RepositoryLock, is_locked, read_holder
from hocmig.transaction.transaction import run_transaction

COMMAND = ("hocmig", "move", "--execute")


def child_that(action: Callable[[], None]) -> int:
    """Fork a process that runs `action`; returns its number once it has begun."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(reader)
            os.dup2(writer, 3)
            action()
        finally:
            os._exit(0)
    os.close(writer)
    assert os.read(reader, 1) == b"!"
    os.close(reader)
    return child


def hold(root: Path, seconds: float) -> Callable[[], None]:
    def action() -> None:
        with RepositoryLock(root, COMMAND):
            os.write(3, b"!")
            time.sleep(seconds)

    return action


def end(child: int) -> None:
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


def test_the_second_run_says_who_holds_the_lock(tmp_path: Path) -> None:
    child = child_that(hold(tmp_path, 60))
    try:
        assert is_locked(tmp_path)
        with pytest.raises(LockHeldError) as caught:
            run_transaction(
                tmp_path,
                ChangeSet((FileChange("a", content=b""),)),
                phase="P2",
                command=COMMAND,
                backup=False,
            )
        assert caught.value.exit_code == 2
        assert f"process {child} on " in str(caught.value)
        assert "since 2026-01-27T10:00:00Z (`hocmig move --execute`)" in str(caught.value)
        assert not (tmp_path / "a").exists()
    finally:
        end(child)
    assert not is_locked(tmp_path)


def test_the_second_run_can_wait(tmp_path: Path) -> None:
    child = child_that(hold(tmp_path, 0.5))
    with RepositoryLock(tmp_path, COMMAND, wait_seconds=30) as lock:
        assert lock.left_by_dead is None
        holder = read_holder(tmp_path)
        assert holder is not None
        assert holder.pid == os.getpid()
    os.waitpid(child, 0)
    assert read_holder(tmp_path) is None


def test_the_lock_of_a_dead_process_is_free_and_noticed(tmp_path: Path) -> None:
    child = child_that(hold(tmp_path, 60))
    end(child)
    left = read_holder(tmp_path)
    assert left is not None
    assert left.is_dead
    with RepositoryLock(tmp_path, COMMAND) as lock:
        assert lock.left_by_dead == left


def test_a_lock_held_by_the_child_of_a_dead_process_says_so(tmp_path: Path) -> None:
    grandchild_file = tmp_path / "grandchild"

    def action() -> None:
        with RepositoryLock(tmp_path, COMMAND):
            grandchild = os.fork()
            if grandchild == 0:
                time.sleep(60)
                os._exit(0)
            grandchild_file.write_text(str(grandchild))
            os.write(3, b"!")
            time.sleep(60)

    end(child_that(action))
    try:
        with pytest.raises(LockHeldError, match="a child of the dead process"):
            RepositoryLock(tmp_path, COMMAND).__enter__()
    finally:
        os.kill(int(grandchild_file.read_text()), signal.SIGKILL)


def test_the_owner_may_enter_again(tmp_path: Path) -> None:
    with RepositoryLock(tmp_path, COMMAND) as lock:
        with lock:
            assert is_locked(tmp_path)
        assert is_locked(tmp_path)
    assert not is_locked(tmp_path)


def test_a_removed_lock_file_excludes_nobody_but_harms_nobody(tmp_path: Path) -> None:
    with RepositoryLock(tmp_path, COMMAND):
        (tmp_path / ".hocmig/lock").unlink()
        with RepositoryLock(tmp_path, COMMAND):
            assert is_locked(tmp_path)


@pytest.mark.parametrize("text", [b"", b"{", b"\xff\xff", b'{"pid": "x"}', b"[]"])
def test_any_text_in_the_lock_file_is_survived(tmp_path: Path, text: bytes) -> None:
    (tmp_path / ".hocmig").mkdir()
    (tmp_path / ".hocmig/lock").write_bytes(text)
    with RepositoryLock(tmp_path, COMMAND) as lock:
        assert lock.left_by_dead is None


def test_a_symlink_in_place_of_the_lock_is_refused(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    (tmp_path / ".hocmig").mkdir()
    (tmp_path / ".hocmig/lock").symlink_to(victim)
    with pytest.raises(InputError, match="cannot be opened"):
        RepositoryLock(tmp_path, COMMAND).__enter__()
    assert victim.read_text() == "precious"
