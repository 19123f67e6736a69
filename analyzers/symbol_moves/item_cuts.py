"""The removal of top-level statements with the blank lines that set them apart."""

from __future__ import annotations

from analyzers.import_changes import TextEdit
from analyzers.symbol_moves.module_items import Item, ModuleItems


def cut_items(items: ModuleItems, gone: set[int]) -> list[TextEdit]:
    """The removals of items with the blank lines that separated them."""
    edits: list[TextEdit] = []
    order = list(items.items)
    number = 0
    while number < len(order):
        if order[number].number not in gone:
            number += 1
            continue
        last = number
        while (
            last + 1 < len(order)
            and order[last + 1].number in gone
            and not _comments_between(items, order[last], order[last + 1])
        ):
            last += 1
        first_line, last_line = order[number].first_line, order[last].last_line
        above, below = _blanks(items, first_line, -1), _blanks(items, last_line, 1)
        at_end = last_line + below >= len(items.lines)
        at_start = first_line - above <= 1
        if at_end:
            first_line -= above
            last_line += below
        elif at_start or below <= above:
            last_line += below
        else:
            first_line -= above
        start = items.positions.line_start(first_line)
        edits.append(TextEdit(start, items.positions.line_start(last_line + 1), "", first_line))
        number = last + 1
    return edits


def _comments_between(items: ModuleItems, a: Item, b: Item) -> bool:
    return any(items.lines[n - 1].strip() for n in range(a.last_line + 1, b.first_line))


def _blanks(items: ModuleItems, line: int, step: int) -> int:
    """How many blank lines follow (step 1) or precede (step -1) a line."""
    count = 0
    while 1 <= line + step * (count + 1) <= len(items.lines):
        if items.lines[line + step * (count + 1) - 1].strip():
            break
        count += 1
    return count
