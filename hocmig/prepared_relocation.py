"""What is asked of a relocation, and all that is known of it before anything is written."""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field

from analyzers.certificate import Certificate
from analyzers.import_cycles import Cycle
from analyzers.import_index import SourceIndex
from analyzers.model import Finding, Relocation
from analyzers.relocation_map import RelocationMap
from analyzers.text_references.reference import Reference
from hocmig.symbol_moving import Merging
from hocmig.transaction.change import ChangeSet, FileChange


@dataclass(frozen=True)
class RelocationOptions:
    """Choices of the user.

    `references` is `certain` or `likely`; `allow` are codes of findings that do not block; `shim_until` is
    the last day of the forwarding modules that stay at the old places (None: none stay). A new import-time
    cycle that makes an import fail always blocks, any other new one with `refuse_new_cycles`.

    With `allow_merges` a relocation to a module that exists deletes the old file and repoints its importers;
    `replaced` are new paths whose present file goes in favour of the one that moves there. `extra_changes`
    are files of ours that change in the same transaction (artifacts). `merging` names modules whose content
    goes into others, see `Merging`. With `pin_names`, task names and app labels that are made of a module's
    name keep the old one. `findings` are known of the relocations before, and reported with the others.
    `facade` says what becomes of names that a package passes on from a module which leaves it: `keep` or
    `flatten`, see `flatten_facades`. With `returns`, what a recorded transaction moved gets back the bytes
    that it had, see `recorded_return`.
    """

    references: str = "certain"
    allow: frozenset[str] = frozenset()
    shim_until: datetime.date | None = None
    refuse_new_cycles: bool = False
    allow_merges: bool = False
    replaced: frozenset[str] = frozenset()
    extra_changes: tuple[FileChange, ...] = ()
    merging: Merging = field(default_factory=Merging)
    pin_names: bool = False
    findings: tuple[Finding, ...] = ()
    facade: str = "keep"
    returns: bool = False


@dataclass(frozen=True)
class PreparedRelocation:
    """All that will happen, and what is known about it, before anything is written.

    `rewritten` are the Python files whose text changes (old paths), `references` the hits in strings and
    other files, `findings` sorted by path and line; those of severity `error` block. `moved` is old path to
    new path, `callers` the number of rewritten files that import a moving file, by its old path. `symbols`
    are the definitions that move between files, helpers that go along included; `asked` is what the user gave
    of `relocations`, as text.
    """

    relocations: RelocationMap
    change_set: ChangeSet
    rewritten: tuple[str, ...] = ()
    references: tuple[Reference, ...] = ()
    findings: tuple[Finding, ...] = ()
    cycles: tuple[Cycle, ...] = ()
    certificate: Certificate | None = None
    after: SourceIndex | None = None
    moved: dict[str, str] = field(default_factory=dict)
    callers: dict[str, int] = field(default_factory=dict)
    symbols: tuple[Relocation, ...] = ()
    asked: tuple[str, ...] = ()

    @property
    def blocking(self) -> tuple[Finding, ...]:
        return tuple(f for f in self.findings if f.severity == "error")
