"""A cycle that a move would close is reported with the moves that lie on it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hocmig.cli import run

FILES = {
    "hocmig.yaml": "version: 1\nimport_roots: [.]\n",
    "app/__init__.py": "from app.selector import Selector\n\n\nclass Spider: ...\n",
    "app/selector/__init__.py": "from app.selector.unified import Selector\n",
    "app/selector/unified.py": "class Selector: ...\n",
    "app/core/__init__.py": "from app import Spider\n",
    "app/plain.py": "import app.core\n",
    "app/other/__init__.py": "",
}


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for path, text in FILES.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_move_into_a_package_that_needs_its_importer_is_named(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (repository / "moves.csv").write_text(
        "old_path,new_path\napp.selector.unified,app.core.unified\napp.plain,app.other.plain\n"
    )
    assert run(["--json", "mv", "--map", "moves.csv"]) == 1
    findings = json.loads(capsys.readouterr().out)["findings"]
    (cycle,) = [f for f in findings if f["code"] == "CYCLE001" and f["severity"] == "error"]
    _, _, moves = cycle["message"].partition("moves that lie on it: ")
    assert moves == "app.selector.unified -> app.core.unified"
