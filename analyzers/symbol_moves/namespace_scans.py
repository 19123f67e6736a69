"""Modules that go through their own namespace, such as `for value in globals().values()`.

What leaves such a module is no longer found there, and what arrives is: SYMBOL022 (E leaving, W arriving). A
single look-up by name (`globals()[name]`, `.get(name)`) is none of these.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from analyzers.model import Finding
from analyzers.symbol_moves.module_items import ModuleItems

_VIEWS = frozenset({"values", "items", "keys", "copy"})
_TAKERS = frozenset(
    {
        "list",
        "tuple",
        "set",
        "frozenset",
        "dict",
        "sorted",
        "iter",
        "filter",
        "map",
        "enumerate",
        "getmembers",
    }
)
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


def scan_line(items: ModuleItems) -> int:
    """The 1-based line where the module goes through all its names; 0 when it does not."""
    text = items.source.text
    if not any(sign in text for sign in ("globals(", "vars(", "locals(", "dir(", "modules[")):
        return 0
    return next(_scans(items.tree, True), 0)


def leaving_findings(path: str, module: str, items: ModuleItems, names: Iterable[str]) -> Iterator[Finding]:
    """One error when the module at `path` goes through its names and `names` leave it."""
    line, left = scan_line(items), sorted(names)
    if line and left:
        yield Finding(
            code="SYMBOL022",
            severity="error",
            path=path,
            line=line,
            message=f"{module} goes through all its names here, and {', '.join(left)} would be missing",
            mend="import it back there by hand before that line, or accept it with --allow SYMBOL022",
        )


def arriving_findings(path: str, module: str, items: ModuleItems, names: Iterable[str]) -> Iterator[Finding]:
    """One warning when the module at `path` goes through its names and `names` come to it."""
    line, new = scan_line(items), sorted(names)
    if line and new:
        yield Finding(
            code="SYMBOL022",
            severity="warning",
            path=path,
            line=line,
            message=f"{module} goes through all its names here, and {', '.join(new)} will be among them",
        )


def _scans(node: ast.AST, at_top: bool) -> Iterator[int]:
    for child in ast.iter_child_nodes(node):
        inside = at_top and not isinstance(child, _FUNCTIONS)
        if _is_scan(child, inside):
            yield child.lineno  # type: ignore[attr-defined]
        yield from _scans(child, inside)


def _is_scan(node: ast.AST, at_top: bool) -> bool:
    if isinstance(node, (ast.For, ast.AsyncFor)):
        return _is_namespace(node.iter, at_top)
    if isinstance(node, (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)):
        # A comprehension has a scope of its own, but for its first iterable.
        return _is_namespace(node.generators[0].iter, at_top)
    if not isinstance(node, ast.Call):
        return False
    function = node.func
    if isinstance(function, ast.Attribute) and function.attr in _VIEWS and not node.args:
        return _is_namespace(function.value, at_top)
    name = function.id if isinstance(function, ast.Name) else getattr(function, "attr", "")
    if name == "dir":
        return at_top if not node.args else _is_own_module(node.args[0])
    if name == "getmembers":
        return bool(node.args) and _is_own_module(node.args[0])
    return name in _TAKERS and any(_is_namespace(argument, at_top) for argument in node.args)


def _is_namespace(node: ast.expr, at_top: bool) -> bool:
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        if node.func.id == "vars" and node.args:
            return _is_own_module(node.args[0])
        return node.func.id == "globals" or (at_top and node.func.id in ("vars", "locals"))
    return isinstance(node, ast.Attribute) and node.attr == "__dict__" and _is_own_module(node.value)


def _is_own_module(node: ast.expr) -> bool:
    """`sys.modules[__name__]`."""
    return (
        isinstance(node, ast.Subscript)
        and isinstance(node.value, ast.Attribute)
        and node.value.attr == "modules"
        and isinstance(node.slice, ast.Name)
        and node.slice.id == "__name__"
    )
