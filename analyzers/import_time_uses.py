"""Which names a module uses while it is itself being imported.

Surely at import time runs all code outside functions. Perhaps so do functions of the file that such code
calls, or uses as decorators, and methods of classes that it calls; directly or through each other. What only
other modules trigger is not seen.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

#: A dotted use: `("a", "b", "c")` for `a.b.c`, `("a",)` for a bare `a`.
Chain = tuple[str, ...]

_Function = (ast.FunctionDef, ast.AsyncFunctionDef)


@dataclass(frozen=True, slots=True)
class ImportTimeUses:
    """The dotted uses in code that surely runs with the import of a file, and those in code that may."""

    certain: frozenset[Chain]
    possible: frozenset[Chain]


def import_time_uses(text: str) -> ImportTimeUses | None:
    """The uses of a file with this text; None when it cannot be parsed."""
    try:
        tree = ast.parse(text)
        called: set[str] = set()
        certain = frozenset(_chains(tree.body, _has_lazy_annotations(tree), called))
        possible = frozenset(_chains_of_called(tree, called))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    return ImportTimeUses(certain, possible - certain)


def _has_lazy_annotations(tree: ast.Module) -> bool:
    return any(
        isinstance(s, ast.ImportFrom)
        and s.module == "__future__"
        and any(a.name == "annotations" for a in s.names)
        for s in tree.body
    )


def _chains_of_called(tree: ast.Module, called: set[str]) -> Iterator[Chain]:
    if not called:
        return
    units: dict[str, list[ast.stmt]] = {}
    for node in ast.walk(tree):
        if isinstance(node, _Function):
            units.setdefault(node.name, []).extend(node.body)
        elif isinstance(node, ast.ClassDef):
            for inner in node.body:
                if isinstance(inner, _Function):
                    units.setdefault(node.name, []).extend(inner.body)
    reached: set[str] = set()
    pending = called & units.keys()
    while pending:
        name = min(pending)
        reached.add(name)
        more: set[str] = set()
        yield from _chains(units[name], True, more)
        pending = (pending | (more & units.keys())) - reached


def _chains(statements: Iterable[ast.stmt], lazy_annotations: bool, called: set[str]) -> Iterator[Chain]:
    """The dotted uses outside function bodies; `called` gets the last name of all that is called there."""
    stack: list[ast.AST] = list(statements)
    while stack:
        node = stack.pop()
        if isinstance(node, ast.Call):
            chain = _dotted(node.func)
            if chain:
                called.add(chain[-1])
        if isinstance(node, _Function):
            called.update(c[-1] for d in node.decorator_list if (c := _dotted(d)))
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
