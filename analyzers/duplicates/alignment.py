"""Aligns two runs of statements and cuts out the part that is alike enough."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rapidfuzz.distance import LCSseq


@dataclass(frozen=True, slots=True)
class Span:
    """A part of an alignment: indices of its first and last matched pair, and its similarity (0 to 1)."""

    first: int
    last: int
    similarity: float


def matched_pairs(left: str, right: str) -> list[tuple[int, int]]:
    """Returns the index pairs of one longest common subsequence, in order."""
    if left == right:
        return [(n, n) for n in range(len(left))]
    out: list[tuple[int, int]] = []
    for block in LCSseq.opcodes(left, right).as_matching_blocks():
        out.extend((block.a + n, block.b + n) for n in range(block.size))
    return out


def layered_pairs(lefts: Sequence[str], rights: Sequence[str]) -> list[tuple[int, int]]:
    """Returns an alignment by the loosest form that keeps to the stricter ones where these say enough.

    Args:
        lefts: the left run in each form, the loosest first; rights: likewise.

    The loose form alone pairs statements of equal shape at random when many follow each other; a stricter
    form that explains at least half of the pairs fixes them, and only the gaps are aligned loosely.
    """
    loose = matched_pairs(lefts[0], rights[0])
    for n in range(len(lefts) - 1, 0, -1):
        strict = matched_pairs(lefts[n], rights[n])
        if 2 * len(strict) < len(loose):
            continue
        out: list[tuple[int, int]] = []
        i = j = 0
        for a, b in [*strict, (len(lefts[0]), len(rights[0]))]:
            if a > i and b > j:
                below = layered_pairs([f[i:a] for f in lefts[:n]], [f[j:b] for f in rights[:n]])
                out.extend((i + x, j + y) for x, y in below)
            if a < len(lefts[0]):
                out.append((a, b))
            i, j = a + 1, b + 1
        return out
    return loose


def prefix_sums(weights: Sequence[int]) -> list[int]:
    """Returns the running totals, beginning with 0."""
    out = [0]
    for weight in weights:
        out.append(out[-1] + weight)
    return out


def best_span(
    pairs: Sequence[tuple[int, int]],
    left: Sequence[int],
    right: Sequence[int],
    threshold: float,
    slack: float,
) -> Span | None:
    """Returns the heaviest part of an alignment whose similarity is at least `threshold`, or None.

    Args:
        pairs: matched index pairs, in order.
        left: running totals of the weights of the left statements (`prefix_sums`); right: likewise.
        threshold: the least similarity, twice the matched weight over the weight of both sides.
        slack: how far below the threshold the similarity of a prefix or suffix may lie, so that an edit near
            the edge does not cut off what lies beyond it.
    """
    tau = threshold - slack
    while True:
        found = _heaviest(pairs, left, right, tau)
        if found is None:
            return None
        first, last = found
        similarity = span_similarity(pairs, left, right, first, last)
        if similarity >= threshold:
            return Span(first, last, similarity)
        if tau >= threshold:
            return None
        tau = min(threshold, tau + 0.02)


def span_similarity(
    pairs: Sequence[tuple[int, int]], left: Sequence[int], right: Sequence[int], first: int, last: int
) -> float:
    """Returns twice the matched weight over the weight of both sides, from one matched pair to another."""
    matched = 0
    for i, j in pairs[first : last + 1]:
        matched += left[i + 1] - left[i] + right[j + 1] - right[j]
    total = (
        left[pairs[last][0] + 1] - left[pairs[first][0]] + right[pairs[last][1] + 1] - right[pairs[first][1]]
    )
    return matched / total if total else 0.0


def _heaviest(
    pairs: Sequence[tuple[int, int]], left: Sequence[int], right: Sequence[int], tau: float
) -> tuple[int, int] | None:
    """The run of pairs with the greatest sum: matched weight earns 1 - tau, weight passed over costs tau."""
    best = score = 0.0
    found: tuple[int, int] | None = None
    start = 0
    before: tuple[int, int] | None = None
    for n, (i, j) in enumerate(pairs):
        gain = (1 - tau) * (left[i + 1] - left[i] + right[j + 1] - right[j])
        if before is not None:
            score -= tau * (left[i] - left[before[0] + 1] + right[j] - right[before[1] + 1])
        if before is None or score <= 0:
            score, start = 0.0, n
        score += gain
        if score > best:
            best, found = score, (start, n)
        before = (i, j)
    return found
