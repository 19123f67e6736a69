"""Real projects in a prepared cache, their tests, their imports and their names: shared by the benchmarks.

A cache holds `src/NAME` (the unpacked sources), `venv/NAME` (an environment with what the tests need, without
the project itself) and `meta/NAME` (the project's metadata, for `importlib.metadata`).
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

#: Files that are ours or the interpreter's, not the project's.
_OURS = frozenset(
    {".git", ".hocmig", "backups", "__pycache__", "hocmig.yaml", ".libcst.codemod.yaml", "maps"}
)

_IMPORTS = """
import importlib, json, os, sys, warnings
warnings.simplefilter("ignore")
sys.dont_write_bytecode = True
def load(module):
    try:
        importlib.import_module(module)
        return "ok"
    except BaseException as error:
        return f"{type(error).__name__}: {error}"[:300]
found = {}
alone, together = json.load(sys.stdin)
for module in alone:
    read, write = os.pipe()
    child = os.fork()
    if not child:
        os.write(write, load(module).encode())
        os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        found[module] = pipe.read().decode() or "died"
    os.waitpid(child, 0)
for module in together:
    said = load(module)
    if found.get(module, "ok") == "ok":
        found[module] = said
print("\\n" + json.dumps(found))
"""

_NAMES = """
import importlib, json, sys, types, warnings
warnings.simplefilter("ignore")
sys.dont_write_bytecode = True
found, loaded = {}, {}
for module in json.load(sys.stdin):
    try:
        loaded[module] = importlib.import_module(module)
    except BaseException:
        pass
for module, value in loaded.items():
    names = {}
    for name, bound in vars(value).items():
        if name.startswith("__") and name.endswith("__"):
            continue
        is_module = isinstance(bound, types.ModuleType)
        names[name] = ["module", bound.__name__] if is_module else [type(bound).__name__, ""]
    found[module] = names
