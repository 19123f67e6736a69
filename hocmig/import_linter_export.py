"""The contracts as import-linter's configuration, so that both tools give the same verdicts.

What import-linter has no type for is expressed by one that it has: ARCH-002 and ARCH-003 and layers across
domains become `forbidden`, a public interface becomes `protected`. What cannot be expressed is named in a
note. Imports that do not count here (deferred ones, accepted violations) become `ignore_imports`.

Source: import-linter 2.16, contract types and session options.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from analyzers.architecture.acyclic import AcyclicContract, acyclic_packages
from analyzers.architecture.contract import ArchitectureFacts, ContractOptions, expand
from analyzers.architecture.contracts import DeclaredContract
from analyzers.architecture.domain_rules import DOMAIN_RULES
from analyzers.architecture.forbidden import ForbiddenContract, forbidden_names
from analyzers.architecture.independence import IndependenceContract, independent_modules
from analyzers.architecture.layers import LayersContract, Stack, layer_stacks
from analyzers.architecture.protected import ProtectedContract
from analyzers.architecture.public_interface import (
    PublicInterfaceContract,
    interface_packages,
    public_modules,
)
from analyzers.architecture.violation import Violation

Value = str | tuple[str, ...]

#: What import-linter takes for an import: it wants Python names, though modules may be called otherwise.
_IGNORABLE = re.compile(r"[^\W\d]\w*(\.\w+)* -> [^\W\d]\w*(\.\w+)*")


#: The option without which a contract of a type says nothing.
_SUBJECTS = {
    "acyclic_siblings": "ancestors",
    "forbidden": "forbidden_modules",
    "independence": "modules",
    "layers": "layers",
    "protected": "protected_modules",
}


@dataclass(frozen=True)
class LinterContract:
    """One contract of import-linter: `origin` is our contract's name, or the code of a domain rule."""

    origin: str
    options: tuple[tuple[str, Value], ...]

    @property
    def name(self) -> str:
        """Its name, which is unique."""
        return str(dict(self.options)["name"])


@dataclass
class LinterExport:
    """A configuration of import-linter; `notes` say what it leaves out."""

    session: dict[str, Value] = field(default_factory=dict)
    contracts: list[LinterContract] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def export_contracts(
    facts: ArchitectureFacts, declared: Sequence[DeclaredContract], accepted: Iterable[Violation] = ()
) -> LinterExport:
    """The rules and contracts of a tree for import-linter.

    Args:
        accepted: violations of the baseline; their imports are ignored there, too.
    """
    return _Exporter(facts, tuple(accepted)).run(declared)


def render_importlinter(export: LinterExport) -> str:
    """The text of an `.importlinter` file."""
    lines = ["# Written by `hocmig check --import-linter`; write it again rather than edit it."]
    lines += [f"# {note}" for note in export.notes]
    lines += ["[importlinter]", *_pairs(export.session.items())]
    for number, contract in enumerate(export.contracts, 1):
        lines += ["", f"[importlinter:contract:{number:03}]", *_pairs(contract.options)]
    return "\n".join(lines) + "\n"


def _pairs(options: Iterable[tuple[str, Value]]) -> list[str]:
    lines = []
    for key, value in options:
        if isinstance(value, str):
            lines.append(f"{key} = {value}")
        else:
            lines += [f"{key} =", *(f"    {item}" for item in value)]
    return lines


