"""Import cycles: told apart by when they import, each with its shortest chain and the line to cut.

A cycle is a strongly connected component of the statements' edges. The `__init__` files that Python runs
before a module are no edges of it: a package that imports its own submodules is no cycle. Where such a file
makes an import fail all the same (a moved module lands in a package whose `__init__` needs it), `new_cycles`
finds it by running both trees in `import_simulation`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec

from analyzers.import_failures import Reader, Renaming, new_failures
from analyzers.import_graph import EdgeKind, ImportEdge, ImportGraph
from analyzers.import_index import SourceIndex
from analyzers.relocation_map import RelocationMap
from analyzers.simulated_failure import Certainty, Failure
from analyzers.strong_components import components

_LEVELS = (EdgeKind.IMPORT_TIME, EdgeKind.DEFERRED, EdgeKind.TYPING_ONLY)


class ChainStep(msgspec.Struct, frozen=True):
    """`importer`:`line` imports `imported`; with `is_package_run` because that package runs before what it
    names. With `is_called` it seems to call a function there, and the next step is an import in it.
    """

    importer: str
    line: int
    imported: str
    kind: EdgeKind = EdgeKind.IMPORT_TIME
    names: tuple[str, ...] = ()
    is_package_run: bool = False
    is_called: bool = False

    def __str__(self) -> str:
        names = f" ({', '.join(self.names)})" if self.names else ""
        how = " (runs as the package of what is imported)" if self.is_package_run else names
        if self.is_called:
            how = " (runs a function that imports)"
        return f"{self.importer}:{self.line} -> {self.imported}{how}"


class Cycle(msgspec.Struct, frozen=True):
    """One knot of files that import each other.

    `members` are all of its paths, sorted; `chain` is the shortest way round, beginning at its smallest
    path. `cut` is the import whose removal undoes most of the knot, the cheapest one among equals. `fails`
    says what happens at import time: `certain`, `likely` or `possible` failures, or empty when none was
    found or none was looked for.
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
    before: SourceIndex | ImportGraph,
    after: SourceIndex | ImportGraph,
    relocations: RelocationMap,
    read_after: Reader | None = None,
    read_before: Reader | None = None,
) -> tuple[Cycle, ...]:
    """The cycles of `after` that `before` did not have, compared through the relocation map; `find_cycles`
    order.

    A cycle is new when two of its files were in no common cycle of that kind, or when an import fails (or may
    fail) at import time that did not before, if the same module is imported first. A new file that is made of
    parts of others counts as these. Ask `Cycle.is_blocking`.

    `read_after` gives the bytes of files afterwards, `read_before` before. They serve to tell whether a
    module that is bound too early is used at once; without it, files are read from disk where they are still
    the same, and where they are not, the answer is `possible`.
    """
    return compare_cycles(before, after, relocations, read_after, read_before).new


def compare_cycles(
    before: SourceIndex | ImportGraph,
    after: SourceIndex | ImportGraph,
    relocations: RelocationMap,
    read_after: Reader | None = None,
    read_before: Reader | None = None,
) -> CycleComparison:
    """The cycles of `after`, told apart by whether `before` had them; see `new_cycles`."""
    old = before if isinstance(before, ImportGraph) else ImportGraph(before)
    new = after if isinstance(after, ImportGraph) else ImportGraph(after, old)
    paths = Renaming(old, new, relocations)
    failing = new_failures(old, new, paths, read_before, read_after)
    existing: list[Cycle] = []
    fresh: list[Cycle] = []
    met = 0
    reported: set[Failure] = set()
    for level, kind in enumerate(_LEVELS):
        numbers = {m: n for n, members in enumerate(components(_links(old, level))) for m in members}
        known = {paths.new_path(member): number for member, number in numbers.items()}
        links = _links(new, level)
        for path in links.keys() - known.keys():
            # A part of a file stands where the file stood.
            homes = {numbers[old_path] for old_path in paths.made_of(path) if old_path in numbers}
            if len(homes) == 1:
                known[path] = homes.pop()
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
                # A deferred cycle with the same files says nothing about a failure at import time.
                reported.update(inside if level == 0 else ())
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


#: Nodes that the search for a shortest chain may visit in one knot; about a tenth of a second.
_MAX_VISITS = 200_000


def _shortest_chain(inner: Links, needed: Sequence[tuple[str, str]]) -> list[str]:
    """The nodes of a shortest way round that uses one of the `needed` edges; empty when there is none.

    In a huge knot without short ways round, the shortest of those that `_MAX_VISITS` allows to try.
    """
    best: list[str] = []
    for importer, imported in needed:
        if importer in inner.get(imported, {}):
            return [importer, imported]
    visits = 0
    for importer, imported in needed:
        back, visited = _way(inner, imported, importer, len(best) - 1 if best else 0)
        if back and (not best or len(back) < len(best)):
            best = back[-1:] + back[:-1]
        visits += visited
        if len(best) == 3 or (best and visits > _MAX_VISITS):
            break
    return best


def _way(inner: Links, start: str, goal: str, limit: int) -> tuple[list[str], int]:
    """The nodes of a shortest way, ends included, of at most `limit` nodes (0: any), and nodes visited."""
    came: dict[str, str] = {start: ""}
    queue = deque([(start, 1)])
    while queue:
        node, length = queue.popleft()
        if limit and length > limit:
            break
        if node == goal:
            way = [node]
            while came[way[-1]]:
                way.append(came[way[-1]])
            return way[::-1], len(came)
        for target in inner.get(node, ()):
            if target not in came:
                came[target] = node
                queue.append((target, length + 1))
    return [], len(came)


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
    return next((kind.value for kind in Certainty if kind in kinds), "")


# -- failures at import time ---


def _failure_cycles(graph: ImportGraph, failures: Sequence[Failure]) -> Iterator[Cycle]:
    """One cycle per import that fails because of packages that run first; see `groups` for those that may."""
    groups: dict[tuple[str, int, str], list[Failure]] = {}
    for failure in failures:
        # Of what merely may fail, the shortest chain to each file is enough to judge it.
        is_sure = failure.certainty is not Certainty.POSSIBLE
        place = (failure.importer, failure.line) if is_sure else ("", 0)
        groups.setdefault((*place, failure.imported), []).append(failure)
    for (_, _, imported), group in sorted(groups.items()):
        first = min(group, key=lambda f: (len(f.stack), f.importer, f.line, f.name))
        importer, line = first.importer, first.line
        same = [f for f in group if (f.importer, f.line) == (importer, line)]
        names = tuple(sorted({f.name for f in same if f.name}))
        steps = []
        # Without a stack the module waits for nobody: it imports a part of itself.
        followers = [*(running.path for running in first.stack[1:]), importer][: len(first.stack)]
        for running, follower in zip(first.stack, followers, strict=True):
            if running.called is not None:
                function, at = running.called
                steps.append(ChainStep(running.path, running.line, function, is_called=True))
                if running is not first.stack[-1] or function != importer:
                    steps.append(ChainStep(function, at, follower))
                continue
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
