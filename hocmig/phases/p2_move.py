"""P2: carry out the manifest: move the files, rewrite every reference, write the execution log."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import msgspec

from analyzers.companions import with_stubs
from analyzers.csv_table import render_csv
from analyzers.errors import InputError
from analyzers.migration_manifest import MOVABLE, ManifestRow, Status, relocations_of, render_manifest
from hocmig.manifest_file import manifest_path, require_manifest, write_manifest
from hocmig.prepared_relocation import PreparedRelocation, RelocationOptions
from hocmig.proof_certificate import render_certificate
from hocmig.relocation import execute_relocation, prepare_relocation
from hocmig.repository_reader import RepositoryReader
from hocmig.transaction.change import FileChange, sha256
from hocmig.transaction.clock import timestamp
from hocmig.transaction.transaction import TransactionResult
from hocmig.workspace import Workspace

LOG_NAME = "PHASE2_EXECUTION_LOG.csv"
CERTIFICATE_NAME = "PHASE2_CERTIFICATE.json"
LOG_COLUMNS = (
    "migration_id",
    "timestamp",
    "action",
    "source_path",
    "target_path",
    "callers_updated",
    "status",
    "error",
)


@dataclass(frozen=True)
class MovePhase:
    """What P2 would do or did: the rows chosen, and the relocation prepared for them."""

    rows: tuple[ManifestRow, ...]
    chosen: tuple[ManifestRow, ...]
    prepared: PreparedRelocation


def prepare(
    workspace: Workspace, options: RelocationOptions, files: Sequence[str] = (), *, data_too: bool = False
) -> MovePhase:
    """Prepare the moves of the manifest's rows that are to move, or of those whose source is in `files`.

    Rows that wait for a decision stay as they are. With `data_too`, data files move along, see `with_data`.

    Raises:
        InputError: no manifest, a malformed one, or a file that no row is about.
    """
    rows = require_manifest(workspace)
    chosen = tuple(r for r in rows if r.status in MOVABLE or r.status is Status.DELETE_DUPLICATE)
    if files:
        chosen = _only(chosen, files, workspace)
    replaced = frozenset(r.target_path for r in chosen if r.replaces_target)
    relocations = with_stubs(relocations_of(chosen, workspace.layout), workspace.index)
    merges = any(r.status is Status.DELETE_DUPLICATE for r in chosen)
    if data_too:
        # Imported here: few moves ask for it.
        from analyzers.data_companions import with_data

        relocations, left = with_data(relocations, workspace.index, RepositoryReader(workspace.root))
        options = replace(options, findings=(*options.findings, *left))
    options = replace(options, allow_merges=merges, replaced=replaced)
    prepared = prepare_relocation(workspace, relocations, options)
    return MovePhase(rows, chosen, prepared)


def execute(
    workspace: Workspace,
    phase: MovePhase,
    *,
    command: tuple[str, ...],
    backup: bool,
    git_stage: bool,
    reason: str,
) -> TransactionResult:
    """Carry out what was prepared; manifest, execution log and certificate in the same transaction.

    Raises:
        GateError, StaleInputError, RolledBackError, InterruptedTransactionError: see `execute_relocation`.
    """
    with_artifacts = replace(
        phase.prepared,
        change_set=replace(
            phase.prepared.change_set,
            changes=(*phase.prepared.change_set.changes, *_artifacts(workspace, phase)),
        ),
    )
    return execute_relocation(
        workspace,
        with_artifacts,
        phase="P2",
        command=command,
        backup=backup,
        reason=reason,
        git_stage=git_stage,
        migration_ids=tuple(r.migration_id for r in phase.chosen),
    )


def mark_rolled_back(workspace: Workspace, migration_ids: Sequence[str]) -> None:
    """After a rollback: the manifest's rows that were moved say so."""
    undone = set(migration_ids)
    rows = tuple(
        msgspec.structs.replace(row, status=Status.ROLLED_BACK)
        if row.migration_id in undone and row.status in MOVABLE
        else row
        for row in require_manifest(workspace)
    )
    write_manifest(workspace, rows)


def _only(
    chosen: tuple[ManifestRow, ...], files: Sequence[str], workspace: Workspace
) -> tuple[ManifestRow, ...]:
    below = workspace.config.domain_root + "/" if workspace.config.domain_root else ""
    wanted = {path.removeprefix("./").rstrip("/") for path in files}
    found = tuple(
        r for r in chosen if r.current_path in wanted or r.current_path.removeprefix(below) in wanted
    )
    missing = wanted - {r.current_path for r in found} - {r.current_path.removeprefix(below) for r in found}
    if missing:
        raise InputError(min(missing), 0, "no row of the manifest moves it", "see `hocmig status`")
    return found


def _artifacts(workspace: Workspace, phase: MovePhase) -> list[FileChange]:
    moved = {r.migration_id for r in phase.chosen}
    rows = tuple(
        msgspec.structs.replace(row, status=Status.MOVED) if row.migration_id in moved else row
        for row in phase.rows
    )
    time = timestamp()
    callers = phase.prepared.callers
    log = render_csv(
        LOG_COLUMNS,
        [
            (
                row.migration_id,
                time,
                "DELETE_DUPLICATE" if row.status is Status.DELETE_DUPLICATE else "MOVE",
                row.current_path,
                row.target_path,
                callers.get(row.current_path, 0),
                "SUCCESS",
                "",
            )
            for row in phase.chosen
        ],
    )
    manifest = manifest_path(workspace)
    log_path = workspace.artifacts / LOG_NAME
    changes = [(manifest, render_manifest(rows).encode())]
    before = log_path.read_bytes() if log_path.is_file() else b""
    # A later run (single files, renewed decisions) adds to the log; it never forgets what was done.
    addition = log.encode()
    changes.append((log_path, before + addition.partition(b"\n")[2] if before else addition))
    changes.append((workspace.artifacts / CERTIFICATE_NAME, render_certificate(phase.prepared)))
    result = []
    for path, content in changes:
        old = path.read_bytes() if path.is_file() else None
        result.append(
            FileChange(
                path=path.relative_to(workspace.root).as_posix(),
                content=content,
                before_sha256=None if old is None else sha256(old),
            )
        )
    return result
