"""How well `hocmig suggest` finds misplaced files: the sample's, planted ones, moves known from history.

    python benchmarks/suggest_quality.py --cache DIR [--part sample|planted|history] [--set held-out|fitted]
    python benchmarks/suggest_quality.py --cache DIR --terms terms.csv      # what the weights are fitted on

Packages are fetched once, with pip, into the cache folder. Planted: a twentieth of a package's modules is
given to a wrong sub-package each, three times with different seeds. History: of two releases, the files whose
definitions stand in a file of another sub-package later, one that existed in the first release.
The weights were fitted on FITTED and the sample; nothing was chosen by looking at HELD_OUT and PAIRS.
"""

from __future__ import annotations

import argparse
import csv
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from analyzers.configuration import Configuration
from analyzers.domain_inventory import domain_of
from analyzers.import_graph import ImportGraph
from analyzers.import_index import load_index
from analyzers.layout import ProjectLayout
from analyzers.misplacement.placement_facts import PlacementFacts, is_test, placement_facts, relabelled
from analyzers.misplacement.suggestions import TERMS, find_misplaced, placement_terms
from hocmig.sample.domains import DOMAIN_ROOT
from hocmig.sample.generator import write_sample
from hocmig.sample.placed import misplaced

#: (distribution, version, Python version of its wheel, folder that holds the domains)
FITTED = (
    ("Django", "4.2", "3.11", "django"),
    ("sympy", "1.12", "3.11", "sympy"),
    ("neutron", "23.0.0", "3.8", "neutron"),
    ("scikit-learn", "1.3.0", "3.11", "sklearn"),
    ("wagtail", "5.0", "3.10", "wagtail"),
    ("networkx", "3.1", "3.11", "networkx"),
    ("pip", "23.0", "3.11", "pip/_internal"),
)
HELD_OUT = (
    ("astropy", "5.3", "3.10", "astropy"),
    ("apache-airflow", "2.6.0", "3.10", "airflow"),
    ("SQLAlchemy", "2.0.20", "3.11", "sqlalchemy"),
    ("scipy", "1.10.1", "3.11", "scipy"),
    ("aiida-core", "2.3.0", "3.9", "aiida"),
    ("mitmproxy", "9.0.0", "3.9", "mitmproxy"),
    ("buildbot", "3.8.0", "3.11", "buildbot"),
    ("matrix-synapse", "1.60.0", "3.8", "synapse"),
    ("qiskit-terra", "0.24.0", "3.10", "qiskit"),
    ("great-expectations", "0.17.0", "3.10", "great_expectations"),
)
#: (distribution, folder of the domains, releases with the Python versions of their wheels, oldest first)
PAIRS = (
    ("Django", "django", (("1.8", "3.5"), ("4.2", "3.11"))),
    ("sympy", "sympy", (("1.4", "3.7"), ("1.12", "3.11"))),
    ("SQLAlchemy", "sqlalchemy", (("1.3.24", "3.7"), ("2.0.20", "3.11"))),
    ("neutron", "neutron", (("15.0.0", "3.6"), ("23.0.0", "3.8"))),
    ("scipy", "scipy", (("1.2.3", "3.7"), ("1.10.1", "3.11"))),
    ("astropy", "astropy", (("3.2", "3.7"), ("5.3", "3.10"))),
    ("buildbot", "buildbot", (("1.0.0", "3.6"), ("3.8.0", "3.11"))),
    ("mlflow", "mlflow", (("1.0.0", "3.7"), ("2.5.0", "3.11"))),
    ("qiskit-terra", "qiskit", (("0.10.0", "3.7"), ("0.24.0", "3.10"))),
    ("great-expectations", "great_expectations", (("0.11.0", "3.7"), ("0.17.0", "3.10"))),
    ("dvc", "dvc", (("1.0.0", "3.7"), ("3.0.0", "3.10"))),
    ("wagtail", "wagtail", (("2.0", "3.6"), ("5.0", "3.10"))),
    ("pytorch-lightning", "pytorch_lightning", (("1.0.0", "3.8"), ("1.4.0", "3.8"), ("1.9.0", "3.8"))),
    ("aiida-core", "aiida", (("1.0.0", "3.9"), ("1.6.0", "3.9"), ("2.3.0", "3.9"))),
    ("mitmproxy", "mitmproxy", (("3.0.0", "3.9"), ("5.0", "3.9"), ("9.0.0", "3.9"))),
    ("rasa", "rasa", (("1.0.0", "3.7"), ("1.10.0", "3.7"), ("2.8.0", "3.7"), ("3.5.0", "3.7"))),
    ("streamlit", "streamlit", (("0.60.0", "3.8"), ("0.80.0", "3.8"), ("1.4.0", "3.8"), ("1.25.0", "3.8"))),
    ("sktime", "sktime", (("0.13.0", "3.8"), ("0.24.0", "3.8"))),
    ("matrix-synapse", "synapse", (("1.30.0", "3.8"), ("1.60.0", "3.8"))),
)
SEEDS = (1, 2, 3)
THRESHOLDS = (-1.0, -0.5, 0.0, 0.5, 1.0, 2.0)


