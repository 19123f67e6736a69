"""Compares two fragments of the corpus: alignment, proof by renaming, similarity."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass

from analyzers.duplicates.alignment import best_span, layered_pairs, prefix_sums, span_similarity
from analyzers.duplicates.corpus import Corpus
from analyzers.duplicates.evidence_store import EvidenceStore
from analyzers.duplicates.line_forms import LITERAL
from analyzers.duplicates.renaming import Evidence, proven_pairs


@dataclass(frozen=True, slots=True)
class FragmentPair:
    """Two runs of statements found alike; numbers of statements in the corpus, both ends included.

    `similarity` from 0 to 1; `renamed` says that names differ, `edited` that statements differ, `shared` is
    the share of distinct names and literals that agree (1.0 when nothing was renamed).
    """

    first_a: int
    last_a: int
    first_b: int
    last_b: int
    similarity: float
    renamed: bool
    edited: bool
    shared: float
    variety: float


@dataclass(frozen=True, slots=True)
class Limits:
    """What counts as alike: the least similarity, and the least share of distinct names that agree."""

    threshold: float
    least_shared: float = 0.4
    slack: float = 0.3


class Comparer:
    """Compares fragments; `store` must have loaded the statements of both."""

    def __init__(self, corpus: Corpus, store: EvidenceStore, limits: Limits) -> None:
        self._corpus = corpus
        self._store = store
        self._limits = limits

    def align(self, a: tuple[int, int], b: tuple[int, int]) -> list[tuple[int, int]]:
        """Returns the pairs of statements of equal shape of two runs (first, last), in order."""
        forms = (self._corpus.shapes, self._corpus.members, self._corpus.raws)
        found = layered_pairs(
            [form[a[0] : a[1] + 1] for form in forms], [form[b[0] : b[1] + 1] for form in forms]
        )
        return [(a[0] + i, b[0] + j) for i, j in found]

    def whole(
        self, a: tuple[int, int], b: tuple[int, int], pairs: Sequence[tuple[int, int]]
    ) -> FragmentPair | None:
        """Returns the comparison of two whole runs, or None when they are not alike enough."""
        good, renamed, shared = self._prove(pairs)
        if not good:
            return None
        similarity = max(self.ratio(good, a, b, weighted) for weighted in (True, False))
        if similarity < self._limits.threshold or not self._plausible(good, renamed, shared):
            return None
        edited = len(good) != a[1] - a[0] + 1 or len(good) != b[1] - b[0] + 1
        return FragmentPair(a[0], a[1], b[0], b[1], similarity, renamed, edited, shared, self._variety(good))

    def part(self, pairs: Sequence[tuple[int, int]]) -> FragmentPair | None:
        """Returns the heaviest part of an alignment that is alike enough, or None."""
        weights = self._corpus.code_rows
        span: tuple[int, int] | None = None
        for _ in range(2):  # the renaming is voted on once more by the part alone
            good, renamed, shared = self._prove(pairs)
            if not good:
                return None
            base_a, base_b = good[0][0], good[0][1]
            left = prefix_sums(weights[base_a : good[-1][0] + 1])
            right = prefix_sums(weights[base_b : good[-1][1] + 1])
            moved = [(i - base_a, j - base_b) for i, j in good]
            best = best_span(moved, left, right, self._limits.threshold, self._limits.slack)
            if best is None:
                return None
            first, last = good[best.first], good[best.last]
            if span == (best.first, best.last) and len(pairs) == len(good):
                break
            pairs = [p for p in pairs if first[0] <= p[0] <= last[0] and first[1] <= p[1] <= last[1]]
            span = (0, len(good) - 1)
        good, renamed, shared = self._prove(pairs)
        if not good:
            return None
        base_a, base_b = good[0]
        last_a, last_b = good[-1]
        a, b = (base_a, last_a), (base_b, last_b)
        similarity = max(self.ratio(good, a, b, weighted) for weighted in (True, False))
        if similarity < self._limits.threshold or not self._plausible(good, renamed, shared):
            return None
        edited = len(good) != last_a - base_a + 1 or len(good) != last_b - base_b + 1
        return FragmentPair(
            base_a, last_a, base_b, last_b, similarity, renamed, edited, shared, self._variety(good)
        )

    def _prove(self, pairs: Sequence[tuple[int, int]]) -> tuple[list[tuple[int, int]], bool, float]:
        """The proven pairs, whether names differ, and the share of distinct names that agree."""
        raw = self._corpus.raw
        if all(raw[i] == raw[j] for i, j in pairs):
            return list(pairs), False, 1.0
        facts: list[tuple[Evidence, Evidence]] = [(self._store.of(i), self._store.of(j)) for i, j in pairs]
        proven, renaming = proven_pairs(facts)
        good = [p for p, keep in zip(pairs, proven) if keep]  # noqa: B905
        seen: dict[tuple[tuple[str, str], tuple[str, str]], int] = {}
        for (left, right), keep in zip(facts, proven):  # noqa: B905
            if keep:
                for x, y in zip(left, right):  # noqa: B905
                    seen[x, y] = seen.get((x, y), 0) + 1
        agree = sum(x == y or (x[0] != LITERAL and n >= 2) for (x, y), n in seen.items())
        renamed = any(x != y for x, y in seen)
        return good, renamed, agree / len(seen) if seen else 1.0

    def _plausible(self, good: Sequence[tuple[int, int]], renamed: bool, shared: float) -> bool:
        return not renamed or shared >= self._limits.least_shared

    def _variety(self, good: Sequence[tuple[int, int]]) -> float:
        shapes = self._corpus.shapes
        return len({shapes[i] for i, _ in good}) / len(good)

    def ratio(
        self, good: Sequence[tuple[int, int]], a: tuple[int, int], b: tuple[int, int], weighted: bool
    ) -> float:
        if not weighted:
            return 2 * len(good) / (a[1] - a[0] + 1 + b[1] - b[0] + 1)
        weights: array[int] = self._corpus.code_rows
        matched = sum(weights[i] + weights[j] for i, j in good)
        return matched / (sum(weights[a[0] : a[1] + 1]) + sum(weights[b[0] : b[1] + 1]))


__all__ = ["Comparer", "FragmentPair", "Limits", "span_similarity"]
