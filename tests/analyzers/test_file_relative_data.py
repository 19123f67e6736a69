"""Data found by a module's own place."""

from __future__ import annotations

import ast

import pytest

from analyzers.file_relative_data import data_uses, find_file_relative_data, find_package_data
from analyzers.model import Relocation
from analyzers.relocation_map import RelocationMap

OLD, NEW = "src/app/a/b.py", "src/app/x/deep/y.py"
MOVE = RelocationMap([Relocation("app.a.b", "app.x.deep.y", old_path=OLD, new_path=NEW)])


@pytest.mark.parametrize(
    ("text", "target", "after"),
    [
        ("open(Path(__file__).parent / 't.sql')", "src/app/a/t.sql", "src/app/x/deep/t.sql"),
        ("Path(__file__).resolve().parents[2] / 'cfg.ini'", "src/cfg.ini", "src/app/cfg.ini"),
        (
            "os.path.join(os.path.dirname(__file__), 'd', 't.sql')",
            "src/app/a/d/t.sql",
            "src/app/x/deep/d/t.sql",
        ),
        ("os.path.join(os.path.dirname(__file__), '..', 't')", "src/app/t", "src/app/x/t"),
        ("os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir)", "src/app", "src/app/x"),
        ("pathlib.Path(__file__).with_name('t.sql').read_text()", "src/app/a/t.sql", "src/app/x/deep/t.sql"),
        ("Path(__file__).with_suffix('.sql')", "src/app/a/b.sql", "src/app/x/deep/y.sql"),
        ("Path(__file__).parent.joinpath('a', 'b.txt')", "src/app/a/a/b.txt", "src/app/x/deep/a/b.txt"),
        ("importlib.resources.files(__package__) / 't.sql'", "src/app/a/t.sql", "src/app/x/deep/t.sql"),
        ("resources.files(__name__).joinpath('t')", "src/app/a/t", "src/app/x/deep/t"),
        ("pkgutil.get_data(__name__, 't.sql')", "src/app/a/t.sql", "src/app/x/deep/t.sql"),
        ("PackageLoader(__name__)", "src/app/a/templates", "src/app/x/deep/templates"),
        ("os.path.dirname(__file__) + '/t.sql'", "src/app/a/t.sql", "src/app/x/deep/t.sql"),
        (
            "H = Path(__file__).parent\ndef f(): return (H / 't.sql').read_text()",
            "src/app/a/t.sql",
            "src/app/x/deep/t.sql",
        ),
        ("N = 't.sql'\nopen(Path(__file__).parent / N)", "src/app/a/t.sql", "src/app/x/deep/t.sql"),
        ("sys.path.insert(0, str(Path(__file__).parents[3]))", ".", "src"),
    ],
)
def test_constant_paths(text: str, target: str, after: str) -> None:
    (use,) = data_uses(OLD, NEW, ast.parse(text))
    assert (use.target, use.target_after, use.goes_on) == (target, after, False)
    (finding,) = find_file_relative_data(OLD, NEW, ast.parse(text), MOVE)
    assert finding.code == "DATA001"
    assert target in finding.message
    assert after in finding.message


@pytest.mark.parametrize(
    "text",
    [
        "H = Path(__file__).parent\ndef f(n): return H / n",
        "os.path.join(os.path.dirname(__file__), name)",
        "Path(__file__).parent.glob('*.sql')",
    ],
)
def test_a_folder_with_unknown_files(text: str) -> None:
    (use,) = data_uses(OLD, NEW, ast.parse(text))
    assert (use.target, use.goes_on) == ("src/app/a", True)
    (finding,) = find_file_relative_data(OLD, NEW, ast.parse(text), MOVE)
    assert finding.code == "DATA002"


@pytest.mark.parametrize(
    "text",
    ["print(__file__)", "x = Path('t.sql')", "open(name)", "f(__name__)", "", "H = Path(__file__).parent"],
)
def test_no_data(text: str) -> None:
    assert data_uses(OLD, NEW, ast.parse(text)) == ()


def test_a_path_above_the_repository_is_unknown() -> None:
    assert [u.target for u in data_uses(OLD, NEW, ast.parse("Path(__file__).parents[9] / 'x'"))] == []
    (use,) = data_uses(OLD, "y.py", ast.parse("Path(__file__).parents[2] / 'x'"))
    assert (use.target, use.target_after) == ("src/x", "")


def test_data_that_moves_along_is_no_finding() -> None:
    whole = RelocationMap(
        [
            Relocation(
                "app.a",
                "app.z",
                old_path="src/app/a/__init__.py",
                new_path="src/app/z/__init__.py",
                subtree=True,
            )
        ]
    )
    text = "open(Path(__file__).parent / 't.sql'); open(Path(__file__).parents[1] / 'u.sql')"
    assert find_file_relative_data(OLD, "src/app/z/b.py", ast.parse(text), whole) == ()


def test_resources_of_a_package_that_moves_alone() -> None:
    alone = RelocationMap(
        [Relocation("app.a", "app.z", old_path="src/app/a/__init__.py", new_path="src/app/z/__init__.py")]
    )
    tree = ast.parse("x = files('app.a') / 't'\ny = files('app.c')\nz = read()")
    assert [(f.code, f.line) for f in find_package_data("c.py", tree, alone)] == [("DATA003", 1)]
    whole = RelocationMap([Relocation("app.a", "app.z", subtree=True)])
    assert find_package_data("c.py", tree, whole) == ()
