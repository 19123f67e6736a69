"""`hocmig verify` (P4): is the tree right after the migration?"""

from __future__ import annotations

import sys
from typing import Any

import click

from hocmig.phases import p4_verify
from hocmig.verification import VerifyOptions
from hocmig.workspace import open_workspace

EXAMPLES = """
\b
Examples:
  hocmig verify --record-before --import --tests "pytest -q"     (before the migration)
  hocmig verify --import --tests "pytest -q"
  hocmig verify --static
  hocmig verify --write-baseline
"""


@click.command("verify", epilog=EXAMPLES)
@click.option("--import", "real_imports", is_flag=True, help="Import every module in a sandboxed process.")
@click.option(
    "--tests", metavar="CMD", help="Test command (default: as configured); {junit} is its result file."
)
@click.option("--layers", metavar="CMD", help="External layer check (default: as configured).")
@click.option("--static", is_flag=True, help="Run no command of the repository and none of its code.")
@click.option("--record-before", is_flag=True, help="Record the present state for comparison, and stop.")
@click.option("--write-baseline", is_flag=True, help="Accept all layer violations and cycles, and stop.")
@click.option("--strict", is_flag=True, help="Fail on accepted violations that are gone.")
@click.option("--python", default=sys.executable, metavar="PATH", help="Interpreter for --import.")
@click.option(
    "--import-seconds", type=click.FloatRange(min=0.1), default=20.0, show_default=True, help="Per module."
)
@click.option(
    "--import-memory", type=click.IntRange(min=16), default=2048, show_default=True, help="MiB per module."
)
@click.option(
    "--timeout", type=click.FloatRange(min=1), default=3600.0, show_default=True, help="Seconds per command."
)
@click.pass_obj
def command(
    options: dict[str, Any],
    real_imports: bool,
    tests: str | None,
    layers: str | None,
    static: bool,
    record_before: bool,
    write_baseline: bool,
    strict: bool,
    python: str,
    import_seconds: float,
    import_memory: int,
    timeout: float,
) -> int:
    """Check imports, layers, tests, cycles, domains and hashes; write the report and the health score.

    Exit code 0 only when everything ran and is HEALTHY. With --static, what needs commands counts as not run.
    """
    workspace = open_workspace(options)
    commands = workspace.config.commands
    chosen = VerifyOptions(
        real_imports=real_imports and not static,
        tests="" if static else commands.tests if tests is None else tests,
        layers="" if static else commands.layers if layers is None else layers,
        strict=strict,
        python=python,
        import_seconds=import_seconds,
        import_memory=import_memory << 20,
        timeout_seconds=timeout,
    )
    terminal = workspace.terminal
    if record_before:
        name = p4_verify.record_before(workspace, chosen)
        terminal.say(f"wrote {name}")
        terminal.document({"written": [name]})
        return 0
    if write_baseline:
        name, count = p4_verify.write_layer_baseline(workspace, chosen)
        terminal.say(f"wrote {name}: {count} accepted")
        terminal.document({"written": [name], "entries": count})
        return 0
    result = p4_verify.run(workspace, chosen)
    for check in result.checks:
        numbers = ", ".join(f"{key} {value}" for key, value in check.numbers.items())
        terminal.say(f"{check.status.value:8} {check.name}: {numbers}")
        shown = check.details if terminal.verbose else check.details[:10]
        for detail in shown if check.status.value == "FAIL" or terminal.verbose else ():
            terminal.say(f"         {detail}")
        if check.reason and (check.status.value != "PASS" or terminal.verbose):
            terminal.say(f"         {check.reason}")
    for artifact in result.artifacts:
        terminal.detail(f"wrote {artifact}")
    terminal.say(f"{result.health.overall}: score {result.health.score}")
    terminal.document(result)
    return 0 if result.health.is_healthy else 1
