"""One lock per repository: who holds it, and what became of a holder that died.

The lock is a `flock` on `.hocmig/lock`, so the kernel frees it with the process, however that ends. The
file's text only says who it is (or was).
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shlex
import socket
import time
from pathlib import Path
from types import TracebackType

import msgspec

from analyzers.errors import InputError
from hocmig.transaction.clock import timestamp
from hocmig.transaction.filesystem import Tree
from hocmig.transaction.state_folder import LOCK, ensure_state_folder

_POLL_SECONDS = 0.1
_MAX_TEXT_BYTES = 64 * 1024


class Holder(msgspec.Struct, frozen=True, kw_only=True):
    """Who holds the lock: `started` tells two processes with the same `pid` apart, `since` is UTC."""

    pid: int
    host: str
    started: str
    command: tuple[str, ...]
    since: str

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host} since {self.since} (`{shlex.join(self.command)[:200]}`)"

    @property
    def is_dead(self) -> bool:
        """Whether that process is known to be gone (False when it ran on another host)."""
        return self.host == socket.gethostname() and process_start(self.pid) != self.started


class LockHeldError(InputError):
    """Another run holds the repository's lock; `holder` says which, None when that cannot be read."""

    def __init__(self, holder: Holder | None) -> None:
        who = "another run"
        if holder is not None:
            who = f"a child of the dead {holder}" if holder.is_dead else str(holder)
        super().__init__(LOCK, 0, f"the repository is locked by {who}", "wait until it has ended")
        self.args = (holder,)
        self.holder = holder


class RepositoryLock:
    """The lock of the repository at `root`, as a context manager; may be entered again by its owner.

    Attributes:
        left_by_dead: the holder that died without giving the lock back, or None.
    """

    def __init__(self, root: Path, command: tuple[str, ...], *, wait_seconds: float = 0.0) -> None:
        self.root = root
        self.left_by_dead: Holder | None = None
        self._command = command
        self._wait_seconds = wait_seconds
        self._descriptor = -1
        self._depth = 0

    def __enter__(self) -> RepositoryLock:
        """Take the lock, waiting at most `wait_seconds`.

        Raises:
            LockHeldError: somebody else holds it.
            InputError: the file system knows no locks, or the lock's place is taken by something else.
        """
        if self._depth == 0:
            self._take()
        self._depth += 1
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._depth -= 1
        if self._depth == 0:
            # An empty text says that the lock was given back in good order.
            with contextlib.suppress(OSError):
                # Only words: closing frees the lock, and a change that is done must not fail here.
                os.ftruncate(self._descriptor, 0)
            os.close(self._descriptor)
            self._descriptor = -1

    def _take(self) -> None:
        # monotonic: a clock that is set while we wait changes nothing.
        deadline = time.monotonic() + self._wait_seconds
        with Tree(self.root) as tree:
            ensure_state_folder(tree)
            while True:
                descriptor = _try(tree)
                if descriptor is not None:
                    break
                if time.monotonic() >= deadline:
                    raise LockHeldError(read_holder(self.root))
                time.sleep(_POLL_SECONDS)
        self._descriptor = descriptor
        previous = _decode(os.pread(descriptor, _MAX_TEXT_BYTES, 0))
        self.left_by_dead = previous
        holder = Holder(
            pid=os.getpid(),
            host=socket.gethostname(),
            started=process_start(os.getpid()),
            command=self._command,
            since=timestamp(),
        )
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, msgspec.json.encode(holder), 0)


def _try(tree: Tree) -> int | None:
    try:
        descriptor = tree.open_lock(LOCK)
    except OSError as error:
        raise InputError(LOCK, 0, f"cannot be opened: {error.strerror}", "mend or remove it") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    except OSError as error:
        os.close(descriptor)
        raise InputError(
            LOCK, 0, f"cannot be locked: {error.strerror}", "use a file system that knows locks"
        ) from error
    status = tree.lstat(LOCK)
    if status is None or status.st_ino != os.fstat(descriptor).st_ino:
        # Somebody removed the file between opening and locking; a lock on it would exclude nobody.
        os.close(descriptor)
        return None
    return descriptor


def read_holder(root: Path) -> Holder | None:
    """Who the lock's text names, dead or alive; None when it is free, missing or unreadable."""
    with Tree(root) as tree:
        try:
            content, _ = tree.read(LOCK)
        except OSError:
            # Only for a message; the lock itself does not depend on the text.
            return None
    return _decode(content)


def is_locked(root: Path) -> bool:
    """Whether a process holds the lock right now."""
    with Tree(root) as tree:
        if tree.lstat(LOCK) is None:
            return False
        descriptor = _try(tree)
    if descriptor is None:
        return True
    os.close(descriptor)
    return False


def process_start(pid: int) -> str:
    """A text that differs between two processes that got the same `pid`; empty when there is none.

    On Linux the start time in clock ticks since boot (proc(5), `stat`, field 22); elsewhere only `alive`.
    """
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        if Path("/proc/self/stat").exists():
            return ""
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return ""
        except OSError:
            return "alive"
        return "alive"
    return text.rpartition(")")[2].split()[19]


def _decode(content: bytes) -> Holder | None:
    try:
        return msgspec.json.decode(content, type=Holder) if content else None
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
