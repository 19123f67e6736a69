"""`hocmig run`: all phases in order, each behind the gate of the one before."""

from __future__ import annotations

import contextlib
import io
import sys
import time
from dataclasses import dataclass, field
from typing import Any, TextIO

import click
import msgspec

from analyzers.errors import InputError
from analyzers.migration_progress import PHASES
from hocmig import run_plan
from hocmig.cli import COMMANDS, cli
from hocmig.cli import run as run_command
from hocmig.gates import health_problem
from hocmig.run_plan import PhaseRecord
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

#: What a phase is given with --execute, as far as its command has the option.
_EXECUTE: dict[str, tuple[str, ...]] = {
    "move": ("--execute", "--backup"),
    "consolidate": ("--execute", "--all"),
}
_NUMBER = click.Choice(list(PHASES), case_sensitive=False)
_CLEANUP = "P5"


class RunStep(msgspec.Struct, frozen=True, kw_only=True):
    """How one phase went.

    `state`: DONE (up to date, nothing ran), PASSED, DRY_RUN (it would change files, and --execute was not
    given), STOPPED (its gate is shut: `reason`, and `mend`, the command that helps) or NOT_REACHED.
    `exit_code` is that of the command, `seconds` its wall time.
    """

    phase: str
    command: str
    state: str
    what: str = ""
    exit_code: int = 0
    seconds: float = 0.0
    reason: str = ""
    mend: str = ""


@click.command("run", epilog=EXAMPLES)
@click.option("--from", "first", type=_NUMBER, default="P0", show_default=True, help="The first phase.")
@click.option("--to", "last", type=_NUMBER, default="P8", show_default=True, help="The last phase.")
@click.option("--execute", is_flag=True, help="Carry out what the phases plan; without this, dry runs.")
@click.option("--import", "real_imports", is_flag=True, help="P4 imports every module, too.")
@click.option("--tests", metavar="CMD", help="Test command of P4 (default: as configured).")
@click.pass_obj
def command(
    options: dict[str, Any], first: str, last: str, execute: bool, real_imports: bool, tests: str | None
) -> int:
    """Run the phases of the migration in order and stop at the first gate that is shut.

    Phases whose artifacts are up to date are DONE and not run again, so the same command goes on where it
    stopped. Without --execute nothing of the code is changed: it stops before the first phase that would.
    The exit code is that of the phase that stopped it, else 0.
    """
    workspace = open_workspace(options)
    with Tree(workspace.root) as tree:
        refuse_when_pending(tree)
    numbers = list(PHASES)
    chosen = numbers[numbers.index(first) : numbers.index(last) + 1]
    if not chosen:
        raise InputError("--to", 0, f"{last} comes before {first}", "exchange them")
    chosen = [phase for phase in chosen if PHASES[phase][0] in COMMANDS]
    extra = [*(["--import"] if real_imports else []), *(["--tests", tests] if tests is not None else [])]
    run = _Run(options, execute, {"verify": extra})
    steps = run.all(workspace, chosen)
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


class _Tee(io.TextIOBase):
    """Keeps text and passes it on, unless it is to be silent."""

    def __init__(self, through: TextIO, *, is_silent: bool) -> None:
        self.through = through
        self.is_silent = is_silent
        self.kept = io.StringIO()

    def write(self, text: str) -> int:
        self.kept.write(text)
        return len(text) if self.is_silent else self.through.write(text)

    def flush(self) -> None:
        self.through.flush()

    def isatty(self) -> bool:
        return self.through.isatty()

    def fileno(self) -> int:
        return self.through.fileno()


