"""Verifies the candidates between two files: functions, classes, then blocks outside of what was found."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec

from analyzers.duplicates.block_clones import Seeds, verify_blocks
from analyzers.duplicates.candidates import Outline, definition_candidates, segment_candidates
from analyzers.duplicates.corpus import Corpus
from analyzers.duplicates.definition_clones import DefinitionPair, verify_definitions
from analyzers.duplicates.evidence_store import EvidenceStore
from analyzers.duplicates.fragment_pairs import FragmentPair, Limits

_ONE_FUNCTION = 0.6
_LOOSER = 0.1
_MOST_STATEMENTS = 1_000_000
_STRETCH = 64

Spot = tuple[int, int, int, int]
"""First and last statement of both sides."""


class VerifiedPair(msgspec.Struct, frozen=True, array_like=True):
    """A pair of fragments between two files; statement numbers count from the start of each file.

    `kind`: `function`, `class` or `block`. `definition_a`, `definition_b`: numbers among the definitions of
    their file, or -1 for a block. `equal_members`: for classes the share of members that are equal, else 0.
    """

    kind: str
    first_a: int
    last_a: int
    first_b: int
    last_b: int
    similarity: float
    renamed: bool
    edited: bool
    varied: bool
    definition_a: int = -1
    definition_b: int = -1
    equal_members: float = 0.0


class FilePairResult(msgspec.Struct, frozen=True, array_like=True):
    """What was found between two files; `skipped` counts candidates left out as too many."""

    pairs: tuple[VerifiedPair, ...]
    skipped: int = 0


@dataclass(frozen=True, slots=True)
class FilePair:
    """All seeds between two files (numbers in the corpus), as places in the corpus."""

    a: int
    b: int
    seeds: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class VerificationRules:
    """What is looked for: `modes` of `function` and `block`, the least lines of each, and the limits."""

    functions: bool
    blocks: bool
    min_block_rows: int
    limits: Limits


def pair_digest(corpus: Corpus, pair: FilePair) -> bytes:
    """Returns 16 bytes that are equal when the same contents meet with the same seeds."""
    base_a, base_b = corpus.offsets[pair.a], corpus.offsets[pair.b]
    digest = hashlib.blake2b(digest_size=16)
    digest.update(corpus.streams[pair.a].sha256.encode())
    digest.update(corpus.streams[pair.b].sha256.encode())
    digest.update(repr([(a - base_a, b - base_b) for a, b in pair.seeds]).encode())
    return digest.digest()


def verify_file_pairs(
    corpus: Corpus,
    outline: Outline,
    store: EvidenceStore,
    rules: VerificationRules,
    pairs: Sequence[FilePair],
) -> list[FilePairResult]:
    """Returns for each pair of files what was found between them, sorted by place.

    Candidates beyond the budget of a pair of files (only very repetitive code has so many) are skipped, those
    with the fewest seeds.
    """
    definitions: list[tuple[int, int]] = []
    skipped = [0] * len(pairs)
    spans = corpus.definitions
    if rules.functions:
        for n, pair in enumerate(pairs):
            counts = definition_candidates(corpus, outline, pair.seeds, rules.limits.threshold)
            sizes = {
                (a, b): spans[a].last - spans[a].first + spans[b].last - spans[b].first + 2 for a, b in counts
            }
            kept = within_budget(counts, sizes, _budget(corpus, pair))
            skipped[n] += len(counts) - len(kept)
            definitions.extend(kept)
    found = verify_definitions(corpus, outline, store, rules.limits, definitions)
    by_files: dict[tuple[int, int], list[DefinitionPair]] = {}
    whole: set[tuple[int, int]] = set()
    for item in found:
        a, b = corpus.definitions[item.a], corpus.definitions[item.b]
        by_files.setdefault((a.file, b.file), []).append(item)
        if not item.holds_block:
            whole.add((a.first, b.first))
    blocks: list[FragmentPair] = []
    if rules.blocks:
        starts = corpus.segment_starts
        candidates: list[tuple[tuple[int, int], Seeds]] = []
        for n, pair in enumerate(pairs):
            by_segments = {
                key: seeds
                for key, seeds in segment_candidates(corpus, pair.seeds).items()
                if (starts[key[0]], starts[key[1]]) not in whole
            }
            weights = {key: len(seeds) for key, seeds in by_segments.items()}
            lengths = {key: sum(starts[k + 1] - starts[k] for k in key) for key in by_segments}
            chosen = within_budget(weights, lengths, _budget(corpus, pair))
            skipped[n] += len(by_segments) - len(chosen)
            candidates.extend((key, by_segments[key]) for key in chosen)
        blocks, regions_skipped = verify_blocks(corpus, store, rules.limits, rules.min_block_rows, candidates)
        for n, pair in enumerate(pairs):
            skipped[n] += regions_skipped.get((pair.a, pair.b), 0)
    blocks_by_files: dict[tuple[int, int], list[FragmentPair]] = {}
    for block in blocks:
        files = (corpus.file_of(block.first_a), corpus.file_of(block.first_b))
        blocks_by_files.setdefault(files, []).append(block)
    return [
        FilePairResult(
            _of_files(
                corpus, pair, by_files.get((pair.a, pair.b), []), blocks_by_files.get((pair.a, pair.b), [])
            ),
            left_out,
        )
        for pair, left_out in zip(pairs, skipped, strict=True)
    ]


def within_budget(
    weights: Mapping[tuple[int, int], int], costs: Mapping[tuple[int, int], int], budget: int
) -> list[tuple[int, int]]:
    """Returns the candidates, sorted; the heaviest ones when all together would cost more than the budget."""
    if sum(costs.values()) <= budget:
        return sorted(weights)
    kept = []
    for candidate in sorted(weights, key=lambda c: (-weights[c], c)):
        budget -= costs[candidate]
        if budget < 0:
            break
        kept.append(candidate)
    return sorted(kept)


def _budget(corpus: Corpus, pair: FilePair) -> int:
    """Statements that may be compared between two files; ordinary code stays below a tenth of it."""
    size = sum(corpus.offsets[f + 1] - corpus.offsets[f] for f in {pair.a, pair.b})
    return 20_000 + 4 * size + min(60 * size, _MOST_STATEMENTS)


def _of_files(
    corpus: Corpus, pair: FilePair, definitions: list[DefinitionPair], blocks: list[FragmentPair]
) -> tuple[VerifiedPair, ...]:
    base_a, base_b = corpus.offsets[pair.a], corpus.offsets[pair.b]
    first_a, first_b = corpus.definition_starts[pair.a], corpus.definition_starts[pair.b]
    out = []
    covers = _Covers()
    for item in sorted(_without_hollow_classes(corpus, definitions), key=lambda d: _heaviest_first(d.found)):
        spot = _spot(item.found)
        if covers.hold(spot):
            continue
        if not item.holds_block:
            covers.add(spot)
        kind = "class" if corpus.definitions[item.a].is_class else "function"
        out.append(
            _verified(
                kind, item.found, base_a, base_b, item.a - first_a, item.b - first_b, item.equal_members
            )
        )
    for block in sorted(blocks, key=_heaviest_first):
        spot = _spot(block)
        if covers.hold(spot):
            continue
        covers.add(spot)
        out.append(_verified("block", block, base_a, base_b, -1, -1, 0.0))
    return tuple(sorted(out, key=lambda p: (p.first_a, p.first_b, p.last_a, p.last_b)))


def _weight(found: FragmentPair) -> float:
    """Statements that agree, times the similarity: of two findings with one core the tighter is heavier."""
    size = found.last_a - found.first_a + found.last_b - found.first_b + 2
    return found.similarity * found.similarity * size / 2


def _heaviest_first(found: FragmentPair) -> tuple[float, int, int]:
    return (-_weight(found), found.first_a, found.first_b)


def _without_hollow_classes(corpus: Corpus, definitions: list[DefinitionPair]) -> list[DefinitionPair]:
    """Drops pairs of classes that are alike by little more than one function in them."""
    classes = _Covers()
    found: dict[Spot, FragmentPair] = {}
    for item in definitions:
        if corpus.definitions[item.a].is_class:
            classes.add(_spot(item.found))
            found[_spot(item.found)] = item.found
    hollow: set[Spot] = set()
    for item in definitions:
        if not corpus.definitions[item.a].is_class:
            for spot in classes.holding(_spot(item.found)):
                looser = found[spot].similarity < item.found.similarity - _LOOSER
                if looser and _weight(item.found) > _ONE_FUNCTION * _weight(found[spot]):
                    hollow.add(spot)
    return [d for d in definitions if not corpus.definitions[d.a].is_class or _spot(d.found) not in hollow]


def _spot(found: FragmentPair) -> Spot:
    return (found.first_a, found.last_a, found.first_b, found.last_b)


class _Covers:
    """Findings between two files, found again by the stretch of the first file that they take."""

    def __init__(self) -> None:
        self._stretches: dict[int, list[Spot]] = {}

    def add(self, spot: Spot) -> None:
        for stretch in range(spot[0] // _STRETCH, spot[1] // _STRETCH + 1):
            self._stretches.setdefault(stretch, []).append(spot)

    def hold(self, spot: Spot) -> bool:
        """Whether one of them holds most of both sides."""
        return bool(self.holding(spot))

    def holding(self, spot: Spot) -> list[Spot]:
        """Those of them that hold most of both sides: they also hold the middle of the first side."""
        middle = (spot[0] + spot[1]) // 2
        return [cover for cover in self._stretches.get(middle // _STRETCH, ()) if _covers(cover, spot)]


def _covers(cover: Spot, spot: Spot) -> bool:
    return _inside(spot[0], spot[1], cover[0], cover[1]) and _inside(spot[2], spot[3], cover[2], cover[3])


def _inside(first: int, last: int, low: int, high: int) -> bool:
    return 5 * (min(last, high) - max(first, low) + 1) >= 4 * (last - first + 1)


def _verified(
    kind: str,
    found: FragmentPair,
    base_a: int,
    base_b: int,
    definition_a: int,
    definition_b: int,
    members: float,
) -> VerifiedPair:
    return VerifiedPair(
        kind,
        found.first_a - base_a,
        found.last_a - base_a,
        found.first_b - base_b,
        found.last_b - base_b,
        round(found.similarity, 4),
        found.renamed,
        found.edited,
        found.varied,
        definition_a,
        definition_b,
        members,
    )
