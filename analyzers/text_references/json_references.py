"""The strings of a JSON document (comments and trailing commas allowed), with their keys, as regions."""

from __future__ import annotations

import re
from collections.abc import Iterator

from analyzers.text_references.known_keys import role_of_keys
from analyzers.text_references.reference import Certainty
from analyzers.text_references.regions import Region, Role, in_order

_TOKEN = re.compile(
    r'(?P<comment>//[^\n]*|/\*.*?(?:\*/|\Z))|(?P<string>"(?:[^"\\\n]|\\[^\n])*\\?"?)|(?P<mark>[\[\]{},:])',
    re.DOTALL,
)
_LISTS_OF_FINDINGS = ("baseline", "todo", "allowlist", "known_issues")


def find_regions(text: str, path: str) -> list[Region]:
    """Regions of all keys and values; the code of notebooks is code, their Markdown is prose."""
    name = path.rpartition("/")[2].lower()
    if name.endswith(".ipynb"):
        return in_order(_notebook(text))
    lists_paths = any(word in name for word in _LISTS_OF_FINDINGS)
    return in_order(_regions(text, lists_paths))


def _strings(text: str) -> Iterator[tuple[int, int, tuple[str, ...], bool, int]]:
    """(start, end, keys around, whether it is a key, start of the innermost list or 0) of every string."""
    keys: list[str] = []
    open_marks: list[tuple[str, int]] = []
    last = ""
    pending: tuple[int, int] | None = None
    for token in _TOKEN.finditer(text):
        if token.lastgroup == "comment":
            continue
        word = token.group()
        if pending is not None:
            is_key = word == ":" and bool(open_marks) and open_marks[-1][0] == "{"
            inside = open_marks[-1][1] if open_marks and open_marks[-1][0] == "[" else 0
            around = keys if is_key else [*keys, last]
            yield pending[0], pending[1], tuple(k for k in around if k), is_key, inside
            if is_key:
                last = text[pending[0] : pending[1]]
            pending = None
        if token.lastgroup == "string":
            # An unclosed string ends with its line, so no quote is ever tried twice.
            closed = len(word) > 1 and word.endswith('"')
            pending = (token.start() + 1, token.end() - closed)
        elif word in "[{":
            open_marks.append((word, token.end()))
            keys.append(last)
            last = ""
        elif word in "]}" and open_marks:
            open_marks.pop()
            last = keys.pop()
        elif word == "," and open_marks and open_marks[-1][0] == "{":
            last = ""
    if pending is not None:
        yield pending[0], pending[1], tuple(k for k in (*keys, last) if k), False, 0


def _regions(text: str, lists_paths: bool) -> Iterator[Region]:
    for start, end, keys, is_key, _ in _strings(text):
        role = role_of_keys(keys)
        if is_key and role not in (Role.NAME, Role.PATH):
            role = Role.VALUE
        if role is Role.VALUE and lists_paths:
            role = Role.PATH
        yield Region(start, end, role, ".".join(keys[-3:]))


_CELL_TYPE = re.compile(r'"cell_type"\s*:\s*"(\w+)"')


def _notebook(text: str) -> Iterator[Region]:
    kinds = [(m.start(), m.group(1)) for m in _CELL_TYPE.finditer(text)]
    at = 0
    for start, end, keys, is_key, _ in _strings(text):
        if is_key or not keys or keys[-1] != "source":
            continue
        # nbformat sorts its keys, so `cell_type` stands in front of the cell's source.
        while at + 1 < len(kinds) and kinds[at + 1][0] < start:
            at += 1
        is_code = bool(kinds) and kinds[at][0] < start and kinds[at][1] == "code"
        stop = end - 2 if text[start:end].endswith("\\n") else end
        role = Role.CODE if is_code else Role.PROSE
        yield Region(start, stop, role, "cell", Certainty.LIKELY)
