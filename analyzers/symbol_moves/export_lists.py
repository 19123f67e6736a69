"""Edits of literal `__all__` lists: names out of one, into another, in the list's own layout."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable

from analyzers.import_changes import TextEdit
from analyzers.symbol_moves.module_items import ItemKind, ModuleItems

_Sequence = ast.List | ast.Tuple


def export_literals(items: ModuleItems) -> list[_Sequence]:
    """The list and tuple displays that `__all__` is made of, in order."""
    found: list[_Sequence] = []
    for item in items.items:
        if item.kind is not ItemKind.EXPORTS:
            continue
        for node in item.nodes:
            found.extend(
                part
                for part in ast.walk(node)
                if isinstance(part, (ast.List, ast.Tuple))
                and (not part.elts or any(_text(e) is not None for e in part.elts))
            )
    return found


def exported_names(items: ModuleItems) -> tuple[str, ...]:
    """The names that the literals of `__all__` list, in order."""
    return tuple(t for lit in export_literals(items) for e in lit.elts if (t := _text(e)) is not None)


def without_exports(items: ModuleItems, names: frozenset[str]) -> list[TextEdit]:
    """The edits that take `names` out of `__all__`."""
    text, edits = items.source.text, []
    for literal in export_literals(items):
        start = items.positions.span(literal)[0]
        spans = [items.positions.span(e) for e in literal.elts]
        for number, element in enumerate(literal.elts):
            if _text(element) not in names:
                continue
            first, last = spans[number]
            comma = re.compile(r"[ \t]*,").match(text, last)
            last = comma.end() if comma else last
            line_start = max(text.rfind("\n", 0, first), text.rfind("\r", 0, first)) + 1
            line_end = re.compile(r"[ \t]*(?:#[^\r\n]*)?(\r\n|\r|\n)").match(text, last)
            if not text[line_start:first].strip() and line_end is not None and line_start > start:
                first, last = line_start, line_end.end()
            elif comma is not None:
                space = re.compile(r"[ \t]*").match(text, last)
                last = space.end() if space and number + 1 < len(spans) else last
                if number + 1 == len(spans) and number and text[last : last + 1] in ")]":
                    # The last of a line loses the comma that it had; the one before keeps its own.
                    first = spans[number - 1][1] + len(re.match(r"[ \t]*,", text[spans[number - 1][1] :])[0])  # type: ignore[index]
            elif number:
                # The last element without a comma of its own: the comma before it goes, unless needed.
                first = spans[number - 1][1]
                is_single = isinstance(literal, ast.Tuple) and len(literal.elts) == 2
                if is_single:
                    first += len(re.match(r"[ \t]*,", text[first:])[0])  # type: ignore[index]
            edits.append(TextEdit(first, last, "", element.lineno))
    return _apart(edits)


def with_exports(items: ModuleItems, names: Iterable[str]) -> list[TextEdit]:
    """The edits that add names to the first literal of `__all__`; sorted lists stay sorted."""
    literals = export_literals(items)
    listed = set(exported_names(items))
    new = [n for n in names if n not in listed]
    if not literals or not new:
        return []
    literal, text = literals[0], items.source.text
    if not literal.elts:
        start, end = items.positions.span(literal)
        comma = "," if isinstance(literal, ast.Tuple) and len(new) == 1 else ""
        inner = ", ".join(f'"{n}"' for n in new) + comma
        return [TextEdit(start + 1, start + 1, inner, literal.lineno)]
    old = [t for e in literal.elts if (t := _text(e)) is not None]
    is_sorted = old == sorted(old) and len(old) > 1
    quote = text[items.positions.span(literal.elts[0])[0]]
    quote = quote if quote in "'\"" else '"'
    edits = []
    for name in new:
        position = sum(o < name for o in old) if is_sorted else len(old)
        written = f"{quote}{name}{quote}"
        if position < len(literal.elts):
            before = literal.elts[position]
            start = items.positions.span(before)[0]
            line_start = max(text.rfind("\n", 0, start), text.rfind("\r", 0, start)) + 1
            alone = not text[line_start:start].strip()
            gap = items.source.newline + text[line_start:start] if alone else " "
            edits.append(TextEdit(start, start, f"{written},{gap}", before.lineno))
            continue
        last = literal.elts[-1]
        start, end = items.positions.span(last)
        line_start = max(text.rfind("\n", 0, start), text.rfind("\r", 0, start)) + 1
        alone = not text[line_start:start].strip() and len(literal.elts) > 1
        gap = items.source.newline + text[line_start:start] if alone else " "
        edits.append(TextEdit(end, end, f",{gap}{written}", last.lineno))
    return _joined(edits)


def _text(node: ast.expr) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def _apart(edits: list[TextEdit]) -> list[TextEdit]:
    """Removals that touch or overlap, as one."""
    result: list[TextEdit] = []
    for edit in sorted(edits, key=lambda e: (e.start, e.end)):
        if result and edit.start <= result[-1].end:
            last = result.pop()
            edit = TextEdit(last.start, max(last.end, edit.end), "", last.line)
        result.append(edit)
    return result


def _joined(edits: list[TextEdit]) -> list[TextEdit]:
    """Insertions at one place, as one."""
    merged: dict[int, TextEdit] = {}
    for edit in edits:
        other = merged.get(edit.start)
        text = edit.text if other is None else other.text + edit.text
        merged[edit.start] = TextEdit(edit.start, edit.end, text, edit.line)
    return [merged[start] for start in sorted(merged)]
