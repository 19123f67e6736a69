"""What is kept for a second reader, and when it is given up."""

from __future__ import annotations

from analyzers.import_index import records_for
from analyzers.parsed_files import ParsedFiles, parse_file


def test_a_second_reader_gets_the_same_tree_and_the_last_one_takes_the_scopes_away() -> None:
    files = ParsedFiles()
    first = files.of(b"import a\n")
    assert files.of(b"import a\n") is first
    files.of(b"import b\n")
    assert files.last_scopes_of(b"import a\n") is first.scopes
    again = files.last_scopes_of(b"import a\n")
    assert again is not None
    assert again is not first.scopes


def test_only_what_there_is_room_for_is_kept() -> None:
    files = ParsedFiles(kept_uses=4)
    small, large, other = b"x = a, b\n", b"x = a, b, c, d\n", b"y = a, b\n"
    kept, left, late = [files.of(content).scopes for content in (small, large, other)]
    assert files.last_scopes_of(large) is not left
    assert files.last_scopes_of(other) is not late
    assert files.last_scopes_of(small) is kept
    files.of(small)
    files.last_scopes_of(small)
    late = files.of(other).scopes
    assert files.last_scopes_of(other) is late


def test_a_file_that_cannot_be_parsed_or_is_too_deep_has_no_scopes() -> None:
    files = ParsedFiles()
    for content in (b"a = (\n", b"x = " + b"-" * 100_000 + b"1\n"):
        files.of(content)
        assert files.last_scopes_of(content) is None


def test_errors_are_said_like_a_file_without_a_tree() -> None:
    broken, foreign = parse_file(b"a = (\n"), parse_file(b"# coding: nonsense\n")
    assert broken.tree is None
    assert "syntax error" in broken.error
    assert broken.error_line == 1
    assert foreign.tree is None
    assert foreign.error


def test_records_are_the_same_with_and_without_kept_trees() -> None:
    contents = {
        "a.py": b"import os\n__all__ = ['f']\ndef f(): return 'a.b.c'\n",
        "b.py": b"a = (\n",
        "c.py": b"# coding: nonsense\n",
        "d.py": "# coding: latin-1\nx = 'é'\nfrom . import a\n".encode("latin-1"),
    }
    files = ParsedFiles()
    for content in contents.values():
        files.of(content)
    assert records_for(contents, files) == records_for(contents)
