"""Groups seeds into candidates: pairs of functions or classes, and pairs of segments."""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from dataclasses import dataclass

from analyzers.duplicates.corpus import Corpus, Definition, is_large


@dataclass(frozen=True, slots=True)
class Outline:
    """Which functions and classes hold a statement.

    `function_at`, `class_at`: per statement the number of the smallest eligible one around it, or -1.
    `around`: per eligible definition the next larger one of its kind, or -1. `members`: per class the
    numbers of the functions directly in it.
    """

    function_at: array[int]
    class_at: array[int]
    around: dict[int, int]
    members: dict[int, list[int]]


def outline_definitions(corpus: Corpus, min_rows: int) -> Outline:
    """Returns the outline of the corpus; functions and classes below `min_rows` lines are left out."""
    nothing = b"\xff\xff\xff\xff" * len(corpus)
    function_at, class_at = array("i", nothing), array("i", nothing)
    around: dict[int, int] = {}
    members: dict[int, list[int]] = {}
    definitions = corpus.definitions
    for number, span in enumerate(definitions):  # parents come before their children
        if not span.is_class and span.parent >= 0 and definitions[span.parent].is_class:
            members.setdefault(span.parent, []).append(number)
        if span.is_class:
            if span.end_row - span.row + 1 < min_rows:
                continue
        elif not is_large(span, corpus.tokens, min_rows):
            continue
        parent = span.parent
        while parent >= 0 and (parent not in around or definitions[parent].is_class != span.is_class):
            parent = definitions[parent].parent
        around[number] = parent
        table = class_at if span.is_class else function_at
        table[span.first : span.last + 1] = array("i", [number]) * (span.last - span.first + 1)
    return Outline(function_at, class_at, around, members)


def definition_candidates(
    corpus: Corpus, outline: Outline, seeds: Iterable[tuple[int, int]], least_ratio: float
) -> dict[tuple[int, int], int]:
    """Returns pairs of functions and of classes of fitting sizes, with their number of seeds."""
    found: dict[tuple[int, int], int] = {}
    around, definitions = outline.around, corpus.definitions
    for table in (outline.function_at, outline.class_at):
        for a, b in seeds:
            left, start = table[a], table[b]
            while left >= 0:
                right = start
                while right >= 0:
                    if left != right and _sizes_allow(definitions[left], definitions[right], least_ratio):
                        key = (min(left, right), max(left, right))
                        if definitions[key[0]].last < definitions[key[1]].first:
                            found[key] = found.get(key, 0) + 1
                    right = around[right]
                left = around[left]
    return found


def _sizes_allow(a: Definition, b: Definition, least_ratio: float) -> bool:
    statements = a.last - a.first + 1, b.last - b.first + 1
    rows = a.end_row - a.row + 1, b.end_row - b.row + 1
    return 2 * min(statements) >= least_ratio * sum(statements) or 2 * min(rows) >= least_ratio * sum(rows)


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
