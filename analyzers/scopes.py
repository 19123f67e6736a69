"""Which names one Python file binds and uses in which scope, and what an attribute chain hangs on.

Follows the language reference, "Naming and binding" and "Annotation scopes": class scopes are invisible to
nested functions; the first iterable of a comprehension and the defaults and decorators of a function belong
to the enclosing scope; a walrus binds outside comprehensions. Quoted annotations are read as expressions. The
walk keeps its own stack, so that nesting costs no recursion.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator

from analyzers.file_scopes import FileScope, FileScopes, ImportBinding, ImportStatement, NameUse, ScopeKind

_WORD = re.compile(r"[^\W\d]\w*")

#: `cast("a.B", x)`, `TypeVar("T", bound="a.B")`: which arguments a type checker reads as types.
_TYPED_CALLS = {"cast": (0, 1), "ForwardRef": (0, 1), "TypeVar": (1, None), "NewType": (1, 2)}

#: Subscripts whose strings are values and not types.
_VALUE_SUBSCRIPTS = frozenset({"Literal"})

#: Characters that a literal adds to its value -> characters before it: `"`, `u"`, three quotes, with `r`.
_QUOTES = {2: 1, 3: 2, 6: 3, 7: 4}


def read_scopes(tree: ast.Module) -> FileScopes:
    """Scopes, import statements and name uses of a parsed file."""
    reader = _ScopeReader()
    reader.read(tree)
    return reader.result()


def read_statements(tree: ast.Module) -> tuple[ImportStatement, ...]:
    """The import statements of a file in source order, without entering expressions; scopes bind nothing."""
    found: list[ImportStatement] = []
    module = FileScope(ScopeKind.MODULE, None, id(tree.body))
    stack: list[tuple[list[ast.stmt], FileScope]] = [(tree.body, module)]
    while stack:
        body, scope = stack.pop()
        for node in body:
            kind = node.__class__
            if kind is ast.Import or kind is ast.ImportFrom:
                found.append(ImportStatement(node, scope, id(body), len(body)))  # type: ignore[arg-type]
            elif kind not in _SIMPLE:
                inner = scope
                if kind is ast.ClassDef:
                    inner = FileScope(ScopeKind.CLASS, scope, id(node.body))  # type: ignore[attr-defined]
                elif kind is ast.FunctionDef or kind is ast.AsyncFunctionDef:
                    inner = FileScope(ScopeKind.FUNCTION, scope, id(node.body))  # type: ignore[attr-defined]
                stack.extend((part, inner) for part in _bodies(node))
    found.sort(key=_place)
    return tuple(found)


def _bodies(node: ast.stmt) -> Iterator[list[ast.stmt]]:
    for name in ("body", "orelse", "finalbody"):
        part = getattr(node, name, None)
        if part:
            yield part
    for name in ("handlers", "cases"):
        for branch in getattr(node, name, ()):
            yield branch.body


def _place(statement: ImportStatement) -> tuple[int, int]:
    return statement.node.lineno, statement.node.col_offset


#: Statements that hold no other statements.
_SIMPLE = frozenset(
    {ast.Expr, ast.Assign, ast.AugAssign, ast.AnnAssign, ast.Return, ast.Raise, ast.Assert, ast.Delete}
    | {ast.Pass, ast.Break, ast.Continue, ast.Global, ast.Nonlocal}
)

#: Nodes that hold neither names nor strings to be read as names.
_LEAVES = frozenset[type](
    (
        ast.Constant,
        *(leaf for group in (ast.expr_context, ast.operator, ast.unaryop) for leaf in group.__subclasses__()),
        *(leaf for group in (ast.boolop, ast.cmpop) for leaf in group.__subclasses__()),
    )
)

_Item = tuple[ast.AST, FileScope, "ast.expr | None"]


class _ScopeReader:
    def __init__(self) -> None:
        self.module = FileScope(ScopeKind.MODULE, None)
        self.statements: list[ImportStatement] = []
        self.bound: list[tuple[str, FileScope]] = []
        self.uses: dict[str, list[NameUse]] = {}
        self.quoted: set[str] = set()
        self.names: set[str] = set()
        self.blocks: dict[int, tuple[int, int]] = {}
        self.stack: list[_Item] = []

    def read(self, tree: ast.Module) -> None:
        self.module.body = id(tree.body)
        self._push_body(tree.body, self.module, None)
        stack, handlers = self.stack, _HANDLERS
        while stack:
            node, scope, literal = stack.pop()
            handler = handlers.get(node.__class__)
            if handler is not None:
                handler(self, node, scope, literal)
            elif node.__class__ not in _LEAVES:
                self._push_children(node, scope, literal)

    def result(self) -> FileScopes:
        self._bind_names()
        statements = tuple(sorted(self.statements, key=_place))
        for ordinal, statement in enumerate(statements):
            for index, alias in enumerate(statement.node.names):
                if alias.name == "*":
                    continue
                name = alias.asname or alias.name.partition(".")[0]
                target = self._binding_scope(name, statement.scope)
                binding = ImportBinding(statement.node, index, ordinal, statement.scope)
                target.imports.setdefault(name, []).append(binding)
        return FileScopes(self.module, statements, self.uses, frozenset(self.quoted), frozenset(self.names))

    def _bind_names(self) -> None:
        # Only now are all `global` and `nonlocal` declarations known.
        for name, scope in self.bound:
            self._binding_scope(name, scope).others.add(name)

    def _binding_scope(self, name: str, scope: FileScope) -> FileScope:
        if name in scope.declared_global:
            return self.module
        while name in scope.declared_nonlocal and scope.parent is not None:
            outer: FileScope | None = scope.parent
            while outer is not None and outer.kind is not ScopeKind.FUNCTION:
                outer = outer.parent
            if outer is None:
                break
            scope = outer
            if scope.binds(name) or name not in scope.declared_nonlocal:
                break
        return scope

    # -- what is pushed --------------------------------------------------------------------------------------

    def _push_body(self, body: list[ast.stmt], scope: FileScope, literal: ast.expr | None) -> None:
        block, size = id(body), len(body)
        for node in reversed(body):
            if node.__class__ is ast.Import or node.__class__ is ast.ImportFrom:
                self.blocks[id(node)] = (block, size)
            self.stack.append((node, scope, literal))

    def _push_children(self, node: ast.AST, scope: FileScope, literal: ast.expr | None) -> None:
        stack = self.stack
        for name in reversed(node._fields):
            value = getattr(node, name, None)
            if value.__class__ is list:
                if value and isinstance(value[0], ast.stmt):
                    self._push_body(value, scope, literal)
                else:
                    for item in reversed(value):
                        if item is not None:
                            stack.append((item, scope, literal))
            elif isinstance(value, ast.AST) and value.__class__ not in _LEAVES:
                stack.append((value, scope, literal))

    def _push(self, node: ast.AST | None, scope: FileScope, literal: ast.expr | None) -> None:
        if node is not None:
            self.stack.append((node, scope, literal))

    def _bind(self, name: str, scope: FileScope) -> None:
        self.names.add(name)
        self.bound.append((name, scope))

    # -- statements ------------------------------------------------------------------------------------------

    def import_(self, node: ast.Import | ast.ImportFrom, scope: FileScope, _: ast.expr | None) -> None:
        block, size = self.blocks[id(node)]
        self.statements.append(ImportStatement(node, scope, block, size))
        self.names.update([alias.asname or alias.name.partition(".")[0] for alias in node.names])

    def function(
        self, node: ast.FunctionDef | ast.AsyncFunctionDef, scope: FileScope, literal: ast.expr | None
    ) -> None:
        self._bind(node.name, scope)
        outer = self._type_parameters(node, scope)
        inner = FileScope(ScopeKind.FUNCTION, outer, id(node.body))
        self._push_body(node.body, inner, literal)
        self._annotation(node.returns, outer)
        self._arguments(node.args, inner, outer, scope, literal)
        for decorator in reversed(node.decorator_list):
            self._push(decorator, scope, literal)

    def lambda_(self, node: ast.Lambda, scope: FileScope, literal: ast.expr | None) -> None:
        inner = FileScope(ScopeKind.FUNCTION, scope)
        self._push(node.body, inner, literal)
        self._arguments(node.args, inner, scope, scope, literal)

    def _arguments(
        self,
        arguments: ast.arguments,
        inner: FileScope,
        annotations: FileScope,
        outer: FileScope,
        literal: ast.expr | None,
    ) -> None:
        for default in (*arguments.defaults, *arguments.kw_defaults):
            self._push(default, outer, literal)
        for argument in _all_arguments(arguments):
            self._bind(argument.arg, inner)
            self._annotation(argument.annotation, annotations)

    def class_(self, node: ast.ClassDef, scope: FileScope, literal: ast.expr | None) -> None:
        self._bind(node.name, scope)
        outer = self._type_parameters(node, scope)
        self._push_body(node.body, FileScope(ScopeKind.CLASS, outer, id(node.body)), literal)
        for part in (*node.bases, *node.keywords):
            self._push(part, outer, literal)
        for decorator in node.decorator_list:
            self._push(decorator, scope, literal)

    def _type_parameters(self, node: ast.AST, scope: FileScope) -> FileScope:
        parameters = getattr(node, "type_params", None)
        if not parameters:
            return scope
        inner = FileScope(ScopeKind.TYPE_PARAMETERS, scope)
        for parameter in parameters:
            self._bind(parameter.name, inner)
            for part in ast.iter_child_nodes(parameter):
                self._push(part, inner, None)
        return inner

    def type_alias(self, node: ast.AST, scope: FileScope, literal: ast.expr | None) -> None:
        name, value = getattr(node, "name"), getattr(node, "value")  # noqa: B009 - a node of Python 3.12
        self._bind(name.id, scope)
        self._push(value, self._type_parameters(node, scope), literal)

    def global_(self, node: ast.Global, scope: FileScope, _: ast.expr | None) -> None:
        scope.declared_global.update(node.names)
        scope.declarations.append(node)

    def nonlocal_(self, node: ast.Nonlocal, scope: FileScope, _: ast.expr | None) -> None:
        scope.declared_nonlocal.update(node.names)
        scope.declarations.append(node)

    def annotated(self, node: ast.AnnAssign, scope: FileScope, literal: ast.expr | None) -> None:
        self._push(node.value, scope, literal)
        self._annotation(node.annotation, scope)
        self._push(node.target, scope, literal)

    def handler(self, node: ast.ExceptHandler, scope: FileScope, literal: ast.expr | None) -> None:
        if node.name:
            self._bind(node.name, scope)
        self._push_body(node.body, scope, literal)
        self._push(node.type, scope, literal)

    def pattern(
        self, node: ast.MatchAs | ast.MatchStar | ast.MatchMapping, scope: FileScope, literal: ast.expr | None
    ) -> None:
        name = node.rest if isinstance(node, ast.MatchMapping) else node.name
        if name:
            self._bind(name, scope)
        self._push_children(node, scope, literal)

    def class_pattern(self, node: ast.MatchClass, scope: FileScope, literal: ast.expr | None) -> None:
        # By hand: the words of its keywords are texts and no nodes.
        for part in (*reversed(node.kwd_patterns), *reversed(node.patterns), node.cls):
            self.stack.append((part, scope, literal))

    # -- expressions -----------------------------------------------------------------------------------------

    def name(self, node: ast.Name, scope: FileScope, literal: ast.expr | None) -> None:
        self._use(node, scope, (), literal)

    def attribute(self, node: ast.Attribute, scope: FileScope, literal: ast.expr | None) -> None:
        chain: list[ast.Attribute] = []
        inner: ast.expr = node
        while inner.__class__ is ast.Attribute:
            assert isinstance(inner, ast.Attribute)
            chain.append(inner)
            inner = inner.value
        if isinstance(inner, ast.Name):
            chain.reverse()
            self._use(inner, scope, tuple(chain), literal)
        else:
            self.stack.append((inner, scope, literal))

    def _use(
        self, node: ast.Name, scope: FileScope, chain: tuple[ast.Attribute, ...], literal: ast.expr | None
    ) -> None:
        if node.ctx.__class__ is not ast.Load:
            self._bind(node.id, scope)
            if node.ctx.__class__ is ast.Store:
                return
        self.names.add(node.id)
        uses = self.uses.get(node.id)
        if uses is None:
            uses = self.uses[node.id] = []
        uses.append(NameUse(node, scope, chain, literal))

    def walrus(self, node: ast.NamedExpr, scope: FileScope, literal: ast.expr | None) -> None:
        target = scope
        while target.kind is ScopeKind.COMPREHENSION and target.parent is not None:
            target = target.parent
        self._bind(node.target.id, target)
        self._push(node.value, scope, literal)

    def comprehension(
        self,
        node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp,
        scope: FileScope,
        literal: ast.expr | None,
    ) -> None:
        inner = FileScope(ScopeKind.COMPREHENSION, scope)
        if isinstance(node, ast.DictComp):
            self._push(node.key, inner, literal)
            self._push(node.value, inner, literal)
        else:
            self._push(node.elt, inner, literal)
        for number, generator in enumerate(node.generators):
            self._push(generator.iter, scope if number == 0 else inner, literal)
            self._push(generator.target, inner, literal)
            for condition in generator.ifs:
                self._push(condition, inner, literal)

    def f_string(self, node: ast.JoinedStr, scope: FileScope, literal: ast.expr | None) -> None:
        self._push_children(node, scope, literal or node)

    def call(self, node: ast.Call, scope: FileScope, literal: ast.expr | None) -> None:
        called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        typed = _TYPED_CALLS.get(called)
        if typed is not None:
            values = (*node.args[typed[0] : typed[1]], *(k.value for k in node.keywords if k.arg == "bound"))
            for value in values:
                self._quoted(value, scope)
        self._push_children(node, scope, literal)

    # -- quoted annotations ----------------------------------------------------------------------------------

    def _annotation(self, node: ast.expr | None, scope: FileScope) -> None:
        if node is not None:
            self._quoted(node, scope)
            self.stack.append((node, scope, None))

    def _quoted(self, node: ast.expr, scope: FileScope) -> None:
        """Read the strings in an annotation as the expressions that they are."""
        stack: list[ast.AST] = [node]
        while stack:
            part = stack.pop()
            if isinstance(part, ast.Constant):
                if isinstance(part.value, str):
                    self._quoted_text(part, part.value, scope)
            elif isinstance(part, ast.Subscript) and _last_name(part.value) in _VALUE_SUBSCRIPTS:
                continue
            elif isinstance(part, ast.Subscript) and _last_name(part.value) == "Annotated":
                inner = part.slice
                stack.append(inner.elts[0] if isinstance(inner, ast.Tuple) and inner.elts else inner)
            else:
                stack.extend(ast.iter_child_nodes(part))

    def _quoted_text(self, literal: ast.Constant, value: str, scope: FileScope) -> None:
        width = (literal.end_col_offset or 0) - literal.col_offset - len(value.encode("utf-8", "replace"))
        words = _WORD.findall(value)
        self.names.update(words)
        try:
            tree = ast.parse(value, mode="eval")
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            self.quoted.update(words)
            return
        if literal.lineno != literal.end_lineno or width not in _QUOTES or "\n" in value or "\\" in value:
            self.quoted.update(words)
            return
        shift = literal.col_offset + _QUOTES[width]
        for node in ast.walk(tree):
            if isinstance(node, ast.expr):
                node.lineno = node.end_lineno = literal.lineno
                node.col_offset += shift
                node.end_col_offset = (node.end_col_offset or 0) + shift
        self.stack.append((tree.body, scope, literal))


_Handler = Callable[[_ScopeReader, "ast.AST", FileScope, "ast.expr | None"], None]


def _handlers() -> dict[type, _Handler]:
    found: dict[type, object] = {
        ast.Import: _ScopeReader.import_,
        ast.ImportFrom: _ScopeReader.import_,
        ast.FunctionDef: _ScopeReader.function,
        ast.AsyncFunctionDef: _ScopeReader.function,
        ast.Lambda: _ScopeReader.lambda_,
        ast.ClassDef: _ScopeReader.class_,
        ast.Global: _ScopeReader.global_,
        ast.Nonlocal: _ScopeReader.nonlocal_,
        ast.AnnAssign: _ScopeReader.annotated,
        ast.ExceptHandler: _ScopeReader.handler,
        ast.MatchAs: _ScopeReader.pattern,
        ast.MatchStar: _ScopeReader.pattern,
        ast.MatchMapping: _ScopeReader.pattern,
        ast.MatchClass: _ScopeReader.class_pattern,
        ast.Name: _ScopeReader.name,
        ast.Attribute: _ScopeReader.attribute,
        ast.NamedExpr: _ScopeReader.walrus,
        ast.ListComp: _ScopeReader.comprehension,
        ast.SetComp: _ScopeReader.comprehension,
        ast.GeneratorExp: _ScopeReader.comprehension,
        ast.DictComp: _ScopeReader.comprehension,
        ast.JoinedStr: _ScopeReader.f_string,
        ast.Call: _ScopeReader.call,
    }
    newer = {
        "TypeAlias": _ScopeReader.type_alias,  # Python 3.12
        "TemplateStr": _ScopeReader.f_string,  # Python 3.14
    }
    for name, handler in newer.items():
        if hasattr(ast, name):
            found[getattr(ast, name)] = handler
    return found  # type: ignore[return-value]


_HANDLERS = _handlers()


def _last_name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def _all_arguments(arguments: ast.arguments) -> Iterator[ast.arg]:
    yield from (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)
    if arguments.vararg is not None:
        yield arguments.vararg
    if arguments.kwarg is not None:
        yield arguments.kwarg
