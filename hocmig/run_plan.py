"""What `hocmig run` has to do: which phases are up to date, and what shuts the gate behind one that is not.

`.hocmig/run.json` records for each phase the state of the tree before and after it. A phase is up to date
when the present tree is the one that it left, or the one that later phases made of it, each starting where
the one before ended. Whatever else changes the code, the workbook or the configuration makes it stale.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from analyzers.domain_inventory import hash_of_files
from analyzers.migration_manifest import MOVABLE, OPEN, ManifestRow, Status
from analyzers.migration_progress import PHASES, next_step, phase_progress
from hocmig import __version__
from hocmig.gates import health_problem
from hocmig.manifest_file import manifest_path, read_current_manifest
from hocmig.phases.p7_refactor import clusters_file
from hocmig.store import write_json
from hocmig.workspace import Workspace

RECORD_NAME = "run.json"


class PhaseRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The state of the tree before and after a phase, and of the decisions in the manifest.

    `artifacts` is how many of its artifacts were there then (a phase with nothing to do writes none), and
    `passed` is false for one that changed the tree and then found its gate shut.
    """

    before: str
    after: str
    decisions: str
    artifacts: str = "done"
    passed: bool = True


class RunRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What `.hocmig/run.json` holds, by phase."""

    tool_version: str = __version__
    phases: dict[str, PhaseRecord] = {}


def read_record(workspace: Workspace) -> RunRecord:
    """The record of earlier runs; empty when there is none, or none that this version can use.

    A record only saves work, so a damaged one costs a run of the phases and nothing else.
    """
    try:
        record = msgspec.json.decode((workspace.state / RECORD_NAME).read_bytes(), type=RunRecord)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return RunRecord()
    return record if record.tool_version == __version__ else RunRecord()


def keep_record(workspace: Workspace, phase: str, record: PhaseRecord) -> None:
    """Add a phase to the record; one that went on from its own result is recorded as one way."""
    known = dict(read_record(workspace).phases)
    earlier = known.get(phase)
    if earlier is not None and earlier.after == record.before:
        record = msgspec.structs.replace(record, before=earlier.before)
    known[phase] = record
    write_json(workspace.state / RECORD_NAME, RunRecord(phases={p: known[p] for p in PHASES if p in known}))


def tree_state(workspace: Workspace) -> str:
    """A hash of all Python files, the configuration and the workbook."""
    digest = hashlib.sha256(
        hash_of_files({p: r.sha256 or "-" for p, r in workspace.index.files.items()}).encode()
    )
    workbook = workspace.root / workspace.config.workbook if workspace.config.workbook else None
    for path in (workspace.config_path, workbook):
        digest.update(b"\0" + (_bytes(path) if path is not None else b""))
    return digest.hexdigest()


def decisions_state(workspace: Workspace) -> str:
    """A hash of the manifest as it is; empty when there is none."""
    path = manifest_path(workspace)
    return hashlib.sha256(_bytes(path)).hexdigest() if path.is_file() else ""


def is_up_to_date(workspace: Workspace, phase: str) -> bool:
    """Whether a phase need not run: its artifacts are there and belong to the present tree.

    Raises:
        InputError: the manifest or the health score is malformed.
    """
    is_complete = artifacts_state(workspace, phase) == "done"
    rows = read_current_manifest(workspace) or ()
    if phase == "P0" and any(row.status in OPEN for row in rows):
        return False
    if is_complete and phase in ("P1", "P2") and not to_carry_out(workspace, rows):
        return True
    if phase == "P2" and to_carry_out(workspace, rows):
        return False
    if phase == "P4":
        # Once the cleanup has begun, the health that opened its gate stands until its end.
        healthy = is_complete and not health_problem(workspace)
        return healthy or (is_recorded(workspace, "P4") and is_recorded(workspace, "P5"))
    return is_recorded(workspace, phase)


def is_recorded(workspace: Workspace, phase: str) -> bool:
    """Whether the record says that a phase passed, and the present tree is what became of its tree."""
    record = read_record(workspace).phases
    if phase not in record or not record[phase].passed:
        return False
    if artifacts_state(workspace, phase) not in ("done", record[phase].artifacts):
        return False
    if not leads_to(record, phase, tree_state(workspace)):
        return False
    return phase != "P1" or record[phase].decisions == decisions_state(workspace)


def leads_to(record: Mapping[str, PhaseRecord], phase: str, now: str) -> bool:
    """Whether the tree that `phase` left is the present one, or became it by recorded later phases."""
    tree = record[phase].after
    later = list(PHASES)[list(PHASES).index(phase) + 1 :]
    for other in later:
        if tree == now:
            return True
        if other in record and record[other].before == tree:
            tree = record[other].after
    return tree == now


def to_carry_out(workspace: Workspace, rows: Sequence[ManifestRow]) -> list[ManifestRow]:
    """The rows that P2 still has to carry out."""
    found = [row for row in rows if row.status in MOVABLE]
    doomed = [row for row in rows if row.status is Status.DELETE_DUPLICATE]
    return found + [row for row in doomed if (workspace.root / row.current_path).exists()]


def needless(workspace: Workspace, phase: str, rows: Sequence[ManifestRow] | None) -> str:
    """Why there is nothing for a phase to do that wrote no artifact; empty when there is, or may be."""
    if phase == "P2" and rows is not None and not to_carry_out(workspace, rows):
        return "no row is to be moved"
    if phase == "P7" and not clusters_file(workspace).is_file():
        return "no clusters are defined; `hocmig refactor --suggest` drafts some"
    if phase in ("P2", "P6", "P7") and is_recorded(workspace, phase):
        return "there was nothing to do"
    return ""


def artifacts_state(workspace: Workspace, phase: str) -> str:
    """`done`, `partial` or `open`: how many of a phase's artifacts are there."""
    return next(p.state for p in phase_progress(artifact_names(workspace)) if p.phase == phase)


