"""The Markdown report of P4."""

from __future__ import annotations

from collections.abc import Mapping

from analyzers.health_score import Check, HealthScore

REPORT_NAME = "PHASE4_VALIDATION_REPORT.md"

_TITLES = {
    "import_resolution": "V1: Import resolution",
    "blca_validation": "V2: Layer validation",
    "test_suite": "V3: Test suite",
    "circular_imports": "V4: Circular imports",
    "domain_integrity": "V5: Domain integrity",
    "hash_verification": "V6: Hash verification",
}

#: More lines per check help nobody; the number that is left out is said.
_SHOWN = 200


def render_report(score: HealthScore, checks: Mapping[str, Check]) -> str:
    """The report: the verdict, a table of the checks, then what each one found."""
    lines = [
        "# Phase 4: Validation Report",
        "",
        f"**Overall:** {score.overall}",
        f"**Score:** {score.score}",
        f"**Tree:** {score.tree}",
        "",
        "| Check | Status | Score | Numbers |",
        "|-------|--------|-------|---------|",
    ]
    for name, title in _TITLES.items():
        check = checks[name]
        numbers = ", ".join(f"{key} {value}" for key, value in check.numbers.items())
        lines.append(f"| {title} | {check.status.value} | {check.score} | {numbers} |")
    for name, title in _TITLES.items():
        check = checks[name]
        lines += [
            "",
            f"## {title}",
            "",
            f"{check.status.value}" + (f": {check.reason}" if check.reason else ""),
        ]
        if check.details:
            lines.append("")
        lines += [f"- {_inline(detail)}" for detail in check.details[:_SHOWN]]
        if len(check.details) > _SHOWN:
            lines.append(f"- and {len(check.details) - _SHOWN} more")
    lines += ["", "The score is explained in the documentation, page health-score."]
    return "\n".join(lines) + "\n"


def _inline(text: str) -> str:
    clean = "".join(character if character.isprintable() else " " for character in text)
    return clean.replace("<", "&lt;").replace("|", "\\|")
