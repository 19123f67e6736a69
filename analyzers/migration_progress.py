"""How far a migration has come: artifacts that exist, rows by status, and the command that comes next."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import msgspec

from analyzers.migration_manifest import MANIFEST_NAME, MOVABLE, OPEN, ManifestRow, Status

#: phase -> (command, artifacts in the artifact folder). Source: migration plan, "Output" of each phase.
PHASES: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "P0": ("manifest", (MANIFEST_NAME, "MIGRATION_SUMMARY.md")),
    "P1": (
        "validate",
        ("PHASE1_VALIDATION_REPORT.md", "PHASE1_IMPORT_GRAPH.json", "PHASE1_CALLER_MAP.csv"),
    ),
    "P2": ("move", ("PHASE2_EXECUTION_LOG.csv",)),
    "P3": ("lock", ("DOMAIN_LOCK_REGISTRY.json", "DOMAIN_CI_GUARDS.yaml")),
    "P4": ("verify", ("PHASE4_VALIDATION_REPORT.md", "PHASE4_HEALTH_SCORE.json")),
    "P5": (
        "duplicates",
        (
            "PHASE5_DUPLICATE_REPORT.csv",
            "PHASE5_DUPLICATE_SUMMARY.md",
            "PHASE5_CONSOLIDATION_CANDIDATES.csv",
        ),
    ),
    "P6": ("consolidate", ("PHASE6_CONSOLIDATION_LOG.csv", "PHASE6_LOC_SAVINGS.md")),
    "P7": ("refactor", ("PHASE7_REFACTOR_PLAN.md", "PHASE7_REFACTOR_LOG.csv")),
    "P8": (
        "normalize",
        (
            "EXPORT_REGISTRY.yaml",
            "PHASE8_IMPORT_LOG.csv",
            "PHASE8_DEPENDENCY_MATRIX.csv",
            "PHASE8_ARCHITECTURE_REPORT.md",
            "PHASE8_FINAL_HEALTH.json",
        ),
    ),
}


class PhaseProgress(msgspec.Struct, frozen=True):
    """One phase: its command, and which of its artifacts are there and which are not."""

    phase: str
    command: str
    present: tuple[str, ...]
    missing: tuple[str, ...]

    @property
    def state(self) -> str:
        """`done` when all artifacts are there, `partial`, or `open`."""
        if not self.present:
            return "open"
        return "partial" if self.missing else "done"


def phase_progress(existing: Collection[str]) -> tuple[PhaseProgress, ...]:
    """The progress of all phases, in their order; `existing` are the names in the artifact folder."""
    return tuple(
        PhaseProgress(
            phase,
            command,
            tuple(name for name in names if name in existing),
            tuple(name for name in names if name not in existing),
        )
        for phase, (command, names) in PHASES.items()
    )


def next_step(
    rows: Sequence[ManifestRow] | None, phases: Sequence[PhaseProgress], available: Collection[str]
) -> tuple[str, str]:
    """The next command line and why; both empty when nothing is left to do.

    Args:
        rows: the manifest, None when there is none.
        available: the commands that this version has.
    """
    if rows is None:
        return "hocmig manifest", "there is no manifest yet"
    waiting = [row for row in rows if row.status in OPEN]
    if waiting:
        first = waiting[0]
        plural = "row waits" if len(waiting) == 1 else "rows wait"
        action = "keep-target" if first.status is Status.IDENTICAL else "ACTION"
        return (
            f"hocmig resolve {first.migration_id} {action} --reason …",
            f"{len(waiting)} {plural} for a decision",
        )
    done = {phase.command for phase in phases if phase.state == "done"}
    to_do = [row for row in rows if row.status in MOVABLE]
    to_do += [row for row in rows if row.status is Status.DELETE_DUPLICATE and "move" not in done]
    if to_do and "validate" not in done:
        return "hocmig validate", "the plan is not validated yet"
    if to_do:
        return "hocmig move", f"{len(to_do)} rows are to be carried out (a dry run; then with --execute)"
    for phase in phases[3:]:
        if phase.command not in done and phase.command in available:
            return f"hocmig {phase.command}", f"{phase.phase} is {phase.state}"
    return "", ""
