"""Verifies the candidates between two files: functions, classes, then blocks outside of what was found."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from analyzers.duplicates.block_clones import Seeds, verify_blocks
from analyzers.duplicates.candidates import Outline, definition_candidates, segment_candidates
from analyzers.duplicates.corpus import Corpus
from analyzers.duplicates.definition_clones import DefinitionPair, verify_definitions
from analyzers.duplicates.evidence_store import EvidenceStore
from analyzers.duplicates.fragment_pairs import FragmentPair, Limits

_ONE_FUNCTION = 0.6


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
) -> list[tuple[VerifiedPair, ...]]:
    """Returns for each pair of files what was found between them, sorted by place."""
    definitions: list[tuple[int, int]] = []
    if rules.functions:
        for pair in pairs:
            definitions.extend(
                sorted(definition_candidates(corpus, outline, pair.seeds, rules.limits.threshold))
            )
    found = verify_definitions(corpus, outline, store, rules.limits, definitions)
    by_files: dict[tuple[int, int], list[DefinitionPair]] = {}
    whole: set[tuple[int, int]] = set()
    for item in found:
        a, b = corpus.definitions[item.a], corpus.definitions[item.b]
        by_files.setdefault((a.file, b.file), []).append(item)
        whole.add((a.first, b.first))
    blocks: list[FragmentPair] = []
    if rules.blocks:
        starts = corpus.segment_starts
        candidates: list[tuple[tuple[int, int], Seeds]] = []
        for pair in pairs:
            for segments, seeds in sorted(segment_candidates(corpus, pair.seeds).items()):
                if (starts[segments[0]], starts[segments[1]]) not in whole:
                    candidates.append((segments, seeds))
        blocks = verify_blocks(corpus, store, rules.limits, rules.min_block_rows, candidates)
    blocks_by_files: dict[tuple[int, int], list[FragmentPair]] = {}
    for block in blocks:
        files = (corpus.file_of(block.first_a), corpus.file_of(block.first_b))
        blocks_by_files.setdefault(files, []).append(block)
    return [
        _of_files(corpus, pair, by_files.get((pair.a, pair.b), []), blocks_by_files.get((pair.a, pair.b), []))
        for pair in pairs
    ]


def _of_files(
    corpus: Corpus, pair: FilePair, definitions: list[DefinitionPair], blocks: list[FragmentPair]
) -> tuple[VerifiedPair, ...]:
    base_a, base_b = corpus.offsets[pair.a], corpus.offsets[pair.b]
    first_a, first_b = corpus.definition_starts[pair.a], corpus.definition_starts[pair.b]
    out = []
    covers: list[tuple[int, int, int, int]] = []
    for item in sorted(_without_hollow_classes(corpus, definitions), key=lambda d: _heaviest_first(d.found)):
        spot = _spot(item.found)
        if _covered(spot, covers):
            continue
        covers.append(spot)
        kind = "class" if corpus.definitions[item.a].is_class else "function"
        out.append(
            _verified(
                kind, item.found, base_a, base_b, item.a - first_a, item.b - first_b, item.equal_members
            )
        )
    for block in sorted(blocks, key=_heaviest_first):
        spot = _spot(block)
        if _covered(spot, covers):
            continue
        covers.append(spot)
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
    functions = [d for d in definitions if not corpus.definitions[d.a].is_class]
    out = []
    for item in definitions:
        if corpus.definitions[item.a].is_class:
            spot = _spot(item.found)
            inner = [f for f in functions if _covered(_spot(f.found), [spot])]
            if any(_weight(f.found) > _ONE_FUNCTION * _weight(item.found) for f in inner):
                continue
        out.append(item)
    return out


def _spot(found: FragmentPair) -> tuple[int, int, int, int]:
    return (found.first_a, found.last_a, found.first_b, found.last_b)


def _covered(spot: tuple[int, int, int, int], covers: list[tuple[int, int, int, int]]) -> bool:
    """Whether a larger finding between the same files holds most of both sides."""
    return any(
        _inside(spot[0], spot[1], cover[0], cover[1]) and _inside(spot[2], spot[3], cover[2], cover[3])
        for cover in covers
    )


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
