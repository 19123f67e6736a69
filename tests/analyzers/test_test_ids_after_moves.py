"""Ids of tests say module names: in their place, and in their parameters."""

from __future__ import annotations

import pytest

from analyzers.before_state import compare_tests, renamed_test
from analyzers.model import Relocation
from analyzers.relocation_map import RelocationMap

MOVES = RelocationMap([Relocation("app.bills.limits", "app.controls.limits")])


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("app.bills.limits.TestIt::test_x", "app.controls.limits.TestIt::test_x"),
        ("backend.app.bills.limits::test_x", "backend.app.controls.limits::test_x"),
        ("tests.test_run::test_line[cd x && python -m app.bills.limits]",
         "tests.test_run::test_line[cd x && python -m app.controls.limits]"),
        ("t::test_line[app.bills.limits_old-3.14]", "t::test_line[app.bills.limits_old-3.14]"),
        ("tests.test_run::test_line", "tests.test_run::test_line"),
        ("command::whole", "command::whole"),
    ],
)  # fmt: skip
def test_ids_follow_the_moves(before: str, after: str) -> None:
    assert renamed_test(before, MOVES) == after


def test_a_test_whose_parameter_was_rewritten_is_not_lost() -> None:
    before = {"t::test_run[app.bills.limits]": "passed", "t::test_gone": "passed"}
    now = {"t::test_run[app.controls.limits]": "passed"}
    assert compare_tests(now, before, MOVES).lost == ("t::test_gone",)
