"""The edits that carry definitions from file to file, planned on texts whose imports are rewritten already.

A source loses the moved items and the imports that only they used, and imports back what it still uses. A
target gains the items in an order in which they can run, and the imports that they need. All other bytes
stay.

Codes: SYMBOL009 W a changed evaluation of annotations; SYMBOL010 E a name means another thing in the target;
SYMBOL011 E no order in which the definitions could run; SYMBOL012 E a name cannot be changed in the text.

Source: the import-rewriting cases 27, 36, 41, 42, 55 and 56.
"""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from analyzers.import_changes import ImportChange, TextEdit, written_imports
from analyzers.import_index import SourceIndex
from analyzers.layout import ModuleName
from analyzers.model import Finding
from analyzers.name_resolution import Kind, NameResolver
from analyzers.source import Source
from analyzers.symbol_moves.export_lists import exported_names, with_exports, without_exports
from analyzers.symbol_moves.import_insertion import insert_imports
from analyzers.symbol_moves.imported_names import ImportedAs, imports_of
from analyzers.symbol_moves.item_cuts import cut_items
from analyzers.symbol_moves.module_clients import ModuleClients
from analyzers.symbol_moves.module_items import (
    Item,
    ItemKind,
    ItemUse,
    ModuleItems,
    UseKind,
    read_module_items,
)
from analyzers.symbol_moves.move_selection import MoveSelection, SourceSelection
from analyzers.symbol_moves.moved_blocks import MovedBlock, UnwritableNameError

_BUILTINS = frozenset(dir(builtins))
_MODULE_NAMES = frozenset({"__name__", "__file__", "__path__", "__package__", "__spec__", "__doc__"})


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


@dataclass(frozen=True, slots=True)
class PlainMove:
    """A definition that moves alone, as any tool could move it: `text` is what must arrive at the target."""

    source: str
    target: str
    name: str
    line: int
    text: str


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
) -> DefinitionEdits:
    """Plan the edits of all sources and targets of a selection.

    Args:
        index: the tree before the move.
        read: the text of a path with its imports rewritten for the move (as it is, when nothing of them
            changes).
        dissolved: source modules whose files end with the move.
        heads: target module -> the docstring (a whole literal) of a file that is new.
    """
    return _Planner(selection, index, read, dissolved, heads or {}).plan()


@dataclass(eq=False)
class _Target:
    module: str
    path: str
    name: ModuleName
    items: ModuleItems
    is_new: bool
    blocks: list[MovedBlock] = field(default_factory=list)
    needs: dict[str, tuple[ImportedAs, UseKind]] = field(default_factory=dict)
    copies: list[tuple[ModuleItems, Item]] = field(default_factory=list)
    exports: list[str] = field(default_factory=list)
    future: bool = False

    @property
    def newline(self) -> str:
        return self.items.source.newline


