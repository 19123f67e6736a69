"""`hocmig consolidate` on small trees and on the sample's planted copies, through the real command line."""

from __future__ import annotations

import csv
import subprocess
import sys
import textwrap
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from hocmig.cli import run
from hocmig.sample.generator import COPIES, write_sample

ROOT = "backend/app/hoc/cus"
CONFIG = "version: 1\nimport_roots: ['.']\ndomain_root: app\nshared_domain: general\n"
HEAD = "candidate_id,duplicate_ids,canonical_location,delete_locations,estimated_savings_loc"
TYPED = HEAD + ",type,recommendation,canonical_name,delete_names"
Maker = Callable[..., Path]

KEYS = '''
    """Keys."""

    import hashlib

    SIZE = 8


    def key(text):
        """The key of a text."""
        return hashlib.sha256(text.encode()).hexdigest()[:SIZE]
    '''
CLIENT = """
    from app.general.L6.keys import key
    from app.logs.L6 import keys
    from app.logs.L6.keys import SIZE

    RESULT = [key("a"), keys.key("a"), SIZE]
    """


def tree(root: Path) -> dict[str, bytes]:
    return {
        p.relative_to(root).as_posix(): p.read_bytes()
        for p in sorted(root.rglob("*"))
        if p.is_file() and not {".hocmig", "__pycache__", "backups", ".pytest_cache"} & set(p.parts)
    }


