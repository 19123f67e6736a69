"""Where each phase of a migration stands: done, ready to start, failed, stale, or blocked by what.

Judged from what lies in the repository: the manifest's rows, the artifacts, the health scores, the locks and
the record that `hocmig run` keeps. Nothing is run for it, and nothing is written.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import msgspec

from analyzers.domain_locks import LockError
from analyzers.errors import GateError, InputError
from analyzers.final_health import FINAL_HEALTH_NAME
from analyzers.migration_manifest import OPEN, ManifestRow
from analyzers.migration_progress import PHASES, next_step, phase_progress
from hocmig import run_plan
from hocmig.domain_guard import run_guard
from hocmig.gates import health_problem
from hocmig.transaction.ledger import read_ledger
from hocmig.workspace import Workspace

DONE = "DONE"
#: It may start now.
READY = "READY"
#: A person must decide something first.
WAITING = "WAITING"
#: Its artifacts are there, and what they speak of has changed since.
STALE = "STALE"
#: It ran, and its gate is shut.
FAILED = "FAILED"
BLOCKED = "BLOCKED"
#: There is nothing for it to do.
SKIPPED = "SKIPPED"


class PhaseStanding(msgspec.Struct, frozen=True, kw_only=True):
    """One phase: its state with the reason, and the command that takes it further (empty when none does).

    `blocked_by` is the phase that must be done before; `present` and `missing` are its artifacts.
    """

    phase: str
    command: str
    state: str
    reason: str = ""
    next: str = ""
    blocked_by: str = ""
    present: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


def phase_standings(
    workspace: Workspace, rows: Sequence[ManifestRow] | None, available: Collection[str]
) -> tuple[PhaseStanding, ...]:
    """How the phases stand, in their order.

    Args:
        rows: the manifest, None when there is none.
        available: the commands that this version has; phases of other commands are left out.
    """
    progress = [one for one in phase_progress(run_plan.artifact_names(workspace)) if one.command in available]
    judged = {one.phase: _judge(workspace, one.phase, one.state, rows, available) for one in progress}
    for phase in _rolled_back(workspace) & judged.keys():
        judged[phase] = READY, "was rolled back", f"hocmig {PHASES[phase][0]}"
    begun = judged.get("P5", ("",))[0] == DONE
    found: list[PhaseStanding] = []
    shut = ""
    for one in progress:
        state, reason, line = judged[one.phase]
        blocked_by = ""
        if shut and state == READY:
            state, reason, line, blocked_by = BLOCKED, f"by {shut}", "", shut
        found.append(
            PhaseStanding(
                phase=one.phase,
                command=one.command,
                state=state,
                reason=reason,
                next=line,
                blocked_by=blocked_by,
                present=one.present,
                missing=one.missing,
            )
        )
        if not shut and state not in (DONE, SKIPPED) and not (begun and _is_renewable(found[-1])):
            shut = one.phase
    return tuple(found)


def next_command(standings: Sequence[PhaseStanding]) -> tuple[str, str]:
    """The command line that comes next and why; both empty when nothing is left to do.

    P3 and P4 are stale as soon as a later phase changes the code: a cleanup that has begun is finished first,
    then they are renewed.
    """
    begun = any(s.phase == "P5" and s.state == DONE for s in standings)
    late = [s for s in standings if begun and _is_renewable(s)]
    for standing in [*(s for s in standings if s not in late), *late]:
        if standing.next and standing.state not in (DONE, SKIPPED):
            return standing.next, standing.reason
    return "", ""


def _rolled_back(workspace: Workspace) -> set[str]:
    """The phases of the cleanup whose every transaction was taken back; their logs are there all the same."""
    if not workspace.state.is_dir():
        return set()
    ledger = read_ledger(workspace.root)
    undone = ledger.undone()
    found = {entry.phase for entry in ledger.entries if entry.entry_id in undone and not entry.reverts}
    return (found & {"P6", "P7", "P8"}) - {entry.phase for entry in ledger.standing()}


def _is_renewable(standing: PhaseStanding) -> bool:
    return standing.phase in ("P3", "P4") and standing.state == STALE


# -- the judgement of each phase ---------------------------------------------------------------------------


def _judge(
    workspace: Workspace,
    phase: str,
    artifacts: str,
    rows: Sequence[ManifestRow] | None,
    available: Collection[str],
) -> tuple[str, str, str]:
    """State, reason and next command of a phase, seen by itself."""
    judge = _JUDGES.get(phase)
    if phase == "P0":
        return _manifest(workspace, artifacts, rows, available)
    if phase == "P2":
        return _moves(workspace, artifacts, rows)
    if judge is not None and artifacts != "open":
        try:
            state, reason, line = judge(workspace)
        except InputError as error:
            return FAILED, str(error), f"hocmig {PHASES[phase][0]}"
        if state != DONE:
            return state, reason, line
    if artifacts == "done":
        return DONE, "", ""
    command = f"hocmig {PHASES[phase][0]}"
    reason = run_plan.needless(workspace, phase, rows) if artifacts == "open" else ""
    if reason:
        return SKIPPED, reason, ""
    if phase == "P1" and artifacts == "open":
        return READY, "the plan is not validated yet", command
    if artifacts == "open":
        return READY, f"{phase} was not run yet", command
    return READY, "some of its artifacts are missing", command


def _manifest(
    workspace: Workspace, artifacts: str, rows: Sequence[ManifestRow] | None, available: Collection[str]
) -> tuple[str, str, str]:
    if rows is None:
        return READY, "there is no manifest yet", "hocmig manifest"
    if any(row.status in OPEN for row in rows):
        line, reason = next_step(rows, (), available)
        return WAITING, reason, line
    if artifacts == "partial":
        return READY, "some of its artifacts are missing", "hocmig manifest"
    return DONE, f"{len(rows)} rows", ""


def _moves(workspace: Workspace, artifacts: str, rows: Sequence[ManifestRow] | None) -> tuple[str, str, str]:
    left = run_plan.to_carry_out(workspace, rows or ())
    if left:
        reason = f"{len(left)} rows are to be carried out (a dry run; then with --execute)"
        return READY, reason, "hocmig move"
    if rows is None:
        return READY, "there is no manifest yet", ""
    return (DONE, "", "") if artifacts == "done" else (SKIPPED, run_plan.needless(workspace, "P2", rows), "")


def _validation(workspace: Workspace) -> tuple[str, str, str]:
    report = workspace.artifacts / "PHASE1_VALIDATION_REPORT.md"
    if report.is_file() and b"NOT_READY" in report.read_bytes():
        return FAILED, "the plan is NOT_READY", "hocmig validate"
    return DONE, "", ""


def _locks(workspace: Workspace) -> tuple[str, str, str]:
    try:
        drift = [f for f in run_guard(workspace).findings if f.severity == "error"]
    except (GateError, LockError) as error:
        return FAILED, str(error), "hocmig guard"
    if not drift:
        return DONE, "", ""
    more = f" (and {len(drift) - 1} more)" if len(drift) > 1 else ""
    return STALE, f"drift: {drift[0].path}: {drift[0].message}{more}", "hocmig guard"


def _health(workspace: Workspace) -> tuple[str, str, str]:
    problem = health_problem(workspace)
    if not problem:
        return DONE, "", ""
    reason = problem.partition("; ")[0]
    return (STALE if "changed" in reason else FAILED), reason, "hocmig verify"


class _Overall(msgspec.Struct, frozen=True):
    overall: str = ""
    violations: int = 0
    phases_open: tuple[str, ...] = ()


def _final_health(workspace: Workspace) -> tuple[str, str, str]:
    path = workspace.artifacts / FINAL_HEALTH_NAME
    try:
        health = msgspec.json.decode(path.read_bytes(), type=_Overall)
    except FileNotFoundError:
        return DONE, "", ""
    except (OSError, msgspec.MsgspecError, RecursionError) as error:
        name = f"{workspace.config.artifact_folder}/{FINAL_HEALTH_NAME}"
        problem = f"is no final health: {' '.join(str(error).split())[:160]}"
        raise InputError(name, 0, problem, "run `hocmig normalize --execute`") from error
    if health.overall == "COMPLIANT":
        return DONE, "", ""
    if health.violations:
        many = "1 violation" if health.violations == 1 else f"{health.violations} violations"
        reason = f"{health.overall}: {many} of the architecture to mend or to accept, then normalize again"
        return FAILED, reason, "hocmig check"
    left = f"{', '.join(health.phases_open)} were not done then"
    return FAILED, f"{health.overall}: {left}", "hocmig normalize --execute"


_JUDGES = {"P1": _validation, "P3": _locks, "P4": _health, "P8": _final_health}
