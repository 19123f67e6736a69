"""Which other files reach the names of a module, and how: by import, through the module, or in strings."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from dataclasses import dataclass, field

from analyzers.import_index import SourceIndex
from analyzers.name_resolution import Kind, NameResolver
from analyzers.python_parser import parse
from analyzers.source import decode

ReadBytes = Callable[[str], bytes]


@dataclass
class ModuleClients:
    """Answers for one tree; `read` gives the bytes of a path."""

    index: SourceIndex
    resolver: NameResolver
    read: ReadBytes
    _holders: dict[str, tuple[str, ...]] = field(default_factory=dict)
    _importers: dict[str, tuple[str, ...]] = field(default_factory=dict)
    _strings: dict[str, list[tuple[str, str]]] | None = None

    def is_reached(self, module: str, name: str) -> bool:
        """Whether another file can get `name` from `module`; may say yes wrongly, never no wrongly.

        Computed names (`getattr(module, text)`) are seen by nobody.
        """
        return (
            name in self.resolver.wanted_from(module)
            or bool(self.patched(module, name))
            or any(self._has_attribute(path, name) for path in self.holders(module))
        )

    def holders(self, module: str) -> tuple[str, ...]:
        """The files that bind the module itself (not only names of it), sorted."""
        if module not in self._holders:
            self._holders[module] = tuple(p for p in self.index.files if self._holds(p, module))
        return self._holders[module]

    def patched(self, module: str, name: str) -> tuple[str, ...]:
        """The files with a string that names `module.name` (or something below it), sorted."""
        wanted = f"{module}.{name}"
        hits = self._dotted_strings().get(module.partition(".")[0], ())
        return tuple(sorted({p for text, p in hits if text == wanted or text.startswith(wanted + ".")}))

    def writers(self, module: str, name: str) -> tuple[tuple[str, int], ...]:
        """(path, line) of assignments to `module.name` in other files, through any name of the module."""
        found = []
        pattern = re.compile(rb"\.\s*" + re.escape(name.encode()) + rb"\b")
        for path in self.holders(module):
            content = self.read(path)
            if pattern.search(content) is None:
                continue
            tree = parse(decode(content).text)[0]
            for node in ast.walk(tree) if tree is not None else ():
                if (
                    isinstance(node, ast.Attribute)
                    and node.attr == name
                    and not isinstance(node.ctx, ast.Load)
                    and _ends_in(node.value, self.words_for(path, module))
                ):
                    found.append((path, node.lineno))
        return tuple(found)

    def importers(self, module: str) -> tuple[str, ...]:
        """The files with a `from module import ...`, sorted."""
        if module not in self._importers:
            self._importers[module] = tuple(p for p in self.index.files if self._imports_from(p, module))
        return self._importers[module]

    def naming(self, module: str) -> frozenset[str]:
        """The files with a string that is the name of the module, or goes on below it."""
        hits = self._dotted_strings().get(module.partition(".")[0], ())
        return frozenset(p for text, p in hits if text == module or text.startswith(module + "."))

    def words_for(self, path: str, module: str) -> frozenset[str]:
        """The last words under which a file can name the module."""
        words = {module.rpartition(".")[2]}
        for statement in self.index.files[path].imports:
            words.update(n.asname for n in statement.names if n.asname)
        return frozenset(words)

    def _dotted_strings(self) -> dict[str, list[tuple[str, str]]]:
        """(text, path) of the dotted strings by their first segment."""
        if self._strings is None:
            self._strings = {}
            for path, record in self.index.files.items():
                for string in record.dotted_strings:
                    text = string.text.replace(":", ".")
                    self._strings.setdefault(text.partition(".")[0], []).append((text, path))
        return self._strings

    def _imports_from(self, path: str, module: str) -> bool:
        leaf = module.rpartition(".")[2]
        for statement in self.index.files[path].imports:
            if not statement.is_from or not (statement.module or module).endswith(leaf):
                continue
            client = self.index.module_at(path)
            if client and self.resolver.base_of(client, statement.level, statement.module) == module:
                return True
        return False

    def _holds(self, path: str, module: str) -> bool:
        record = self.index.files[path]
        client = None
        for statement in record.imports:
            if not statement.is_from:
                if any(n.name == module or n.name.startswith(module + ".") for n in statement.names):
                    return True
                if any(module.startswith(n.name + ".") for n in statement.names):
                    return True
                continue
            client = client or self.index.module_at(path)
            base = self.resolver.base_of(client, statement.level, statement.module) if client else None
            if base is None or not self.resolver.is_own(base):
                continue
            for alias in statement.names:
                full = f"{base}.{alias.name}"
                if full == module or module.startswith(full + "."):
                    return True
                if alias.name != "*" and base != module:
                    target = self.resolver.bound(base, alias.name)
                    if target is not None and target.kind is Kind.MODULE and target.module == module:
                        return True
        return False

    def _has_attribute(self, path: str, name: str) -> bool:
        return re.search(rb"[.\"']\s*\\?\s*" + re.escape(name.encode()) + rb"\b", self.read(path)) is not None


def _ends_in(node: ast.expr, words: frozenset[str]) -> bool:
    last = node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")
    return last in words
