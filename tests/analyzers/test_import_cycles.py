"""Import cycles: kinds, chains, what is new, and the judgement of real imports before and after a move."""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import random
import re
import sys
import types
from collections.abc import Sequence
from pathlib import Path

import pytest

from analyzers import called_imports
from analyzers.import_cycles import Cycle, compare_cycles, find_cycles, new_cycles
from analyzers.import_graph import EdgeKind, ImportGraph
from analyzers.import_index import SourceIndex, records_for
from analyzers.import_time_calls import import_time_calls
from analyzers.layout import ProjectLayout
from analyzers.model import Relocation
from analyzers.relocation_map import RelocationMap
from analyzers.strong_components import components
from analyzers.tree_after import tree_after


def _index(files: dict[str, str]) -> SourceIndex:
    layout = ProjectLayout(Path("/nowhere"), (".",))
    return SourceIndex.from_records(layout, records_for({p: t.encode() for p, t in files.items()}))


def _cycles(files: dict[str, str]) -> tuple[Cycle, ...]:
    return find_cycles(ImportGraph(_index(files)))


def test_chain_and_line_to_cut() -> None:
    (cycle,) = _cycles(
        {
            "a.py": "X = 1\nfrom b import Y\n",
            "b.py": "Y = 1\nfrom c import Z, W, V\n",
            "c.py": "Z = W = V = 1\nfrom a import X, X as Q\nfrom a import *\n",
        }
    )
    assert cycle.kind is EdgeKind.IMPORT_TIME
    assert cycle.is_blocking
    assert [str(s) for s in cycle.chain] == [
        "a.py:2 -> b.py (Y)",
        "b.py:2 -> c.py (Z, W, V)",
        "c.py:2 -> a.py (X, X)",
    ]
    # The other two need more names, or more statements, to be cut.
    assert str(cycle.cut) == "a.py:2 -> b.py (Y)"


def test_cut_undoes_most_of_the_knot() -> None:
    files = {"hub.py": "from a import A, B, C\n", "a.py": "import b\nimport c\n"}
    files |= {"b.py": "from hub import X\n", "c.py": "from hub import X\n"}
    (cycle,) = _cycles(files)
    assert (cycle.cut.importer, cycle.cut.imported) == ("hub.py", "a.py")


@pytest.mark.parametrize(
    ("back", "kind"),
    [
        ("import a\n", EdgeKind.IMPORT_TIME),
        ("class C:\n    import a\n", EdgeKind.IMPORT_TIME),
        ("try:\n    import a\nexcept ImportError:\n    pass\n", EdgeKind.IMPORT_TIME),
        ("def f():\n    import a\n", EdgeKind.DEFERRED),
        ("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import a\n", EdgeKind.TYPING_ONLY),
    ],
)
def test_kinds_are_told_apart(back: str, kind: EdgeKind) -> None:
    assert [c.kind for c in _cycles({"a.py": "import b\n", "b.py": back})] == [kind]


def test_one_knot_is_reported_once_per_kind_at_which_it_grows() -> None:
    files = {"a.py": "import b\n", "b.py": "import a\ndef f():\n    import c\n", "c.py": "import a\n"}
    found = _cycles(files)
    assert [(c.kind, len(c.members)) for c in found] == [(EdgeKind.IMPORT_TIME, 2), (EdgeKind.DEFERRED, 3)]
    assert any(s.kind is EdgeKind.DEFERRED for s in found[1].chain)


@pytest.mark.parametrize(
    "files",
    [
        {
            "p/__init__.py": "from .a import A\nfrom . import b\n",
            "p/a.py": "from .b import B\nA = 1\n",
            "p/b.py": "B=1\n",
        },
        {
            "p/__init__.py": "import p.a\n",
            "p/a.py": "from . import b\n",
            "p/b.py": "import p.c\n",
            "p/c.py": "",
        },
        {"p/__init__.py": "from p import p\n", "p/p.py": ""},
        {"a.py": "import a\n"},
    ],
)
def test_packages_that_import_their_own_modules_are_no_cycles(files: dict[str, str]) -> None:
    assert _cycles(files) == ()


