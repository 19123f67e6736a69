"""`hocmig demo`: write a sample repository and take it through a migration with hocmig's own commands."""

from __future__ import annotations

import contextlib
import io
import os
import shlex
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import msgspec

from analyzers.migration_manifest import Status
from hocmig.manifest_file import require_manifest
from hocmig.sample.generator import SampleSummary, write_sample
from hocmig.workspace import open_terminal, open_workspace

EXAMPLES = """
\b
Examples:
  hocmig demo hocmig-demo
  hocmig demo big --scale 5 --seed 3
"""

#: What a person would decide about each kind of collision in the sample's workbook.
_DECISIONS = {
    "identical": ("keep-target", "the same bytes stand at the target"),
    "conflict": ("keep-target", "the target has everything that callers use"),
    "lacks": ("skip", "the target lacks a class that callers use"),
    "drifted": ("skip", "both copies were changed; their owners must agree first"),
}


class Step(msgspec.Struct, frozen=True):
    """One command of the demo: `exit_code` as the command gave it, `seconds` of wall time."""

    command: str
    what: str
    exit_code: int
    seconds: float


@dataclass
class _Demo:
    folder: Path
    options: dict[str, Any]
    steps: list[Step]

    def run(self, what: str, *arguments: str) -> int:
        from hocmig.cli import run

        flags = [
            "--root",
            str(self.folder),
            "--quiet",
            *(["--no-progress"] if self.options["no_progress"] else []),
        ]
        if self.options["verbose"]:
            flags.append("--verbose")
        started = time.perf_counter()
        # What the commands answer is theirs; the demo shows one line for each.
        with open_terminal(self.options).working(what), contextlib.redirect_stdout(io.StringIO()):
            code = run([*flags, *arguments])
        shown = shlex.join(("hocmig", *arguments))
        self.steps.append(Step(shown, what, code, round(time.perf_counter() - started, 2)))
        return code


@click.command("demo", epilog=EXAMPLES)
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--seed", type=int, default=1, show_default=True, help="Another seed, another sample.")
@click.option(
    "--scale", type=click.IntRange(min=1), default=1, show_default=True, help="How many files: times 500."
)
@click.pass_obj
def command(options: dict[str, Any], folder: Path, seed: int, scale: int) -> int:
    """Write a small, runnable sample repository to DIR and take it through the phases of a migration.

    Exit code 1 when a phase did not end as it should.
    """
    terminal = open_terminal(options)
    started = time.perf_counter()
    summary = write_sample(folder, seed=seed, scale=scale)
    written = Step(
        f"hocmig demo {folder}", f"wrote {summary.files} files", 0, round(time.perf_counter() - started, 2)
    )
    demo = _Demo(folder.resolve(), options, [written])
    ended = all(step(demo, summary) for step in _PHASES)
    for row in demo.steps:
        terminal.detail(f"{row.command}: exit {row.exit_code}")
    terminal.table(
        "What was done",
        ("command", "result", "exit", "seconds"),
        [(_short(s.command), s.what, str(s.exit_code), f"{s.seconds:.1f}") for s in demo.steps],
    )
    if ended:
        terminal.say(_next_steps(folder))
    terminal.document({"done": ended, "steps": demo.steps, "next": _NEXT if ended else ()})
    return 0 if ended else 1


def _detect(demo: _Demo, summary: SampleSummary) -> bool:
    return demo.run("import roots, domains and layers detected", "init") == 0


def _manifest(demo: _Demo, summary: SampleSummary) -> bool:
    # Exit code 1 is right here: the workbook has rows that nobody has decided yet.
    code = demo.run(f"P0: {summary.misplaced} misplaced files in the workbook", "manifest")
    return code in (0, 1) and _settle(demo, summary)


