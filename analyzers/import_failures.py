"""Imports that fail at import time after a move and did not before, because packages run in another order.

Each module is imported first, in both trees, by `import_simulation`; only knots of files that the move
touches are run. Branches are run all or not at all: a failure that needs one branch to run and another not to
can be missed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import TypeVar

from analyzers.called_imports import Called, CalledImport, called_imports
from analyzers.import_graph import EdgeKind, ImportEdge, ImportGraph
from analyzers.import_simulation import FoundFailures, Simulation
from analyzers.import_time_calls import CallFacts, import_time_calls
from analyzers.import_time_uses import Chain, ImportTimeUses, import_time_uses
from analyzers.relocation_map import RelocationMap
from analyzers.simulated_failure import Certainty, Failure, Failures, Mode
from analyzers.source import decode
from analyzers.strong_components import components

#: The bytes of a file of the tree afterwards, by its path there.
Reader = Callable[[str], bytes]

_Facts = TypeVar("_Facts", ImportTimeUses, CallFacts)


class Renaming:
    """Old paths and names to new ones; a file whose definitions go to several new files has become these."""

    def __init__(self, before: ImportGraph, after: ImportGraph, relocations: RelocationMap) -> None:
        self._relocations = relocations
        self._before = before
        self._after = after
        self._paths: dict[str, str] = {}
        self._heirs: dict[str, set[str]] = {}
        self._made_of: dict[str, set[str]] = {}
        kept = {self.new_path(path) for path in before.index.files}
        for entry in relocations.relocations:
            old = before.index.modules.get(entry.old_module)
            new = after.index.modules.get(entry.new_module)
            if entry.old_symbol and old is not None and new is not None and new not in kept:
                self._heirs.setdefault(old, set()).add(new)
                self._made_of.setdefault(new, set()).add(old)

    def made_of(self, new: str) -> frozenset[str]:
        """The old files whose definitions a new file got; empty for a file that was there before."""
        return frozenset(self._made_of.get(new, ()))

    def new_paths(self, path: str) -> frozenset[str]:
        """The path of an old file afterwards, and the new files that got definitions of it."""
        return frozenset({self.new_path(path), *self._heirs.get(path, ())})

    def new_path(self, path: str) -> str:
        known = self._paths.get(path)
        if known is None:
            known = self._paths[path] = self._find(path)
        return known

    def _find(self, path: str) -> str:
        moved = self._relocations.paths.get(path)
        if moved is not None:
            return moved
        module = self._before.module_of(path)
        new = self._relocations.module(module) if module else None
        if new is None:
            return path
        return self._after.index.modules.get(new, path)

    def new_chain(self, chain: Chain) -> Chain:
        moved = self._relocations.dotted(".".join(chain)) if len(chain) > 1 else None
        return tuple(moved.split(".")) if moved else chain

    def new_names(self, module: str, name: str) -> frozenset[tuple[str, str]]:
        """What a name of a module has become; without a name, the modules that got definitions of it, too."""
        path = self._before.index.modules.get(module, "")
        heirs = {self._after.module_of(new) for new in self._heirs.get(path, ())} if not name else set()
        return frozenset({self.new_name(module, name), *((heir, "") for heir in heirs)})

    def new_name(self, module: str, name: str) -> tuple[str, str]:
        if not name:
            return self._relocations.module(module) or module, ""
        moved = self._relocations.module(f"{module}.{name}")
        if moved is not None:
            above, _, leaf = moved.rpartition(".")
            return above, leaf
        return self._relocations.symbol(module, name) or (module, name)


def _runtime_links(graph: ImportGraph) -> dict[str, set[str]]:
    """What runs what at import time: the statements' edges, and from each module to its packages' files."""
    links: dict[str, set[str]] = {}
    for edge in graph.edges:
        if edge.kind is EdgeKind.IMPORT_TIME:
            row = links.setdefault(edge.importer, set())
            if edge.imported:
                row.add(edge.imported)
            else:
                row.update(graph.parents(edge.module)[-1:])
            if "*" in edge.names:
                record = graph.index.files.get(edge.imported)
                for name in (record.exports or ()) if record is not None else ():
                    path = graph.index.modules.get(f"{edge.module}.{name}")
                    if path is not None:
                        row.add(path)
    for module, path in graph.index.modules.items():
        parents = graph.parents(module)
        if parents:
            links.setdefault(path, set()).add(parents[-1])
    return {path: set(row) for path, row in links.items()}


def new_failures(
    before: ImportGraph,
    after: ImportGraph,
    paths: Renaming,
    read_before: Reader | None,
    read_after: Reader | None,
) -> list[Failure]:
    """What fails in `after` when a module is imported first, and did not when the same was first in
    `before`.
    """
    old_texts = _Texts(before, read_before, None, paths)
    new_texts = _Texts(after, read_after, old_texts, paths)
    old_uses = _Uses(old_texts, None, paths)
    new_uses = _Uses(new_texts, old_uses, paths)
    old_links, new_links = _runtime_links(before), _runtime_links(after)
    back = {paths.new_path(member): member for member in before.index.files}
    moved = {new for new, old in back.items() if new != old and new in after.index.files}
    old_called, new_called = _called(before, after, back, moved, old_links, new_links, old_texts, new_texts)
    for links, called in ((old_links, old_called), (new_links, new_called)):
        for path, steps in called.items():
            links.setdefault(path, set()).update(step.edge.imported for step in steps)
    old_knots, new_knots = _knots(old_links), _knots(new_links)
    home = {member: members for members in old_knots for member in members}
    upstream = _reaching(new_links, moved)
    downstream = _reached(new_links, upstream)
    old_failures: Failures = {}
    new_failures: Failures = {}
    failing: set[str] = set()
    for members in new_knots:
        is_changed = not _is_unchanged(members, before, after, back, home) or any(
            new_called.get(m) != old_called.get(m) for m in members
        )
        if not is_changed and members.isdisjoint(downstream):
            continue
        met = Simulation(after, members, new_uses if is_changed else None, new_called).failures()
        if met.rough:
            failing |= members
        if not is_changed or not met.rough:
            continue
        homes = {home[o] for m in members for o in _origins(m, back, paths) if o in home}
        known = FoundFailures({}, {})
        for old_members in sorted(homes, key=min):
            old = Simulation(before, old_members, old_uses, old_called).failures()
            known.rough.update(old.rough)
            known.exact.update(old.exact)
        # Whatever is used: could it fail in the same way before?
        if _difference(met.rough, known.rough, back, paths, by_names=True):
            new_failures.update(met.exact)
            old_failures.update(known.exact)
    # What leads to a moved file may enter a knot by another door, since other packages run first.
    doors = upstream & _reaching(new_links, failing)
    if doors:
        old_doors = {old for door in doors for old in _origins(door, back, paths)}
        new_between = _reached(new_links, doors) & _reaching(new_links, failing)
        old_between = _reached(old_links, old_doors)
        met = _only(Simulation(after, new_between, new_uses, new_called).failures(), doors)
        known = _only(Simulation(before, old_between, old_uses, old_called).failures(), old_doors)
        if _difference(met.rough, known.rough, back, paths, by_names=True):
            new_failures.update(met.exact)
            old_failures.update(known.exact)
        else:
            new_failures = {key: value for key, value in new_failures.items() if key[0] not in doors}
    return _difference(new_failures, old_failures, back, paths)


def _called(
    before: ImportGraph,
    after: ImportGraph,
    back: Mapping[str, str],
    moved: set[str],
    old_links: Mapping[str, set[str]],
    new_links: Mapping[str, set[str]],
    old_texts: _Texts,
    new_texts: _Texts,
) -> tuple[Called, Called]:
    """The imports in functions that run with the import of a file, in both trees, where they may matter.

    That is in knots of imports of all times which the move changes or what moved leads to, and in what these
    were made of.
    """
    old_wide, new_wide = _with_deferred(before, old_links), _with_deferred(after, new_links)
    home = {member: members for members in components(old_wide) for member in members}
    downstream = _reached(new_wide, _reaching(new_wide, moved))
    old_called: dict[str, tuple[CalledImport, ...]] = {}
    new_called: dict[str, tuple[CalledImport, ...]] = {}
    homes: set[frozenset[str]] = set()
    for members in components(new_wide):
        if members.isdisjoint(downstream) and _is_unchanged(members, before, after, back, home):
            continue
        found = called_imports(after, members, new_texts.calls)
        new_called.update(found)
        if found:
            homes |= {home[back[m]] for m in members if m in back and back[m] in home}
    for members in homes:
        old_called.update(called_imports(before, members, old_texts.calls))
    return old_called, new_called


def _with_deferred(graph: ImportGraph, links: Mapping[str, set[str]]) -> dict[str, set[str]]:
    wide = {path: set(row) for path, row in links.items()}
    for edge in graph.edges:
        if edge.kind is EdgeKind.DEFERRED and edge.imported:
            wide.setdefault(edge.importer, set()).add(edge.imported)
    return wide


class _Texts:
    """What files say beyond the index, read when it is asked for; equal bytes are parsed once.

    Without a reader, files are read below the root if their bytes are still those of the index, under their
    new or their old path. `before` is given for the tree afterwards.
    """

    def __init__(
        self, graph: ImportGraph, read: Reader | None, before: _Texts | None, paths: Renaming
    ) -> None:
        self._index = graph.index
        self._read = read
        self._old_paths: dict[str, str] = {}
        self._uses: dict[bytes, ImportTimeUses | None] = {}
        self._calls: dict[bytes, CallFacts | None] = {}
        self._calls_of: dict[str, CallFacts | None] = {}
        if before is not None:
            self._old_paths = {paths.new_path(p): p for p in before._index.files}
            self._uses, self._calls = before._uses, before._calls

    def uses(self, path: str) -> ImportTimeUses | None:
        """The uses at import time; None when the file cannot be read or parsed."""
        return self._parsed(path, self._uses, import_time_uses)

    def calls(self, path: str) -> CallFacts | None:
        """The calls; None when the file cannot be read or parsed."""
        if path not in self._calls_of:
            self._calls_of[path] = self._parsed(path, self._calls, import_time_calls)
        return self._calls_of[path]

    def _parsed(
        self, path: str, known: dict[bytes, _Facts | None], parse: Callable[[str], _Facts | None]
    ) -> _Facts | None:
        content = self._read(path) if self._read is not None else self._from_disk(path)
        if content is None:
            return None
        if content not in known:
            source = decode(content)
            known[content] = None if source.error else parse(source.text)
        return known[content]

    def _from_disk(self, path: str) -> bytes | None:
        wanted = self._index.files[path].sha256
        for candidate in dict.fromkeys((path, self._old_paths.get(path, path))):
            try:
                with open(self._index.layout.root / candidate, "rb") as file:
                    content = file.read()
            except OSError:
                continue
            if hashlib.sha256(content).hexdigest() == wanted:
                return content
        return None


class _Uses:
    """The import-time uses of files.

    `before` is given for the tree afterwards: names there count as they stand and as they will be, since the
    text may not be rewritten yet.
    """

    def __init__(self, texts: _Texts, before: _Uses | None, paths: Renaming) -> None:
        self._texts = texts
        self._paths = paths
        self._is_after = before is not None
        self._known: dict[str, ImportTimeUses | None] = {}

    def __call__(self, path: str) -> ImportTimeUses | None:
        if path not in self._known:
            uses = self._texts.uses(path)
            if uses is not None and self._is_after:
                uses = ImportTimeUses(self._renamed(uses.certain), self._renamed(uses.possible))
            self._known[path] = uses
        return self._known[path]

    def _renamed(self, chains: frozenset[Chain]) -> frozenset[Chain]:
        return chains | {self._paths.new_chain(chain) for chain in chains}


def _difference(
    new_failures: Failures,
    old_failures: Failures,
    back: Mapping[str, str],
    paths: Renaming,
    *,
    by_names: bool = False,
) -> list[Failure]:
    """The failures that are new for the file that is imported first.

    With `by_names`, a possible failure also counts as new when the module had other names at that moment.
    """
    fresh: dict[tuple[str, int, str, str], Failure] = {}
    modes: dict[tuple[str, int, str, str], set[Mode]] = {}
    for (entry, mode), failures in new_failures.items():
        old: list[Failure] = []
        for earlier in sorted(_origins(entry, back, paths)):
            old += old_failures.get((earlier, mode), ())
            if mode.has_calls:
                # Perhaps nothing was called before.
                old += old_failures.get((earlier, mode.without_calls), ())
        if any(f.certainty is Certainty.CERTAIN and not f.is_caught for f in old):
            # It could not be imported first before.
            continue
        known = {
            _key(importer, what, f, by_names): f.is_caught
            for f in old
            for importer in paths.new_paths(f.importer)
            for what in paths.new_names(f.module, f.name)
        }
        for failure in failures:
            place = _key(failure.importer, (failure.module, failure.name), failure, by_names)
            was_caught = known.get(place)
            if was_caught is None or (was_caught and not failure.is_caught):
                key = (failure.importer, failure.line, failure.module, failure.name)
                modes.setdefault(key, set()).add(mode)
                shorter = fresh.get(key)
                if shorter is None or len(failure.stack) < len(shorter.stack):
                    fresh[key] = failure
    return [_as_sure_as(fresh[key], modes[key]) for key in sorted(fresh)]


def _origins(new: str, back: Mapping[str, str], paths: Renaming) -> frozenset[str]:
    """The old files of a new one: itself under its old path, or those whose definitions it got."""
    return frozenset({back[new]}) if new in back else paths.made_of(new)


def _as_sure_as(failure: Failure, modes: set[Mode]) -> Failure:
    """What depends on whether a branch runs, or a function, is not certain."""
    if modes >= {Mode.PLAIN, Mode.BRANCHES} or failure.certainty is Certainty.POSSIBLE:
        return failure
    is_called = modes <= {Mode.CALLS, Mode.CALLS_ALONE}
    return replace(failure, certainty=Certainty.LIKELY if is_called else Certainty.POSSIBLE)


def _key(importer: str, what: tuple[str, str], failure: Failure, by_names: bool) -> tuple[object, ...]:
    return (importer, what, failure.available if by_names and not failure.name else 0)


def _knots(links: Mapping[str, set[str]]) -> list[frozenset[str]]:
    """The components, and the files that import themselves."""
    alone = [frozenset({path}) for path, row in sorted(links.items()) if path in row]
    found = components(links)
    inside = frozenset().union(*found)
    return [*found, *(one for one in alone if one.isdisjoint(inside))]


def _reached(links: Mapping[str, Iterable[str]], starts: Iterable[str]) -> set[str]:
    found = set(starts)
    pending = list(found)
    while pending:
        for target in links.get(pending.pop(), ()):
            if target not in found:
                found.add(target)
                pending.append(target)
    return found


def _reaching(links: Mapping[str, Iterable[str]], goals: Iterable[str]) -> set[str]:
    importers: dict[str, list[str]] = {}
    for importer, row in links.items():
        for target in row:
            importers.setdefault(target, []).append(importer)
    return _reached(importers, goals)


def _only(found: FoundFailures, entries: set[str]) -> FoundFailures:
    rough = {entry: failures for entry, failures in found.rough.items() if entry[0] in entries}
    exact = {entry: failures for entry, failures in found.exact.items() if entry[0] in entries}
    return FoundFailures(rough, exact)


def _is_unchanged(
    members: frozenset[str],
    before: ImportGraph,
    after: ImportGraph,
    back: Mapping[str, str],
    home: Mapping[str, frozenset[str]],
) -> bool:
    """Whether the same files with the same imports formed the same knot before."""
    some = min(members)
    if home.get(some, frozenset({some})) != members:
        return False
    for path in members:
        if back.get(path) != path or before.index.files.get(path) is not after.index.files[path]:
            return False
        if _resolved(before.by_importer.get(path, ())) != _resolved(after.by_importer.get(path, ())):
            return False
    return True


def _resolved(edges: Iterable[ImportEdge]) -> list[tuple[int, str, tuple[str, ...]]]:
    return [(edge.statement, edge.imported, edge.names) for edge in edges]
