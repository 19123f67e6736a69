"""What would mend a violation, told from the imports around it: move a module, go through a façade, invert.

Each sentence rests on facts of the graph; where several would do, the one that changes least comes first.
They are proposals for a person to judge: nothing is changed by them.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from analyzers.configuration import Configuration
from analyzers.domain_inventory import domain_of
from analyzers.import_cycles import ChainStep
from analyzers.import_graph import EdgeKind, ImportEdge, ImportGraph
from analyzers.name_resolution import Kind


class Remedies:
    """Proposals for one tree."""

    def __init__(self, graph: ImportGraph, config: Configuration) -> None:
        self.graph = graph
        self.config = config

    # -- domains -------------------------------------------------------------------------------------------

    def of_domain_import(self, edge: ImportEdge) -> str:
        """For an import of one domain by another (ARCH-002)."""
        importer, imported = edge.importer, edge.imported
        through = self._in_shared_already(edge)
        if through:
            return f"import {through}, which is the same thing (`hocmig normalize` does it)"
        own, other = self._domain(importer), self._domain(imported)
        others = self.user_domains(imported) - {other}
        if self._is_leaf(imported) and len(others) >= self.config.architecture.shared_utility_domains:
            return f"{len(others)} domains use it: move it, {self._move_to(imported, self._shared)}"
        if self._belongs(importer, own, other):
            return f"nothing in {own} imports {importer}: move it, {self._move_to(importer, other)}"
        if others == {own} and not self._own_users(imported, other) and self._is_free_of(imported, other):
            return f"only {own} uses it: move it, {self._move_to(imported, own)}"
        if edge.kind is EdgeKind.TYPING_ONLY:
            return f"it is only a type: declare a protocol in {self._shared} and annotate with that"
        if self._is_leaf(imported):
            return f"it needs nothing of {other}: move it, {self._move_to(imported, self._shared)}"
        return self._inversion(imported)

    def of_shared_import(self, edge: ImportEdge) -> str:
        """For an import of a domain by the shared domain (ARCH-003)."""
        importer, imported = edge.importer, edge.imported
        through = self._in_shared_already(edge)
        if through:
            return f"import {through}, which is the same thing (`hocmig normalize` does it)"
        other = self._domain(imported)
        if self._is_leaf(imported):
            return f"it needs nothing of {other}: move it, {self._move_to(imported, self._shared)}"
        users = self.user_domains(importer) - {self._shared}
        if users <= {other} and not self._own_users(importer, self._shared):
            return f"only {other} uses {importer}: move it, {self._move_to(importer, other)}"
        return self._inversion(imported)

    def of_shared_utility(self, path: str) -> str:
        """For a module of a domain that many domains use (ARCH-004)."""
        move = self._move_to(path, self._shared)
        needs = sorted(self._needed_domains(path))
        if needs:
            return f"move it, {move}, after what it needs of {', '.join(needs)}"
        return f"move it, {move}"

    # -- contracts -----------------------------------------------------------------------------------------

    def of_chain(self, chain: Sequence[ChainStep]) -> str:
        """For a chain that leads to what must not be reached."""
        first = chain[0]
        if len(chain) == 1:
            edge = self._between_domains(first)
            if edge is not None:
                return self.of_domain_import(edge)
            if first.kind is EdgeKind.TYPING_ONLY:
                return (
                    "it is only a type: declare a protocol where both may import it, and annotate with that"
                )
            return self._inversion(first.imported)
        rarest = min(
            chain, key=lambda step: (len(self.graph.by_imported.get(step.imported, ())), step.importer)
        )
        place = f"{rarest.importer}:{rarest.line}"
        return f"cut the chain at {place}, or move what {first.importer} needs out of {first.imported}"

    def of_layers(self, chain: Sequence[ChainStep], part: str, goal: str) -> str:
        """For a chain from a lower layer to a higher one."""
        last = chain[-1]
        if len(chain) > 1:
            return self.of_chain(chain)
        if last.kind is EdgeKind.TYPING_ONLY:
            return f"it is only a type: declare a protocol in {part} and annotate with that"
        inside = [e for e in self.graph.by_importer.get(last.imported, ()) if self._is_below(e.module, goal)]
        if not inside:
            return f"{last.imported} needs nothing of {goal}: move it to {part}, or below"
        users = [
            e for e in self.graph.by_imported.get(last.importer, ()) if self._is_below_path(e.importer, part)
        ]
        if not users:
            return f"nothing in {part} imports {last.importer}: move it to {goal}"
        return f"declare a protocol in {part} that {last.imported} implements, and pass the implementation in"

    def of_protected(self, step: ChainStep, allowed: Sequence[str]) -> str:
        """For a direct import of a protected module."""
        if not allowed:
            return f"do without {step.imported}, or add {step.importer} to allowed"
        for module in allowed:
            names = self._same_names(step, [module])
            if names:
                return f"import {', '.join(names)} from {module}"
        return f"go through {', '.join(allowed)}"

    def of_interface(self, step: ChainStep, package: str, public: Sequence[str]) -> str:
        """For an import of a private module of a package."""
        for module in public:
            names = self._same_names(step, [module])
            if names:
                return f"import {', '.join(names)} from {module}"
        what = ", ".join(step.names) or step.imported
        return f"make {what} available in {package}, or add {step.imported} to public"

    def of_cycle(self, step: ChainStep) -> str:
        """For an import that closes a circle."""
        if step.kind is EdgeKind.TYPING_ONLY:
            return "it is only a type: declare a protocol on this side of the import"
        leaf = not [
            e for e in self.graph.by_importer.get(step.imported, ()) if e.kind is EdgeKind.IMPORT_TIME
        ]
        if leaf:
            return f"{step.imported} needs nothing itself: move it beside {step.importer}, or below both"
        return f"declare a protocol beside {step.importer} that {step.imported} implements"

    def _between_domains(self, step: ChainStep) -> ImportEdge | None:
        """The import of a step that leads from one domain to another, neither of them shared."""
        ends = {self._domain(step.importer), self._domain(step.imported)}
        if len(ends) < 2 or not ends.isdisjoint(("", self._shared)):
            return None
        edges = self.graph.by_importer.get(step.importer, ())
        return next((e for e in edges if (e.imported, e.line) == (step.imported, step.line)), None)

    # -- facts ---------------------------------------------------------------------------------------------

    @property
    def _shared(self) -> str:
        return self.config.shared_domain

    def _domain(self, path: str) -> str:
        return domain_of(path, self.config)[0]

    def user_domains(self, path: str) -> frozenset[str]:
        """The domains with files that import `path`, the shared one included."""
        users = {self._domain(edge.importer) for edge in self.graph.by_imported.get(path, ())}
        return frozenset(users - {""})

    def _own_users(self, path: str, domain: str) -> bool:
        return any(
            self._domain(e.importer) == domain and not e.importer.endswith("/__init__.py")
            for e in self.graph.by_imported.get(path, ())
        )

    def _needed_domains(self, path: str) -> frozenset[str]:
        needed = {self._domain(e.imported) for e in self.graph.by_importer.get(path, ())}
        return frozenset(needed - {"", self._shared})

    def _is_leaf(self, path: str) -> bool:
        """Whether it imports no domain but the shared one, so that it can move there."""
        return not self._needed_domains(path) and not path.endswith("/__init__.py")

    def _is_free_of(self, path: str, domain: str) -> bool:
        return domain not in self._needed_domains(path) and not path.endswith("/__init__.py")

    def _belongs(self, path: str, own: str, other: str) -> bool:
        """Whether a file has nothing to do with its own domain: neither direction of imports."""
        if path.endswith("/__init__.py") or self._own_users(path, own):
            return False
        return self._needed_domains(path) == {other}

    def _move_to(self, path: str, domain: str) -> str:
        """The command that moves a file to the same place of another domain."""
        below = f"{self.config.domain_root}/{self._domain(path)}/"
        new = f"{self.config.domain_root}/{domain}/{path.removeprefix(below)}"
        return f"`hocmig mv {path} {new}`"

    def _inversion(self, imported: str) -> str:
        where = f"in {self._shared}" if self._shared and self.config.domain_root else "on this side"
        return f"invert it: declare a protocol {where} that {imported} implements, and pass that in"

    def _in_shared_already(self, edge: ImportEdge) -> str:
        """`name from module` for an import whose names all come from the shared domain; else empty."""
        homes = []
        for name in edge.names:
            target = self.graph.resolver.attribute(edge.module, name) if name != "*" else None
            if target is None or target.kind is not Kind.SYMBOL:
                return ""
            record = self.graph.index.record_of(target.module)
            if record is None or self._domain(record.path) != self._shared:
                return ""
            homes.append(f"{target.name} from {target.module}")
        return " and ".join(homes)

    def _same_names(self, step: ChainStep, modules: Collection[str]) -> list[str]:
        """The names of an import when one of `modules` offers all of them as the same definitions."""
        wanted = self.graph.module_of(step.imported)
        for module in modules:
            if step.names and all(self._is_same(wanted, module, name) for name in step.names):
                return list(step.names)
        return []

    def _is_same(self, one: str, other: str, name: str) -> bool:
        first = self.graph.resolver.attribute(one, name)
        second = self.graph.resolver.bound(other, name)
        return first is not None and first == second and first.kind is Kind.SYMBOL

    @staticmethod
    def _is_below(module: str, package: str) -> bool:
        return module == package or module.startswith(package + ".")

    def _is_below_path(self, path: str, package: str) -> bool:
        return self._is_below(self.graph.module_of(path), package)
