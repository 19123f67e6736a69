"""Lays the streams of all distinct contents end to end, so that a place is one number."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from analyzers.duplicates.token_stream import FileStream

_CHARS = 0x110000


@dataclass(frozen=True, slots=True)
class Definition:
    """A function or class of the corpus.

    `first` and `last`: numbers of its statements in the corpus, both ends included. `row` and `end_row`: its
    1-based lines in the file. `parent`: the number of the class or function around it, or -1, counted in
    `Corpus.definitions`. `header`: the tokens of its first statement, one space apart.
    """

    file: int
    name: str
    is_class: bool
    first: int
    last: int
    row: int
    end_row: int
    parent: int
    header: str


@dataclass(frozen=True, slots=True)
class Corpus:
    """All statements of all streams, in the order of the files.

    `offsets`: where the statements of each file begin, and the total at the end. `shapes`, `members`, `raws`:
    one character per distinct form, so that rapidfuzz compares runs of statements as strings (when there are
    more forms than characters, some share one: the proof by names tells them apart). `segments`: the segment
    of each statement; a segment is a function, or the statements between two functions, and no block crosses
    its edge. `code_rows`: lines with code of each statement, of the head of a definition at most HEAD_ROWS.
    `segment_starts` has one entry more than there are segments. `definition_starts`: the number of the first
    definition of each file.
    """

    streams: tuple[FileStream, ...]
    offsets: array[int]
    raw: array[int]
    shapes: str
    members: str
    raws: str
    tokens: array[int]
    flags: array[int]
    code_rows: array[int]
    rows: array[int]
    end_rows: array[int]
    indents: array[int]
    segments: array[int]
    segment_starts: array[int]
    definitions: tuple[Definition, ...]
    definition_starts: array[int]

    def file_of(self, place: int) -> int:
        """The number of the file that holds a statement."""
        return bisect_right(self.offsets, place) - 1

    def __len__(self) -> int:
        return len(self.raw)


HEAD_ROWS = 3
"""Lines that the head of a function or class counts at most."""

FEW_ROWS_TOKENS = 60
"""A function of fewer lines than the least is compared all the same when it has this many tokens."""


def is_large(span: Definition, tokens: array[int], min_rows: int) -> bool:
    """Whether a definition is a function that is compared as a whole."""
    return not span.is_class and (
        span.end_row - span.row + 1 >= min_rows or sum(tokens[span.first : span.last + 1]) >= FEW_ROWS_TOKENS
    )


def build_corpus(streams: Sequence[FileStream], min_function_rows: int) -> Corpus:
    """Returns the corpus; functions of at least `min_function_rows` lines are segments of their own."""
    offsets = array("I", [0])
    columns: dict[str, array[int]] = {}
    kinds = {
        "raw": "Q",
        "member": "Q",
        "shape": "Q",
        "tokens": "H",
        "flags": "B",
        "code_rows": "H",
        "rows": "I",
        "end_rows": "I",
        "indents": "H",
    }
    for name, kind in kinds.items():
        columns[name] = array(kind)
        for stream in streams:
            columns[name].frombytes(getattr(stream, name))
    definitions: list[Definition] = []
    definition_starts = array("I")
    segments = array("I")
    segment_starts = array("I")
    total = 0
    for number, stream in enumerate(streams):
        count = len(stream.tokens) // 2
        base = len(definitions)
        definition_starts.append(base)
        edges = {0, count}
        covered = -1
        for span in stream.definitions:
            definitions.append(
                Definition(
                    number,
                    span.name,
                    span.is_class,
                    total + span.first,
                    total + span.last,
                    span.row,
                    span.end_row,
                    base + span.parent if span.parent >= 0 else -1,
                    span.header,
                )
            )
            if span.first > covered and is_large(definitions[-1], columns["tokens"], min_function_rows):
                edges.add(span.first)
                edges.add(span.last + 1)
                covered = span.last
        ordered = sorted(edges)
        for low, high in pairwise(ordered):
            segments.extend([len(segment_starts)] * (high - low))
            segment_starts.append(total + low)
        total += count
        offsets.append(total)
    segment_starts.append(total)
    rows = columns["code_rows"]
    for definition in definitions:
        # An interface gives a signature, however many lines it takes: it must not make a copy of two bodies.
        rows[definition.first] = min(rows[definition.first], HEAD_ROWS)
    return Corpus(
        streams=tuple(streams),
        offsets=offsets,
        raw=columns["raw"],
        shapes=_characters(columns["shape"]),
        members=_characters(columns["member"]),
        raws=_characters(columns["raw"]),
        tokens=columns["tokens"],
        flags=columns["flags"],
        code_rows=columns["code_rows"],
        rows=columns["rows"],
        end_rows=columns["end_rows"],
        indents=columns["indents"],
        segments=segments,
        segment_starts=segment_starts,
        definitions=tuple(definitions),
        definition_starts=definition_starts,
    )


def _characters(hashes: array[int]) -> str:
    ids: dict[int, int] = {}
    return "".join([chr(ids.setdefault(h, len(ids)) % _CHARS) for h in hashes])
