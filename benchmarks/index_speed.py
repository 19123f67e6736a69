"""Measures the import index as ratios to a plain parse of the same files, within one run.

    python benchmarks/index_speed.py [--rounds 5] [--scale 5] [FOLDER ...]

Without a FOLDER it measures the sample repository and, when it is installed, Django. Each folder is copied to
a temporary place first. L is the CPU time of a single process that reads every Python file and calls
`ast.parse`, without the start of Python. "Cold index" begins like L when the imports are done; "warm index"
is a whole process with start, imports, configuration and the tables of names. CPU time includes child
processes.

Each line gives the ratio of the fastest round to the fastest L, and of the median to the median L. The
verdict takes the fastest, because other work on the machine can only add to a time. The measurements of one
round follow each other, so that such work disturbs them alike.

"Warm" means that nothing changed for two runs: the first run after a change notes which files are so young
that the file system's clock has not moved on since, and looks at them again.

Source of the targets: the product's speed page, "Targets".
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from compiled_packages import compile_packages

CHECKOUT = Path(__file__).resolve().parents[1]

_FILES = """
import ast, gc, os, resource, sys, time, warnings
warnings.simplefilter("ignore")
from pathlib import Path
from analyzers.discovery import discover
root = Path(sys.argv[1])
files = [f"{root}/{f.path}" for f in discover(root).python_files]
def read(path):
    with open(path, "rb") as stream:
        return stream.read()
"""

_PARSE = """
begin = time.process_time()
for path in files:
    try:
        ast.parse(read(path))
    except (SyntaxError, ValueError):
        pass
print(time.process_time() - begin)
"""

PLAIN = _FILES + _PARSE
WITHOUT_COLLECTION = _FILES + "gc.disable()\n" + _PARSE

AST_WALK = _FILES + _PARSE.replace(
    "ast.parse(read(path))",
    "[node for node in ast.walk(ast.parse(read(path))) if isinstance(node, (ast.Import, ast.ImportFrom))]",
)

COLD = """
import resource, sys, time
from pathlib import Path
from analyzers.import_index import load_index
from analyzers.layout import ProjectLayout
import analyzers.file_reading, analyzers.index_refresh
root = Path(sys.argv[1])
def cpu():
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(u.ru_utime + u.ru_stime for u in used)
begin, wall = cpu(), time.perf_counter()
index = load_index(ProjectLayout(root), cache=root / ".hocmig/index.msgpack", jobs=int(sys.argv[2]))
print(cpu() - begin, time.perf_counter() - wall, len(index.files), len(index.unparsed))
"""

#: What every command does before its own work: the command line, the workspace, the index and its tables.
WARM = """
import sys
from pathlib import Path
import hocmig.cli
from hocmig.workspace import open_workspace
options = dict(root=Path(sys.argv[1]), config=None, jobs=0, as_json=False, quiet=True, verbose=False,
               no_progress=True)
index = open_workspace(options, need_config=False).index
index.modules
"""

START = "import click, msgspec, hocmig.cli, hocmig.workspace, hocmig.terminal"


class Run:
    """One child process: what it printed, its CPU seconds, and the peak memory of any process in it (MB)."""

    def __init__(self, code: str, *arguments: str, caches: Path) -> None:
        environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
        # A checkout without compiled files would otherwise compile the tool in every run.
        environment |= {"PYTHONPATH": str(CHECKOUT), "PYTHONPYCACHEPREFIX": str(caches)}
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run(
            [sys.executable, "-c", code + _PEAK, *arguments],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        if done.returncode:
            sys.exit(done.stderr)
        *printed, peak = done.stdout.split()
        self.numbers = [float(number) for number in printed]
        self.cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        self.peak_mb = float(peak) / 1024


_PEAK = """
import resource
print(max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)))
"""


TARGETS = {
    "cold index, two processes: CPU": 1.15,
    "cold index, two processes: wall": 0.75,
    "warm index, whole command: CPU": 0.06,
}


def measure(name: str, root: Path, rounds: int, caches: Path) -> bool:
    """Prints the figures of one tree and returns whether all targets are met."""

    def run(code: str, *arguments: str) -> Run:
        return Run(code, str(root), *arguments, caches=caches)

    state = root / ".hocmig"
    seconds: dict[str, list[float]] = {}

    def note(label: str, value: float) -> None:
        seconds.setdefault(label, []).append(value)

    peak = 0.0
    # Compiles the tool and fills the page cache.
    run(COLD, "1")
    run(START)
    for _ in range(rounds):
        shutil.rmtree(state, ignore_errors=True)
        note("L", run(PLAIN).numbers[0])
        cold = run(COLD, "2")
        note("cold index, two processes: CPU", cold.numbers[0])
        note("cold index, two processes: wall", cold.numbers[1])
        shutil.rmtree(state)
        note("cold index, one process: CPU", run(COLD, "1").numbers[0])
        run(WARM)
        run(WARM)
        warm = run(WARM)
        note("warm index, whole command: CPU", warm.cpu)
        note("  of it: Python, click, msgspec, hocmig.cli", run(START).cpu)
        note("parse without garbage collection", run(WITHOUT_COLLECTION).numbers[0])
        note("parse and ast.walk", run(AST_WALK).numbers[0])
        peak = max(peak, cold.peak_mb, warm.peak_mb)
    files, unparsed = int(cold.numbers[2]), int(cold.numbers[3])
    plain = seconds.pop("L")
    best, middle = min(plain), statistics.median(plain)
    print(f"\n{name}: {files} files, {unparsed} of them unparsed; {rounds} rounds")
    print(f"  L = {best:.2f} s (fastest), {middle:.2f} s (median); ratios to L:{'fastest':>10} {'median':>8}")
    met = peak <= 300
    for label, values in seconds.items():
        ratio = min(values) / best
        line = f"  {label:45} {ratio:17.3f} {statistics.median(values) / middle:8.3f}"
        if label in TARGETS:
            met = met and ratio <= TARGETS[label]
            line += f"  target {TARGETS[label]}: {'met' if ratio <= TARGETS[label] else 'MISSED'}"
        print(line)
    verdict = "met" if peak <= 300 else "MISSED"
    print(f"  {'peak memory of any process, MB':45} {peak:17.0f} {'':8}  target 300: {verdict}")
    return met


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folders", nargs="*", type=Path, metavar="FOLDER")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--scale", type=int, default=5, help="size of the sample repository")
    options = parser.parse_args()
    compile_packages()
    with tempfile.TemporaryDirectory() as place:
        trees = list(_trees(options.folders, options.scale, Path(place)))
        met = [measure(name, root, options.rounds, Path(place) / "caches") for name, root in trees]
    sys.exit(0 if all(met) else 1)


def _trees(folders: list[Path], scale: int, place: Path) -> Iterator[tuple[str, Path]]:
    """The name and the copy of each tree to measure."""
    if not folders:
        sys.path.insert(0, str(CHECKOUT))
        from hocmig.sample.generator import write_sample

        write_sample(place / "sample", scale=scale)
        yield f"sample at scale {scale}", place / "sample"
        django = importlib.util.find_spec("django")
        if django is None or django.origin is None:
            print("Django is not installed and not measured.")
        else:
            folders = [Path(django.origin).parent]
    for number, folder in enumerate(folders):
        shutil.copytree(folder, place / str(number) / folder.name, symlinks=True)
        yield folder.name, place / str(number)


if __name__ == "__main__":
    main()
