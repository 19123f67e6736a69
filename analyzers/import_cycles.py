"""Import cycles: told apart by when they import, each with its shortest chain and the line to cut.

A cycle is a strongly connected component of the statements' edges. The `__init__` files that Python runs
before a module are no edges of it: a package that imports its own submodules is no cycle. Where such a file
makes an import fail all the same (a moved module lands in a package whose `__init__` needs it), `new_cycles`
finds it by running both trees in `import_simulation`.

Tarjan's algorithm is written out here, because importing networkx takes longer (0.16 s, measured in the
performance notes) than all of this on 2,300 files.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec

from analyzers.import_graph import EdgeKind, ImportEdge, ImportGraph
from analyzers.import_index import SourceIndex
from analyzers.import_simulation import Certainty, Failure, Failures, Simulation
from analyzers.relocation_map import RelocationMap

_LEVELS = (EdgeKind.IMPORT_TIME, EdgeKind.DEFERRED, EdgeKind.TYPING_ONLY)


class ChainStep(msgspec.Struct, frozen=True):
    """`importer`:`line` imports `imported`; with `is_package_run` because that package runs before what it
    names.
    """

    importer: str
    line: int
    imported: str
    kind: EdgeKind = EdgeKind.IMPORT_TIME
    names: tuple[str, ...] = ()
    is_package_run: bool = False

    def __str__(self) -> str:
        names = f" ({', '.join(self.names)})" if self.names else ""
        how = " (runs as the package of what is imported)" if self.is_package_run else names
        return f"{self.importer}:{self.line} -> {self.imported}{how}"


class Cycle(msgspec.Struct, frozen=True):
    """One knot of files that import each other.

    `members` are all of its paths, sorted; `chain` is the shortest way round, beginning at its smallest
    path. `cut` is the import whose removal undoes most of the knot, the cheapest one among equals. `fails`
    says what happens at import time: `certain` and `possible` failures, or empty when none was found or none
    was looked for.
    """

    kind: EdgeKind
    members: tuple[str, ...]
    chain: tuple[ChainStep, ...]
    cut: ChainStep
    fails: str = ""
    is_new: bool = False

    @property
    def is_blocking(self) -> bool:
        """Deferred and typing-only cycles cannot break an import."""
        return self.kind is EdgeKind.IMPORT_TIME

    def __str__(self) -> str:
        steps = "; ".join(str(step) for step in self.chain)
        return f"{self.kind.value} cycle of {len(self.members)} files: {steps}; cut {self.cut}"


class CycleComparison(msgspec.Struct, frozen=True):
    """Cycles of the tree after a change: those that were there before, those that were not, and how many
    went.
    """

    existing: tuple[Cycle, ...]
    new: tuple[Cycle, ...]
    gone: int


def find_cycles(graph: ImportGraph) -> tuple[Cycle, ...]:
    """The cycles of a tree: import-time ones first, then deferred, then typing-only; each kind by members.

    A deferred cycle needs at least one deferred import, a typing-only one at least one typing-only import; a
    knot of files appears once per kind at which it grows.
    """
    found = []
    for level, kind in enumerate(_LEVELS):
        links = _links(graph, level)
        for members in components(links):
            inner = {m: {t: e for t, e in links[m].items() if t in members} for m in sorted(members)}
            needed = [(e.importer, t) for m in inner for t, e in inner[m].items() if e.kind is kind]
            chain = _shortest_chain(inner, needed)
            if chain:
                found.append(_cycle(graph, kind, members, chain, inner))
    return tuple(sorted(found, key=_order))


def new_cycles(
    before: SourceIndex | ImportGraph, after: SourceIndex | ImportGraph, relocations: RelocationMap
) -> tuple[Cycle, ...]:
    """The cycles of `after` that `before` did not have, compared through the relocation map; `find_cycles`
    order.

    A cycle is new when two of its files were in no common cycle of that kind, or when an import fails (or may
    fail) at import time that did not before, if the same module is imported first. Ask `Cycle.is_blocking`.
    """
    return compare_cycles(before, after, relocations).new


def compare_cycles(
    before: SourceIndex | ImportGraph, after: SourceIndex | ImportGraph, relocations: RelocationMap
) -> CycleComparison:
    """The cycles of `after`, told apart by whether `before` had them; see `new_cycles`."""
    old = before if isinstance(before, ImportGraph) else ImportGraph(before)
    new = after if isinstance(after, ImportGraph) else ImportGraph(after)
    paths = _Renaming(old, new, relocations)
    failing = _new_failures(old, new, paths)
    existing: list[Cycle] = []
    fresh: list[Cycle] = []
    met = 0
    reported: set[Failure] = set()
    for level, kind in enumerate(_LEVELS):
        known = {
            paths.new_path(member): number
            for number, members in enumerate(components(_links(old, level)))
            for member in members
        }
        links = _links(new, level)
        survived: set[int] = set()
        for members in components(links):
            inner = {m: {t: e for t, e in links[m].items() if t in members} for m in sorted(members)}
            joins = [
                (m, t)
                for m in inner
                for t in inner[m]
                if m not in known or t not in known or known[m] != known[t]
            ]
            needed = [(m, t) for m, t in joins if inner[m][t].kind is kind] or (
                joins if any(e.kind is kind for m in inner for e in inner[m].values()) else []
            )
            survived.update(known[m] for m in members if m in known)
            inside = [f for f in failing if f.importer in members and f.imported in members]
            if needed and (chain := _shortest_chain(inner, needed)):
                reported.update(inside)
                fails = _worst(inside) if level == 0 else ""
                fresh.append(_cycle(new, kind, members, chain, inner, fails=fails, is_new=True))
                continue
            wanted = [(m, t) for m in inner for t, e in inner[m].items() if e.kind is kind]
            chain = _shortest_chain(inner, wanted)
            if chain:
                existing.append(_cycle(new, kind, members, chain, inner))
        if level == 0:
            met = len(set(known.values()) - survived)
    fresh.extend(_failure_cycles(new, [f for f in failing if f not in reported]))
    return CycleComparison(tuple(sorted(existing, key=_order)), tuple(sorted(fresh, key=_order)), met)


# -- graphs ------------------------------------------------------------------------------------------------

Links = Mapping[str, Mapping[str, ImportEdge]]


def _links(graph: ImportGraph, level: int) -> dict[str, dict[str, ImportEdge]]:
    """Importer to imported to the earliest kind's first edge, of kinds up to `level`; no self-imports."""
    kinds = _LEVELS[: level + 1]
    links: dict[str, dict[str, ImportEdge]] = {}
    for edge in graph.edges:
        target = edge.imported
        if not target or target == edge.importer or edge.kind not in kinds:
            continue
        row = links.setdefault(edge.importer, {})
        known = row.get(target)
        if known is None or kinds.index(edge.kind) < kinds.index(known.kind):
            row[target] = edge
    return links


