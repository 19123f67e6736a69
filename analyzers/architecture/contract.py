"""What all contract types have in common: their options, and the facts that they are judged by."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

import msgspec

from analyzers.architecture.module_graph import ModuleGraph
from analyzers.architecture.remedies import Remedies
from analyzers.architecture.violation import Violation
from analyzers.configuration import Configuration
from analyzers.domain_inventory import domain_of
from analyzers.errors import InputError
from analyzers.import_cycles import ChainStep
from analyzers.import_graph import ImportGraph


class ContractOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The keys of every contract in `hocmig.yaml`.

    `name` is its own, unlike that of any other contract; `why` is added to what mends a violation.
    `include_typing_only` and `include_deferred` replace those of the `architecture` section.
    """

    type: str
    name: str
    why: str = ""
    include_typing_only: bool | None = None
    include_deferred: bool | None = None


@dataclass
class ArchitectureFacts:
    """The tree and its domains, with everything that several contracts want to know computed once."""

    graph: ImportGraph
    config: Configuration
    _views: dict[tuple[bool, bool], ModuleGraph] = field(default_factory=dict)

    def view(self, contract: ContractOptions | None = None) -> ModuleGraph:
        """The module graph with the imports that count for a contract (None: for ARCH-001 to ARCH-004)."""
        section = self.config.architecture
        typing_only, deferred = section.include_typing_only, section.include_deferred
        if contract is not None:
            typing_only = (
                typing_only if contract.include_typing_only is None else contract.include_typing_only
            )
            deferred = deferred if contract.include_deferred is None else contract.include_deferred
        key = (typing_only, deferred)
        if key not in self._views:
            self._views[key] = ModuleGraph(self.graph, typing_only=typing_only, deferred=deferred)
        return self._views[key]

    @cached_property
    def remedies(self) -> Remedies:
        return Remedies(self.graph, self.config)

    @cached_property
    def domain_package(self) -> str:
        """The dotted name of the package that holds the domains; empty without one."""
        if not self.config.domain_root:
            return ""
        name = self.graph.index.layout.module_of(f"{self.config.domain_root.rstrip('/')}/__init__.py")
        return name.name if name is not None else ""

    @cached_property
    def domains(self) -> dict[str, str]:
        """Domain -> its dotted name, sorted: those configured, or those that hold Python files."""
        found = set(self.config.domains)
        if not found:
            found = {domain_of(path, self.config)[0] for path in self.graph.index.files} - {""}
        above = self.domain_package
        return {domain: f"{above}.{domain}" if above else domain for domain in sorted(found)}

    @property
    def shared(self) -> str:
        """The dotted name of the shared domain; empty when there is none."""
        return self.domains.get(self.config.shared_domain, "")

    def domain(self, path: str) -> str:
        """The domain that a path lies in; empty outside of all."""
        return domain_of(path, self.config)[0]


def expand(expressions: Iterable[str], view: ModuleGraph, contract: ContractOptions) -> tuple[str, ...]:
    """The modules that expressions of a contract stand for, sorted.

    Raises:
        InputError: an expression stands for nothing, or is no dotted name.
    """
    found: set[str] = set()
    for expression in expressions:
        names = view.matching(expression)
        if not names:
            raise contract_error(contract, f"there is no module {expression!r}", "correct or remove it")
        found.update(names)
    return tuple(sorted(found))


def contract_error(contract: ContractOptions, problem: str, mend: str) -> InputError:
    """The error of a contract that does not fit the tree; the caller adds file and line."""
    return InputError("", 0, f"contract {contract.name!r}: {problem}", mend)


def broken(
    code: str, contract: ContractOptions, chain: tuple[ChainStep, ...], message: str, mend: str
) -> Violation:
    """The violation of a contract by a chain of imports."""
    first = chain[0]
    return Violation(
        code=code,
        contract=contract.name,
        importer=first.importer,
        line=first.line,
        imported=first.imported,
        message=message,
        chain=chain,
        mend=f"{mend} ({contract.why})" if contract.why else mend,
        kind=first.kind,
    )
