"""Three forms of a statement in which copies are sought, and the names and literals that prove a copy.

*raw*: the tokens, with one spelling of quotes and without trailing commas. *member*: names of variables and
all literals blanked; attributes, called names and keyword arguments stay, because renaming the variables of a
copied function does not touch them. *shape*: every name and literal blanked, but for keywords and builtins.
"""

from __future__ import annotations

import keyword
import re
from functools import lru_cache

# Frozen, so that the same tree gives the same report on every version of Python.
_BUILTINS = """
abs aiter all anext any ascii bin bool breakpoint bytearray bytes callable chr classmethod compile complex
delattr dict dir divmod enumerate eval exec filter float format frozenset getattr globals hasattr hash
help hex id input int isinstance issubclass iter len list locals map max memoryview min next object oct
open ord pow print property range repr reversed round set setattr slice sorted staticmethod str sum super
tuple type vars zip __import__ __name__ __file__ __doc__ NotImplemented Ellipsis BaseException Exception
ArithmeticError AssertionError AttributeError BufferError EOFError FileExistsError FileNotFoundError
ImportError IndexError InterruptedError IOError IsADirectoryError KeyError KeyboardInterrupt LookupError
MemoryError ModuleNotFoundError NameError NotADirectoryError NotImplementedError OSError OverflowError
PermissionError ProcessLookupError RecursionError ReferenceError RuntimeError StopAsyncIteration
StopIteration SyntaxError SystemError SystemExit TimeoutError TypeError UnboundLocalError
UnicodeDecodeError UnicodeEncodeError UnicodeError ValueError Warning DeprecationWarning RuntimeWarning
UserWarning ZeroDivisionError ConnectionError BlockingIOError BrokenPipeError ChildProcessError
EnvironmentError GeneratorExit
"""
KEPT_NAMES = frozenset(keyword.kwlist) | frozenset(_BUILTINS.split()) | {"self", "cls", "match", "case", "_"}
_STRING = re.compile(r"([A-Za-z]*)('''|\"\"\"|'|\")")
_NAME_START = re.compile(r"[^\W\d]")

NAME, MEMBER, KEYWORD, LITERAL = "n", "m", "k", "l"


def is_string(token: str) -> bool:
    """Whether the token is a string literal, with or without prefix."""
    return token[-1] in "'\"" or (token[0] in "'\"rRbBuUfFtT" and _STRING.match(token) is not None)


def canonical_tokens(tokens: tuple[str, ...]) -> tuple[str, ...]:
    """Returns the tokens as one formatter would leave them: one quote style, no trailing comma.

    The comma of a one-element tuple means something and stays.
    """
    out: list[str] = []
    openings: list[tuple[bool, int]] = []
    for n, token in enumerate(tokens):
        if token in "([{":
            before = tokens[n - 1] if n else ""
            attached = (
                bool(before)
                and (before in ")]" or (before[-1].isalnum() or before[-1] == "_"))
                and not (keyword.iskeyword(before))
            )
            # A tuple needs its only comma, and so does a subscript; a call, a list or a set does not.
            openings.append((attached if token == "(" else not attached, 0))
        elif token in ")]}":
            free, commas = openings.pop() if openings else (False, 0)
            if out and out[-1] == "," and (free or commas > 1 or token == "}"):
                out.pop()
        elif token == "," and openings:
            openings[-1] = (openings[-1][0], openings[-1][1] + 1)
        elif token[-1] == "'" and token[0] in "'rRbBuUfF" and '"' not in token and "\\" not in token:
            token = token.replace("'", '"')
        out.append(token)
    return tuple(out)


class LineForms:
    """The three forms of one statement, as texts, with the number of tokens and what kind of line it is.

    `is_data` says that the statement holds no name but builtins: a row of a table.
    """

    __slots__ = ("is_data", "member", "raw", "shape", "tokens")

    def __init__(self, tokens: tuple[str, ...]) -> None:
        canonical = canonical_tokens(tokens)
        member: list[str] = []
        shape: list[str] = []
        depth = names = 0
        before = ""
        last = len(canonical) - 1
        is_header = _is_header(canonical)
        for n, token in enumerate(canonical):
            first = token[0]
            if first.isalpha() or first == "_":
                if token in KEPT_NAMES:
                    member.append(token)
                    shape.append(token)
                elif first in "rRbBuUfFtT" and token[-1] in "'\"":
                    member.append("L")
                    shape.append("L")
                else:
                    names += 1
                    shape.append("I")
                    after = canonical[n + 1] if n < last else ""
                    if (
                        before == "."
                        or (after == "(" and before not in ("def", "class"))
                        or (depth and after == "=" and not is_header)
                    ):
                        member.append(token)
                    else:
                        member.append("I")
            elif (
                first in "'\"" or first.isdigit() or (first == "." and len(token) > 1 and token[1].isdigit())
            ):
                member.append("L")
                shape.append("L")
            else:
                if token in "([{":
                    depth += 1
                elif token in ")]}":
                    depth -= 1
                member.append(token)
                shape.append(token)
            before = token
        self.raw = " ".join(canonical)
        self.member = " ".join(member)
        self.shape = " ".join(shape)
        self.tokens = len(canonical)
        self.is_data = not names


def _is_header(tokens: tuple[str, ...]) -> bool:
    """Whether a statement is the head of a function: `name=` is a parameter there, no keyword argument."""
    return tokens[0] == "def" or tokens[:2] == ("async", "def")


@lru_cache(maxsize=200_000)
def evidence(tokens: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """Returns (role, text) of each name that can be renamed and of each literal, in order.

    Two statements of equal shape have the same number of entries with the same roles, so that the entries can
    be compared one by one. A member and a variable of one name are different things and are renamed apart.
    """
    out: list[tuple[str, str]] = []
    depth = 0
    before = ""
    canonical = canonical_tokens(tokens)
    last = len(canonical) - 1
    is_header = _is_header(canonical)
    for n, token in enumerate(canonical):
        first = token[0]
        if first.isalpha() or first == "_":
            if token not in KEPT_NAMES:
                if first in "rRbBuUfFtT" and token[-1] in "'\"":
                    out.append((LITERAL, token))
                elif before == ".":
                    out.append((MEMBER, token))
                elif depth and n < last and canonical[n + 1] == "=" and not is_header:
                    out.append((KEYWORD, token))
                else:
                    out.append((NAME, token))
        elif first in "'\"" or first.isdigit() or (first == "." and len(token) > 1 and token[1].isdigit()):
            out.append((LITERAL, token))
        elif token in "([{":
            depth += 1
        elif token in ")]}":
            depth -= 1
        before = token
    return tuple(out)
