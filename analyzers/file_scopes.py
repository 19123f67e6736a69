"""The scopes of one Python file: which names they bind, which are used, and which imports stand in them."""

from __future__ import annotations

import ast
import enum
from dataclasses import dataclass, field
from functools import cached_property


class ScopeKind(enum.Enum):
    MODULE = "module"
    CLASS = "class"
    FUNCTION = "function"
    COMPREHENSION = "comprehension"
    TYPE_PARAMETERS = "type parameters"


@dataclass(frozen=True, slots=True, eq=False)
class ImportBinding:
    """A name bound by one alias of an import; `ordinal` counts the file's import statements from 0."""

    statement: ast.Import | ast.ImportFrom
    alias_index: int
    ordinal: int
    scope: FileScope

    @property
    def alias(self) -> ast.alias:
        return self.statement.names[self.alias_index]

    @property
    def is_plain(self) -> bool:
        """Whether it is `import a` or `import a.b`, without `as`: then it binds the first segment."""
        return isinstance(self.statement, ast.Import) and self.alias.asname is None


@dataclass(slots=True, eq=False)
class FileScope:
    """One scope: import bindings by name, names bound otherwise, `global` and `nonlocal` declarations.

    `body` identifies the list of statements that is the scope's own block.
    """

    kind: ScopeKind
    parent: FileScope | None
    body: int = 0
    imports: dict[str, list[ImportBinding]] = field(default_factory=dict)
    others: set[str] = field(default_factory=set)
    declared_global: set[str] = field(default_factory=set)
    declared_nonlocal: set[str] = field(default_factory=set)
    declarations: list[ast.Global | ast.Nonlocal] = field(default_factory=list)

    def binds(self, name: str) -> bool:
        return name in self.imports or name in self.others

    def is_within(self, ancestor: FileScope) -> bool:
        """Whether it is `ancestor` or lies in it."""
        scope: FileScope | None = self
        while scope is not None:
            if scope is ancestor:
                return True
            scope = scope.parent
        return False


@dataclass(slots=True, eq=False)
class NameUse:
    """A name that is read or deleted, with the attributes that directly follow it, from the inside out.

    `literal` is the string that it stands in: the f-string, or the quoted annotation.
    """

    node: ast.Name
    scope: FileScope
    chain: tuple[ast.Attribute, ...]
    literal: ast.expr | None = None

    @property
    def is_deletion(self) -> bool:
        return isinstance(self.node.ctx, ast.Del)


@dataclass(frozen=True, slots=True)
class ImportStatement:
    """An import statement with its scope; the position in the list is its ordinal (source order).

    `block` identifies the list of statements that it stands in, `siblings` counts them.
    """

    node: ast.Import | ast.ImportFrom
    scope: FileScope
    block: int
    siblings: int


@dataclass(frozen=True)
class FileScopes:
    """A file's scopes, import statements in source order, uses by name, and words in quoted annotations.

    `uses` are in source order. `quoted_words` are those of annotation strings that could not be read as
    expressions.
    """

    module: FileScope
    statements: tuple[ImportStatement, ...]
    uses_by_name: dict[str, list[NameUse]]
    quoted_words: frozenset[str]
    all_names: frozenset[str]

    @cached_property
    def uses(self) -> tuple[NameUse, ...]:
        found = [use for uses in self.uses_by_name.values() for use in uses]
        found.sort(key=lambda use: (use.node.lineno, use.node.col_offset))
        return tuple(found)

    def lookup(self, scope: FileScope, name: str) -> FileScope | None:
        """The scope that binds `name` as seen from `scope`, or None (a builtin, or nothing)."""
        current: FileScope | None = scope
        class_visible = True
        while current is not None:
            if name in current.declared_global:
                return self.module if self.module.binds(name) else None
            visible = current.kind is not ScopeKind.CLASS or class_visible
            if visible and name not in current.declared_nonlocal and current.binds(name):
                return current
            # Type parameters see the class that they stand in; functions and comprehensions do not.
            class_visible = class_visible and current.kind is ScopeKind.TYPE_PARAMETERS
            current = current.parent
        return None
