"""Two copies of a class of which one or both have methods that the other lacks, and which are the same else.

Such copies can become one class with all methods. Only plain methods count: a special method (`__len__`)
changes what the language does with every instance, and in a class with bases a new method could hide an
inherited one; there the copies differ.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterable

from analyzers.symbol_moves.module_items import Item, ItemUse, ModuleItems
from analyzers.symbol_moves.statement_meaning import meaning_of

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_PLAIN_DECORATORS = frozenset({"staticmethod", "classmethod", "property"})

_Function = ast.FunctionDef | ast.AsyncFunctionDef


def extra_methods(kept: ast.stmt, copy: ast.stmt) -> tuple[str, ...] | None:
    """The methods of the class `copy` that the class `kept` lacks; None when the classes differ in more.

    Docstrings and layout do not count as differences.
    """
    if not isinstance(kept, ast.ClassDef) or not isinstance(copy, ast.ClassDef):
        return None
    if _head(kept) != _head(copy) or not _can_gain(kept) or not _can_gain(copy):
        return None
    first, second = _statements(kept), _statements(copy)
    missing, more = _only_in(first, second), _only_in(second, first)
    if not all(_is_plain(node, kept) for node in missing) or not all(_is_plain(n, copy) for n in more):
        return None
    stored = _stored_attributes(kept) | _stored_attributes(copy)
    if any(n.name in stored for n in (*missing, *more) if isinstance(n, _FUNCTIONS)):
        return None
    common = [_meaning(n) for n in first if n not in missing]
    if common != [_meaning(n) for n in second if n not in more]:
        return None
    return tuple(node.name for node in more if isinstance(node, _FUNCTIONS))


def method_item(items: ModuleItems, item: Item, name: str) -> Item:
    """A method of a class as an item of its own, with the comments directly above it."""
    (node,) = (n for n in _body(item) if isinstance(n, _FUNCTIONS) and n.name == name)
    first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
    while items.lines[first - 2].lstrip().startswith("#"):
        first -= 1
    last = node.end_lineno or node.lineno
    uses = [u for u in item.uses if first <= u.use.node.lineno <= last]
    return Item(item.number, item.kind, [node], first, last, uses=uses)


def paired_uses(item: Item, twin: Item) -> list[tuple[ItemUse, ItemUse]] | None:
    """The uses of a class beside those of a class that has all its statements and maybe more methods.

    None when a statement of the first has other uses in the second.
    """
    ours, theirs = _by_statement(item), _by_statement(twin)
    found: list[tuple[ItemUse, ItemUse]] = []
    for key, uses in ours.items():
        if key not in theirs or len(theirs[key]) != len(uses):
            return None
        found += zip(uses, theirs[key], strict=True)
    return found


def _by_statement(item: Item) -> dict[tuple[str, int], list[ItemUse]]:
    found: dict[tuple[str, int], list[ItemUse]] = {("head", 0): []}
    spans: list[tuple[range, tuple[str, int]]] = []
    for node in _body(item):
        word = node.name if isinstance(node, _FUNCTIONS) else ""
        key = (f"def {word}" if word else "", sum(k[0] == (f"def {word}" if word else "") for _, k in spans))
        first = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", ()))])
        spans.append((range(first, (node.end_lineno or node.lineno) + 1), key))
        found[key] = []
    for use in item.uses:
        place = next((key for span, key in spans if use.use.node.lineno in span), ("head", 0))
        found[place].append(use)
    return found


def _body(item: Item) -> list[ast.stmt]:
    return _statements(item.node) if isinstance(item.node, ast.ClassDef) else []


def _statements(node: ast.ClassDef) -> list[ast.stmt]:
    """The statements of a class without its docstring and without `pass`."""
    first = node.body[0]
    is_text = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    return [n for n in node.body[is_text:] if not isinstance(n, ast.Pass)]


def _head(node: ast.ClassDef) -> list[str]:
    return [ast.dump(part) for part in (*node.bases, *node.keywords, *node.decorator_list)]


def _can_gain(node: ast.ClassDef) -> bool:
    """Whether a method can be written below the others, and hides nothing inherited."""
    bases = [base.id if isinstance(base, ast.Name) else "" for base in node.bases]
    is_bare = all(base == "object" or _is_exception(base) for base in bases) and not node.keywords
    return is_bare and node.body[0].lineno > node.lineno and node.body[0].col_offset == 4


def _is_exception(name: str) -> bool:
    value = getattr(builtins, name, None)
    return isinstance(value, type) and issubclass(value, BaseException)


def _only_in(first: Iterable[ast.stmt], second: Iterable[ast.stmt]) -> list[ast.stmt]:
    """The functions of the first list whose names the second does not bind."""
    bound = {name for node in second for name in _bound(node)}
    return [n for n in first if isinstance(n, _FUNCTIONS) and n.name not in bound]


def _bound(node: ast.stmt) -> set[str]:
    if isinstance(node, (*_FUNCTIONS, ast.ClassDef)):
        return {node.name}
    return {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}


def _stored_attributes(node: ast.ClassDef) -> set[str]:
    """The attributes that the code of a class assigns, of whatever object."""
    found = (n for n in ast.walk(node) if isinstance(n, ast.Attribute))
    return {n.attr for n in found if not isinstance(n.ctx, ast.Load)}


def _is_plain(node: ast.stmt, owner: ast.ClassDef) -> bool:
    assert isinstance(node, _FUNCTIONS)
    bases = [getattr(builtins, getattr(base, "id", ""), object) for base in owner.bases]
    if node.name.startswith("__") or any(hasattr(base, node.name) for base in bases):
        return False
    if any(getattr(d, "id", "") not in _PLAIN_DECORATORS for d in node.decorator_list):
        return False
    return sum(node.name in _bound(other) for other in owner.body) == 1


def _meaning(node: ast.stmt) -> str:
    return node.name + meaning_of(node) if isinstance(node, _FUNCTIONS) else meaning_of(node)
