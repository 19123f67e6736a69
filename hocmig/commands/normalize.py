"""`hocmig normalize` (P8): one import path for each shared name, the final audit, or take it back."""

from __future__ import annotations

import sys
from typing import Any

import click
import msgspec

from analyzers.dependency_matrix import MATRIX_COLUMNS
from analyzers.errors import InputError
from hocmig.diff import diff_text
from hocmig.phases import p8_normalize
from hocmig.phases.p8_normalize import NormalizePhase
from hocmig.transaction.recovery import refuse_interrupted
from hocmig.transaction.rollback import latest, rollback
from hocmig.workspace import Workspace, open_workspace

EXAMPLES = """
\b
Examples:
  hocmig normalize
  hocmig normalize --execute --reason "final audit"
  hocmig normalize --canonical facade
  hocmig normalize --revert
"""

_SHOWN = 20


@click.command("normalize", epilog=EXAMPLES)
@click.option("--execute", is_flag=True, help="Do it; without this only the diff is shown.")
@click.option("--revert", is_flag=True, help="Restore the tree as before the last execution.")
@click.option("--force", is_flag=True, help="With --revert: also where people have edited since.")
@click.option(
    "--canonical",
    type=click.Choice(["defining", "facade"]),
    help="Import shared names from their defining module, or the façade (default: as configured).",
)
@click.option("--git", "git_stage", is_flag=True, help="Stage the result in git's index.")
@click.option("--reason", default="", help="Why; goes into the ledger.")
@click.pass_obj
def command(
    options: dict[str, Any],
    execute: bool,
    revert: bool,
    force: bool,
    canonical: str | None,
    git_stage: bool,
    reason: str,
) -> int:
    """Rewrite detours to shared names, then write the registry, the log, the matrix, the report, the health.

    Without --execute nothing is written: the diff that would be applied is printed, and `git apply` takes it.
    Exit code 0 of --execute only when the tree is COMPLIANT.
    """
    workspace = open_workspace(options)
    refuse_interrupted(workspace.root)
    if revert:
        if execute:
            raise InputError("--revert", 0, "cannot be joined with --execute", "run one after the other")
        return _revert(workspace, force=force, reason=reason)
    if force:
        raise InputError("--force", 0, "is only for --revert", "leave it out")
    with workspace.terminal.working("Normalizing imports"):
        phase = p8_normalize.prepare(workspace, canonical or "")
    _show_findings(workspace, phase)
    if phase.blocking:
        workspace.terminal.document(_document(phase))
        workspace.terminal.warn(f"{len(phase.blocking)} findings block this; nothing was changed")
        return 1
    if not execute:
        return _preview(workspace, phase)
    result = p8_normalize.execute(
        workspace, phase, command=("hocmig", *sys.argv[1:]), git_stage=git_stage, reason=reason
    )
    terminal = workspace.terminal
    for warning in result.warnings:
        terminal.warn(warning)
    document = _document(phase)
    document |= {"executed": True, "transaction": result.transaction_id, "backup": result.backup}
    terminal.document(document)
    terminal.say(_counts(phase) + (f"; backup {result.backup}" if result.backup else ""))
    for name in p8_normalize.artifact_names(workspace):
        terminal.detail(f"wrote {name}")
    terminal.say(_verdict(phase))
    return 0 if phase.health.is_compliant else 1


def _preview(workspace: Workspace, phase: NormalizePhase) -> int:
    terminal = workspace.terminal
    diff = diff_text(phase.change_set, workspace.root)
    if terminal.json:
        document = _document(phase)
        # JSON is Unicode: bytes of other encodings are shown escaped.
        document["diff"] = diff.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
        terminal.document(document)
        return 0
    terminal.result(diff)
    terminal.note(f"{_counts(phase)}; nothing was changed (dry run, --execute does it)")
    terminal.note(_verdict(phase))
    return 0


def _revert(workspace: Workspace, *, force: bool, reason: str) -> int:
    entry = latest(workspace.root, "P8")
    result = rollback(
        workspace.root,
        [workspace.root / entry.backup],
        phase="P8",
        command=("hocmig", *sys.argv[1:]),
        reason=reason,
        force=force,
    )
    workspace.terminal.say(f"reverted: {len(result.changed) + len(result.removed)} files are as they were")
    workspace.terminal.document({"reverted": True, "transaction": result.transaction_id})
    return 0


def _show_findings(workspace: Workspace, phase: NormalizePhase) -> None:
    terminal = workspace.terminal
    lines = [f"{f.severity}: {f}" for f in phase.findings]
    lines += [f"left: {s.path}:{s.line}: {s.module}.{s.name}: {s.reason}" for s in phase.tree.left]
    shown = lines if terminal.verbose else lines[:_SHOWN]
    for line in shown:
        terminal.note(line)
    if len(shown) < len(lines):
        terminal.note(f"and {len(lines) - len(shown)} more (--verbose shows all)")


def _counts(phase: NormalizePhase) -> str:
    tree, certificate = phase.tree, phase.tree.certificate
    return (
        f"{len(tree.rewritten)} names in {len(tree.contents)} files get their canonical import, "
        f"{len(tree.left)} detours stay; proof: {certificate.equal} of {certificate.bindings} names equal, "
        f"{len(certificate.unprovable)} unprovable, {len(certificate.differing)} differ"
    )


def _verdict(phase: NormalizePhase) -> str:
    health = phase.health
    text = f"{health.overall}: {health.violations} violations, compliance {health.architecture_compliance} %"
    if health.accepted_violations:
        text += f", {health.accepted_violations} accepted"
    return text + (f"; phases not done: {', '.join(health.phases_open)}" if health.phases_open else "")


def _document(phase: NormalizePhase) -> dict[str, Any]:
    return {
        "executed": False,
        "rewritten": [msgspec.to_builtins(s) for s in phase.tree.rewritten],
        "left": [msgspec.to_builtins(s) for s in phase.tree.left],
        "findings": list(phase.findings),
        "certificate": phase.tree.certificate,
        "violations": [{"key": v.key, **msgspec.to_builtins(v)} for v in phase.architecture.new],
        "matrix": [dict(zip(MATRIX_COLUMNS, cell.row, strict=True)) for cell in phase.matrix],
        "health": phase.health,
    }
