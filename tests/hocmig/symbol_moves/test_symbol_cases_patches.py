"""Patches of names that code looks up in another module after a move."""

from __future__ import annotations

import pytest

PATCH = "from unittest.mock import patch\n\n"


def test_a_patched_import_follows_when_nothing_stays(make_tree, move) -> None:
    """Found on python-docx: the module keeps imports alone, and the code that used them went elsewhere."""
    tree = make_tree(
        {
            "app/a.py": "from app.c import g\n\n\ndef f():\n    return g()\n",
            "app/b.py": "",
            "app/c.py": "def g():\n    return 'real'\n",
            "client.py": f"{PATCH}from app.a import f\n\n"
            "with patch('app.a.g', return_value='fake'):\n    RESULT = f()\n",
        }
    )
    move(tree, {"app.a:f": "app.b"}, clients=["client"])
    assert "patch('app.b.g'" in tree.read("client.py")


def test_a_patched_import_follows_to_where_the_same_name_left(make_tree, move) -> None:
    tree = make_tree(
        {
            "app/a.py": "from app.b import g\n\n\ndef f():\n    return g()\n",
            "app/b.py": "def g():\n    return 'real'\n",
            "app/c.py": "",
            "client.py": f"{PATCH}from app.a import f\n\n"
            "with patch('app.a.g', return_value='fake'):\n    RESULT = f()\n",
        }
    )
    moves = {"app.a:f": "app.b", "app.b:g": "app.c"}
    move(tree, moves, clients=["client"])
    assert "patch('app.b.g'" in tree.read("client.py")
    files = tree.files()
    move(tree, moves, clients=["client"])
    assert tree.files() == files


def test_a_patched_symbol_follows_the_code_that_looks_it_up(make_tree, move) -> None:
    """Both move, to different modules: the string names the user's module, not the new home."""
    tree = make_tree(
        {
            "app/a.py": "def g():\n    return 'real'\n\n\ndef f():\n    return g()\n",
            "app/b.py": "",
            "app/c.py": "",
            "client.py": f"{PATCH}from app.a import f\n\n"
            "with patch('app.a.g', return_value='fake'):\n    RESULT = f()\n",
        }
    )
    move(tree, {"app.a:f": "app.b", "app.a:g": "app.c"}, clients=["client"])
    assert "patch('app.b.g'" in tree.read("client.py")


def test_other_strings_follow_the_symbol(make_tree, move) -> None:
    """No patch: a string that loads the function leads to where the function is."""
    tree = make_tree(
        {
            "app/a.py": "def g():\n    return 1\n\n\ndef h():\n    return 2\n\n\n"
            "def f():\n    return g() + h()\n",
            "app/b.py": "",
            "app/c.py": "",
            "client.py": "import pkgutil\n\n"
            "RESULT = [pkgutil.resolve_name(n)() for n in ('app.a.g', 'app.a.h')]\n",
        }
    )
    move(tree, {"app.a:f": "app.b", "app.a:g": "app.c"})
    assert tree.results(["client"]) == {"client": "[1, 2]"}
    assert "'app.c.g', 'app.a.h'" in tree.read("client.py")


@pytest.mark.parametrize(
    ("name", "moves", "text"),
    [
        ("g", {"app.a:f": "app.b"}, "'app.a.g'"),
        ("g", {"app.a:f": "app.b", "app.a:g": "app.c"}, "'app.a.g'"),
        ("imported", {"app.a:f": "app.b"}, "'app.a.imported'"),
    ],
)
def test_a_name_that_two_modules_look_up_is_reported(
    name: str, moves: dict[str, str], text: str, make_tree, move
) -> None:
    tree = make_tree(
        {
            "app/a.py": "from app.d import imported\n\n\ndef g():\n    return 'real'\n\n\n"
            "def f():\n    return g() + imported()\n\n\ndef stays():\n    return g() + imported()\n",
            "app/b.py": "",
            "app/c.py": "",
            "app/d.py": "def imported():\n    return ''\n",
            "client.py": f"{PATCH}from app.a import stays\n\n"
            f"with patch('app.a.{name}', return_value='fake'):\n    RESULT = stays()\n",
        }
    )
    prepared = move(tree, moves, clients=["client"])
    said = [f for f in prepared.findings if f.code == "SYMBOL008"]
    assert [(f.severity, f.path, f.line) for f in said] == [("warning", "client.py", 5)]
    assert f"app.b.{name}" in said[0].message
    assert text in tree.read("client.py")


def test_a_name_that_means_another_thing_in_the_target_is_reported(make_tree, move) -> None:
    tree = make_tree(
        {
            "app/a.py": "from app.c import g\n\n\ndef f():\n    return g()\n",
            "app/b.py": "def g():\n    return 'other'\n",
            "app/c.py": "def g():\n    return 'real'\n",
            "client.py": f"{PATCH}from app.a import f\n\nRESULT = f()\n\n\n"
            "def test():\n    with patch('app.a.g', return_value='fake'):\n        f()\n",
        }
    )
    prepared = move(tree, {"app.a:f": "app.b"}, clients=["client"])
    assert [(f.path, f.line) for f in prepared.findings if f.code == "SYMBOL008"] == [("client.py", 9)]
    assert "patch('app.a.g'" in tree.read("client.py")


@pytest.mark.parametrize(
    ("call", "moves", "is_said"),
    [
        ("patch.object(a, 'g', return_value='fake')", {"app.a:f": "app.b"}, True),
        ("patch.object(a, 'g', return_value='fake')", {"app.a:f": "app.b", "app.a:g": "app.c"}, True),
        ("patch.object(a, 'other', return_value='fake')", {"app.a:f": "app.b"}, False),
    ],
)
def test_a_patch_of_a_module_object_is_reported(
    call: str, moves: dict[str, str], is_said: bool, make_tree, move
) -> None:
    tree = make_tree(
        {
            "app/a.py": "def g():\n    return 'real'\n\n\ndef f():\n    return g()\n\n\n"
            "def other():\n    return 1\n\n\ndef stays():\n    return other()\n",
            "app/b.py": "",
            "app/c.py": "",
            "client.py": f"{PATCH}from app import a\n\n\ndef test():\n    with {call}:\n        a.stays()\n",
        }
    )
    prepared = move(tree, moves)
    said = [(f.severity, f.path, f.line) for f in prepared.findings if f.code == "SYMBOL008"]
    assert said == ([("warning", "client.py", 7)] if is_said else [])
