"""PHASE6_LOC_SAVINGS.md: what was merged and saved, what was refused and what is left to people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from analyzers.consolidation import Consolidation
from hocmig.cluster_report import ended_names_section

if TYPE_CHECKING:
    from hocmig.phases.p6_consolidate import ConsolidatePhase

_PLANS = 40


def savings_text(phase: ConsolidatePhase, ended: Mapping[str, Sequence[str]]) -> str:
    """The report as Markdown; differing bodies as diffs.

    `ended` are the names by module that nobody can import afterwards (see `ended_names`).
    """
    saved = phase.lines_before - phase.lines_after
    estimated = sum(c.candidate.savings for c in phase.merged)
    lines = [
        "# Phase 6: lines saved",
        "",
        f"- Candidates carried out: {len(phase.merged)}",
        f"- Lines of the files that change: {phase.lines_before} before, {phase.lines_after} after",
        f"- Saved: {saved} lines (estimated: {estimated})",
        "",
        "| candidate | stays | goes | callers | why |",
        "|---|---|---|---|---|",
    ]
    for entry in phase.merged:
        number = entry.candidate.candidate_id
        goes = ", ".join(f"`{place}`" for place in entry.deleted)
        lines.append(
            f"| {number} | `{entry.canonical}` | {goes} | {phase.callers[number]} | {_cell(entry.reason)} |"
        )
    lines += ["", *ended_names_section(ended), "## Refused", ""]
    for entry in phase.refused:
        lines += _other(entry)
    if not phase.refused:
        lines += ["None.", ""]
    plans = [c for c in phase.others if c.action == "plan"]
    lines += ["## For people", ""]
    for entry in plans[:_PLANS]:
        lines += _other(entry)
    if len(plans) > _PLANS:
        lines += [f"And {len(plans) - _PLANS} more.", ""]
    if not plans:
        lines += ["None.", ""]
    return "\n".join(lines).rstrip() + "\n"


def _other(entry: Consolidation) -> list[str]:
    places = ", ".join(f"`{p}`" for p in entry.candidate.locations)
    lines = [f"- {entry.candidate.candidate_id}: {_cell(entry.reason)} ({places})", ""]
    for body in entry.bodies[:3]:
        lines += ["```diff", body, "```", ""]
    return lines


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
