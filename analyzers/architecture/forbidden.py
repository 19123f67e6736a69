"""Contract `forbidden`: some modules must not import some others, nor some libraries."""

from __future__ import annotations

from collections.abc import Iterator

from analyzers.architecture.contract import ArchitectureFacts, ContractOptions, broken, contract_error, expand
from analyzers.architecture.module_graph import Chain, ModuleGraph
from analyzers.architecture.violation import FORBIDDEN, Violation, shown_chain
from analyzers.import_cycles import ChainStep


class ForbiddenContract(ContractOptions, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """No module of `source` may import one of `forbidden` (modules of the repository, or libraries).

    `allow_indirect`: only imports that lead there at once count. With `as_packages` a name stands for all
    below it, too. Pairs that overlap (one name lies in the other) are left out.
    """

    source: tuple[str, ...]
    forbidden: tuple[str, ...]
    allow_indirect: bool = False
    as_packages: bool = True


def check_forbidden(contract: ForbiddenContract, facts: ArchitectureFacts) -> tuple[Violation, ...]:
    """The imports by which the sources get to what is forbidden; see `ModuleGraph.leaving`.

    Raises:
        InputError: a module does not exist.
    """
    view = facts.view(contract)
    sources, own, libraries = forbidden_names(contract, facts)
    found: dict[str, Violation] = {}
    for group, targets in _pairs(sources, own, contract.as_packages):
        members = view.members(group, as_packages=contract.as_packages)
        goals = view.members(targets, as_packages=contract.as_packages)
        for chain in view.leaving(members, goals, indirect=not contract.allow_indirect):
            _add(found, contract, facts, chain)
    if libraries:
        members = view.members(sources, as_packages=contract.as_packages)
        for chain in _to_libraries(view, members, libraries, indirect=not contract.allow_indirect):
            _add(found, contract, facts, chain)
    return tuple(found.values())


def forbidden_names(
    contract: ForbiddenContract, facts: ArchitectureFacts
) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """(source modules, forbidden modules, forbidden libraries), each sorted."""
    view = facts.view(contract)
    if not contract.source or not contract.forbidden:
        raise contract_error(contract, "has an empty list", "name modules in source and in forbidden")
    sources = expand(contract.source, view, contract)
    libraries = tuple(sorted(n for n in contract.forbidden if "*" not in n and not view.is_own(n)))
    own = expand([n for n in contract.forbidden if n not in libraries], view, contract)
    return sources, own, libraries


def _pairs(
    sources: tuple[str, ...], targets: tuple[str, ...], as_packages: bool
) -> Iterator[tuple[tuple[str, ...], tuple[str, ...]]]:
    """Groups of sources with their targets: one group, unless a source overlaps a target."""
    if not any(_overlap(s, t, as_packages) for s in sources for t in targets):
        yield sources, targets
        return
    for source in sources:
        yield (source,), tuple(t for t in targets if not _overlap(source, t, as_packages))


def _overlap(one: str, other: str, as_packages: bool) -> bool:
    if one == other:
        return True
    return as_packages and (one.startswith(other + ".") or other.startswith(one + "."))


def _to_libraries(
    view: ModuleGraph, sources: frozenset[str], libraries: tuple[str, ...], *, indirect: bool
) -> Iterator[Chain]:
    last: dict[str, ChainStep] = {}
    for edge in view.outside:
        hit = next((lib for lib in libraries if edge.module == lib or edge.module.startswith(lib + ".")), "")
        if hit:
            step = ChainStep(edge.importer, edge.line, hit, edge.kind, edge.names)
            last.setdefault(view.graph.module_of(edge.importer), step)
    for module, step in last.items():
        if module in sources:
            yield (step,)
    if indirect:
        goals = frozenset(last) - sources
        for chain in view.leaving(sources, goals):
            yield (*chain, last[view.graph.module_of(chain[-1].imported)])


def _add(
    found: dict[str, Violation], contract: ForbiddenContract, facts: ArchitectureFacts, chain: Chain
) -> None:
    goal = chain[-1].imported
    what = facts.graph.module_of(goal) or goal
    message = f"{facts.graph.module_of(chain[0].importer)} must not import {what}: {shown_chain(chain)}"
    violation = broken(FORBIDDEN, contract, chain, message, facts.remedies.of_chain(chain))
    found.setdefault(violation.key, violation)
