"""`hocmig run` on the sample: it stops at gates, goes on where it stopped, and runs nothing twice."""

from __future__ import annotations

import csv
import json
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from analyzers.before_state import BEFORE_NAME
from hocmig.cli import COMMANDS, run
from hocmig.commands.demo import _DECISIONS
from hocmig.run_plan import PhaseRecord, leads_to, reason_of
from hocmig.sample.generator import SampleSummary, write_sample

MANIFEST = "backend/app/hoc/cus/_domain_map/MIGRATION_MANIFEST.csv"


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, SampleSummary]:
    """A sample whose manifest waits for decisions; the tests of this module take it onwards in order."""
    root = tmp_path_factory.mktemp("run") / "repository"
    summary = write_sample(root)
    assert run(["--root", str(root), "--quiet", "init"]) == 0
    return root, summary


def _run(root: Path, capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, Any]]:
    capsys.readouterr()
    code = run(["--root", str(root), "--json", "--quiet", "run", *arguments])
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    return code, document


def _states(document: dict[str, Any]) -> dict[str, str]:
    return {step["phase"]: step["state"] for step in document["phases"]}


def _settle(root: Path, summary: SampleSummary) -> None:
    kinds = dict(summary.collisions)
    with (root / MANIFEST).open(newline="") as file:
        rows = list(csv.DictReader(file))
    groups: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        action, reason = "skip", "nobody knows"
        if row["status"] in ("CONFLICT", "IDENTICAL"):
            action, reason = _DECISIONS[kinds[row["current_path"].removeprefix("backend/app/hoc/cus/")]]
        elif row["status"] != "UNRESOLVED":
            continue
        groups.setdefault((action, reason), []).append(row["migration_id"])
    for (action, reason), ids in groups.items():
        line = ["resolve", ",".join(ids), action, "--reason", reason]
        assert run(["--root", str(root), "--quiet", *line]) == 0


def test_the_sample_from_the_first_phase_to_the_last_through_every_gate(
    sample: tuple[Path, SampleSummary], capsys: pytest.CaptureFixture[str]
) -> None:
    root, summary = sample
    # Stops at rows that nobody has decided, and says how to decide them.
    code, document = _run(root, capsys)
    assert (code, document["stopped_at"]) == (1, "P0")
    assert document["phases"][0]["mend"].startswith("hocmig resolve ")
    assert set(_states(document).values()) == {"STOPPED", "NOT_REACHED"}
    _settle(root, summary)

    # Without --execute nothing of the code changes.
    before = {p: p.read_bytes() for p in root.rglob("*.py")}
    code, document = _run(root, capsys)
    assert code == 0
    assert [_states(document)[p] for p in ("P0", "P1", "P2", "P3")] == [
        "PASSED",
        "PASSED",
        "DRY_RUN",
        "NOT_REACHED",
    ]
    assert {p: p.read_bytes() for p in root.rglob("*.py")} == before

    # It goes on where it stopped: what is up to date does not run again.
    assert not (root / MANIFEST).with_name(BEFORE_NAME).exists()
    code, moved = _run(root, capsys, "--execute", "--to", "P2")
    assert (code, _states(moved)) == (0, {"P0": "DONE", "P1": "DONE", "P2": "PASSED"})
    assert _standing(root, capsys)["P3"]["state"] == "READY"
    code, document = _run(root, capsys, "--execute", "--to", "P3")
    assert code == 0
    assert _states(document) == {"P0": "DONE", "P1": "DONE", "P2": "DONE", "P3": "PASSED"}
    code, document = _run(root, capsys, "--execute", "--to", "P3")
    assert set(_states(document).values()) == {"DONE"}

    # What P4 compares with was recorded before the move, and a dry run records nothing.
    assert "state before recorded" in [step["what"] for step in moved["phases"]][2]
    assert (root / MANIFEST).with_name(BEFORE_NAME).is_file()

    # P4 finds no tests to run here: the gate is shut, with what is missing.
    code, document = _run(root, capsys, "--execute", "--from", "P4", "--to", "P5", "--tests", "")
    assert (code, document["stopped_at"]) == (1, "P4")
    assert "test_suite NOT_RUN" in document["phases"][0]["reason"]
    assert _standing(root, capsys)["P4"]["state"] == "FAILED"
    # And nothing gets round it.
    code, document = _run(root, capsys, "--from", "P5")
    assert (code, document["stopped_at"]) == (1, "P5")
    assert document["phases"][0]["mend"] == "hocmig verify"
    assert _standing(root, capsys)["P5"]["blocked_by"] == "P4"
    # An old layer violation keeps it shut, too, until somebody accepts it.
    passing = f"{shlex.quote(sys.executable)} -c pass"
    code, document = _run(root, capsys, "--execute", "--tests", passing)
    assert (code, document["stopped_at"]) == (1, "P4")
    assert "LAYER001" in next(s["reason"] for s in document["phases"] if s["phase"] == "P4")
    assert run(["--root", str(root), "--quiet", "verify", "--write-baseline"]) == 0

    # The same command goes on from the gate to the next one that is shut: P8's, by violations that are old.
    code, document = _run(root, capsys, "--execute", "--tests", passing)
    assert (code, document["stopped_at"]) == (1, "P8")
    assert list(_states(document).values()) == ["DONE"] * 4 + ["PASSED"] * 4 + ["STOPPED"]
    assert document["phases"][-1]["mend"] == "hocmig check"
    # Copies that must not be merged are named and stop nothing.
    (refused,) = document["phases"][6]["left"]
    assert "api_keys/L5_engines/scopes.py" in refused
    standing = _standing(root, capsys)
    assert (standing["P4"]["state"], standing["P8"]["state"]) == ("STALE", "FAILED")
    assert run(["--root", str(root), "--quiet", "check", "--write-baseline"]) == 0
    code, document = _run(root, capsys, "--execute", "--tests", passing)
    assert code == 0
    # P4 looks at the tree once more after the last change.
    assert [(s["phase"], s["state"]) for s in document["phases"][-2:]] == [("P8", "PASSED"), ("P4", "PASSED")]
    assert {s["state"] for s in _standing(root, capsys).values()} == {"DONE"}
    code, document = _run(root, capsys, "--execute", "--tests", passing)
    assert (code, set(_states(document).values())) == (0, {"DONE"})
    assert _own_tests(root) == 0
    assert run(["--root", str(root), "--quiet", "guard"]) == 0

    # An edit makes the phases stale that look at code, and nothing is moved twice.
    page = root / "backend/app/api/limits.py"
    page.write_bytes(page.read_bytes() + b"\n# edited\n")
    code, document = _run(root, capsys, "--from", "P2", "--to", "P3")
    assert _states(document) == {"P2": "DONE", "P3": "PASSED"}
    assert _standing(root, capsys)["P4"]["state"] == "STALE"


