"""Runs the phases one after the other, each as the command line would, and says how each one went."""

from __future__ import annotations

import contextlib
import io
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TextIO

import click
import msgspec

from analyzers.before_state import BEFORE_NAME
from analyzers.migration_progress import PHASES
from hocmig import run_plan
from hocmig.cli import COMMANDS, cli
from hocmig.cli import run as run_command
from hocmig.gates import health_problem
from hocmig.manifest_file import read_current_manifest
from hocmig.run_plan import PhaseRecord
from hocmig.workspace import Workspace, open_workspace

#: What a phase is given with --execute, as far as its command has the option.
_EXECUTE: dict[str, tuple[str, ...]] = {
    "move": ("--execute", "--backup"),
    "consolidate": ("--execute", "--all"),
}
_CLEANUP = "P5"
#: The phases after P4 that change code.
_CHANGING = ("P6", "P7", "P8")


class RunStep(msgspec.Struct, frozen=True, kw_only=True):
    """How one phase went.

    `state`: DONE (up to date, nothing ran), PASSED, SKIPPED (there is nothing for it to do), DRY_RUN (it
    would change files, and --execute was not given), STOPPED (its gate is shut: `reason`, and `mend`, the
    command that helps) or NOT_REACHED. `left` is what it leaves to people without shutting its gate.
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
    left: tuple[str, ...] = ()


@dataclass
class PhaseRunner:
    """Runs phases on the repository that the global `options` name.

    `extra` are more arguments by command. Without `execute` it stops before the first phase that would change
    code.
    """

    options: Mapping[str, Any]
    execute: bool
    extra: Mapping[str, Sequence[str]]
    steps: list[RunStep] = field(default_factory=list)

    def run(self, workspace: Workspace, phases: Sequence[str]) -> list[RunStep]:
        """The steps of `phases`; after P8 changed code, P4 looks at the whole tree once more."""
        for number, phase in enumerate(phases):
            now = self._reopened(workspace)
            step = (
                self._shut(now, phase, is_first=number == 0)
                or self._not_needed(now, phase)
                or self._go(now, phase)
            )
            self.steps.append(step)
            if step.state in ("STOPPED", "DRY_RUN"):
                self.steps += [
                    RunStep(phase=p, command=PHASES[p][0], state="NOT_REACHED") for p in phases[number + 1 :]
                ]
                return self.steps
            if sys.stderr.isatty() or workspace.terminal.verbose:
                workspace.terminal.note(f"{phase} {step.command}: {step.state}")
        if phases[-1] == "P8" and self.execute and "verify" in COMMANDS:
            self._verify_again(workspace)
        return self.steps

    def _reopened(self, workspace: Workspace) -> Workspace:
        """A workspace of the present tree: each phase may have changed it, so nothing read before counts."""
        return open_workspace({**self.options, "root": workspace.root, "config": workspace.config_path})

    def _verify_again(self, workspace: Workspace) -> None:
        """P4 on the tree that the cleanup left, when something changed it since."""
        now = self._reopened(workspace)
        if not any(s.phase in _CHANGING and s.state == "PASSED" for s in self.steps):
            return
        if health_problem(now):
            self.steps.append(self._go(now, "P4"))

    def _shut(self, workspace: Workspace, phase: str, *, is_first: bool) -> RunStep | None:
        """The step that says why a phase may not start; None when it may."""
        reason = mend = ""
        if phase == "P1":
            reason, mend = run_plan.waiting_rows(workspace, list(COMMANDS))
        elif phase == _CLEANUP and "verify" in COMMANDS and not self._is_done(workspace, phase):
            reason, mend = health_problem(workspace), "hocmig verify"
        if not reason and is_first and phase != "P0":
            before = list(PHASES)[list(PHASES).index(phase) - 1]
            if PHASES[before][0] in COMMANDS and not self._was_run(workspace, before):
                reason, mend = f"{before} was not run", f"hocmig run --from {before}"
        if not reason:
            return None
        return RunStep(
            phase=phase, command=PHASES[phase][0], state="STOPPED", exit_code=1, reason=reason, mend=mend
        )

    def _was_run(self, workspace: Workspace, phase: str) -> bool:
        return (
            run_plan.artifacts_state(workspace, phase) != "open"
            or run_plan.is_recorded(workspace, phase)
            or self._needless(workspace, phase) != ""
        )

    def _is_done(self, workspace: Workspace, phase: str) -> bool:
        return run_plan.is_up_to_date(workspace, phase)

    def _not_needed(self, workspace: Workspace, phase: str) -> RunStep | None:
        name = PHASES[phase][0]
        if self._is_done(workspace, phase):
            return RunStep(phase=phase, command=name, state="DONE", what="up to date")
        # Only P7 may have no input at all; the other phases say themselves that there is nothing to do.
        reason = self._needless(workspace, phase) if phase == "P7" else ""
        return RunStep(phase=phase, command=name, state="SKIPPED", reason=reason) if reason else None

    def _needless(self, workspace: Workspace, phase: str) -> str:
        return run_plan.needless(workspace, phase, read_current_manifest(workspace))

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
        recorded = ""
        if phase == "P2" and self.execute and "verify" in COMMANDS:
            code, recorded, messages = self._record_before(workspace)
            if code:
                return RunStep(
                    phase=phase, command=name, state="STOPPED", exit_code=code,
                    reason=f"the state before could not be recorded: {run_plan.reason_of(None, messages)}",
                    mend="hocmig verify --record-before", seconds=_since(started),
                )  # fmt: skip
        code, document, messages = self._call(workspace, name, arguments)
        seconds = _since(started)
        what = ", ".join(text for text in (recorded, _what(phase, document)) if text)
        after = self._reopened(workspace)
        left = _left(phase, document)
        # Copies that are refused shut no gate: the others were carried out, and these are for people.
        is_passed = code == 0 or (code == 1 and phase == "P6" and document is not None)
        if is_passed and mutates and not self.execute and _would_change(document):
            mend = "hocmig run --execute"
            what = what.replace(" moved", " to move").replace(" rewritten", " to rewrite")
            return RunStep(
                phase=phase, command=name, state="DRY_RUN", what=what, seconds=seconds, mend=mend, left=left
            )
        record = PhaseRecord(
            before,
            run_plan.tree_state(after),
            run_plan.decisions_state(after),
            run_plan.artifacts_state(after, phase),
            is_passed,
        )
        if is_passed or record.after != before:
            run_plan.keep_record(after, phase, record)
        if is_passed:
            return RunStep(phase=phase, command=name, state="PASSED", what=what, seconds=seconds, left=left)
        waiting, decide = run_plan.waiting_rows(workspace, list(COMMANDS)) if phase == "P0" else ("", "")
        return RunStep(
            phase=phase, command=name, state="STOPPED", what=what, exit_code=code, seconds=seconds,
            reason=waiting or run_plan.reason_of(document, messages),
            mend=decide or run_plan.mend_of(phase, document),
            left=left,
        )  # fmt: skip

    def _record_before(self, workspace: Workspace) -> tuple[int, str, list[str]]:
        """Record the state that P4 compares with, unless one is recorded already."""
        if (workspace.artifacts / BEFORE_NAME).exists():
            return 0, "", []
        arguments = ["--record-before", *self.extra.get("verify", [])]
        code, _, messages = self._call(workspace, "verify", arguments)
        return code, "state before recorded", messages

    def _call(self, workspace: Workspace, name: str, arguments: Sequence[str]) -> tuple[int, Any, list[str]]:
        """Runs a command as the command line would; returns exit code, JSON document and stderr's lines."""
        flags = ["--json", "--root", str(workspace.root), "--config", str(workspace.config_path)]
        flags += ["--jobs", str(self.options["jobs"])]
        flags += [f"--{o.replace('_', '-')}" for o in ("verbose", "no_progress") if self.options[o]]
        if not self.options["verbose"]:
            flags.append("--quiet")
        answer = io.StringIO()
        said = _Tee(sys.stderr, is_silent=self.options["quiet"])
        with (
            workspace.terminal.working(f"hocmig {name}"),
            contextlib.redirect_stdout(answer),
            contextlib.redirect_stderr(said),
        ):
            code = run_command([*flags, name, *arguments])
        try:
            document = msgspec.json.decode(answer.getvalue().encode("utf-8", "surrogateescape"))
        except msgspec.MsgspecError:
            document = None
        return code, document, said.kept.getvalue().splitlines()


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


