"""Contract `acyclic`: the children of a package do not import each other in circles.

Children are compared as wholes: `a.x.one -> a.y.two` and `a.y.three -> a.x.four` are a cycle of `a.x` and
`a.y`, though no module imports itself. The imports to cut are chosen so that few of them mend everything.
"""

from __future__ import annotations

from collections.abc import Iterable

from analyzers.architecture.contract import ArchitectureFacts, ContractOptions, broken, contract_error, expand
from analyzers.architecture.module_graph import ModuleGraph
from analyzers.architecture.violation import ACYCLIC, Violation, entry_of
from analyzers.strong_components import components

#: Levels of packages below an ancestor that are looked at; the default of import-linter's contract.
DEPTH = 10

Pair = tuple[str, str]


class AcyclicContract(ContractOptions, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """No cycles among the children of `ancestors` (empty: of the package that holds the domains).

    `depth` 0 looks at their children only, 1 at those of the children, too, and so on; `skip` are packages
    below that are not looked into.
    """

    ancestors: tuple[str, ...] = ()
    depth: int = DEPTH
    skip: tuple[str, ...] = ()


def check_acyclic(
    contract: AcyclicContract, facts: ArchitectureFacts, accepted: frozenset[str] = frozenset()
) -> tuple[Violation, ...]:
    """The imports to cut so that no cycle is left, and the `accepted` ones that are part of a cycle still.

    Args:
        accepted: entries of a baseline; the imports that they name are taken as cut.

    Raises:
        InputError: an ancestor does not exist.
    """
    view = facts.view(contract)
    found: dict[str, Violation] = {}
    for package in acyclic_packages(contract, facts):
        for violation in _check_package(package, contract, facts, view, accepted):
            found.setdefault(violation.key, violation)
    return tuple(found.values())


def acyclic_packages(contract: AcyclicContract, facts: ArchitectureFacts) -> tuple[str, ...]:
    """The packages whose children are compared, sorted."""
    view = facts.view(contract)
    if contract.ancestors:
        ancestors = expand(contract.ancestors, view, contract)
    elif facts.domain_package:
        ancestors = (facts.domain_package,)
    else:
        raise contract_error(contract, "has no ancestors, and there are no domains", "list the ancestors")
    skipped = set(expand(contract.skip, view, contract))
    found: set[str] = set()
    level: set[str] = set(ancestors)
    for _ in range(contract.depth + 1):
        found |= level
        level = {child for package in level for child in view.children(package)} - skipped
    return tuple(sorted(package for package in found if len(view.children(package)) > 1))


def _check_package(
    package: str,
    contract: AcyclicContract,
    facts: ArchitectureFacts,
    view: ModuleGraph,
    accepted: frozenset[str],
) -> list[Violation]:
    child_of = {module: child for child in view.children(package) for module in view.package(child)}
    pairs: dict[Pair, list[Pair]] = {}
    for module, child in child_of.items():
        for imported in view.imports.get(module, ()):
            other = child_of.get(imported)
            if other is not None and other != child:
                pairs.setdefault((child, other), []).append((module, imported))
    knots = _knots(pairs)
    if not knots:
        return []
    paths = {pair: (view.path(pair[0]), view.path(pair[1])) for row in pairs.values() for pair in row}
    cut = {pair for pair, path in paths.items() if entry_of(ACYCLIC, contract.name, *path) in accepted}
    left = {key: [pair for pair in row if pair not in cut] for key, row in pairs.items()}
    left = {key: row for key, row in left.items() if row}
    to_cut: list[tuple[Pair, frozenset[str]]] = []
    for knot in knots:
        to_cut += [
            (pair, knot) for key, row in pairs.items() if _inside(key, knot) for pair in row if pair in cut
        ]
    for knot in _knots(left):
        to_cut += [(pair, knot) for key in _cuts(left, knot) for pair in left[key]]
    found = []
    for (importer, imported), knot in to_cut:
        step = view.step(importer, imported)
        others = ", ".join(name.rpartition(".")[2] for name in sorted(knot))
        message = (
            f"{child_of[importer]} and {child_of[imported]} are in a cycle of {len(knot)} parts of {package} "
            f"({others}): {step}"
        )
        mend = facts.remedies.of_cycle(step)
        found.append(broken(ACYCLIC, contract, (step,), message, mend))
    return found


def _inside(key: Pair, knot: frozenset[str]) -> bool:
    return key[0] in knot and key[1] in knot


def _knots(pairs: Iterable[Pair]) -> list[frozenset[str]]:
    links: dict[str, list[str]] = {}
    for importer, imported in sorted(pairs):
        links.setdefault(importer, []).append(imported)
    return sorted(components(links), key=sorted)


def _cuts(pairs: dict[Pair, list[Pair]], knot: frozenset[str]) -> list[Pair]:
    """Pairs of a knot whose removal makes it acyclic: those that point back in a good order of its members.

    Source of the order: Eades, Lin and Smyth, "A fast and effective heuristic for the feedback arc set
    problem" (1993), with the number of imports as weights.
    """
    weight = {key: len(row) for key, row in pairs.items() if _inside(key, knot)}
    first: list[str] = []
    last: list[str] = []
    rest = set(knot)
    while rest:
        out, into = dict.fromkeys(rest, 0), dict.fromkeys(rest, 0)
        for key, imports in weight.items():
            if key[0] in rest and key[1] in rest:
                out[key[0]] += imports
                into[key[1]] += imports
        sinks = sorted(m for m in rest if not out[m])
        sources = sorted(m for m in rest if not into[m] and out[m])
        if sinks:
            last[:0] = sinks
            rest.difference_update(sinks)
        elif sources:
            first += sources
            rest.difference_update(sources)
        else:
            best = min(rest, key=lambda m: (into[m] - out[m], m))
            first.append(best)
            rest.discard(best)
    place = {member: number for number, member in enumerate((*first, *last))}
    return sorted(key for key in weight if place[key[0]] > place[key[1]])