# --- the trees ---


def fetch(cache: Path, name: str, version: str, python: str) -> Path:
    """The folder with the Python files of a release's wheel."""
    target = cache / f"{name}-{version}"
    if target.is_dir():
        return target
    platforms = (
        "any",
        "manylinux1_x86_64",
        "manylinux2010_x86_64",
        "manylinux2014_x86_64",
        "manylinux_2_17_x86_64",
    )
    with tempfile.TemporaryDirectory(dir=cache) as folder:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
        command += ["--python-version", python, "--dest", folder]
        command += [word for platform in platforms for word in ("--platform", platform)]
        subprocess.run([*command, f"{name}=={version}"], check=True)
        (wheel,) = Path(folder).glob("*.whl")
        unpacked = Path(folder) / "tree"
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(unpacked, [n for n in archive.namelist() if n.endswith(".py")])
        unpacked.rename(target)
    return target


def facts_of(tree: Path, domain_root: str, import_root: str = ".") -> PlacementFacts:
    config = Configuration(import_roots=(import_root,), domain_root=domain_root)
    index = load_index(ProjectLayout(tree, config.import_roots), exclude=("_vendor/", "vendor/"))
    return placement_facts(ImportGraph(index), lambda path: domain_of(path, config))


# --- counting ---


class Tally:
    """Counts of listed files against the truth, per threshold."""

    def __init__(self, title: str) -> None:
        self.title = title
        self.wanted = 0
        self.listed: Counter[float] = Counter()
        self.found: Counter[float] = Counter()
        self.right: Counter[float] = Counter()
        self.first_ten = 0

    def add(self, facts: PlacementFacts, truth: dict[str, str]) -> None:
        """Count the suggestions for a tree; `truth` gives the domain where each misplaced file belongs."""
        self.wanted += len(truth)
        suggestions = find_misplaced(facts, least=THRESHOLDS[0])
        for number, one in enumerate(suggestions):
            is_right = truth.get(one.path) == one.target
            self.first_ten += number < 10 and is_right
            for threshold in THRESHOLDS:
                if one.score >= threshold:
                    self.listed[threshold] += 1
                    self.found[threshold] += one.path in truth
                    self.right[threshold] += is_right

    def join(self, other: Tally) -> None:
        self.wanted += other.wanted
        self.first_ten += other.first_ten
        for mine, theirs in (
            (self.listed, other.listed),
            (self.found, other.found),
            (self.right, other.right),
        ):
            mine.update(theirs)

    def report(self, thresholds: tuple[float, ...] = (0.0,)) -> None:
        for threshold in thresholds:
            listed, found, right = (c[threshold] for c in (self.listed, self.found, self.right))
            precision = f"{right / listed:.2f}" if listed else "-"
            recall = f"{right / self.wanted:.2f}" if self.wanted else "-"
            print(
                f"{self.title:<28}{threshold:>6}{self.wanted:>8}{listed:>8}{found:>8}{right:>8}"
                f"{precision:>10}{recall:>8}",
                flush=True,
            )


