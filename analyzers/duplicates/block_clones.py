"""Grows seeds into blocks: runs of statements inside one segment on either side, gaps allowed."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from analyzers.duplicates.corpus import HEAD_ROWS, Corpus, Definition
from analyzers.duplicates.evidence_store import EvidenceStore
from analyzers.duplicates.fragment_pairs import Comparer, FragmentPair, Limits

_MARGIN = 24
_GAP = 12
MAX_REGION = 1_500
"""Statements on one side of a region; a longer run of seeds is cut here."""

_LEAST_SHARE = 0.4
_FAR_ROWS = 8
_ROW_TOKENS = 8
_LONG, _PATTERN = 16, 8
_LIST, _LIST_SHAPES, _STRETCH = 6, 2, 3
MAX_REGIONS = 60
"""Regions of one pair of segments; the chains with the most seeds are followed."""

Seeds = list[tuple[int, int]]
Region = tuple[int, int, int, int]


def regions_of(
    corpus: Corpus, segments: tuple[int, int], seeds: Seeds
) -> tuple[list[tuple[Region, Seeds]], int]:
    """Returns the regions (first and last statement on either side) in which to look for blocks, and how many
    were left out as too many.

    Seeds whose gaps are small on both sides form one region; it is widened by a margin and never leaves its
    segment. Within one segment the two sides never overlap.
    """
    starts = corpus.segment_starts
    low_a, high_a = starts[segments[0]], starts[segments[0] + 1] - 1
    low_b, high_b = starts[segments[1]], starts[segments[1] + 1] - 1
    chains: list[Seeds] = []
    for a, b in seeds:
        for chain in reversed(chains[-6:]):
            last_a, last_b = chain[-1]
            if (
                a - last_a >= 0
                and b - last_b >= 0
                and abs((a - last_a) - (b - last_b)) <= _GAP
                and a - chain[0][0] < MAX_REGION
            ):
                chain.append((a, b))
                break
        else:
            chains.append([(a, b)])
    out: list[tuple[Region, Seeds]] = []
    skipped = max(0, len(chains) - MAX_REGIONS)
    chains = sorted(sorted(chains, key=lambda c: (-len(c), c))[:MAX_REGIONS])
    for chain in chains:
        first_a, first_b = chain[0]
        last_a, last_b = chain[-1]
        runs = _runs(corpus, chain, high_a, high_b)
        region = (
            max(low_a, first_a - _MARGIN),
            min(high_a, max(a + n for (a, _), n in zip(chain, runs)) + _MARGIN),  # noqa: B905
            max(low_b, first_b - _MARGIN),
            min(high_b, max(b + n for (_, b), n in zip(chain, runs)) + _MARGIN),  # noqa: B905
        )
        if segments[0] == segments[1] and region[1] >= region[2]:
            # Both sides lie in one function: they meet halfway between the seeds.
            middle = (last_a + first_b) // 2
            if last_a >= first_b:
                middle = first_b - 1
            region = (region[0], middle, middle + 1, region[3])
        if region[0] <= region[1] and region[2] <= region[3]:
            out.append((region, chain))
    return out, skipped


def _runs(corpus: Corpus, chain: Seeds, high_a: int, high_b: int) -> list[int]:
    """How far each seed runs on; 0 for one inside the run of the seed before it."""
    out = []
    end = diagonal = -1
    for a, b in chain:
        if b - a == diagonal and a <= end:
            out.append(0)
            continue
        out.append(_run(corpus, a, b, high_a, high_b))
        diagonal, end = b - a, a + out[-1]
    return out


def _run(corpus: Corpus, a: int, b: int, high_a: int, high_b: int) -> int:
    shapes = corpus.shapes
    n = 0
    while n < MAX_REGION and a + n < high_a and b + n < high_b and shapes[a + n + 1] == shapes[b + n + 1]:
        n += 1
    return n


def _align_around(corpus: Corpus, comparer: Comparer, region: Region, chain: Seeds) -> list[tuple[int, int]]:
    """Aligns a region such that the heaviest run of equal statements stays in one piece.

    A longest common subsequence alone may tear a run apart to win one chance pair elsewhere; the run may lie
    one statement off in code that repeats itself. The alignment in which more is equal is taken. In a long
    run of one pattern, where every alignment is as good as another, the run stays.
    """
    low_a, high_a, low_b, high_b = region
    shapes, tokens = corpus.shapes, corpus.tokens
    best = (-1, 0, 0, 0)
    end = (-1, -1)
    for a, b in chain:
        if a > high_a or b > high_b or a < low_a or b < low_b or (a - b == end[1] and a <= end[0]):
            continue
        first = 0
        while a - first > low_a and b - first > low_b and shapes[a - first - 1] == shapes[b - first - 1]:
            first += 1
        last = 0
        while a + last < high_a and b + last < high_b and shapes[a + last + 1] == shapes[b + last + 1]:
            last += 1
        end = (a + last, a - b)
        weight = sum(tokens[a - first : a + last + 1])
        best = max(best, (weight, a - first, b - first, first + last + 1))
    _, a, b, size = best
    start, size = _exact_stretch(corpus, a, b, size)
    a, b = a + start, b + start
    if not size:
        return comparer.align((low_a, high_a), (low_b, high_b))
    out = comparer.align((low_a, a - 1), (low_b, b - 1)) if a > low_a and b > low_b else []
    out.extend((a + n, b + n) for n in range(size))
    if a + size <= high_a and b + size <= high_b:
        out.extend(comparer.align((a + size, high_a), (b + size, high_b)))
    count = high_a - low_a + 1
    if count < _LONG or _PATTERN * len(set(shapes[low_a : high_a + 1])) > count:
        free = comparer.align((low_a, high_a), (low_b, high_b))
        out = free if _agreement(corpus, free) > _agreement(corpus, out) else out
    return _drawn_together(corpus, out, a)


def _drawn_together(corpus: Corpus, pairs: Seeds, core: int) -> Seeds:
    """The alignment with each pair as near to the core as an equal statement on the same side allows.

    Of several equal statements a longest common subsequence takes any.
    """
    raws = corpus.raws
    at = next((n for n, (i, _) in enumerate(pairs) if i >= core), len(pairs))
    out = list(pairs)
    for n in range(min(at, len(out) - 1) - 1, -1, -1):
        (i, j), (high_i, high_j) = out[n], out[n + 1]
        if raws[i] == raws[j]:
            out[n] = (max(i, raws.rfind(raws[i], i, high_i)), max(j, raws.rfind(raws[j], j, high_j)))
    for n in range(at + 1, len(out)):
        (low_i, low_j), (i, j) = out[n - 1], out[n]
        if raws[i] == raws[j]:
            out[n] = (raws.find(raws[i], low_i + 1, i + 1), raws.find(raws[j], low_j + 1, j + 1))
    return out


def _agreement(corpus: Corpus, pairs: Seeds) -> int:
    """The tokens of the statements that are paired, more for those that are equal in a stricter form."""
    raw, members, tokens = corpus.raw, corpus.members, corpus.tokens
    return sum(tokens[i] * (1 + (members[i] == members[j]) + (raw[i] == raw[j])) for i, j in pairs)


def _exact_stretch(corpus: Corpus, a: int, b: int, size: int) -> tuple[int, int]:
    """Start and length of the part of a run of equal shapes that surely belongs together.

    Where one shape follows itself again and again, a run of equal shapes goes on behind a statement that only
    one side has, one off; there the longest stretch of equal statements counts, if there is one.
    """
    shapes, raw = corpus.shapes, corpus.raw
    if size < _LIST or _LIST_SHAPES * len(set(shapes[a : a + size])) > size:
        return 0, size
    longest = (0, 0)
    start = 0
    for n in range(size + 1):
        if n == size or raw[a + n] != raw[b + n]:
            longest = max(longest, (n - start, -start))
            start = n + 1
    return (-longest[1], longest[0]) if longest[0] >= _STRETCH else (0, size)


def verify_blocks(
    corpus: Corpus,
    store: EvidenceStore,
    limits: Limits,
    min_rows: int,
    candidates: Sequence[tuple[tuple[int, int], Seeds]],
) -> tuple[list[FragmentPair], Mapping[tuple[int, int], int]]:
    """Returns the blocks of at least `min_rows` lines that are alike, and per pair of files the regions
    skipped.
    """
    skipped: Counter[tuple[int, int]] = Counter()
    comparer = Comparer(corpus, store, limits)
    raw, tokens = corpus.raw, corpus.tokens
    aligned = []
    wanted: set[int] = set()
    for segments, seeds in candidates:
        regions, left_out = regions_of(corpus, segments, seeds)
        skipped[corpus.file_of(seeds[0][0]), corpus.file_of(seeds[0][1])] += left_out
        for region, chain in regions:
            pairs = _align_around(corpus, comparer, region, chain)
            # Even with every line of the region that agrees it would be too short.
            rows = max(sum(corpus.code_rows[p[side]] for p in pairs) for side in (0, 1)) if pairs else 0
            if rows < limits.threshold * min_rows * 0.7 or sum(tokens[i] for i, _ in pairs) < 4 * min_rows:
                continue
            aligned.append(pairs)
            if any(raw[i] != raw[j] for i, j in pairs):
                for i, j in pairs:
                    wanted.add(i)
                    wanted.add(j)
    store.load(wanted)
    found = []
    seen: set[tuple[int, int, int, int]] = set()
    for pairs in aligned:
        todo = [pairs]
        while todo:
            part = todo.pop()
            result = comparer.part(part)
            if result is None:
                continue
            result = _without_far_head(corpus, result)
            key = (result.first_a, result.last_a, result.first_b, result.last_b)
            wide = _widened(corpus, comparer, result, min_rows)
            if wide is None:
                continue
            spot = (wide.first_a, wide.last_a, wide.first_b, wide.last_b)
            if spot not in seen:
                seen.add(spot)
                if not _is_row_of_others(corpus, wide):
                    found.append(wide)
            before = [p for p in part if p[0] < key[0] and p[1] < key[2]]
            after = [p for p in part if p[0] > key[1] and p[1] > key[3]]
            todo.extend(p for p in (after, before) if len(p) >= 3)
    return found, skipped


def _without_far_head(corpus: Corpus, found: FragmentPair) -> FragmentPair:
    """The block without a first statement that a long docstring or comment parts from the rest.

    A long comment that both sides have was copied, too; a docstring parts the head of a function that was
    there before.
    """
    a, b = found.first_a, found.first_b
    if a + 1 >= found.last_a or b + 1 >= found.last_b:
        return found
    gaps = (corpus.rows[a + 1] - corpus.end_rows[a], corpus.rows[b + 1] - corpus.end_rows[b])
    one_sided = 2 * min(gaps) <= _FAR_ROWS or _is_head(corpus, a) or _is_head(corpus, b)
    return replace(found, first_a=a + 1, first_b=b + 1) if max(gaps) > _FAR_ROWS and one_sided else found


def _is_row_of_others(corpus: Corpus, found: FragmentPair) -> bool:
    """Whether the block runs over small definitions that are others on the other side.

    Short methods after one another, as in visitors, are alike wherever they stand; they are a copy when they
    are called the same, do the same for the most part, and do not belong to classes that are called
    otherwise.
    """
    names = [
        _definitions_in(corpus, first, last)
        for first, last in ((found.first_a, found.last_a), (found.first_b, found.last_b))
    ]
    most = max(len(n) for n in names)
    if most < 2:
        return False
    if 2 * _common([n for n, *_ in names[0]], [n for n, *_ in names[1]]) < most:
        return True
    raw = corpus.raw
    bodies = [
        [raw[k] for k in range(first, last + 1) if corpus.tokens[k] > 1 and k not in heads]
        for first, last, heads in (
            (found.first_a, found.last_a, {at for *_, at in names[0]}),
            (found.first_b, found.last_b, {at for *_, at in names[1]}),
        )
    ]
    if 2 * _common(*bodies) < max(map(len, bodies)):
        return True
    starts = found.first_a, found.first_b
    classes = [
        {name for name, is_class, at in side if is_class and at != start}
        for side, start in zip(names, starts, strict=True)
    ]
    return classes[0] != classes[1]


def _common(left: Sequence[object], right: Sequence[object]) -> int:
    return sum((Counter(left) & Counter(right)).values())


def _definitions_in(corpus: Corpus, first: int, last: int) -> list[tuple[str, bool, int]]:
    """Name, whether it is a class, and first statement of each definition that begins in a run; those inside
    of functions are local names and do not count.
    """
    out = []
    for number in range(bisect_left(corpus.definitions, first, key=_begin), len(corpus.definitions)):
        one = corpus.definitions[number]
        if one.first > last:
            break
        if not _is_local(corpus, one):
            out.append((one.name, one.is_class, one.first))
    return out


def _is_local(corpus: Corpus, definition: Definition) -> bool:
    """Whether a definition stands inside of a function, be it in a class there."""
    while definition.parent >= 0:
        definition = corpus.definitions[definition.parent]
        if not definition.is_class:
            return True
    return False


def _is_head(corpus: Corpus, place: int) -> bool:
    """Whether a statement is the first of a function or class."""
    number = bisect_left(corpus.definitions, place, key=_begin)
    return number < len(corpus.definitions) and corpus.definitions[number].first == place


def _begin(definition: Definition) -> int:
    return definition.first


def _widened(corpus: Corpus, comparer: Comparer, found: FragmentPair, min_rows: int) -> FragmentPair | None:
    """The block, of at least `min_rows` lines on one side: an edit in its first or last line belongs to it.

    A long signature does not make a block long.

    The other side may be shorter, because one statement can be written on one line or on many.
    """
    starts, segments = corpus.segment_starts, corpus.segments
    ends = (segments[found.first_a], segments[found.first_b])
    low = (starts[ends[0]], starts[ends[1]])
    high = (starts[ends[0] + 1] - 1, starts[ends[1] + 1] - 1)
    if ends[0] == ends[1]:
        high = (found.first_b - 1, high[1])
        low = (low[0], found.last_a + 1)
    behind = True
    failures = 0
    while True:
        sizes = (
            _rows_with_short_head(corpus, found.first_a, found.last_a),
            _rows_with_short_head(corpus, found.first_b, found.last_b),
        )
        if max(sizes) >= min_rows:
            return (
                found
                if min(sizes) >= _LEAST_SHARE * min_rows or _is_unwrapped(corpus, found, min_rows)
                else None
            )
        wide = comparer.widen(found, low, high, behind=behind)
        failures = 0 if wide is not None else failures + 1
        if failures == 2:
            return None
        found = wide or found
        behind = not behind


def _is_unwrapped(corpus: Corpus, found: FragmentPair, min_rows: int) -> bool:
    """Whether two equal blocks are long by their tokens, though one of them is written on few lines."""
    tokens = sum(corpus.tokens[found.first_a : found.last_a + 1])
    return not found.renamed and not found.edited and tokens >= _ROW_TOKENS * min_rows


def _rows_with_short_head(corpus: Corpus, first: int, last: int) -> int:
    """The number of lines of a run; a head that it begins with counts as in `Corpus.code_rows`."""
    rows = rows_between(corpus, first, last)
    if _is_head(corpus, first):
        rows -= max(0, rows_between(corpus, first, first) - HEAD_ROWS)
    return rows


def rows_between(corpus: Corpus, first: int, last: int) -> int:
    """Returns the number of lines from the first line of one statement to the last of another."""
    return corpus.end_rows[last] - corpus.rows[first] + 1
