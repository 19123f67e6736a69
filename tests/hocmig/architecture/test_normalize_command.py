"""`hocmig normalize` on the sample: preview, execution with its artifacts, second run, revert."""

from __future__ import annotations

import csv
import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

import hocmig
from hocmig.sample.generator import write_sample

MAP = "backend/app/hoc/cus/_domain_map"


def run(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "hocmig", "--no-progress", *arguments],
        cwd=root,
        env={
            "PYTHONPATH": str(Path(hocmig.__file__).parent.parent),
            "PATH": "/usr/bin:/bin",
            "SOURCE_DATE_EPOCH": "1770000000",
        },
        capture_output=True,
        text=True,
        check=False,
    )


def hashes(root: Path) -> dict[str, str]:
    files = (p for p in root.rglob("*") if p.is_file() and not {".hocmig", "backups"} & set(p.parts))
    return {
        p.relative_to(root).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in files
        if "__pycache__" not in p.parts
    }


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    root = tmp_path / "sample"
    write_sample(root)
    assert run(root, "init").returncode == 0
    return root


def test_preview_execute_again_and_revert(sample: Path) -> None:
    before = hashes(sample)
    preview = run(sample, "normalize")
    assert preview.returncode == 0, preview.stderr
    assert hashes(sample) == before
    assert "+from app.hoc.cus.general.L5_engines.stable_hash import text_mass" in preview.stdout
    patch = sample.parent / "preview.patch"
    patch.write_text(preview.stdout)
    subprocess.run(["git", "apply", "--check", str(patch)], cwd=sample, check=True)

    done = run(sample, "--json", "normalize", "--execute", "--reason", "test")
    # The sample has planted violations: the tree is not compliant, and that is said.
    assert done.returncode == 1, done.stderr
    document = json.loads(done.stdout)
    assert document["executed"] is True
    assert document["certificate"]["differing"] == []
    assert document["rewritten"]
    health = json.loads((sample / MAP / "PHASE8_FINAL_HEALTH.json").read_text())
    assert list(health)[:9] == [
        *("overall", "domains", "total_files", "total_imports", "canonical_imports", "violations"),
        *("dependency_matrix", "architecture_compliance", "phases_completed"),
    ]
    assert health["overall"] == "NON_COMPLIANT"
    assert health["violations"] == len(document["violations"]) > 0
    assert health["canonical_imports"] <= health["total_imports"]
    with (sample / MAP / "PHASE8_DEPENDENCY_MATRIX.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0])[:4] == ["from_domain", "to_domain", "import_count", "compliant"]
    assert len(rows) == health["domains"] * (health["domains"] - 1)
    assert {row["compliant"] for row in rows if row["to_domain"] == "general"} == {"YES"}
    log = (sample / MAP / "PHASE8_IMPORT_LOG.csv").read_text()
    assert log.count(",REWRITTEN,") == len(document["rewritten"])
    report = (sample / MAP / "PHASE8_ARCHITECTURE_REPORT.md").read_text()
    assert "ARCH-002" in report
    assert "To mend: " in report
    assert (sample / MAP / "EXPORT_REGISTRY.yaml").read_text().startswith("# Public names")

    tests = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=sample,
        capture_output=True,
        text=True,
        check=False,
    )
    assert tests.returncode == 0, tests.stdout[-2000:]
    again = json.loads(run(sample, "--json", "normalize").stdout)
    assert again["rewritten"] == []
    assert again["diff"] == ""

    back = run(sample, "normalize", "--revert")
    assert back.returncode == 0, back.stderr
    assert hashes(sample) == before
    nothing = run(sample, "normalize", "--revert")
    assert nothing.returncode == 2
    assert "knows no transaction of P8" in nothing.stderr


def test_revert_after_people_edited_loses_nothing(sample: Path) -> None:
    done = json.loads(run(sample, "--json", "normalize", "--execute").stdout)
    edited = sample / done["rewritten"][0]["path"]
    edited.write_bytes(edited.read_bytes() + b"# mine\n")
    mine = hashes(sample)
    refused = run(sample, "normalize", "--revert")
    assert refused.returncode == 2
    assert refused.stderr.startswith(f"error: {edited.relative_to(sample).as_posix()}: changed since")
    assert hashes(sample) == mine
    assert run(sample, "normalize", "--revert", "--force").returncode == 0
    assert not edited.read_bytes().endswith(b"# mine\n")


def test_without_a_shared_domain_there_is_nothing_to_normalize(tmp_path: Path) -> None:
    (tmp_path / "hocmig.yaml").write_text("version: 1\n")
    (tmp_path / "a.py").write_text("")
    result = run(tmp_path, "normalize")
    assert result.returncode == 2
    assert "there is no shared domain" in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_clash_is_said_and_costs_nothing(tmp_path: Path) -> None:
    files = {
        "hocmig.yaml": "version: 1\ndomain_root: cus\n",
        "cus/__init__.py": "",
        "cus/general/__init__.py": "from .a import run\n",
        "cus/general/a.py": "def run(): ...\n",
        "cus/general/b.py": "def run(): ...\n",
        "cus/logs/__init__.py": "",
        "cus/logs/use.py": "from cus.general import run\nfrom cus.general.b import run as other\n",
    }
    for path, text in files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    result = run(tmp_path, "normalize")
    assert result.returncode == 0
    assert "NORM001 cus/general/b.py:1: the shared domain exports run twice" in result.stderr
    assert "+from cus.general.a import run\n" in result.stdout
    assert "-from cus.general.b" not in result.stdout
