"""`hocmig status`: where a migration stands, what is open, and which command comes next."""

from __future__ import annotations

from typing import Any

import click
import msgspec

from analyzers.migration_manifest import OPEN, ManifestRow, Status
from analyzers.migration_progress import next_step, phase_progress
from hocmig.cli import COMMANDS
from hocmig.manifest_file import read_current_manifest
from hocmig.transaction.ledger import Ledger, read_ledger
from hocmig.transaction.recovery import Pending, pending
from hocmig.workspace import Workspace, open_workspace


@click.command("status", epilog="\b\nExamples:\n  hocmig status\n  hocmig --json status")
@click.pass_obj
def command(options: dict[str, Any]) -> int:
    """Say which artifacts exist, how the rows of the manifest stand, and which command comes next.

    Changes nothing. An interrupted transaction is shown with what ends it.
    """
    workspace = open_workspace(options)
    state = pending(workspace.root) if workspace.state.is_dir() else None
    ledger = read_ledger(workspace.root) if workspace.state.is_dir() else Ledger()
    rows = read_current_manifest(workspace)
    existing = (
        {path.name for path in workspace.artifacts.iterdir()} if workspace.artifacts.is_dir() else set()
    )
    phases = phase_progress(existing)
    line, reason = next_step(rows, phases, COMMANDS)
    if state is not None:
        line, reason = "hocmig recover --resume  (or --rollback)", "a transaction was interrupted"
    terminal = workspace.terminal
    _show_pending(workspace, state)
    table = [
        (p.phase, p.command, p.state, ", ".join(p.present))
        for p in phases
        if p.present or p.command in COMMANDS
    ]
    terminal.table("Phases", ("phase", "command", "state", "artifacts"), table)
    counts = _counts(rows)
    if rows is not None:
        terminal.table("Manifest", ("status", "rows"), [(s, str(n)) for s, n in counts.items() if n])
    for row in rows or ():
        if row.status in OPEN:
            terminal.detail(f"{row.migration_id} {row.status.value} {row.current_path}: {row.findings}")
    for problem in ledger.problems:
        terminal.warn(problem)
    standing = ledger.standing()
    if standing:
        terminal.say(
            f"{len(standing)} transactions in force, the last: {standing[-1].phase} of {standing[-1].time}"
        )
    terminal.say(f"Next: {line} ({reason})" if line else "Nothing is left to do.")
    terminal.document(
        {
            "pending": _pending_document(state),
            "phases": [{**msgspec.to_builtins(phase), "state": phase.state} for phase in phases],
            "manifest": None if rows is None else {"rows": len(rows), "by_status": counts},
            "open": [msgspec.to_builtins(row) for row in rows or () if row.status in OPEN],
            "ledger": {
                "entries": [msgspec.to_builtins(entry) for entry in ledger.entries],
                "problems": ledger.problems,
            },
            "next": {"command": line, "reason": reason},
        }
    )
    return 0


def _counts(rows: tuple[ManifestRow, ...] | None) -> dict[str, int]:
    return {status.value: sum(row.status is status for row in rows or ()) for status in Status}


def _show_pending(workspace: Workspace, state: Pending | None) -> None:
    if state is None:
        return
    workspace.terminal.say(f"Interrupted transaction: {state}")
    for path in state.strangers:
        workspace.terminal.say(f"  changed by somebody since: {path}")
    if state.running is not None:
        workspace.terminal.say("  a process is at work on it right now")


def _pending_document(state: Pending | None) -> dict[str, Any] | None:
    if state is None:
        return None
    return {
        "transaction_id": state.transaction_id,
        "phase": state.phase,
        "command": state.command,
        "time": state.time,
        "written": state.written,
        "total": state.total,
        "strangers": state.strangers,
        "is_running": state.running is not None,
    }
