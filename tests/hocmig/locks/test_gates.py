"""The gate before P5."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from analyzers.errors import GateError, InputError
from analyzers.health_score import CHECKS
from hocmig.gates import require_healthy
from hocmig.transaction.ledger import read_ledger
from hocmig.workspace import Workspace, open_workspace

MAP = "src/app/_domain_map"


def _open(root: Path) -> Workspace:
    options: dict[str, Any] = {
        "root": root,
        "config": None,
        "as_json": False,
        "quiet": True,
        "verbose": False,
        "no_progress": True,
        "jobs": 1,
    }
    return open_workspace(options)


def _write_score(root: Path, **changes: Any) -> None:
    from analyzers.domain_inventory import hash_of_files

    tree = hash_of_files({p: r.sha256 for p, r in _open(root).index.files.items()})
    checks: dict[str, dict[str, Any]] = {name: {"status": "PASS"} for name in CHECKS}
    checks["blca_validation"]["violations"] = 0
    checks["test_suite"]["failed"] = 0
    score = {"overall": "HEALTHY", "score": 100, "checks": checks, "tool_version": "x", "tree": tree}
    (root / MAP).mkdir(exist_ok=True)
    (root / MAP / "PHASE4_HEALTH_SCORE.json").write_text(json.dumps({**score, **changes}))


def test_a_healthy_tree_may_pass(project: Path) -> None:
    _write_score(project)
    require_healthy(_open(project), phase="P5", force_reason="not needed")
    assert read_ledger(project).entries == ()


@pytest.mark.parametrize(
    "changes",
    [
        {"overall": "UNHEALTHY"},
        {"overall": "INCOMPLETE"},
        {"score": 94},
        {"checks": {}},
        {"checks": {name: {"status": "PASS"} for name in CHECKS}},
    ],
)
def test_anything_less_is_refused(changes: dict[str, Any], project: Path) -> None:
    _write_score(project, **changes)
    with pytest.raises(GateError, match="hocmig verify"):
        require_healthy(_open(project), phase="P5")


def test_a_score_of_another_tree_is_refused(project: Path) -> None:
    _write_score(project)
    (project / "src/app/new.py").write_text("")
    with pytest.raises(GateError, match="has changed since P4"):
        require_healthy(_open(project), phase="P5")


def test_no_score_is_refused(project: Path) -> None:
    with pytest.raises(GateError, match="was not run"):
        require_healthy(_open(project), phase="P5")


def test_a_forced_gate_is_recorded_with_its_reason(project: Path) -> None:
    require_healthy(_open(project), phase="P5", force_reason="the database is down today")
    (entry,) = read_ledger(project).entries
    assert (entry.kind, entry.phase, entry.reason) == ("gate", "P5", "the database is down today")
    assert "was not run" in entry.subject["P4"]


def test_a_blank_reason_forces_nothing(project: Path) -> None:
    with pytest.raises(InputError, match="needs a reason"):
        require_healthy(_open(project), phase="P5", force_reason="  ")
    assert read_ledger(project).entries == ()


def test_a_score_that_cannot_be_read_is_an_input_error(project: Path) -> None:
    (project / MAP).mkdir()
    (project / MAP / "PHASE4_HEALTH_SCORE.json").write_text("{")
    with pytest.raises(InputError, match="no health score"):
        require_healthy(_open(project), phase="P5")