def test_module_that_takes_a_name_from_its_package_closes_a_cycle() -> None:
    (cycle,) = _cycles(
        {"p/__init__.py": "KEY = 1\nfrom .a import A\n", "p/a.py": "from . import KEY\nA = 1\n"}
    )
    assert cycle.members == ("p/__init__.py", "p/a.py")


def test_long_chain_needs_no_recursion() -> None:
    files = {f"m{n}.py": f"import m{n + 1}\n" for n in range(3000)} | {"m3000.py": "import m0\n"}
    (cycle,) = _cycles(files)
    assert len(cycle.chain) == 3001


def test_components_are_those_of_networkx() -> None:
    networkx = pytest.importorskip("networkx")
    rng = random.Random(7)
    for _ in range(50):
        nodes = [str(n) for n in range(12)]
        links = {n: sorted({rng.choice(nodes) for _ in range(rng.randint(0, 2))}) for n in nodes}
        graph = networkx.DiGraph([(a, b) for a, row in links.items() for b in row])
        graph.add_nodes_from(nodes)
        expected = [frozenset(c) for c in networkx.strongly_connected_components(graph) if len(c) > 1]
        assert components(links) == sorted(expected, key=min)


# -- before and after a move ---


def _move(old: str, new: str) -> Relocation:
    return Relocation(
        old, new, old_path=old.replace(".", "/") + ".py", new_path=new.replace(".", "/") + ".py"
    )


def test_existing_cycle_of_moved_modules_is_not_new() -> None:
    before = _index(
        {"a/__init__.py": "", "b/__init__.py": "", "a/x.py": "import a.y\n", "a/y.py": "import a.x\n"}
    )
    relocations = RelocationMap([_move("a.x", "b.x")])
    result = compare_cycles(before, tree_after(before, relocations), relocations)
    assert result.new == ()
    assert [c.members for c in result.existing] == [("a/y.py", "b/x.py")]


PACKAGE = {
    "p/__init__.py": "from p.whole import f, g\nfrom p.other import h\n",
    "p/other.py": "import p\nh = 1\n",
}
WHOLE = {"p/whole.py": "import p\ndef f():\n    return p.h\ndef g():\n    return p.h\n"}
PARTS = {
    "p/__init__.py": "from p.part import f\nfrom p.rest import g\nfrom p.other import h\n",
    "p/part.py": "import p\ndef f():\n    return p.h\n",
    "p/rest.py": "import p\ndef g():\n    return p.h\n",
}
SPLIT = RelocationMap([Relocation("p.whole", f"p.{m}", n, n) for m, n in (("part", "f"), ("rest", "g"))])


def test_existing_cycle_of_a_divided_module_is_not_new() -> None:
    """Found on networkx, where every module imports the package."""
    before, after = _index({**PACKAGE, **WHOLE}), _index({**PACKAGE, **PARTS})
    result = compare_cycles(before, after, SPLIT)
    assert result.new == ()
    assert [c.members for c in result.existing] == [("p/__init__.py", "p/other.py", "p/part.py", "p/rest.py")]


def test_what_only_a_part_of_a_divided_module_takes_too_early_is_new() -> None:
    before = _index({**PACKAGE, **WHOLE})
    taken = {"p/rest.py": "from p import h\ndef g():\n    return h\n"}
    (cycle,) = compare_cycles(before, _index({**PACKAGE, **PARTS, **taken}), SPLIT).new
    assert cycle.fails == "certain"
    assert [str(s) for s in cycle.chain] == [
        "p/__init__.py:2 -> p/rest.py",
        "p/rest.py:1 -> p/__init__.py (h)",
    ]


def test_a_failure_of_a_divided_module_that_stood_before_is_not_new() -> None:
    used = PACKAGE | {"p/whole.py": WHOLE["p/whole.py"] + "X = p.other\n"}
    parts = PACKAGE | PARTS | {"p/rest.py": PARTS["p/rest.py"] + "X = p.other\n"}
    assert compare_cycles(_index(used), _index(parts), SPLIT).new == ()


def test_a_cycle_that_only_a_part_closes_is_new() -> None:
    before = _index({"a.py": "f = 1\ng = 1\n", "b.py": "import a\n"})
    after = _index({"part.py": "import b\nf = 1\n", "a.py": "g = 1\n", "b.py": "import a\nimport part\n"})
    moves = RelocationMap([Relocation("a", "part", "f", "f")])
    (cycle,) = compare_cycles(before, after, moves).new
    assert cycle.members == ("b.py", "part.py")


