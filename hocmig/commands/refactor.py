"""`hocmig refactor` (P7): carry out clusters, take them back, or propose some."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from analyzers.errors import InputError
from hocmig.commands.relocation_output import report_prepared, report_result
from hocmig.phases import p7_refactor
from hocmig.prepared_relocation import RelocationOptions
from hocmig.transaction.recovery import refuse_interrupted
from hocmig.transaction.rollback import latest, rollback
from hocmig.workspace import Workspace, open_workspace

EXAMPLES = """
\b
Examples:
  hocmig refactor --suggest > CLUSTER_DEFINITIONS.yaml
  hocmig refactor --cluster logs_export_evidence
  hocmig refactor --execute
  hocmig refactor --rollback
"""


@click.command("refactor", epilog=EXAMPLES)
@click.option("--execute", is_flag=True, help="Do it; without this only plan and diff are shown.")
@click.option("--cluster", "clusters", multiple=True, metavar="NAME", help="Only this one (repeatable).")
@click.option("--suggest", is_flag=True, help="Print a draft of clusters from who uses whom, change nothing.")
@click.option("--domain", "domains", multiple=True, help="With --suggest: only this domain (repeatable).")
@click.option("--plan", "only_plan", is_flag=True, help="Write PHASE7_REFACTOR_PLAN.md only.")
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
    clusters: tuple[str, ...],
    suggest: bool,
    domains: tuple[str, ...],
    only_plan: bool,
    undo: bool,
    backup: Path | None,
    force: bool,
    git_stage: bool,
    references: str | None,
    allow: tuple[str, ...],
    reason: str,
) -> int:
    """Move the definitions of clusters into their target files, rewrite all callers, remove emptied files.

    Without --execute nothing is written: the diff that would be applied is printed, and `git apply` takes it.
    """
    workspace = open_workspace(options)
    refuse_interrupted(workspace.root)
    if undo:
        return _roll_back(workspace, backup, force=force, reason=reason)
    if backup is not None:
        raise InputError("--backup", 0, "is only for --rollback; --execute makes one anyway", "leave it out")
    if suggest:
        return _suggest(workspace, domains)
    chosen = RelocationOptions(
        references=references or workspace.config.references.level, allow=frozenset(allow)
    )
    phase = p7_refactor.prepare(workspace, chosen, clusters)
    for name in phase.done:
        workspace.terminal.note(f"{name}: done already")
    if phase.prepared is None:
        workspace.terminal.say("nothing to refactor: all clusters are done")
        workspace.terminal.document({"clusters": [], "executed": False})
        return 0
    if only_plan:
        path = p7_refactor.write_plan(workspace, phase)
        workspace.terminal.say(f"wrote {path.relative_to(workspace.root).as_posix()}")
        workspace.terminal.document({"plan": path.relative_to(workspace.root).as_posix()})
        return 1 if phase.prepared.blocking else 0
    if not execute or phase.prepared.blocking:
        workspace.terminal.note(p7_refactor.plan_text(workspace, phase))
        return report_prepared(workspace, phase.prepared, executing=execute)
    result = p7_refactor.execute(
        workspace, phase, command=("hocmig", *sys.argv[1:]), git_stage=git_stage, reason=reason
    )
    return report_result(workspace, phase.prepared, result)


def _suggest(workspace: Workspace, domains: tuple[str, ...]) -> int:
    from hocmig.cluster_suggestion import suggestion_text

    text, document = suggestion_text(workspace, domains)
    workspace.terminal.result(text)
    workspace.terminal.document(document)
    return 0


def _roll_back(workspace: Workspace, backup: Path | None, *, force: bool, reason: str) -> int:
    entry = latest(workspace.root, "P7")
    archive = backup or workspace.root / entry.backup
    if not archive.is_absolute() and not archive.exists():
        archive = workspace.root / archive
    result = rollback(
        workspace.root,
        [archive],
        phase="P7",
        command=("hocmig", *sys.argv[1:]),
        reason=reason,
        force=force,
    )
    p7_refactor.log_rollback(workspace, entry.migration_ids)
    workspace.terminal.say(f"rolled back: {len(result.changed) + len(result.removed)} files are as they were")
    workspace.terminal.document({"rolled_back": True, "transaction": result.transaction_id})
    return 0
