"""Turns one file into a stream of statements: three 64-bit hashes per statement, its rows, and the
definitions.

Comments, docstrings and imports are not in the stream: they are no copies worth a finding. A file that does
not parse gives a stream all the same.
"""

from __future__ import annotations

import hashlib
import re
from array import array
from dataclasses import dataclass

import msgspec

from analyzers.duplicates.line_forms import LineForms, is_string
from analyzers.duplicates.logical_lines import Lexer, LogicalLine, decode_source, split_rows

MAX_FILE_BYTES = 16 * 1024 * 1024
MAX_STATEMENT_TOKENS = 4_000
_HEAD_BYTES = 2_000
_GENERATED = re.compile(
    rb"^#.*?(?:@generated|\bauto-?generated|\bgenerated (?:by|from|automatically)\b|\bdo not edit\b)",
    re.IGNORECASE | re.MULTILINE,
)
_FORMS_LIMIT = 400_000

IS_DATA = 1
"""Flag: a statement without names, a row of a table."""
IS_LONG = 2
"""Flag: a statement cut at MAX_STATEMENT_TOKENS (its hashes still cover the whole)."""


class DefinitionSpan(msgspec.Struct, frozen=True, array_like=True):
    """A function or class of a stream.

    `first` and `last` are indices of statements (both ends included; the `def` or `class` line is `first`),
    `row` and `end_row` the 1-based lines, `parent` the index of the enclosing definition or -1, `header` the
    tokens of the `def` or `class` statement, one space apart.
    """

    name: str
    is_class: bool
    first: int
    last: int
    row: int
    end_row: int
    parent: int
    header: str


class FileStream(msgspec.Struct, frozen=True, array_like=True):
    """The statements of one content; arrays are native-endian bytes, one item per statement.

    `raw`, `member`, `shape`: 64-bit hashes of the forms. `rows`, `end_rows`: 1-based lines. `code_rows`:
    lines with code. `tokens`: their number. `indents`: columns. `flags`: IS_DATA, IS_LONG. `normal_sha256` is
    equal for two files that differ only in comments, docstrings, formatting and the order of imports. `note`
    says what was cut or why the content was left out, or is empty. `is_generated`: its head says that a
    program wrote it.
    """

    sha256: str
    normal_sha256: str
    lines: int
    code_lines: int
    raw: bytes
    member: bytes
    shape: bytes
    rows: bytes
    end_rows: bytes
    code_rows: bytes
    tokens: bytes
    indents: bytes
    flags: bytes
    definitions: tuple[DefinitionSpan, ...]
    marks: tuple[tuple[int, str], ...]
    note: str = ""
    is_generated: bool = False


@dataclass(frozen=True, slots=True)
class _HashedForms:
    raw: int
    member: int
    shape: int
    tokens: int
    flags: int


def hash64(text: str) -> int:
    """Returns 64 bits of BLAKE2b of the text."""
    return int.from_bytes(
        hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little"
    )


