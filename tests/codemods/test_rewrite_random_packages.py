"""Random small packages with random import forms, random moves, executed before and after.

HOCMIG_RANDOM_EXAMPLES sets the number of examples (60 unless told otherwise).
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analyzers.errors import InputError
from analyzers.file_facts import read_facts
from analyzers.file_rewriting import FileRewriter, hashes_before
from analyzers.import_index import SourceIndex
from analyzers.layout import ProjectLayout
from analyzers.relocation_map import RelocationMap
from analyzers.relocation_table import relocations_of_moves
from codemods._statement_splice import rewritten_bytes

EXAMPLES = int(os.environ.get("HOCMIG_RANDOM_EXAMPLES", "60"))
LEAVES = ("a", "b", "c", "x", "mod")
TOPS = ("a", "b", "pkg", "x")

#: Imports every module of both trees in the order given and calls its `observe`.
_RUN = """
import importlib, json, sys
sys.dont_write_bytecode = True
own = set(sys.modules)
results = []
for root, modules in json.loads(sys.argv[1]):
    sys.path.insert(0, root)
    importlib.invalidate_caches()
    values = []
    for name in modules:
        try:
            values.append(importlib.import_module(name).observe())
        except Exception as error:
            values.append(f"{type(error).__name__}: {error}")
    results.append(values)
    sys.path.remove(root)
    for name in set(sys.modules) - own:
        del sys.modules[name]
