"""`hocmig check`: formats, exit codes, baseline, bad input."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

import hocmig

Write = Callable[[Mapping[str, str]], Path]

FILES = {
    "app/general/money.py": "def cents(): ...\n",
    "app/logs/store.py": "from app.general.money import cents\n",
    "app/stock/shelf.py": "import os\nfrom app.logs import store\n",
}
CONFIG = """\
version: 1
domain_root: app
architecture:
  rules: [ARCH-001, ARCH-002, ARCH-003]
  contracts:
    - type: forbidden
      name: stock is plain
      why: it runs without a disk
      source: [app.stock]
      forbidden: [app.general]
"""


def check(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "hocmig", *arguments],
        cwd=root,
        env={"PYTHONPATH": str(Path(hocmig.__file__).parent.parent), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def repository(write: Write) -> Path:
    root = write(FILES)
    (root / "hocmig.yaml").write_text(CONFIG)
    return root


def test_text_names_file_line_chain_and_what_mends(repository: Path) -> None:
    result = check(repository, "check")
    assert result.returncode == 1
    assert "app/stock/shelf.py:2: error ARCH-002" in result.stdout
    assert "app/stock/shelf.py:2 -> app/logs/store.py:1 -> app/general/money.py" in result.stdout
    assert "to mend: " in result.stdout
    assert "(it runs without a disk)" in result.stdout
    assert "2 violations; 2 of 4 rules and contracts kept" in result.stderr


def test_json_sarif_and_github(repository: Path) -> None:
    for arguments in (("check", "--format", "json"), ("--json", "check")):
        document = json.loads(check(repository, *arguments).stdout)
        assert [f["code"] for f in document["findings"]] == ["ARCH-002", "ARCH-103"]
        assert document["findings"][1]["rule"] == "stock is plain"
        assert document["passed"] is False
    sarif = json.loads(check(repository, "check", "--format", "sarif").stdout)
    (place,) = sarif["runs"][0]["results"][0]["locations"]
    assert place["physicalLocation"]["artifactLocation"]["uri"] == "app/stock/shelf.py"
    assert place["physicalLocation"]["region"]["startLine"] == 2
    lines = check(repository, "check", "--format", "github").stdout.splitlines()
    assert lines[0].startswith("::error file=app/stock/shelf.py,line=2,title=ARCH-002")


def test_baseline_accepts_and_strict_reports_what_was_mended(repository: Path) -> None:
    before = {path for path in repository.rglob("*") if ".hocmig" not in path.parts}
    assert check(repository, "check").returncode == 1
    assert {path for path in repository.rglob("*") if ".hocmig" not in path.parts} == before
    assert check(repository, "check", "--write-baseline").returncode == 0
    file = repository / "app/_domain_map/ARCHITECTURE_BASELINE.txt"
    assert file.read_text().splitlines()[2:] == [
        "ARCH-002 app/stock/shelf.py -> app/logs/store.py",
        "ARCH-103 stock is plain -> app/stock/shelf.py -> app/logs/store.py",
    ]
    result = check(repository, "check")
    assert (result.returncode, result.stdout) == (0, "")
    assert "0 violations, 2 accepted; 4 of 4" in result.stderr
    (repository / "app/stock/shelf.py").write_text("import os\n")
    result = check(repository, "check")
    assert result.returncode == 0
    assert "ARCHITECTURE_BASELINE.txt:3: warning BASE001" in result.stdout
    assert check(repository, "check", "--strict").returncode == 1


def test_a_move_carries_the_baseline_along(repository: Path) -> None:
    check(repository, "check", "--write-baseline")
    moved = check(repository, "mv", "app.stock.shelf", "app.stock.rack", "--execute")
    assert moved.returncode == 0, moved.stderr
    text = (repository / "app/_domain_map/ARCHITECTURE_BASELINE.txt").read_text()
    assert "ARCH-103 stock is plain -> app/stock/rack.py -> app/logs/store.py" in text
    assert check(repository, "check", "--strict").returncode == 0


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("type: forbidden", "type: forbiden", "hocmig.yaml:6: there is no contract type 'forbiden'; did you"),
        (
            "app.stock]",
            "app.stok]",
            "hocmig.yaml:6: contract 'stock is plain': there is no module 'app.stok'",
        ),
        ("ARCH-003", "ARCH-009", "hocmig.yaml:4: there is no rule 'ARCH-009'"),
        ("why:", "whi:", "hocmig.yaml:8: unknown key `whi`; did you mean `why`?"),
    ],
)
def test_bad_configuration_is_one_line_with_its_place(
    repository: Path, old: str, new: str, message: str
) -> None:
    (repository / "hocmig.yaml").write_text(CONFIG.replace(old, new))
    result = check(repository, "check")
    assert result.returncode == 2
    assert result.stdout == ""
    assert result.stderr.startswith(f"error: {message}")
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"<<<<<<< HEAD\n", ":1: holds conflict markers"),
        (b"# fine\nno entry\n", ":2: is no entry"),
        (b"\xff\n", ":1: is not UTF-8"),
    ],
)
def test_a_damaged_baseline_is_refused(repository: Path, content: bytes, message: str) -> None:
    file = repository / "app/_domain_map/ARCHITECTURE_BASELINE.txt"
    file.parent.mkdir()
    file.write_bytes(content)
    result = check(repository, "check")
    assert result.returncode == 2
    assert message in result.stderr


def test_import_linter_configuration_is_printed_or_written(repository: Path) -> None:
    printed = check(repository, "check", "--import-linter")
    assert printed.returncode == 0
    assert "[importlinter]\nroot_packages =\n    app\n" in printed.stdout
    assert "name = stock is plain" in printed.stdout
    check(repository, "check", "--import-linter", "--output", ".importlinter")
    assert (repository / ".importlinter").read_text() == printed.stdout
