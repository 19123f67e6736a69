"""P6, P7 and P8 on a locked tree: the locks follow in the same transaction, a rollback takes them back."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hocmig.cli import run

Guard = Callable[..., list[dict[str, Any]]]
APP = "src/app"
MAPS = f"{APP}/_domain_map"
REGISTRY = f"{MAPS}/DOMAIN_LOCK_REGISTRY.json"
COPY = f"{APP}/logs/L5_engines/logs_plan.py"
KEPT = f"{APP}/general/L5_engines/general_plan.py"
CANDIDATES = (
    "candidate_id,duplicate_ids,canonical_location,delete_locations,estimated_savings_loc\n"
    f"C001,D001,{KEPT},{COPY},15\n"
)
CLUSTERS = """\
clusters:
  plans:
    domain: billing
    current_files: [L5_engines/billing_plan.py, L5_engines/billing_price.py]
    target_domain: general
    target_structure:
      L5_engines/rating.py: [billing_plan, billing_price]
"""


def hocmig(root: Path, *arguments: str) -> int:
    return run(["--root", str(root), "--no-progress", "--quiet", *arguments])


def locks(root: Path) -> dict[str, bytes]:
    names = ("DOMAIN_LOCK_FINAL.md", "DOMAIN_LOCK_REGISTRY.json", "DOMAIN_CI_GUARDS.yaml")
    return {p.relative_to(root).as_posix(): p.read_bytes() for n in names for p in sorted(root.rglob(n))}


def locked_paths(root: Path) -> set[str]:
    registry = json.loads((root / REGISTRY).read_text())
    return {f"{APP}/{d}/{path}" for d, lock in registry["locks"].items() for path in lock["inventory"]}


def prepare_p6(root: Path) -> None:
    (root / COPY).write_bytes((root / KEPT).read_bytes())
    (root / f"{APP}/logs/L6_drivers/logs_store.py").write_text(
        "from app.logs.L5_engines.logs_plan import general_plan_first\n\nFOUND = general_plan_first(1)\n"
    )
    (root / MAPS).mkdir(exist_ok=True)
    (root / MAPS / "PHASE5_CONSOLIDATION_CANDIDATES.csv").write_text(CANDIDATES)


def prepare_p7(root: Path) -> None:
    (root / f"{APP}/billing/L6_drivers/billing_store.py").write_text(
        "from app.billing.L5_engines.billing_plan import billing_plan_first as first\n\nFOUND = first(1)\n"
    )
    (root / MAPS).mkdir(exist_ok=True)
    (root / MAPS / "CLUSTER_DEFINITIONS.yaml").write_text(CLUSTERS)


def prepare_p8(root: Path) -> None:
    (root / f"{APP}/general/__init__.py").write_text(
        "from .L5_engines.general_plan import general_plan_first\n"
    )
    (root / f"{APP}/logs/L6_drivers/logs_store.py").write_text(
        "from app.general import general_plan_first\n\nFOUND = general_plan_first(1)\n"
    )


PHASES: dict[str, tuple[Callable[[Path], None], tuple[str, ...], tuple[str, ...], set[str], set[str]]] = {
    "P6": (
        prepare_p6,
        ("consolidate", "--execute", "--all"),
        ("consolidate", "--rollback"),
        {COPY},
        set(),
    ),
    "P7": (
        prepare_p7,
        ("refactor", "--execute"),
        ("refactor", "--rollback"),
        {f"{APP}/billing/L5_engines/billing_plan.py", f"{APP}/billing/L5_engines/billing_price.py"},
        {f"{APP}/general/L5_engines/rating.py"},
    ),
    "P8": (prepare_p8, ("normalize", "--execute"), ("normalize", "--revert"), set(), set()),
}


@pytest.mark.parametrize("phase", PHASES)
def test_the_locks_follow_and_come_back(phase: str, project: Path, guard: Guard) -> None:
    prepare, execute, undo, gone, new = PHASES[phase]
    prepare(project)
    assert hocmig(project, "lock") == 0
    before, paths = locks(project), locked_paths(project)
    # P8 is done, and says with 1 that the other phases are not.
    assert hocmig(project, *execute) == (1 if phase == "P8" else 0)
    assert guard(project) == []
    assert locks(project) != before
    assert locked_paths(project) == (paths - gone) | new
    after = locks(project)
    assert hocmig(project, "lock") == 0
    assert locks(project) == after, "the lock says what `hocmig lock` would say"
    assert hocmig(project, *undo) == 0
    assert locks(project) == before
    assert guard(project) == []


@pytest.mark.parametrize("phase", PHASES)
def test_a_tree_without_locks_gets_none(phase: str, project: Path) -> None:
    prepare, execute, _, _, _ = PHASES[phase]
    prepare(project)
    assert hocmig(project, *execute) == (1 if phase == "P8" else 0)
    assert locks(project) == {}


def test_drift_that_nobody_approved_stays_visible(project: Path, guard: Guard) -> None:
    prepare_p6(project)
    assert hocmig(project, "lock") == 0
    deleted = f"{APP}/billing/L6_drivers/billing_reader.py"
    old, new = f"{APP}/logs/L6_drivers/logs_reader.py", f"{APP}/logs/L5_engines/logs_lecteur.py"
    (project / deleted).unlink()
    (project / old).rename(project / new)
    found = guard(project)
    assert {(f["code"], f["path"]) for f in found} == {("GUARD002", deleted), ("GUARD003", old)}
    assert hocmig(project, "consolidate", "--execute", "--all") == 0
    assert COPY not in locked_paths(project)
    assert guard(project) == found


def test_what_the_ledger_recorded_before_is_locked_and_survives_a_rollback(
    project: Path, guard: Guard
) -> None:
    prepare_p6(project)
    assert hocmig(project, "lock") == 0
    old, new = f"{APP}/billing/L6_drivers/billing_store.py", f"{APP}/general/L6_drivers/vault.py"
    assert hocmig(project, "mv", old, new, "--execute") == 0
    assert guard(project) == []
    assert hocmig(project, "consolidate", "--execute", "--all") == 0
    assert guard(project) == []
    assert new in locked_paths(project)
    assert old not in locked_paths(project)
    assert hocmig(project, "consolidate", "--rollback") == 0
    assert old in locked_paths(project)
    assert guard(project) == [], "the lock is the old one again, and mv is still recorded"


def test_a_domain_that_ends_loses_its_lock(project: Path, guard: Guard) -> None:
    folder = project / APP / "legacy"
    folder.mkdir()
    (folder / "plan.py").write_bytes((project / KEPT).read_bytes())
    (project / MAPS).mkdir(exist_ok=True)
    (project / MAPS / "PHASE5_CONSOLIDATION_CANDIDATES.csv").write_text(
        CANDIDATES.replace(COPY, f"{APP}/legacy/plan.py")
    )
    assert hocmig(project, "lock") == 0
    lock = folder / "DOMAIN_LOCK_FINAL.md"
    assert lock.is_file()
    assert hocmig(project, "consolidate", "--execute", "--all") == 0
    assert not lock.exists()
    assert guard(project) == []


def test_a_registry_that_cannot_be_read_refuses_before_anything_changes(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    prepare_p7(project)
    assert hocmig(project, "lock") == 0
    (project / REGISTRY).write_text("{}")
    before = {p: p.read_bytes() for p in project.rglob("*.py")}
    assert hocmig(project, "refactor", "--execute") == 2
    assert capsys.readouterr().err.startswith(f"error: {REGISTRY}: is no lock registry")
    assert {p: p.read_bytes() for p in project.rglob("*.py")} == before
