"""Gates between phases: P5 starts only when P4 found the very tree HEALTHY, or when somebody forces it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TypeVar

import click
import msgspec

from analyzers.domain_inventory import hash_of_files
from analyzers.errors import GateError, InputError
from analyzers.health_score import HEALTH_NAME, HealthScore
from hocmig.manifest_file import manifest_path
from hocmig.transaction.ledger import append, decision
from hocmig.workspace import Workspace

Command = TypeVar("Command", bound=Callable[..., object])


def force_gate_option(function: Command) -> Command:
    """Adds `--force-gate REASON` (parameter `force_gate`, empty by default) to a command."""
    return click.option(
        "--force-gate",
        default="",
        metavar="REASON",
        help="Start although P4 is not HEALTHY; goes into the ledger.",
    )(function)


def require_healthy_when_migrating(workspace: Workspace, *, phase: str, force_reason: str = "") -> None:
    """`require_healthy` in a repository with a manifest; elsewhere there is no migration, and no gate.

    Without a manifest the phases are tools of their own: nobody must run P4 to look for duplicates.

    Raises:
        GateError, InputError: as `require_healthy`.
    """
    if manifest_path(workspace).exists():
        require_healthy(workspace, phase=phase, force_reason=force_reason)
    else:
        _refuse_blank(force_reason)


def require_healthy(workspace: Workspace, *, phase: str, force_reason: str = "") -> None:
    """Refuse unless P4 found the tree as it is now HEALTHY.

    Args:
        phase: the phase that wants to start, for the ledger.
        force_reason: why it may start all the same; recorded in the ledger when the gate is closed.

    Raises:
        GateError: P4 was not run, not on this tree, or is not HEALTHY.
        InputError: the reason is blank, or the health score cannot be read.
    """
    _refuse_blank(force_reason)
    problem = health_problem(workspace)
    if not problem:
        return
    if not force_reason:
        raise GateError(f"{problem} (or `--force-gate REASON`)")
    append(
        workspace.root,
        decision(
            "gate",
            phase=phase,
            command=("hocmig", *sys.argv[1:]),
            subject={"P4": f"forced open: {problem}"},
            reason=force_reason.strip(),
        ),
    )
    workspace.terminal.warn(f"gate forced open: {problem}")


def _refuse_blank(force_reason: str) -> None:
    if force_reason and not force_reason.strip():
        raise InputError("--force-gate", 0, "needs a reason", "say why")


def health_problem(workspace: Workspace) -> str:
    """Why P4 does not let P5 start, with what to do; empty when it does."""
    path = workspace.artifacts / HEALTH_NAME
    name = f"{workspace.config.artifact_folder}/{HEALTH_NAME}"
    try:
        score = msgspec.json.decode(path.read_bytes(), type=HealthScore)
    except FileNotFoundError:
        return "P4 was not run; run `hocmig verify`"
    except (OSError, msgspec.MsgspecError, RecursionError) as error:
        problem = f"is no health score: {' '.join(str(error).split())[:160]}"
        raise InputError(name, 0, problem, "run `hocmig verify`") from error
    if not score.is_healthy:
        bad = [name for name, check in score.checks.items() if check.get("status") != "PASS"]
        found = f"P4 is {score.overall} (score {score.score}: {', '.join(bad)})"
        return f"{found}; see its report and run `hocmig verify`"
    tree = hash_of_files({p: r.sha256 or "-" for p, r in workspace.index.files.items()})
    return "" if score.tree == tree else "the code has changed since P4; run `hocmig verify` again"
