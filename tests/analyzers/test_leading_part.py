"""The beginning of a file up to its last change: whole statements, in the file's own bytes."""

from __future__ import annotations

import ast
import codecs
import textwrap
from pathlib import Path

import libcst
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzers.file_plan import FilePlan
from analyzers.import_changes import TextEdit
from analyzers.leading_part import leading_part
from analyzers.parsed_files import parse_file

SOURCES = sorted(p for p in Path(ast.__file__).parent.glob("*.py") if p.stat().st_size < 60_000)


def part(content: bytes, changed: str) -> bytes:
    """The leading part when the last occurrence of `changed` in the text is the last change."""
    parsed = parse_file(content)
    start = parsed.source.text.rindex(changed)
    plan = FilePlan(parsed.source, edits=(TextEdit(start, start + len(changed), "new", 1),))
    return leading_part(content, parsed, plan)


def lines(text: str) -> bytes:
    return textwrap.dedent(text).lstrip("\n").encode()


def test_ends_where_the_next_statement_begins() -> None:
    content = lines("""
        import old

        # says something of f
        @decorated
        def f():
            pass
        """)
    assert part(content, "old") == b"import old\n\n# says something of f\n"


def test_the_whole_statement_around_a_change_is_kept() -> None:
    content = lines("""
        if True:
            import old
        else:
            import other
        x = 1
        """)
    assert part(content, "old") == content[: content.index(b"x = 1")]


def test_statements_that_share_the_line_stay_together() -> None:
    content = b"import old; import b; x = (1,\n 2); y = 3\nz = 4\n"
    assert part(content, "old") == content[: content.index(b"z = 4")]


def test_a_change_in_the_last_statement_needs_the_whole_file() -> None:
    content = b"import a\nimport old"
    assert part(content, "old") == content


def test_a_text_that_looks_like_a_statement_is_none() -> None:
    content = lines('''
        x = """ old
        import a
        """
        import b
        ''')
    assert part(content, "old") == content[: content.index(b"import b")]


def test_a_line_that_goes_on_behind_a_backslash_is_not_cut() -> None:
    content = b"import old\n\\\nimport b\n"
    assert part(content, "old") == content


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_marks_encodings_and_line_ends_are_those_of_the_file(newline: str) -> None:
    text = newline.join(["# coding: latin-1", "import old  # \xe9", "x = '\xe9'", ""])
    assert part(text.encode("latin-1"), "old") == text[: text.index("x =")].encode("latin-1")
    text = newline.join(["import old  # \xe9", "x = '\xe9'", ""])
    marked = codecs.BOM_UTF8 + text.encode()
    assert part(marked, "old") == codecs.BOM_UTF8 + text[: text.index("x =")].encode()


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(SOURCES), st.data())
def test_the_part_is_the_beginning_of_the_same_tree(file: Path, data: st.DataObject) -> None:
    content = file.read_bytes()
    parsed = parse_file(content)
    if parsed.tree is None:
        return
    position = data.draw(st.integers(0, len(parsed.source.text)))
    plan = FilePlan(parsed.source, edits=(TextEdit(position, position, "", 1),))
    found = leading_part(content, parsed, plan)
    assert content.startswith(found)
    assert len(parse_file(found).source.text) >= position
    beginning = ast.parse(found)
    count = len(beginning.body)
    whole = ast.dump(ast.Module(parsed.tree.body[:count], []), include_attributes=True)
    assert ast.dump(ast.Module(beginning.body, []), include_attributes=True) == whole
    if found != content:
        libcst.parse_module(found)