def artifact_names(workspace: Workspace) -> set[str]:
    """The names of the files in the artifact folder and in the shared domain, where one artifact may lie."""
    config = workspace.config
    folders = [workspace.artifacts]
    if config.domain_root:
        folders.append(workspace.root / config.domain_root / config.shared_domain)
    return {path.name for folder in folders if folder.is_dir() for path in folder.iterdir()}


def waiting_rows(workspace: Workspace, available: Sequence[str]) -> tuple[str, str]:
    """Why P1 cannot start for lack of decisions, and the command that mends it; both empty when it can."""
    rows = read_current_manifest(workspace) or ()
    if not any(row.status in OPEN for row in rows):
        return "", ""
    line, reason = next_step(rows, (), available)
    return reason, line


#: phase -> what mends it when it ends with findings, beside mending the code.
_MENDS = {
    "P0": "hocmig manifest",
    "P1": "hocmig validate",
    "P2": "hocmig move",
    "P3": "hocmig lock --approve-by NAME --reason TEXT",
    "P4": "hocmig --verbose verify",
    "P5": "hocmig duplicates",
    "P6": "hocmig consolidate",
    "P7": "hocmig refactor",
    "P8": "hocmig check",
}


def mend_of(phase: str, document: Any = None) -> str:
    """The command that shows the findings of a phase in full, or settles them.

    Args:
        document: what the phase printed with --json, or None.
    """
    if phase == "P1" and isinstance(document, dict):
        shut = [c.get("name") for c in document.get("checks") or () if c.get("passed") is False]
        if shut == ["NO_CYCLES"] and not (document.get("cycles") or {}).get("new"):
            return "hocmig run --accept-existing-cycles, or cut the cycles that `hocmig validate` names"
    if phase == "P4" and isinstance(document, dict):
        open_checks = [c.get("name") for c in document.get("checks") or () if c.get("status") != "PASS"]
        if open_checks == ["test_suite"] and "NOT_RUN" in str(document.get("checks")):
            return "hocmig run --execute --tests CMD"
    return _MENDS[phase]


def reason_of(document: Any, messages: Sequence[str]) -> str:
    """Why a phase did not pass, in one line.

    Args:
        document: what the phase printed with --json, or None.
        messages: what it said on stderr, line by line.
    """
    errors = [line.removeprefix("error: ") for line in messages if line.startswith("error: ")]
    if errors:
        return errors[-1]
    if isinstance(document, dict):
        failed = [_failed(check) for key in ("gates", "checks") for check in document.get(key) or ()]
        failed = [text for text in failed if text]
        if failed:
            return "; ".join(failed)
        violations = document.get("violations") or ()
        if violations:
            return f"{len(violations)} violations of the architecture, the first: {violations[0].get('key')}"
        found = [f for f in document.get("findings") or () if f.get("severity") == "error"]
        if found:
            more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
            place = f"{found[0].get('path')}:{found[0].get('line')}"
            return f"{found[0].get('code')} {place}: {found[0].get('message')}{more}"
    warnings = [line.removeprefix("warning: ") for line in messages if line.startswith("warning: ")]
    return warnings[-1] if warnings else "it ended with findings"


def _failed(check: Mapping[str, Any]) -> str:
    if check.get("passed") is False:
        return f"{check.get('name')}: {check.get('detail')}"
    if check.get("status") in ("FAIL", "NOT_RUN"):
        details = check.get("details") or ()
        what = details[0] if details else check.get("reason") or ""
        more = f" (and {len(details) - 1} more)" if len(details) > 1 else ""
        return f"{check.get('name')} {check['status']}: {what}{more}".rstrip(": ")
    return ""


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""
