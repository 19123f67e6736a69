"""What a name that a file uses denotes in one tree: followed through the import that binds it, and on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

from analyzers.file_scopes import FileScope, FileScopes, ImportBinding, NameUse
from analyzers.layout import ModuleName
from analyzers.name_resolution import Kind, NameResolver, Target
from analyzers.relocation_map import RelocationMap

#: The targets that a name may have (None: it does not exist), and the attributes that are left behind them.
Meaning = tuple[frozenset["Target | None"], tuple[str, ...]]

#: The targets of a bare name, and the modules that its plain imports load.
_Start = tuple[frozenset["Target | None"], frozenset[str]]


@dataclass
class FileReading:
    """The scopes of one file in one tree, with what its names denote there.

    `client` is its module name, None outside of all import roots. `relocations` are given for the tree
    before a move: relative imports in files that are no modules are then understood as what they become.
    """

    scopes: FileScopes
    client: ModuleName | None
    resolver: NameResolver
    relocations: RelocationMap | None = None
    #: What a name denotes in a scope, by the scope's identity: most names are used many times.
    _known: dict[tuple[int, str], _Start | str] = field(default_factory=dict)

    @cached_property
    def _numbers(self) -> dict[int, int]:
        return _scope_numbers(self.scopes)

    @cached_property
    def _has_star(self) -> bool:
        return any(a.name == "*" for s in self.scopes.statements for a in s.node.names)

    def meaning(self, use: NameUse) -> Meaning | str:
        """What a use denotes; a text for names that no import binds, equal for equal scopes."""
        key = id(use.scope), use.node.id
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = self._begin(use)
        if isinstance(known, str):
            is_unbound = known == _unbound(use.node.id)
            found = self._from_star(use) if self._has_star and is_unbound else None
            return (frozenset({found[0]}), found[1]) if found is not None else known
        targets, imported = known
        if not use.chain:
            return targets, ()
        results = {self._follow(target, use, imported) for target in targets}
        rests = {rest for _, rest in results}
        rest = rests.pop() if len(rests) == 1 else tuple(a.attr for a in use.chain)
        return frozenset(target for target, _ in results), rest

    def _begin(self, use: NameUse) -> _Start | str:
        owner = self.scopes.lookup(use.scope, use.node.id)
        if owner is None:
            return _unbound(use.node.id)
        bindings = owner.imports.get(use.node.id)
        if not bindings:
            return f"{use.node.id} of scope {self._numbers[id(owner)]}"
        key = id(owner), use.node.id
        known = self._known.get(key)
        if known is None or isinstance(known, str):
            # Many statements may bind one name: their targets are told once, not for every scope.
            targets = frozenset({self.target_of(b) for b in bindings})
            known = self._known[key] = targets, _dotted_imports(bindings)
        return known

    def target_of(self, binding: ImportBinding) -> Target | None:
        """What an import binds a name to; None when that does not exist."""
        alias, statement, resolver = binding.alias, binding.statement, self.resolver
        level = getattr(statement, "level", None)
        if level is None:
            module = alias.name if alias.asname else alias.name.partition(".")[0]
            if resolver.is_own(alias.name):
                return module_target(resolver, module)
            return Target(Kind.OUTSIDE, module)
        module = getattr(statement, "module", None) or ""
        base = resolver.base_of(self.client, level, module) if self.client is not None else module
        if base is None:
            return None
        found = attribute_target(resolver, base, alias.name)
        if level and self.relocations is not None and found is not None and found.kind is Kind.OUTSIDE:
            return _relocated_outside(found, self.relocations)
        return found

    def _from_star(self, use: NameUse) -> tuple[Target, tuple[str, ...]] | None:
        """What a use denotes that a star import at module level binds, with the attributes that remain."""
        client, resolver = self.client, self.resolver
        if client is None or not client.is_importable or not self._has_star:
            return None
        found = resolver.bound(client.name, use.node.id)
        if found is None or found.kind not in (Kind.SYMBOL, Kind.MODULE):
            return None
        rest = [a.attr for a in use.chain]
        while rest and found.kind is Kind.MODULE:
            member = resolver.attribute(found.module, rest[0])
            if member is None:
                break
            found = member
            rest.pop(0)
        return found, tuple(rest)

    def _follow(
        self, target: Target | None, use: NameUse, imported: frozenset[str]
    ) -> tuple[Target | None, tuple[str, ...]]:
        attributes = [a.attr for a in use.chain]
        while attributes and target is not None and target.kind is Kind.MODULE:
            name = attributes[0]
            submodule = f"{target.module}.{name}"
            if submodule in imported and self.resolver.facts.exists(submodule):
                target = Target(Kind.MODULE, submodule)
            else:
                found = self.resolver.attribute(target.module, name)
                if found is None:
                    return None, tuple(attributes)
                target = found
            attributes.pop(0)
        return target, tuple(attributes)


def _unbound(name: str) -> str:
    """What a name means that no scope binds."""
    return f"builtin {name}"


def module_target(resolver: NameResolver, module: str) -> Target | None:
    """The module of that name, None when the repository has none."""
    return Target(Kind.MODULE, module) if resolver.facts.exists(module) else None


def attribute_target(resolver: NameResolver, base: str, name: str) -> Target | None:
    """What `from base import name` takes; None when it certainly does not exist."""
    if not resolver.facts.exists(base):
        return None if resolver.is_own(base) else Target(Kind.OUTSIDE, base, name)
    return resolver.attribute(base, name)


def is_dotted(binding: ImportBinding) -> bool:
    """Whether it is a plain `import a.b`, which binds `a`."""
    return getattr(binding.statement, "level", None) is None and binding.alias.asname is None


def with_packages(modules: Iterable[str]) -> frozenset[str]:
    """The modules and all packages above them."""
    found: set[str] = set()
    for module in modules:
        parts = module.split(".")
        found.update(".".join(parts[:size]) for size in range(1, len(parts) + 1))
    return frozenset(found)


def _relocated_outside(target: Target, relocations: RelocationMap) -> Target:
    """Where a relative import leads in files outside of all import roots, which have no modules."""
    module = relocations.module(f"{target.module}.{target.name}")
    if module is not None:
        above, _, leaf = module.rpartition(".")
        return Target(Kind.OUTSIDE, above, leaf)
    moved = relocations.symbol(target.module, target.name)
    return target if moved is None else Target(Kind.OUTSIDE, *moved)


def _dotted_imports(bindings: Iterable[ImportBinding]) -> frozenset[str]:
    """The modules that the plain imports among the bindings load, packages above them included."""
    return with_packages({b.alias.name for b in bindings if is_dotted(b)})


def _scope_numbers(scopes: FileScopes) -> dict[int, int]:
    """Scopes by the order of their first use, so that those of two texts can be compared."""
    numbers: dict[int, int] = {}
    for use in scopes.uses:
        scope: FileScope | None = use.scope
        chain = []
        while scope is not None and id(scope) not in numbers:
            chain.append(scope)
            scope = scope.parent
        for item in reversed(chain):
            numbers[id(item)] = len(numbers)
    return numbers
