"""The edits that carry definitions from file to file, planned on texts whose imports are rewritten already.

A source loses the moved items and the imports that only they used, and imports back what it still uses. A
target gains the items in an order in which they can run, and the imports that they need. All other bytes
stay.

Source: the import-rewriting cases 27, 36, 41, 42, 55 and 56.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from analyzers.import_changes import ImportChange, TextEdit
from analyzers.import_index import SourceIndex
from analyzers.layout import ModuleName
from analyzers.model import Finding
from analyzers.source import Source
from analyzers.symbol_moves.class_extras import method_item
from analyzers.symbol_moves.export_lists import exported_names
from analyzers.symbol_moves.module_clients import ModuleClients
from analyzers.symbol_moves.module_items import ModuleItems, read_module_items
from analyzers.symbol_moves.move_context import MoveContext, PlainMove, Target
from analyzers.symbol_moves.move_selection import MoveSelection
from analyzers.symbol_moves.moved_blocks import MovedBlock
from analyzers.symbol_moves.source_departure import depart
from analyzers.symbol_moves.target_arrival import arrive, order_blocks
from analyzers.symbol_moves.target_needs import keep_imports, settle_needs


@dataclass(frozen=True)
class FileEdits:
    """The changes of one file: `source` is the text that they are planned on.

    With `is_gone` the file ends with the move; `is_new` says that it does not exist yet.
    """

    path: str
    source: Source
    import_changes: tuple[ImportChange, ...] = ()
    edits: tuple[TextEdit, ...] = ()
    is_gone: bool = False
    is_new: bool = False


@dataclass(frozen=True)
class DefinitionEdits:
    """The edits of all files concerned, by path; `moves` are the plain moves among them."""

    files: Mapping[str, FileEdits]
    moves: tuple[PlainMove, ...]
    findings: tuple[Finding, ...]


def plan_definitions(
    selection: MoveSelection,
    index: SourceIndex,
    read: Callable[[str], Source],
    *,
    dissolved: frozenset[str] = frozenset(),
    heads: Mapping[str, str] | None = None,
    exports: Mapping[str, tuple[str, ...]] | None = None,
) -> DefinitionEdits:
    """Plan the edits of all sources and targets of a selection.

    Args:
        index: the tree before the move.
        read: the text of a path with its imports rewritten for the move (as it is, when nothing of them
            changes).
        dissolved: source modules whose files end with the move.
        heads: target module -> the docstring (a whole literal) of a file that is new.
        exports: target module -> the `__all__` of a file that is new.
    """
    return _Planner(selection, index, read, dissolved, heads or {}, exports or {}).plan()


class _Planner:
    def __init__(
        self,
        selection: MoveSelection,
        index: SourceIndex,
        read: Callable[[str], Source],
        dissolved: frozenset[str],
        heads: Mapping[str, str],
        exports: Mapping[str, tuple[str, ...]],
    ) -> None:
        self.read = read
        self.exports = exports
        self.heads = heads
        resolver = index.resolver
        self.context = MoveContext(
            selection,
            index,
            resolver,
            ModuleClients(index, resolver, self._bytes),
            dissolved,
            frozenset(m.partition(".")[0] for m in (*index.modules, *index.packages)),
        )
        self.targets: dict[str, Target] = {}

    def _bytes(self, path: str) -> bytes:
        return self.read(path).text.encode("utf-8", "surrogatepass")

    def plan(self) -> DefinitionEdits:
        context = self.context
        for module, selected in context.selection.sources.items():
            items = read_module_items(self.read(selected.path))
            if items is None or len(items.movable) != len(selected.items.movable):
                context.report("SYMBOL012", "error", selected.path, 0, "cannot be read after its rewriting")
                return DefinitionEdits({}, (), tuple(context.findings))
            if module in context.dissolved:
                _take_free_comments(items)
            context.sources[module] = selected, items
        for module in context.selection.targets:
            self.targets[module] = self._target(module)
        for module, (selected, items) in context.sources.items():
            for number in sorted(selected.goes.keys() - selected.merged):
                block = MovedBlock(module, items, items.movable[number])
                self.targets[selected.goes[number]].blocks.append(block)
            for number, names in sorted(selected.inside.items()):
                item = items.movable[number]
                target = self.targets[selected.goes[number]]
                (name,) = item.binds
                for method in names:
                    block = MovedBlock(module, items, method_item(items, item, method))
                    target.inside.append((block, selected.names[name][1]))
        for target in self.targets.values():
            order_blocks(context, target)
            settle_needs(context, target)
        for module in sorted(context.dissolved & context.sources.keys()):
            keep_imports(context, module, self.targets)
        self._add_exports()
        return DefinitionEdits(self._files(), tuple(context.moves), tuple(context.findings))

    def _files(self) -> dict[str, FileEdits]:
        context = self.context
        edits: dict[str, tuple[list[ImportChange], list[TextEdit]]] = {}
        for module, (selected, _) in context.sources.items():
            if module not in context.dissolved:
                arriving = self.targets.get(module)
                depart(context, module, arriving, *edits.setdefault(selected.path, ([], [])))
        for target in self.targets.values():
            arrive(context, target, edits.setdefault(target.path, ([], []))[1])
        files: dict[str, FileEdits] = {}
        new = {t.path: t for t in self.targets.values() if t.is_new}
        for path, (changes, texts) in edits.items():
            source = new[path].items.source if path in new else self.read(path)
            files[path] = FileEdits(
                path, source, tuple(changes), tuple(_ordered(texts, source.text)), is_new=path in new
            )
        for module in sorted(context.dissolved & context.sources.keys()):
            selected, items = context.sources[module]
            files[selected.path] = FileEdits(selected.path, items.source, is_gone=True)
        return files

    def _target(self, module: str) -> Target:
        context = self.context
        moved = context.selection.moved_targets.get(module)
        path = moved or context.index.modules.get(module)
        if path is not None:
            items = read_module_items(self.read(path))
            if items is not None:
                client = context.client(path)
                name = ModuleName(module, client.is_package, client.root) if moved else client
                return Target(module, path, name, items, False)
            context.report("SYMBOL001", "error", path, 0, "cannot be parsed: nothing can be moved into it")
        first = next(s for s, _ in context.sources.values() if module in s.goes.values())
        home = context.index.module_at(first.path)
        root = home.root if home is not None and home.is_importable else "."
        new_path = context.index.layout.path_of(module, root)
        newline = context.sources[first.module][1].source.newline
        head = self.heads.get(module, "")
        text = head + newline if head else ""
        items = read_module_items(Source(re.sub(r"\r\n|\r|\n", newline, text), newline=newline))
        assert items is not None
        found = context.index.layout.module_of(new_path) or ModuleName(module, False, root)
        return Target(module, new_path, found, items, True)

    def _add_exports(self) -> None:
        for module, names in self.exports.items():
            if module in self.targets and self.targets[module].is_new:
                self.targets[module].new_exports = names
        for selected, items in self.context.sources.values():
            for name in exported_names(items):
                target, new = selected.names.get(name, ("", ""))
                if target in self.targets and target != selected.module:
                    self.targets[target].exports.append(new)


def _take_free_comments(items: ModuleItems) -> None:
    """Give the comments that stand between the statements of a module that ends to what follows."""
    previous = 0
    for item in items.items:
        if item in items.movable and previous:
            comments = [n for n in range(previous + 1, item.first_line) if items.lines[n - 1].strip()]
            item.first_line = min([item.first_line, *comments])
        previous = item.last_line
    if items.movable and items.items[-1] is items.movable[-1]:
        tail = [n for n in range(previous + 1, len(items.lines) + 1) if items.lines[n - 1].strip()]
        items.items[-1].last_line = max([previous, *tail])


def _ordered(texts: list[TextEdit], text: str) -> list[TextEdit]:
    """The edits by place; an insertion inside a removal divides it, and the blank lines behind it stay."""
    edits = sorted(_merged(texts), key=lambda e: (e.start, e.end))
    places = [e.start for e in edits if e.start == e.end]
    result = []
    for edit in edits:
        start = edit.start
        for place in (p for p in places if edit.start < p < edit.end):
            result.append(TextEdit(start, place, "", edit.line))
            blank = re.compile(r"(?:[ \t]*(?:\r\n|\r|\n))*").match(text, place, edit.end)
            start = blank.end() if blank is not None else place
        if start < edit.end or edit.start == edit.end:
            result.append(TextEdit(start, edit.end, edit.text, edit.line))
    return sorted(result, key=lambda e: (e.start, e.end))


def _merged(texts: list[TextEdit]) -> list[TextEdit]:
    """Insertions at one place joined, in the order in which they were made; removals stay."""
    merged: dict[tuple[int, int], TextEdit] = {}
    for edit in texts:
        key = edit.start, edit.end
        other = merged.get(key)
        merged[key] = edit if other is None else TextEdit(*key, other.text + edit.text, edit.line)
    return list(merged.values())