def components(links: Mapping[str, Iterable[str]]) -> list[frozenset[str]]:
    """The strongly connected components of two and more nodes, sorted by their smallest node.

    Tarjan (1972), without recursion, because chains of imports are longer than Python's stack is deep.
    """
    number: dict[str, int] = {}
    low: dict[str, int] = {}
    on_stack: set[str] = set()
    stack: list[str] = []
    found = []
    for start in sorted(links):
        if start in number:
            continue
        number[start] = low[start] = len(number)
        stack.append(start)
        on_stack.add(start)
        work: list[tuple[str, Iterator[str]]] = [(start, iter(links[start]))]
        while work:
            node, targets = work[-1]
            for target in targets:
                if target not in number:
                    number[target] = low[target] = len(number)
                    stack.append(target)
                    on_stack.add(target)
                    work.append((target, iter(links.get(target, ()))))
                    break
                if target in on_stack:
                    low[node] = min(low[node], number[target])
            else:
                work.pop()
                if work:
                    parent = work[-1][0]
                    low[parent] = min(low[parent], low[node])
                if low[node] == number[node]:
                    members = []
                    while True:
                        member = stack.pop()
                        on_stack.discard(member)
                        members.append(member)
                        if member == node:
                            break
                    if len(members) > 1:
                        found.append(frozenset(members))
    return sorted(found, key=min)