class _Planner:
    def __init__(
        self,
        selection: MoveSelection,
        index: SourceIndex,
        read: Callable[[str], Source],
        dissolved: frozenset[str],
        heads: Mapping[str, str],
    ) -> None:
        self.selection = selection
        self.index = index
        self.read = read
        self.dissolved = dissolved
        self.heads = heads
        self.resolver = NameResolver(index)
        self.clients = ModuleClients(index, self.resolver, lambda path: self.raw(path))
        self.findings: list[Finding] = []
        self.sources: dict[str, tuple[SourceSelection, ModuleItems]] = {}
        self.targets: dict[str, _Target] = {}
        self.moves: list[PlainMove] = []
        self.own_tops = frozenset(m.partition(".")[0] for m in (*index.modules, *index.packages))

    def raw(self, path: str) -> bytes:
        return self.read(path).text.encode("utf-8", "surrogatepass")

    def report(self, code: str, severity: str, path: str, line: int, message: str, mend: str = "") -> None:
        finding = Finding(code=code, severity=severity, path=path, line=line, message=message, mend=mend)
        if finding not in self.findings:
            self.findings.append(finding)

    def plan(self) -> DefinitionEdits:
        for module, selected in self.selection.sources.items():
            items = read_module_items(self.read(selected.path))
            if items is None or len(items.movable) != len(selected.items.movable):
                self.report("SYMBOL012", "error", selected.path, 0, "cannot be read after its rewriting")
                return DefinitionEdits({}, (), tuple(self.findings))
            self.sources[module] = selected, items
        for module in self.selection.targets:
            self.targets[module] = self._target(module)
        for module, (selected, items) in self.sources.items():
            for number in sorted(selected.goes):
                if number not in selected.merged:
                    block = MovedBlock(module, items, items.movable[number])
                    self.targets[selected.goes[number]].blocks.append(block)
        files: dict[str, FileEdits] = {}
        for target in self.targets.values():
            self._prepare(target)
        self._add_exports()
        edits: dict[str, tuple[list[ImportChange], list[TextEdit]]] = {}
        for module, (selected, items) in self.sources.items():
            if module not in self.dissolved:
                changes, texts = edits.setdefault(selected.path, ([], []))
                self._leave(module, selected, items, changes, texts)
        for target in self.targets.values():
            if target.blocks or target.exports or not target.is_new:
                texts = edits.setdefault(target.path, ([], []))[1]
                self._arrive(target, texts)
        for path, (changes, texts) in edits.items():
            new = next((t for t in self.targets.values() if t.path == path and t.is_new), None)
            source = new.items.source if new is not None else self.read(path)
            ordered = sorted(_merged(texts), key=lambda e: (e.start, e.end))
            files[path] = FileEdits(path, source, tuple(changes), tuple(ordered), is_new=new is not None)
        for module in sorted(self.dissolved & self.sources.keys()):
            selected, items = self.sources[module]
            files[selected.path] = FileEdits(selected.path, items.source, is_gone=True)
        return DefinitionEdits(files, tuple(self.moves), tuple(self.findings))

    # -- targets ---------------------------------------------------------------------------------------------

    def _target(self, module: str) -> _Target:
        path = self.index.modules.get(module)
        if path is not None:
            items = read_module_items(self.read(path))
            name = self.index.module_at(path)
            if items is not None and name is not None:
                return _Target(module, path, name, items, False)
            self.report("SYMBOL001", "error", path, 0, "cannot be parsed: nothing can be moved into it")
        first = next(s for s, _ in self.sources.values() if module in s.goes.values())
        client = self.index.module_at(first.path)
        root = client.root if client is not None and client.is_importable else "."
        new_path = self.index.layout.path_of(module, root)
        newline = self.sources[first.module][1].source.newline
        head = self.heads.get(module, "")
        text = head + newline if head else ""
        items = read_module_items(Source(re.sub(r"\r\n|\r|\n", newline, text), newline=newline))
        assert items is not None
        name = self.index.layout.module_of(new_path) or ModuleName(module, False, root)
        return _Target(module, new_path, name, items, True)

    def _prepare(self, target: _Target) -> None:
        """Find what the blocks need in their target, and change their texts accordingly."""
        self._order(target)
        for block in target.blocks:
            selected, items = self.sources[block.module]
            client = self.index.module_at(selected.path)
            assert client is not None
            known = imports_of(items, client, self.resolver)
            try:
                self._rename_bindings(block, selected)
                for use in block.item.uses:
                    self._need(target, block, selected, items, known, use)
            except UnwritableNameError as error:
                self.report(
                    "SYMBOL012",
                    "error",
                    selected.path,
                    error.line,
                    f"{error.name} must be written in another way but stands where that cannot be done",
                    "write the name in one piece",
                )
            self._check_annotations(target, block, items)
            self._record_plain(target, block, selected)
        self._check_captured(target)

    def _rename_bindings(self, block: MovedBlock, selected: SourceSelection) -> None:
        for name in sorted(block.item.binds):
            new = selected.names.get(name, ("", name))[1]
            if new != name:
                block.rename_binding(name, new)

    def _need(
        self,
        target: _Target,
        block: MovedBlock,
        selected: SourceSelection,
        items: ModuleItems,
        known: Mapping[str, list[ImportedAs]],
        use: ItemUse,
    ) -> None:
        name = use.name
        moved = selected.names.get(name)
        if moved is not None:
            module, new = moved
            if module != target.module:
                self._import(target, block, ImportedAs(name, module, new, name if new != name else None), use)
            elif new != name:
                block.rename_use(use, self._free(use, block, new))
            return
        imported = known.get(name)
        if imported:
            for new_import in _chosen(imported, use):
                self._carry(target, block, items, new_import, use)
            return
        if name in items.by_name:
            if selected.module in self.dissolved:
                return
            self._import(target, block, ImportedAs(name, selected.module, name, None), use)
            return
        origin = self.resolver.bound(selected.module, name)
        if origin is not None and origin.kind is Kind.SYMBOL and origin.module != selected.module:
            module, new = self.selection.relocations.symbol(origin.module, origin.name) or (
                origin.module,
                origin.name,
            )
            if module != target.module:
                self._import(target, block, ImportedAs(name, module, new, name if new != name else None), use)
        elif origin is not None and origin.kind is Kind.MODULE:
            module = self.selection.relocations.module(origin.module) or origin.module
            above, _, leaf = module.rpartition(".")
            self._import(target, block, ImportedAs(name, above or None, leaf, name), use)
        elif name not in _BUILTINS and name not in _MODULE_NAMES:
            for item in items.items:
                if _is_star(item) and (items, item) not in target.copies:
                    target.copies.append((items, item))

    def _free(self, use: ItemUse, block: MovedBlock, new: str) -> str:
        """`new`, when nothing around the use binds it."""
        scopes = block.items.scopes
        owner = scopes.lookup(use.use.scope, new)
        if owner is not None and owner is not scopes.module:
            raise UnwritableNameError(use.name, use.use.node.lineno)
        return new

    def _carry(
        self, target: _Target, block: MovedBlock, items: ModuleItems, new: ImportedAs, use: ItemUse
    ) -> None:
        own = _own_depth(new, use, target.module)
        if own is not None:
            # The module that is imported is the one that the code comes to live in.
            chain = use.use.chain
            if own >= len(chain):
                raise UnwritableNameError(".".join((use.name, *(a.attr for a in chain))), use.use.node.lineno)
            block.rename_use(use, self._free(use, block, chain[own].attr), own + 1)
            return
        if new.base == target.module:
            if new.name != use.name:
                block.rename_use(use, self._free(use, block, new.name))
            return
        if new.block:
            self._copy(target, items, use.name, new)
            return
        self._import(target, block, new, use)

    def _copy(self, target: _Target, items: ModuleItems, name: str, new: ImportedAs) -> None:
        """Carry a whole `try` or `if` of imports along."""
        for item in items.by_name[name]:
            if item.kind is not ItemKind.IMPORT_BLOCK or item.is_typing_block:
                continue
            if (items, item) in target.copies:
                continue
            there = [i for i in target.items.by_name.get(name, ()) if i.kind is ItemKind.IMPORT_BLOCK]
            if any(ast.dump(i.node) == ast.dump(item.node) for i in there):
                continue
            taken = sorted(n for n in item.binds if n in target.items.by_name)
            if taken:
                self.report(
                    "SYMBOL010",
                    "error",
                    target.path,
                    0,
                    f"{taken[0]} is bound here already, and the moved code needs the {taken[0]} of a whole "
                    f"{'try' if isinstance(item.node, ast.Try) else 'if'} statement",
                    "rename one of them first",
                )
                continue
            target.copies.append((items, item))
            client = self.index.module_at(next(s.path for s, i in self.sources.values() if i is items))
            assert client is not None
            known = imports_of(items, client, self.resolver)
            for inner in item.uses:
                for found in known.get(inner.name, ()):
                    if not found.block and found.local not in target.items.by_name:
                        target.needs.setdefault(found.local, (found, UseKind.EAGER))

    def _import(self, target: _Target, block: MovedBlock, new: ImportedAs, use: ItemUse) -> None:
        """Make `new` available in the target, under another name where that one is taken."""
        guarded = new.guarded
        if use.kind is UseKind.TYPING and new.base in self.sources:
            # For type checkers alone: no reason to load the module that the code came from.
            guarded = True
        new = replace(new, guarded=guarded)
        local = new.local
        verdict = self._available(target, new)
        if verdict == "clash":
            leaf = (new.base or new.name).rpartition(".")[2]
            alias = f"{leaf}_{new.local.strip('_')}"
            aliased = replace(new, local=alias, asname=alias)
            if new.base is None and "." in new.name and new.asname is None:
                raise UnwritableNameError(new.name, use.use.node.lineno)
            if self._available(target, aliased) == "clash":
                self.report(
                    "SYMBOL010",
                    "error",
                    target.path,
                    0,
                    f"{local} means another thing here than in the moved code",
                    "rename one of them first",
                )
                return
            block.rename_use(use, self._free(use, block, alias))
            new, verdict = aliased, self._available(target, aliased)
        if verdict == "present":
            return
        before = target.needs.get(_key(new))
        if before is not None:
            new = replace(new, guarded=new.guarded and before[0].guarded)
        kind = max(use.kind, before[1]) if before is not None else use.kind
        target.needs[_key(new)] = new, kind

    def _available(self, target: _Target, new: ImportedAs) -> str:
        """`present`, `absent` or `clash`: what the target makes of the name."""
        arriving = {
            self.sources[b.module][0].names.get(n, ("", n))[1] for b in target.blocks for n in b.item.binds
        }
        if new.local in arriving:
            return "clash"
        other = next((n for n, _ in target.needs.values() if n.local == new.local), None)
        if other is not None and not self._is_same(other, new):
            return "clash"
        bound = imports_of(target.items, target.name, self.resolver).get(new.local, [])
        owners = target.items.by_name.get(new.local, ())
        if any(not o.is_import for o in owners):
            return "clash"
        if bound:
            if not all(self._is_same(b, new) for b in bound):
                return "clash"
            usable = [b for b in bound if not b.guarded or new.guarded]
            wanted = [b for b in usable if new.base is not None or new.asname or b.name == new.name]
            return "present" if wanted else "absent"
        star = self.resolver.bound(target.module, new.local) if not target.is_new else None
        if star is not None and star.kind is not Kind.UNKNOWN:
            mine = self._target_of(new)
            return "present" if mine == star else "clash"
        used = any(new.local in item.names_used for item in target.items.items)
        return "clash" if used and not owners else "absent"

    def _is_same(self, a: ImportedAs, b: ImportedAs) -> bool:
        if a.base is None and b.base is None and not a.asname and not b.asname:
            return a.name.partition(".")[0] == b.name.partition(".")[0]
        if a.module == b.module and (a.base is None or b.base is None or a.origin == b.origin):
            return True
        first, second = self._target_of(a), self._target_of(b)
        return first is not None and first == second

    def _target_of(self, new: ImportedAs) -> object:
        if new.base is None or not self.resolver.is_own(new.base):
            return None
        found = self.resolver.attribute(new.base, new.name)
        return None if found is None or found.kind is Kind.UNKNOWN else found

    def _check_captured(self, target: _Target) -> None:
        """Report built-in names of the moved code that mean something else in the target."""
        for block in target.blocks:
            selected, items = self.sources[block.module]
            for use in block.item.uses:
                if use.name in items.by_name or use.name in selected.names or use.name not in _BUILTINS:
                    continue
                if self.resolver.is_bound(selected.module, use.name):
                    continue
                if use.name in target.items.by_name or self.resolver.is_bound(target.module, use.name):
                    self.report(
                        "SYMBOL010",
                        "error",
                        selected.path,
                        use.use.node.lineno,
                        f"{use.name} is the built-in one here and another one in {target.module}",
                        "rename the one of the target first",
                    )

    def _check_annotations(self, target: _Target, block: MovedBlock, items: ModuleItems) -> None:
        annotated = any(_annotations(n) for n in block.item.nodes)
        there = target.items.has_future_annotations
        if not annotated or items.has_future_annotations == there:
            return
        selected = self.sources[block.module][0]
        line = block.item.node.lineno
        if items.has_future_annotations and not target.future:
            target.future = True
            if any(_annotations(i.node) for i in target.items.movable):
                self.report(
                    "SYMBOL009",
                    "warning",
                    target.path,
                    1,
                    "gets `from __future__ import annotations`, which the moved code relies on: annotations "
                    "here are no longer evaluated",
                    "check code that reads annotations at run time",
                )
        elif there:
            self.report(
                "SYMBOL009",
                "warning",
                selected.path,
                line,
                f"annotations of {', '.join(sorted(block.item.binds))} are not evaluated in {target.module}",
                "check code that reads annotations at run time",
            )

    def _record_plain(self, target: _Target, block: MovedBlock, selected: SourceSelection) -> None:
        item = block.item
        if len(item.nodes) != 1 or len(item.binds) != 1 or block.edits:
            return
        (name,) = item.binds
        plain = isinstance(item.node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Assign))
        if plain and len(block.items.by_name[name]) == 1:
            text = block.text(block.items.source.newline)
            self.moves.append(PlainMove(selected.path, target.path, name, item.node.lineno, text))

    # -- order -----------------------------------------------------------------------------------------------

    def _order(self, target: _Target) -> None:
        """Sort blocks so that a module comes after those that it imports, and keep the order within each."""
        modules = list(dict.fromkeys(b.module for b in target.blocks))
        loads: dict[str, set[str]] = {m: set() for m in modules}
        for module in modules:
            for other in modules:
                if other != module and self.resolver.loads(module, other):
                    loads[module].add(other)
        ordered: list[str] = []
        while len(ordered) < len(modules):
            ready = [m for m in modules if m not in ordered and loads[m] <= set(ordered)]
            ordered.append(ready[0] if ready else next(m for m in modules if m not in ordered))
        rank = {module: number for number, module in enumerate(ordered)}
        target.blocks.sort(key=lambda b: (rank[b.module], b.item.number))
        self._check_order(target)

    def _check_order(self, target: _Target) -> None:
        defined: set[tuple[str, str]] = set()
        arriving = {(b.module, n) for b in target.blocks for n in b.item.binds}
        for block in target.blocks:
            defined |= {(block.module, n) for n in block.item.binds}
            for use in block.item.uses:
                key = self._origin_of(block, use.name)
                if use.kind is UseKind.EAGER and key in arriving and key not in defined:
                    self.report(
                        "SYMBOL011",
                        "error",
                        self.sources[block.module][0].path,
                        use.use.node.lineno,
                        f"{use.name} of {key[0]} is needed here before it could be defined in "
                        f"{target.module}",
                        "move them to different modules",
                    )

    def _origin_of(self, block: MovedBlock, name: str) -> tuple[str, str]:
        if name in self.sources[block.module][0].names:
            return block.module, name
        found = self.resolver.bound(block.module, name)
        return (found.module, found.name) if found is not None else (block.module, name)

    # -- writing the target ----------------------------------------------------------------------------------

    def _arrive(self, target: _Target, texts: list[TextEdit]) -> None:
        newline, items = target.newline, target.items
        texts.extend(
            insert_imports(
                items,
                target.name,
                [n for n, _ in target.needs.values()],
                [source.text_of(item) for source, item in target.copies],
                future=target.future,
                own_tops=self.own_tops,
                resolver=self.resolver,
            )
        )
        if target.blocks:
            position, before, after = self._place(target)
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
            head = (
                lead + newline * edges if text[:position].strip() or target.needs or target.copies else lead
            )
            if after:
                head = lead
            texts.append(TextEdit(position, position, head + body, 0))
        texts.extend(with_exports(items, target.exports))

    def _place(self, target: _Target) -> tuple[int, Item | None, Item | None]:
        """(offset, item before, item after when the blocks do not go to the end)."""
        items = target.items
        arriving = {
            self.sources[b.module][0].names.get(n, ("", n))[1] for b in target.blocks for n in b.item.binds
        }
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
                known = self.sources[block.module][0]
                for use in block.item.uses:
                    origin = self.resolver.bound(known.module, use.name)
                    if (
                        use.kind is UseKind.EAGER
                        and origin is not None
                        and origin.module == target.module
                        and origin.name in later
                    ):
                        self.report(
                            "SYMBOL011",
                            "error",
                            known.path,
                            use.use.node.lineno,
                            f"{use.name} of {target.module} is needed here, and line {first.node.lineno} "
                            "there needs the moved definition before it",
                            "choose another target",
                        )
        return items.positions.line_start(first.first_line), None, first

    # -- sources ---------------------------------------------------------------------------------------------

    def _leave(
        self,
        module: str,
        selected: SourceSelection,
        items: ModuleItems,
        changes: list[ImportChange],
        texts: list[TextEdit],
    ) -> None:
        leaving = [items.movable[n] for n in sorted(selected.goes)]
        if not leaving:
            return
        gone = {i.number for i in leaving}
        texts.extend(cut_items(items, gone))
        staying = [i for i in items.items if i.number not in gone]
        back: list[tuple[ImportedAs, UseKind]] = []
        for name, (target, new) in sorted(selected.names.items()):
            kinds = [u.kind for i in staying for u in i.uses if u.name == name]
            if target == module or not kinds:
                continue
            asname = name if new != name else None
            guarded = max(kinds) is UseKind.TYPING
            back.append((ImportedAs(name, target, new, asname, guarded=guarded), max(kinds)))
        moved = frozenset(n for n, (t, _) in selected.names.items() if t != module)
        listed = set(exported_names(items)) & moved
        texts.extend(without_exports(items, frozenset(listed)))
        if back:
            client = self.index.module_at(selected.path)
            assert client is not None
            needs = [n for n, _ in back]
            texts.extend(insert_imports(items, client, needs, own_tops=self.own_tops, resolver=self.resolver))
        self._drop_orphans(module, selected, items, leaving, staying, changes, texts)

    def _drop_orphans(
        self,
        module: str,
        selected: SourceSelection,
        items: ModuleItems,
        leaving: list[Item],
        staying: list[Item],
        changes: list[ImportChange],
        texts: list[TextEdit],
    ) -> None:
        """Remove the imports that only the moved code used (case 56)."""
        client = self.index.module_at(selected.path)
        record = self.index.files[selected.path]
        if client is None or record.is_package_file or record.exports_dynamic:
            return
        used = {n for i in staying for n in i.names_used} | set(items.scopes.quoted_words)
        used |= {n for i in staying for n in i.rebinds}
        orphans = {n for i in leaving for n in i.names_used} - used - set(record.exports or ())
        emptied: list[Item] = []
        order = {id(s.node): number for number, s in enumerate(items.scopes.statements)}
        for item in [i for i in staying if i.kind is ItemKind.IMPORT or i.is_typing_block]:
            nodes = [
                n for top in item.nodes for n in ast.walk(top) if isinstance(n, (ast.Import, ast.ImportFrom))
            ]
            pending: list[ImportChange] = []
            for node in nodes:
                change = self._without(module, items, node, orphans, order)
                if change is not None:
                    pending.append(change)
            whole = pending and len(pending) == len(nodes) and all(not c.imports for c in pending)
            if item.is_typing_block and whole and len(item.node.body) == len(nodes):  # type: ignore[attr-defined]
                emptied.append(item)
            else:
                changes.extend(pending)
        if emptied:
            texts.extend(cut_items(items, {i.number for i in emptied}))
            rest = [i for i in staying if i not in emptied]
            if not any("TYPE_CHECKING" in i.names_used for i in rest):
                known = {change.ordinal for change in changes}
                for item in rest:
                    if item.kind is ItemKind.IMPORT:
                        change = self._without(module, items, item.node, {"TYPE_CHECKING"}, order)  # type: ignore[arg-type]
                        if change is not None and change.ordinal not in known:
                            changes.append(change)

    def _without(
        self,
        module: str,
        items: ModuleItems,
        node: ast.Import | ast.ImportFrom,
        orphans: set[str],
        order: Mapping[int, int],
    ) -> ImportChange | None:
        old = written_imports(node)
        last = node.end_lineno or node.lineno
        text = "".join(items.lines[node.lineno - 1 : last])
        if "noqa" in text or any(a.name == "*" or a.asname == a.name for a in node.names):
            return None
        kept = tuple(
            new for new in old if new.local not in orphans or self.clients.is_reached(module, new.local)
        )
        if kept == old:
            return None
        start, end = items.positions.span(node)
        return ImportChange(order[id(node)], node.lineno, start, end, old, kept)

    def _add_exports(self) -> None:
        for selected, items in self.sources.values():
            listed = [n for n in exported_names(items) if n in selected.names]
            for name in listed:
                target, new = selected.names[name]
                if target in self.targets and target != selected.module:
                    self.targets[target].exports.append(new)


