"""Variables that are bound anew while the program runs, and would be separated from who reads or binds them.

Code: SYMBOL003 E module state would be split.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzers.model import Finding
from analyzers.symbol_moves.module_clients import ModuleClients
from analyzers.symbol_moves.module_items import Item
from analyzers.symbol_moves.source_selection import SourceSelection


def separated_state(selection: SourceSelection, clients: ModuleClients) -> Iterator[Finding]:
    """One finding for each variable of the module that may not be separated so, by name."""
    items = selection.items
    moving = {items.movable[n] for n in selection.goes}
    rebinders: dict[str, list[Item]] = {}
    for item in items.items:
        for name in item.rebinds:
            rebinders.setdefault(name, []).append(item)
    for name, owners in sorted(items.by_name.items()):
        if any(o.is_import for o in owners):
            continue
        leaves = name in selection.names
        readers = [i for i in items.items if name in i.names_used and (i in moving) != leaves]
        split = [i for i in rebinders.get(name, ()) if (i in moving) != leaves]
        if split:
            who = ", ".join(sorted(b for i in split for b in i.binds)) or f"line {split[0].node.lineno}"
            message = f"{who} binds the global {name}, which " + ("leaves" if leaves else "stays")
            yield _finding(selection, split[0], message, f"move {name} and {who} together")
            continue
        if not readers or not (leaves or any(name in item.names_used for item in moving)):
            continue
        written = rebinders.get(name) or clients.writers(selection.module, name)
        if written:
            first = written[0]
            place = first.node.lineno if isinstance(first, Item) else f"{first[0]}:{first[1]}"
            yield _finding(
                selection,
                readers[0],
                f"{name} is bound anew while the program runs (line {place}); an imported copy of it "
                "would go stale",
                f"move {name} together with all that reads it, or read it through its module",
            )


def _finding(selection: SourceSelection, item: Item, message: str, mend: str) -> Finding:
    return Finding(
        code="SYMBOL003",
        severity="error",
        path=selection.path,
        line=item.node.lineno,
        message=message,
        mend=mend,
    )
