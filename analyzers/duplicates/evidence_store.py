"""Fetches the names and literals of statements from the sources, only for those that are compared."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from analyzers.duplicates.corpus import Corpus
from analyzers.duplicates.line_forms import evidence
from analyzers.duplicates.logical_lines import Lexer, decode_source, split_rows
from analyzers.duplicates.renaming import Evidence
from analyzers.duplicates.token_stream import MAX_STATEMENT_TOKENS

ReadFile = Callable[[int], bytes]
"""Returns the bytes of a file by its number in the corpus; the bytes the stream was made of."""


class EvidenceStore:
    """Evidence by statement; equal statements share one entry."""

    def __init__(self, corpus: Corpus, read: ReadFile) -> None:
        self._corpus = corpus
        self._read = read
        self._lexer = Lexer()
        self._by_raw: dict[int, Evidence] = {}

    def load(self, places: Iterable[int]) -> None:
        """Replaces what is held by the evidence of the statements at `places`; reads each file once."""
        corpus = self._corpus
        wanted: dict[int, int] = {}
        kept: dict[int, Evidence] = {}
        for place in sorted(set(places)):
            raw = corpus.raw[place]
            known = self._by_raw.get(raw)
            if known is not None:
                kept[raw] = known
            elif raw not in wanted:
                wanted[raw] = place
        self._by_raw = kept
        rows: list[str] = []
        current = -1
        for raw, place in wanted.items():
            file = corpus.file_of(place)
            if file != current:
                rows = split_rows(decode_source(self._read(file)))
                current = file
            first, last = corpus.rows[place], corpus.end_rows[place]
            line = next(self._lexer.logical_lines(rows[first - 1 : last], first), None)
            kept[raw] = evidence(line.tokens[:MAX_STATEMENT_TOKENS]) if line else ()

    def of(self, place: int) -> Evidence:
        """Returns the evidence of a statement that was loaded."""
        return self._by_raw[self._corpus.raw[place]]
