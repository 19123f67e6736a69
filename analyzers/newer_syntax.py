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

F_STRING = "f-string syntax of Python 3.12 (PEP 701)"
TEMPLATE = "template strings of Python 3.14 (PEP 750)"
TYPE_PARAMETERS = "type parameters of Python 3.12 (PEP 695)"
EXCEPT_STAR = "except* of Python 3.11 (PEP 654)"
EXCEPT_BARE = "except without parentheses of Python 3.14 (PEP 758)"

#: Parses a text, raises SyntaxError.
Compile = Callable[[str], object]

_LAZY = re.compile(r"(?:^|(?<=[;:\r\n]))([ \t\f]*)(lazy[ \t\f]+)(from|import)\b", re.MULTILINE)
_LINE_END = re.compile(r"\r\n|\n|\r")
_STRING = re.compile(r"(?<!\w)(?P<prefix>[A-Za-z]{0,2})(?P<quote>'''|\"\"\"|'|\")")
_INTERESTING = re.compile(
    r"#[^\r\n]*"
    rf"|{_STRING.pattern}"
    r"|\b(?P<keyword>def|class|type)[ \t\f]+(?P<name>[^\W\d]\w*)[ \t\f]*(?P<after>\[|=(?!=))"
    r"|\b(?P<star>except[ \t\f]*\*)"
    r"|\bexcept[ \t\f]+(?P<types>[^\W\d][\w.]*(?:[ \t\f]*,[ \t\f]*[^\W\d][\w.]*)+)[ \t\f]*:"
)
_COMMENT = re.compile(r"#[^\r\n]*")
_EQUALS = re.compile(r"[ \t\f]*=(?!=)")
_FAILURES = (SyntaxError, ValueError, RecursionError, MemoryError)


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


def needs_newer_python(text: str, compile_text: Compile) -> str:
    """The newer forms for which this Python refuses a text, joined by commas; empty: it is plainly wrong.

    Args:
        text: the decoded file, which `compile_text` refuses.
        compile_text: parses a text, raises SyntaxError.
    """
    try:
        lowered, features = _lower(text, compile_text)
        if not features:
            return ""
        compile_text(lowered)
    except _FAILURES:
        return ""
    return ", ".join(sorted(features))


def _lower(text: str, compile_text: Compile) -> tuple[str, set[str]]:
    """The text with newer forms replaced by older ones on the same lines, and what was replaced."""
    features: set[str] = set()
    out: list[str] = []
    copied = position = 0
    while match := _INTERESTING.search(text, position):
        start, position = match.start(), match.end()
        replacement: str | None = None
        if match["quote"]:
            fields: list[str] = []
            position = _end_of_string(text, match, fields)
            literal = text[start:position]
            if _is_formatted(match) and not _compiles(literal, compile_text):
                features.add(TEMPLATE if "t" in match["prefix"].lower() else F_STRING)
                for field in fields:
                    # What stands in the fields must be right, or the file is wrong after all.
                    compile_text("(" + _lower(field, compile_text)[0] + "\n)")
                replacement = '"""' + _same_lines(literal, "\n") + '"""'
        elif match["keyword"]:
            replaced = _without_type_parameters(text, match)
            if replaced is not None:
                features.add(TYPE_PARAMETERS)
                replacement, position = replaced
        elif match["types"]:
            features.add(EXCEPT_BARE)
            replacement = f"except ({match['types']}):"
        elif match["star"] and not _compiles("try: pass\nexcept* A: pass", compile_text):
            features.add(EXCEPT_STAR)
            replacement = "except "
        if replacement is not None:
            out += (text[copied:start], replacement)
            copied = position
    out.append(text[copied:])
    return "".join(out), features


def _without_type_parameters(text: str, match: re.Match[str]) -> tuple[str, int] | None:
    """`def name` for `def name[T]`, `X =` for `type X[T] =`, and the position behind; None: nothing there."""
    end = match.end()
    if match["keyword"] != "type":
        if match["after"] != "[":
            return None
        end = _end_of_bracket(text, end)
        return f"{match['keyword']} {match['name']}{_same_lines(text[match.start() : end])}", end
    if match["after"] == "[":
        end = _end_of_bracket(text, end)
        equals = _EQUALS.match(text, end)
        if equals is None:
            return None
        end = equals.end()
    return f"{match['name']} {_same_lines(text[match.start() : end])}=", end


def _same_lines(text: str, line_end: str = "\\\n") -> str:
    return line_end * len(_LINE_END.findall(text))


def _compiles(text: str, compile_text: Compile) -> bool:
    try:
        compile_text(text)
    except _FAILURES:
        return False
    return True


def _is_formatted(string: re.Match[str]) -> bool:
    return any(letter in "fFtT" for letter in string["prefix"])


def _end_of_string(text: str, string: re.Match[str], fields: list[str]) -> int:
    """Where the literal ends that begins with the match; `fields` gets the expressions in its braces.

    Raises:
        SyntaxError: it has no end.
    """
    quote = string["quote"]
    formatted = _is_formatted(string)
    position = string.end()
    while position < len(text):
        char = text[position]
        if text.startswith(quote, position):
            return position + len(quote)
        if char == "\\":
            # Also in raw literals a backslash keeps the quote from ending the string.
            position += 2
        elif char in "\r\n" and len(quote) == 1:
            break
        elif formatted and char == "{":
            if text.startswith("{{", position):
                position += 2
            else:
                position = _end_of_field(text, position + 1, quote, fields)
        else:
            position += 1
    raise SyntaxError("unterminated string literal")


def _end_of_field(text: str, start: int, quote: str, fields: list[str]) -> int:
    """Behind the brace that ends the replacement field whose expression begins at `start`."""
    position = _end_of_expression(text, start, "}:!")
    expression = text[start:position].rstrip()
    # `{x=}` shows the expression, too.
    if expression.endswith("=") and expression[-2:-1] not in ("=", "!", "<", ">"):
        expression = expression[:-1]
    fields.append(expression)
    if text[position] == "!":
        while text[position : position + 1] not in (":", "}", ""):
            position += 1
    if text[position : position + 1] == ":":
        position += 1
        while position < len(text) and text[position] != "}":
            if text[position] == "{":
                position = _end_of_field(text, position + 1, quote, fields)
            elif text.startswith(quote, position):
                raise SyntaxError("unclosed replacement field")
            else:
                position += 1
    if position >= len(text):
        raise SyntaxError("unclosed replacement field")
    return position + 1


def _end_of_bracket(text: str, position: int) -> int:
    """Behind the square bracket that closes the one before `position`."""
    return _end_of_expression(text, position, "]") + 1


def _end_of_expression(text: str, position: int, ends: str) -> int:
    """The position of the first of the characters `ends` that is in no bracket, string or comment.

    Raises:
        SyntaxError: there is none.
    """
    depth = 0
    while position < len(text):
        char = text[position]
        string = _STRING.match(text, position)
        comment = _COMMENT.match(text, position)
        if string is not None:
            position = _end_of_string(text, string, [])
            continue
        if comment is not None:
            position = comment.end()
            continue
        if depth == 0 and char in ends and not text.startswith("!=", position):
            return position
        if text.startswith("!=", position):
            position += 1
        elif char in "([{":
            depth += 1
        elif char in ")]}":
            depth -= 1
            if depth < 0:
                break
        position += 1
    raise SyntaxError("unclosed bracket")