def test_new_statement_cycle_has_its_chain() -> None:
    before = _index({"a.py": "import b\n", "b.py": ""})
    after = _index({"a.py": "import b\n", "b.py": "\nimport a\n"})
    (cycle,) = new_cycles(before, after, RelocationMap())
    assert cycle.is_new
    assert [str(s) for s in cycle.chain] == ["a.py:1 -> b.py", "b.py:2 -> a.py"]


def test_knot_that_grows_is_new_and_the_chain_uses_the_new_part() -> None:
    before = _index({"a.py": "import b\n", "b.py": "import a\n", "c.py": ""})
    after = _index({"a.py": "import b\nimport c\n", "b.py": "import a\n", "c.py": "import a\n"})
    (cycle,) = new_cycles(before, after, RelocationMap())
    assert {s.importer for s in cycle.chain} == {"a.py", "c.py"}


def test_merging_duplicates_can_close_a_cycle() -> None:
    before = _index({"old.py": "", "kept.py": "import user\n", "user.py": "import old\n"})
    relocations = RelocationMap([_move("old", "kept")], allow_merges=True)
    (cycle,) = new_cycles(before, tree_after(before, relocations), relocations)
    assert cycle.members == ("kept.py", "user.py")


def test_package_that_needs_what_moves_into_it_makes_the_import_fail() -> None:
    files = {
        "old/__init__.py": "",
        "old/m.py": "from base import BASE\nM = BASE\n",
        "new/__init__.py": "import user\n",
        "user.py": "from base import BASE\n",
        "base.py": "from old.m import M\nBASE = 1\n",
    }
    relocations = {"old.m": "new.m"}
    before, after = _failing(files, {}), _failing(files, relocations)
    # `old.m` and `base` need each other: whoever wants `old.m` first is fine, and that was `old.m` alone.
    assert "user" in before
    fresh = {m for m in after if m not in {relocations.get(b, b) for b in before}}
    assert bool(_report(files, relocations)) == bool(fresh)


@pytest.mark.parametrize(
    "opening",
    ["globals().update({})\n", "from loose import *\n"],
)
@pytest.mark.parametrize("names", ["mark", "*"])
def test_a_module_with_hidden_names_still_lacks_what_it_imports_later(opening: str, names: str) -> None:
    files = {
        "top/__init__.py": opening + f"from top.tools import {names}\nfrom top.kinds import Kind\n",
        "top/tools/__init__.py": "from top.tools.marks import mark\nfrom top.tools.extra import E\n",
        "top/tools/marks.py": "def mark(x):\n    return x\n",
        "top/tools/extra.py": "E = 1\n",
        "top/kinds/__init__.py": "from top.kinds.graph import Kind\n",
        "top/kinds/graph.py": "import top\n\n@top.mark\nclass Kind:\n    pass\n",
        "loose.py": "import os\n__all__ = ['LOOSE']\nLOOSE = os.name\n",
    }
    relocations = {"top.tools.extra": "top.kinds.extra"}
    assert _failing(files, {}) == set()
    assert "top" in _failing(files, relocations)
    assert "certain" in {cycle.fails for cycle in _report(files, relocations)}


def test_facade_that_shows_what_moves_into_it_is_harmless() -> None:
    files = {
        "old/__init__.py": "",
        "old/m.py": "import json\nM = 1\n",
        "new/__init__.py": "from old.m import M\n",
        "new/user.py": "from new import M\n",
    }
    assert _report(files, {"old.m": "new.m"}) == ()
    assert _failing(files, {"old.m": "new.m"}) == set()


def test_new_failure_names_the_chain_of_running_files() -> None:
    files = {
        "old/__init__.py": "",
        "old/m.py": "M = 1\n",
        "new/__init__.py": "from use import U\n",
        "use.py": "import other\nU = other.O\n",
        "other.py": "from old.m import M\nfrom use import U\nO = 1\n",
    }
    before = _failing(files, {})
    relocations = {"old.m": "new.m"}
    fresh = {m for m in _failing(files, relocations) if m not in {relocations.get(b, b) for b in before}}
    found = _report(files, relocations)
    assert fresh
    assert found
    assert all(step.line for cycle in found for step in cycle.chain)
    assert {c.fails for c in found} == {"certain"}


