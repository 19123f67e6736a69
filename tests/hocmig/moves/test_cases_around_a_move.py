"""Cases 50, 51 and 52: twins of a module, folders that are left over, folders that come into being.

Names that only begin like the moved ones stand beside them (the no-op twin): they stay as they are.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Make = Callable[..., Path]
Mv = Callable[..., dict[str, Any]]
ValueOf = Callable[[Path, str], str]

CLIENT = "from app.a.m import f\n\nRESULT = f()\n"
MODULE = "def f():\n    return 7\n"
#: The no-op twin: what only looks like `app.a.m` and its companions.
ALIKE = {
    "app/a_m/__init__.py": "",
    "app/a_m/m.py": "RESULT = 1\n",
    "app/a_m/m.pyi": "RESULT: int\n",
    "app/alike.py": "from app.a_m.m import RESULT\nimport app.a_m.m\n",
    "tests/a_m/test_m.py": "import app.a_m.m\n\n\ndef test_it():\n    assert app.a_m.m.RESULT == 1\n",
}


def check_alike(root: Path) -> None:
    assert {path: (root / path).read_text() for path in ALIKE} == ALIKE


def codes(document: dict[str, Any]) -> list[tuple[str, str]]:
    return [(f["code"], f["path"]) for f in document["findings"]]


def find_spec(root: Path, module: str) -> bool:
    code = "import importlib.util, sys; sys.path.insert(0, sys.argv[1]); "
    code += "sys.exit(importlib.util.find_spec(sys.argv[2]) is not None)"
    return bool(subprocess.run([sys.executable, "-B", "-c", code, str(root), module], check=False).returncode)


def pytest_passes(root: Path, *arguments: str) -> None:
    command = [sys.executable, "-B", "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=root)
    assert done.returncode == 0, done.stdout + done.stderr


# -- 50: twins ---


def test_case_50_the_stub_moves_along(make: Make, mv: Mv, value_of: ValueOf) -> None:
    stub = "from app.a.kinds import Kind\n\ndef f() -> Kind: ...\n"
    root = make(
        {
            **ALIKE,
            "app/a/__init__.py": "",
            "app/a/m.py": MODULE,
            "app/a/m.pyi": stub,
            "app/a/kinds.py": "Kind = int\n",
            "app/client.py": CLIENT,
            "app/client.pyi": "from app.a.m import f as f\n\nRESULT: int\n",
        }
    )
    before = value_of(root, "app.client.RESULT")
    document = mv("app.a.m", "app.x.y", "--execute")
    assert document["findings"] == []
    assert value_of(root, "app.client.RESULT") == before
    assert not (root / "app/a/m.pyi").exists()
    assert (root / "app/x/y.pyi").read_text() == stub
    assert (root / "app/client.pyi").read_text() == "from app.x.y import f as f\n\nRESULT: int\n"
    check_alike(root)


def test_case_50_the_test_twin_moves_along(make: Make, mv: Mv) -> None:
    test = "from app.a import m\n\n\ndef test_f():\n    assert m.f() == 7\n"
    files = {**ALIKE, "app/a/__init__.py": "", "app/a/m.py": MODULE, "tests/a/test_m.py": test}
    files |= {"tests/a/__init__.py": "", "tests/a_m/__init__.py": "", "tests/__init__.py": ""}
    root = make(files)
    pytest_passes(root, "tests")
    mv("app.a.m", "app.x.y", "--with-tests", "--execute")
    assert not (root / "tests/a/test_m.py").exists()
    moved = test.replace("from app.a import m", "from app.x import y as m")
    assert (root / "tests/x/test_y.py").read_text() == moved
    pytest_passes(root, "tests")
    check_alike(root)


def test_case_50_a_compiled_twin_is_reported(make: Make, mv: Mv) -> None:
    root = make(
        {
            "app/a/__init__.py": "",
            "app/a/m.py": MODULE,
            "app/a/m.pxd": "cpdef int f()\n",
            "app/a/m.cpython-311-x86_64-linux-gnu.so": b"\x7fELF\0",
            "app/a/m_old.pyx": "def f(): pass\n",
            "app/client.py": "RESULT = 1\n",
        }
    )
    document = mv("app.a.m", "app.x.y", "--execute")
    assert [c for c in codes(document) if c[0] == "TWIN002"] == [
        ("TWIN002", "app/a/m.cpython-311-x86_64-linux-gnu.so"),
        ("TWIN002", "app/a/m.pxd"),
    ]
    assert (root / "app/a/m_old.pyx").exists()


def test_case_50_a_package_takes_its_compiled_twins_along(make: Make, mv: Mv) -> None:
    root = make(
        {"app/a/__init__.py": "", "app/a/m.py": MODULE, "app/a/m.so": b"\x7fELF\0", "app/a/py.typed": ""}
    )
    assert codes(mv("app/a", "app/x", "--execute")) == []
    assert (root / "app/x/m.so").read_bytes() == b"\x7fELF\0"
    assert (root / "app/x/py.typed").exists()


def test_case_50_a_module_that_loses_its_mark_of_types(make: Make, mv: Mv) -> None:
    make({"app/py.typed": "", "app/a.py": MODULE, "other/__init__.py": "", "app_old/py.typed": ""})
    assert codes(mv("app.a", "other.a")) == [("TWIN003", "app/a.py")]
    assert codes(mv("app.a", "app.b")) == []


@pytest.mark.parametrize(
    ("conftest", "expected"),
    [
        (
            "import pytest\n\n\n@pytest.fixture\ndef seven():\n    return 7\n",
            [("TWIN004", "tests/a/test_m.py")],
        ),
        ("import pytest\n\n\n@pytest.fixture\ndef sevens():\n    return 7\n", []),
        (
            "import pytest\n\n\n@pytest.fixture(autouse=True)\ndef other():\n    return 7\n",
            [("TWIN004", "tests/a/test_m.py")],
        ),
    ],
)
def test_case_50_a_test_that_leaves_its_fixtures(
    make: Make, mv: Mv, conftest: str, expected: list[tuple[str, str]]
) -> None:
    make(
        {
            "app/a/__init__.py": "",
            "app/a/m.py": MODULE,
            "tests/a/conftest.py": conftest,
            "tests/a/test_m.py": "from app.a.m import f\n\n\ndef test_f(seven):\n    assert f() == seven\n",
        }
    )
    assert codes(mv("app.a.m", "app.x.y", "--with-tests")) == expected


@pytest.mark.parametrize("settings", ["", "[pytest]\naddopts = --import-mode=importlib\n"])
def test_case_50_two_tests_of_one_name(make: Make, mv: Mv, settings: str) -> None:
    test = "from app.a.m import f\n\n\ndef test_f():\n    assert f() == 7\n"
    root = make(
        {
            "app/a/__init__.py": "",
            "app/a/m.py": MODULE,
            "tests/a/test_m.py": test,
            "tests/other/test_y.py": "def test_y():\n    pass\n",
            "pytest.ini": settings,
        }
    )
    found = codes(mv("app.a.m", "app.x.y", "--with-tests", "--execute"))
    assert found == ([] if settings else [("TWIN005", "tests/a/test_m.py")])
    command = [sys.executable, "-B", "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=root)
    assert ("import file mismatch" in done.stdout) == (not settings)


# -- 51: what is left over ---


def test_case_51_an_empty_package_is_gone(make: Make, mv: Mv, value_of: ValueOf) -> None:
    root = make(
        {**ALIKE, "app/a/m.py": MODULE, "app/client.py": CLIENT, "app/a/__pycache__/m.cpython-39.pyc": b"x"}
    )
    before = value_of(root, "app.client.RESULT")
    assert find_spec(root, "app.a.m")
    assert codes(mv("app.a.m", "app.x.y", "--execute")) == []
    assert value_of(root, "app.client.RESULT") == before
    assert not (root / "app/a").exists()
    assert not find_spec(root, "app.a")
    check_alike(root)


def test_case_51_a_whole_package_leaves_nothing(make: Make, mv: Mv) -> None:
    root = make(
        {
            **ALIKE,
            "app/a/__init__.py": "",
            "app/a/m.py": MODULE,
            "app/a/deep/t.sql": "",
            "app/client.py": CLIENT,
        }
    )
    mv("app/a", "app/x", "--execute")
    assert not find_spec(root, "app.a")
    assert find_spec(root, "app.x.m")
    check_alike(root)


def test_case_51_what_stays_importable_is_reported(make: Make, mv: Mv) -> None:
    root = make({"app/a/m.py": MODULE, "app/a/notes.txt": "x", "app/client.py": CLIENT})
    assert codes(mv("app.a.m", "app.x.y", "--execute")) == [("MOVE014", "app/a")]
    assert find_spec(root, "app.a")
    assert not find_spec(root, "app.a.m")


def test_case_51_a_shim_keeps_the_old_name(make: Make, mv: Mv, value_of: ValueOf) -> None:
    root = make({"app/a/__init__.py": "", "app/a/m.py": MODULE, "app/client.py": CLIENT})
    mv("app.a.m", "app.x.y", "--shim", "--execute")
    assert find_spec(root, "app.a.m")
    assert value_of(root, "app.a.m.__name__") == "'app.x.y'"


def test_case_51_a_module_that_lost_its_symbols_stays_importable(
    make: Make, mv: Mv, value_of: ValueOf
) -> None:
    root = make(
        {**ALIKE, "app/a/__init__.py": "", "app/a/m.py": MODULE, "app/client.py": CLIENT, "app/x.py": ""}
    )
    mv("app.a.m:f", "app.x:f", "--execute")
    assert find_spec(root, "app.a.m")
    assert value_of(root, "app.client.RESULT") == "7"
    check_alike(root)


# -- 52: what comes into being ---


def test_case_52_new_folders_become_packages(make: Make, mv: Mv, value_of: ValueOf) -> None:
    root = make({**ALIKE, "app/a/__init__.py": "", "app/a/m.py": MODULE, "app/client.py": CLIENT})
    mv("app.a.m", "app.x.deep.y", "--execute")
    assert (root / "app/x/__init__.py").read_bytes() == b""
    assert (root / "app/x/deep/__init__.py").read_bytes() == b""
    assert value_of(root, "app.client.RESULT") == "7"
    check_alike(root)


def test_case_52_new_folders_among_namespace_packages(make: Make, mv: Mv, value_of: ValueOf) -> None:
    root = make(
        {"space/one/m.py": MODULE, "space/two/n.py": "N = 1\n", "space/two/o.py": "", "client.py": ""}
    )
    (root / "client.py").write_text("import space.one.m\n\nRESULT = space.one.m.f()\n")
    mv("space.one.m", "space.three.m", "--execute")
    assert not (root / "space/three/__init__.py").exists()
    assert value_of(root, "client.RESULT") == "7"


def test_case_52_symbols_in_a_new_package(make: Make, mv: Mv, value_of: ValueOf) -> None:
    root = make({**ALIKE, "app/a/__init__.py": "", "app/a/m.py": MODULE, "app/client.py": CLIENT})
    mv("app.a.m:f", "app.x.deep.y:f", "--execute")
    assert (root / "app/x/__init__.py").read_bytes() == b""
    assert (root / "app/x/deep/__init__.py").read_bytes() == b""
    assert value_of(root, "app.client.RESULT") == "7"
    check_alike(root)


REFUSED = {
    "MOVE005 exists": {"app/x/__init__.py": "", "app/x/y.py": "X = 1\n"},
    "MOVE008 package": {"app/x/__init__.py": "", "app/x/y/__init__.py": "", "app/x/y/z.py": ""},
    "MOVE008 module": {"app/x.py": "X = 1\n"},
    "MOVE006 case": {"app/X/__init__.py": ""},
    "MOVE009 binds": {"app/x/__init__.py": "y = 5\n"},
    "MOVE015 file": {"app/x": "no folder\n"},
}


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_case_52_clashes_are_refused(make: Make, mv: Mv, value_of: ValueOf, name: str) -> None:
    more = REFUSED[name]
    root = make({"app/a/__init__.py": "", "app/a/m.py": MODULE, "app/client.py": CLIENT, **more})
    before = {p: p.read_bytes() for p in root.rglob("*") if p.is_file() and ".hocmig" not in p.parts}
    assert name.split()[0] in {code for code, _ in codes(mv("app.a.m", "app.x.y", "--execute", code=1))}
    assert {p: p.read_bytes() for p in before} == before
    assert value_of(root, "app.client.RESULT") == "7"


@pytest.mark.parametrize(("old", "new"), [("app.a.m", "types"), ("app.a.m:f", "types:f"), ("app/a", "email")])
def test_case_52_the_standard_library_is_not_hidden(make: Make, mv: Mv, old: str, new: str) -> None:
    root = make({"app/a/__init__.py": "", "app/a/m.py": MODULE, "app/client.py": CLIENT})
    assert "MOVE007" in {code for code, _ in codes(mv(old, new, "--execute", code=1))}
    assert not (root / "types.py").exists()
    assert not (root / "email").exists()


def test_case_52_the_same_name_inside_a_package_hides_nothing(make: Make, mv: Mv, value_of: ValueOf) -> None:
    root = make({"app/a/__init__.py": "", "app/a/m.py": MODULE, "app/client.py": CLIENT})
    assert codes(mv("app.a.m", "app.x.types", "--execute")) == []
    assert value_of(root, "app.client.RESULT") == "7"


def test_case_52_a_renaming_by_case_only_is_refused(make: Make, mv: Mv) -> None:
    make({"app/a/__init__.py": "", "app/a/m.py": MODULE, "app/client.py": CLIENT})
    assert "MOVE006" in {code for code, _ in codes(mv("app.a.m", "app.a.M", "--execute", code=1))}
