"""The proof after a rewriting: every name that an import binds means the same definition as before.

Two trees are compared modulo the relocation map, by their indexes alone: each import binding of every file;
for files whose text was changed (or could have been) also each use of an imported name with its attribute
chain, in source order; and every name in `__all__`. What cannot be decided from the text (a computed
namespace) is counted as unprovable with its reason, never as equal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from analyzers.certificate import Certificate, Difference
from analyzers.file_scopes import FileScopes, ImportBinding, NameUse
from analyzers.import_index import SourceIndex
from analyzers.layout import ModuleName
from analyzers.model import FileRecord, ImportRecord
from analyzers.name_resolution import Kind, Target
from analyzers.parsed_files import ParsedFiles
from analyzers.relocation_map import RelocationMap
from analyzers.use_meaning import FileReading, attribute_target, is_dotted, module_target, with_packages

ReadBytes = Callable[[str], bytes]

_UNRESOLVED = Target(Kind.UNKNOWN, "unresolved")


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
        parsed: files that others have read already.
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
                    yield alias.name, module_target(self.old, alias.name), module_target(self.new, alias.name)
            return
        old_base = self.old.base_of(old_name, statement.level, statement.module)
        new_base = self.new.base_of(new_name, statement.level, statement.module)
        if old_base is None or not (statement.level or self.old.is_own(old_base)):
            return
        for alias in statement.names:
            label = f"{old_base}.{alias.name}"
            if alias.name == "*":
                after = module_target(self.new, new_base) if new_base else None
                yield label, module_target(self.old, old_base), after
                continue
            before = attribute_target(self.old, old_base, alias.name)
            after = attribute_target(self.new, new_base, alias.name) if new_base else None
            yield label, before, after

    # -- files whose text may have changed ---------------------------------------------------------

    def compare_deeply(self, path: str, content: bytes, new_path: str, new_content: bytes) -> None:
        """Each use of an imported name, and each imported name that is not used, means what it meant."""
        old_scopes = self.parsed.last_scopes_of(content)
        new_scopes = old_scopes if content == new_content else self.parsed.last_scopes_of(new_content)
        old_name, new_name = self.before.module_at(path), self.after.module_at(new_path)
        if old_scopes is None or new_scopes is None:
            self.differ(path, 0, path, "", "", "cannot be analysed")
            return
        old = FileReading(old_scopes, old_name, self.old, self.relocations)
        new = FileReading(new_scopes, new_name, self.new)
        self._compare_uses(path, old, new)
        self._compare_bindings(path, old, new)

    def _compare_uses(self, path: str, old: FileReading, new: FileReading) -> None:
        # Rewriting replaces texts in place: the uses stay as many and in the same order.
        old_uses, new_uses = old.scopes.uses, new.scopes.uses
        if len(old_uses) != len(new_uses):
            # A name that was put together from constants is one constant now: compare imported names only.
            old_uses, new_uses = _imported_uses(old.scopes), _imported_uses(new.scopes)
        if len(old_uses) != len(new_uses):
            self.differ(path, 0, path, str(len(old_uses)), str(len(new_uses)), "uses of imported names")
            return
        for old_use, new_use in zip(old_uses, new_uses, strict=True):
            before, after = old.meaning(old_use), new.meaning(new_use)
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

    def _compare_bindings(self, path: str, old: FileReading, new: FileReading) -> None:
        """Names that others may import from here are still bound; what was loaded still is."""
        for name, bindings in old.scopes.module.imports.items():
            if all(is_dotted(b) for b in bindings):
                continue
            line = bindings[0].statement.lineno
            after = new.scopes.module.imports.get(name)
            if after is None:
                if (path, name) in self.let_go or path in self.restored:
                    continue
                if self._went_with_its_uses(path, name, bindings, old):
                    continue
                self.differ(path, line, name, "bound by an import", "", "is not bound afterwards")
                continue
            wanted = {old.target_of(b) for b in bindings}
            found = {new.target_of(b) for b in after}
            if len(wanted) == 1 and len(found) == 1:
                self._judge(path, line, name, next(iter(wanted)), next(iter(found)))
            elif {None if t is None else self._mapped(t) for t in wanted} == found:
                self.tally.equal += 1
            else:
                self.differ(path, line, name, "", "", "means another thing afterwards")
        loaded = _loaded(new.scopes)
        used = {use.node.id for use in old.scopes.uses}
        for statement in old.scopes.statements:
            if getattr(statement.node, "level", None) is not None:
                continue
            for alias in statement.node.names:
                if not self.old.facts.exists(alias.name):
                    continue
                wanted_module = self.relocations.module(alias.name) or alias.name
                if wanted_module in loaded or path in self.restored:
                    continue
                # A module that stays may go unimported when all that was used of it moved away: the uses
                # have been compared one by one. One that was imported for its effects alone may not.
                stays = wanted_module == alias.name
                if not (stays and (alias.asname or alias.name.partition(".")[0]) in used):
                    self.differ(
                        path,
                        statement.node.lineno,
                        alias.name,
                        wanted_module,
                        "",
                        "is not imported afterwards",
                    )

    def _went_with_its_uses(
        self,
        path: str,
        name: str,
        bindings: Iterable[ImportBinding],
        reading: FileReading,
    ) -> bool:
        """Whether a module's import may go: what was used of it moved, nobody takes it from here.

        The uses themselves are compared one by one, so a name that is still needed is seen there.
        """
        targets = {reading.target_of(b) for b in bindings}
        client = reading.client
        homes = {module for module, _ in self.relocations.moved_symbols} | self.left_packages
        for target in targets:
            if target is None or target.kind is not Kind.MODULE or target.module not in homes:
                return False
        if name not in reading.scopes.uses_by_name or name in (self.before.files[path].exports or ()):
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


def _imported_uses(scopes: FileScopes) -> tuple[NameUse, ...]:
    found = []
    for use in scopes.uses:
        owner = scopes.lookup(use.scope, use.node.id)
        if owner is not None and use.node.id in owner.imports:
            found.append(use)
    return tuple(found)


def _loaded(scopes: FileScopes) -> frozenset[str]:
    """Modules that the file's plain imports load, packages above them included."""
    plain = (s.node for s in scopes.statements if getattr(s.node, "level", None) is None)
    return with_packages({alias.name for node in plain for alias in node.names})


def _written(use: NameUse) -> str:
    return ".".join((use.node.id, *(a.attr for a in use.chain)))
