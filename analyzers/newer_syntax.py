"""Syntax that a newer Python understands than the one that runs us: read around it, or at least name it.

`lazy import` statements are read (their keyword is moved out of the way). For the other forms the file is
rewritten into what older versions know, in memory and only to see whether it then parses: if so, it is the
Python that is too old and not the file that is wrong.

Source: PEP 810 (lazy imports, 3.15), 758 (except without parentheses, 3.14), 750 (template strings, 3.14),
701 (f-strings, 3.12), 695 (type parameters, 3.12), 654 (except*, 3.11).
"""

from __future__ import annotations

import re
from collections.abc import Callable

_LAZY = re.compile(r"(?:^|(?<=[;:\r\n]))([ \t\f]*)(lazy[ \t\f]+)(from|import)\b", re.MULTILINE)
_LINE_END = re.compile(r"\r\n|\n|\r")

F_STRING = "f-string syntax of Python 3.12 (PEP 701)"
TEMPLATE = "template strings of Python 3.14 (PEP 750)"
TYPE_PARAMETERS = "type parameters of Python 3.12 (PEP 695)"
EXCEPT_STAR = "except* of Python 3.11 (PEP 654)"
EXCEPT_BARE = "except without parentheses of Python 3.14 (PEP 758)"

_STRING_START = re.compile(r"(?<![\w.])([A-Za-z]{0,2})('''|\"\"\"|'|\")")
_INTERESTING = re.compile(
    r"#[^\r\n]*"
    r"|(?<!\w)(?P<prefix>[A-Za-z]{0,2})(?P<quote>'''|\"\"\"|'|\")"
    r"|\b(?P<keyword>def|class|type)[ \t\f]+(?P<name>[^\W\d]\w*)[ \t\f]*(?P<after>\[|=(?!=))?"
    r"|\bexcept[ \t\f]*\*"
    r"|\bexcept[ \t\f]+(?P<types>[^\W\d][\w.]*(?:[ \t\f]*,[ \t\f]*[^\W\d][\w.]*)+)[ \t\f]*:"
)
_OPENING, _CLOSING = "([{", ")]}"


def without_lazy(text: str) -> tuple[str, frozenset[tuple[int, int]]]:
    """The text with `lazy import x` turned into `import      x`, and where these statements begin.

    All lengths stay the same, so places in the new text are places in the old one: (1-based line, 0-based
    column in UTF-8 bytes). Matches inside strings are turned, too; their places belong to no statement.
    """
    places = []
    line, seen, line_start = 1, 0, 0
    for match in _LAZY.finditer(text):
        for end in _LINE_END.finditer(text, seen, match.start(2)):
            line, line_start = line + 1, end.end()
        seen = match.start(2)
        places.append((line, len(text[line_start : match.start(2)].encode("utf-8", "surrogatepass"))))
    turned = _LAZY.sub(lambda m: m[1] + m[3] + " " * len(m[2]), text)
    return turned, frozenset(places)


def needs_newer_python(text: str, error: SyntaxError, compile_text: Callable[[str], object]) -> str:
    """The newer syntax for which this Python refuses a text, or empty when the text is plainly wrong.

    Args:
        text: the decoded file.
        error: what this Python said about it.
        compile_text: parses a text, raises SyntaxError.

    Returns:
        The features, joined by commas, when the text parses once they are replaced; else empty.
    """
    try:
        lowered, features = _lower(text, compile_text)
        if not features:
            return ""
        compile_text(lowered)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ""
    return ", ".join(sorted(features))


