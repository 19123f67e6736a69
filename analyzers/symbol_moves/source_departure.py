"""What a module loses when definitions leave it, and what it imports back.

Source: the import-rewriting cases 27, 42, 55 and 56.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping

from analyzers.import_changes import ImportChange, TextEdit, written_imports
from analyzers.symbol_moves.export_lists import exported_names, without_exports
from analyzers.symbol_moves.import_insertion import insert_imports
from analyzers.symbol_moves.imported_names import ImportedAs
from analyzers.symbol_moves.item_cuts import cut_items
from analyzers.symbol_moves.module_items import Item, ItemKind, ModuleItems, UseKind
from analyzers.symbol_moves.move_context import MoveContext, Target
from analyzers.symbol_moves.source_selection import SourceSelection


def depart(
    context: MoveContext,
    module: str,
    arriving: Target | None,
    changes: list[ImportChange],
    texts: list[TextEdit],
) -> None:
    """Add the edits of a source module to `changes` and `texts`; `arriving` is what comes into it."""
    selected, items = context.sources[module]
    leaving = [items.movable[n] for n in sorted(selected.goes)]
    if not leaving:
        return
    gone = {i.number for i in leaving}
    staying = [i for i in items.items if i.number not in gone]
    moved = frozenset(n for n, (target, _) in selected.names.items() if target != module)
    dropped, edited = _orphans(context, module, selected, items, leaving, staying, arriving)
    cuts = cut_items(items, gone | dropped)
    changes.extend(edited)
    texts.extend(cuts)
    texts.extend(without_exports(items, frozenset(exported_names(items)) & moved))
    back = _imports_back(module, selected, staying)
    if back:
        texts.extend(
            insert_imports(
                items,
                context.client(selected.path),
                back,
                cuts=cuts,
                own_tops=context.own_tops,
                resolver=context.resolver,
            )
        )


def _imports_back(module: str, selected: SourceSelection, staying: list[Item]) -> list[ImportedAs]:
    found = []
    for name, (target, new) in sorted(selected.names.items()):
        kinds = [u.kind for i in staying for u in i.uses if u.name == name]
        if target != module and kinds:
            guarded = max(kinds) is UseKind.TYPING
            found.append(ImportedAs(name, target, new, name if new != name else None, guarded=guarded))
    return found


def _orphans(
    context: MoveContext,
    module: str,
    selected: SourceSelection,
    items: ModuleItems,
    leaving: list[Item],
    staying: list[Item],
    arriving: Target | None,
) -> tuple[set[int], list[ImportChange]]:
    """The imports that only the moved code used: item numbers that go as a whole, and edited statements."""
    record = context.index.files[selected.path]
    if record.is_package_file or record.exports_dynamic:
        return set(), []
    used = {n for i in staying for n in i.names_used | i.rebinds} | set(items.scopes.quoted_words)
    orphans = {n for i in leaving for n in i.names_used} - used - set(record.exports or ())
    typing_blocks = [i for i in staying if i.is_typing_block]
    if arriving is not None:
        orphans -= arriving.relied_on
        if any(new.guarded for new, _ in arriving.needs.values()):
            # What comes under TYPE_CHECKING may be put into the block that is there.
            orphans -= {n for i in typing_blocks for n in i.binds | i.names_used} | {
                "TYPE_CHECKING",
                "typing",
            }
            typing_blocks = []
    order = {id(s.node): number for number, s in enumerate(items.scopes.statements)}
    dropped: set[int] = set()
    edited: list[ImportChange] = []
    for item in typing_blocks:
        changes, whole = _without_orphans(context, module, items, item, orphans, order)
        if whole and len(item.node.body) == len(changes):  # type: ignore[attr-defined]
            dropped.add(item.number)
        else:
            edited.extend(changes)
    if dropped and not any("TYPE_CHECKING" in i.names_used for i in staying if i.number not in dropped):
        orphans.add("TYPE_CHECKING")
    for item in [i for i in staying if i.kind is ItemKind.IMPORT]:
        changes, whole = _without_orphans(context, module, items, item, orphans, order)
        if whole and "#" not in items.text_of(item):
            dropped.add(item.number)
        else:
            edited.extend(changes)
    return dropped, edited


def _without_orphans(
    context: MoveContext,
    module: str,
    items: ModuleItems,
    item: Item,
    orphans: set[str],
    order: Mapping[int, int],
) -> tuple[list[ImportChange], bool]:
    """The changes of an item's statements, and whether all of them go."""
    nodes = [n for top in item.nodes for n in ast.walk(top) if isinstance(n, (ast.Import, ast.ImportFrom))]
    changes = []
    for node in nodes:
        text = "".join(items.lines[node.lineno - 1 : node.end_lineno or node.lineno])
        if "noqa" in text or any(a.name == "*" or a.asname == a.name for a in node.names):
            continue
        old = written_imports(node)
        kept = tuple(n for n in old if n.local not in orphans or context.clients.is_reached(module, n.local))
        if kept != old:
            start, end = items.positions.span(node)
            changes.append(ImportChange(order[id(node)], node.lineno, start, end, old, kept))
    whole = len(changes) == len(nodes) and not any(c.imports for c in changes)
    return changes, bool(nodes) and whole
