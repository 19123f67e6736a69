"""Contract `independence`: none of the modules imports another, not even through modules in between."""

from __future__ import annotations

from itertools import pairwise

from analyzers.architecture.contract import (
    ArchitectureFacts,
    ContractOptions,
    broken,
    contract_error,
    expand,
)
from analyzers.architecture.violation import INDEPENDENCE, Violation, shown_chain


class IndependenceContract(ContractOptions, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`modules` (with all below them) must not import each other; empty: all domains but the shared one."""

    modules: tuple[str, ...] = ()


def check_independence(contract: IndependenceContract, facts: ArchitectureFacts) -> tuple[Violation, ...]:
    """The imports by which one of the modules gets to another; see `ModuleGraph.leaving`.

    Raises:
        InputError: a module does not exist, or lies in another one of the contract.
    """
    view = facts.view(contract)
    names = independent_modules(contract, facts)
    members = {name: view.package(name) for name in names}
    owner = {module: name for name, modules in members.items() for module in modules}
    found = []
    for name in names:
        others = [module for module, other in owner.items() if other != name]
        for chain in view.leaving(members[name], frozenset(others)):
            goal = owner[_module(facts, chain[-1].imported)]
            message = f"{name} must not import {goal}: {shown_chain(chain)}"
            found.append(broken(INDEPENDENCE, contract, chain, message, facts.remedies.of_chain(chain)))
    return tuple(found)


def independent_modules(contract: IndependenceContract, facts: ArchitectureFacts) -> tuple[str, ...]:
    """The modules of the contract, sorted; see `check_independence` for errors."""
    if contract.modules:
        names = expand(contract.modules, facts.view(contract), contract)
    else:
        names = tuple(module for module in facts.domains.values() if module != facts.shared)
    for one, following in pairwise(names):
        if following.startswith(one + "."):
            raise contract_error(contract, f"{following} lies in {one}", "keep one of the two")
    if len(names) < 2:
        raise contract_error(contract, "names fewer than two modules", "list those that must be independent")
    return names


def _module(facts: ArchitectureFacts, path: str) -> str:
    return facts.graph.module_of(path)
