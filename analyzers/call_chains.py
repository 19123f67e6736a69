"""Expressions as chains of names, and the nodes of a syntax tree that run together."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

#: `("a", "b", "c")` for `a.b.c`; the first is empty when it does not begin with a name. `MADE` stands for
#: what a call or a subscript gives: `a().b` is `("a", MADE, "b")`.
Chain = tuple[str, ...]
MADE = "()"

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_CHOICES = frozenset({"isinstance", "issubclass", "hasattr", "callable"})
_GUARDS_TYPING = ("TYPE_CHECKING", "MYPY")


def dotted(node: ast.expr) -> Chain:
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return (node.id, *reversed(parts)) if isinstance(node, ast.Name) else ()


def last_name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def bare(node: ast.expr) -> ast.expr:
    while isinstance(node, (ast.Subscript, ast.Call)):
        node = node.value if isinstance(node, ast.Subscript) else node.func
    return node


def called_chain(node: ast.expr) -> Chain:
    """The chain of what is called; `("", "b")` for `(x + y).b`."""
    chain = chain_through(node)
    if not chain and isinstance(node, ast.Attribute):
        return ("", node.attr)
    # What is called again: `f()()`
    return (*chain, "__call__") if chain and chain[-1] == MADE else chain


def chain_through(node: ast.expr) -> Chain:
    """The chain of an expression that begins with a name, through calls and subscripts."""
    parts: list[str] = []
    while isinstance(node, (ast.Attribute, ast.Call, ast.Subscript)):
        if isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
            continue
        parts.append(MADE)
        node = node.func if isinstance(node, ast.Call) else node.value
    return (node.id, *reversed(parts)) if isinstance(node, ast.Name) else ()


def all_called(node: ast.Call) -> Iterator[Chain]:
    """What a call calls: its function, and what built-in functions call that are given to it."""
    if chain := called_chain(node.func):
        yield chain
    callees: list[ast.expr] = [node.func] if isinstance(node.func, ast.Lambda) else []
    if isinstance(node.func, ast.Call) and last_name(node.func.func) == "partial":
        callees += node.func.args[:1]
    name = last_name(node.func)
    if name in ("map", "filter", "reduce"):
        callees += node.args[:1]
    if name in ("sorted", "sort", "min", "max"):
        callees += (k.value for k in node.keywords if k.arg == "key")
    for callee in callees:
        if isinstance(callee, ast.Lambda):
            for inner in walk([callee.body]):
                if isinstance(inner, ast.Call):
                    yield from all_called(inner)
        elif chain := called_chain(callee):
            yield chain


def walk(nodes: Iterable[ast.AST]) -> Iterator[ast.AST]:
    """The nodes that run with the given ones, parents first: inner functions and classes are not entered."""
    return (node for node, _ in walk_branches(nodes))


def walk_branches(nodes: Iterable[ast.AST]) -> Iterator[tuple[ast.AST, bool]]:
    """The nodes of `walk`, each with whether it stands in no branch that may be left out."""
    stack = [(node, True) for node in nodes][::-1]
    while stack:
        node, is_sure = stack.pop()
        yield node, is_sure
        if isinstance(node, (*FUNCTIONS, ast.ClassDef)):
            stack.extend((decorator, is_sure) for decorator in node.decorator_list)
        elif isinstance(node, ast.If) and never_runs_here(node.test):
            stack.extend((other, is_sure) for other in node.orelse)
        elif isinstance(node, ast.If):
            stack.append((node.test, is_sure))
            stack.extend((inner, is_sure and holds_at_first(node.test)) for inner in node.body)
            stack.extend((inner, False) for inner in node.orelse)
        elif isinstance(node, ast.IfExp):
            stack += ((node.test, is_sure), (node.body, False), (node.orelse, False))
        elif isinstance(node, (ast.ExceptHandler, ast.match_case)):
            stack.extend((inner, False) for inner in ast.iter_child_nodes(node))
        elif not isinstance(node, ast.Lambda):
            stack.extend((inner, is_sure) for inner in ast.iter_child_nodes(node))


def holds_at_first(test: ast.expr) -> bool:
    """Whether a test most likely holds for something while modules are imported.

    `if x is None:` and `if not x:`: what is made later is missing then. `if isinstance(x, C):` and its like
    choose among all that is passed through a function.
    """
    if isinstance(test, ast.Call):
        return isinstance(test.func, ast.Name) and test.func.id in _CHOICES
    if isinstance(test, ast.Compare):
        last = test.comparators[-1]
        return isinstance(test.ops[0], ast.Is) and isinstance(last, ast.Constant) and last.value is None
    return isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not)


def never_runs_here(test: ast.expr) -> bool:
    """`if TYPE_CHECKING:` and `if __name__ == "__main__":`."""
    if isinstance(test, ast.Compare):
        return isinstance(test.left, ast.Name) and test.left.id == "__name__"
    chain = dotted(test)
    return bool(chain) and chain[-1] in _GUARDS_TYPING
