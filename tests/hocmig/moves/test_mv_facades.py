"""`hocmig mv --facade`: a package goes on passing on what moved out of it, or lets go of it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from analyzers.facade_names import FacadeFlattening
from hocmig.cli import run

FACADE = 'from .b import f, g\n\n__all__ = ["f", "g"]\n'
FILES = {
    "app/a/__init__.py": FACADE,
    "app/a/b.py": "def f():\n    return 1\n\n\ndef g():\n    return 2\n",
    "app/client.py": "from app.a import f, g\n\nRESULT = f() + g()\n",
    "app/late.py": "def call():\n    from .a import f as F\n\n    return F()\n\n\nRESULT = call()\n",
}

Flatten = Callable[..., dict[str, Any]]


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "repository"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def flatten(root: Path, capsys: pytest.CaptureFixture[str]) -> Flatten:
    """Move with `--facade flatten`: the clients' RESULT stays, and a second run changes nothing."""

    def move(
        more: Mapping[str, str],
        old: str = "app.a.b",
        new: str = "app.x.y",
        clients: tuple[str, ...] = ("app.client", "app.late"),
        options: tuple[str, ...] = ("--facade", "flatten"),
    ) -> dict[str, Any]:
        write(root, more)
        before = results(root, clients)
        assert run(["--json", "mv", old, new, *options, "--execute"]) == 0
        document: dict[str, Any] = json.loads(capsys.readouterr().out)
        assert document["certificate"]["differing"] == []
        assert results(root, clients) == before
        once = tree(root)
        table = root.parent / "moves.csv"
        table.write_text(f"old_path,new_path\n{old},{new}\n")
        if ":" not in old:
            assert run(["mv", "--map", str(table), *options, "--execute"]) == 0
            assert tree(root) == once
        capsys.readouterr()
        return document

    return move


def write(root: Path, more: Mapping[str, str]) -> None:
    config = {"hocmig.yaml": "version: 1\nimport_roots: [.]\n", "app/__init__.py": ""}
    for path, text in {**config, **FILES, **more}.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)