def heading() -> None:
    columns = ("wanted", "listed", "found", "right")
    print(f"{'':<28}{'score':>6}" + "".join(f"{c:>8}" for c in columns) + f"{'precision':>10}{'recall':>8}")


# --- the three measurements ---


def sample_facts(folder: Path) -> tuple[PlacementFacts, dict[str, str]]:
    tree = folder / "sample"
    write_sample(tree)
    facts = facts_of(tree, DOMAIN_ROOT, "backend")
    truth = {f"{DOMAIN_ROOT}/{record.path}": record.decision.split("/")[0] for record in misplaced()}
    return facts, {path: domain for path, domain in truth.items() if path in facts.files}


def plant(facts: PlacementFacts, count: int, seed: int) -> dict[str, str]:
    """`count` modules and a wrong domain for each; every domain keeps at least three of its modules."""
    rng = random.Random(seed)
    left = Counter(file.domain for file in facts.files.values())
    domains = [domain for domain in facts.domains if left[domain] >= 3]
    paths = list(facts.files)
    rng.shuffle(paths)
    moves: dict[str, str] = {}
    for path in paths:
        domain = facts.files[path].domain
        if len(moves) < count and left[domain] > 3 and len(domains) > 1:
            left[domain] -= 1
            moves[path] = rng.choice([other for other in domains if other != domain])
    return moves


