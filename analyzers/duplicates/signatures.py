"""Compares the signatures of functions: name, parameters with defaults and annotations, return type."""

from __future__ import annotations

from functools import lru_cache

from analyzers.duplicates.line_forms import LineForms, canonical_tokens
from analyzers.duplicates.logical_lines import Lexer

SAME, RENAMED, DIFFERENT = "SAME", "RENAMED", "DIFFERENT"


@lru_cache(maxsize=20_000)
def compare_signatures(a: str, b: str) -> str:
    """Returns SAME, RENAMED (the same shape with other names or literals) or DIFFERENT.

    Formatting does not count: line breaks, quotes, a trailing comma.

    Args:
        a: the tokens of one `def` statement, one space apart (`Definition.header`); b: of the other.
    """
    left, right = _tokens(a), _tokens(b)
    if left == right:
        return SAME
    return RENAMED if LineForms(left).shape == LineForms(right).shape else DIFFERENT


@lru_cache(maxsize=20_000)
def _tokens(header: str) -> tuple[str, ...]:
    return canonical_tokens(Lexer().physical(header).tokens)