# -- real imports of generated packages ---

PACKAGES = ("p", "q", "r", "p.s")


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


def _import_each(texts: dict[str, str], packages: frozenset[str]) -> dict[str, bool]:
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


def _moved(files: dict[str, str], relocations: dict[str, str]) -> tuple[dict[str, str], dict[str, str]]:
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


def _packages_of(files: dict[str, str]) -> frozenset[str]:
    return frozenset(p[: -len("/__init__.py")].replace("/", ".") for p in files if p.endswith("/__init__.py"))


def _failing(files: dict[str, str], relocations: dict[str, str]) -> set[str]:
    _, after = _moved(files, relocations)
    return {name for name, fine in _import_each(after, _packages_of(files)).items() if not fine}


def _report(files: dict[str, str], relocations: dict[str, str]) -> tuple[Cycle, ...]:
    index = _index(files)
    mapping = RelocationMap(_move(old, new) for old, new in relocations.items())
    old_paths = {new: old for old, new in mapping.paths.items()}
    return new_cycles(
        index,
        tree_after(index, mapping),
        mapping,
        read_after=lambda path: files[old_paths.get(path, path)].encode(),
        read_before=lambda path: files[path].encode(),
    )


def _random_package(rng: random.Random) -> dict[str, str]:
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


@pytest.mark.parametrize("block", range(4))
def test_no_new_failure_of_a_real_import_is_missed(block: int) -> None:
    """Random packages are imported before and after a random move; every module that fails anew is foretold.

    A fixed list of seeds, so that a failure can be shown to anyone; the counts keep the test from passing on
    trees in which nothing ever fails, and false alarms from creeping in.
    """
    failures = alarms = false_alarms = 0
    for seed in range(1000 + block * 100, 1000 + (block + 1) * 100):
        rng = random.Random(seed)
        files = _random_package(rng)
        modules = [p[:-3].replace("/", ".") for p in files if not p.endswith("__init__.py")]
        old = rng.choice(modules)
        package = rng.choice([p for p in PACKAGES if p != old.rpartition(".")[0]])
        relocations = {old: f"{package}.{old.rpartition('.')[2]}"}
        before, after = (_import_each(texts, frozenset(PACKAGES)) for texts in _moved(files, relocations))
        fresh = [m for m, fine in before.items() if fine and not after[relocations.get(m, m)]]
        found = [c for c in _report(files, relocations) if c.is_blocking]
        assert found or not fresh, f"seed {seed}: {relocations} makes {fresh} fail, and nothing was reported"
        if fresh:
            failures += 1
            assert "certain" in {c.fails for c in found}, f"seed {seed}"
        alarms += bool(found)
        false_alarms += bool(found) and not fresh
    assert failures
    assert false_alarms <= failures + 5, (alarms, false_alarms, failures)


# -- imports in functions that run with the import of another module ---


#: What a module offers that runs `{load}` inside a function, and what makes it run (`{home}`: that module).
CALLED = {
    "function": ("def run():\n    {load}\n", "from {home} import run\nrun()\n"),
    "through another function": (
        "def inner():\n    {load}\ndef run():\n    return inner()\n",
        "import {home}\nVALUE = {home}.run()\n",
    ),
    "decorator": ("def run(f):\n    {load}\n    return f\n", "from {home} import run\n@run\ndef g(): ...\n"),
    "decorator that is made": (
        "def run(n):\n    def mark(f):\n        {load}\n        return f\n    return mark\n",
        "from {home} import run\n@run(1)\nclass G: ...\n",
    ),
    "metaclass": (
        "class Meta(type):\n    def __init__(cls, *a):\n        cls.fill()\n"
        "    def fill(cls):\n        {load}\n",
        "from {home} import Meta\nclass G(metaclass=Meta): ...\n",
    ),
    "metaclass of the base": (
        "class Meta(type):\n    def __new__(mcs, name, bases, space):\n"
        "        for value in space.values():\n            if hasattr(value, 'fill'):\n"
        "                value.fill()\n        return type.__new__(mcs, name, bases, space)\n"
        "class Field:\n    def fill(self):\n        return self.made\n"
        "    @property\n    def made(self):\n        {load}\n"
        "class Base(metaclass=Meta): ...\n",
        "from {home} import Base, Field\nclass G(Base):\n    field = Field()\n",
    ),
    "subclass hook": (
        "class Base:\n    def __init_subclass__(cls):\n        {load}\n",
        "from {home} import Base\nclass G(Base): ...\n",
    ),
    "name hook": (
        "class Field:\n    def __set_name__(self, owner, name):\n        {load}\n",
        "from {home} import Field\nclass G:\n    field = Field()\n",
    ),
    "instance": (
        "class Made:\n    def __init__(self):\n        {load}\n",
        "from {home} import Made\nMADE = Made()\n",
    ),
    "instance that decorates": (
        "class Made:\n    def __init__(self, n): ...\n    def __call__(self, f):\n        {load}\n",
        "from {home} import Made\n@Made(1)\ndef g(): ...\n",
    ),
    "method of a variable": (
        "class Registry:\n    def add(self, f):\n        {load}\nregistry = Registry()\n",
        "from {home} import registry\nregistry.add(1)\n",
    ),
}


