"""The cache of the index: believed only when whole and ours."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analyzers import checked_file, index_cache
from analyzers.checked_file import STATE_IGNORE, file_system_now, read_checked, write_checked
from analyzers.file_facts import read_facts
from analyzers.index_cache import CachedFile, read_cache, write_cache


def some_files() -> list[CachedFile]:
    text = b"from a.b import c as d\n__all__ = ['x']\nif TYPE_CHECKING:\n    import e\nx = 'f.g'\n"
    return [
        CachedFile(7, read_facts("a.py", text, 5)),
        CachedFile(0, read_facts("b.pyi", b"x: int\n", 6)),
        CachedFile(8, read_facts("c.py", b"def (\n", 6)),
    ]


def test_round_trip(tmp_path: Path) -> None:
    path = tmp_path / "index.msgpack"
    assert write_cache(path, some_files())
    assert read_cache(path) == {file.record.path: file for file in some_files()}
    assert [file.name for file in tmp_path.iterdir()] == ["index.msgpack"]


def test_none_is_empty(tmp_path: Path) -> None:
    assert read_cache(tmp_path / "none") == {}
    assert read_cache(tmp_path) == {}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_damage_is_noticed(tmp_path: Path, data: st.DataObject) -> None:
    path = tmp_path / "index.msgpack"
    write_cache(path, some_files())
    whole = path.read_bytes()
    cut = data.draw(st.integers(0, len(whole) - 1))
    path.write_bytes(whole[:cut])
    assert read_cache(path) == {}
    path.write_bytes(whole[:cut] + bytes([whole[cut] ^ data.draw(st.integers(1, 255))]) + whole[cut + 1 :])
    assert read_cache(path) == {}
    path.write_bytes(whole + b"x")
    assert read_cache(path) == {}


@given(st.binary(max_size=300))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_rubbish_is_no_cache(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "index.msgpack"
    for rubbish in (content, index_cache.header() + content):
        path.write_bytes(rubbish)
        assert read_cache(path) == {}


def test_well_formed_bytes_of_another_shape_are_no_cache(tmp_path: Path) -> None:
    path = tmp_path / "index.msgpack"
    write_checked(path, index_cache.header(), [[1, "not a record"]])
    assert read_cache(path) == {}


@pytest.mark.parametrize("change", ["python", "format", "code"])
def test_another_tool_or_python_starts_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    path = tmp_path / "index.msgpack"
    write_cache(path, some_files())
    if change == "python":
        monkeypatch.setattr(sys, "version_info", (3, 99, 0))
    elif change == "format":
        monkeypatch.setattr(index_cache, "FORMAT", index_cache.FORMAT + 1)
    else:
        # The modules that make the records, in another state.
        other = tmp_path / "analyzers"
        other.mkdir()
        for name in index_cache._MAKERS:
            (other / f"{name}.py").write_text("changed")
        monkeypatch.setattr(index_cache, "__file__", str(other / "index_cache.py"))
    assert read_cache(path) == {}


def test_the_modules_that_make_records_exist() -> None:
    for name in index_cache._MAKERS:
        assert Path(index_cache.__file__).with_name(f"{name}.py").is_file()


def test_a_folder_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert not write_cache(tmp_path / "file" / "index.msgpack", some_files())
    assert file_system_now(tmp_path / "file") is None


def test_state_folder_is_made_once_and_kept_out_of_git(tmp_path: Path) -> None:
    folder = tmp_path / ".hocmig"
    now = file_system_now(folder)
    assert now is not None
    assert (folder / ".gitignore").read_bytes() == STATE_IGNORE
    (folder / ".gitignore").write_text("mine")
    assert file_system_now(folder) is not None
    assert (folder / ".gitignore").read_text() == "mine"
    assert sorted(file.name for file in folder.iterdir()) == [".gitignore"]


def test_a_linked_state_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / ".hocmig").symlink_to("outside", target_is_directory=True)
    assert file_system_now(tmp_path / ".hocmig") is None
    assert not write_checked(tmp_path / ".hocmig" / "index.msgpack", b"m", [])
    assert list((tmp_path / "outside").iterdir()) == []


def test_leftovers_of_killed_processes_go(tmp_path: Path) -> None:
    old, fresh = tmp_path / "index.msgpack.1.tmp", tmp_path / "index.msgpack.2.tmp"
    old.touch()
    fresh.touch()
    os.utime(old, (1, 1))
    file_system_now(tmp_path)
    assert not old.exists()
    assert fresh.exists()


def test_a_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "index.msgpack"
    write_checked(path, b"m", [1])

    def full(self: Path, content: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    assert not write_checked(path, b"m", [2])
    monkeypatch.undo()
    assert read_checked(path, b"m", list[int]) == [1]
    assert [file.name for file in tmp_path.iterdir()] == ["index.msgpack"]


_WRITER = """
import sys
from pathlib import Path
from analyzers.checked_file import read_checked, write_checked
path = Path(sys.argv[1])
for number in range(150):
    assert write_checked(path, b"m", [int(sys.argv[2])] * 20000)
    found = read_checked(path, b"m", list[int])
    assert found is not None and len(found) == 20000 and len(set(found)) == 1, found
"""


def test_two_processes_at_once_leave_one_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "index.msgpack"
    root = Path(checked_file.__file__).parents[1]
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", _WRITER, str(path), str(number)],
            env={**os.environ, "PYTHONPATH": str(root)},
        )
        for number in (1, 2)
    ]
    assert [writer.wait() for writer in writers] == [0, 0]
    found = read_checked(path, b"m", list[int])
    assert found in ([1] * 20000, [2] * 20000)
    assert [file.name for file in tmp_path.iterdir()] == ["index.msgpack"]
