"""Measures `hocmig validate` (P1) as a ratio to a plain parse of the same files, within one run.

    python benchmarks/validate_speed.py [--rounds 3] [--scale 5]

The tree is the sample repository after P0: 84 records, of which 68 move once the open ones are skipped. L is
the CPU time of a process that reads every Python file and calls `ast.parse`, without the start of Python.
"P1 warm" is the whole command as a process of its own, with start, imports, index from the cache, all checks
and the three artifacts; "in process" is the same without the start of Python and its imports. Each verdict
takes the fastest round, because other work on the machine can only add to a time.

Source of the target: the product's speed page, "P1 validate, 84 moves, warm".
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from compiled_packages import compile_packages

CHECKOUT = Path(__file__).resolve().parents[1]
TARGET = 0.3

PLAIN = """
import ast, sys, time, warnings
warnings.simplefilter("ignore")
from pathlib import Path
from analyzers.discovery import discover
root = Path(sys.argv[1])
files = [f"{root}/{f.path}" for f in discover(root).python_files]
begin = time.process_time()
for path in files:
    with open(path, "rb") as stream:
        content = stream.read()
    try:
        ast.parse(content)
    except (SyntaxError, ValueError):
        pass
print(time.process_time() - begin, len(files))
"""

IN_PROCESS = """
import contextlib, io, sys, time
import hocmig.commands.validate
from hocmig.cli import run
begin = time.process_time()
with contextlib.redirect_stdout(io.StringIO()):
    code = run(["--root", sys.argv[1], "--json", "--no-progress", "validate"])
print(time.process_time() - begin, code)
"""


def main() -> int:
    """Print the ratios; exit code 1 when the target is missed or a command fails."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--scale", type=int, default=5)
    options = parser.parse_args()
    compile_packages()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "sample"
        _prepare(root, options.scale)
        for _ in range(2):
            # The first run after a change looks again at files that are very young.
            _hocmig(root, "validate", expected=(0,))
        plain, command, inner = [], [], []
        files = 0
        for _ in range(options.rounds):
            seconds, count = _script(PLAIN, root)
            files = int(count)
            plain.append(seconds)
            command.append(_child_seconds(lambda: _hocmig(root, "validate", expected=(0,))))
            seconds, code = _script(IN_PROCESS, root)
            if code != 0:
                raise SystemExit("the validation failed")
            inner.append(seconds)
        unit = min(plain)
        print(f"{files} files, L {unit:.2f} s CPU")
        ratio = min(command) / unit
        verdict = "ok" if ratio <= TARGET else "MISSED"
        print(f"P1 warm, whole command   {ratio:.3f} L  (target {TARGET})  {verdict}")
        print(f"P1 warm, in process      {min(inner) / unit:.3f} L")
        return 0 if ratio <= TARGET else 1


def _prepare(root: Path, scale: int) -> None:
    """The sample as `hocmig demo` has it before P1."""
    code = (
        "import sys; from pathlib import Path; from hocmig.sample.generator import write_sample; "
        "write_sample(Path(sys.argv[1]), scale=int(sys.argv[2]))"
    )
    subprocess.run([sys.executable, "-c", code, str(root), str(scale)], check=True, env=_environment())
    _hocmig(root, "init", expected=(0,))
    _hocmig(root, "manifest", expected=(0, 1))
    code = (
        "import sys; from pathlib import Path; from analyzers.layout import ProjectLayout; "
        "from analyzers.migration_manifest import OPEN, read_manifest; "
        "path = next(Path(sys.argv[1]).rglob('MIGRATION_MANIFEST.csv')); "
        "rows = read_manifest(path, ProjectLayout(Path(sys.argv[1]), ('backend',)), 'backend/app/hoc/cus'); "
        "print(','.join(r.migration_id for r in rows if r.status in OPEN))"
    )
    found = subprocess.run(
        [sys.executable, "-c", code, str(root)],
        check=True,
        env=_environment(),
        capture_output=True,
        text=True,
    )
    _hocmig(root, "resolve", found.stdout.strip(), "skip", "--reason", "benchmark", expected=(0,))


def _hocmig(root: Path, *arguments: str, expected: tuple[int, ...]) -> None:
    line = [sys.executable, "-m", "hocmig", "--root", str(root), "--quiet", "--no-progress", *arguments]
    result = subprocess.run(line, env=_environment(), capture_output=True, text=True, check=False)
    if result.returncode not in expected:
        raise SystemExit(f"hocmig {arguments[0]} gave {result.returncode}: {result.stderr}")


def _script(code: str, root: Path) -> tuple[float, float]:
    found = subprocess.run(
        [sys.executable, "-c", code, str(root)],
        check=True,
        env=_environment(),
        capture_output=True,
        text=True,
    )
    first, second = found.stdout.split()[-2:]
    return float(first), float(second)


def _child_seconds(action: Callable[[], None]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    action()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(CHECKOUT)}


if __name__ == "__main__":
    sys.exit(main())