_OBJECT = "class Made:\n    def {name}(self, *a):\n        {{load}}\n        return {gives}\nmade = Made()\n"


def _special(name: str, gives: str, use: str) -> tuple[str, str]:
    return _OBJECT.format(name=name, gives=gives), f"from {{home}} import made\n{use}\n"


_RUN = "def run(*a, **k):\n    {load}\n"
_MADE = "class Made:\n    @{kind}\n    def one(self):\n        {{load}}\n        return self\n"
#: The same, in words that name no function which is called.
CALLED_OTHERWISE = {
    "attribute of the module": (
        "def run():\n    {load_module}\n    return late.L\n",
        "from {home} import run\nrun()\n",
    ),
    "dotted attribute": (
        "def run():\n    {load_dotted}\n    return {dotted}.L\n",
        "from {home} import run\nrun()\n",
    ),
    "attribute of a module": (
        "def __getattr__(name):\n    {load}\n    return L\n",
        "import {home}\nX = {home}.L\n",
    ),
    "name of a module": ("def __getattr__(name):\n    {load}\n    return L\n", "from {home} import L\n"),
    "property": (_MADE.format(kind="property"), "from {home} import Made\nX = Made().one\n"),
    "property of a variable": (
        _MADE.format(kind="property") + "made = Made()\n",
        "from {home} import made\nX = made.one\n",
    ),
    "property of a local variable": (
        _MADE.format(kind="property"),
        "from {home} import Made\nmade = Made()\nX = made.one\n",
    ),
    "attribute that is missing": _special("__getattr__", "1", "X = made.any"),
    "method of what is made": (
        "class Made:\n    def one(self):\n        {load}\n",
        "from {home} import Made\nX = Made().one()\n",
    ),
    "method of what a method gives": (
        "class Made:\n    @classmethod\n    def two(cls):\n        return cls()\n"
        "    def one(self):\n        {load}\n",
        "from {home} import Made\nX = Made.two().one()\n",
    ),
    "item": _special("__getitem__", "1", "X = made[0]"),
    "item of a class": (
        "class Made:\n    def __class_getitem__(cls, a):\n        {load}\n        return cls\n",
        "from {home} import Made\nclass G(Made[int]): ...\n",
    ),
    "operator": _special("__add__", "1", "X = made + 1"),
    "operator from the right": _special("__ror__", "1", "X = 1 | made"),
    "membership": _special("__contains__", "True", "X = 1 in made"),
    "iteration": _special("__iter__", "iter([1])", "for X in made: ..."),
    "comprehension": _special("__iter__", "iter([1])", "X = [y for y in made]"),
    "unpacking": _special("__iter__", "iter([1])", "X, = made"),
    "built-in function": _special("__len__", "1", "X = len(made)"),
    "formatting": _special("__str__", "''", "X = f'{{made}}'"),
    "context": (
        "class Made:\n    def __enter__(self):\n        {load}\n    def __exit__(self, *a): ...\n",
        "from {home} import Made\nwith Made(): ...\n",
    ),
    "factory of a field": (
        f"import dataclasses\n{_RUN}@dataclasses.dataclass\nclass Made:\n"
        "    x: int = dataclasses.field(default_factory=run)\n",
        "from {home} import Made\nX = Made()\n",
    ),
    "factory of a field without name": (
        f"import dataclasses\n{_RUN}@dataclasses.dataclass\nclass Made:\n"
        "    x: int = dataclasses.field(default_factory=lambda: run())\n",
        "from {home} import Made\nX = Made()\n",
    ),
    "missing member": (
        "import enum\nclass Made(enum.Enum):\n    A = 1\n    @classmethod\n    def _missing_(cls, value):\n"
        "        {load}\n        return cls.A\n",
        "from {home} import Made\nX = Made(2)\n",
    ),
    "call of a class with a metaclass": (
        "class Meta(type):\n    def __call__(cls):\n        {load}\nclass Made(metaclass=Meta): ...\n",
        "from {home} import Made\nX = Made()\n",
    ),
    "other name": (_RUN, "from {home} import run\nother = run\nX = other()\n"),
    "partial": (_RUN, "import functools\nfrom {home} import run\nX = functools.partial(run, 1)()\n"),
    "map": (_RUN, "from {home} import run\nX = list(map(run, [1]))\n"),
    "key": (_RUN, "from {home} import run\nX = sorted([1], key=lambda x: run() or x)\n"),
    "lambda": (_RUN, "from {home} import run\nX = (lambda: run())()\n"),
    "result of a decorator": (
        "def run(f):\n    def inner():\n        {load}\n    return inner\n",
        "from {home} import run\n@run\ndef g(): ...\ng()\n",
    ),
}
#: Where a text imports, by module.
_LOADS = {
    "load": "from old.late import L",
    "load_module": "from old import late",
    "load_dotted": "import old.late",
    "dotted": "old.late",
}


