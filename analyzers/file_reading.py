"""Reads files and makes their records, one piece of the repository at a time, here or in other processes."""

from __future__ import annotations

import hashlib
import signal
import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from analyzers.discovery import FoundFile
from analyzers.file_facts import read_many, same_facts, unread
from analyzers.model import FileRecord

#: Files and bytes per task. With 64 files the cost of a task does not count (performance.md, "Pools and
#: caches"); the bytes keep the last tasks short enough for the processes to end together.
CHUNK_FILES = 64
CHUNK_BYTES = 250_000

#: Bytes to parse below which one process is faster than starting others: about 0.25 s of parsing.
SERIAL_BYTES = 2_500_000

#: (hash, is stub): what a file's facts depend on.
ContentKey = tuple[str, bool]


def read_records(
    root: Path, files: Sequence[FoundFile], known: Mapping[ContentKey, FileRecord], jobs: int
) -> Iterator[list[FileRecord]]:
    """The records of files in pieces, in no order; what cannot be read is a record with its error.

    Args:
        root: the repository root.
        files: what to read.
        known: records of files that were read before; equal bytes are not parsed again.
        jobs: number of processes that may work.
    """
    unknown: Sequence[FoundFile] = files
    if known:
        records, unknown = _recognised(root, files, known)
        yield records
    chunks = _chunks(unknown)
    if jobs < 2 or len(chunks) < 2 or sum(file.size for file in unknown) < SERIAL_BYTES:
        for chunk in chunks:
            yield read_chunk(root, chunk)
    else:
        yield from _spread(root, chunks, jobs)


def content_key(record: FileRecord) -> ContentKey:
    """What the facts of a record depend on."""
    return record.sha256, record.path.endswith(".pyi")


def read_file(root: Path, found: FoundFile) -> tuple[bytes, str]:
    """`(content, "")` of a file, or `(b"", reason)`; never opens what is no regular file."""
    if found.problem:
        return b"", found.problem
    try:
        with open(f"{root}/{found.path}", "rb", buffering=0) as stream:
            return stream.read(), ""
    except OSError as error:
        return b"", f"cannot be read: {error.strerror or error}"


def read_chunk(root: Path, files: Sequence[FoundFile]) -> list[FileRecord]:
    """The records of a few files; equal bytes are parsed once."""
    contents = []
    failed = []
    for found in files:
        content, error = read_file(root, found)
        if error:
            failed.append(unread(found.path, error, found.size, found.mtime_ns))
        else:
            contents.append((found.path, content, found.mtime_ns))
    return read_many(contents) + failed


def _recognised(
    root: Path, files: Sequence[FoundFile], known: Mapping[ContentKey, FileRecord]
) -> tuple[list[FileRecord], list[FoundFile]]:
    """The records of files whose bytes are known, and the other files."""
    records = []
    others = []
    for found in files:
        content, error = read_file(root, found)
        key = (hashlib.sha256(content).hexdigest(), found.path.endswith(".pyi"))
        if error or key not in known:
            others.append(found)
        else:
            records.append(same_facts(known[key], found.path, found.mtime_ns))
    return records, others


def _chunks(files: Sequence[FoundFile]) -> list[list[FoundFile]]:
    """The largest files first, so that no long task comes last; equal sizes stay together.

    Files with equal bytes are thereby in one chunk and parsed once (209 of 2,025 in performance.md).
    """
    chunks: list[list[FoundFile]] = []
    room = previous = 0
    for found in sorted(files, key=lambda f: (-f.size, f.path)):
        if not chunks or (found.size != previous and (room <= 0 or len(chunks[-1]) >= CHUNK_FILES)):
            chunks.append([])
            room = CHUNK_BYTES
        chunks[-1].append(found)
        previous = found.size
        room -= found.size
    return chunks


def _spread(root: Path, chunks: list[list[FoundFile]], jobs: int) -> Iterator[list[FileRecord]]:
    from concurrent.futures import ProcessPoolExecutor, as_completed
    from concurrent.futures.process import BrokenProcessPool
    from multiprocessing import get_context

    # A forked process starts in 0.02 s and finds everything imported; elsewhere the platform's own way.
    context = get_context("fork" if sys.platform.startswith("linux") else None)
    unread_chunks = list(range(len(chunks)))
    with warnings.catch_warnings():
        # Python 3.12 warns of forking beside threads; the workers touch nothing that a thread could hold.
        warnings.simplefilter("ignore", DeprecationWarning)
        pool = ProcessPoolExecutor(min(jobs, len(chunks)), mp_context=context, initializer=_ignore_interrupts)
        try:
            tasks = {
                pool.submit(_encoded_chunk, root, msgspec.msgpack.encode(chunk)): number
                for number, chunk in enumerate(chunks)
            }
            for task in as_completed(tasks):
                records = msgspec.msgpack.decode(task.result(), type=list[FileRecord])
                unread_chunks.remove(tasks[task])
                yield records
        except BrokenProcessPool:
            # A worker was killed, as a rule for want of memory: one process needs less than several.
            for number in unread_chunks:
                yield read_chunk(root, chunks[number])
        finally:
            pool.shutdown(cancel_futures=True)


def _ignore_interrupts() -> None:
    # Ctrl-C reaches the whole process group; the parent alone answers it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _encoded_chunk(root: Path, files: bytes) -> bytes:
    # Encoded values cross the border between processes in a fraction of the time of pickled ones.
    return msgspec.msgpack.encode(read_chunk(root, msgspec.msgpack.decode(files, type=list[FoundFile])))