class StreamBuilder:
    """Builds streams; keeps bounded memos of lines and statements between files."""

    def __init__(self, marker: str = "hocmig: not-a-duplicate") -> None:
        self._lexer = Lexer()
        self._forms: dict[tuple[str, ...], _HashedForms] = {}
        self._marker = marker

    def _hashed(self, tokens: tuple[str, ...]) -> _HashedForms:
        found = self._forms.get(tokens)
        if found is None:
            forms = LineForms(tokens[:MAX_STATEMENT_TOKENS])
            long = len(tokens) > MAX_STATEMENT_TOKENS
            raw = forms.raw if not long else " ".join(tokens)
            found = _HashedForms(
                hash64(raw),
                hash64("m" + (forms.member if not long else raw)),
                hash64("s" + (forms.shape if not long else raw)),
                min(forms.tokens, 65_535),
                (IS_DATA if forms.is_data else 0) | (IS_LONG if long else 0),
            )
            if forms.tokens <= 60:
                if len(self._forms) >= _FORMS_LIMIT:
                    self._forms.clear()
                self._forms[tokens] = found
        return found

    def build(self, data: bytes) -> FileStream:
        """Returns the stream of a file's bytes; never raises."""
        sha256 = hashlib.sha256(data).hexdigest()
        if len(data) > MAX_FILE_BYTES:
            note = f"larger than {MAX_FILE_BYTES} bytes: compared as a whole only"
            return _empty(sha256, data.count(b"\n"), note)
        if b"\0" in data:
            return _empty(sha256, data.count(b"\n"), "holds a NUL byte: compared as a whole only")
        rows = split_rows(decode_source(data))
        raw, member, shape = array("Q"), array("Q"), array("Q")
        starts, ends = array("I"), array("I")
        code_rows, tokens, indents, flags = array("H"), array("H"), array("H"), array("B")
        imports: list[str] = []
        normal = hashlib.sha256()
        outline = _Outline()
        long_lines = code_lines = 0
        levels = [0]
        for line in self._lexer.logical_lines(rows):
            first = line.tokens[0]
            code_lines += line.code_rows
            while line.indent < levels[-1]:
                levels.pop()
            if line.indent > levels[-1]:
                levels.append(line.indent)
            if first in ("import", "from"):
                imports.append(f"{len(levels)} " + " ".join(t for t in line.tokens if t not in "()"))
                continue
            if len(line.tokens) == 1 and is_string(first):
                outline.extend(line)
                continue
            if imports:
                normal.update("\n".join(_sorted_names(imports)).encode("utf-8", "surrogatepass"))
                imports.clear()
            found = self._hashed(line.tokens)
            normal.update(b"%d %d\n" % (len(levels), found.raw))
            outline.enter(line, len(raw))
            raw.append(found.raw)
            member.append(found.member)
            shape.append(found.shape)
            starts.append(line.row)
            ends.append(line.end_row)
            code_rows.append(min(line.code_rows, 65_535))
            tokens.append(found.tokens)
            indents.append(min(line.indent, 65_535))
            flags.append(found.flags)
            long_lines += found.flags & IS_LONG != 0
        if imports:
            normal.update("\n".join(_sorted_names(imports)).encode("utf-8", "surrogatepass"))
        note = (
            f"{long_lines} statement(s) of over {MAX_STATEMENT_TOKENS} tokens: compared for equality only"
            if long_lines
            else ""
        )
        return FileStream(
            sha256=sha256,
            normal_sha256=normal.hexdigest() if raw else "",
            lines=len(rows) - (not rows[-1]),
            code_lines=code_lines,
            raw=raw.tobytes(),
            member=member.tobytes(),
            shape=shape.tobytes(),
            rows=starts.tobytes(),
            end_rows=ends.tobytes(),
            code_rows=code_rows.tobytes(),
            tokens=tokens.tobytes(),
            indents=indents.tobytes(),
            flags=flags.tobytes(),
            definitions=outline.close(len(raw)),
            marks=self._marks(rows, data),
            note=note,
            is_generated=_GENERATED.search(data[:_HEAD_BYTES]) is not None,
        )

    def _marks(self, rows: list[str], data: bytes) -> tuple[tuple[int, str], ...]:
        """The rows of suppression comments, with what follows the marker."""
        if self._marker.encode() not in data:
            return ()
        out = []
        for n, row in enumerate(rows, 1):
            _, marker, rest = row.partition(self._marker)
            if marker and "#" in row[: row.index(self._marker)]:
                out.append((n, rest.strip()))
        return tuple(out)


class _Outline:
    """Finds definitions by indentation, in one pass."""

    def __init__(self) -> None:
        self._open: list[tuple[int, int]] = []  # (indent, index into _spans)
        self._spans: list[tuple[str, bool, int, int, int, str]] = []
        self._ends: list[tuple[int, int]] = []

    def enter(self, line: LogicalLine, index: int) -> None:
        self._leave(line.indent)
        words = line.tokens
        offset = 1 if words[0] == "async" and len(words) > 2 else 0
        if words[offset] in ("def", "class") and len(words) > offset + 1:
            parent = self._open[-1][1] if self._open else -1
            header = " ".join(words[:400])
            self._spans.append((words[offset + 1], words[offset] == "class", index, line.row, parent, header))
            self._ends.append((index, line.end_row))
            self._open.append((line.indent, len(self._spans) - 1))
        for _, span in self._open:
            self._ends[span] = (index, line.end_row)

    def extend(self, line: LogicalLine) -> None:
        """A docstring belongs to the definition around it, without being a statement."""
        self._leave(line.indent)
        for _, span in self._open:
            self._ends[span] = (self._ends[span][0], line.end_row)

    def _leave(self, indent: int) -> None:
        while self._open and indent <= self._open[-1][0]:
            self._open.pop()

    def close(self, count: int) -> tuple[DefinitionSpan, ...]:
        return tuple(
            DefinitionSpan(name, is_class, first, self._ends[n][0], row, self._ends[n][1], parent, header)
            for n, (name, is_class, first, row, parent, header) in enumerate(self._spans)
        )


def _sorted_names(imports: list[str]) -> list[str]:
    """Import statements in one order, the names of each in one order."""
    out = []
    for text in imports:
        head, keyword, names = text.partition(" import ")
        out.append(head + keyword + ",".join(sorted(n.strip() for n in names.split(","))).strip(","))
    return sorted(out)


def _empty(sha256: str, lines: int, note: str) -> FileStream:
    return FileStream(sha256, "", lines, 0, b"", b"", b"", b"", b"", b"", b"", b"", b"", (), (), note)
