"""Imports that reach a shared name by a detour, and what they become: one address for each shared name.

`from B import n` is rewritten to the canonical module of the export registry when name resolution proves that
both are the same definition. It is left, with a reason, wherever that could change what the program does:

- a string names `B.n` (a patch target, as a rule), or the canonical one while the import is deferred;
- the name is rebound at run time (`global n` in its module), so that the moment of the import counts;
- importing B acts on something else (`analyzers.import_effects`), and nothing else here imports B;
- the canonical module imports the importing file already, so that a new cycle would come about;
- a façade would be imported inside its own package, or a module by itself;
- the import stands in a `try`, where its failure may be meant.

Left without a word: star imports, stubs, attribute uses (`b.n`), private names.

Source: migration plan, phase 8, steps 2 and 3.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

from analyzers.export_registry import ExportRegistry
from analyzers.file_plan import FilePlan
from analyzers.import_changes import ImportChange, NewImport, written_imports
from analyzers.import_effects import first_effect
from analyzers.import_graph import EdgeKind, ImportGraph
from analyzers.import_spelling import spell_base
from analyzers.layout import ModuleName
from analyzers.model import Guard, ImportRecord
from analyzers.name_resolution import Kind, Target
from analyzers.python_parser import parse
from analyzers.scopes import read_statements
from analyzers.source import decode
from analyzers.text_positions import TextPositions

Reader = Callable[[str], bytes]

_NOWHERE = ModuleName("", False, "", is_importable=False)


@dataclass(frozen=True, slots=True)
class SharedImport:
    """One name of one `from` statement that is a name of the shared domain.

    `module` is where the statement takes `name` from, `new_module` and `new_name` where it should; `reason`
    says why it stays (empty: it can be rewritten). `ordinal` counts the file's import statements from 0.
    """

    path: str
    line: int
    ordinal: int
    alias_index: int
    name: str
    module: str
    new_module: str
    new_name: str
    reason: str = ""

    @property
    def is_canonical(self) -> bool:
        return (self.module, self.name) == (self.new_module, self.new_name)


class ImportNormalizer:
    """Finds and plans normalizations over one tree.

    Args:
        graph: the tree; `registry` says where shared names are to be imported from.
        read: the bytes of a path.
    """

    def __init__(self, graph: ImportGraph, registry: ExportRegistry, read: Reader) -> None:
        self.graph = graph
        self.registry = registry
        self.read = read
        self._modules = frozenset(registry.modules)
        self._effects: dict[str, int] = {}
        self._rebound: dict[tuple[str, str], bool] = {}
        self._reached: dict[str, frozenset[str]] = {}

    def imports_of(self, path: str) -> tuple[SharedImport, ...]:
        """The shared names that a file imports by `from` statements, in the order of the file."""
        record = self.graph.index.files.get(path)
        if record is None or record.error or path.endswith(".pyi"):
            return ()
        return tuple(self._shared_imports(path, record.imports))

    def plan(self, path: str, content: bytes) -> FilePlan | None:
        """The changes of a file with these bytes; None when nothing in it is to be rewritten."""
        wanted = {
            (s.ordinal, s.alias_index): s
            for s in self.imports_of(path)
            if not s.is_canonical and not s.reason
        }
        if not wanted:
            return None
        source = decode(content)
        tree = None if source.error else parse(source.text)[0]
        if tree is None:
            return None
        positions = TextPositions(source.text)
        client = self.graph.index.module_at(path) or _NOWHERE
        changes = []
        for ordinal, statement in enumerate(read_statements(tree)):
            node = statement.node
            old = written_imports(node)
            new = list(old)
            for index, alias in enumerate(node.names):
                chosen = wanted.get((ordinal, index))
                # The bytes may be others than those of the index: only what is still written is replaced.
                if chosen is None or not isinstance(node, ast.ImportFrom):
                    continue
                if (alias.name, node.lineno) == (chosen.name, chosen.line):
                    new[index] = rewritten_alias(alias, node.level, chosen, client, index)
            if tuple(new) != old:
                start, end = positions.span(node)
                changes.append(ImportChange(ordinal, node.lineno, start, end, old, tuple(new)))
        return FilePlan(source, tuple(changes)) if changes else None

    # -- finding -------------------------------------------------------------------------------------------

    def _shared_imports(self, path: str, statements: tuple[ImportRecord, ...]) -> Iterator[SharedImport]:
        client = self.graph.index.module_at(path) or _NOWHERE
        resolver = self.graph.resolver
        for ordinal, statement in enumerate(statements):
            if not statement.is_from or statement.is_star:
                continue
            if statement.level and not client.is_importable:
                continue
            base = resolver.base_of(client, statement.level, statement.module)
            if not base or not resolver.is_own(base):
                continue
            for index, alias in enumerate(statement.names):
                target = resolver.attribute(base, alias.name)
                address = self._address(target, client) if target is not None else None
                if target is None or address is None:
                    continue
                found = SharedImport(path, statement.line, ordinal, index, alias.name, base, *address)
                if not found.is_canonical:
                    reason = self._reason(found, statement, target, client)
                    found = SharedImport(
                        path, statement.line, ordinal, index, alias.name, base, *address, reason
                    )
                yield found

    def _address(self, target: Target, client: ModuleName) -> tuple[str, str] | None:
        """(module, name) to import a shared name or module by in `client`; None when it is not shared."""
        if target.kind is Kind.MODULE:
            if target.module not in self._modules:
                return None
            parent, _, leaf = target.module.rpartition(".")
            return parent, leaf
        if target.kind is not Kind.SYMBOL:
            return None
        entry = self.registry.find(target.module, target.name)
        if entry is None:
            return None
        module = entry.canonical
        if _is_within(client.name, module) and self.graph.index.is_package(module):
            # Inside the façade's own package it may not be complete yet.
            module = entry.defined_in
        return module, target.name

    # -- what speaks against it ----------------------------------------------------------------------------

    def _reason(
        self, found: SharedImport, statement: ImportRecord, target: Target, client: ModuleName
    ) -> str:
        module, name = found.new_module, found.new_name
        goal = f"{module}.{name}" if target.kind is Kind.MODULE else module
        if client.name == goal or client.name == target.module:
            return "the module would import itself"
        if self.graph.resolver.attribute(module, name) != target:
            return f"{module} does not have {name}: the registry is not of this tree"
        if statement.guard & (Guard.TRY | Guard.EXCEPT):
            return "it stands in a try"
        named = self._named.get(f"{found.module}.{found.name}")
        if named:
            return f"{named} names {found.module}.{found.name}, perhaps to replace it"
        if statement.is_deferred:
            named = self._named.get(f"{module}.{name}")
            if named:
                return f"{named} names {module}.{name}, perhaps to replace it before this import runs"
        if target.kind is Kind.SYMBOL and self._is_rebound(target):
            return f"{target.module} rebinds {name} at run time"
        unloaded = self._acting(found.module, goal, client)
        if unloaded:
            return f"importing {found.module} acts on other things ({unloaded})"
        if not (statement.is_deferred or statement.is_typing_only) and self._closes_cycle(goal, found.path):
            return f"{goal} imports this file: it would make a cycle"
        return ""

    @cached_property
    def _named(self) -> dict[str, str]:
        """Dotted name -> the first place of a string that begins with it."""
        found: dict[str, str] = {}
        for path, record in self.graph.index.files.items():
            for string in record.dotted_strings:
                parts = string.text.replace(":", ".").split(".")
                for size in range(2, len(parts) + 1):
                    found.setdefault(".".join(parts[:size]), f"{path}:{string.line}")
        return found

    def _is_rebound(self, target: Target) -> bool:
        key = (target.module, target.name)
        if key not in self._rebound:
            path = self.graph.index.modules.get(target.module, "")
            pattern = rb"\bglobal\b[^\n#]*\b" + re.escape(target.name.encode()) + rb"\b"
            self._rebound[key] = bool(path) and re.search(pattern, self.read(path)) is not None
        return self._rebound[key]

    def _acting(self, module: str, goal: str, client: ModuleName) -> str:
        """The place of what importing `module` does besides defining things, unless it is imported anyway."""
        index = self.graph.index
        parts = module.split(".")
        for size in range(1, len(parts) + 1):
            one = ".".join(parts[:size])
            if one not in index.modules or _is_within(goal, one) or _is_within(client.name, one):
                continue
            path = index.modules[one]
            if path not in self._effects:
                self._effects[path] = first_effect(self.read(path))
            if self._effects[path]:
                return f"{path}:{self._effects[path]}"
        return ""

    def _closes_cycle(self, goal: str, path: str) -> bool:
        """Whether `goal` gets to the file by imports at import time, and the file does not import it yet."""
        goal_path = self.graph.index.modules.get(goal, "")
        edges = self.graph.by_importer.get(path, ())
        if any(e.imported == goal_path and e.kind is EdgeKind.IMPORT_TIME for e in edges):
            return False
        if goal_path not in self._reached:
            seen, todo = {goal_path}, [goal_path]
            while todo:
                for edge in self.graph.by_importer.get(todo.pop(), ()):
                    if edge.kind is EdgeKind.IMPORT_TIME and edge.imported and edge.imported not in seen:
                        seen.add(edge.imported)
                        todo.append(edge.imported)
            self._reached[goal_path] = frozenset(seen)
        return path in self._reached[goal_path]


def rewritten_alias(
    alias: ast.alias, level: int, chosen: SharedImport, client: ModuleName, index: int
) -> NewImport:
    local = alias.asname or alias.name
    asname: str | None = local
    if local == chosen.new_name:
        # `name as name` marks a re-export: it stays.
        asname = local if alias.asname == alias.name else None
    return NewImport(spell_base(chosen.new_module, level, client), chosen.new_name, asname, index)


def _is_within(module: str, package: str) -> bool:
    return module == package or module.startswith(package + ".")