def results(root: Path, clients: tuple[str, ...]) -> dict[str, str]:
    code = "import importlib, json, sys; sys.path.insert(0, sys.argv[1]); print(json.dumps({c: repr("
    code += "importlib.import_module(c).RESULT) for c in sys.argv[2:]}))"
    found = {}
    for client in clients:
        # One process for each: what one client loads must not help another.
        arguments = [sys.executable, "-B", "-c", code, str(root), client]
        done = subprocess.run(arguments, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        found.update(json.loads(done.stdout))
    return found


def tree(root: Path) -> dict[str, bytes]:
    return {
        p.relative_to(root).as_posix(): p.read_bytes()
        for p in sorted(root.rglob("*"))
        if p.is_file() and not {".hocmig", "__pycache__"} & set(p.parts)
    }


def left(document: dict[str, Any]) -> list[str]:
    return [f["message"] for f in document["findings"] if f["code"] == "FACADE002"]


def test_case_25_a_facade_is_kept_unless_told_otherwise(root: Path, flatten: Flatten) -> None:
    flatten({}, options=())
    assert (root / "app/a/__init__.py").read_text() == FACADE.replace(".b", "app.x.y")
    assert (root / "app/client.py").read_text() == FILES["app/client.py"]


def test_case_25_a_flattened_facade_lets_go_of_the_names(root: Path, flatten: Flatten) -> None:
    document = flatten({})
    assert (root / "app/a/__init__.py").read_text() == "\n__all__ = []\n"
    assert (root / "app/client.py").read_text() == "from app.x.y import f, g\n\nRESULT = f() + g()\n"
    assert "    from .x.y import f as F\n" in (root / "app/late.py").read_text()
    assert [(f["code"], f["path"], f["line"]) for f in document["findings"]] == [
        ("FACADE001", "app/a/__init__.py", 1),
        ("FACADE001", "app/a/__init__.py", 1),
    ]


def test_case_25_the_configuration_can_ask_for_it(root: Path, flatten: Flatten) -> None:
    config = "version: 1\nimport_roots: [.]\nmoves:\n  facade: flatten\n"
    flatten({"hocmig.yaml": config}, options=())
    assert "import f" not in (root / "app/a/__init__.py").read_text()


def test_case_25_symbols_that_leave_a_package(root: Path, flatten: Flatten) -> None:
    flatten({"app/x/__init__.py": "", "app/x/y.py": "Y = 1\n"}, old="app.a.b:f", new="app.x.y:f")
    assert (root / "app/a/__init__.py").read_text() == 'from .b import g\n\n__all__ = ["g"]\n'
    assert (root / "app/client.py").read_text().startswith("from app.a import g\nfrom app.x.y import f\n")


def test_case_25_a_facade_above_a_facade(root: Path, flatten: Flatten) -> None:
    files = {
        "top/__init__.py": "from .a import f\n",
        "top/a/__init__.py": "from .b import f as f\n\nOWN = 1\n",
        "top/a/b.py": "def f():\n    return 5\n",
        "app/client.py": "from top import f\nfrom top.a import OWN\n\nRESULT = f() + OWN\n",
        "app/late.py": "from top.a import f as g\n\nRESULT = g()\n",
        "app/a/b.py": "def f():\n    return 1\n\n\ndef g():\n    return 2\n",
        "other/__init__.py": "",
    }
    flatten(files, old="top.a.b", new="other.b")
    assert (root / "top/__init__.py").read_text() == ""
    assert (root / "top/a/__init__.py").read_text() == "\nOWN = 1\n"
    assert (root / "app/client.py").read_text().startswith("from other.b import f\nfrom top.a import OWN\n")
    assert (root / "app/late.py").read_text() == "from other.b import f as g\n\nRESULT = g()\n"


def test_case_25_a_module_that_stays_inside_keeps_its_facade(root: Path, flatten: Flatten) -> None:
    document = flatten({}, new="app.a.deep.c")
    assert (root / "app/a/__init__.py").read_text() == FACADE.replace(".b", ".deep.c")
    assert document["findings"] == []


def test_case_25_texts_follow(root: Path, flatten: Flatten) -> None:
    project = '[project]\nname = "p"\n\n[project.scripts]\nrun = "app.a:f"\n'
    flatten({"pyproject.toml": project})
    assert 'run = "app.x.y:f"' in (root / "pyproject.toml").read_text()


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"app/star.py": "from app.a import *\n\nRESULT = f()\n"}, "from app.a import *"),
        (
            {"app/a/__init__.py": 'from .b import f, g\n\n__all__ = [n for n in globals() if n in "fg"]\n'},
            "its __all__ is computed",
        ),
        ({"app/a/__init__.py": "from .b import f, g\n\nONE = f()\n"}, "app/a/__init__.py:3 uses it"),
        ({"app/patched.py": 'TARGET = "app.a.f"\n'}, "a string in app/patched.py names it"),
        ({"app/user.py": "import app.a\n\nRESULT = app.a.f()\n"}, "app/user.py:3 uses it"),
        ({"app/user.py": "from app import a\n\nRESULT = getattr(a, 'f')()\n"}, "app/user.py:3 uses it"),
        (
            {"app/user.py": "try:\n    from app.a import f\nexcept ImportError:\n    f = None\n"},
            "app/user.py:2 needs it: it stands in a try",
        ),
        (
            {"app/a/__init__.py": "try:\n    from .b import f, g\nexcept ImportError:\n    raise\n"},
            "app/a/__init__.py:2 imports it under a condition",
        ),
        (
            {"app/a/b.py": "import sys\n\nsys.path.append('')\n\ndef f(): return 1\n\ndef g(): return 2\n"},
            "importing app.a runs app/x/y.py:3",
        ),
        ({"app/a/__init__.pyi": "from .b import f as f\n"}, "app/a/__init__.pyi describes it"),
        (
            {"app/a/__init__.py": "from .b import f, g\n\ndef __getattr__(name): raise KeyError(name)\n"},
            "are computed",
        ),
    ],
)
def test_case_25_names_that_somebody_needs_stay(
    root: Path, flatten: Flatten, more: dict[str, str], reason: str
) -> None:
    document = flatten(more)
    (message,) = {m for m in left(document) if "passing f on" in m}
    assert reason in message
    assert "import f" in (root / "app/a/__init__.py").read_text()
    assert "from app.a import f" in (root / "app/client.py").read_text()


def test_case_25_an_importer_that_the_new_module_needs_keeps_the_facade(root: Path, flatten: Flatten) -> None:
    files = {
        "app/a/b.py": "from app.c import C\n\n\ndef f():\n    return C\n\n\ndef g():\n    return 2\n",
        "app/c.py": "C = 3\n\n\ndef late():\n    return f()\n\n\nfrom app.a import f\n",
        "app/client.py": "import app.c\n\nRESULT = app.c.late()\n",
    }
    document = flatten(files, clients=("app.client",))
    assert any("cycle" in message for message in left(document))
    assert "from app.a import f" in (root / "app/c.py").read_text()


@pytest.mark.parametrize(
    "text",
    [
        "import app.a\n\nRESULT = app.a.f()\n",
        "from app import a as m\n\nRESULT = m.f()\n",
    ],
)
def test_case_25_the_proof_sees_a_name_that_was_still_needed(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    write(root, {"app/user.py": text})
    before = tree(root)
    monkeypatch.setattr(FacadeFlattening, "_reason_elsewhere", lambda self, name: "")
    assert run(["mv", "app.a.b", "app.x.y", "--facade", "flatten", "--execute"]) == 4
    assert "PROOF001" in capsys.readouterr().err
    assert tree(root) == before
