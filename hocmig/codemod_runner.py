"""Run a codemod through `python -m libcst.tool codemod` on copies of files; the only caller of that tool.

The tool runs in a private folder of its own with our own configuration, so that nothing in the repository (a
`yaml.py`, a `.libcst.codemod.yaml` with a formatter command) is imported or executed. Source: the notes on
LibCST's command line, CLI 4, 5, 7, 8, 10, 11 and 15.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import analyzers
from analyzers.errors import HocmigError

#: Below this many bytes a second process costs more to start than it saves: 0.7 s of CPU, in which the tool
#: goes through 250,000 bytes (253 files of Django, each up to its last change: 355,000 bytes in 1.0 s).
BYTES_PER_PROCESS = 500_000

_CONFIG = """\
generated_code_marker: "hocmig marks no file as generated"
formatter: []
blacklist_patterns: []
modules: [codemods]
repo_root: ../stage
"""
_NOISE = re.compile(
    r"^(Calculating|Executing|Finished codemodding| - (Transformed|Skipped|Failed|[0-9]+ warnings)|\s*$)"
)


class CodemodError(HocmigError):
    """The codemod tool failed on a file; `output` is what it printed.

    `status` is how its process ended: negative for a signal.
    """

    def __init__(self, command: str, output: str, status: int = 1) -> None:
        super().__init__(command, output, status)
        self.output = output
        self.status = status

    def __str__(self) -> str:
        if self.status < 0:
            # LibCST's parser is native code: on expressions nested without end it overruns its stack.
            return (
                f"codemod {self.args[0]} was ended by signal {-self.status}; nothing was changed: exclude "
                "files that are nested very deeply"
            )
        lines = [line for line in self.output.splitlines() if line.strip()]
        shown = next(
            (line for line in reversed(lines) if "Error" in line), lines[-1] if lines else "no output"
        )
        return f"codemod {self.args[0]} failed: {shown.strip()}"


class StagedPlan(Protocol):
    """A plan file of a codemod: `option` is the argument that takes it."""

    @property
    def option(self) -> str: ...

    def for_stage(self, stage: Path) -> bytes:
        """The bytes of the plan for files that are copied below `stage`."""


@dataclass(frozen=True)
class CodemodResult:
    """`contents`: repository path -> bytes after the codemod, changed files only; `warnings` sorted."""

    contents: dict[str, bytes]
    warnings: tuple[str, ...]


def run_codemod(
    command: str,
    files: Mapping[str, bytes],
    plan: StagedPlan,
    *,
    jobs: int,
    state: Path,
) -> CodemodResult:
    """What `command` (a dotted class name below `codemods`) makes of `files`.

    Args:
        files: repository path -> bytes, just the files concerned.
        plan: what the codemod is told.
        state: a folder of ours in which a private temporary folder is made and removed.

    Raises:
        CodemodError: the tool reported a failure for some file.
    """
    if not files:
        return CodemodResult({}, ())
    state.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=state, prefix="codemod-") as folder:
        stage = Path(folder) / "stage"
        paths = sorted(files)
        for path in paths:
            target = stage / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(files[path])
        neutral = Path(folder) / "neutral"
        neutral.mkdir()
        (neutral / ".libcst.codemod.yaml").write_text(_CONFIG)
        plan_file = Path(folder) / "plan.json"
        plan_file.write_bytes(plan.for_stage(stage))
        size = sum(map(len, files.values()))
        processes = max(1, min(jobs, len(paths), size // BYTES_PER_PROCESS))
        shares = [paths[number::processes] for number in range(processes)]
        warnings = _run_tool(command, shares, stage, neutral, (plan.option, str(plan_file)))
        changed = {}
        for path in paths:
            content = (stage / path).read_bytes()
            if content != files[path]:
                changed[path] = content
    return CodemodResult(changed, tuple(sorted(warnings)))


def _run_tool(
    command: str,
    shares: Sequence[Sequence[str]],
    stage: Path,
    neutral: Path,
    plan: tuple[str, str],
) -> list[str]:
    # Our own packages first, and nothing of the current directory: see the module docstring.
    packages = str(Path(analyzers.__file__).parent.parent)
    environment = {k: v for k, v in os.environ.items() if not k.startswith("LIBCST_")}
    environment["PYTHONPATH"] = os.pathsep.join(p for p in (packages, environment.get("PYTHONPATH", "")) if p)
    environment["PYTHONSAFEPATH"] = "1"
    running = []
    for number, share in enumerate(shares):
        listing = neutral.parent / f"files-{number}.txt"
        listing.write_text("".join(f"{stage / path}\n" for path in share))
        arguments = [
            *(sys.executable, "-m", "libcst.tool", "codemod"),
            *("-x", f"codemods.{command}", *plan),
            *("--jobs", "1", "--no-format", "--hide-progress", "--include-generated", "--include-stubs"),
            f"@{listing}",
        ]
        running.append(
            subprocess.Popen(
                arguments,
                cwd=neutral,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
            )
        )
    outputs = [process.communicate()[0].decode("utf-8", "replace") for process in running]
    for process, output in zip(running, outputs, strict=True):
        if process.returncode:
            raise CodemodError(command, output, process.returncode)
    return [
        line.removeprefix("WARNING: ")
        for output in outputs
        for line in output.splitlines()
        if line.startswith("WARNING: ") and not _NOISE.match(line)
    ]
