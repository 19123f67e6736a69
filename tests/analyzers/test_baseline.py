"""Baselines: parsing, judging, moving along."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzers.baseline import cycle_entry, judge, parse_baseline, relocate_baseline, render_baseline
from analyzers.errors import InputError
from analyzers.model import Relocation
from analyzers.relocation_map import RelocationMap

MOVE = RelocationMap([Relocation("app.a.x", "app.b.x", old_path="app/a/x.py", new_path="app/b/x.py")])
BACK = MOVE.inverse()


def test_entries_move_along_and_stay_sorted() -> None:
    text = "# mine\n\nLAYER001 app/a/x.py -> app/c.py\nLAYER001 app/aa.py -> app/a/x.py\n"
    text += "CYCLE001 app/a/x.py <-> app/b/a.py\n"
    assert relocate_baseline(text, MOVE) == (
        "# mine\n"
        "CYCLE001 app/b/a.py <-> app/b/x.py\n"
        "LAYER001 app/aa.py -> app/b/x.py\n"
        "LAYER001 app/b/x.py -> app/c.py\n"
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# only a comment",
        "LAYER001 z.py -> y.py\nLAYER001 a.py -> b.py",
        "LAYER003 app/a/x.pyi\r\n",
        "<<<<<<< HEAD\nLAYER003 app/a/x.py\n=======\n>>>>>>> other\n",
        "strange\n",
    ],
)
def test_a_baseline_in_which_nothing_moves_stays_byte_for_byte(text: str) -> None:
    assert relocate_baseline(text, MOVE) == text


_path = st.sampled_from(["app/a/x.py", "app/a/y.py", "app/c.py", "app/d e.py"])
_entry = st.one_of(
    st.tuples(_path, _path).map(lambda p: f"LAYER001 {p[0]} -> {p[1]}"),
    _path.map(lambda p: f"LAYER003 {p}"),
    st.sets(_path, min_size=2).map(cycle_entry),
)


@given(st.lists(_entry))
def test_there_and_back_is_the_same(entries: list[str]) -> None:
    text = render_baseline(entries)
    assert relocate_baseline(relocate_baseline(text, MOVE), BACK) == text
    assert sorted(parse_baseline(text.encode(), "baseline")) == sorted(set(entries))


@given(st.lists(_entry), st.lists(_entry))
def test_judging_splits_everything(found: list[str], accepted: list[str]) -> None:
    verdict = judge(found, accepted)
    assert set(verdict.new) | set(verdict.accepted) == set(found)
    assert not set(verdict.new) & set(verdict.accepted)
    assert set(verdict.stale) <= set(accepted)
    assert judge(found, found).new == judge(found, found).stale == ()


def test_a_smaller_knot_is_not_new_and_a_larger_one_is() -> None:
    wide, narrow = cycle_entry(["a.py", "b.py", "c.py"]), cycle_entry(["a.py", "c.py"])
    assert judge([narrow], [wide]).new == ()
    assert judge([narrow], [wide]).stale == ()
    assert judge([wide], [narrow]).new == (wide,)


@pytest.mark.parametrize(
    ("content", "line", "what"),
    [
        (b"LAYER003 a.py\n<<<<<<< HEAD\n", 2, "conflict markers"),
        (b"LAYER003 a.py\n=======\n", 2, "conflict markers"),
        (b"\nnonsense\n", 2, "no entry"),
        (b"LAYER003\n", 1, "no entry"),
        (b"LAYER003 a.py\n\xff\n", 2, "not UTF-8"),
    ],
)
def test_bad_lines_are_named(content: bytes, line: int, what: str) -> None:
    with pytest.raises(InputError, match=what) as caught:
        parse_baseline(content, "baseline")
    assert caught.value.line == line
