"""Runs a command of the repository with a time limit and keeps its output out of the way."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

#: How much of the end of a command's output is kept, in bytes.
_KEPT = 8000


@dataclass(frozen=True, slots=True)
class CommandResult:
    """How a command ended: `exit_code` (None: it was killed after its time), the end of its output."""

    command: str
    exit_code: int | None
    output: str

    def __str__(self) -> str:
        end = "did not end in time" if self.exit_code is None else f"exit code {self.exit_code}"
        return f"`{self.command}`: {end}"


def run_command(
    command: str, root: Path, *, timeout_seconds: float, environment: Mapping[str, str] | None = None
) -> CommandResult:
    """Run a shell command in the repository's root; whatever it started is killed when its time is over.

    Args:
        environment: variables beside those of this process.
    """
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            command,
            shell=True,
            cwd=root,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        code: int | None
        try:
            code = process.wait(timeout_seconds)
        except subprocess.TimeoutExpired:
            code = None
        finally:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        size = output.seek(0, os.SEEK_END)
        output.seek(max(0, size - _KEPT))
        return CommandResult(command, code, output.read().decode("utf-8", "replace"))
