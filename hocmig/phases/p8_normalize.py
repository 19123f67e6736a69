"""P8: one import path for each shared name, then the final audit: matrix, architecture report, health.

Source: the migration plan, phase 8.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import msgspec

from analyzers.architecture.contract import ArchitectureFacts
from analyzers.architecture.evaluation import ArchitectureResult
from analyzers.csv_table import render_csv
from analyzers.dependency_matrix import MATRIX_COLUMNS, MATRIX_NAME, MatrixCell, dependency_matrix
from analyzers.errors import GateError, InputError
from analyzers.export_registry import REGISTRY_NAME, ExportRegistry, build_registry, render_registry
from analyzers.final_health import FINAL_HEALTH_NAME, FinalHealth, final_health
from analyzers.import_graph import ImportGraph
from analyzers.migration_progress import phase_progress
from analyzers.model import Finding
from hocmig import __version__
from hocmig.architecture import judge_architecture, read_accepted, read_contracts
from hocmig.architecture_report import REPORT_NAME, architecture_report
from hocmig.artifact_changes import appended_rows, artifact_change
from hocmig.import_normalizing import NormalizedTree, normalize_tree
from hocmig.lock_renewal import renewed_locks
from hocmig.manifest_file import read_current_manifest
from hocmig.repository_reader import RepositoryReader
from hocmig.run_plan import needless
from hocmig.transaction.change import ChangeSet, FileChange, sha256
from hocmig.transaction.clock import timestamp
from hocmig.transaction.recovery import refuse_interrupted
from hocmig.transaction.transaction import TransactionResult, run_transaction
from hocmig.workspace import Workspace

LOG_NAME = "PHASE8_IMPORT_LOG.csv"
LOG_COLUMNS = ("timestamp", "file", "line", "old_import", "new_import", "status", "reason")


@dataclass(frozen=True)
class NormalizePhase:
    """What P8 would do or did.

    `findings` are clashes of names and what blocks; `change_set` changes code alone, without the artifacts.
    """

    registry: ExportRegistry
    tree: NormalizedTree
    findings: tuple[Finding, ...]
    change_set: ChangeSet
    architecture: ArchitectureResult
    matrix: tuple[MatrixCell, ...]
    health: FinalHealth

    @property
    def blocking(self) -> tuple[Finding, ...]:
        return tuple(f for f in self.findings if f.severity == "error")


def prepare(workspace: Workspace, policy: str = "") -> NormalizePhase:
    """Build the registry, plan and prove the normalization, judge the tree as it would be.

    Args:
        policy: `defining` or `facade`; empty: as configured.

    Raises:
        InputError: there is no shared domain, or contracts or baseline are malformed.
        InterruptedTransactionError: a transaction must be recovered first.
    """
    refuse_interrupted(workspace.root)
    config = workspace.config
    declared, accepted = read_contracts(workspace), read_accepted(workspace)
    graph = ImportGraph(workspace.index)
    before = ArchitectureFacts(graph, config)
    if not before.shared:
        where = (
            f"{config.domain_root}/{config.shared_domain}" if config.domain_root else "without domain_root"
        )
        problem = f"there is no shared domain ({where})"
        raise InputError(
            "hocmig.yaml", 0, problem, "set domain_root and shared_domain, or see `hocmig check`"
        )
    read = RepositoryReader(workspace.root)
    registry, clashes = build_registry(
        workspace.index, graph.resolver, before.shared, policy or config.architecture.canonical
    )
    tree = normalize_tree(workspace, graph, registry, read)
    facts = ArchitectureFacts(ImportGraph(tree.after), config)
    result = judge_architecture(facts, declared, accepted)
    matrix = dependency_matrix(facts, {(v.importer, v.imported) for v in result.accepted if not v.contract})
    changes = [
        FileChange(path=path, content=content, before_sha256=sha256(read(path)))
        for path, content in tree.contents.items()
    ]
    return NormalizePhase(
        registry=registry,
        tree=tree,
        findings=(*tree.findings, *clashes),
        change_set=ChangeSet(tuple(changes)),
        architecture=result,
        matrix=matrix,
        health=_health(workspace, facts, result, matrix, tree, len(registry.clashes)),
    )


def execute(
    workspace: Workspace, phase: NormalizePhase, *, command: tuple[str, ...], git_stage: bool, reason: str
) -> TransactionResult:
    """Change imports, write all artifacts and renew locks in one transaction, with a backup for `--revert`.

    Raises:
        GateError: a finding blocks it; nothing was written.
        LockError: the tree is locked, and its registry or guard rules cannot be read.
        StaleInputError, RolledBackError, InterruptedTransactionError: see `run_transaction`.
    """
    if phase.blocking:
        raise GateError(f"nothing was changed: {len(phase.blocking)} findings block it")
    locks = renewed_locks(workspace, phase.tree.after, phase.change_set)
    changes = (*phase.change_set.changes, *_artifacts(workspace, phase), *locks)
    return run_transaction(
        workspace.root,
        ChangeSet(changes),
        phase="P8",
        command=command,
        backup=True,
        reason=reason,
        git_stage=git_stage,
    )


def artifact_names(workspace: Workspace) -> tuple[str, ...]:
    """The artifacts that `execute` writes, relative to the repository root."""
    names = (REGISTRY_NAME, LOG_NAME, MATRIX_NAME, REPORT_NAME, FINAL_HEALTH_NAME)
    return tuple(f"{workspace.config.artifact_folder}/{name}" for name in names)


def _health(
    workspace: Workspace,
    facts: ArchitectureFacts,
    result: ArchitectureResult,
    matrix: tuple[MatrixCell, ...],
    tree: NormalizedTree,
    clashes: int,
) -> FinalHealth:
    inside = {path for path in facts.graph.index.files if facts.domain(path)}
    imports = [edge for edge in facts.graph.edges if edge.imported and edge.importer in inside]
    broken = {(v.importer, v.imported) for v in result.new}
    folder = workspace.artifacts
    existing = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    # This very run completes P8.
    progress = phase_progress({*existing, *(name.rpartition("/")[2] for name in artifact_names(workspace))})
    rows = read_current_manifest(workspace)
    left = [p.phase for p in progress if p.state != "done" and not needless(workspace, p.phase, rows)]
    return final_health(
        domains=len(facts.domains),
        total_files=len(inside),
        total_imports=len(imports),
        detours=len({(s.path, s.ordinal) for s in tree.left if s.path in inside}),
        violations=len(result.new),
        breaking_imports=sum((edge.importer, edge.imported) in broken for edge in imports),
        matrix_is_clean=all(cell.is_compliant for cell in matrix),
        completed=[phase.phase for phase in progress if phase.state == "done"],
        open_phases=left,
        accepted=len(result.accepted),
        stale=len(result.stale),
        clashes=clashes,
        tool_version=__version__,
    )


def _artifacts(workspace: Workspace, phase: NormalizePhase) -> list[FileChange]:
    folder = workspace.artifacts
    change = partial(artifact_change, workspace)
    log = folder / LOG_NAME
    clashes = [f for f in phase.findings if f.code.startswith("NORM")]
    report = architecture_report(
        phase.health, phase.architecture, phase.matrix, phase.tree.left, clashes, len(phase.tree.rewritten)
    )
    health = msgspec.json.format(msgspec.json.encode(phase.health), indent=2) + b"\n"
    matrix = render_csv(MATRIX_COLUMNS, (cell.row for cell in phase.matrix))
    return [
        change(folder / REGISTRY_NAME, render_registry(phase.registry).encode()),
        change(log, appended_rows(log, LOG_COLUMNS, _log_rows(phase.tree))),
        change(folder / MATRIX_NAME, matrix.encode("utf-8", "surrogateescape")),
        change(folder / REPORT_NAME, report.encode()),
        change(folder / FINAL_HEALTH_NAME, health),
    ]


def _log_rows(tree: NormalizedTree) -> list[tuple[object, ...]]:
    time = timestamp()
    return [
        (
            time,
            s.path,
            s.line,
            f"{s.module}.{s.name}",
            f"{s.new_module}.{s.new_name}",
            "LEFT" if s.reason else "REWRITTEN",
            s.reason,
        )
        for s in tree.imports
        if not s.is_canonical
    ]
