"""What moved code needs in its new module: each name that it looks up, made to mean there what it meant.

Codes: SYMBOL009 W a changed evaluation of annotations; SYMBOL010 E a name means another thing in the target;
SYMBOL012 E a name cannot be changed in the text; SYMBOL019 E two modules would import each other.

Source: the import-rewriting cases 35, 36, 41 and 42.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Mapping
from dataclasses import dataclass, replace

from analyzers.name_resolution import Kind
from analyzers.symbol_moves.imported_names import ImportedAs, imports_of, typing_imports_of
from analyzers.symbol_moves.module_items import Item, ItemKind, ItemUse, ModuleItems, UseKind
from analyzers.symbol_moves.move_context import MoveContext, PlainMove, Target
from analyzers.symbol_moves.moved_blocks import MovedBlock, UnwritableNameError
from analyzers.symbol_moves.source_selection import SourceSelection

_BUILTINS = frozenset(dir(builtins))
_MODULE_NAMES = frozenset({"__name__", "__file__", "__path__", "__package__", "__spec__", "__doc__"})


def settle_needs(context: MoveContext, target: Target) -> None:
    """Fill `needs`, `copies` and `future` of a target, and edit its blocks where a name must change."""
    _Settler(context).settle(target)


def keep_imports(context: MoveContext, module: str, targets: Mapping[str, Target]) -> None:
    """Let the imports of a module that ends live on where its statements go, if they are needed for more.

    These are the ones that nothing in the module uses (they load something, or show a name to others) and
    those whose names other files take from here.
    """
    selected, items = context.sources[module]
    goal = next(iter(sorted(set(selected.goes.values()), key=list(selected.goes.values()).count)), "")
    target = targets.get(goal)
    if target is None:
        return
    settler = _Settler(context)
    used = {n for item in items.items for n in item.names_used}
    own = {target.module, module, *context.dissolved}
    for local, imported in imports_of(items, context.client(selected.path), context.resolver).items():
        is_reached = context.clients.is_reached(module, local)
        if local in used and not is_reached:
            continue
        for new in imported:
            if new.block or new.base in own or new.module in own:
                continue
            verdict = settler.available(target, new)
            if verdict == "clash":
                context.report(
                    "SYMBOL010",
                    "error" if is_reached else "warning",
                    selected.path,
                    0,
                    f"imports {local}, which means another thing in {target.module}",
                    "rename one of them first",
                )
            elif verdict == "absent":
                target.needs.setdefault(_key(new), (new, UseKind.EAGER))
    for item in items.items:
        if _is_star(item) and (items, item) not in target.copies:
            bases = [n.module for n in item.nodes if isinstance(n, ast.ImportFrom)]
            if not own.intersection(b for b in bases if b):
                target.copies.append((items, item))


@dataclass
class _Settler:
    context: MoveContext

    def settle(self, target: Target) -> None:
        """Find what the blocks need in their target, and change their texts accordingly."""
        inside = [block for block, _ in target.inside]
        for block in (*target.blocks, *inside):
            selected, items = self.context.sources[block.module]
            client = self.context.index.module_at(selected.path)
            assert client is not None
            known = imports_of(items, client, self.context.resolver)
            known = {**typing_imports_of(items, client, self.context.resolver), **known}
            try:
                self._rename_bindings(block, selected)
                for use in block.item.uses:
                    self._need(target, block, selected, items, known, use)
            except UnwritableNameError as error:
                self.context.report(
                    "SYMBOL012",
                    "error",
                    selected.path,
                    error.line,
                    f"{error.name} must be written in another way but stands where that cannot be done",
                    "write the name in one piece",
                )
            self._check_annotations(target, block, items)
            if block not in inside:
                self._record_plain(target, block, selected)
        self._check_captured(target)
        self._check_cycles(target)

    def _rename_bindings(self, block: MovedBlock, selected: SourceSelection) -> None:
        for name in sorted(block.item.binds):
            new = selected.names.get(name, ("", name))[1]
            if new != name:
                block.rename_binding(name, new)

    def _need(
        self,
        target: Target,
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
            if selected.module in self.context.dissolved:
                return
            self._import(target, block, ImportedAs(name, selected.module, name, None), use)
            return
        origin = self.context.resolver.bound(selected.module, name)
        if origin is not None and origin.kind is Kind.SYMBOL and origin.module != selected.module:
            module, new = self.context.selection.relocations.symbol(origin.module, origin.name) or (
                origin.module,
                origin.name,
            )
            if module != target.module:
                self._import(target, block, ImportedAs(name, module, new, name if new != name else None), use)
        elif origin is not None and origin.kind is Kind.MODULE:
            module = self.context.selection.relocations.module(origin.module) or origin.module
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
        self, target: Target, block: MovedBlock, items: ModuleItems, new: ImportedAs, use: ItemUse
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

    def _copy(self, target: Target, items: ModuleItems, name: str, new: ImportedAs) -> None:
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
                self.context.report(
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
            client = self.context.index.module_at(
                next(s.path for s, i in self.context.sources.values() if i is items)
            )
            assert client is not None
            known = imports_of(items, client, self.context.resolver)
            for inner in item.uses:
                for found in known.get(inner.name, ()):
                    if not found.block and found.local not in target.items.by_name:
                        target.needs.setdefault(found.local, (found, UseKind.EAGER))

    def _import(self, target: Target, block: MovedBlock, new: ImportedAs, use: ItemUse) -> None:
        """Make `new` available in the target, under another name where that one is taken."""
        guarded = new.guarded
        if use.kind is UseKind.TYPING and new.base in self.context.sources:
            # For type checkers alone: no reason to load the module that the code came from.
            guarded = True
        new = replace(new, guarded=guarded)
        local = new.local
        verdict = self.available(target, new)
        if verdict == "clash":
            leaf = (new.base or new.name).rpartition(".")[2]
            alias = f"{leaf}_{new.local.strip('_')}"
            aliased = replace(new, local=alias, asname=alias)
            if new.base is None and "." in new.name and new.asname is None:
                raise UnwritableNameError(new.name, use.use.node.lineno)
            if self.available(target, aliased) == "clash":
                self.context.report(
                    "SYMBOL010",
                    "error",
                    target.path,
                    0,
                    f"{local} means another thing here than in the moved code",
                    "rename one of them first",
                )
                return
            block.rename_use(use, self._free(use, block, alias))
            new, verdict = aliased, self.available(target, aliased)
        if verdict == "present":
            target.relied_on.add(new.local)
            return
        before = target.needs.get(_key(new))
        if before is not None:
            new = replace(
                new,
                guarded=new.guarded and before[0].guarded,
                late=new.late and before[0].late,
            )
        if use.kind is UseKind.EAGER:
            new = replace(new, late=False)
        kind = max(use.kind, before[1]) if before is not None else use.kind
        target.needs[_key(new)] = new, kind

    def available(self, target: Target, new: ImportedAs) -> str:
        """`present`, `absent` or `clash`: what the target makes of the name."""
        arriving = self.context.arriving(target)
        if new.local in arriving:
            return "clash"
        other = next((n for n, _ in target.needs.values() if n.local == new.local), None)
        if other is not None and not self._is_same(other, new):
            return "clash"
        bound = imports_of(target.items, target.name, self.context.resolver).get(new.local, [])
        owners = target.items.by_name.get(new.local, ())
        typed = typing_imports_of(target.items, target.name, self.context.resolver).get(new.local, [])
        if typed and new.guarded and all(self._is_same(t, new) for t in typed):
            return "present"
        if any(not o.is_import for o in owners):
            return self._after_leaving(target, new)
        if bound:
            if not all(self._is_same(b, new) for b in bound):
                return "clash"
            usable = [b for b in bound if not b.guarded or new.guarded]
            wanted = [b for b in usable if new.base is not None or new.asname or b.name == new.name]
            return "present" if wanted else "absent"
        star = self.context.resolver.bound(target.module, new.local) if not target.is_new else None
        if star is not None and star.kind is not Kind.UNKNOWN:
            mine = self._target_of(new)
            return "present" if mine == star else "clash"
        used = any(new.local in item.names_used for item in target.items.items)
        return "clash" if used and not owners else "absent"

    def _after_leaving(self, target: Target, new: ImportedAs) -> str:
        """What the target makes of a name that it defines: the same name, when just that left it."""
        source = self.context.sources.get(target.module)
        if source is None or source[0].names.get(new.local) != (new.base, new.name):
            return "clash"
        selected, items = source
        gone = {items.movable[n].number for n in selected.goes}
        if any(not o.is_import and o.number not in gone for o in items.by_name.get(new.local, ())):
            return "clash"
        staying = (i for i in items.items if i.number not in gone)
        kinds = [u.kind for i in staying for u in i.uses if u.name == new.local]
        # The target imports back what it still uses.
        return "present" if kinds and (new.guarded or max(kinds) is not UseKind.TYPING) else "absent"

    def _is_same(self, a: ImportedAs, b: ImportedAs) -> bool:
        if a.base is None and b.base is None and not a.asname and not b.asname:
            return a.name.partition(".")[0] == b.name.partition(".")[0]
        if a.module == b.module and (a.base is None or b.base is None or a.origin == b.origin):
            return True
        first, second = self._target_of(a), self._target_of(b)
        return first is not None and first == second

    def _target_of(self, new: ImportedAs) -> object:
        if new.base is None or not self.context.resolver.is_own(new.base):
            return None
        found = self.context.resolver.attribute(new.base, new.name)
        return None if found is None or found.kind is Kind.UNKNOWN else found

    def _check_captured(self, target: Target) -> None:
        """Report built-in names of the moved code that mean something else in the target."""
        for block in target.blocks:
            selected, items = self.context.sources[block.module]
            for use in block.item.uses:
                if use.name in items.by_name or use.name in selected.names or use.name not in _BUILTINS:
                    continue
                if self.context.resolver.is_bound(selected.module, use.name):
                    continue
                if use.name in target.items.by_name or self.context.resolver.is_bound(
                    target.module, use.name
                ):
                    self.context.report(
                        "SYMBOL010",
                        "error",
                        selected.path,
                        use.use.node.lineno,
                        f"{use.name} is the built-in one here and another one in {target.module}",
                        "rename the one of the target first",
                    )

    def _check_annotations(self, target: Target, block: MovedBlock, items: ModuleItems) -> None:
        annotated = any(_annotations(n) for n in block.item.nodes)
        there = target.items.has_future_annotations
        if not annotated or items.has_future_annotations == there:
            return
        selected = self.context.sources[block.module][0]
        line = block.item.node.lineno
        if items.has_future_annotations and not target.future:
            target.future = True
            if any(_annotations(i.node) for i in target.items.movable):
                self.context.report(
                    "SYMBOL009",
                    "warning",
                    target.path,
                    1,
                    "gets `from __future__ import annotations`, which the moved code relies on: annotations "
                    "here are no longer evaluated",
                    "check code that reads annotations at run time",
                )
        elif there:
            self.context.report(
                "SYMBOL009",
                "warning",
                selected.path,
                line,
                f"annotations of {', '.join(sorted(block.item.binds))} are not evaluated in {target.module}",
                "check code that reads annotations at run time",
            )

    def _record_plain(self, target: Target, block: MovedBlock, selected: SourceSelection) -> None:
        item = block.item
        if len(item.nodes) != 1 or len(item.binds) != 1 or block.edits:
            return
        (name,) = item.binds
        plain = isinstance(item.node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Assign))
        if plain and len(block.items.by_name[name]) == 1:
            text = block.text(block.items.source.newline)
            self.context.moves.append(PlainMove(selected.path, target.path, name, item.node.lineno, text))

    def _check_cycles(self, target: Target) -> None:
        """Refuse an import back that makes source and target import each other."""
        needs = [n for n, _ in target.needs.values() if not n.guarded]
        for module, (selected, items) in self.context.sources.items():
            if module == target.module or module in self.context.dissolved:
                continue
            back = sorted({n.name for n in needs if module in (n.base, n.module)})
            left = [items.movable[n] for n in range(len(items.movable)) if n not in selected.goes]
            used = sorted(
                {
                    u.name
                    for i in left
                    for u in i.uses
                    if u.kind is not UseKind.TYPING
                    and selected.names.get(u.name, ("", ""))[0] == target.module
                }
            )
            resolver = self.context.resolver
            there = resolver.loads(module, target.module, at_run_time=True)
            loads = bool(used) or there
            loaded = bool(back) or self._imports(target, module)
            both = there and resolver.loads(target.module, module, at_run_time=True)
            if loads and loaded and not both and (back or used):
                what = f"what moves needs {', '.join(back)} of {module}" if back else f"it imports {module}"
                why = f"{module} needs {', '.join(used)}" if used else f"{module} imports {target.module}"
                self.context.report(
                    "SYMBOL019",
                    "error",
                    selected.path,
                    0,
                    f"{module} and {target.module} would import each other: {what}, and {why}",
                    f"move {', '.join(back)} along, move both to a third module, or accept it with --allow "
                    "SYMBOL019"
                    if back
                    else f"move {', '.join(used)} elsewhere, or use --allow SYMBOL019",
                )

    def _imports(self, target: Target, module: str) -> bool:
        known = imports_of(target.items, target.name, self.context.resolver)
        return any(
            module in (n.base, n.module) and not n.guarded for imported in known.values() for n in imported
        )


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
