"""When two statements say the same."""

from __future__ import annotations

import ast
import copy


def meaning_of(node: ast.stmt) -> str:
    """A text that is equal for statements that differ only in layout, comments, docstrings and own name."""
    node = copy.deepcopy(node)
    for part in ast.walk(node):
        if isinstance(part, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            first = part.body[0]
            value = first.value if isinstance(first, ast.Expr) else None
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                part.body = part.body[1:] or [ast.Pass()]
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        node.name = ""
    return ast.dump(node)
