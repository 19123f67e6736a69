"""Files that only save time: written atomically, believed only when whole, never missed.

A missing, damaged, foreign or older file is the same as none. A killed process and two processes at once
leave one whole file behind.
"""

from __future__ import annotations

import os
import zlib
from pathlib import Path
from typing import TypeVar

import msgspec

T = TypeVar("T")


#: The `.gitignore` of hocmig's state folder, whoever makes it first.
STATE_IGNORE = (
    b"# Made by hocmig. Only the ledger belongs into version control.\n*\n!.gitignore\n!ledger.jsonl\n"
)


def read_checked(path: Path, magic: bytes, shape: type[T]) -> T | None:
    """What `write_checked` wrote with the same magic and shape; None when there is no such whole file."""
    try:
        with open(path, "rb", buffering=0) as stream:
            content = stream.read()
    except OSError:
        return None
    start = len(magic) + 4
    body = memoryview(content)[start:]
    if not content.startswith(magic) or content[len(magic) : start] != _checksum(body):
        return None
    try:
        return msgspec.msgpack.decode(body, type=shape)
    except msgspec.MsgspecError:
        return None


def write_checked(path: Path, magic: bytes, value: object) -> bool:
    """Replaces a file and returns whether that worked; a file system that refuses is no error."""
    body = msgspec.msgpack.encode(value)
    if path.parent.is_symlink():
        return False
    made = _temporary(path)
    try:
        made.write_bytes(magic + _checksum(body) + body)
        made.replace(path)
    except OSError:
        _remove(made)
        return False
    return True


def file_system_now(folder: Path) -> int | None:
    """The time of the file system's own clock in nanoseconds, from a file made and removed; None: it refuses.

    The folder is made when it is missing, with a `.gitignore` that keeps caches out of git. One that is a
    symbolic link is refused: it could lead out of the repository, where nothing is ever written.
    """
    if folder.is_symlink():
        return None
    probe = _temporary(folder / "clock")
    try:
        if not folder.is_dir():
            folder.mkdir(parents=True)
            (folder / ".gitignore").write_bytes(STATE_IGNORE)
        probe.write_bytes(b"")
        now = probe.stat().st_mtime_ns
        _remove_leftovers(folder, now)
    except OSError:
        return None
    finally:
        _remove(probe)
    return now


def _temporary(path: Path) -> Path:
    return path.with_name(f"{path.name}.{os.getpid()}.tmp")


def _remove_leftovers(folder: Path, now_ns: int) -> None:
    """Removes what killed processes left behind more than an hour ago."""
    for leftover in folder.glob("*.*.tmp"):
        if leftover.stat().st_mtime_ns < now_ns - 3_600_000_000_000:
            _remove(leftover)


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError:
        # Nothing depends on it, and a later run tries again.
        return


def _checksum(body: memoryview | bytes) -> bytes:
    return zlib.crc32(body).to_bytes(4, "big")
