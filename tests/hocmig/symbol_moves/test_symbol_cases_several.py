"""Several symbols at once, where a module loses some and gains others; imports that are no cycle."""

from __future__ import annotations

import pytest


def test_what_arrives_keeps_the_imports_that_it_shares_with_what_leaves(make_tree, move) -> None:
    """Found on werkzeug: `json` was orphaned by what left, and needed by what came."""
    tree = make_tree(
        {
            "app/a.py": "import json\n\n\ndef f():\n    return json.dumps(1)\n",
            "app/b.py": "import json\nimport os\n\n\ndef g():\n    return json.dumps(os.sep)\n",
            "app/c.py": "",
            "client.py": "from app.a import f\nfrom app.b import g\nRESULT = [f(), g()]\n",
        }
    )
    move(
        tree,
        {"app.a:f": "app.b", "app.b:g": "app.c"},
        clients=["client"],
        expect={
            "app/b.py": "import json\n\n\ndef f():\n    return json.dumps(1)\n",
            "app/c.py": "import json\nimport os\n\n\ndef g():\n    return json.dumps(os.sep)\n",
        },
    )


@pytest.mark.parametrize("guard", ["import typing as t\n\nif t.TYPE_CHECKING:", "TYPE_CHECKING"])
@pytest.mark.parametrize("arrives", ["Path", "PurePath"])
def test_what_arrives_keeps_the_typing_imports(guard: str, arrives: str, make_tree, move) -> None:
    head = "from __future__ import annotations\n\n"
    if guard == "TYPE_CHECKING":
        guard = "from typing import TYPE_CHECKING\n\nif TYPE_CHECKING:"
    tree = make_tree(
        {
            "app/a.py": f"{head}{guard}\n    from pathlib import {arrives}\n\n\n"
            f"def f(p: {arrives}) -> {arrives}:\n    return p\n",
            "app/b.py": f"{head}{guard}\n    from pathlib import Path\n\n\n"
            "def g(p: Path) -> Path:\n    return p\n",
            "app/c.py": "",
            "client.py": "from app.a import f\nfrom app.b import g\nRESULT = [f(1), g(2)]\n",
        }
    )
    move(tree, {"app.a:f": "app.b", "app.b:g": "app.c"}, clients=["client"])
    text = tree.read("app/b.py")
    assert f"    from pathlib import {arrives}" in text or f", {arrives}" in text
    assert text.count("TYPE_CHECKING:") == 1


def test_two_modules_exchange_their_definitions(make_tree, move) -> None:
    tree = make_tree(
        {
            "app/a.py": "import json\n\n\ndef f():\n    return json.dumps(1)\n"
            "\n\ndef stays():\n    return 0\n",
            "app/b.py": "import os\n\n\ndef g():\n    return os.sep\n\n\ndef stays():\n    return 0\n",
            "client.py": "from app.a import f\nfrom app.b import g\nRESULT = [f(), g()]\n",
        }
    )
    move(
        tree,
        {"app.a:f": "app.b", "app.b:g": "app.a"},
        clients=["client"],
        expect={
            "app/a.py": "import os\n\n\ndef stays():\n    return 0\n\n\ndef g():\n    return os.sep\n",
            "client.py": "from app.b import f\nfrom app.a import g\nRESULT = [f(), g()]\n",
        },
    )


def test_an_import_for_type_checkers_makes_no_cycle(make_tree, move) -> None:
    """Found on werkzeug: the source names the target in annotations only."""
    tree = make_tree(
        {
            "app/a.py": "from __future__ import annotations\n\nfrom typing import TYPE_CHECKING\n\n"
            "if TYPE_CHECKING:\n    from app.b import B\n\n\ndef helper(b: B) -> B:\n    return b\n\n\n"
            "def f():\n    return helper(1)\n",
            "app/b.py": "class B:\n    pass\n",
            "client.py": "from app.a import f, helper\nfrom app.b import B\n"
            "RESULT = [f(), helper(2), B.__name__]\n",
        }
    )
    move(tree, {"app.a:f": "app.b"}, clients=["client"])
    assert tree.read("app/b.py").startswith("from app.a import helper\n")


def test_a_patched_helper_that_stays_is_patched_where_moved_code_looks_it_up(make_tree, move) -> None:
    """Found on python-docx: only what moves uses the helper, which others import from its old place."""
    tree = make_tree(
        {
            "app/a.py": "def _helper():\n    return 'real'\n\n\ndef f():\n    return _helper()\n",
            "app/b.py": "",
            "client.py": "from unittest.mock import patch\n\nfrom app.a import _helper, f\n\n"
            "with patch('app.a._helper', return_value='fake'):\n    RESULT = [f(), _helper()]\n",
        }
    )
    move(tree, {"app.a:f": "app.b"}, clients=["client"])
    assert "patch('app.b._helper'" in tree.read("client.py")


@pytest.mark.parametrize("stays", ["", "\n\ndef stays():\n    return f()\n"])
def test_what_left_the_target_keeps_its_name_in_what_arrives(stays: str, make_tree, move) -> None:
    """Found on python-docx: `f` leaves `b`, and `g`, which uses it, comes to `b`."""
    tree = make_tree(
        {
            "app/a.py": "from app.b import f\n\n\ndef g():\n    return f()\n",
            "app/b.py": f"def f():\n    return 1\n{stays}",
            "app/c.py": "",
            "client.py": "import app.b\nfrom app.a import g\n"
            "RESULT = [g(), app.b.stays() if hasattr(app.b, 'stays') else 0]\n",
        }
    )
    move(tree, {"app.a:g": "app.b", "app.b:f": "app.c"}, clients=["client"])
    text = tree.read("app/b.py")
    assert text.count("from app.c import f\n") == 1
    assert "    return f()\n" in text[text.index("def g()") :]


