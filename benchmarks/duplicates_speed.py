"""Measures the duplicate search as ratios to L, the time of a plain `ast.parse` loop over the same files.

    python benchmarks/duplicates_speed.py FOLDER [--processes 2] [--growth]

Prints CPU and wall time of a cold run, of an unchanged and of a slightly changed re-run, and the memory. With
`--growth` the cold run is repeated on an eighth, a quarter, a half and all of the files (every eighth file
and so on, so that all parts are alike).
"""

from __future__ import annotations

import argparse
import ast
import resource
import sys
import tempfile
import time
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from analyzers.duplicates.detection import DetectionSettings, detect_duplicates
from analyzers.duplicates.detection_cache import StoredDetection


def cpu() -> float:
    """Returns the CPU seconds of this process and of its children that ended."""
    return sum(
        one.ru_utime + one.ru_stime
        for one in (resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN))
    )


def parse_all(contents: dict[str, bytes]) -> tuple[float, float]:
    """Returns CPU and wall seconds of parsing every file."""
    started, wall = cpu(), time.monotonic()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for data in contents.values():
            try:
                ast.parse(data)
            except (SyntaxError, ValueError, RecursionError):
                continue
    return cpu() - started, time.monotonic() - wall


def run(contents: dict[str, bytes], processes: int, cache: Path) -> tuple[float, float, int]:
    """Searches; returns CPU seconds, wall seconds and the number of groups; reads and keeps the cache."""
    started, wall = cpu(), time.monotonic()
    stored = StoredDetection(cache)
    found, new = detect_duplicates(
        list(contents),
        contents.__getitem__,
        DetectionSettings(),
        processes=processes,
        cache=stored.load,
        last=stored.last(),
    )
    if new is not None:
        stored.keep(new)
    return cpu() - started, time.monotonic() - wall, len(found.groups)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--growth", action="store_true")
    args = parser.parse_args()
    paths = [p.relative_to(args.folder).as_posix() for p in sorted(args.folder.rglob("*.py")) if p.is_file()]
    contents = {path: (args.folder / path).read_bytes() for path in paths}
    for step in (8, 4, 2, 1) if args.growth else (1,):
        part = {path: contents[path] for path in paths[::step]}
        lines = sum(data.count(b"\n") for data in part.values())
        parse_cpu, parse_wall = parse_all(part)
        with tempfile.TemporaryDirectory() as folder:
            cache = Path(folder) / "duplicates.msgpack"
            used, wall, groups = run(part, args.processes, cache)
            print(
                f"{len(part)} files, {lines} lines: L {parse_cpu:.2f} s CPU, {parse_wall:.2f} s wall;"
                f" cold {used / parse_cpu:.2f} L CPU, {wall / parse_wall:.2f} L wall, {groups} groups",
                flush=True,
            )
            if step == 1:
                used, wall, _ = run(part, args.processes, cache)
                print(f"unchanged: {used / parse_cpu:.2f} L CPU, {wall / parse_wall:.2f} L wall")
                for path in paths[:: max(1, len(paths) // 5)]:
                    part[path] += b"\nCHANGED = 1\n"
                used, wall, _ = run(part, args.processes, cache)
                print(f"six files changed: {used / parse_cpu:.2f} L CPU, {wall / parse_wall:.2f} L wall")
    kinds = (("this process", resource.RUSAGE_SELF), ("largest worker", resource.RUSAGE_CHILDREN))
    print(", ".join(f"{name} {resource.getrusage(who).ru_maxrss // 1024} MB" for name, who in kinds))


if __name__ == "__main__":
    main()
