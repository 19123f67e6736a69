"""Modules as the import system runs them: their import statements in order, and when each name is bound."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from analyzers.called_imports import CalledImport
from analyzers.import_graph import EdgeKind, ImportEdge, ImportGraph
from analyzers.model import DefinitionKind, Guard
from analyzers.name_resolution import Kind

#: Statements that may not run; `try` bodies do run.
_BRANCH = int(Guard.CONDITIONAL | Guard.EXCEPT)


@dataclass(frozen=True, slots=True)
class Step:
    """One import statement of a module: what it loads, what it binds, what it takes."""

    line: int
    loads: tuple[str, ...]
    takes: tuple[tuple[str, str], ...]  # (module, name)
    modules: tuple[tuple[str, str], ...]  # (module bound, its local name; empty: used by its dotted name)
    bound: tuple[str, ...]
    is_branch: bool
    is_tried: bool
    called: tuple[str, int] | None  # see `Running.called`
    concerned: int  # the bits of all modules that it loads or looks into, with their packages


@dataclass(frozen=True, slots=True)
class Program:
    module: str
    steps: tuple[Step, ...]
    lines: dict[str, int]
    imported: dict[str, int]  # names that its own statements import, each with the line of the first
    is_open: bool
    tried: frozenset[int]
    branches: frozenset[int]
    dotted: frozenset[tuple[str, ...]]  # the first two segments of what plain imports name


class Programs:
    """The programs of some modules of a tree, made when they are asked for.

    Sets of modules are numbers here, one bit for each module: a run compares them at every statement.

    Args:
        graph: the tree.
        members: paths of the files whose modules count.
        called: the imports in functions that may run with the import of a file, by its path.
    """

    def __init__(
        self, graph: ImportGraph, members: Iterable[str], called: Mapping[str, Sequence[CalledImport]]
    ) -> None:
        self.graph = graph
        self.paths = {graph.module_of(path): path for path in members if graph.module_of(path)}
        #: Module -> its bit.
        self.bits = {module: 1 << number for number, module in enumerate(sorted(self.paths))}
        self._called = called
        self._resolver = graph.resolver
        self._known: dict[str, Program] = {}
        self._prefixes: dict[str, tuple[str, ...]] = {}

    def of(self, module: str) -> Program:
        known = self._known.get(module)
        if known is None:
            known = self._known[module] = self._compile(module)
        return known

    def inside(self, module: str) -> tuple[str, ...]:
        """The module's packages and itself, as far as they belong to the members, from the top down."""
        known = self._prefixes.get(module)
        if known is None:
            above = module.rpartition(".")[0]
            known = (self.inside(above) if above else ()) + ((module,) if module in self.paths else ())
            self._prefixes[module] = known
        return known

    def bits_of(self, modules: Iterable[str]) -> int:
        found = 0
        for module in modules:
            found |= self.bits[module]
        return found

    def modules_of(self, bits: int) -> list[str]:
        return [module for module, bit in self.bits.items() if bit & bits]

    @cached_property
    def reach(self) -> Mapping[str, int]:
        """Module -> the bits of all modules that its run may load or look into, whatever branches do."""
        concerned = {
            module: self.modules_of(self._all_concerned(module) & ~self.bits[module]) for module in self.paths
        }
        found = dict(self.bits)
        order = _postorder(concerned)
        is_changed = True
        while is_changed:
            is_changed = False
            for module in order:
                bits = found[module]
                for other in concerned[module]:
                    bits |= found[other]
                if bits != found[module]:
                    found[module] = bits
                    is_changed = True
        return found

    def _all_concerned(self, module: str) -> int:
        found = 0
        for step in self.of(module).steps:
            found |= step.concerned
        return found

    def _compile(self, module: str) -> Program:
        path = self.paths[module]
        record = self.graph.index.files[path]
        by_statement: dict[int, list[ImportEdge]] = {}
        for edge in self.graph.by_importer.get(path, ()):
            if edge.kind is EdgeKind.IMPORT_TIME:
                by_statement.setdefault(edge.statement, []).append(edge)
        steps = []
        for number, edges in by_statement.items():
            statement = record.imports[number]
            loads: list[str] = []
            takes: list[tuple[str, str]] = []
            modules: list[tuple[str, str]] = []
            bound: list[str] = []
            if not statement.is_from:
                aliases = {alias.name: alias for alias in statement.names}
                for edge in edges:
                    loads.append(edge.module)
                    modules.append((edge.module, aliases[edge.module].asname or ""))
            else:
                locals_ = {alias.name: alias.bound for alias in statement.names}
                for edge in edges:
                    loads.append(edge.module)
                    if not edge.names:
                        modules.append((edge.module, locals_[edge.module.rpartition(".")[2]]))
                    for name in edge.names:
                        takes.append((edge.module, name))
                        inner = self._inner(edge.module, name)
                        if inner:
                            modules.append((inner, locals_[name]))
                        if name == "*":
                            loads.extend(self._star_submodules(edge.module))
                            bound.extend(self._star_names(edge.module))
            if statement.scope.value == "module":
                bound.extend(alias.bound for alias in statement.names if alias.name != "*")
            steps.append(
                Step(
                    statement.line,
                    tuple(loads),
                    tuple(takes),
                    tuple(modules),
                    tuple(bound),
                    is_branch=bool(statement.guard & _BRANCH),
                    is_tried=bool(statement.guard & Guard.TRY),
                    called=None,
                    concerned=self._concerned(loads, takes, modules),
                )
            )
        steps += map(self._called_step, self._called.get(path, ()))
        steps.sort(key=lambda step: step.line)
        lines: dict[str, int] = {}
        for definition in record.definitions:
            # A class is bound after its body has run.
            line = definition.end_line if definition.kind is DefinitionKind.CLASS else definition.line
            lines[definition.name] = min(line, lines.get(definition.name, line))
        own = {edges[0].statement for edges in by_statement.values()}
        for number, statement in enumerate(record.imports):
            # What comes from elsewhere is bound in its line, too.
            if number not in own and statement.scope.value == "module" and not statement.is_typing_only:
                for alias in statement.names:
                    lines[alias.bound] = min(statement.line, lines.get(alias.bound, statement.line))
        tried = frozenset(step.line for step in steps if step.is_tried)
        # Several calls may stand in a line; which of them runs through a branch is told as it runs.
        branches = frozenset(step.line for step in steps if step.is_branch and step.called is None)
        imported: dict[str, int] = {}
        for number in sorted(own):
            statement = record.imports[number]
            if statement.is_from and statement.scope.value == "module" and not statement.guard & _BRANCH:
                for alias in statement.names:
                    if alias.name != "*" and self._resolver.bound(module, alias.bound) is not None:
                        imported.setdefault(alias.bound, statement.line)
                for edge in by_statement[number]:
                    for name in self._star_names(edge.module) if "*" in edge.names else ():
                        imported.setdefault(name, statement.line)
        dotted = frozenset(
            tuple(name.split(".")[:2]) for step in steps for name, local in step.modules if not local
        )
        return Program(
            module, tuple(steps), lines, imported, self._resolver.is_open(module), tried, branches, dotted
        )

    def _called_step(self, call: CalledImport) -> Step:
        edge = call.edge
        statement = self.graph.index.files[edge.importer].imports[edge.statement]
        takes = tuple((edge.module, name) for name in (*edge.names, *call.used) if name != "*")
        is_tried = call.is_tried or bool(statement.guard & Guard.TRY)
        place = (edge.importer, edge.line)
        loads = (edge.module,)
        concerned = self._concerned(loads, takes, ())
        return Step(call.line, loads, takes, (), (), call.is_branch, is_tried, place, concerned)

    def _concerned(
        self, loads: Iterable[str], takes: Iterable[tuple[str, str]], modules: Iterable[tuple[str, str]]
    ) -> int:
        named = {*loads, *(base for base, _ in takes), *(bound for bound, _ in modules)}
        return self.bits_of(inner for name in named for inner in self.inside(name))

    def _inner(self, module: str, name: str) -> str:
        """The module of the component that a bound name of `module` stands for; empty: none."""
        target = self._resolver.bound(module, name)
        if target is None or target.kind is not Kind.MODULE or target.module not in self.paths:
            return ""
        return target.module

    def _star_submodules(self, module: str) -> tuple[str, ...]:
        record = self._resolver.facts.record_of(module)
        if record is None or not record.is_package_file or not record.exports:
            return ()
        names = [f"{module}.{n}" for n in record.exports if self._resolver.bound(module, n) is None]
        return tuple(n for n in names if n in self.graph.index.modules)

    def _star_names(self, module: str) -> tuple[str, ...]:
        return tuple(sorted(self._resolver.exports_of(module) or ()))


def _postorder(links: Mapping[str, Sequence[str]]) -> list[str]:
    """Each node behind what it leads to, as far as there is no way back."""
    found: list[str] = []
    seen: set[str] = set()
    for start in links:
        if start in seen:
            continue
        seen.add(start)
        work = [(start, iter(links[start]))]
        while work:
            fresh = next((target for target in work[-1][1] if target not in seen), None)
            if fresh is None:
                found.append(work.pop()[0])
            else:
                seen.add(fresh)
                work.append((fresh, iter(links[fresh])))
    return found
