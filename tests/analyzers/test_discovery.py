"""Which files are ours."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from analyzers.discovery import Discovery, discover, stat_file
from analyzers.errors import InputError


def make(root: Path, *paths: str) -> None:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(path)


def python_paths(found: Discovery) -> list[str]:
    return [file.path for file in found.python_files]


def test_lists_sorted_with_stamps(tmp_path: Path) -> None:
    make(tmp_path, "b.py", "a/z.py", "a/b/c.pyi", "a.py", "README.md", "a/data.toml", "logo.png", "x.mo")
    (tmp_path / "b.py").chmod(0o750)
    found = discover(tmp_path)
    assert python_paths(found) == ["a.py", "a/b/c.pyi", "a/z.py", "b.py"]
    assert found.other_files == ("README.md", "a/data.toml")
    last = found.python_files[-1]
    status = (tmp_path / "b.py").stat()
    assert (last.size, last.mtime_ns, last.ctime_ns) == (4, status.st_mtime_ns, status.st_ctime_ns)
    assert (last.mode, last.problem) == (0o750, "")
    assert stat_file(str(tmp_path), "b.py") == last
    assert stat_file(str(tmp_path), "gone.py").problem


def test_caches_environments_and_other_repositories_are_left_out(tmp_path: Path) -> None:
    make(
        tmp_path,
        "a.py",
        ".git/hooks/x.py",
        "a/__pycache__/x.py",
        ".hocmig/x.py",
        "web/node_modules/x.py",
        ".tox/x.py",
        ".mypy_cache/x.py",
        "env/pyvenv.cfg",
        "env/lib/x.py",
        "vendor/sub/.git/HEAD",
        "vendor/sub/x.py",
        "vendor/module/.git",
        "vendor/module/x.py",
        "vendor/own.py",
    )
    found = discover(tmp_path)
    assert python_paths(found) == ["a.py", "vendor/own.py"]
    assert found.nested_repositories == ("vendor/module", "vendor/sub")


def test_ignore_files_and_excludes(tmp_path: Path) -> None:
    make(tmp_path, "a.py", "gen/x.py", "gen/keep.py", "sub/b.py", "sub/c.py", "sub/d.txt", "old/e.py")
    (tmp_path / ".gitignore").write_text("gen/*\n!gen/keep.py\n*.txt\n")
    (tmp_path / "sub/.gitignore").write_text("c.py\n")
    found = discover(tmp_path, exclude=("old/",))
    assert python_paths(found) == ["a.py", "gen/keep.py", "sub/b.py"]
    assert found.other_files == (".gitignore", "sub/.gitignore")
    assert found.is_ignored("gen/new.py")
    assert found.is_ignored("old/new/deep.py")
    assert not found.is_ignored("sub/new.py")


def test_discovery_agrees_with_git(tmp_path: Path) -> None:
    make(
        tmp_path,
        *(f"{folder}/{name}" for folder in ("a", "a/b", "c/d/e") for name in ("x.py", "y.py", "z.log")),
    )
    (tmp_path / ".gitignore").write_text("*.log\nb/x.py\n/c/d/*\n!/c/d/e/\n")
    (tmp_path / "a/.gitignore").write_text("!z.log\ny.py\n")
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    listed = subprocess.run(
        ["git", "-c", "core.excludesFile=", "ls-files", "--others", "--exclude-standard"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split("\n")
    found = discover(tmp_path)
    assert sorted([*python_paths(found), *found.other_files]) == sorted(filter(None, listed))


def test_scan_names_folders(tmp_path: Path) -> None:
    make(tmp_path, "a/x.py", "a/b/y.py", "c/z.py", "d.py", "ignored/w.py")
    (tmp_path / ".gitignore").write_text("ignored/\n")
    assert python_paths(discover(tmp_path, scan=("a",))) == ["a/b/y.py", "a/x.py"]
    assert python_paths(discover(tmp_path, scan=("./a/b/", "a", "c"))) == ["a/b/y.py", "a/x.py", "c/z.py"]
    assert python_paths(discover(tmp_path, scan=(".",))) == ["a/b/y.py", "a/x.py", "c/z.py", "d.py"]
    # Who names a folder wants it.
    assert python_paths(discover(tmp_path, scan=("ignored",))) == ["ignored/w.py"]


@pytest.mark.parametrize("folder", ["../x", "/etc", "a/../../b", "missing", "a.py"])
def test_bad_scan_folders(tmp_path: Path, folder: str) -> None:
    make(tmp_path, "a.py")
    with pytest.raises(InputError, match="scan folder"):
        discover(tmp_path, scan=(folder,))


def test_links_are_listed_and_not_followed(tmp_path: Path) -> None:
    make(tmp_path, "real/a.py", "real/data.txt")
    (tmp_path / "linked").symlink_to("real", target_is_directory=True)
    (tmp_path / "real/up").symlink_to("..", target_is_directory=True)
    (tmp_path / "real/b.py").symlink_to("a.py")
    (tmp_path / "real/broken.py").symlink_to("nowhere.py")
    (tmp_path / "real/out.txt").symlink_to("/etc/hostname")
    (tmp_path / "real/loop").symlink_to("loop")
    found = discover(tmp_path)
    assert [(file.path, file.problem) for file in found.python_files] == [
        ("real/a.py", ""),
        ("real/b.py", "symlink"),
        ("real/broken.py", "symlink"),
    ]
    assert found.linked_folders == ("linked", "real/up")
    assert found.other_files == ("real/data.txt",)


def test_a_folder_named_like_a_module_is_a_folder(tmp_path: Path) -> None:
    make(tmp_path, "odd.py/a.py")
    assert python_paths(discover(tmp_path)) == ["odd.py/a.py"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no named pipes")
def test_pipes_are_listed_and_never_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.py")
    os.mkfifo(tmp_path / "pipe.txt")
    found = discover(tmp_path)
    assert [file.problem for file in found.python_files] == ["no regular file"]
    assert found.other_files == ()


def test_names_that_are_no_text_are_told(tmp_path: Path) -> None:
    try:
        (tmp_path / os.fsdecode(b"bad\xff.py")).touch()
    except OSError:
        pytest.skip("the file system takes UTF-8 names only")
    found = discover(tmp_path)
    assert found.python_files == ()
    assert found.unreadable == (("bad\\xff.py", "the file name is not UTF-8"),)


def test_unreadable_folders_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tmp_path, "a.py", "closed/b.py")
    scandir = os.scandir

    def refuse(path: str) -> object:
        if path.endswith("closed/"):
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    # The tests may run as root, to whom nothing is closed.
    monkeypatch.setattr(os, "scandir", refuse)
    found = discover(tmp_path)
    assert python_paths(found) == ["a.py"]
    assert found.unreadable == (("closed", "Permission denied"),)


def test_compiled_modules_are_listed(tmp_path: Path) -> None:
    make(tmp_path, "a/fast.cpython-311-x86_64-linux-gnu.so", "a/fast.pyx", "a/slow.pyd")
    assert discover(tmp_path).extension_files == (
        "a/fast.cpython-311-x86_64-linux-gnu.so",
        "a/fast.pyx",
        "a/slow.pyd",
    )
