"""P2 as ratios within one run: the dry run of many moves against an `ast.parse` loop over the same files.

    python benchmarks/move_speed.py [--scale 5] [--moves 84] [REPOSITORY --root-folder src]

Without a repository the generated sample is used, with the moves of its workbook. Prints CPU and wall time of
each job divided by L, L = a single-process `ast.parse` loop right before it: the median of `--rounds` rounds
(machines change their speed within a run). Targets: cold 3.0 L, warm 1.5 L of CPU.
"""

from __future__ import annotations

import argparse
import ast
import csv
import os
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path
from statistics import median

from compiled_packages import compile_packages

HERE = Path(__file__).resolve().parent.parent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("repository", nargs="?", type=Path)
    parser.add_argument("--root-folder", default=".")
    parser.add_argument("--scale", type=int, default=5)
    parser.add_argument("--moves", type=int, default=84)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "repository"
        table = Path(folder) / "moves.csv"
        if arguments.repository:
            shutil.copytree(arguments.repository, target)
            root_folder = arguments.root_folder
            rows = random_moves(target, root_folder, arguments.moves, arguments.seed)
        else:
            root_folder = "backend"
            rows = sample_moves(target, arguments.scale)
        (target / "hocmig.yaml").write_text(f"version: 1\nimport_roots: [{root_folder}]\n")
        with table.open("w", newline="") as file:
            csv.writer(file).writerows([("old_path", "new_path"), *rows])
        measure(target, table, len(rows), arguments.rounds)


def sample_moves(target: Path, scale: int) -> list[tuple[str, str]]:
    sys.path.insert(0, str(HERE))
    from hocmig.sample.generator import write_sample

    summary = write_sample(target, scale=scale)
    below = "backend/app/hoc/cus/"
    return [(below + old, below + new) for old, new in summary.movable]


def random_moves(target: Path, root_folder: str, count: int, seed: int) -> list[tuple[str, str]]:
    """Moves of random modules into one new package each, so that no target can exist.

    Left out: names that no import can spell (Django's migrations), which hocmig refuses to move.
    """
    base = target / root_folder
    every = (p for p in base.rglob("*.py") if p.name != "__init__.py" and "test" not in p.as_posix())
    files = sorted(p for p in every if p.stem.isidentifier())
    chosen = random.Random(seed).sample(files, count)
    top = chosen[0].relative_to(base).parts[0]
    prefix = "" if root_folder == "." else root_folder + "/"
    return [
        (p.relative_to(target).as_posix(), f"{prefix}{top}/relocated_{n}/{p.name}")
        for n, p in enumerate(chosen)
    ]


def measure(target: Path, table: Path, moves: int, rounds: int) -> None:
    files = [p.read_bytes() for p in target.rglob("*.py")]
    print(f"{len(files)} files, {moves} moves")
    compile_packages()
    command = [sys.executable, "-m", "hocmig.cli", "--root", str(target), "--no-progress"]
    # Random moves close circles, and a refusal would be no measure of the rewriting.
    command += ["--json", "mv", "--map", str(table), "--allow", "CYCLE001"]
    for name in ("cold", "warm"):
        loops, cpus, walls = [], [], []
        for _ in range(rounds):
            if name == "cold":
                shutil.rmtree(target / ".hocmig", ignore_errors=True)
            loop, _ = timed(lambda: parse_all(files))
            code, cpu, wall = run(command, target)
            loops.append(loop)
            cpus.append(cpu / loop)
            walls.append(wall / loop)
        shown = ", ".join(f"{ratio:.2f}" for ratio in cpus)
        print(
            f"{name}: CPU {median(cpus):.2f} L ({shown}), wall {median(walls):.2f} L, exit {code}, "
            f"L = {median(loops):.2f} s"
        )
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"largest process: {peak:.0f} MB")


def run(command: list[str], cwd: Path) -> tuple[int, float, float]:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    environment = {**os.environ, "PYTHONPATH": str(HERE)}
    code = subprocess.run(command, cwd=cwd, env=environment, stdout=subprocess.DEVNULL).returncode
    wall = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return code, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, wall


def parse_all(files: list[bytes]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for content in files:
            try:
                ast.parse(content)
            except (SyntaxError, ValueError):
                continue


def timed(job) -> tuple[float, float]:  # type: ignore[no-untyped-def]
    cpu, wall = time.process_time(), time.perf_counter()
    job()
    return time.process_time() - cpu, time.perf_counter() - wall


if __name__ == "__main__":
    main()
