"""What the forms of a statement keep and what they blank."""

from __future__ import annotations

import pytest

from analyzers.duplicates.line_forms import LineForms, canonical_tokens, evidence
from analyzers.duplicates.logical_lines import Lexer


def tokens(text: str) -> tuple[str, ...]:
    return next(Lexer().logical_lines([text])).tokens


def forms(text: str) -> LineForms:
    return LineForms(tokens(text))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("f(a, b,)", "f( a,b )"),
        ("x = 'a'", 'x = "a"'),
        ("x = [1, 2,]", "x = [1, 2]"),
        ("x = {1: 2,}", "x = {1: 2}"),
    ],
)
def test_formatting_does_not_show_in_the_raw_form(one: str, other: str) -> None:
    assert forms(one).raw == forms(other).raw


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("x = (a,)", "x = (a)"),
        ("return (a,)", "return (a)"),
        ("x = y[a,]", "x = y[a]"),
        ("x = 'it\"s'", 'x = "it\'s"'),
        ("x = 1", "x = 1.0"),
    ],
)
def test_meaning_shows_in_the_raw_form(one: str, other: str) -> None:
    assert forms(one).raw != forms(other).raw


def test_renamed_variables_keep_the_member_form() -> None:
    assert (
        forms("rows = store.load(key, limit=3)").member == forms("lines = depot.load(name, limit=9)").member
    )


def test_another_method_changes_the_member_form_but_not_the_shape() -> None:
    one, other = forms("rows = store.load(key)"), forms("rows = store.save(key)")
    assert one.member != other.member
    assert one.shape == other.shape


def test_builtins_and_keywords_stay_in_the_shape() -> None:
    assert forms("return len(a)").shape != forms("return sum(a)").shape


def test_a_row_of_a_table_is_data() -> None:
    assert forms("(1, 'a', None),").is_data
    assert not forms("(1, a),").is_data


def test_evidence_names_roles() -> None:
    assert evidence(tokens("x = a.b(c=1)")) == (
        ("n", "x"),
        ("n", "a"),
        ("m", "b"),
        ("k", "c"),
        ("l", "1"),
    )


def test_canonical_tokens_are_a_fixed_point() -> None:
    once = canonical_tokens(tokens("f(a, 'b', [1,], (2,),)"))
    assert canonical_tokens(once) == once
