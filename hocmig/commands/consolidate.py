"""`hocmig consolidate` (P6): carry out candidates for consolidation, or take them back."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from analyzers.errors import InputError
from hocmig.commands.relocation_output import report_prepared, report_result
from hocmig.phases import p6_consolidate
from hocmig.phases.p6_consolidate import ConsolidatePhase
from hocmig.prepared_relocation import RelocationOptions
from hocmig.transaction.recovery import refuse_interrupted
from hocmig.transaction.rollback import latest, rollback
from hocmig.workspace import Workspace, open_workspace

EXAMPLES = """
\b
Examples:
  hocmig consolidate
  hocmig consolidate --execute --candidate C001
  hocmig consolidate --execute --all
  hocmig consolidate --rollback
"""


@click.command("consolidate", epilog=EXAMPLES)
@click.option("--execute", is_flag=True, help="Do it; without this only the diff is shown.")
@click.option("--candidate", "names", multiple=True, metavar="C001", help="Only this one (repeatable).")
@click.option("--all", "everything", is_flag=True, help="All that can be carried out.")
@click.option("--in-place", is_flag=True, help="Never take a copy to the shared domain.")
@click.option("--rollback", "undo", is_flag=True, help="Restore the tree as before the last execution.")
@click.option("--backup", type=click.Path(path_type=Path), help="With --rollback: the archive to restore.")
@click.option("--force", is_flag=True, help="With --rollback: also where people have edited since.")
@click.option("--git", "git_stage", is_flag=True, help="Stage the result in git's index.")
@click.option(
    "--references",
    type=click.Choice(["certain", "likely"]),
    help="How sure a string or a text must be to be rewritten (default: as configured).",
)
@click.option("--allow", multiple=True, metavar="CODE", help="A finding that need not block (repeatable).")
@click.option("--reason", default="", help="Why; goes into the ledger.")
@click.pass_obj
def command(
    options: dict[str, Any],
    execute: bool,
    names: tuple[str, ...],
    everything: bool,
    in_place: bool,
    undo: bool,
    backup: Path | None,
    force: bool,
    git_stage: bool,
    references: str | None,
    allow: tuple[str, ...],
    reason: str,
) -> int:
    """Delete copies, merge what only they have, and let all callers use the one that stays.

    Without --execute nothing is written: the diff that would be applied is printed, and `git apply` takes it.
    """
    workspace = open_workspace(options)
    refuse_interrupted(workspace.root)
    if undo:
        return _roll_back(workspace, backup, force=force, reason=reason)
    if backup is not None:
        raise InputError("--backup", 0, "is only for --rollback; --execute makes one anyway", "leave it out")
    if names and everything:
        raise InputError("--all", 0, "cannot be given together with --candidate", "choose one")
    if execute and not names and not everything:
        raise InputError("--execute", 0, "needs --candidate or --all", "say what to consolidate")
    chosen = RelocationOptions(
        references=references or workspace.config.references.level, allow=frozenset(allow)
    )
    phase = p6_consolidate.prepare(workspace, chosen, names, extracts=not in_place)
    _report_others(workspace, phase, is_chosen=bool(names))
    failed = 1 if phase.refused else 0
    if phase.prepared is None:
        if execute and everything and not phase.refused:
            p6_consolidate.log_nothing(workspace, phase)
        workspace.terminal.say("nothing to consolidate")
        workspace.terminal.document({"merged": [], "executed": False, "others": _others(phase)})
        return failed
    if not execute:
        return report_prepared(workspace, phase.prepared, more={"others": _others(phase)}) or failed
    result = p6_consolidate.execute(
        workspace, phase, command=("hocmig", *sys.argv[1:]), git_stage=git_stage, reason=reason
    )
    report_result(workspace, phase.prepared, result, more={"others": _others(phase)})
    workspace.terminal.note(
        f"{len(phase.merged)} candidates carried out, {phase.lines_before - phase.lines_after} lines saved"
    )
    return failed


def _others(phase: ConsolidatePhase) -> list[dict[str, str]]:
    return [
        {"candidate": c.candidate.candidate_id, "action": c.action, "reason": c.reason} for c in phase.others
    ]


def _report_others(workspace: Workspace, phase: ConsolidatePhase, *, is_chosen: bool) -> None:
    terminal = workspace.terminal
    for entry in phase.refused:
        terminal.note(f"refused: {entry.candidate.candidate_id}: {entry.reason}")
        for body in entry.bodies:
            terminal.note(body)
    plans = [c for c in phase.others if c.action == "plan"]
    is_listed = terminal.verbose or is_chosen
    for entry in plans if is_listed else ():
        terminal.note(f"left to people: {entry.candidate.candidate_id}: {entry.reason}")
    if plans and not is_listed:
        terminal.note(f"{len(plans)} candidates are left to people (--verbose lists them)")


def _roll_back(workspace: Workspace, backup: Path | None, *, force: bool, reason: str) -> int:
    entry = latest(workspace.root, "P6")
    archive = backup or workspace.root / entry.backup
    if not archive.is_absolute() and not archive.exists():
        archive = workspace.root / archive
    result = rollback(
        workspace.root,
        [archive],
        phase="P6",
        command=("hocmig", *sys.argv[1:]),
        reason=reason,
        force=force,
    )
    p6_consolidate.log_rollback(workspace, entry.migration_ids)
    workspace.terminal.say(f"rolled back: {len(result.changed) + len(result.removed)} files are as they were")
    workspace.terminal.document({"rolled_back": True, "transaction": result.transaction_id})
    return 0
