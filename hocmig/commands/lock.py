"""`hocmig lock` (P3): freeze the structure of the domains."""

from __future__ import annotations

import sys
from typing import Any

import click

from hocmig.finding_formats import render_findings
from hocmig.phases import p3_lock
from hocmig.transaction.recovery import refuse_interrupted
from hocmig.workspace import open_workspace

EXAMPLES = """
\b
Examples:
  hocmig lock
  hocmig lock --approve-by ana --reason "the CSV export is retired"
"""


@click.command("lock", epilog=EXAMPLES)
@click.option("--approve-by", default="", metavar="NAME", help="Who approves what changed against the rules.")
@click.option("--reason", default="", help="Why; goes into the ledger with the name.")
@click.pass_obj
def command(options: dict[str, Any], approve_by: str, reason: str) -> int:
    """Write DOMAIN_LOCK_FINAL.md for each domain, the registry and the guard rules.

    New and edited files may be locked again by anyone. Deleted, moved and renamed files, and new ones against
    the layer convention, need an approval, unless the ledger knows them from a migration.
    """
    workspace = open_workspace(options)
    refuse_interrupted(workspace.root)
    terminal = workspace.terminal
    result = p3_lock.run(
        workspace,
        approve_by=approve_by.strip(),
        reason=reason.strip(),
        command=("hocmig", *sys.argv[1:]),
    )
    terminal.document(result)
    if result.drift and not result.approved_by:
        terminal.result(render_findings(result.drift, "text", command="lock"))
        terminal.warn(f"{len(result.drift)} changes need an approval; nothing was locked")
        return 1
    for gate in result.gates:
        if not gate.passed:
            terminal.say(f"gate {gate.name} failed: {gate.detail}")
    if result.drift:
        terminal.say(f"{len(result.drift)} changes approved by {result.approved_by}")
    what = f"wrote {len(result.written)} files" if result.written else "nothing changed"
    terminal.say(f"{result.domains} domains with {result.files} files are locked; {what}")
    terminal.say(f"hash {result.hash}")
    return 0 if result.ready else 1
