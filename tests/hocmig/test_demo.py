"""The main job as a new user runs it: the demo, its own tests, and the way back."""

from __future__ import annotations

import csv
import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

from hocmig.sample.generator import SampleSummary, write_sample

BELOW = "backend/app/hoc/cus/"


def hocmig(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "hocmig", *arguments], cwd=folder, capture_output=True, text=True
    )


def own_tests(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=folder,
        capture_output=True,
        text=True,
    )


def tree(folder: Path) -> dict[str, tuple[int, str]]:
    """Mode and hash of every file that belongs to people."""
    return {
        path.relative_to(folder).as_posix(): (
            path.stat().st_mode & 0o777,
            hashlib.sha256(path.read_bytes()).hexdigest(),
        )
        for path in folder.rglob("*")
        if path.is_file()
        and not {".hocmig", "backups", "__pycache__", "_domain_map"} & set(path.relative_to(folder).parts)
        and path.name
        not in ("hocmig.yaml", ".libcst.codemod.yaml", "DOMAIN_LOCK_FINAL.md", "EXPORT_REGISTRY.yaml")
    }


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, SampleSummary, dict[str, object]]:
    parent = tmp_path_factory.mktemp("demo")
    result = hocmig(parent, "--json", "--no-progress", "demo", "sample")
    assert result.returncode == 0, result.stdout + result.stderr
    summary = write_sample(parent / "pristine")
    return parent, summary, json.loads(result.stdout)


def test_every_step_ended_as_it_should(demo: tuple[Path, SampleSummary, dict[str, object]]) -> None:
    _, _, document = demo
    assert document["done"] is True


def test_the_sample_passes_its_own_tests_after_the_moves(
    demo: tuple[Path, SampleSummary, dict[str, object]],
) -> None:
    result = own_tests(demo[0] / "sample")
    assert result.returncode == 0, result.stdout[-3000:]


def test_every_movable_file_is_at_its_target(demo: tuple[Path, SampleSummary, dict[str, object]]) -> None:
    parent, summary, _ = demo
    for old, new in summary.movable:
        assert (parent / "sample" / BELOW / new).is_file()
        assert not (parent / "sample" / BELOW / old).exists()


def test_both_clusters_are_refactored(demo: tuple[Path, SampleSummary, dict[str, object]]) -> None:
    domains = demo[0] / "sample" / BELOW
    for new in ("logs/L5_engines/evidence_engine.py", "general/L5_dsl/parser.py"):
        assert (domains / new).is_file()
    for old in ("logs/L5_engines/pdf_renderer.py", "policies/L5_engines/tokenizer.py"):
        assert not (domains / old).exists()


def test_nothing_has_drifted_and_a_page_tells_of_it(
    demo: tuple[Path, SampleSummary, dict[str, object]],
) -> None:
    assert hocmig(demo[0] / "sample", "guard").returncode == 0
    page = (demo[0] / "sample" / "hocmig-report.html").read_text()
    assert 'badge good">merged</span>' in page
    assert "0</b><span>open rule violations" in page


def test_the_health_is_good(demo: tuple[Path, SampleSummary, dict[str, object]]) -> None:
    score = demo[0] / "sample" / BELOW / "_domain_map" / "PHASE4_HEALTH_SCORE.json"
    health = json.loads(score.read_text())
    assert health["overall"] == "HEALTHY"
    assert health["checks"]["test_suite"]["failed"] == 0


def test_the_execution_log_names_every_row(demo: tuple[Path, SampleSummary, dict[str, object]]) -> None:
    parent, summary, _ = demo
    log = parent / "sample" / BELOW / "_domain_map" / "PHASE2_EXECUTION_LOG.csv"
    with log.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {r["status"] for r in rows} == {"SUCCESS"}
    moved = {(r["source_path"], r["target_path"]) for r in rows if r["action"] == "MOVE"}
    assert moved == {(BELOW + old, BELOW + new) for old, new in summary.movable}


def test_a_second_move_has_nothing_to_do(demo: tuple[Path, SampleSummary, dict[str, object]]) -> None:
    result = hocmig(demo[0] / "sample", "--json", "move")
    assert result.returncode == 0
    assert json.loads(result.stdout)["moved"] == []


def test_the_dry_run_is_a_patch_with_the_same_result(
    demo: tuple[Path, SampleSummary, dict[str, object]], tmp_path: Path
) -> None:
    _, summary, _ = demo
    repository = tmp_path / "repository"
    write_sample(repository)
    table = tmp_path / "moves.csv"
    with table.open("w", newline="") as file:
        csv.writer(file).writerows(
            [("old_path", "new_path"), *((BELOW + o, BELOW + n) for o, n in summary.movable)]
        )
    assert hocmig(repository, "init").returncode == 0
    diff = subprocess.run(
        [sys.executable, "-m", "hocmig", "mv", "--map", str(table)], cwd=repository, capture_output=True
    )
    assert diff.returncode == 0, diff.stderr.decode()
    patched = tmp_path / "patched"
    write_sample(patched)
    git = ("git", "-c", "core.autocrlf=false")
    subprocess.run([*git, "init", "-q"], cwd=patched, check=True)
    subprocess.run([*git, "apply"], cwd=patched, input=diff.stdout, check=True)
    assert hocmig(repository, "mv", "--map", str(table), "--execute").returncode == 0
    found = {path: seen for path, seen in tree(patched).items() if not path.startswith(".git/")}
    assert found == tree(repository)


def test_rollback_gives_the_old_tree_byte_for_byte(
    demo: tuple[Path, SampleSummary, dict[str, object]],
) -> None:
    parent, _, _ = demo
    (parent / "sample" / "hocmig-report.html").unlink()
    for command in ("normalize --revert", "refactor --rollback", "consolidate --rollback", "move --rollback"):
        result = hocmig(parent / "sample", *command.split())
        assert result.returncode == 0, result.stderr
    assert tree(parent / "sample") == tree(parent / "pristine")
    status = json.loads(hocmig(parent / "sample", "--json", "status").stdout)
    states = {phase["phase"]: phase["state"] for phase in status["phases"]}
    assert (states["P2"], states["P6"], states["P7"]) == ("READY", "BLOCKED", "BLOCKED")
    assert status["next"]["command"] == "hocmig move"
    manifest = (parent / "sample" / BELOW / "_domain_map" / "MIGRATION_MANIFEST.csv").read_text()
    assert manifest.count("ROLLED_BACK") == 68
