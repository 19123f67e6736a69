"""What the report tells, as plain values: collected by `collection`, rendered by everything else.

Paths are relative to the repository root, lines 1-based; text is as people wrote it, nothing is escaped here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from analyzers.duplicates.side_by_side import SideRow


@dataclass(frozen=True, slots=True)
class ImportFact:
    """One import statement of `importer` that names the file `imported`; `kind` as `EdgeKind` has it."""

    importer: str
    imported: str
    line: int
    kind: str = "import-time"


@dataclass(frozen=True, slots=True)
class DomainFacts:
    """A domain with its number of Python files before (None: not known) and now."""

    name: str
    files_before: int | None
    files_now: int


@dataclass(frozen=True, slots=True)
class CellFacts:
    """The imports of one domain by another, before (None: not known) and now."""

    importer: str
    imported: str
    before: tuple[ImportFact, ...] | None
    now: tuple[ImportFact, ...]
    is_allowed: bool

    def count(self, side: str) -> int:
        """The imports `before` or `now`."""
        return len(self.now) if side == "now" else len(self.before or ())


@dataclass(frozen=True, slots=True)
class PhaseFacts:
    """A phase: `state` is one of those of `hocmig.phase_standing`, in lower case."""

    phase: str
    command: str
    state: str
    artifacts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CallerFacts:
    """A statement that imports a moved file, as it was before the move."""

    path: str
    line: int
    statement: str
    is_updated: bool


@dataclass(frozen=True, slots=True)
class MoveFacts:
    """A file and its way; `number` is empty without a row in the manifest.

    `diff` is unified, or empty with a `note` that says why there is none.
    """

    number: str
    old_path: str
    new_path: str
    status: str
    reason: str = ""
    decision: str = ""
    findings: str = ""
    callers: tuple[CallerFacts, ...] = ()
    diff: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class CycleFacts:
    """An import cycle: `when` is `before`, `now` or `both`; `chain` its steps, `cut` the import to cut."""

    when: str
    kind: str
    files: int
    chain: tuple[str, ...]
    cut: str
    fails: str = ""


@dataclass(frozen=True, slots=True)
class DuplicateFacts:
    """A group of copies; `rows` sets `left` beside `right`, whose `similarity` is in percent."""

    number: str
    type: str
    recommendation: str
    similarity: int
    saved_lines: int
    reason: str
    places: tuple[str, ...]
    left: str = ""
    right: str = ""
    rows: tuple[SideRow, ...] = ()
    note: str = ""
    is_merged: bool = False


@dataclass(frozen=True, slots=True)
class ViolationFacts:
    """A broken rule, where, along which chain, and what mends it."""

    code: str
    place: str
    message: str
    mend: str
    chain: str = ""
    is_accepted: bool = False


@dataclass(frozen=True, slots=True)
class CheckFacts:
    """A check of the health score."""

    name: str
    status: str
    score: int
    numbers: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class HealthFacts:
    """The health score of P4; `is_current` says that it is about the present tree."""

    overall: str
    score: int
    checks: tuple[CheckFacts, ...]
    is_current: bool


@dataclass(frozen=True, slots=True)
class HumanFacts:
    """Something that only a person can settle: `1 now`, `2 soon` or `3 later`, and the command that helps."""

    urgency: str
    what: str
    command: str = ""
    place: str = ""


@dataclass(frozen=True, slots=True)
class ReportFacts:
    """All of the report.

    `callers_updated` counts importers that P2 rewrote, `files_rewritten` files whose text transactions
    changed. `before_note` says where "before" comes from, or why it is not known. `final_health` holds the
    keys of PHASE8_FINAL_HEALTH.json. `notes` are sentences about what could not be read.
    """

    title: str
    generated_at: str
    tool_version: str
    phases: tuple[PhaseFacts, ...] = ()
    next_command: str = ""
    next_reason: str = ""
    shared_domain: str = ""
    domain_root: str = ""
    domains: tuple[DomainFacts, ...] = ()
    cells: tuple[CellFacts, ...] = ()
    before_note: str = ""
    files: int = 0
    moves: tuple[MoveFacts, ...] = ()
    callers_updated: int = 0
    files_rewritten: int = 0
    cycles: tuple[CycleFacts, ...] = ()
    duplicates: tuple[DuplicateFacts, ...] | None = None
    violations: tuple[ViolationFacts, ...] = ()
    health: HealthFacts | None = None
    final_health: Mapping[str, str] = field(default_factory=dict)
    human: tuple[HumanFacts, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def has_before(self) -> bool:
        """Whether the imports before the migration are known."""
        return any(cell.before is not None for cell in self.cells)
