"""The values of INI-like files (setup.cfg, tox.ini, .coveragerc, logging.ini, .env) as regions.

Continuation lines belong to the key above; comma-separated values are one region each.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from analyzers.text_references.known_keys import role_of_keys
from analyzers.text_references.regions import Region, Role, in_order, lines_of, stripped, unquoted

_SECTION = re.compile(r"\s*\[(?P<name>[^\]\n]*)\]")
_ENTRY = re.compile(r"(?P<key>[^\s=:\[#;][^=:\n]*)(?P<mark>[=:])\s*")
_COMMENT = re.compile(r"(?:^|\s)[#;]")
_ENTRY_POINT_SECTIONS = ("entry_points", "console_scripts", "options.entry_points")
_PER_FILE = ("per-file-ignores", "per_file_ignores")


def find_regions(text: str, path: str) -> list[Region]:
    """Regions of all section names and values of `text`; `path` is not looked at."""
    return in_order(_regions(text))


def _regions(text: str) -> Iterator[Region]:
    section = key = ""
    for start, end in lines_of(text):
        line = text[start:end]
        bare = line.lstrip()
        if not bare or bare[0] in "#;":
            continue
        header = _SECTION.match(line)
        if header is not None and not (key and line[0].isspace()):
            section, key = header["name"], ""
            yield from _section(text, start + header.start("name"), section)
            continue
        comment = _COMMENT.search(line)
        stop = start + comment.start() if comment else end
        entry = _ENTRY.match(line) if not line[0].isspace() or not key else None
        first = start
        if entry is not None:
            key, first = entry["key"].rstrip(), start + entry.end()
        yield from _values(text, first, stop, section, key)


def _section(text: str, start: int, section: str) -> Iterator[Region]:
    # [mypy-a.b.*], [mypy-a.b,c.d], [pylint-a.b]
    tool, dash, names = section.partition("-")
    if not dash or tool not in ("mypy", "pydocstyle", "mypy_django_plugin"):
        return
    position = start + len(tool) + 1
    for name in names.split(","):
        yield Region(*stripped(text, position, position + len(name)), Role.NAME, f"section {tool}")
        position += len(name) + 1


def _values(text: str, start: int, end: int, section: str, key: str) -> Iterator[Region]:
    role = role_of_keys((section, key))
    where = f"{section}.{key}" if section else key
    if section in _ENTRY_POINT_SECTIONS or key in ("console_scripts", "gui_scripts"):
        # `name = a.b:main` as a line of its own below the group, or the value itself.
        equals = text.find("=", start, end)
        yield Region(*stripped(text, max(start, equals + 1), end), Role.NAME, where)
        return
    if key in _PER_FILE:
        colon = text.find(":", start, end)
        stop = end if colon < 0 else colon
        yield from _split(text, start, stop, ",", Role.PATH, where)
        return
    if role is Role.COMMAND or role is Role.PROSE:
        yield Region(*stripped(text, start, end), role, where)
    else:
        yield from _split(text, start, end, ",", role, where)


def _split(text: str, start: int, end: int, mark: str, role: Role, where: str) -> Iterator[Region]:
    for piece in text[start:end].split(mark):
        yield Region(*unquoted(text, *stripped(text, start, start + len(piece))), role, where)
        start += len(piece) + 1
