"""Feeds hocmig damaged and hostile input files and counts what it does with them.

    python benchmarks/fuzz_inputs.py [--count 5000] [--seed 0] [--only NAME] [--folder DIR]

Each trial takes a valid input of a small project, changes its cells, keys, records, members or bytes, and
runs a command that reads it, in a process of its own. What counts as a fault: tests/hocmig/fuzzing/trials.py.
`--only NAME --seed N --count 1` repeats one trial.
"""

from __future__ import annotations

import argparse
import collections
import importlib.util
import statistics
import sys
import tempfile
from pathlib import Path
from types import ModuleType

from hocmig.cli import run

_FOLDER = Path(__file__).parents[1] / "tests/hocmig/fuzzing"


def load(name: str) -> ModuleType:
    """A module of the tests' harness."""
    spec = importlib.util.spec_from_file_location(f"fuzzing_{name}", _FOLDER / f"{name}.py")
    if spec is None or spec.loader is None:
        raise FileNotFoundError(name)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=5000, help="trials in all")
    parser.add_argument("--seed", type=int, default=0, help="number of the first variant")
    parser.add_argument("--only", help="one kind of input")
    parser.add_argument("--folder", help="where the trees are made")
    options = parser.parse_args()
    trials_module = load("trials")
    chosen = [one for one in trials_module.INPUTS if options.only in (None, one.name)]
    weights = sum(one.weight for one in chosen)
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        trials = trials_module.Trials(Path(folder).resolve(), run, load("mutation"), load("project"))
        columns = (
            "trials",
            "code 0",
            "code 1",
            "code 2",
            "code 3",
            "code 4",
            "faults",
            "median s",
            "most s",
            "most MiB",
        )
        print(f"{'':<22}" + "".join(f"{c:>10}" for c in columns))
        totals: collections.Counter[str] = collections.Counter()
        for one in chosen:
            outcomes = []
            for number in range(-(-options.count * one.weight // weights)):
                seed = options.seed + number
                outcome = trials.trial(one, seed)
                outcomes.append(outcome)
                for fault in outcome.faults:
                    print(f"FAULT {one.name} --seed {seed}: {fault}", flush=True)
            codes = collections.Counter(outcome.code for outcome in outcomes)
            faulty = sum(bool(outcome.faults) for outcome in outcomes)
            seconds = [outcome.seconds for outcome in outcomes]
            memory = max(outcome.memory_bytes for outcome in outcomes) >> 20
            cells = [len(outcomes), *(codes[code] for code in range(5)), faulty]
            times = f"{statistics.median(seconds):>10.2f}{max(seconds):>10.1f}{memory:>10}"
            print(f"{one.name:<22}" + "".join(f"{cell:>10}" for cell in cells) + times, flush=True)
            totals.update(
                {"trials": len(outcomes), "faults": faulty, **{f"code {c}": codes[c] for c in range(5)}}
            )
        print(f"{'all':<22}" + "".join(f"{totals[c]:>10}" for c in columns[:7]))
    return 1 if totals["faults"] else 0


if __name__ == "__main__":
    sys.exit(main())
