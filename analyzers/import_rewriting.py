"""Plan what must change in one file when modules or symbols move: import statements and dotted uses.

The plan is made from the tree as it was before the move, so that it is the same whether the files have been
moved yet or not. It names import statements by their ordinal and span and dotted uses by spans; how a
statement is edited is the codemods' concern. Source: the import-rewriting cases 1 to 39, 54 to 56 and 58.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

from analyzers.dotted_uses import plan_dotted_uses
from analyzers.file_scopes import FileScope, FileScopes, ImportStatement, ScopeKind
from analyzers.import_changes import ImportChange, ImportPlan, NewImport, TextEdit, written_imports
from analyzers.layout import ModuleName
from analyzers.name_resolution import NameResolver
from analyzers.parsed_files import ParsedFile
from analyzers.relocation_map import RelocationMap
from analyzers.rewrite_context import RewriteContext

_ATTRIBUTE = re.compile(r"\.\s*([^\W\d]\w*)")

__all__ = ["ImportChange", "ImportPlan", "NewImport", "TextEdit", "plan_imports"]


def plan_imports(
    path: str,
    parsed: ParsedFile,
    *,
    before: ModuleName,
    after: ModuleName,
    resolver: NameResolver,
    relocations: RelocationMap,
    is_edited: bool = False,
) -> ImportPlan:
    """The changes that `relocations` ask for in one file.

    Args:
        path: for findings; POSIX, relative to the repository root.
        parsed: the file with a tree.
        before: the file's module name when its text was written, `after` when the move is done.
        resolver: over the tree before the move.
        is_edited: the file's bytes are not those of the plan: relative imports that make sense at the new
            place are taken for rewritten.
    """
    assert parsed.tree is not None, "only a file that was parsed can be planned"
    context = RewriteContext(path, parsed.positions, before, after, resolver, relocations)
    return _Planner(context, parsed, parsed.tree, parsed.statements, is_edited).plan()


@dataclass
class _Planner:
    context: RewriteContext
    parsed: ParsedFile
    tree: ast.Module
    statements: tuple[ImportStatement, ...]
    is_edited: bool = False
    outcomes: dict[tuple[int, int], list[NewImport]] = field(default_factory=dict)
    extras: dict[int, list[NewImport]] = field(default_factory=dict)
    _bound: dict[tuple[int, str], frozenset[tuple[str | None, str, str | None]]] = field(default_factory=dict)

    @property
    def scopes(self) -> FileScopes:
        return self.parsed.scopes

    def plan(self) -> ImportPlan:
        context = self.context
        self._check_exports()
        for ordinal, statement in enumerate(self.statements):
            if isinstance(statement.node, ast.ImportFrom):
                self._plan_from(ordinal, statement, statement.node)
            else:
                self._plan_aliased(ordinal, statement)
        edits: list[TextEdit] = []
        if self._has_affected_uses():
            edits = plan_dotted_uses(context, self.scopes, self.outcomes, self.extras)
        self._merge_duplicates()
        return ImportPlan(tuple(self._changes()), tuple(edits), tuple(context.findings))

    def _changes(self) -> list[ImportChange]:
        changes = []
        ordinals = {ordinal for ordinal, _ in self.outcomes} | set(self.extras)
        removed: dict[int, int] = {}
        for ordinal in sorted(ordinals):
            statement = self.statements[ordinal]
            old = written_imports(statement.node)
            imports: list[NewImport] = []
            for index, alias in enumerate(old):
                imports.extend(self.outcomes.get((ordinal, index), (alias,)))
            imports.extend(self.extras.get(ordinal, ()))
            if tuple(imports) == old:
                continue
            empties = False
            if not imports and statement.block != self.module_body:
                removed[statement.block] = removed.get(statement.block, 0) + 1
                empties = removed[statement.block] == statement.siblings
            start, end = self.context.positions.span(statement.node)
            line = statement.node.lineno
            changes.append(ImportChange(ordinal, line, start, end, old, tuple(imports), empties))
        return changes

    @property
    def module_body(self) -> int:
        return id(self.tree.body)

    # -- from statements -------------------------------------------------------------------------------------

    def _plan_from(self, ordinal: int, statement: ImportStatement, node: ast.ImportFrom) -> None:
        context = self.context
        base = context.resolver.base_of(context.before, node.level, node.module or "")
        if node.level and context.before != context.after and self._is_rewritten_already(node, base):
            return
        if base is None:
            if context.before != context.after:
                context.report(
                    "RELOC002", "warning", node.lineno, "relative import above the top-level package"
                )
            return
        for index, (alias, old) in enumerate(zip(node.names, written_imports(node), strict=True)):
            if alias.name == "*":
                new: list[NewImport] = [self._star(ordinal, base, node.level, index)]
            else:
                new = self._from_name(statement, node, base, alias, index)
            if new != [old]:
                self.outcomes[ordinal, index] = new

    def _from_name(
        self, statement: ImportStatement, node: ast.ImportFrom, base: str, alias: ast.alias, index: int
    ) -> list[NewImport]:
        context = self.context
        name, local = alias.name, alias.asname or alias.name
        submodule = f"{base}.{name}"
        if context.resolver.means_submodule(base, name) or (
            # A module that the index cannot see (compiled, generated) but that has an entry of its own.
            submodule in context.moves.modules and not context.resolver.is_bound(base, name)
        ):
            parent, _, leaf = context.new(submodule).rpartition(".")
            asname = _asname(alias, leaf)
            if not parent:
                return [NewImport(None, leaf, None if leaf == local else local, index)]
            return [NewImport(context.spell(parent, node.level), leaf, asname, index)]
        moved = context.moves.symbols.get((base, name))
        module, new_name = context.relocations.symbol(base, name) or (base, name)
        if (
            moved is not None
            and module == context.after.name
            and statement.scope.kind is not ScopeKind.FUNCTION
        ):
            # The symbol comes to live in this very file.
            if statement.scope.kind is ScopeKind.MODULE and local == new_name:
                return []
            context.report(
                "RELOC015",
                "error",
                node.lineno,
                f"{new_name} moves into this file, which imports it as {local}",
                f"use it under the name {new_name}",
            )
        asname = _asname(alias, new_name)
        return [NewImport(context.spell(module, node.level), new_name, asname, index)]

    def _star(self, ordinal: int, base: str, level: int, index: int) -> NewImport:
        context = self.context
        leaving = context.moves.symbols_of.get(base, ())
        exports = context.resolver.exports_of(base) if leaving else None
        for name in leaving:
            module, new_name = context.moves.symbols[base, name]
            if (exports is not None and name not in exports) or module == context.after.name:
                continue
            used = name in self.scopes.all_names or name in self.scopes.quoted_words
            if used or context.before.is_package or context.is_wanted(name):
                asname = None if new_name == name else name
                new = NewImport(context.spell(module, level), new_name, asname)
                if (self.statements[ordinal].block, new.key) in self._written:
                    continue  # a second run
                self.extras.setdefault(ordinal, []).append(new)
        return NewImport(context.spell(context.new(base), level), "*", None, index)

    @cached_property
    def _written(self) -> frozenset[tuple[int, tuple[str | None, str, str | None]]]:
        """(block, import) of all aliases as they are."""
        return frozenset((s.block, alias.key) for s in self.statements for alias in written_imports(s.node))

    def _is_rewritten_already(self, node: ast.ImportFrom, base: str | None) -> bool:
        """Whether a relative statement of a moved file only makes sense at the new place (case 58)."""
        resolver, context = self.context.resolver, self.context
        after = resolver.base_of(context.after, node.level, node.module or "")
        inverse = context.moves.inverse
        if after is None or inverse is None:
            return False
        if base is not None and not self.is_edited and self._offers(base, node):
            return False
        old = inverse.module(after) or after
        return all(self._names_new(after, old, alias.name) for alias in node.names)

    def _names_new(self, base: str, old_base: str, name: str) -> bool:
        """Whether `name` is in a module that is called `base` after the move, `old_base` before."""
        inverse, resolver = self.context.moves.inverse, self.context.resolver
        assert inverse is not None
        if inverse.module(f"{base}.{name}") is not None or (base, name) in inverse.moved_symbols:
            return True
        if not resolver.facts.exists(old_base):
            return False
        return name == "*" or resolver.attribute(old_base, name) is not None

    def _offers(self, base: str, node: ast.ImportFrom) -> bool:
        resolver = self.context.resolver
        if not resolver.facts.exists(base):
            return False
        return all(a.name == "*" or resolver.attribute(base, a.name) is not None for a in node.names)

    # -- plain imports with a name of their own --------------------------------------------------------------

    def _plan_aliased(self, ordinal: int, statement: ImportStatement) -> None:
        for index, alias in enumerate(statement.node.names):
            new = self.context.relocations.module(alias.name)
            if new is None:
                continue
            if alias.asname is not None:
                asname = None if new == alias.asname else alias.asname
                self.outcomes[ordinal, index] = [NewImport(None, new, asname, index)]
            elif "." not in alias.name:
                # The local name stays, so no use has to change.
                self.outcomes[ordinal, index] = [NewImport(None, new, alias.name, index)]

    # -- what needs a look at expressions --------------------------------------------------------------------

    def _has_affected_uses(self) -> bool:
        """Whether an expression of the file can need a change; spares most files the walk over all."""
        if not self.statements:
            return False
        relocations = self.context.relocations
        for statement in self.statements:
            if isinstance(statement.node, ast.Import):
                for alias in statement.node.names:
                    if alias.asname is None and "." in alias.name and relocations.module(alias.name):
                        return True
        return not self.context.moves.last_words.isdisjoint(_ATTRIBUTE.findall(self._text_without_imports()))

    def _text_without_imports(self) -> str:
        positions, parts, position = self.context.positions, [], 0
        for statement in self.statements:
            start, end = positions.span(statement.node)
            parts.append(positions.text[position:start])
            position = end
        parts.append(positions.text[position:])
        return "".join(parts)

    def _check_exports(self) -> None:
        """Report submodules that `__all__` names and that move away: star imports would not find them."""
        context = self.context
        if not context.before.is_package:
            return
        record = context.resolver.facts.record_of(context.before.name)
        for name in (record.exports or ()) if record is not None else ():
            submodule = f"{context.before.name}.{name}"
            if (
                context.new(submodule) != f"{context.after.name}.{name}"
                and context.resolver.facts.exists(submodule)
                and not context.resolver.is_bound(context.before.name, name)
            ):
                context.report(
                    "RELOC016",
                    # Only a star import, or someone outside the repository, looks there.
                    "error" if context.resolver.is_star_imported(context.before.name) else "warning",
                    1,
                    f"__all__ names the submodule {name}, which moves away",
                    f"take it out of __all__ or import it in {context.path}",
                )

    # -- duplicates ------------------------------------------------------------------------------------------

    def _merge_duplicates(self) -> None:
        """Drop what an earlier statement of the same block already provides after the rewriting (case 55)."""
        if not self.outcomes and not self.extras:
            return
        first: dict[tuple[int, tuple[str | None, str, str | None]], bool] = {}
        for ordinal, statement in enumerate(self.statements):
            for index, old in enumerate(written_imports(statement.node)):
                outcome = self.outcomes.get((ordinal, index))
                if outcome is None:
                    if self._repeats(first, ordinal, old, changed=False):
                        self.outcomes[ordinal, index] = []
                else:
                    kept = [n for n in outcome if not self._repeats(first, ordinal, n, changed=True)]
                    self.outcomes[ordinal, index] = kept
            if ordinal in self.extras:
                more = self.extras[ordinal]
                self.extras[ordinal] = [n for n in more if not self._repeats(first, ordinal, n, changed=True)]

    def _repeats(
        self,
        first: dict[tuple[int, tuple[str | None, str, str | None]], bool],
        ordinal: int,
        new: NewImport,
        *,
        changed: bool,
    ) -> bool:
        statement = self.statements[ordinal]
        key = statement.block, new.key
        if key not in first:
            first[key] = changed
            return False
        if not (changed or first[key]) or new.name == "*":
            return False
        if self._is_commented(statement) and (not changed or len(statement.node.names) == 1):
            return False
        return self._is_bound_once(self.scopes.statements[ordinal].scope, new)

    def _is_commented(self, statement: ImportStatement) -> bool:
        node = statement.node
        return self.context.has_comment(node.lineno, node.end_lineno or node.lineno)

    def _is_bound_once(self, scope: FileScope, new: NewImport) -> bool:
        """Whether every binding of the name in its scope is by an import of the same thing."""
        if new.local in scope.others:
            return False
        place = id(scope), new.local
        if place not in self._bound:
            self._bound[place] = frozenset(self._keys_of(scope, new.local))
        plain = new.base is None and new.asname is None
        return all(
            key == new.key or (plain and key[0] is None and key[2] is None) for key in self._bound[place]
        )

    def _keys_of(self, scope: FileScope, name: str) -> Iterator[tuple[str | None, str, str | None]]:
        for binding in scope.imports.get(name, ()):
            place = binding.ordinal, binding.alias_index
            old = written_imports(binding.statement)[binding.alias_index]
            yield from (new.key for new in self.outcomes.get(place, [old]) if new.local == name)


def _asname(alias: ast.alias, new_name: str) -> str | None:
    """The `as` of an alias whose name becomes `new_name`: the local name stays, and `f as f` if it fits."""
    local = alias.asname or alias.name
    if local != new_name:
        return local
    return local if alias.asname == alias.name else None