@pytest.mark.parametrize("how", [*CALLED, *CALLED_OTHERWISE])
def test_import_in_a_called_function_closes_a_circle(how: str) -> None:
    """`late` is imported inside a function of `home`, `user` makes it run; then `late` needs `user`."""
    offers, uses = {**CALLED, **CALLED_OTHERWISE}[how]
    files = {
        "old/__init__.py": "",
        "old/late.py": "L = 1\n",
        "home.py": offers.format(**_LOADS),
        "user.py": uses.format(home="home") + "U = 1\n",
        "new/__init__.py": "from user import U\n",
    }
    assert _failing(files, {}) == set()
    assert _report(files, {}) == ()
    relocations = {"old.late": "new.late"}
    fresh = _failing(files, relocations)
    found = _report(files, relocations)
    assert fresh, "the case shows nothing"
    assert "likely" in {c.fails for c in found}
    assert any(step.is_called and step.imported == "home.py" for c in found for step in c.chain)


# The base of the first case left out is a class itself, and whether it holds a field is not looked into; the
# second is an import below `if __name__`, which counts as a branch.
_UNCLEAR = ("metaclass of the base", "name of a module")


@pytest.mark.parametrize("how", [how for how in (*CALLED, *CALLED_OTHERWISE) if how not in _UNCLEAR])
def test_import_in_a_function_that_nobody_calls_is_harmless(how: str) -> None:
    offers, uses = {**CALLED, **CALLED_OTHERWISE}[how]
    later = "def later():\n" + "".join(f"    {line}\n" for line in uses.format(home="home").splitlines())
    main = later.replace("def later():", 'if __name__ == "__main__":')
    for code in (later, main):
        files = {
            "old/__init__.py": "",
            "old/late.py": "L = 1\n",
            "home.py": offers.format(**_LOADS),
            "user.py": code + "U = 1\n",
            "new/__init__.py": "from user import U\n",
        }
        relocations = {"old.late": "new.late"}
        assert _failing(files, relocations) == set()
        assert [c for c in _report(files, relocations) if c.fails] == []


def test_making_a_thing_does_not_call_it() -> None:
    files = {
        "old/__init__.py": "",
        "old/late.py": "L = 1\n",
        "home.py": "class Made:\n    def __call__(self):\n        from old.late import L\n",
        "user.py": "from home import Made\nMADE = Made()\nU = 1\n",
        "new/__init__.py": "from user import U\n",
    }
    assert [c for c in _report(files, {"old.late": "new.late"}) if c.fails] == []


