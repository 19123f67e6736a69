"""The strings of a TOML file, with the keys they stand under, as regions.

A tolerant reader, not a parser: it never fails, needs one pass, and leaves to the tools that own the file to
say what is wrong with it. Quoted keys (`"app/a/b.py" = ["E501"]`, `"app.a" = ["*.json"]`) are regions, too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from analyzers.text_references.known_keys import role_of_keys
from analyzers.text_references.regions import Region, Role, in_order, lines_of, stripped

_TOKEN = re.compile(
    r"""
    (?P<comment>\#[^\n]*)
    | (?P<long>\"{3}(?:[^"\\]|\\.|"(?!""))*(?:\"{3}|\Z|\\)|'{3}(?:[^']|'(?!''))*(?:'{3}|\Z))
    | (?P<string>"(?:[^"\\\n]|\\[^\n])*\\?"?|'[^'\n]*'?)
    | (?P<newline>\n)
    | (?P<mark>[\[\]{},=.])
    | (?P<bare>[^\s\#"'\[\]{},=.]+)
    """,
    re.VERBOSE | re.DOTALL,
)


def find_regions(text: str, path: str) -> list[Region]:
    """Regions of all strings of the TOML document `text`; `path` is not looked at."""
    return in_order(_regions(text))


def _regions(text: str) -> Iterator[Region]:
    table: tuple[str, ...] = ()
    key: list[str] = []
    # Keys of the values around: one entry per open `[` or `{`.
    around: list[tuple[str, tuple[str, ...]]] = []
    in_header = expects_value = False
    key_regions: list[tuple[int, int]] = []
    for token in _TOKEN.finditer(text):
        kind, word = token.lastgroup, token.group()
        if kind == "comment":
            continue
        if kind == "newline":
            if in_header:
                table, in_header = tuple(key), False
            if not around:
                key, expects_value, key_regions = [], False, []
        elif kind in ("string", "long"):
            quotes = 3 if kind == "long" else 1
            start, end = token.start() + quotes, token.end()
            # An unclosed string ends with its line (or the file), so no quote is ever tried twice.
            end -= quotes if end - start >= quotes and word.endswith(word[:quotes]) else 0
            if expects_value:
                yield from _value(text, start, end, (*table, *_outer(around), *key), long=kind == "long")
            else:
                key.append(text[start:end])
                key_regions.append((start, end))
                if in_header:
                    yield Region(start, end, _key_role((*table, *key)))
        elif kind == "bare":
            if not expects_value:
                key.append(word)
        elif word == "=":
            for start, end in key_regions:
                yield Region(start, end, _key_role((*table, *_outer(around), *key[:-1])), ".".join(key[:-1]))
            expects_value, key_regions = True, []
        elif word == "[":
            if expects_value:
                around.append(("[", tuple(key)))
                key = []
            elif not around and not key and not in_header:
                in_header = True
        elif word == "{":
            around.append(("{", tuple(key)))
            key, expects_value = [], False
        elif word in "]}" and around:
            key = list(around.pop()[1])
            expects_value = bool(around) and around[-1][0] == "["
            if expects_value:
                key = []
            elif not around:
                expects_value = False
        elif word == "," and around and around[-1][0] == "{":
            key, expects_value, key_regions = [], False, []


def _outer(around: list[tuple[str, tuple[str, ...]]]) -> list[str]:
    return [part for _, keys in around for part in keys]


def _key_role(keys: tuple[str, ...]) -> Role:
    role = role_of_keys(keys)
    return role if role in (Role.NAME, Role.PATH) else Role.VALUE


def _value(text: str, start: int, end: int, keys: tuple[str, ...], *, long: bool) -> Iterator[Region]:
    role, where = role_of_keys(keys), ".".join(keys)
    if not long:
        yield Region(start, end, role, where)
        return
    for first, last in lines_of(text, start, end):
        yield Region(*stripped(text, first, last), role, where)
