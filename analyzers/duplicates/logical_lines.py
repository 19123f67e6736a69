"""Splits Python text into logical lines of tokens, without a parser, so that broken files can be read, too.

A logical line is one statement as the tokenizer of Python sees it: brackets, backslashes and triple quotes
join physical lines; comments and blank lines vanish. The lexer is memoised per distinct physical line, which
is what makes it several times faster than `tokenize` on a real code base (most lines occur more than once).
"""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass

# A triple-quoted string that ends on its line, one that does not, a plain string (an unterminated one takes
# the rest of the line), a name or number, an operator, a comment, a backslash at the end of the line.
_PREFIX = r"(?:[rRbBuUfFtT]{1,2})?"
_TOKENS = re.compile(
    _PREFIX + r'"""(?:[^"\\]|\\.|"(?!""))*"""|' + _PREFIX + r"'''(?:[^'\\]|\\.|'(?!''))*'''|"
    + _PREFIX + r'"""(?s:.*)|' + _PREFIX + r"'''(?s:.*)|"
    + _PREFIX + r'"(?:[^"\\\n]|\\.)*(?:"|\\?$)|' + _PREFIX + r"'(?:[^'\\\n]|\\.)*(?:'|\\?$)|"
    r"\d(?:[eE][+-]|[\w.])*|\.\d(?:[eE][+-]|\w)*|\w+|\#.*|"
    r"\*\*=?|//=?|>>=?|<<=?|->|:=|\.\.\.|[-+*/%@&|^<>=!]=|[^\s\\]|\\$"
)  # fmt: skip
_CLOSE = {
    '"""': re.compile(r'(?:[^"\\]|\\.|"(?!"")|\\$)*"""'),
    "'''": re.compile(r"(?:[^'\\]|\\.|'(?!'')|\\$)*'''"),
    '"': re.compile(r'(?:[^"\\]|\\.)*"'),
    "'": re.compile(r"(?:[^'\\]|\\.)*'"),
}
_CONTINUED = re.compile(r"(?:[^\\]|\\.)*\\$")
_BREAKS = re.compile(r"\r\n|\r|\n")
_MEMO_LIMIT = 300_000
_MEMO_LINE_CHARS = 400


@dataclass(frozen=True, slots=True)
class PhysicalLine:
    """What one physical line contributes when it starts outside of a string.

    `indent` in columns (a tab reaches the next multiple of eight), `depth` is the change of bracket depth,
    `joins` says that a backslash ends the line, `opens` is the quote of a string left open, or empty.
    """

    indent: int
    tokens: tuple[str, ...]
    depth: int
    joins: bool
    opens: str


@dataclass(frozen=True, slots=True)
class LogicalLine:
    """One statement: 1-based first and last row, rows that hold code, indentation and tokens.

    `physical` is set when the statement is exactly one physical line; it is then shared between all equal
    lines, so that callers can use it as a key.
    """

    row: int
    end_row: int
    code_rows: int
    indent: int
    tokens: tuple[str, ...]


def decode_source(data: bytes) -> str:
    """Returns the text of a source file; never fails: bytes that do not fit the encoding become U+FFFD."""
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
    except (SyntaxError, LookupError, UnicodeDecodeError):
        encoding = "utf-8"
    text = data.decode(encoding, errors="replace")
    return text[1:] if text.startswith("\ufeff") else text


def split_rows(text: str) -> list[str]:
    """Returns the physical lines, without their ends, counted as Python counts them (form feeds do not end
    one).
    """
    return _BREAKS.split(text) if "\r" in text else text.split("\n")


class Lexer:
    """Reads logical lines; keeps a bounded memo of physical lines between files."""

    def __init__(self) -> None:
        self._memo: dict[str, PhysicalLine] = {}

    def physical(self, line: str) -> PhysicalLine:
        """Returns the tokens of one physical line that starts outside of a string."""
        found = self._memo.get(line)
        if found is None:
            found = _lex(line)
            if len(line) <= _MEMO_LINE_CHARS:
                if len(self._memo) >= _MEMO_LIMIT:
                    self._memo.clear()
                self._memo[line] = found
        return found

    def logical_lines(self, rows: list[str], first: int = 1) -> Iterator[LogicalLine]:
        """Yields the logical lines of physical `rows`, the first of which is row number `first`.

        Text that ends inside brackets or a string yields what was read so far: nothing is lost, nothing
        raised. A closing bracket too many does not count. A line that begins a definition at the margin ends
        an open bracket, so that one missing bracket does not swallow the rest of a file.
        """
        memo = self._memo
        tokens: list[str] = []
        parts: list[str] = []
        depth = start = indent = code_rows = last = 0
        quote = ""
        for row, line in enumerate(rows, first):
            if quote:
                close = _CLOSE[quote].match(line)
                code_rows += 1
                last = row
                if close is None and (len(quote) == 3 or _CONTINUED.match(line)):
                    parts.append(line)
                    continue
                end = close.end() if close else len(line)  # a plain string does not outlive its line
                parts.append(line[:end])
                tokens.append("\n".join(parts))
                quote = ""
                facts = _lex(line[end:])
            else:
                found = memo.get(line)
                facts = found if found is not None else self.physical(line)
                if depth and not facts.indent and _starts_definition(facts.tokens):
                    yield LogicalLine(start, last, code_rows, indent, tuple(tokens))
                    tokens, depth = [], 0
                if not facts.tokens and not facts.joins:
                    if tokens and not depth:  # a blank line ends a backslash continuation
                        yield LogicalLine(start, last, code_rows, indent, tuple(tokens))
                        tokens = []
                    continue
                if not tokens:
                    if not facts.depth and not facts.joins and not facts.opens:
                        yield LogicalLine(row, row, 1, facts.indent, facts.tokens)
                        continue
                    start, indent, code_rows = row, facts.indent, 0
                code_rows += 1
                last = row
            if facts.opens:
                tokens.extend(facts.tokens[:-1])
                parts = [facts.tokens[-1]]
                quote = facts.opens
            else:
                tokens.extend(facts.tokens)
            depth = max(0, depth + facts.depth)
            if not depth and not facts.joins and not quote:
                if tokens:
                    yield LogicalLine(start, last, code_rows, indent, tuple(tokens))
                tokens = []
        if quote:
            tokens.append("\n".join(parts))
        if tokens:
            yield LogicalLine(start, last, code_rows, indent, tuple(tokens))


def _lex(line: str) -> PhysicalLine:
    found: list[str] = _TOKENS.findall(line)
    joins = False
    opens = ""
    if found:
        if found[-1][0] == "#":
            found.pop()
        elif found[-1] == "\\":
            found.pop()
            joins = True
    if found:
        text = found[-1].lstrip("rRbBuUfFtT")
        if text[:3] in _CLOSE and (len(text) < 6 or _CLOSE[text[:3]].fullmatch(text, 3) is None):
            opens = text[:3]
        elif text[:1] in _CLOSE and _CONTINUED.match(text):
            opens = text[0]
    depth = 0
    for token in found:
        if token in "([{":
            depth += 1
        elif token in ")]}":
            depth -= 1
    stripped = line.lstrip(" \t\f")
    indent = len(line) - len(stripped)
    if indent and "\t" in line[:indent]:
        indent = len(line[:indent].expandtabs(8))
    return PhysicalLine(indent, tuple(found), depth, joins, opens)


def _starts_definition(tokens: tuple[str, ...]) -> bool:
    return bool(tokens) and (tokens[0] in ("def", "class", "@") or tokens[:2] == ("async", "def"))
