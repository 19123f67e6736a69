"""Findings as text, JSON, SARIF 2.1.0 and GitHub annotations: shared by `guard` and `check`."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from analyzers.model import Finding
from analyzers.rule_finding import RULES, RuleFinding
from hocmig import __version__

FORMATS = ("text", "json", "sarif", "github")

_SARIF_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_SARIF_LEVELS = {"error": "error", "warning": "warning", "info": "note"}
_GITHUB_COMMANDS = {"error": "error", "warning": "warning", "info": "notice"}


def render_findings(findings: Sequence[Finding], form: str, *, command: str) -> str:
    """The findings in a format of FORMATS, in the order given, with one newline at the end.

    Args:
        command: the subcommand that found them (`guard`).
    """
    if form == "json":
        return _pretty(findings_document(findings, command))
    if form == "sarif":
        return _pretty(sarif_document(findings, command))
    lines = map(_github if form == "github" else _text, findings)
    return "".join(line + "\n" for line in lines)


def findings_document(findings: Sequence[Finding], command: str) -> dict[str, Any]:
    """The findings as plain data for JSON."""
    return {
        "tool": "hocmig",
        "version": __version__,
        "command": command,
        "passed": not any(f.severity == "error" for f in findings),
        "counts": _counts(findings),
        "findings": [
            {
                "code": f.code,
                "rule": _rule(f),
                "severity": f.severity,
                "path": f.path,
                "line": f.line,
                "message": f.message,
                "mend": f.mend,
                "approvers": list(_approvers(f)),
            }
            for f in findings
        ],
    }


def sarif_document(findings: Sequence[Finding], command: str) -> dict[str, Any]:
    """The findings as a SARIF log with one run.

    Paths are relative to `SRCROOT`, the repository root, whose place is for the reader to know. A finding's
    fingerprint depends on code, path and message, not on the line.
    """
    codes = sorted({f.code for f in findings})
    return {
        "$schema": _SARIF_SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "hocmig",
                        "version": __version__,
                        "rules": [_sarif_rule(code, findings) for code in codes],
                    }
                },
                "automationDetails": {"id": f"hocmig/{command}/"},
                "columnKind": "unicodeCodePoints",
                "results": [_sarif_result(f, codes.index(f.code)) for f in findings],
            }
        ],
    }


def _sarif_rule(code: str, findings: Iterable[Finding]) -> dict[str, Any]:
    name, demand = RULES.get(code, (code, ""))
    severity = next(f.severity for f in findings if f.code == code)
    rule: dict[str, Any] = {
        "id": code,
        "name": "".join(part.capitalize() for part in name.split("_")),
        "defaultConfiguration": {"level": _SARIF_LEVELS.get(severity, "warning")},
    }
    if demand:
        rule["shortDescription"] = {"text": demand}
    return rule


def _sarif_result(finding: Finding, rule_index: int) -> dict[str, Any]:
    what = f"{finding.code}\n{finding.path}\n{finding.message}"
    result: dict[str, Any] = {
        "ruleId": finding.code,
        "ruleIndex": rule_index,
        "level": _SARIF_LEVELS.get(finding.severity, "warning"),
        "message": {"text": _sentence(finding)},
        "partialFingerprints": {"hocmig/v1": hashlib.sha256(what.encode("utf-8", "replace")).hexdigest()},
    }
    if finding.path:
        place: dict[str, Any] = {
            "artifactLocation": {"uri": _uri(finding.path), "uriBaseId": "SRCROOT"},
            # GitHub shows only results that have a line.
            "region": {"startLine": max(finding.line, 1)},
        }
        result["locations"] = [{"physicalLocation": place}]
    return result


def _github(finding: Finding) -> str:
    """One workflow command. Source of the escapes: GitHub, "Workflow commands for GitHub Actions"."""
    properties = []
    if finding.path:
        properties.append(f"file={_escaped(finding.path, in_property=True)}")
        properties.append(f"line={max(finding.line, 1)}")
    properties.append(f"title={_escaped(f'{finding.code} {_rule(finding)}'.strip(), in_property=True)}")
    command = _GITHUB_COMMANDS.get(finding.severity, "warning")
    return f"::{command} {','.join(properties)}::{_escaped(_sentence(finding))}"


def _text(finding: Finding) -> str:
    place = (
        f"{finding.path}:{finding.line}: " if finding.line else f"{finding.path}: " if finding.path else ""
    )
    rule = _rule(finding)
    head = f"{place}{finding.severity} {finding.code}" + (f" {rule}" if rule else "")
    lines = [f"{head}: {finding.message}"]
    if finding.mend:
        lines.append(f"    to mend: {finding.mend}")
    if _approvers(finding):
        lines.append(f"    may approve: {' '.join(_approvers(finding))}")
    return "\n".join(_printable(line) for line in lines)


def _sentence(finding: Finding) -> str:
    text = finding.message + (f". To mend: {finding.mend}" if finding.mend else "")
    approvers = _approvers(finding)
    return text + (f". May approve: {', '.join(approvers)}" if approvers else "")


def _rule(finding: Finding) -> str:
    return finding.rule if isinstance(finding, RuleFinding) else RULES.get(finding.code, ("", ""))[0]


def _approvers(finding: Finding) -> tuple[str, ...]:
    return finding.approvers if isinstance(finding, RuleFinding) else ()


def _counts(findings: Iterable[Finding]) -> dict[str, int]:
    counts = {"error": 0, "warning": 0, "info": 0}
    for finding in findings:
        counts[finding.severity] = counts.get(finding.severity, 0) + 1
    return counts


def _uri(path: str) -> str:
    # Late: it loads much, and only SARIF needs it.
    from urllib.parse import quote

    return quote(path.encode("utf-8", "surrogateescape"), safe="/")


def _escaped(text: str, *, in_property: bool = False) -> str:
    text = _printable(text, keep_lines=True).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return text.replace(":", "%3A").replace(",", "%2C") if in_property else text


def _printable(text: str, *, keep_lines: bool = False) -> str:
    """`text` without characters that could steer a terminal or a CI log."""
    kept = "\n\r" if keep_lines else ""
    return "".join(
        c if c.isprintable() or c in kept else repr(c)[1:-1] for c in text.encode("utf-8", "replace").decode()
    )


def _pretty(document: dict[str, Any]) -> str:
    # Paths of other encodings hold lone surrogates, which JSON cannot carry.
    clean = _clean(document)
    return msgspec.json.format(msgspec.json.encode(clean), indent=2).decode() + "\n"


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, dict):
        return {key: _clean(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_clean(item) for item in value]
    return value
