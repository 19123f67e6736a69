"""Names that a module puts together from pieces: f-strings, sums, `%` and `format`, `".".join`."""

from __future__ import annotations

import ast
import re

from analyzers.layout import ModuleName
from analyzers.python_string_uses import sum_operands

# The text of a piece, None when it is not known; and whether it is a constant that is rewritten on its own.
Piece = tuple[str | None, bool]

_PLACEHOLDER = re.compile(r"%\(\w+\)\w|%\w|\{[^{}]*\}")


def computed_pieces(node: ast.expr, constants: dict[str, str], module: ModuleName) -> list[Piece]:
    """The pieces of an f-string, a sum, a `%` format, `format` or `join`, in order."""
    if isinstance(node, ast.Constant):
        return [(node.value, True)] if isinstance(node.value, str) else [(None, False)]
    if isinstance(node, ast.Name):
        if node.id in constants:
            return [(constants[node.id], True)]
        if node.id == "__package__" and module.package:
            return [(module.package, False)]
        return [(module.name, False)] if node.id == "__name__" and module.name else [(None, False)]
    if isinstance(node, ast.JoinedStr):
        found: list[Piece] = []
        for value in node.values:
            if isinstance(value, ast.FormattedValue):
                plain = value.conversion == -1 and value.format_spec is None
                found += computed_pieces(value.value, constants, module) if plain else [(None, False)]
            elif isinstance(value, ast.Constant):
                # A piece inside an f-string is not rewritten on its own.
                found.append((str(value.value), False))
        return found
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return [
            piece for operand in sum_operands(node) for piece in computed_pieces(operand, constants, module)
        ]
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod) and isinstance(node.left, ast.Constant):
        return _percent_pieces(node, constants, module)
    if isinstance(node, ast.Call):
        return _call_pieces(node, constants, module)
    return [(None, False)]


def _call_pieces(node: ast.Call, constants: dict[str, str], module: ModuleName) -> list[Piece]:
    """The pieces of `"{}.b".format(x)` and `".".join([x, "b"])`."""
    func = node.func
    template = (
        func.value.value if isinstance(func, ast.Attribute) and isinstance(func.value, ast.Constant) else 0
    )
    if not isinstance(func, ast.Attribute) or not isinstance(template, str):
        return [(None, False)]
    found: list[Piece] = []
    if func.attr == "format":
        texts = template.split("{}")
        if node.keywords or "{" in "".join(texts) or len(texts) != len(node.args) + 1:
            return _unknown_between(template)
        found.append((texts[0], False))
        for value, text in zip(node.args, texts[1:], strict=True):
            found += (*computed_pieces(value, constants, module), (text, False))
        return found
    items = node.args[0] if node.args else None
    if func.attr != "join" or not isinstance(items, (ast.List, ast.Tuple)):
        return [(None, False)]
    for index, value in enumerate(items.elts):
        found += [(template, False)] if index else []
        found += computed_pieces(value, constants, module)
    return found


def _unknown_between(template: str) -> list[Piece]:
    found: list[Piece] = []
    for index, text in enumerate(_PLACEHOLDER.split(template)):
        found += [(None, False)] if index else []
        found.append((text, False))
    return found


def _percent_pieces(node: ast.BinOp, constants: dict[str, str], module: ModuleName) -> list[Piece]:
    assert isinstance(node.left, ast.Constant)
    template = node.left.value
    if not isinstance(template, str):
        return [(None, False)]
    values = node.right.elts if isinstance(node.right, ast.Tuple) else [node.right]
    texts = template.split("%s")
    if "%" in "".join(texts) or len(texts) != len(values) + 1:
        return _unknown_between(template)
    found: list[Piece] = [(texts[0], False)]
    for value, text in zip(values, texts[1:], strict=True):
        found += (*computed_pieces(value, constants, module), (text, False))
    return found
