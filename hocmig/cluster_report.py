"""PHASE7_REFACTOR_PLAN.md: what moves where and why, who uses whom, what was found; a rendering of data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from analyzers.cluster_moves import ClusterMoves
from analyzers.model import Finding

if TYPE_CHECKING:
    from hocmig.phases.p7_refactor import ClusterResult


def refactor_plan_text(
    clusters: Sequence[ClusterMoves],
    results: Sequence[ClusterResult],
    findings: Iterable[Finding],
    domain_root: str,
    ended: Mapping[str, Sequence[str]],
) -> str:
    """The plan as Markdown, in the order of the clusters; paths relative to the domain root.

    `ended` are the names by module that nobody can import afterwards (see `ended_names`).
    """
    lines = ["# Phase 7: refactor plan", ""]
    lines += [
        "Written before anything moves. Current files end unless they are targets; definitions go as listed.",
        "",
    ]
    by_name = {r.name: r for r in results}
    for moves in clusters:
        lines += _cluster(moves, by_name.get(moves.cluster.name), domain_root)
    lines += ended_names_section(ended)
    lines += ["## Findings", ""]
    shown = list(findings)
    lines += [f"- {f.severity}: {_cell(str(f))}" for f in shown] or ["None."]
    return "\n".join(lines) + "\n"


def ended_names_section(ended: Mapping[str, Sequence[str]]) -> list[str]:
    """The section of a report that lists names which can no longer be imported, by module."""
    lines = ["## Names that can no longer be imported", ""]
    if not ended:
        return [*lines, "None.", ""]
    lines += ["All are imports that nothing in this repository takes from there.", ""]
    lines += [f"- `{module}`: {', '.join(f'`{name}`' for name in names)}" for module, names in ended.items()]
    return [*lines, ""]


def _cluster(moves: ClusterMoves, result: ClusterResult | None, root: str) -> list[str]:
    cluster = moves.cluster
    lines = [f"## {cluster.name}", ""]
    if cluster.description:
        lines += [cluster.description, ""]
    if result is not None:
        lines += [
            f"- Files: {result.original_files} become {result.new_files}",
            f"- Definitions that move: {result.functions_moved}",
            f"- Callers to update: {result.callers_updated}",
            f"- Lines: {result.loc_before} before, {result.loc_after} after",
            "",
        ]
    lines += ["| definition | from | to | lines | why |", "|---|---|---|---|---|"]
    for entry in moves.assignments:
        to = f"{entry.target}:{entry.new_symbol}" if entry.new_symbol != entry.symbol else entry.target
        lines.append(
            f"| {_cell(entry.symbol)} | {entry.source} | {to} | {entry.lines} | {_cell(entry.reason)} |"
        )
    lines += ["", "### Files that end", ""]
    paths = dict(zip((p for p in moves.sources), (_short(p, root) for p in moves.sources), strict=True))
    ended = [s for p, s in paths.items() if p not in moves.targets]
    lines += [f"- {path}" for path in ended] or ["None."]
    lines += ["", "### Who uses whom inside the cluster", ""]
    uses = [f"- {_leaf(user)} uses {_leaf(used)}" for user, used in moves.uses if user.split(":")[1]]
    lines += uses or ["Nobody."]
    return [*lines, ""]


def _leaf(place: str) -> str:
    module, _, symbol = place.partition(":")
    return f"`{module.rpartition('.')[2]}:{symbol}`"


def _short(path: str, root: str) -> str:
    return path.removeprefix(root + "/") if root else path


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
