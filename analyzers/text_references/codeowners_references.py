"""Files whose lines are path patterns: CODEOWNERS, MANIFEST.in, .gitignore and its like, .gitattributes."""

from __future__ import annotations

import re

from analyzers.text_references.regions import Region, Role, in_order, lines_of

_MANIFEST_COMMAND = re.compile(
    r"\s*(?:recursive-)?(?:include|exclude)\s+|\s*global-(?:include|exclude)\s+|\s*(?:graft|prune)\s+"
)
_PATTERN = re.compile(r"\s*!?(?P<pattern>(?:[^\s\\]|\\.)+)")
_BASELINE_PATH = re.compile(r"(?P<pattern>[^\s:]+)")


def pattern_regions(text: str, path: str) -> list[Region]:
    """The pattern of each line: its first word (CODEOWNERS sections and comments have none)."""
    found = []
    for start, end in lines_of(text):
        pattern = _PATTERN.match(text, start, end)
        if pattern is not None and pattern["pattern"][0] not in "#[^":
            found.append(Region(*pattern.span("pattern"), Role.PATH, "pattern"))
    return in_order(found)


def manifest_regions(text: str, path: str) -> list[Region]:
    """The arguments of each MANIFEST.in command."""
    found = []
    for start, end in lines_of(text):
        command = _MANIFEST_COMMAND.match(text, start, end)
        if command is not None:
            found.append(Region(command.end(), end, Role.PATH, "MANIFEST.in"))
    return in_order(found)


def baseline_regions(text: str, path: str) -> list[Region]:
    """The path at the start of each line of a list of accepted findings (`app/a/b.py:12: error`)."""
    found = []
    for start, end in lines_of(text):
        place = _BASELINE_PATH.match(text, start, end)
        if place is not None:
            found.append(Region(*place.span("pattern"), Role.PATH, "baseline"))
    return in_order(found)
