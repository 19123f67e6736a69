"""`hocmig duplicates` and the gate before P5: shut in a migration that P4 has not found healthy."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from analyzers.migration_manifest import COLUMNS
from hocmig.cli import run
from hocmig.transaction.ledger import read_ledger

MAP = "src/app/_domain_map"
REPORT = f"{MAP}/PHASE5_DUPLICATE_REPORT.csv"
CONFIG = """\
version: 1
import_roots: [src]
domain_root: src/app
shared_domain: general
layers:
  order: [L5_engines, L6_drivers]
"""
COPY = '''\
"""Keys."""


def key_of(record, prefix="k"):
    parts = [prefix]
    for field in record.fields:
        parts.append(field.name.lower())
    return ":".join(parts)
'''


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Two domains with one copied file, and a test that passes; no migration yet."""
    files = {"hocmig.yaml": CONFIG, "src/app/__init__.py": ""}
    for domain in ("general", "logs"):
        files[f"src/app/{domain}/__init__.py"] = ""
        files[f"src/app/{domain}/L5_engines/__init__.py"] = ""
        files[f"src/app/{domain}/L5_engines/{domain}_keys.py"] = COPY
    files["tests/test_keys.py"] = "def test_one():\n    assert 1 + 1 == 2\n"
    for path, text in files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    return tmp_path


def begin_migration(root: Path) -> None:
    """Leaves a manifest, and one file that was moved."""
    (root / "src/app/logs/L5_engines/size.py").write_text("SIZE = 3\n")
    new = "src/app/general/L5_engines/size.py"
    assert call(root, "mv", "src/app/logs/L5_engines/size.py", new, "--execute") == 0
    (root / MAP).mkdir(exist_ok=True)
    (root / MAP / "MIGRATION_MANIFEST.csv").write_text(",".join(COLUMNS) + "\n")


def verify(root: Path) -> int:
    tests = f"{sys.executable} -m pytest -q -p no:cacheprovider --junitxml={{junit}} tests"
    assert call(root, "lock") == 0
    return call(root, "verify", "--tests", tests)


def call(root: Path, *arguments: str) -> int:
    return run(["--root", str(root), "--no-progress", "--quiet", *arguments])


def test_without_a_migration_there_is_no_gate(repository: Path) -> None:
    assert call(repository, "duplicates") == 0
    assert (repository / REPORT).is_file()
    assert call(repository, "duplicates", "--force-gate", "nothing to force") == 0
    assert read_ledger(repository).entries == ()


def test_a_migration_that_was_not_verified_is_refused(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    begin_migration(repository)
    assert call(repository, "duplicates") == 1
    out, err = capsys.readouterr()
    assert err == "error: P4 was not run; run `hocmig verify` (or `--force-gate REASON`)\n"
    assert out == ""
    assert not (repository / REPORT).exists()


def test_a_healthy_tree_opens_the_gate_and_an_edit_shuts_it(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    begin_migration(repository)
    assert verify(repository) == 0
    assert json.loads((repository / MAP / "PHASE4_HEALTH_SCORE.json").read_text())["overall"] == "HEALTHY"
    assert call(repository, "duplicates") == 0
    written = (repository / REPORT).read_bytes()
    (repository / "src/app/logs/L5_engines/more.py").write_text("X = 1\n")
    capsys.readouterr()
    assert call(repository, "duplicates") == 1
    assert "the code has changed since P4" in capsys.readouterr().err
    assert (repository / REPORT).read_bytes() == written


def test_an_unhealthy_tree_is_refused_until_forced(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    begin_migration(repository)
    (repository / "tests/test_keys.py").write_text("def test_one():\n    assert 1 + 1 == 3\n")
    assert verify(repository) == 1
    capsys.readouterr()
    assert call(repository, "duplicates") == 1
    assert "P4 is UNHEALTHY" in capsys.readouterr().err
    assert call(repository, "duplicates", "--force-gate", "the test is known to be wrong") == 0
    assert (repository / REPORT).is_file()
    assert "gate forced open" in capsys.readouterr().err
    (entry,) = [e for e in read_ledger(repository).entries if e.kind == "gate"]
    assert (entry.phase, entry.reason) == ("P5", "the test is known to be wrong")
    assert entry.subject["P4"].startswith("forced open: P4 is UNHEALTHY")


@pytest.mark.parametrize("begun", [False, True])
def test_a_blank_reason_forces_nothing(
    repository: Path, capsys: pytest.CaptureFixture[str], begun: bool
) -> None:
    if begun:
        begin_migration(repository)
    assert call(repository, "duplicates", "--force-gate", "  ") == 2
    assert capsys.readouterr().err == "error: --force-gate: needs a reason; say why\n"
    assert not (repository / REPORT).exists()
