"""Whether a module binds names otherwise than by statements: `globals()[...] = x`, `exec`, `setattr`.

Only the statements on whose lines a telling word stands are entered, because entering all of them costs a
third of the parse. Not seen: a namespace that reaches another module first and is filled there, unless it is
handed over at module level.
"""

from __future__ import annotations

import ast
from bisect import bisect_left

from analyzers.statement_walk import lines_with

_SIGNS = ("globals(", "exec(", "vars(", "locals(", "sys.modules")

#: Calls that take a namespace and only read it.
_READERS = frozenset({"eval", "get_type_hints", "ForwardRef", "len", "dict", "list", "sorted", "dir", "exec"})

_Functions = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)


def binds_dynamically(tree: ast.Module, text: str) -> bool:
    """Whether some code puts names into the module's own namespace that no statement binds.

    `text` is what `tree` was parsed from, with `\\n` at all line ends. May say yes where the name is only put
    into another module.
    """
    lines = lines_with(text, _SIGNS)
    if not lines:
        return False
    fills_by_setattr = "setattr(" in text
    pending: list[tuple[ast.AST, bool]] = [(tree, True)]
    while pending:
        node, at_top = pending.pop()
        if _writes(node, at_top, fills_by_setattr):
            return True
        at_top = at_top and not isinstance(node, _Functions)
        for child in ast.iter_child_nodes(node):
            first = getattr(child, "lineno", None)
            if first is not None:
                at = bisect_left(lines, first)
                if at == len(lines) or lines[at] > getattr(child, "end_lineno", first):
                    continue
            pending.append((child, at_top))
    return False


def _writes(node: ast.AST, at_top: bool, fills_by_setattr: bool) -> bool:
    if isinstance(node, ast.Call):
        return _call_writes(node, at_top)
    if isinstance(node, (ast.Assign, ast.AugAssign, ast.AnnAssign, ast.For)):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        for target in targets:
            if isinstance(target, ast.Subscript) and (
                _is_namespace(target.value, at_top) or _is_module_object(target)
            ):
                return True
            if isinstance(target, ast.Attribute) and _is_module_object(target.value):
                return True
        # `this = sys.modules[__name__]` and `names = globals()`: what is done with them is not followed.
        value = None if isinstance(node, ast.For) else node.value
        if value is not None:
            return _is_namespace(value, False) or (fills_by_setattr and _is_module_object(value))
    return False


def _call_writes(node: ast.Call, at_top: bool) -> bool:
    name = _last_name(node.func)
    if name == "exec" and isinstance(node.func, ast.Name):
        given = node.args[1] if len(node.args) > 1 else None
        return at_top if given is None else _is_namespace(given, at_top)
    if name == "setattr" and node.args:
        return _is_module_object(node.args[0])
    if isinstance(node.func, ast.Attribute) and name in ("update", "setdefault", "__setitem__"):
        return _is_namespace(node.func.value, at_top)
    if name in _READERS or not at_top:
        return False
    arguments = [*node.args, *(keyword.value for keyword in node.keywords)]
    return any(_is_namespace(argument, True) for argument in arguments)


def _is_namespace(node: ast.expr, at_top: bool) -> bool:
    """`globals()`, at module level `vars()` and `locals()`, `__dict__` and `vars` of `sys.modules[...]`."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        if node.func.id == "vars" and node.args:
            return _is_module_object(node.args[0])
        return node.func.id == "globals" or (at_top and node.func.id in ("vars", "locals"))
    return isinstance(node, ast.Attribute) and node.attr == "__dict__" and _is_module_object(node.value)


def _is_module_object(node: ast.expr) -> bool:
    """`sys.modules[...]`."""
    return isinstance(node, ast.Subscript) and _last_name(node.value) == "modules"


def _last_name(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""
