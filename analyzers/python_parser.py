"""Python's own parser, with what is wrong with a text as a value; large texts part by part.

A tree needs 85 times (a table of strings) to 480 times (a list of numbers) the memory of its text.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from analyzers.newer_syntax import needs_newer_python, without_lazy

#: Texts of more characters are better parsed in parts, where a reader needs no whole tree.
WHOLE_CHARACTERS = 500_000

#: Parts have at least this many characters.
PART_CHARACTERS = 250_000

TOO_DEEP = "is nested too deeply to be parsed"

#: `(tree, places of lazy imports, error, error line)`; the tree is None with an error.
ParsedPart = tuple["ast.Module | None", frozenset[tuple[int, int]], str, int]

#: A line that can begin a statement of the module: no comment, nothing that goes on with the statement above.
_BEGINNING = re.compile(r"^(?!(?:else|elif|except|finally|case)\b)[^\s#)\]}]", re.MULTILINE)


def parse(text: str) -> ParsedPart:
    """`(tree, places of lazy imports, error, error line)` of a text; the tree is None with an error.

    The places are (line, column) of `lazy import` statements (Python 3.15) that an older Python was made to
    read by moving the keyword out of the way; all places in the tree are those of the text as it is.
    """
    nothing: frozenset[tuple[int, int]] = frozenset()
    at = text.find("\0")
    if at >= 0:
        # Said by us, because Python's own answer changed between its versions and has no line.
        return None, nothing, "contains a null byte", newlines(text[:at]).count("\n") + 1
    try:
        return _compile(text), nothing, "", 0
    except SyntaxError as error:
        plain, places = without_lazy(text) if "lazy" in text else (text, nothing)
        if places:
            try:
                return _compile(plain), places, "", 0
            except (SyntaxError, ValueError, RecursionError, MemoryError):
                # Something else is wrong, too: what Python says of the text as it is, is said below.
                pass
        newer = needs_newer_python(plain, _compile)
        problem = f"needs a newer Python: {newer}" if newer else f"syntax error: {error.msg}"
        return None, nothing, problem, error.lineno or 0
    except ValueError as error:
        return None, nothing, f"cannot be parsed: {error}", 0
    except (RecursionError, MemoryError):
        return None, nothing, TOO_DEEP, 0


def _compile(text: str) -> ast.Module:
    tree = compile(text, "<source>", "exec", ast.PyCF_ONLY_AST, dont_inherit=True)
    assert isinstance(tree, ast.Module)
    return tree


def parse_in_parts(text: str, least: int = PART_CHARACTERS) -> Iterator[ParsedPart]:
    """The statements of a text, in order, in trees whose line numbers are those of the text.

    A part ends before a line that can begin a statement, and counts when it parses alone: inside of brackets,
    strings, decorated definitions and unfinished `try` statements it does not, and grows until it does.

    Args:
        text: with `\\n` at all line ends.
        least: parts have at least this many characters.

    The last part has the error of a text that cannot be parsed.
    """
    start, line = 0, 0
    while start < len(text):
        end, more = start + least, max(least // 64, 1)
        while True:
            end = _beginning_behind(text, end)
            part = parse("\n" * line + text[start:end])
            if part[0] is not None or end == len(text):
                break
            # One statement may be as long as the text: few tries, and the last of them the largest.
            end, more = end + more, 2 * more
        yield part
        if part[0] is None:
            return
        line += text.count("\n", start, end)
        start = end


def _beginning_behind(text: str, position: int) -> int:
    """Where the first line behind `position` starts that can begin a statement; else the end of the text."""
    for found in _BEGINNING.finditer(text, position):
        start = found.start()
        # `^` also matches where the search begins, inside of a line.
        if start and text[start - 1] == "\n" and text[start - 2 : start] != "\\\n":
            return start
    return len(text)


def newlines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text
