"""Moves as people write them become relocations."""

from __future__ import annotations

from pathlib import Path

import pytest

from analyzers.errors import InputError
from analyzers.import_index import SourceIndex, load_index
from analyzers.layout import ProjectLayout
from analyzers.relocation_table import read_move_table, relocations_of_moves


@pytest.fixture
def index(tmp_path: Path) -> SourceIndex:
    for path in ("src/app/__init__.py", "src/app/a/__init__.py", "src/app/a/x.py", "src/app/a/sub/y.py"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(f"# {path}\n")
    return load_index(ProjectLayout(tmp_path, ("src",)))


def one(index: SourceIndex, old: str, new: str) -> list[tuple[str, str, str, str]]:
    found = relocations_of_moves([(3, old, new)], index, "moves.csv")
    return [(r.old_module, r.new_module, r.old_path, r.new_path) for r in found]


def test_path_and_dotted_name_mean_the_same(index: SourceIndex) -> None:
    wanted = [("app.a.x", "app.b.z", "src/app/a/x.py", "src/app/b/z.py")]
    assert one(index, "src/app/a/x.py", "src/app/b/z.py") == wanted
    assert one(index, "app.a.x", "app.b.z") == wanted


def test_folder_as_target_keeps_the_file_name(index: SourceIndex) -> None:
    assert one(index, "src/app/a/x.py", "src/app/b/")[0][3] == "src/app/b/x.py"


def test_package_takes_everything_below_it_along(index: SourceIndex) -> None:
    found = relocations_of_moves([(1, "app.a", "app.b")], index, "moves.csv")
    assert [(r.old_module, r.new_module, r.subtree) for r in found] == [
        ("app.a", "app.b", True),
        ("app.a.sub.y", "app.b.sub.y", False),
        ("app.a.x", "app.b.x", False),
    ]


def test_symbol_keeps_its_name_unless_told(index: SourceIndex) -> None:
    found = relocations_of_moves([(1, "app.a.x:f", "app.b"), (2, "app.a.x:g", "app.b:h")], index, "m")
    assert [str(r) for r in found] == ["app.a.x:f -> app.b:f", "app.a.x:g -> app.b:h"]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("app.nothing", "app.b", "no such module"),
        ("src/app/no.py", "src/app/b.py", "no such Python file"),
        ("../../etc/passwd", "src/app/b.py", "out of the repository"),
        ("src/app/a/x.py", "/etc/x.py", "out of the repository"),
        ("src/app/a/x.py", "src/app/not-a-name.py", "no Python name"),
        ("app.a", "app.a.b", "into itself"),
    ],
)
def test_what_cannot_be_is_refused_with_the_line(index: SourceIndex, old: str, new: str, words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        one(index, old, new)
    assert (caught.value.file, caught.value.line) == ("moves.csv", 3)


@pytest.mark.parametrize(
    ("content", "line"),
    [(b"", 1), (b"old,new\na,b\n", 1), (b"old_path,new_path\na.py,\n", 2), (b'old_path,new_path\n"a\n', 1)],
)
def test_malformed_tables_are_refused(tmp_path: Path, content: bytes, line: int) -> None:
    table = tmp_path / "moves.csv"
    table.write_bytes(content)
    with pytest.raises(InputError) as caught:
        read_move_table(table)
    assert caught.value.line == line


def test_table_with_bom_and_crlf(tmp_path: Path) -> None:
    table = tmp_path / "moves.csv"
    table.write_bytes(b"\xef\xbb\xbfold_path,new_path\r\na.py,b.py\r\n")
    assert read_move_table(table) == [(2, "a.py", "b.py")]


def test_package_with_files_that_no_import_can_name(tmp_path: Path) -> None:
    for path in ("app/a/__init__.py", "app/a/migrations/0001_initial.py"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text("")
    index = load_index(ProjectLayout(tmp_path))
    found = relocations_of_moves([(1, "app.a", "app.b")], index, "m")
    assert ("app/a/migrations/0001_initial.py", "app/b/migrations/0001_initial.py") in [
        (r.old_path, r.new_path) for r in found
    ]
