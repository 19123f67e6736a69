"""Runs the repository's test suite and reads its results."""

from __future__ import annotations

import os
import shlex
import tempfile
from dataclasses import dataclass
from pathlib import Path

from analyzers.before_state import TestOutcomes
from analyzers.errors import InputError
from analyzers.junit_results import MAX_BYTES, parse_junit
from hocmig.command_run import run_command

#: In a test command this stands for the file that the results are to be written to.
PLACEHOLDER = "{junit}"

#: The one test of a command that writes no results.
WHOLE_COMMAND = "command::whole"


@dataclass(frozen=True, slots=True)
class TestRun:
    """What a test run gave; `problem` says why it cannot be believed (empty: it can)."""

    outcomes: TestOutcomes
    problem: str
    output: str


def run_tests(root: Path, command: str, *, timeout_seconds: float) -> TestRun:
    """Run the tests and read JUnit XML: written to `{junit}`, or by pytest, asked by its environment.

    A command that writes no results counts as one test.
    """
    with tempfile.TemporaryDirectory(prefix="hocmig-tests-") as folder:
        results = Path(folder) / "results.xml"
        added = f"{os.environ.get('PYTEST_ADDOPTS', '')} --junitxml={shlex.quote(str(results))}".strip()
        done = run_command(
            command.replace(PLACEHOLDER, shlex.quote(str(results))),
            root,
            timeout_seconds=timeout_seconds,
            environment={"PYTEST_ADDOPTS": added, "PYTHONDONTWRITEBYTECODE": "1"},
        )
        if done.exit_code is None:
            problem = f"did not end within {timeout_seconds:g} seconds"
            return TestRun(TestOutcomes(command, -1, {}), problem, done.output)
        if not results.is_file():
            outcome = "passed" if done.exit_code == 0 else "failed"
            if PLACEHOLDER in command or "pytest" in command:
                problem = f"wrote no results (exit code {done.exit_code})"
                return TestRun(TestOutcomes(command, done.exit_code, {}), problem, done.output)
            return TestRun(TestOutcomes(command, done.exit_code, {WHOLE_COMMAND: outcome}), "", done.output)
        with results.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    try:
        tests = parse_junit(content, "the test results")
    except InputError as error:
        return TestRun(TestOutcomes(command, done.exit_code, {}), str(error), done.output)
    return TestRun(TestOutcomes(command, done.exit_code, tests), _problem(done.exit_code, tests), done.output)


def _problem(exit_code: int, tests: dict[str, str]) -> str:
    failed = any(outcome in ("failed", "error") for outcome in tests.values())
    if not tests:
        return f"ran no test (exit code {exit_code})"
    if exit_code != 0 and not failed:
        return f"failed with exit code {exit_code}, though no test did"
    return ""
