"""Where new import statements go in a module, and how they are written there.

They join the imports at the head: behind the last statement of their group (future, standard library, others,
own, relative), or in their alphabetical place where the group is sorted. What is for type checkers alone goes
under `if TYPE_CHECKING:`.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from analyzers.import_changes import TextEdit
from analyzers.layout import ModuleName
from analyzers.name_resolution import NameResolver
from analyzers.symbol_moves.imported_names import (
    ImportedAs,
    import_group,
    imports_of,
    written_statements,
)
from analyzers.symbol_moves.module_items import Item, ItemKind, ModuleItems

#: Compound statements come behind all plain imports.
_BLOCK_GROUP = 5


@dataclass(frozen=True, slots=True)
class _Anchor:
    """An import statement at the head of a module: its group, its sort key, where it begins and ends."""

    group: int
    key: tuple[bool, str]
    start: int
    end: int


def insert_imports(
    items: ModuleItems,
    client: ModuleName,
    needs: Sequence[ImportedAs],
    copies: Sequence[str] = (),
    *,
    cuts: Sequence[TextEdit] = (),
    future: bool = False,
    own_tops: frozenset[str],
    resolver: NameResolver,
) -> list[TextEdit]:
    """The insertions that make `needs` available in a module.

    Args:
        needs: what is imported under which name; the guarded ones for type checkers alone.
        copies: whole compound statements of imports.
        cuts: the removals that the module undergoes at the same time.
        future: whether `from __future__ import annotations` is needed, too.
        own_tops: the top-level names of the repository.
    """
    edits: list[TextEdit] = []
    newline = items.source.newline
    guarded = [n for n in needs if n.guarded]
    plain = [n for n in needs if not n.guarded]
    relative = prefers_relative(items)
    block = next((i for i in items.items if i.is_typing_block and _has_lines_inside(i)), None)
    if guarded and block is None and "TYPE_CHECKING" not in {n.local for n in plain}:
        known = imports_of(items, client, resolver).get("TYPE_CHECKING", [])
        if not any(n.base == "typing" for n in known):
            plain.append(ImportedAs("TYPE_CHECKING", "typing", "TYPE_CHECKING", None))
    statements = written_statements(plain, client, resolver, relative)
    statements += [re.sub(r"\r\n|\r", "\n", text).rstrip("\n") for text in copies]
    if guarded:
        written = written_statements(guarded, client, resolver, relative)
        if block is None:
            body = "\n".join(["if TYPE_CHECKING:", *(_indented(s, "    ") for s in written)])
            statements.append(body)
        else:
            assert isinstance(block.node, ast.If)
            column = block.node.body[-1].col_offset
            indent = items.lines[block.node.body[-1].lineno - 1][:column]
            indent = indent if not indent.strip() else "    "
            lines = [_indented(s, indent) for s in written]
            edits.append(_insertion(items, items.positions.line_start(block.last_line + 1), lines, newline))
            edits.extend(_without_pass(items, block.node))
    if future and not items.has_future_annotations:
        statements.insert(0, "from __future__ import annotations")
    return edits + _place(items, statements, own_tops, cuts)


def _has_lines_inside(item: Item) -> bool:
    return isinstance(item.node, ast.If) and item.node.body[0].lineno > item.node.lineno


def _without_pass(items: ModuleItems, block: ast.If) -> list[TextEdit]:
    """The removal of a `pass` that is all of a block that gains something."""
    line = block.body[0].lineno
    if len(block.body) > 1 or items.lines[line - 1].strip() != "pass":
        return []
    return [TextEdit(items.positions.line_start(line), items.positions.line_start(line + 1), "", line)]


def prefers_relative(items: ModuleItems) -> bool:
    """Whether a module imports relatively anywhere at its top level."""
    return any(
        isinstance(node, ast.ImportFrom) and node.level
        for item in items.items
        if item.kind is ItemKind.IMPORT
        for node in item.nodes
    )


def _indented(text: str, indent: str) -> str:
    return indent + text.replace("\n", "\n" + indent)


def _place(
    items: ModuleItems, statements: Iterable[str], own_tops: frozenset[str], cuts: Sequence[TextEdit]
) -> list[TextEdit]:
    newline = items.source.newline
    found_anchors = _anchors(items, own_tops)
    anchors = [a for a in found_anchors if not any(c.start <= a.start < c.end for c in cuts)]
    by_place: dict[int, list[str]] = {}
    groups: dict[int, int] = {}
    found = [(_group(s, own_tops), s) for s in statements]
    for group, statement in sorted(found, key=lambda pair: pair[0]):
        place, before = _place_for(anchors, group, _key(statement))
        if place < 0:
            place = found_anchors[-1].end if found_anchors else _top(items)
        above = _without(items.source.text, 0, place, cuts)
        if not above.strip() or re.search(r"(\r\n|\r|\n)[ \t]*(\r\n|\r|\n)[ \t]*\Z", above):
            # Nothing stands directly above after the removals.
            before = None
        lines = by_place.setdefault(place, [])
        previous = groups.get(place, before)
        if previous is not None and previous != group:
            lines.append("")
        lines.extend(statement.split("\n"))
        groups[place] = group
    edits = []
    for place, lines in sorted(by_place.items()):
        edit = _insertion(items, place, lines, newline)
        text = edit.text
        rest = _without(items.source.text, place, len(items.source.text), cuts)
        following = next((a for a in anchors if a.start >= place), None)
        joins = following is not None and following.group == groups[place]
        if rest.strip() and not joins and not re.match(r"[ \t]*[\r\n]", rest):
            text += newline
        if not found_anchors and items.source.text[:place].strip():
            text = newline + text
        edits.append(TextEdit(edit.start, edit.end, text, 0))
    return edits


def _without(text: str, start: int, end: int, cuts: Sequence[TextEdit]) -> str:
    """`text[start:end]` after the removals; one that holds `start` inside it ends there."""
    parts, position = [], start
    for cut in sorted(cuts, key=lambda c: c.start):
        if cut.end <= start or cut.start >= end or cut.start < start:
            continue
        parts.append(text[position : cut.start])
        position = min(cut.end, end)
    parts.append(text[position:end])
    return "".join(parts)


def _group(statement: str, own_tops: frozenset[str]) -> int:
    return import_group(statement, own_tops) if re.match(r"(from|import)\b", statement) else _BLOCK_GROUP


def _key(statement: str) -> tuple[bool, str]:
    words = statement.split()
    return words[0] == "from", words[1].rstrip(",").lower() if len(words) > 1 else ""


def _anchors(items: ModuleItems, own_tops: frozenset[str]) -> list[_Anchor]:
    found = []
    for item in items.items:
        if item.kind is ItemKind.DOCSTRING:
            continue
        if not item.is_import:
            break
        line = items.lines[item.node.lineno - 1]
        group = _BLOCK_GROUP if item.kind is ItemKind.IMPORT_BLOCK else import_group(line, own_tops)
        start = items.positions.line_start(item.first_line)
        found.append(_Anchor(group, _key(line), start, items.positions.line_start(item.last_line + 1)))
    return found


def _place_for(anchors: list[_Anchor], group: int, key: tuple[bool, str]) -> tuple[int, int | None]:
    """(offset, group of the import before it) for a statement; offset -1: at the top."""
    if not anchors:
        return -1, None
    groups = [a.group for a in anchors]
    if groups != sorted(groups):
        plain = [a for a in anchors if a.group < _BLOCK_GROUP] or anchors
        return (plain[-1].end, group) if group < _BLOCK_GROUP else (anchors[-1].end, _BLOCK_GROUP)
    same = [a for a in anchors if a.group == group]
    if same and group < _BLOCK_GROUP and [a.key for a in same] == sorted(a.key for a in same):
        following = next((a for a in same if a.key > key), None)
        if following is not None:
            return following.start, group
        return same[-1].end, group
    fitting = [a for a in anchors if a.group <= group]
    if not fitting:
        return anchors[0].start, None
    return fitting[-1].end, fitting[-1].group


def _top(items: ModuleItems) -> int:
    """The offset where the first import of a module goes: behind docstring and head comments."""
    first: Item | None = items.items[0] if items.items else None
    if first is not None and first.kind is ItemKind.DOCSTRING:
        return items.positions.line_start(first.last_line + 1)
    line = 1
    while line <= len(items.lines) and items.lines[line - 1].startswith("#"):
        line += 1
    if first is not None and line > first.first_line:
        line = first.first_line
    return items.positions.line_start(line)


def _insertion(items: ModuleItems, place: int, lines: list[str], newline: str) -> TextEdit:
    text = "".join(line.replace("\n", newline) + newline for line in lines)
    if place and not items.source.text[:place].endswith(("\n", "\r")):
        text = newline + text
    return TextEdit(place, place, text, 0)
