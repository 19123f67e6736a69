"""What is kept for a second reader, and when it is given up."""

from __future__ import annotations

from analyzers.import_index import records_for
from analyzers.parsed_files import ParsedFiles, parse_file


def test_a_second_reader_gets_the_same_tree_and_the_last_one_takes_it_away() -> None:
    files = ParsedFiles()
    first = files.of(b"import a\n")
    assert files.of(b"import a\n") is first
    assert files.last_of(b"import a\n") is first
    assert files.of(b"import a\n") is not first


def test_only_what_there_is_room_for_is_kept() -> None:
    files = ParsedFiles(kept_bytes=10)
    small, large = b"x = 1\n", b"longer = 12345\n"
    assert files.of(large) is not files.of(large)
    kept = files.of(small)
    other = b"y = 22\n"
    assert files.of(other) is not files.of(other)
    assert files.last_of(small) is kept
    assert files.of(other) is files.of(other)


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
