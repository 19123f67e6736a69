"""The lexer agrees with `tokenize` where that one can read, and loses nothing where it cannot."""

from __future__ import annotations

import io
import tokenize
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import analyzers
from analyzers.duplicates.logical_lines import Lexer, decode_source, split_rows

_SKIPPED = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENDMARKER,
    tokenize.ENCODING,
}


def by_tokenize(text: str) -> list[tuple[int, int]]:
    """First and last row of each logical line."""
    rows, out = [], []
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.NEWLINE:
            out.append((rows[0], rows[-1]))
            rows = []
        elif token.type not in _SKIPPED:
            rows += [token.start[0], token.end[0]]
    return out


def lines_of(text: str) -> list[tuple[int, int, tuple[str, ...]]]:
    return [(line.row, line.end_row, line.tokens) for line in Lexer().logical_lines(split_rows(text))]


def test_rows_agree_with_tokenize_on_our_own_sources() -> None:
    files = sorted(Path(analyzers.__file__).parent.rglob("*.py"))
    assert len(files) > 20
    for file in files:
        text = decode_source(file.read_bytes())
        assert [(a, b) for a, b, _ in lines_of(text)] == by_tokenize(text), file


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("x = 'a' \"b\"  # c", ("x", "=", "'a'", '"b"')),
        ("x = 'it\\'s'", ("x", "=", "'it\\'s'")),
        ("x = r'\\' + 1", ("x", "=", "r'\\' + 1")),
        ("f(a,\n  b)", ("f", "(", "a", ",", "b", ")")),
        ("x = 1 + \\\n    2", ("x", "=", "1", "+", "2")),
        ('x = """a\n# no comment\n"""', ("x", "=", '"""a\n# no comment\n"""')),
        ("x = 1e-5j // .5", ("x", "=", "1e-5j", "//", ".5")),
        ("a **= b >> c", ("a", "**=", "b", ">>", "c")),
        ("x = ''", ("x", "=", "''")),
        ('f("a\\\n  b", c)', ("f", "(", '"a\\\n  b"', ",", "c", ")")),
        ("x = 'a\\\n\\\nb' + 1", ("x", "=", "'a\\\n\\\nb'", "+", "1")),
        ('x = """"quoted" end"""', ("x", "=", '""""quoted" end"""')),
    ],
)
def test_tokens(text: str, tokens: tuple[str, ...]) -> None:
    assert [t for _, _, t in lines_of(text)] == [tokens]


def test_a_definition_at_the_margin_ends_an_open_bracket() -> None:
    found = lines_of("x = f(1,\n\ndef g(a):\n    return a\n")
    assert [t[:2] for _, _, t in found] == [("x", "="), ("def", "g"), ("return", "a")]


def test_a_plain_string_that_nothing_ends_is_over_with_its_line() -> None:
    found = lines_of("x = 'a\\\nb\ny = 1\nz = 'a\nw = 2\n")
    assert [t[:2] for _, _, t in found] == [(n, "=") for n in "xyzw"]


def test_an_open_string_is_not_lost() -> None:
    assert lines_of('x = """abc\ndef')[0][2] == ("x", "=", '"""abc\ndef')


@given(st.text(alphabet="ab'\"\\\n ()[]#=1\t", max_size=60))
def test_any_text_is_read_without_an_error_and_rows_grow(text: str) -> None:
    last = 0
    for row, end, tokens in lines_of(text):
        assert last < row <= end
        assert tokens
        last = end


@given(st.binary(max_size=80))
def test_any_bytes_are_decoded(data: bytes) -> None:
    assert isinstance(decode_source(data), str)
