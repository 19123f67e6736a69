"""Classes of copies, ranking, suppression and the side-by-side view, on hand-made facts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzers.duplicates.clone_classes import clone_classes
from analyzers.duplicates.duplicate_model import (
    CloneGroup,
    CloneKind,
    ClonePair,
    Place,
    SuppressionMark,
    fingerprint_of,
)
from analyzers.duplicates.ranking import Surroundings, choose_canonical, rank_groups, recommend
from analyzers.duplicates.side_by_side import differing_rows, side_by_side
from analyzers.duplicates.suppression import Baseline, baseline_of, suppress


def group(kind: CloneKind, *places: Place, edited: bool = False, varied: bool = False) -> CloneGroup:
    pairs = tuple(
        ClonePair(a, b, places[a].first, places[a].last, places[b].first, places[b].last, 1.0, False, edited)
        for a in range(len(places))
        for b in range(a + 1, len(places))
    )
    mark = fingerprint_of(kind, [(p.path, p.name) for p in places])
    return CloneGroup(kind, places, pairs, 1.0, False, edited, 12, varied, fingerprint=mark)


A = Place("d/logs/a.py", 10, 25, "f")
B = Place("d/general/b.py", 30, 45, "f")
C = Place("d/incidents/c.py", 1, 16, "f")
DOMAINS = {"d/logs/a.py": "logs", "d/general/b.py": "general", "d/incidents/c.py": "incidents"}


def none_alike(pairs: object) -> list[float]:
    return [0.0 for _ in pairs]  # type: ignore[attr-defined]


def test_a_clique_is_one_class() -> None:
    edges = {(a, b): 0.9 for a in range(5) for b in range(a + 1, 5)}
    assert clone_classes(edges, none_alike) == [(0, 1, 2, 3, 4)]


def test_likeness_is_not_transitive() -> None:
    found = clone_classes({(0, 1): 0.95, (1, 2): 0.85}, none_alike)
    assert (0, 1) in found
    assert (0, 1, 2) not in found


def test_missing_pairs_are_verified_and_join() -> None:
    asked: list[tuple[int, int]] = []

    def alike(pairs: object) -> list[float]:
        asked.extend(pairs)  # type: ignore[call-overload]
        return [0.9] * len(asked)

    assert clone_classes({(0, 1): 0.95, (1, 2): 0.85}, alike) == [(0, 1, 2)]
    assert asked == [(0, 2)]


def test_overlapping_places_stay_apart() -> None:
    edges = {(0, 1): 0.9, (0, 2): 0.9}
    found = clone_classes(edges, none_alike, lambda a, b: {a, b} == {1, 2})
    assert all(not {1, 2} <= set(one) for one in found)


@given(st.dictionaries(st.tuples(st.integers(0, 9), st.integers(10, 19)), st.floats(0.8, 1.0), max_size=40))
def test_every_member_with_a_pair_is_in_a_class(edges: dict[tuple[int, int], float]) -> None:
    found = clone_classes(edges, none_alike)
    assert {m for one in found for m in one} == {m for edge in edges for m in edge}
    assert found == clone_classes(dict(reversed(edges.items())), none_alike)


def test_shared_domain_comes_first() -> None:
    around = Surroundings(domains=DOMAINS, importers={A.path: frozenset({"x.py", "y.py"})})
    assert choose_canonical(group(CloneKind.FUNCTION, A, B), around) == (1, "in the shared domain")


def test_superset_of_names_then_importers_then_newest_then_path() -> None:
    whole = group(CloneKind.EXACT_FILE, A, C)
    names = {A.path: frozenset({"f"}), C.path: frozenset({"f", "g"})}
    assert choose_canonical(whole, Surroundings(domains=DOMAINS, names=names))[0] == 1
    importers = {C.path: frozenset({"x.py"})}
    assert choose_canonical(group(CloneKind.FUNCTION, A, C), Surroundings(importers=importers)) == (
        1,
        "has the most importers (1)",
    )
    edited = Surroundings(edited=lambda path: 5 if path == C.path else 4)
    assert choose_canonical(group(CloneKind.FUNCTION, A, C), edited) == (1, "was edited last")
    assert choose_canonical(group(CloneKind.FUNCTION, A, C), Surroundings())[0] == 0


@pytest.mark.parametrize(
    ("kind", "edited", "varied", "canonical", "other", "expected"),
    [
        (CloneKind.EXACT_FILE, False, False, B, A, "DELETE_FROM_LOGS"),
        (CloneKind.FUNCTION, False, False, B, A, "DELETE_FROM_LOGS"),
        (CloneKind.FUNCTION, False, False, C, A, "EXTRACT_TO_GENERAL"),
        (CloneKind.FUNCTION, False, False, B, Place(A.path, 1, 9, "K.f"), "EXTRACT_TO_GENERAL"),
        (CloneKind.FUNCTION, True, False, B, A, "REVIEW_MERGE"),
        (CloneKind.FUNCTION, False, True, B, A, "REVIEW_FOR_SHARED_UTIL"),
        (CloneKind.BLOCK, False, False, B, A, "REVIEW_FOR_SHARED_UTIL"),
        (CloneKind.EXACT_FILE, False, False, B, Place("tools/x-y/z.py", 1, 9), "DELETE_FROM_X_Y"),
    ],
)
def test_recommendations(
    kind: CloneKind, edited: bool, varied: bool, canonical: Place, other: Place, expected: str
) -> None:
    assert recommend(kind, edited, varied, canonical, other, Surroundings(domains=DOMAINS)) == expected


def test_sure_and_large_findings_come_first() -> None:
    ranked = rank_groups(
        [group(CloneKind.FUNCTION, A, C, edited=True), group(CloneKind.EXACT_FILE, A, B, C)],
        Surroundings(domains=DOMAINS, importers={C.path: frozenset({A.path})}),
    )
    assert [r.group.kind for r in ranked] == [CloneKind.EXACT_FILE, CloneKind.FUNCTION]
    assert ranked[0].saved_lines == 24
    assert ranked[0].relations == (f"{A.path} imports {C.path}",)


def test_a_comment_with_a_reason_takes_its_copy_out() -> None:
    three = group(CloneKind.FUNCTION, A, B, C)
    left = suppress([three], [SuppressionMark(A.path, 8, " (kept for the old client)")], Baseline())
    assert [p.path for p in left.groups[0].places] == [B.path, C.path]
    assert [(p.a, p.b) for p in left.groups[0].pairs] == [(0, 1)]
    two = suppress([group(CloneKind.FUNCTION, A, B)], [SuppressionMark(A.path, 25, "(why)")], Baseline())
    assert two.groups == ()
    assert two.stale_marks == ()


def test_a_comment_without_a_reason_is_not_honoured() -> None:
    mark = SuppressionMark(A.path, 10, "")
    left = suppress([group(CloneKind.FUNCTION, A, B)], [mark], Baseline())
    assert len(left.groups) == 1
    assert left.unexplained == (mark,)


def test_comments_and_entries_that_match_nothing_are_stale() -> None:
    mark = SuppressionMark(A.path, 200, "(why)")
    old = baseline_of([group(CloneKind.FUNCTION, A, C)], Baseline())
    left = suppress([group(CloneKind.FUNCTION, A, B)], [mark], old)
    assert left.stale_marks == (mark,)
    assert left.stale_entries == old.accepted
    partial = suppress([], [mark], old, complete=False, complete_marks=False)
    assert (partial.stale_marks, partial.stale_entries) == ((), ())


def test_baseline_does_not_depend_on_lines_and_keeps_reasons() -> None:
    first = baseline_of([group(CloneKind.FUNCTION, A, B)], Baseline())
    moved = group(CloneKind.FUNCTION, Place(A.path, 50, 65, "f"), B)
    assert suppress([moved], [], first).groups == ()
    entry = first.accepted[0]
    explained = Baseline((type(entry)(entry.fingerprint, entry.kind, entry.places, "two clients"),))
    assert baseline_of([moved], explained).accepted[0].reason == "two clients"


def test_side_by_side_marks_changes() -> None:
    rows = side_by_side(["a = 1", "b = 2", "", "c = 3"], 10, ["a  =  1", "b = 5", "c = 3", "d = 4"], 20)
    assert [(r.mark, r.line_a, r.line_b) for r in rows] == [
        ("=", 10, 20),
        ("~", 11, 21),
        ("-", 12, 0),
        ("=", 13, 22),
        ("+", 0, 23),
    ]
    assert [r.mark for r in differing_rows(rows)] == ["~", "+"]


@given(
    st.lists(st.sampled_from(["a", "b", "", "c"]), max_size=12),
    st.lists(st.sampled_from(["a", "b", "c"]), max_size=12),
)
def test_side_by_side_loses_no_row(left: list[str], right: list[str]) -> None:
    rows = side_by_side(left, 1, right, 1)
    assert [r.text_a for r in rows if r.line_a] == left
    assert [r.text_b for r in rows if r.line_b] == right
