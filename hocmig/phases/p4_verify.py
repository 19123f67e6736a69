"""P4: validate the tree after a migration: six checks, a report, a health score."""

from __future__ import annotations

import msgspec

from analyzers.baseline import cycle_entry, render_baseline
from analyzers.before_state import BEFORE_NAME, knots
from analyzers.errors import InputError
from analyzers.health_score import HEALTH_NAME, Check, HealthScore, health_score
from analyzers.junit_results import render_junit
from hocmig import __version__
from hocmig.before_recording import write_before
from hocmig.store import write_json, write_text
from hocmig.transaction.clock import timestamp
from hocmig.transaction.filesystem import Tree
from hocmig.transaction.recovery import refuse_when_pending
from hocmig.validation_report import REPORT_NAME, render_report
from hocmig.verification import Verification, VerifyOptions
from hocmig.workspace import Workspace

RESULTS_NAME = "PHASE4_TEST_RESULTS.xml"


class VerifyResult(msgspec.Struct, frozen=True, kw_only=True):
    """What P4 found; `before` says what the tree was compared with."""

    phase: str
    health: HealthScore
    checks: tuple[Check, ...]
    before: str
    artifacts: tuple[str, ...]


def run(workspace: Workspace, options: VerifyOptions) -> VerifyResult:
    """Run the checks and write report, health score and test results.

    Raises:
        InputError: a record, a baseline or the manifest is malformed.
        InterruptedTransactionError: a transaction must be recovered first.
    """
    with Tree(workspace.root) as tree:
        refuse_when_pending(tree)
    verification = Verification(workspace, options)
    checks = verification.checks()
    score = health_score(checks, tool_version=__version__, tree=verification.tree)
    folder = workspace.config.artifact_folder
    written = [REPORT_NAME, HEALTH_NAME]
    write_text(workspace.artifacts / REPORT_NAME, render_report(score, checks))
    results = workspace.artifacts / RESULTS_NAME
    if verification.test_run is not None:
        outcomes = verification.test_run.outcomes
        write_text(results, render_junit(outcomes.tests, outcomes.command, {}))
        written.append(RESULTS_NAME)
    else:
        # Results of an earlier run would look like those of this tree.
        results.unlink(missing_ok=True)
    write_json(workspace.artifacts / HEALTH_NAME, score)
    return VerifyResult(
        phase="P4",
        health=score,
        checks=tuple(checks.values()),
        before=verification.before.source,
        artifacts=tuple(f"{folder}/{name}" for name in written),
    )


def record_before(workspace: Workspace, options: VerifyOptions) -> str:
    """Record the present state for later comparison; returns the file's path.

    Raises:
        InputError: there is a record already.
    """
    if (workspace.artifacts / BEFORE_NAME).exists():
        name = f"{workspace.config.artifact_folder}/{BEFORE_NAME}"
        raise InputError(name, 0, "is there already and is never overwritten", "delete it to record anew")
    now = timestamp()
    return write_before(workspace, Verification(workspace, options).state_now(now, __version__))


def write_layer_baseline(workspace: Workspace, options: VerifyOptions) -> tuple[str, int]:
    """Accept all layer violations and import-time cycles of the tree; returns the file and its entries."""
    verification = Verification(workspace, options)
    entries = {f"{violation.code} {violation.key}" for violation in verification.violations}
    entries |= {cycle_entry(members) for members in knots(verification.cycles)}
    name = workspace.config.layer_baseline
    write_text(workspace.root / name, render_baseline(entries))
    return name, len(entries)
