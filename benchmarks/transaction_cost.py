"""What the transaction adds to the phase it guards: 300 files of Python's standard library, 84 of them moved.

    python benchmarks/transaction_cost.py [--files 300] [--rounds 5] [--folder DIR]

The phase is stood for by its cheapest possible form: LibCST parses each file once and writes it out again.
A real phase also indexes, resolves and verifies, so the share printed here is an upper bound.
Both are measured in one process, in turns, and the medians are compared.
"""

from __future__ import annotations

import argparse
import statistics
import sysconfig
import tempfile
import time
from pathlib import Path

import libcst

from hocmig.transaction.change import ChangeSet, FileChange, sha256
from hocmig.transaction.transaction import run_transaction

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


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--files", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--folder", help="where the trees are made; its disk is what is measured")
    options = parser.parse_args()
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
