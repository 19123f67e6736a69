"""Progress on a real terminal: shown when something takes a while, and only there."""

from __future__ import annotations

import contextlib
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

from analyzers.configuration import CONFIG_NAME

PROJECT = Path(__file__).resolve().parents[2]


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    (tmp_path / CONFIG_NAME).write_text("version: 1\n")
    (tmp_path / "a.py").write_text("X = 1\n")
    return tmp_path


def _on_a_terminal(folder: Path, *arguments: str, **environment: str) -> tuple[int, str]:
    """Exit code and screen output of hocmig with stdout and stderr on a terminal."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "hocmig", *arguments],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=theirs,
        env={
            **{k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "FORCE_COLOR")},
            "PYTHONPATH": str(PROJECT),
            "TERM": "xterm-256color",
            "COLUMNS": "120",
            **environment,
        },
    )
    os.close(theirs)
    seen = b""
    # The other end closes when the process ends, which Linux says with an error.
    with contextlib.suppress(OSError):
        while chunk := os.read(ours, 65536):
            seen += chunk
    os.close(ours)
    return process.wait(), seen.decode("utf-8", "replace")


COLOUR = re.compile(r"\x1b\[[0-9;]*m")
#: Ends as soon as the display has had time to appear: it asks nothing of the machine's speed.
SLOW = f"{sys.executable} -c 'import time; time.sleep(2)'"


def test_what_takes_long_is_shown_with_its_time(repository: Path) -> None:
    _, screen = _on_a_terminal(repository, "verify", "--tests", SLOW)
    assert "Running the tests" in screen
    assert re.search(r"0:00:0\d", screen)


@pytest.mark.parametrize("flag", ["--no-progress", "--quiet"])
def test_flags_make_it_silent(repository: Path, flag: str) -> None:
    _, screen = _on_a_terminal(repository, flag, "verify", "--tests", SLOW)
    assert "Running the tests" not in screen


def test_without_a_terminal_it_is_silent(repository: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "hocmig", "verify", "--tests", SLOW],
        cwd=repository,
        env={**os.environ, "PYTHONPATH": str(PROJECT), "FORCE_COLOR": "1"},
        capture_output=True,
        text=True,
    )
    assert "Running the tests" not in done.stderr + done.stdout
    assert "\x1b[" not in done.stderr


def test_no_color_is_respected(repository: Path) -> None:
    _, coloured = _on_a_terminal(repository, "status")
    _, plain = _on_a_terminal(repository, "status", NO_COLOR="1")
    _, working = _on_a_terminal(repository, "verify", "--tests", SLOW, NO_COLOR="1")
    assert "manifest" in plain
    # Bold and italics are no colours.
    for screen in (plain, working):
        assert not [
            code for code in COLOUR.findall(screen) if re.search(r"[\[;](3[0-8]|4[0-8]|9\d)[;m]", code)
        ]
    assert COLOUR.search(coloured)


def test_a_bar_shows_rate_and_remaining_time(repository: Path, tmp_path: Path) -> None:
    program = tmp_path / "bar.py"
    program.write_text(
        "import time\n"
        "from hocmig.terminal import Terminal\n"
        "with Terminal().progress('Counting') as advance:\n"
        "    for done in range(1, 41):\n"
        "        advance(done, 50)\n"
        "        time.sleep(0.05)\n"
    )
    ours, theirs = pty.openpty()
    environment = {**os.environ, "PYTHONPATH": str(PROJECT), "TERM": "xterm", "COLUMNS": "120"}
    process = subprocess.Popen(
        [sys.executable, str(program)], stdout=theirs, stderr=theirs, env=environment, cwd=repository
    )
    os.close(theirs)
    seen = b""
    with contextlib.suppress(OSError):
        while chunk := os.read(ours, 65536):
            seen += chunk
    os.close(ours)
    assert process.wait() == 0
    screen = seen.decode()
    assert "Counting" in screen
    assert re.search(r"\d+/50", screen)
    assert re.search(r"\d+/s", screen)
