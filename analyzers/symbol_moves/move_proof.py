"""The proof for the files between which definitions move: every name in them means what it meant.

Statements are matched by the names that they bind; in each, the module-level names and attribute chains that
it looks up are compared one by one, through the indexes of both trees and modulo the relocation map. Other
files are the business of `analyzers.binding_equivalence`.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from analyzers.certificate import Difference
from analyzers.import_index import SourceIndex
from analyzers.name_resolution import Kind, NameResolver, Target
from analyzers.relocation_map import RelocationMap
from analyzers.source import decode
from analyzers.symbol_moves.class_extras import paired_uses
from analyzers.symbol_moves.imported_names import imports_of
from analyzers.symbol_moves.module_items import (
    Item,
    ItemKind,
    ItemUse,
    ModuleItems,
    UseKind,
    read_module_items,
)
from analyzers.symbol_moves.move_selection import MoveSelection
from analyzers.symbol_moves.statement_meaning import meaning_of

ReadBytes = Callable[[str], bytes]


@dataclass
class MoveProof:
    """`equal` counts the names that were found to mean the same; `unprovable` and `differing` name others."""

    equal: int = 0
    unprovable: list[Difference] = field(default_factory=list)
    differing: list[Difference] = field(default_factory=list)


def prove_moves(
    selection: MoveSelection,
    before: SourceIndex,
    after: SourceIndex,
    relocations: RelocationMap,
    read_before: ReadBytes,
    read_after: ReadBytes,
    *,
    ended: frozenset[str] = frozenset(),
    forwards: bool = False,
) -> MoveProof:
    """Compare the sources and targets of a selection in both trees.

    Args:
        ended: modules that are gone afterwards, or only forward.
        forwards: whether modules got a `__getattr__` that forwards the names which left.
    """
    prover = _Prover(selection, before, after, relocations, read_before, read_after)
    prover.ended, prover.forwards = ended, forwards
    return prover.run()


class _Prover:
    def __init__(
        self,
        selection: MoveSelection,
        before: SourceIndex,
        after: SourceIndex,
        relocations: RelocationMap,
        read_before: ReadBytes,
        read_after: ReadBytes,
    ) -> None:
        self.selection = selection
        self.before = before
        self.after = after
        self.relocations = relocations
        self.old = before.resolver
        self.new = after.resolver
        self.read_before = read_before
        self.read_after = read_after
        self.proof = MoveProof()
        self.ended: frozenset[str] = frozenset()
        self.forwards = False

    def run(self) -> MoveProof:
        moved = {self._module_at(path) for path in self.selection.moved_targets.values()}
        modules = sorted({*self.selection.sources, *self.selection.targets} | moved)
        old_items = {m: self._items(m, self.before, self.read_before) for m in modules}
        new_items = {m: self._items(m, self.after, self.read_after) for m in modules}
        pools: dict[str, list[Item]] = {m: list(i.movable) for m, i in new_items.items() if i is not None}
        for module in modules:
            items = old_items[module]
            if items is None:
                continue
            selected = self.selection.sources.get(module)
            for number, item in enumerate(items.movable):
                stays = self.relocations.module(module) or module if selected is None else module
                goal = selected.goes.get(number, stays) if selected is not None else stays
                there = new_items.get(goal)
                if there is None:
                    self._differ(module, item.node.lineno, goal, "the module is gone or does not parse")
                    continue
                is_merged = selected is not None and number in selected.merged
                twin = self._twin(module, item, pools[goal] if not is_merged else list(there.movable))
                if twin is None:
                    names = ", ".join(sorted(item.binds)) or "a statement"
                    self._differ(module, item.node.lineno, names, f"is not found in {goal}")
                    continue
                if not is_merged:
                    pools[goal].remove(twin)
                self._compare(module, items, item, goal, there, twin, is_merged=is_merged)
            if selected is None:
                goal = self.relocations.module(module) or module
                self._compare_bindings(module, items, goal, new_items.get(goal))
            elif new_items[module] is not None and module not in self.ended:
                self._compare_bindings(module, items, module, new_items[module])
        for module, rest in pools.items():
            for item in rest:
                names = ", ".join(sorted(item.binds)) or "a statement"
                if self._is_ours(item) or module in self.ended:
                    continue
                self._differ(module, item.node.lineno, names, "appeared from nowhere")
        return self.proof

    def _module_at(self, path: str) -> str:
        name = self.before.module_at(path)
        assert name is not None
        return name.name

    def _is_ours(self, item: Item) -> bool:
        if self.forwards and item.binds == {"__getattr__"}:
            return True
        return item.kind is ItemKind.STATEMENT and isinstance(item.node, ast.Pass)

    def _items(self, module: str, index: SourceIndex, read: ReadBytes) -> ModuleItems | None:
        path = index.modules.get(module)
        return None if path is None else read_module_items(decode(read(path)))

    def _differ(
        self, module: str, line: int, name: str, reason: str, before: str = "", after: str = ""
    ) -> None:
        path = self.before.modules.get(module) or self.after.modules.get(module) or module
        self.proof.differing.append(Difference(path, line, name, before, after, reason))

    def _twin(self, module: str, item: Item, pool: Iterable[Item]) -> Item | None:
        selected = self.selection.sources.get(module)
        names = selected.names if selected is not None else {}
        wanted = {names.get(n, ("", n))[1] for n in item.binds}
        fitting = [i for i in pool if i.binds == wanted and type(i.node) is type(item.node)]
        same = [i for i in fitting if len(i.uses) == len(item.uses)]
        exact = [i for i in same if ast.dump(i.node) == ast.dump(item.node)]
        return next(iter(exact or same or fitting), None)

    # -- uses ------------------------------------------------------------------------------------------------

    def _compare(
        self,
        module: str,
        items: ModuleItems,
        item: Item,
        goal: str,
        there: ModuleItems,
        twin: Item,
        *,
        is_merged: bool,
    ) -> None:
        pairs = self._pairs(goal, item, twin)
        if pairs is None:
            self._differ(module, item.node.lineno, ", ".join(sorted(item.binds)), "has other uses of names")
            return
        for old, new in pairs:
            before, old_rest = self._meaning(self.old, module, old)
            after, new_rest = self._meaning(self.new, goal, new)
            if is_merged and old_rest == new_rest and self._is_twin(before, after):
                self.proof.equal += 1
                continue
            if is_merged and before is None and old.kind is UseKind.TYPING:
                # An annotation of the copy that named nothing, and that no run of the program reads.
                self.proof.equal += 1
                continue
            self._judge(module, items, old, goal, there, new, (before, old_rest), (after, new_rest))

    def _pairs(self, goal: str, item: Item, twin: Item) -> list[tuple[ItemUse, ItemUse]] | None:
        """The uses of a statement beside those of its twin; None when they do not correspond."""
        joined = {
            (selected.goes[number], name)
            for selected in self.selection.sources.values()
            for number in selected.inside
            for name in (selected.names[n][1] for n in selected.items.movable[number].binds)
        }
        if any((goal, name) in joined for name in twin.binds):
            return paired_uses(item, twin)
        if len(item.uses) != len(twin.uses):
            return None
        return list(zip(item.uses, twin.uses, strict=True))

    def _is_twin(self, before: Target | None, after: Target | None) -> bool:
        """Whether two symbols of different modules are the same function, class or constant.

        Only asked for what a definition uses that was dropped in favour of its copy. Variables that could be
        changed in place never count as the same.
        """
        if before is None or after is None or Kind.SYMBOL not in (before.kind, after.kind):
            return False
        if before.kind is not after.kind:
            return False
        first = self._items(before.module, self.before, self.read_before)
        second = self._items(after.module, self.after, self.read_after)
        if first is None or second is None:
            return False
        own, others = first.by_name.get(before.name, ()), second.by_name.get(after.name, ())
        nodes = [n for i in own for n in i.nodes]
        if not nodes or not all(_is_immutable(n) for n in nodes):
            return False
        return [meaning_of(n) for n in nodes] == [meaning_of(n) for i in others for n in i.nodes]

    def _judge(
        self,
        module: str,
        items: ModuleItems,
        old: ItemUse,
        goal: str,
        there: ModuleItems,
        new: ItemUse,
        before: tuple[Target | None, tuple[str, ...]],
        after: tuple[Target | None, tuple[str, ...]],
    ) -> None:
        line, name = old.use.node.lineno, _written(old)
        if before[0] is None or after[0] is None:
            if before[0] is after[0] and old.name == new.name:
                self.proof.equal += 1
            else:
                self._differ(
                    module, line, name, "means another thing afterwards", str(before[0]), str(after[0])
                )
            return
        wanted = self._mapped(before[0])
        if Kind.UNKNOWN in (wanted.kind, after[0].kind):
            path = self.before.modules.get(module, module)
            self.proof.unprovable.append(
                Difference(path, line, name, str(wanted), str(after[0]), "the namespace is computed")
            )
        elif (wanted, before[1]) == after or self._is_copied(
            items, old.name, there, new.name, before[0], module
        ):
            if self._is_unguarded(there, goal, new) or not self._is_unguarded(items, module, old):
                self.proof.equal += 1
            else:
                self._differ(module, line, name, "is only bound for type checkers afterwards")
        else:
            self._differ(module, line, name, "means another thing afterwards", str(wanted), str(after[0]))

    def _is_copied(
        self, items: ModuleItems, name: str, there: ModuleItems, new: str, before: Target, module: str
    ) -> bool:
        """Whether a whole block of imports that binds the name was carried along."""
        if (before.module, before.name) != (module, name) or name != new:
            return False
        own = [i for i in items.by_name.get(name, ()) if i.kind is ItemKind.IMPORT_BLOCK]
        others = [i for i in there.by_name.get(name, ()) if i.kind is ItemKind.IMPORT_BLOCK]
        return bool(own) and bool(others) and len(own) == len(others)

    def _is_unguarded(self, items: ModuleItems, module: str, use: ItemUse) -> bool:
        if use.kind is UseKind.TYPING:
            return True
        owners = items.by_name.get(use.name, ())
        return not owners or any(not i.is_typing_block for i in owners)

    def _meaning(
        self, resolver: NameResolver, module: str, use: ItemUse
    ) -> tuple[Target | None, tuple[str, ...]]:
        target = resolver.bound(module, use.name)
        rest = [a.attr for a in use.use.chain]
        while target is not None and target.kind is Kind.MODULE and rest:
            found = resolver.attribute(target.module, rest[0])
            if found is None:
                break
            target = found
            rest.pop(0)
        return target, tuple(rest)

    def _mapped(self, target: Target) -> Target:
        if target.kind is Kind.MODULE:
            return Target(Kind.MODULE, self.relocations.module(target.module) or target.module)
        if target.kind is Kind.SYMBOL:
            module, name = self.relocations.symbol(target.module, target.name) or (target.module, target.name)
            return Target(Kind.SYMBOL, module, name)
        return target

    # -- what others can take --------------------------------------------------------------------------------

    def _compare_bindings(
        self, module: str, items: ModuleItems, goal: str, there: ModuleItems | None
    ) -> None:
        """Imported names that nothing used are still bound; `__all__` has lost only what moved."""
        old_path, new_path = self.before.modules.get(module), self.after.modules.get(goal)
        if there is None or old_path is None or new_path is None:
            return
        selected = self.selection.sources.get(module)
        gone = {items.movable[n].number for n in selected.goes} if selected is not None else set()
        taken = {n for i in items.items if i.number in gone for n in i.names_used}
        ended = [i for i in items.items if i.is_typing_block and not i.binds & there.by_name.keys()]
        taken |= {n for i in ended for n in i.names_used}
        client = self.before.module_at(old_path)
        assert client is not None
        for name, imported in imports_of(items, client, self.old).items():
            arrives = (
                self.relocations.new_to_old_symbol(module, name)
                if not self.relocations.allow_merges
                else None
            )
            if name in there.by_name or name in taken or (arrives and arrives != (module, name)):
                continue
            if all(n.base is None and not n.asname for n in imported):
                continue
            self._differ(module, 0, name, "is not bound afterwards")
        moved = {n for m, n in self.relocations.moved_symbols if m == module}
        before, after = self.before.files[old_path], self.after.files[new_path]
        for name in before.exports or ():
            if name not in moved and name not in (after.exports or ()):
                self._differ(module, 0, name, "is not listed in __all__ afterwards")
        for name in after.exports or ():
            if self.new.attribute(goal, name) is None and self.old.attribute(module, name) is not None:
                self._differ(module, 0, name, "is listed in __all__ and not there")


def _is_immutable(node: ast.stmt) -> bool:
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return True
    value = node.value if isinstance(node, (ast.Assign, ast.AnnAssign)) else None
    if isinstance(value, ast.Call):
        return getattr(value.func, "id", "") == "frozenset"
    return value is not None and all(
        isinstance(p, (ast.Constant, ast.Tuple, ast.UnaryOp, ast.BinOp, ast.operator, ast.unaryop, ast.Load))
        for p in ast.walk(value)
    )


def _written(use: ItemUse) -> str:
    return ".".join((use.name, *(a.attr for a in use.use.chain)))
