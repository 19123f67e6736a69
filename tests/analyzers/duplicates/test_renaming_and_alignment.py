"""Proof by one renaming, and the cut of an alignment."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from analyzers.duplicates.alignment import best_span, layered_pairs, matched_pairs, prefix_sums
from analyzers.duplicates.renaming import prove


def names(*words: str) -> tuple[tuple[str, str], ...]:
    return tuple(("n", word) for word in words)


def test_a_consistent_renaming_seen_twice_is_proof() -> None:
    proof = prove(
        [(names("f"), names("g")), (names("a", "b"), names("x", "y")), (names("b", "a"), names("y", "x"))]
    )
    assert proof.proven == (False, True, True)
    assert proof.consistent == (True, True, True)
    assert proof.renamed


def test_one_name_for_two_is_no_renaming() -> None:
    proof = prove([(names("a", "a"), names("x", "x")), (names("a", "b"), names("x", "x"))])
    assert proof.consistent == (True, False)


def test_names_seen_once_prove_nothing() -> None:
    proof = prove([(names("a", "b"), names("x", "y"))])
    assert proof.proven == (False,)
    assert proof.shared == 0.0


def test_recurring_and_single_renamings_are_counted_whatever_the_name_stands_for() -> None:
    proof = prove(
        [
            ((("k", "size"), ("m", "size")), (("k", "width"), ("m", "width"))),
            (names("a", "b"), names("x", "b")),
            ((("l", "1"),), (("l", "2"),)),
        ]
    )
    assert (proof.recurring, proof.single) == (1, 1)


def test_other_texts_of_several_lines_are_no_proof() -> None:
    left, right = (("n", "t"), ("l", '"""a\nb"""')), (("n", "t"), ("l", '"""c\nd"""'))
    assert prove([(left, right)]).proven == (False,)


def test_local_names_do_not_vary_but_literals_and_classes_do() -> None:
    head = (names("f"), names("g"))
    assert not prove([head, (names("a"), names("b"))]).varied
    assert prove([head, ((("l", "1"),), (("l", "2"),))]).varied
    assert prove([head, (names("One"), names("Two"))]).varied


def test_span_keeps_an_edit_in_the_middle() -> None:
    pairs = [(n, n) for n in range(10) if n != 4]
    totals = prefix_sums([1] * 10)
    span = best_span(pairs, totals, totals, 0.8, 0.25)
    assert span is not None
    assert (pairs[span.first], pairs[span.last]) == ((0, 0), (9, 9))
    assert span.similarity == 0.9


def test_span_drops_far_chance_matches() -> None:
    pairs = [(0, 0), *[(n, n) for n in range(20, 30)]]
    totals = prefix_sums([1] * 30)
    span = best_span(pairs, totals, totals, 0.8, 0.25)
    assert span is not None
    assert pairs[span.first] == (20, 20)


def test_stricter_form_decides_between_equal_shapes() -> None:
    # Three statements of one shape; the left one lacks the first.
    assert layered_pairs(["ss", "bc"], ["sss", "abc"]) == [(0, 1), (1, 2)]


@given(st.text(alphabet="abc", max_size=20), st.text(alphabet="abc", max_size=20))
def test_alignments_are_increasing_and_equal(left: str, right: str) -> None:
    for pairs in (matched_pairs(left, right), layered_pairs([left, left], [right, right])):
        assert all(left[i] == right[j] for i, j in pairs)
        assert all(a[0] < b[0] and a[1] < b[1] for a, b in pairwise(pairs))
