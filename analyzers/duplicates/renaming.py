"""Decides which aligned statements are copies under one consistent renaming, with proof.

Equal shape alone is no proof: `a = b(c)` fits thousands of places. A pair of statements counts when its names
follow one one-to-one renaming of the whole fragment and at least half of its names and literals are equal or are
renamed the same way elsewhere in the fragment, too.
Source of the rule: the performance page of the specification, "What the prototype did"; the measured precision
is in docs/duplicates.md.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from analyzers.duplicates.line_forms import LITERAL

Evidence = tuple[tuple[str, str], ...]


def proven_pairs(
    pairs: Sequence[tuple[Evidence, Evidence]],
) -> tuple[list[bool], Mapping[tuple[str, str], tuple[str, str]]]:
    """Returns for each pair of statements whether it is proven a copy, and the renaming that was found.

    The renaming maps (role, name) of the first side to that of the second; names that stay are in it, too.
    """
    votes: Counter[tuple[tuple[str, str], tuple[str, str]]] = Counter()
    for left, right in pairs:
        for vote in zip(left, right):  # noqa: B905 - equal shapes have equally many entries
            if vote[0][0] != LITERAL:
                votes[vote] += 1
    there: dict[tuple[str, str], tuple[str, str]] = {}
    back: set[tuple[str, str]] = set()
    for (x, y), _ in sorted(votes.items(), key=lambda item: (-item[1], item[0][0] != item[0][1], item[0])):
        if x not in there and y not in back:
            there[x] = y
            back.add(y)
    proven = []
    for left, right in pairs:
        if left == right:
            proven.append(all(there.get(x, x) == x for x in left))
            continue
        certain = 0
        consistent = True
        for x, y in zip(left, right):  # noqa: B905
            if x[0] != LITERAL:
                if there.get(x) != y:
                    consistent = False
                    break
                certain += x == y or votes[x, y] >= 2
            else:
                certain += x == y
        proven.append(consistent and 2 * certain >= len(left))
    return proven, there