class _Exporter:
    def __init__(self, facts: ArchitectureFacts, accepted: tuple[Violation, ...]) -> None:
        self.facts = facts
        self.accepted = accepted
        self.export = LinterExport()
        self.needs_external = False

    def run(self, declared: Sequence[DeclaredContract]) -> LinterExport:
        self._domain_rules()
        for entry in declared:
            self._contract(entry.contract)
        graph = self.facts.graph
        tops = {name.partition(".")[0] for name in graph.index.modules}
        roots = sorted(top for top in tops if top in graph.index.modules and graph.index.is_package(top))
        for top in sorted(tops - set(roots)):
            self.export.notes.append(f"not covered: {top} is no package with an __init__.py")
        section = self.facts.config.architecture
        session: dict[str, Value] = {"root_packages": tuple(roots)}
        if self.needs_external:
            session["include_external_packages"] = "True"
        if not section.include_typing_only:
            session["exclude_type_checking_imports"] = "True"
        self.export.session = session
        return self.export

    def _domain_rules(self) -> None:
        facts = self.facts
        rules = facts.config.architecture.rules
        if not facts.config.domain_root or len(facts.domains) < 2:
            return
        shared = facts.shared
        for domain, module in facts.domains.items():
            code = "ARCH-003" if module == shared else "ARCH-002"
            if code not in rules:
                continue
            others = tuple(
                m for m in facts.domains.values() if m not in (module, shared if "ARCH-001" in rules else "")
            )
            name = f"{code} {domain}: {DOMAIN_RULES[code].rstrip('.')}"
            options: dict[str, Value] = {
                "source_modules": (module,),
                "forbidden_modules": others,
                "allow_indirect_imports": "True",
            }
            self._add(code, name, "forbidden", options, None)
        if "ARCH-004" in rules:
            self.export.notes.append("not covered: ARCH-004 (import-linter does not count who uses a module)")

    def _contract(self, contract: ContractOptions) -> None:
        facts, name = self.facts, contract.name
        view = facts.view(contract)
        if isinstance(contract, IndependenceContract):
            self._add(name, name, "independence", {"modules": independent_modules(contract, facts)}, contract)
        elif isinstance(contract, LayersContract):
            self._layers(contract)
        elif isinstance(contract, ForbiddenContract):
            self._forbidden(contract)
        elif isinstance(contract, ProtectedContract):
            options: dict[str, Value] = {
                "protected_modules": expand(contract.protected, view, contract),
                "allowed_importers": expand(contract.allowed, view, contract),
                "as_packages": str(contract.as_packages),
            }
            self._add(name, name, "protected", options, contract)
        elif isinstance(contract, AcyclicContract):
            # The packages are listed one by one: an empty list of ancestors of theirs would be an error.
            packages = acyclic_packages(contract, facts)
            if packages:
                self._add(name, name, "acyclic_siblings", {"ancestors": packages, "depth": "0"}, contract)
        elif isinstance(contract, PublicInterfaceContract):
            for package in interface_packages(contract, facts):
                private = sorted(view.package(package) - public_modules(contract, package, view))
                allowed = {*view.package(package), *view.members(expand(contract.except_by, view, contract))}
                if private:
                    options = {
                        "protected_modules": tuple(private),
                        "allowed_importers": tuple(sorted(allowed)),
                        "as_packages": "False",
                    }
                    self._add(name, f"{name}: {package}", "protected", options, contract)

    def _forbidden(self, contract: ForbiddenContract) -> None:
        sources, own, libraries = forbidden_names(contract, self.facts)
        deep = [name for name in libraries if "." in name]
        if deep:
            # import-linter knows outside packages as wholes only.
            self.export.notes.append(f"not covered: {contract.name}: parts of libraries ({', '.join(deep)})")
        targets = (*own, *(name for name in libraries if "." not in name))
        if not targets:
            return
        self.needs_external = self.needs_external or any("." not in name for name in libraries)
        options: dict[str, Value] = {
            "source_modules": sources,
            "forbidden_modules": targets,
            "allow_indirect_imports": str(contract.allow_indirect),
            "as_packages": str(contract.as_packages),
        }
        self._add(contract.name, contract.name, "forbidden", options, contract)

    def _layers(self, contract: LayersContract) -> None:
        for stack in layer_stacks(contract, self.facts):
            if contract.across:
                self._across(contract, stack)
                continue
            names = self.facts.view(contract).names
            layers = []
            for level in stack.levels:
                parts = self._visible(contract.name, tuple(p for p in level.parts if p in names))
                size = len(stack.container) + 1 if stack.container else 0
                if parts:
                    layers.append((" | " if level.independent else " : ").join(p[size:] for p in parts))
            if not layers or (len(layers) == 1 and " | " not in layers[0]):
                continue
            options: dict[str, Value] = {"layers": tuple(layers)}
            if stack.container:
                options["containers"] = (stack.container,)
            title = f"{contract.name}: {stack.container}" if stack.container else contract.name
            self._add(contract.name, title, "layers", options, contract)

    def _across(self, contract: LayersContract, stack: Stack) -> None:
        names = self.facts.view(contract).names
        above: list[str] = []
        for number, level in enumerate(stack.levels, 1):
            parts = tuple(part for part in level.parts if part in names)
            if parts and above:
                options: dict[str, Value] = {
                    "source_modules": parts,
                    "forbidden_modules": tuple(sorted(above)),
                }
                self._add(contract.name, f"{contract.name}: layer {number}", "forbidden", options, contract)
            above += parts

    def _add(
        self, origin: str, name: str, kind: str, options: dict[str, Value], contract: ContractOptions | None
    ) -> None:
        ignored = self._ignored(origin, contract)
        values: dict[str, Value] = {"name": name, "type": kind}
        for key, value in options.items():
            values[key] = value if isinstance(value, str) or key == "layers" else self._visible(name, value)
        if not values.get(_SUBJECTS[kind]):
            return
        if ignored:
            values["ignore_imports"] = ignored
            values["unmatched_ignore_imports_alerting"] = "none"
        self.export.contracts.append(LinterContract(origin, tuple(values.items())))

    def _visible(self, contract: str, modules: tuple[str, ...]) -> tuple[str, ...]:
        """The modules that import-linter sees: it leaves out folders without `__init__.py`."""
        index = self.facts.graph.index
        kept = []
        for module in modules:
            parts = module.split(".")
            above = [".".join(parts[:size]) for size in range(1, len(parts) + 1)]
            if not index.exists(parts[0]) or all(name in index.modules for name in above):
                kept.append(module)
            else:
                note = f"not covered: {contract}: {module} lies in a folder without __init__.py"
                self.export.notes.append(note)
        return tuple(kept)

    def _ignored(self, origin: str, contract: ContractOptions | None) -> tuple[str, ...]:
        """Imports (`importer -> imported`) that exist in the tree but do not count here."""
        facts = self.facts
        section = facts.config.architecture
        everything = facts.view(_whole(section.include_typing_only))
        counted = facts.view(contract)
        found = {
            f"{importer} -> {imported}"
            for importer, row in everything.imports.items()
            for imported in row
            if imported not in counted.imports.get(importer, {})
        }
        for violation in self.accepted:
            if origin in (violation.contract, violation.code) and violation.imported:
                importer = facts.graph.module_of(violation.importer)
                imported = facts.graph.module_of(violation.imported) or violation.imported
                found.add(f"{importer} -> {imported}")
        for expression in sorted(e for e in found if not _IGNORABLE.fullmatch(e)):
            found.discard(expression)
            self.export.notes.append(f"not covered: {origin}: import-linter cannot ignore {expression}")
        return tuple(sorted(found))


def _whole(typing_only: bool) -> ContractOptions:
    """Options under which everything counts that the session of import-linter counts."""
    return ContractOptions(type="", name="", include_typing_only=typing_only, include_deferred=True)
