"""`hocmig mv`: move modules, packages and symbols, one or many, and rewrite every reference."""

from __future__ import annotations

import datetime
import sys
from pathlib import Path
from typing import Any

import click

from analyzers.companions import with_stubs, with_tests
from analyzers.errors import InputError
from analyzers.model import Finding
from analyzers.relocation_table import read_move_table, relocations_of_moves
from hocmig.commands.relocation_output import report_prepared, report_result
from hocmig.prepared_relocation import RelocationOptions
from hocmig.relocation import execute_relocation, last_shim_day, prepare_relocation
from hocmig.repository_reader import RepositoryReader
from hocmig.transaction.recovery import refuse_interrupted
from hocmig.transaction.rollback import latest, rollback
from hocmig.workspace import Workspace, open_workspace

EXAMPLES = """
\b
Examples:
  hocmig mv app/billing/limits.py app/controls/limits.py
  hocmig mv app.billing.limits app.controls.limits --execute
  hocmig mv app.billing.limits:check app.controls.rules --execute
  hocmig mv --map moves.csv --execute --backup
  hocmig mv --rollback
"""


@click.command("mv", epilog=EXAMPLES)
@click.argument("old", required=False)
@click.argument("new", required=False)
@click.option(
    "--map", "table", type=click.Path(path_type=Path), help="CSV with old_path,new_path: many at once."
)
@click.option("--execute", is_flag=True, help="Do it; without this only the diff is shown.")
@click.option("--backup", is_flag=True, help="Write a backup archive first.")
@click.option(
    "--rollback", "undo", is_flag=True, help="Take the last mv back, byte for byte (needs its backup)."
)
@click.option("--force", is_flag=True, help="With --rollback: also where people have edited since.")
@click.option("--git", "git_stage", is_flag=True, help="Stage the result in git's index.")
@click.option(
    "--references",
    type=click.Choice(["certain", "likely"]),
    help="How sure a string or a text must be to be rewritten (default: as configured).",
)
@click.option("--shim", is_flag=True, help="Leave forwarding modules at the old places.")
@click.option(
    "--shim-until", type=click.DateTime(["%Y-%m-%d"]), help="Their last day (default: in 180 days)."
)
@click.option("--with-tests", "tests_too", is_flag=True, help="Move the mirroring test files along.")
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
    old: str | None,
    new: str | None,
    table: Path | None,
    execute: bool,
    backup: bool,
    undo: bool,
    force: bool,
    git_stage: bool,
    references: str | None,
    tests_too: bool,
    data_too: bool,
    facade: str | None,
    shim: bool,
    shim_until: datetime.datetime | None,
    pin_names: bool,
    allow: tuple[str, ...],
    reason: str,
) -> int:
    """Move OLD to NEW (paths, dotted names or module:symbol) and rewrite every reference.

    Without --execute nothing is written: the diff that would be applied is printed, and `git apply` takes it.
    """
    workspace = open_workspace(options, need_config=False)
    refuse_interrupted(workspace.root)
    if undo:
        if old is not None or table is not None or execute:
            raise InputError("--rollback", 0, "takes the last mv back, whatever it moved", "give it alone")
        return _roll_back(workspace, force=force, reason=reason)
    if force:
        raise InputError("--force", 0, "belongs to --rollback", "leave it out")
    moves, shown_as = _moves(old, new, table)
    relocations = with_stubs(relocations_of_moves(moves, workspace.index, shown_as), workspace.index)
    left: tuple[Finding, ...] = ()
    if tests_too:
        relocations, left = with_tests(relocations, workspace.index)
    if data_too:
        # Imported here: few moves ask for it.
        from analyzers.data_companions import with_data

        relocations, kept = with_data(relocations, workspace.index, RepositoryReader(workspace.root))
        left += kept
    last_day = last_shim_day(shim, shim_until)
    policy = facade or workspace.config.moves.facade
    chosen = RelocationOptions(
        references=references or workspace.config.references.level,
        allow=frozenset(allow),
        shim_until=last_day,
        pin_names=pin_names,
        facade=policy,
        findings=left,
        returns=last_day is None and policy == "keep" and not pin_names,
    )
    prepared = prepare_relocation(workspace, relocations, chosen)
    if not execute or prepared.blocking:
        return report_prepared(workspace, prepared, executing=execute)
    result = execute_relocation(
        workspace,
        prepared,
        phase="mv",
        command=("hocmig", *sys.argv[1:]),
        backup=backup,
        reason=reason,
        git_stage=git_stage,
    )
    return report_result(workspace, prepared, result)


def _roll_back(workspace: Workspace, *, force: bool, reason: str) -> int:
    entry = latest(workspace.root, "mv")
    if not entry.backup:
        raise InputError("--rollback", 0, "the last mv was made without --backup", "undo it with git")
    result = rollback(
        workspace.root,
        [workspace.root / entry.backup],
        phase="mv",
        command=("hocmig", *sys.argv[1:]),
        reason=reason,
        force=force,
    )
    workspace.terminal.say(f"rolled back: {len(result.changed) + len(result.removed)} files are as they were")
    workspace.terminal.document({"rolled_back": True, "transaction": result.transaction_id})
    return 0


def _moves(old: str | None, new: str | None, table: Path | None) -> tuple[list[tuple[int, str, str]], str]:
    if table is not None:
        if old is not None:
            raise InputError("--map", 0, "stands for OLD and NEW", "give either a table or two places")
        return read_move_table(table), str(table)
    if old is None or new is None:
        raise InputError("mv", 0, "needs OLD and NEW, or --map FILE", "see hocmig mv --help")
    return [(0, old, new)], "mv"