def _lower(text: str, compile_text: Callable[[str], object]) -> tuple[str, set[str]]:
    """The text with newer forms replaced by older ones on the same lines, and what was replaced."""
    out: list[str] = []
    features: set[str] = set()
    copied = position = 0
    while match := _INTERESTING.search(text, position):
        position = match.end()
        if match["quote"]:
            prefix = match["prefix"].lower()
            formatted = "f" in prefix or "t" in prefix
            end = _end_of_string(text, match, formatted)
            literal = text[match.start() : end]
            if formatted and not _compiles(literal, compile_text):
                features.add(TEMPLATE if "t" in prefix else F_STRING)
                out += (text[copied : match.start()], '"""', "\n" * len(_LINE_END.findall(literal)), '"""')
                copied = end
            position = end
        elif match["keyword"]:
            position = _lower_type_parameters(text, match, out, copied, features)
            copied = max(copied, position if position != match.end() else copied)
        elif match["types"]:
            features.add(EXCEPT_BARE)
            out += (text[copied : match.start("types")], "(", match["types"], ")")
            copied = match.end("types")
        elif match[0].startswith("except") and not _compiles("try: pass\nexcept* A: pass", compile_text):
            features.add(EXCEPT_STAR)
            out += (text[copied : match.end() - 1], " ")
            copied = match.end()
    out.append(text[copied:])
    return "".join(out), features


def _lower_type_parameters(
    text: str, match: re.Match[str], out: list[str], copied: int, features: set[str]
) -> int:
    """Drops `[...]` behind `def name` and `class name`, and turns `type X = ...` into `X = ...`.

    Returns the position up to which the text is copied, or the end of the match when nothing was dropped.
    """
    is_alias = match["keyword"] == "type"
    if not match["after"] or (not is_alias and match["after"] != "["):
        return match.end()
    end = match.end()
    if match["after"] == "[":
        end = _end_of_bracket(text, match.end())
        if is_alias and not re.compile(r"[ \t\f]*=(?!=)").match(text, end):
            return match.end()
    features.add(TYPE_PARAMETERS)
    start = match.start() if is_alias else match.start("name")
    lines = "\\\n" * len(_LINE_END.findall(text[match.start() : end]))
    out += (text[copied:start], match["name"], lines, " =" if match["after"].startswith("=") else " ")
    return end


def _compiles(text: str, compile_text: Callable[[str], object]) -> bool:
    try:
        compile_text(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def _end_of_string(text: str, start: re.Match[str], formatted: bool) -> int:
    """Where the literal ends that begins at the match; with replacement fields by the rules of PEP 701.

    Raises:
        SyntaxError: it has no end.
    """
    quote = start["quote"]
    position = start.end()
    while position < len(text):
        if text.startswith(quote, position):
            return position + len(quote)
        char = text[position]
        if char == "\\":
            # Also in raw literals a backslash keeps the quote from ending the string.
            position += 2
        elif char in "\r\n" and len(quote) == 1:
            break
        elif formatted and char == "{":
            if text.startswith("{{", position):
                position += 2
            else:
                position = _end_of_bracket(text, position + 1, quote)
        else:
            position += 1
    raise SyntaxError("unterminated string literal")


def _end_of_bracket(text: str, position: int, quote: str = "") -> int:
    """Behind the bracket that closes the one before `position`; strings inside may hold any bracket.

    `quote` is that of the f-string when it is a replacement field: behind its colon text stands that is no
    code, so that only braces and the end of the string count there.
    """
    depth = 1
    while position < len(text):
        char = text[position]
        string = _STRING_START.match(text, position)
        if string:
            formatted = any(letter in "fFtT" for letter in string[1])
            position = _end_of_string(text, _with_quote(text, position), formatted)
            continue
        if char == "#":
            comment = re.compile(r"[^\r\n]*").match(text, position)
            assert comment is not None
            position = comment.end()
            continue
        if char in _OPENING:
            depth += 1
        elif char in _CLOSING:
            depth -= 1
            if depth == 0:
                return position + 1
        elif char == ":" and depth == 1 and quote:
            return _end_of_format(text, position + 1, quote)
        position += 1
    raise SyntaxError("unclosed bracket")


def _end_of_format(text: str, position: int, quote: str) -> int:
    """Behind the brace that ends a replacement field whose format begins at `position`."""
    while position < len(text):
        char = text[position]
        if char == "}":
            return position + 1
        if char == "{":
            position = _end_of_bracket(text, position + 1, quote)
        elif text.startswith(quote, position):
            break
        else:
            position += 1
    raise SyntaxError("unclosed replacement field")


def _with_quote(text: str, position: int) -> re.Match[str]:
    match = _INTERESTING.match(text, position)
    if match is None or not match["quote"]:
        raise SyntaxError("unterminated string literal")
    return match