def _standing(root: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, dict[str, Any]]:
    capsys.readouterr()
    assert run(["--root", str(root), "--json", "status"]) == 0
    return {phase["phase"]: phase for phase in json.loads(capsys.readouterr().out)["phases"]}


def _own_tests(root: Path) -> int:
    line = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    return subprocess.run(line, cwd=root, capture_output=True).returncode


def test_phases_that_do_not_exist_are_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write_sample(tmp_path / "r")
    run(["--root", str(tmp_path / "r"), "--quiet", "init"])
    monkeypatch.delitem(COMMANDS, "lock")
    _, document = _run(tmp_path / "r", capsys)
    assert "P3" not in _states(document)


def test_ranges_the_wrong_way_round_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "hocmig.yaml").write_text("version: 1\n")
    assert run(["--root", str(tmp_path), "run", "--from", "P4", "--to", "P2"]) == 2
    assert "P2 comes before P4" in capsys.readouterr().err


def test_a_repository_without_anything_stops_at_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "hocmig.yaml").write_text("version: 1\n")
    code, document = _run(tmp_path, capsys, "--execute")
    assert (code, document["stopped_at"]) == (2, "P0")
    assert "domain_root" in document["phases"][0]["reason"]


def test_a_damaged_record_costs_work_and_nothing_else(tmp_path: Path) -> None:
    from hocmig.run_plan import RunRecord, read_record
    from hocmig.workspace import open_workspace

    (tmp_path / "hocmig.yaml").write_text("version: 1\n")
    options = {
        "root": tmp_path,
        "config": None,
        "as_json": False,
        "quiet": True,
        "verbose": False,
        "no_progress": True,
        "jobs": 1,
    }
    workspace = open_workspace(options)
    (tmp_path / ".hocmig").mkdir(exist_ok=True)
    for content in (b"", b"{", b'{"phases": 3}', b"\xff\xfe", b'{"tool_version": "9"}'):
        (tmp_path / ".hocmig/run.json").write_bytes(content)
        assert read_record(workspace) == RunRecord()


def test_a_phase_stays_up_to_date_through_recorded_later_phases_only() -> None:
    record = {
        "P5": PhaseRecord("a", "a", ""),
        "P6": PhaseRecord("a", "b", ""),
        "P7": PhaseRecord("b", "c", ""),
    }
    assert leads_to(record, "P5", "c")
    assert leads_to(record, "P6", "c")
    assert not leads_to(record, "P5", "d")
    assert not leads_to({"P5": record["P5"], "P7": record["P7"]}, "P5", "c")


def test_reasons_come_from_errors_then_gates_then_findings() -> None:
    gates = {"gates": [{"name": "COUNT", "passed": False, "detail": "83 rows, 84 expected"}]}
    assert reason_of(gates, ["error: x.csv:3: is bad; mend it"]) == "x.csv:3: is bad; mend it"
    assert reason_of(gates, ["warning: something"]) == "COUNT: 83 rows, 84 expected"
    finding = {"severity": "error", "code": "C1", "path": "a.py", "line": 3, "message": "is wrong"}
    assert reason_of({"findings": [finding, finding]}, []) == "C1 a.py:3: is wrong (and 1 more)"
    assert reason_of(None, ["warning: 3 changes need an approval"]) == "3 changes need an approval"
