"""Counts what is left after kills and failing calls at every place of a real transaction.

    python benchmarks/transaction_faults.py [--random 300] [--stride 1] [--folder DIR]

Each trial runs the scenario of `tests/hocmig/transaction/scenario.py` in a process of its own. Afterwards the
tree is compared with the old and the new one, byte for byte and mode for mode; anything else counts as mixed.
As root it also runs on a file system that really is full, and with target folders on other file systems.
"""

from __future__ import annotations

import argparse
import collections
import importlib.util
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import ModuleType

from hocmig.transaction.recovery import pending

KILLED = -9


def load_scenario() -> ModuleType:
    """The scenario module of the tests."""
    path = Path(__file__).parents[1] / "tests/hocmig/transaction/scenario.py"
    spec = importlib.util.spec_from_file_location("transaction_scenario", path)
    if spec is None or spec.loader is None:
        raise FileNotFoundError(path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


class Trials:
    """Runs trials in one folder and counts their outcomes."""

    def __init__(self, folder: Path) -> None:
        self.scenario = load_scenario()
        self.root = folder / "tree"
        self.fresh()
        self.old = self.scenario.snapshot(self.root)
        self.calls = self.scenario.count_calls(self.scenario.migrate, self.root)
        self.new = self.scenario.snapshot(self.root)
        self.mixed = 0

    def fresh(self) -> None:
        """Make the old tree."""
        if self.root.exists():
            shutil.rmtree(self.root)
        self.root.mkdir(parents=True)
        self.scenario.build(self.root, self.scenario.old_files())

    def judge(self, tally: collections.Counter[str], recover: str) -> None:
        """End what is pending in the direction `recover` and count what the tree is."""
        was_pending = (self.root / ".hocmig").is_dir() and pending(self.root) is not None
        if was_pending:
            tally["recovered"] += 1
            action = self.scenario.resumed if recover == "resume" else self.scenario.rolled_back
            if self.scenario.in_child(action, self.root) != 0:
                tally["recovery failed"] += 1
        tree = self.scenario.snapshot(self.root)
        side = "old" if tree == self.old else "new" if tree == self.new else "mixed"
        if was_pending and side != ("new" if recover == "resume" else "old"):
            side = "mixed"
        tally[side] += 1
        tally["trials"] += 1
        self.mixed += side == "mixed"

    def faults(self, title: str, kind: str, code: str, stride: int) -> None:
        """One row: the fault at every `stride`-th call, then recovery in both directions."""
        tally: collections.Counter[str] = collections.Counter()
        for recover in ("resume", "rollback"):
            for number in range(1, len(self.calls) + 1, stride):
                self.fresh()
                fault = f"{kind}:{number}:{code}" if code else f"{kind}:{number}"
                self.scenario.in_child(self.scenario.migrate, self.root, fault)
                self.judge(tally, recover)
        report(title, tally)

    def killed_recoveries(self, stride: int) -> None:
        """Kill at every `stride`-th call, kill the recovery at a random call, recover the other way."""
        tally: collections.Counter[str] = collections.Counter()
        rng = random.Random(2)
        for number in range(1, len(self.calls) + 1, stride):
            self.fresh()
            self.scenario.in_child(self.scenario.migrate, self.root, f"kill:{number}")
            ways = [self.scenario.resumed, self.scenario.rolled_back]
            rng.shuffle(ways)
            for way in ways:
                self.scenario.in_child(way, self.root, f"kill:{rng.randint(1, 120)}")
            self.judge(tally, rng.choice(["resume", "rollback"]))
        report("SIGKILL, then SIGKILL in two recoveries", tally)

    def random_kills(self, count: int) -> None:
        """Kill from outside, at moments spread over the length of a run."""
        tally: collections.Counter[str] = collections.Counter()
        lengths = []
        for _ in range(9):
            self.fresh()
            start = time.monotonic()
            self.scenario.in_child(self.scenario.migrate, self.root)
            lengths.append(time.monotonic() - start)
        span = 1.1 * statistics.median(lengths)
        rng = random.Random(1)
        while tally["trials"] < count:
            self.fresh()
            moment = rng.uniform(0, span)
            code = self.scenario.in_child(self.scenario.migrate, self.root, kill_after=moment)
            if code == KILLED:
                self.judge(tally, rng.choice(["resume", "rollback"]))
            else:
                tally["ended before the kill"] += 1
        report("SIGKILL at random moments", tally)


def report(title: str, tally: collections.Counter[str]) -> None:
    columns = ("trials", "recovered", "old", "new", "mixed")
    extra = ", ".join(f"{n} {name}" for name, n in sorted(tally.items()) if name not in columns)
    counts = "".join(f"{tally[c]:>10}" for c in columns)
    print(f"{title:<43}{counts}" + (f"   {extra}" if extra else ""), flush=True)


def on_a_full_disk(trials: Trials, folder: Path) -> None:
    """Run on memory file systems that are full after 1, 2, ... more pages: real ENOSPC at real places."""
    tally: collections.Counter[str] = collections.Counter()
    mounted = folder / "small"
    mounted.mkdir()
    for pages in range(40, 130):
        subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={pages * 4}k", "tmpfs", str(mounted)], check=True
        )
        try:
            trials.root = mounted / "tree"
            try:
                trials.fresh()
            except OSError:
                continue
            code = trials.scenario.in_child(trials.scenario.migrate, trials.root)
            tally[f"exit code {code}"] += 1
            trials.judge(tally, "rollback")
        finally:
            subprocess.run(["umount", str(mounted)], check=True)
    report("really full disk", tally)


