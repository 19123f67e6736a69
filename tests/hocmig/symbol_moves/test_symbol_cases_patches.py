"""Patches of names that code looks up in another module after a move."""

from __future__ import annotations

import subprocess
import sys

import pytest

from hocmig.prepared_relocation import RelocationOptions

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


MOVES = [("g", {"app.a:f": "app.b"}), ("g", {"app.a:f": "app.b", "app.a:g": "app.c"})]
MOVES += [("imported", {"app.a:f": "app.b"})]
TWO_USERS = {
    "app/a.py": "from app.d import imported\n\n\ndef g():\n    return 'real'\n\n\n"
    "def f():\n    return g() + imported()\n\n\ndef stays():\n    return g() + imported()\n",
    "app/b.py": "",
    "app/c.py": "",
    "app/d.py": "def imported():\n    return ''\n",
}


@pytest.mark.parametrize(("name", "moves"), MOVES)
@pytest.mark.parametrize(("user", "place"), [("stays", "app.a"), ("f", "app.b")])
def test_of_two_modules_that_look_a_name_up_the_string_names_what_the_test_runs(
    name: str, moves: dict[str, str], user: str, place: str, make_tree, move
) -> None:
    client = (
        f"{PATCH}from app.a import {user}\n\n"
        f"with patch('app.a.{name}', return_value='fake'):\n    RESULT = {user}()\n"
    )
    tree = make_tree({**TWO_USERS, "client.py": client})
    prepared = move(tree, moves, clients=["client"])
    assert f"patch('{place}.{name}'" in tree.read("client.py")
    said = [(f.severity, f.path, f.line) for f in prepared.findings if f.code == "SYMBOL021"]
    assert said == [("info", "client.py", 5)]


def test_what_the_test_runs_is_followed_through_the_module(make_tree, move) -> None:
    through = "\n\ndef through():\n    return f()\n"
    client = (
        f"{PATCH}from app.a import through\n\n"
        "with patch('app.a.g', return_value='fake'):\n    RESULT = through()\n"
    )
    tree = make_tree({**TWO_USERS, "app/a.py": TWO_USERS["app/a.py"] + through, "client.py": client})
    move(tree, MOVES[1][1], clients=["client"])
    assert "patch('app.b.g'" in tree.read("client.py")


def test_each_string_follows_its_own_test(make_tree, move) -> None:
    client = (
        f"{PATCH}from app import a\n\n\n@patch('app.a.g', return_value='fake')\ndef first(_):\n"
        "    return a.f()\n\n\n@patch('app.a.g', return_value='fake')\ndef second(_):\n"
        "    return a.stays()\n\n\nRESULT = [first(), second()]\n"
    )
    tree = make_tree({**TWO_USERS, "client.py": client})
    move(tree, MOVES[0][1], clients=["client"])
    text = tree.read("client.py")
    assert text.index("patch('app.b.g'") < text.index("patch('app.a.g'")


FIXTURES = """
import pytest
from unittest.mock import create_autospec, patch
from app.a import f, stays


class TestF:
    def test_f(self, fake):
        assert f() == "fake"

    @pytest.fixture
    def fake(self, other):
        with patch("app.a.g", return_value="fake"):
            yield

    @pytest.fixture
    def other(self):
        return create_autospec(stays)


class TestStays:
    def setup_method(self):
        self.patcher = patch("app.a.g", return_value="fake")
        self.patcher.start()

    def teardown_method(self):
        self.patcher.stop()

    def test_stays(self):
        assert stays() == "fake"
"""


