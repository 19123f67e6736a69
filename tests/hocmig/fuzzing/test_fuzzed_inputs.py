"""Damaged and hostile inputs: 150 of them here, thousands in benchmarks/fuzz_inputs.py."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from hocmig.cli import run

KINDS = (
    "manifest", "workbook", "hocmig.yaml", "move map", "clusters", "export registry", "candidates",
    "lock registry", "guard rules", "domain lock", "archive", "ledger", "journal", "index cache",
    "configuration cache",
)  # fmt: skip
#: Not the first ones: the benchmark has run those.
FIRST_SEED = 100_000
EACH = 10


@pytest.mark.parametrize("kind", KINDS)
def test_damaged_inputs_are_answered_as_the_contract_says(
    trials: Any, harness: ModuleType, kind: str
) -> None:
    one = next(one for one in harness.INPUTS if one.name == kind)
    faults = {seed: trials.trial(one, seed).faults for seed in range(FIRST_SEED, FIRST_SEED + EACH)}
    assert {seed: found for seed, found in faults.items() if found} == {}


def test_all_kinds_are_tried(harness: ModuleType) -> None:
    assert {one.name for one in harness.INPUTS} == set(KINDS)


def test_a_variant_depends_on_its_seed_alone(mutation: ModuleType, trials: Any) -> None:
    for kind, name in (
        ("csv", "manifest"),
        ("yaml", "hocmig.yaml"),
        ("markdown", "workbook"),
        ("archive", "archive"),
    ):
        content = trials.contents[name]
        first, again, other = (mutation.Mutator(seed).variant(kind, content) for seed in (5, 5, 6))
        assert first == again != other


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        (["write outside"], "something outside the repository changed"),
        (["run code"], "code of the repository was executed"),
        (["crash"], "exit code 5: "),
        (["vanish"], "exit code -9: "),
        (["two lines"], "exit code 2 without one line that says why"),
    ],
)
def test_the_harness_sees_faults(
    trials: Any, monkeypatch: pytest.MonkeyPatch, arguments: list[str], fault: str
) -> None:
    """A harness that finds nothing proves nothing: misbehaviour that it must see."""

    def misbehave(given: list[str]) -> int:
        what = given[-1]
        if what == "write outside":
            Path("out/new.txt").write_text("x")
        elif what == "run code":
            exec(Path("app/__init__.py").read_text(), {})
        elif what == "vanish":
            os.kill(os.getpid(), signal.SIGKILL)
        elif what == "crash":
            monkeypatch.setattr("hocmig.cli.cli.main", lambda **_: 1 / 0)
            return run(["status"])
        print("error: one\nerror: two")
        return 2 if what == "two lines" else 0

    monkeypatch.setattr(trials, "run", misbehave)
    tree = trials._fresh("planned")
    faults = trials._watched(tree, arguments).faults
    for path in trials.outside.glob("new.txt"):
        path.unlink()
    assert any(one.startswith(fault) for one in faults), faults
