"""The cache of the duplicate search: streams, verified pairs of files, and the last result, in one file.

It may be deleted at any time, and it is not believed when another version of this package wrote it. The
result stands apart from the rest, so that a run in which nothing changed need not decode the rest.
"""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec

from analyzers.checked_file import read_checked, write_checked
from analyzers.duplicates.detection import CACHE_VERSION, DetectionCache
from analyzers.duplicates.duplicate_model import DetectedClones


class _CacheFile(msgspec.Struct, array_like=True):
    key: str
    result: msgspec.Raw
    rest: msgspec.Raw


class StoredDetection:
    """What an earlier run left at `path`; nothing when there is no whole file of this version."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = read_checked(path, _header(), _CacheFile)

    def last(self) -> tuple[str, DetectedClones] | None:
        """Returns the key and the result of the last run."""
        if self._file is None:
            return None
        try:
            return self._file.key, msgspec.msgpack.decode(self._file.result, type=DetectedClones)
        except msgspec.MsgspecError:
            return None

    def load(self) -> DetectionCache | None:
        """Returns streams and verified pairs."""
        if self._file is None:
            return None
        try:
            return msgspec.msgpack.decode(self._file.rest, type=DetectionCache)
        except msgspec.MsgspecError:
            return None

    def keep(self, cache: DetectionCache) -> bool:
        """Replaces the file and returns whether that worked."""
        key, result = cache.key, cache.result
        rest = DetectionCache(streams=cache.streams, verified=cache.verified)
        return write_checked(
            self._path,
            _header(),
            _CacheFile(
                key, msgspec.Raw(msgspec.msgpack.encode(result)), msgspec.Raw(msgspec.msgpack.encode(rest))
            ),
        )


def _header() -> bytes:
    """What the file begins with: version, byte order, Python, and stamps of the modules that make its
    content.
    """
    stamps = []
    for module in sorted(Path(__file__).parent.glob("*.py")):
        found = module.stat()
        stamps.append(f"{found.st_size}.{found.st_mtime_ns}")
    python = ".".join(map(str, sys.version_info[:2]))
    return f"hocmig duplicates {CACHE_VERSION} {sys.byteorder} {python} {' '.join(stamps)}\n".encode()
