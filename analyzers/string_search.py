"""Where names that move stand in the text of one Python file, and what was found of them so far."""

from __future__ import annotations

import ast
import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

from analyzers.layout import ModuleName
from analyzers.relocation_map import RelocationMap
from analyzers.text_positions import TextPositions
from analyzers.text_references.candidates import Candidate
from analyzers.text_references.dotted_names import resolve_dotted
from analyzers.text_references.reference import Certainty, ProjectFacts

_LINE_END = re.compile(r"\r\n|\r|\n")


@dataclass(frozen=True, slots=True)
class StringReference:
    """A stretch of the decoded text (character offsets) inside a string or comment, and what it becomes.

    `new` is empty for a mention without a single answer; `line` is 1-based.
    """

    line: int
    start: int
    end: int
    old: str
    new: str
    certainty: Certainty
    why: str


@lru_cache(maxsize=8)
def leaf_names(relocations: RelocationMap) -> dict[str, tuple[str, ...]]:
    """The moved modules and the modules of moved symbols by their last segment."""
    found: dict[str, tuple[str, ...]] = {}
    for module in sorted({*relocations.moved_modules, *(m for m, _ in relocations.moved_symbols)}):
        leaf = module.rpartition(".")[2]
        found[leaf] = (*found.get(leaf, ()), module)
    return found


class StringSearch:
    """One file in which names are looked for; `found` are the references so far, in no certain order.

    `before` and `after` are the module names of the file, `candidates` the places where a top-level name of
    what moves stands, `words` the last segments of what moves.
    """

    def __init__(
        self,
        text: str,
        positions: TextPositions,
        before: ModuleName,
        after: ModuleName,
        relocations: RelocationMap,
        facts: ProjectFacts,
        candidates: list[Candidate],
    ) -> None:
        self.text = text
        self.positions = positions
        self.before = before
        self.after = after
        self.relocations = relocations
        self.facts = facts
        self.candidates = candidates
        self.starts = [candidate.start for candidate in candidates]
        self.words = {word.decode("utf-8", "replace") for word in relocations.leaf_words()}
        self.found: list[StringReference] = []
        self._line_starts = [0, *(m.end() for m in _LINE_END.finditer(text))]

    def has_candidate(self, node: ast.Constant) -> bool:
        """Whether a top-level name of what moves stands in the source of the constant."""
        first = bisect_left(self.starts, self.positions.offset(node.lineno, node.col_offset))
        if first == len(self.starts):
            return False
        return self.starts[first] < self.positions.span(node)[1]

    def is_module(self, start: int, end: int) -> bool:
        """Whether the text between the offsets names a module of the tree before the move."""
        return self.facts.module_exists(self.text[start:end].partition(":")[0])

    def mention_names(self, start: int, end: int, why: str) -> None:
        """Add every name between the offsets as a mention."""
        for first, last, new, _ in self.names(start, end):
            self.add(first, last, new, Certainty.MENTION, why)

    def names(self, start: int, end: int) -> Iterator[tuple[int, int, str, bool]]:
        """(start, end, new name, whether it exists) of each name of two segments or more that moves."""
        text = self.text
        for index in range(bisect_left(self.starts, start), bisect_left(self.starts, end)):
            candidate = self.candidates[index]
            first, last = candidate.start, min(candidate.end - candidate.stars, end)
            if text[last : last + 1] in ("/", "@"):
                continue
            written = text[first:last]
            # In a regular expression the dots stand behind a backslash, or two when it is no raw string.
            dot = next((d for d in ("\\\\.", "\\.") if d in written), ".")
            if dot != ".":
                resolved = resolve_dotted(written.replace(dot, "."), self.relocations, self.facts)
                is_escaped = written.count(".") == written.count(dot)
                if resolved is not None and is_escaped and not candidate.stars:
                    yield first, last, resolved.new.replace(".", dot), resolved.exists
                continue
            name = written
            resolved = resolve_dotted(name, self.relocations, self.facts)
            if ":" in name and (resolved is None or not resolved.exists):
                name = name.partition(":")[0]
                last = first + len(name)
                resolved = resolve_dotted(name, self.relocations, self.facts)
            if resolved is not None and ("." in name or ":" in name) and not candidate.stars:
                yield first, last, resolved.new, resolved.exists

    def add(self, start: int, end: int, new: str, certainty: Certainty, why: str) -> None:
        """Add a reference, unless the text stays what it is."""
        if self.text[start:end] != new:
            self.found.append(self.reference(start, end, new, certainty, why))

    def reference(self, start: int, end: int, new: str, certainty: Certainty, why: str) -> StringReference:
        """A reference that is not added."""
        return StringReference(self._line(start), start, end, self.text[start:end], new, certainty, why)

    def mention(self, node: ast.Constant, value: str, new: str, why: str) -> None:
        """Add a constant as a mention of `value`."""
        start, end = self.positions.span(node)
        reference = self.reference(start, end, new, Certainty.MENTION, why)
        self.found.append(replace(reference, old=value))

    def _line(self, position: int) -> int:
        return bisect_right(self._line_starts, position)
