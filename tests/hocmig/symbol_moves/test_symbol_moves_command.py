"""`hocmig mv` of symbols through the real command line, LibCST's tool and rope included."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from hocmig.cli import run

FILES = {
    "app/a.py": """
        import math


        # The area.
        def area(r):
            return math.pi * r**2


        LIMIT = 3


        class Shape:
            edges = LIMIT
        """,
    "app/b.py": '"""B."""\n',
    "client.py": """
        from app.a import LIMIT, Shape, area  # geometry

        RESULT = [area(1), Shape.edges, LIMIT]
        """,
}


def git(root: Path, *arguments: str) -> str:
    command = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org", *arguments]
    return subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stdout


def test_a_dry_run_changes_nothing_and_its_diff_is_what_execute_does(
    make_tree, capsys: pytest.CaptureFixture[str]
) -> None:
    tree = make_tree(FILES)
    git(tree.root, "init", "-q")
    git(tree.root, "add", "-A")
    git(tree.root, "commit", "-qm", "before")
    before, values = tree.files(), tree.results(["client"])
    assert run(["--root", str(tree.root), "mv", "app.a:area", "app.b"]) == 0
    diff = capsys.readouterr().out
    assert tree.files() == before
    assert run(["--root", str(tree.root), "mv", "app.a:area", "app.b", "--execute"]) == 0
    after = tree.files()
    assert tree.results(["client"]) == values
    assert tree.read("app/b.py").endswith("# The area.\ndef area(r):\n    return math.pi * r**2\n")
    git(tree.root, "checkout", "-q", ".")
    (tree.root / "change.diff").write_text(diff)
    git(tree.root, "apply", "change.diff")
    (tree.root / "change.diff").unlink()
    assert {p: c for p, c in tree.files().items() if not p.startswith(".git/")} == {
        p: c for p, c in after.items() if not p.startswith(".git/")
    }


def test_a_table_moves_many_symbols_at_once(make_tree, capsys: pytest.CaptureFixture[str]) -> None:
    tree = make_tree(FILES)
    values = tree.results(["client"])
    table = tree.root / "moves.csv"
    table.write_text("old_path,new_path\napp/a.py:area,app/b.py\napp.a:LIMIT,app.c:MOST\napp.a:Shape,app.c\n")
    assert run(["--root", str(tree.root), "--json", "mv", "--map", str(table), "--execute"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["symbols"] == [
        "app.a:LIMIT -> app.c:MOST",
        "app.a:Shape -> app.c:Shape",
        "app.a:area -> app.b:area",
    ]
    assert tree.read("app/a.py") == ""
    assert tree.read("app/c.py") == "MOST = 3\n\n\nclass Shape:\n    edges = MOST\n"
    assert tree.results(["client"]) == values
    assert tree.read("client.py").splitlines()[0] == "from app.c import MOST as LIMIT, Shape  # geometry"


def test_a_shim_forwards_the_old_name_and_warns_at_the_caller(make_tree) -> None:
    tree = make_tree(FILES)
    arguments = ["mv", "app.a:area", "app.b", "--execute", "--shim-until", "2999-01-31"]
    assert run(["--root", str(tree.root), *arguments]) == 0
    code = "import warnings; warnings.simplefilter('error'); from app.a import LIMIT; from app.a import area"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tree.root, capture_output=True, text=True, check=False
    )
    assert "DeprecationWarning: app.a.area has moved to app.b" in done.stderr
    code = "from app.a import area; from app import b; assert area is b.area"
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], cwd=tree.root, check=True)


def test_refusals_are_exit_code_1_and_allow_overrules(make_tree, capsys: pytest.CaptureFixture[str]) -> None:
    tree = make_tree(
        {
            "app/a.py": "def s():\n    return 1\n\n\ndef f():\n    return s()\n\n\n"
            "def g():\n    return f() + s()\n",
            "app/b.py": "X = 1\n",
            "client.py": "from app.a import f, g\nRESULT = [f(), g()]\n",
        }
    )
    before = tree.files()
    assert run(["--root", str(tree.root), "mv", "app.a:f", "app.b", "--execute"]) == 1
    assert "move s along" in capsys.readouterr().err
    assert tree.files() == before
    assert run(["--root", str(tree.root), "mv", "app.a:absent", "app.b"]) == 1


def test_an_edited_file_stops_the_codemod(tmp_path: Path) -> None:
    from codemods._move_plan import FileMoves, MovePlanFile
    from hocmig.codemod_runner import run_codemod

    plan = MovePlanFile(1, {"a.py": FileMoves("0" * 64)})
    result = run_codemod(
        "move_symbols.MoveSymbolsCommand", {"a.py": b"X = 1\n"}, plan, jobs=1, state=tmp_path
    )
    assert result.contents == {}
    assert "SYMBOL015" in result.warnings[0]


@pytest.mark.parametrize(
    ("text", "name", "agrees"),
    [
        ("# Above.\n@d\ndef f():\n    return 1\n", "f", True),
        ("class C:\n    def m(self):\n        return C\n", "C", True),
        ("X: int = 3\n", "X", True),
        ("async def g():\n    return g\n", "g", True),
        ("if True:\n    def h(): pass\n", "h", False),
    ],
)
def test_rope_moves_plain_definitions_as_planned(tmp_path: Path, text: str, name: str, agrees: bool) -> None:
    from analyzers.symbol_moves.move_context import PlainMove
    from hocmig.definition_mover import move_with_rope

    outcome = move_with_rope([PlainMove("a.py", "b.py", name, 1, text)], tmp_path)
    assert bool(outcome.agreed) is agrees
    assert bool(outcome.differing) is not agrees
    assert list(tmp_path.iterdir()) == []