print(json.dumps(results, default=lambda value: type(value).__name__))
"""


@dataclass
class Project:
    """Modules in an order in which each imports only earlier ones at module level."""

    rng: random.Random
    modules: list[str] = field(default_factory=list)
    packages: set[str] = field(default_factory=set)
    files: dict[str, str] = field(default_factory=dict)

    def build(self) -> None:
        rng = self.rng
        places = [(top,) for top in TOPS] + [(t, s) for t in TOPS for s in ("sub", "a")]
        rng.shuffle(places)
        for place in places[: rng.randint(2, 4)]:
            self.packages.update(".".join(place[:n]) for n in range(1, len(place) + 1))
        candidates = [f"{p}.{leaf}" for p in sorted(self.packages) for leaf in LEAVES]
        candidates = [c for c in candidates if c not in self.packages]
        rng.shuffle(candidates)
        self.modules = candidates[: rng.randint(4, 7)]
        for package in sorted(self.packages):
            self.files[package.replace(".", "/") + "/__init__.py"] = self.init_of(package)
        for number, module in enumerate(self.modules):
            self.files[module.replace(".", "/") + ".py"] = self.text_of(number, module)

    def init_of(self, package: str) -> str:
        simple = [(n, m) for n, m in enumerate(self.modules[:2]) if m.rpartition(".")[0] == package]
        if not simple or self.rng.random() < 0.6:
            return ""
        number, module = simple[0]
        leaf = module.rpartition(".")[2]
        return self.rng.choice(
            (f"from .{leaf} import v{number}\n", f"from . import {leaf}\n", f"from {module} import *\n")
        )

    def text_of(self, number: int, module: str) -> str:
        rng = self.rng
        lines = [f"v{number} = 'value {number}'"]
        observed = [f"v{number}"]
        functions: list[str] = []
        if number >= 2:
            for _ in range(rng.randint(1, 4)):
                statement, expression = self.import_of(rng.randrange(number), module, len(observed))
                observed.append(expression)
                lines += self.guarded(statement)
            for which in range(rng.randint(0, 2)):
                statement, expression = self.import_of(rng.randrange(len(self.modules)), module, 50 + which)
                shadow = rng.choice(("", *TOPS, "mod"))
                functions.append(f"def late{which}({shadow + '=1' if shadow else ''}):")
                if "*" in statement or (shadow and expression.split(".")[0] == shadow):
                    functions.append("    return 0")
                else:
                    functions += [f"    {statement}", f"    return {expression}"]
                observed.append(f"late{which}()")
            if rng.random() < 0.3:
                lines.append(f"{rng.choice((*TOPS, 'y'))}_ = 5")
            if rng.random() < 0.2:
                lines.append(f"def inner({rng.choice(TOPS)}): return [{observed[-1]} for _ in (1,)]")
        body = "\n".join(f"    get(lambda: {e})," for e in observed)
        helper = (
            "def get(call):\n    try:\n        return call()\n    except Exception as error:\n"
            "        return type(error).__name__"
        )
        return "\n".join([*lines, *functions, helper, f"def observe(): return [\n{body}\n]", ""])

    def guarded(self, statement: str) -> list[str]:
        kind = self.rng.random()
        if kind < 0.15:
            return ["try:", f"    {statement}", "except ImportError:", "    pass"]
        if kind < 0.25:
            return [f"if True: {statement}"]
        if kind < 0.3:
            return [f"import os; {statement}"]
        return [statement]

    def import_of(self, number: int, client: str, salt: int) -> tuple[str, str]:
        """(statement, expression that reads the module's value)."""
        target = self.modules[number]
        parent, _, leaf = target.rpartition(".")
        value, alias = f"v{number}", f"n{salt}"
        forms = [
            (f"from {target} import {value}", value),
            (f"from {target} import {value} as {alias}", alias),
            (f"import {target}", f"{target}.{value}"),
            (f"import {target} as {alias}", f"{alias}.{value}"),
            (f"from {parent} import {leaf}", f"{leaf}.{value}"),
            (f"from {parent} import {leaf} as {alias}", f"{alias}.{value}"),
            (f"from {target} import *", value),
        ]
        dots = self.dots(client, parent)
        if dots:
            dot_parent = dots
            glue = "" if dots.endswith(".") else "."
            forms += [
                (f"from {dot_parent}{glue}{leaf} import {value}", value),
                (f"from {dot_parent} import {leaf}", f"{leaf}.{value}"),
                (f"from {dot_parent} import {leaf} as {alias}", f"{alias}.{value}"),
            ] * 2
        return self.rng.choice(forms)

    @staticmethod
    def dots(client: str, package: str) -> str:
        """The package written with dots as seen from the client, or empty."""
        anchor, dots = client.rpartition(".")[0], "."
        while anchor and not (package + ".").startswith(anchor + "."):
            anchor, dots = anchor.rpartition(".")[0], dots + "."
        return dots + package[len(anchor) + 1 :] if anchor else ""

    def moves(self) -> Iterator[tuple[str, str]]:
        rng = self.rng
        taken, files = set(self.modules) | self.packages, set(self.modules)
        for module in rng.sample(self.modules, rng.randint(1, 3)):
            package = rng.choice([*sorted(self.packages), "fresh", "fresh.deep", "x.fresh", ""])
            leaf = rng.choice((module.rpartition(".")[2], *LEAVES, "y"))
            new = f"{package}.{leaf}" if package else leaf
            # `x.py` beside `x/` is refused elsewhere.
            parents = {package[:n] for n in range(1, len(package) + 1) if package[n : n + 1] in ("", ".")}
            if new not in taken and not any(t.startswith(new + ".") for t in taken) and not parents & files:
                taken |= {new, *parents}
                files.add(new)
                yield module, new

    def package_move(self) -> Iterator[tuple[str, str]]:
        package = self.rng.choice(sorted(self.packages))
        new = self.rng.choice(("fresh", "fresh.deep", "x.fresh", "pkg.again"))
        if not new.startswith(package + "."):
            yield package.replace(".", "/"), new.replace(".", "/")


def run_both(before: tuple[Path, list[str]], after: tuple[Path, list[str]]) -> list[list[object]]:
    argument = json.dumps([(str(root), names) for root, names in (before, after)])
    run = subprocess.run(
        [sys.executable, "-S", "-E", "-c", _RUN, argument], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    result: list[list[object]] = json.loads(run.stdout)
    return result


def write(files: dict[str, bytes], root: Path) -> None:
    for path, content in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content)


def check(project: Project, moves: list[tuple[str, str]], symbols: bool, folder: Path) -> None:
    before = {path: text.encode() for path, text in project.files.items()}
    old_root, new_root = folder / "before", folder / "after"
    write(before, old_root)
    index = index_of(before, old_root)
    try:
        relocations = RelocationMap(relocations_of_moves([(1, o, n) for o, n in moves], index, "test"))
    except InputError:
        return
    hashes = hashes_before(index, relocations) or None
    rewriter = FileRewriter(index, relocations, before_hashes=hashes)
    rewritten = {}
    for path, content in before.items():
        plan = rewriter.plan(path, content)
        if any(f.severity == "error" for f in plan.findings):
            return  # refused with a reason
        rewritten[path] = rewritten_bytes(plan)
    again = FileRewriter(index_of(rewritten, old_root), relocations, before_hashes=hashes)
    for path, content in rewritten.items():
        assert rewritten_bytes(again.plan(path, content)) == content, (
            f"{path} {moves}\n{before[path].decode()}\n-----\n{content.decode()}\n-----\n"
            + rewritten_bytes(again.plan(path, content)).decode()
        )
    after = dict(rewritten)
    if symbols:
        move_definitions(after, moves)
    after = {relocations.paths.get(path, path): content for path, content in after.items()}
    for path in list(after):
        parent = path.rpartition("/")[0]
        while parent:
            after.setdefault(f"{parent}/__init__.py", b"")
            parent = parent.rpartition("/")[0]
    write(after, new_root)
    names = [relocations.module(m) or m for m in project.modules]
    old_values, new_values = run_both((old_root, project.modules), (new_root, names))
    for module, old, new in zip(project.modules, old_values, new_values, strict=True):
        compare(module, old, new, rewritten, moves, before)


def compare(
    module: str,
    old: object,
    new: object,
    rewritten: dict[str, bytes],
    moves: list[tuple[str, str]],
    before: dict[str, bytes],
) -> None:
    if not isinstance(old, list):
        return  # was broken before
    path = module.replace(".", "/") + ".py"
    shown = f"{moves}\n{before[path].decode()}\n-----\n{rewritten[path].decode()}\n{old}\n{new}"
    assert isinstance(new, list), f"{module}: {shown}"
    for was, becomes in zip(old, new, strict=True):
        if isinstance(was, str) and was.endswith("Error"):
            continue
        assert was == becomes, f"{module}: {shown}"


def index_of(files: dict[str, bytes], root: Path) -> SourceIndex:
    return SourceIndex.from_records(ProjectLayout(root), [read_facts(p, c) for p, c in files.items()])


def move_definitions(files: dict[str, bytes], moves: list[tuple[str, str]]) -> None:
    for old, new in moves:
        old_module, _, name = old.partition(":")
        source = old_module.replace(".", "/") + ".py"
        target = new.partition(":")[0].replace(".", "/") + ".py"
        lines = files[source].decode().split("\n")
        definition = next(line for line in lines if line.startswith(f"{name} = "))
        lines.remove(definition)
        # The module's own observation of the name is not a client's: it goes along.
        kept = [line for line in lines if line != f"    get(lambda: {name}),"]
        kept_text = "\n".join(kept + [""] * 0)
        files[source] = kept_text.replace(
            "return [\n", f"return [\n    {definition.split(' = ')[1]},\n"
        ).encode()
        helper = b"" if target in files else b"def observe(): return []\n"
        files[target] = f"{definition}\n".encode() + files.get(target, helper)


@settings(max_examples=EXAMPLES, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**32))
def test_moved_modules_leave_every_binding_as_it_was(seed: int) -> None:
    project = Project(random.Random(seed))
    project.build()
    with tempfile.TemporaryDirectory() as folder:
        check(project, list(project.moves()), False, Path(folder))


@settings(
    max_examples=EXAMPLES // 3, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)
@given(seed=st.integers(0, 2**32))
def test_moved_packages_leave_every_binding_as_it_was(seed: int) -> None:
    project = Project(random.Random(seed))
    project.build()
    with tempfile.TemporaryDirectory() as folder:
        check(project, list(project.package_move()), False, Path(folder))


@settings(
    max_examples=EXAMPLES // 2, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)
@given(seed=st.integers(0, 2**32))
def test_moved_symbols_leave_every_binding_as_it_was(seed: int) -> None:
    project = Project(random.Random(seed))
    project.build()
    number = project.rng.randrange(2)
    source = project.modules[number]
    target = project.rng.choice(["fresh.home", *(m for m in project.modules[:2] if m != source)])
    with tempfile.TemporaryDirectory() as folder:
        check(project, [(f"{source}:v{number}", f"{target}:v{number}")], True, Path(folder))
