"""Reads the files and builds their streams, in processes, taking from a cache what did not change."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence

from analyzers.duplicates.duplicate_model import Note
from analyzers.duplicates.token_stream import FileStream, StreamBuilder
from analyzers.duplicates.worker_pool import run_jobs

Read = Callable[[str], bytes]
Advance = Callable[[int, int], None]

_CHUNK = 48
_builder: StreamBuilder | None = None


def read_hashes(paths: Sequence[str], read: Read) -> tuple[dict[str, str], list[Note]]:
    """Returns the SHA-256 of each readable file by path, and a note for each other."""
    hashes: dict[str, str] = {}
    notes = []
    for path in sorted(set(paths)):
        try:
            hashes[path] = hashlib.sha256(read(path)).hexdigest()
        except OSError as error:
            notes.append(Note(path, f"cannot be read: {error.strerror or error}"))
    return hashes, notes


def read_streams(
    hashes: Mapping[str, str],
    read: Read,
    known: Mapping[str, FileStream],
    processes: int,
    advance: Advance,
) -> dict[str, FileStream]:
    """Returns the stream of each distinct content by SHA-256.

    A file that changed since it was hashed appears under its new hash only, so that the caller can tell.
    """
    global _builder
    first: dict[str, str] = {}
    for path in sorted(hashes):
        first.setdefault(hashes[path], path)
    out = {sha: known[sha] for sha in first if sha in known}
    todo = [path for sha, path in first.items() if sha not in out]
    chunks = [todo[n : n + _CHUNK] for n in range(0, len(todo), _CHUNK)]
    done = 0
    for chunk, streams in zip(chunks, run_jobs(_build, read, chunks, processes), strict=True):
        for stream in streams:
            out[stream.sha256] = stream
        done += len(chunk)
        advance(done, len(todo))
    _builder = None
    return out


def _build(read: Read, paths: Sequence[str]) -> list[FileStream]:
    global _builder
    if _builder is None:
        _builder = StreamBuilder()
    return [_builder.build(read(path)) for path in paths]
