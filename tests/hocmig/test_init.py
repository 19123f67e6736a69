from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from analyzers.configuration_file import read_configuration
from analyzers.layout_detection import DetectedLayout
from hocmig.cli import run
from hocmig.configuration_text import CODEMOD_CONFIG, configuration_text


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "src" / "pkg").mkdir(parents=True)
    (tmp_path / "src" / "pkg" / "__init__.py").write_text("")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_writes_a_configuration_that_reads_back(repository: Path) -> None:
    assert run(["init", "--import-root", "src", "--import-root", "./"]) == 0
    config = read_configuration(repository / "hocmig.yaml", repository)
    assert config.import_roots == ("src", ".")
    assert (repository / ".libcst.codemod.yaml").read_text() == CODEMOD_CONFIG
    assert "ledger.jsonl" in (repository / ".hocmig" / ".gitignore").read_text()


def test_never_overwrites(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["init"]) == 0
    before = (repository / "hocmig.yaml").read_bytes()
    assert run(["init"]) == 0
    assert "hocmig.yaml is there already; kept" in capsys.readouterr().out
    (repository / "hocmig.yaml").write_bytes(before + b"# mine\n")
    assert run(["init"]) == 2
    assert capsys.readouterr().err.startswith("error: hocmig.yaml: is there already and is never overwritten")
    assert (repository / "hocmig.yaml").read_bytes() == before + b"# mine\n"


def test_keeps_the_codemod_settings_of_others(repository: Path) -> None:
    (repository / ".libcst.codemod.yaml").write_text("modules: [mine]\n")
    assert run(["init"]) == 0
    assert (repository / ".libcst.codemod.yaml").read_text() == "modules: [mine]\n"


@pytest.mark.parametrize("folder", ["none", "../up", "/etc", "src/pkg/__init__.py"])
def test_refuses_import_roots_that_are_none(
    repository: Path, folder: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["init", "--import-root", folder]) == 2
    assert capsys.readouterr().err.startswith("error: --import-root: ")
    assert not (repository / "hocmig.yaml").exists()
    assert not (repository / ".hocmig").exists()


def test_json_is_one_document(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--json", "init"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["written"] == ["hocmig.yaml", ".libcst.codemod.yaml"]


def test_names_that_yaml_would_misread_are_quoted() -> None:
    names = ("no", "L5_a", "true", 'a"b', "a: b", "#x", "1e3", "-", "é")
    text = configuration_text(DetectedLayout(names, "on", ("a", "no"), False, "null", ("L5_a",), "x #.md"))
    value = yaml.safe_load(text)
    assert value["import_roots"] == list(names)
    assert (value["domain_root"], value["domains"], value["shared_domain"]) == ("on", ["a", "no"], "null")
    assert value["workbook"] == "x #.md"


def test_the_codemod_settings_let_libcst_change_a_file_without_reformatting_it(repository: Path) -> None:
    """Through the real tool: an empty formatter list fails every changed file, black reformats it."""
    assert run(["init"]) == 0
    (repository / "mods.py").write_text(
        "import libcst as cst\n"
        "from libcst.codemod import CodemodCommand\n\n\n"
        "class Rename(CodemodCommand):\n"
        "    DESCRIPTION = 'x'\n\n"
        "    def transform_module_impl(self, tree):\n"
        "        return cst.parse_module(tree.bytes.replace(b'old', b'new'))\n"
    )
    file = repository / "src" / "pkg" / "messy.py"
    file.write_bytes(b"# @generated\r\nold  =  [ 1,2 ]\r\n")
    done = subprocess.run(
        [sys.executable, "-m", "libcst.tool", "codemod", "-x", "mods.Rename", "src/pkg/messy.py"],
        cwd=repository,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert file.read_bytes() == b"# @generated\r\nnew  =  [ 1,2 ]\r\n"
