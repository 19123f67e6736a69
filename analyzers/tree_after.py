"""The tree as a relocation will leave it, foretold from the facts alone: no file is read, edited or written.

Good for cycles, callers and resolution before a move. What the facts do not show is not foretold: imports
that the rewriting adds for dotted uses that only worked by accident, and helpers that a symbol takes along;
the move itself is checked on the rewritten files.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from analyzers.import_index import SourceIndex
from analyzers.layout import ModuleName
from analyzers.model import Definition, FileRecord, ImportedName, ImportRecord
from analyzers.name_resolution import Kind
from analyzers.relocation_map import RelocationMap


def tree_after(
    index: SourceIndex, relocations: RelocationMap, new_packages: Iterable[str] = ()
) -> SourceIndex:
    """The index of the tree when the relocations are done; imports are spelt absolutely where they change.

    Args:
        index: the tree before.
        relocations: modules and symbols; where an existing file stands at a new path (a duplicate is merged
            into it), that file stays.
        new_packages: paths of empty `__init__.py` files that the move makes.
    """
    foretelling = _Foretelling(index, relocations)
    removed: list[str] = []
    changed: dict[str, FileRecord] = {path: _empty(path) for path in new_packages}
    for path, record in index.files.items():
        new_path = relocations.path(path) or path
        after = foretelling.record(path, new_path, record)
        if new_path != path:
            removed.append(path)
            stays = new_path in index.files and relocations.path(new_path) is None
            if not stays:
                changed[new_path] = after
        elif after is not record:
            changed[path] = after
    return index.with_changes(removed, changed.values())


def _empty(path: str) -> FileRecord:
    return FileRecord(path, "", 0, 0)


class _Foretelling:
    def __init__(self, index: SourceIndex, relocations: RelocationMap) -> None:
        self.index = index
        self.relocations = relocations
        self.resolver = index.resolver
        named = [*relocations.moved_modules, *(module for module, _ in relocations.moved_symbols)]
        self._tops = {module.partition(".")[0] for module in named}
        self._gained: dict[str, list[Definition]] = {}
        for (module, name), (new_module, new_name) in relocations.moved_symbols.items():
            record = index.record_of(module)
            for definition in record.definitions if record is not None else ():
                if definition.name == name:
                    moved = msgspec.structs.replace(definition, name=new_name)
                    self._gained.setdefault(new_module, []).append(moved)
        self._symbol_sources = {module for module, _ in relocations.moved_symbols}

    def record(self, path: str, new_path: str, record: FileRecord) -> FileRecord:
        """The record of a file afterwards; the same object when nothing in it changes."""
        name = self.index.names.get(path)
        imports: list[ImportRecord] = []
        tops = self._tops
        for statement in record.imports:
            if statement.is_from and not statement.level and statement.module.partition(".")[0] not in tops:
                imports.append(statement)
            else:
                imports.extend(self._statement(name, statement, is_moving=new_path != path))
        definitions = self._definitions(name, record)
        same = len(imports) == len(record.imports) and all(
            a is b for a, b in zip(imports, record.imports, strict=True)
        )
        if same and new_path == path and definitions is record.definitions:
            return record
        return msgspec.structs.replace(
            record, path=new_path, imports=tuple(imports), definitions=definitions, sha256=""
        )

    def _definitions(self, name: ModuleName | None, record: FileRecord) -> tuple[Definition, ...]:
        module = name.name if name is not None and name.is_importable else ""
        kept = record.definitions
        if module in self._symbol_sources:
            moved = self.relocations.moved_symbols
            kept = tuple(d for d in kept if (module, d.name) not in moved)
        if module in self._gained:
            end = max((d.end_line for d in kept), default=record.imports[-1].line if record.imports else 0)
            kept += tuple(
                msgspec.structs.replace(d, line=end + 1, end_line=end + 1) for d in self._gained[module]
            )
        return kept

    def _statement(
        self, client: ModuleName | None, statement: ImportRecord, *, is_moving: bool
    ) -> Iterator[ImportRecord]:
        if not statement.is_from:
            yield self._plain(statement)
            return
        base = self.resolver.base_of(client, statement.level, statement.module) if client else None
        if base is None:
            yield statement
            return
        pieces: dict[str, list[ImportedName]] = {}
        is_changed = False
        for alias in statement.names:
            new_base, name = self._member(base, alias.name)
            is_changed = is_changed or (new_base, name) != (base, alias.name)
            asname = alias.asname or (alias.name if name != alias.name else None)
            pieces.setdefault(new_base, []).append(ImportedName(name, asname))
        if not is_changed and not (is_moving and statement.level):
            yield statement
            return
        for new_base, names in pieces.items():
            yield msgspec.structs.replace(statement, level=0, module=new_base, names=tuple(names))

    def _plain(self, statement: ImportRecord) -> ImportRecord:
        names = tuple(
            ImportedName(new, alias.asname) if (new := self.relocations.module(alias.name)) else alias
            for alias in statement.names
        )
        return statement if names == statement.names else msgspec.structs.replace(statement, names=names)

    def _member(self, base: str, name: str) -> tuple[str, str]:
        """(module, name) that `from base import name` becomes."""
        if name == "*":
            return self.relocations.module(base) or base, name
        submodule = f"{base}.{name}"
        if self.index.exists(submodule):
            bound = self.resolver.bound(base, name)
            is_itself = bound is not None and bound.kind is Kind.MODULE and bound.module == submodule
            if bound is None or bound.kind is Kind.UNKNOWN or is_itself:
                new = self.relocations.module(submodule)
                if new is not None:
                    above, _, leaf = new.rpartition(".")
                    return (above, leaf) if above else (base, name)
                return base, name
        return self.relocations.symbol(base, name) or (base, name)