# -- texts -------------------------------------------------------------------------------------------------


def _chosen(imported: list[ImportedAs], use: ItemUse) -> list[ImportedAs]:
    """The imports of a name that a use needs: of several `import a.b`, those that it goes through."""
    dotted = [n for n in imported if n.base is None and not n.asname and "." in n.name]
    if not dotted:
        return imported
    words = (use.name, *(a.attr for a in use.use.chain))
    through = [n for n in dotted if words[: n.name.count(".") + 1] == tuple(n.name.split("."))]
    return through or imported


def _is_star(item: Item) -> bool:
    return any(isinstance(n, ast.ImportFrom) and n.names[0].name == "*" for n in item.nodes)


def _own_depth(new: ImportedAs, use: ItemUse, module: str) -> int | None:
    """How many attributes of a use lead to `module`, when the import binds it (or a package above it)."""
    if new.base is None and not new.asname:
        parts = new.name.split(".")
        words = [use.name, *(a.attr for a in use.use.chain)]
        return len(parts) - 1 if new.name == module and words[: len(parts)] == parts else None
    return 0 if new.module == module else None


def _key(new: ImportedAs) -> str:
    return new.name if new.base is None and not new.asname else new.local


def _annotations(node: ast.AST) -> bool:
    for part in ast.walk(node):
        if isinstance(part, ast.AnnAssign) or getattr(part, "returns", None) is not None:
            return True
        if isinstance(part, ast.arg) and part.annotation is not None:
            return True
    return False


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


def _merged(texts: list[TextEdit]) -> list[TextEdit]:
    """Insertions at one place joined, in the order in which they were made; removals stay."""
    merged: dict[tuple[int, int], TextEdit] = {}
    for edit in texts:
        key = edit.start, edit.end
        other = merged.get(key)
        merged[key] = edit if other is None else TextEdit(*key, other.text + edit.text, edit.line)
    return list(merged.values())
