"""`hocmig duplicates` (P5): find duplicates and say what to do about them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from analyzers.errors import InputError
from hocmig.duplicate_view import document_of, rendered_findings, rendered_group
from hocmig.gates import force_gate_option
from hocmig.phases import p5_duplicates
from hocmig.workspace import open_workspace

EXAMPLES = """
\b
Examples:
  hocmig duplicates
  hocmig duplicates --mode function --scope all --show G001
  hocmig duplicates --baseline duplicates.json --write-baseline
"""


@click.command("duplicates", epilog=EXAMPLES)
@click.option(
    "--mode",
    "modes",
    multiple=True,
    type=click.Choice(["exact", "function", "block"]),
    help="Whole files, functions and classes, or blocks (repeatable; default: all).",
)
@click.option("--min-lines", type=click.IntRange(min=3), help="Least lines of a block (default: 10).")
@click.option(
    "--threshold", type=click.FloatRange(0.5, 1.0), help="Least similarity, 0.5 to 1 (default: 0.8)."
)
@click.option(
    "--scope",
    type=click.Choice(["across", "inside", "all"]),
    help="Across domains, inside each, or the whole repository (default: as configured).",
)
@click.option("--baseline", type=click.Path(path_type=Path), help="File of accepted duplicates.")
@click.option("--write-baseline", is_flag=True, help="Accept everything found, in the baseline file.")
@click.option("--show", multiple=True, metavar="ID", help="Show a finding side by side (repeatable).")
@click.option("--limit", type=click.IntRange(min=1), default=30, help="Findings printed (default: 30).")
@force_gate_option
@click.pass_obj
def command(
    options: dict[str, Any],
    modes: tuple[str, ...],
    min_lines: int | None,
    threshold: float | None,
    scope: str | None,
    baseline: Path | None,
    write_baseline: bool,
    show: tuple[str, ...],
    limit: int,
    force_gate: str,
) -> int:
    """Find copied files, functions, classes and blocks; rank them; say which copy should stay.

    Writes PHASE5_DUPLICATE_REPORT.csv, PHASE5_DUPLICATE_SUMMARY.md and PHASE5_CONSOLIDATION_CANDIDATES.csv.
    Where a migration was begun (there is a manifest), P4 must have found this very tree HEALTHY.
    Exit code 1 when it has not, or when a baseline is set and a finding is not in it, or an entry is stale.
    """
    workspace = open_workspace(options)
    terminal = workspace.terminal
    chosen = p5_duplicates.DuplicatesOptions(
        modes, min_lines, threshold, scope, baseline, write_baseline, force_gate
    )
    result = p5_duplicates.run(workspace, chosen)
    facts = result.facts
    for mark in facts.unexplained:
        terminal.warn(f"{mark.path}:{mark.line}: not-a-duplicate without a reason; add one in parentheses")
    for mark in facts.stale_marks:
        place = f"{mark.path}:{mark.line}"
        terminal.warn(f"{place}: not-a-duplicate matches nothing any more in scope {facts.scope}; remove it")
    for entry in facts.stale_entries:
        places = ", ".join(entry.places)
        terminal.warn(f"baseline entry {entry.fingerprint} ({places}) is stale; write the baseline again")
    for note in facts.notes:
        terminal.detail(f"{note.path}: {note.message}" if note.path else note.message)
    numbered = {one.group_id: one for one in result.groups}
    for wanted in show:
        if wanted not in numbered:
            raise InputError("--show", 0, f"there is no finding {wanted}", "take a number from the report")
        terminal.result(rendered_group(numbered[wanted], workspace.root))
    if not show:
        terminal.result(rendered_findings(result, limit))
        size = f"{facts.files} files ({facts.lines} lines)"
        terminal.say(f"{len(result.groups)} findings in {size}, scope {facts.scope}")
    for artifact in result.written:
        terminal.say(f"wrote {artifact}")
    if workspace.json:
        terminal.document(document_of(result, workspace.root))
    return 1 if result.new else 0
