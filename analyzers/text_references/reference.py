"""What a reference is, how sure it is, which facts it is judged by, and how references are applied.

Facts describe the tree *before* the move. A text is only a reference if it names something that existed then;
therefore a second run, given facts of the moved tree, finds nothing. That does not hold for names that are
both old and new (swaps, chains): there the caller wraps its facts in `SettledFacts`, which denies the old
names of every relocation that the transaction log calls done.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from analyzers.relocation_map import RelocationMap


class Certainty(str, enum.Enum):
    """`certain` is rewritten, `likely` is rewritten on request, `mention` is reported and never rewritten."""

    CERTAIN = "certain"
    LIKELY = "likely"
    MENTION = "mention"

    @property
    def rank(self) -> int:
        """0 for certain, 1 for likely, 2 for mention."""
        return _RANKS[self]

    def at_most(self, ceiling: Certainty) -> Certainty:
        """The less sure one of the two."""
        return self if self.rank >= ceiling.rank else ceiling


_RANKS = {Certainty.CERTAIN: 0, Certainty.LIKELY: 1, Certainty.MENTION: 2}


@dataclass(frozen=True, slots=True)
class Reference:
    """A stretch of a file that names something that moves.

    `line` is 1-based; `start` and `end` are byte offsets in the file as it is on disk (a byte order mark
    counts); `old` is the text between them and `new` what it becomes, empty when there is no single answer
    (then `certainty` is `mention`); `why` says what the class rests on.
    """

    path: str
    line: int
    start: int
    end: int
    old: str
    new: str
    certainty: Certainty
    why: str

    def __str__(self) -> str:
        target = f" -> {self.new}" if self.new else ""
        return f"{self.path}:{self.line}: {self.certainty.value}: {self.old}{target} ({self.why})"


class ProjectFacts(Protocol):
    """What must be known of the tree before the move."""

    @property
    def import_roots(self) -> tuple[str, ...]:
        """Folders that stand on `sys.path`, relative to the repository root; `.` is the root itself."""

    def module_exists(self, name: str) -> bool:
        """Whether `name` is a module or package of the repository (namespace packages included)."""

    def symbol_exists(self, module: str, name: str) -> bool:
        """Whether the module binds `name` at module level, by a definition or an import."""

    def path_exists(self, path: str) -> bool:
        """Whether the repository has a file or folder `path` (POSIX, relative to the repository root)."""


@dataclass(frozen=True, slots=True)
class SettledFacts:
    """`facts` of a tree in which the relocations `done` have happened: their old names no longer count."""

    facts: ProjectFacts
    done: RelocationMap

    @property
    def import_roots(self) -> tuple[str, ...]:
        """As `facts` says."""
        return self.facts.import_roots

    def module_exists(self, name: str) -> bool:
        """False for what has moved already, else as `facts` says."""
        return self.done.module(name) is None and self.facts.module_exists(name)

    def symbol_exists(self, module: str, name: str) -> bool:
        """False for what has moved already, else as `facts` says."""
        return self.done.symbol(module, name) is None and self.facts.symbol_exists(module, name)

    def path_exists(self, path: str) -> bool:
        """False for what has moved already, else as `facts` says."""
        return self.done.path(path) is None and self.facts.path_exists(path)


def apply_references(
    content: bytes, references: Iterable[Reference], level: Certainty = Certainty.CERTAIN
) -> bytes:
    """`content` with every reference of at least `level` replaced; all other bytes are untouched.

    Raises:
        ValueError: `level` is `mention`, references overlap, or `content` does not hold what a reference
            calls old (the file changed since it was scanned).
    """
    if level is Certainty.MENTION:
        raise ValueError("mentions are reported, never applied")
    pieces: list[bytes] = []
    position = 0
    for reference in sorted(references, key=lambda r: (r.start, r.end)):
        if reference.certainty.rank > level.rank or not reference.new:
            continue
        if reference.start < position:
            raise ValueError(
                f"{reference.path}:{reference.line}: references overlap at byte {reference.start}"
            )
        if content[reference.start : reference.end] != encoded(reference.old):
            raise ValueError(
                f"{reference.path}:{reference.line}: the file does not hold {reference.old!r} any more"
            )
        pieces += (content[position : reference.start], encoded(reference.new))
        position = reference.end
    pieces.append(content[position:])
    return b"".join(pieces)


def decoded(content: bytes) -> str:
    """`content` as text; bytes that are no UTF-8 become lone surrogates, so `encoded` gives them back."""
    return content.decode("utf-8", "surrogateescape")


def encoded(text: str) -> bytes:
    """The bytes that `decoded` read `text` from."""
    return text.encode("utf-8", "surrogateescape")
