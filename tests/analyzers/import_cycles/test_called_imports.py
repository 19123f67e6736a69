"""Imports in functions that run with the import of another module: what is followed, and how far."""

from __future__ import annotations

import random
import re
from typing import Any

import pytest

from analyzers import called_imports
from analyzers.import_time_calls import import_time_calls

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
def test_import_in_a_called_function_closes_a_circle(trees: Any, how: str) -> None:
    """`late` is imported inside a function of `home`, `user` makes it run; then `late` needs `user`."""
    offers, uses = {**CALLED, **CALLED_OTHERWISE}[how]
    files = {
        "old/__init__.py": "",
        "old/late.py": "L = 1\n",
        "home.py": offers.format(**_LOADS),
        "user.py": uses.format(home="home") + "U = 1\n",
        "new/__init__.py": "from user import U\n",
    }
    assert trees.failing(files, {}) == set()
    assert trees.new_cycles_of(files, {}) == ()
    relocations = {"old.late": "new.late"}
    fresh = trees.failing(files, relocations)
    found = trees.new_cycles_of(files, relocations)
    assert fresh, "the case shows nothing"
    assert "likely" in {c.fails for c in found}
    assert any(step.is_called and step.imported == "home.py" for c in found for step in c.chain)


# The base of the first case left out is a class itself, and whether it holds a field is not looked into; the
# second is an import below `if __name__`, which counts as a branch.
_UNCLEAR = ("metaclass of the base", "name of a module")


@pytest.mark.parametrize("how", [how for how in (*CALLED, *CALLED_OTHERWISE) if how not in _UNCLEAR])
def test_import_in_a_function_that_nobody_calls_is_harmless(trees: Any, how: str) -> None:
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
        assert trees.failing(files, relocations) == set()
        assert [c for c in trees.new_cycles_of(files, relocations) if c.fails] == []


def test_making_a_thing_does_not_call_it(trees: Any) -> None:
    files = {
        "old/__init__.py": "",
        "old/late.py": "L = 1\n",
        "home.py": "class Made:\n    def __call__(self):\n        from old.late import L\n",
        "user.py": "from home import Made\nMADE = Made()\nU = 1\n",
        "new/__init__.py": "from user import U\n",
    }
    assert [c for c in trees.new_cycles_of(files, {"old.late": "new.late"}) if c.fails] == []


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
def test_what_is_only_named_does_not_run(trees: Any, code: str) -> None:
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
    assert trees.failing(files, relocations) == set()
    assert [c for c in trees.new_cycles_of(files, relocations) if c.fails in ("certain", "likely")] == []


def test_circle_through_a_called_function_that_stood_before_is_not_new(trees: Any) -> None:
    files = {
        "old/__init__.py": "",
        "old/late.py": "from user import U\nL = 1\n",
        "home.py": "def run():\n    try:\n        from old.late import L\n"
        "    except ImportError:\n        pass\n",
        "user.py": "from home import run\nrun()\nU = 1\n",
        "new/__init__.py": "",
    }
    assert [
        c for c in trees.new_cycles_of(files, {"old.late": "new.late"}) if c.fails in ("certain", "likely")
    ] == []


def test_a_branch_that_does_not_run_hides_no_circle(trees: Any) -> None:
    files = {
        "top/__init__.py": "SHOWN = False\nif SHOWN:\n    import top.new\n",
        "top/old/__init__.py": "",
        "top/old/late.py": "L = 1\n",
        "top/home.py": "def run():\n    from top.old.late import L\n",
        "top/user.py": "from top.home import run\nrun()\nU = 1\n",
        "top/new/__init__.py": "from top.user import U\n",
    }
    relocations = {"top.old.late": "top.new.late"}
    assert trees.failing(files, {}) == set()
    assert "top.user" in trees.failing(files, relocations)
    assert "likely" in {c.fails for c in trees.new_cycles_of(files, relocations)}


@pytest.mark.parametrize("call", ["vars(cls).get('a')", "list(a).append(1)", "a[0].values()"])
def test_methods_that_every_dictionary_or_list_has_are_not_taken_for_own_ones(trees: Any, call: str) -> None:
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
    assert [
        c for c in trees.new_cycles_of(files, {"old.late": "new.late"}) if c.fails in ("certain", "likely")
    ] == []


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
def test_what_stands_in_a_branch_of_a_called_function_may_run(trees: Any, body: str, fails: set[str]) -> None:
    files = {
        "old/__init__.py": "",
        "old/late.py": "L = 1\n",
        "home.py": "made = None\ndef inner():\n    from old.late import L\n" + f"def run(kind):\n{body}",
        "user.py": "from home import run\nrun('other')\nU = 1\n",
        "new/__init__.py": "from user import U\n",
    }
    found = [c.fails for c in trees.new_cycles_of(files, {"old.late": "new.late"})]
    assert {kind for kind in found if kind} >= fails
    assert ("likely" in found) == ("likely" in fails)


def test_calls_are_followed_to_so_many_functions_only(trees: Any, monkeypatch: pytest.MonkeyPatch) -> None:
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
    trees.new_cycles_of(files, {"old.late": "new.late"})
    assert 0 < entered <= 200


@pytest.mark.parametrize("block", range(2))
def test_new_failures_through_called_functions_are_foretold(trees: Any, block: int) -> None:
    """Nearly all: what fails inside a `try` and is imported again later is followed only roughly.

    Of the 112 failures of 1,000 such packages, 110 are foretold. These packages are knots as no real one is.
    """
    failures = missed = false_alarms = 0
    for seed in range(5000 + block * 150, 5000 + (block + 1) * 150):
        rng = random.Random(seed)
        files = trees.random_package(rng)
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
        package = rng.choice([p for p in trees.packages if p != old.rpartition(".")[0]])
        relocations = {old: f"{package}.{old.rpartition('.')[2]}"}
        before, after = (
            trees.import_each(texts, frozenset(trees.packages))
            for texts in trees.moved_texts(files, relocations)
        )
        fresh = [m for m, fine in before.items() if fine and not after[relocations.get(m, m)]]
        found = [
            c for c in trees.new_cycles_of(files, relocations) if c.fails in ("certain", "likely", "possible")
        ]
        if fresh:
            failures += 1
            missed += not found
        false_alarms += bool([c for c in found if c.fails != "possible"]) and not fresh
    assert failures
    assert missed <= failures * 0.05 + 1, (missed, failures)
    assert false_alarms <= failures + 5, (false_alarms, failures)
