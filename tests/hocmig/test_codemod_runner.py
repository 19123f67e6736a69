"""The tool's work is divided among processes, and nothing depends on that."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import hocmig.codemod_runner
from hocmig.cli import run


@pytest.mark.parametrize(("bytes_per_process", "jobs", "expected"), [(1, 3, 3), (10**9, 3, 1), (1, 1, 1)])
def test_processes_share_the_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bytes_per_process: int, jobs: int, expected: int
) -> None:
    files = {f"app/user{number}.py": f"from app.old import V\nN = {number}\n" for number in range(7)}
    files |= {
        "hocmig.yaml": "version: 1\nimport_roots: ['.']\n",
        "app/__init__.py": "",
        "app/old.py": "V = 1\n",
    }
    for path, text in files.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text)
    started: list[list[str]] = []
    start = subprocess.Popen

    def counted(arguments: list[str], *rest: Any, **options: Any) -> Any:
        if "libcst.tool" in arguments:
            started.append(arguments)
        return start(arguments, *rest, **options)

    monkeypatch.setattr(hocmig.codemod_runner.subprocess, "Popen", counted)
    monkeypatch.setattr(hocmig.codemod_runner, "BYTES_PER_PROCESS", bytes_per_process)
    command = [
        "--root",
        str(tmp_path),
        "--quiet",
        "--jobs",
        str(jobs),
        "mv",
        "app.old",
        "app.new",
        "--execute",
    ]
    assert run(command) == 0
    assert len(started) == expected
    for number in range(7):
        text = (tmp_path / f"app/user{number}.py").read_text()
        assert text == f"from app.new import V\nN = {number}\n"


def test_a_process_that_dies_is_said_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    files = {
        "hocmig.yaml": "version: 1\nimport_roots: ['.']\n",
        "a.py": "V = 1\n",
        "use.py": "from a import V\n",
    }
    for path, text in files.items():
        (tmp_path / path).write_text(text)
    start = subprocess.Popen

    def dying(arguments: list[str], *rest: Any, **options: Any) -> Any:
        if "libcst.tool" in arguments:
            arguments = [sys.executable, "-c", "import os; os.kill(os.getpid(), 11)"]
        return start(arguments, *rest, **options)

    monkeypatch.setattr(hocmig.codemod_runner.subprocess, "Popen", dying)
    assert run(["--root", str(tmp_path), "mv", "a", "b", "--execute"]) != 0
    assert "signal 11; nothing was changed" in capsys.readouterr().err
    assert {path: (tmp_path / path).read_text() for path in files} == files
