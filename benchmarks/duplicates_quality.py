"""Measures recall and precision of the duplicate search on trees with injected clones, beside other tools.

    python benchmarks/duplicates_quality.py --clonebench clonebench.py --corpus site-packages/django --seed 11
    \\
        --work WORK [--jscpd node_modules/.bin/jscpd] [--symilar symilar] [--pmd pmd/bin/pmd]

For each corpus and seed it generates the tree once (WORK/NAME-SEED), searches it in all modes with the
default settings and scope `all`, writes every pair of every group as CSV, and prints the table of clonebench.
The other tools run on the same tree; their settings are in `PEERS`, the ones that find most first. A tool
that ends with an error is said so, and its row left out.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import json
import re
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from xml.etree import ElementTree

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from analyzers.duplicates.detection import DetectionSettings, detect_duplicates
from analyzers.duplicates.duplicate_model import DetectedClones

Row = tuple[str, int, int, str, int, int]
HEADER = ("file_a", "start_a", "end_a", "file_b", "start_b", "end_b")


def rows_of(found: DetectedClones) -> Iterator[Row]:
    """Yields every pair of every group: with the lines compared, where the pair was, else with its places."""
    for group in found.groups:
        compared = {(p.a, p.b): p for p in group.pairs}
        for i, j in itertools.combinations(range(len(group.places)), 2):
            a, b = group.places[i], group.places[j]
            pair = compared.get((i, j))
            if pair:
                yield a.path, pair.first_a, pair.last_a, b.path, pair.first_b, pair.last_b
            else:
                yield a.path, a.first, a.last, b.path, b.first, b.last


def search(tree: Path, processes: int) -> DetectedClones:
    """Returns the duplicates of all Python files of a folder, with default settings."""
    paths = [p.relative_to(tree).as_posix() for p in sorted(tree.rglob("*.py")) if p.is_file()]
    found, _ = detect_duplicates(
        paths, lambda path: (tree / path).read_bytes(), DetectionSettings(), processes=processes
    )
    return found


def write_rows(path: Path, rows: Iterator[Row]) -> None:
    """Writes a report as clonebench reads it."""
    with path.open("w", newline="", encoding="utf-8") as file:
        out = csv.writer(file)
        out.writerow(HEADER)
        out.writerows(rows)


def jscpd_rows(command: str, tree: Path, work: Path, options: Sequence[str]) -> Iterator[Row]:
    """Yields the pairs that jscpd reports."""
    folder = work / "jscpd"
    shutil.rmtree(folder, ignore_errors=True)
    _run([command, str(tree), "--reporters", "json", "--output", str(folder), "--silent", *options])
    report = json.loads((folder / "jscpd-report.json").read_text(encoding="utf-8"))
    for one in report["duplicates"]:
        a, b = one["firstFile"], one["secondFile"]
        yield a["name"], a["start"], a["end"], b["name"], b["start"], b["end"]


def pmd_rows(command: str, tree: Path, work: Path, options: Sequence[str]) -> Iterator[Row]:
    """Yields the pairs of the groups that PMD CPD reports."""
    report = work / "cpd.xml"
    with report.open("wb") as out:
        arguments = [command, "cpd", "--language", "python", "--dir", str(tree), "--format", "xml", *options]
        subprocess.run(arguments, stdout=out, stderr=subprocess.DEVNULL, check=False)
    for group in ElementTree.parse(report).getroot():
        if not group.tag.endswith("duplication"):
            continue
        places = [
            (f.get("path", ""), int(f.get("line", "0")), int(f.get("endline", "0")))
            for f in group
            if f.tag.endswith("file")
        ]
        for a, b in itertools.combinations(places, 2):
            yield (*a, *b)


_SIMILAR = re.compile(r"^==(.+):\[(\d+):(\d+)\]$")


def symilar_rows(command: str, tree: Path, work: Path, options: Sequence[str]) -> Iterator[Row]:
    """Yields the pairs of the groups that pylint's symilar reports."""
    files = [str(p) for p in sorted(tree.rglob("*.py"))]
    done = subprocess.run(
        [*command.split(), *options, *files], capture_output=True, text=True, check=False, errors="replace"
    )
    (work / "symilar.txt").write_text(done.stdout, encoding="utf-8")
    places: list[tuple[str, int, int]] = []
    for line in [*done.stdout.splitlines(), "similar lines in"]:
        if "similar lines in" in line:
            for a, b in itertools.combinations(places, 2):
                yield (*a, *b)
            places = []
        elif match := _SIMILAR.match(line):
            places.append((match[1], int(match[2]) + 1, int(match[3])))