def value(root: Path) -> str:
    code = "import client; print(client.RESULT)"
    done = subprocess.run(
        [sys.executable, "-B", "-c", code], cwd=root, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def log(root: Path, folder: str = "app/_domain_map") -> list[dict[str, str]]:
    with (root / folder / "PHASE6_CONSOLIDATION_LOG.csv").open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def repository(tmp_path: Path) -> Maker:
    def make(files: Mapping[str, str], candidates: str) -> Path:
        root = tmp_path / "repository"
        table = "app/_domain_map/PHASE5_CONSOLIDATION_CANDIDATES.csv"
        for path, text in {"hocmig.yaml": CONFIG, table: candidates, **files}.items():
            target = root / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(textwrap.dedent(text).lstrip("\n"))
            for folder in target.relative_to(root).parents:
                if path.endswith(".py") and str(folder) != ".":
                    (root / folder / "__init__.py").touch()
        return root

    return make


def test_a_copy_goes_and_its_callers_use_the_shared_one(
    repository: Maker, capsys: pytest.CaptureFixture[str]
) -> None:
    files = {"app/general/L6/keys.py": KEYS, "app/logs/L6/keys.py": KEYS, "client.py": CLIENT}
    root = repository(files, f"{HEAD}\nC001,D001,app/general/L6/keys.py,app/logs/L6/keys.py,9\n")
    before, values = tree(root), value(root)
    assert run(["--root", str(root), "consolidate"]) == 0
    assert tree(root) == before
    assert run(["--root", str(root), "consolidate", "--execute", "--candidate", "C001"]) == 0
    after = tree(root)
    assert "app/logs/L6/keys.py" not in after
    assert after["app/general/L6/keys.py"] == before["app/general/L6/keys.py"]
    assert value(root) == values
    (row,) = log(root)
    assert (row["candidate_id"], row["canonical_path"], row["deleted_paths"], row["status"]) == (
        *("C001", "app/general/L6/keys.py", "app/logs/L6/keys.py", "SUCCESS"),
    )
    assert row["callers_updated"] == "1"
    assert "Saved: 10 lines (estimated: 9)" in after["app/_domain_map/PHASE6_LOC_SAVINGS.md"].decode()
    capsys.readouterr()
    assert run(["--root", str(root), "consolidate", "--execute", "--all"]) == 0
    assert "nothing to consolidate" in capsys.readouterr().out
    assert tree(root) == after
    assert run(["--root", str(root), "consolidate", "--rollback"]) == 0
    left = tree(root)
    left.pop("app/_domain_map/PHASE6_CONSOLIDATION_LOG.csv")
    assert left == before
    assert [r["status"] for r in log(root)] == ["ROLLED_BACK"]


def test_what_only_a_copy_has_is_merged_with_its_imports(repository: Maker) -> None:
    more = textwrap.dedent(KEYS).replace("import hashlib\n", "import hashlib\nimport os\n") + textwrap.dedent(
        """

        # Only here.
        def path_key(*parts):
            return key(os.sep.join(parts))
        """
    )
    files = {"app/general/L6/keys.py": KEYS, "app/logs/L6/keys.py": more}
    files["client.py"] = "from app.logs.L6.keys import path_key\nRESULT = path_key('a', 'b')\n"
    root = repository(files, f"{HEAD}\nC001,D001,app/general/L6/keys.py,app/logs/L6/keys.py,9\n")
    values = value(root)
    assert run(["--root", str(root), "consolidate", "--execute", "--all"]) == 0
    assert value(root) == values
    text = (root / "app/general/L6/keys.py").read_text()
    assert "import hashlib\nimport os\n" in text
    assert text.endswith("# Only here.\ndef path_key(*parts):\n    return key(os.sep.join(parts))\n")
    assert log(root)[0]["functions_merged"] == "1"


BOX = """
    class Box:
        size = 1

        def grown(self):
            return self.size + 1
    """


def test_methods_that_only_a_copy_has_go_into_the_class_that_stays(repository: Maker) -> None:
    kept = textwrap.dedent(BOX) + "\n    def only_here(self):\n        return Box().size\n\n\nLAST = 1\n"
    more = "import os\nfrom app.general.L6.text import join\n" + textwrap.dedent(BOX).replace(
        "    def grown",
        "    # A path.\n    @property\n    def path(self):\n        return join(os.sep, SEP)\n\n"
        "    def grown",
    )
    files = {
        "app/general/L6/boxes.py": kept,
        "app/general/L6/text.py": "def join(*parts):\n    return ''.join(parts)\n",
        "app/logs/L6/boxes.py": f"{more}\n\nSEP = 'x'\n",
        "app/bills/L6/boxes.py": textwrap.dedent(BOX),
        "client.py": "from app.logs.L6.boxes import Box\nfrom app.bills.L6.boxes import Box as Bill\n"
        "RESULT = [Box().path, Box().grown(), Bill().grown()]\n",
    }
    row = 'C001,D001,app/general/L6/boxes.py,"app/logs/L6/boxes.py,app/bills/L6/boxes.py",9'
    root = repository(files, f"{HEAD}\n{row}\n")
    values = value(root)
    assert run(["--root", str(root), "consolidate", "--execute", "--all"]) == 0
    assert value(root) == values
    assert (root / "app/general/L6/boxes.py").read_text() == textwrap.dedent(
        """
        import os

        from app.general.L6.text import join

        class Box:
            size = 1

            def grown(self):
                return self.size + 1

            def only_here(self):
                return Box().size

            # A path.
            @property
            def path(self):
                return join(os.sep, SEP)


        LAST = 1

        SEP = 'x'
        """
    ).lstrip("\n")
    assert log(root)[0]["functions_merged"] == "2"


@pytest.mark.parametrize(
    "method",
    [
        "def __len__(self):\n        return 0",
        "@cached\n    def other(self):\n        return 0",
        "def size(self):\n        return 0",
        "def tag(self):\n        return 0",
        "def filename(self):\n        return 0",
    ],
)
def test_methods_that_could_change_what_a_class_does_are_refused(repository: Maker, method: str) -> None:
    box = textwrap.dedent(BOX).replace("return self", "self.tag = 1\n        return self")
    if "filename" in method:
        box = box.replace("class Box", "class Box(OSError)")
    more = box + f"\n    {method}\n"
    root = repository(
        {"app/general/L6/boxes.py": box, "app/logs/L6/boxes.py": more},
        f"{HEAD}\nC001,D001,app/general/L6/boxes.py,app/logs/L6/boxes.py,9\n",
    )
    assert run(["--root", str(root), "consolidate", "--execute", "--all"]) == 1
    assert (root / "app/logs/L6/boxes.py").read_text() == more.lstrip("\n")


def test_a_class_with_other_bases_beside_it_takes_no_methods(
    repository: Maker, capsys: pytest.CaptureFixture[str]
) -> None:
    more = textwrap.dedent(BOX) + "\n    def name(self):\n        return 1\n"
    mixed = "from app.general.L6.boxes import Box\n\n\nclass Named(Box, dict):\n    pass\n"
    root = repository(
        {"app/general/L6/boxes.py": BOX, "app/logs/L6/boxes.py": more, "app/logs/L6/mixed.py": mixed},
        f"{HEAD}\nC001,D001,app/general/L6/boxes.py,app/logs/L6/boxes.py,9\n",
    )
    assert run(["--root", str(root), "consolidate", "--execute", "--all"]) == 1
    assert "app/logs/L6/mixed.py has a class with Box and other bases" in capsys.readouterr().err


def test_names_that_differ_in_meaning_are_refused_and_shown(
    repository: Maker, capsys: pytest.CaptureFixture[str]
) -> None:
    other = textwrap.dedent(KEYS).replace("[:SIZE]", "[-SIZE:]")
    files = {"app/general/L6/keys.py": KEYS, "app/logs/L6/keys.py": other, "client.py": CLIENT}
    root = repository(files, f"{HEAD}\nC001,D001,app/general/L6/keys.py,app/logs/L6/keys.py,9\n")
    before = tree(root)
    assert run(["--root", str(root), "consolidate", "--execute", "--all"]) == 1
    said = capsys.readouterr().err
    assert "-    return hashlib.sha256(text.encode()).hexdigest()[:SIZE]" in said
    assert "+    return hashlib.sha256(text.encode()).hexdigest()[-SIZE:]" in said
    assert "app/logs/L6/keys.py:8 key" in said
    assert tree(root) == before


def test_without_a_shared_copy_it_is_extracted_unless_it_needs_a_domain(repository: Maker) -> None:
    needy = textwrap.dedent(KEYS).replace("SIZE", "from app.bills.base import SALT\n\nSIZE", 1)
    files = {
        "app/bills/base.py": "SALT = 1\n",
        "app/bills/L6/keys.py": KEYS,
        "app/logs/L6/keys.py": KEYS,
        "app/bills/L6/needy.py": needy,
        "app/logs/L6/needy.py": needy,
        "client.py": """
            from app.bills.L6 import keys as a, needy as b
            from app.logs.L6 import keys as c, needy as d

            RESULT = [a.key("x"), b.key("x"), c.key("x"), d.key("x"), d.SALT]
            """,
    }
    rows = "C001,D1,app/bills/L6/keys.py,app/logs/L6/keys.py,9\n"
    rows += "C002,D2,app/bills/L6/needy.py,app/logs/L6/needy.py,9\n"
    root = repository(files, f"{HEAD}\n{rows}")
    values = value(root)
    assert run(["--root", str(root), "consolidate", "--execute", "--all"]) == 0
    assert value(root) == values
    after = tree(root)
    assert {p for p in after if p.endswith(("keys.py", "needy.py"))} == {
        *("app/general/L6/keys.py", "app/bills/L6/needy.py"),
    }
    assert after["app/general/L6/keys.py"].decode() == textwrap.dedent(KEYS).lstrip("\n")
    assert "app.bills.base" in next(r["reason"] for r in log(root) if r["candidate_id"] == "C002")


def test_equal_functions_are_merged_and_others_left_to_people(
    repository: Maker, capsys: pytest.CaptureFixture[str]
) -> None:
    files = {
        "app/general/L6/text.py": 'def slug(text):\n    """A slug."""\n    return text.lower()\n',
        "app/logs/L6/names.py": "import os\n\n\ndef slugged(text):\n    return text.lower()\n"
        "\n\nSEP = os.sep\n",
        "app/logs/L6/other.py": "def slug(text):\n    return text.upper()\n",
        "app/logs/L6/kinds.py": "class K:\n    def m(self):\n        return 1\n",
        "client.py": """
            from app.logs.L6.names import SEP, slugged
            from app.logs.L6 import names

            RESULT = [slugged("A"), names.slugged("B"), SEP]
            """,
    }
    rows = [
        "C001,D1,app/general/L6/text.py:1-3,app/logs/L6/names.py:4-5,2,FUNCTION,DELETE,slug,slugged",
        "C002,D2,app/general/L6/text.py:1-3,app/logs/L6/other.py:1-2,2,FUNCTION,DELETE,slug,slug",
        "C003,D3,app/general/L6/text.py:1-3,app/logs/L6/kinds.py:2-3,2,FUNCTION,DELETE,slug,K.m",
        "C004,D4,app/general/L6/text.py:1-3,app/logs/L6/kinds.py:1-2,2,BLOCK,REVIEW,,",
    ]
    root = repository(files, "\n".join([TYPED, *rows]) + "\n")
    values = value(root)
    assert run(["--root", str(root), "--verbose", "consolidate", "--execute", "--all"]) == 0
    said = capsys.readouterr().err
    assert "left to people: C002: the bodies differ" in said
    assert "left to people: C003: methods" in said
    assert "left to people: C004: a repeated block" in said
    assert value(root) == values
    assert (root / "app/logs/L6/names.py").read_text() == "import os\n\n\nSEP = os.sep\n"
    assert "from app.general.L6.text import slug as slugged" in (root / "client.py").read_text()
    assert "+    return text.upper()" in (root / "app/_domain_map/PHASE6_LOC_SAVINGS.md").read_text()


BODY = "    found = []\n    for n in range(9):\n        found.append(n)\n    return found\n"
PLACED = {
    "test": ("tests/one/test_a.py", "tests/two/test_b.py", f"def test_x(base):\n{BODY}", "test_x"),
    "fixture": ("tests/one/conftest.py", "tests/two/conftest.py", f"def numbers():\n{BODY}", "numbers"),
    "handler": (
        "app/general/L6/views.py",
        "app/logs/L6/views.py",
        f"from web import route\n\n\n@route('/x')\ndef show():\n{BODY}",
        "show",
    ),
    "plug-in": (
        "app/general/L6/plugs.py",
        "app/logs/L6/plugs.py",
        "from web import Base\n\n\nclass Plug(Base):\n    def run(self):\n        return 1\n",
        "Plug",
    ),
}


@pytest.mark.parametrize("kind", PLACED)
def test_what_is_found_by_its_place_is_left_to_people(
    kind: str, repository: Maker, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing names these copies, and yet something may run them: pytest, or what their decorator is for."""
    one, two, text, name = PLACED[kind]
    lines = f"1-{text.count(chr(10))}"
    row = f"C001,D1,{one}:{lines},{two}:{lines},4,FUNCTION,DELETE,{name},{name}"
    files = {one: text, two: f"{text}\n\nX = 1\n", "web.py": "def route(p): ...\nclass Base: ...\n"}
    root = repository(files, f"{TYPED}\n{row}\n")
    before = tree(root)
    assert run(["--root", str(root), "consolidate", "--execute", "--candidate", "C001"]) == 0
    said = capsys.readouterr().err
    assert f"left to people: C001: {two}: {name} may be needed where it is: nothing names it" in said
    assert tree(root) == before
    if kind in ("handler", "plug-in"):
        client = two.removesuffix(".py").replace("/", ".")
        (root / "client.py").write_text(f"from {client} import {name}\n")
        assert run(["--root", str(root), "consolidate", "--execute", "--candidate", "C001"]) == 0
        assert name not in (root / two).read_text()


def test_equal_files_of_tests_are_left_to_people(
    repository: Maker, capsys: pytest.CaptureFixture[str]
) -> None:
    files = dict.fromkeys(("tests/one/test_a.py", "tests/two/test_b.py"), f"def test_x(base):\n{BODY}")
    root = repository(files, f"{HEAD}\nC001,D1,tests/one/test_a.py,tests/two/test_b.py,4\n")
    assert run(["--root", str(root), "consolidate", "--execute", "--all"]) == 0
    assert (root / "tests/two/test_b.py").is_file()
    assert "1 candidates are left to people" in capsys.readouterr().err


def test_an_annotation_that_named_nothing_in_the_copy_is_no_difference(repository: Maker) -> None:
    """Found on python-docx: the name is imported for type checkers beside the original alone."""
    function = 'def size(box: "Box") -> int:\n    return box.size\n'
    original = (
        "from typing import TYPE_CHECKING\n\nif TYPE_CHECKING:\n    from app.general.L6.boxes import Box\n"
    )
    files = {
        "app/general/L6/boxes.py": "class Box:\n    size = 1\n",
        "app/general/L6/sizes.py": f"{original}\n\n{function}",
        "app/logs/L6/names.py": f"{function}\n\nSEP = 1\n",
        "client.py": "from app.general.L6.boxes import Box\nfrom app.logs.L6.names import size\n"
        "RESULT = size(Box())\n",
    }
    row = "C001,D1,app/general/L6/sizes.py:7-8,app/logs/L6/names.py:1-2,2,FUNCTION,DELETE,size,size"
    root = repository(files, f"{TYPED}\n{row}\n")
    values = value(root)
    assert run(["--root", str(root), "consolidate", "--execute", "--all"]) == 0
    assert value(root) == values
    assert (root / "app/logs/L6/names.py").read_text() == "SEP = 1\n"


def test_another_copy_stays_where_the_first_would_make_a_cycle(
    repository: Maker, capsys: pytest.CaptureFixture[str]
) -> None:
    """Found on werkzeug: the copy that was to stay imports those who use the other one."""
    box = "class Box:\n    size = 1\n\n    def grown(self):\n        return self.size + 1\n"
    files = {
        "app/bills/L6/boxes.py": box,
        "app/bills/L6/crates.py": "from app.bills.L6.boxes import Box\n\n\nclass Crate(Box):\n    size = 2\n",
        "app/logs/L6/names.py": f"from app.bills.L6.crates import Crate\n\n\n{box}\n\nALL = [Box, Crate]\n",
        "client.py": "from app.logs.L6.names import ALL, Box\nRESULT = [c().grown() for c in [*ALL, Box]]\n",
    }
    row = "C001,D1,app/logs/L6/names.py:4-8,app/bills/L6/boxes.py:1-5,5,CLASS,DELETE_FROM_BILLS,Box,Box"
    root = repository(files, f"{TYPED}\n{row}\n")
    values = value(root)
    assert run(["--root", str(root), "consolidate", "--in-place", "--execute", "--all"]) == 0
    assert value(root) == values
    assert "class Box" not in (root / "app/logs/L6/names.py").read_text()
    (entry,) = log(root)
    assert entry["canonical_path"] == "app/bills/L6/boxes.py:Box"
    assert entry["deleted_paths"] == "app/logs/L6/names.py:4-8"
    assert entry["reason"] == "app/logs/L6/names.py:Box would make an import cycle"
    capsys.readouterr()
    assert run(["--root", str(root), "--verbose", "consolidate", "--in-place"]) == 0
    assert "refused" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("table", "line", "problem"),
    [
        ("candidate_id\nC001\n", 1, "lacks the column"),
        (f"{HEAD}\nC001,D1,../x.py,app/a.py,1\n", 2, "is no location"),
        (f"{HEAD}\nC001,D1,app/a.py,,1\n", 2, "names no copy"),
        (f"{HEAD}\nC001,D1,app/a.py,app/b.py,1\nC001,D1,app/a.py,app/b.py,1\n", 3, "listed twice"),
        (f"{HEAD}\nC001,D1,app/general/L6/keys.py,app/logs/L6/gone.py,1\n", 2, "gone.py does not exist"),
        (f"{HEAD}\nC001,D1,app/a.py,app/a.py,1\n", 2, "names app/a.py twice"),
        (f'{HEAD}\nC001,D1,app/a.py,"app/b.py,app/b.py",1\n', 2, "names app/b.py twice"),
        (f"{HEAD}\n,D1,app/a.py,app/b.py,1\n", 2, "a candidate without an id"),
    ],
)
def test_wrong_tables_are_one_line_with_a_place(
    repository: Maker, capsys: pytest.CaptureFixture[str], table: str, line: int, problem: str
) -> None:
    root = repository({"app/general/L6/keys.py": KEYS}, table)
    before = tree(root)
    assert run(["--root", str(root), "consolidate", "--execute", "--candidate", "C001"]) == 2
    said = capsys.readouterr().err
    assert f"PHASE5_CONSOLIDATION_CANDIDATES.csv:{line}:" in said
    assert problem in said
    assert tree(root) == before


def test_a_table_older_than_the_tree_is_refused_with_its_line(
    repository: Maker, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = "C001,D1,app/general/L6/keys.py,app/logs/L6/gone.py,1\n"
    root = repository({"app/general/L6/keys.py": KEYS}, f"{HEAD}\n{rows}")
    assert run(["--root", str(root), "consolidate", "--execute", "--all"]) == 1
    place = "refused: C001: app/_domain_map/PHASE5_CONSOLIDATION_CANDIDATES.csv:2: app/logs/L6/gone.py"
    assert f"{place} does not exist; run `hocmig duplicates` again" in capsys.readouterr().err


def test_copies_that_were_edited_since_are_not_merged(
    repository: Maker, capsys: pytest.CaptureFixture[str]
) -> None:
    edited = textwrap.dedent(KEYS) + "# edited\n"
    files = {"app/general/L6/keys.py": KEYS, "app/logs/L6/keys.py": edited}
    row = "C001,D1,app/general/L6/keys.py,app/logs/L6/keys.py,9,EXACT_FILE,DELETE,,"
    root = repository(files, f"{TYPED}\n{row}\n")
    before = tree(root)
    assert run(["--root", str(root), "consolidate", "--execute", "--candidate", "C001"]) == 2
    assert "CANDIDATES.csv:2: C001: the files are no longer equal" in capsys.readouterr().err
    assert tree(root) == before


@pytest.mark.slow
def test_all_planted_copies_of_the_sample(tmp_path: Path) -> None:
    root = tmp_path / "sample"
    write_sample(root)
    assert run(["--root", str(root), "init"]) == 0
    assert run(["--root", str(root), "duplicates"]) == 0
    run(["--root", str(root), "consolidate", "--execute", "--all"])
    after = tree(root)
    for source, copy in COPIES:
        assert not {f"{ROOT}/{source}", f"{ROOT}/{copy}"} <= after.keys()
    rows = log(root, f"{ROOT}/_domain_map")
    assert sum(r["status"] == "SUCCESS" for r in rows) > 20
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(command, cwd=root / "backend", capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:]
