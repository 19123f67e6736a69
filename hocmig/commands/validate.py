"""`hocmig validate` (P1): is the plan safe to carry out?"""

from __future__ import annotations

from typing import Any

import click

from analyzers.move_validation import READY, MoveValidation
from hocmig.phases import p1_validate
from hocmig.workspace import Workspace, open_workspace

EXAMPLES = """
\b
Examples:
  hocmig validate
  hocmig validate --accept-existing-cycles
  hocmig --json validate
"""


@click.command("validate", epilog=EXAMPLES)
@click.option(
    "--accept-existing-cycles", is_flag=True, help="Import-time cycles that are there already do not block."
)
@click.pass_obj
def command(options: dict[str, Any], accept_existing_cycles: bool) -> int:
    """Check the moves of the manifest: files, targets, import cycles, layers; find all callers.

    Writes PHASE1_VALIDATION_REPORT.md, PHASE1_IMPORT_GRAPH.json and PHASE1_CALLER_MAP.csv. Exit code 1 when
    the migration is not ready.
    """
    workspace = open_workspace(options)
    validation = p1_validate.run(workspace, accept_existing_cycles=accept_existing_cycles)
    _show(workspace, validation)
    workspace.terminal.document(_document(workspace, validation))
    return 0 if validation.status == READY else 1


def _show(workspace: Workspace, validation: MoveValidation) -> None:
    terminal = workspace.terminal
    for finding in validation.findings:
        if finding.severity == "error":
            terminal.warn(str(finding))
        else:
            terminal.detail(str(finding))
    terminal.table(
        validation.status,
        ("check", "result", "found"),
        [(c.name, "pass" if c.passed else "FAIL", c.detail) for c in validation.checks],
    )
    changing = [c for c in validation.callers if c.update_required]
    terminal.say(
        f"{len(validation.moves)} moves, {len(changing)} import statements to update in "
        f"{len({c.caller_file for c in changing})} files"
    )
    if validation.broken_before:
        terminal.say(f"{len(validation.broken_before)} imports lead nowhere already now (see the report)")
    for name in p1_validate.ARTIFACTS:
        terminal.say(f"wrote {workspace.config.artifact_folder}/{name}")


def _document(workspace: Workspace, validation: MoveValidation) -> dict[str, Any]:
    changing = [c for c in validation.callers if c.update_required]
    return {
        "phase": "P1",
        "status": validation.status,
        "checks": validation.checks,
        "moves": len(validation.moves),
        "callers": len(validation.callers),
        "statements_to_update": len(changing),
        "files_to_update": len({c.caller_file for c in changing}),
        "findings": validation.findings,
        "cycles": {"new": validation.cycles.new, "existing": validation.cycles.existing},
        "broken_before": validation.broken_before,
        "new_packages": validation.new_packages,
        "artifacts": [f"{workspace.config.artifact_folder}/{name}" for name in p1_validate.ARTIFACTS],
    }
