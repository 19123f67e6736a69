"""The index as a whole: names, packages, clashes, changes, refresh."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analyzers import file_reading, index_refresh, python_parser
from analyzers.file_facts import read_facts
from analyzers.import_index import Clash, SourceIndex, load_index, records_for
from analyzers.layout import ProjectLayout
from analyzers.model import FileRecord


def write(root: Path, files: dict[str, str]) -> Path:
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(text.encode())
    return root


def index_of(*paths: str, roots: tuple[str, ...] = (".",)) -> SourceIndex:
    layout = ProjectLayout(Path("nowhere"), roots)
    return SourceIndex.from_records(layout, [read_facts(path, b"") for path in paths])


# -- names


def test_regular_and_namespace_packages() -> None:
    index = index_of("app/__init__.py", "app/x.py", "ns/deep/er/y.py", "top.py")
    assert index.modules == {
        "app": "app/__init__.py",
        "app.x": "app/x.py",
        "ns.deep.er.y": "ns/deep/er/y.py",
        "top": "top.py",
    }
    assert index.packages == {"app", "ns", "ns.deep", "ns.deep.er"}
    assert index.is_package("ns.deep")
    assert not index.is_package("top")
    assert index.exists("ns.deep")
    assert not index.exists("ns.de")
    assert index.record_of("ns.deep") is None
    found = index.record_of("app.x")
    assert found is not None
    assert found.path == "app/x.py"


def test_a_package_without_init_above_a_regular_one() -> None:
    assert index_of("ns/app/__init__.py").packages == {"ns", "ns.app"}


def test_src_layout_and_several_roots() -> None:
    index = index_of("src/a/b.py", "lib/c.py", "tests/t.py", roots=("src", "lib"))
    assert index.modules == {"a.b": "src/a/b.py", "c": "lib/c.py"}
    assert index.packages == {"a"}
    assert index.names["tests/t.py"].is_importable is False
    name = index.module_at("src/a/new.py")
    assert name is not None
    assert name.name == "a.new"


def test_the_package_wins_over_the_module() -> None:
    index = index_of("auth.py", "auth/__init__.py", "auth/x.py")
    assert index.modules["auth"] == "auth/__init__.py"
    assert index.clashes == (Clash("auth", ("auth/__init__.py", "auth.py"), "package over module"),)


def test_the_module_wins_over_a_folder_without_init() -> None:
    index = index_of("app/auth.py", "app/auth/x.py")
    assert index.modules["app.auth"] == "app/auth.py"
    assert index.clashes == (Clash("app.auth", ("app/auth.py", "app/auth"), "module over folder"),)


def test_the_first_root_wins_in_the_order_of_the_configuration() -> None:
    index = index_of("b/m.py", "a/m.py", "a/n/__init__.py", "b/n.py", roots=("b", "a"))
    assert index.modules["m"] == "b/m.py"
    assert index.modules["n"] == "b/n.py"
    assert index.clashes == (
        Clash("m", ("b/m.py", "a/m.py"), "two roots"),
        Clash("n", ("b/n.py", "a/n/__init__.py"), "two roots"),
    )


def test_stubs_stand_beside_modules() -> None:
    index = index_of("a.py", "a.pyi", "only.pyi", "p/__init__.pyi")
    assert index.modules == {"a": "a.py"}
    assert index.stubs == {"a": "a.pyi", "only": "only.pyi", "p": "p/__init__.pyi"}
    assert index.clashes == ()
    assert index.exists("only")
    assert index.is_package("p")
    found = index.record_of("only")
    assert found is not None
    assert found.path == "only.pyi"


def test_scripts_do_not_take_names_from_modules() -> None:
    index = index_of("src/a.py", "tools/a.py", roots=("src",))
    assert index.modules == {"a": "src/a.py"}
    assert index.clashes == ()


def test_compiled_modules_exist(tmp_path: Path) -> None:
    write(tmp_path, {"p/__init__.py": "", "p/fast.cpython-311-x86_64-linux-gnu.so": "", "top.pyx": ""})
    index = load_index(ProjectLayout(tmp_path))
    assert index.extensions == {
        "p.fast": "p/fast.cpython-311-x86_64-linux-gnu.so",
        "top": "top.pyx",
    }
    assert index.exists("p.fast")
    assert index.record_of("p.fast") is None


# -- changes


def test_with_changes_is_the_tree_afterwards() -> None:
    before = index_of("a/__init__.py", "a/x.py", "b.py", "scripts/s.py")
    after = before.with_changes(
        {"a/x.py", "b.py", "never.py"},
        [read_facts("c/y.py", b"import a\n"), read_facts("b.py", b"import c\n")],
    )
    assert list(after.files) == ["a/__init__.py", "b.py", "c/y.py", "scripts/s.py"]
    assert after.modules == {"a": "a/__init__.py", "b": "b.py", "c.y": "c/y.py", "scripts.s": "scripts/s.py"}
    assert len(after.files["b.py"].imports) == 1
    assert after.packages == {"a", "c", "scripts"}
    assert list(before.files) == ["a/__init__.py", "a/x.py", "b.py", "scripts/s.py"]
    assert before.modules["a.x"] == "a/x.py"


def test_with_changes_names_scripts_by_the_packages_there_are_then() -> None:
    before = index_of("tools/p/m.py", roots=("src",))
    assert before.names["tools/p/m.py"].name == "m"
    after = before.with_changes((), [read_facts("tools/p/__init__.py", b"")])
    assert after.names["tools/p/m.py"].name == "p.m"


_paths = st.lists(
    st.sampled_from(["a.py", "a/__init__.py", "a/b.py", "a/b/c.py", "r/a.py", "r/d.py", "a.pyi", "s/1.py"]),
    unique=True,
)


@given(_paths, _paths, _paths)
def test_with_changes_equals_a_new_index(start: list[str], removed: list[str], added: list[str]) -> None:
    roots = (".", "r")
    changed = index_of(*start, roots=roots).with_changes(set(removed), [read_facts(p, b"") for p in added])
    fresh = index_of(*((set(start) - set(removed)) | set(added)), roots=roots)
    for table in ("files", "names", "modules", "stubs", "packages", "clashes"):
        assert getattr(changed, table) == getattr(fresh, table)
    assert list(changed.files) == sorted(changed.files)


def test_records_for_staged_bytes() -> None:
    records = records_for({"b.py": b"import x\n", "a.py": b"def (\n"})
    assert [record.path for record in records] == ["a.py", "b.py"]
    assert records[0].error
    assert records[1] == read_facts("b.py", b"import x\n")


# -- loading


FILES = {
    "app/__init__.py": "",
    "app/auth.py": "from app.db import connect\n",
    "app/db.py": "def connect(): ...\n",
    "app/broken.py": "def (\n",
    "app/latin.py": "x = 1\n",
    "notes.md": "see app.db\n",
}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = write(tmp_path, FILES)
    (root / "app/latin.py").write_bytes(b"x = '\xe9'\n")
    return root


class Reads:
    """Counts what is read and parsed."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.read: list[str] = []
        self.parsed = 0
        read_file, compile_ = file_reading.read_file, python_parser._compile

        def counted_read(root: Path, found: file_reading.FoundFile) -> tuple[bytes, str]:
            self.read.append(found.path)
            return read_file(root, found)

        def counted_compile(text: str) -> object:
            self.parsed += 1
            return compile_(text)

        monkeypatch.setattr(file_reading, "read_file", counted_read)
        monkeypatch.setattr(python_parser, "_compile", counted_compile)

    def reset(self) -> None:
        self.read.clear()
        self.parsed = 0


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> Reads:
    return Reads(monkeypatch)