def test_annotations_are_evaluated_unless_the_file_says_otherwise() -> None:
    code = "def g(x: run()) -> made[0]: ...\n"
    facts, later = (import_time_calls(head + code) for head in ("", "from __future__ import annotations\n"))
    assert facts is not None
    assert later is not None
    assert {("run",), ("made", "__getitem__")} <= {trigger.chain for trigger in facts.triggers}
    assert later.triggers == ()


@pytest.mark.parametrize(
    "code",
    [
        "import functools\nfrom home import run\nX = functools.partial(run, 1)\n",
        "from home import run\nX = lambda: run()\n",
        "from home import run\nX = {'run': run}\n",
        "from home import Made\nX = Made.one\n",
        "from home import made\nX = made.two\n",
        "from home import made\nX = made.three\n",
        "import home\nX = home.other\n",
        "from home import other\n",
        "import io\nX = io.StringIO().close()\n",
    ],
)
def test_what_is_only_named_does_not_run(code: str) -> None:
    files = {
        "old/__init__.py": "",
        "old/late.py": "L = 1\n",
        "home.py": "def run(*a):\n    from old.late import L\ndef close():\n    from old.late import L\n"
        "class Made:\n    three = 3\n    def __init__(self):\n        self.two = 2\n"
        "    @property\n    def one(self):\n        from old.late import L\n"
        "    def __getattr__(self, name):\n        from old.late import L\n"
        "made = Made()\n"
        "def __getattr__(name):\n    if name == 'L':\n        from old.late import L\n"
        "    return name\n",
        "user.py": code + "U = 1\n",
        "new/__init__.py": "from user import U\n",
    }
    relocations = {"old.late": "new.late"}
    assert _failing(files, relocations) == set()
    assert [c for c in _report(files, relocations) if c.fails in ("certain", "likely")] == []


def test_circle_through_a_called_function_that_stood_before_is_not_new() -> None:
    files = {
        "old/__init__.py": "",
        "old/late.py": "from user import U\nL = 1\n",
        "home.py": "def run():\n    try:\n        from old.late import L\n"
        "    except ImportError:\n        pass\n",
        "user.py": "from home import run\nrun()\nU = 1\n",
        "new/__init__.py": "",
    }
    assert [c for c in _report(files, {"old.late": "new.late"}) if c.fails in ("certain", "likely")] == []


def test_a_branch_that_does_not_run_hides_no_circle() -> None:
    files = {
        "top/__init__.py": "SHOWN = False\nif SHOWN:\n    import top.new\n",
        "top/old/__init__.py": "",
        "top/old/late.py": "L = 1\n",
        "top/home.py": "def run():\n    from top.old.late import L\n",
        "top/user.py": "from top.home import run\nrun()\nU = 1\n",
        "top/new/__init__.py": "from top.user import U\n",
    }
    relocations = {"top.old.late": "top.new.late"}
    assert _failing(files, {}) == set()
    assert "top.user" in _failing(files, relocations)
    assert "likely" in {c.fails for c in _report(files, relocations)}


@pytest.mark.parametrize("call", ["vars(cls).get('a')", "list(a).append(1)", "a[0].values()"])
def test_methods_that_every_dictionary_or_list_has_are_not_taken_for_own_ones(call: str) -> None:
    files = {
        "old/__init__.py": "",
        "old/late.py": "L = 1\n",
        "home.py": "class Own:\n"
        + "".join(
            f"    def {name}(self):\n        from old.late import L\n" for name in ("get", "append", "values")
        )
        + f"class Meta(type):\n    def __init__(cls, *a):\n        {call}\n",
        "user.py": "from home import Meta\nclass G(metaclass=Meta): ...\nU = 1\n",
        "new/__init__.py": "from user import U\n",
    }
    assert [c for c in _report(files, {"old.late": "new.late"}) if c.fails in ("certain", "likely")] == []


