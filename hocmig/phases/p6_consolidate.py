"""P6: carry out candidates for consolidation: copies go, callers use the one that stays.

Source: the migration plan, phase 6.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from analyzers.affected_files import affected_files
from analyzers.consolidation import (
    Candidate,
    Consolidation,
    Surroundings,
    plan_consolidation,
    read_candidates,
)
from analyzers.csv_table import read_csv
from analyzers.ended_names import ended_names
from analyzers.errors import InputError
from analyzers.import_index import SourceIndex
from analyzers.model import Finding
from analyzers.name_resolution import NameResolver
from analyzers.relocation_map import RelocationMap
from analyzers.symbol_moves.module_clients import ModuleClients
from hocmig.artifact_changes import appended_rows, artifact_change
from hocmig.consolidation_report import savings_text
from hocmig.lock_renewal import renewed_locks
from hocmig.prepared_relocation import PreparedRelocation, RelocationOptions
from hocmig.relocation import execute_relocation, prepare_relocation
from hocmig.repository_reader import RepositoryReader
from hocmig.store import write_text
from hocmig.symbol_moving import Merging
from hocmig.transaction.change import FileChange
from hocmig.transaction.clock import timestamp
from hocmig.transaction.transaction import TransactionResult
from hocmig.workspace import Workspace

CANDIDATES_NAME = "PHASE5_CONSOLIDATION_CANDIDATES.csv"
LOG_NAME = "PHASE6_CONSOLIDATION_LOG.csv"
SAVINGS_NAME = "PHASE6_LOC_SAVINGS.md"
RELOCATIONS_NAME = "PHASE6_RELOCATIONS.csv"
LOG_COLUMNS = (
    "candidate_id",
    "timestamp",
    "canonical_path",
    "deleted_paths",
    "callers_updated",
    "functions_merged",
    "status",
    "reason",
)
#: Findings for which another copy is tried, and how many others.
_CYCLES = frozenset({"CYCLE001", "CYCLE002", "SYMBOL019"})
_MOST_TURNS = 3
RELOCATION_COLUMNS = ("old_module", "old_symbol", "new_module", "new_symbol")


@dataclass(frozen=True)
class ConsolidatePhase:
    """What P6 would do or did.

    `merged` are carried out together, `others` are not, each with its reason; `callers` counts the updated
    files per candidate, `lines_before` and `lines_after` those of all Python files that change.
    """

    merged: tuple[Consolidation, ...]
    others: tuple[Consolidation, ...]
    prepared: PreparedRelocation | None
    callers: dict[str, int]
    lines_before: int = 0
    lines_after: int = 0

    @property
    def refused(self) -> tuple[Consolidation, ...]:
        return tuple(c for c in self.others if c.action == "refused")


def prepare(
    workspace: Workspace,
    options: RelocationOptions,
    names: Sequence[str] = (),
    *,
    extracts: bool = True,
) -> ConsolidatePhase:
    """Prepare the candidates called `names`, or all that can be carried out, as one change.

    Raises:
        InputError: no candidates, malformed ones, or a named one that is stale or not there.
    """
    file = workspace.artifacts / CANDIDATES_NAME
    shown_as = file.relative_to(workspace.root).as_posix()
    candidates = _chosen(read_candidates(file, shown_as), names, shown_as)
    read = RepositoryReader(workspace.root)
    around = Surroundings(
        workspace.config.domain_root.strip("/"),
        workspace.config.shared_domain if workspace.config.domain_root else "",
    )
    finished = _finished(workspace, candidates)
    clients = ModuleClients(workspace.index, workspace.index.resolver, read)
    decided = []
    for candidate in candidates:
        found = plan_consolidation(
            candidate, workspace.index, read, around, extracts=extracts, clients=clients
        )
        if not names and found.action == "merge" and candidate.recommendation.startswith("REVIEW"):
            found = replace(found, action="plan", reason="is to be reviewed; name it with --candidate")
        if found.action == "refused" and "does not" in found.reason and candidate.candidate_id in finished:
            found = replace(found, action="done", reason="was carried out before")
        if found.action == "refused" and "run `hocmig duplicates`" in found.reason:
            problem, _, mend = found.reason.partition("; ")
            if names:
                raise InputError(shown_as, candidate.line, f"{candidate.candidate_id}: {problem}", mend)
            found = replace(found, reason=f"{shown_as}:{candidate.line}: {found.reason}")
        decided.append(found)
    chosen, later = _without_overlaps([d for d in decided if d.action == "merge"])
    others = [d for d in decided if d.action != "merge"] + later

    def plan_again(candidate: Candidate) -> Consolidation:
        return plan_consolidation(
            candidate, workspace.index, read, around, extracts=extracts, clients=clients
        )

    chosen, refused, prepared = _prepared(workspace, options, chosen, plan_again)
    if prepared is None:
        return ConsolidatePhase((), (*others, *refused), None, {})
    before, after = _lines(workspace, prepared)
    # One resolver and one reader for all: each of them reads the whole repository once.
    resolver, read = workspace.index.resolver, RepositoryReader(workspace.root)
    callers = {
        c.candidate.candidate_id: _callers(workspace.index, c, prepared, resolver, read) for c in chosen
    }
    return ConsolidatePhase(tuple(chosen), (*others, *refused), prepared, callers, before, after)


def execute(
    workspace: Workspace, phase: ConsolidatePhase, *, command: tuple[str, ...], git_stage: bool, reason: str
) -> TransactionResult:
    """Carry it out with log, savings, relocations and locks in the same transaction, with a backup.

    Raises:
        LockError: the tree is locked, and its registry or guard rules cannot be read.
        GateError, StaleInputError, RolledBackError, InterruptedTransactionError: see `execute_relocation`.
    """
    assert phase.prepared is not None
    assert phase.prepared.after is not None
    change_set = phase.prepared.change_set
    locks = renewed_locks(workspace, phase.prepared.after, change_set)
    changes = (*change_set.changes, *_artifacts(workspace, phase), *locks)
    return execute_relocation(
        workspace,
        replace(phase.prepared, change_set=replace(change_set, changes=changes)),
        phase="P6",
        command=command,
        backup=True,
        reason=reason,
        git_stage=git_stage,
        migration_ids=tuple(c.candidate.candidate_id for c in phase.merged),
    )


def log_nothing(workspace: Workspace, phase: ConsolidatePhase) -> None:
    """After an execution without anything to carry out: log and savings are there, and say so."""
    log = workspace.artifacts / LOG_NAME
    if not log.is_file():
        write_text(log, appended_rows(log, LOG_COLUMNS, []).decode())
        write_text(workspace.artifacts / SAVINGS_NAME, savings_text(phase, {}))


def log_rollback(workspace: Workspace, names: Iterable[str]) -> None:
    """After a rollback: the log says which candidates were taken back."""
    path = workspace.artifacts / LOG_NAME
    rows = [(name, timestamp(), "", "", 0, 0, "ROLLED_BACK", "") for name in names]
    write_text(path, appended_rows(path, LOG_COLUMNS, rows).decode())


# -- parts -------------------------------------------------------------------------------------------------


def _chosen(candidates: Sequence[Candidate], names: Sequence[str], shown_as: str) -> list[Candidate]:
    known = {c.candidate_id for c in candidates}
    for name in names:
        if name not in known:
            raise InputError(
                "--candidate", 0, f"{shown_as} has no candidate {name}", "run `hocmig duplicates` again"
            )
    return [c for c in candidates if not names or c.candidate_id in names]


def _finished(workspace: Workspace, candidates: Sequence[Candidate]) -> set[str]:
    """The candidates that the log says were carried out, with the same copies, and not taken back."""
    log = workspace.artifacts / LOG_NAME
    if not log.is_file():
        return set()
    status: dict[str, tuple[str, str]] = {}
    for _, row in read_csv(log, LOG_COLUMNS[:7], shown_as=LOG_NAME):
        if row["status"] == "ROLLED_BACK":
            status.pop(row["candidate_id"], None)
        else:
            status[row["candidate_id"]] = row["status"], row["deleted_paths"]
    return {c.candidate_id for c in candidates if _is_carried_out(c, *status.get(c.candidate_id, ("", "")))}


def _is_carried_out(candidate: Candidate, status: str, deleted: str) -> bool:
    """Whether all places but one went; another one than the candidate says may have stayed."""
    gone, places = set(deleted.split(",")), {str(place) for place in candidate.locations}
    return status == "SUCCESS" and gone <= places and len(gone) == len(places) - 1


def _without_overlaps(
    chosen: Sequence[Consolidation],
) -> tuple[list[Consolidation], list[Consolidation]]:
    """Those that can be carried out together, whole files first, and those that must wait."""
    files: dict[str, str] = {}
    symbols: dict[tuple[str, str], tuple[str, str, str]] = {}
    paths: dict[str, str] = {}
    kept: dict[str, Consolidation] = {}
    later: list[Consolidation] = []
    for entry in sorted(chosen, key=lambda c: not c.candidate.is_files):
        number = entry.candidate.candidate_id
        clash = next((files[p] for p in sorted(entry.touched) if p in files), "")
        if entry.candidate.is_files and not clash:
            clash = next((paths[p] for p in sorted(entry.touched) if p in paths), "")
        for move in entry.relocations:
            if not move.old_symbol:
                continue
            other = symbols.get((move.old_module, move.old_symbol))
            if other is not None and other[1:] != (move.new_module, move.new_symbol):
                clash = clash or other[0]
        if clash:
            reason = f"touches the same files as {clash}; run it again afterwards"
            later.append(replace(entry, action="plan", reason=reason))
            continue
        kept[number] = entry
        if entry.candidate.is_files:
            files.update(dict.fromkeys(entry.touched, number))
        paths.update(dict.fromkeys(entry.touched, number))
        for move in entry.relocations:
            symbols[move.old_module, move.old_symbol] = (number, move.new_module, move.new_symbol)
    return [c for c in chosen if c.candidate.candidate_id in kept], later


def _prepared(
    workspace: Workspace,
    options: RelocationOptions,
    chosen: list[Consolidation],
    plan_again: Callable[[Candidate], Consolidation],
) -> tuple[list[Consolidation], list[Consolidation], PreparedRelocation | None]:
    """Prepare as many as go together; those that findings block are refused with them.

    Where the copy that was to stay would make an import cycle, another one stays, if that makes none.
    """
    refused: list[Consolidation] = []
    turned: set[str] = set()
    while chosen:
        prepared = _prepare_together(workspace, options, chosen)
        if not prepared.blocking:
            return chosen, refused, prepared
        blamed = _blamed(chosen, prepared.blocking)
        if not blamed and len(chosen) == 1:
            blamed = {chosen[0].candidate.candidate_id: list(prepared.blocking)}
        if not blamed:
            # Nothing tells who is to blame: each is tried alone.
            for entry in chosen:
                alone = _prepare_together(workspace, options, [entry])
                if alone.blocking:
                    blamed[entry.candidate.candidate_id] = list(alone.blocking)
        if not blamed:
            blamed = {chosen[-1].candidate.candidate_id: list(prepared.blocking)}
        kept = []
        for entry in chosen:
            number = entry.candidate.candidate_id
            findings = blamed.get(number)
            if not findings:
                kept.append(entry)
                continue
            other = None
            if number not in turned and {f.code for f in findings} <= _CYCLES:
                turned.add(number)
                other = _other_way(workspace, options, entry, plan_again)
            if other is not None:
                kept.append(other)
            else:
                said = "; ".join(str(f) for f in findings[:3])
                refused.append(replace(entry, action="refused", reason=said))
        chosen = kept
    return [], refused, None


def _other_way(
    workspace: Workspace,
    options: RelocationOptions,
    entry: Consolidation,
    plan_again: Callable[[Candidate], Consolidation],
) -> Consolidation | None:
    """The same candidate with the first other copy that can stay; None when none can."""
    candidate = entry.candidate
    for copy in candidate.copies[:_MOST_TURNS]:
        others = tuple(place for place in candidate.locations if place is not copy)
        found = plan_again(replace(candidate, canonical=copy, copies=others, reason=""))
        if found.action != "merge" or found.canonical == entry.canonical:
            continue
        if not _prepare_together(workspace, options, [found]).blocking:
            reason = f"{entry.canonical} would make an import cycle"
            return replace(found, candidate=candidate, reason=reason)
    return None


def _prepare_together(
    workspace: Workspace, options: RelocationOptions, chosen: Sequence[Consolidation]
) -> PreparedRelocation:
    dissolved = {old: new for c in chosen for old, new in (c.dissolved or {}).items()}
    merging = Merging(dissolved=dissolved, merges_identical=True)
    relocations = [r for c in chosen for r in c.relocations]
    return prepare_relocation(workspace, relocations, replace(options, allow_merges=True, merging=merging))


def _blamed(chosen: Sequence[Consolidation], findings: Iterable[Finding]) -> dict[str, list[Finding]]:
    """The findings by candidate: those whose lines they are in, else all that touch their files."""
    found: dict[str, list[Finding]] = {}
    for finding in findings:
        exact = [
            entry
            for entry in chosen
            for place in entry.candidate.locations
            if place.path == finding.path and place.first <= finding.line <= place.last
        ]
        for entry in exact or [c for c in chosen if finding.path in c.touched]:
            found.setdefault(entry.candidate.candidate_id, []).append(finding)
    return found


def _callers(
    index: SourceIndex,
    entry: Consolidation,
    prepared: PreparedRelocation,
    resolver: NameResolver,
    read: RepositoryReader,
) -> int:
    relocations = RelocationMap(entry.relocations, allow_merges=True)
    reached = affected_files(index, relocations, resolver, read)
    return len(set(reached) & set(prepared.rewritten) - entry.touched)


def _lines(workspace: Workspace, prepared: PreparedRelocation) -> tuple[int, int]:
    before = after = 0
    read = RepositoryReader(workspace.root)
    for change in prepared.change_set.changes:
        if not change.path.endswith(".py"):
            continue
        if change.before_sha256 is not None:
            before += len(read(change.source).splitlines())
        if change.content is not None:
            after += len(change.content.splitlines())
    return before, after


def _artifacts(workspace: Workspace, phase: ConsolidatePhase) -> list[FileChange]:
    time = timestamp()
    rows: list[tuple[object, ...]] = []
    for entry in phase.merged:
        number = entry.candidate.candidate_id
        merged = len(entry.merged) if entry.candidate.is_files else len(entry.candidate.copies)
        rows.append(
            (
                number,
                time,
                entry.canonical,
                ",".join(entry.deleted),
                phase.callers[number],
                merged,
                "SUCCESS",
                entry.reason,
            )
        )
    for entry in phase.refused:
        number = entry.candidate.candidate_id
        rows.append((number, time, entry.canonical, "", 0, 0, "REFUSED", entry.reason))
    log, table = workspace.artifacts / LOG_NAME, workspace.artifacts / RELOCATIONS_NAME
    assert phase.prepared is not None
    assert phase.prepared.after is not None
    # With the helpers that went along, of which the candidates do not speak.
    moves = phase.prepared.relocations
    entries = [(r.old_module, r.old_symbol, r.new_module, r.new_symbol) for r in moves.relocations]
    text = savings_text(phase, ended_names(workspace.index, phase.prepared.after, moves))
    return [
        artifact_change(workspace, log, appended_rows(log, LOG_COLUMNS, rows)),
        artifact_change(workspace, table, appended_rows(table, RELOCATION_COLUMNS, entries)),
        artifact_change(workspace, workspace.artifacts / SAVINGS_NAME, text.encode()),
    ]