def on_two_file_systems(trials: Trials, folder: Path, stride: int) -> None:
    """Put the folders `pkg` and `links` on file systems of their own; kill at every `stride`-th call."""
    tally: collections.Counter[str] = collections.Counter()
    trials.root = folder / "tree"
    shutil.rmtree(trials.root)
    mounts = [trials.root / "pkg", trials.root / "links"]
    for mount in mounts:
        mount.mkdir(parents=True)
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", str(mount)], check=True)
        mount.chmod(0o755)

    def refill() -> None:
        # The mount points themselves cannot go.
        remove = ["find", str(trials.root), "-mindepth", "1", "-xdev", "-delete"]
        subprocess.run(remove, check=False, stderr=subprocess.DEVNULL)
        for mount in mounts:
            subprocess.run(["find", str(mount), "-mindepth", "1", "-delete"], check=True)
        trials.scenario.build(trials.root, trials.scenario.old_files())

    try:
        refill()
        calls = len(trials.scenario.count_calls(trials.scenario.migrate, trials.root))
        for recover in ("resume", "rollback"):
            for number in range(1, calls + 2, stride):
                refill()
                trials.scenario.in_child(trials.scenario.migrate, trials.root, f"kill:{number}")
                trials.judge(tally, recover)
    finally:
        for mount in mounts:
            subprocess.run(["umount", str(mount)], check=True)
    report("SIGKILL with targets on other file systems", tally)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--random", type=int, default=300)
    parser.add_argument("--stride", type=int, default=1)
    parser.add_argument("--folder", help="where the trees are made")
    options = parser.parse_args()
    os.environ["SOURCE_DATE_EPOCH"] = "1769508000"
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        trials = Trials(folder)
        print(f"{len(trials.calls)} calls, {len(trials.old)} entries before, {len(trials.new)} after")
        print(" " * 43 + "".join(f"{c:>10}" for c in ("trials", "recovered", "old", "new", "mixed")))
        trials.faults("SIGKILL before each call", "kill", "", options.stride)
        trials.random_kills(options.random)
        trials.killed_recoveries(options.stride)
        for code in ("ENOSPC", "EACCES", "EIO"):
            trials.faults(f"{code} at one call", "error", code, options.stride)
            trials.faults(f"{code} from one call on", "errors", code, options.stride)
        if os.geteuid() == 0:
            on_a_full_disk(trials, folder)
            on_two_file_systems(trials, folder, options.stride)
    return 1 if trials.mixed else 0


if __name__ == "__main__":
    sys.exit(main())
