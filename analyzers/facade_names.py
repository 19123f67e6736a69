"""Names that a package passes on from a module which moves out of it, and whether that can end.

A façade is a package whose `__init__` imports a name from a module below it. When that module moves out of
the package, the façade can go on passing the name on, or its importers can take the name from the new place
and the façade lets go of it. The second is done only where the text shows that nobody needs the façade for
it. Source: import-rewriting case 25.

Not seen: names that are put together at run time, and whoever imports the package from outside.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from functools import cached_property

from analyzers.export_registry import ExportedName, ExportRegistry
from analyzers.file_plan import FilePlan
from analyzers.import_changes import ImportChange, NewImport, TextEdit, written_imports
from analyzers.import_effects import first_effect
from analyzers.import_graph import ImportGraph
from analyzers.import_index import SourceIndex
from analyzers.import_normalization import ImportNormalizer, SharedImport, rewritten_alias
from analyzers.model import FileRecord, ImportRecord, Scope
from analyzers.name_resolution import Kind, Target
from analyzers.python_parser import parse
from analyzers.relocation_map import RelocationMap
from analyzers.scopes import read_scopes, read_statements
from analyzers.source import decode
from analyzers.symbol_moves.export_lists import without_exports
from analyzers.symbol_moves.module_clients import ModuleClients
from analyzers.symbol_moves.module_items import read_module_items
from analyzers.text_positions import TextPositions

Reader = Callable[[str], bytes]


@dataclass(frozen=True, slots=True, order=True)
class FacadeName:
    """A name that `old_package` passes on, with the paths and packages before and after the move.

    `module` and `symbol` are where it comes from afterwards, `line` (1-based) is that of the old import.
    """

    old_path: str
    name: str
    line: int
    old_package: str
    path: str
    package: str
    module: str
    symbol: str

    def __str__(self) -> str:
        return f"{self.old_package}.{self.name}"


def passed_on(index: SourceIndex, relocations: RelocationMap) -> tuple[FacadeName, ...]:
    """The names that packages pass on from modules that leave them, sorted; `index` is the tree before."""
    resolver = index.resolver
    found: set[FacadeName] = set()
    for path, record in index.files.items():
        client = index.module_at(path)
        if not path.endswith("/__init__.py") or record.error or client is None or not client.is_importable:
            continue
        package = client.name
        new_package = relocations.module(package) or package
        for statement, local in _passing(record):
            target = resolver.bound(package, local)
            if target is None or not target.module.startswith(package + "."):
                continue
            new = _mapped(target, relocations)
            if new is None or f"{new.module}.".startswith(new_package + "."):
                continue
            module, symbol = new.module, new.name
            if new.kind is Kind.MODULE:
                module, _, symbol = new.module.rpartition(".")
            new_path = relocations.path(path) or path
            found.add(FacadeName(path, local, statement.line, package, new_path, new_package, module, symbol))
    return tuple(sorted(found))


def _passing(record: FileRecord) -> Iterator[tuple[ImportRecord, str]]:
    defined = {d.name for d in record.definitions}
    for statement in record.imports:
        if statement.is_from and not statement.is_star and statement.scope is Scope.MODULE:
            for alias in statement.names:
                if alias.bound not in defined:
                    yield statement, alias.asname or alias.name


def _mapped(target: Target, relocations: RelocationMap) -> Target | None:
    """What the target is called afterwards; None when it stays or is nothing of ours."""
    if target.kind is Kind.MODULE:
        module = relocations.module(target.module)
        return None if module is None else Target(Kind.MODULE, module)
    moved = relocations.symbol(target.module, target.name) if target.kind is Kind.SYMBOL else None
    return None if moved is None else Target(Kind.SYMBOL, *moved)


class FacadeFlattening:
    """Plans the end of façade names over the tree as it is after the move.

    `held` says for each name that stays in its façade why; the others are `free`.
    """

    def __init__(self, graph: ImportGraph, names: tuple[FacadeName, ...], read: Reader) -> None:
        self.graph = graph
        self.index = graph.index
        self.read = read
        self.names = names
        self.held: dict[FacadeName, str] = {}
        self.clients = ModuleClients(self.index, graph.resolver, read)
        for name in names:
            reason = self._reason(name)
            if reason:
                self.held[name] = reason

    @property
    def free(self) -> tuple[FacadeName, ...]:
        return tuple(n for n in self.names if n not in self.held)

    def hold(self, paths: Collection[str], reason: str) -> bool:
        """Keep the names that the files at `paths` import through a façade; False when they import none."""
        found = [n for n in self.free if any(s.path in paths for s in self._imports_of.get(n, ()))]
        self.held.update(dict.fromkeys(found, reason))
        return bool(found)

    def plans(self) -> dict[str, FilePlan]:
        """The changes of each file that has any, by path."""
        paths = {s.path for n in self.free for s in self._imports_of.get(n, ())} | {n.path for n in self.free}
        found = {path: self._plan(path) for path in sorted(paths)}
        return {path: plan for path, plan in found.items() if plan}

    # -- importers -------------------------------------------------------------------------------------------

    @cached_property
    def _imports_of(self) -> dict[FacadeName, list[SharedImport]]:
        """Façade name -> the import statements of other files that take it from the façade."""
        registry = ExportRegistry(
            version=1,
            shared_domain="",
            package="",
            policy="defining",
            modules=tuple(f"{n.module}.{n.symbol}" for n in self.names),
            clashes=_entries(self.names),
        )
        normalizer = ImportNormalizer(self.graph, registry, self.read)
        by_place = {(n.package, n.name): n for n in self.names}
        found: dict[FacadeName, list[SharedImport]] = {}
        for path, record in self.index.files.items():
            if not record.error:
                for one in normalizer.imports_of(path):
                    name = by_place.get((one.module, one.name))
                    if name is not None:
                        found.setdefault(name, []).append(one)
        return found

    # -- what speaks against it ------------------------------------------------------------------------------

    def _reason(self, name: FacadeName) -> str:
        return self._reason_in_facade(name) or self._reason_elsewhere(name)

    def _reason_in_facade(self, name: FacadeName) -> str:
        record = self.index.files.get(name.path)
        if record is None or record.error:
            return "its __init__ cannot be read"
        if record.dynamic_namespace:
            return "the names of its __init__ are computed"
        if record.exports_dynamic:
            return "its __all__ is computed"
        if name.package in self.index.stubs:
            return f"{self.index.stubs[name.package]} describes it"
        places = [
            s
            for s in record.imports
            for a in s.names
            if (a.asname or a.name) == name.name and s.scope is Scope.MODULE
        ]
        if len(places) != 1 or not places[0].is_from:
            return "it is bound more than once"
        if places[0].guard:
            return f"{name.path}:{places[0].line} imports it under a condition"
        tree = parse(decode(self.read(name.path)).text)[0]
        scopes = read_scopes(tree) if tree is not None else None
        if scopes is None or name.name in scopes.quoted_words:
            return "its __init__ cannot be analysed"
        use = next(iter(scopes.uses_by_name.get(name.name, ())), None)
        if use is not None:
            return f"{name.path}:{use.node.lineno} uses it"
        return self._reason_of_effects(name)

    def _reason_of_effects(self, name: FacadeName) -> str:
        """Whether importing the package would no longer do what importing the module does."""
        home = f"{name.module}.{name.symbol}"
        home = home if self.index.exists(home) else name.module
        parts = home.split(".")
        for size in range(1, len(parts) + 1):
            module = ".".join(parts[:size])
            path = self.index.modules.get(module)
            if path is None or f"{name.package}.".startswith(module + "."):
                continue
            line = first_effect(self.read(path))
            if line:
                return f"importing {name.old_package} runs {path}:{line}, which acts on other things"
        return ""

    def _reason_elsewhere(self, name: FacadeName) -> str:
        resolver = self.graph.resolver
        if resolver.is_star_imported(name.package):
            exports = resolver.exports_of(name.package)
            if exports is None or name.name in exports:
                return f"a file says `from {name.package} import *`"
        for package in dict.fromkeys((name.package, name.old_package)):
            for path in self.clients.patched(package, name.name):
                return f"a string in {path} names it"
        for one in self._imports_of.get(name, ()):
            if one.reason:
                return f"{one.path}:{one.line} needs it: {one.reason}"
        for path, line in self._unplanned(name):
            return f"{path}:{line} imports it in a way that is left alone"
        for path in self.clients.holders(name.package):
            line = self._line_of_use(path, name)
            if line:
                return f"{path}:{line} uses it through the package"
        return ""

    def _unplanned(self, name: FacadeName) -> Iterator[tuple[str, int]]:
        """Imports of the name from the façade that `_imports_of` does not have (stubs and the like)."""
        known = {(s.path, s.ordinal, s.alias_index) for s in self._imports_of.get(name, ())}
        for path, record in self.index.files.items():
            client = self.index.module_at(path)
            for ordinal, statement in enumerate(record.imports):
                if not statement.is_from or client is None:
                    continue
                base = self.graph.resolver.base_of(client, statement.level, statement.module)
                if base != name.package:
                    continue
                for number, alias in enumerate(statement.names):
                    if alias.name == name.name and (path, ordinal, number) not in known:
                        yield path, statement.line

    def _line_of_use(self, path: str, name: FacadeName) -> int:
        """The 1-based line that reads the name through a name of the package, or as a string; 0: none."""
        if path == name.path:
            return 0
        words = {name.package.rpartition(".")[2]}
        for statement in self.index.files[path].imports:
            words.update(n.asname for n in statement.names if n.asname)
        text = re.escape(name.name.encode())
        alias = b"|".join(re.escape(w.encode()) for w in sorted(words))
        content = self.read(path)
        hit = re.search(
            rb"\b(?:" + alias + rb")\s*\\?\s*\.\s*\\?\s*" + text + rb"\b|[\"']" + text + rb"[\"']", content
        )
        return content.count(b"\n", 0, hit.start()) + 1 if hit is not None else 0

    # -- the changes -----------------------------------------------------------------------------------------

    def _plan(self, path: str) -> FilePlan:
        source = decode(self.read(path))
        tree = parse(source.text)[0]
        assert tree is not None, f"{path} was parsed before"
        positions = TextPositions(source.text)
        client = self.index.names[path]
        leaving = frozenset(n.name for n in self.free if n.path == path)
        wanted = {
            (s.ordinal, s.alias_index): s
            for n in self.free
            for s in self._imports_of.get(n, ())
            if s.path == path
        }
        changes = []
        for ordinal, statement in enumerate(read_statements(tree)):
            node = statement.node
            old = written_imports(node)
            new: list[NewImport] = []
            for number, alias in enumerate(node.names):
                chosen = wanted.get((ordinal, number))
                is_top = statement.scope.parent is None
                if is_top and old[number].base is not None and old[number].local in leaving:
                    continue
                if chosen is None or old[number].base is None:
                    new.append(old[number])
                else:
                    new.append(rewritten_alias(alias, getattr(node, "level", 0), chosen, client, number))
            if tuple(new) != old:
                start, end = positions.span(node)
                changes.append(ImportChange(ordinal, node.lineno, start, end, old, tuple(new)))
        edits: list[TextEdit] = []
        if leaving:
            items = read_module_items(source)
            assert items is not None, f"{path} was parsed before"
            edits = without_exports(items, leaving)
        return FilePlan(source, tuple(changes), tuple(edits))


def _entries(names: tuple[FacadeName, ...]) -> dict[str, tuple[ExportedName, ...]]:
    found: dict[str, set[ExportedName]] = {}
    for name in names:
        found.setdefault(name.symbol, set()).add(ExportedName(name.module, name.module))
    return {symbol: tuple(sorted(entries, key=str)) for symbol, entries in found.items()}
