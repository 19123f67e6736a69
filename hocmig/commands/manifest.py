"""`hocmig manifest` (P0): make the migration manifest from the audit workbook."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from hocmig.phases import p0_manifest
from hocmig.transaction.recovery import refuse_interrupted
from hocmig.workspace import open_workspace

EXAMPLES = """
\b
Examples:
  hocmig manifest
  hocmig manifest --workbook docs/AUDIT.md
  hocmig --json manifest
"""


@click.command("manifest", epilog=EXAMPLES)
@click.option("--workbook", type=click.Path(path_type=Path), help="Audit workbook (default: as configured).")
@click.pass_obj
def command(options: dict[str, Any], workbook: Path | None) -> int:
    """Make MIGRATION_MANIFEST.csv and MIGRATION_SUMMARY.md from the audit workbook.

    Resolutions of the manifest before are kept as far as they still hold. Exit code 1 when a gate fails: a
    file that is not found, or another number of rows than `expect.misplaced` says.
    """
    workspace = open_workspace(options)
    refuse_interrupted(workspace.root)
    terminal = workspace.terminal
    result = p0_manifest.run(workspace, workbook)
    for finding in result.findings:
        if finding.severity != "info" and (finding.code != "MAN004" or terminal.verbose):
            terminal.warn(str(finding))
        else:
            terminal.detail(str(finding))
    counted = [(status, str(count)) for status, count in result.by_status.items() if count]
    terminal.table(f"{result.rows} files to move", ("status", "rows"), counted)
    for gate in result.gates:
        if not gate.passed:
            terminal.say(f"gate {gate.name} failed: {gate.detail}")
    for artifact in result.artifacts:
        terminal.say(f"wrote {artifact}")
    terminal.document(result)
    return 0 if result.ready else 1