@pytest.mark.parametrize("one_line", [False, True])
@pytest.mark.parametrize("gains", [False, True])
def test_a_typing_block_that_imported_what_arrives(gains: bool, one_line: bool, make_tree, move) -> None:
    """Found on python-docx: the block is emptied by the rewriting, and may gain another import."""
    head = "from __future__ import annotations\n\nfrom typing import TYPE_CHECKING\n\nif TYPE_CHECKING:"
    space = " " if one_line else "\n    "
    paths = f"{head}\n    from app.c import C\n\n\n" if gains else ""
    tree = make_tree(
        {
            "app/a.py": f"{paths}class A:\n    def f(self{', c: C' if gains else ''}):\n        return 1\n",
            "app/b.py": f"{head}{space}from app.a import A\n\n\ndef g(a: A) -> A:\n    return a\n",
            "app/c.py": "class C:\n    pass\n",
            "client.py": "from app.a import A\nfrom app.b import g\nRESULT = [A.__name__, g(1)]\n",
        }
    )
    move(tree, {"app.a:A": "app.b"}, clients=["client"])
    text = tree.read("app/b.py")
    assert ("    from app.c import C\n" in text) is gains
    assert one_line or ("pass" in text) is not gains


_SCANS = {
    "values": "FOUND = {}\nfor value in list(globals().values()):\n    if callable(value):\n"
    "        FOUND[value.__name__] = value\n",
    "in a function": "def collect():\n    return {n: v for n, v in globals().items() if callable(v)}\n"
    "\n\nFOUND = collect()\n",
    "vars": "FOUND = {n: v for n, v in vars().copy().items() if callable(v)}\n",
    "sys.modules": "import sys\n\nFOUND = dict(vars(sys.modules[__name__]))\n",
    "dir": "FOUND = [name for name in dir()]\n",
    "a name of the module": "import sys\n\nthis = sys.modules[__name__]\nFOUND = dir(this)\n",
    "a name of the namespace": "names = globals()\nFOUND = list(names.keys())\n",
    "import of itself": "import importlib\n\nFOUND = dict(vars(importlib.import_module(__name__)))\n",
    "unpacking": "FOUND = {**globals()}\n",
    "update": "FOUND = {}\nFOUND.update(globals())\n",
    "getmembers": "import inspect\nimport sys\n\nFOUND = dict(inspect.getmembers(sys.modules[__name__]))\n",
}


@pytest.mark.parametrize("how", _SCANS)
def test_what_leaves_a_module_that_goes_through_its_names_is_refused(how: str, make_tree, refuse) -> None:
    tree = make_tree(
        {
            "app/a.py": f"def f():\n    return 1\n\n\n{_SCANS[how]}",
            "app/b.py": "",
            "client.py": "from app.a import FOUND\nRESULT = 'f' in FOUND\n",
        }
    )
    assert "f would be missing" in refuse(tree, {"app.a:f": "app.b"}, "SYMBOL022")


@pytest.mark.parametrize("scan", ["dir(a)", "list(vars(a).items())", "dict(a.__dict__)", "getmembers(a)"])
def test_a_file_that_goes_through_a_module_is_named(scan: str, make_tree, move) -> None:
    tree = make_tree(
        {
            "app/a.py": "def f():\n    return 1\n\n\ndef g():\n    return 2\n",
            "app/b.py": "",
            "client.py": f"from inspect import getmembers\nfrom app import a\n\nFOUND = {scan}\n",
            "other.py": "from app import a\n\nFOUND = vars(a)['g'], a.__dict__.get('g')\n",
        }
    )
    said = [(f.severity, f.path, f.line) for f in move(tree, {"app.a:f": "app.b"}).findings]
    assert said == [("warning", "client.py", 4)]


def test_a_look_up_by_name_is_no_reason_to_refuse(make_tree, move) -> None:
    tree = make_tree(
        {
            "app/a.py": "def f():\n    return 1\n\n\ndef g(name):\n    return globals().get(name)\n",
            "app/b.py": "",
            "client.py": "from app.a import f, g\nRESULT = [f(), callable(g('g'))]\n",
        }
    )
    move(tree, {"app.a:f": "app.b"}, clients=["client"])


def test_an_import_beside_definitions_for_type_checkers_is_taken_from_its_origin(make_tree, move) -> None:
    """Found on werkzeug: an alias was made of a name that both modules import from the same place."""
    head = "from __future__ import annotations\n\nimport typing as t\n\nif t.TYPE_CHECKING:\n"
    tree = make_tree(
        {
            "app/a.py": f"{head}    from pathlib import Path\n\n    Pair = tuple[Path, Path]\n\n\n"
            "def f(p: Path) -> Path:\n    return p\n\n\ndef h(p: Pair) -> Pair:\n    return p\n",
            "app/b.py": f"{head}    from pathlib import Path\n\n\ndef g(p: Path) -> Path:\n    return p\n",
            "app/c.py": f"{head}    from pathlib import Path\n\n    Paths = list[Path]\n\n\n"
            "def k(p: Paths) -> Paths:\n    return p\n",
            "client.py": "from app.a import f, h\nfrom app.b import g\nfrom app.c import k\n"
            "RESULT = [f(1), g(2), h(3), k(4)]\n",
        }
    )
    move(tree, {"app.a:f": "app.b", "app.b:g": "app.c"}, clients=["client"])
    assert "def f(p: Path) -> Path:" in tree.read("app/b.py")
    assert tree.read("app/b.py").count("import Path") == 1
    assert tree.read("app/c.py").count("import Path") == 1
