"""From the positions that `ast` gives (1-based line, 0-based UTF-8 byte column) to offsets in the text."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from functools import cached_property

_LINE_END = re.compile(r"\r\n|\r|\n")


@dataclass
class TextPositions:
    """Character offsets in one decoded text; lines end as the tokenizer sees it (`\\n`, `\\r\\n`, `\\r`)."""

    text: str

    @cached_property
    def _starts(self) -> list[int]:
        return [0, *(m.end() for m in _LINE_END.finditer(self.text))]

    @cached_property
    def _ascii(self) -> bool:
        return self.text.isascii()

    def line_start(self, line: int) -> int:
        """The 0-based character offset of a line (1-based); the end of the text for lines below it."""
        return self._starts[line - 1] if line <= len(self._starts) else len(self.text)

    def offset(self, line: int, column: int) -> int:
        """The 0-based character offset of a position as `ast` reports it."""
        start = self._starts[line - 1]
        if self._ascii:
            return start + column
        # A column counts bytes: so many characters at most lie before it.
        head = self.text[start : start + column]
        if head.isascii():
            return start + column
        return start + len(head.encode("utf-8", "surrogatepass")[:column].decode("utf-8", "surrogatepass"))

    def span(self, node: ast.stmt | ast.expr) -> tuple[int, int]:
        """The offsets where a node begins and ends (excluded)."""
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        start = self.offset(node.lineno, node.col_offset)
        return start, self.offset(node.end_lineno, node.end_col_offset)
