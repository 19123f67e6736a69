"""The cache of the import index: the records of all Python files in one file, with the stamps they hold for.

A record depends on its file's bytes alone (module names are computed afterwards), so import roots, `scan` and
`exclude` may change without making it wrong. It may be deleted at any time.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

import msgspec

from analyzers.checked_file import read_checked, write_checked
from analyzers.model import FileRecord

#: Counts up when the meaning of a record changes.
FORMAT = 1

#: The modules that make the records; not imported here, because a warm run needs none of them.
_MAKERS = ("dynamic_namespace", "file_facts", "model", "newer_syntax", "source", "statement_walk")


class CachedFile(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A record and the change time of its file; 0: stamps cannot vouch for the bytes, look at the hash."""

    ctime_ns: int
    record: FileRecord


def read_cache(path: Path) -> dict[str, CachedFile]:
    """The cached files by path; empty when there is no cache that this tool and this Python wrote."""
    files = read_checked(path, header(), list[CachedFile])
    return {} if files is None else {file.record.path: file for file in files}


def write_cache(path: Path, files: Iterable[CachedFile]) -> bool:
    """Replaces the cache and returns whether that worked; a file system that refuses is no error."""
    return write_checked(path, header(), list(files))


def header() -> bytes:
    """What a cache begins with: format, Python, and the stamps of the modules that make the records.

    The stamps stand for the version of the tool: a record made by other code is not believed.
    """
    stamps = []
    here = __file__.rpartition("index_cache")[0]
    for name in _MAKERS:
        try:
            found = Path(f"{here}{name}.py").stat()
        except OSError:
            # Imported from an archive: the format number alone must do.
            stamps.append("0")
        else:
            stamps.append(f"{found.st_size}.{found.st_mtime_ns}")
    python = f"{sys.implementation.name} {'.'.join(map(str, sys.version_info[:3]))}"
    return f"hocmig index {FORMAT} {python} {' '.join(stamps)}\n".encode()
