"""Makes groups of verified pairs: definitions by their place, blocks by places that overlap."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from analyzers.duplicates.clone_classes import clone_classes
from analyzers.duplicates.corpus import Corpus
from analyzers.duplicates.duplicate_model import (
    CloneGroup,
    CloneKind,
    ClonePair,
    Place,
    fingerprint_of,
)
from analyzers.duplicates.signatures import compare_signatures
from analyzers.duplicates.verification import VerifiedPair

Run = tuple[int, int]
Alike = Callable[[CloneKind, Sequence[tuple[Run, Run]]], Sequence["Likeness | None"]]

_KINDS = {"function": CloneKind.FUNCTION, "class": CloneKind.CLASS, "block": CloneKind.BLOCK}
MAX_PAIRS = 500
"""Pairs kept of one group; beyond, those with the first place and then the most alike."""


@dataclass(frozen=True, slots=True)
class Likeness:
    """How alike two runs of statements are."""

    similarity: float
    renamed: bool
    edited: bool
    varied: bool
    equal_members: float = 0.0


@dataclass(frozen=True, slots=True)
class _Edge:
    first: Run
    second: Run
    likeness: Likeness


def group_pairs(
    corpus: Corpus,
    paths: Sequence[str],
    found: Iterable[tuple[int, int, Sequence[VerifiedPair]]],
    alike: Alike,
) -> list[CloneGroup]:
    """Returns the groups of all verified pairs.

    Args:
        corpus: what the pairs refer to.
        paths: the path of each file of the corpus.
        found: (file, file, pairs between them).
        alike: compares further pairs of runs, as `clone_classes` needs it.
    """
    edges: dict[str, list[_Edge]] = {"class": [], "function": [], "block": []}
    names: dict[Run, str] = {}
    headers: dict[Run, str] = {}
    for a, b, pairs in found:
        base_a, base_b = corpus.offsets[a], corpus.offsets[b]
        for pair in pairs:
            first = (base_a + pair.first_a, base_a + pair.last_a)
            second = (base_b + pair.first_b, base_b + pair.last_b)
            edges[pair.kind].append(
                _Edge(
                    first,
                    second,
                    Likeness(pair.similarity, pair.renamed, pair.edited, pair.varied, pair.equal_members),
                )
            )
            if pair.definition_a >= 0:
                names[first] = _dotted(corpus, corpus.definition_starts[a] + pair.definition_a)
                names[second] = _dotted(corpus, corpus.definition_starts[b] + pair.definition_b)
            if pair.kind == "function":
                headers[first] = corpus.definitions[corpus.definition_starts[a] + pair.definition_a].header
                headers[second] = corpus.definitions[corpus.definition_starts[b] + pair.definition_b].header
    groups = []
    for kind, listed in edges.items():
        spots = _merged_places(corpus, listed) if kind == "block" else {}
        groups.extend(_groups(corpus, paths, _KINDS[kind], listed, spots, names, headers, alike))
    return groups


def _groups(
    corpus: Corpus,
    paths: Sequence[str],
    kind: CloneKind,
    edges: Sequence[_Edge],
    spots: Mapping[Run, Run],
    names: Mapping[Run, str],
    headers: Mapping[Run, str],
    alike: Alike,
) -> list[CloneGroup]:
    runs = sorted({spots.get(r, r) for e in edges for r in (e.first, e.second)})
    numbers = {run: n for n, run in enumerate(runs)}
    best: dict[tuple[int, int], _Edge] = {}
    for edge in edges:
        a, b = numbers[spots.get(edge.first, edge.first)], numbers[spots.get(edge.second, edge.second)]
        if max(runs[a][0], runs[b][0]) <= min(runs[a][1], runs[b][1]):
            continue
        if a > b:
            a, b, edge = b, a, _Edge(edge.second, edge.first, edge.likeness)
        known = best.get((a, b))
        if known is None or edge.likeness.similarity > known.likeness.similarity:
            best[a, b] = edge

    def verify(missing: Sequence[tuple[int, int]]) -> list[float]:
        answers = alike(kind, [(runs[a], runs[b]) for a, b in missing])
        for (a, b), likeness in zip(missing, answers, strict=True):
            if likeness is not None:
                best[a, b] = _Edge(runs[a], runs[b], likeness)
        return [likeness.similarity if likeness is not None else 0.0 for likeness in answers]

    classes = clone_classes(
        {pair: edge.likeness.similarity for pair, edge in best.items()},
        verify,
        lambda a, b: max(runs[a][0], runs[b][0]) <= min(runs[a][1], runs[b][1]),
    )
    from_first: dict[int, dict[int, _Edge]] = {}
    for (a, b), edge in best.items():
        from_first.setdefault(a, {})[b] = edge
    return [_group(corpus, paths, kind, members, runs, names, headers, from_first) for members in classes]


def _group(
    corpus: Corpus,
    paths: Sequence[str],
    kind: CloneKind,
    members: Sequence[int],
    runs: Sequence[Run],
    names: Mapping[Run, str],
    headers: Mapping[Run, str],
    edges: Mapping[int, Mapping[int, _Edge]],
) -> CloneGroup:
    listed = sorted(
        (Place(paths[corpus.file_of(runs[m][0])], *_rows(corpus, runs[m]), names.get(runs[m], "")), m)
        for m in members
    )
    places = tuple(place for place, _ in listed)
    index = {m: n for n, (_, m) in enumerate(listed)}
    inside = set(members)
    held = [((a, b), edge) for a in members for b, edge in edges.get(a, {}).items() if b in inside]
    pairs = [_pair(corpus, index[a], index[b], edge, headers) for (a, b), edge in held]
    pairs.sort(key=lambda p: (p.a != 0, -p.similarity, p.a, p.b))
    code_lines = max(sum(corpus.code_rows[runs[m][0] : runs[m][1] + 1]) for m in members)
    likenesses = [edge.likeness for _, edge in held]
    return CloneGroup(
        kind=kind,
        places=places,
        pairs=tuple(sorted(pairs[:MAX_PAIRS], key=lambda p: (p.a, p.b))),
        similarity=min(p.similarity for p in likenesses),
        renamed=any(p.renamed for p in likenesses),
        edited=any(p.edited for p in likenesses),
        varied=any(p.varied for p in likenesses),
        code_lines=code_lines,
        fingerprint=fingerprint_of(
            kind,
            [
                (place.path, place.name or corpus.raw[runs[m][0] : runs[m][1] + 1].tobytes().hex())
                for place, m in listed
            ],
        ),
        equal_members=min(p.equal_members for p in likenesses) if kind is CloneKind.CLASS else 0.0,
    )


def _pair(corpus: Corpus, a: int, b: int, edge: _Edge, headers: Mapping[Run, str]) -> ClonePair:
    left, right = headers.get(edge.first), headers.get(edge.second)
    signature = compare_signatures(left, right) if left and right else ""
    rows_a, rows_b = _rows(corpus, edge.first), _rows(corpus, edge.second)
    if a > b:
        a, b, rows_a, rows_b = b, a, rows_b, rows_a
    facts = edge.likeness
    return ClonePair(
        a, b, *rows_a, *rows_b, facts.similarity, facts.renamed, facts.edited, facts.varied, signature
    )


def _rows(corpus: Corpus, run: Run) -> Run:
    return corpus.rows[run[0]], corpus.end_rows[run[1]]


def _dotted(corpus: Corpus, number: int) -> str:
    span = corpus.definitions[number]
    return f"{_dotted(corpus, span.parent)}.{span.name}" if span.parent >= 0 else span.name


def _merged_places(corpus: Corpus, edges: Sequence[_Edge]) -> dict[Run, Run]:
    """Maps the runs of blocks to one run per place: those that overlap by four fifths are one place.

    The extent of a block differs a little from partner to partner; the one that occurs most often stands for
    all.
    """
    counts: dict[Run, int] = {}
    for edge in edges:
        for run in (edge.first, edge.second):
            counts[run] = counts.get(run, 0) + 1
    out: dict[Run, Run] = {}
    chosen: list[Run] = []  # sorted by start
    widest = 1
    for run in sorted(counts, key=lambda r: (-counts[r], r[0] - r[1], r)):
        at = bisect_left(chosen, (run[0] - widest, 0))
        match = None
        while at < len(chosen) and chosen[at][0] <= run[1]:
            if _same_place(run, chosen[at]):
                match = chosen[at]
                break
            at += 1
        if match is None:
            chosen.insert(bisect_left(chosen, run), run)
            widest = max(widest, run[1] - run[0] + 1)
            match = run
        out[run] = match
    return out


def _same_place(a: Run, b: Run) -> bool:
    common = min(a[1], b[1]) - max(a[0], b[0]) + 1
    return 5 * common >= 4 * max(a[1] - a[0] + 1, b[1] - b[0] + 1)
