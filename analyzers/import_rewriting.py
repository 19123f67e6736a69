"""Plan what must change in one file when modules or symbols move: import statements and dotted uses.

The plan is made from the tree as it was before the move, so that it is the same whether the files have been
moved yet or not. It names import statements by their ordinal and dotted uses by character spans; how a
statement is edited is the codemods' concern. Source: the import-rewriting cases 1 to 39, 54, 55 and 58.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from analyzers.import_spelling import spell_base
from analyzers.layout import ModuleName
from analyzers.model import Finding
from analyzers.name_resolution import Kind, NameResolver
from analyzers.relocation_map import RelocationMap
from analyzers.scopes import (
    FileScope,
    FileScopes,
    ImportBinding,
    ImportStatement,
    NameUse,
    read_scopes,
)
from analyzers.text_positions import TextPositions

_BUILTIN_NAMES = frozenset(dir(builtins))


@dataclass(frozen=True, slots=True)
class NewImport:
    """One alias after the rewriting.

    `base` is None for a plain `import name`, else the text between `from` and `import`, dots included.
    `alias_index` is the alias of the old statement that it replaces (comments stay with it), or None.
    """

    base: str | None
    name: str
    asname: str | None = None
    alias_index: int | None = None


@dataclass(frozen=True, slots=True)
class ImportChange:
    """What becomes of one import statement: its aliases in order; empty means that the statement goes."""

    ordinal: int
    line: int
    imports: tuple[NewImport, ...]


@dataclass(frozen=True, slots=True)
class TextEdit:
    """Replace the characters `start` to `end` (0-based, end excluded) of the decoded text."""

    start: int
    end: int
    text: str
    line: int


@dataclass(frozen=True)
class ImportPlan:
    """The changes of one file; a finding of severity `error` means that it cannot be changed safely."""

    import_changes: tuple[ImportChange, ...] = ()
    text_edits: tuple[TextEdit, ...] = ()
    findings: tuple[Finding, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.import_changes or self.text_edits)


def plan_imports(
    path: str,
    text: str,
    tree: ast.Module,
    *,
    before: ModuleName,
    after: ModuleName,
    resolver: NameResolver,
    relocations: RelocationMap,
) -> ImportPlan:
    """The changes that `relocations` ask for in one file.

    Args:
        path: for findings; POSIX, relative to the repository root.
        text: the decoded source that `tree` was parsed from.
        before: the file's module name when its text was written, `after` when the move is done.
        resolver: over the tree before the move.
    """
    try:
        scopes = read_scopes(tree)
    except RecursionError:
        finding = Finding(
            code="RELOC010",
            severity="error",
            path=path,
            message="expressions are nested too deeply to analyse",
        )
        return ImportPlan(findings=(finding,))
    planner = _Planner(path, TextPositions(text), scopes, before, after, resolver, relocations)
    return planner.plan()


@dataclass(slots=True)
class _Need:
    """A module that dotted uses in one scope need, and the text that names it there."""

    module: str
    uses: list[tuple[NameUse, int, str]] = field(default_factory=list)


@dataclass
class _Planner:
    path: str
    positions: TextPositions
    scopes: FileScopes
    before: ModuleName
    after: ModuleName
    resolver: NameResolver
    relocations: RelocationMap
    outcomes: dict[tuple[int, int], list[NewImport]] = field(default_factory=dict)
    extras: dict[int, list[NewImport]] = field(default_factory=dict)
    edits: list[TextEdit] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    def plan(self) -> ImportPlan:
        for ordinal, statement in enumerate(self.scopes.statements):
            if isinstance(statement.node, ast.ImportFrom):
                self._plan_from(ordinal, statement)
            else:
                self._plan_aliased(ordinal, statement)
        self._plan_dotted()
        self._drop_duplicates()
        changes = [
            ImportChange(ordinal, statement.node.lineno, imports)
            for ordinal, statement in enumerate(self.scopes.statements)
            if (imports := self._result(ordinal, statement)) is not None
        ]
        edits = sorted(self.edits, key=lambda e: e.start)
        return ImportPlan(tuple(changes), tuple(edits), tuple(self.findings))

    def _result(self, ordinal: int, statement: ImportStatement) -> tuple[NewImport, ...] | None:
        touched = ordinal in self.extras
        imports: list[NewImport] = []
        for index in range(len(statement.node.names)):
            outcome = self.outcomes.get((ordinal, index))
            if outcome is None:
                imports.append(self._unchanged(statement, index))
            else:
                touched = True
                imports.extend(outcome)
        if not touched:
            return None
        imports.extend(self.extras.get(ordinal, ()))
        return tuple(imports)

    def _unchanged(self, statement: ImportStatement, index: int) -> NewImport:
        node, alias = statement.node, statement.node.names[index]
        if isinstance(node, ast.Import):
            return NewImport(None, alias.name, alias.asname, index)
        base = "." * node.level + (node.module or "")
        return NewImport(base, alias.name, alias.asname, index)

    # -- from statements -------------------------------------------------------------------------------------

    def _plan_from(self, ordinal: int, statement: ImportStatement) -> None:
        node = statement.node
        assert isinstance(node, ast.ImportFrom)
        old_base = self.resolver.base_of(self.before, node.level, node.module or "")
        if old_base is None:
            if self.before != self.after:
                self._report(
                    "RELOC002", node.lineno, "relative import above the top-level package", "warning"
                )
            return
        written = "." * node.level + (node.module or "")
        for index, alias in enumerate(node.names):
            if alias.name == "*":
                new = self._star(ordinal, old_base, node.level, index)
            else:
                new = self._from_name(old_base, node.level, alias, index)
            if (new.base, new.name, new.asname) != (written, alias.name, alias.asname):
                self.outcomes[ordinal, index] = [new]

    def _from_name(self, old_base: str, level: int, alias: ast.alias, index: int) -> NewImport:
        name, local = alias.name, alias.asname or alias.name
        submodule = f"{old_base}.{name}"
        if self._means_submodule(old_base, name):
            new = self.relocations.module(submodule) or submodule
            parent, _, leaf = new.rpartition(".")
            asname = alias.asname if leaf == name else local
            if not parent:
                return NewImport(None, leaf, None if leaf == local else local, index)
            if asname is None or asname != leaf or alias.asname == leaf:
                return NewImport(self._spell(parent, level), leaf, asname, index)
            return NewImport(self._spell(parent, level), leaf, None, index)
        module, new_name = self.relocations.symbol(old_base, name) or (old_base, name)
        asname = alias.asname if new_name == name else local
        if asname == new_name and alias.asname != asname:
            asname = None
        return NewImport(self._spell(module, level), new_name, asname, index)

    def _star(self, ordinal: int, old_base: str, level: int, index: int) -> NewImport:
        new = self.relocations.module(old_base) or old_base
        exports = self.resolver.exports_of(old_base)
        for (owner, name), (module, new_name) in sorted(self.relocations.moved_symbols.items()):
            if owner != old_base or (exports is not None and name not in exports):
                continue
            if name in self.scopes.all_names or self.before.is_package or self._is_listed(name):
                base = self._spell(module, level)
                asname = None if new_name == name else name
                self.extras.setdefault(ordinal, []).append(NewImport(base, new_name, asname))
        return NewImport(self._spell(new, level), "*", None, index)

    def _means_submodule(self, base: str, name: str) -> bool:
        """Whether `from base import name` gives the submodule, not another thing of that name (case 39)."""
        submodule = f"{base}.{name}"
        bound = self.resolver.bound(base, name)
        if bound is None or bound.kind is Kind.UNKNOWN:
            if self.resolver.facts.exists(submodule):
                return True
            # A module that the index cannot see (compiled, generated) but that a package move takes along.
            return (
                self.relocations.module(submodule) is not None and submodule in self.relocations.moved_modules
            )
        return bound.kind is Kind.MODULE and bound.module == submodule

    def _spell(self, module: str, level: int) -> str:
        return spell_base(module, level, self.after)

    # -- plain imports with a name of their own --------------------------------------------------------------

    def _plan_aliased(self, ordinal: int, statement: ImportStatement) -> None:
        for index, alias in enumerate(statement.node.names):
            new = self.relocations.module(alias.name)
            if new is None:
                continue
            if alias.asname is not None:
                self.outcomes[ordinal, index] = [NewImport(None, new, alias.asname, index)]
            elif "." not in alias.name:
                # The local name stays, so no use has to change.
                asname = None if new == alias.name else alias.name
                self.outcomes[ordinal, index] = [NewImport(None, new, asname, index)]

    # -- dotted uses -----------------------------------------------------------------------------------------

    def _plan_dotted(self) -> None:
        """Rewrite uses like `a.b.f` whose module moves, and the `import a.b` statements that serve them."""
        needs: dict[int, dict[str, _Need]] = {}
        owners: dict[int, FileScope] = {}
        rewritten: set[int] = set()
        for use in self.scopes.uses:
            owner = self.scopes.lookup(use.scope, use.node.id)
            if owner is None or use.node.id not in owner.imports:
                continue
            moved = self._moved_prefix(use, owner)
            if moved is None:
                continue
            depth, module, symbol = moved
            owners[id(owner)] = owner
            need = needs.setdefault(id(owner), {}).setdefault(module, _Need(module))
            need.uses.append((use, depth, symbol))
            rewritten.add(id(use))
        for scope in self._scopes_with_dotted_imports():
            owners.setdefault(id(scope), scope)
        for key, owner in owners.items():
            self._plan_scope(owner, needs.get(key, {}), rewritten)

    def _scopes_with_dotted_imports(self) -> list[FileScope]:
        found: dict[int, FileScope] = {}
        for scope in self._binding_scopes():
            for bindings in scope.imports.values():
                for binding in bindings:
                    if self._dotted_target(binding) is not None:
                        found[id(scope)] = scope
        return list(found.values())

    def _binding_scopes(self) -> Iterable[FileScope]:
        seen: dict[int, FileScope] = {id(self.scopes.module): self.scopes.module}
        for statement in self.scopes.statements:
            seen.setdefault(id(statement.scope), statement.scope)
        return seen.values()

    def _dotted_target(self, binding: ImportBinding) -> str | None:
        """The new module of `import a.b` without `as`, when a.b moves."""
        alias = binding.alias
        if isinstance(binding.statement, ast.Import) and alias.asname is None and "." in alias.name:
            return self.relocations.module(alias.name)
        return None

    def _moved_prefix(self, use: NameUse, owner: FileScope) -> tuple[int, str, str] | None:
        """(number of attributes that belong to the moved thing, new module, new symbol or ""), or None."""
        bindings = owner.imports[use.node.id]
        modules = {self._module_bound_by(b) for b in bindings}
        imported = {
            b.alias.name for b in bindings if isinstance(b.statement, ast.Import) and b.alias.asname is None
        }
        if len(modules) != 1 or None in modules or not use.chain:
            return None
        current = modules.pop() or ""
        hanging = True  # whether every step so far was only there because the submodule had been imported
        found: tuple[int, str, str] | None = None
        for depth, attribute in enumerate(use.chain, start=1):
            name = attribute.attr
            bound = self.resolver.bound(current, name)
            submodule = f"{current}.{name}"
            dotted = any(i == submodule or i.startswith(submodule + ".") for i in imported)
            if bound is not None and bound.kind is not Kind.UNKNOWN and not dotted:
                if bound.kind is Kind.MODULE:
                    current, hanging = bound.module, False
                    continue
                moved = self.relocations.moved_symbols.get((current, name))
                return (depth, *moved) if moved is not None else found
            if not self.resolver.facts.exists(submodule):
                moved = self.relocations.moved_symbols.get((current, name))
                return (depth, *moved) if moved is not None else found
            current, hanging = submodule, True
            new = self.relocations.module(submodule)
            if new is not None:
                found = (depth, new, "")
            elif found is not None and hanging:
                # A submodule that stays below a package whose `__init__` moves alone.
                found = (depth, submodule, "")
        return found

    def _module_bound_by(self, binding: ImportBinding) -> str | None:
        statement, alias = binding.statement, binding.alias
        if isinstance(statement, ast.Import):
            name = alias.name if alias.asname else alias.name.partition(".")[0]
            if not self.resolver.facts.exists(name):
                return None
            return name
        base = self.resolver.base_of(self.before, statement.level, statement.module or "")
        if base is None:
            return None
        target = self.resolver.attribute(base, alias.name)
        return target.module if target is not None and target.kind is Kind.MODULE else None

    def _plan_scope(self, owner: FileScope, needs: Mapping[str, _Need], rewritten: set[int]) -> None:
        dotted = [
            (binding, new)
            for bindings in owner.imports.values()
            for binding in bindings
            if (new := self._dotted_target(binding)) is not None
        ]
        wanted = {**{new: _Need(new) for _, new in dotted}, **needs}
        names = {module: self._local_text(owner, need) for module, need in sorted(wanted.items())}
        for module, need in needs.items():
            for use, depth, symbol in need.uses:
                self._edit_use(use, depth, names[module] + (f".{symbol}" if symbol else ""))
        loaded: set[str] = set()
        for binding, new in dotted:
            asname = names[new] if names[new] != new else None
            imports = [NewImport(None, new, asname, binding.alias_index)]
            loaded.add(new)
            kept = self._still_needed(owner, binding, new, asname, rewritten)
            if kept:
                imports.insert(0, NewImport(None, kept, None, binding.alias_index))
                imports[1] = NewImport(None, new, asname)
            self.outcomes[binding.ordinal, binding.alias_index] = imports
        for module, need in sorted(needs.items()):
            aliased = names[module] != module
            served = module in loaded or (not aliased and any(m.startswith(module + ".") for m in loaded))
            if not served:
                self._add_import(owner, need, module, names[module] if aliased else None)

    def _local_text(self, owner: FileScope, need: _Need) -> str:
        """How the module is written in this scope: its dotted name, or a fresh alias where that clashes."""
        root = need.module.partition(".")[0]
        if not self._clashes(owner, root, need):
            return need.module
        parts = need.module.split(".")
        candidates = [parts[-1], "_".join(parts[-2:]), "_".join(parts)]
        taken = self.scopes.all_names | self.scopes.quoted_words | _BUILTIN_NAMES
        for candidate in candidates:
            if candidate not in taken:
                return candidate
        number = 2
        while f"{candidates[-1]}_{number}" in taken:
            number += 1
        return f"{candidates[-1]}_{number}"

    def _clashes(self, owner: FileScope, root: str, need: _Need) -> bool:
        if root in owner.others:
            return True
        for binding in owner.imports.get(root, ()):
            plain = isinstance(binding.statement, ast.Import) and binding.alias.asname is None
            if not plain:
                return True
        for use, _, _ in need.uses:
            seen = self.scopes.lookup(use.scope, root)
            if seen is not None and seen is not owner and self._is_below(seen, owner):
                return True
        for use in self.scopes.uses:
            if use.node.id != root or not self._is_below(use.scope, owner):
                continue
            # Binding the name here would take it away from what it means now (an outer name or a builtin).
            seen = self.scopes.lookup(use.scope, root)
            if seen is None or not self._is_below(seen, owner):
                return True
        return False

    @staticmethod
    def _is_below(scope: FileScope | None, ancestor: FileScope) -> bool:
        while scope is not None:
            if scope is ancestor:
                return True
            scope = scope.parent
        return False

    def _still_needed(
        self, owner: FileScope, binding: ImportBinding, new: str, asname: str | None, rewritten: set[int]
    ) -> str | None:
        """What of `import a.b` must stay beside the new import because `a` is used for other things, too."""
        old = binding.alias.name
        root = old.partition(".")[0]
        if asname is None and new.partition(".")[0] == root:
            return None
        if any(
            isinstance(other.statement, ast.Import)
            and other.alias.asname is None
            and self._dotted_target(other) is None
            for other in owner.imports.get(root, ())
        ):
            return None
        uses = [
            use
            for use in self.scopes.uses
            if use.node.id == root
            and id(use) not in rewritten
            and self.scopes.lookup(use.scope, root) is owner
        ]
        quoted = root in self.scopes.quoted_words and self._quoted_uses_stay(root)
        exported = (
            owner is self.scopes.module
            and root in (self.resolver.exports_of(self.before.name) or frozenset())
            and self._is_listed(root)
        )
        if not (uses or quoted or exported):
            return None
        kept = old.rpartition(".")[0]
        while "." in kept and (
            self.relocations.module(kept) is not None or not self.resolver.facts.exists(kept)
        ):
            kept = kept.rpartition(".")[0]
        return kept

    def _quoted_uses_stay(self, root: str) -> bool:
        moved = [old for old in self.relocations.moved_modules if old.partition(".")[0] == root]
        # Quoted annotations are rewritten when they name a moved module; only then is the root not needed.
        return not any(set(old.split(".")) <= self.scopes.quoted_words for old in moved)

    def _is_listed(self, name: str) -> bool:
        record = self.resolver.facts.record_of(self.before.name)
        return record is not None and record.exports is not None and name in record.exports

    def _add_import(self, owner: FileScope, need: _Need, module: str, asname: str | None) -> None:
        """Import a module that was only reachable because something else had imported it (cases 9, 10)."""
        use, _, _ = need.uses[0]
        binding = owner.imports[use.node.id][0]
        new = NewImport(None, module, asname)
        others = self.extras.setdefault(binding.ordinal, [])
        if new not in others:
            others.append(new)
        line = use.node.lineno
        old = ".".join((use.node.id, *(a.attr for a in use.chain)))
        self._report(
            "RELOC003",
            line,
            f"{old} was reachable only through another import; import {module} added",
            "info",
        )

    def _edit_use(self, use: NameUse, depth: int, text: str) -> None:
        last = use.chain[depth - 1]
        start = self.positions.offset(use.node.lineno, use.node.col_offset)
        assert last.end_lineno is not None
        assert last.end_col_offset is not None
        end = self.positions.offset(last.end_lineno, last.end_col_offset)
        old = self.positions.text[start:end]
        if "#" in old:
            self._report(
                "RELOC011", use.node.lineno, f"{text} would replace a comment inside the name", "error"
            )
            return
        if old != text:
            self.edits.append(TextEdit(start, end, text, use.node.lineno))

    # -- duplicates ------------------------------------------------------------------------------------------

    def _drop_duplicates(self) -> None:
        """Drop a rewritten alias that an earlier statement of the same block already provides (case 55)."""
        seen: dict[int, set[tuple[str | None, str, str | None]]] = {}
        for ordinal, statement in enumerate(self.scopes.statements):
            known = seen.setdefault(statement.block, set())
            here: set[tuple[str | None, str, str | None]] = set()
            for index in range(len(statement.node.names)):
                outcome = self.outcomes.get((ordinal, index))
                if outcome is None:
                    same = self._unchanged(statement, index)
                    here.add((same.base, same.name, same.asname))
                    continue
                fresh = [new for new in outcome if (new.base, new.name, new.asname) not in known | here]
                here.update((new.base, new.name, new.asname) for new in fresh)
                self.outcomes[ordinal, index] = fresh
            if ordinal in self.extras:
                self.extras[ordinal] = [
                    new
                    for new in self.extras[ordinal]
                    if (new.base, new.name, new.asname) not in known | here
                ]
            known |= here

    def _report(self, code: str, line: int, message: str, severity: str) -> None:
        self.findings.append(
            Finding(code=code, severity=severity, path=self.path, line=line, message=message)
        )
