"""Groups seeds into candidates: pairs of functions, and pairs of segments with the places where they agree."""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from dataclasses import dataclass

from analyzers.duplicates.corpus import Corpus, is_large


@dataclass(frozen=True, slots=True)
class Outline:
    """Which function holds a statement.

    `innermost`: per statement the number of the smallest eligible function around it, or -1. `around`: per
    definition the next larger eligible function, or -1.
    """

    innermost: array[int]
    around: dict[int, int]


def outline_functions(corpus: Corpus, min_rows: int) -> Outline:
    """Returns the eligible functions (of at least `min_rows` lines) around each statement."""
    innermost = array("i", b"\xff\xff\xff\xff" * len(corpus))
    around: dict[int, int] = {}
    definitions = corpus.definitions
    for number, span in enumerate(definitions):  # parents come before their children
        if not is_large(span, corpus.tokens, min_rows):
            continue
        parent = span.parent
        while parent >= 0 and parent not in around:
            parent = definitions[parent].parent
        around[number] = parent
        innermost[span.first : span.last + 1] = array("i", [number]) * (span.last - span.first + 1)
    return Outline(innermost, around)


def function_candidates(
    corpus: Corpus, outline: Outline, seeds: Iterable[tuple[int, int]], least_ratio: float
) -> set[tuple[int, int]]:
    """Returns pairs of functions that share a seed and whose sizes allow the similarity `least_ratio`."""
    found: set[tuple[int, int]] = set()
    innermost, around, definitions = outline.innermost, outline.around, corpus.definitions
    for a, b in seeds:
        left = innermost[a]
        if left < 0:
            continue
        start = innermost[b]
        while left >= 0:
            span = definitions[left]
            count = span.last - span.first + 1
            rows = span.end_row - span.row + 1
            right = start
            while right >= 0:
                other = definitions[right]
                size = other.last - other.first + 1
                lines = other.end_row - other.row + 1
                if left != right and (
                    2 * min(count, size) >= least_ratio * (count + size)
                    or 2 * min(rows, lines) >= least_ratio * (rows + lines)
                ):
                    if span.last < other.first:
                        found.add((left, right))
                    elif other.last < span.first:
                        found.add((right, left))
                right = around[right]
            left = around[left]
    return found


def segment_candidates(
    corpus: Corpus, seeds: Iterable[tuple[int, int]]
) -> dict[tuple[int, int], list[tuple[int, int]]]:
    """Returns the seeds by the pair of segments in which they lie, sorted."""
    found: dict[tuple[int, int], list[tuple[int, int]]] = {}
    segments = corpus.segments
    for a, b in seeds:
        found.setdefault((segments[a], segments[b]), []).append((a, b))
    for runs in found.values():
        runs.sort()
    return found
