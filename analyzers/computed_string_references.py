"""References in strings that are put together: f-strings, sums, `format`, `join`, `%`."""

from __future__ import annotations

import ast
import re

from analyzers.python_computed_strings import computed_pieces
from analyzers.string_search import StringSearch, leaf_names
from analyzers.text_references.dotted_names import resolve_dotted
from analyzers.text_references.reference import Certainty

_DOTTED = re.compile(r"\w+(?:\.\w+)*(?::\w+(?:\.\w+)*)?")


class ComputedStrings:
    """Adds to a search what computed strings name; what is not known in full is a mention."""

    def __init__(self, search: StringSearch) -> None:
        self.search = search

    def read(self, node: ast.expr, constants: dict[str, str], is_looked_up: bool) -> None:
        pieces = computed_pieces(node, constants, self.search.before)
        written = "".join("\0" if piece is None else piece for piece, _ in pieces)
        if self.search.words.isdisjoint(re.split(r"\W+", written)):
            return
        line = node.lineno
        if all(piece is not None for piece, _ in pieces):
            self._read_constant_sum(node, [(p or "", c) for p, c in pieces], written, is_looked_up)
            return
        if re.fullmatch(r"[\w.:\0]*", written) and self._may_be_moved(written, is_looked_up):
            self._mention_computed(node, line)

    def _may_be_moved(self, written: str, is_looked_up: bool) -> bool:
        """Whether a name with unknown stretches (`\\0`) can be one that moves, by its start or its end."""
        start = written.partition("\0")[0].rstrip(".:")
        if start and resolve_dotted(start, self.search.relocations, self.search.facts) is not None:
            return True
        end = written.rpartition("\0")[2]
        if not end.startswith((".", ":")) and not (is_looked_up and end):
            return False
        segments = re.split(r"[.:]", end.lstrip(".:"))
        return any(
            module.split(".")[-size:] == segments[:size]
            and (size == len(segments) or self.search.facts.symbol_exists(module, segments[size]))
            for size in range(1, len(segments) + 1)
            for module in leaf_names(self.search.relocations).get(segments[size - 1], ())
        ) or self._ends_like_a_symbol(segments)

    def _ends_like_a_symbol(self, segments: list[str]) -> bool:
        """Whether the end is `.b.f` of a moved symbol `a.b:f`."""
        return any(
            segments[-1] == name and module.split(".")[1 - len(segments) :] == segments[:-1]
            for module, name in self.search.relocations.moved_symbols
            if len(segments) > 1
        )

    def _read_constant_sum(
        self, node: ast.expr, pieces: list[tuple[str, bool]], written: str, is_looked_up: bool
    ) -> None:
        if not _DOTTED.fullmatch(written):
            return
        resolved = resolve_dotted(written, self.search.relocations, self.search.facts)
        if resolved is None:
            return
        # A constant that names a module is rewritten where it stands: then the sum may be right already.
        settled = "".join(self._settled(piece) if is_name else piece for piece, is_name in pieces)
        if settled == resolved.new:
            return
        start, end = self.search.positions.span(node)
        why = f"put together from constants of this module: {written}"
        if any(self._settled(piece) != piece for piece, is_name in pieces if is_name):
            self.search.found.append(self.search.reference(start, end, "", Certainty.MENTION, why))
        else:
            # What a known call looks up is a name for sure, and all its parts are known here.
            certainty = Certainty.CERTAIN if is_looked_up and resolved.exists else Certainty.LIKELY
            self.search.add(start, end, f'"{resolved.new}"', certainty, why)

    def _settled(self, piece: str) -> str:
        resolved = resolve_dotted(piece, self.search.relocations, self.search.facts) if "." in piece else None
        return resolved.new if resolved is not None and resolved.exists else piece

    def _mention_computed(self, node: ast.expr, line: int) -> None:
        start, end = self.search.positions.span(node)
        why = f"line {line} puts a name together that may be one that moves"
        self.search.found.append(self.search.reference(start, end, "", Certainty.MENTION, why))
