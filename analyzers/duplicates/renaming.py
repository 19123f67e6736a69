"""Decides which aligned statements are copies under one consistent renaming, with proof.

Equal shape alone is no proof: `a = b(c)` fits thousands of places. A pair of statements is *consistent* when
its names follow one one-to-one renaming of the whole fragment, and *proven* when, besides, at least half of
its names and literals are equal or are renamed the same way elsewhere in the fragment, too. Two different
texts of several lines are never proof of a copy, however alike the statements around them are.
Source of the rule: the performance page of the specification, "What the prototype did"; the measured
precision is in docs/duplicates.md.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from analyzers.duplicates.line_forms import LITERAL, NAME

Evidence = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Proof:
    """What one renaming explains.

    `proven` and `consistent`: one entry per pair of statements. `shared`: the share of the distinct pairs of
    names and literals that are equal or occur twice, among the consistent statements; 1.0 when there are
    none. `renamed`: whether any name or literal differs. `varied`: whether more differs than names of
    variables. `recurring` and `single`: how many different names (no literals) are renamed the same way twice
    or more, as whatever they stand there, and how many are renamed in one place only.
    """

    proven: tuple[bool, ...]
    consistent: tuple[bool, ...]
    shared: float
    renamed: bool
    varied: bool
    recurring: int
    single: int


def prove(pairs: Sequence[tuple[Evidence, Evidence]]) -> Proof:
    """Returns which pairs of statements one renaming explains: the one that most names vote for."""
    votes: Counter[tuple[tuple[str, str], tuple[str, str]]] = Counter()
    for left, right in pairs:
        votes.update(zip(left, right))  # noqa: B905 - equal shapes have equally many entries
    there: dict[tuple[str, str], tuple[str, str]] = {}
    back: set[tuple[str, str]] = set()
    ranked = sorted(votes.items(), key=lambda item: (-item[1], item[0][0] != item[0][1], item[0]))
    for (x, y), _ in ranked:
        if x[0] != LITERAL and x not in there and y not in back:
            there[x] = y
            back.add(y)
    proven = []
    consistent = []
    seen: set[tuple[tuple[str, str], tuple[str, str]]] = set()
    for left, right in pairs:
        certain = 0
        fits = True
        texts_differ = False
        for vote in zip(left, right):  # noqa: B905
            x, y = vote
            if x[0] == LITERAL:
                certain += x == y
                texts_differ = texts_differ or (x != y and ("\n" in x[1] or "\n" in y[1]))
            elif there.get(x) != y:
                fits = False
                break
            else:
                certain += x == y or votes[vote] >= 2
        consistent.append(fits)
        proven.append(fits and not texts_differ and 2 * certain >= len(left))
        if fits:
            seen.update(zip(left, right))  # noqa: B905
    renamings: Counter[tuple[str, str]] = Counter()
    for x, y in seen:
        if x != y and x[0] != LITERAL:
            renamings[x[1], y[1]] += votes[x, y]
    recurring = sum(count >= 2 for count in renamings.values())
    agree = sum(x == y or (x[0] != LITERAL and votes[x, y] >= 2) for x, y in seen)
    return Proof(
        tuple(proven),
        tuple(consistent),
        agree / len(seen) if seen else 1.0,
        any(x != y for x, y in seen),
        any(_varies(x, y) for x, y in seen - set(_header_name(pairs))),
        recurring,
        len(renamings) - recurring,
    )


def _varies(x: tuple[str, str], y: tuple[str, str]) -> bool:
    return x != y and (x[0] != NAME or x[1][:1].isupper() or y[1][:1].isupper())


def _header_name(
    pairs: Sequence[tuple[Evidence, Evidence]],
) -> list[tuple[tuple[str, str], tuple[str, str]]]:
    """The first names of both sides: of a definition its own name, which may differ in capitals, too."""
    return [(left[0], right[0]) for left, right in pairs[:1] if left and right]
