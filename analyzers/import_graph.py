"""Which file imports which: one edge per import statement and file that it names, and what resolves to
nothing.

Nodes are paths, because scripts and tests outside every import root import, too. An edge leads to the file
that the statement names (`from a.b import c` with a module `a.b.c`: its file; else `a/b`). The `__init__`
files that Python runs before it are no edges of their own: `ImportGraph.parents` has them.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from functools import cached_property

import msgspec

from analyzers.import_index import SourceIndex
from analyzers.layout import ModuleName
from analyzers.model import FileRecord, Guard, ImportRecord, Scope
from analyzers.name_resolution import MODULE_ATTRIBUTES, Kind

_TYPE_CHECKING, _LAZY = int(Guard.TYPE_CHECKING), int(Guard.LAZY)
_GUARDED = int(Guard.TRY | Guard.EXCEPT | Guard.CONDITIONAL)

_NOWHERE = ModuleName("", False, "", is_importable=False)


class EdgeKind(str, enum.Enum):
    """When the import happens: with its module, later (in a function, or a lazy statement), or never at run
    time.
    """

    IMPORT_TIME = "import-time"
    DEFERRED = "deferred"
    TYPING_ONLY = "typing-only"


class ImportEdge(msgspec.Struct, frozen=True):
    """One statement naming one file.

    `module` is the dotted name that is loaded. `imported` is its path, empty for a namespace package.
    `names` are those that the statement takes out of `imported` (empty: the module itself is bound, `*`:
    all). `statement` counts the import statements of `importer` from 0.
    """

    importer: str
    imported: str
    module: str
    line: int
    kind: EdgeKind
    names: tuple[str, ...]
    statement: int


class UnresolvedImport(msgspec.Struct, frozen=True):
    """An import of the repository's own code that leads nowhere.

    `module` is the absolute dotted name, `name` what was wanted from it (empty: the module itself is
    missing). `is_guarded` says that a `try` or a condition stands around it, so that its failure may be
    expected.
    """

    importer: str
    line: int
    kind: EdgeKind
    module: str
    name: str
    reason: str
    is_guarded: bool

    def __str__(self) -> str:
        what = f"{self.module}:{self.name}" if self.name else self.module
        return f"{self.importer}:{self.line}: {what}: {self.reason}"


class ImportGraph:
    """All edges of a tree, sorted by importer, statement and imported module.

    `unresolved` is sorted in the same way. `resolver` answers what a name is.
    """

    def __init__(self, index: SourceIndex, before: ImportGraph | None = None) -> None:
        """Read the edges of `index`; those of files that cannot have changed are taken from `before`."""
        self.index = index
        self.resolver = index.resolver
        self._extensions = _extension_modules(index)
        self._hidden = tuple(c.module + "." for c in index.clashes if c.kind == "module over folder")
        tops = {m.partition(".")[0] for m in index.modules}
        tops.update(m for m in index.packages if "." not in m)
        tops.update(m.partition(".")[0] for m in index.stubs)
        self._tops = tops
        self._parents: dict[str, tuple[str, ...]] = {}
        self._members: dict[tuple[str, str], str] = {}
        edges: list[ImportEdge] = []
        unresolved: list[UnresolvedImport] = []
        unchanged: dict[str, tuple[ImportEdge, ...]] = {}
        if before is not None and (before._tops, before._hidden) == (tops, self._hidden):
            unchanged = _unchanged_edges(before, index)
        for path, record in index.files.items():
            if path in unchanged:
                edges.extend(unchanged[path])
            elif record.imports:
                self._read(path, record, edges, unresolved)
        self.edges = tuple(edges)
        self.unresolved = tuple(unresolved)

    @cached_property
    def by_importer(self) -> Mapping[str, tuple[ImportEdge, ...]]:
        """The edges of each importer, in order."""
        return _grouped((edge.importer, edge) for edge in self.edges)

    @cached_property
    def by_imported(self) -> Mapping[str, tuple[ImportEdge, ...]]:
        """The edges that lead to each file, sorted by importer."""
        return _grouped((edge.imported, edge) for edge in self.edges if edge.imported)

    def module_of(self, path: str) -> str:
        """The importable dotted name of a path; empty when it has none."""
        name = self.index.names.get(path)
        return name.name if name is not None and name.is_importable else ""

    def parents(self, module: str) -> tuple[str, ...]:
        """The `__init__` files that run before `module`, from the top down."""
        known = self._parents.get(module)
        if known is None:
            above, _, _ = module.rpartition(".")
            if not above:
                known = ()
            else:
                path = self.index.modules.get(above)
                known = self.parents(above) + ((path,) if path is not None else ())
            self._parents[module] = known
        return known

    def loaded(self, edge: ImportEdge) -> tuple[str, ...]:
        """All files that the edge makes Python run, in their order: packages from the top down, then the
        module.
        """
        files = self.parents(edge.module)
        return (*files, edge.imported) if edge.imported else files

    def homes(self, edge: ImportEdge) -> tuple[tuple[str, str], ...]:
        """(name, `module` or `module:symbol` that it means) of each name that the edge takes, re-exports
        followed.

        Names that cannot be known are left out.
        """
        found = []
        for name in edge.names:
            target = self.resolver.attribute(edge.module, name) if name != "*" else None
            if target is not None and target.kind is not Kind.UNKNOWN:
                found.append((name, str(target)))
        return tuple(found)

    # -- reading ---------------------------------------------------------------------------------------------

    def _read(
        self, path: str, record: FileRecord, edges: list[ImportEdge], unresolved: list[UnresolvedImport]
    ) -> None:
        client = self.index.names.get(path, _NOWHERE)
        is_stub = path.endswith(".pyi")
        tops, is_importable = self._tops, client.is_importable
        for number, statement in enumerate(record.imports):
            if statement.is_from:
                is_own = statement.level or statement.module.partition(".")[0] in tops
                if is_own or not is_importable:
                    kind = EdgeKind.TYPING_ONLY if is_stub else kind_of(statement)
                    self._read_from(path, client, number, statement, kind, edges, unresolved)
                continue
            for alias in statement.names:
                if alias.name.partition(".")[0] in tops or not is_importable:
                    kind = EdgeKind.TYPING_ONLY if is_stub else kind_of(statement)
                    self._read_plain(path, client, number, statement, kind, alias.name, edges, unresolved)

    def _read_plain(
        self,
        path: str,
        client: ModuleName,
        number: int,
        statement: ImportRecord,
        kind: EdgeKind,
        module: str,
        edges: list[ImportEdge],
        unresolved: list[UnresolvedImport],
    ) -> None:
        found = self._file(module)
        if found is not None:
            edges.append(ImportEdge(path, found, module, statement.line, kind, (), number))
            return
        if module.partition(".")[0] not in self._tops:
            beside = self._beside(path, client, module)
            if beside:
                edges.append(ImportEdge(path, beside, module, statement.line, kind, (), number))
            return
        problem = self._problem(module)
        if problem:
            unresolved.append(_unresolved(path, statement, kind, module, "", problem))

    def _read_from(
        self,
        path: str,
        client: ModuleName,
        number: int,
        statement: ImportRecord,
        kind: EdgeKind,
        edges: list[ImportEdge],
        unresolved: list[UnresolvedImport],
    ) -> None:
        line = statement.line
        if statement.level and not client.is_importable:
            self._read_relative_script(path, number, statement, kind, edges, unresolved)
            return
        base = self.resolver.base_of(client, statement.level, statement.module)
        if base is None:
            wanted = "." * statement.level + statement.module
            reason = "leads above the top-level package"
            unresolved.append(_unresolved(path, statement, kind, wanted, "", reason))
            return
        file = self._file(base)
        if file is None:
            if base.partition(".")[0] not in self._tops:
                beside = self._beside(path, client, base)
                if beside:
                    names = tuple(alias.name for alias in statement.names)
                    edges.append(ImportEdge(path, beside, base, line, kind, names, number))
                return
            problem = self._problem(base)
            if problem:
                unresolved.append(_unresolved(path, statement, kind, base, "", problem))
            return
        taken: list[str] = []
        own = []
        for alias in statement.names:
            name = alias.name
            answer = self._member(base, name)
            if answer == "name":
                taken.append(name)
            elif answer == "module":
                module = f"{base}.{name}"
                found = self._file(module)
                if found is not None:
                    own.append(ImportEdge(path, found, module, line, kind, (), number))
            elif answer:
                taken.append(name)
                unresolved.append(_unresolved(path, statement, kind, base, name, answer))
        if taken:
            edges.append(ImportEdge(path, file, base, line, kind, tuple(taken), number))
        edges.extend(own)

    def _member(self, base: str, name: str) -> str:
        """What `from base import name` takes: `name`, `module`, or the reason why there is no such thing."""
        key = (base, name)
        known = self._members.get(key)
        if known is None:
            known = self._members[key] = self._find_member(base, name)
        return known

    def _find_member(self, base: str, name: str) -> str:
        if name == "*":
            return "name"
        bound = self.resolver.bound(base, name)
        submodule = f"{base}.{name}"
        if bound is not None and bound.kind is not Kind.UNKNOWN:
            is_itself = bound.kind is Kind.MODULE and bound.module == submodule
            return "module" if is_itself else "name"
        if self._file(submodule) is not None:
            return "module"
        if bound is not None or name in MODULE_ATTRIBUTES or submodule in self._extensions:
            return "name"
        if self.resolver.is_open(base):
            return "name"
        return "no such name in it"

    def _file(self, module: str) -> str | None:
        """The path of a module, an empty string for a namespace package, None when there is no such thing."""
        if self._hidden and module.startswith(self._hidden):
            return None
        path = self.index.modules.get(module)
        if path is not None:
            return path
        path = self.index.stubs.get(module)
        if path is not None:
            return path
        return "" if module in self.index.packages else None

    def _problem(self, module: str) -> str:
        if module in self._extensions:
            return ""
        for hidden in self._hidden:
            if module.startswith(hidden):
                file = self.index.modules[hidden[:-1]]
                return f"{file} hides the folder {file[:-3]}/"
        return "no such module"

    def _beside(self, path: str, client: ModuleName, module: str) -> str:
        """The file that a script finds in its own folder, which Python puts on the path; empty: none."""
        if client.is_importable:
            return ""
        folder = path.rpartition("/")[0]
        return self._at(f"{folder}/" if folder else "", module)

    def _at(self, prefix: str, module: str) -> str:
        stem = prefix + module.replace(".", "/")
        for candidate in (f"{stem}/__init__.py", f"{stem}.py"):
            if candidate in self.index.files:
                return candidate
        return ""

    def _read_relative_script(
        self,
        path: str,
        number: int,
        statement: ImportRecord,
        kind: EdgeKind,
        edges: list[ImportEdge],
        unresolved: list[UnresolvedImport],
    ) -> None:
        """A relative import outside the import roots: found by folders alone."""
        folders = path.split("/")[:-1]
        up = statement.level - 1
        if up > len(folders):
            wanted = "." * statement.level + statement.module
            unresolved.append(_unresolved(path, statement, kind, wanted, "", "leads above the repository"))
            return
        prefix = "".join(f"{f}/" for f in folders[: len(folders) - up])
        base = self._at(prefix, statement.module) if statement.module else f"{prefix}__init__.py"
        taken = []
        for alias in statement.names:
            inner = f"{statement.module}.{alias.name}" if statement.module else alias.name
            found = self._at(prefix, inner)
            if found:
                edges.append(ImportEdge(path, found, inner, statement.line, kind, (), number))
            else:
                taken.append(alias.name)
        if taken and base in self.index.files:
            edges.append(ImportEdge(path, base, statement.module, statement.line, kind, tuple(taken), number))
        elif taken:
            wanted = "." * statement.level + statement.module
            unresolved.append(_unresolved(path, statement, kind, wanted, taken[0], "no such module"))


def kind_of(statement: ImportRecord) -> EdgeKind:
    """When a statement of a `.py` file imports."""
    # Plain numbers: `&` of the enumeration costs ten times as much, and this runs for every statement.
    if statement.guard & _TYPE_CHECKING:
        return EdgeKind.TYPING_ONLY
    is_deferred = statement.scope is Scope.FUNCTION or statement.guard & _LAZY
    return EdgeKind.DEFERRED if is_deferred else EdgeKind.IMPORT_TIME


def _unresolved(
    path: str, statement: ImportRecord, kind: EdgeKind, module: str, name: str, reason: str
) -> UnresolvedImport:
    guarded = bool(statement.guard & _GUARDED)
    return UnresolvedImport(path, statement.line, kind, module, name, reason, guarded)


def _unchanged_edges(before: ImportGraph, index: SourceIndex) -> dict[str, tuple[ImportEdge, ...]]:
    """The edges of files that are the same object in both trees, and so is all that they name.

    Left out are files with an import that leads nowhere (it may lead somewhere now), that name a namespace
    package (it may have become a regular one), or a module that got or lost a submodule.
    """
    old, new = before.index, index
    unsure = {u.importer for u in before.unresolved}
    touched = {m for m in old.modules.keys() | new.modules.keys() if old.modules.get(m) != new.modules.get(m)}
    touched |= {m for m, path in new.modules.items() if old.files.get(path) is not new.files[path]}
    touched |= old.packages ^ new.packages
    touched |= {module.rpartition(".")[0] for module in touched}
    found = {}
    for path, record in new.files.items():
        if old.files.get(path) is not record or path in unsure:
            continue
        edges = before.by_importer.get(path, ())
        if all(edge.imported and edge.module not in touched for edge in edges):
            found[path] = edges
    return found


def _grouped(pairs: Iterable[tuple[str, ImportEdge]]) -> dict[str, tuple[ImportEdge, ...]]:
    groups: dict[str, list[ImportEdge]] = {}
    for key, edge in pairs:
        groups.setdefault(key, []).append(edge)
    return {key: tuple(group) for key, group in groups.items()}


def _extension_modules(index: SourceIndex) -> frozenset[str]:
    """The dotted names of compiled modules and their sources (`a/b.cpython-311.so`, `a/b.pyx`)."""
    if index.discovery is None:
        return frozenset()
    found = set()
    for path in index.discovery.extension_files:
        folder, _, file = path.rpartition("/")
        stem = file.partition(".")[0]
        name = index.layout.module_of(f"{folder}/{stem}.py" if folder else f"{stem}.py")
        if name is not None:
            found.add(name.name)
    return frozenset(found)
