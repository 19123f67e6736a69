"""PHASE8_ARCHITECTURE_REPORT.md: the rules, the violations with what mends them, imports that stayed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from analyzers.architecture.evaluation import ArchitectureResult
from analyzers.architecture.violation import Violation
from analyzers.dependency_matrix import MatrixCell
from analyzers.final_health import FinalHealth
from analyzers.import_normalization import SharedImport
from analyzers.model import Finding

REPORT_NAME = "PHASE8_ARCHITECTURE_REPORT.md"


def architecture_report(
    health: FinalHealth,
    result: ArchitectureResult,
    matrix: Sequence[MatrixCell],
    left: Sequence[SharedImport],
    findings: Sequence[Finding],
    rewritten: int,
) -> str:
    """The report as Markdown.

    Args:
        left: imports that take a detour to a shared name and stay.
        findings: names of the shared domain that clash.
        rewritten: names whose import was normalized in this run.
    """
    lines = [
        "# Architecture compliance",
        "",
        f"**{health.overall}**: {health.violations} violations, "
        f"compliance {health.architecture_compliance} %, dependency matrix {health.dependency_matrix}.",
        "",
        "| what | count |",
        "|---|---:|",
        f"| domains | {health.domains} |",
        f"| files in them | {health.total_files} |",
        f"| imports of the repository's own modules | {health.total_imports} |",
        f"| of these canonical | {health.canonical_imports} |",
        f"| names normalized by this run | {rewritten} |",
        f"| accepted violations | {health.accepted_violations} |",
        "",
        f"Phases done: {', '.join(health.phases_completed) or 'none'}."
        + (f" Open: {', '.join(health.phases_open)}." if health.phases_open else ""),
        "",
        "## Rules and contracts",
        "",
        "| rule | name | result | violations | accepted |",
        "|---|---|---|---:|---:|",
    ]
    for outcome in result.outcomes:
        word = "kept" if outcome.is_kept else "**broken**"
        cells = (outcome.code, _cell(outcome.name), word, outcome.violations, outcome.accepted)
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    lines += ["", *_violations("Violations", result.new)]
    lines += _violations("Accepted violations", result.accepted)
    lines += _list("Entries of the baseline that nothing breaks any more", (f"`{e}`" for e in result.stale))
    lines += _matrix(matrix)
    lines += _list("Names of the shared domain that clash", (_finding(f) for f in findings))
    lines += _list(
        "Imports that take a detour and stay",
        (f"{_code(f'{s.path}:{s.line}')} {_code(f'{s.module}.{s.name}')}: {_cell(s.reason)}" for s in left),
    )
    return "\n".join(lines).rstrip("\n") + "\n"


def _violations(title: str, violations: Iterable[Violation]) -> list[str]:
    lines: list[str] = []
    for violation in violations:
        rule = f"{violation.code} {violation.contract}".strip()
        place = f"{violation.importer}:{violation.line}" if violation.line else violation.importer
        lines.append(f"- {_code(place)} {_cell(rule)}: {_cell(violation.message)}")
        if len(violation.chain) > 1:
            lines += [f"  {n}. {_code(str(step))}" for n, step in enumerate(violation.chain, 1)]
        lines.append(f"  - To mend: {_cell(violation.mend)}")
    return [f"## {title}", "", *lines, ""] if lines else []


def _matrix(matrix: Sequence[MatrixCell]) -> list[str]:
    domains = sorted({cell.from_domain for cell in matrix})
    if not domains:
        return []
    counts = {(c.from_domain, c.to_domain): c for c in matrix}
    lines = ["## Dependency matrix", "", "Rows import columns; `!` marks what breaks a rule.", ""]
    lines.append("| | " + " | ".join(domains) + " |")
    lines.append("|---|" + "---:|" * len(domains))
    for row in domains:
        cells = []
        for column in domains:
            cell = counts.get((row, column))
            number = str(len(cell.edges)) if cell is not None and cell.edges else ""
            cells.append(number + ("" if cell is None or cell.is_compliant else " !"))
        lines.append(f"| **{row}** | " + " | ".join(cells) + " |")
    return [*lines, ""]


def _list(title: str, items: Iterable[str]) -> list[str]:
    lines = [f"- {item}" for item in items]
    return [f"## {title}", "", *lines, ""] if lines else []


def _finding(finding: Finding) -> str:
    return f"{_code(f'{finding.path}:{finding.line}')} {_cell(finding.message)}; {_cell(finding.mend)}"


def _code(text: str) -> str:
    """Text in a code span that file names from anywhere cannot leave."""
    shown = " ".join(text.split()).encode("utf-8", "backslashreplace").decode()
    fence = "``" if "`" in shown else "`"
    space = " " if "`" in shown else ""
    return f"{fence}{space}{shown}{space}{fence}"


def _cell(text: str) -> str:
    shown = " ".join(text.split()).encode("utf-8", "backslashreplace").decode()
    return shown.replace("|", "\\|").replace("<", "&lt;")
