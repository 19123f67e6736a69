"""P7: carry out the clusters of CLUSTER_DEFINITIONS.yaml: definitions move, files end, callers follow.

Source: the migration plan, phase 7.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from analyzers.affected_files import affected_files
from analyzers.cluster_definitions import Cluster, read_clusters
from analyzers.cluster_moves import ClusterMoves, plan_cluster
from analyzers.ended_names import ended_names
from analyzers.errors import InputError
from analyzers.import_graph import EdgeKind, ImportGraph
from analyzers.model import Finding, Relocation
from analyzers.relocation_map import RelocationMap
from analyzers.strong_components import components
from hocmig.artifact_changes import appended_rows, artifact_change
from hocmig.cluster_report import refactor_plan_text
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

CLUSTERS_NAME = "CLUSTER_DEFINITIONS.yaml"
PLAN_NAME = "PHASE7_REFACTOR_PLAN.md"
LOG_NAME = "PHASE7_REFACTOR_LOG.csv"
RELOCATIONS_NAME = "PHASE7_RELOCATIONS.csv"
LOG_COLUMNS = (
    "cluster_id",
    "timestamp",
    "original_files",
    "new_files",
    "functions_moved",
    "callers_updated",
    "loc_before",
    "loc_after",
    "status",
)
RELOCATION_COLUMNS = ("old_module", "old_symbol", "new_module", "new_symbol")


@dataclass(frozen=True)
class ClusterResult:
    """The numbers of one cluster, as the log gives them."""

    name: str
    original_files: int
    new_files: int
    functions_moved: int
    callers_updated: int
    loc_before: int
    loc_after: int


@dataclass(frozen=True)
class RefactorPhase:
    """What P7 would do or did: the clusters with their moves, those that are done, the relocation."""

    clusters: tuple[ClusterMoves, ...]
    done: tuple[str, ...]
    prepared: PreparedRelocation | None
    results: tuple[ClusterResult, ...] = ()


def clusters_file(workspace: Workspace) -> Path:
    """The file of definitions: as configured (`clusters`), else in the artifact folder."""
    configured = workspace.config.clusters
    return workspace.root / configured if configured else workspace.artifacts / CLUSTERS_NAME


def prepare(workspace: Workspace, options: RelocationOptions, names: Sequence[str] = ()) -> RefactorPhase:
    """Prepare all clusters, or those called `names`, as one change.

    Raises:
        InputError: no definitions, malformed ones, or ones that do not fit the tree.
    """
    file = clusters_file(workspace)
    shown_as = _shown(file, workspace)
    if not file.exists():
        mend = "write it (docs/symbol-moves.md), or begin with a draft: `hocmig refactor --suggest`"
        raise InputError(shown_as, 0, "does not exist: the clusters are defined in it", mend)
    chosen = _chosen(read_clusters(file, workspace.config.domain_root, shown_as), names, shown_as)
    done = [c.name for c in chosen if _is_done(c, workspace)]
    moves = [
        plan_cluster(c, workspace.index, RepositoryReader(workspace.root), shown_as)
        for c in chosen
        if c.name not in done
    ]
    _check_apart(moves, shown_as)
    if not moves:
        return RefactorPhase((), tuple(done), None)
    merging = Merging(
        dissolved={k: v for m in moves for k, v in m.dissolved.items()},
        heads={k: v for m in moves for k, v in m.heads.items()},
        exports={k: v for m in moves for k, v in m.exports.items()},
    )
    relocations = [r for m in moves for r in m.relocations()]
    options = replace(options, allow_merges=True, merging=merging)
    prepared = prepare_relocation(workspace, relocations, options)
    more = (
        *_cyclic_targets(moves, prepared, options, shown_as),
        *_divided_mentions(workspace, moves, prepared, options),
    )
    prepared = replace(prepared, findings=(*prepared.findings, *more))
    results = tuple(_result(workspace, m, prepared) for m in moves)
    return RefactorPhase(tuple(moves), tuple(done), prepared, results)


def plan_text(workspace: Workspace, phase: RefactorPhase) -> str:
    """PHASE7_REFACTOR_PLAN.md of a prepared phase."""
    findings = phase.prepared.findings if phase.prepared is not None else ()
    ended: dict[str, tuple[str, ...]] = {}
    if phase.prepared is not None and phase.prepared.after is not None:
        ended = ended_names(workspace.index, phase.prepared.after, phase.prepared.relocations)
    return refactor_plan_text(phase.clusters, phase.results, findings, workspace.config.domain_root, ended)


def write_plan(workspace: Workspace, phase: RefactorPhase) -> Path:
    """Write PHASE7_REFACTOR_PLAN.md and return its path."""
    path = workspace.artifacts / PLAN_NAME
    write_text(path, plan_text(workspace, phase))
    return path


def execute(
    workspace: Workspace, phase: RefactorPhase, *, command: tuple[str, ...], git_stage: bool, reason: str
) -> TransactionResult:
    """Write the plan, then carry it out with log, relocations and locks in one transaction, with a backup.

    Raises:
        LockError: the tree is locked, and its registry or guard rules cannot be read.
        GateError, StaleInputError, RolledBackError, InterruptedTransactionError: see `execute_relocation`.
    """
    assert phase.prepared is not None
    assert phase.prepared.after is not None
    change_set = phase.prepared.change_set
    locks = renewed_locks(workspace, phase.prepared.after, change_set)
    write_plan(workspace, phase)
    changes = (*change_set.changes, *_artifacts(workspace, phase), *locks)
    prepared = replace(phase.prepared, change_set=replace(change_set, changes=changes))
    return execute_relocation(
        workspace,
        prepared,
        phase="P7",
        command=command,
        backup=True,
        reason=reason,
        git_stage=git_stage,
        migration_ids=tuple(m.cluster.name for m in phase.clusters),
    )


def log_rollback(workspace: Workspace, names: Iterable[str]) -> None:
    """After a rollback: the log says which clusters were taken back."""
    rows = [(name, timestamp(), 0, 0, 0, 0, 0, 0, "ROLLED_BACK") for name in names]
    path = workspace.artifacts / LOG_NAME
    write_text(path, appended_rows(path, LOG_COLUMNS, rows).decode())


# -- parts -------------------------------------------------------------------------------------------------


def _chosen(clusters: Sequence[Cluster], names: Sequence[str], shown_as: str) -> list[Cluster]:
    known = {c.name for c in clusters}
    for name in names:
        if name not in known:
            raise InputError(
                "--cluster", 0, f"{shown_as} has no cluster {name}", f"it has {', '.join(sorted(known))}"
            )
    return [c for c in clusters if not names or c.name in names]


def _is_done(cluster: Cluster, workspace: Workspace) -> bool:
    """Whether all files that end are gone and all targets are there."""
    targets = {t.path for t in cluster.targets}
    files = workspace.index.files
    ended = [path for path, _ in cluster.files if path not in targets]
    return bool(ended) and not any(p in files for p in ended) and all(t in files for t in targets)


def _cyclic_targets(
    moves: Sequence[ClusterMoves], prepared: PreparedRelocation, options: RelocationOptions, shown_as: str
) -> list[Finding]:
    """A finding for each group of targets of one cluster that import each other when they are imported.

    Cycles that lead through other files were there before (through the files that end), or are findings of
    the relocation.
    """
    is_asked = "CLUSTER010" not in options.allow and any(c.is_blocking for c in prepared.cycles)
    if prepared.after is None or not is_asked:
        return []
    graph = ImportGraph(prepared.after)
    found = []
    for cluster in moves:
        targets = set(cluster.targets)
        steps = [
            edge
            for path in cluster.targets
            for edge in graph.by_importer.get(path, ())
            if edge.kind is EdgeKind.IMPORT_TIME and edge.imported in targets - {path}
        ]
        links = {path: [e.imported for e in steps if e.importer == path] for path in targets}
        for knot in components(links):
            inside = sorted(knot)
            chain = "; ".join(
                f"{e.importer}:{e.line} imports {e.imported}"
                + (f" ({', '.join(e.names)})" if e.names else "")
                for e in steps
                if {e.importer, e.imported} <= knot
            )
            message = f"{' and '.join(inside)} would import each other: {chain}"
            mend = "send what they share to a third file, or accept it with --allow CLUSTER010"
            line = min(t.line for t in cluster.cluster.targets if t.path in knot)
            found.append(
                Finding(
                    code="CLUSTER010",
                    severity="error",
                    path=shown_as,
                    line=line,
                    message=message,
                    mend=mend,
                )
            )
    return found


def _divided_mentions(
    workspace: Workspace,
    moves: Sequence[ClusterMoves],
    prepared: PreparedRelocation,
    options: RelocationOptions,
) -> list[Finding]:
    """A warning for each text that names a module which becomes several: it can only name one."""
    divided: dict[str, str] = {}
    for cluster in moves if "CLUSTER011" not in options.allow else ():
        goals: dict[str, set[str]] = {}
        for entry in cluster.assignments:
            goals.setdefault(entry.source, set()).add(entry.target)
        for module, targets in goals.items():
            if module in cluster.dissolved and len(targets) > 1:
                divided[module] = ", ".join(sorted(targets))
                divided[workspace.index.modules[module]] = divided[module]
    found = []
    for reference in prepared.references:
        whole = next((n for n in divided if n == reference.old or n.endswith("/" + reference.old)), "")
        if whole and reference.new:
            message = f"names {reference.old}, which is divided into {divided[whole]}; here: {reference.new}"
            mend = "look whether the others should be named, too"
            found.append(
                Finding(
                    code="CLUSTER011",
                    severity="warning",
                    path=reference.path,
                    line=reference.line,
                    message=message,
                    mend=mend,
                )
            )
    return found


def _check_apart(moves: Sequence[ClusterMoves], shown_as: str) -> None:
    owner: dict[str, str] = {}
    for cluster in moves:
        for path in {*cluster.sources, *cluster.targets}:
            other = owner.setdefault(path, cluster.cluster.name)
            if other != cluster.cluster.name:
                raise InputError(
                    shown_as,
                    cluster.cluster.line,
                    f"{path} belongs to the clusters {other} and {cluster.cluster.name}",
                    "join them, or run one with --cluster first",
                )


def _result(workspace: Workspace, moves: ClusterMoves, prepared: PreparedRelocation) -> ClusterResult:
    read = RepositoryReader(workspace.root)
    relocations = RelocationMap(moves.relocations(), allow_merges=True)
    inside = {*moves.sources, *moves.targets}
    reached = affected_files(workspace.index, relocations, workspace.index.resolver, read)
    callers = set(reached) & set(prepared.rewritten) - inside
    written = prepared.change_set.written
    after = 0
    for path in inside:
        change = written.get(path)
        if change is not None and change.content is not None:
            after += _lines(change.content)
    moved = [a for a in moves.assignments if a.source != a.target]
    return ClusterResult(
        moves.cluster.name,
        len(moves.sources),
        len(moves.targets),
        len(moved),
        len(callers),
        sum(_lines(read(path)) for path in moves.sources),
        after,
    )


def _lines(content: bytes) -> int:
    return len(content.splitlines())


def _artifacts(workspace: Workspace, phase: RefactorPhase) -> list[FileChange]:
    time = timestamp()
    rows = [
        (
            r.name,
            time,
            r.original_files,
            r.new_files,
            r.functions_moved,
            r.callers_updated,
            r.loc_before,
            r.loc_after,
            "SUCCESS",
        )
        for r in phase.results
    ]
    log = workspace.artifacts / LOG_NAME
    table = workspace.artifacts / RELOCATIONS_NAME
    assert phase.prepared is not None
    entries = _relocation_rows(phase.prepared.relocations.relocations)
    return [
        artifact_change(workspace, log, appended_rows(log, LOG_COLUMNS, rows)),
        artifact_change(workspace, table, appended_rows(table, RELOCATION_COLUMNS, entries)),
    ]


def _relocation_rows(relocations: Iterable[Relocation]) -> list[tuple[str, str, str, str]]:
    return [(r.old_module, r.old_symbol, r.new_module, r.new_symbol) for r in relocations]


def _shown(file: Path, workspace: Workspace) -> str:
    return file.relative_to(workspace.root).as_posix() if file.is_relative_to(workspace.root) else str(file)
