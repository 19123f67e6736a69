from __future__ import annotations

import contextlib
import csv
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzers.csv_table import parse_csv, read_csv, render_csv
from analyzers.errors import InputError

CELLS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12) | st.text(
    "'=+-@\t\r\n\", a", max_size=6
)


@given(st.lists(st.tuples(CELLS, CELLS), max_size=5))
def test_what_is_written_reads_back(rows: list[tuple[str, str]]) -> None:
    text = render_csv(("a", "b"), rows)
    read = parse_csv(text.encode(), ("a", "b"), "t.csv")
    assert [(row["a"], row["b"]) for _, row in read] == rows


@given(st.lists(st.tuples(CELLS, CELLS), max_size=5))
def test_no_cell_is_run_by_a_spreadsheet(rows: list[tuple[str, str]]) -> None:
    for cells in csv.reader(io.StringIO(render_csv(("a", "b"), rows), newline="")):
        assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) and len(cell) > 1 for cell in cells)


@given(st.binary(max_size=200) | st.text(alphabet='a,b"\n\r=\0é', max_size=60).map(str.encode))
def test_rubbish_raises_nothing_but_input_errors(content: bytes) -> None:
    with contextlib.suppress(InputError):
        parse_csv(content, ("a",), "t.csv")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "t.csv:1: is empty; it needs the columns a, b"),
        (b"a\n1\n", "t.csv:1: lacks the column b"),
        (b"a,b,a\n", "t.csv:1: has the column 'a' twice"),
        (b"a,b\n1,2\n3\n", "t.csv:3: has 1 cells, the header has 2"),
        (b'a,b\n1,"2\n', "t.csv:2: is no CSV: unexpected end of data"),
        (b"a,b\n\xff,2\n", "t.csv:2: is not UTF-8"),
        (b"a,b\n1,\0\n", "t.csv:2: holds a NUL character"),
    ],
)
def test_says_where_and_what(content: bytes, expected: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_csv(content, ("a", "b"), "t.csv")
    assert str(caught.value).startswith(expected)


def test_a_missing_file_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read: No such file"):
        read_csv(tmp_path / "none.csv", ("a",))
