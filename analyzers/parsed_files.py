"""Parsed files for those who look at the same bytes one after the other: the planner, then the proof.

A tree needs 85 times the memory of its text and more. The proof needs the scopes alone: those are kept.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import cached_property

from analyzers.file_scopes import FileScopes, ImportStatement
from analyzers.python_parser import parse
from analyzers.scopes import read_scopes, read_statements
from analyzers.source import Source, decode
from analyzers.text_positions import TextPositions

#: Scopes are kept of files with so many uses of names together, about 120 MB (Django: 879 files, 106,000
#: uses, 80 MB). Bytes of text tell less: code has one use in 50 of them, a generated table one in two.
KEPT_USES = 150_000


@dataclass(frozen=True)
class ParsedFile:
    """A decoded file with its tree; `tree` is None with an `error` at a 1-based `error_line` (0: unknown).

    `lazy_imports` are places of `lazy import` statements, see `parse`.
    """

    source: Source
    tree: ast.Module | None
    error: str
    error_line: int
    lazy_imports: frozenset[tuple[int, int]] = frozenset()

    @cached_property
    def scopes(self) -> FileScopes:
        """The scopes of a file that was parsed.

        Raises:
            RecursionError: its expressions are nested too deeply.
        """
        assert self.tree is not None, "asked for the scopes of a file without a tree"
        return read_scopes(self.tree)

    @cached_property
    def statements(self) -> tuple[ImportStatement, ...]:
        """The import statements of a file that was parsed, in source order; see `read_statements`."""
        assert self.tree is not None, "asked for the statements of a file without a tree"
        return read_statements(self.tree)

    @cached_property
    def positions(self) -> TextPositions:
        """Where the nodes of the tree stand in the decoded text."""
        return TextPositions(self.source.text)


def parse_file(content: bytes) -> ParsedFile:
    """Decode and parse the bytes of a file."""
    source = decode(content)
    if source.error:
        return ParsedFile(source, None, source.error, source.error_line)
    tree, lazy, error, line = parse(source.text)
    return ParsedFile(source, tree, error, line, lazy)


class ParsedFiles:
    """Parses bytes for the planner and the index, and keeps the scopes of each file for the proof."""

    def __init__(self, kept_uses: int = KEPT_USES) -> None:
        self._room = kept_uses
        self._scopes: dict[bytes, FileScopes] = {}
        self._last: tuple[bytes, ParsedFile] | None = None

    def of(self, content: bytes) -> ParsedFile:
        """The parsed file with these bytes; asked for the same again at once, it is the same."""
        if self._last is not None and self._last[0] == content:
            return self._last[1]
        found = parse_file(content)
        self._last = (content, found)
        if self._room > 0 and content not in self._scopes:
            scopes = _scopes(found)
            if scopes is not None and _size(scopes) <= self._room:
                # What is there stays: all readers go through the files in the same order, so that giving up
                # the oldest would give up what the next reader wants first.
                self._room -= _size(scopes)
                self._scopes[content] = scopes
        return found

    def last_scopes_of(self, content: bytes) -> FileScopes | None:
        """The scopes of the file with these bytes, which are not kept any longer.

        None when it cannot be parsed, or is nested too deeply.
        """
        found = self._scopes.pop(content, None)
        if found is None:
            return _scopes(parse_file(content))
        self._room += _size(found)
        return found


def _size(scopes: FileScopes) -> int:
    """The uses of names, and one for what every file has."""
    return 1 + sum(map(len, scopes.uses_by_name.values()))


def _scopes(parsed: ParsedFile) -> FileScopes | None:
    if parsed.tree is None:
        return None
    try:
        return parsed.scopes
    except RecursionError:
        return None
