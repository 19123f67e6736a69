"""The cache of the import index: one file with the records of all Python files, trusted only when whole.

It is only a cache: a missing, damaged, foreign or older file is the same as none, and it may be deleted at any
time. It is replaced atomically, so that a killed process and two processes at once leave one whole file.
"""

from __future__ import annotations

import os
import sys
import zlib
from pathlib import Path

import msgspec

from analyzers import file_facts, model, newer_syntax, source
from analyzers.model import FileRecord

#: Counts up when the meaning of a record changes.
FORMAT = 1

_MAGIC = b"hocmig index\n"


class CachedFile(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A record and the change time of its file; 0: the stamps cannot vouch for the bytes, look at the hash."""

    ctime_ns: int
    record: FileRecord


def read_cache(path: Path) -> dict[str, CachedFile]:
    """The cached files by path; empty when there is no cache that this tool and this Python wrote."""
    try:
        content = path.read_bytes()
    except OSError:
        return {}
    head = _header()
    start = len(head) + 4
    if not content.startswith(head) or content[len(head) : start] != _checksum(memoryview(content)[start:]):
        return {}
    try:
        files = msgspec.msgpack.decode(memoryview(content)[start:], type=list[CachedFile])
    except msgspec.MsgspecError:
        return {}
    return {file.record.path: file for file in files}


def write_cache(path: Path, files: list[CachedFile], stamp: Path | None = None) -> bool:
    """Replaces the cache and returns whether that worked; a file system that refuses is no error.

    `stamp` is a file that `make_stamp` made; it becomes the cache.
    """
    body = msgspec.msgpack.encode(files)
    made = stamp or make_stamp(path)
    if made is None:
        return False
    try:
        made.write_bytes(_header() + _checksum(body) + body)
        made.replace(path)
    except OSError:
        remove_stamp(made)
        return False
    return True


def make_stamp(path: Path) -> Path | None:
    """An empty file beside the cache whose modification time is the file system's own "now"; None: impossible."""
    folder = path.parent
    try:
        if folder.is_symlink():
            # It could lead out of the repository, where nothing is ever written.
            return None
        if not folder.is_dir():
            folder.mkdir(parents=True)
            (folder / ".gitignore").write_text("*\n", encoding="utf-8")
        made = folder / f"{path.name}.{os.getpid()}.tmp"
        made.write_bytes(b"")
        _remove_leftovers(path, made)
    except OSError:
        return None
    return made


def remove_stamp(stamp: Path) -> None:
    """Removes what `make_stamp` made."""
    try:
        stamp.unlink(missing_ok=True)
    except OSError:
        # Nothing depends on it; the next run removes leftovers.
        return


def _remove_leftovers(path: Path, made: Path) -> None:
    """Removes what killed processes left behind more than an hour ago."""
    oldest = made.stat().st_mtime - 3600
    for leftover in path.parent.glob(f"{path.name}.*.tmp"):
        if leftover.stat().st_mtime < oldest:
            remove_stamp(leftover)


def _header() -> bytes:
    """Magic, format, Python, and the stamps of the modules that make the records: another tool, another header."""
    stamps = []
    for module in (file_facts, model, newer_syntax, source):
        try:
            found = os.stat(module.__file__ or "")  # noqa: PTH116 (pathlib costs more than the call)
            stamps.append(f"{found.st_size}.{found.st_mtime_ns}")
        except OSError:
            # Imported from an archive: the format number alone must do.
            stamps.append("0")
    version = ".".join(map(str, sys.version_info[:3]))
    return _MAGIC + f"{FORMAT} {sys.implementation.name} {version} {' '.join(stamps)}\n".encode()


def _checksum(body: bytes | memoryview) -> bytes:
    return zlib.crc32(body).to_bytes(4, "big")
