"""The top-level statements of a module, each with its text, the names it binds and the names it uses.

An item is what moves or stays as a whole: a definition with its decorators and the comments directly above, a
conditional block, a `try`, a lone statement. Lines are 1-based, both ends included.
"""

from __future__ import annotations

import ast
import enum
import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property

from analyzers.file_scopes import FileScopes, NameUse, ScopeKind
from analyzers.python_parser import parse
from analyzers.scopes import read_scopes
from analyzers.source import Source
from analyzers.text_positions import TextPositions

_HEAD = re.compile(r"#!|#.*coding[:=]|#.*(copyright|licen[cs]e|SPDX)", re.IGNORECASE)
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_IMPORTS = (ast.Import, ast.ImportFrom)


class ItemKind(enum.Enum):
    """IMPORT_BLOCK: an `if` or `try` that holds imports and, at most, assignments of fallbacks and flags."""

    DOCSTRING = "docstring"
    FUTURE = "future import"
    IMPORT = "import"
    IMPORT_BLOCK = "import block"
    EXPORTS = "__all__"
    DEFINITION = "definition"
    STATEMENT = "statement"


class UseKind(enum.IntEnum):
    """When a name is looked up: never (a type checker does), when a function runs, or with the module."""

    TYPING = 0
    DEFERRED = 1
    EAGER = 2


@dataclass(frozen=True, slots=True, eq=False)
class ItemUse:
    """A module-level (or built-in) name that an item looks up."""

    name: str
    kind: UseKind
    use: NameUse


@dataclass(slots=True, eq=False)
class Item:
    """One top-level statement (several when they share a line).

    `first_line` is that of the comments above; `binds` the module-level names that it binds, `rebinds` those
    that its functions declare `global` and assign; `mutates` the module-level name that a statement changes
    in place (`X.a = 1`, `X.append(1)`, `@x.register`).
    """

    number: int
    kind: ItemKind
    nodes: list[ast.stmt]
    first_line: int
    last_line: int
    binds: frozenset[str] = frozenset()
    rebinds: frozenset[str] = frozenset()
    mutates: str = ""
    uses: list[ItemUse] = field(default_factory=list)

    @property
    def node(self) -> ast.stmt:
        return self.nodes[0]

    @property
    def names_used(self) -> frozenset[str]:
        return frozenset(u.name for u in self.uses)

    @property
    def is_import(self) -> bool:
        return self.kind in (ItemKind.FUTURE, ItemKind.IMPORT, ItemKind.IMPORT_BLOCK)

    @property
    def is_typing_block(self) -> bool:
        """Whether it is `if TYPE_CHECKING:` without an `else`."""
        node = self.node
        return self.kind is ItemKind.IMPORT_BLOCK and isinstance(node, ast.If) and is_typing_test(node)