def planted(facts: PlacementFacts, seed: int) -> tuple[PlacementFacts, dict[str, str]]:
    """The facts with misplaced files, and where these belong."""
    moves = plant(facts, max(3, len(facts.files) // 20), seed)
    return relabelled(facts, moves), {path: facts.files[path].domain for path in moves}


_DEFINITION = re.compile(rb"^(?:async def|def|class) +(\w+)|^([A-Za-z_]\w{3,}) *=", re.M)
_IMPORT = re.compile(rb"(import|from)\b")


def moved_between(old: Path, new: Path, facts: PlacementFacts, domain_root: str) -> dict[str, str]:
    """The files that stand in another domain, one that `facts` has, in the newer release.

    A file has moved when its definitions are gone from its path, and at least 60 % of them and 30 % of its
    lines (of the shorter file's) stand in a file that had none of them before.
    """
    before, after = (_contents(tree / domain_root, tree) for tree in (old, new))
    sizes = Counter(file.domain for file in facts.files.values())
    truth = {}
    for path in facts.files:
        names, lines = before[path]
        kept_names, kept_lines = after.get(path, (frozenset(), frozenset()))
        stays = kept_names and 10 * len(names & kept_names) > 3 * len(names)
        if len(names) < 2 or (stays and 10 * len(lines & kept_lines) > 3 * len(lines)):
            continue
        best = (0.0, "")
        for other, (other_names, other_lines) in after.items():
            had = before.get(other, (frozenset(), frozenset()))[0]
            if other == path or 10 * len(had & names) > 3 * len(names):
                continue
            share = len(names & other_names) / len(names)
            likeness = len(lines & other_lines) / max(1, min(len(lines), len(other_lines)))
            if share >= 0.6 and likeness >= 0.3:
                same_name = path.rpartition("/")[2] == other.rpartition("/")[2]
                best = max(best, (share + likeness + same_name, other))
        config = Configuration(domain_root=domain_root)
        domain = domain_of(best[1], config)[0]
        if domain and domain != facts.files[path].domain and sizes[domain] >= 2:
            truth[path] = domain
    return truth


def _contents(folder: Path, tree: Path) -> dict[str, tuple[frozenset[bytes], frozenset[bytes]]]:
    """Per file: the names that it defines at module level, and its lines without imports."""
    found = {}
    for path in sorted(folder.rglob("*.py")):
        name = path.relative_to(tree).as_posix()
        if is_test(name) or path.name == "__init__.py":
            continue
        content = path.read_bytes()
        names = frozenset(m[1] or m[2] for m in _DEFINITION.finditer(content))
        stripped = (line.strip() for line in content.splitlines())
        lines = frozenset(line for line in stripped if len(line) >= 4 and not _IMPORT.match(line))
        found[name] = names, lines
    return found


def releases(cache: Path) -> Iterator[tuple[str, Path, Path, str]]:
    for name, domain_root, versions in PAIRS:
        for (old, old_python), (new, new_python) in pairwise(versions):
            title = f"{name} {old} to {new}"
            yield title, fetch(cache, name, old, old_python), fetch(cache, name, new, new_python), domain_root


def write_terms(cache: Path, target: Path, folder: Path) -> None:
    """One row per file and other domain of the planted FITTED packages and the sample."""
    with target.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(("tree", "path", "domain", "belongs_there", *TERMS))
        trees = [
            (f"{p[0]}-{seed}", *planted(facts_of(fetch(cache, *p[:3]), p[3]), seed))
            for p in FITTED
            for seed in SEEDS
        ]
        for title, facts, truth in [*trees, ("sample", *sample_facts(folder))]:
            for file, domain, terms in placement_terms(facts):
                belongs = int(truth.get(file.path) == domain)
                writer.writerow((title, file.path, domain, belongs, *(f"{terms[k]:.5g}" for k in TERMS)))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cache", type=Path, required=True, help="where packages are kept")
    parser.add_argument("--part", choices=("sample", "planted", "history"))
    parser.add_argument("--set", dest="chosen", choices=("held-out", "fitted"), default="held-out")
    parser.add_argument("--terms", type=Path, help="write the terms for fitting, and stop")
    options = parser.parse_args()
    options.cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        if options.terms:
            write_terms(options.cache, options.terms, Path(name))
            return
        heading()
        if options.part in (None, "sample"):
            tally = Tally("sample")
            tally.add(*sample_facts(Path(name)))
            tally.report(THRESHOLDS)
    if options.part in (None, "planted"):
        whole = Tally(f"planted, {options.chosen}")
        for distribution, version, python, domain_root in FITTED if options.chosen == "fitted" else HELD_OUT:
            facts = facts_of(fetch(options.cache, distribution, version, python), domain_root)
            tally = Tally(f"{distribution} {version}")
            start = time.perf_counter()
            for seed in SEEDS:
                tally.add(*planted(facts, seed))
            tally.report()
            seconds = (time.perf_counter() - start) / len(SEEDS)
            print(f"    {len(facts.files)} files, {len(facts.domains)} domains, {seconds:.2f} s each")
            whole.join(tally)
        whole.report(THRESHOLDS)
    if options.part in (None, "history"):
        whole = Tally("history")
        ranked: list[tuple[float, int]] = []
        for title, old, new, domain_root in releases(options.cache):
            facts = facts_of(old, domain_root)
            truth = moved_between(old, new, facts, domain_root)
            tally = Tally(title[:27])
            tally.add(facts, truth)
            tally.report()
            whole.join(tally)
            ranked += ranks(facts, truth)
        whole.report(THRESHOLDS)
        shares, places = zip(*ranked, strict=True)
        first, third = (sum(place <= most for place in places) for most in (1, 3))
        print(f"    {len(ranked)} moved files; their later domain scores best of the others {first} times,")
        print(
            f"    among the best three {third} times; {statistics.median(shares):.0%} of all files (median)"
        )
        print("    look more misplaced than a moved one")


def ranks(facts: PlacementFacts, truth: dict[str, str]) -> list[tuple[float, int]]:
    """For each moved file: the share of files that look more misplaced, and the place of its later domain."""
    best: dict[str, float] = {}
    scores: dict[str, list[tuple[float, str]]] = {}
    for file, domain, terms in placement_terms(facts):
        score = sum(TERMS[name] * value for name, value in terms.items())
        best[file.path] = max(score, best.get(file.path, score))
        if file.path in truth:
            scores.setdefault(file.path, []).append((-score, domain))
    found = []
    for path, row in scores.items():
        place = [domain for _, domain in sorted(row)].index(truth[path]) + 1
        found.append((sum(other > best[path] for other in best.values()) / len(best), place))
    return found


if __name__ == "__main__":
    main()