def settle(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets all files look as if they had been at rest for a second."""
    now = index_refresh.file_system_now

    def later(folder: Path) -> int | None:
        time = now(folder)
        return None if time is None else time + 1_000_000_000

    monkeypatch.setattr(index_refresh, "file_system_now", later)


def load(root: Path, jobs: int = 1) -> SourceIndex:
    return load_index(ProjectLayout(root), cache=root / ".hocmig/index.msgpack", jobs=jobs)


def test_loads_everything_and_lists_what_it_could_not_read(tree: Path) -> None:
    (tree / "app/link.py").symlink_to("db.py")
    steps: list[tuple[int, int]] = []
    index = load_index(ProjectLayout(tree), advance=lambda done, total: steps.append((done, total)))
    assert list(index.files) == [
        *("app/__init__.py", "app/auth.py", "app/broken.py", "app/db.py", "app/latin.py", "app/link.py"),
    ]
    assert index.other_files == ("notes.md",)
    assert [(r.path, r.error.partition(":")[0]) for r in index.unparsed] == [
        ("app/broken.py", "syntax error"),
        ("app/latin.py", "is not utf-8"),
        ("app/link.py", "symlink"),
    ]
    assert steps[-1] == (6, 6)
    assert not (tree / ".hocmig").exists()


def test_warm_reads_nothing(tree: Path, reads: Reads, monkeypatch: pytest.MonkeyPatch) -> None:
    settle(monkeypatch)
    cold = load(tree)
    assert len(reads.read) == 5
    reads.reset()
    warm = load(tree)
    assert reads.read == []
    assert warm.files == cold.files
    assert warm.other_files == cold.other_files


def test_only_changed_files_are_read(tree: Path, reads: Reads, monkeypatch: pytest.MonkeyPatch) -> None:
    settle(monkeypatch)
    load(tree)
    reads.reset()
    (tree / "app/db.py").write_text("import os\n")
    (tree / "app/new.py").write_text("import sys\n")
    (tree / "app/auth.py").unlink()
    index = load(tree)
    assert sorted(reads.read) == ["app/db.py", "app/db.py", "app/new.py", "app/new.py"]
    assert reads.parsed == 2
    assert "app/auth.py" not in index.files
    assert index.files == load_index(ProjectLayout(tree)).files
    assert load(tree).files == index.files


def test_moved_and_touched_files_are_not_parsed(
    tree: Path, reads: Reads, monkeypatch: pytest.MonkeyPatch
) -> None:
    settle(monkeypatch)
    load(tree)
    reads.reset()
    (tree / "app/db.py").rename(tree / "app/database.py")
    shutil.copyfile(tree / "app/auth.py", tree / "app/twin.py")
    os.utime(tree / "app/auth.py", ns=(5, 5))
    index = load(tree)
    assert reads.parsed == 0
    assert index.files["app/auth.py"].mtime_ns == 5
    assert index.files["app/database.py"].definitions[0].name == "connect"
    assert index.files == load_index(ProjectLayout(tree)).files


def test_equal_files_are_parsed_once(tmp_path: Path, reads: Reads) -> None:
    write(tmp_path, {f"p{n}/same.py": "import os\n" for n in range(20)})
    assert len(load(tmp_path).files) == 20
    assert reads.parsed == 1


def test_a_change_within_one_tick_of_the_clock_is_seen(tree: Path, reads: Reads) -> None:
    """The racy case: equal size and equal stamps, written again right after it was read."""
    path = tree / "app/db.py"
    load(tree)
    status = path.stat()
    path.write_text("def connecT(): ...\n")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    index = load(tree)
    assert index.files["app/db.py"].definitions[0].name == "connecT"


def test_young_files_are_hashed_again_but_not_parsed(tree: Path, reads: Reads) -> None:
    load(tree)
    reads.reset()
    load(tree)
    assert len(reads.read) == 5
    assert reads.parsed == 0


def test_a_change_that_hides_its_time_is_seen(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settle(monkeypatch)
    path = tree / "app/db.py"
    load(tree)
    status = path.stat()
    path.write_text("def connecT(): ...\n")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert load(tree).files["app/db.py"].definitions[0].name == "connecT"


@pytest.mark.parametrize("name", ["index.msgpack", "tree.msgpack"])
@pytest.mark.parametrize("damage", ["gone", "cut", "rubbish", "folder"])
def test_a_damaged_cache_is_rebuilt(
    tree: Path, monkeypatch: pytest.MonkeyPatch, name: str, damage: str
) -> None:
    settle(monkeypatch)
    first = load(tree)
    cache = tree / ".hocmig" / name
    if damage == "cut":
        cache.write_bytes(cache.read_bytes()[:-3])
    elif damage == "rubbish":
        cache.write_bytes(b"rubbish" * 1000)
    else:
        cache.unlink()
        if damage == "folder":
            cache.mkdir()
    assert load(tree).files == first.files
    assert cache.is_dir() == (damage == "folder")


def test_state_folder_may_vanish_or_refuse(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = load(tree)
    shutil.rmtree(tree / ".hocmig")
    (tree / ".hocmig").write_text("a file where the folder should be")
    assert load(tree).files == first.files


def test_several_processes_give_the_same_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, {f"p{n % 7}/m{n}.py": f"import p{n}.x\nx = 'a.b{n % 50}'\n" for n in range(300)})
    write(tmp_path, {"p0/bad.py": "def (\n"})
    monkeypatch.setattr(file_reading, "SERIAL_BYTES", 0)
    monkeypatch.setattr(file_reading, "CHUNK_FILES", 16)
    several = load_index(ProjectLayout(tmp_path), jobs=3)
    assert several.files == load_index(ProjectLayout(tmp_path), jobs=1).files
    assert len(several.files) == 301


@pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="only a forked worker has what the test changes"
)
def test_a_killed_worker_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, {f"m{n}.py": f"import x{n}\n" for n in range(100)})
    monkeypatch.setattr(file_reading, "SERIAL_BYTES", 0)
    monkeypatch.setattr(file_reading, "CHUNK_FILES", 8)
    parent, read_chunk = os.getpid(), file_reading.read_chunk

    def dies(root: Path, files: list[file_reading.FoundFile]) -> list[FileRecord]:
        if any(found.path == "m50.py" for found in files) and os.getpid() != parent:
            os._exit(9)
        return read_chunk(root, files)

    monkeypatch.setattr(file_reading, "read_chunk", dies)
    index = load_index(ProjectLayout(tmp_path), jobs=2)
    assert len(index.files) == 100
    assert not index.unparsed


def test_a_file_that_vanishes_while_we_read_is_a_record(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read_chunk = file_reading.read_chunk

    def late(root: Path, files: list[file_reading.FoundFile]) -> list[FileRecord]:
        (root / "app/db.py").unlink(missing_ok=True)
        return read_chunk(root, files)

    monkeypatch.setattr(file_reading, "read_chunk", late)
    record = load(tree).files["app/db.py"]
    assert record.error.startswith("cannot be read: ")
    assert record.sha256 == ""


def test_scan_and_exclude_reach_the_discovery(tree: Path) -> None:
    write(tree, {"other/x.py": ""})
    index = load_index(ProjectLayout(tree), scan=("app",), exclude=("broken.py",))
    assert list(index.files) == ["app/__init__.py", "app/auth.py", "app/db.py", "app/latin.py"]


_steps = st.lists(
    st.tuples(
        st.sampled_from(["write", "remove", "move", "touch", "ignore", "load"]),
        st.sampled_from(["a.py", "p/a.py", "p/q/b.py", "c.py"]),
        st.sampled_from(["import a\n", "import b\n", "x = 1\n", "def (\n"]),
    ),
    max_size=12,
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(_steps)
def test_the_cache_never_shows(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, str, str]]
) -> None:
    """Whatever happens between two runs, the cached index is the uncached one."""
    root = tmp_path_factory.mktemp("tree")
    for action, path, text in steps:
        file = root / path
        if action == "write":
            write(root, {path: text})
        elif action == "remove":
            file.unlink(missing_ok=True)
        elif action == "move" and file.exists():
            file.rename(root / "moved.py")
        elif action == "touch" and file.exists():
            os.utime(file, ns=(1, 1))
        elif action == "ignore":
            write(root, {".gitignore": f"{path}\n"})
        elif action == "load":
            load(root)
        cached, plain = load(root), load_index(ProjectLayout(root))
        assert cached.files == plain.files
        assert cached.other_files == plain.other_files