def test_fixtures_and_set_ups_lead_to_the_tests(make_tree, move) -> None:
    """What is only handed to a mock does not run."""
    tree = make_tree({**TWO_USERS, "test_client.py": FIXTURES})
    move(tree, MOVES[0][1])
    text = tree.read("test_client.py")
    assert text.index('patch("app.b.g"') < text.index('patch("app.a.g"')
    done = subprocess.run(
        [sys.executable, "-B", "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=tree.root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "2 passed" in done.stdout, done.stdout


UNKNOWN = {
    "both run": "from app.a import f, stays\n\n\ndef test():\n    with patch('app.a.g'):\n"
    "        f()\n        stays()\n",
    "nothing is named": "\n\n\ndef test(run):\n    with patch('app.a.g'):\n        run()\n",
    "other code comes back": "from app.a import f\nfrom app.e import run\n\n\ndef test():\n"
    "    with patch('app.a.g'):\n        run(f())\n",
    "a fixture of others": "from app.a import f\n\n\ndef test(from_conftest):\n"
    "    with patch('app.a.g'):\n        f()\n",
    "the module is passed on": "from app import a\n\n\ndef test(run):\n"
    "    with patch('app.a.g'):\n        a.f()\n        run(a)\n",
}


@pytest.mark.parametrize("text", UNKNOWN.values(), ids=UNKNOWN)
@pytest.mark.parametrize(("name", "moves"), MOVES)
def test_a_patch_that_cannot_follow_is_refused(
    name: str, moves: dict[str, str], text: str, make_tree, refuse, move
) -> None:
    files = {
        **TWO_USERS,
        "app/e.py": "from app.a import stays\n\n\ndef run(value):\n    return stays()\n",
        "conftest.py": "import pytest\nfrom app.a import stays\n\n\n@pytest.fixture\n"
        "def from_conftest():\n    return stays()\n",
        "client.py": f"{PATCH}{text.replace('app.a.g', 'app.a.' + name)}",
    }
    line = next(n for n, code in enumerate(files["client.py"].splitlines(), 1) if "with patch" in code)
    said = refuse(make_tree(files), moves, "SYMBOL008")
    assert f"client.py:{line}: " in said
    assert f"app.b.{name}" in said
    allowed = RelocationOptions(allow=frozenset({"SYMBOL008"}))
    move(make_tree(files), moves, options=allowed)


def test_patches_in_conftest_are_for_others(make_tree, refuse) -> None:
    conftest = f"import pytest\n{PATCH}from app.a import f\n\n\n@pytest.fixture\ndef fake():\n"
    conftest += "    with patch('app.a.g'):\n        yield f()\n"
    said = refuse(make_tree({**TWO_USERS, "conftest.py": conftest}), MOVES[0][1], "SYMBOL008")
    assert "conftest.py:9: " in said


def test_what_a_module_took_when_it_was_imported_is_not_patched(make_tree, move) -> None:
    """Found on python-docx: the base class of what goes elsewhere is looked up once, before any patch."""
    tree = make_tree(
        {
            "app/a.py": "class Base:\n    name = 'real'\n\n\nclass Derived(Base):\n    pass\n\n\n"
            "def make():\n    return Base().name\n",
            "app/b.py": "",
            "app/c.py": "",
            "client.py": f"{PATCH}from app.a import Derived, make\n\n"
            "with patch('app.a.Base') as mock:\n    mock.return_value.name = 'fake'\n"
            "    RESULT = [make(), Derived.name]\n",
        }
    )
    move(tree, {"app.a:Derived": "app.b", "app.a:make": "app.c"}, clients=["client"])
    assert "patch('app.c.Base'" in tree.read("client.py")


def test_a_name_that_means_another_thing_in_the_target_is_refused(make_tree, refuse) -> None:
    tree = make_tree(
        {
            "app/a.py": "from app.c import g\n\n\ndef f():\n    return g()\n",
            "app/b.py": "def g():\n    return 'other'\n",
            "app/c.py": "def g():\n    return 'real'\n",
            "client.py": f"{PATCH}from app.a import f\n\nRESULT = f()\n\n\n"
            "def test():\n    with patch('app.a.g', return_value='fake'):\n        f()\n",
        }
    )
    assert "client.py:9: " in refuse(tree, {"app.a:f": "app.b"}, "SYMBOL008")


@pytest.mark.parametrize(
    ("call", "moves"),
    [
        ("patch.object(a, 'g', return_value='fake')", {"app.a:f": "app.b"}),
        ("patch.object(a, 'g', return_value='fake')", {"app.a:f": "app.b", "app.a:g": "app.c"}),
    ],
)
def test_a_patch_of_a_module_object_is_refused(call: str, moves: dict[str, str], make_tree, refuse) -> None:
    said = refuse(make_tree(with_patch_of_object(call)), moves, "SYMBOL008")
    assert "client.py:7: " in said


def test_a_patch_of_an_object_that_is_not_concerned(make_tree, move) -> None:
    tree = make_tree(with_patch_of_object("patch.object(a, 'other', return_value='fake')"))
    prepared = move(tree, {"app.a:f": "app.b"})
    assert not [f for f in prepared.findings if f.code == "SYMBOL008"]


def with_patch_of_object(call: str) -> dict[str, str]:
    return {
        "app/a.py": "def g():\n    return 'real'\n\n\ndef f():\n    return g()\n\n\n"
        "def other():\n    return 1\n\n\ndef stays():\n    return other()\n",
        "app/b.py": "",
        "app/c.py": "",
        "client.py": f"{PATCH}from app import a\n\n\ndef test():\n    with {call}:\n        a.stays()\n",
    }
