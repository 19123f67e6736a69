"""`hocmig mv` through the command line, on small repositories."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hocmig import relocation
from hocmig.cli import run
from hocmig.codemod_runner import CodemodResult

FILES = {
    "hocmig.yaml": "version: 1\nimport_roots: [.]\n",
    "app/__init__.py": "",
    "app/a/__init__.py": "",
    "app/a/one.py": "VALUE = 1\n",
    "app/a/two.py": "from app.a.one import VALUE\n\nDOUBLE = 2 * VALUE\n",
    "app/client.py": "from app.a import one, two\n\nSUM = one.VALUE + two.DOUBLE\n",
}


def write(root: Path, files: dict[str, str]) -> None:
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)


def tree(root: Path) -> dict[str, bytes]:
    return {
        p.relative_to(root).as_posix(): p.read_bytes()
        for p in sorted(root.rglob("*"))
        if p.is_file() and ".hocmig" not in p.parts
    }


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "repository"
    write(root, FILES)
    monkeypatch.chdir(root)
    return root


@pytest.mark.parametrize(
    "rows",
    [
        ["app/a/one.py,app/b/one.py", "app/a/two.py,app/b/sub/two.py"],
        ["app.a.one,app.b.one", "app.a.two,app.b.sub.two"],
        ["app/a,app/b"],
        ["app.a,app.b"],
    ],
)
def test_a_second_run_of_the_same_table_changes_nothing(
    repository: Path, tmp_path: Path, rows: list[str]
) -> None:
    table = tmp_path / "moves.csv"
    table.write_text("\n".join(["old_path,new_path", *rows, ""]))
    assert run(["mv", "--map", str(table), "--execute"]) == 0
    once = tree(repository)
    assert "app/b/one.py" in once
    assert run(["mv", "--map", str(table), "--execute"]) == 0
    assert tree(repository) == once


def test_a_half_carried_out_table_converges(repository: Path, tmp_path: Path) -> None:
    table = tmp_path / "moves.csv"
    table.write_text("old_path,new_path\napp/a/one.py,app/b/one.py\napp/a/two.py,app/b/two.py\n")
    (repository / "app/b").mkdir()
    (repository / "app/b/__init__.py").write_text("")
    (repository / "app/a/one.py").rename(repository / "app/b/one.py")
    assert run(["mv", "--map", str(table), "--execute"]) == 0
    after = tree(repository)
    assert "app/a/two.py" not in after
    assert after["app/client.py"] == b"from app.b import one, two\n\nSUM = one.VALUE + two.DOUBLE\n"
    assert after["app/b/two.py"] == b"from app.b.one import VALUE\n\nDOUBLE = 2 * VALUE\n"


def test_what_is_at_neither_place_is_still_an_error(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["mv", "app/a/none.py", "app/b/none.py", "--execute"]) == 2
    assert "there is no such Python file" in capsys.readouterr().err


def test_json_is_one_document_with_the_findings(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--json", "mv", "app.a.one", "app.b.one", "--execute"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["moved"] == [{"old_path": "app/a/one.py", "new_path": "app/b/one.py"}]
    assert document["certificate"]["differing"] == []


def test_the_certificate_of_a_transaction_is_kept(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["--json", "mv", "app.a.one", "app.b.one", "--execute"]) == 0
    document = json.loads(capsys.readouterr().out)
    kept = json.loads((repository / f".hocmig/certificates/{document['transaction']}.json").read_text())
    assert kept["relocations"] == ["app.a.one -> app.b.one"]
    assert kept["bindings"] == kept["equal"] > 0
    assert {k: kept[k] for k in document["certificate"]} == document["certificate"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"from app.b.one import VALUE", b"from app.b.one import VALUES"),
        (b"from app.b.one import VALUE", b"from app.b.one import OTHER as VALUE"),
        (b"from app.b.one import VALUE", b"VALUE = 1"),
        (b"from app.b import one", b"from app.b import two as one"),
    ],
)
def test_a_damaged_rewriting_is_found_and_refused(
    repository: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    old: bytes,
    new: bytes,
) -> None:
    write(repository, {"app/a/one.py": "VALUE = 1\nOTHER = 2\n", "app/b/__init__.py": "", "app/b/two.py": ""})
    before = tree(repository)
    honest = relocation.run_codemod
    damaged = []

    def damage(*args: Any, **options: Any) -> CodemodResult:
        result = honest(*args, **options)
        contents = {path: content.replace(old, new) for path, content in result.contents.items()}
        damaged.append(contents != result.contents)
        return replace(result, contents=contents)

    monkeypatch.setattr(relocation, "run_codemod", damage)
    code = run(["mv", "app.a.one", "app.b.one", "--execute"])
    assert damaged == [True]
    assert code == 4
    assert tree(repository) == before
    shown = capsys.readouterr()
    assert "PROOF001" in shown.out + shown.err
