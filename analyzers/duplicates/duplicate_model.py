"""What a search for duplicates yields; lines are 1-based, paths as given by the caller."""

from __future__ import annotations

import enum
import hashlib
from collections.abc import Iterable

import msgspec


class CloneKind(str, enum.Enum):
    """What is repeated. EQUIVALENT_FILE: equal but for comments, docstrings, formatting and import order."""

    EXACT_FILE = "EXACT_FILE"
    EQUIVALENT_FILE = "EQUIVALENT_FILE"
    CLASS = "CLASS"
    FUNCTION = "FUNCTION"
    BLOCK = "BLOCK"


class Place(msgspec.Struct, frozen=True, order=True):
    """One copy: lines `first` to `last` of a file (both included); `name` is dotted for a definition, else
    empty.
    """

    path: str
    first: int
    last: int
    name: str = ""

    @property
    def lines(self) -> int:
        return self.last - self.first + 1


class ClonePair(msgspec.Struct, frozen=True):
    """Two copies of a group (indices into its places) that were compared, with the lines found alike.

    `similarity` 0 to 1. `renamed`: names or literals differ. `edited`: statements differ.
    `varied`: more differs than names of variables, so that the two do not do the same. `signature`: of two
    functions SAME, RENAMED or DIFFERENT, else empty.
    """

    a: int
    b: int
    first_a: int
    last_a: int
    first_b: int
    last_b: int
    similarity: float
    renamed: bool
    edited: bool
    varied: bool = False
    signature: str = ""


class CloneGroup(msgspec.Struct, frozen=True):
    """All copies of one thing, sorted by place; `pairs` are those compared (in a crowd not every one is).

    `similarity` is the least of the pairs. `code_lines`: lines with code of the longest copy.
    `equal_members`: for classes the least share of equal members. `fingerprint`: the same in two runs when
    the same definitions (or, for blocks, the same code) stand in the same files, wherever in them.
    """

    kind: CloneKind
    places: tuple[Place, ...]
    pairs: tuple[ClonePair, ...]
    similarity: float
    renamed: bool
    edited: bool
    code_lines: int
    varied: bool = False
    equal_members: float = 0.0
    fingerprint: str = ""

    @property
    def has_one_signature(self) -> bool:
        """Whether all compared copies are functions with the same name, parameters and return type."""
        return bool(self.pairs) and all(p.signature == "SAME" for p in self.pairs)


def fingerprint_of(kind: CloneKind, members: Iterable[tuple[str, str]]) -> str:
    """Returns 16 hexadecimal digits for a group of (path, name or content) members."""
    facts = repr((kind.value, sorted(members)))
    return hashlib.blake2b(facts.encode("utf-8", "surrogateescape"), digest_size=8).hexdigest()


class SuppressionMark(msgspec.Struct, frozen=True, order=True):
    """A comment `# hocmig: not-a-duplicate (reason)`: where it stands and what it says behind the marker."""

    path: str
    line: int
    text: str


class Note(msgspec.Struct, frozen=True, order=True):
    """Something that was cut or left out, so that nobody takes silence for absence."""

    path: str
    message: str


class DetectedClones(msgspec.Struct, frozen=True):
    """The result of a search: groups (largest first), what was cut, the suppression comments, and totals."""

    groups: tuple[CloneGroup, ...]
    notes: tuple[Note, ...]
    marks: tuple[SuppressionMark, ...]
    files: int
    lines: int
