"""Which names one Python file binds and uses in which scope, and what an attribute chain hangs on.

Follows the language reference, "Naming and binding": class scopes are invisible to nested functions; the
first iterable of a comprehension and the defaults and decorators of a function belong to the enclosing scope; a
walrus binds outside comprehensions. Names in quoted annotations are only collected as words, not resolved.
"""

from __future__ import annotations

import ast
import enum
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

_WORD = re.compile(r"[^\W\d]\w*")


class ScopeKind(enum.Enum):
    MODULE = "module"
    CLASS = "class"
    FUNCTION = "function"
    COMPREHENSION = "comprehension"


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


@dataclass(slots=True, eq=False)
class FileScope:
    """One scope: import bindings by name, names bound otherwise, `global` and `nonlocal` declarations."""

    kind: ScopeKind
    parent: FileScope | None
    imports: dict[str, list[ImportBinding]] = field(default_factory=dict)
    others: set[str] = field(default_factory=set)
    declared_global: set[str] = field(default_factory=set)
    declared_nonlocal: set[str] = field(default_factory=set)

    def binds(self, name: str) -> bool:
        return name in self.imports or name in self.others


@dataclass(frozen=True, slots=True, eq=False)
class NameUse:
    """A name that is read, with the attributes that directly follow it, from the inside out."""

    node: ast.Name
    scope: FileScope
    chain: tuple[ast.Attribute, ...]


@dataclass(frozen=True, slots=True)
class ImportStatement:
    """An import statement with its scope; the position in the list is its ordinal (source order).

    `block` identifies the list of statements that it stands in.
    """

    node: ast.Import | ast.ImportFrom
    scope: FileScope
    block: int


@dataclass(frozen=True)
class FileScopes:
    """A file's scopes, import statements in source order, uses, and words in annotation strings."""

    module: FileScope
    statements: tuple[ImportStatement, ...]
    uses: tuple[NameUse, ...]
    quoted_words: frozenset[str]
    all_names: frozenset[str]

    def lookup(self, scope: FileScope, name: str) -> FileScope | None:
        """The scope that binds `name` as seen from `scope`, or None (a builtin, or nothing)."""
        current: FileScope | None = scope
        while current is not None:
            if name in current.declared_global:
                return self.module if self.module.binds(name) else None
            visible = current.kind is not ScopeKind.CLASS or current is scope
            if visible and name not in current.declared_nonlocal and current.binds(name):
                return current
            current = current.parent
        return None


def read_scopes(tree: ast.Module) -> FileScopes:
    """Scopes, import statements and name uses of a parsed file.

    Raises:
        RecursionError: expressions nested deeper than the interpreter's recursion limit.
    """
    reader = _ScopeReader()
    reader.read_body(tree.body, reader.module)
    order = sorted(
        range(len(reader.statements)),
        key=lambda i: (reader.statements[i].node.lineno, reader.statements[i].node.col_offset),
    )
    statements = tuple(reader.statements[i] for i in order)
    ordinal = {id(s.node): k for k, s in enumerate(statements)}
    for statement, owner in reader.bindings:
        for index, alias in enumerate(statement.names):
            if alias.name == "*":
                continue
            if isinstance(statement, ast.Import):
                name = alias.asname or alias.name.split(".", 1)[0]
            else:
                name = alias.asname or alias.name
            target = reader.module if name in owner.declared_global else owner
            binding = ImportBinding(statement, index, ordinal[id(statement)], owner)
            target.imports.setdefault(name, []).append(binding)
    return FileScopes(
        reader.module, statements, tuple(reader.uses), frozenset(reader.quoted), frozenset(reader.names)
    )


