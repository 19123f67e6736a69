"""Where a string constant's text stands in its file: between which quotes, in how many parts."""

from __future__ import annotations

import ast
import re
from bisect import bisect_right
from dataclasses import dataclass, field

from analyzers.text_positions import TextPositions

_PART = re.compile(
    r"""
    (?P<comment>\#[^\r\n]*)
    | (?P<prefix>[A-Za-z]{0,2})(?P<quote>\"{3}|'{3}|"|')(?P<body>(?:\\.|(?!(?P=quote)).)*)(?P=quote)
    """,
    re.DOTALL | re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class StringPart:
    """One literal of a constant: characters `start` to `end` between its quotes, `text` as written.

    `value` is what it means; it differs from `text` when there are escapes.
    """

    start: int
    end: int
    text: str
    value: str


def string_parts(text: str, positions: TextPositions, node: ast.Constant) -> list[StringPart] | None:
    """The literals of a string constant in order; None when they are not what the constant holds.

    The latter happens inside f-strings before Python 3.12, where `ast` gives wrong places.
    """
    found: list[StringPart] = []
    for match in _PART.finditer(text, *positions.span(node)):
        if match["comment"] is not None:
            continue
        body, prefix = match["body"], match["prefix"].lower()
        if set(prefix) & set("fbt"):
            return None
        value = body
        if ("\\" in body and "r" not in prefix) or "\r" in body:
            try:
                value = ast.literal_eval(match.group())
            except (SyntaxError, ValueError):
                return None
        found.append(StringPart(match.start("body"), match.end("body"), body, value))
    return found if found and "".join(p.value for p in found) == node.value else None


@dataclass(frozen=True)
class SpanSet:
    """Sorted, disjoint character spans."""

    spans: list[tuple[int, int]]
    _starts: list[int] = field(init=False, repr=False, default_factory=list)

    def __post_init__(self) -> None:
        self._starts.extend(start for start, _ in self.spans)

    def covers(self, position: int) -> bool:
        """Whether `position` lies in one of the spans."""
        at = bisect_right(self._starts, position) - 1
        return at >= 0 and position < self.spans[at][1]


def merged(spans: list[tuple[int, int]]) -> SpanSet:
    """The spans sorted, overlapping ones joined."""
    kept: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if kept and start < kept[-1][1]:
            kept[-1] = (kept[-1][0], max(end, kept[-1][1]))
        else:
            kept.append((start, end))
    return SpanSet(kept)
