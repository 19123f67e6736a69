"""Plan the dotted uses of one file, like `a.b.f`, whose modules or symbols move, and the imports they need.

A use hangs on a root: a name that imports bind to a module. The chain of attributes is followed through
the tree as it was; where a step no longer holds after the move, the text up to there is replaced by the new
dotted name (or, where that name means something else, by an alias). Source: the import-rewriting cases 4, 5,
9, 10, 35, 36, 39, 55 and 56.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from analyzers.dotted_roots import Break, Need, Root, loaded_by, prefixes, written
from analyzers.file_scopes import FileScope, FileScopes, ImportBinding, ImportStatement, NameUse
from analyzers.import_changes import NewImport, TextEdit
from analyzers.local_names import LocalNames
from analyzers.name_resolution import Kind
from analyzers.rewrite_context import RewriteContext
from analyzers.use_spans import UseSpans

Outcomes = dict[tuple[int, int], list[NewImport]]
Extras = dict[int, list[NewImport]]
#: (module, alias) -> ordinals of the statements that import it under that name.
_Servers = dict[tuple[str, "str | None"], list[int]]


def plan_dotted_uses(
    context: RewriteContext, scopes: FileScopes, outcomes: Outcomes, extras: Extras
) -> list[TextEdit]:
    """The edits of dotted uses, by place; `outcomes` and `extras` get the imports that they need.

    Args:
        outcomes: (ordinal, alias index) -> what replaces the alias, so far without a look at uses.
        extras: ordinal -> imports that are added to the statement.
    """
    planner = _UsePlanner(context, scopes, outcomes, extras)
    planner.plan()
    return sorted(planner.edits, key=lambda edit: edit.start)


@dataclass
class _UsePlanner:
    context: RewriteContext
    scopes: FileScopes
    outcomes: Outcomes
    extras: Extras
    edits: list[TextEdit] = field(default_factory=list)
    _roots: dict[tuple[int, str], Root | None] = field(default_factory=dict)
    _owners: dict[tuple[int, str], FileScope | None] = field(default_factory=dict)

    def plan(self) -> None:
        by_owner: dict[int, list[Root]] = {}
        for scope in self._binding_scopes():
            for name in scope.imports:
                root = self._root(scope, name)
                if root is not None and root.is_dotted:
                    by_owner.setdefault(id(scope), []).append(root)
        for name, uses in self.scopes.uses_by_name.items():
            for use in uses:
                owner = self._owner(use.scope, name)
                root = self._root(owner or self.scopes.module, name) if owner or self._stars else None
                if root is None:
                    continue
                found = self._break(use, root)
                if found is None:
                    root.others.append(use)
                    continue
                if not root.breaks and not root.is_dotted:
                    by_owner.setdefault(id(root.owner), []).append(root)
                root.breaks.append((use, found))
        for roots in by_owner.values():
            self._plan_scope(roots[0].owner, sorted(roots, key=lambda root: root.statements[0]))

    # -- roots -----------------------------------------------------------------------------------------------

    def _binding_scopes(self) -> Iterable[FileScope]:
        seen: dict[int, FileScope] = {id(self.scopes.module): self.scopes.module}
        for statement in self.scopes.statements:
            scope: FileScope | None = statement.scope
            while scope is not None and id(scope) not in seen:
                seen[id(scope)] = scope
                scope = scope.parent
        return seen.values()

    def _owner(self, scope: FileScope, name: str) -> FileScope | None:
        key = id(scope), name
        if key not in self._owners:
            self._owners[key] = self.scopes.lookup(scope, name)
        return self._owners[key]

    def _root(self, owner: FileScope, name: str) -> Root | None:
        key = id(owner), name
        if key not in self._roots:
            bindings = owner.imports.get(name)
            if bindings:
                self._roots[key] = self._imported_root(owner, name, tuple(bindings))
            else:
                bound = owner is not self.scopes.module or owner.binds(name)
                self._roots[key] = None if bound else self._star_root(name)
        return self._roots[key]

    def _imported_root(self, owner: FileScope, name: str, bindings: tuple[ImportBinding, ...]) -> Root | None:
        modules = {self._module_bound_by(b) for b in bindings}
        plain = [b for b in bindings if b.is_plain]
        if len(modules) != 1:
            self._report_ambiguous(name, owner, bindings, modules)
            return None
        module = modules.pop()
        if module is None:
            return None
        dotted = any("." in b.alias.name for b in plain)
        # `import a.b` goes on binding the name `a`; all other imports follow what they bind.
        anchor = name if dotted else self.context.new(module)
        explicit = {part for b in plain for part in prefixes(b.alias.name)}
        explicit.update(module for b in bindings if not b.is_plain)
        ordinals = tuple(dict.fromkeys(b.ordinal for b in bindings))
        return Root(name, owner, module, anchor, ordinals, bindings, frozenset(explicit))

    @cached_property
    def _stars(self) -> list[tuple[int, str]]:
        """(ordinal, base) of the module-level star imports of own modules."""
        found = []
        for ordinal, statement in enumerate(self.scopes.statements):
            node = statement.node
            if isinstance(node, ast.ImportFrom) and node.names[0].name == "*":
                base = self.context.resolver.base_of(self.context.before, node.level, node.module or "")
                if base and self.context.resolver.facts.exists(base):
                    found.append((ordinal, base))
        return found

    def _star_root(self, name: str) -> Root | None:
        resolver = self.context.resolver
        for ordinal, base in reversed(self._stars):
            exports = resolver.exports_of(base)
            if name.startswith("_") if exports is None else name not in exports:
                continue
            bound = resolver.bound(base, name)
            if bound is not None and bound.kind is Kind.MODULE:
                module = bound.module
                anchor = self.context.new(module)
                return Root(name, self.scopes.module, module, anchor, (ordinal,), (), frozenset())
        return None

    def _module_bound_by(self, binding: ImportBinding) -> str | None:
        statement, alias = binding.statement, binding.alias
        resolver = self.context.resolver
        if isinstance(statement, ast.Import):
            name = alias.name if alias.asname else alias.name.partition(".")[0]
            return name if resolver.facts.exists(name) else None
        base = resolver.base_of(self.context.before, statement.level, statement.module or "")
        if base is None:
            return None
        if f"{base}.{alias.name}" in self.context.moves.modules and not resolver.is_bound(base, alias.name):
            return f"{base}.{alias.name}"
        target = resolver.attribute(base, alias.name)
        return target.module if target is not None and target.kind is Kind.MODULE else None

    def _report_ambiguous(
        self,
        name: str,
        owner: FileScope,
        bindings: tuple[ImportBinding, ...],
        modules: set[str | None],
    ) -> None:
        """Report uses that break for one of the modules that the name may mean."""
        ordinals = tuple(b.ordinal for b in bindings)
        explicit = frozenset(p for b in bindings if b.is_plain for p in prefixes(b.alias.name))
        dotted = any(b.is_plain and "." in b.alias.name for b in bindings)
        for module in sorted(m for m in modules if m is not None):
            anchor = name if dotted and module == name else self.context.new(module)
            root = Root(name, owner, module, anchor, ordinals, bindings, explicit)
            for use in self.scopes.uses_by_name.get(name, ()):
                if self._owner(use.scope, name) is owner and self._break(use, root) is not None:
                    self.context.report(
                        "RELOC012",
                        "error",
                        use.node.lineno,
                        f"{written(use)} may mean a part of {module}, which moves, or something else: "
                        f"{name} is imported from several places",
                        "give the imports different names",
                    )
                    return

    # -- following a chain -----------------------------------------------------------------------------------

    def _break(self, use: NameUse, root: Root) -> Break | None:
        """Where the use no longer holds after the move; None when it stays right as it is written."""
        context = self.context
        current, valid = root.module, root.anchor
        found: Break | None = None
        if context.new(current) != valid:
            found, valid = Break(0, context.new(current), "", current), context.new(current)
        for depth, attribute in enumerate(use.chain, start=1):
            name = attribute.attr
            target = self._step(current, name, root.explicit)
            if target is None:
                moved = context.moves.symbols.get((current, name))
                if moved is not None:
                    module = "" if moved[0] == context.after.name else moved[0]
                    return Break(depth, module, moved[1], current)
                break
            if target == f"{current}.{name}" and not self._is_facade(current, name, root.explicit):
                if context.new(target) != f"{valid}.{name}":
                    found = Break(depth, context.new(target), "", target)
                valid = context.new(target)
            else:
                # A name that the package's own statements bind: they are rewritten, and it stays.
                valid = context.new(target)
            current = target
        if found is None or (root.is_dotted and found.module == written(use, found.depth)):
            return None
        return found

    def _step(self, module: str, name: str, explicit: frozenset[str]) -> str | None:
        """The module that `module.name` is, or None when it is no module."""
        resolver = self.context.resolver
        submodule = f"{module}.{name}"
        bound = resolver.bound(module, name)
        if bound is not None and bound.kind is not Kind.UNKNOWN:
            if bound.kind is Kind.MODULE:
                return bound.module
            # Loading a submodule binds its name in the package, unless the package itself loaded it before.
            loaded = submodule in explicit and resolver.facts.exists(submodule)
            return submodule if loaded and not resolver.loads(module, submodule) else None
        if resolver.facts.exists(submodule) or submodule in self.context.moves.modules:
            return submodule
        # Compiled or generated: no file of ours, but this file loads it as a module.
        return submodule if submodule in explicit else None

    def _is_facade(self, module: str, name: str, explicit: frozenset[str]) -> bool:
        """Whether the package binds its submodule by a statement, and this file does not load it by name."""
        return f"{module}.{name}" not in explicit and self.context.resolver.is_bound(module, name)

    # -- one scope -------------------------------------------------------------------------------------------

    def _plan_scope(self, owner: FileScope, roots: list[Root]) -> None:
        needs: dict[str, Need] = {}
        for root in roots:
            for use, found in root.breaks:
                if not found.module:
                    continue
                need = needs.setdefault(found.module, Need(found.module))
                need.uses.append(use)
                need.roots.setdefault(id(root), (root, set()))[1].add(found.old)
                need.moves = need.moves or not found.symbol
            for binding in root.bindings:
                new = root.renamed(binding, self.context.relocations)
                if new is not None:
                    needs.setdefault(new, Need(new))
        stars = [base for _, base in self._stars]
        by_name = {root.name: root for root in roots}
        names = LocalNames(self.context, self.scopes, owner, by_name, stars).choose(needs)
        spans = UseSpans(self.context, self.scopes)
        for root in roots:
            for use, found in root.breaks:
                edit = self._edit(spans, use, found, names)
                if edit is not None:
                    self.edits.append(edit)
        for root in roots:
            self._plan_bindings(root, names)
        imports = self._imports_of(owner)
        for module in sorted(needs):
            self._serve(owner, needs[module], names[module], imports)
        for root in roots:
            if root.breaks:
                self._drop_orphans(root)
            self._declare(root)

    def _declare(self, root: Root) -> None:
        """Extend `global a` where an import below it now binds another name."""
        for binding in root.bindings:
            scope = binding.scope
            if scope is root.owner:
                continue
            imports = [
                *self.outcomes.get((binding.ordinal, binding.alias_index), ()),
                *self.extras.get(binding.ordinal, ()),
            ]
            known = scope.declared_global | scope.declared_nonlocal
            names = sorted({new.local for new in imports} - known)
            node = next(d for d in scope.declarations if root.name in d.names)
            if names:
                end = self.context.positions.span(node)[1]
                self.edits.append(TextEdit(end, end, "".join(f", {name}" for name in names), node.lineno))
                (scope.declared_global if isinstance(node, ast.Global) else scope.declared_nonlocal).update(
                    names
                )

    def _edit(self, spans: UseSpans, use: NameUse, found: Break, names: Mapping[str, str]) -> TextEdit | None:
        line = use.node.lineno
        if not found.module:
            text = found.symbol
            seen = self._owner(use.scope, text)
            if seen is not None and seen is not self.scopes.module:
                self.context.report(
                    "RELOC015", "error", line, f"{text} moves into this file but means something else here"
                )
                return None
        else:
            text = names[found.module] + (f".{found.symbol}" if found.symbol else "")
        if use.is_deletion and not use.chain and "." in text:
            self.context.report(
                "RELOC013", "error", line, f"del {use.node.id} would have to delete {text}", "drop the del"
            )
            return None
        return spans.edit(use, found.depth, text)

    def _plan_bindings(self, root: Root, names: Mapping[str, str]) -> None:
        """Rename `import a.b` statements, and keep `a` bound where something still needs it."""
        for binding in root.bindings:
            new = root.renamed(binding, self.context.relocations)
            if new is None:
                continue
            asname = names[new] if names[new] != new else None
            index = binding.alias_index
            imports = [NewImport(None, new, asname, index)]
            kept = self._kept(root, binding, new if asname is None else "")
            if kept is not None and kept.name not in (new, ""):
                imports = [NewImport(None, kept.name, kept.asname, index), NewImport(None, new, asname)]
            self.outcomes[binding.ordinal, index] = imports

    def _kept(self, root: Root, binding: ImportBinding, new: str) -> NewImport | None:
        """What must stay imported so that the name `root.name` goes on meaning what it meant."""
        context = self.context
        wanted = root.owner is self.scopes.module and context.is_wanted(root.name)
        needed = root.others or wanted or root.name in self.scopes.quoted_words
        moved_root = context.relocations.module(root.module)
        if not needed or (moved_root is None and new.partition(".")[0] == root.name):
            return None
        if moved_root is not None:
            return NewImport(None, moved_root, root.name) if wanted or root.others else None
        statements = self.scopes.statements
        here = statements[binding.ordinal]
        first_use = root.first_other_line
        for other in root.bindings:
            if not other.is_plain or (other.ordinal, other.alias_index) == (
                binding.ordinal,
                binding.alias_index,
            ):
                continue
            renamed = self.outcomes.get((other.ordinal, other.alias_index))
            if renamed is None and root.renamed(other, self.context.relocations) is not None:
                continue
            if renamed is not None and not any(n.local == root.name for n in renamed):
                continue
            there = statements[other.ordinal]
            if there.block == here.block and (
                other.ordinal <= binding.ordinal or first_use > (there.node.end_lineno or 0)
            ):
                return None
            if there.block == root.owner.body and other.ordinal < binding.ordinal:
                return None
        name = binding.alias.name.rpartition(".")[0]
        while "." in name and (
            context.relocations.module(name) is not None or not context.resolver.facts.exists(name)
        ):
            name = name.rpartition(".")[0]
        return NewImport(None, name)

    # -- what uses need --------------------------------------------------------------------------------------

    def _serve(self, owner: FileScope, need: Need, text: str, imports: _Servers) -> None:
        """Add imports of a module where no statement of the scope provides it under the name `text`."""
        asname = text if text != need.module else None
        for root, sources in need.roots.values():
            explicit = [
                b.ordinal for b in root.bindings if any(source in loaded_by(b, root) for source in sources)
            ]
            if not explicit and need.moves:
                use = need.uses[0]
                self.context.report(
                    "RELOC003",
                    "info",
                    use.node.lineno,
                    f"{written(use)} was reachable only through another import; import {need.module} added",
                )
            for ordinal in dict.fromkeys(explicit or root.statements):
                servers = imports.setdefault((need.module, asname), [])
                if not self._is_served(owner, need, servers, ordinal):
                    self.extras.setdefault(ordinal, []).append(NewImport(None, need.module, asname))
                    servers.insert(0, ordinal)

    def _is_served(self, owner: FileScope, need: Need, servers: list[int], ordinal: int) -> bool:
        statements = self.scopes.statements
        here = statements[ordinal]
        first_use = need.first_line
        for server in servers:
            there = statements[server]
            if there.block == here.block:
                if server <= ordinal or first_use > (there.node.end_lineno or 0):
                    return True
            elif there.block == owner.body and server < ordinal:
                return True
        return False

    def _imports_of(self, owner: FileScope) -> _Servers:
        """What the statements of a scope will import plainly."""
        found: _Servers = {}
        for ordinal, statement in self._statements_of(owner):
            imports: list[NewImport] = list(self.extras.get(ordinal, ()))
            node = statement.node
            for index, alias in enumerate(node.names):
                if (ordinal, index) in self.outcomes:
                    imports += self.outcomes[ordinal, index]
                elif isinstance(node, ast.Import):
                    imports.append(NewImport(None, alias.name, alias.asname))
            for new in imports:
                if new.base is not None:
                    continue
                names = [new.name] if new.asname else prefixes(new.name)
                for name in names:
                    found.setdefault((name, new.asname), []).append(ordinal)
        return found

    def _statements_of(self, owner: FileScope) -> list[tuple[int, ImportStatement]]:
        return [(o, s) for o, s in enumerate(self.scopes.statements) if s.scope is owner]

    # -- orphans ---------------------------------------------------------------------------------------------

    def _drop_orphans(self, root: Root) -> None:
        """Drop imports whose only uses were written anew (case 56), never those that others may rely on."""
        context = self.context
        if (
            context.before.is_package
            or root.name in root.owner.others
            or root.name in self.scopes.quoted_words
            or (root.owner is self.scopes.module and context.is_wanted(root.name))
        ):
            return
        for binding in root.bindings:
            key = binding.ordinal, binding.alias_index
            node = binding.statement
            if context.has_comment(node.lineno, node.end_lineno or node.lineno):
                continue
            if binding.is_plain:
                if key in self.outcomes or not self._is_orphan(root, binding):
                    continue
            elif root.others:
                continue
            self._drop(binding)

    def _is_orphan(self, root: Root, binding: ImportBinding) -> bool:
        module = binding.alias.name
        if module not in root.broken_prefixes or module in root.other_prefixes:
            return False
        if any(part in root.other_texts for part in prefixes(module)):
            return False
        if not root.others:
            return True
        block = self.scopes.statements[binding.ordinal].block
        return any(
            other is not binding
            and other.is_plain
            and self.scopes.statements[other.ordinal].block == block
            and (other.ordinal, other.alias_index) not in self.outcomes
            for other in root.bindings
        )

    def _drop(self, binding: ImportBinding) -> None:
        """Take an alias out; an import that is added to the statement takes its place."""
        ordinal, index = binding.ordinal, binding.alias_index
        extras = self.extras.get(ordinal, [])
        if extras and isinstance(binding.statement, ast.Import):
            first = extras.pop(0)
            self.outcomes[ordinal, index] = [NewImport(first.base, first.name, first.asname, index)]
            if not extras:
                del self.extras[ordinal]
        else:
            self.outcomes[ordinal, index] = []
