"""What moves along with a module or a package: data files, binary files, stubs, test twins."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Make = Callable[..., Path]
Mv = Callable[..., dict[str, Any]]
ValueOf = Callable[[Path, str], str]

READER = """\
from pathlib import Path

TEXT = (Path(__file__).parent / "t.sql").read_text()
"""


def codes(document: dict[str, Any]) -> list[tuple[str, str, int]]:
    return [(f["code"], f["path"], f["line"]) for f in document["findings"]]


def test_case_49_data_moves_along(make: Make, mv: Mv, value_of: ValueOf) -> None:
    root = make({"app/a/__init__.py": "", "app/a/m.py": READER, "app/a/t.sql": "select\r\n"})
    before = value_of(root, "app.a.m.TEXT")
    document = mv("app.a.m", "app.b.deep.m", "--with-data", "--execute")
    assert {"old_path": "app/a/t.sql", "new_path": "app/b/deep/t.sql"} in document["moved"]
    assert document["findings"] == []
    assert value_of(root, "app.b.deep.m.TEXT") == before
    assert not (root / "app/a/t.sql").exists()
    assert (root / "app/b/deep/t.sql").read_bytes() == b"select\r\n"


def test_case_49_without_the_flag_data_is_reported(make: Make, mv: Mv, value_of: ValueOf) -> None:
    root = make({"app/a/__init__.py": "", "app/a/m.py": READER, "app/a/t.sql": "select\n"})
    document = mv("app.a.m", "app.b.m", "--execute")
    assert codes(document) == [("DATA001", "app/a/m.py", 3)]
    assert (root / "app/a/t.sql").exists()


def test_case_49_there_and_back_gives_the_same_bytes(make: Make, mv: Mv, value_of: ValueOf) -> None:
    root = make(
        {
            "app/a/__init__.py": "",
            "app/b/__init__.py": "",
            "app/a/m.py": READER,
            "app/a/t.sql": "select\n",
            "MANIFEST.in": "include app/a/t.sql\n",
            "docs/data.md": "See `app/a/t.sql`.\n",
        }
    )

    def tree() -> dict[str, bytes]:
        return {
            p.relative_to(root).as_posix(): p.read_bytes()
            for p in sorted(root.rglob("*"))
            if p.is_file() and not {".hocmig", "__pycache__"} & set(p.parts)
        }

    before = tree()
    document = mv("app.a.m", "app.b.m", "--with-data", "--execute")
    assert (root / "MANIFEST.in").read_text() == "include app/b/t.sql\n"
    assert [(r["path"], r["certainty"], r["new"]) for r in document["references"]] == [
        ("MANIFEST.in", "certain", "app/b/t.sql"),
        ("docs/data.md", "likely", "app/b/t.sql"),
    ]
    once = tree()
    table = root.parent / "moves.csv"
    table.write_text("old_path,new_path\napp/a/m.py,app/b/m.py\n")
    mv("--map", str(table), "--with-data", "--execute")
    assert tree() == once
    mv("app.b.m", "app.a.m", "--with-data", "--execute")
    assert tree() == before


BY_OS_PATH = """\
import os
HERE = os.path.dirname(__file__)
TEXT = open(os.path.join(HERE, "d", "t.sql")).read()
"""
BY_GET_DATA = """\
import pkgutil
TEXT = pkgutil.get_data(__name__, "d/t.sql")
"""
BY_FILES = """\
from importlib.resources import files
TEXT = (files(__package__) / "d" / "t.sql").read_text()
"""
BY_FOLDER = """\
from pathlib import Path

def load(name):
    return (Path(__file__).parent / "d" / name).read_text()