@dataclass(frozen=True)
class ModuleItems:
    """A parsed module: its items in order, its scopes, its lines with their ends."""

    source: Source
    tree: ast.Module
    items: tuple[Item, ...]
    scopes: FileScopes
    positions: TextPositions

    @cached_property
    def lines(self) -> list[str]:
        return re.findall(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+", self.source.text)

    def text_of(self, item: Item) -> str:
        """The lines of an item, comments above included."""
        return "".join(self.lines[item.first_line - 1 : item.last_line])

    @cached_property
    def by_name(self) -> dict[str, list[Item]]:
        """The items that bind each module-level name, in order."""
        found: dict[str, list[Item]] = {}
        for item in self.items:
            for name in item.binds:
                found.setdefault(name, []).append(item)
        return found

    @cached_property
    def has_future_annotations(self) -> bool:
        return any(
            isinstance(i.node, ast.ImportFrom) and any(a.name == "annotations" for a in i.node.names)
            for i in self.items
            if i.kind is ItemKind.FUTURE
        )

    @cached_property
    def movable(self) -> tuple[Item, ...]:
        """All items but docstring, imports and `__all__`; rewriting imports keeps their number and order."""
        return tuple(i for i in self.items if i.kind in (ItemKind.DEFINITION, ItemKind.STATEMENT))

    def defined(self, name: str) -> bool:
        """Whether a definition or statement (no import) binds the name."""
        return any(not i.is_import for i in self.by_name.get(name, ()))


def read_module_items(source: Source) -> ModuleItems | None:
    """The items of a decoded file, or None when it does not parse."""
    if source.error:
        return None
    tree = parse(source.text)[0]
    if tree is None:
        return None
    try:
        scopes = read_scopes(tree)
    except RecursionError:
        return None
    positions = TextPositions(source.text)
    lines = re.split(r"\r\n|\r|\n", source.text)
    items = _items(tree, lines)
    _add_uses(tree, items, scopes)
    return ModuleItems(source, tree, tuple(items), scopes, positions)


def is_typing_test(node: ast.If) -> bool:
    """Whether an `if` is `if TYPE_CHECKING:` (or `typing.TYPE_CHECKING`) without `else`."""
    test = node.test
    name = test.attr if isinstance(test, ast.Attribute) else getattr(test, "id", "")
    return name == "TYPE_CHECKING" and not node.orelse


# -- items -------------------------------------------------------------------------------------------------


def _items(tree: ast.Module, lines: list[str]) -> list[Item]:
    items: list[Item] = []
    above = 0
    for position, node in enumerate(tree.body):
        first, last = _first_line(node), node.end_lineno or node.lineno
        if items and first <= above:
            # `a = 1; b = 2` share a line: they move together or not at all.
            item = items[-1]
            item.nodes.append(node)
            item.last_line = max(item.last_line, last)
            item.binds |= _bound(node)
            if item.kind is not _kind(node, False):
                item.kind = ItemKind.STATEMENT
            above = item.last_line
            continue
        start = first
        while start - 1 > above and lines[start - 2].startswith("#") and not _is_head(lines, start - 1):
            start -= 1
        item = Item(len(items), _kind(node, position == 0), [node], start, last, _bound(node))
        item.rebinds = _global_writes(node)
        item.mutates = _mutated(node)
        items.append(item)
        above = last
    ends = [items[n + 1].first_line - 1 if n + 1 < len(items) else len(lines) for n in range(len(items))]
    for item, end in zip(items, ends, strict=True):
        item.last_line = _with_tail(lines, item, end)
    return items


def _first_line(node: ast.stmt) -> int:
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return min([node.lineno, *(d.lineno for d in decorators)])


def _is_head(lines: list[str], line: int) -> bool:
    """Whether the comment at `line` belongs to the file's head (interpreter, encoding, licence)."""
    top = line
    while top > 1 and lines[top - 2].startswith("#"):
        top -= 1
    return top == 1 and any(_HEAD.match(lines[n]) for n in range(line))


def _with_tail(lines: list[str], item: Item, end: int) -> int:
    """The last line of an item with the indented comments that follow its last statement."""
    last = item.last_line
    if not isinstance(item.nodes[-1], (*_DEFINITIONS, ast.If, ast.Try, ast.For, ast.While, ast.With)):
        return last
    for number in range(last + 1, end + 1):
        text = lines[number - 1]
        if text[:1] in " \t" and text.strip().startswith("#"):
            last = number
        elif text.strip():
            break
    return last


def _kind(node: ast.stmt, is_first: bool) -> ItemKind:
    value = node.value if is_first and isinstance(node, ast.Expr) else None
    if isinstance(value, ast.Constant) and isinstance(value.value, str):
        return ItemKind.DOCSTRING
    if isinstance(node, ast.ImportFrom) and node.module == "__future__":
        return ItemKind.FUTURE
    if isinstance(node, _IMPORTS):
        return ItemKind.IMPORT
    if "__all__" in _bound(node) or _touches_exports(node):
        return ItemKind.EXPORTS
    if isinstance(node, (ast.If, ast.Try)) and _is_import_block(node):
        return ItemKind.IMPORT_BLOCK
    if isinstance(node, _DEFINITIONS) or _bound(node):
        return ItemKind.DEFINITION
    return ItemKind.STATEMENT


def _touches_exports(node: ast.stmt) -> bool:
    if isinstance(node, ast.AugAssign):
        return isinstance(node.target, ast.Name) and node.target.id == "__all__"
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        called = node.value.func
        return isinstance(called, ast.Attribute) and getattr(called.value, "id", "") == "__all__"
    return False


def _is_import_block(node: ast.stmt) -> bool:
    # The rewriting of imports may have emptied a block for type checkers.
    if isinstance(node, ast.If) and is_typing_test(node) and all(isinstance(n, ast.Pass) for n in node.body):
        return True
    found = False
    for part in _statements([node]):
        if isinstance(part, _IMPORTS):
            found = True
        elif isinstance(part, ast.Assign):
            if not isinstance(part.value, (ast.Constant, ast.Name, ast.Attribute)):
                return False
        elif not isinstance(part, (ast.If, ast.Try, ast.Pass)):
            return False
    return found


def _statements(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    """All statements of a module-level block, those in functions and classes left out."""
    stack = list(body)
    while stack:
        node = stack.pop()
        yield node
        if isinstance(node, _DEFINITIONS):
            continue
        for name in ("body", "orelse", "finalbody"):
            stack.extend(getattr(node, name, ()))
        for name in ("handlers", "cases"):
            for branch in getattr(node, name, ()):
                stack.extend(branch.body)


def _bound(node: ast.stmt) -> frozenset[str]:
    """The module-level names that a statement binds, in all its branches."""
    found: set[str] = set()
    for part in _statements([node]):
        if isinstance(part, _DEFINITIONS):
            found.add(part.name)
            continue
        if isinstance(part, _IMPORTS):
            found.update(a.asname or a.name.partition(".")[0] for a in part.names if a.name != "*")
            continue
        alias = getattr(part, "name", None)
        if part.__class__.__name__ == "TypeAlias" and isinstance(alias, ast.Name):
            found.add(alias.id)
        if isinstance(part, ast.AnnAssign) and part.value is None and isinstance(part.target, ast.Name):
            found.add(part.target.id)
        for handler in getattr(part, "handlers", ()):
            if handler.name:
                found.add(handler.name)
        found.update(_stored(part))
    return frozenset(found)


def _stored(node: ast.stmt) -> Iterator[str]:
    """Names that the statement's own expressions store or delete at module level."""
    stack: list[ast.AST] = [
        child for child in ast.iter_child_nodes(node) if not isinstance(child, (ast.stmt, ast.ExceptHandler))
    ]
    while stack:
        part = stack.pop()
        if isinstance(part, ast.Name):
            if not isinstance(part.ctx, ast.Load):
                yield part.id
        elif isinstance(part, ast.NamedExpr):
            yield part.target.id
            stack.append(part.value)
        elif isinstance(part, (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp, ast.Lambda)):
            stack.extend(p.target for p in ast.walk(part) if isinstance(p, ast.NamedExpr))
        elif isinstance(part, (ast.MatchAs, ast.MatchStar)):
            if part.name:
                yield part.name
            stack.extend(ast.iter_child_nodes(part))
        elif part.__class__.__name__ == "match_case":
            stack.append(part.pattern)  # type: ignore[attr-defined]
        else:
            stack.extend(ast.iter_child_nodes(part))


def _global_writes(node: ast.stmt) -> frozenset[str]:
    """Names that functions inside the statement declare `global`."""
    return frozenset(name for part in ast.walk(node) if isinstance(part, ast.Global) for name in part.names)


def _mutated(node: ast.stmt) -> str:
    """The module-level name that a lone statement changes in place, or that a definition registers with."""
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        for decorator in node.decorator_list:
            called = decorator.func if isinstance(decorator, ast.Call) else decorator
            if isinstance(called, ast.Attribute) and called.attr == "register":
                return _root(called)
        return ""
    target: ast.expr | None = None
    if isinstance(node, ast.Assign) and len(node.targets) == 1:
        target = node.targets[0]
    elif isinstance(node, (ast.AugAssign, ast.AnnAssign)):
        target = node.target
    elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        target = node.value.func if isinstance(node.value.func, ast.Attribute) else None
    return _root(target) if isinstance(target, (ast.Attribute, ast.Subscript)) else ""


def _root(node: ast.expr) -> str:
    while isinstance(node, (ast.Attribute, ast.Subscript, ast.Call)):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else ""


# -- uses --------------------------------------------------------------------------------------------------


def _add_uses(tree: ast.Module, items: list[Item], scopes: FileScopes) -> None:
    starts = [item.first_line for item in items]
    future = any(
        isinstance(i.node, ast.ImportFrom) and any(a.name == "annotations" for a in i.node.names)
        for i in items
        if i.kind is ItemKind.FUTURE
    )
    typing = _typing_nodes(tree, future)
    for name, uses in scopes.uses_by_name.items():
        for use in uses:
            owner = scopes.lookup(use.scope, name)
            if owner is not None and owner is not scopes.module:
                continue
            item = items[bisect_right(starts, use.node.lineno) - 1]
            quoted = use.literal is not None and isinstance(use.literal, ast.Constant)
            if quoted or id(use.node) in typing:
                kind = UseKind.TYPING
            else:
                kind = UseKind.DEFERRED if _is_deferred(use) else UseKind.EAGER
            item.uses.append(ItemUse(name, kind, use))
    for item in items:
        item.uses.sort(key=lambda u: (u.use.node.lineno, u.use.node.col_offset))
        if isinstance(item.node, ast.AugAssign) and isinstance(item.node.target, ast.Name):
            item.mutates = item.mutates or item.node.target.id


def _is_deferred(use: NameUse) -> bool:
    scope = use.scope
    while scope is not None:
        if scope.kind is ScopeKind.FUNCTION:
            return True
        scope = scope.parent  # type: ignore[assignment]
    return False


def _typing_nodes(tree: ast.Module, future: bool) -> frozenset[int]:
    """The ids of the name nodes in annotations that no run of the program evaluates."""
    found: set[int] = set()
    stack: list[tuple[ast.AST, bool]] = [(tree, False)]
    while stack:
        node, in_function = stack.pop()
        annotations: list[ast.expr | None] = []
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            if future:
                annotations.append(node.returns)
            stack.extend((part, True) for part in node.body)
            stack.extend((part, in_function) for part in (*node.decorator_list, node.args))
        elif isinstance(node, ast.Lambda):
            stack.append((node.body, True))
            stack.append((node.args, in_function))
        else:
            is_unread = future or (in_function and isinstance(node, ast.AnnAssign))
            if isinstance(node, (ast.arg, ast.AnnAssign)) and is_unread:
                annotations.append(node.annotation)
            inner = in_function and not isinstance(node, ast.ClassDef)
            stack.extend((part, inner) for part in ast.iter_child_nodes(node))
        for annotation in annotations:
            if annotation is not None:
                found.update(id(part) for part in ast.walk(annotation) if isinstance(part, ast.Name))
    return frozenset(found)
