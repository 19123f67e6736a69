"""The trees on which tools that move code are compared: those of our own tests, and some more.

Every tree that a `test_case_*` function of `tests/codemods` hands to its fixture is a case; the further ones
are about strings, and about groups of definitions, which those tests do not move.
"""

from __future__ import annotations

import contextlib
import importlib.util
import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Case:
    """A tree, its moves (old place -> new place) and the clients that are run."""

    name: str
    files: Mapping[str, bytes]
    moves: Mapping[str, str]
    clients: tuple[str, ...] = ("client",)
    definitions: Mapping[str, bytes] = field(default_factory=dict)
    roots: tuple[str, ...] = (".",)
    packages: bool = True

    @property
    def is_symbol(self) -> bool:
        return any(":" in old for old in self.moves)

    def path(self, module: str) -> str:
        """Where a dotted module is, or would be, in this tree; a folder for a package."""
        if "/" in module or module.endswith(".py"):
            return module
        below = module.replace(".", "/")
        for root in self.roots:
            prefix = "" if root == "." else f"{root}/"
            for path in (f"{prefix}{below}.py", f"{prefix}{below}/__init__.py"):
                if path in self.files:
                    return path.removesuffix("/__init__.py")
            if any(known.startswith(f"{prefix}{below}/") for known in self.files):
                return prefix + below
        top = self.roots[0]
        return below if top == "." else f"{top}/{below}"

    def module(self, place: str) -> str:
        """The dotted name of a place."""
        if "/" not in place and not place.endswith(".py"):
            return place
        for root in sorted(self.roots, key=len, reverse=True):
            if root == "." or place.startswith(f"{root}/"):
                place = place.removeprefix("" if root == "." else f"{root}/")
                break
        return place.removesuffix(".py").removesuffix("/__init__").replace("/", ".")

    def path_moves(self) -> dict[str, str]:
        """Old path -> new path, files and folders; a module given as a name keeps its suffix."""
        found = {}
        for old, new in self.moves.items():
            old_path = self.path(old.partition(":")[0])
            new_path = self.path(new.partition(":")[0])
            if old_path.endswith(".py") and not new_path.endswith(".py"):
                new_path += ".py"
            found[old_path] = new_path
        return found


# -- cases -------------------------------------------------------------------------------------------------


class _RecordedError(Exception):
    pass


def test_cases() -> Iterator[Case]:
    """The trees of `tests/codemods`, parametrized ones included."""
    for file in sorted((ROOT / "tests" / "codemods").glob("test_cases_*.py")):
        spec = importlib.util.spec_from_file_location(file.stem, file)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        for name, function in vars(module).items():
            if name.startswith("test_case_"):
                for number, values in enumerate(_parameters(function)):
                    case = _record(f"{name}[{number}]" if values else name, function, values)
                    if case is not None:
                        yield case


def _parameters(function: Any) -> list[dict[str, Any]]:
    marks = [m for m in getattr(function, "pytestmark", ()) if m.name == "parametrize"]
    if not marks:
        return [{}]
    names = marks[0].args[0]
    names = names.replace(" ", "").split(",") if isinstance(names, str) else list(names)
    found = []
    for values in marks[0].args[1]:
        values = getattr(values, "values", values)
        found.append(
            dict(
                zip(names, values if len(names) > 1 or isinstance(values, tuple) else (values,), strict=False)
            )
        )
    return found


def _record(name: str, function: Callable[..., Any], values: Mapping[str, Any]) -> Case | None:
    wanted = set(inspect.signature(function).parameters) - {"move"} - values.keys()
    if wanted or "move" not in inspect.signature(function).parameters:
        return None
    recorded: list[Case] = []

    def move(files: Any, moves: Any, **more: Any) -> None:
        clients = tuple(more.get("clients", ("client",)))
        recorded.append(
            Case(
                name,
                _bytes(files),
                moves,
                clients,
                _bytes(more.get("definitions") or {}),
                tuple(more.get("roots", (".",))),
                more.get("packages", True),
            )
        )
        raise _RecordedError

    with contextlib.suppress(_RecordedError):
        function(move, **values)
    return recorded[0] if recorded and recorded[0].clients else None


def _bytes(files: Mapping[str, str | bytes]) -> dict[str, bytes]:
    return {path: text.encode() if isinstance(text, str) else text for path, text in files.items()}


