"""Measure a cluster: 7 files, 45 symbols and 60 callers, against parsing those files with LibCST.

Usage: python benchmarks/symbol_moves.py [--rounds N]

Prints CPU seconds (children included) of `hocmig refactor --execute` on a generated repository, of a plain
`libcst.parse_module` loop over the same files in the same process, and their ratio; the target is 20.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import libcst as cst

FILES = 7
SYMBOLS = 45
CLIENTS = 60
TARGET = 20.0
_BODY = '''
def symbol_{n}(rows, limit={n}):
    """Sum the rows up to a limit."""
    total = {base}
    for position, row in enumerate(rows):
        if position >= limit:
            break
        total += math.floor(row) + len(os.sep)
        total %= {modulus}
    return total{call}

'''


def write_repository(root: Path) -> list[Path]:
    """Write the repository with its cluster below `root`; returns its Python files besides `__init__`."""
    package = root / "app" / "logs"
    package.mkdir(parents=True)
    for folder in (root / "app", package):
        (folder / "__init__.py").write_text("")
    owners: dict[int, list[int]] = {n: [] for n in range(FILES)}
    for number in range(SYMBOLS):
        owners[number * FILES // SYMBOLS].append(number)
    paths = []
    for file, numbers in owners.items():
        above = owners[file - 1][0] if file else None
        head = f'"""Part {file}."""\n\nimport math\nimport os\n'
        head += f"\nfrom app.logs.part_{file - 1} import symbol_{above}\n" if above is not None else ""
        bodies = []
        for number in numbers:
            call = f" + symbol_{above}(rows)" if above is not None else ""
            bodies.append(_BODY.format(n=number, base=number % 5, modulus=97 + number, call=call))
        path = package / f"part_{file}.py"
        path.write_text(head + "\n" + "\n".join(bodies))
        paths.append(path)
    clients = root / "app" / "callers"
    clients.mkdir()
    (clients / "__init__.py").write_text("")
    for number in range(CLIENTS):
        used = [(number * 7 + step) % SYMBOLS for step in range(5)]
        lines = [f'"""Caller {number}."""\n', "import app.logs.part_0"]
        lines += [f"from app.logs.part_{u * FILES // SYMBOLS} import symbol_{u}" for u in sorted(set(used))]
        for step in range(12):
            use = used[step % len(used)]
            lines.append(
                f"\n\ndef call_{step}(rows):\n    return symbol_{use}(rows) + app.logs.part_0.symbol_0(rows)"
            )
        path = clients / f"caller_{number}.py"
        path.write_text("\n".join(lines) + "\n")
        paths.append(path)
    (root / "hocmig.yaml").write_text(
        "version: 1\nimport_roots: ['.']\ndomain_root: app\nshared_domain: ''\nartifacts: maps\n"
    )
    (root / "maps").mkdir()
    thirds = [list(range(0, 15)), list(range(15, 30)), list(range(30, SYMBOLS))]
    text = "clusters:\n  all:\n    domain: logs\n    current_files:\n"
    text += "".join(f"      - part_{n}.py\n" for n in range(FILES)) + "    target_structure:\n"
    for number, symbols in enumerate(thirds):
        text += f"      engine_{number}.py: [{', '.join(f'symbol_{n}' for n in symbols)}]\n"
    (root / "maps" / "CLUSTER_DEFINITIONS.yaml").write_text(text)
    return paths


def parse_seconds(contents: list[bytes]) -> float:
    """CPU seconds of parsing all contents with LibCST, the best of three loops."""
    best = float("inf")
    for _ in range(3):
        start = time.process_time()
        for content in contents:
            cst.parse_module(content)
        best = min(best, time.process_time() - start)
    return best


def refactor_seconds(root: Path) -> float:
    """CPU seconds of the command with all its child processes."""
    before = os.times()
    command = [sys.executable, "-m", "hocmig", "--root", str(root), "--quiet", "refactor", "--execute"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    after = os.times()
    if done.returncode:
        raise SystemExit(done.stderr)
    return after.children_user - before.children_user + after.children_system - before.children_system


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    ratios = []
    for _ in range(arguments.rounds):
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder) / "repository"
            paths = write_repository(root)
            contents = [path.read_bytes() for path in paths]
            base = parse_seconds(contents)
            cost = refactor_seconds(root)
        ratios.append(cost / base)
        print(f"parse {base:.2f} s, refactor {cost:.2f} s, ratio {cost / base:.1f}")
    print(
        f"median ratio {statistics.median(ratios):.1f} (target {TARGET:.0f}), {FILES} files, "
        f"{SYMBOLS} symbols, {CLIENTS} callers"
    )


if __name__ == "__main__":
    main()