def _settle(demo: _Demo, summary: SampleSummary) -> bool:
    """Decide the open rows as their owners would."""
    workspace = open_workspace({**demo.options, "root": demo.folder, "config": None})
    kinds = dict(summary.collisions)
    below = workspace.config.domain_root + "/"
    groups: dict[tuple[str, str], list[str]] = {}
    for row in require_manifest(workspace):
        if row.status is Status.UNRESOLVED:
            decision = ("skip", "the file is gone, or nobody knows which one is meant")
        elif row.status in (Status.CONFLICT, Status.IDENTICAL):
            decision = _DECISIONS[kinds[row.current_path.removeprefix(below)]]
        else:
            continue
        groups.setdefault(decision, []).append(row.migration_id)
    codes = [
        demo.run(f"{len(ids)} rows decided: {action}", "resolve", ",".join(ids), action, "--reason", reason)
        for (action, reason), ids in sorted(groups.items())
    ]
    return not any(codes)


def _validate(demo: _Demo, summary: SampleSummary) -> bool:
    return demo.run("P1: the plan is checked", "validate") == 0


def _move(demo: _Demo, summary: SampleSummary) -> bool:
    reason = "hocmig demo"
    return demo.run("P2: moved, rewritten, proven", "move", "--execute", "--backup", "--reason", reason) == 0


def _lock(demo: _Demo, summary: SampleSummary) -> bool:
    return demo.run("P3: domains locked", "lock") == 0


def _verify(demo: _Demo, summary: SampleSummary) -> bool:
    # The sample holds one layer violation that is older than the migration: accepted, not hidden.
    accepted = demo.run("old layer violations accepted", "verify", "--write-baseline") == 0
    return accepted and _is_healthy(demo, "P4: imports, layers, tests, cycles, hashes")


def _is_healthy(demo: _Demo, what: str) -> bool:
    tests = f"{shlex.quote(sys.executable)} -m pytest -q --junitxml={{junit}}"
    return demo.run(what, "verify", "--tests", tests) == 0


def _duplicates(demo: _Demo, summary: SampleSummary) -> bool:
    return demo.run("P5: duplicates found and ranked", "duplicates") == 0


def _consolidate(demo: _Demo, summary: SampleSummary) -> bool:
    # Exit code 1 is right here: copies that differ in meaning are refused, and shown.
    return demo.run("P6: copies consolidated", "consolidate", "--execute", "--all") in (0, 1)


def _refactor(demo: _Demo, summary: SampleSummary) -> bool:
    return demo.run("P7: two clusters refactored", "refactor", "--execute") == 0


def _normalize(demo: _Demo, summary: SampleSummary) -> bool:
    accepted = demo.run("old architecture violations accepted", "check", "--write-baseline") == 0
    return accepted and demo.run("P8: imports normalized", "normalize", "--execute") == 0


def _relock(demo: _Demo, summary: SampleSummary) -> bool:
    # The refactored clusters lie in a new folder, which the locks do not know: a person approves that.
    wanted = ("--approve-by", "hocmig demo", "--reason", "consolidated, refactored, normalized")
    if demo.run("the new state approved and locked", "lock", *wanted) != 0:
        return False
    # P5 may be run again only on a tree that P4 knows.
    return _is_healthy(demo, "P4 again: the new state is healthy, too")


def _report(demo: _Demo, summary: SampleSummary) -> bool:
    return demo.run("one page to look at", "report", "--output", str(demo.folder / "hocmig-report.html")) == 0


#: The phases in order; each says whether it ended as it should.
_PHASES: tuple[Callable[[_Demo, SampleSummary], bool], ...] = (
    _detect,
    _manifest,
    _validate,
    _move,
    _lock,
    _verify,
    _duplicates,
    _consolidate,
    _refactor,
    _normalize,
    _relock,
    _report,
)

_NEXT = (
    "open hocmig-report.html in a browser",
    "hocmig status",
    "python -m pytest",
    "hocmig duplicates --show G001",
    "hocmig mv app.hoc.cus.logs.L5_engines.evidence_engine app.hoc.cus.general.L5_engines.evidence",
    "hocmig normalize --revert",
)


def _next_steps(folder: Path) -> str:
    lines = [f"  {line}" for line in _NEXT]
    return "\n".join(("What to try next:", f"  cd {os.path.relpath(folder)}", *lines))


def _short(text: str) -> str:
    return text if len(text) <= 60 else text[:57] + "..."