TEXT = load("t.sql")
"""
BY_LISTING = """\
from pathlib import Path
TEXT = sorted((p.name, p.read_bytes()) for p in (Path(__file__).parent / "d").iterdir())
"""
BY_LOGO_SIZE = """\
from pathlib import Path
SIZE = (Path(__file__).parent / "logo.png").stat().st_size
"""


@pytest.mark.parametrize("text", [BY_OS_PATH, BY_GET_DATA, BY_FILES, BY_FOLDER])
def test_case_49_every_way_to_find_data(make: Make, mv: Mv, value_of: ValueOf, text: str) -> None:
    root = make({"app/a/__init__.py": "", "app/a/m.py": text, "app/a/d/t.sql": "select\n"})
    before = value_of(root, "app.a.m.TEXT")
    document = mv("app.a.m", "app.b.m", "--with-data", "--execute")
    assert document["findings"] == []
    assert value_of(root, "app.b.m.TEXT") == before


def test_case_49_a_folder_with_binary_files_moves_whole(make: Make, mv: Mv, value_of: ValueOf) -> None:
    root = make(
        {
            "app/a/__init__.py": "",
            "app/a/m.py": BY_LISTING,
            "app/a/d/one.png": b"\x89PNG\0",
            "app/a/d/two.txt": "2\n",
        }
    )
    before = value_of(root, "app.a.m.TEXT")
    mv("app.a.m", "app.b.m", "--with-data", "--execute")
    assert value_of(root, "app.b.m.TEXT") == before
    assert not (root / "app/a/d").exists()


OTHER = "app/other.py"


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({OTHER: "open('app/a/t.sql')\n"}, "app/other.py:1 names it"),
        (
            {OTHER: "from pathlib import Path\nP = Path(__file__).parent / 'a' / 't.sql'\n"},
            "app/other.py:2 finds it",
        ),
        (
            {OTHER: "from pathlib import Path\n\ndef f(n): return Path(__file__).parent / 'a' / n\n"},
            "app/other.py:3 finds it",
        ),
        ({OTHER: "import pkgutil\nD = pkgutil.get_data('app.a', 't.sql')\n"}, "by the name of its package"),
        (
            {OTHER: "from importlib.resources import files\nD = files('app.a')\n"},
            "by the name of its package",
        ),
        ({"app/b/t.sql": "mine\n"}, "app/b/t.sql exists already"),
        ({".gitignore": "/app/b/*.sql\n"}, "git would ignore it"),
    ],
)
def test_case_49_data_that_others_use_stays(
    make: Make, mv: Mv, value_of: ValueOf, more: dict[str, str | bytes], reason: str
) -> None:
    root = make({"app/a/__init__.py": "", "app/a/m.py": READER, "app/a/t.sql": "select\n"} | more)
    document = mv("app.a.m", "app.b.m", "--with-data", "--execute")
    assert ("DATA001", "app/a/m.py", 3) in codes(document)
    (left,) = [f for f in document["findings"] if f["code"] == "DATA004"]
    assert reason in left["message"]
    assert (left["path"], left["line"]) == ("app/a/m.py", 3)
    assert (root / "app/a/t.sql").read_text() == "select\n"


def test_case_49_two_moving_modules_agree_or_not(make: Make, mv: Mv, value_of: ValueOf) -> None:
    files = {"app/a/__init__.py": "", "app/a/m.py": READER, "app/a/n.py": READER, "app/a/t.sql": "select\n"}
    root = make(files)
    table = root.parent / "moves.csv"
    table.write_text("old_path,new_path\napp/a/m.py,app/b/m.py\napp/a/n.py,app/c/n.py\n")
    document = mv("--map", str(table), "--with-data")
    assert [f["code"] for f in document["findings"]].count("DATA004") == 1
    table.write_text("old_path,new_path\napp/a/m.py,app/b/m.py\napp/a/n.py,app/b/n.py\n")
    document = mv("--map", str(table), "--with-data", "--execute")
    assert document["findings"] == []
    assert value_of(root, "app.b.n.TEXT") == value_of(root, "app.b.m.TEXT")


def test_case_49_package_data_rules_that_lose_a_file_are_named(make: Make, mv: Mv, value_of: ValueOf) -> None:
    rules = '[build-system]\nrequires = []\n\n[tool.setuptools.package-data]\n"app.a" = ["*.txt", "*.sql"]\n'
    make({"app/a/__init__.py": "", "app/a/m.py": READER, "app/a/t.sql": "select\n", "pyproject.toml": rules})
    document = mv("app.a.m", "app.b.m", "--with-data")
    assert codes(document) == [("DATA005", "pyproject.toml", 5)]
    assert "app/b/t.sql" in document["findings"][0]["message"]


def test_case_49_a_package_that_leaves_its_files_is_reported(make: Make, mv: Mv, value_of: ValueOf) -> None:
    make(
        {
            "app/a/__init__.py": "X = 1\n",
            "app/a/t.sql": "select\n",
            "app/user.py": "import pkgutil\nimport app.a\nD = pkgutil.get_data('app.a', 't.sql')\n",
        }
    )
    document = mv("app/a/__init__.py", "app/b/__init__.py")
    assert ("DATA003", "app/user.py", 3) in codes(document)


def test_case_49_a_package_takes_binary_files_along(make: Make, mv: Mv, value_of: ValueOf) -> None:
    root = make(
        {
            "app/a/__init__.py": BY_LOGO_SIZE,
            "app/a/logo.png": b"\x89PNG\r\n\0",
            "app/a/sub/table.sqlite": b"SQLite\0",
            "app/a/t.sql": "select\n",
        }
    )
    before = value_of(root, "app.a.SIZE")
    document = mv("app/a", "app/b", "--execute")
    assert document["findings"] == []
    assert value_of(root, "app.b.SIZE") == before
    assert not (root / "app/a").exists()
    assert (root / "app/b/sub/table.sqlite").read_bytes() == b"SQLite\0"


def test_case_51_a_link_that_cannot_go_along_is_reported(make: Make, mv: Mv, value_of: ValueOf) -> None:
    root = make({"app/a/__init__.py": "", "app/a/m.py": "X = 1\n", "t.sql": "select\n"})
    (root / "app/a/link.sql").symlink_to("../../t.sql")
    document = mv("app/a", "app/b")
    assert codes(document) == [("MOVE014", "app/a", 0)]
    assert "app/a/link.sql" in document["findings"][0]["message"]
