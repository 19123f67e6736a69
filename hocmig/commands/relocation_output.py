"""How a prepared or executed relocation is shown: counts, findings, diff, JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from hocmig.diff import diff_text

if TYPE_CHECKING:
    from hocmig.prepared_relocation import PreparedRelocation
    from hocmig.transaction.transaction import TransactionResult
    from hocmig.workspace import Workspace

_SHOWN_FINDINGS = 40


def report_prepared(
    workspace: Workspace,
    prepared: PreparedRelocation,
    *,
    executing: bool = False,
    more: Mapping[str, Any] | None = None,
) -> int:
    """Print what would be done; the exit code is 1 when a finding blocks it, else 0.

    With `executing`, the change was wanted: when it was worked out and its proof failed, the code is 4.
    `more` are keys for the JSON document.
    """
    terminal = workspace.terminal
    document = _document(prepared) | dict(more or {})
    document["executed"] = False
    if terminal.json:
        # JSON is Unicode: bytes of other encodings are shown escaped.
        diff = diff_text(prepared.change_set, workspace.root).encode("utf-8", "surrogateescape")
        document["diff"] = diff.decode("utf-8", "backslashreplace")
        terminal.document(document)
    else:
        terminal.result(diff_text(prepared.change_set, workspace.root))
        _findings(workspace, prepared)
        if not prepared.blocking:
            terminal.note(f"{_counts(prepared)}; nothing was changed (dry run, --execute does it)")
    if prepared.blocking:
        terminal.warn(f"{len(prepared.blocking)} findings block this; nothing was changed")
        return 4 if executing and any(f.code == "PROOF001" for f in prepared.blocking) else 1
    return 0


def report_result(
    workspace: Workspace,
    prepared: PreparedRelocation,
    result: TransactionResult,
    *,
    more: Mapping[str, Any] | None = None,
) -> int:
    """Print what was done; exit code 0. `more` are keys for the JSON document."""
    terminal = workspace.terminal
    for warning in result.warnings:
        terminal.warn(warning)
    document = _document(prepared) | dict(more or {})
    document |= {"executed": True, "transaction": result.transaction_id, "backup": result.backup}
    terminal.document(document)
    if not terminal.json:
        _findings(workspace, prepared)
        terminal.say(_counts(prepared) + (f"; backup {result.backup}" if result.backup else ""))
    return 0


def _document(prepared: PreparedRelocation) -> dict[str, Any]:
    return {
        "moved": [{"old_path": old, "new_path": new} for old, new in sorted(prepared.moved.items())],
        "rewritten": list(prepared.rewritten),
        "symbols": [str(r) for r in prepared.symbols],
        "references": [
            {
                "path": r.path,
                "line": r.line,
                "old": r.old,
                "new": r.new,
                "certainty": r.certainty.value,
                "why": r.why,
            }
            for r in prepared.references
        ],
        "findings": list(prepared.findings),
        "certificate": prepared.certificate,
    }


def _counts(prepared: PreparedRelocation) -> str:
    certain = sum(r.certainty.value == "certain" for r in prepared.references)
    text = (
        f"{len(prepared.moved)} files and {len(prepared.symbols)} symbols move, "
        f"{len(prepared.rewritten)} Python files are rewritten, "
        f"{certain} references in other files"
    )
    certificate = prepared.certificate
    if certificate is not None:
        text += (
            f"; proof: {certificate.equal} of {certificate.bindings} names equal, "
            f"{len(certificate.unprovable)} unprovable, {len(certificate.differing)} differ"
        )
    return text


def _findings(workspace: Workspace, prepared: PreparedRelocation) -> None:
    terminal = workspace.terminal
    order = {"error": 0, "warning": 1, "info": 2}
    findings = sorted(prepared.findings, key=lambda f: (order.get(f.severity, 3), f.path, f.line))
    shown = findings if terminal.verbose else findings[:_SHOWN_FINDINGS]
    for finding in shown:
        if finding.severity != "info" or terminal.verbose:
            terminal.note(f"{finding.severity}: {finding}")
    if len(shown) < len(findings):
        terminal.note(f"and {len(findings) - len(shown)} more findings (--verbose shows all)")
    mentions = [r for r in prepared.references if r.certainty.value != "certain"]
    for reference in mentions if terminal.verbose else ():
        terminal.note(str(reference))
    if mentions and not terminal.verbose:
        terminal.note(f"{len(mentions)} possible references were left as they are (--verbose lists them)")