_A = {
    "a/__init__.py": "",
    "a/b.py": "class C:\n    pass\n\n\ndef f():\n    return 'f'\n\n\ndef g():\n    return 'g'\n",
}
_MORE: tuple[tuple[str, dict[str, str], dict[str, str], dict[str, str]], ...] = (
    (
        "string: importlib.import_module",
        {**_A, "client.py": "import importlib\n\nRESULT = importlib.import_module('a.b').f()\n"},
        {"a.b": "x.y"},
        {},
    ),
    (
        "string: mock.patch",
        {
            **_A,
            "client.py": "from unittest import mock\n\nimport a.b\n\nwith mock.patch('a.b.f', lambda: 'p'):\n"
            "    RESULT = a.b.f()\n",
        },
        {"a.b": "x.y"},
        {},
    ),
    (
        "string: annotation in quotes",
        {
            **_A,
            "client.py": "import typing\n\nimport a.b\n\n\ndef h(c: 'a.b.C'):\n    return c\n\n\n"
            "RESULT = typing.get_type_hints(h)['c'].__name__\n",
        },
        {"a.b": "x.y"},
        {},
    ),
    (
        "string: mock.patch of a symbol where it is looked up",
        {
            **_A,
            "client.py": "from unittest import mock\n\nfrom a.b import f\n\n\ndef use():\n    return f()\n"
            "\n\nwith mock.patch(f'{__name__}.f', lambda: 'p'):\n    RESULT = use()\n",
        },
        {"a.b:f": "x.y"},
        {
            "a/b.py": "class C:\n    pass\n\n\ndef g():\n    return 'g'\n",
            "x/y.py": "def f():\n    return 'f'\n",
        },
    ),
    (
        "string: resolve_name of a symbol",
        {**_A, "client.py": "import pkgutil\n\nRESULT = pkgutil.resolve_name('a.b:f')()\n"},
        {"a.b:f": "x.y"},
        {
            "a/b.py": "class C:\n    pass\n\n\ndef g():\n    return 'g'\n",
            "x/y.py": "def f():\n    return 'f'\n",
        },
    ),
    (
        "group: overloads",
        {
            "a/b.py": "from typing import overload\n\n\n@overload\ndef f(x: int) -> int: ...\n@overload\n"
            "def f(x: str) -> str: ...\ndef f(x):\n    return x\n\n\ndef g():\n    return f(1)\n",
            "client.py": "import typing\n\nfrom a.b import f, g\n\nCOUNT = len(typing.get_overloads(f))\n"
            "RESULT = [f(2), g(), COUNT]\n",
        },
        {"a.b:f": "x.y"},
        {
            "a/b.py": "from x.y import f\n\n\ndef g():\n    return f(1)\n",
            "x/y.py": "from typing import overload\n\n\n@overload\ndef f(x: int) -> int: ...\n@overload\n"
            "def f(x: str) -> str: ...\ndef f(x):\n    return x\n",
        },
    ),
    (
        "group: conditional definition",
        {
            "a/b.py": "import sys\n\nif sys.version_info > (3,):\n    def f():\n        return 'new'\nelse:\n"
            "    def f():\n        return 'old'\n\n\ndef g():\n    return 'g'\n",
            "client.py": "from a.b import f, g\n\nRESULT = [f(), g()]\n",
        },
        {"a.b:f": "x.y"},
        {
            "a/b.py": "def g():\n    return 'g'\n",
            "x/y.py": "import sys\n\nif sys.version_info > (3,):\n    def f():\n        return 'new'\nelse:\n"
            "    def f():\n        return 'old'\n",
        },
    ),
    (
        "group: registered variants",
        {
            "a/b.py": "import functools\n\n\n@functools.singledispatch\ndef f(x):\n    return 'any'\n\n\n"
            "@f.register\ndef _(x: int):\n    return 'int'\n\n\ndef g():\n    return f('')\n",
            "client.py": "from a.b import f, g\n\nRESULT = [f(1), g()]\n",
        },
        {"a.b:f": "x.y"},
        {
            "a/b.py": "from x.y import f\n\n\ndef g():\n    return f('')\n",
            "x/y.py": "import functools\n\n\n@functools.singledispatch\ndef f(x):\n    return 'any'\n\n\n"
            "@f.register\ndef _(x: int):\n    return 'int'\n",
        },
    ),
    (
        "needs: a constant that only the symbol uses",
        {
            "a/b.py": "K = 3\n\n\ndef f():\n    return K\n\n\ndef g():\n    return f()\n",
            "client.py": "from a.b import f, g\n\nRESULT = [f(), g()]\n",
        },
        {"a.b:f": "x.y"},
        {
            "a/b.py": "from x.y import f\n\n\ndef g():\n    return f()\n",
            "x/y.py": "K = 3\n\n\ndef f():\n    return K\n",
        },
    ),
    (
        "needs: the source re-exports for others",
        {
            "a/b.py": "from c import helper  # noqa: F401\n\n\ndef f():\n    return 1\n",
            "c.py": "def helper():\n    return 'h'\n",
            "client.py": "from a.b import f, helper\n\nRESULT = [f(), helper()]\n",
        },
        {"a.b:f": "x.y"},
        {"a/b.py": "from c import helper  # noqa: F401\n", "x/y.py": "def f():\n    return 1\n"},
    ),
    (
        "exports: __all__ of the source",
        {
            "a/b.py": "__all__ = ['f', 'g']\n\n\ndef f():\n    return 'f'\n\n\ndef g():\n    return 'g'\n",
            "client.py": "from a.b import *\nfrom a.b import f\n\nRESULT = [f(), g()]\n",
        },
        {"a.b:f": "x.y"},
        {
            "a/b.py": "__all__ = ['g']\n\n\ndef g():\n    return 'g'\n",
            "x/y.py": "def f():\n    return 'f'\n",
        },
    ),
)


def all_cases() -> list[Case]:
    """All cases, each with an `__init__.py` where a folder of the further ones has none."""
    more = []
    for name, files, moves, definitions in _MORE:
        full = {f"{Path(path).parent}/__init__.py": "" for path in files if "/" in path} | files
        more.append(Case(name, _bytes(full), moves, definitions=_bytes(definitions)))
    return [*test_cases(), *more]