_IGNORE = ("--ignore-identifiers", "--ignore-literals")
PEERS = {
    "jscpd": (
        jscpd_rows,
        (
            ("default", ()),
            ("gaps", ("--min-lines", "8", "--min-tokens", "40", "--max-gap-lines", "3")),
            (
                "names and literals ignored, gaps",
                ("--min-lines", "8", "--min-tokens", "40", "--max-gap-lines", "3", *_IGNORE),
            ),
        ),
    ),
    "pmd": (
        pmd_rows,
        (
            ("60 tokens", ("--minimum-tokens", "60")),
            (
                "60 tokens, names and literals ignored",
                ("--minimum-tokens", "60", "--ignore-identifiers", "--ignore-literals"),
            ),
        ),
    ),
    "symilar": (symilar_rows, (("8 lines", ("--duplicates=8", "--ignore-comments", "--ignore-docstrings")),)),
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--clonebench", required=True, type=Path)
    parser.add_argument("--corpus", required=True, action="append", type=Path, help="repeatable")
    parser.add_argument("--seed", required=True, action="append", help="repeatable")
    parser.add_argument("--work", required=True, type=Path)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--sample", default="400", help="pairs judged for precision (default: 400)")
    for peer in PEERS:
        parser.add_argument(f"--{peer}", default="", help="command")
    args = parser.parse_args()
    for corpus, seed in itertools.product(args.corpus, args.seed):
        work = args.work / f"{corpus.name}-{seed}"
        if not (work / "truth.json").exists():
            _run([sys.executable, str(args.clonebench), "generate", str(corpus), str(work), "--seed", seed])
        print(f"\n## {corpus.name}, seed {seed}", flush=True)
        reports = [f"hocmig={_ours(work, args.processes)}"]
        for peer, (rows, settings) in PEERS.items():
            command = getattr(args, peer)
            for name, options in settings if command else ():
                report = work / f"{peer}-{len(reports)}.csv"
                started = time.monotonic()
                try:
                    write_rows(report, rows(command, work / "src", work, options))
                except (
                    OSError,
                    ValueError,
                    KeyError,
                    subprocess.CalledProcessError,
                    ElementTree.ParseError,
                ) as e:
                    print(f"{peer} ({name}) failed: {e}")
                    continue
                print(f"{peer} ({name}): {time.monotonic() - started:.0f} s wall", flush=True)
                reports.append(f"{peer}, {name}={report}")
        truth = str(work / "truth.json")
        _run(
            [sys.executable, str(args.clonebench), "score", truth, *reports, "--sample", args.sample],
            show=True,
        )


def _ours(work: Path, processes: int) -> Path:
    started = time.monotonic()
    found = search(work / "src", processes)
    seconds = time.monotonic() - started
    spent = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    memory = " + ".join(f"{one.ru_maxrss // 1024}" for one in spent)
    print(
        f"hocmig: {len(found.groups)} groups, {seconds:.0f} s wall, largest processes {memory} MB", flush=True
    )
    report = work / "hocmig.csv"
    write_rows(report, rows_of(found))
    return report


def _run(command: Sequence[str], *, show: bool = False) -> None:
    subprocess.run(command, check=True, stdout=None if show else subprocess.DEVNULL)


if __name__ == "__main__":
    main()
