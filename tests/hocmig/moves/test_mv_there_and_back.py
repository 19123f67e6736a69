"""`hocmig mv` there and back: where a backup or git has the original bytes, the inverse gives them."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from hocmig.cli import run
from hocmig.git_reading import files_at

FILES = {
    "hocmig.yaml": "version: 1\nimport_roots: [.]\n",
    "docs/guide.md": "See `app.a.one` and `app/a/two.py`.\n",
    "app/__init__.py": "",
    "app/a/__init__.py": "",
    "app/a/one.py": "VALUE = 1\n\n\ndef show():\n    return VALUE\n",
    "app/a/two.py": "from app.a.one import VALUE\n\nDOUBLE = 2 * VALUE\n",
    "app/a/three.py": "from . import one, two  # both\n\nSUM = one.VALUE + two.DOUBLE\n",
    "app/client.py": "import app.a.one\nfrom app.a import (\n    one,\n    three,\n    two,\n)\n\n"
    "SUM = one.VALUE + two.DOUBLE + three.SUM + app.a.one.VALUE\n",
}

THERE = "app.a.one,app.new.deep.first\napp.a.two,app.other.two\n"
BACK = "app.new.deep.first,app.a.one\napp.other.two,app.a.two\n"


def tree(root: Path) -> dict[str, bytes]:
    return {
        p.relative_to(root).as_posix(): p.read_bytes()
        for p in sorted(root.rglob("*"))
        if p.is_file() and not {".hocmig", "backups", "__pycache__"}.intersection(p.parts)
    }


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "repository"
    for path, text in FILES.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    monkeypatch.chdir(root)
    return root


def move(rows: str, *options: str) -> int:
    table = Path.cwd().parent / "moves.csv"
    table.write_text("old_path,new_path\n" + rows)
    return run(["--quiet", "mv", "--map", str(table), "--execute", *options])


def test_modules_there_and_back_give_the_original_bytes(repository: Path) -> None:
    before = tree(repository)
    assert move(THERE, "--backup") == 0
    between = tree(repository)
    assert between["app/client.py"] != before["app/client.py"]
    assert "app/new/deep/__init__.py" in between
    assert move(BACK) == 0
    assert tree(repository) == before
    assert not (repository / "app/new").exists()


def commit(root: Path, message: str) -> None:
    name = ("-c", "user.name=t", "-c", "user.email=t@example.org")
    for arguments in (["init", "-q"], ["add", "-A"], [*name, "commit", "-q", "-m", message]):
        subprocess.run(["git", *arguments], cwd=root, check=True)


@pytest.mark.parametrize("committed", [False, True], ids=["in the tree", "committed"])
def test_without_a_backup_the_original_bytes_come_from_git(repository: Path, committed: bool) -> None:
    (repository / ".gitignore").write_text(".hocmig/\n")
    commit(repository, "before")
    before = tree(repository)
    assert move(THERE) == 0
    if committed:
        commit(repository, "there")
    assert tree(repository)["app/client.py"] != before["app/client.py"]
    assert move(BACK) == 0
    changed = {p for p, content in tree(repository).items() if before.get(p) != content and ".git/" not in p}
    assert changed == set()
    assert not (repository / "app/new").exists()


def test_files_of_a_commit_are_told_from_names_that_it_lacks(repository: Path) -> None:
    (repository / "my blob").write_text("7\n")
    commit(repository, "before")
    found = files_at(
        repository, "HEAD", ["no blob", "my blob", "app", "app/a/one.py", "line\nend", "a blob 7"]
    )
    assert found == {"my blob": b"7\n", "app/a/one.py": FILES["app/a/one.py"].encode()}


def test_what_git_never_saw_is_rewritten(repository: Path) -> None:
    commit(repository, "before")
    (repository / "app/client.py").write_text(FILES["app/client.py"] + "LATER = 1\n")
    assert move(THERE) == 0
    assert move(BACK) == 0
    after = tree(repository)
    assert b"LATER = 1" in after["app/client.py"]
    assert after["app/a/three.py"] == FILES["app/a/three.py"].encode()


def test_again_there_and_back_works_from_the_newest_backup(repository: Path) -> None:
    before = tree(repository)
    for _ in range(2):
        assert move(THERE, "--backup") == 0
        assert move(BACK, "--backup") == 0
        assert tree(repository) == before


def test_symbols_there_and_back_give_the_original_bytes(repository: Path) -> None:
    before = tree(repository)
    assert move("app.a.two:DOUBLE,app.fresh\n", "--backup") == 0
    assert "app/fresh.py" in tree(repository)
    assert move("app.fresh:DOUBLE,app.a.two\n") == 0
    assert tree(repository) == before


def test_an_import_that_the_move_added_goes_again(repository: Path) -> None:
    """`app` alone was imported; what it had loaded of itself must be imported once it lies elsewhere."""
    (repository / "app/__init__.py").write_text("import app.a.one\n")
    (repository / "app/user.py").write_text("import app\n\nVALUE = app.a.one.VALUE\n")
    before = tree(repository)
    assert move("app.a.one,other.deep.one\n", "--backup") == 0
    assert b"import other.deep.one" in tree(repository)["app/user.py"]
    assert move("other.deep.one,app.a.one\n") == 0
    assert tree(repository) == before


def test_a_circle_that_stood_there_before_does_not_hinder_the_return(repository: Path) -> None:
    """The metaclass looks as if it imported `late`; whether a class holds a field is not looked into."""
    files = {
        "home.py": "class Meta(type):\n    def __init__(cls, name, bases, space):\n"
        "        for value in space.values():\n            if hasattr(value, 'fill'):\n"
        "                value.fill()\n"
        "class Field:\n    def fill(self):\n        from fresh.late import L\n"
        "class Base(metaclass=Meta): ...\n",
        "user.py": "from home import Base\nU = 1\n",
        "fresh/__init__.py": "from user import U\n",
        "fresh/late.py": "L = 1\n",
    }
    for path, text in files.items():
        (repository / path).parent.mkdir(exist_ok=True)
        (repository / path).write_text(text)
    before = tree(repository)
    assert move("fresh.late,app.late\n", "--backup") == 0
    there = tree(repository)
    (archive,) = (repository / "backups").glob("*.tar.gz")
    kept = archive.read_bytes()
    archive.unlink()
    assert move("app.late,fresh.late\n") == 1
    assert tree(repository) == there
    archive.write_bytes(kept)
    assert move("app.late,fresh.late\n") == 0
    assert tree(repository) == before


def test_helpers_that_went_along_come_back(repository: Path) -> None:
    (repository / "app/a/two.py").write_text(
        "from app.a.one import VALUE\n\nDOUBLE = 2 * VALUE\n\n\n"
        "def _helper():\n    return VALUE\n\n\ndef public():\n    return _helper()\n"
    )
    before = tree(repository)
    assert move("app.a.two:public,app.a.three\n", "--backup") == 0
    assert b"def _helper" in tree(repository)["app/a/three.py"]
    assert move("app.a.three:public,app.a.two\n") == 0
    assert tree(repository) == before


def test_a_file_that_was_edited_since_is_rewritten_and_keeps_the_edit(repository: Path) -> None:
    before = tree(repository)
    assert move(THERE, "--backup") == 0
    client = repository / "app/client.py"
    client.write_text(client.read_text() + "MORE = two.DOUBLE\n")
    assert move(BACK) == 0
    after = tree(repository)
    assert {p: c for p, c in after.items() if p != "app/client.py"} == {
        p: c for p, c in before.items() if p != "app/client.py"
    }
    assert after["app/client.py"].endswith(b"MORE = two.DOUBLE\n")
    scope: dict[str, object] = {}
    exec(
        compile("import sys; sys.path.insert(0, '')\n" + after["app/client.py"].decode(), "c", "exec"), scope
    )
    assert scope["SUM"] == 7


def test_a_made_package_in_which_something_new_lies_stays(repository: Path) -> None:
    assert move(THERE, "--backup") == 0
    (repository / "app/new/more.py").write_text("M = 1\n")
    assert move(BACK) == 0
    after = tree(repository)
    assert "app/new/__init__.py" in after
    assert "app/new/deep/__init__.py" not in after


def test_a_made_package_that_is_imported_since_stays(repository: Path) -> None:
    assert move(THERE, "--backup") == 0
    (repository / "app/fresh.py").write_text("import app.other\n\nNAME = app.other.__name__\n")
    assert move(BACK) == 0
    assert "app/other/__init__.py" in tree(repository)


@pytest.mark.parametrize("damage", ["missing", "truncated", "other move"])
def test_without_a_usable_record_it_is_a_move_like_any_other(repository: Path, damage: str) -> None:
    assert move(THERE, "--backup") == 0
    (archive,) = (repository / "backups").glob("*.tar.gz")
    if damage == "missing":
        archive.unlink()
    elif damage == "truncated":
        archive.write_bytes(archive.read_bytes()[:-20])
    rows = BACK if damage != "other move" else BACK.replace("app.a.two", "app.a.second")
    assert move(rows) == 0
    after = tree(repository)
    assert "app/new/deep/__init__.py" in after
    assert after["app/a/one.py"] == FILES["app/a/one.py"].encode()


@pytest.mark.parametrize(
    "certificate",
    [
        b"{",
        b"[]",
        b'{"relocations": 3}',
        b'{"asked": ["app.a.two:DOUBLE -> app.fresh:DOUBLE"], '
        b'"relocations": ["app.a.two:DOUBLE -> app.fresh:DOUBLE", "app.a.three:SUM -> app.fresh:DOUBLE"]}',
        b'{"asked": ["app.a.two:DOUBLE -> app.fresh:DOUBLE"], '
        b'"relocations": ["app.a.two:DOUBLE -> app.fresh:DOUBLE", "x -> ../../etc/passwd"]}',
    ],
)
def test_a_certificate_that_somebody_changed_does_no_harm(repository: Path, certificate: bytes) -> None:
    assert move("app.a.two:DOUBLE,app.fresh\n", "--backup") == 0
    (path,) = (repository / ".hocmig/certificates").glob("*.json")
    path.write_bytes(certificate)
    assert move("app.fresh:DOUBLE,app.a.two\n") == 0
    after = tree(repository)
    assert b"DOUBLE = 2 * VALUE" in after["app/a/two.py"]
    assert b"SUM = " in after["app/a/three.py"]
