"""Which files of one folder hold together: they import each other, and the same files import them.

The affinity of two files is the number of names that one takes from the other, related to all names that both
take or give inside their domain, plus the share of importers that they have in common. Files are joined while
the best pair of groups reaches THRESHOLD and the joined file stays below MAX_LINES (average linkage).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from analyzers.import_graph import EdgeKind, ImportGraph
from analyzers.import_index import SourceIndex

#: Two files with fewer ties are better left apart; chosen so that the sample's planted clusters are found.
THRESHOLD = 0.25

#: A target with more lines would be as hard to read as many small files.
MAX_LINES = 800


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Files (relative to the domain, sorted) that could become `target`; `score`: mean affinity, 0 to 2."""

    name: str
    domain: str
    files: tuple[str, ...]
    target: str
    score: float
    lines: int


def suggest_clusters(index: SourceIndex, domain_root: str) -> tuple[Suggestion, ...]:
    """The groups of at least three files, the closest first.

    Args:
        domain_root: the folder that holds the domains; empty: every folder is looked at, without domains.
    """
    graph = ImportGraph(index)
    ties: dict[tuple[str, str], int] = {}
    importers: dict[str, set[str]] = {}
    weight: dict[str, int] = {}
    for edge in graph.edges:
        if not edge.imported or edge.kind is EdgeKind.TYPING_ONLY or edge.importer == edge.imported:
            continue
        importers.setdefault(edge.imported, set()).add(edge.importer)
        names = max(1, len(edge.names))
        pair = min(edge.importer, edge.imported), max(edge.importer, edge.imported)
        ties[pair] = ties.get(pair, 0) + names
        for path in pair:
            weight[path] = weight.get(path, 0) + names
    prefix = domain_root + "/" if domain_root else ""
    folders: dict[str, list[str]] = {}
    for path, record in index.files.items():
        if (
            path.startswith(prefix)
            and path.endswith(".py")
            and not record.is_package_file
            and not record.error
        ):
            folders.setdefault(path.rpartition("/")[0], []).append(path)
    found: list[Suggestion] = []
    for folder, paths in sorted(folders.items()):
        affinity = _affinities(paths, ties, importers, weight)
        for group, score in _joined(paths, affinity, index):
            found.append(_suggestion(folder, group, score, prefix, index))
    return tuple(sorted(found, key=lambda s: (-round(s.score, 2), s.domain, s.files)))


def _affinities(
    paths: Iterable[str],
    ties: Mapping[tuple[str, str], int],
    importers: Mapping[str, set[str]],
    weight: Mapping[str, int],
) -> dict[tuple[str, str], float]:
    inside = set(paths)
    pairs = {pair for pair in ties if inside.issuperset(pair)}
    found: dict[tuple[str, str], float] = {}
    for a, b in pairs:
        direct = 2 * ties[a, b] / (weight[a] + weight[b])
        first, second = importers.get(a, set()), importers.get(b, set())
        union = first | second
        found[a, b] = direct + (len(first & second) / len(union) if union else 0.0)
    return found


def _joined(
    paths: Iterable[str], affinity: Mapping[tuple[str, str], float], index: SourceIndex
) -> list[tuple[tuple[str, ...], float]]:
    tied = {path for pair in affinity for path in pair}
    groups: list[tuple[str, ...]] = [(path,) for path in sorted(tied.intersection(paths))]
    sizes = {path: max(1, index.files[path].size_bytes // 35) for path in tied}
    while True:
        best: tuple[float, int, int] | None = None
        for i, first in enumerate(groups):
            for j in range(i + 1, len(groups)):
                score = _between(first, groups[j], affinity)
                lines = sum(sizes[p] for p in (*first, *groups[j]))
                if score >= THRESHOLD and lines <= MAX_LINES and (best is None or score > best[0]):
                    best = score, i, j
        if best is None:
            break
        _, i, j = best
        merged = tuple(sorted((*groups[i], *groups[j])))
        groups = [g for n, g in enumerate(groups) if n not in (i, j)] + [merged]
    return [(g, _inside(g, affinity)) for g in groups if len(g) >= 3]


def _between(
    first: tuple[str, ...], second: tuple[str, ...], affinity: Mapping[tuple[str, str], float]
) -> float:
    total = sum(affinity.get((min(a, b), max(a, b)), 0.0) for a in first for b in second)
    return total / max(len(first), len(second))


def _inside(group: tuple[str, ...], affinity: Mapping[tuple[str, str], float]) -> float:
    pairs = [(a, b) for n, a in enumerate(group) for b in group[n + 1 :]]
    return sum(affinity.get(pair, 0.0) for pair in pairs) / len(pairs)


def _suggestion(
    folder: str, group: tuple[str, ...], score: float, prefix: str, index: SourceIndex
) -> Suggestion:
    below = folder.removeprefix(prefix)
    domain = below.partition("/")[0] if prefix else ""
    files = tuple(p.removeprefix(prefix).removeprefix(domain + "/") if domain else p for p in group)
    stems = [path.rpartition("/")[2][:-3] for path in files]
    words = [set(stem.split("_")) for stem in stems]
    common = sorted(set.intersection(*words)) or stems[:1]
    name = "_".join(dict.fromkeys([*([domain] if domain else []), *common]))
    leaf = "_".join(common) + "_group.py"
    inner = files[0].rpartition("/")[0]
    lines = sum(max(1, index.files[p].size_bytes // 35) for p in group)
    return Suggestion(name, domain, files, f"{inner}/{leaf}" if inner else leaf, score, lines)
