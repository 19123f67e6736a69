"""Compares pairs of whole functions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from analyzers.duplicates.corpus import Corpus
from analyzers.duplicates.evidence_store import EvidenceStore
from analyzers.duplicates.fragment_pairs import Comparer, FragmentPair, Limits


@dataclass(frozen=True, slots=True)
class FunctionPair:
    """Two functions (numbers of definitions in the corpus) found alike."""

    a: int
    b: int
    found: FragmentPair


def verify_functions(
    corpus: Corpus, store: EvidenceStore, limits: Limits, candidates: Sequence[tuple[int, int]]
) -> list[FunctionPair]:
    """Returns the candidates that are alike, in the order given."""
    comparer = Comparer(corpus, store, limits)
    raw = corpus.raw
    aligned = []
    wanted: set[int] = set()
    for a, b in candidates:
        span, other = corpus.definitions[a], corpus.definitions[b]
        pairs = comparer.align((span.first, span.last), (other.first, other.last))
        if (
            not pairs
            or comparer.best_ratio(pairs, (span.first, span.last), (other.first, other.last))
            < limits.threshold
        ):
            continue
        aligned.append((a, b, pairs))
        if any(raw[i] != raw[j] for i, j in pairs):
            for i, j in pairs:
                wanted.add(i)
                wanted.add(j)
    store.load(wanted)
    found = []
    for a, b, pairs in aligned:
        span, other = corpus.definitions[a], corpus.definitions[b]
        result = comparer.whole((span.first, span.last), (other.first, other.last), pairs)
        if result is not None:
            found.append(FunctionPair(a, b, result))
    return found
