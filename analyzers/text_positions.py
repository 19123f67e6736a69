"""From the positions that `ast` gives (1-based line, 0-based UTF-8 byte column) to offsets in the text."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_LINE_END = re.compile(r"\r\n|\r|\n")


@dataclass
class TextPositions:
    """Character offsets in one decoded text; lines end as the tokenizer sees it (`\\n`, `\\r\\n`, `\\r`)."""

    text: str
    _starts: list[int] = field(init=False, repr=False)
    _ascii: bool = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._starts = [0, *(m.end() for m in _LINE_END.finditer(self.text))]
        self._ascii = self.text.isascii()

    def offset(self, line: int, column: int) -> int:
        """The 0-based character offset of a position as `ast` reports it."""
        start = self._starts[line - 1]
        if self._ascii:
            return start + column
        end = self._starts[line] if line < len(self._starts) else len(self.text)
        return start + len(self.text[start:end].encode()[:column].decode())
