"""Gathers pairs into classes: n copies of one thing are one finding, and every pair in it is alike.

Likeness is not transitive: A may be like B and B like C while A and C are not. Each pair therefore goes into
one class whose members are (but for a small tolerance) all alike; a member may stand in two classes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

Edge = tuple[int, int]
Verify = Callable[[Sequence[Edge]], Sequence[float]]

SMALL_COMPONENT = 40
"""Up to this many members every missing pair of a component is verified; above, only those with its hubs."""
HUGE_COMPONENT = 1_000
"""Above this many members a component is one class as it stands: only generated code repeats that often."""
_HUBS = 3
_TOLERANCE = 0.9


def clone_classes(
    edges: Mapping[Edge, float],
    verify: Verify,
    apart: Callable[[int, int], bool] = lambda a, b: False,
) -> list[tuple[int, ...]]:
    """Returns the classes, each sorted, sorted by their members.

    Args:
        edges: similarity (0 to 1) of pairs of members (smaller number first).
        verify: returns the similarity of further pairs, 0 when they are not alike; called once.
        apart: says of two members that they must not stand in one class (their places overlap).
    """
    neighbours: dict[int, set[int]] = {}
    for a, b in edges:
        neighbours.setdefault(a, set()).add(b)
        neighbours.setdefault(b, set()).add(a)
    components = _components(neighbours)
    missing: list[Edge] = []
    for members in components:
        if len(members) > HUGE_COMPONENT:
            continue
        missing.extend(e for e in _missing(members, neighbours) if not apart(*e))
    tested = set(missing)
    strength = dict(edges)
    for (a, b), similarity in zip(missing, verify(missing) if missing else (), strict=True):
        if similarity:
            strength[a, b] = similarity
            neighbours[a].add(b)
            neighbours[b].add(a)
    classes: list[tuple[int, ...]] = []
    for members in components:
        if len(members) > HUGE_COMPONENT:
            classes.append(tuple(members))
            continue
        classes.extend(_split(members, neighbours, strength, tested, apart))
    return sorted(classes)


def _components(neighbours: Mapping[int, Iterable[int]]) -> list[list[int]]:
    seen: set[int] = set()
    out = []
    for start in sorted(neighbours):
        if start in seen:
            continue
        seen.add(start)
        stack, members = [start], []
        while stack:
            member = stack.pop()
            members.append(member)
            for other in neighbours[member]:
                if other not in seen:
                    seen.add(other)
                    stack.append(other)
        out.append(sorted(members))
    return out


def _missing(members: list[int], neighbours: Mapping[int, set[int]]) -> list[Edge]:
    if len(members) <= SMALL_COMPONENT:
        return [(a, b) for n, a in enumerate(members) for b in members[n + 1 :] if b not in neighbours[a]]
    hubs = sorted(members, key=lambda m: (-len(neighbours[m]), m))[:_HUBS]
    found = {
        (min(hub, m), max(hub, m)) for hub in hubs for m in members if m != hub and m not in neighbours[hub]
    }
    return sorted(found)


def _split(
    members: list[int],
    neighbours: Mapping[int, set[int]],
    strength: Mapping[Edge, float],
    tested: set[Edge],
    apart: Callable[[int, int], bool],
) -> list[tuple[int, ...]]:
    """Takes classes off a component, the best connected first.

    A later class holds at most one member of earlier ones: else one thing would be reported again and again
    with other company. What then is left are pairs of members of two classes; of these the closest ones are
    kept.
    """
    small = len(members) <= SMALL_COMPONENT
    left = {m: set(neighbours[m]) for m in members}
    placed: set[int] = set()
    out: list[tuple[int, ...]] = []
    while True:
        leader = min(
            (m for m in members if m not in placed and left[m]),
            key=lambda m: (-len(left[m] - placed), -len(left[m]), m),
            default=None,
        )
        if leader is None:
            break
        joined = [leader]
        guests = 0
        around = left[leader]
        for other in sorted(around, key=lambda m: (m in placed, -len(neighbours[m] & around), m)):
            if other in placed and (guests or len(joined) > 1):
                continue
            alike = sum(other in neighbours[m] for m in joined)
            known = len(joined) if small else _known(other, joined, neighbours, tested)
            if alike >= _TOLERANCE * known and not any(apart(m, other) for m in joined):
                joined.append(other)
                guests += other in placed
        for member in joined:
            left[member].difference_update(joined)
        placed.update(joined)
        if len(joined) > 1:
            out.append(tuple(sorted(joined)))
    classed = {(a, b) for one in out for n, a in enumerate(one) for b in one[n + 1 :]}
    for member in members:
        rest = [(min(member, o), max(member, o)) for o in left[member] if not apart(member, o)]
        everything = [strength.get((min(member, o), max(member, o)), 0.0) for o in neighbours[member]]
        best = max(rest, key=lambda e: (strength.get(e, 0.0), e), default=None)
        if best and best not in classed and strength.get(best, 0.0) >= max(everything):
            classed.add(best)
            out.append(best)
    return out


def _known(other: int, joined: list[int], neighbours: Mapping[int, set[int]], tested: set[Edge]) -> int:
    """How many pairs with the members so far were ever looked at: in a crowd most never are."""
    return sum(m in neighbours[other] or (min(m, other), max(m, other)) in tested for m in joined)