def _shortest_chain(inner: Links, needed: Sequence[tuple[str, str]]) -> list[str]:
    """The nodes of a shortest way round that uses one of the `needed` edges; empty when there is none."""
    best: list[str] = []
    for importer, imported in needed:
        if importer in inner.get(imported, {}):
            return [importer, imported]
    for importer, imported in needed:
        back = _way(inner, imported, importer, len(best) - 1 if best else 0)
        if back and (not best or len(back) < len(best)):
            best = back[-1:] + back[:-1]
            if len(best) == 3:
                break
    return best


def _way(inner: Links, start: str, goal: str, limit: int) -> list[str]:
    """The nodes of a shortest way, both ends included, of fewer than `limit` + 1 nodes (0: any length)."""
    came: dict[str, str] = {start: ""}
    queue = deque([(start, 1)])
    while queue:
        node, length = queue.popleft()
        if limit and length > limit:
            return []
        if node == goal:
            way = [node]
            while came[way[-1]]:
                way.append(came[way[-1]])
            return way[::-1]
        for target in inner.get(node, ()):
            if target not in came:
                came[target] = node
                queue.append((target, length + 1))
    return []


# -- reporting ---------------------------------------------------------------------------------------------


def _cycle(
    graph: ImportGraph,
    kind: EdgeKind,
    members: frozenset[str],
    nodes: Sequence[str],
    inner: Links,
    *,
    fails: str = "",
    is_new: bool = False,
) -> Cycle:
    first = nodes.index(min(nodes))
    turned = [*nodes[first:], *nodes[:first]]
    edges = [inner[a][b] for a, b in zip(turned, [*turned[1:], turned[0]], strict=True)]
    chain = tuple(_step(edge) for edge in edges)
    cut = _line_to_cut(graph, edges, inner)
    return Cycle(kind, tuple(sorted(members)), chain, chain[edges.index(cut)], fails, is_new)


def _step(edge: ImportEdge) -> ChainStep:
    return ChainStep(edge.importer, edge.line, edge.imported, edge.kind, edge.names)


#: Knots larger than this are not taken apart once per candidate; names and statements alone decide.
_MAX_TRIAL_MEMBERS = 300


def _line_to_cut(graph: ImportGraph, chain: Sequence[ImportEdge], inner: Links) -> ImportEdge:
    """The edge of the chain that leaves the fewest files in cycles; then few statements and names, no `*`."""

    def cost(edge: ImportEdge) -> tuple[int, int, int, str, int]:
        left = 0
        if len(inner) <= _MAX_TRIAL_MEMBERS:
            rest = {
                m: [t for t in row if (m, t) != (edge.importer, edge.imported)] for m, row in inner.items()
            }
            left = sum(map(len, components(rest)))
        same = [
            e for e in graph.by_importer[edge.importer] if e.imported == edge.imported and e.kind is edge.kind
        ]
        names = sum(50 if "*" in e.names else max(1, len(e.names)) for e in same)
        return left, len(same), names, edge.importer, edge.line

    return min(chain, key=cost)


def _order(cycle: Cycle) -> tuple[int, tuple[str, ...], tuple[tuple[str, int], ...]]:
    return _LEVELS.index(cycle.kind), cycle.members, tuple((s.importer, s.line) for s in cycle.chain)


