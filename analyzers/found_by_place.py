"""Definitions that are found by where they stand, not by a name that some code says: tests, fixtures,
handlers, plug-ins.

A decorator or a base class may have registered them, pytest collects them from the file. When nothing in the
repository names such a definition, deleting it in favour of an equal one elsewhere may take it away.

Source: the pytest documentation, "Conventions for Python test discovery".
"""

from __future__ import annotations

import ast
import sys

from analyzers.misplacement.placement_facts import is_test
from analyzers.name_resolution import Kind
from analyzers.symbol_moves.module_clients import ModuleClients
from analyzers.symbol_moves.module_items import Item, ModuleItems

_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def why_found(path: str, module: str, name: str, items: ModuleItems, clients: ModuleClients) -> str:
    """How `name` of `module` may be found by its place; empty when some code names it, or nothing finds it.

    Decorators and bases of the standard library (`functools.cache`, `Exception`) register nothing.
    """
    own = items.by_name.get(name, ())
    if any(name in item.names_used for item in items.items if item not in own):
        return ""
    if clients.is_reached(module, name):
        return ""
    if is_test(path):
        return "nothing names it: pytest may collect it"
    for item in own:
        for node in item.nodes:
            if isinstance(node, _DEFINITIONS):
                for holder in (*node.decorator_list, *getattr(node, "bases", ())):
                    if not _is_standard(holder, module, clients):
                        return f"nothing names it: {ast.unparse(holder)[:60]} may have registered it"
    return ""


def found_in(path: str, module: str, items: ModuleItems, clients: ModuleClients) -> str:
    """The first definition of a test file that pytest may collect from it; empty when there is none."""
    if not is_test(path):
        return ""
    found = (n for item in items.movable for n in sorted(_defined(item)))
    return next((n for n in found if why_found(path, module, n, items, clients)), "")


def _defined(item: Item) -> frozenset[str]:
    return frozenset(node.name for node in item.nodes if isinstance(node, _DEFINITIONS))


def _is_standard(node: ast.expr, module: str, clients: ModuleClients) -> bool:
    while isinstance(node, (ast.Attribute, ast.Subscript, ast.Call)):
        node = node.func if isinstance(node, ast.Call) else node.value
    if not isinstance(node, ast.Name):
        return False
    target = clients.resolver.bound(module, node.id)
    if target is None:
        # Not bound in the module: a built-in.
        return True
    return target.kind is Kind.OUTSIDE and target.module.partition(".")[0] in sys.stdlib_module_names
