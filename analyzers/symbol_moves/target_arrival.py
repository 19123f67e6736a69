"""Where definitions go in their new module: their order, their place, and the text that is inserted.

Codes: SYMBOL011 E no order in which the definitions could run.
"""

from __future__ import annotations

import ast

from analyzers.import_changes import TextEdit
from analyzers.symbol_moves.export_lists import with_exports
from analyzers.symbol_moves.import_insertion import insert_imports, prefers_relative
from analyzers.symbol_moves.imported_names import written_statements
from analyzers.symbol_moves.module_items import Item, ItemKind, ModuleItems, UseKind
from analyzers.symbol_moves.move_context import MoveContext, Target
from analyzers.symbol_moves.moved_blocks import MovedBlock


def order_blocks(context: MoveContext, target: Target) -> None:
    """Sort blocks so that a module comes after those that it imports, and keep the order within each."""
    modules = list(dict.fromkeys(b.module for b in target.blocks))
    loads: dict[str, set[str]] = {m: set() for m in modules}
    for module in modules:
        for other in modules:
            if other != module and context.resolver.loads(module, other):
                loads[module].add(other)
    ordered: list[str] = []
    while len(ordered) < len(modules):
        ready = [m for m in modules if m not in ordered and loads[m] <= set(ordered)]
        ordered.append(ready[0] if ready else next(m for m in modules if m not in ordered))
    rank = {module: number for number, module in enumerate(ordered)}
    target.blocks.sort(key=lambda b: (rank[b.module], b.item.number))
    _check_order(context, target)


def _check_order(context: MoveContext, target: Target) -> None:
    defined: set[tuple[str, str]] = set()
    arriving = {(b.module, n) for b in target.blocks for n in b.item.binds}
    for block in target.blocks:
        defined |= {(block.module, n) for n in block.item.binds}
        for use in block.item.uses:
            key = _origin_of(context, block, use.name)
            if use.kind is UseKind.EAGER and key in arriving and key not in defined:
                context.report(
                    "SYMBOL011",
                    "error",
                    context.sources[block.module][0].path,
                    use.use.node.lineno,
                    f"{use.name} of {key[0]} is needed here before it could be defined in {target.module}",
                    "move them to different modules",
                )


def _origin_of(context: MoveContext, block: MovedBlock, name: str) -> tuple[str, str]:
    if name in context.sources[block.module][0].names:
        return block.module, name
    found = context.resolver.bound(block.module, name)
    return (found.module, found.name) if found is not None else (block.module, name)


def arrive(context: MoveContext, target: Target, texts: list[TextEdit]) -> None:
    newline, items = target.newline, target.items
    texts.extend(
        insert_imports(
            items,
            target.name,
            [n for n, _ in target.needs.values() if not n.late or n.guarded],
            [source.text_of(item) for source, item in target.copies],
            future=target.future,
            own_tops=context.own_tops,
            resolver=context.resolver,
        )
    )
    if target.new_exports:
        texts.append(TextEdit(len(items.source.text), len(items.source.text), _export_list(target), 0))
    for block, name in target.inside:
        last = items.by_name[name][-1].node
        end = items.positions.line_start((last.end_lineno or last.lineno) + 1)
        lead = "" if items.source.text[:end].endswith(("\n", "\r")) else newline
        texts.append(TextEdit(end, end, lead + newline + block.text(newline), 0))
    if target.blocks:
        position, before, after = _place(context, target)
        parts: list[str] = []
        previous: MovedBlock | None = None
        for block in target.blocks:
            if previous is not None:
                parts.append(newline * _blank_lines(previous, block))
            parts.append(block.text(newline))
            previous = block
        body = "".join(parts)
        text = items.source.text
        lead = ""
        if text[:position] and not text[:position].endswith(("\n", "\r")):
            lead = newline
        edges = _blank_edge(target.blocks[0].is_definition, before)
        if after:
            body += newline * _blank_edge(target.blocks[-1].is_definition, after)
        first = any(not n.late or n.guarded for n, _ in target.needs.values())
        is_below = text[:position].strip() or first or target.copies or target.new_exports
        head = lead + newline * edges if is_below else lead
        if after:
            head = lead
        texts.append(TextEdit(position, position, head + body, 0))
    late = [n for n, _ in target.needs.values() if n.late and not n.guarded]
    if late:
        # Below all definitions, as in the module that they come from.
        relative = prefers_relative(items)
        lines = written_statements(late, target.name, context.resolver, relative)
        text = newline + "".join(line.replace("\n", newline) + newline for line in lines)
        texts.append(TextEdit(len(items.source.text), len(items.source.text), text, 0))
    texts.extend(with_exports(items, target.exports))


def _export_list(target: Target) -> str:
    names = "".join(f'    "{name}",{target.newline}' for name in target.new_exports)
    lead = target.newline if target.items.source.text or target.needs or target.copies else ""
    return f"{lead}__all__ = [{target.newline}{names}]{target.newline}"


def _place(context: MoveContext, target: Target) -> tuple[int, Item | None, Item | None]:
    """(offset, item before, item after when the blocks do not go to the end)."""
    items = target.items
    arriving = context.arriving(target)
    body = [i for i in items.items if not i.is_import and i.kind is not ItemKind.DOCSTRING]
    first = next((i for i in body if arriving & _needed_at_once(items, i)), None)
    if first is None:
        last = items.items[-1] if items.items else None
        if last is not None and _is_main(last.node):
            first = last
    if first is None:
        return len(items.source.text), items.items[-1] if items.items else None, None
    later = {n for i in body if i.number >= first.number for n in i.binds}
    if not _is_main(first.node):
        for block in target.blocks:
            known = context.sources[block.module][0]
            for use in block.item.uses:
                origin = context.resolver.bound(known.module, use.name)
                if (
                    use.kind is UseKind.EAGER
                    and origin is not None
                    and origin.module == target.module
                    and origin.name in later
                ):
                    context.report(
                        "SYMBOL011",
                        "error",
                        known.path,
                        use.use.node.lineno,
                        f"{use.name} of {target.module} is needed here, and line {first.node.lineno} "
                        "there needs the moved definition before it",
                        "choose another target",
                    )
    return items.positions.line_start(first.first_line), None, first


def _is_main(node: ast.stmt) -> bool:
    return isinstance(node, ast.If) and "__name__" in ast.dump(node.test)


def _needed_at_once(items: ModuleItems, item: Item) -> set[str]:
    """The names that must be bound before an item can run, functions that it calls looked into."""
    found: set[str] = set()
    stack = [u.name for u in item.uses if u.kind is UseKind.EAGER]
    while stack:
        name = stack.pop()
        if name in found:
            continue
        found.add(name)
        for owner in items.by_name.get(name, ()):
            if not owner.is_import and owner is not item:
                stack.extend(u.name for u in owner.uses if u.kind is not UseKind.TYPING)
    return found


def _blank_lines(before: MovedBlock, after: MovedBlock) -> int:
    if before.module == after.module and before.item.number + 1 == after.item.number:
        return max(0, after.item.first_line - before.item.last_line - 1)
    return 2 if before.is_definition or after.is_definition else 1


def _blank_edge(is_definition: bool, neighbour: Item | None) -> int:
    if neighbour is None or is_definition:
        return 2 if is_definition else 1
    return 2 if isinstance(neighbour.node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)) else 1
