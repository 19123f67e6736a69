"""Answers about cycles are looked up for the same trees and moves alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import hocmig.cycle_cache
from hocmig.cli import run

FILES = {
    "hocmig.yaml": "version: 1\nimport_roots: ['.']\n",
    "top/__init__.py": "",
    "top/old.py": "from top.other import W\nV = W\n",
    "top/other.py": "W = 1\n",
    "new/__init__.py": "from top.user import U\n",
    "top/user.py": "from top.old import V\nU = V\n",
    "moves.csv": "old_path,new_path\ntop/old.py,new/old.py\n",
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for path, text in FILES.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text)
    return tmp_path


@pytest.fixture
def searches(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """One entry for each search that is carried out."""
    made: list[int] = []
    search = hocmig.cycle_cache.compare_cycles

    def counted(*arguments: Any) -> Any:
        made.append(1)
        return search(*arguments)

    monkeypatch.setattr(hocmig.cycle_cache, "compare_cycles", counted)
    return made


def _moved(root: Path, capsys: pytest.CaptureFixture[str], *options: str) -> tuple[int, list[str]]:
    capsys.readouterr()
    code = run(["--root", str(root), "--json", "mv", "--map", str(root / "moves.csv"), *options])
    return code, [f["code"] for f in json.loads(capsys.readouterr().out)["findings"]]


def test_the_second_run_looks_the_answer_up(
    root: Path, searches: list[int], capsys: pytest.CaptureFixture[str]
) -> None:
    first = _moved(root, capsys)
    assert first == (1, ["CYCLE001"])
    assert _moved(root, capsys) == first
    assert len(searches) == 1
    assert (root / ".hocmig/cycles.msgpack").is_file()


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("new/__init__.py", ""),
        ("top/unconcerned.py", ""),
        ("top/other.py", "W = 2\n"),
        ("moves.csv", "old_path,new_path\ntop/old.py,new/older.py\n"),
        ("hocmig.yaml", "version: 1\nimport_roots: ['.', top]\n"),
    ],
)
def test_another_tree_or_move_is_searched(
    root: Path, searches: list[int], capsys: pytest.CaptureFixture[str], path: str, text: str
) -> None:
    _moved(root, capsys)
    (root / path).write_text(text)
    changed = _moved(root, capsys)
    assert len(searches) == 2
    (root / ".hocmig/cycles.msgpack").unlink()
    assert _moved(root, capsys) == changed


@pytest.mark.parametrize("damage", [b"", b"nonsense", None])
def test_a_damaged_file_is_as_good_as_none(
    root: Path, searches: list[int], capsys: pytest.CaptureFixture[str], damage: bytes | None
) -> None:
    first = _moved(root, capsys)
    file = root / ".hocmig/cycles.msgpack"
    whole = file.read_bytes()
    file.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]) if damage is None else damage)
    assert _moved(root, capsys) == first
    assert len(searches) == 2
    assert file.read_bytes() == whole


def test_other_code_is_not_believed(
    root: Path,
    searches: list[int],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    _moved(root, capsys)
    elsewhere = tmp_path_factory.mktemp("analyzers")
    monkeypatch.setattr(hocmig.cycle_cache.analyzers, "__file__", str(elsewhere / "__init__.py"))
    _moved(root, capsys)
    assert len(searches) == 2


def test_no_more_than_the_last_answers_are_kept(
    root: Path, searches: list[int], capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(9):
        (root / "moves.csv").write_text(f"old_path,new_path\ntop/old.py,new/n{number}.py\n")
        _moved(root, capsys)
    assert len(searches) == 9
    _moved(root, capsys)
    assert len(searches) == 9
    (root / "moves.csv").write_text("old_path,new_path\ntop/old.py,new/n0.py\n")
    _moved(root, capsys)
    assert len(searches) == 10


def test_names_that_are_no_utf_8(root: Path, searches: list[int], capsys: pytest.CaptureFixture[str]) -> None:
    try:
        (root / "top" / "caf\udce9.py").write_text("")
        (root / "top" / "caf\udce9.txt").write_text("top.old\n")
    except OSError:
        pytest.skip("this file system takes UTF-8 names alone")
    first = _moved(root, capsys)
    assert _moved(root, capsys) == first
