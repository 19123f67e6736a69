"""YAML that people wrote, read without trust: plain data, bounded, with the line of every value.

Only what configuration needs is accepted: one document, mappings with text keys, lists and scalars.
Aliases (the means of "billion laughs" bombs), tags, merge keys and duplicate keys are refused. Scalars follow
the YAML 1.2 core schema: `yes` and `on` are text, not booleans.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import yaml

from analyzers.errors import InputError

T = TypeVar("T")

#: Where a value stands: keys and list positions from the top.
Place = tuple[str | int, ...]

MAX_BYTES = 1 << 20
MAX_DEPTH = 40
MAX_NODES = 100_000

#: What msgspec calls the kinds of values, in the words of a person who writes YAML.
_KINDS = {
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "str": "text",
    "array": "a list",
    "object": "a mapping",
}

_INTEGER = re.compile(r"[-+]?[0-9]{1,18}")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]{1,3})?")
_CONSTANTS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}


@dataclass(frozen=True)
class YamlDocument:
    """The plain `value` of a document, and the 1-based line of every value (of its key, in a mapping)."""

    name: str
    value: Any
    lines: Mapping[Place, int] = field(default_factory=dict)

    def line_of(self, place: Place) -> int:
        """The line of `place`, or of the nearest value around it that has one; 0 for an empty document."""
        while place and place not in self.lines:
            place = place[:-1]
        return self.lines.get(place, 0)


def read_yaml(path: Path, name: str = "") -> YamlDocument:
    """The document in the file `path`; `name` is what messages call it.

    Raises:
        InputError: unreadable, too large, not UTF-8, not YAML, or using a feature that is refused.
    """
    name = name or path.name
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise InputError(name, 0, f"cannot be read: {error.strerror or error}", "check the file") from error
    return parse_yaml(content, name)


def parse_yaml(
    content: bytes, name: str, *, max_bytes: int = MAX_BYTES, max_nodes: int = MAX_NODES
) -> YamlDocument:
    """The document that `content` holds; None for an empty one. Raises InputError as `read_yaml`."""
    if len(content) > max_bytes:
        raise InputError(name, 0, f"is larger than {max_bytes >> 20} MiB", "is it the right file?")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise InputError(name, line, "is not UTF-8", "save the file as UTF-8") from error
    try:
        return _Builder(name, max_nodes).build(text)
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise InputError(name, line, "holds a character that YAML forbids", "remove it") from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problem = error.problem or error.context or "cannot be parsed"
        raise InputError(
            name, mark.line + 1 if mark else 0, f"is no YAML: {problem}", "mend the line"
        ) from error
    except yaml.YAMLError as error:
        raise InputError(name, 0, f"is no YAML: {error}", "mend the file") from error


def convert_yaml(document: YamlDocument, kind: type[T]) -> T:
    """The document as a msgspec struct of type `kind`; keys without a value keep their default.

    Raises:
        InputError: an unknown key (with the nearest valid one) or a value of a wrong type, with its line.
    """
    value = {} if document.value is None else _without_nulls(document.value)
    if not isinstance(value, dict):
        raise InputError(document.name, document.line_of(()), "holds no mapping", "write `key: value` lines")
    _check_keys(document, value, kind, ())
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        message, _, where = str(error).rpartition(" - at `")
        place = _place_of(where.rstrip("`"))
        shown = ".".join(str(part) for part in place) or "the document"
        problem = f"{shown}: {_in_words(message or str(error))}"
        raise InputError(document.name, document.line_of(place), problem, "correct the value") from error


class _Builder:
    """Builds plain values from parser events, without recursion, so that depth is ours to limit."""

    def __init__(self, name: str, max_nodes: int) -> None:
        self.name = name
        self.max_nodes = max_nodes
        self.lines: dict[Place, int] = {}
        self.nodes = 0
        # Open containers: (value, place, pending key or None, line of the pending key).
        self.stack: list[tuple[Any, Place]] = []
        self.keys: list[str | None] = []
        self.key_line = 0
        self.top: Any = None
        self.documents = 0

    def build(self, text: str) -> YamlDocument:
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        for event in yaml.parse(text, Loader=loader):
            self._take(event)
        return YamlDocument(self.name, self.top, self.lines)

    def _take(self, event: Any) -> None:
        line = event.start_mark.line + 1
        if isinstance(event, yaml.DocumentStartEvent):
            self.documents += 1
            if self.documents > 1:
                self._refuse(line, "holds a second document", "keep one")
        elif isinstance(event, yaml.AliasEvent):
            self._refuse(line, f"uses the alias *{event.anchor}", "write the value out")
        elif isinstance(event, (yaml.ScalarEvent, yaml.CollectionStartEvent)):
            if event.tag not in (None, "!"):
                self._refuse(line, f"uses the tag {event.tag}", "write the plain value")
            self._node(event, line)
        elif isinstance(event, yaml.CollectionEndEvent):
            self.stack.pop()
            self.keys.pop()

    def _node(self, event: Any, line: int) -> None:
        self.nodes += 1
        if self.nodes > self.max_nodes:
            self._refuse(line, f"holds more than {self.max_nodes} values", "is it the right file?")
        if self.stack and isinstance(self.stack[-1][0], dict) and self.keys[-1] is None:
            self._key(event, line)
            return
        value: Any
        if isinstance(event, yaml.ScalarEvent):
            value = event.value if event.style else _scalar(event.value)
        else:
            value = {} if isinstance(event, yaml.MappingStartEvent) else []
        place = self._attach(value, line)
        if not isinstance(event, yaml.ScalarEvent):
            self.stack.append((value, place))
            self.keys.append(None)
            if len(self.stack) > MAX_DEPTH:
                self._refuse(line, f"is nested deeper than {MAX_DEPTH} levels", "flatten it")

    def _key(self, event: Any, line: int) -> None:
        if not isinstance(event, yaml.ScalarEvent):
            self._refuse(line, "has a key that is no text", "write a plain key")
        holder, place = self.stack[-1]
        key = event.value
        if key in holder:
            earlier: Place = (*place, key)
            first = self.lines[earlier]
            self._refuse(line, f"repeats the key `{_short(key)}` of line {first}", "keep one")
        self.keys[-1] = key
        self.key_line = line

    def _attach(self, value: Any, line: int) -> Place:
        if not self.stack:
            self.top = value
            self.lines[()] = line
            return ()
        holder, place = self.stack[-1]
        if isinstance(holder, dict):
            key = self.keys[-1]
            assert key is not None
            holder[key] = value
            self.keys[-1] = None
            here: Place = (*place, key)
            self.lines[here] = self.key_line
        else:
            holder.append(value)
            here = (*place, len(holder) - 1)
            self.lines[here] = line
        return here

    def _refuse(self, line: int, problem: str, mend: str) -> None:
        raise InputError(self.name, line, problem, mend)


def _scalar(text: str) -> Any:
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    if len(text) < 64 and _FLOAT.fullmatch(text):
        return float(text)
    return text


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nulls(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_without_nulls(item) for item in value]
    return value


def _check_keys(document: YamlDocument, value: Any, kind: Any, place: Place) -> None:
    if not isinstance(value, dict):
        return
    fields = {item.encode_name: item.type for item in msgspec.structs.fields(kind)}
    for key, item in value.items():
        if key not in fields:
            raise InputError(
                document.name,
                document.line_of((*place, key)),
                f"unknown key `{_short(key)}`" + (f" in `{'.'.join(map(str, place))}`" if place else ""),
                _nearest(key, fields),
            )
        if isinstance(fields[key], type) and issubclass(fields[key], msgspec.Struct):
            _check_keys(document, item, fields[key], (*place, key))


def _nearest(key: str, valid: Mapping[str, Any]) -> str:
    import difflib

    close = difflib.get_close_matches(key[:80], valid, n=1, cutoff=0.5)
    return f"did you mean `{close[0]}`?" if close else f"valid keys: {', '.join(sorted(valid))}"


def _in_words(message: str) -> str:
    choice = re.search(r"matching regex '\^\(([\w|]+)\)\$'", message)
    if choice:
        return "expected one of " + ", ".join(choice.group(1).split("|"))
    for kind, words in _KINDS.items():
        message = message.replace(f"`{kind}`", words)
    return message[:1].lower() + message[1:]


def _place_of(path: str) -> Place:
    """`$.layers.order[2]` as ("layers", "order", 2); stops where msgspec says `[...]` (any key)."""
    place: list[str | int] = []
    for name, index in re.findall(r"\.([A-Za-z_][A-Za-z0-9_]*)|\[([^\]]*)\]", path):
        if name:
            place.append(name)
        elif index.isdigit():
            place.append(int(index))
        else:
            break
    return tuple(place)


def _short(text: str) -> str:
    return text if len(text) <= 60 else text[:60] + "…"
