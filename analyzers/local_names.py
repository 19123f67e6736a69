"""Under which text a module is known in a scope: its dotted name, or a fresh alias where that is taken."""

from __future__ import annotations

import builtins
from collections.abc import Mapping, Sequence

from analyzers.dotted_roots import Need, Root
from analyzers.file_scopes import FileScope, FileScopes, ScopeKind
from analyzers.rewrite_context import RewriteContext

_BUILTIN_NAMES = frozenset(dir(builtins))


class LocalNames:
    """Chooses under which text each needed module is known in a scope: its dotted name, or a fresh alias."""

    def __init__(
        self,
        context: RewriteContext,
        scopes: FileScopes,
        owner: FileScope,
        roots: Mapping[str, Root],
        star_bases: Sequence[str],
    ) -> None:
        self.context = context
        self.scopes = scopes
        self.owner = owner
        self.roots = roots
        self.star_bases = star_bases
        self.taken: set[str] = set()

    def choose(self, needs: Mapping[str, Need]) -> dict[str, str]:
        return {module: self._text(needs[module]) for module in sorted(needs)}

    def _text(self, need: Need) -> str:
        module = need.module
        if not self._clashes(module.partition(".")[0], need):
            return module
        parts = module.split(".")
        longest = "_".join(parts)
        candidates = [parts[-1], "_".join(parts[-2:]), longest, *(f"{longest}_{n}" for n in range(2, 1000))]
        text = next(c for c in candidates if not self._is_taken(c))
        self.taken.add(text)
        return text

    def _is_taken(self, name: str) -> bool:
        return (
            name in self.taken
            or name in self.scopes.all_names
            or name in self.scopes.quoted_words
            or name in _BUILTIN_NAMES
            or self._is_submodule(name)
            or self._leaks(name)
        )

    def _is_submodule(self, name: str) -> bool:
        # A name bound in a package's `__init__` and a submodule of that name overwrite each other.
        context = self.context
        if not context.after.is_package or self.owner.kind is not ScopeKind.MODULE:
            return False
        submodule = f"{context.after.name}.{name}"
        exists = context.resolver.facts.exists(f"{context.before.name}.{name}")
        return exists or context.relocations.new_to_old_module(submodule) is not None

    def _leaks(self, name: str) -> bool:
        """Whether a star import would carry the new name into a file where it means something else."""
        context = self.context
        if self.owner.kind is not ScopeKind.MODULE or name.startswith("_"):
            return False
        record = context.resolver.facts.record_of(context.before.name)
        if record is not None and record.exports is not None and not record.exports_dynamic:
            return False
        return context.resolver.star_importers_bind(context.before.name, name)

    def _comes_by_star(self, name: str) -> bool:
        """Whether a star import of the file brings the name, too."""
        resolver = self.context.resolver
        for base in self.star_bases:
            exports = resolver.exports_of(base)
            if name in exports if exports is not None else resolver.is_bound(base, name):
                return True
        return False

    def _clashes(self, name: str, need: Need) -> bool:
        owner, lookup = self.owner, self.scopes.lookup
        plain = False
        for binding in owner.imports.get(name, ()):
            if not binding.is_plain:
                return True
            if name in self.roots and self.roots[name].renamed(binding, self.context.relocations) is not None:
                continue
            if self.context.relocations.module(name) is not None:
                # `import x` becomes `import z as x`.
                return True
            plain = True
        if name in owner.others and name not in self.roots and not plain:
            return True
        if not plain and name not in self.roots and (self._is_submodule(name) or self._leaks(name)):
            return True
        if owner is self.scopes.module and not plain and name not in self.roots and self._comes_by_star(name):
            return True
        for use in need.uses:
            seen = lookup(use.scope, name)
            if seen is not None and seen is not owner and seen.is_within(owner):
                return True
        if plain or name in self.roots:
            return False
        for use in self.scopes.uses_by_name.get(name, ()):
            # Binding the name here would take it away from what it means now (an outer name or a builtin).
            if use.scope.is_within(owner):
                seen = lookup(use.scope, name)
                if seen is None or not seen.is_within(owner):
                    return True
        return False
