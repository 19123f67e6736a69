"""P1's artifacts for people and machines, rendered from one validation: report, import graph, caller map."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

from analyzers.import_cycles import Cycle
from analyzers.import_graph import EdgeKind, ImportGraph
from analyzers.move_validation import MoveValidation
from hocmig import __version__

REPORT_NAME = "PHASE1_VALIDATION_REPORT.md"
GRAPH_NAME = "PHASE1_IMPORT_GRAPH.json"
CALLERS_NAME = "PHASE1_CALLER_MAP.csv"

#: The first four are the plan's. Source: migration plan, phase 1, "Caller Map Schema".
CALLER_COLUMNS = (
    "migrating_file",
    "caller_file",
    "import_statement",
    "update_required",
    "line",
    "kind",
    "via",
)

#: Lists in the report are cut here; the JSON and CSV artifacts are complete.
_LONGEST_LIST = 200


def caller_rows(validation: MoveValidation) -> list[tuple[object, ...]]:
    """The rows of the caller map, in order."""
    return [
        (
            c.migrating_file,
            c.caller_file,
            c.import_statement,
            "YES" if c.update_required else "NO",
            c.line,
            c.kind.value,
            c.via,
        )
        for c in validation.callers
    ]


def graph_document(validation: MoveValidation) -> dict[str, Any]:
    """The import graph of the tree before the move, with the cycles of the tree after it."""
    graph = validation.graph
    moves = dict(validation.moves)
    nodes = [
        {"path": path, "module": graph.module_of(path), "moves_to": moves.get(path, "")}
        for path in graph.index.files
    ]
    return {
        "schema_version": 1,
        "tool_version": __version__,
        "inputs_sha256": inputs_hash(graph),
        "nodes": nodes,
        "edges": graph.edges,
        "unresolved": graph.unresolved,
        "cycles": {"existing": validation.cycles.existing, "new": validation.cycles.new},
    }


def inputs_hash(graph: ImportGraph) -> str:
    """The SHA-256 over `path NUL sha256 NEWLINE` of all Python files, sorted by path."""
    digest = hashlib.sha256()
    for path, record in graph.index.files.items():
        digest.update(f"{path}\0{record.sha256}\n".encode())
    return digest.hexdigest()


def render_report(validation: MoveValidation) -> str:
    """The report as Markdown; depends on nothing but its argument."""
    changing = [c for c in validation.callers if c.update_required]
    errors = [f for f in validation.findings if f.severity == "error"]
    others = [f for f in validation.findings if f.severity != "error" and f.code != "CYCLE003"]
    files = {c.caller_file for c in changing}
    parts = [
        "# Phase 1: validation report",
        "",
        f"**Status:** {validation.status}",
        f"**Moves:** {len(validation.moves)}",
        f"**Import statements to update:** {len(changing)} in {len(files)} files",
        "",
        *_table(
            "Checks",
            ("Check", "Result", "Found"),
            [(c.name, "PASS" if c.passed else "**FAIL**", c.detail) for c in validation.checks],
        ),
        *_table("What blocks", _FINDING_COLUMNS, [_finding(f) for f in errors]),
        *_cycles("New import cycles", validation.cycles.new),
        *_cycles("Existing import cycles", validation.cycles.existing),
        *_table("Notes", _FINDING_COLUMNS, [_finding(f) for f in others]),
        *_table("Packages that will be made", ("Path",), [(_code(p),) for p in validation.new_packages]),
        *_table(
            "Imports that lead nowhere already now",
            ("Place", "Import", "Why"),
            [
                (_code(f"{u.importer}:{u.line}"), _code(f"{u.module}:{u.name}".rstrip(":")), _text(u.reason))
                for u in validation.broken_before
            ],
        ),
        *_table("Moves and their callers", ("File", "Target", "Statements", "To update"), _moves(validation)),
    ]
    return "\n".join(parts).rstrip("\n") + "\n"


_FINDING_COLUMNS = ("Code", "Place", "What", "How to mend it")


def _finding(finding: Any) -> tuple[str, ...]:
    place = f"{finding.path}:{finding.line}" if finding.line else finding.path
    return (finding.code, _code(place), _text(finding.message), _text(finding.mend))


def _moves(validation: MoveValidation) -> list[tuple[str, ...]]:
    counts: dict[str, list[int]] = {}
    for caller in validation.callers:
        row = counts.setdefault(caller.migrating_file, [0, 0])
        row[0] += 1
        row[1] += caller.update_required
    return [
        (_code(old), _code(new), *(str(number) for number in counts.get(old, [0, 0])))
        for old, new in validation.moves
    ]


def _cycles(title: str, cycles: Sequence[Cycle]) -> list[str]:
    rows = []
    for cycle in cycles:
        chain = "<br>".join(_code(str(step)) for step in cycle.chain)
        kind = cycle.kind.value
        if cycle.kind is not EdgeKind.IMPORT_TIME:
            kind += " (never blocks)"
        if cycle.fails:
            kind += f", the import fails: {cycle.fails}"
        rows.append((kind, str(len(cycle.members)), chain, _code(str(cycle.cut))))
    return _table(title, ("Kind", "Files", "Shortest chain", "Line to cut"), rows)


def _table(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    rows = list(rows)
    if not rows:
        return []
    shown = [f"| {' | '.join(row)} |" for row in rows[:_LONGEST_LIST]]
    if len(rows) > _LONGEST_LIST:
        shown += ["", f"… and {len(rows) - _LONGEST_LIST} more."]
    head = [f"| {' | '.join(columns)} |", f"|{'|'.join('---' for _ in columns)}|"]
    return [f"## {title}", "", *head, *shown, ""]


def _text(text: str) -> str:
    """Text from elsewhere as one cell, without markup of its own."""
    for character, escaped in (("\\", "\\\\"), ("|", "\\|"), ("<", "&lt;"), ("[", "\\["), ("!", "\\!")):
        text = text.replace(character, escaped)
    return " ".join(text.split())


def _code(text: str) -> str:
    """Text as a code span in a cell; the fence is longer than any run of backticks inside."""
    text = " ".join(text.split()).replace("|", "\\|")
    runs = "".join(c if c == "`" else " " for c in text).split()
    fence = "`" * (max((len(run) for run in runs), default=0) + 1)
    return f"{fence} {text} {fence}" if runs else f"`{text}`"
