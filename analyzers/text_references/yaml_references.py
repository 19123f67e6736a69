"""The scalars of a YAML document, with the keys they stand under, as regions.

Read line by line with a stack of indentations: templates (Jinja, Helm) and broken documents are read as far
as they look like YAML. Block scalars under a command key are command lines, else text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from analyzers.text_references.known_keys import normal_key, role_of_keys
from analyzers.text_references.reference import Certainty
from analyzers.text_references.regions import Region, Role, in_order, lines_of, stripped, unquoted

_LEAD = re.compile(r"[ ]*(?:-[ ]+|\?[ ]+)*(?:-$)?")
_KEY = re.compile(
    r"""(?:(?P<quoted>"(?:[^"\\\n]|\\.)*"|'(?:[^'\n]|'')*')\s*|(?P<plain>[^\s#&*!|>'"%@`{}\[\],][^#\n]*?)):(?=\s|$)"""
)
_TAG = re.compile(r"(?:!(?P<tag>[^\s]*)|&\S+)\s*")
_TAG_NAME = re.compile(r"!python/[\w/]+:(?P<name>[\w.]+)")
_BLOCK = re.compile(r"[|>][+\-0-9]*\s*(?:#.*)?$")
_FLOW_ITEM = re.compile(
    r"""(?P<quoted>"(?:[^"\\]|\\.)*(?:"|\\?\Z)|'(?:[^']|'')*(?:'|\Z))"""
    r"""|(?P<mark>[\[\]{},])|(?P<plain>[^\s\[\]{},"'][^\[\]{},\n]*)"""
)
_COMMENT = re.compile(r"(?:^|\s)#")
_FILES_WITH_PATHS = (
    "labeler",
    "codecov",
    "sonar",
    "package_todo",
    "baseline",
    "codeowners",
    "owners",
    "filters",
)


def find_regions(text: str, path: str) -> list[Region]:
    """Regions of all keys and scalars of the YAML stream `text`; `path` tells files whose items are paths."""
    name = path.rpartition("/")[2].lower()
    return in_order(_Reader(text, any(word in name for word in _FILES_WITH_PATHS)).regions())


class _Reader:
    def __init__(self, text: str, lists_paths: bool) -> None:
        self.text = text
        self.lists_paths = lists_paths
        self.keys: list[tuple[int, str]] = []
        self.block = -1
        self.flow_end = 0

    def regions(self) -> Iterator[Region]:
        for start, end in lines_of(self.text):
            if start < self.flow_end:
                continue
            line = self.text[start:end]
            bare = line.lstrip(" ")
            indent = len(line) - len(bare)
            if not bare.strip():
                continue
            if self.block >= 0:
                if indent > self.block:
                    yield from self._scalar(*stripped(self.text, start, end), in_block=True)
                    continue
                self.block = -1
            if bare[0] == "#" or bare.startswith(("---", "...", "%")):
                continue
            yield from self._line(start, end, line)

    def _line(self, start: int, end: int, line: str) -> Iterator[Region]:
        lead = _LEAD.match(line)
        at = lead.end() if lead else 0
        is_item = "-" in line[:at]
        indent = len(line) - len(line.lstrip(" "))
        # `- item` may stand at the indentation of its key; then the key stays open.
        while self.keys and (self.keys[-1][0] > indent or (self.keys[-1][0] == indent and not is_item)):
            self.keys.pop()
        while is_item and self.keys and self.keys[-1][0] > indent:
            self.keys.pop()
        key = _KEY.match(line, at)
        if key is not None:
            while self.keys and self.keys[-1][0] >= at:
                self.keys.pop()
            group = "quoted" if key["quoted"] else "plain"
            key_start, key_end = stripped(self.text, start + key.start(group), start + key.end(group))
            key_start, key_end = unquoted(self.text, key_start, key_end)
            role = self._role()
            yield Region(key_start, key_end, role if role in (Role.NAME, Role.PATH) else Role.VALUE)
            self.keys.append((at, self.text[key_start:key_end]))
            at = key.end()
        yield from self._value(start + at, end, indent if key is None else self.keys[-1][0])

    def _value(self, start: int, end: int, indent: int) -> Iterator[Region]:
        start, end = stripped(self.text, start, end)
        tag = _TAG.match(self.text, start, end)
        while tag is not None and tag.end() > start:
            name = _TAG_NAME.match(tag["tag"] or "")
            if name is not None:
                offset = tag.start("tag")
                yield Region(
                    offset + name.start("name"), offset + name.end("name"), Role.NAME, "a Python tag"
                )
            start = tag.end()
            tag = _TAG.match(self.text, start, end)
        if start >= end:
            return
        if _BLOCK.match(self.text[start:end]):
            self.block = indent
        elif self.text[start] in "[{":
            yield from self._flow(start)
        else:
            yield from self._scalar(start, end)

    def _scalar(self, start: int, end: int, *, in_block: bool = False) -> Iterator[Region]:
        text, role = self.text, self._role()
        if text[start : start + 1] in ("'", '"') and not in_block:
            closing = text.rfind(text[start], start + 1, end)
            start, end = start + 1, closing if closing > start else end
        elif in_block and role is Role.COMMAND and text[start : start + 1] == "#":
            return
        else:
            comment = _COMMENT.search(text, start, end)
            if comment and (not in_block or role is Role.COMMAND):
                start, end = stripped(text, start, comment.start())
        where = ".".join(k for _, k in self.keys[-3:])
        yield Region(start, end, role, where)

    def _flow(self, start: int) -> Iterator[Region]:
        """A flow collection, up to its closing bracket or the end of the text, over lines."""
        text, depth, stop = self.text, 0, len(self.text)
        role, where = self._role(), ".".join(k for _, k in self.keys[-3:])
        spans: list[tuple[int, int, str]] = []
        pending = ""
        for item in _FLOW_ITEM.finditer(text, start):
            word = item.group()
            if item["mark"]:
                depth += (word in "[{") - (word in "]}")
                if word in ",}":
                    pending = ""
                if depth == 0:
                    stop = item.end()
                    break
                continue
            first, last = unquoted(text, *stripped(text, item.start(), item.end()))
            if item["plain"]:
                name, colon, rest = word.partition(": ")
                if colon:
                    pending = name
                    first, last = unquoted(text, *stripped(text, item.end() - len(rest), item.end()))
                elif word.rstrip().endswith(":"):
                    pending = word.rstrip()[:-1]
                    continue
            spans.append((first, last, pending))
        self.flow_end = stop
        # A template's braces (`{{ x }}/y`) are no flow collection: the line goes on after them.
        line_end = text.find("\n", stop)
        after = stripped(text, stop, len(text) if line_end < 0 else line_end)
        if not text.startswith("#", after[0]):
            yield Region(*after, Role.VALUE, where, Certainty.LIKELY)
        if role is Role.COMMAND and not any(p for _, _, p in spans):
            # Exec form: the words of one command line.
            yield Region(start + 1, stop - 1, Role.COMMAND, where)
            return
        for first, last, name in spans:
            keys = (*(k for _, k in self.keys), name) if name else tuple(k for _, k in self.keys)
            yield Region(first, last, self._role_of(keys), where)

    def _role(self) -> Role:
        return self._role_of(tuple(k for _, k in self.keys))

    def _role_of(self, keys: tuple[str, ...]) -> Role:
        # `on: push: paths:` and `env: X: a.b` are read by their innermost known key.
        role = role_of_keys(keys[-4:])
        if role is Role.PROSE and normal_key(keys[-1]) == "name":
            return Role.PROSE
        return Role.PATH if role is Role.VALUE and self.lists_paths else role
