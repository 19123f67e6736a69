"""Completion in a real shell, as docs/how-to/shell-completion.md says to set it up."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]

#: shell -> a script that completes the words in $LINE and prints one candidate a line.
SCRIPTS = {
    "bash": """
        eval "$(_HOCMIG_COMPLETE=bash_source hocmig)"
        read -ra COMP_WORDS <<< "$LINE"; [[ "$LINE" == *" " ]] && COMP_WORDS+=("")
        COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); COMPREPLY=()
        _hocmig_completion hocmig
        printf '%s\\n' "${COMPREPLY[@]}"
        """,
    "fish": """
        _HOCMIG_COMPLETE=fish_source hocmig | source
        complete -C "$LINE" | string replace -r '\\t.*' ''; true
        """,
    "zsh": """
        compdef() { registered=$1 }
        compadd() { print -rl -- ${(P)@[-1]} }
        _describe() { for item in ${(P)3}; do print -r -- ${item%%:*}; done }
        eval "$(_HOCMIG_COMPLETE=zsh_source hocmig)"
        words=(${(z)LINE}); [[ $LINE == *" " ]] && words+=("")
        CURRENT=$#words; compstate=()
        $registered
        """,
}


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    program = tmp_path / "hocmig"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m hocmig "$@"\n')
    program.chmod(0o755)
    return tmp_path


@pytest.mark.parametrize("shell", SCRIPTS)
@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("hocmig ma", ["manifest"]),
        ("hocmig guard --form", ["--format"]),
        ("hocmig guard --format ", ["text", "json", "sarif", "github"]),
        ("hocmig run --from P", [f"p{number}" for number in range(9)]),
    ],
)
def test_the_shell_completes(programs: Path, shell: str, line: str, expected: list[str]) -> None:
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"{shell} is not on this machine")
    done = subprocess.run(
        [program, "-c", SCRIPTS[shell]],
        env={
            **os.environ,
            "PATH": f"{programs}:{os.environ['PATH']}",
            "PYTHONPATH": str(PROJECT),
            "LINE": line,
            "HOME": str(programs),
        },
        capture_output=True,
        text=True,
        check=True,
    )
    # fish sorts.
    assert sorted(done.stdout.split()) == sorted(expected), done.stderr


def test_completing_a_command_imports_none(programs: Path) -> None:
    code = (
        "import sys\nfrom hocmig.cli import run\nrun([])\n"
        "assert not [m for m in sys.modules if m.startswith('hocmig.commands.')]\n"
    )
    environment = {"COMP_WORDS": "hocmig ", "COMP_CWORD": "1", "_HOCMIG_COMPLETE": "bash_complete"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **environment, "PYTHONPATH": str(PROJECT)},
        capture_output=True,
        text=True,
    )
    assert "plain,manifest" in done.stdout
    assert done.returncode == 0, done.stderr
