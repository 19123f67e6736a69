"""What a change set may say, judged without the disk."""

from __future__ import annotations

import posixpath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzers.errors import InputError
from hocmig.transaction.change import SYMLINK_MODE, ChangeSet, FileChange
from hocmig.transaction.safe_path import path_problem

HASH = "0" * 64


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("", "empty"),
        ("/etc/passwd", "absolute"),
        ("../x.py", "`..`"),
        ("a/../../x.py", "`..`"),
        ("a/./x.py", "normalised"),
        ("a//x.py", "normalised"),
        ("a/", "normalised"),
        ("C:/x.py", "drive"),
        ("c:x.py", "drive"),
        ("a\\..\\..\\x.py", "backslash"),
        ("a\0b", "NUL"),
        ("a/\udcff.py", "UTF-8"),
        (".git/config", "git's own"),
        (".GIT/hooks/pre-commit", "git's own"),
        ("sub/.git/config", "git's own"),
        ("git~1/config", "git's own"),
        (".git./config", "git's own"),
        (".g\u200cit/config", "git's own"),
        (".hocmig/ledger.jsonl", "hocmig's own"),
        (".HocMig/journal", "hocmig's own"),
        (".hocmig/artifactsX/log.csv", "hocmig's own"),
        (".hocmig/ARTIFACTS/log.csv", "hocmig's own"),
        (".HOCMIG/artifacts/log.csv", "hocmig's own"),
        ("x" * 256, "longer than 255"),
        ("a/" * 2100 + "b", "longer than 4000"),
    ],
)
def test_paths_that_are_refused(path: str, problem: str) -> None:
    assert problem in path_problem(path)
    with pytest.raises(InputError) as caught:
        ChangeSet((FileChange(path, content=b""),)).validate()
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize(
    "path", ["a.py", "a/b c/d.py", ".github/x.yml", ".gitignore", "grün/ß.py", "a/.hocmig/x"]
)
def test_paths_that_are_fine(path: str) -> None:
    assert path_problem(path) == ""


@given(st.text(alphabet="a.:/\\~ \0gitGIT\u200c", max_size=14))
def test_a_path_without_a_problem_stays_below_the_root(path: str) -> None:
    if not path_problem(path):
        joined = posixpath.normpath(posixpath.join("/root/repository", path))
        assert joined == "/root/repository/" + path
        assert ".git" not in {name.lower() for name in path.split("/")}


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ([FileChange("a", content=b""), FileChange("a", "b", b"", None, HASH)], "two changes write"),
        ([FileChange("x", "a", b"", None, HASH), FileChange("y", "a", b"", None, HASH)], "two changes move"),
        (
            [FileChange("x", "a", b"", None, HASH), FileChange("a", before_sha256=HASH)],
            "both moved and deleted",
        ),
        ([FileChange("A.py", content=b""), FileChange("a.py", content=b"")], "only by case"),
        ([FileChange("D/a.py", content=b""), FileChange("d/b.py", content=b"")], "only by case"),
        ([FileChange("d/\u00e9", content=b""), FileChange("d/e\u0301", content=b"")], "only by case"),
        ([FileChange("a", content=b""), FileChange("a/b", content=b"")], "the folder of"),
        ([FileChange("a", before_sha256=HASH), FileChange("a/b", content=b"")], "the folder of"),
        ([FileChange("a", "a", b"", None, HASH)], "moves to itself"),
        ([FileChange("a", "b", None, None, HASH)], "without content"),
        ([FileChange("a", "b", b"")], "without a hash"),
        ([FileChange("a")], "without a hash"),
        ([FileChange("a", content=b"", mode=0o10000)], "impossible mode"),
        ([FileChange("a", content=b"", mode=-1)], "impossible mode"),
    ],
)
def test_change_sets_that_contradict_themselves(changes: list[FileChange], problem: str) -> None:
    with pytest.raises(InputError, match=problem):
        ChangeSet(tuple(changes)).validate()


def test_swaps_chains_and_shims_are_no_contradiction() -> None:
    ChangeSet(
        (
            FileChange("a", "b", b"", None, HASH),
            FileChange("b", "a", b"", None, HASH),
            FileChange("d", "c", b"", None, HASH),
            FileChange("e", "d", b"", None, HASH),
            FileChange("c", content=b"shim", before_sha256=HASH),
            FileChange("link", content=b"target", mode=SYMLINK_MODE),
        )
    ).validate()


def test_removed_paths_are_those_that_nothing_writes_again() -> None:
    changes = ChangeSet(
        (
            FileChange("b", "a", b"", None, HASH),
            FileChange("c", "b", b"", None, HASH),
            FileChange("z", before_sha256=HASH),
        )
    )
    assert changes.removed == ("a", "z")
    assert changes.vacated == {"a", "b"}
    assert [c.path for c in changes.changes] == ["b", "c", "z"]
