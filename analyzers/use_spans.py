"""Where a dotted use stands in the text, so that it can be replaced."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, field

from analyzers.file_scopes import FileScopes, NameUse
from analyzers.import_changes import TextEdit
from analyzers.rewrite_context import RewriteContext


@dataclass
class UseSpans:
    """Finds the span of a use; where `ast` gives a wrong place (f-strings before Python 3.12), by looking."""

    context: RewriteContext
    scopes: FileScopes
    _in_literals: dict[int, list[NameUse]] | None = field(default=None, repr=False)

    def edit(self, use: NameUse, depth: int, text: str) -> TextEdit | None:
        """The replacement of a use up to attribute `depth` by `text`; None when there is nothing to change.

        A place that cannot be found, or that holds a comment, is reported as an error.
        """
        words = (use.node.id, *(a.attr for a in use.chain[:depth]))
        positions = self.context.positions
        start, end = self._span(use, depth)
        if not _says(positions.text[start:end], words):
            found = self._search(use, words)
            if found is None:
                place = "a string that is written in a way this tool cannot follow"
                if "#" in positions.text[start:end]:
                    place = "a place with a comment inside the name"
                self.context.report(
                    "RELOC011",
                    "error",
                    use.node.lineno,
                    f"{'.'.join(words)} must become {text} but stands in {place}",
                    "write the name in one piece",
                )
                return None
            start, end = found
        if positions.text[start:end] == text:
            return None
        return TextEdit(start, end, text, use.node.lineno)

    def _span(self, use: NameUse, depth: int) -> tuple[int, int]:
        last = use.chain[depth - 1] if depth else use.node
        positions = self.context.positions
        assert last.end_lineno is not None
        assert last.end_col_offset is not None
        try:
            start = positions.offset(use.node.lineno, use.node.col_offset)
            return start, positions.offset(last.end_lineno, last.end_col_offset)
        except (IndexError, UnicodeDecodeError):
            return 0, 0

    def _search(self, use: NameUse, words: tuple[str, ...]) -> tuple[int, int] | None:
        """The span of the use inside its literal, when the literal says the name as often as it uses it."""
        if use.literal is None:
            return None
        start, end = self.context.positions.span(use.literal)
        pattern = re.compile(r"(?<![\w.])" + r"\s*\.\s*".join(map(re.escape, words)) + r"(?!\w)")
        hits = list(pattern.finditer(self.context.positions.text, start, end))
        uses = [u for u in self._uses_in(use.literal) if _begins(u, words)]
        if len(hits) != len(uses):
            return None
        return next(hit.span() for hit, other in zip(hits, uses, strict=True) if other is use)

    def _uses_in(self, literal: ast.expr) -> list[NameUse]:
        if self._in_literals is None:
            self._in_literals = {}
            for use in self.scopes.uses:
                if use.literal is not None:
                    self._in_literals.setdefault(id(use.literal), []).append(use)
        return self._in_literals.get(id(literal), [])


def _begins(use: NameUse, words: tuple[str, ...]) -> bool:
    return (use.node.id, *(a.attr for a in use.chain))[: len(words)] == words


def _says(text: str, words: tuple[str, ...]) -> bool:
    """Whether a piece of text is the dotted name, white space and line joins aside."""
    if text == ".".join(words):
        return True
    if "#" in text:
        return False
    parts = ["".join(part.replace("\\", " ").split()).strip("()") for part in text.split(".")]
    return len(parts) == len(words) and all(_same(p, w) for p, w in zip(parts, words, strict=True))


def _same(written: str, name: str) -> bool:
    import unicodedata

    return written == name or unicodedata.normalize("NFKC", written) == name
