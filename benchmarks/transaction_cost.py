"""What the transaction adds to the phase it guards.

    python benchmarks/transaction_cost.py --phase [--scale 1] [--rounds 5] [--folder DIR]
    python benchmarks/transaction_cost.py [--files 300] [--rounds 5] [--folder DIR]

With --phase: `hocmig move --execute` on the generated sample, whole, with the transaction inside timed by
itself; what it adds is related to the rest of the command.
Without: 300 files of Python's standard library, 84 of them moved; the phase is stood for by its cheapest
possible form, LibCST parsing each file once and writing it out again. Both are measured in one process, in
turns. The medians are compared.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import os
import resource
import statistics
import sysconfig
import tempfile
import time
from pathlib import Path
from typing import Any

import libcst

from hocmig import relocation
from hocmig.cli import run
from hocmig.sample.generator import write_sample
from hocmig.transaction.change import ChangeSet, FileChange, sha256
from hocmig.transaction.transaction import TransactionResult, run_transaction

MOVED = 84


def sources(count: int) -> list[bytes]:
    """`count` modules of the standard library that LibCST parses, of 1 to 60 kB, in a fixed order."""
    found: list[bytes] = []
    for path in sorted(Path(sysconfig.get_path("stdlib")).rglob("*.py")):
        if "test" in path.parts or "site-packages" in path.parts or not 1000 < path.stat().st_size < 60_000:
            continue
        found.append(path.read_bytes())
        if len(found) == count:
            break
    return found


def build(root: Path, contents: list[bytes]) -> ChangeSet:
    """Write the tree and return a change of all its files: an added line each, MOVED of them moved."""
    changes = []
    for number, content in enumerate(contents):
        old = f"backend/app/domain_{number % 11}/L6_drivers/module_{number}.py"
        target = root / old
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
        new = f"backend/app/general/L6_drivers/module_{number}.py" if number < MOVED else None
        after = b"import app.general\n" + content
        changes.append(FileChange(new or old, old if new else None, after, None, sha256(content)))
    return ChangeSet(tuple(changes))


class Stopwatch:
    """Stands in for `run_transaction` and adds up the seconds spent inside it."""

    def __init__(self) -> None:
        self.wall = self.cpu = 0.0
        self.paths = 0

    def __call__(self, *arguments: Any, **options: Any) -> TransactionResult:
        wall, cpu = time.perf_counter(), time.process_time()
        result = run_transaction(*arguments, **options)
        self.wall += time.perf_counter() - wall
        self.cpu += time.process_time() - cpu
        self.paths += len(result.changed) + len(result.removed)
        return result


def measure_phase(scale: int, rounds: int, folder: str | None) -> None:
    """Print what the transaction adds to `hocmig move --execute` on the sample."""
    for title, options in (("transaction", ()), ("transaction with backup", ("--backup",))):
        rests, insides, cpu_rests, cpu_insides, paths = [], [], [], [], 0
        for _ in range(rounds):
            with tempfile.TemporaryDirectory(dir=folder) as name:
                root = Path(name) / "sample"
                prepare_sample(root, scale)
                stopwatch = Stopwatch()
                relocation.run_transaction = stopwatch  # type: ignore[assignment]
                wall, cpu = time.perf_counter(), cpu_seconds()
                code = run_quietly(root, "move", "--execute", *options)
                whole, whole_cpu = time.perf_counter() - wall, cpu_seconds() - cpu
                if code or not stopwatch.paths:
                    raise RuntimeError(f"move ended with {code}, {stopwatch.paths} paths changed")
                insides.append(stopwatch.wall)
                rests.append(whole - stopwatch.wall)
                cpu_insides.append(stopwatch.cpu)
                cpu_rests.append(whole_cpu - stopwatch.cpu)
                paths = stopwatch.paths
        for kind, inside, rest in (("wall", insides, rests), ("CPU", cpu_insides, cpu_rests)):
            added, phase = statistics.median(inside), statistics.median(rest)
            share = 100 * statistics.median(i / r for i, r in zip(inside, rest, strict=True))
            print(
                f"{title:<24} {kind:<5} {added:7.2f} s, the rest of P2 {phase:7.2f} s: adds {share:.1f} %"
                f" ({paths} paths, {rounds} rounds)",
                flush=True,
            )


def prepare_sample(root: Path, scale: int) -> None:
    """The sample, with a manifest whose open questions are all answered by `skip`."""
    write_sample(root, scale=scale)
    run_quietly(root, "init")
    run_quietly(root, "manifest")
    table = next(root.rglob("MIGRATION_MANIFEST.csv"))
    with table.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    waiting = [r["migration_id"] for r in rows if r["status"] in ("CONFLICT", "IDENTICAL", "UNRESOLVED")]
    run_quietly(root, "resolve", ",".join(waiting), "skip", "--reason", "not measured")
    run_quietly(root, "validate")


def run_quietly(root: Path, *arguments: str) -> int:
    """Run a command without its output."""
    with (
        Path(os.devnull).open("w", encoding="utf-8") as nowhere,
        contextlib.redirect_stdout(nowhere),
        contextlib.redirect_stderr(nowhere),
    ):
        return run(["--root", str(root), "--quiet", "--no-progress", *arguments])


def cpu_seconds() -> float:
    """Processor time of this process and its ended children."""
    return sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--files", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--folder", help="where the trees are made; its disk is what is measured")
    parser.add_argument("--phase", action="store_true", help="measure the real P2")
    parser.add_argument("--scale", type=int, default=1, help="size of the sample for --phase")
    options = parser.parse_args()
    if options.phase:
        measure_phase(options.scale, options.rounds, options.folder)
        return
    contents = sources(options.files)
    parses, bare, backed_up = [], [], []
    for _ in range(options.rounds):
        start = time.perf_counter()
        for content in contents:
            _ = libcst.parse_module(content).bytes
        parses.append(time.perf_counter() - start)
        for times, backup in ((bare, False), (backed_up, True)):
            with tempfile.TemporaryDirectory(dir=options.folder) as folder:
                changes = build(Path(folder), contents)
                start = time.perf_counter()
                run_transaction(Path(folder), changes, phase="P2", command=("benchmark",), backup=backup)
                times.append(time.perf_counter() - start)
    parse = statistics.median(parses)
    size = sum(map(len, contents)) / 1e6
    print(f"{len(contents)} files, {size:.1f} MB, {MOVED} moved; medians of {options.rounds} rounds")
    print(f"parse and write out with LibCST   {parse:7.3f} s")
    for name, times in (("transaction", bare), ("transaction with backup", backed_up)):
        median = statistics.median(times)
        spread = f"{min(times):.3f} to {max(times):.3f}"
        print(f"{name:<33} {median:7.3f} s  ({spread})  {100 * median / parse:.1f} % of that")


if __name__ == "__main__":
    main()
