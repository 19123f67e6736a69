"""`hocmig run`: all phases in order, each behind the gate of the one before."""

from __future__ import annotations

from typing import Any

import click

from analyzers.errors import InputError
from analyzers.migration_progress import PHASES
from hocmig.cli import COMMANDS
from hocmig.phase_runner import PhaseRunner, RunStep
from hocmig.transaction.filesystem import Tree
from hocmig.transaction.recovery import refuse_when_pending
from hocmig.workspace import Workspace, open_workspace

EXAMPLES = """
\b
Examples:
  hocmig run                      (plans and checks; stops before anything is moved)
  hocmig run --execute
  hocmig run --from P2 --to P4 --execute
  hocmig --json run --execute
"""

_NUMBER = click.Choice(list(PHASES), case_sensitive=False)


@click.command("run", epilog=EXAMPLES)
@click.option("--from", "first", type=_NUMBER, default="P0", show_default=True, help="The first phase.")
@click.option("--to", "last", type=_NUMBER, default="P8", show_default=True, help="The last phase.")
@click.option("--execute", is_flag=True, help="Carry out what the phases plan; without this, dry runs.")
@click.option("--accept-existing-cycles", is_flag=True, help="P1 passes with import cycles that are old.")
@click.option("--import", "real_imports", is_flag=True, help="P4 imports every module, too.")
@click.option("--tests", metavar="CMD", help="Test command of P4 (default: as configured).")
@click.pass_obj
def command(
    options: dict[str, Any],
    first: str,
    last: str,
    execute: bool,
    accept_existing_cycles: bool,
    real_imports: bool,
    tests: str | None,
) -> int:
    """Run the phases of the migration in order and stop at the first gate that is shut.

    Phases whose artifacts are up to date are DONE and not run again, so the same command goes on where it
    stopped. Without --execute nothing of the code is changed: it stops before the first phase that would.
    With it, the state before the first move is recorded (`hocmig verify --record-before`), and after P8 the
    whole tree is verified once more. The exit code is that of the phase that stopped it, else 0.
    """
    workspace = open_workspace(options)
    with Tree(workspace.root) as tree:
        refuse_when_pending(tree)
    numbers = list(PHASES)
    chosen = numbers[numbers.index(first) : numbers.index(last) + 1]
    if not chosen:
        raise InputError("--to", 0, f"{last} comes before {first}", "exchange them")
    chosen = [phase for phase in chosen if PHASES[phase][0] in COMMANDS]
    extra = {
        "validate": ["--accept-existing-cycles"] if accept_existing_cycles else [],
        "verify": [
            *(["--import"] if real_imports else []),
            *(["--tests", tests] if tests is not None else []),
        ],
    }
    steps = PhaseRunner(options, execute, extra).run(workspace, chosen)
    stopped = next((step for step in steps if step.state == "STOPPED"), None)
    _show(workspace, steps, stopped)
    workspace.terminal.document(
        {
            "ready": stopped is None,
            "executed": execute,
            "phases": steps,
            "stopped_at": stopped and stopped.phase,
        }
    )
    return stopped.exit_code if stopped is not None else 0


def _show(workspace: Workspace, steps: list[RunStep], stopped: RunStep | None) -> None:
    terminal = workspace.terminal
    rows = [
        (
            s.phase,
            s.command,
            s.state,
            s.what or (s.reason if s.state == "SKIPPED" else ""),
            f"{s.seconds:.1f}" if s.seconds else "",
        )
        for s in steps
    ]
    terminal.table("Phases", ("phase", "command", "state", "result", "seconds"), rows)
    for step in steps:
        for line in step.left:
            terminal.say(f"left to people by {step.phase}: {line}")
    dry = next((step for step in steps if step.state == "DRY_RUN"), None)
    if stopped is not None:
        terminal.note(f"stopped at {stopped.phase}: {stopped.reason}")
        terminal.note(f"next: {stopped.mend}")
        if stopped.phase != "P0" and not stopped.mend.startswith("hocmig run"):
            terminal.note("then the same `hocmig run` goes on from here")
    elif dry is not None:
        terminal.say(f"{dry.phase} was a dry run: nothing of the code was changed; next: {dry.mend}")
    elif all(step.state in ("DONE", "SKIPPED") for step in steps):
        terminal.say("everything is up to date")