def _since(started: float) -> float:
    return round(time.perf_counter() - started, 2)


def _options_of(name: str) -> set[str]:
    """The long options of a command."""
    found = cli.get_command(click.Context(cli), name)
    return {option for parameter in (found.params if found else ()) for option in parameter.opts}


def _would_change(document: Any) -> bool:
    """Whether a dry run found something to do."""
    if not isinstance(document, dict):
        return True
    changing = ("diff", "moved", "rewritten", "symbols", "merged", "clusters")
    return any(document.get(key) for key in changing)


def _left(phase: str, document: Any) -> tuple[str, ...]:
    """What a phase leaves to people, one line each."""
    others = document.get("others") or () if isinstance(document, dict) and phase == "P6" else ()
    return tuple(
        f"{other['candidate']}: {other['reason']}" for other in others if other.get("action") == "refused"
    )


def _what(phase: str, document: Any) -> str:
    """The main numbers of a phase's result, for the summary."""
    if not isinstance(document, dict):
        return ""
    if phase in ("P4", "P8"):
        health = document.get("health") or {}
        score = health.get("score", health.get("architecture_compliance"))
        unit = ", score {}" if phase == "P4" else ", compliance {} %"
        verdict = f"{health.get('overall', '')}{unit.format(score)}" if health else ""
        if phase == "P4":
            return verdict
        rewritten = len(document.get("rewritten") or ())
        return ", ".join(text for text in (rewritten and f"{rewritten} imports rewritten", verdict) if text)
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
