"""`hocmig status`: where a migration stands, what is open, and which command comes next."""

from __future__ import annotations

from typing import Any

import click
import msgspec

from analyzers.migration_manifest import OPEN, ManifestRow, Status
from hocmig.cli import COMMANDS
from hocmig.manifest_file import read_current_manifest
from hocmig.phase_standing import next_command, phase_standings
from hocmig.transaction.ledger import Ledger, read_ledger
from hocmig.transaction.recovery import Pending, pending
from hocmig.workspace import Workspace, open_workspace

EXAMPLES = """
\b
Examples:
  hocmig status
  hocmig --verbose status      (with the artifacts of each phase, and the rows that wait)
  hocmig --json status
"""


@click.command("status", epilog=EXAMPLES)
@click.pass_obj
def command(options: dict[str, Any]) -> int:
    """Say how each phase stands, what is blocked by what, and which command comes next.

    DONE, READY (may start), WAITING (for a decision), STALE (what it speaks of has changed), FAILED (its gate
    is shut), BLOCKED (by an earlier phase) or SKIPPED (nothing to do). Changes nothing. An interrupted
    transaction is shown with what ends it.
    """
    workspace = open_workspace(options)
    state = pending(workspace.root) if workspace.state.is_dir() else None
    ledger = read_ledger(workspace.root) if workspace.state.is_dir() else Ledger()
    rows = read_current_manifest(workspace)
    standings = phase_standings(workspace, rows, COMMANDS)
    line, reason = next_command(standings)
    if state is not None:
        line, reason = "hocmig recover --resume  (or --rollback)", "a transaction was interrupted"
    terminal = workspace.terminal
    _show_pending(workspace, state)
    terminal.table(
        "Phases",
        ("phase", "command", "state", "why"),
        [(s.phase, s.command, s.state, s.reason) for s in standings],
    )
    counts = _counts(rows)
    if rows is not None:
        found = [f"{number} {status}" for status, number in counts.items() if number]
        terminal.say(f"Manifest: {len(rows)} rows: {', '.join(found)}" if rows else "Manifest: no rows")
    for standing in standings:
        if standing.present:
            terminal.detail(f"{standing.phase}: {', '.join(standing.present)}")
    for row in rows or ():
        if row.status in OPEN:
            terminal.detail(f"{row.migration_id} {row.status.value} {row.current_path}: {row.findings}")
    for problem in ledger.problems:
        terminal.warn(problem)
    in_force = ledger.standing()
    if in_force:
        many = "1 transaction" if len(in_force) == 1 else f"{len(in_force)} transactions"
        terminal.say(f"{many} in force, the last: {in_force[-1].phase} of {in_force[-1].time}")
    terminal.say(f"Next: {line} ({reason})" if line else "Nothing is left to do.")
    terminal.document(
        {
            "pending": _pending_document(state),
            "phases": standings,
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
