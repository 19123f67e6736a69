"""P0: from the audit workbook to the migration manifest and its summary."""

from __future__ import annotations

from pathlib import Path

import msgspec

from analyzers.audit_workbook import Workbook, read_workbook
from analyzers.domain_tree import read_domain_tree
from analyzers.errors import InputError
from analyzers.manifest_gates import Gate, manifest_gates
from analyzers.manifest_plan import plan_manifest
from analyzers.manifest_resolution import carry_over
from analyzers.migration_manifest import ManifestRow, Status, render_manifest
from analyzers.model import Finding
from hocmig.manifest_file import MANIFEST_NAME, manifest_path, read_current_manifest
from hocmig.manifest_summary import SUMMARY_NAME, render_summary
from hocmig.store import write_text
from hocmig.transaction.filesystem import Tree
from hocmig.transaction.recovery import refuse_when_pending
from hocmig.workspace import Workspace


class ManifestResult(msgspec.Struct, frozen=True):
    """What P0 found: rows per status (all statuses, also those with none), gates, findings, files written."""

    phase: str
    ready: bool
    rows: int
    by_status: dict[str, int]
    gates: tuple[Gate, ...]
    findings: tuple[Finding, ...]
    artifacts: tuple[str, ...]


def run(workspace: Workspace, workbook: Path | None = None) -> ManifestResult:
    """Read the workbook, make the manifest, keep the resolutions of the one before, write both artifacts.

    Raises:
        InputError: no domain root or workbook is configured, or an input file is wrong; nothing is written.
        InterruptedTransactionError: a transaction must be recovered first.
    """
    config = workspace.config
    with Tree(workspace.root) as tree:
        refuse_when_pending(tree)
    if not config.domain_root:
        raise InputError("hocmig.yaml", 0, "has no domain_root", "name the folder that holds the domains")
    read = _workbook(workspace, workbook)
    domain_tree = read_domain_tree(workspace.root, config.domain_root)
    previous = read_current_manifest(workspace) or ()
    rows, found = plan_manifest(read, domain_tree, workspace.layout, previous)
    rows, stale = carry_over(rows, previous, domain_tree, workspace.layout)
    gates = manifest_gates(rows, config.expect.misplaced)
    findings = (*read.findings, *found, *stale)
    write_text(manifest_path(workspace), render_manifest(rows))
    write_text(workspace.artifacts / SUMMARY_NAME, render_summary(read, rows, gates, findings))
    return ManifestResult(
        phase="P0",
        ready=all(gate.passed for gate in gates),
        rows=len(rows),
        by_status=count_by_status(rows),
        gates=gates,
        findings=findings,
        artifacts=tuple(f"{config.artifact_folder}/{name}" for name in (MANIFEST_NAME, SUMMARY_NAME)),
    )


def count_by_status(rows: tuple[ManifestRow, ...]) -> dict[str, int]:
    """The number of rows of each status, in the order of the statuses."""
    return {status.value: sum(row.status is status for row in rows) for status in Status}


def _workbook(workspace: Workspace, given: Path | None) -> Workbook:
    if given is None and not workspace.config.workbook:
        raise InputError(
            "hocmig.yaml", 0, "names no workbook", "add the key workbook, or use --workbook FILE"
        )
    path = given or workspace.root / workspace.config.workbook
    inside = path.resolve().is_relative_to(workspace.root)
    return read_workbook(path, path.resolve().relative_to(workspace.root).as_posix() if inside else str(path))
