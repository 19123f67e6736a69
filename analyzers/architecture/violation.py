"""One broken rule: where, by which chain of imports, what mends it, and how a baseline names it."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from analyzers.import_cycles import ChainStep
from analyzers.import_graph import EdgeKind

#: Codes of the contract types; ARCH-001 to ARCH-004 are the migration plan's own rules.
INDEPENDENCE = "ARCH-101"
LAYERS = "ARCH-102"
FORBIDDEN = "ARCH-103"
PROTECTED = "ARCH-104"
ACYCLIC = "ARCH-105"
PUBLIC_INTERFACE = "ARCH-106"

_MAX_SHOWN_STEPS = 8


class Violation(msgspec.Struct, frozen=True, kw_only=True):
    """A rule that a file breaks.

    `contract` is the contract's name, empty for ARCH-001 to ARCH-004. `importer`:`line` imports `imported`
    (a path, or the dotted name of an outside library; empty for ARCH-004), which leads along `chain` to what
    must not be reached.
    """

    code: str
    contract: str = ""
    importer: str
    line: int = 0
    imported: str = ""
    message: str
    chain: tuple[ChainStep, ...] = ()
    mend: str = ""
    kind: EdgeKind = EdgeKind.IMPORT_TIME

    @property
    def key(self) -> str:
        """The entry that accepts it in a baseline; it names no line, so that edits elsewhere keep it true."""
        parts = (self.contract, self.importer, self.imported)
        return entry_of(self.code, *(part for part in parts if part))


def entry_of(code: str, *parts: str) -> str:
    """The baseline entry of a rule's code and the parts of a violation."""
    return f"{code} {' -> '.join(parts)}"


def shown_chain(chain: Sequence[ChainStep]) -> str:
    """A chain as `a.py:3 -> b.py:7 -> c.py`; the middle of a long one is left out."""
    places = [f"{step.importer}:{step.line}" for step in chain]
    if len(places) > _MAX_SHOWN_STEPS:
        left_out = len(places) - _MAX_SHOWN_STEPS + 1
        places[_MAX_SHOWN_STEPS // 2 : _MAX_SHOWN_STEPS // 2 + left_out] = [f"... {left_out} more ..."]
    return " -> ".join((*places, chain[-1].imported)) if chain else ""


def in_order(violation: Violation) -> tuple[str, str, str, int, str]:
    """The sorting key of reports: rule, contract, file, line, what is imported."""
    return violation.code, violation.contract, violation.importer, violation.line, violation.imported
