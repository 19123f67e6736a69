"""`hocmig guard`: compare the tree with the locks, in CI and before a commit."""

from __future__ import annotations

from typing import Any

import click

from hocmig.domain_guard import run_guard
from hocmig.finding_formats import FORMATS, render_findings
from hocmig.workspace import open_workspace

EXAMPLES = """
\b
Examples:
  hocmig guard
  hocmig guard --base origin/main --format github
  hocmig guard --format sarif > guard.sarif
"""


@click.command("guard", epilog=EXAMPLES)
@click.option("--base", default="", metavar="REV", help="Compare with the locks of this git revision, too.")
@click.option(
    "--format", "form", type=click.Choice(FORMATS), default="text", help="How findings are printed."
)
@click.pass_obj
def command(options: dict[str, Any], base: str, form: str) -> int:
    """Find what changed against the locks: exit code 1 when there is something.

    Files that hocmig moved, and changes that were approved, are known from the ledger.
    """
    workspace = open_workspace(options)
    result = run_guard(workspace, base)
    form = "json" if workspace.json else form
    text = render_findings(result.findings, form, command="guard")
    if text:
        click.echo(text, nl=False)
    errors = sum(finding.severity == "error" for finding in result.findings)
    if errors:
        workspace.terminal.note(f"{errors} findings in {result.files} locked files")
    else:
        since = f", none since {result.base[:12]}" if result.base else ""
        workspace.terminal.note(f"{result.domains} domains, {result.files} files: no drift{since}")
    return 0 if result.passed else 1