print("\\n" + json.dumps(found))
"""


@dataclass(frozen=True)
class Project:
    """One project: its top package, the folder that holds it, the arguments of its test run."""

    name: str
    package: str
    source_root: str
    tests: tuple[str, ...]
    import_roots: tuple[str, ...]
    #: Packages in which nothing is moved: a test lists the files of the folder.
    excluded: tuple[str, ...] = ()


PROJECTS = (
    Project(
        "werkzeug",
        "werkzeug",
        "src",
        (
            "tests",
            "--ignore=tests/test_serving.py",
            "--ignore=tests/test_debug.py",
            "--ignore=tests/middleware/test_http_proxy.py",
            "--deselect=tests/test_routing.py::test_long_build",
        ),
        ("src", "."),
        ("werkzeug.debug",),
    ),
    Project("python-docx", "docx", "src", ("tests",), ("src", ".")),
    Project("starlette", "starlette", ".", ("tests",), (".",)),
)


@dataclass(frozen=True)
class Checkout:
    """A copy of a project that may be changed; `root` is its folder, `cache` the prepared cache."""

    project: Project
    root: Path
    cache: Path

    def write_configuration(self, **keys: str) -> None:
        """Write a `hocmig.yaml` with the import roots and `keys`."""
        roots = ", ".join(repr(root) for root in self.project.import_roots)
        lines = ["version: 1", f"import_roots: [{roots}]", *(f"{k}: {v}" for k, v in keys.items())]
        (self.root / "hocmig.yaml").write_text("\n".join(lines) + "\n")

    def hocmig(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a hocmig command on the copy."""
        command = [sys.executable, "-m", "hocmig", "--root", str(self.root), "--no-progress", *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    def python(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run the project's interpreter in the copy."""
        command = [str(self.cache / "venv" / self.project.name / "bin" / "python"), *arguments]
        return subprocess.run(
            command,
            cwd=self.root,
            env=self._environment(),
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
        )

    def _environment(self) -> dict[str, str]:
        roots = [str(self.root / folder) for folder in dict.fromkeys((self.project.source_root, "."))]
        paths = [*roots, str(self.cache / "meta" / self.project.name)]
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST", "PYTHON"))}
        return {
            **kept,
            "PYTHONPATH": os.pathsep.join(paths),
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONHASHSEED": "0",
            "TZ": "UTC",
            "LC_ALL": "C.UTF-8",
        }

    # -- what is compared ----------------------------------------------------------------------------------

    def passed_tests(self) -> set[str]:
        """The ids of the tests that pass."""
        with tempfile.TemporaryDirectory() as folder:
            report = Path(folder) / "report.xml"
            flags = ("-q", "-p", "no:cacheprovider", "-o", "addopts=", "-W", "ignore")
            more = ("--continue-on-collection-errors", f"--junitxml={report}")
            done = self.python("-m", "pytest", *flags, *more, *self.project.tests)
            if not report.is_file():
                raise SystemExit(
                    f"{self.project.name}: no test report\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
                )
            cases = ElementTree.parse(report).iter("testcase")
            return {f"{c.get('classname')}::{c.get('name')}" for c in cases if not len(c) or _is_passed(c)}

    def modules(self) -> dict[str, str]:
        """Module name -> path below the copy, of all modules of the package but `__main__`; sorted."""
        source = self.root / self.project.source_root
        found = {}
        for path in sorted((source / self.project.package).rglob("*.py")):
            parts = path.relative_to(source).with_suffix("").parts
            if parts[-1] == "__main__" or not all(part.isidentifier() for part in parts):
                continue
            name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            found[name] = path.relative_to(self.root).as_posix()
        return found

    def movable(self) -> dict[str, str]:
        """`modules`, without packages and without what the project excludes."""
        excluded = self.project.excluded
        return {
            module: path
            for module, path in self.modules().items()
            if not path.endswith("/__init__.py") and not module.startswith(tuple(f"{e}." for e in excluded))
        }

    def imports(self, modules: Iterable[str], alone: Iterable[str] = ()) -> dict[str, str]:
        """Module -> `ok` or the error; one process imports all, those of `alone` a fresh one each, too."""
        return self._answer(_IMPORTS, [sorted(alone), sorted(modules)])

    def names(self, modules: Iterable[str]) -> dict[str, dict[str, list[str]]]:
        """Module -> its names without dunders -> (`module`, its name) or (the type's name, empty)."""
        return self._answer(_NAMES, sorted(modules))

    def _answer(self, program: str, question: object) -> Any:
        done = self.python("-c", program, stdin=json.dumps(question))
        try:
            return json.loads(done.stdout.rpartition("\n{")[2].join(("{", "")))
        except ValueError:
            raise SystemExit(f"{self.project.name}: no answer\n{done.stderr[-2000:]}") from None

    def files(self) -> dict[str, bytes]:
        """Path -> bytes of the project's files, ours and the interpreter's left out."""
        return {
            path.relative_to(self.root).as_posix(): path.read_bytes()
            for path in sorted(self.root.rglob("*"))
            if path.is_file() and not _OURS.intersection(path.relative_to(self.root).parts)
        }


def checkout(project: Project, cache: Path, work: Path) -> Checkout:
    """A fresh copy of the project below `work`, without its version control."""
    root = work.resolve() / project.name
    shutil.rmtree(root, ignore_errors=True)
    ignored = shutil.ignore_patterns(".git", "__pycache__")
    shutil.copytree(cache / "src" / project.name, root, symlinks=True, ignore=ignored)
    return Checkout(project, root, cache.resolve())


@dataclass(frozen=True)
class Run:
    """One run of a benchmark: a fresh copy, what is to be done, and the random numbers of the seed."""

    copy: Checkout
    kind: str
    seed: int
    rng: random.Random
    _passed: dict[str, set[str]]

    @property
    def tests_before(self) -> set[str]:
        """The tests that pass in the project as it is; asked before anything changes, run once."""
        name = self.copy.project.name
        if name not in self._passed:
            self._passed[name] = self.copy.passed_tests()
        return self._passed[name]


def project_arguments(description: str, option: str, kinds: Sequence[str]) -> argparse.ArgumentParser:
    """The arguments that say where, what and how often; `option` chooses among `kinds`."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("cache", type=Path)
    folder = Path(tempfile.gettempdir()) / "hocmig-real-projects"
    parser.add_argument("--work", type=Path, default=folder, help="where copies are made")
    parser.add_argument("--project", action="append", default=[], choices=[p.name for p in PROJECTS])
    parser.add_argument(option, dest="kinds", action="append", default=[], choices=kinds)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--first-seed", type=int, default=1)
    return parser


def runs(arguments: argparse.Namespace, kinds: Sequence[str]) -> Iterator[Run]:
    """Every run that the arguments ask for, each on a fresh copy."""
    passed: dict[str, set[str]] = {}
    for project in chosen_projects(arguments.project):
        for kind in arguments.kinds or kinds:
            for seed in range(arguments.first_seed, arguments.first_seed + arguments.seeds):
                copy = checkout(project, arguments.cache, arguments.work)
                yield Run(copy, kind, seed, random.Random(f"{project.name} {kind} {seed}"), passed)


def chosen_projects(names: Iterable[str]) -> list[Project]:
    """The projects with these names, or all."""
    wanted = set(names)
    return [project for project in PROJECTS if not wanted or project.name in wanted]


def import_lines(text: bytes) -> set[int]:
    """The 1-based lines on which import statements stand; empty for what does not parse."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return set()
    found: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            found.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return found


def differing_files(before: Mapping[str, bytes], after: Mapping[str, bytes]) -> list[str]:
    """The paths whose bytes differ or that only one side has, sorted."""
    return sorted(p for p in before.keys() | after.keys() if before.get(p) != after.get(p))


def _is_passed(case: ElementTree.Element) -> bool:
    return not any(child.tag in ("failure", "error", "skipped") for child in case)
