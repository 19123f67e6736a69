"""Which names a module uses while it is itself being imported.

Import time is all code outside functions, and functions and classes of the file that such code names,
directly or through each other: naming one may call it. Methods run when their class is named. A use that
only other modules trigger is not seen.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

#: A dotted use: `("a", "b", "c")` for `a.b.c`, `("a",)` for a bare `a`.
Chain = tuple[str, ...]

_Function = (ast.FunctionDef, ast.AsyncFunctionDef)


def import_time_chains(text: str) -> frozenset[Chain] | None:
    """All dotted uses in code that runs with the import of a file; None when it cannot be parsed."""
    try:
        tree = ast.parse(text)
        return frozenset(_chains_at_import_time(tree))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _chains_at_import_time(tree: ast.Module) -> Iterator[Chain]:
    units: dict[str, list[ast.stmt]] = {}
    lazy_annotations = any(
        isinstance(s, ast.ImportFrom)
        and s.module == "__future__"
        and any(a.name == "annotations" for a in s.names)
        for s in tree.body
    )
    for node in ast.walk(tree):
        if isinstance(node, _Function):
            units.setdefault(node.name, []).extend(node.body)
        elif isinstance(node, ast.ClassDef):
            for inner in node.body:
                if isinstance(inner, _Function):
                    units.setdefault(node.name, []).extend(inner.body)
    reached: set[str] = set()
    pending: list[list[ast.stmt]] = [tree.body]
    while pending:
        for chain in _chains(pending.pop(), lazy_annotations):
            yield chain
            name = chain[0]
            if name in units and name not in reached:
                reached.add(name)
                pending.append(units[name])


def _chains(statements: Iterable[ast.stmt], lazy_annotations: bool) -> Iterator[Chain]:
    stack: list[ast.AST] = list(statements)
    while stack:
        node = stack.pop()
        if isinstance(node, _Function):
            stack.extend(node.decorator_list)
            stack.extend(d for d in (*node.args.defaults, *node.args.kw_defaults) if d is not None)
            if not lazy_annotations:
                arguments = (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)
                others = (a for a in (node.args.vararg, node.args.kwarg) if a is not None)
                stack.extend(a.annotation for a in (*arguments, *others) if a.annotation is not None)
                if node.returns is not None:
                    stack.append(node.returns)
            continue
        if isinstance(node, ast.AnnAssign) and lazy_annotations:
            stack.extend(part for part in (node.target, node.value) if part is not None)
            continue
        if isinstance(node, (ast.Attribute, ast.Name)):
            chain = _dotted(node)
            if chain:
                yield chain
                continue
        stack.extend(ast.iter_child_nodes(node))


def _dotted(node: ast.expr) -> Chain:
    """`("a", "b")` for `a.b`; empty when it does not begin with a name."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return ()
    return (node.id, *reversed(parts))
