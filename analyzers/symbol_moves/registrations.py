"""Which items of a module a variable of it may lead to: they register with it, or are put into it.

`@cli.command() def f()`, `REGISTRY["f"] = f` and `@register def f()`, where `register` appends to a list of
the module: who uses the variable may run `f`, without naming it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping

from analyzers.symbol_moves.module_items import Item, ModuleItems

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_PUTTING = frozenset(
    {"append", "appendleft", "add", "insert", "extend", "update", "setdefault", "register", "connect"}
)


def registrations(items: ModuleItems) -> Mapping[str, tuple[Item, ...]]:
    """Module-level name (imported ones, too) -> the items that register with it, in order."""
    found: dict[str, list[Item]] = {}
    for item in items.items:
        for root in sorted(set(_registering(item))):
            functions = [i.node for i in items.by_name.get(root, ()) if isinstance(i.node, _FUNCTIONS)]
            names = {name for node in functions for name in _filled(node)} if functions else {root}
            for name in sorted(names):
                found.setdefault(name, []).append(item)
    return {name: tuple(row) for name, row in found.items()}


def _registering(item: Item) -> Iterator[str]:
    """The names that an item is decorated with, or that a statement hands it to."""
    if item.mutates:
        yield item.mutates
    for node in item.nodes:
        called = list(getattr(node, "decorator_list", ()))
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            called.append(node.value)
        for expression in called:
            root = _root(expression)
            if root:
                yield root


def _filled(node: ast.AST) -> Iterator[str]:
    """The names that a function puts something into."""
    for part in ast.walk(node):
        if isinstance(part, (ast.Assign, ast.AugAssign)):
            targets = part.targets if isinstance(part, ast.Assign) else [part.target]
            yield from (_root(t) for t in targets if isinstance(t, ast.Subscript))
        elif isinstance(part, ast.Call) and getattr(part.func, "attr", "") in _PUTTING:
            yield _root(part.func)


def _root(node: ast.expr) -> str:
    while isinstance(node, (ast.Attribute, ast.Subscript, ast.Call)):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else ""
