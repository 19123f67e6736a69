"""Trees given as texts: their cycles, and what Python says when it imports each of their modules."""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import random
import sys
import types
from collections.abc import Sequence
from pathlib import Path

import pytest

from analyzers.import_cycles import Cycle, find_cycles, new_cycles
from analyzers.import_graph import ImportGraph
from analyzers.import_index import SourceIndex, records_for
from analyzers.layout import ProjectLayout
from analyzers.model import Relocation
from analyzers.relocation_map import RelocationMap
from analyzers.tree_after import tree_after

PACKAGES = ("p", "q", "r", "p.s")


def index_of(files: dict[str, str]) -> SourceIndex:
    layout = ProjectLayout(Path("/nowhere"), (".",))
    return SourceIndex.from_records(layout, records_for({p: t.encode() for p, t in files.items()}))


def cycles_of(files: dict[str, str]) -> tuple[Cycle, ...]:
    return find_cycles(ImportGraph(index_of(files)))


def move_of(old: str, new: str) -> Relocation:
    return Relocation(
        old, new, old_path=old.replace(".", "/") + ".py", new_path=new.replace(".", "/") + ".py"
    )


class _Sources(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports modules from texts, through Python's own import system."""

    def __init__(self, texts: dict[str, str], packages: frozenset[str]) -> None:
        self.code = {name: compile(text, name, "exec") for name, text in texts.items()}
        self.packages = packages

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname not in self.code:
            return None
        return importlib.util.spec_from_loader(fullname, self, is_package=fullname in self.packages)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> types.ModuleType | None:
        return None

    def exec_module(self, module: types.ModuleType) -> None:
        exec(self.code[module.__name__], module.__dict__)


def import_each(texts: dict[str, str], packages: frozenset[str]) -> dict[str, bool]:
    """Whether each module can be imported first, with nothing else loaded."""
    finder = _Sources(texts, packages)
    tops = {name.partition(".")[0] for name in texts}
    results = {}
    sys.meta_path.insert(0, finder)
    try:
        for name in texts:
            for loaded in [m for m in sys.modules if m.partition(".")[0] in tops]:
                del sys.modules[loaded]
            try:
                importlib.import_module(name)
                results[name] = True
            except (ImportError, AttributeError, RuntimeError):
                # Before Python 3.12, what `__set_name__` raises is wrapped into a RuntimeError.
                results[name] = False
    finally:
        sys.meta_path.remove(finder)
        for loaded in [m for m in sys.modules if m.partition(".")[0] in tops]:
            del sys.modules[loaded]
    return results


def moved_texts(files: dict[str, str], relocations: dict[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """Module texts before and after: dotted names are replaced in the text, which is all absolute."""

    def name(path: str) -> str:
        return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")

    before = {name(path): text for path, text in files.items()}
    after = {}
    for module, text in before.items():
        for old, new in relocations.items():
            old_parent, _, leaf = old.rpartition(".")
            text = text.replace(
                f"from {old_parent} import {leaf}\n", f"from {new.rpartition('.')[0]} import {leaf}\n"
            )
            text = text.replace(old, new)
        after[relocations.get(module, module)] = text
    return before, after


def packages_of(files: dict[str, str]) -> frozenset[str]:
    return frozenset(p[: -len("/__init__.py")].replace("/", ".") for p in files if p.endswith("/__init__.py"))


def failing(files: dict[str, str], relocations: dict[str, str]) -> set[str]:
    _, after = moved_texts(files, relocations)
    return {name for name, fine in import_each(after, packages_of(files)).items() if not fine}


def new_cycles_of(files: dict[str, str], relocations: dict[str, str]) -> tuple[Cycle, ...]:
    index = index_of(files)
    mapping = RelocationMap(move_of(old, new) for old, new in relocations.items())
    old_paths = {new: old for old, new in mapping.paths.items()}
    return new_cycles(
        index,
        tree_after(index, mapping),
        mapping,
        read_after=lambda path: files[old_paths.get(path, path)].encode(),
        read_before=lambda path: files[path].encode(),
    )


def random_package(rng: random.Random) -> dict[str, str]:
    modules = [*PACKAGES, *(f"{rng.choice(PACKAGES)}.m{n}" for n in range(rng.randint(4, 8)))]
    names = {module: [f"N{n}" for n in range(rng.randint(1, 3))] for module in modules}
    files = {}
    for module in modules:
        lines = [[f"{name} = {n}"] for n, name in enumerate(names[module])]
        for number in range(rng.choice((0, 0, 1, 1, 2))):
            target = rng.choice([m for m in modules if m != module])
            lines.insert(
                rng.randint(0, len(lines)), _random_import(rng, target, rng.choice(names[target]), number)
            )
        path = module.replace(".", "/") + ("/__init__.py" if module in PACKAGES else ".py")
        files[path] = "".join(f"{line}\n" for block in lines for line in block)
    return files


def _random_import(rng: random.Random, target: str, name: str, number: int) -> list[str]:
    parent, _, leaf = target.rpartition(".")
    by_parent = f"from {parent} import {leaf}" if parent else f"import {target}"
    forms = (
        [f"from {target} import {name} as v{number}"],
        [f"from {target} import {name} as v{number}"],
        [f"import {target}"],
        [f"import {target}", f"u{number} = {target}.{name}"],
        [f"import {target} as z{number}", f"u{number} = z{number}.{name}"],
        [by_parent, f"u{number} = {leaf}.{name}"],
        [by_parent],
        [f"from {target} import *"],
    )
    lines = rng.choice(forms)
    wrap = rng.choice(("", "", "", "", "try", "def", "class", "typing"))
    inner = [f"    {line}" for line in lines]
    if wrap == "try":
        return ["try:", *inner, "except ImportError:", "    pass"]
    if wrap == "def":
        return lines if "*" in lines[0] else [f"def g{number}():", *inner]
    if wrap == "class":
        return lines if "*" in lines[0] else [f"class C{number}:", *inner]
    if wrap == "typing":
        return ["from typing import TYPE_CHECKING", "if TYPE_CHECKING:", *inner]
    return lines


@pytest.fixture
def trees() -> types.SimpleNamespace:
    """What tests do with a tree, a mapping from path to text, before and after moves."""
    return types.SimpleNamespace(
        packages=PACKAGES,
        index_of=index_of,
        cycles_of=cycles_of,
        move_of=move_of,
        import_each=import_each,
        moved_texts=moved_texts,
        packages_of=packages_of,
        failing=failing,
        new_cycles_of=new_cycles_of,
        random_package=random_package,
    )
