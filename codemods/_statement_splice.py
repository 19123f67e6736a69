"""The text of a file after a plan: import statements edited one by one, everything else copied as it is.

LibCST edits each statement on its own. The whole tree is not printed, since LibCST drops form feeds and a
final lone carriage return (the notes on LibCST, correctness 23); so bytes outside the edits cannot change.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence

import libcst as cst

from analyzers.file_plan import FilePlan
from analyzers.import_changes import ImportChange, NewImport
from codemods._import_statements import LINE_LENGTH, edit_statement, plain_groups

#: Comments that tools read: a statement split off from a line needs them as much as what stays there.
_PRAGMA = re.compile(
    r"#\s*(noqa|type:\s*ignore|pylint:|isort:|pragma:|pyright:|mypy:|ruff:|fmt:|flake8:|nosec)"
)
_LAST_LINE = re.compile(r"([^\r\n]*)\Z")
_REST_OF_LINE = re.compile(r"([ \t\f]*)(#[^\r\n]*)?(?=\r|\n|\Z)")
_LINE_END = re.compile(r"\r\n|\r|\n")
_COMMENT = re.compile(r"#[^\r\n]*")
_BLANK = " \t\f"


def rewritten_text(plan: FilePlan) -> str:
    """The decoded text of the planned file after all its changes."""
    text = plan.source.text
    lines = _LineEnds(text, plan.source.newline)
    pieces = [_Statement(text, change, lines).piece() for change in plan.import_changes]
    pieces += [(edit.start, edit.end, edit.text) for edit in plan.edits]
    pieces.sort()
    parts: list[str] = []
    position = 0
    for start, end, new in pieces:
        assert start >= position, "edits of one file overlap"
        parts += (text[position:start], new)
        position = end
    parts.append(text[position:])
    return "".join(parts)


def rewritten_bytes(plan: FilePlan) -> bytes:
    """The bytes of the planned file after all its changes.

    Raises:
        UnicodeEncodeError: the file's encoding cannot express a new name.
    """
    return plan.source.encode(rewritten_text(plan))


class _LineEnds:
    """Where the lines of a text end, found once: one line may hold thousands of statements."""

    def __init__(self, text: str, newline: str) -> None:
        self.text = text
        self.newline = newline
        self.starts: list[int] = []
        self.ends: list[int] = []
        for match in _LINE_END.finditer(text):
            self.starts.append(match.start())
            self.ends.append(match.end())

    def line_start(self, position: int) -> int:
        """The first character of the line of `position`."""
        number = bisect_right(self.ends, position)
        return self.ends[number - 1] if number else 0

    def is_continued(self, line_start: int) -> bool:
        """Whether the line before ends with a backslash."""
        number = bisect_right(self.ends, line_start)
        return number > 0 and self.text[max(self.starts[number - 1] - 1, 0)] == "\\"

    def of(self, start: int, end: int) -> str:
        """The line end behind `end`, else the one before the line of `start`, else the file's."""
        following = bisect_left(self.starts, end)
        if following < len(self.starts):
            return self.text[self.starts[following] : self.ends[following]]
        preceding = bisect_right(self.ends, start)
        if not preceding:
            return self.newline
        return self.text[self.starts[preceding - 1] : self.ends[preceding - 1]]


class _Statement:
    """One import statement in its surroundings."""

    def __init__(self, text: str, change: ImportChange, lines: _LineEnds) -> None:
        self.text = text
        self.change = change
        line_start = lines.line_start(change.start)
        self.head = text[line_start : change.start]
        self.line_start = line_start
        rest = _REST_OF_LINE.match(text, change.end)
        is_continued = lines.is_continued(line_start) and not self.head.strip(_BLANK)
        self.stands_alone = rest is not None and not self.head.strip(_BLANK) and not is_continued
        self.tail = rest[0] if rest is not None else ""
        self.comment = rest[2] or "" if rest is not None else ""
        self.newline = lines.of(change.start, change.end)

    def piece(self) -> tuple[int, int, str]:
        """(start, end, new text) of what is replaced."""
        change = self.change
        snippet = self.text[change.start : change.end]
        statements = new_statements(snippet, change.old, change.imports, self.newline)
        if not self.stands_alone:
            return change.start, change.end, "; ".join(statements) or "pass"
        if not statements:
            return self._removal(snippet)
        indent = self.head
        first, *more = [
            statements[0],
            *(s.replace(self.newline, self.newline + indent) for s in statements[1:]),
        ]
        tail = f"  {self.comment}" if _PRAGMA.match(self.comment) else ""
        lines = [first + self.tail, *(indent.lstrip("\f") + s + tail for s in more)]
        return change.start, change.end + len(self.tail), self.newline.join(lines)

    def _removal(self, snippet: str) -> tuple[int, int, str]:
        change = self.change
        comments = _COMMENT.findall(snippet)
        if self.comment:
            comments.append(self.comment)
        if change.empties_block:
            comments = ["pass" + (f"  {comments[0]}" if comments else ""), *comments[1:]]
        end = change.end + len(self.tail)
        if comments:
            return change.start, end, (self.newline + self.head).join(comments)
        line_end = _LINE_END.match(self.text, end)
        return self.line_start, line_end.end() if line_end is not None else end, ""


def new_statements(
    snippet: str, old: Sequence[NewImport], imports: Sequence[NewImport], newline: str
) -> list[str]:
    """The statements that stand in the place of one import statement.

    Args:
        snippet: the statement as it is written.
        old: its aliases.
        imports: the aliases afterwards; empty: nothing stays.
        newline: the line end of the surroundings.
    """
    if not imports:
        return []
    lazy = "lazy " if snippet.startswith("lazy") else ""
    if _canonical(lazy, old) == snippet:
        fast = [_canonical(lazy, group) for group in _groups(old, imports)]
        if all(len(text) <= LINE_LENGTH or "," not in text for text in fast) or len(fast) == 1:
            return fast
    module = cst.parse_module(snippet)
    line = module.body[0]
    assert isinstance(line, cst.SimpleStatementLine)
    # LibCST leaves out line ends that are like the first one of what it parsed: that is this statement's own.
    is_long = _LINE_END.search(snippet) is not None
    printer = cst.Module(body=[], default_newline=module.default_newline if is_long else newline)
    edited = edit_statement(line.body[0], imports)  # type: ignore[arg-type]
    return [printer.code_for_node(statement) for statement in edited]


def _groups(old: Sequence[NewImport], imports: Sequence[NewImport]) -> list[list[NewImport]]:
    """The aliases by statement; the statement that the old one becomes is first."""
    old_base = old[0].base
    groups: dict[str | None, list[NewImport]] = {}
    for new in imports:
        groups.setdefault(new.base, []).append(new)
    order = list(groups)
    if old_base in groups:
        first = old_base
    else:
        first = next((base for base in order if base is not None), None) if old_base is not None else None
    order.sort(key=lambda base: (base != first, base is None))
    plain = plain_groups([new.name for new in old if new.base is None], groups.pop(None, []))
    return [group for base in order for group in ([groups[base]] if base is not None else plain)]


def _canonical(lazy: str, imports: Sequence[NewImport]) -> str:
    names = ", ".join(f"{n.name} as {n.asname}" if n.asname else n.name for n in imports)
    base = imports[0].base
    return f"{lazy}import {names}" if base is None else f"{lazy}from {base} import {names}"
