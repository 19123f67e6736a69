"""Which statements move when symbols do: the whole group of each, and the helpers that are theirs alone.

Codes (E error, W warning, I information): SYMBOL001 E no such module or symbol; SYMBOL002 E other names are
bound by the same statement; SYMBOL004 E the target has that name; SYMBOL005 I a helper moves along;
SYMBOL008 W a stub is not changed; SYMBOL020 I the symbol was moved already. SYMBOL003: see `separated_state`;
SYMBOL006 and SYMBOL007: `changed_effects`; SYMBOL022: `namespace_scans`.

Source: the import-rewriting cases 38, 40, 41, 42 and 48; the notes on rope, moving symbols, 8.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from analyzers.import_index import SourceIndex
from analyzers.model import Finding, Relocation
from analyzers.relocation_map import RelocationMap
from analyzers.source import decode
from analyzers.symbol_moves.changed_effects import changed_effects
from analyzers.symbol_moves.class_extras import extra_methods, method_item
from analyzers.symbol_moves.module_clients import ModuleClients
from analyzers.symbol_moves.module_items import Item, ItemKind, ModuleItems, read_module_items
from analyzers.symbol_moves.namespace_scans import arriving_findings, foreign_findings, leaving_findings
from analyzers.symbol_moves.separated_state import separated_state
from analyzers.symbol_moves.source_selection import NewName, SourceSelection
from analyzers.symbol_moves.statement_meaning import meaning_of

ReadBytes = Callable[[str], bytes]


@dataclass(frozen=True)
class MoveSelection:
    """The moves of all modules: sources by module, the map with the helpers that move along, findings."""

    sources: Mapping[str, SourceSelection]
    relocations: RelocationMap
    findings: tuple[Finding, ...]

    @property
    def targets(self) -> tuple[str, ...]:
        """The modules that gain something, sorted."""
        return tuple(sorted({t for s in self.sources.values() for t in s.goes.values()}))

    @property
    def moved_targets(self) -> dict[str, str]:
        """Target module -> present path, of targets that are files which move there as a whole."""
        return {
            r.new_module: r.old_path
            for r in self.relocations.relocations
            if r.old_path and not r.old_symbol and r.new_module in self.targets
        }


def select_moves(
    index: SourceIndex,
    relocations: RelocationMap,
    read: ReadBytes,
    *,
    order: Iterable[str] = (),
    dissolved: Mapping[str, str] | None = None,
    merges_identical: bool = False,
) -> MoveSelection:
    """Work out what moves with the symbols of a map.

    Args:
        index: the tree before the move; `read` gives the bytes of a path in it.
        order: source modules in the order in which they are to be merged; others follow by name.
        dissolved: source module -> where its lone statements go; such a module ends with the move.
        merges_identical: whether a definition that stands in the target already is dropped when it is the
            same there (consolidation); otherwise the target's own names block.
    """
    return _Selector(index, relocations, read, order, dissolved or {}, merges_identical).run()


class _Selector:
    def __init__(
        self,
        index: SourceIndex,
        relocations: RelocationMap,
        read: ReadBytes,
        order: Iterable[str],
        dissolved: Mapping[str, str],
        merges_identical: bool,
    ) -> None:
        self.index = index
        self.relocations = relocations
        self.read = read
        self.order = tuple(order)
        self.dissolved = dissolved
        self.merges_identical = merges_identical
        self.resolver = index.resolver
        self.clients = ModuleClients(index, self.resolver, read)
        self.findings: list[Finding] = []
        self.helpers: list[Relocation] = []
        self.target_items: dict[str, ModuleItems | None] = {}
        self.settled: set[tuple[NewName, str]] = set()
        self.inserted: dict[tuple[NewName, str], str] = {}
        self.arrivals: dict[NewName, tuple[SourceSelection, list[Item]]] = {}

    def run(self) -> MoveSelection:
        wanted: dict[str, dict[str, NewName]] = {}
        for (module, name), new in self.relocations.moved_symbols.items():
            wanted.setdefault(module, {})[name] = new
        for module in self.dissolved:
            wanted.setdefault(module, {})
        rank = {module: number for number, module in enumerate(self.order)}
        sources: dict[str, SourceSelection] = {}
        for module in sorted(wanted, key=lambda m: (rank.get(m, len(rank)), m)):
            selection = self._source(module, wanted[module])
            if selection is not None:
                self._add_rest(selection)
                self._select(selection)
                sources[module] = selection
        for selection in sources.values():
            if not self._ends_in_one_place(selection):
                # Refused: to separate a variable that is bound anew from those who read or bind it.
                self._add(separated_state(selection, self.clients))
            self._check_targets(selection, sources)
            self._check_scans(selection)
        relocations = self.relocations
        if self.helpers:
            relocations = RelocationMap(
                (*relocations.relocations, *self.helpers), allow_merges=relocations.allow_merges
            )
        return MoveSelection(sources, relocations, tuple(self.findings))

    def report(
        self, code: str, severity: str, path: str, item: Item | None, message: str, mend: str = ""
    ) -> None:
        line = item.node.lineno if item is not None else 0
        self._add([Finding(code=code, severity=severity, path=path, line=line, message=message, mend=mend)])

    def _add(self, findings: Iterable[Finding]) -> None:
        """Notes what is not noted yet."""
        self.findings += (f for f in dict.fromkeys(findings) if f not in self.findings)

    def _ends_in_one_place(self, selection: SourceSelection) -> bool:
        """Whether the whole module goes to one other."""
        goal = self.dissolved.get(selection.module)
        return goal is not None and set(selection.goes.values()) == {goal}

    # -- one source ------------------------------------------------------------------------------------------

    def _source(self, module: str, names: dict[str, NewName]) -> SourceSelection | None:
        path = self.index.modules.get(module)
        if path is None:
            self.report("SYMBOL001", "error", module, None, "there is no such module", "check its name")
            return None
        items = read_module_items(decode(self.read(path)))
        if items is None:
            problem = self.index.files[path].error or "cannot be parsed"
            self.report("SYMBOL001", "error", path, None, f"{problem}: nothing can be moved out of it")
            return None
        for name in sorted(names):
            if items.defined(name):
                continue
            if self._is_done(module, name, *names[name]):
                del names[name]
                self.report(
                    "SYMBOL020", "info", path, None, f"{name} was moved to {self._goal(module, name)} already"
                )
                continue
            origin = self.resolver.bound(module, name)
            known = ", ".join(sorted(n for n in items.by_name if items.defined(n))[:8])
            if name in items.by_name and (origin is None or (origin.module, origin.name) == (module, name)):
                self.report(
                    "SYMBOL001",
                    "error",
                    path,
                    items.by_name[name][0],
                    f"{name} is bound among imports, which stay where they are",
                    "import it in the other module in the same way",
                )
                continue
            message = f"{name} is not defined at module level in {module}"
            mend = f"it is imported from {origin}: move it there" if origin else f"it defines {known}"
            self.report("SYMBOL001", "error", path, None, message, mend)
        for stub in [s for m, s in self.index.stubs.items() if m == module]:
            self.report("SYMBOL008", "warning", stub, None, f"the stub of {module} is not changed", "edit it")
        return SourceSelection(module, path, items, dict(names))

    def _add_rest(self, selection: SourceSelection) -> None:
        """Of a module that ends, every name goes where the module goes unless the map says otherwise."""
        end = self.dissolved.get(selection.module)
        if end is not None:
            for name in selection.items.by_name:
                if selection.items.defined(name) and name != "__all__":
                    selection.names.setdefault(name, (end, name))

    def _is_done(self, module: str, name: str, target: str, new: str) -> bool:
        """Whether the name stands in its target, and in the source at most as an import from there."""
        there = self._items_of(target)
        if there is None or not there.defined(new):
            return False
        bound = self.resolver.bound(module, name)
        return bound is None or (bound.module, bound.name) == (target, new)

    def _goal(self, module: str, name: str) -> str:
        return ":".join(self.relocations.moved_symbols[module, name])

    def _select(self, selection: SourceSelection) -> None:
        """Close the set of moving items over groups and private helpers."""
        while True:
            moving = self._grouped(selection)
            if not self._add_helpers(selection, moving):
                break
        for item, target in moving.items():
            selection.goes[selection.ordinal(item)] = target
        end = self.dissolved.get(selection.module)
        if end is not None:
            for number in range(len(selection.items.movable)):
                selection.goes.setdefault(number, end)
            self._merge_statements(selection, end)
        self._add(changed_effects(selection))

    def _merge_statements(self, selection: SourceSelection, target: str) -> None:
        """Drop lone statements that the target runs already, when definitions are dropped, too."""
        there = self._items_of(target) if self.merges_identical else None
        if there is None:
            return
        known = {meaning_of(n) for i in there.movable if not i.binds for n in i.nodes}
        for number, item in enumerate(selection.items.movable):
            if not item.binds and all(meaning_of(n) in known for n in item.nodes):
                selection.merged.add(number)

    def _grouped(self, selection: SourceSelection) -> dict[Item, str]:
        items, names = selection.items, selection.names
        moving: dict[Item, str] = {}
        for name, (target, _) in sorted(names.items()):
            for item in items.by_name.get(name, ()):
                if item.is_import and selection.module in self.dissolved:
                    continue
                if item.is_import:
                    others = "an import binds it, too"
                    self.report(
                        "SYMBOL002",
                        "error",
                        selection.path,
                        item,
                        f"{name} cannot move: {others}",
                        "make the import and the definition one statement",
                    )
                    continue
                other = moving.get(item)
                if other is not None and other != target:
                    self.report(
                        "SYMBOL002",
                        "error",
                        selection.path,
                        item,
                        f"{name} and another name of the same statement would go to two modules",
                        "give both the same target",
                    )
                moving[item] = target
        if selection.module in self.dissolved:
            return moving
        for item in items.movable:
            if item.mutates in names and item not in moving and not item.binds - {"_", item.mutates}:
                moving[item] = names[item.mutates][0]
            elif item.mutates in names and item.kind is ItemKind.DEFINITION and item not in moving:
                # Registered variants with names of their own come along, with their names.
                target = names[item.mutates][0]
                for bound in sorted(item.binds):
                    self._move_along(selection, bound, target, item, f"is registered with {item.mutates}")
                moving[item] = target
        for item, target in sorted(moving.items(), key=lambda pair: pair[0].number):
            stranded = sorted(n for n in item.binds if n not in names and n != "_")
            if stranded:
                self.report(
                    "SYMBOL002",
                    "error",
                    selection.path,
                    item,
                    f"the statement that defines {', '.join(sorted(item.binds & names.keys()))} also "
                    f"defines {', '.join(stranded)}",
                    f"move {', '.join(stranded)} to {target}, too, or split the statement",
                )
        return moving

    def _move_along(self, selection: SourceSelection, name: str, target: str, item: Item, why: str) -> None:
        selection.names[name] = (target, name)
        self.helpers.append(Relocation(selection.module, target, name, name))
        self.report("SYMBOL005", "info", selection.path, item, f"{name} moves along to {target}: it {why}")

    def _add_helpers(self, selection: SourceSelection, moving: dict[Item, str]) -> bool:
        """Let helpers that only moving items use move along; whether there were any."""
        items, added = selection.items, False
        if selection.module in self.dissolved:
            return False
        users: dict[str, list[Item]] = {}
        for item in items.items:
            for name in item.names_used | item.rebinds:
                users.setdefault(name, []).append(item)
        for item in items.movable:
            if item in moving or item.kind is not ItemKind.DEFINITION or len(item.binds) != 1:
                continue
            (name,) = item.binds
            if name.startswith("__") or not items.defined(name):
                continue
            own = set(items.by_name[name])
            outside = [i for i in users.get(name, ()) if i not in own]
            if not outside or any(i not in moving for i in outside):
                continue
            if item.mutates and item.mutates not in item.binds:
                continue
            goals = {moving[i] for i in outside}
            if len(goals) != 1 or any(i.is_import or i.kind is not ItemKind.DEFINITION for i in own):
                continue
            if self._is_listed(selection, name) or self.clients.is_reached(selection.module, name):
                continue
            self._move_along(selection, name, goals.pop(), item, "is used by nothing else")
            added = True
            break
        return added

    def _is_listed(self, selection: SourceSelection, name: str) -> bool:
        record = self.index.files[selection.path]
        return name in (record.exports or ()) or record.exports_dynamic

    # -- targets ---------------------------------------------------------------------------------------------

    def _check_targets(self, selection: SourceSelection, sources: Mapping[str, SourceSelection]) -> None:
        for name, (target, new) in sorted(selection.names.items()):
            own = selection.items.by_name.get(name, [])
            item = own[0] if own else None
            if target == selection.module:
                continue
            if self._meets_arrival(selection, name, (target, new), own):
                continue
            there = self._items_of(target)
            leaving = sources[target].names if target in sources else {}
            if there is None or new in leaving:
                continue
            for other in there.by_name.get(new, ()):
                if other.is_import:
                    bound = self.resolver.bound(target, new)
                    if bound is not None and (bound.module, bound.name) == (selection.module, name):
                        continue
                elif (
                    self.merges_identical and item is not None and _is_same(selection.items, own, there, new)
                ):
                    selection.merged.update(selection.ordinal(i) for i in own)
                    continue
                elif self._meets_class(selection, (target, new), own, there):
                    continue
                self.report(
                    "SYMBOL004",
                    "error",
                    selection.path,
                    item,
                    f"{target} has a {new} of its own (line {other.node.lineno})",
                    f"give it another name: {selection.module}:{name} -> {target}:OTHER_NAME",
                )
                break
            else:
                uses = [i for i in there.items if new in i.names_used]
                if uses and new not in there.by_name and not selection.merged:
                    self.report(
                        "SYMBOL004",
                        "error",
                        selection.path,
                        item,
                        f"{target} uses another {new} (line {uses[0].node.lineno}), a built-in or one of a "
                        "star import, which this one would hide",
                        f"give it another name: {selection.module}:{name} -> {target}:OTHER_NAME",
                    )

    def _meets_class(
        self, selection: SourceSelection, place: NewName, own: list[Item], there: ModuleItems
    ) -> bool:
        """Whether the class that stands in the target is the same but for methods; they are noted."""
        others = there.by_name[place[1]]
        if not self.merges_identical or len(own) != 1 or len(others) != 1:
            return False
        more = extra_methods(others[0].node, own[0].node)
        if more is None:
            return False
        wanted = []
        for name in more:
            text = ast.dump(method_item(selection.items, own[0], name).node)
            known = self.inserted.setdefault((place, name), text)
            if known != text:
                # Another copy brings another method of that name.
                return False
            if (place, name) not in self.settled:
                wanted.append(name)
                self.settled.add((place, name))
        ordinal = selection.ordinal(own[0])
        selection.merged.add(ordinal)
        selection.inside[ordinal] = tuple(wanted)
        return True

    def _meets_arrival(self, selection: SourceSelection, name: str, place: NewName, own: list[Item]) -> bool:
        """Whether another module brings the same name there: the same definition counts once."""
        first = self.arrivals.setdefault(place, (selection, own))
        if first[0] is selection:
            return False
        if own and _is_same(selection.items, own, first[0].items, first[0].names_to(place)):
            selection.merged.update(selection.ordinal(i) for i in own)
            return True
        there = self._items_of(place[0])
        if (
            there is not None
            and place[1] in there.by_name
            and self._meets_class(selection, place, own, there)
        ):
            return True
        self.report(
            "SYMBOL004",
            "error",
            selection.path,
            own[0] if own else None,
            f"{name} and the {place[1]} of {first[0].module} (line {first[1][0].node.lineno}) would both "
            f"become {place[1]} of {place[0]}",
            "rename one of them first, or send them to different modules",
        )
        return True

    def _check_scans(self, selection: SourceSelection) -> None:
        module, items, names = selection.module, selection.items, selection.names
        if module not in self.dissolved:
            self.findings += leaving_findings(selection.path, module, items, names)
        self.findings += foreign_findings(self.clients, module, names)
        for target in sorted({target for target, _ in names.values()}):
            there = self._items_of(target)
            new = [name for goal, name in names.values() if goal == target]
            if there is not None:
                path = self.index.modules.get(target) or self._path_before(target) or ""
                self.findings += arriving_findings(path, target, there, new)

    def _path_before(self, module: str) -> str | None:
        """The present path of the file that becomes `module`."""
        for entry in self.relocations.relocations:
            if entry.new_module == module and entry.old_path and not entry.old_symbol:
                return entry.old_path
        return None

    def _items_of(self, module: str) -> ModuleItems | None:
        if module not in self.target_items:
            path = self.index.modules.get(module) or self._path_before(module)
            content = None if path is None else self.read(path)
            self.target_items[module] = None if content is None else read_module_items(decode(content))
        return self.target_items[module]


def _is_same(items: ModuleItems, own: list[Item], there: ModuleItems, name: str) -> bool:
    """Whether the definitions in two modules are the same statements."""
    others = there.by_name.get(name, [])
    return [meaning_of(n) for i in own for n in i.nodes] == [meaning_of(n) for i in others for n in i.nodes]
