"""The proof after a rewriting: every name that an import binds means the same definition as before.

Two trees are compared modulo the relocation map, by their indexes alone: each import binding of every file;
for files whose text was changed (or could have been) also each use of an imported name with its attribute
chain, in source order; and every name in `__all__`. What cannot be decided from the text (a computed
namespace) is counted as unprovable with its reason, never as equal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property

import msgspec

from analyzers.import_index import SourceIndex
from analyzers.layout import ModuleName
from analyzers.model import FileRecord, ImportRecord
from analyzers.name_resolution import Kind, NameResolver, Target
from analyzers.parsed_files import ParsedFile, ParsedFiles
from analyzers.relocation_map import RelocationMap
from analyzers.scopes import FileScope, FileScopes, ImportBinding, NameUse

ReadBytes = Callable[[str], bytes]

_UNRESOLVED = Target(Kind.UNKNOWN, "unresolved")


class Difference(msgspec.Struct, frozen=True):
    """One name that is not proven: `line` is that of the file before, 0 unknown."""

    path: str
    line: int
    name: str
    before: str
    after: str
    reason: str


class Certificate(msgspec.Struct, frozen=True):
    """The result of the comparison; `differing` empty means that no name was found to have changed.

    `bindings` = `equal` + number of `unprovable` + number of `differing`.
    """

    version: int
    files: int
    files_compared_in_depth: int
    bindings: int
    equal: int
    broken_before: int
    unprovable: tuple[Difference, ...]
    differing: tuple[Difference, ...]

    def extended(
        self, equal: int, unprovable: Iterable[Difference], differing: Iterable[Difference]
    ) -> Certificate:
        """This certificate with the results of a further comparison."""
        more, bad = tuple(unprovable), tuple(differing)
        return msgspec.structs.replace(
            self,
            bindings=self.bindings + equal + len(more) + len(bad),
            equal=self.equal + equal,
            unprovable=(*self.unprovable, *more),
            differing=(*self.differing, *bad),
        )


@dataclass
class _Tally:
    files: int = 0
    deep: int = 0
    equal: int = 0
    broken_before: int = 0
    unprovable: list[Difference] = field(default_factory=list)
    differing: list[Difference] = field(default_factory=list)


def certify(
    before: SourceIndex,
    after: SourceIndex,
    relocations: RelocationMap,
    *,
    in_depth: Iterable[str],
    read_before: ReadBytes,
    read_after: ReadBytes,
    gone: frozenset[str] = frozenset(),
    parsed: ParsedFiles | None = None,
    let_go: frozenset[tuple[str, str]] = frozenset(),
    restored: frozenset[str] = frozenset(),
) -> Certificate:
    """Compare two trees.

    Args:
        before, after: the indexes of the trees.
        relocations: what moved between them.
        in_depth: paths (before) of the files whose uses are compared, too.
        read_before, read_after: the bytes of a path in each tree.
        gone: paths that were deleted on purpose.
        parsed: trees that others have read already.
        let_go: (path before, name) of imported names that others no longer get from that file, on purpose;
            whoever did must get the same thing elsewhere.
        restored: paths of files that get back what they were before an earlier move, which was proven: an
            import that the move added may go again. Their uses are compared like all others.
    """
    comparer = _Comparer(before, after, relocations, parsed or ParsedFiles())
    comparer.let_go = let_go
    comparer.restored = restored
    deep = set(in_depth)
    for path, record in before.files.items():
        if path in gone:
            continue
        new_path = relocations.path(path) or path
        new_record = after.files.get(new_path)
        if new_record is None:
            comparer.differ(path, 0, path, path, "", "the file is gone")
            continue
        comparer.tally.files += 1
        if record.error or new_record.error:
            if new_record.error and not record.error:
                comparer.differ(
                    path, new_record.error_line, path, "parses", new_record.error, "does not parse"
                )
            continue
        comparer.compare_exports(record, new_record)
        if path in deep:
            comparer.tally.deep += 1
            comparer.compare_deeply(path, read_before(path), new_path, read_after(new_path))
        else:
            comparer.compare_imports(record, new_record)
    tally = comparer.tally
    return Certificate(
        version=1,
        files=tally.files,
        files_compared_in_depth=tally.deep,
        bindings=tally.equal + len(tally.unprovable) + len(tally.differing),
        equal=tally.equal,
        broken_before=tally.broken_before,
        unprovable=tuple(tally.unprovable),
        differing=tuple(tally.differing),
    )


@dataclass
class _Reading:
    """The scopes of one file in one of the trees; `starts` are the targets of names, told once."""

    scopes: FileScopes
    client: ModuleName | None
    resolver: NameResolver
    starts: dict[tuple[int, str], tuple[frozenset[Target | None], frozenset[str]]] = field(
        default_factory=dict
    )

    @cached_property
    def numbers(self) -> dict[int, int]:
        return _scope_numbers(self.scopes)

    @cached_property
    def has_star(self) -> bool:
        return any(a.name == "*" for s in self.scopes.statements for a in s.node.names)


class _Comparer:
    def __init__(
        self, before: SourceIndex, after: SourceIndex, relocations: RelocationMap, parsed: ParsedFiles
    ) -> None:
        self.parsed = parsed
        self.before = before
        self.after = after
        self.relocations = relocations
        self.old = before.resolver
        self.new = after.resolver
        self.tally = _Tally()
        self.let_go: frozenset[tuple[str, str]] = frozenset()
        self.restored: frozenset[str] = frozenset()
        #: The packages above the modules that move.
        self.left_packages = frozenset(
            entry.old_module.rpartition(".")[0].rsplit(".", depth)[0]
            for entry in relocations.relocations
            if not entry.old_symbol
            for depth in range(entry.old_module.count("."))
        )

    def differ(self, path: str, line: int, name: str, before: str, after: str, reason: str) -> None:
        self.tally.differing.append(Difference(path, line, name, before, after, reason))

    # -- what a target is called afterwards --------------------------------------------------------

    def _mapped(self, target: Target) -> Target:
        if target.kind is Kind.MODULE:
            return Target(Kind.MODULE, self.relocations.module(target.module) or target.module)
        if target.kind is Kind.SYMBOL:
            module, name = self.relocations.symbol(target.module, target.name) or (target.module, target.name)
            return Target(Kind.SYMBOL, module, name)
        return target

    def _judge(self, path: str, line: int, name: str, before: Target | None, after: Target | None) -> None:
        """Count one binding; None means that the name certainly does not exist."""
        if before is None:
            # Broken before: nothing to keep. It is reported elsewhere, never guessed.
            self.tally.broken_before += 1
            return
        wanted = self._mapped(before)
        if wanted == after:
            if before.kind is Kind.UNKNOWN:
                self._unprovable(path, line, name, before, after, "the namespace is computed")
            else:
                self.tally.equal += 1
            return
        if after is not None and Kind.UNKNOWN in (before.kind, after.kind):
            self._unprovable(path, line, name, wanted, after, "the namespace is computed")
            return
        reason = "does not exist afterwards" if after is None else "means another thing afterwards"
        self.differ(path, line, name, str(wanted), str(after or ""), reason)

    def _unprovable(self, path: str, line: int, name: str, before: Target, after: Target, why: str) -> None:
        self.tally.unprovable.append(Difference(path, line, name, str(before), str(after), why))

    # -- files whose text is the same --------------------------------------------------------------

    def compare_imports(self, record: FileRecord, new_record: FileRecord) -> None:
        """Each import statement of a file that was not rewritten still means what it meant."""
        old_name, new_name = self.before.module_at(record.path), self.after.module_at(new_record.path)
        if old_name is None or new_name is None:
            return
        for statement in record.imports:
            for label, before, after in self._pairs(statement, old_name, new_name):
                self._judge(record.path, statement.line, label, before, after)

    def _pairs(
        self, statement: ImportRecord, old_name: ModuleName, new_name: ModuleName
    ) -> Iterable[tuple[str, Target | None, Target | None]]:
        if not statement.is_from:
            for alias in statement.names:
                if self.old.is_own(alias.name):
                    yield alias.name, self._module(self.old, alias.name), self._module(self.new, alias.name)
            return
        old_base = self.old.base_of(old_name, statement.level, statement.module)
        new_base = self.new.base_of(new_name, statement.level, statement.module)
        if old_base is None or not (statement.level or self.old.is_own(old_base)):
            return
        for alias in statement.names:
            label = f"{old_base}.{alias.name}"
            if alias.name == "*":
                after = self._module(self.new, new_base) if new_base else None
                yield label, self._module(self.old, old_base), after
                continue
            before = self._attribute(self.old, old_base, alias.name)
            after = self._attribute(self.new, new_base, alias.name) if new_base else None
            yield label, before, after

    @staticmethod
    def _module(resolver: NameResolver, module: str) -> Target | None:
        return Target(Kind.MODULE, module) if resolver.facts.exists(module) else None

    @staticmethod
    def _attribute(resolver: NameResolver, base: str, name: str) -> Target | None:
        if not resolver.facts.exists(base):
            return None if resolver.is_own(base) else Target(Kind.OUTSIDE, base, name)
        return resolver.attribute(base, name)

    # -- files whose text may have changed ---------------------------------------------------------

    def compare_deeply(self, path: str, content: bytes, new_path: str, new_content: bytes) -> None:
        """Each use of an imported name, and each imported name that is not used, means what it meant."""
        old_scopes = _scopes(self.parsed.last_of(content))
        new_scopes = old_scopes if content == new_content else _scopes(self.parsed.last_of(new_content))
        old_name, new_name = self.before.module_at(path), self.after.module_at(new_path)
        if old_scopes is None or new_scopes is None:
            self.differ(path, 0, path, "", "", "cannot be analysed")
            return
        self._compare_uses(path, old_scopes, new_scopes, old_name, new_name)
        self._compare_bindings(path, old_scopes, new_scopes, old_name, new_name)

    def _compare_uses(
        self,
        path: str,
        old_scopes: FileScopes,
        new_scopes: FileScopes,
        old_name: ModuleName | None,
        new_name: ModuleName | None,
    ) -> None:
        # Rewriting replaces texts in place: the uses stay as many and in the same order.
        old_uses, new_uses = old_scopes.uses, new_scopes.uses
        if len(old_uses) != len(new_uses):
            # A name that was put together from constants is one constant now: compare imported names only.
            old_uses, new_uses = _imported_uses(old_scopes), _imported_uses(new_scopes)
        if len(old_uses) != len(new_uses):
            self.differ(path, 0, path, str(len(old_uses)), str(len(new_uses)), "uses of imported names")
            return
        old, new = _Reading(old_scopes, old_name, self.old), _Reading(new_scopes, new_name, self.new)
        for old_use, new_use in zip(old_uses, new_uses, strict=True):
            before, after = self._meaning(old_use, old), self._meaning(new_use, new)
            if isinstance(before, tuple) and isinstance(after, tuple):
                self._judge_use(path, old_use, before, after)
            elif before != after:
                self.differ(
                    path, old_use.node.lineno, _written(old_use), str(before), str(after), "is another name"
                )

    def _judge_use(
        self,
        path: str,
        use: NameUse,
        before: tuple[frozenset[Target | None], tuple[str, ...]],
        after: tuple[frozenset[Target | None], tuple[str, ...]],
    ) -> None:
        old_targets, old_rest = before
        new_targets, new_rest = after
        if len(old_targets) == 1 and len(new_targets) == 1:
            old_target, new_target = next(iter(old_targets)), next(iter(new_targets))
            if old_target is not None and old_rest != new_rest and Kind.UNKNOWN not in (old_target.kind,):
                self.differ(
                    path, use.node.lineno, _written(use), ".".join(old_rest), ".".join(new_rest), "attributes"
                )
                return
            self._judge(path, use.node.lineno, _written(use), old_target, new_target)
            return
        wanted = {None if t is None else self._mapped(t) for t in old_targets}
        if wanted == set(new_targets):
            self.tally.equal += 1
        else:
            shown = [" or ".join(sorted(str(t) for t in ts)) for ts in (wanted, new_targets)]
            self.differ(
                path, use.node.lineno, _written(use), shown[0], shown[1], "means another thing afterwards"
            )

    def _meaning(
        self, use: NameUse, reading: _Reading
    ) -> tuple[frozenset[Target | None], tuple[str, ...]] | str:
        """What a use denotes: (targets, attributes that remain), or a text for names that no import binds."""
        owner = reading.scopes.lookup(use.scope, use.node.id)
        if owner is None:
            found = self._from_star(use, reading)
            if found is not None:
                return frozenset({found[0]}), found[1]
            return f"builtin {use.node.id}"
        bindings = owner.imports.get(use.node.id)
        if not bindings:
            return f"{use.node.id} of scope {reading.numbers[id(owner)]}"
        key = id(owner), use.node.id
        known = reading.starts.get(key)
        if known is None:
            # Many statements may bind one name: their targets are told once, not for every use.
            starts = {self._bound_target(b, reading.client, reading.resolver) for b in bindings}
            known = reading.starts[key] = frozenset(starts), _dotted_imports(bindings)
        results = {self._follow(target, use, reading.resolver, known[1]) for target in known[0]}
        targets = frozenset(target for target, _ in results)
        rests = {rest for _, rest in results}
        return targets, (rests.pop() if len(rests) == 1 else tuple(a.attr for a in use.chain))

    @staticmethod
    def _from_star(use: NameUse, reading: _Reading) -> tuple[Target, tuple[str, ...]] | None:
        """What a use denotes that a star import at module level binds, with the attributes that remain."""
        client, resolver = reading.client, reading.resolver
        if client is None or not client.is_importable or not reading.has_star:
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

    @staticmethod
    def _follow(
        target: Target | None, use: NameUse, resolver: NameResolver, imported: frozenset[str]
    ) -> tuple[Target | None, tuple[str, ...]]:
        attributes = [a.attr for a in use.chain]
        while attributes and target is not None and target.kind is Kind.MODULE:
            name = attributes[0]
            submodule = f"{target.module}.{name}"
            if submodule in imported and resolver.facts.exists(submodule):
                target = Target(Kind.MODULE, submodule)
            else:
                found = resolver.attribute(target.module, name)
                if found is None:
                    return None, tuple(attributes)
                target = found
            attributes.pop(0)
        return target, tuple(attributes)

    def _bound_target(
        self, binding: ImportBinding, client: ModuleName | None, resolver: NameResolver
    ) -> Target | None:
        alias, statement = binding.alias, binding.statement
        level = getattr(statement, "level", None)
        if level is None:
            module = alias.name if alias.asname else alias.name.partition(".")[0]
            if resolver.is_own(alias.name):
                return self._module(resolver, module)
            return Target(Kind.OUTSIDE, module)
        module = getattr(statement, "module", None) or ""
        base = resolver.base_of(client, level, module) if client is not None else module
        if base is None:
            return None
        found = self._attribute(resolver, base, alias.name)
        if level and resolver is self.old and found is not None and found.kind is Kind.OUTSIDE:
            return self._relocated_outside(found)
        return found

    def _relocated_outside(self, target: Target) -> Target:
        """Where a relative import leads in files outside of all import roots, which have no modules."""
        module = self.relocations.module(f"{target.module}.{target.name}")
        if module is not None:
            above, _, leaf = module.rpartition(".")
            return Target(Kind.OUTSIDE, above, leaf)
        moved = self.relocations.symbol(target.module, target.name)
        return target if moved is None else Target(Kind.OUTSIDE, *moved)

    def _compare_bindings(
        self,
        path: str,
        old_scopes: FileScopes,
        new_scopes: FileScopes,
        old_name: ModuleName | None,
        new_name: ModuleName | None,
    ) -> None:
        """Names that others may import from here are still bound; what was loaded still is."""
        for name, bindings in old_scopes.module.imports.items():
            if all(_is_dotted(b) for b in bindings):
                continue
            line = bindings[0].statement.lineno
            after = new_scopes.module.imports.get(name)
            if after is None:
                if (path, name) in self.let_go or path in self.restored:
                    continue
                if self._went_with_its_uses(path, name, bindings, old_scopes, old_name):
                    continue
                self.differ(path, line, name, "bound by an import", "", "is not bound afterwards")
                continue
            wanted = {self._bound_target(b, old_name, self.old) for b in bindings}
            found = {self._bound_target(b, new_name, self.new) for b in after}
            if len(wanted) == 1 and len(found) == 1:
                self._judge(path, line, name, next(iter(wanted)), next(iter(found)))
            elif {None if t is None else self._mapped(t) for t in wanted} == found:
                self.tally.equal += 1
            else:
                self.differ(path, line, name, "", "", "means another thing afterwards")
        loaded = _loaded(new_scopes)
        used = {use.node.id for use in old_scopes.uses}
        for statement in old_scopes.statements:
            if getattr(statement.node, "level", None) is not None:
                continue
            for alias in statement.node.names:
                if not self.old.facts.exists(alias.name):
                    continue
                new = self.relocations.module(alias.name) or alias.name
                if new in loaded or path in self.restored:
                    continue
                # A module that stays may go unimported when all that was used of it moved away: the uses
                # have been compared one by one. One that was imported for its effects alone may not.
                stays = new == alias.name
                if not (stays and (alias.asname or alias.name.partition(".")[0]) in used):
                    self.differ(
                        path, statement.node.lineno, alias.name, new, "", "is not imported afterwards"
                    )

    def _went_with_its_uses(
        self,
        path: str,
        name: str,
        bindings: Iterable[ImportBinding],
        scopes: FileScopes,
        client: ModuleName | None,
    ) -> bool:
        """Whether a module's import may go: what was used of it moved, nobody takes it from here.

        The uses themselves are compared one by one, so a name that is still needed is seen there.
        """
        targets = {self._bound_target(b, client, self.old) for b in bindings}
        homes = {module for module, _ in self.relocations.moved_symbols} | self.left_packages
        for target in targets:
            if target is None or target.kind is not Kind.MODULE or target.module not in homes:
                return False
        if name not in scopes.uses_by_name or name in (self.before.files[path].exports or ()):
            return False
        return client is None or name not in self.old.wanted_from(client.name)

    # -- __all__ -----------------------------------------------------------------------------------

    def compare_exports(self, record: FileRecord, new_record: FileRecord) -> None:
        """Each name in `__all__` that existed still exists, or has moved away with its entry."""
        client = self.before.module_at(record.path)
        new_client = self.after.module_at(new_record.path)
        if client is None or new_client is None or record.exports is None or not client.is_importable:
            return
        for name in record.exports:
            before = self.old.attribute(client.name, name)
            if before is None:
                self.tally.broken_before += 1
                continue
            if (client.name, name) in self.relocations.moved_symbols or (record.path, name) in self.let_go:
                continue
            if name not in (new_record.exports or ()):
                self.differ(
                    record.path, 0, name, "listed in __all__", "", "is not listed in __all__ afterwards"
                )
                continue
            self._judge(record.path, 0, name, before, self.new.attribute(new_client.name, name))


def _scopes(parsed: ParsedFile) -> FileScopes | None:
    if parsed.tree is None:
        return None
    try:
        return parsed.scopes
    except RecursionError:
        return None


def _imported_uses(scopes: FileScopes) -> tuple[NameUse, ...]:
    found = []
    for use in scopes.uses:
        owner = scopes.lookup(use.scope, use.node.id)
        if owner is not None and use.node.id in owner.imports:
            found.append(use)
    return tuple(found)


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


def _is_dotted(binding: ImportBinding) -> bool:
    return getattr(binding.statement, "level", None) is None and binding.alias.asname is None


def _dotted_imports(bindings: Iterable[ImportBinding]) -> frozenset[str]:
    """The modules that the plain imports among the bindings load, packages above them included."""
    return _with_packages({b.alias.name for b in bindings if _is_dotted(b)})


def _with_packages(modules: Iterable[str]) -> frozenset[str]:
    found: set[str] = set()
    for module in modules:
        parts = module.split(".")
        found.update(".".join(parts[:size]) for size in range(1, len(parts) + 1))
    return frozenset(found)


def _loaded(scopes: FileScopes) -> frozenset[str]:
    """Modules that the file's plain imports load, packages above them included."""
    plain = (s.node for s in scopes.statements if getattr(s.node, "level", None) is None)
    return _with_packages({alias.name for node in plain for alias in node.names})


def _written(use: NameUse) -> str:
    return ".".join((use.node.id, *(a.attr for a in use.chain)))
