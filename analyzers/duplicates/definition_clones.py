"""Compares pairs of whole functions, and of whole classes with the share of their members that are equal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from analyzers.duplicates.candidates import Outline
from analyzers.duplicates.corpus import Corpus
from analyzers.duplicates.evidence_store import EvidenceStore
from analyzers.duplicates.fragment_pairs import Comparer, FragmentPair, Limits

_PART = 0.6
_HALF = 0.5
_MOST = 0.7


@dataclass(frozen=True, slots=True)
class DefinitionPair:
    """Two functions or two classes (numbers of definitions in the corpus) found alike.

    `equal_members`: of classes, the share of members with equal bodies, of the class that has more; else 0.
    `holds_block`: two edited functions share an unchanged block that takes only a part of their lines.
    """

    a: int
    b: int
    found: FragmentPair
    equal_members: float = 0.0
    holds_block: bool = False


def verify_definitions(
    corpus: Corpus,
    outline: Outline,
    store: EvidenceStore,
    limits: Limits,
    candidates: Sequence[tuple[int, int]],
) -> list[DefinitionPair]:
    """Returns the candidates that are alike, in the order given."""
    comparer = Comparer(corpus, store, limits)
    raw = corpus.raw
    aligned = []
    wanted: set[int] = set()
    for a, b in candidates:
        span, other = corpus.definitions[a], corpus.definitions[b]
        runs = (span.first, span.last), (other.first, other.last)
        pairs = comparer.align(*runs)
        if not pairs or comparer.definition_ratio(pairs, *runs) < limits.threshold:
            continue
        aligned.append((a, b, runs, pairs))
        if any(raw[i] != raw[j] for i, j in pairs):
            for i, j in pairs:
                wanted.add(i)
                wanted.add(j)
    store.load(wanted)
    found = []
    for a, b, runs, pairs in aligned:
        result = comparer.whole(*runs, pairs)
        if result is None:
            continue
        if corpus.definitions[a].is_class:
            found.append(DefinitionPair(a, b, result, equal_members(corpus, outline, a, b)))
        else:
            holds = _holds_block(corpus, comparer, result, pairs)
            found.append(DefinitionPair(a, b, result, holds_block=holds))
    return found


def _holds_block(
    corpus: Corpus, comparer: Comparer, found: FragmentPair, pairs: Sequence[tuple[int, int]]
) -> bool:
    """Whether two edited functions share a block that takes only a part of their lines.

    Docstrings and comments do not count as differences, so such functions may have little in common for the
    eye. An unchanged block is told when it takes less than _PART of either; an edited one when it is most of
    the one and less than _HALF of the other, which is then a much longer text.
    """
    if not found.edited:
        return False
    inner = comparer.part(pairs[1:])
    if inner is None:
        return False
    sides = (
        (inner.first_a, inner.last_a, found.first_a, found.last_a),
        (inner.first_b, inner.last_b, found.first_b, found.last_b),
    )
    shares = sorted(
        (corpus.end_rows[last] - corpus.rows[first] + 1)
        / (corpus.end_rows[whole_last] - corpus.rows[whole_first] + 1)
        for first, last, whole_first, whole_last in sides
    )
    if inner.edited:
        return shares[0] < _HALF and shares[1] >= _MOST
    return shares[0] < _PART


def equal_members(corpus: Corpus, outline: Outline, a: int, b: int) -> float:
    """Returns the share of methods of the larger class that the other has with the same name and tokens."""
    members = [
        {
            (
                corpus.definitions[m].name,
                corpus.raws[corpus.definitions[m].first : corpus.definitions[m].last + 1],
            )
            for m in outline.members.get(owner, ())
        }
        for owner in (a, b)
    ]
    most = max(len(m) for m in members)
    return round(len(members[0] & members[1]) / most, 4) if most else 0.0
