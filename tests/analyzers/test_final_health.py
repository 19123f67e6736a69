"""The last word of a migration: when it is COMPLIANT, and when not."""

from __future__ import annotations

from typing import Any

import pytest

from analyzers.final_health import FinalHealth, final_health


def health(**changes: Any) -> FinalHealth:
    values: dict[str, Any] = {
        "domains": 3,
        "total_files": 10,
        "total_imports": 200,
        "detours": 0,
        "violations": 0,
        "breaking_imports": 0,
        "matrix_is_clean": True,
        "completed": ["P0"],
        "open_phases": [],
        "accepted": 0,
        "stale": 0,
        "clashes": 0,
        "tool_version": "1",
    }
    return final_health(**{**values, **changes})


def test_compliant_meets_the_exit_criteria_of_the_plan() -> None:
    good = health()
    assert good.is_compliant
    assert (good.violations, good.architecture_compliance, good.canonical_imports) == (0, 100, 200)


@pytest.mark.parametrize(
    ("changes", "overall", "compliance"),
    [
        ({"open_phases": ["P7"]}, "INCOMPLETE", 100),
        ({"violations": 1, "breaking_imports": 1}, "NON_COMPLIANT", 99),
        ({"violations": 1}, "NON_COMPLIANT", 99),
        ({"violations": 100, "breaking_imports": 100, "open_phases": ["P7"]}, "NON_COMPLIANT", 50),
        ({"total_imports": 0}, "COMPLIANT", 100),
    ],
)
def test_what_is_not_compliant(changes: dict[str, Any], overall: str, compliance: int) -> None:
    found = health(**changes)
    assert (found.overall, found.architecture_compliance) == (overall, compliance)
