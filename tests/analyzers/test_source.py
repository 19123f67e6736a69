"""Decoding Python files, with `tokenize` and `ast` as outside referees."""

from __future__ import annotations

import ast
import io
import tokenize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzers.source import BOM, declared_encoding, decode, decode_text

ENCODINGS = ["utf-8", "latin-1", "cp1252", "iso-8859-15", "koi8-r", "shift_jis", "euc-jp", "gb18030", "ascii"]


@pytest.mark.parametrize(
    "content",
    [
        b"# -*- coding: latin-1 -*-\nx = '\xe9'\n",
        b"#!/usr/bin/python\n# vim: set fileencoding=cp1252 :\nx = '\x80'\n",
        b"\n# coding=utf-8\n",
        b"\x0c# coding: latin-1\n'\xe9'\n",
        BOM + b"x = 1\n",
        BOM + b"# coding: utf-8\n",
        b"x = 1\n# coding: latin-1\n",
        b"\n\n# coding: latin-1\n",
        b"# nothing here\r\n# coding: latin-1\r\n'\xe9'\r\n",
        b"",
        b"\xc3\xa9 = 1\n",
        b"# coding: UTF_8\n",
        b"# coding: Latin_1-unix\n",
        b"'''\n# coding: latin-1\n'''\n",
    ],
)
def test_agrees_with_tokenize_on_the_encoding(content: bytes) -> None:
    try:
        expected, _ = tokenize.detect_encoding(io.BytesIO(content).readline)
        text = content.decode(expected)
    except (SyntaxError, UnicodeDecodeError):
        assert decode(content).error
        return
    source = decode(content)
    assert source.error == ""
    assert source.text == text
    assert source.has_bom == content.startswith(BOM)
    assert source.encode(source.text) == content


@pytest.mark.parametrize(
    ("content", "problem", "line"),
    [
        (b"x = 1\n\ny = '\xe9'\n", "is not utf-8: byte 0xe9", 3),
        (b"# coding: klingon\n", "unknown encoding 'klingon'", 1),
        (b"#!x\n# coding: klingon\n", "unknown encoding 'klingon'", 2),
        (BOM + b"# coding: latin-1\n", "byte order mark", 1),
        (b"# coding: base64\nx\n", "base64", 1),
        (b"# coding: rot13\nx\n", "rot13", 1),
        (b"# coding: utf-16\nx", "utf-16", 1),
        (b"a\r\nb\rc\n\xff", "is not utf-8: byte 0xff", 4),
        ("# coding: é\n".encode(), "", 0),
    ],
)
def test_what_is_wrong_is_a_value(content: bytes, problem: str, line: int) -> None:
    source = decode(content)
    assert problem in source.error
    assert bool(source.error) == bool(problem)
    if problem and "utf-16" not in problem:
        assert source.error_line == line
    assert source.text == "" or not source.error


def test_tells_line_ends_apart() -> None:
    assert decode(b"a\r\nb\r\n").newline == "\r\n"
    assert decode(b"a\nb\r\n").newlines == {"\n", "\r\n"}
    assert decode(b"a\rb").newline == "\r"
    assert decode(b"a").newline == "\n"
    assert decode(b"a").newlines == frozenset()
    # A form feed is white space to Python, no line end.
    assert decode(b"a\x0cb\x0b\n").newlines == {"\n"}


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=60), st.sampled_from(ENCODINGS), st.booleans())
def test_round_trip(text: str, encoding: str, second_line: bool) -> None:
    head = "#!/bin/x\n" if second_line else ""
    whole = f"{head}# coding: {encoding}\n{text}"
    try:
        content = whole.encode(encoding)
    except UnicodeEncodeError:
        return
    source = decode(content)
    assert not source.error
    assert source.encode(source.text) == content


@given(st.binary(max_size=200))
def test_any_bytes_give_a_value(content: bytes) -> None:
    source = decode(content)
    if not source.error:
        assert source.encode(source.text) == content
    assert decode_text(content)[0] == source.text


@given(st.text(alphabet="é#ü \t\fx=1'\"", max_size=12), st.sampled_from(["\n", "\r\n"]))
def test_ast_reads_the_same_text(line: str, newline: str) -> None:
    content = f"# coding: latin-1{newline}x = {line!r}{newline}".encode("latin-1", "replace")
    source = decode(content)
    assert ast.dump(ast.parse(source.text)) == ast.dump(ast.parse(content))


def test_declaration_is_found_only_in_comments_of_the_first_two_lines() -> None:
    assert declared_encoding(b"# coding: a\n") == ("a", 1)
    assert declared_encoding(b"x = 1  # coding: a\n") == ("", 0)
    assert declared_encoding(b"x = 1\n# coding: a\n") == ("", 0)
    assert declared_encoding(b"#\n# coding=b\n") == ("b", 2)
    assert declared_encoding(b"#\n#\n# coding=b\n") == ("", 0)