@dataclass
class _Run:
    options: dict[str, Any]
    execute: bool
    extra: dict[str, list[str]]
    steps: list[RunStep] = field(default_factory=list)

    def all(self, workspace: Workspace, phases: list[str]) -> list[RunStep]:
        for number, phase in enumerate(phases):
            name = PHASES[phase][0]
            # Each phase may have changed the tree: nothing that was read before still counts.
            now = open_workspace({**self.options, "root": workspace.root, "config": workspace.config_path})
            step = (
                self._shut(now, phase, is_first=number == 0) or self._done(now, phase) or self._go(now, phase)
            )
            self.steps.append(step)
            if step.state in ("STOPPED", "DRY_RUN"):
                self.steps += [
                    RunStep(phase=p, command=PHASES[p][0], state="NOT_REACHED") for p in phases[number + 1 :]
                ]
                break
            workspace.terminal.detail(f"{phase} {name}: {step.state}")
        return self.steps

    def _shut(self, workspace: Workspace, phase: str, *, is_first: bool) -> RunStep | None:
        """The step that says why a phase may not start; None when it may."""
        reason = mend = ""
        if phase == "P1":
            reason, mend = run_plan.waiting_rows(workspace, list(COMMANDS))
        elif phase == _CLEANUP and "verify" in COMMANDS and not self._done(workspace, "P4"):
            reason, mend = health_problem(workspace), "hocmig verify"
        if not reason and is_first and phase != "P0":
            before = list(PHASES)[list(PHASES).index(phase) - 1]
            if PHASES[before][0] in COMMANDS and run_plan.artifacts_state(workspace, before) == "open":
                reason, mend = f"{before} was not run", f"hocmig run --from {before}"
        if not reason:
            return None
        return RunStep(
            phase=phase, command=PHASES[phase][0], state="STOPPED", exit_code=1, reason=reason, mend=mend
        )

    def _done(self, workspace: Workspace, phase: str) -> RunStep | None:
        if not run_plan.is_up_to_date(workspace, phase):
            return None
        return RunStep(phase=phase, command=PHASES[phase][0], state="DONE", what="up to date")

    def _go(self, workspace: Workspace, phase: str) -> RunStep:
        name = PHASES[phase][0]
        known = _options_of(name)
        mutates = "--execute" in known
        arguments = [a for a in _EXECUTE.get(name, ("--execute",)) if a in known and self.execute]
        if arguments and "--reason" in known:
            arguments += ["--reason", "hocmig run"]
        arguments += self.extra.get(name, [])
        before = run_plan.tree_state(workspace)
        started = time.perf_counter()
        code, document, messages = self._call(workspace, name, arguments)
        seconds = round(time.perf_counter() - started, 2)
        what = _what(phase, document)
        if code:
            reason = run_plan.reason_of(document, messages)
            waiting = run_plan.waiting_rows(workspace, list(COMMANDS))[1] if phase == "P0" else ""
            mend = waiting or run_plan.mend_of(phase)
            return RunStep(
                phase=phase, command=name, state="STOPPED", what=what, exit_code=code, seconds=seconds,
                reason=reason, mend=mend,
            )  # fmt: skip
        if mutates and not self.execute and _would_change(document):
            mend = "hocmig run --execute"
            return RunStep(phase=phase, command=name, state="DRY_RUN", what=what, seconds=seconds, mend=mend)
        after = open_workspace({**self.options, "root": workspace.root, "config": workspace.config_path})
        run_plan.keep_record(
            after, phase, PhaseRecord(before, run_plan.tree_state(after), run_plan.decisions_state(after))
        )
        return RunStep(phase=phase, command=name, state="PASSED", what=what, seconds=seconds)

    def _call(self, workspace: Workspace, name: str, arguments: list[str]) -> tuple[int, Any, list[str]]:
        """Runs a command as the command line would; returns exit code, JSON document and stderr's lines."""
        flags = ["--json", "--root", str(workspace.root), "--config", str(workspace.config_path)]
        flags += ["--jobs", str(self.options["jobs"])]
        flags += [f"--{o.replace('_', '-')}" for o in ("verbose", "no_progress") if self.options[o]]
        if not self.options["verbose"]:
            flags.append("--quiet")
        answer = io.StringIO()
        said = _Tee(sys.stderr, is_silent=self.options["quiet"])
        with contextlib.redirect_stdout(answer), contextlib.redirect_stderr(said):
            code = run_command([*flags, name, *arguments])
        try:
            document = msgspec.json.decode(answer.getvalue().encode("utf-8", "surrogateescape"))
        except msgspec.MsgspecError:
            document = None
        return code, document, said.kept.getvalue().splitlines()


def _options_of(name: str) -> set[str]:
    """The long options of a command."""
    found = cli.get_command(click.Context(cli), name)
    return {option for parameter in (found.params if found else ()) for option in parameter.opts}


def _would_change(document: Any) -> bool:
    """Whether a dry run found something to do."""
    if not isinstance(document, dict):
        return True
    return any(value and (key == "diff" or isinstance(value, list)) for key, value in document.items())


def _what(phase: str, document: Any) -> str:
    """The main numbers of a phase's result, for the summary."""
    if not isinstance(document, dict):
        return ""
    if phase == "P4":
        health = document.get("health") or {}
        return f"{health.get('overall', '')}, score {health.get('score', '')}" if health else ""
    parts = []
    for key, text in (
        ("rows", "rows"),
        ("moves", "moves"),
        ("statements_to_update", "statements to update"),
        ("moved", "files moved"),
        ("symbols", "symbols moved"),
        ("rewritten", "files rewritten"),
        ("domains", "domains"),
        ("files", "files"),
        ("groups", "duplicates"),
        ("candidates", "candidates"),
    ):
        value = document.get(key)
        count = len(value) if isinstance(value, list) else value
        if isinstance(count, int) and not isinstance(count, bool) and count:
            parts.append(f"{count} {text}")
    return ", ".join(parts)


def _show(workspace: Workspace, steps: list[RunStep], stopped: RunStep | None) -> None:
    terminal = workspace.terminal
    rows = [(s.phase, s.command, s.state, s.what, f"{s.seconds:.1f}" if s.seconds else "") for s in steps]
    terminal.table("Phases", ("phase", "command", "state", "result", "seconds"), rows)
    dry = next((step for step in steps if step.state == "DRY_RUN"), None)
    if stopped is not None:
        terminal.note(f"stopped at {stopped.phase}: {stopped.reason}")
        terminal.note(f"next: {stopped.mend}")
    elif dry is not None:
        terminal.say(f"{dry.phase} was a dry run: nothing of the code was changed; next: {dry.mend}")
