"""Groups files with equal bytes, and files equal but for layout, comments, docstrings, import order."""

from __future__ import annotations

from array import array
from collections.abc import Mapping

from analyzers.duplicates.corpus import FEW_ROWS_TOKENS
from analyzers.duplicates.duplicate_model import CloneGroup, CloneKind, ClonePair, Place, fingerprint_of
from analyzers.duplicates.token_stream import FileStream


def equal_files(streams: Mapping[str, FileStream]) -> dict[str, list[str]]:
    """Returns the paths by SHA-256, each list sorted; `streams` is by path."""
    out: dict[str, list[str]] = {}
    for path in sorted(streams):
        out.setdefault(streams[path].sha256, []).append(path)
    return out


def file_groups(streams: Mapping[str, FileStream], min_lines: int) -> list[CloneGroup]:
    """Returns the groups of equal and of equivalent files of at least `min_lines` lines with code (or as many
    tokens as a function needs that has fewer).

    Smaller ones (empty `__init__` files, licence headers alone) repeat without being copies worth a finding.
    A group of equivalent files holds one path of each distinct content.
    """
    out = []
    equivalent: dict[str, list[str]] = {}
    for paths in equal_files(streams).values():
        stream = streams[paths[0]]
        if not _is_large(stream, min_lines):
            continue
        if stream.normal_sha256:
            equivalent.setdefault(stream.normal_sha256, []).append(paths[0])
        if len(paths) > 1:
            out.append(_group(CloneKind.EXACT_FILE, paths, streams))
    for paths in equivalent.values():
        if len(paths) > 1:
            out.append(_group(CloneKind.EQUIVALENT_FILE, sorted(paths), streams))
    return out


def _is_large(stream: FileStream, min_lines: int) -> bool:
    """A file that was not read statement by statement is large, too: it is compared in no other way."""
    if stream.code_lines >= min_lines or (stream.note and not stream.raw):
        return True
    return sum(array("H", stream.tokens)) >= FEW_ROWS_TOKENS


def _group(kind: CloneKind, paths: list[str], streams: Mapping[str, FileStream]) -> CloneGroup:
    places = tuple(Place(path, 1, streams[path].lines) for path in paths)
    pairs = tuple(
        ClonePair(0, n, 1, places[0].last, 1, place.last, 1.0, False, False)
        for n, place in enumerate(places)
        if n
    )
    code_lines = max(streams[path].code_lines or streams[path].lines for path in paths)
    mark = fingerprint_of(kind, ((path, "") for path in paths))
    return CloneGroup(kind, places, pairs, 1.0, False, False, code_lines, fingerprint=mark)
