"""The last word of a migration: the tree after P8 in numbers, and what is still open.

`architecture_compliance` is the share of imports of the domains that break no rule, in percent, rounded down,
so that 100 means that there is no violation. An import is one statement and one file of the repository that
it names; it is canonical unless a name of the shared domain comes by a detour.

`overall` is COMPLIANT without violations and with all phases done, NON_COMPLIANT with violations, else
INCOMPLETE. Source: migration plan, phase 8, "Final Health Report" and "Exit Criteria".
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

FINAL_HEALTH_NAME = "PHASE8_FINAL_HEALTH.json"


class FinalHealth(msgspec.Struct, frozen=True, kw_only=True):
    """What PHASE8_FINAL_HEALTH.json holds: the plan's keys first, ours after them."""

    overall: str
    domains: int
    total_files: int
    total_imports: int
    canonical_imports: int
    violations: int
    dependency_matrix: str
    architecture_compliance: int
    phases_completed: tuple[str, ...]
    phases_open: tuple[str, ...] = ()
    accepted_violations: int = 0
    stale_baseline_entries: int = 0
    name_clashes: int = 0
    tool_version: str = ""

    @property
    def is_compliant(self) -> bool:
        """Whether the plan's exit criteria are met."""
        return self.overall == "COMPLIANT"


def final_health(
    *,
    domains: int,
    total_files: int,
    total_imports: int,
    detours: int,
    violations: int,
    breaking_imports: int,
    matrix_is_clean: bool,
    completed: Sequence[str],
    open_phases: Sequence[str],
    accepted: int,
    stale: int,
    clashes: int,
    tool_version: str,
) -> FinalHealth:
    """The health of a tree from its counts.

    Args:
        detours: imports that are not canonical.
        breaking_imports: imports of the domains that a violation which is not accepted begins with.
    """
    if violations:
        overall = "NON_COMPLIANT"
    else:
        overall = "INCOMPLETE" if open_phases else "COMPLIANT"
    good = max(0, total_imports - breaking_imports)
    share = 100 * good // total_imports if total_imports else 100
    return FinalHealth(
        overall=overall,
        domains=domains,
        total_files=total_files,
        total_imports=total_imports,
        canonical_imports=total_imports - detours,
        violations=violations,
        dependency_matrix="CLEAN" if matrix_is_clean else "VIOLATIONS",
        # Violations that are no imports (ARCH-004) must not leave 100 either.
        architecture_compliance=min(share, 99) if violations else share,
        phases_completed=tuple(completed),
        phases_open=tuple(open_phases),
        accepted_violations=accepted,
        stale_baseline_entries=stale,
        name_clashes=clashes,
        tool_version=tool_version,
    )
