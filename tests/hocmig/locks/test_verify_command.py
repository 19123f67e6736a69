"""P4: each check passes on a right tree, fails on a wrong one, and never passes without having run."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from hocmig.cli import run

MAP = "src/app/_domain_map"
PYTEST = f"{sys.executable} -m pytest -q -p no:cacheprovider -p no:randomly tests"


def _verify(root: Path, *arguments: str) -> int:
    return run(["--root", str(root), "--quiet", "--no-progress", "--jobs", "2", "verify", *arguments])


def _health(root: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((root / MAP / "PHASE4_HEALTH_SCORE.json").read_text())
    return document


def _check(root: Path, name: str) -> dict[str, Any]:
    check: dict[str, Any] = _health(root)["checks"][name]
    return check


def _report(root: Path) -> str:
    return (root / MAP / "PHASE4_VALIDATION_REPORT.md").read_text()


@pytest.fixture
def working(project: Path) -> Path:
    """The small project with a test suite and imports, one module of it broken from the start."""
    price = project / "src/app/billing/L5_engines/billing_price.py"
    price.write_text("from app.billing.L6_drivers import billing_store\n" + price.read_text())
    old = project / "src/app/billing/L5_engines/billing_legacy.py"
    old.write_text("from app.billing.L6_drivers.never_there import thing\n")
    (project / "tests").mkdir()
    (project / "tests/test_price.py").write_text(
        "from app.billing.L5_engines.billing_price import billing_price_first\n\n\n"
        "def test_first():\n    assert billing_price_first(1) > 0\n\n\n"
        "def test_red():\n    assert False\n"
    )
    (project / "conftest.py").write_text("import sys\nsys.path.insert(0, 'src')\n")
    return project


@pytest.fixture
def moved(working: Path) -> Path:
    """Recorded, one module moved by hocmig, locked."""
    assert _verify(working, "--record-before", "--import", "--tests", PYTEST) == 0
    old, new = "src/app/billing/L6_drivers/billing_store.py", "src/app/general/L6_drivers/billing_store.py"
    assert run(["--root", str(working), "--quiet", "mv", old, new, "--execute"]) == 0
    assert run(["--root", str(working), "--quiet", "lock"]) == 0
    return working


def test_a_right_migration_is_healthy_although_old_debt_is_there(moved: Path) -> None:
    assert _verify(moved, "--import", "--tests", PYTEST) == 0
    health = _health(moved)
    assert (health["overall"], health["score"]) == ("HEALTHY", 100)
    checks = health["checks"]
    assert {check["status"] for check in checks.values()} == {"PASS"}
    assert checks["import_resolution"]["score"] == 100
    assert checks["import_resolution"]["unresolved"] == checks["import_resolution"]["unresolved_before"] == 1
    assert checks["import_resolution"]["modules_unchanged_broken"] == 1
    assert (checks["test_suite"]["passed"], checks["test_suite"]["failed"]) == (1, 0)
    assert checks["test_suite"]["failed_before"] == 1
    assert checks["domain_integrity"]["migrated"] == 1
    assert "unchanged-broken" in _report(moved)
    results = (moved / MAP / "PHASE4_TEST_RESULTS.xml").read_text()
    assert 'tests="2" failures="1"' in results


def test_two_runs_give_the_same_bytes(moved: Path) -> None:
    names = ("PHASE4_HEALTH_SCORE.json", "PHASE4_VALIDATION_REPORT.md", "PHASE4_TEST_RESULTS.xml")
    runs = []
    for _ in range(2):
        _verify(moved, "--import", "--tests", PYTEST)
        runs.append([(moved / MAP / name).read_bytes() for name in names])
    assert runs[0] == runs[1]


def test_a_check_that_did_not_run_never_counts(moved: Path) -> None:
    assert _verify(moved, "--static") == 1
    health = _health(moved)
    assert health["overall"] == "INCOMPLETE"
    assert health["score"] == 83
    assert health["checks"]["test_suite"]["status"] == "NOT_RUN"
    assert not (moved / MAP / "PHASE4_TEST_RESULTS.xml").exists()


def test_a_newly_broken_import_fails(moved: Path) -> None:
    path = moved / "src/app/logs/L5_engines/logs_plan.py"
    path.write_text(
        path.read_text() + "\n\ndef late():\n    from app.billing.L6_drivers import billing_store\n"
    )
    assert _verify(moved, "--static") == 1
    check = _check(moved, "import_resolution")
    assert (check["status"], check["new_unresolved"]) == ("FAIL", 1)
    assert check["score"] < 50


def test_a_module_that_breaks_in_another_way_than_before_fails(moved: Path) -> None:
    (moved / "src/app/billing/L5_engines/billing_legacy.py").write_text("1 / 0\n")
    assert _verify(moved, "--import") == 1
    check = _check(moved, "import_resolution")
    assert check["modules_failed"] == 1
    assert "billing_legacy does not import: error: ZeroDivisionError: division by zero" in _report(moved)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("import os\nos._exit(0)\n", "died"),
        ("raise SystemExit(0)\n", "exit"),
        ("import time\ntime.sleep(60)\n", "timeout"),
    ],
)
def test_hostile_modules_never_pass(text: str, what: str, moved: Path) -> None:
    (moved / "src/app/logs/L5_engines/logs_plan.py").write_text(text)
    assert _verify(moved, "--import", "--import-seconds", "2") == 1
    assert _check(moved, "import_resolution")["modules_failed"] == 1
    assert f"logs_plan does not import: {what}" in _report(moved)


def test_without_a_record_every_failure_counts_and_the_report_says_so(working: Path) -> None:
    assert _verify(working, "--import", "--tests", PYTEST) == 1
    assert _check(working, "import_resolution")["new_unresolved"] == 1
    assert _check(working, "import_resolution")["modules_failed"] == 1
    assert _check(working, "test_suite")["failed"] == 1
    assert _check(working, "domain_integrity")["status"] == "NOT_RUN"
    assert _check(working, "hash_verification")["status"] == "NOT_RUN"
    assert "unknown: record it before a migration" in _report(working)


def test_the_state_before_comes_from_the_backup_when_nothing_is_recorded(working: Path) -> None:
    old, new = "src/app/billing/L6_drivers/billing_store.py", "src/app/general/L6_drivers/billing_store.py"
    assert run(["--root", str(working), "--quiet", "mv", old, new, "--execute", "--backup"]) == 0
    for _ in range(2):
        _verify(working, "--static")
        check = _check(working, "import_resolution")
        assert (check["status"], check["unresolved_before"]) == ("PASS", 1)
        assert "derived from the backup backups/" in check["reason"]
    (archive,) = (working / "backups").glob("*.tar.gz")
    archive.write_bytes(archive.read_bytes()[:-50])
    shutil.rmtree(working / ".hocmig/tmp", ignore_errors=True)
    (working / ".hocmig/before.msgpack").unlink()
    assert _verify(working, "--static") == 1
    check = _check(working, "import_resolution")
    assert check["status"] == "FAIL"
    assert "is damaged" in check["reason"]


def test_a_record_is_never_overwritten(moved: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _verify(moved, "--record-before") == 2
    assert "never overwritten" in capsys.readouterr().err


def test_a_damaged_record_is_one_line(moved: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = moved / MAP / "PHASE4_BEFORE.json"
    path.write_bytes(path.read_bytes()[:100])
    capsys.readouterr()
    assert _verify(moved, "--static") == 2
    error = capsys.readouterr().err
    assert error.startswith(f"error: {MAP}/PHASE4_BEFORE.json: is no record")
    assert error.count("\n") == 1


# -- layers and baselines ------------------------------------------------------------------------------------


def _violate(root: Path) -> None:
    path = root / "src/app/logs/L6_drivers/logs_store.py"
    path.write_text("from app.logs.L5_engines.logs_plan import logs_plan_first\n" + path.read_text())


def test_layer_violations_fail_until_they_are_accepted(moved: Path) -> None:
    _violate(moved)
    assert _verify(moved, "--static") == 1
    assert _check(moved, "blca_validation")["violations"] == 1
    assert _verify(moved, "--write-baseline") == 0
    entry = "LAYER001 src/app/logs/L6_drivers/logs_store.py -> src/app/logs/L5_engines/logs_plan.py"
    assert entry in (moved / MAP / "LAYER_BASELINE.txt").read_text().splitlines()
    _verify(moved, "--static")
    check = _check(moved, "blca_validation")
    assert (check["status"], check["violations"], check["accepted"]) == ("PASS", 0, 1)


def test_a_move_takes_old_debt_along(moved: Path) -> None:
    _violate(moved)
    assert _verify(moved, "--write-baseline") == 0
    old, new = "src/app/logs/L6_drivers/logs_store.py", "src/app/general/L6_drivers/logs_store.py"
    assert run(["--root", str(moved), "--quiet", "mv", old, new, "--execute"]) == 0
    entry = "LAYER001 src/app/general/L6_drivers/logs_store.py -> src/app/logs/L5_engines/logs_plan.py"
    assert entry in (moved / MAP / "LAYER_BASELINE.txt").read_text().splitlines()
    _verify(moved, "--static", "--strict")
    assert _check(moved, "blca_validation")["status"] == "PASS"


def test_stale_entries_are_reported_and_fail_with_strict(moved: Path) -> None:
    text = "# mine\nLAYER001 src/app/gone.py -> src/app/logs/L5_engines/logs_plan.py\n"
    text += "CYCLE001 src/app/a.py <-> src/app/b.py\n"
    (moved / MAP / "LAYER_BASELINE.txt").write_text(text)
    _verify(moved, "--static")
    assert _check(moved, "blca_validation")["status"] == "PASS"
    assert _check(moved, "blca_validation")["stale"] == 1
    assert _check(moved, "circular_imports")["stale"] == 1
    assert "LAYER_BASELINE.txt:2: stale" in _report(moved)
    _verify(moved, "--static", "--strict")
    assert _check(moved, "blca_validation")["status"] == "FAIL"
    assert _check(moved, "circular_imports")["status"] == "FAIL"


def test_a_baseline_with_conflict_markers_is_one_line(
    moved: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (moved / MAP / "LAYER_BASELINE.txt").write_text("<<<<<<< HEAD\nLAYER003 a.py\n=======\n>>>>>>> x\n")
    capsys.readouterr()
    assert _verify(moved, "--static") == 2
    assert "LAYER_BASELINE.txt:1: holds conflict markers" in capsys.readouterr().err


@pytest.mark.parametrize(("command", "status"), [("true", "PASS"), ("echo bad; false", "FAIL")])
def test_an_external_layer_check_counts(command: str, status: str, moved: Path) -> None:
    _verify(moved, "--layers", command)
    assert _check(moved, "blca_validation")["status"] == status


def test_a_command_that_hangs_is_ended(moved: Path) -> None:
    _verify(moved, "--layers", "sleep 300", "--tests", "sleep 300", "--timeout", "1")
    assert _check(moved, "blca_validation")["status"] == "FAIL"
    assert _check(moved, "test_suite")["status"] == "FAIL"
    assert "did not end" in _report(moved)


# -- cycles, tests, domains, hashes ------------------------------------------------------------------------


def test_a_new_cycle_fails(moved: Path) -> None:
    plan, price = (moved / f"src/app/logs/L5_engines/logs_{name}.py" for name in ("plan", "price"))
    plan.write_text("from app.logs.L5_engines import logs_price\n" + plan.read_text())
    price.write_text("from app.logs.L5_engines import logs_plan\n" + price.read_text())
    _verify(moved, "--static")
    assert _check(moved, "circular_imports")["cycles"] == 1
    _verify(moved, "--write-baseline")
    _verify(moved, "--static")
    assert _check(moved, "circular_imports")["status"] == "PASS"


@pytest.mark.parametrize(
    ("command", "why"),
    [
        (f"{sys.executable} -m pytest -q nowhere", "ran no test"),
        ("true {junit}", "wrote no results"),
        ("false", "fails: command::whole"),
        ("echo '<testsuite/>' > {junit}", "ran no test"),
        ("echo '<!DOCTYPE a []><testsuite/>' > {junit}", "declares a document type"),
        (
            "echo '<testsuite><testcase name=\"a\"/></testsuite>' > {junit}; exit 3",
            "exit code 3, though no test",
        ),
        (
            "echo '<testsuite><testcase name=\"a\"><skipped/></testcase></testsuite>' > {junit}",
            "passed before",
        ),
    ],
)
def test_test_runs_that_prove_nothing_do_not_pass(command: str, why: str, moved: Path) -> None:
    _verify(moved, "--tests", command)
    assert _check(moved, "test_suite")["status"] == "FAIL"
    assert why in _report(moved)


def test_a_test_that_is_gone_is_a_failure(moved: Path) -> None:
    path = moved / "tests/test_price.py"
    path.write_text(path.read_text().replace("test_first", "first"))
    _verify(moved, "--tests", PYTEST)
    check = _check(moved, "test_suite")
    assert (check["status"], check["lost"], check["failed"]) == ("FAIL", 1, 1)


@pytest.mark.parametrize(
    ("leftover", "problem"),
    [
        ("billing_store.py", "is still at its old place"),
        ("billing_store.pyc", "is still importable under the old name"),
        ("billing_store.cpython-311-x86_64-linux-gnu.so", "is still importable under the old name"),
        ("billing_store.pyi", "is a stub that stayed behind"),
        ("billing_store/__pycache__/x.pyc", "can still be imported"),
    ],
)
def test_leftovers_of_a_move_are_orphans(leftover: str, problem: str, moved: Path) -> None:
    path = moved / "src/app/billing/L6_drivers" / leftover
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"")
    _verify(moved, "--static")
    check = _check(moved, "domain_integrity")
    assert (check["status"], check["orphans"]) == ("FAIL", 1)
    assert problem in _report(moved)


def test_a_copy_in_another_domain_is_an_orphan(moved: Path) -> None:
    shutil.copy(moved / "src/app/general/L6_drivers/billing_store.py", moved / "src/app/logs/L6_drivers/")
    _verify(moved, "--static")
    assert _check(moved, "domain_integrity")["orphans"] == 1


def test_edits_since_the_lock_are_mismatches(moved: Path) -> None:
    with (moved / "src/app/logs/L5_engines/logs_plan.py").open("a") as file:
        file.write("X = 1\n")
    (moved / "src/app/logs/L5_engines/new.py").write_text("")
    _verify(moved, "--static")
    check = _check(moved, "hash_verification")
    assert (check["status"], check["mismatches"]) == ("FAIL", 2)


def test_the_sample_is_healthy_in_all_that_is_static(sample: Path) -> None:
    assert run(["--root", str(sample), "--quiet", "verify", "--static"]) == 1
    folder = sample / "backend/app/hoc/cus/_domain_map"
    checks = json.loads((folder / "PHASE4_HEALTH_SCORE.json").read_text())["checks"]
    assert checks["test_suite"]["status"] == "NOT_RUN"
    assert checks["import_resolution"]["new_unresolved"] == 0
    assert checks["blca_validation"] == {
        "status": "PASS",
        "violations": 0,
        "accepted": 1,
        "stale": 0,
        "score": 100,
        "reason": "built-in check",
    }
    assert checks["circular_imports"]["status"] == "PASS"
    assert checks["hash_verification"]["status"] == "PASS"
