"""Imports that fail at import time after a move and did not before, because packages run in another order.

Each module is imported first, in both trees, by `import_simulation`; only knots of files that the move
touches are run. What a function does that is called while its module runs is not followed, and branches are
run all or not at all: a failure that needs one branch to run and another not to can be missed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from analyzers.import_graph import EdgeKind, ImportEdge, ImportGraph
from analyzers.import_simulation import Certainty, Failure, Failures, Simulation
from analyzers.import_time_uses import Chain, ImportTimeUses, import_time_uses
from analyzers.relocation_map import RelocationMap
from analyzers.source import decode
from analyzers.strong_components import components

#: The bytes of a file of the tree afterwards, by its path there.
Reader = Callable[[str], bytes]


class Renaming:
    """Old paths and names to new ones."""

    def __init__(self, before: ImportGraph, after: ImportGraph, relocations: RelocationMap) -> None:
        self._relocations = relocations
        self._before = before
        self._after = after
        self._paths: dict[str, str] = {}

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
    old_uses = _Uses(before, read_before, None, paths)
    new_uses = _Uses(after, read_after, old_uses, paths)
    old_links, new_links = _runtime_links(before), _runtime_links(after)
    old_knots, new_knots = _knots(old_links), _knots(new_links)
    home = {member: members for members in old_knots for member in members}
    back = {paths.new_path(member): member for member in before.index.files}
    moved = {new for new, old in back.items() if new != old and new in after.index.files}
    upstream = _reaching(new_links, moved)
    downstream = _reached(new_links, upstream)
    old_failures: Failures = {}
    new_failures: Failures = {}
    failing: set[str] = set()
    for members in new_knots:
        is_changed = not _is_unchanged(members, before, after, back, home)
        if not is_changed and members.isdisjoint(downstream):
            continue
        met = Simulation(after, members).failures()
        if met:
            failing |= members
        if not is_changed or not met:
            continue
        homes = {home[back[m]] for m in members if m in back and back[m] in home}
        # First without reading a text: what could fail, could it fail in the same way before?
        known: Failures = {}
        for old_members in sorted(homes, key=min):
            known.update(Simulation(before, old_members).failures())
        if _difference(met, known, back, paths, by_names=True):
            for old_members in sorted(homes, key=min):
                old_failures.update(Simulation(before, old_members, old_uses).failures())
            new_failures.update(Simulation(after, members, new_uses).failures())
    # What leads to a moved file may enter a knot by another door, since other packages run first.
    doors = upstream & _reaching(new_links, failing)
    if doors:
        old_doors = {back[door] for door in doors if door in back}
        new_between = _reached(new_links, doors) & _reaching(new_links, failing)
        old_between = _reached(old_links, old_doors)
        met = _only(Simulation(after, new_between).failures(), doors)
        known = _only(Simulation(before, old_between).failures(), old_doors)
        if _difference(met, known, back, paths, by_names=True):
            new_failures.update(_only(Simulation(after, new_between, new_uses).failures(), doors))
            old_failures.update(_only(Simulation(before, old_between, old_uses).failures(), old_doors))
        else:
            new_failures = {key: value for key, value in new_failures.items() if key[0] not in doors}
    return _difference(new_failures, old_failures, back, paths)


class _Uses:
    """The import-time uses of files, read when they are asked for; equal bytes are parsed once.

    Without a reader, files are read below the root if their bytes are still those of the index, under their
    new or their old path. `before` is given for the tree afterwards: names there count as they stand and as
    they will be, since the text may not be rewritten yet.
    """

    def __init__(
        self, graph: ImportGraph, read: Reader | None, before: _Uses | None, paths: Renaming
    ) -> None:
        self._index = graph.index
        self._read = read
        self._paths = paths
        self._is_after = before is not None
        self._old_paths: dict[str, str] = {}
        self._parsed: dict[bytes, ImportTimeUses | None] = {}
        if before is not None:
            self._old_paths = {paths.new_path(p): p for p in before._index.files}
            self._parsed = before._parsed
        self._known: dict[str, ImportTimeUses | None] = {}

    def __call__(self, path: str) -> ImportTimeUses | None:
        if path not in self._known:
            content = self._read(path) if self._read is not None else self._from_disk(path)
            uses = self._parse(content) if content is not None else None
            if uses is not None and self._is_after:
                uses = ImportTimeUses(self._renamed(uses.certain), self._renamed(uses.possible))
            self._known[path] = uses
        return self._known[path]

    def _parse(self, content: bytes) -> ImportTimeUses | None:
        if content not in self._parsed:
            source = decode(content)
            self._parsed[content] = None if source.error else import_time_uses(source.text)
        return self._parsed[content]

    def _renamed(self, chains: frozenset[Chain]) -> frozenset[Chain]:
        return chains | {self._paths.new_chain(chain) for chain in chains}

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
    with_branches: dict[tuple[str, int, str, str], set[bool]] = {}
    for (entry, runs_branches), failures in new_failures.items():
        old = old_failures.get((back.get(entry, ""), runs_branches), ())
        if any(f.certainty is Certainty.CERTAIN and not f.is_caught for f in old):
            # It could not be imported first before.
            continue
        known = {
            _key(paths.new_path(f.importer), paths.new_name(f.module, f.name), f, by_names): f.is_caught
            for f in old
        }
        for failure in failures:
            place = _key(failure.importer, (failure.module, failure.name), failure, by_names)
            was_caught = known.get(place)
            if was_caught is None or (was_caught and not failure.is_caught):
                key = (failure.importer, failure.line, failure.module, failure.name)
                with_branches.setdefault(key, set()).add(runs_branches)
                shorter = fresh.get(key)
                if shorter is None or len(failure.stack) < len(shorter.stack):
                    fresh[key] = failure
    # What depends on whether a branch runs is not certain.
    return [
        fresh[key] if len(with_branches[key]) == 2 else replace(fresh[key], certainty=Certainty.POSSIBLE)
        for key in sorted(fresh)
    ]


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


def _only(found: Failures, entries: set[str]) -> Failures:
    return {entry: failures for entry, failures in found.items() if entry[0] in entries}


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
