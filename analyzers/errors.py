"""The exceptions of all three packages, each with the exit code that the command line answers with.

Source of the exit codes: the product contract, "Commands".
"""

from __future__ import annotations

from typing import Any


class HocmigError(Exception):
    """Root of all errors that hocmig raises on purpose; `exit_code` is the process exit code."""

    exit_code = 5

    def __reduce__(self) -> tuple[Any, ...]:
        # Errors cross process pools: rebuild from the constructor's own arguments.
        return (type(self), self.args)


class InputError(HocmigError):
    """Wrong usage, configuration or input file.

    Args:
        file: path as the user knows it (POSIX, relative to the repository root), or an option's name.
        line: 1-based line, or 0 when the whole file is meant.
        problem: what is wrong.
        mend: what to do about it; may be empty.
    """

    exit_code = 2

    def __init__(self, file: str, line: int, problem: str, mend: str = "") -> None:
        super().__init__(file, line, problem, mend)
        self.file = file
        self.line = line
        self.problem = problem
        self.mend = mend

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        text = (
            " ".join(f"{self.problem}; {self.mend}".split()) if self.mend else " ".join(self.problem.split())
        )
        return f"{place}: {text}" if place else text


class StaleInputError(InputError):
    """Files differ from what the plan was made of; `files` are the paths, sorted."""

    def __init__(self, files: tuple[str, ...], mend: str = "make the plan again") -> None:
        more = f" and {len(files) - 5} more" if len(files) > 5 else ""
        shown = ", ".join(files[:5]) + more
        super().__init__(files[0] if files else "", 0, f"changed since the plan was made: {shown}", mend)
        self.args = (files, mend)
        self.files = files


class GateError(HocmigError):
    """A gate stands closed: findings, or a check that failed; nothing was changed."""

    exit_code = 1


class InterruptedTransactionError(HocmigError):
    """An earlier transaction did not end; `hocmig recover` must be run first."""

    exit_code = 3


class RolledBackError(HocmigError):
    """A change was started and failed; the tree is as it was before."""

    exit_code = 4
