"""Regions: what a format says about a stretch of text, before anyone looks for names in it."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from analyzers.text_references.reference import Certainty


class Role(enum.Enum):
    """How names in a region are to be read."""

    VALUE = "a scalar"
    NAME = "a key or directive that takes dotted names"
    PATH = "a key or file that takes paths"
    COMMAND = "a command line"
    CODE = "Python code"
    LITERAL = "a code span"
    PROSE = "prose"


class Region(NamedTuple):
    """Characters `start` to `end` of a text have one role; `where` names key or directive.

    `ceiling` bounds how sure a hit in it can be.
    """

    start: int
    end: int
    role: Role
    where: str = ""
    ceiling: Certainty = Certainty.CERTAIN


def in_order(regions: Iterable[Region]) -> list[Region]:
    """`regions` sorted, empty ones dropped; of two that overlap the one that starts first stays."""
    kept: list[Region] = []
    position = 0
    for region in sorted(regions, key=lambda r: (r.start, -r.end)):
        if region.start >= position and region.end > region.start:
            kept.append(region)
            position = region.end
    return kept


def lines_of(text: str, start: int = 0, end: int | None = None) -> Iterator[tuple[int, int]]:
    """(start, end) of each line between `start` and `end`, without line endings (LF, CRLF or CR LF mixed)."""
    stop = len(text) if end is None else end
    while start < stop:
        after = text.find("\n", start, stop)
        after = stop if after < 0 else after
        yield start, after - 1 if after > start and text[after - 1] == "\r" else after
        start = after + 1


def stripped(text: str, start: int, end: int) -> tuple[int, int]:
    """The span without white space at both ends."""
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end


def unquoted(text: str, start: int, end: int) -> tuple[int, int]:
    """The span without one pair of matching quotes around it."""
    if end - start >= 2 and text[start] in "\"'" and text[end - 1] == text[start]:
        return start + 1, end - 1
    return start, end
