"""`hocmig move` (P2): carry out the migration manifest, or take it back."""

from __future__ import annotations

import datetime
import sys
from pathlib import Path
from typing import Any

import click

from analyzers.errors import InputError
from analyzers.migration_manifest import OPEN
from hocmig.commands.relocation_output import report_prepared, report_result
from hocmig.phases import p2_move
from hocmig.prepared_relocation import RelocationOptions
from hocmig.relocation import last_shim_day
from hocmig.transaction.recovery import refuse_interrupted
from hocmig.transaction.rollback import latest, owner_of, rollback
from hocmig.workspace import Workspace, open_workspace

EXAMPLES = """
\b
Examples:
  hocmig move
  hocmig move --execute --backup
  hocmig move --execute --file activity/L6_drivers/threshold_driver.py
  hocmig move --rollback --backup backups/hoc_migration_20260127T100000Z.tar.gz
"""


@click.command("move", epilog=EXAMPLES)
@click.option("--execute", is_flag=True, help="Do it; without this only the diff is shown.")
@click.option(
    "--backup",
    is_flag=False,
    flag_value="",
    default=None,
    metavar="[ARCHIVE]",
    help="Write a backup archive first; with --rollback, the archive to restore.",
)
@click.option("--rollback", "undo", is_flag=True, help="Restore the tree from a backup, byte for byte.")
@click.option("--force", is_flag=True, help="With --rollback: also where people have edited since.")
@click.option("--file", "files", multiple=True, metavar="PATH", help="Only this source file (repeatable).")
@click.option("--git", "git_stage", is_flag=True, help="Stage the result in git's index.")
@click.option("--shim", is_flag=True, help="Leave forwarding modules at the old places.")
@click.option(
    "--shim-until", type=click.DateTime(["%Y-%m-%d"]), help="Their last day (default: in 180 days)."
)
@click.option(
    "--references",
    type=click.Choice(["certain", "likely"]),
    help="How sure a string or a text must be to be rewritten (default: as configured).",
)
@click.option(
    "--with-data", "data_too", is_flag=True, help="Move the data files along that only these modules open."
)
@click.option(
    "--facade",
    type=click.Choice(["keep", "flatten"]),
    help="Names that a package passes on from a module which leaves it (default: as configured, keep).",
)
@click.option("--pin-names", is_flag=True, help="Task names and app labels keep the old module's name.")
@click.option("--allow", multiple=True, metavar="CODE", help="A finding that need not block (repeatable).")
@click.option("--reason", default="", help="Why; goes into the ledger.")
@click.pass_obj
def command(
    options: dict[str, Any],
    execute: bool,
    backup: str | None,
    undo: bool,
    force: bool,
    files: tuple[str, ...],
    git_stage: bool,
    shim: bool,
    shim_until: datetime.datetime | None,
    references: str | None,
    data_too: bool,
    facade: str | None,
    pin_names: bool,
    allow: tuple[str, ...],
    reason: str,
) -> int:
    """Move the files of the manifest and rewrite every reference to them, as one transaction.

    Without --execute nothing is written: the diff that would be applied is printed, and `git apply` takes it.
    """
    workspace = open_workspace(options)
    refuse_interrupted(workspace.root)
    if undo:
        return _roll_back(workspace, backup, force=force, reason=reason)
    if backup:
        raise InputError("--backup", 0, "takes an archive only together with --rollback", "leave it out")
    chosen = RelocationOptions(
        references=references or workspace.config.references.level,
        allow=frozenset(allow),
        shim_until=last_shim_day(shim, shim_until),
        pin_names=pin_names,
        facade=facade or workspace.config.moves.facade,
    )
    phase = p2_move.prepare(workspace, chosen, files, data_too=data_too)
    waiting = [row.migration_id for row in phase.rows if row.status in OPEN]
    if waiting:
        workspace.terminal.warn(
            f"{len(waiting)} rows wait for a decision and stay: {', '.join(waiting)}; see `hocmig resolve`"
        )
    if not phase.chosen:
        workspace.terminal.say("nothing to move: no row of the manifest is PENDING")
        workspace.terminal.document({"moved": [], "executed": False})
        return 0
    if not execute or phase.prepared.blocking:
        return report_prepared(workspace, phase.prepared, executing=execute)
    result = p2_move.execute(
        workspace,
        phase,
        command=("hocmig", *sys.argv[1:]),
        backup=backup is not None,
        git_stage=git_stage,
        reason=reason,
    )
    return report_result(workspace, phase.prepared, result)


def _roll_back(workspace: Workspace, backup: str | None, *, force: bool, reason: str) -> int:
    if backup:
        archive = Path(backup)
        if not archive.is_absolute() and not archive.exists():
            archive = workspace.root / archive
        # An archive names its transaction: it may be that of `hocmig mv`, too.
        entry = owner_of(workspace.root, archive) or latest(workspace.root, "P2")
    else:
        entry = latest(workspace.root, "P2")
        archive = workspace.root / entry.backup
        if not entry.backup:
            raise InputError("--rollback", 0, "the last move was made without --backup", "undo it with git")
    result = rollback(
        workspace.root,
        [archive],
        phase=entry.phase,
        command=("hocmig", *sys.argv[1:]),
        reason=reason,
        force=force,
    )
    if entry.migration_ids:
        p2_move.mark_rolled_back(workspace, entry.migration_ids)
    workspace.terminal.say(f"rolled back: {len(result.changed) + len(result.removed)} files are as they were")
    workspace.terminal.document({"rolled_back": True, "transaction": result.transaction_id})
    return 0
