"""Finds pairs of places that read alike for a few statements: where a copy may be, in linear time.

Windows are anchored at statement starts and reach as many tokens as make chance unlikely. Two forms are
searched: `member` (variables blanked; a short window is rare enough) and `shape` (all names blanked; it takes
a longer one). A window that occurs very often is no evidence of copying by itself; its occurrences are then
sorted by what follows and by what comes before, and only neighbours are paired: near-linear, and the closest
contexts still meet.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import dataclass

from analyzers.duplicates.corpus import Corpus
from analyzers.duplicates.token_stream import IS_DATA

_MASK = (1 << 64) - 1


@dataclass(frozen=True, slots=True)
class SeedRule:
    """How windows of one form are cut: the least tokens and statements, or the tokens one statement needs.

    A statement of `rows` lines and `row_tokens` tokens is a window by itself, unless `rows` is 0: between
    edits it may stand alone, and it is as good a trace as the lines of several statements.
    """

    tokens: int
    statements: int
    single: int
    crowd: int
    neighbours: int
    rows: int = 0
    row_tokens: int = 0


RAW_RULE = SeedRule(tokens=24, statements=3, single=40, crowd=12, neighbours=2, rows=5, row_tokens=14)
MEMBER_RULE = SeedRule(tokens=14, statements=2, single=22, crowd=12, neighbours=2)
SHAPE_RULE = SeedRule(tokens=32, statements=3, single=48, crowd=8, neighbours=2)
_CONTEXT = 16


def window_keys(corpus: Corpus, form: str, rule: SeedRule) -> array[int]:
    """Returns one 64-bit key per statement: of the window that starts there, or 0 when there is none.

    No window crosses the end of a segment, and none consists of one statement form over and over: such runs
    are registrations, assignments and tables, whose equal shape says nothing.
    """
    keys = array("Q", bytes(8 * len(corpus)))
    tokens, flags, starts = corpus.tokens, corpus.flags, corpus.segment_starts
    rows = corpus.code_rows
    shapes = corpus.raws if form is corpus.raws else corpus.shapes
    for segment in range(len(starts) - 1):
        low, high = starts[segment], starts[segment + 1]
        end = low
        size = 0
        for place in range(low, high):
            if end <= place:
                end, size = place, 0
            while (
                end < high
                and (size < rule.tokens or end - place < rule.statements)
                and not (end - place >= 1 and size >= rule.single)
            ):
                size += tokens[end]
                end += 1
            if (size >= rule.tokens and end - place >= rule.statements) or size >= rule.single:
                first = shapes[place]
                if end - place == 1:
                    if not flags[place] & IS_DATA:
                        keys[place] = hash(form[place]) & _MASK
                elif any(shapes[k] != first for k in range(place + 1, end)):
                    keys[place] = hash(form[place:end]) & _MASK
            long = rule.rows and rows[place] >= rule.rows and tokens[place] >= rule.row_tokens
            if long and not flags[place] & IS_DATA:
                keys[place] = hash(form[place]) & _MASK
            size -= tokens[place]
    return keys


def seed_pairs(corpus: Corpus, keys: array[int], rule: SeedRule) -> Iterator[tuple[int, int]]:
    """Yields pairs of places (earlier, later) with equal windows that do not continue a pair before them."""
    first_seen: dict[int, int] = {}
    groups: dict[int, list[int]] = {}
    for place, key in enumerate(keys):
        if not key:
            continue
        group = groups.get(key)
        if group is not None:
            group.append(place)
        else:
            other = first_seen.setdefault(key, place)
            if other != place:
                groups[key] = [other, place]
    first_seen.clear()
    segments = corpus.segments
    for group in groups.values():
        if len(group) <= rule.crowd:
            for n, b in enumerate(group):
                before = keys[b - 1] if b else 0
                for a in group[:n]:
                    # The pair one statement earlier is a seed, too, and its run reaches here.
                    if a and before and keys[a - 1] == before and segments[a - 1] == segments[a]:
                        continue
                    yield a, b
        else:
            yield from _neighbours(corpus, group, rule.neighbours)


def _neighbours(corpus: Corpus, group: list[int], reach: int) -> Iterator[tuple[int, int]]:
    """Pairs of places of a crowd that are next to each other by following, then by preceding statements."""
    found: set[tuple[int, int]] = set()
    ahead = sorted(group, key=lambda p: (corpus.shapes[p : p + _CONTEXT], corpus.raws[p : p + _CONTEXT], p))
    behind = sorted(group, key=lambda p: (corpus.shapes[max(0, p - _CONTEXT) : p][::-1], corpus.raws[p], p))
    for order in (ahead, behind):
        for n, a in enumerate(order):
            for b in order[n + 1 : n + 1 + reach]:
                found.add((a, b) if a < b else (b, a))
    yield from sorted(found)
