"""Reads, hashes and parses the files that the cache does not know, in several processes, and renews the cache."""

from __future__ import annotations

import hashlib
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from analyzers.discovery import Discovery, FoundFile
from analyzers.file_facts import read_many, same_facts, unread
from analyzers.index_cache import CachedFile, make_stamp, remove_stamp, write_cache
from analyzers.model import FileRecord

#: Files per task; with 64 the cost of a task does not count (performance.md, "Pools and caches").
CHUNK = 64

#: Bytes to parse below which one process is faster than starting others: about 0.25 s of parsing.
SERIAL_BYTES = 2_500_000

#: How long the clock of a file system may stand still, in nanoseconds: one that writes whole seconds only (or
#: two, FAT), and all others (a kernel tick is at most 10 ms).
_COARSE_TICK = 2_000_000_000
_FINE_TICK = 50_000_000


def refresh(
    root: Path,
    discovery: Discovery,
    files: dict[str, FileRecord],
    stale: Sequence[FoundFile],
    cached: Mapping[str, CachedFile],
    cache: Path | None,
    jobs: int,
    advance: Callable[[int, int], None] | None,
) -> dict[str, FileRecord]:
    """The records of all files, sorted by path: `files` as they are, and `stale` ones read anew.

    The cache is written at the end, when one is named and the file system permits.
    """
    # Made before the first file is read: a file whose stamps are older cannot change later without new stamps.
    stamp = make_stamp(cache) if cache is not None else None
    now_ns = stamp.stat().st_mtime_ns if stamp is not None else 0
    try:
        total = len(discovery.python_files)
        fresh: dict[str, FileRecord] = {}
        for records in _parsed(root, stale, cached, jobs):
            fresh.update((record.path, record) for record in records)
            if advance is not None:
                advance(len(files) + len(fresh), total)
        merged = {}
        for found in discovery.python_files:
            merged[found.path] = files.get(found.path) or fresh[found.path]
        if cache is not None and stamp is not None:
            store(cache, discovery, merged, cached, stamp, now_ns)
            stamp = None
        return merged
    finally:
        if stamp is not None:
            remove_stamp(stamp)


def store(
    cache: Path,
    discovery: Discovery,
    files: Mapping[str, FileRecord],
    cached: Mapping[str, CachedFile],
    stamp: Path | None,
    now_ns: int = 0,
) -> None:
    """Writes the cache; a record whose file could still change under the same stamps is marked as unsettled."""
    entries = []
    for found in discovery.python_files:
        record = files[found.path]
        if not record.sha256:
            # Not read, so there is nothing to remember.
            continue
        known = cached.get(found.path)
        if known is not None and known.record is record:
            entries.append(known)
        else:
            entries.append(CachedFile(found.ctime_ns if _is_settled(found, now_ns) else 0, record))
    write_cache(cache, entries, stamp)


def _is_settled(found: FoundFile, now_ns: int) -> bool:
    """Whether any later change of the file must show in its stamps ("racy git")."""
    newest = max(found.mtime_ns, found.ctime_ns)
    tick = _COARSE_TICK if found.ctime_ns % 1_000_000_000 == 0 else _FINE_TICK
    return newest < now_ns - tick


def _parsed(
    root: Path, stale: Sequence[FoundFile], cached: Mapping[str, CachedFile], jobs: int
) -> Iterator[list[FileRecord]]:
    """The records of the stale files, in pieces, in no order."""
    known = {(k.record.sha256, p.endswith(".pyi")): k.record for p, k in cached.items()} if cached else {}
    to_parse: dict[tuple[str, bool], list[FoundFile]] = {}
    done: list[FileRecord] = []
    for found in stale:
        content, error = read_file(root, found)
        if content is None:
            done.append(unread(found.path, error, found.size, found.mtime_ns))
            continue
        key = (hashlib.sha256(content).hexdigest(), found.path.endswith(".pyi"))
        record = known.get(key)
        if record is not None:
            done.append(same_facts(record, found.path, found.mtime_ns))
        else:
            to_parse.setdefault(key, []).append(found)
    if done:
        yield done
    yield from _spread(root, list(to_parse.values()), jobs)


def read_file(root: Path, found: FoundFile) -> tuple[bytes | None, str]:
    """`(content, "")` of a file, or `(None, reason)`; never opens what is no regular file."""
    if found.problem:
        return None, found.problem
    try:
        with open(f"{root}/{found.path}", "rb", buffering=0) as stream:
            return stream.read(), ""
    except OSError as error:
        return None, f"cannot be read: {error.strerror or error}"


def _spread(root: Path, twins: list[list[FoundFile]], jobs: int) -> Iterator[list[FileRecord]]:
    """Parses each list of files with equal bytes once."""
    chunks = [twins[start : start + CHUNK] for start in range(0, len(twins), CHUNK)]
    size = sum(group[0].size for group in twins)
    if jobs < 2 or len(chunks) < 2 or size < SERIAL_BYTES:
        for chunk in chunks:
            yield _read_chunk(root, chunk)
        return
    from concurrent.futures import ProcessPoolExecutor, as_completed
    from multiprocessing import get_context

    context = get_context("fork" if sys.platform.startswith("linux") else None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        with ProcessPoolExecutor(min(jobs, len(chunks)), mp_context=context) as pool:
            tasks = [pool.submit(_encoded_chunk, root, chunk) for chunk in chunks]
            for task in as_completed(tasks):
                yield msgspec.msgpack.decode(task.result(), type=list[FileRecord])


def _read_chunk(root: Path, chunk: Iterable[list[FoundFile]]) -> list[FileRecord]:
    contents = []
    failed = []
    for group in chunk:
        for found in group:
            content, error = read_file(root, found)
            if content is None:
                failed.append(unread(found.path, error, found.size, found.mtime_ns))
            else:
                contents.append((found.path, content, found.mtime_ns))
    return read_many(contents) + failed


def _encoded_chunk(root: Path, chunk: list[list[FoundFile]]) -> bytes:
    # Bytes cross the process border four times faster than pickled records.
    return msgspec.msgpack.encode(_read_chunk(root, chunk))
