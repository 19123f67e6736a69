"""The health score of P4: six checks, one number, one word.

Each check that passed counts 100, each that failed 50 times the share of what was good in it, rounded down,
and each that did not run 0. The score is the mean of the six, rounded down. So it is at least HEALTHY_SCORE
exactly when all six checks ran and passed: a single failure costs at least 50 / 6 points.

Source: migration plan, phase 4, "Health Score Schema"; the keys of the plan come first in every check.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Any

import msgspec

HEALTH_NAME = "PHASE4_HEALTH_SCORE.json"
HEALTHY_SCORE = 95

#: The names of the checks, V1 to V6.
CHECKS = (
    "import_resolution",
    "blca_validation",
    "test_suite",
    "circular_imports",
    "domain_integrity",
    "hash_verification",
)


class CheckStatus(str, enum.Enum):
    PASS = "PASS"
    FAIL = "FAIL"
    NOT_RUN = "NOT_RUN"


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome of one check.

    `good` of `total` things were right (for the score of a failed check); `numbers` are the plan's counts and
    ours; `details` are sentences for the report, `reason` says why a check did not run or what it rests on.
    """

    name: str
    status: CheckStatus
    good: int = 0
    total: int = 0
    numbers: dict[str, int] = {}
    details: tuple[str, ...] = ()
    reason: str = ""

    @property
    def score(self) -> int:
        """Points of 100; see the module's text."""
        if self.status is CheckStatus.PASS:
            return 100
        if self.status is CheckStatus.NOT_RUN or self.total <= 0:
            return 0
        return 50 * max(0, min(self.good, self.total)) // self.total


class HealthScore(msgspec.Struct, frozen=True, kw_only=True):
    """What PHASE4_HEALTH_SCORE.json holds; `tree` is the hash of all Python files that were looked at."""

    overall: str
    score: int
    checks: dict[str, dict[str, Any]]
    tool_version: str = ""
    tree: str = ""

    @property
    def is_healthy(self) -> bool:
        """Whether P5 may start: HEALTHY, the score, and no layer violation or test failure."""
        return (
            self.overall == "HEALTHY"
            and self.score >= HEALTHY_SCORE
            and all(self.checks.get(name, {}).get("status") == "PASS" for name in CHECKS)
            and self.checks["blca_validation"].get("violations") == 0
            and self.checks["test_suite"].get("failed") == 0
        )


def health_score(checks: Mapping[str, Check], *, tool_version: str, tree: str) -> HealthScore:
    """The score of six checks by their names.

    `overall` is HEALTHY when all passed, UNHEALTHY when one failed, else INCOMPLETE.
    """
    ordered = [checks[name] for name in CHECKS]
    statuses = {check.status for check in ordered}
    overall = "HEALTHY"
    if CheckStatus.FAIL in statuses:
        overall = "UNHEALTHY"
    elif CheckStatus.NOT_RUN in statuses:
        overall = "INCOMPLETE"
    return HealthScore(
        overall=overall,
        score=sum(check.score for check in ordered) // len(ordered),
        checks={check.name: _document(check) for check in ordered},
        tool_version=tool_version,
        tree=tree,
    )


def _document(check: Check) -> dict[str, Any]:
    first: dict[str, Any] = {"status": check.status.value}
    if check.name == "import_resolution":
        first["score"] = check.score
    document = {**first, **check.numbers}
    document.setdefault("score", check.score)
    if check.reason:
        document["reason"] = check.reason
    return document
