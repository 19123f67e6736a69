"""Kills and failing calls at every place: afterwards the tree is wholly old or wholly new.

By default every thirteenth place is tried; HOCMIG_FAULTS=full tries every one (see docs/reliability.md).
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from hocmig.transaction.ledger import read_ledger
from hocmig.transaction.recovery import pending

FULL = os.environ.get("HOCMIG_FAULTS") == "full"
STRIDE = 1 if FULL else 13
RANDOM_KILLS = 300 if FULL else 20
KILLED = -9
RESTING = {".gitignore", "lock", "lock-ledger", "ledger.jsonl"}


class Bench:
    """Fresh trees of the scenario, and what they look like before and after."""

    def __init__(self, scenario: ModuleType, folder: Path) -> None:
        self.scenario = scenario
        self._folder = folder
        self.old = scenario.snapshot(self.fresh())
        done = self.fresh()
        self.calls = scenario.count_calls(scenario.migrate, done)
        self.new = scenario.snapshot(done)
        assert self.old != self.new

    def fresh(self) -> Path:
        root = self._folder / "tree"
        if root.exists():
            shutil.rmtree(root)
        root.mkdir()
        self.scenario.build(root, self.scenario.old_files())
        return root

    def end(self, root: Path, resume: bool) -> None:
        """Recover, and demand the tree, the ledger and the state folder that belong to the direction."""
        was_pending = pending(root) is not None if (root / ".hocmig").is_dir() else False
        action = self.scenario.resumed if resume else self.scenario.rolled_back
        assert self.scenario.in_child(action, root) == 0
        self.settled(root, resume if was_pending else None)

    def settled(self, root: Path, is_new: bool | None) -> None:
        """Demand a tree that is wholly old or new (None: either) and a ledger that agrees."""
        tree = self.scenario.snapshot(root)
        if is_new is None:
            is_new = tree == self.new
        assert tree == (self.new if is_new else self.old)
        standing = read_ledger(root).standing()
        assert len(standing) == int(is_new)
        if (root / ".hocmig").is_dir():
            # An unbegun stage may lie there until the next run.
            assert pending(root) is None


@pytest.fixture(scope="module")
def bench(scenario: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOURCE_DATE_EPOCH", "1769508000")
        # The full run is on the disk; else memory, because hundreds of trees are synced.
        memory = Path("/dev/shm")
        if FULL or not os.access(memory, os.W_OK):
            yield Bench(scenario, tmp_path_factory.mktemp("faults"))
        else:
            with tempfile.TemporaryDirectory(dir=memory) as folder:
                yield Bench(scenario, Path(folder))


def test_the_scenario_has_one_of_everything(bench: Bench) -> None:
    names = {call for call, _ in bench.calls}
    assert names >= {
        "create",
        "write",
        "link",
        "rename",
        "unlink",
        "mkdir",
        "rmdir",
        "fsync",
        "fsyncdir",
        "chmod",
    }
    kinds = {entry.kind for entry in read_ledger(bench._folder / "tree").entries[0].files}
    assert kinds == {"move", "edit", "create", "delete"}
    assert "pkg/a" in bench.old
    assert "pkg/a" not in bench.new
    assert bench.scenario.state_names(bench._folder / "tree") == RESTING


@pytest.mark.parametrize("resume", [True, False])
def test_killed_before_any_call_recovers(bench: Bench, resume: bool) -> None:
    for number in range(1, len(bench.calls) + 1, STRIDE):
        root = bench.fresh()
        assert bench.scenario.in_child(bench.scenario.migrate, root, f"kill:{number}") == KILLED
        if pending(root) is not None:
            assert bench.scenario.in_child(bench.scenario.migrate, root) == 3
        bench.end(root, resume)
    # Idempotent: there is nothing left to do, in either direction.
    state = bench.scenario.snapshot(root)
    assert bench.scenario.in_child(bench.scenario.rolled_back, root) == 0
    assert bench.scenario.in_child(bench.scenario.resumed, root) == 0
    assert bench.scenario.snapshot(root) == state


@pytest.mark.parametrize(("first", "then"), [(True, True), (True, False), (False, True), (False, False)])
def test_killed_recovery_can_be_recovered_either_way(bench: Bench, first: bool, then: bool) -> None:
    scenario = bench.scenario
    journal = next(
        n for n, (call, path) in enumerate(bench.calls) if path.endswith("journal") and call == "rename"
    )
    action = scenario.resumed if first else scenario.rolled_back
    for number in range(journal + 2, len(bench.calls) + 1, STRIDE * 6):
        root = bench.fresh()
        assert scenario.in_child(scenario.migrate, root, f"kill:{number}") == KILLED
        if pending(root) is None:
            continue
        place = 1
        while scenario.in_child(action, root, f"kill:{place}") == KILLED and pending(root) is not None:
            place += STRIDE * 5
        if pending(root) is None:
            bench.settled(root, first)
        else:
            bench.end(root, then)


def test_killed_at_random_moments_recovers(bench: Bench) -> None:
    scenario = bench.scenario
    root = bench.fresh()
    start = time.monotonic()
    assert scenario.in_child(scenario.migrate, root) == 0
    span = (time.monotonic() - start) * 1.1
    rng = random.Random(4)
    for _ in range(RANDOM_KILLS):
        root = bench.fresh()
        assert scenario.in_child(scenario.migrate, root, kill_after=rng.uniform(0, span)) in (KILLED, 0)
        bench.end(root, rng.random() < 0.5)


@pytest.mark.parametrize("code", ["ENOSPC", "EACCES", "EIO"])
def test_one_failing_call_leaves_the_old_tree_or_the_new_one(bench: Bench, code: str) -> None:
    seen = set()
    for number in range(1, len(bench.calls) + 1, STRIDE):
        root = bench.fresh()
        result = bench.scenario.in_child(bench.scenario.migrate, root, f"error:{number}:{code}")
        seen.add(result)
        assert result in (0, 2, 4), bench.calls[number - 1]
        if result == 0 and pending(root) is not None:
            # The journal itself could not be removed; the warning says what to do.
            assert bench.calls[number - 1][1].startswith(".hocmig/transaction")
            bench.end(root, True)
        bench.settled(root, result == 0)
    assert seen >= {0, 4}


@pytest.mark.parametrize("code", ["ENOSPC", "EACCES", "EIO"])
@pytest.mark.parametrize("resume", [True, False])
def test_calls_that_go_on_failing_leave_a_recoverable_tree(bench: Bench, code: str, resume: bool) -> None:
    seen = set()
    for number in range(1, len(bench.calls) + 1, STRIDE):
        root = bench.fresh()
        result = bench.scenario.in_child(bench.scenario.migrate, root, f"errors:{number}:{code}")
        seen.add(result)
        assert result in (0, 2, 3, 4), bench.calls[number - 1]
        if result in (2, 4):
            bench.settled(root, False)
        if result == 3 and pending(root) is None:
            # The disk did not even say whether the journal is there; it is not, so the tree is the old one.
            bench.settled(root, False)
        bench.end(root, resume)
    assert 3 in seen


def test_a_program_that_is_killed_and_recovered_by_the_command_line(bench: Bench, tmp_path: Path) -> None:
    program = [sys.executable, bench.scenario.__file__, str(tmp_path)]
    number = next(
        n for n, (call, path) in enumerate(bench.calls, 1) if call == "unlink" and path.startswith("old/")
    )
    subprocess.run([*program, "build"], check=True)
    killed = subprocess.run([*program, "run"], env={**os.environ, "FAULT": f"kill:{number}"}, check=False)
    assert killed.returncode == KILLED
    assert bench.scenario.snapshot(tmp_path) not in (bench.old, bench.new)
    assert subprocess.run([*program, "run"], check=False).returncode == 3
    assert subprocess.run([*program, "rollback"], check=False).returncode == 0
    assert bench.scenario.snapshot(tmp_path) == bench.old
    assert subprocess.run([*program, "run"], check=False).returncode == 0
    assert bench.scenario.snapshot(tmp_path) == bench.new
