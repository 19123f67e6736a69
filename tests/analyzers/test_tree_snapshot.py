"""The kept walk: right as long as it is believed, and not believed once anything changed."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from analyzers.checked_file import file_system_now
from analyzers.discovery import discover
from analyzers.tree_snapshot import is_settled, keep, revisit

pytestmark = pytest.mark.skipif(os.name != "posix", reason="snapshots are used on POSIX systems only")

SECOND = 1_000_000_000


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "repository"
    for path in ("a.py", "p/b.py", "p/q/c.py", "p/data.toml", "ignored/d.py", "venv/pyvenv.cfg", "mod/.git"):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text("x = 1\n")
    (root / ".gitignore").write_text("ignored/\n")
    (root / "link").symlink_to("p", target_is_directory=True)
    return root


def snapshot_of(tree: Path, scan: tuple[str, ...] = (), exclude: tuple[str, ...] = ()) -> Path:
    path = tree.parent / "state" / "tree.msgpack"
    now = file_system_now(path.parent)
    assert now is not None
    # As if the tree had been at rest for a while.
    assert keep(path, discover(tree, scan, exclude), scan, now + SECOND)
    return path


def test_gives_what_the_walk_gives(tree: Path) -> None:
    path = snapshot_of(tree)
    found = revisit(path, tree, (), ())
    assert found == discover(tree)
    assert found is not None
    assert found.is_ignored("ignored/new.py")
    assert found.linked_folders == ("link",)


def test_looks_at_each_python_file_anew(tree: Path) -> None:
    path = snapshot_of(tree)
    (tree / "p/b.py").write_text("changed = 2\n")
    os.utime(tree / "p/q/c.py", ns=(5, 5))
    found = revisit(path, tree, (), ())
    assert found == discover(tree)


def _replace_by_link(tree: Path) -> None:
    (tree / "a.py").unlink()
    (tree / "a.py").symlink_to("p/b.py")


def _git_init(tree: Path) -> None:
    subprocess.run(["git", "init", "-q"], cwd=tree, check=True)


CHANGES: dict[str, Callable[[Path], object]] = {
    "file added": lambda tree: (tree / "p/q/new.py").touch(),
    "file removed": lambda tree: (tree / "p/b.py").unlink(),
    "file renamed": lambda tree: (tree / "p/b.py").rename(tree / "p/c.py"),
    "other file added": lambda tree: (tree / "p/q/new.toml").touch(),
    "folder added": lambda tree: (tree / "p/q/r").mkdir(),
    "folder removed": lambda tree: shutil.rmtree(tree / "p/q"),
    "folder closed": lambda tree: (tree / "p").chmod(0o700),
    "file replaced by a link": _replace_by_link,
    "rules changed": lambda tree: (tree / ".gitignore").write_text("\n"),
    "rules changed at equal size": lambda tree: (tree / ".gitignore").write_text("ignoreD/\n"),
    "rules removed": lambda tree: (tree / ".gitignore").unlink(),
    "rules added": lambda tree: (tree / "p/.gitignore").write_text("b.py\n"),
    "rules above added": lambda tree: (tree.parent / ".git").mkdir(),
    "became a repository": _git_init,
    "folder became another repository": lambda tree: (tree / "p/.git").touch(),
    "folder became an environment": lambda tree: (tree / "p/pyvenv.cfg").touch(),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_any_change_of_the_tree_ends_it(tree: Path, change: Callable[[Path], object]) -> None:
    path = snapshot_of(tree)
    assert revisit(path, tree, (), ()) is not None
    change(tree)
    assert revisit(path, tree, (), ()) is None


def test_changes_where_nobody_looks_do_not(tree: Path) -> None:
    path = snapshot_of(tree)
    (tree / "ignored/more.py").touch()
    (tree / "ignored/folder").mkdir()
    (tree / "p/b.py").write_text("y\n")
    assert revisit(path, tree, (), ()) == discover(tree)


def test_info_exclude_of_git_counts(tree: Path) -> None:
    _git_init(tree)
    path = snapshot_of(tree)
    assert revisit(path, tree, (), ()) is not None
    (tree / ".git/info").mkdir(exist_ok=True)
    (tree / ".git/info/exclude").write_text("a.py\n")
    assert revisit(path, tree, (), ()) is None


def test_another_question_is_not_answered(tree: Path) -> None:
    path = snapshot_of(tree, ("p",), ("b.py",))
    assert revisit(path, tree, ("p",), ("b.py",)) == discover(tree, ("p",), ("b.py",))
    assert revisit(path, tree, (), ("b.py",)) is None
    assert revisit(path, tree, ("p",), ()) is None
    moved = tree.with_name("moved")
    tree.rename(moved)
    assert revisit(path, moved, ("p",), ("b.py",)) is None


def test_a_tree_in_motion_is_not_kept(tree: Path) -> None:
    state = tree.parent / "state"
    now = file_system_now(state)
    assert now is not None
    (tree / "p/just_now.py").touch()
    assert not keep(state / "tree.msgpack", discover(tree), (), now)
    assert revisit(state / "tree.msgpack", tree, (), ()) is None


def test_settled_stamps() -> None:
    assert not is_settled(SECOND + 1, SECOND + 1)
    assert not is_settled(SECOND + 1, SECOND + 10_000_000)
    assert is_settled(SECOND + 1, SECOND + 60_000_000)
    # Whole seconds may come from a file system that knows no others.
    assert not is_settled(SECOND, 2 * SECOND)
    assert is_settled(SECOND, 4 * SECOND)