def _worst(failures: Iterable[Failure]) -> str:
    kinds = {failure.certainty for failure in failures}
    if Certainty.CERTAIN in kinds:
        return Certainty.CERTAIN.value
    return Certainty.POSSIBLE.value if kinds else ""


# -- failures at import time -------------------------------------------------------------------------------


class _Renaming:
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

    def new_name(self, module: str, name: str) -> tuple[str, str]:
        if not name:
            return self._relocations.module(module) or module, ""
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


def _new_failures(before: ImportGraph, after: ImportGraph, paths: _Renaming) -> list[Failure]:
    """What fails in `after` when a module is imported first, and did not when the same was first in
    `before`.
    """
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
    looked_at: set[frozenset[str]] = set()
    for members in new_knots:
        is_changed = not _is_unchanged(members, before, after, back, home)
        if not is_changed and members.isdisjoint(downstream):
            continue
        met = Simulation(after, members).failures()
        if met:
            failing |= members
        if is_changed:
            new_failures.update(met)
            for member in sorted(members):
                old_members = home.get(back.get(member, ""), frozenset())
                if old_members and old_members not in looked_at:
                    looked_at.add(old_members)
                    old_failures.update(Simulation(before, old_members).failures())
    # A file outside all knots enters one by another door when a package runs first that did not before.
    doors = upstream & _reaching(new_links, failing) - failing
    if doors:
        between = _reached(new_links, doors) & _reaching(new_links, failing)
        new_failures.update(_only(Simulation(after, between).failures(), doors))
        old_doors = {back[door] for door in doors if door in back}
        between = _reached(old_links, old_doors)
        old_failures.update(_only(Simulation(before, between).failures(), old_doors))
    return _difference(new_failures, old_failures, back, paths)


def _difference(
    new_failures: Failures,
    old_failures: Failures,
    back: Mapping[str, str],
    paths: _Renaming,
) -> list[Failure]:
    fresh: dict[tuple[str, int, str, str], Failure] = {}
    for (entry, runs_branches), failures in new_failures.items():
        known = {
            (paths.new_path(f.importer), paths.new_name(f.module, f.name))
            for f in old_failures.get((back.get(entry, ""), runs_branches), ())
        }
        for failure in failures:
            if (failure.importer, (failure.module, failure.name)) not in known:
                key = (failure.importer, failure.line, failure.module, failure.name)
                shorter = fresh.get(key)
                if shorter is None or len(failure.stack) < len(shorter.stack):
                    fresh[key] = failure
    return [fresh[key] for key in sorted(fresh)]


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


def _failure_cycles(graph: ImportGraph, failures: Sequence[Failure]) -> Iterator[Cycle]:
    """One cycle per import that fails because of packages that run first."""
    groups: dict[tuple[str, int, str], list[Failure]] = {}
    for failure in failures:
        groups.setdefault((failure.importer, failure.line, failure.imported), []).append(failure)
    for (importer, line, imported), group in groups.items():
        first = min(group, key=lambda f: (len(f.stack), f.name))
        names = tuple(sorted({f.name for f in group if f.name}))
        steps = []
        # Without a stack the module waits for nobody: it imports a part of itself.
        followers = [*(running.path for running in first.stack[1:]), importer][: len(first.stack)]
        for running, follower in zip(first.stack, followers, strict=True):
            direct = any(
                e.imported == follower and e.line == running.line
                for e in graph.by_importer.get(running.path, ())
            )
            steps.append(ChainStep(running.path, running.line, follower, is_package_run=not direct))
        steps.append(ChainStep(importer, line, imported, names=names))
        members = tuple(sorted({step.importer for step in steps}))
        # The package's own import of what needs the package is what the move made harmful.
        cut = next(
            (s for s in steps if s.importer.endswith("__init__.py") and not s.is_package_run), steps[-1]
        )
        yield Cycle(EdgeKind.IMPORT_TIME, members, tuple(steps), cut, _worst(group), True)
