"""Small repositories for `hocmig mv`, run through its command line; values come from fresh interpreters."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hocmig.cli import run

Make = Callable[..., Path]
Mv = Callable[..., dict[str, Any]]
ValueOf = Callable[[Path, str], str]


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    """Write files below a fresh folder, with a hocmig.yaml and the package `app`, and go there."""
    root = tmp_path / "repository"

    def write(files: dict[str, str | bytes]) -> Path:
        files = {"hocmig.yaml": "version: 1\nimport_roots: [.]\n", "app/__init__.py": ""} | files
        for path, content in files.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_bytes(content.encode() if isinstance(content, str) else content)
        monkeypatch.chdir(root)
        return root

    return write


@pytest.fixture
def mv(capsys: pytest.CaptureFixture[str]) -> Mv:
    """Run `hocmig --json mv ...`; the document that it prints."""

    def move(*arguments: str, code: int = 0) -> dict[str, Any]:
        capsys.readouterr()
        found = run(["--json", "mv", *arguments])
        shown = capsys.readouterr()
        assert found == code, shown.out + shown.err
        document: dict[str, Any] = json.loads(shown.out)
        return document

    return move


@pytest.fixture
def value_of() -> ValueOf:
    """The value of `module.NAME` in a fresh interpreter, as text."""

    def value(root: Path, name: str) -> str:
        module, _, attribute = name.rpartition(".")
        code = "import importlib, sys; sys.path.insert(0, sys.argv[1]); "
        code += "print(repr(getattr(importlib.import_module(sys.argv[2]), sys.argv[3])))"
        command = [sys.executable, "-B", "-c", code, str(root), module, attribute]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    return value