@pytest.mark.parametrize(
    ("body", "fails"),
    [
        ("    from old.late import L\n", {"likely"}),
        ("    if kind == 'late':\n        from old.late import L\n", {"possible"}),
        ("    if kind != 'late':\n        return\n    elif kind:\n        inner()\n", {"possible"}),
        ("    x = inner() if kind == 'late' else 0\n", {"possible"}),
        ("    try:\n        kind.made\n    except AttributeError:\n        inner()\n", {"possible"}),
        ("    if made is None:\n        inner()\n", {"likely"}),
        ("    if not made:\n        from old.late import L\n", {"likely"}),
        ("    if kind == 'late':\n        inner()\n    inner()\n", {"likely"}),
        ("    for one in kind:\n        if isinstance(one, str):\n            inner()\n", {"likely"}),
    ],
)
def test_what_stands_in_a_branch_of_a_called_function_may_run(body: str, fails: set[str]) -> None:
    files = {
        "old/__init__.py": "",
        "old/late.py": "L = 1\n",
        "home.py": "made = None\ndef inner():\n    from old.late import L\n" + f"def run(kind):\n{body}",
        "user.py": "from home import run\nrun('other')\nU = 1\n",
        "new/__init__.py": "from user import U\n",
    }
    found = [c.fails for c in _report(files, {"old.late": "new.late"})]
    assert {kind for kind in found if kind} >= fails
    assert ("likely" in found) == ("likely" in fails)


def test_calls_are_followed_to_so_many_functions_only(monkeypatch: pytest.MonkeyPatch) -> None:
    # Each class makes the next ones, and all have the same methods: the ways through them are without number.
    count, entered = 60, 0
    honest = called_imports._Calls._run

    def counted(self: object, *arguments: object) -> None:
        nonlocal entered
        entered += 1
        honest(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(called_imports._Calls, "_run", counted)
    files = {
        "old/__init__.py": "",
        "old/late.py": "L = 1\n",
        "new/__init__.py": "from user import U\n",
        "user.py": "from part0 import C0\nC0()\nU = 1\n",
    }
    for n in range(count):
        others = [m for m in (2 * n + 1, 2 * n + 2, (n * 7) % count) if m < count]
        files[f"part{n}.py"] = f"class C{n}:\n    def __init__(self, other):\n" + "".join(
            f"        from part{m} import C{m}\n        C{m}(self).step(other)\n" for m in others
        )
        files[f"part{n}.py"] += (
            "    def step(self, other):\n        other.step(self)\n        self.step(other)\n"
        )
    files[f"part{count - 1}.py"] += "    def last(self):\n        from old.late import L\n"
    _report(files, {"old.late": "new.late"})
    assert 0 < entered <= 200


@pytest.mark.parametrize("block", range(2))
def test_new_failures_through_called_functions_are_foretold(block: int) -> None:
    """Nearly all: what fails inside a `try` and is imported again later is followed only roughly.

    Of the 112 failures of 1,000 such packages, 110 are foretold. These packages are knots as no real one is.
    """
    failures = missed = false_alarms = 0
    for seed in range(5000 + block * 150, 5000 + (block + 1) * 150):
        rng = random.Random(seed)
        files = _random_package(rng)
        paths = sorted(files)
        for number in range(3):
            home, user, late = rng.sample(paths, 3)
            offers, uses = CALLED[rng.choice(list(CALLED))]
            module, target = (p[:-3].removesuffix("/__init__").replace("/", ".") for p in (home, late))
            for name in (
                "run",
                "inner",
                "Meta",
                "Base",
                "Field",
                "Made",
                "Registry",
                "registry",
                "G",
                "MADE",
            ):
                offers, uses = (re.sub(rf"\b{name}\b", f"{name}{number}", t) for t in (offers, uses))
            files[home] += offers.format(load=f"from {target} import N0")
            files[user] += uses.format(home=module) + "N9 = 1\n"
        modules = [p[:-3].replace("/", ".") for p in files if not p.endswith("__init__.py")]
        old = rng.choice(modules)
        package = rng.choice([p for p in PACKAGES if p != old.rpartition(".")[0]])
        relocations = {old: f"{package}.{old.rpartition('.')[2]}"}
        before, after = (_import_each(texts, frozenset(PACKAGES)) for texts in _moved(files, relocations))
        fresh = [m for m, fine in before.items() if fine and not after[relocations.get(m, m)]]
        found = [c for c in _report(files, relocations) if c.fails in ("certain", "likely", "possible")]
        if fresh:
            failures += 1
            missed += not found
        false_alarms += bool([c for c in found if c.fails != "possible"]) and not fresh
    assert failures
    assert missed <= failures * 0.05 + 1, (missed, failures)
    assert false_alarms <= failures + 5, (false_alarms, failures)
