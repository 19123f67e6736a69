"""Contract `public_interface`: what is outside a package imports only its public modules."""

from __future__ import annotations

import re
from collections.abc import Iterable

from analyzers.architecture.contract import ArchitectureFacts, ContractOptions, broken, contract_error, expand
from analyzers.architecture.module_graph import ModuleGraph
from analyzers.architecture.violation import PUBLIC_INTERFACE, Violation


class PublicInterfaceContract(ContractOptions, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Outside each of `packages` (empty: every domain but the shared one) only `public` modules are imported.

    `public` are names below the package, with `*` and `**`; the package itself (its `__init__`) always is.
    `except_by` are modules (with all below them) that may import everything.
    """

    packages: tuple[str, ...] = ()
    public: tuple[str, ...] = ()
    except_by: tuple[str, ...] = ()


def check_public_interface(
    contract: PublicInterfaceContract, facts: ArchitectureFacts
) -> tuple[Violation, ...]:
    """The direct imports of other than public modules from outside their package.

    Raises:
        InputError: a package does not exist.
    """
    view = facts.view(contract)
    excepted = view.members(expand(contract.except_by, view, contract))
    found = []
    for package in interface_packages(contract, facts):
        inside = view.package(package)
        public = public_modules(contract, package, view)
        for module in sorted(inside - public):
            for importer in view.importers.get(module, ()):
                if importer in inside or importer in excepted:
                    continue
                step = view.step(importer, module)
                message = f"{importer} imports {module}, which {package} does not make public"
                mend = facts.remedies.of_interface(step, package, sorted(public))
                found.append(broken(PUBLIC_INTERFACE, contract, (step,), message, mend))
    return tuple(found)


def interface_packages(contract: PublicInterfaceContract, facts: ArchitectureFacts) -> tuple[str, ...]:
    """The packages of the contract, sorted; see `check_public_interface` for errors."""
    if contract.packages:
        return expand(contract.packages, facts.view(contract), contract)
    packages = tuple(module for module in facts.domains.values() if module != facts.shared)
    if not packages:
        raise contract_error(contract, "has no packages, and there are no domains", "list the packages")
    return packages


def public_modules(contract: PublicInterfaceContract, package: str, view: ModuleGraph) -> frozenset[str]:
    """The public modules of a package, itself included."""
    patterns = [re.compile(_pattern(text)) for text in contract.public]
    size = len(package) + 1
    return frozenset(
        module
        for module in view.package(package)
        if module == package or any(p.fullmatch(module[size:]) for p in patterns)
    )


def _pattern(text: str) -> str:
    segments = {"*": r"[^.]+", "**": r"[^.]+(?:\.[^.]+)*"}
    return r"\.".join(segments.get(part) or re.escape(part) for part in _parts(text))


def _parts(text: str) -> Iterable[str]:
    return text.split(".")
