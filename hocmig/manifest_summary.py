"""MIGRATION_SUMMARY.md: the manifest for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from analyzers.audit_decision import DecisionKind
from analyzers.audit_workbook import Workbook
from analyzers.manifest_gates import Gate
from analyzers.migration_manifest import FINDING_SEPARATOR, OPEN, ManifestRow, Status
from analyzers.model import Finding

SUMMARY_NAME = "MIGRATION_SUMMARY.md"

#: What a person has to know about each status.
_MEANING = {
    Status.PENDING: "will be moved",
    Status.CONFLICT: "another file stands at the target: `hocmig resolve`",
    Status.IDENTICAL: "the same file stands at the target: `hocmig resolve ID keep-target`",
    Status.UNRESOLVED: "the file or its target is not clear: `hocmig resolve`",
    Status.DELETE_DUPLICATE: "callers are repointed to the target, the source is deleted",
    Status.SKIPPED: "stays, by decision",
    Status.MOVED: "done",
    Status.FAILED: "failed, the tree is as before; will be tried again",
    Status.ROLLED_BACK: "was moved and put back; will be moved again",
}


def render_summary(
    workbook: Workbook, rows: Sequence[ManifestRow], gates: Sequence[Gate], findings: Sequence[Finding]
) -> str:
    """The summary as Markdown; depends on nothing but its arguments."""
    ready = all(gate.passed for gate in gates)
    parts = [
        "# Migration summary",
        "",
        f"**Workbook:** {_code(workbook.name)}, {len(workbook.records)} records, "
        f"{len(workbook.misplaced)} of them misplaced",
        f"**Manifest:** {len(rows)} rows",
        f"**Status:** {'READY_FOR_VALIDATION' if ready else 'NOT_READY'}",
        "",
        *_table("Gates", ("Gate", "Result", "Found"), [_gate(gate) for gate in gates]),
        *_table("Rows by status", ("Status", "Rows", "Meaning"), _statuses(rows)),
        *_table("Rows by target domain", ("Target domain", "Rows", "From"), _targets(rows)),
        *_table(
            "Waiting for a decision",
            ("Id", "Status", "File", "Why"),
            [_open(r) for r in rows if r.status in OPEN],
        ),
        *_table(
            "Decided",
            ("Id", "Resolution", "File", "Target", "Reason"),
            [_decided(r) for r in rows if r.resolution],
        ),
        *_table("Records that are not migrated", ("Decision", "Records"), _others(workbook)),
        *_table("Wishes to delete (never carried out)", ("Line", "File", "Reason"), _wishes(workbook)),
        *_table(
            "Findings", ("Code", "Severity", "Place", "What"), [_finding(finding) for finding in findings]
        ),
    ]
    return "\n".join(parts).rstrip("\n") + "\n"


def _gate(gate: Gate) -> tuple[str, ...]:
    return (gate.name, "PASS" if gate.passed else "**FAIL**", _text(gate.detail))


def _statuses(rows: Sequence[ManifestRow]) -> list[tuple[str, ...]]:
    counts = Counter(row.status for row in rows)
    return [(status.value, str(counts[status]), _MEANING[status]) for status in Status if counts[status]]


def _targets(rows: Sequence[ManifestRow]) -> list[tuple[str, ...]]:
    table: list[tuple[str, ...]] = []
    for target in sorted({row.target_domain for row in rows}):
        sources = Counter(row.current_domain for row in rows if row.target_domain == target)
        origin = ", ".join(f"{name} {count}" for name, count in sorted(sources.items()))
        table.append((_text(target), str(sum(sources.values())), _text(origin)))
    return table


def _open(row: ManifestRow) -> tuple[str, ...]:
    why = "<br>".join(_text(part) for part in row.findings.split(FINDING_SEPARATOR))
    return (row.migration_id, row.status.value, _code(row.current_path), why)


def _decided(row: ManifestRow) -> tuple[str, ...]:
    return (
        row.migration_id,
        row.resolution,
        _code(row.current_path),
        _code(row.target_path),
        _text(row.resolution_reason),
    )


def _others(workbook: Workbook) -> list[tuple[str, ...]]:
    counts = Counter(
        "not reviewed" if record.mark == " " else record.decision.kind.value
        for record in workbook.records
        if not record.is_misplaced
    )
    return [(kind, str(count)) for kind, count in sorted(counts.items())]


def _wishes(workbook: Workbook) -> list[tuple[str, ...]]:
    return [
        (str(record.line), _code(record.path), _text(record.reason))
        for record in workbook.records
        if record.decision.kind is DecisionKind.DELETE
    ]


def _finding(finding: Finding) -> tuple[str, ...]:
    place = f"{finding.path}:{finding.line}" if finding.line else finding.path
    return (finding.code, finding.severity, _code(place), _text(finding.message))


def _table(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    rows = list(rows)
    if not rows:
        return []
    return [
        f"## {title}",
        "",
        f"| {' | '.join(columns)} |",
        f"|{'|'.join('---' for _ in columns)}|",
        *(f"| {' | '.join(row)} |" for row in rows),
        "",
    ]


def _text(text: str) -> str:
    """Text from elsewhere as one cell: no markup of its own except code spans."""
    for character, escaped in (("\\", "\\\\"), ("|", "\\|"), ("<", "&lt;"), ("[", "\\["), ("!", "\\!")):
        text = text.replace(character, escaped)
    return " ".join(text.split())


def _code(text: str) -> str:
    """Text as a code span in a cell; the fence is longer than any run of backticks inside."""
    text = " ".join(text.split()).replace("|", "\\|")
    if "`" not in text:
        return f"`{text}`"
    fence = "`" * (max(len(run) for run in "".join(c if c == "`" else " " for c in text).split()) + 1)
    return f"{fence} {text} {fence}"
