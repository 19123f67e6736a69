"""Brings the records of all Python files up to date: from the cache, or read, hashed and parsed anew."""

from __future__ import annotations

import gc
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from analyzers.checked_file import file_system_now
from analyzers.index_cache import CachedFile, read_cache, write_cache
from analyzers.tree_snapshot import is_settled, keep, revisit

if TYPE_CHECKING:
    from analyzers.discovery import Discovery, FoundFile
    from analyzers.model import FileRecord

Advance = Callable[[int, int], None]


def refreshed_files(
    root: Path,
    scan: Sequence[str],
    exclude: Sequence[str],
    cache: Path | None,
    jobs: int,
    advance: Advance | None,
) -> tuple[Discovery, dict[str, FileRecord]]:
    """What is in the repository and the record of each Python file, sorted by path; see `load_index`."""
    # A third of the time of a warm run would be garbage collection, set off by thousands of new values that
    # all stay (benchmarks/index_speed.py).
    collecting = gc.isenabled()
    gc.disable()
    try:
        return _refreshed_files(root, scan, exclude, cache, jobs, advance)
    finally:
        if collecting:
            gc.enable()


def _refreshed_files(
    root: Path,
    scan: Sequence[str],
    exclude: Sequence[str],
    cache: Path | None,
    jobs: int,
    advance: Advance | None,
) -> tuple[Discovery, dict[str, FileRecord]]:
    now_ns: int | None = None
    snapshot = cache.with_name("tree.msgpack") if cache is not None else None
    discovery = revisit(snapshot, root, scan, exclude) if snapshot is not None else None
    if discovery is None:
        from analyzers.discovery import discover

        # Before the walk: what is older than this cannot change later without new stamps.
        now_ns = file_system_now(cache.parent) if cache is not None else None
        discovery = discover(root, scan, exclude)
        if snapshot is not None and now_ns is not None:
            keep(snapshot, discovery, scan, now_ns)
    cached = read_cache(cache) if cache is not None else {}
    files: dict[str, FileRecord] = {}
    stale: list[FoundFile] = []
    for found in discovery.python_files:
        known = cached.get(found.path)
        if known is not None and known.ctime_ns == found.ctime_ns and not found.problem:
            record = known.record
            if record.mtime_ns == found.mtime_ns and record.size_bytes == found.size:
                files[found.path] = record
                continue
        stale.append(found)
    if stale:
        if now_ns is None and cache is not None:
            now_ns = file_system_now(cache.parent)
        fresh = _fresh(root, stale, cached, jobs, advance, len(discovery.python_files))
        files = {f.path: files.get(f.path) or fresh[f.path] for f in discovery.python_files}
    if cache is not None and (stale or len(cached) != len(files)):
        _store(cache, discovery, files, cached, now_ns or 0)
    if advance is not None:
        advance(len(files), len(files))
    return discovery, files


def _fresh(
    root: Path,
    stale: Sequence[FoundFile],
    cached: Mapping[str, CachedFile],
    jobs: int,
    advance: Advance | None,
    total: int,
) -> dict[str, FileRecord]:
    # Imported late: a warm run reads nothing.
    from analyzers.file_reading import content_key, read_records

    known = {content_key(entry.record): entry.record for entry in cached.values()}
    fresh: dict[str, FileRecord] = {}
    for records in read_records(root, stale, known, jobs):
        fresh.update((record.path, record) for record in records)
        if advance is not None:
            advance(total - len(stale) + len(fresh), total)
    return fresh


def _store(
    cache: Path,
    discovery: Discovery,
    files: Mapping[str, FileRecord],
    cached: Mapping[str, CachedFile],
    now_ns: int,
) -> None:
    """Writes the cache; a record whose file could still change under the same stamps is marked for it."""
    entries = []
    for found in discovery.python_files:
        record = files[found.path]
        known = cached.get(found.path)
        if known is not None and known.record is record and known.ctime_ns == found.ctime_ns:
            entries.append(known)
        elif record.sha256:
            settled = is_settled(max(found.mtime_ns, found.ctime_ns), now_ns)
            entries.append(CachedFile(found.ctime_ns if settled else 0, record))
    write_cache(cache, entries)
