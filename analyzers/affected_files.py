"""Which Python files a relocation can touch, told from the index and a look at the bytes, without parsing.

May name a file that needs no change, never misses one that needs one; computed references (`"a." + name`) are
not seen here or anywhere.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable

from analyzers.import_index import SourceIndex
from analyzers.layout import ModuleName
from analyzers.model import FileRecord, ImportRecord
from analyzers.name_resolution import Kind, NameResolver
from analyzers.relocation_map import RelocationMap


def affected_files(
    index: SourceIndex, relocations: RelocationMap, resolver: NameResolver, read: Callable[[str], bytes]
) -> tuple[str, ...]:
    """Paths of the Python files that can need a change, sorted.

    Args:
        index: the tree before the move, `resolver` over it.
        read: the bytes of a path.
    """
    finder = _Finder(index, relocations, resolver)
    moved_paths = relocations.paths
    found = []
    for path, record in index.files.items():
        if path in moved_paths or relocations.path(path) is not None:
            found.append(path)
        elif record.error:
            # Nothing is known of it: the rewriter says whether that matters.
            if record.error != "symlink" and record.sha256 and relocations.may_concern(read(path)):
                found.append(path)
        elif finder.concerns(record) or finder.is_named_in(record, read):
            found.append(path)
    return tuple(found)


def importers_of_moved(
    index: SourceIndex, relocations: RelocationMap, resolver: NameResolver, paths: Iterable[str]
) -> dict[str, tuple[str, ...]]:
    """Old path of each moving file -> those of `paths` with an import statement that names it, sorted."""
    path_of = {r.old_module: r.old_path for r in relocations.relocations if r.old_path}
    found: dict[str, set[str]] = {}
    for path in paths:
        client = index.module_at(path)
        for statement in index.files[path].imports if path in index.files else ():
            for module in named_modules(statement, client, resolver):
                old = path_of.get(module)
                if old is not None and old != path:
                    found.setdefault(old, set()).add(path)
    return {old: tuple(sorted(clients)) for old, clients in sorted(found.items())}


def named_modules(
    statement: ImportRecord, client: ModuleName | None, resolver: NameResolver
) -> Iterable[str]:
    """The dotted names that an import statement of the module `client` may load; names may be attributes."""
    if not statement.is_from:
        return [alias.name for alias in statement.names]
    base: str | None = statement.module
    if statement.level:
        base = resolver.base_of(client, statement.level, statement.module) if client else None
    if base is None:
        return []
    return [base, *(f"{base}.{alias.name}" for alias in statement.names)]


def _names_by_prefix(names: Iterable[str]) -> list[re.Pattern[bytes]]:
    """Patterns for dotted names as a whole or as the beginning of longer ones, one per top-level package.

    Each begins with a literal, for which the regular expression engine searches ten times as fast as for
    alternatives.
    """
    by_package: dict[str, list[str]] = {}
    for name in sorted(names, key=lambda n: (-len(n), n)):
        by_package.setdefault(name.partition(".")[0], []).append(name)
    patterns = []
    for group in by_package.values():
        # The common characters are meant, not whole components.
        prefix = os.path.commonprefix(group)  # noqa: RUF071
        rests = b"|".join(re.escape(name[len(prefix) :].encode()) for name in group)
        literal = re.escape(prefix.encode())
        patterns.append(re.compile(literal + rb"(?<![\w.]" + literal + rb")(?:" + rests + rb")(?!\w)"))
    return patterns


class _Finder:
    def __init__(self, index: SourceIndex, relocations: RelocationMap, resolver: NameResolver) -> None:
        self.index = index
        self.relocations = relocations
        self.resolver = resolver
        homes = {module for module, _ in relocations.moved_symbols}
        self.symbol_homes = homes
        moved = {*relocations.moved_modules, *homes}
        # A chain can reach what moves from any package above it.
        self.above = {".".join(p[:n]) for p in (m.split(".") for m in moved) for n in range(1, len(p))}
        self.above |= homes
        self.named = _names_by_prefix({*relocations.moved_modules, *homes})
        leaves = sorted(relocations.leaf_words(), key=len, reverse=True)
        # `import_module(".b", __package__)` and tables of lazy names say a module by dots.
        # One pattern for each quote: see `_names_by_prefix`.
        self.relative = [
            re.compile(quote + rb"\.[\w.]*(?<!\w)(?:" + b"|".join(map(re.escape, leaves)) + b")" + quote)
            for quote in (b'"', b"'")
        ]
        self.attribute = re.compile(rb"\.\s*\\?\s*(?:" + b"|".join(map(re.escape, leaves)) + rb")(?!\w)")

    def concerns(self, record: FileRecord) -> bool:
        """Whether an import statement names what moves."""
        client = self.index.module_at(record.path)
        return any(self._statement(statement, client) for statement in record.imports)

    def _statement(self, statement: ImportRecord, client: ModuleName | None) -> bool:
        module_of = self.relocations.module
        if not statement.is_from:
            return any(module_of(alias.name) is not None for alias in statement.names)
        if statement.level:
            base = self.resolver.base_of(client, statement.level, statement.module) if client else None
        else:
            base = statement.module
        if base is None:
            return False
        if module_of(base) is not None:
            return True
        symbols = self.relocations.moved_symbols
        for alias in statement.names:
            if module_of(f"{base}.{alias.name}") is not None or (base, alias.name) in symbols:
                return True
            if alias.name == "*" and base in self.symbol_homes:
                return True
        return False

    def is_named_in(self, record: FileRecord, read: Callable[[str], bytes]) -> bool:
        """Whether a dotted use or a string can reach what moves."""
        content = read(record.path)
        if any(pattern.search(content) is not None for pattern in self.named):
            return True
        if any(pattern.search(content) is not None for pattern in self.relative):
            return True
        return self._binds_package_above(record) and self.attribute.search(content) is not None

    def _binds_package_above(self, record: FileRecord) -> bool:
        client = self.index.module_at(record.path)
        for statement in record.imports:
            if not statement.is_from:
                if any(alias.name in self.above or alias.bound in self.above for alias in statement.names):
                    return True
                continue
            base = statement.module
            if statement.level:
                base = (self.resolver.base_of(client, statement.level, base) if client else None) or ""
            if not self.resolver.is_own(base):
                continue
            for alias in statement.names:
                if f"{base}.{alias.name}" in self.above:
                    return True
                target = self.resolver.bound(base, alias.name) if alias.name != "*" else None
                if target is not None and target.kind is Kind.MODULE and target.module in self.above:
                    return True
        return False
