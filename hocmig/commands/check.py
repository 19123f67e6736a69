"""`hocmig check`: the architecture rules and contracts, in CI and by hand; changes no code."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from hocmig.architecture import (
    architecture_facts,
    architecture_findings,
    baseline_text,
    judge_architecture,
    read_accepted,
    read_contracts,
)
from hocmig.finding_formats import FORMATS, render_findings
from hocmig.import_linter_export import export_contracts, render_importlinter
from hocmig.store import write_text
from hocmig.workspace import Workspace, open_workspace

EXAMPLES = """
\b
Examples:
  hocmig check
  hocmig check --format sarif > architecture.sarif
  hocmig check --write-baseline          (accept what is there; new violations fail)
  hocmig check --strict                  (entries of the baseline that are mended fail, too)
  hocmig check --import-linter > .importlinter
"""


@click.command("check", epilog=EXAMPLES)
@click.option(
    "--format", "form", type=click.Choice(FORMATS), default="text", help="How violations are printed."
)
@click.option("--write-baseline", is_flag=True, help="Accept all violations that there are, and stop.")
@click.option("--strict", is_flag=True, help="Fail on accepted violations that are gone.")
@click.option("--import-linter", is_flag=True, help="Print the same contracts for import-linter, and stop.")
@click.option(
    "--output", type=click.Path(path_type=Path, dir_okay=False), help="Write to this file, not to stdout."
)
@click.pass_obj
def command(
    options: dict[str, Any],
    form: str,
    write_baseline: bool,
    strict: bool,
    import_linter: bool,
    output: Path | None,
) -> int:
    """Find what breaks the architecture: exit code 1 when something new does.

    Each violation comes with its chain of imports, file and line, and what would mend it. Accepted violations
    stand in the baseline file and do not fail.
    """
    workspace = open_workspace(options)
    terminal = workspace.terminal
    declared = read_contracts(workspace)
    facts = architecture_facts(workspace)
    if import_linter:
        result = judge_architecture(facts, declared, read_accepted(workspace))
        export = export_contracts(facts, declared, result.accepted)
        _write(workspace, render_importlinter(export), output)
        for note in export.notes:
            terminal.note(note)
        terminal.document({"contracts": [dict(c.options) for c in export.contracts], "notes": export.notes})
        return 0
    if write_baseline:
        result = judge_architecture(facts, declared, ())
        name = workspace.config.architecture_baseline
        write_text(workspace.root / name, baseline_text(result))
        terminal.say(f"wrote {name}: {len(result.keys)} accepted")
        terminal.document({"written": [name], "entries": len(result.keys)})
        return 0
    entries = read_accepted(workspace)
    result = judge_architecture(facts, declared, entries)
    findings = architecture_findings(workspace, result, entries, strict=strict)
    form = "json" if workspace.json else form
    text = render_findings(findings, form, command="check")
    if output is not None:
        write_text(output, text)
    elif text:
        click.echo(text, nl=False)
    kept = sum(outcome.is_kept for outcome in result.outcomes)
    accepted = f", {len(result.accepted)} accepted" if result.accepted else ""
    terminal.note(
        f"{len(result.new)} violations{accepted}; {kept} of {len(result.outcomes)} rules and contracts kept"
    )
    return 1 if any(finding.severity == "error" for finding in findings) else 0


def _write(workspace: Workspace, text: str, output: Path | None) -> None:
    if output is not None:
        write_text(output, text)
        workspace.terminal.say(f"wrote {output}")
    else:
        workspace.terminal.result(text)
