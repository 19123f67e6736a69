"""Compares two fragments of the corpus: alignment, proof by renaming, similarity."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from analyzers.duplicates.alignment import best_span, layered_pairs, prefix_sums
from analyzers.duplicates.complete_copies import complete_copy
from analyzers.duplicates.corpus import Corpus
from analyzers.duplicates.evidence_store import EvidenceStore
from analyzers.duplicates.renaming import Proof, prove
from analyzers.duplicates.token_stream import IS_DATA

Place = tuple[int, int]
Pairs = Sequence[Place]
Run = tuple[int, int]


@dataclass(frozen=True, slots=True)
class FragmentPair:
    """Two runs of statements found alike; numbers of statements in the corpus, both ends included.

    `similarity` from 0 to 1. `renamed` says that names or literals differ, `edited` that statements were
    added, removed or changed, `varied` that more differs than names of variables (see `Proof`). `rule` names
    the rule that accepted the pair.
    """

    first_a: int
    last_a: int
    first_b: int
    last_b: int
    similarity: float
    renamed: bool
    edited: bool
    varied: bool
    rule: str


@dataclass(frozen=True, slots=True)
class Limits:
    """What counts as alike.

    `threshold`: the least similarity. `least_shared`: the least share of distinct names and literals that
    agree. `slack`: see `best_span`. `least_body`: see `Comparer.definition_ratio`. The other numbers belong
    to the rules of `Comparer._accept`; they were chosen on the seeds that docs/duplicates.md names.
    """

    threshold: float
    least_shared: float = 0.4
    short_statements: int = 8
    short_shared: float = 0.7
    slack: float = 0.25
    weak_margin: float = 0.2
    weak_shared: float = 0.45
    weak_recurring: int = 3
    weak_block_shared: float = 0.55
    weak_block_recurring: int = 5
    weak_statements: int = 9
    weak_tokens: int = 60
    same_shape_statements: int = 7
    same_shape_shared: float = 0.22
    same_shape_variety: float = 0.6
    least_variety: float = 0.3
    certain_shared: float = 0.75
    certain_tokens: int = 90
    long_tokens: int = 200
    long_shared: float = 0.3
    long_variety: float = 0.5
    weak_long_tokens: int = 100
    least_tokens: int = 45
    complete_statements: int = 6
    heavy_shared: float = 0.8
    form_words: int = 8
    form_equal: float = 0.3
    least_body: float = 0.7


_GROWTH = 12
_LEAP = 8
_LEAP_DENSITY = 0.25
_COUNTED_TOKENS = 40
_ROUNDING = 1e-6
MAX_RUN = 4_000
"""Statements of one side beyond which runs are compared from the start only."""


def _adjoin(before: tuple[int, int], after: tuple[int, int]) -> bool:
    return before[0] + 1 == after[0] and before[1] + 1 == after[1]


class Comparer:
    """Compares fragments; `store` must have loaded the statements of both."""

    def __init__(self, corpus: Corpus, store: EvidenceStore, limits: Limits) -> None:
        self._corpus = corpus
        self._store = store
        self._limits = limits

    def align(self, a: Run, b: Run) -> list[tuple[int, int]]:
        """Returns the pairs of statements of equal shape of two runs (first, last), in order.

        Of runs longer than MAX_RUN only what is equal from the start is paired: memory grows with the
        product.
        """
        if max(a[1] - a[0], b[1] - b[0]) >= MAX_RUN:
            shapes = self._corpus.shapes
            equal = 0
            while equal <= min(a[1] - a[0], b[1] - b[0]) and shapes[a[0] + equal] == shapes[b[0] + equal]:
                equal += 1
            return [(a[0] + n, b[0] + n) for n in range(equal)]
        forms = (self._corpus.shapes, self._corpus.members, self._corpus.raws)
        found = layered_pairs(
            [form[a[0] : a[1] + 1] for form in forms], [form[b[0] : b[1] + 1] for form in forms]
        )
        return [(a[0] + i, b[0] + j) for i, j in found]

    def whole(self, a: Run, b: Run, pairs: Pairs, *, definitions: bool = True) -> FragmentPair | None:
        """Returns the comparison of two whole runs, or None when they are not alike enough.

        Two whole definitions need a little less proof than two runs cut out of something.
        """
        return self._accept(a, b, pairs, definitions=definitions)

    def part(self, pairs: Pairs) -> FragmentPair | None:
        """Returns the heaviest part of an alignment that is alike enough, or None."""
        for lenient in (True, False):
            rest = pairs
            for _ in range(3):  # the renaming is voted on again by the part alone
                good = self._good(rest, lenient)
                cut = self._cut(good) if good else None
                if cut is None:
                    rest = []
                    break
                first, last = cut
                inside = [p for p in rest if first[0] <= p[0] <= last[0] and first[1] <= p[1] <= last[1]]
                if len(inside) == len(rest):
                    break
                rest = inside
            tried: list[Pairs] = []
            for chosen in self._extents(pairs, rest) if rest else ():
                if chosen in tried:
                    continue
                tried.append(chosen)
                first, last = chosen[0], chosen[-1]
                found = self._accept((first[0], last[0]), (first[1], last[1]), chosen, definitions=False)
                if found is not None:
                    return found
            if self._equal(pairs):
                return None
        return None

    def widen(self, found: FragmentPair, low: Run, high: Run, *, behind: bool) -> FragmentPair | None:
        """Returns the pair with one more, differing statement on either side, if it is still alike enough.

        Args:
            found: what to widen.
            low: the first statements that the two sides may reach; high: the last ones.
            behind: whether the statement behind is taken, else the one before.
        """
        size = found.last_a - found.first_a + found.last_b - found.first_b + 2
        similarity = found.similarity * size / (size + 2)
        if similarity < self._limits.threshold - _ROUNDING:
            return None
        if behind and found.last_a < high[0] and found.last_b < high[1]:
            return replace(
                found, last_a=found.last_a + 1, last_b=found.last_b + 1, similarity=similarity, edited=True
            )
        if not behind and found.first_a > low[0] and found.first_b > low[1]:
            return replace(
                found,
                first_a=found.first_a - 1,
                first_b=found.first_b - 1,
                similarity=similarity,
                edited=True,
            )
        return None

    def ratio(self, good: Pairs, a: Run, b: Run, weighted: bool) -> float:
        """Returns twice the matched statements over all, each counted once or by its lines."""
        if not weighted:
            return 2 * len(good) / (a[1] - a[0] + 1 + b[1] - b[0] + 1)
        weights = self._corpus.code_rows
        matched = sum(weights[i] + weights[j] for i, j in good)
        return matched / (sum(weights[a[0] : a[1] + 1]) + sum(weights[b[0] : b[1] + 1]))

    def best_ratio(self, good: Pairs, a: Run, b: Run) -> float:
        """Returns the better of both ratios."""
        return max(self.ratio(good, a, b, True), self.ratio(good, a, b, False))

    def definition_ratio(self, good: Pairs, a: Run, b: Run) -> float:
        """Returns the better of both ratios of two definitions.

        An equal head counts with all of its lines when the bodies are nearly alike enough themselves.
        """
        ratio = self.best_ratio(good, a, b)
        corpus = self._corpus
        if ratio >= self._limits.threshold or not good or good[0] != (a[0], b[0]) or len(good) < 3:
            return ratio
        extra = corpus.end_rows[a[0]] - corpus.rows[a[0]] + 1 - corpus.code_rows[a[0]]
        if extra <= 0 or corpus.raw[a[0]] != corpus.raw[b[0]]:
            return ratio
        if self.best_ratio(good[1:], (a[0] + 1, a[1]), (b[0] + 1, b[1])) < self._limits.least_body:
            return ratio
        weights = corpus.code_rows
        total = sum(weights[a[0] : a[1] + 1]) + sum(weights[b[0] : b[1] + 1])
        return (sum(weights[i] + weights[j] for i, j in good) + 2 * extra) / (total + 2 * extra)

    def _variety(self, pairs: Pairs) -> float:
        """The share of different shapes: fields, registrations and tables repeat one shape over and over."""
        shapes = self._corpus.shapes
        return len({shapes[i] for i, _ in pairs}) / len(pairs)

    def _different_tokens(self, pairs: Pairs) -> int:
        """The tokens of the different shapes; rows of tables do not count, and no statement counts for many.

        Long statements do not agree in shape, one after another, by chance.
        """
        shapes, tokens, flags = self._corpus.shapes, self._corpus.tokens, self._corpus.flags
        sizes = {shapes[i]: tokens[i] for i, _ in pairs if not flags[i] & IS_DATA}
        return sum(min(size, _COUNTED_TOKENS) for size in sizes.values())

    def _is_form(self, pairs: Pairs, proof: Proof) -> bool:
        """Whether the fragments are one form filled with other words: a table's columns, fields, options.

        Who copies code and renames it renames a name wherever it stands. Where many names differ and none of
        them occurs twice, what agrees is the vocabulary of the form.
        """
        raw, limits = self._corpus.raw, self._limits
        return (
            not proof.recurring
            and proof.single >= limits.form_words
            and sum(raw[i] == raw[j] for i, j in pairs) <= limits.form_equal * len(pairs)
        )

    def _equal(self, pairs: Pairs) -> bool:
        raw = self._corpus.raw
        return all(raw[i] == raw[j] for i, j in pairs)

    def _good(self, pairs: Pairs, lenient: bool) -> list[tuple[int, int]]:
        if self._equal(pairs):
            return list(pairs)
        proof = prove([(self._store.of(i), self._store.of(j)) for i, j in pairs])
        keep = proof.consistent if lenient else proof.proven
        return [p for p, kept in zip(pairs, keep) if kept]  # noqa: B905

    def _grow(self, pairs: Pairs, part: Pairs) -> Pairs:
        """The part and the adjoining pairs that its renaming explains, too: the first vote may have cut them
        off.
        """
        low = high = next(n for n, p in enumerate(pairs) if p == part[0])
        high = next(n for n, p in enumerate(pairs) if p == part[-1])
        first, last = low, high
        while first and low - first < _GROWTH and _adjoin(pairs[first - 1], pairs[first]):
            first -= 1
        while last + 1 < len(pairs) and last - high < _GROWTH and _adjoin(pairs[last], pairs[last + 1]):
            last += 1
        if (first, last) == (low, high) or self._equal(pairs[first : last + 1]):
            return pairs[first : last + 1]
        facts = [(self._store.of(i), self._store.of(j)) for i, j in pairs[first : last + 1]]
        consistent = prove(facts).consistent
        while low > first and consistent[low - 1 - first]:
            low -= 1
        while high < last and consistent[high + 1 - first]:
            high += 1
        return pairs[low : high + 1]

    def _extents(self, pairs: Pairs, part: Pairs) -> Iterator[Pairs]:
        """The part as far as it may reach, the widest first; a chance pair may spoil one side of it."""
        grown = self._grow(pairs, part)
        for core in (grown, part):
            for sides in ((True, True), (False, True), (True, False)):
                yield self._leap(pairs, core, sides)
            yield core

    def _leap(self, pairs: Pairs, part: Pairs, sides: tuple[bool, bool] = (True, True)) -> Pairs:
        """The part and further pairs beyond an edit near its edge, as long as all of it stays alike enough.

        The heaviest part ends before an edit that costs more than the few statements behind it are worth.
        `sides`: whether what lies before the part, and what lies behind it, is looked at.
        """
        low = next(n for n, p in enumerate(pairs) if p == part[0])
        high = next(n for n, p in enumerate(pairs) if p == part[-1])
        window = pairs[max(0, low - _GROWTH * sides[0]) : high + 1 + _GROWTH * sides[1]]
        good = self._good(window, lenient=True)
        inside = [p for p in good if part[0][0] <= p[0] <= part[-1][0]]
        before = [p for p in good if p[0] < part[0][0]]
        behind = [p for p in good if p[0] > part[-1][0]]
        if not inside:
            return part
        first, last = part[0], part[-1]
        moved = True
        while moved:
            far = self._reach(inside, behind, last, first)
            inside.extend(behind[:far])
            last = behind[far - 1] if far else last
            behind = behind[far:]
            near = self._reach(inside, before[::-1], first, last)
            inside.extend(before[len(before) - near :])
            first = before[len(before) - near] if near else first
            before = before[: len(before) - near]
            moved = bool(far or near)
        return [p for p in pairs if first[0] <= p[0] <= last[0]]

    def _reach(self, inside: Pairs, beyond: Pairs, edge: Place, other: Place) -> int:
        """How many of the pairs beyond an edge the part can take in, none far from the one before it, such
        that all of it is alike enough and what comes to it is not edits for the most part; one edit may cost
        more than the first pair behind it is worth.

        `other` is the pair at the opposite edge.
        """
        taken = 0
        start = edge
        all_in = list(inside)
        for count, new in enumerate(beyond, 1):
            if max(abs(new[0] - edge[0]), abs(new[1] - edge[1])) > _LEAP + 1:
                break
            edge = new
            all_in.append(new)
            first, last = min(new, other), max(new, other)
            ratio = self.best_ratio(all_in, (first[0], last[0]), (first[1], last[1]))
            added = abs(new[0] - start[0]) + abs(new[1] - start[1])
            if ratio >= self._limits.threshold - _ROUNDING and 2 * count >= _LEAP_DENSITY * added:
                taken = count
        return taken

    def _cut(self, good: Pairs) -> tuple[tuple[int, int], tuple[int, int]] | None:
        weights = self._corpus.code_rows
        base_a, base_b = good[0]
        left = prefix_sums(weights[base_a : good[-1][0] + 1])
        right = prefix_sums(weights[base_b : good[-1][1] + 1])
        moved = [(i - base_a, j - base_b) for i, j in good]
        best = best_span(moved, left, right, self._limits.threshold, self._limits.slack)
        return (good[best.first], good[best.last]) if best else None

    def _accept(self, a: Run, b: Run, pairs: Pairs, *, definitions: bool) -> FragmentPair | None:
        limits = self._limits
        best_ratio = self.definition_ratio if definitions else self.best_ratio
        sizes = a[1] - a[0] + 1, b[1] - b[0] + 1

        def found(similarity: float, renamed: bool, count: int, rule: str, varied: bool) -> FragmentPair:
            edited = sizes != (count, count)
            return FragmentPair(a[0], a[1], b[0], b[1], similarity, renamed, edited, varied, rule)

        if self._equal(pairs):
            similarity = best_ratio(pairs, a, b)
            return (
                found(similarity, False, len(pairs), "equal", False)
                if similarity >= limits.threshold
                else None
            )
        tokens = min(sum(self._corpus.tokens[r[0] : r[1] + 1]) for r in (a, b))
        if tokens < limits.least_tokens:
            return None
        proof = prove([(self._store.of(i), self._store.of(j)) for i, j in pairs])
        proven = [p for p, kept in zip(pairs, proof.proven) if kept]  # noqa: B905
        consistent = [p for p, kept in zip(pairs, proof.consistent) if kept]  # noqa: B905
        raw = self._corpus.raw
        if self._is_form(pairs, proof):
            return None
        members = self._corpus.members
        varied = proof.varied or any(members[i] != members[j] for i, j in pairs)
        strong = best_ratio(proven, a, b)
        if len(consistent) == len(pairs) == sizes[0] == sizes[1]:
            shapes = self._corpus.shapes[a[0] : a[1] + 1]
            rule = complete_copy(proof, strong, shapes, sum(self._corpus.tokens[a[0] : a[1] + 1]))
            if rule:
                return found(1.0, True, len(pairs), rule, varied)
        if (
            proof.renamed
            and len(pairs) >= limits.weak_statements
            and sum(raw[i] == raw[j] for i, j in pairs) < limits.threshold * len(pairs)
            and self._variety(pairs) < limits.least_variety
            and (
                proof.shared < limits.certain_shared or self._different_tokens(pairs) < limits.certain_tokens
            )
        ):
            return None
        fits = best_ratio(consistent, a, b)
        short = len(pairs) < min(max(sizes), limits.short_statements)
        shared = limits.short_shared if short else limits.least_shared
        # Few statements of many lines, as tables in tests are, outweigh the others by their lines only.
        heavy = self.ratio(proven, a, b, False) < limits.threshold and not proof.recurring
        shared = max(shared, limits.heavy_shared) if heavy else shared
        if strong >= limits.threshold and (not proof.renamed or proof.shared >= shared):
            return found(strong, proof.renamed, len(proven), "proven", varied)
        if fits < limits.threshold or tokens < limits.weak_tokens:
            return None
        if (
            proof.shared >= limits.long_shared
            and self._different_tokens(consistent) >= limits.long_tokens
            and self._variety(consistent) >= limits.long_variety
        ):
            return found(fits, proof.renamed, len(consistent), "long shapes", varied)
        enough = len(pairs) >= limits.complete_statements or tokens >= limits.weak_long_tokens
        if (
            enough
            and proof.recurring >= (limits.weak_recurring if definitions else limits.weak_block_recurring)
            and proof.shared >= (limits.weak_shared if definitions else limits.weak_block_shared)
            and strong >= limits.threshold - limits.weak_margin
        ):
            return found(fits, proof.renamed, len(consistent), "mostly proven", varied)
        if (
            limits.same_shape_statements <= len(pairs) == sizes[0] == sizes[1]
            and len(consistent) >= 0.95 * len(pairs)
            and proof.shared >= limits.same_shape_shared
            and self._variety(pairs) >= limits.same_shape_variety
        ):
            return found(fits, True, len(consistent), "same shape", varied)
        return None
