"""Measures lock, guard and verify as ratios to a plain parse of the same files, within one run.

    python benchmarks/guard_speed.py [--rounds 5] [--scale 5]

It writes the sample repository at a scale, locks it, puts it under git and runs whole commands on it. L is
the CPU time of a single process that reads every Python file and calls `ast.parse`, without the start of
Python. CPU time includes child processes (git). The measurements of one round follow each other; the verdict
takes the fastest round, because other work on the machine can only add to a time.

Source of the targets: the product's speed page, "Targets", and issue 5.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from compiled_packages import compile_packages

CHECKOUT = Path(__file__).resolve().parents[1]

PLAIN = """
import ast, sys, time, warnings
warnings.simplefilter("ignore")
from pathlib import Path
files = [p for p in Path(sys.argv[1]).rglob("*.py") if ".git" not in p.parts]
begin = time.process_time()
for path in files:
    try:
        ast.parse(path.read_bytes())
    except (SyntaxError, ValueError):
        pass
print(time.process_time() - begin)
"""

TARGETS = {
    "guard, nothing changed": 0.1,
    "guard, ten files edited": 0.4,
    "guard --base with git": 0.4,
    "verify --static, warm": 0.3,
}


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--scale", type=int, default=5, help="size of the sample (5: about 2,500 files)")
    options = parser.parse_args()
    compile_packages()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "repo"
        _prepare(root, options.scale)
        best: dict[str, float] = {}
        for _ in range(options.rounds):
            for name, seconds in _round(root).items():
                best[name] = min(best.get(name, seconds), seconds)
    plain = best.pop("L")
    print(f"L = {plain:.2f} s of CPU")
    failed = False
    for name, seconds in best.items():
        ratio = seconds / plain
        failed = failed or ratio > TARGETS[name]
        print(f"{name:28} {ratio:5.2f} L  target {TARGETS[name]:.2f} L")
    return 1 if failed else 0


def _prepare(root: Path, scale: int) -> None:
    code = "import sys; from pathlib import Path; from hocmig.sample.generator import write_sample as w; "
    _python("-c", code + "w(Path(sys.argv[1]), scale=int(sys.argv[2]))", str(root), str(scale))
    _hocmig(root, "init")
    _hocmig(root, "lock")
    _git(root, "init", "-q")
    _git(root, "add", "-A")
    _git(root, "commit", "-qm", "locked")
    # What is so young that its stamps could still lie is looked at again: wait until nothing is.
    time.sleep(2.5)
    for _ in range(2):
        _hocmig(root, "guard")


def _round(root: Path) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, "-c", PLAIN, str(root)], capture_output=True, text=True, check=True
    )
    found = {"L": float(done.stdout)}
    found["guard, nothing changed"] = _cpu(lambda: _hocmig(root, "guard"))
    found["guard --base with git"] = _cpu(lambda: _hocmig(root, "guard", "--base", "HEAD"))
    found["verify --static, warm"] = _cpu(lambda: _hocmig(root, "verify", "--static"))
    edited = sorted((root / "backend/app/hoc/cus").rglob("L5_engines/*.py"))[:10]
    before = [path.read_bytes() for path in edited]
    for path, content in zip(edited, before, strict=True):
        path.write_bytes(content + b"\n# edited\n")
    found["guard, ten files edited"] = _cpu(lambda: _hocmig(root, "guard"))
    for path, content in zip(edited, before, strict=True):
        path.write_bytes(content)
    time.sleep(0.3)
    for _ in range(2):
        _hocmig(root, "guard")
    return found


def _cpu(work: object) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert callable(work)
    work()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _hocmig(root: Path, *arguments: str) -> None:
    _python("-m", "hocmig", "--root", str(root), "--quiet", "--no-progress", *arguments)


def _python(*arguments: str) -> None:
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    done = subprocess.run([sys.executable, *arguments], env=environment, capture_output=True, check=False)
    if done.returncode not in (0, 1):
        raise SystemExit(done.stderr.decode())


def _git(root: Path, *arguments: str) -> None:
    command = ["git", "-c", "user.name=b", "-c", "user.email=b@example.org", *arguments]
    subprocess.run(command, cwd=root, capture_output=True, check=True)


if __name__ == "__main__":
    sys.exit(main())