class _ScopeReader:
    def __init__(self) -> None:
        self.module = FileScope(ScopeKind.MODULE, None)
        self.statements: list[ImportStatement] = []
        self.bindings: list[tuple[ast.Import | ast.ImportFrom, FileScope]] = []
        self.uses: list[NameUse] = []
        self.quoted: set[str] = set()
        self.names: set[str] = set()

    # -- statements ------------------------------------------------------------------------------------------

    def read_body(self, body: list[ast.stmt], scope: FileScope) -> None:
        block = id(body)
        for statement in body:
            self._read_statement(statement, scope, block)

    def _read_statement(self, node: ast.stmt, scope: FileScope, block: int) -> None:
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            self.statements.append(ImportStatement(node, scope, block))
            self.bindings.append((node, scope))
            for alias in node.names:
                self.names.update(alias.name.split("."))
                if alias.asname:
                    self.names.add(alias.asname)
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            self._bind(node.name, scope)
            self._read_function(node, scope)
        elif isinstance(node, ast.ClassDef):
            self._bind(node.name, scope)
            for part in (*node.decorator_list, *node.bases, *node.keywords):
                self._read(part, scope)
            inner = FileScope(ScopeKind.CLASS, self._with_type_parameters(node, scope))
            self.read_body(node.body, inner)
        elif isinstance(node, ast.Global):
            scope.declared_global.update(node.names)
        elif isinstance(node, ast.Nonlocal):
            scope.declared_nonlocal.update(node.names)
        else:
            self._read(node, scope)

    def _read_function(
        self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda, scope: FileScope
    ) -> None:
        arguments = node.args
        for default in (*arguments.defaults, *(d for d in arguments.kw_defaults if d is not None)):
            self._read(default, scope)
        outer = scope
        if not isinstance(node, ast.Lambda):
            for decorator in node.decorator_list:
                self._read(decorator, scope)
            outer = self._with_type_parameters(node, scope)
            if node.returns is not None:
                self._read_annotation(node.returns, outer)
        inner = FileScope(ScopeKind.FUNCTION, outer)
        for argument in _all_arguments(arguments):
            self._bind(argument.arg, inner)
            if argument.annotation is not None:
                self._read_annotation(argument.annotation, outer)
        if isinstance(node, ast.Lambda):
            self._read(node.body, inner)
        else:
            self.read_body(node.body, inner)

    def _with_type_parameters(self, node: ast.AST, scope: FileScope) -> FileScope:
        parameters = getattr(node, "type_params", None)
        if not parameters:
            return scope
        inner = FileScope(ScopeKind.FUNCTION, scope)
        for parameter in parameters:
            self._bind(parameter.name, inner)
        for parameter in parameters:
            for part in ast.iter_child_nodes(parameter):
                self._read(part, inner)
        return inner

    # -- everything else -------------------------------------------------------------------------------------

    def _read(self, node: ast.AST, scope: FileScope) -> None:
        if isinstance(node, ast.Name):
            self._read_name(node, scope, ())
        elif isinstance(node, ast.Attribute):
            self._read_chain(node, scope)
        elif isinstance(node, ast.Constant):
            pass
        elif isinstance(node, ast.Lambda):
            self._read_function(node, scope)
        elif isinstance(node, (ast.ListComp, ast.SetComp, ast.GeneratorExp, ast.DictComp)):
            self._read_comprehension(node, scope)
        elif isinstance(node, ast.NamedExpr):
            self._read(node.value, scope)
            target = scope
            while target.kind is ScopeKind.COMPREHENSION and target.parent is not None:
                target = target.parent
            self._bind(node.target.id, target)
        elif isinstance(node, ast.AnnAssign):
            self._read(node.target, scope)
            self._read_annotation(node.annotation, scope)
            if node.value is not None:
                self._read(node.value, scope)
        elif isinstance(node, ast.ExceptHandler):
            if node.name:
                self._bind(node.name, scope)
            if node.type is not None:
                self._read(node.type, scope)
            self.read_body(node.body, scope)
        elif type(node).__name__ == "TypeAlias":
            self._read_type_alias(node, scope)
        elif isinstance(node, (ast.MatchAs, ast.MatchStar)):
            if node.name:
                self._bind(node.name, scope)
            self._read_children(node, scope)
        elif isinstance(node, ast.MatchMapping):
            if node.rest:
                self._bind(node.rest, scope)
            self._read_children(node, scope)
        elif isinstance(node, ast.Call):
            self._read_call(node, scope)
        else:
            self._read_children(node, scope)

    def _read_children(self, node: ast.AST, scope: FileScope) -> None:
        for _, value in ast.iter_fields(node):
            if isinstance(value, list):
                if value and isinstance(value[0], ast.stmt):
                    self.read_body(value, scope)
                else:
                    for item in value:
                        if isinstance(item, ast.AST):
                            self._read(item, scope)
            elif isinstance(value, ast.AST):
                self._read(value, scope)

    def _read_call(self, node: ast.Call, scope: FileScope) -> None:
        # `cast("a.B", x)`, `TypeVar("T", bound="a.B")`: strings that a type checker reads as names.
        called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if called in ("cast", "TypeVar", "NewType", "ForwardRef"):
            for argument in (*node.args, *(k.value for k in node.keywords)):
                self._collect_quoted(argument)
        self._read_children(node, scope)

    def _read_type_alias(self, node: ast.AST, scope: FileScope) -> None:
        name, value = getattr(node, "name"), getattr(node, "value")  # noqa: B009 - 3.12 node, typed nowhere
        self._bind(name.id, scope)
        self._read(value, self._with_type_parameters(node, scope))

    def _read_annotation(self, node: ast.AST, scope: FileScope) -> None:
        self._collect_quoted(node)
        self._read(node, scope)

    def _collect_quoted(self, node: ast.AST) -> None:
        for part in ast.walk(node):
            if isinstance(part, ast.Constant) and isinstance(part.value, str):
                self.quoted.update(_WORD.findall(part.value))

    def _read_chain(self, node: ast.Attribute, scope: FileScope) -> None:
        chain: list[ast.Attribute] = []
        inner: ast.expr = node
        while isinstance(inner, ast.Attribute):
            chain.append(inner)
            self.names.add(inner.attr)
            inner = inner.value
        if isinstance(inner, ast.Name):
            self._read_name(inner, scope, tuple(reversed(chain)))
        else:
            self._read(inner, scope)

    def _read_name(self, node: ast.Name, scope: FileScope, chain: tuple[ast.Attribute, ...]) -> None:
        if isinstance(node.ctx, ast.Load):
            self.names.add(node.id)
            self.uses.append(NameUse(node, scope, chain))
        else:
            self._bind(node.id, scope)

    def _read_comprehension(
        self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp, scope: FileScope
    ) -> None:
        inner = FileScope(ScopeKind.COMPREHENSION, scope)
        for number, generator in enumerate(node.generators):
            self._read(generator.iter, scope if number == 0 else inner)
            self._read(generator.target, inner)
            for condition in generator.ifs:
                self._read(condition, inner)
        if isinstance(node, ast.DictComp):
            self._read(node.key, inner)
            self._read(node.value, inner)
        else:
            self._read(node.elt, inner)

    def _bind(self, name: str, scope: FileScope) -> None:
        self.names.add(name)
        if name in scope.declared_global:
            self.module.others.add(name)
        elif name not in scope.declared_nonlocal:
            scope.others.add(name)


def _all_arguments(arguments: ast.arguments) -> Iterator[ast.arg]:
    yield from (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)
    if arguments.vararg is not None:
        yield arguments.vararg
    if arguments.kwarg is not None:
        yield arguments.kwarg
