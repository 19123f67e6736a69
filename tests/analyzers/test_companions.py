"""Stubs always move along; test twins on request, when a folder mirrors the package."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from analyzers.companions import with_stubs, with_tests
from analyzers.import_index import SourceIndex, records_for
from analyzers.layout import ProjectLayout
from analyzers.model import Relocation

MOVE = Relocation("app.a.x", "app.b.y", old_path="app/a/x.py", new_path="app/b/y.py")


def index_of(files: Mapping[str, str]) -> SourceIndex:
    records = records_for({path: text.encode() for path, text in files.items()})
    return SourceIndex.from_records(ProjectLayout(Path("/nowhere"), (".",)), records)


def test_stub_moves_along_under_the_new_name() -> None:
    index = index_of({"app/a/x.py": "", "app/a/x.pyi": "", "app/a/z.pyi": ""})
    assert [(r.old_path, r.new_path) for r in with_stubs([MOVE], index)] == [
        ("app/a/x.py", "app/b/y.py"),
        ("app/a/x.pyi", "app/b/y.pyi"),
    ]


def test_stub_that_is_named_already_is_not_added_again() -> None:
    index = index_of({"app/a/x.py": "", "app/a/x.pyi": ""})
    once = with_stubs([MOVE], index)
    assert with_stubs(once, index) == once


def test_twin_in_a_mirroring_folder_moves_and_is_renamed() -> None:
    index = index_of({"app/a/x.py": "", "tests/a/test_x.py": "from app.a import x\n"})
    found, findings = with_tests([MOVE], index)
    assert [(r.old_path, r.new_path) for r in found[1:]] == [("tests/a/test_x.py", "tests/b/test_y.py")]
    assert findings == ()


def test_twin_elsewhere_is_reported_and_stays() -> None:
    index = index_of({"app/a/x.py": "", "checks/test_x.py": "import app.a.x\n"})
    found, findings = with_tests([MOVE], index)
    assert found == (MOVE,)
    assert [(f.code, f.path) for f in findings] == [("TWIN001", "checks/test_x.py")]


def test_a_file_that_tests_another_module_of_that_name_is_no_twin() -> None:
    index = index_of({"app/a/x.py": "", "tests/a/test_x.py": "from app.c import x\n"})
    assert with_tests([MOVE], index) == ((MOVE,), ())


def test_a_twin_never_overwrites_a_file() -> None:
    index = index_of({"app/a/x.py": "", "tests/a/test_x.py": "import app.a.x\n", "tests/b/test_y.py": ""})
    found, findings = with_tests([MOVE], index)
    assert found == (MOVE,)
    assert [f.path for f in findings] == ["tests/a/test_x.py"]
