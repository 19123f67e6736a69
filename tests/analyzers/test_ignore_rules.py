"""Ignore rules, with git itself and pathspec as outside referees."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pathspec
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from analyzers.ignore_patterns import RuleSet, translate
from analyzers.ignore_rules import IgnoreRules


def git(folder: Path, *arguments: str, stdin: str = "") -> str:
    done = subprocess.run(
        ["git", "-c", "core.excludesFile=", "-c", "core.quotePath=false", *arguments],
        cwd=folder,
        input=stdin.encode(),
        capture_output=True,
        check=False,
    )
    assert done.returncode in (0, 1), done.stderr
    return done.stdout.decode()


def ignored_by_git(folder: Path, paths: list[str]) -> set[str]:
    """The files among `paths` that git ignores; they are made first, because git looks what is a folder."""
    for path in paths:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).touch()
    answer = git(folder, "check-ignore", "--no-index", "--stdin", "-z", stdin="\0".join(paths))
    return set(filter(None, answer.split("\0")))


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    git(tmp_path, "init", "-q")
    return tmp_path


PATHS = [
    "a.py",
    "b.txt",
    "build/x.py",
    "build/lib/y.py",
    "src/a.py",
    "src/build/z.py",
    "src/build.py",
    "src/deep/er/a.py",
    "src/deep/er/b.pyc",
    "docs/_build/x.py",
    "docs/x/_build/y.py",
    "foo/bar/baz/q.py",
    "foo/q.py",
    "weird [1].py",
    "trailing ",
    "#hash.py",
    "!bang.py",
    "x-y.py",
    "x]y.py",
    "star*.py",
    "UP/case.py",
    "1.py",
]

FILES = [
    ["*.py", "!a.py"],
    ["build/"],
    ["/build"],
    ["build", "!src/build"],
    ["build/*", "!build/x.py"],
    ["src/**/a.py"],
    ["**/a.py"],
    ["src/**"],
    ["/**/q.py"],
    ["foo/**/q.py"],
    ["foo/*/q.py"],
    ["docs/_build/"],
    ["_build"],
    ["*.py[co]"],
    ["[!a-m]*.py"],
    ["[^a-m]*.py"],
    ["[[:digit:]].py"],
    ["[]x]*.py", "[]-z].py"],
    ["?.py"],
    ["\\#hash.py", "\\!bang.py"],
    ["#hash.py", "!bang.py"],
    ["trailing\\ ", "a.py   "],
    ["trailing "],
    ["star\\*.py"],
    ["weird \\[1\\].py"],
    ["weird [1].py"],
    ["*", "!*/", "!*.py"],
    ["/*", "!/src"],
    ["src/deep", "!src/deep/er/a.py"],
    ["["],
    ["a\\"],
    ["\\"],
    ["/"],
    ["!"],
    ["//"],
    ["a.py\r"],
    ["", "   ", "#"],
    ["er/"],
    ["src/deep/"],
    ["deep/er"],
    ["b*ld"],
    ["***/q.py"],
    ["foo**"],
    ["foo**/q.py"],
    ["foo/b**"],
    ["foo/?**"],
    ["src/d*/**r"],
    ["src/d*/e**"],
    ["*.py", "!src/", "!src/*.py"],
    ["case.py", "!up/"],
    ["x[+--]y.py"],
    ["x[\\]]y.py"],
    ["x[!]]y.py"],
]


@pytest.mark.parametrize("lines", FILES, ids=repr)
def test_one_file_agrees_with_git(repository: Path, lines: list[str]) -> None:
    (repository / ".gitignore").write_text("\n".join(lines), newline="")
    expected = ignored_by_git(repository, PATHS)
    rules = IgnoreRules(repository)
    assert {path for path in PATHS if rules.is_ignored(path)} == expected


def test_nested_files_info_exclude_and_files_above_agree_with_git(repository: Path) -> None:
    (repository / ".gitignore").write_text("*.log\n/sub/inner/gone.py\n!keep.tmp\n")
    (repository / ".git/info").mkdir(exist_ok=True)
    (repository / ".git/info/exclude").write_text("*.tmp\nsub/inner/secret.py\n")
    inner = repository / "sub/inner"
    (inner / "deep").mkdir(parents=True)
    (repository / "sub/.gitignore").write_text("!special.log\n/inner/only.py\n")
    (inner / ".gitignore").write_text("*.py\n!a.py\nspecial.log\n")
    (inner / "deep/.gitignore").write_text("!b.py\n")
    paths = ["x.log", "special.log", "a.py", "b.py", "only.py", "gone.py", "secret.py", "x.tmp", "keep.tmp"]
    paths += [f"deep/{path}" for path in paths]
    expected = ignored_by_git(inner, paths)
    rules = IgnoreRules(inner)
    assert {path for path in paths if rules.is_ignored(path)} == expected
    assert {"deep/x.log", "x.tmp", "gone.py", "secret.py"} <= expected
    whole = IgnoreRules(repository)
    assert {path for path in paths if whole.is_ignored(f"sub/inner/{path}")} == expected


def test_linked_work_tree_uses_the_main_info_exclude(
    repository: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    git(repository, "-c", "user.name=n", "-c", "user.email=e", "commit", "-q", "--allow-empty", "-m", "x")
    (repository / ".git/info").mkdir(exist_ok=True)
    (repository / ".git/info/exclude").write_text("hidden.py\n")
    other = tmp_path_factory.mktemp("linked") / "tree"
    git(repository, "worktree", "add", "-q", str(other))
    assert ignored_by_git(other, ["hidden.py", "seen.py"]) == {"hidden.py"}
    rules = IgnoreRules(other)
    assert rules.is_ignored("hidden.py")
    assert not rules.is_ignored("seen.py")


def test_exclude_is_stronger_than_gitignore(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text("domain/\n!kept.py\n")
    rules = IgnoreRules(tmp_path, ("kept.py", "!domain/"))
    assert rules.is_ignored("kept.py")
    assert not rules.is_ignored("domain/a.py")
    assert not rules.is_ignored("other.py")


def test_paths_need_not_exist_and_some_folders_are_always_skipped(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text("gone/\n")
    rules = IgnoreRules(tmp_path)
    assert rules.is_ignored("gone/a/b.py")
    assert not rules.is_ignored("gone")
    assert rules.is_ignored("gone", is_folder=True)
    assert rules.is_ignored("a/__pycache__/b.py")
    assert rules.is_ignored(".git", is_folder=True)
    assert not rules.is_ignored("a/b.py")


def test_without_a_work_tree_files_above_do_not_count(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text("*\n")
    (tmp_path / "root").mkdir()
    assert not IgnoreRules(tmp_path / "root").is_ignored("a.py")


def test_a_file_that_is_no_text_is_no_error(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_bytes(b"\xef\xbb\xbfa.py\n\xff\xfe\nb.py\n")
    rules = IgnoreRules(tmp_path)
    assert rules.is_ignored("a.py")
    assert rules.is_ignored("b.py")
    (tmp_path / "x").mkdir()
    (tmp_path / "x/.gitignore").mkdir()
    assert not IgnoreRules(tmp_path).is_ignored("x/c.py")


_segment = st.text(alphabet="ab*?.", min_size=1, max_size=4)
_pattern = st.builds(
    lambda bang, lead, parts, tail: bang + lead + "/".join(parts) + tail,
    st.sampled_from(["", "", "!"]),
    st.sampled_from(["", "", "/"]),
    st.lists(st.one_of(_segment, st.sampled_from(["**", "a", "b", "[ab]", "[!a]"])), min_size=1, max_size=3),
    st.sampled_from(["", "", "/"]),
)
_TREE = ["a", "b", "ab", "a.b", "b.a/a", "ba/a", "ba/b/a", "ba/b/ab", "aa/b/a/b", "aa/aa", "aa/ab/b.a", ".a"]


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(_pattern, min_size=1, max_size=4))
@example(["a**", "!b/"])
def test_random_patterns_agree_with_git(tmp_path_factory: pytest.TempPathFactory, lines: list[str]) -> None:
    folder = tmp_path_factory.mktemp("random")
    git(folder, "init", "-q")
    (folder / ".gitignore").write_text("\n".join(lines) + "\n")
    expected = ignored_by_git(folder, _TREE)
    rules = IgnoreRules(folder)
    assert {path for path in _TREE if rules.is_ignored(path)} == expected, lines


@given(st.lists(_pattern.filter(lambda p: "**" not in p), min_size=1, max_size=4))
def test_random_patterns_agree_with_pathspec(lines: list[str]) -> None:
    rules = RuleSet("", lines)
    specification = pathspec.GitIgnoreSpec.from_lines(lines)
    for path in _TREE:
        if "/" not in path:
            assert bool(rules.verdict(path, path, False)) == specification.match_file(path), (lines, path)


@given(st.text(alphabet="ab[]!^-\\*?/:", max_size=10))
def test_any_glob_is_translated_or_refused(pattern: str) -> None:
    found = translate(pattern)
    assert found is None or isinstance(found, re.Pattern)
