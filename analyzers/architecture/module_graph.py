"""The imports between modules, as contracts see them: names, descendants, and chains that must not be.

Nodes are the importable modules of the repository. What lies outside the import roots (scripts, some tests)
takes no part, nor do stubs, which nothing runs. An edge is what a statement names; the `__init__` files that
Python runs on the way are no edges, as in import-linter, so that both tools give the same verdicts.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cached_property
from itertools import pairwise

from analyzers.import_cycles import ChainStep
from analyzers.import_graph import EdgeKind, ImportEdge, ImportGraph, kind_of

Chain = tuple[ChainStep, ...]


class ModuleGraph:
    """The import graph with modules as nodes.

    Args:
        typing_only: whether imports under TYPE_CHECKING count; `deferred`: those in functions.
    """

    def __init__(self, graph: ImportGraph, *, typing_only: bool = True, deferred: bool = True) -> None:
        self.graph = graph
        self._kinds = {EdgeKind.IMPORT_TIME}
        if typing_only:
            self._kinds.add(EdgeKind.TYPING_ONLY)
        if deferred:
            self._kinds.add(EdgeKind.DEFERRED)

    def counts(self, kind: EdgeKind) -> bool:
        """Whether imports of this kind count."""
        return kind in self._kinds

    @cached_property
    def modules(self) -> tuple[str, ...]:
        """All modules, sorted."""
        return tuple(sorted(self.graph.index.modules))

    @cached_property
    def names(self) -> frozenset[str]:
        """All modules and all packages that hold some, those without `__init__.py` included."""
        packages = {
            ".".join(parts[:size])
            for parts in (module.split(".") for module in self.modules)
            for size in range(1, len(parts))
        }
        return frozenset(packages.union(self.modules))

    @cached_property
    def imports(self) -> Mapping[str, Mapping[str, ImportEdge]]:
        """Importer -> imported -> the first edge that counts; both sorted."""
        found: dict[str, dict[str, ImportEdge]] = {}
        modules = self.graph.index.modules
        for edge in self.graph.edges:
            importer = self.graph.module_of(edge.importer)
            if (
                edge.kind not in self._kinds
                or modules.get(importer) != edge.importer
                or edge.module not in modules
                or importer == edge.module
            ):
                continue
            found.setdefault(importer, {}).setdefault(edge.module, edge)
        return {m: dict(sorted(row.items())) for m, row in sorted(found.items())}

    @cached_property
    def importers(self) -> Mapping[str, tuple[str, ...]]:
        """Imported -> its importers, sorted."""
        found: dict[str, list[str]] = {}
        for importer, row in self.imports.items():
            for imported in row:
                found.setdefault(imported, []).append(importer)
        return {module: tuple(row) for module, row in found.items()}

    @cached_property
    def outside(self) -> tuple[ImportEdge, ...]:
        """The imports of modules that the repository does not have; `imported` is empty.

        `from a.b import c` counts as `a.b`.
        """
        found = []
        resolver = self.graph.resolver
        for module in self.modules:
            path = self.graph.index.modules[module]
            for number, statement in enumerate(self.graph.index.files[path].imports):
                kind = kind_of(statement)
                if statement.level or kind not in self._kinds:
                    continue
                named = [statement.module] if statement.is_from else [n.name for n in statement.names]
                names = tuple(n.name for n in statement.names) if statement.is_from else ()
                found += [
                    ImportEdge(path, "", name, statement.line, kind, names, number)
                    for name in named
                    if name and not resolver.is_own(name)
                ]
        return tuple(found)

    def path(self, module: str) -> str:
        """The file of a module; the dotted name itself for what the repository does not have."""
        return self.graph.index.modules.get(module, module)

    def is_own(self, name: str) -> bool:
        """Whether the top-level package of `name` is the repository's."""
        return self.graph.resolver.is_own(name)

    def package(self, name: str) -> frozenset[str]:
        """The module `name` and all below it."""
        start, inside = bisect_left(self.modules, name + "."), name + "."
        found = {name} if name in self.graph.index.modules else set()
        for module in self.modules[start:]:
            if not module.startswith(inside):
                break
            found.add(module)
        return frozenset(found)

    def members(self, names: Iterable[str], *, as_packages: bool = True) -> frozenset[str]:
        """The modules that `names` stand for, those below them included unless `as_packages` is False."""
        if as_packages:
            return frozenset().union(*(self.package(name) for name in names))
        return frozenset(name for name in names if name in self.graph.index.modules)

    def children(self, package: str) -> tuple[str, ...]:
        """The modules and packages directly below `package`, sorted."""
        size = len(package) + 1
        return tuple(
            sorted({package + "." + m[size:].partition(".")[0] for m in self.package(package) - {package}})
        )

    def matching(self, expression: str) -> tuple[str, ...]:
        """The names that an expression stands for, sorted: `*` is one segment, `**` one or more."""
        if "*" not in expression:
            return (expression,) if expression in self.names else ()
        parts = [_SEGMENTS.get(part) or re.escape(part) for part in expression.split(".")]
        pattern = re.compile(r"\.".join(parts))
        return tuple(sorted(name for name in self.names if pattern.fullmatch(name)))

    def step(self, importer: str, imported: str) -> ChainStep:
        """The direct import of one module by another, as a step of a chain."""
        edge = self.imports[importer][imported]
        return ChainStep(edge.importer, edge.line, self.path(imported), edge.kind, edge.names)

    def leaving(
        self,
        sources: Collection[str],
        targets: Collection[str],
        *,
        around: Collection[str] = (),
        indirect: bool = True,
    ) -> Iterator[Chain]:
        """The shortest chain for each import by which `sources` get to `targets`, sorted.

        Every path from a source to a target has a last import that leaves the sources; there is one chain per
        such import. Without all of these imports no target can be reached, and none of them is superfluous.

        Args:
            around: modules that chains must not pass through (members of a contract that are judged by
                themselves).
            indirect: False: only imports that lead to a target at once.
        """
        following = self._ways_to(targets, {*sources, *around}) if indirect else {}
        for source in sorted(sources):
            for imported in self.imports.get(source, ()):
                if imported in sources:
                    continue
                if imported in targets or imported in following:
                    way = [source, imported]
                    while way[-1] not in targets:
                        way.append(following[way[-1]])
                    yield tuple(self.step(a, b) for a, b in pairwise(way))

    def _ways_to(self, targets: Collection[str], closed: Collection[str]) -> dict[str, str]:
        """Module -> the next one on a shortest way to the targets, for all modules that are not `closed`."""
        following: dict[str, str] = {}
        queue = deque(sorted(targets))
        while queue:
            module = queue.popleft()
            for importer in self.importers.get(module, ()):
                if importer not in following and importer not in targets and importer not in closed:
                    following[importer] = module
                    queue.append(importer)
        return following


_SEGMENTS = {"*": r"[^.]+", "**": r"[^.]+(?:\.[^.]+)*"}
