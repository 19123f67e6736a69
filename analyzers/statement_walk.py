"""A walk over the statements of one module: imports with their scope and guard, names bound, `__all__`.

It never enters expressions, which saves a third of the time of `ast.walk` (benchmarks/index_speed.py), and
does not recurse into `elif` chains, which nest as deep as they are long.
"""

from __future__ import annotations

import ast
from bisect import bisect_left
from collections.abc import Callable, Iterable
from typing import Any

from analyzers.model import Definition, DefinitionKind, Guard, ImportedName, ImportRecord, Scope

_TYPE_CHECKING = int(Guard.TYPE_CHECKING)
_TRY = int(Guard.TRY)
_EXCEPT = int(Guard.EXCEPT)
_CONDITIONAL = int(Guard.CONDITIONAL)
_LAZY = int(Guard.LAZY)


def lines_with(text: str, words: Iterable[str]) -> list[int]:
    """The 1-based numbers of the lines on which one of the words begins, sorted; lines end with `\\n`."""
    found = []
    for word in words:
        at = text.find(word)
        line, seen = 1, 0
        while at >= 0:
            line += text.count("\n", seen, at)
            seen = at
            found.append(line)
            at = text.find(word, at + 1)
    found.sort()
    return found


class StatementWalk:
    """What the statements of one module say; the lists are filled in the order of the text.

    `statements` takes the module, or part after part; `finish` comes last. `bound` are the names that
    module level binds, but for plain `import`. Definitions on none of whose lines the words `import` and
    `global` stand are not entered, which halves the walk.
    """

    __slots__ = (
        "bound",
        "definitions",
        "exports",
        "exports_dynamic",
        "guard",
        "imports",
        "is_stub",
        "lazy",
        "lines",
        "scope",
    )

    def __init__(self, text: str, *, is_stub: bool) -> None:
        self.lines = lines_with(text, ("import", "global"))
        self.lazy: frozenset[tuple[int, int]] = frozenset()
        self.is_stub = is_stub
        self.imports: list[ImportRecord] = []
        self.definitions: list[Definition] = []
        self.bound: set[str] = set()
        self.exports: list[str] | None = None
        self.exports_dynamic = False
        self.scope = Scope.MODULE
        self.guard = 0

    def statements(self, tree: ast.Module, lazy: frozenset[tuple[int, int]]) -> None:
        """Take in statements of module level; `lazy`: places of imports not shown as lazy in the tree."""
        self.lazy = lazy
        self.body(tree.body)

    def finish(self) -> None:
        self.definitions.sort(key=_place)
        self.bound.update(d.name for d in self.definitions)

    def body(self, statements: list[ast.stmt]) -> None:
        handlers = _AT_MODULE_LEVEL if self.scope is Scope.MODULE else _ELSEWHERE
        for statement in statements:
            handler = handlers.get(statement.__class__)
            if handler is not None:
                handler(self, statement)

    def guarded(self, statements: list[ast.stmt], flags: int) -> None:
        outer = self.guard
        self.guard = outer | flags
        self.body(statements)
        self.guard = outer

    def nested(self, scope: Scope, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> None:
        at = bisect_left(self.lines, node.lineno)
        if at == len(self.lines) or self.lines[at] > (node.end_lineno or node.lineno):
            return
        outer_scope, outer_guard = self.scope, self.guard
        self.scope, self.guard = scope, outer_guard & _TYPE_CHECKING
        self.body(node.body)
        self.scope, self.guard = outer_scope, outer_guard

    # -- imports

    def import_(self, node: ast.Import) -> None:
        self.record_import(node, False, 0, "")

    def import_from(self, node: ast.ImportFrom) -> None:
        self.record_import(node, True, node.level, node.module or "")

    def record_import(
        self, node: ast.Import | ast.ImportFrom, is_from: bool, level: int, module: str
    ) -> None:
        guard = self.guard
        # Python 3.15 says it in the tree; older ones in the places that `without_lazy` found.
        if getattr(node, "is_lazy", 0) or (self.lazy and (node.lineno, node.col_offset) in self.lazy):
            guard |= _LAZY
        names = tuple([ImportedName(alias.name, alias.asname) for alias in node.names])
        self.imports.append(
            ImportRecord(
                node.lineno,
                node.end_lineno or node.lineno,
                node.col_offset,
                is_from,
                level,
                module,
                names,
                self.scope,
                guard,
            )
        )
        if self.scope is Scope.MODULE and is_from:
            for name in names:
                bound = name.asname or name.name
                self.bound.add(bound)
                if bound == "__all__":
                    self.exports_dynamic = True

    # -- compound statements

    def function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        if self.scope is Scope.MODULE:
            self.define(node.name, DefinitionKind.FUNCTION, node)
        self.nested(Scope.FUNCTION, node)

    def class_(self, node: ast.ClassDef) -> None:
        if self.scope is Scope.MODULE:
            self.define(node.name, DefinitionKind.CLASS, node)
        self.nested(Scope.CLASS, node)

    def if_(self, node: ast.If) -> None:
        outer = self.guard
        branch: ast.If | None = node
        while branch is not None:
            holds, fails = _typing_guards(branch.test)
            self.guarded(branch.body, holds)
            rest = branch.orelse
            self.guard |= fails
            if len(rest) == 1 and isinstance(rest[0], ast.If):
                branch = rest[0]
            else:
                self.body(rest)
                branch = None
        self.guard = outer

    def loop(self, node: ast.For | ast.AsyncFor | ast.While) -> None:
        if self.scope is Scope.MODULE and not isinstance(node, ast.While):
            self.bind(node.target)
        self.guarded(node.body, _CONDITIONAL)
        self.guarded(node.orelse, _CONDITIONAL)

    def try_(self, node: ast.Try) -> None:
        self.guarded(node.body, _TRY if node.handlers else 0)
        for handler in node.handlers:
            self.guarded(handler.body, _EXCEPT)
        self.guarded(node.orelse, _CONDITIONAL)
        self.body(node.finalbody)

    def with_(self, node: ast.With | ast.AsyncWith) -> None:
        flags = 0
        for item in node.items:
            if item.optional_vars is not None and self.scope is Scope.MODULE:
                self.bind(item.optional_vars)
            if _last_name(item.context_expr) == "suppress":
                flags = _TRY
        self.guarded(node.body, flags)

    def match(self, node: ast.Match) -> None:
        for case in node.cases:
            if self.scope is Scope.MODULE:
                self.capture(case.pattern)
            self.guarded(case.body, _CONDITIONAL)

    def capture(self, pattern: ast.pattern) -> None:
        for node in ast.walk(pattern):
            name = None
            if isinstance(node, (ast.MatchAs, ast.MatchStar)):
                name = node.name
            elif isinstance(node, ast.MatchMapping):
                name = node.rest
            if name is not None:
                self.define(name, DefinitionKind.VARIABLE, node)

    # -- names bound at module level

    def define(self, name: str, kind: DefinitionKind, node: ast.AST) -> None:
        line = int(getattr(node, "lineno", 0))
        self.definitions.append(Definition(name, kind, line, getattr(node, "end_lineno", None) or line))

    def bind(self, target: ast.expr, whole: ast.stmt | None = None) -> None:
        """Records the names of a target; `whole` is the assignment, None in loops and `with`."""
        if isinstance(target, ast.Name):
            self.define(target.id, DefinitionKind.VARIABLE, whole or target)
            if whole is None and target.id == "__all__":
                self.exports_dynamic = True
        elif isinstance(target, (ast.Tuple, ast.List)):
            for element in target.elts:
                self.bind(element, whole)
                if _is_exports(element):
                    self.exports_dynamic = True
        elif isinstance(target, ast.Starred):
            self.bind(target.value, whole)

    def assign(self, node: ast.Assign) -> None:
        for target in node.targets:
            self.bind(target, node)
            if _is_exports(target):
                self.set_exports(node.value)
            elif isinstance(target, ast.Subscript) and _is_exports(target.value):
                self.exports_dynamic = True

    def ann_assign(self, node: ast.AnnAssign) -> None:
        if node.value is None and not self.is_stub:
            # A bare annotation binds nothing at run time; in a stub it is how a variable is declared.
            return
        self.bind(node.target, node)
        if _is_exports(node.target) and node.value is not None:
            self.set_exports(node.value)

    def aug_assign(self, node: ast.AugAssign) -> None:
        self.bind(node.target, node)
        if _is_exports(node.target):
            if isinstance(node.op, ast.Add):
                self.add_exports(node.value)
            else:
                self.exports_dynamic = True

    def type_alias(self, node: ast.stmt) -> None:
        name = getattr(node, "name", None)
        if isinstance(name, ast.Name):
            self.define(name.id, DefinitionKind.VARIABLE, node)

    def global_(self, node: ast.Global) -> None:
        for name in node.names:
            self.define(name, DefinitionKind.VARIABLE, node)
            if name == "__all__":
                self.exports_dynamic = True

    # -- __all__

    def expression(self, node: ast.Expr) -> None:
        """`__all__.extend(...)`, `.append(...)`, `.remove(...)`; any other call on it is computed."""
        call = node.value
        if not (
            isinstance(call, ast.Call)
            and isinstance(call.func, ast.Attribute)
            and _is_exports(call.func.value)
        ):
            return
        method = call.func.attr
        if len(call.args) != 1 or call.keywords or method not in ("extend", "append", "remove"):
            self.exports_dynamic = True
        elif method == "extend":
            self.add_exports(call.args[0])
        elif isinstance(call.args[0], ast.Constant) and isinstance(call.args[0].value, str):
            name = call.args[0].value
            if method == "append":
                self.exports = [*(self.exports or ()), name]
            elif name in (self.exports or ()):
                assert self.exports is not None
                self.exports.remove(name)
            else:
                self.exports_dynamic = True
        else:
            self.exports_dynamic = True

    def set_exports(self, value: ast.expr) -> None:
        names, computed = _literal_names(value)
        # A second `__all__` in another branch adds up: which of them holds is only known at run time.
        if self.guard and self.exports is not None:
            names = self.exports + [name for name in names if name not in self.exports]
        self.exports = names
        self.exports_dynamic = computed if not self.guard else self.exports_dynamic or computed

    def add_exports(self, value: ast.expr) -> None:
        names, computed = _literal_names(value)
        self.exports = [*(self.exports or ()), *names]
        self.exports_dynamic = self.exports_dynamic or computed


def _place(definition: Definition) -> tuple[int, str]:
    return definition.line, definition.name


def _is_exports(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id == "__all__"


def _literal_names(value: ast.expr) -> tuple[list[str], bool]:
    """The names that an expression for `__all__` spells out, and whether a part of it is computed."""
    if isinstance(value, ast.BinOp) and isinstance(value.op, ast.Add):
        left, left_computed = _literal_names(value.left)
        right, right_computed = _literal_names(value.right)
        return left + right, left_computed or right_computed
    if isinstance(value, ast.Call) and not value.keywords and len(value.args) == 1:
        if isinstance(value.func, ast.Name) and value.func.id in (
            "list",
            "tuple",
            "sorted",
            "set",
            "frozenset",
        ):
            return _literal_names(value.args[0])
        return [], True
    if not isinstance(value, (ast.List, ast.Tuple, ast.Set)):
        return [], True
    names: list[str] = []
    computed = False
    for element in value.elts:
        if isinstance(element, ast.Constant) and isinstance(element.value, str):
            names.append(element.value)
        elif isinstance(element, ast.Starred):
            inner, inner_computed = _literal_names(element.value)
            names += inner
            computed = computed or inner_computed
        else:
            computed = True
    return names, computed


def _typing_guards(test: ast.expr) -> tuple[int, int]:
    """The guard flags of the two branches of an `if`: (condition holds, condition fails)."""
    if _last_name(test) in ("TYPE_CHECKING", "MYPY") or (isinstance(test, ast.Constant) and not test.value):
        # `if False:` is how typing-only imports were written before `typing.TYPE_CHECKING`. The other branch
        # runs whenever the program runs.
        return _TYPE_CHECKING, 0
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        holds, fails = _typing_guards(test.operand)
        return fails, holds
    holds = _CONDITIONAL
    if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And):
        for value in test.values:
            holds |= _typing_guards(value)[0]
    return holds, _CONDITIONAL


def _last_name(node: ast.expr) -> str:
    """`c` for `c`, `a.b.c` and a call of either; else empty."""
    if isinstance(node, ast.Call):
        node = node.func
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


#: The statement that a handler gets is of the class it is registered for.
_Handler = Callable[[StatementWalk, Any], None]


def _handlers() -> tuple[dict[type, _Handler], dict[type, _Handler]]:
    everywhere: dict[type, _Handler] = {
        ast.Import: StatementWalk.import_,
        ast.ImportFrom: StatementWalk.import_from,
        ast.FunctionDef: StatementWalk.function,
        ast.AsyncFunctionDef: StatementWalk.function,
        ast.ClassDef: StatementWalk.class_,
        ast.If: StatementWalk.if_,
        ast.For: StatementWalk.loop,
        ast.AsyncFor: StatementWalk.loop,
        ast.While: StatementWalk.loop,
        ast.Try: StatementWalk.try_,
        ast.With: StatementWalk.with_,
        ast.AsyncWith: StatementWalk.with_,
        ast.Match: StatementWalk.match,
        ast.Global: StatementWalk.global_,
    }
    try_star = getattr(ast, "TryStar", None)  # Python 3.11
    if try_star is not None:
        everywhere[try_star] = StatementWalk.try_
    module_only: dict[type, _Handler] = {
        ast.Assign: StatementWalk.assign,
        ast.AnnAssign: StatementWalk.ann_assign,
        ast.AugAssign: StatementWalk.aug_assign,
        ast.Expr: StatementWalk.expression,
    }
    type_alias = getattr(ast, "TypeAlias", None)  # Python 3.12
    if type_alias is not None:
        module_only[type_alias] = StatementWalk.type_alias
    return {**everywhere, **module_only}, everywhere


_AT_MODULE_LEVEL, _ELSEWHERE = _handlers()
