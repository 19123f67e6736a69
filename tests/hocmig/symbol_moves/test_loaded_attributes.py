"""What is taken of a module that a string names must still be there after a symbol has left it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from hocmig.cli import run

TAKING = {
    "at once": 'import importlib\nx = importlib.import_module("app.b").P()\n',
    "by name": 'import importlib\nx = importlib.import_module(name="app.b").P()\n',
    "getattr": 'from importlib import import_module\nx = getattr(import_module("app.b"), "P")()\n',
    "alias": 'from importlib import import_module as load\nx = load("app.b").P()\n',
    "variable": 'import importlib\nm = importlib.import_module("app.b")\nx = m.P()\n',
    "in a function": "import importlib\ndef g():\n"
    '    m = importlib.import_module("app.b")\n    return m.P()\nx = g()\n',
    "walrus": 'import importlib\nif m := importlib.import_module("app.b"):\n    x = m.P()\n',
    "relative": 'import importlib\nx = importlib.import_module(".b", "app").P()\n',
    "own package": 'import importlib\nx = importlib.import_module(".b", __package__).P()\n',
    "__import__": 'x = __import__("app.b", fromlist=["P"]).P()\n',
    "sys.modules": 'import sys\nimport app.b\nx = sys.modules["app.b"].P()\n',
}


def _tree(root: Path, client: str, more: dict[str, str] | None = None) -> Path:
    files = {
        "hocmig.yaml": "version: 1\nimport_roots: ['.']\n",
        "app/__init__.py": "",
        "app/b.py": "def P():\n    return 1\ndef Q():\n    return 2\n",
        "app/d.py": "",
        "app/use.py": client,
        **(more or {}),
    }
    for path, text in files.items():
        (root / path).parent.mkdir(exist_ok=True)
        (root / path).write_text(text)
    return root


def _moved(
    root: Path, capsys: pytest.CaptureFixture[str], *options: str
) -> tuple[int, list[tuple[str, int]]]:
    capsys.readouterr()
    code = run(["--root", str(root), "--json", "--no-progress", "mv", *options, "--execute"])
    findings = json.loads(capsys.readouterr().out)["findings"]
    return code, [(f["code"], f["line"]) for f in findings if f["severity"] == "error"]


def _runs(root: Path) -> bool:
    done = subprocess.run(
        [sys.executable, "-c", "import app.use; assert app.use.x == 1"],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        check=False,
    )
    return done.returncode == 0


@pytest.mark.parametrize("how", TAKING)
def test_a_symbol_stays_that_a_string_leads_to(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], how: str
) -> None:
    root = _tree(tmp_path, TAKING[how])
    assert _runs(root)
    code, errors = _moved(root, capsys, "app.b:P", "app.d")
    line = next(n for n, text in enumerate(TAKING[how].splitlines(), 1) if ".P" in text or '"P")' in text)
    assert (code, errors) == (1, [("RELOC022", line)])
    assert _runs(root)


@pytest.mark.parametrize("how", TAKING)
def test_a_shim_serves_it(tmp_path: Path, capsys: pytest.CaptureFixture[str], how: str) -> None:
    root = _tree(tmp_path, TAKING[how])
    assert _moved(root, capsys, "app.b:P", "app.d", "--shim") == (0, [])
    assert (root / "app/d.py").read_text().startswith("def P")
    assert _runs(root)


@pytest.mark.parametrize("how", TAKING)
def test_what_comes_back_by_an_import_is_still_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], how: str
) -> None:
    user = "def P():\n    return 1\ndef Q():\n    return P() + 1\n"
    root = _tree(tmp_path, TAKING[how], {"app/b.py": user})
    assert _moved(root, capsys, "app.b:P", "app.d") == (0, [])
    assert _runs(root)


@pytest.mark.parametrize("how", TAKING)
def test_the_string_of_a_module_follows(tmp_path: Path, capsys: pytest.CaptureFixture[str], how: str) -> None:
    root = _tree(tmp_path, TAKING[how])
    assert _moved(root, capsys, "app.b", "app.c") == (0, [])
    assert _runs(root)


@pytest.mark.parametrize(
    "client",
    [
        'import importlib\nx = importlib.import_module("app.b").Q() - 1\n',
        'import importlib\nm = importlib.import_module("app.b")\nm = int\nm.P = 1\nx = 1\n',
        'import importlib\nx = getattr(importlib.import_module("app.b"), "absent", 1)\n',
        'x = __import__("app.b") and 1\n',
    ],
)
def test_other_attributes_are_no_reason(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], client: str
) -> None:
    root = _tree(tmp_path, client)
    assert _moved(root, capsys, "app.b:P", "app.d") == (0, [])


@pytest.mark.parametrize("target", ["app.d", "app.fresh"])
def test_code_that_moves_takes_itself_of_its_old_module(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], target: str
) -> None:
    text = 'import importlib\ndef P():\n    return importlib.import_module("app.b").P\ndef Q(): ...\n'
    root = _tree(tmp_path, "x = 1\n", {"app/b.py": text})
    code, errors = _moved(root, capsys, "app.b:P", target)
    assert (code, [name for name, _ in errors]) == (1, ["RELOC022"])
    assert (root / "app/b.py").read_text() == text
