"""Collects the facts of the report from artifacts, ledger, backups and the index; nothing is written."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from analyzers.architecture.domain_rules import is_allowed
from analyzers.architecture.violation import shown_chain
from analyzers.csv_table import read_csv
from analyzers.domain_inventory import domain_of, hash_of_files
from analyzers.errors import InputError
from analyzers.health_score import HEALTH_NAME, HealthScore
from analyzers.import_cycles import Cycle, find_cycles
from analyzers.import_graph import ImportGraph
from analyzers.migration_manifest import OPEN, ManifestRow, Status
from hocmig import __version__
from hocmig.architecture import judge_architecture, read_accepted, read_contracts
from hocmig.cli import COMMANDS
from hocmig.manifest_file import read_current_manifest
from hocmig.move_validation_report import GRAPH_NAME
from hocmig.phase_standing import next_command, phase_standings
from hocmig.phases.p2_move import LOG_NAME
from hocmig.report.duplicate_facts import duplicate_facts, merged_groups
from hocmig.report.move_facts import move_facts
from hocmig.report.report_facts import (
    CellFacts,
    CheckFacts,
    CycleFacts,
    DomainFacts,
    DuplicateFacts,
    HealthFacts,
    HumanFacts,
    ImportFact,
    MoveFacts,
    PhaseFacts,
    ReportFacts,
    ViolationFacts,
)
from hocmig.transaction.clock import timestamp
from hocmig.transaction.ledger import Ledger, read_ledger
from hocmig.transaction.recovery import pending
from hocmig.verification import Verification, VerifyOptions
from hocmig.workspace import Workspace

FINAL_HEALTH_NAME = "PHASE8_FINAL_HEALTH.json"

_MAX_JSON_BYTES = 256 << 20


class _Node(msgspec.Struct, frozen=True):
    path: str
    moves_to: str = ""


class _Edge(msgspec.Struct, frozen=True):
    importer: str
    imported: str
    line: int
    kind: str


class _Cycles(msgspec.Struct, frozen=True):
    existing: tuple[Cycle, ...] = ()


class _GraphBefore(msgspec.Struct, frozen=True):
    """What the report needs of PHASE1_IMPORT_GRAPH.json."""

    nodes: tuple[_Node, ...]
    edges: tuple[_Edge, ...]
    cycles: _Cycles = _Cycles()


def collect(workspace: Workspace) -> ReportFacts:
    """The facts of the migration as it stands, however far it has come.

    Artifacts that are damaged become a note in the report, never an error: the report is what people open
    when something is wrong.
    """
    return _Collection(workspace).facts()


class _Collection:
    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.config = workspace.config
        self.notes: list[str] = []
        self.human: list[HumanFacts] = []
        self.graph = ImportGraph(workspace.index)

    def facts(self) -> ReportFacts:
        rows = self._rows()
        ledger = self._ledger()
        before, before_note = self._before(rows)
        phases = phase_standings(self.workspace, rows, COMMANDS)
        moves = move_facts(self.workspace, rows or (), ledger, self.notes)
        duplicates = self._duplicates()
        self._decisions(rows or ())
        health = self._health()
        violations = self._violations()
        cycles = self._cycles(before)
        self._remarks(moves, cycles, duplicates)
        line, reason = next_command(phases)
        touched = {f.path_after for e in ledger.standing() for f in e.files if f.kind in ("move", "edit")}
        return ReportFacts(
            title=self.workspace.root.name or "repository",
            generated_at=timestamp(),
            tool_version=__version__,
            phases=tuple(PhaseFacts(p.phase, p.command, p.state.lower(), p.present) for p in phases),
            next_command=line,
            next_reason=reason,
            shared_domain=self.config.shared_domain,
            domain_root=self.config.domain_root,
            domains=self._domains(before),
            cells=self._cells(before),
            before_note=before_note,
            files=len(self.workspace.index.files),
            moves=moves,
            callers_updated=self._callers_updated(),
            files_rewritten=len(touched),
            cycles=cycles,
            duplicates=duplicates,
            violations=violations,
            health=health,
            final_health=self._final_health(),
            human=tuple(sorted(self.human, key=lambda h: h.urgency)),
            notes=tuple(self.notes),
        )

    # -- what was there ------------------------------------------------------------------------------------

    def _rows(self) -> tuple[ManifestRow, ...] | None:
        try:
            return read_current_manifest(self.workspace)
        except InputError as error:
            self._damaged(error)
            return None

    def _ledger(self) -> Ledger:
        if not self.workspace.state.is_dir():
            return Ledger()
        try:
            state = pending(self.workspace.root)
            ledger = read_ledger(self.workspace.root)
        except InputError as error:
            self._damaged(error)
            return Ledger()
        if state is not None:
            self.human.append(
                HumanFacts("1 now", f"A transaction was interrupted: {state}", "hocmig recover --resume")
            )
        self.notes += ledger.problems
        return ledger

    def _before(self, rows: Iterable[ManifestRow] | None) -> tuple[_GraphBefore | None, str]:
        path = self.workspace.artifacts / GRAPH_NAME
        content = self._json(path)
        if content is None:
            return None, f"There is no {GRAPH_NAME}, so nothing is known of the imports before."
        try:
            graph = msgspec.json.decode(content, type=_GraphBefore)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            self.notes.append(f"{GRAPH_NAME} is no import graph: {_short(error)}")
            return None, f"{GRAPH_NAME} cannot be read, so nothing is known of the imports before."
        known = {node.path for node in graph.nodes}
        late = [r for r in rows or () if r.status is Status.MOVED and r.current_path not in known]
        if late:
            return (
                None,
                f"{GRAPH_NAME} was written after files had moved, so it does not tell what was before.",
            )
        return graph, f"Before: {GRAPH_NAME}, written by hocmig validate. Now: the tree as it is."

    # -- domains -------------------------------------------------------------------------------------------

    def _domain(self, path: str) -> str:
        return domain_of(path, self.config)[0]

    def _domains(self, before: _GraphBefore | None) -> tuple[DomainFacts, ...]:
        now = Counter(self._domain(path) for path in self.workspace.index.files)
        old = Counter(self._domain(node.path) for node in before.nodes) if before else Counter()
        names = sorted((set(now) | set(old)) - {""})
        return tuple(DomainFacts(n, old[n] if before else None, now[n]) for n in names)

    def _cells(self, before: _GraphBefore | None) -> tuple[CellFacts, ...]:
        now = self._between((e.importer, e.imported, e.line, e.kind.value) for e in self.graph.edges)
        old = self._between((e.importer, e.imported, e.line, e.kind) for e in before.edges) if before else {}
        rules = self.config.architecture.rules
        return tuple(
            CellFacts(
                importer=one,
                imported=other,
                before=tuple(old.get((one, other), ())) if before else None,
                now=tuple(now.get((one, other), ())),
                is_allowed=is_allowed(one, other, self.config.shared_domain, rules),
            )
            for one, other in sorted({*now, *old})
        )

    def _between(self, edges: Iterable[tuple[str, str, int, str]]) -> dict[tuple[str, str], list[ImportFact]]:
        section = self.config.architecture
        left_out = set() if section.include_typing_only else {"typing-only"}
        left_out |= set() if section.include_deferred else {"deferred"}
        found: dict[tuple[str, str], list[ImportFact]] = defaultdict(list)
        for importer, imported, line, kind in edges:
            one, other = self._domain(importer), self._domain(imported)
            if one and other and one != other and kind not in left_out:
                found[one, other].append(ImportFact(importer, imported, line, kind))
        return found

    # -- what was found ------------------------------------------------------------------------------------

    def _callers_updated(self) -> int:
        path = self.workspace.artifacts / LOG_NAME
        rows = self._table(path, ("callers_updated",))
        return sum(int(r["callers_updated"]) for r in rows if r["callers_updated"].isdecimal())

    def _cycles(self, before: _GraphBefore | None) -> tuple[CycleFacts, ...]:
        new_places = {n.path: n.moves_to or n.path for n in before.nodes} if before else {}
        old = before.cycles.existing if before else ()
        known = {(c.kind, tuple(sorted(new_places.get(m, m) for m in c.members))): c for c in old}
        found = []
        for cycle in find_cycles(self.graph):
            was_there = known.pop((cycle.kind, cycle.members), None)
            found.append(_cycle(cycle, "both" if was_there else "now"))
        return (*found, *(_cycle(cycle, "before") for cycle in known.values()))

    def _violations(self) -> tuple[ViolationFacts, ...]:
        found: list[ViolationFacts] = []
        try:
            declared = read_contracts(self.workspace)
            from analyzers.architecture.contract import ArchitectureFacts

            facts = ArchitectureFacts(self.graph, self.config)
            result = judge_architecture(facts, declared, read_accepted(self.workspace))
        except InputError as error:
            self._damaged(error)
        else:
            for group, is_accepted in ((result.new, False), (result.accepted, True)):
                found += (
                    ViolationFacts(
                        f"{v.code} {v.contract}".strip(),
                        _place(v.importer, v.line),
                        v.message,
                        v.mend,
                        shown_chain(v.chain),
                        is_accepted,
                    )
                    for v in group
                )
        try:
            verification = Verification(self.workspace, VerifyOptions())
            layers, accepted = verification.violations, verification.accepted
        except InputError as error:
            self._damaged(error)
            return tuple(found)
        found += (
            ViolationFacts(
                v.code,
                _place(v.path, v.line),
                v.message,
                "",
                is_accepted=f"{v.code} {v.key}" in accepted,
            )
            for v in layers
        )
        return tuple(found)

    def _health(self) -> HealthFacts | None:
        content = self._json(self.workspace.artifacts / HEALTH_NAME)
        if content is None:
            return None
        try:
            score = msgspec.json.decode(content, type=HealthScore)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            self.notes.append(f"{HEALTH_NAME} is no health score: {_short(error)}")
            return None
        checks = tuple(_check(name, check) for name, check in score.checks.items())
        tree = hash_of_files({p: r.sha256 or "-" for p, r in self.workspace.index.files.items()})
        health = HealthFacts(score.overall, score.score, checks, score.tree == tree)
        bad = [c.name for c in checks if c.status != "PASS"]
        if bad:
            what = f"The health check is {score.overall}: {', '.join(bad)}"
            self.human.append(HumanFacts("1 now", what, "hocmig verify --verbose"))
        elif not health.is_current:
            self.human.append(
                HumanFacts("2 soon", "The code has changed since the health check", "hocmig verify")
            )
        return health

    def _final_health(self) -> dict[str, str]:
        content = self._json(self.workspace.artifacts / FINAL_HEALTH_NAME)
        if content is None:
            return {}
        try:
            found = msgspec.json.decode(content, type=dict[str, Any])
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            self.notes.append(f"{FINAL_HEALTH_NAME} cannot be read: {_short(error)}")
            return {}
        return {k: ", ".join(map(str, v)) if isinstance(v, list) else str(v) for k, v in found.items()}

    def _duplicates(self) -> tuple[DuplicateFacts, ...] | None:
        merged: frozenset[str] = frozenset()
        try:
            merged = merged_groups(self.workspace)
        except InputError as error:
            self._damaged(error)
        try:
            return duplicate_facts(self.workspace, merged)
        except InputError as error:
            self._damaged(error)
            return None

    # -- what waits for people -------------------------------------------------------------------------------

    def _decisions(self, rows: Iterable[ManifestRow]) -> None:
        for row in rows:
            if row.status in OPEN:
                what = f"{row.migration_id} is {row.status.value}: {row.findings or row.reason}"
                command = f"hocmig resolve {row.migration_id} ACTION --reason …"
                self.human.append(HumanFacts("1 now", what, command, row.current_path))
            elif row.status is Status.FAILED:
                what = f"{row.migration_id} failed: {row.findings}"
                self.human.append(HumanFacts("1 now", what, "hocmig move", row.current_path))
            elif row.status is Status.SKIPPED:
                why = row.resolution_reason or row.findings or "no reason was given"
                what = f"{row.migration_id} was skipped and stays where it is: {why}"
                self.human.append(HumanFacts("2 soon", what, "", row.current_path))

    def _remarks(
        self,
        moves: tuple[MoveFacts, ...],
        cycles: tuple[CycleFacts, ...],
        duplicates: tuple[DuplicateFacts, ...] | None,
    ) -> None:
        failing = [c for c in cycles if c.fails and c.when != "before"]
        if failing:
            self.human.append(
                HumanFacts("1 now", f"{len(failing)} import cycles make an import fail", "hocmig validate")
            )
        to_review = sum(d.recommendation.startswith("REVIEW") for d in duplicates or () if not d.is_merged)
        if to_review:
            what = f"{to_review} groups of duplicates need a decision: which copy is right?"
            self.human.append(HumanFacts("3 later", what, "hocmig duplicates --show G001"))
        for record in self.workspace.index.unparsed:
            what = f"cannot be parsed, so nothing is known of its imports: {record.error}"
            self.human.append(HumanFacts("2 soon", what, "", _place(record.path, record.error_line)))

    # -- reading ---------------------------------------------------------------------------------------------

    def _damaged(self, error: InputError) -> None:
        note = str(error)
        if note not in self.notes:
            self.notes.append(note)

    def _json(self, path: Path) -> bytes | None:
        try:
            if path.stat().st_size > _MAX_JSON_BYTES:
                self.notes.append(f"{path.name} is larger than {_MAX_JSON_BYTES >> 20} MiB and was not read")
                return None
            return path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            self.notes.append(f"{path.name} cannot be read: {error.strerror}")
            return None

    def _table(self, path: Path, columns: tuple[str, ...]) -> list[dict[str, str]]:
        if not path.exists():
            return []
        try:
            return [row for _, row in read_csv(path, columns, shown_as=path.name)]
        except InputError as error:
            self._damaged(error)
            return []


def _cycle(cycle: Cycle, when: str) -> CycleFacts:
    steps = tuple(str(step) for step in cycle.chain)
    return CycleFacts(when, cycle.kind.value, len(cycle.members), steps, str(cycle.cut), cycle.fails)


def _check(name: str, check: Mapping[str, Any]) -> CheckFacts:
    numbers = [
        f"{k.replace('_', ' ')} {v}" for k, v in check.items() if k not in ("status", "score", "reason")
    ]
    score = check.get("score", 0)
    return CheckFacts(
        name,
        str(check.get("status", "NOT_RUN")),
        score if isinstance(score, int) else 0,
        ", ".join(numbers),
        str(check.get("reason", "")),
    )


def _place(path: str, line: int) -> str:
    return f"{path}:{line}" if line else path


def _short(error: BaseException) -> str:
    return " ".join(str(error).split())[:160]
