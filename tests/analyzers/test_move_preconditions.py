"""Every reason to refuse a move is found, with its code, and nothing else is."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from analyzers.import_index import SourceIndex, load_index
from analyzers.layout import ProjectLayout
from analyzers.model import Finding, Relocation
from analyzers.move_preconditions import check_moves, packages_to_create
from analyzers.relocation_map import RelocationMap
from hocmig.sample.generator import render_sample, summarize, write_sample

BASE = {
    "app/__init__.py": "",
    "app/a/__init__.py": "",
    "app/a/x.py": "X = 1\n",
    "app/a/y.py": "from app.a.x import X\n",
    "app/b/__init__.py": "",
    "app/b/z.py": "Z = 1\n",
}


def _write(root: Path, files: dict[str, str]) -> None:
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)


def _index(root: Path, roots: tuple[str, ...] = (".",)) -> SourceIndex:
    return load_index(ProjectLayout(root, roots))


def _map(root: Path, *moves: tuple[str, str], roots: tuple[str, ...] = (".",)) -> RelocationMap:
    layout = ProjectLayout(root, roots)
    entries = []
    for old, new in moves:
        names = [layout.module_of(old), layout.module_of(new)]
        modules = [name.name if name else "no.module" for name in names]
        file = root / old
        sha = hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() else ""
        entries.append(Relocation(modules[0], modules[1], old_path=old, new_path=new, sha256=sha))
    return RelocationMap(entries)


def _codes(findings: tuple[Finding, ...]) -> list[str]:
    return [f.code for f in findings]


def _check(root: Path, files: dict[str, str], *moves: tuple[str, str]) -> list[str]:
    _write(root, {**BASE, **files})
    return _codes(check_moves(_map(root, *moves), _index(root)))


def test_a_rename_by_case_only_is_refused(tmp_path: Path) -> None:
    assert _check(tmp_path, {}, ("app/a/x.py", "app/a/X.py")) == ["MOVE006"]
    assert _check(tmp_path, {}, ("app/a/x.py", "app/A/x.py")) == ["MOVE006", "MOVE006"]


def test_a_target_in_another_repository_is_refused(tmp_path: Path) -> None:
    (tmp_path / "app/vendored/.git").mkdir(parents=True)
    assert _check(tmp_path, {}, ("app/a/x.py", "app/vendored/x.py")) == ["MOVE010"]
    (tmp_path / "app/sub").mkdir()
    (tmp_path / "app/sub/.git").write_text("gitdir: ../../.git/modules/sub\n")
    assert _check(tmp_path, {}, ("app/a/x.py", "app/sub/deep/x.py")) == ["MOVE010"]


def test_files_left_out_of_packages_are_named_when_they_import_what_moves(tmp_path: Path) -> None:
    files = {
        ".gitignore": "app/ignored/\nlocal_*.py\n/build/\n",
        "app/ignored/__init__.py": "",
        "app/ignored/deep/i.py": "\nfrom app.a.x import X\n",
        "app/ignored/other.py": "from app.a.xy import X\n",
        "app/local_one.py": "from app.a import x\n",
        "app/vendored/v.py": "import app.a.x\n",
        "app/venv/pyvenv.cfg": "",
        "app/venv/lib/l.py": "import app.a.x\n",
        "build/lib/app/b.py": "import app.a.x\n",
    }
    (tmp_path / "app/vendored/.git").mkdir(parents=True)
    _write(tmp_path, {**BASE, **files})
    found = check_moves(_map(tmp_path, ("app/a/x.py", "app/b/x.py")), _index(tmp_path))
    assert [(f.code, f.severity, f.path, f.line) for f in found] == [
        ("MOVE019", "warning", "app/ignored/deep/i.py", 2),
        ("MOVE019", "warning", "app/local_one.py", 1),
        ("MOVE019", "warning", "app/vendored/v.py", 1),
    ]


def test_ordinary_move_has_no_finding(tmp_path: Path) -> None:
    assert _check(tmp_path, {}, ("app/a/x.py", "app/b/x.py")) == []


def test_swap_and_chain_have_no_finding(tmp_path: Path) -> None:
    moves = (("app/a/x.py", "app/a/y.py"), ("app/a/y.py", "app/b/z.py"), ("app/b/z.py", "app/a/x.py"))
    assert _check(tmp_path, {}, *moves) == []


@pytest.mark.parametrize(
    ("files", "move", "code"),
    [
        ({}, ("app/a/gone.py", "app/b/gone.py"), "MOVE001"),
        ({"app/a/bad.py": "def (:\n"}, ("app/a/bad.py", "app/b/bad.py"), "MOVE003"),
        ({"app/a/bad.py": "x = '\0'\n"}, ("app/a/bad.py", "app/b/bad.py"), "MOVE003"),
        ({"app/b/x.py": ""}, ("app/a/x.py", "app/b/x.py"), "MOVE005"),
        ({"app/b/x_/data.txt": ""}, ("app/a/x.py", "app/b/X_/x.py"), "MOVE006"),
        ({"app/b/X.py": ""}, ("app/a/x.py", "app/b/x.py"), "MOVE006"),
        ({"app/B2/q.py": ""}, ("app/a/x.py", "app/b2/x.py"), "MOVE006"),
        ({}, ("app/a/x.py", "types.py"), "MOVE007"),
        ({}, ("app/a/x.py", "email.py"), "MOVE007"),
        ({}, ("app/a/x.py", "app/b.py"), "MOVE008"),
        ({"app/b/x/__init__.py": ""}, ("app/a/x.py", "app/b/x.py"), "MOVE008"),
        ({}, ("app/a/x.py", "app/b/z/x.py"), "MOVE008"),
        ({"app/b/__init__.py": "def x(): ...\n"}, ("app/a/x.py", "app/b/x.py"), "MOVE009"),
        ({"app/b/__init__.py": "from app.b.z import Z as x\n"}, ("app/a/x.py", "app/b/x.py"), "MOVE009"),
        ({".gitignore": "build/\n"}, ("app/a/x.py", "app/build/x.py"), "MOVE010"),
        ({".gitignore": "app/b/x.py\n"}, ("app/a/x.py", "app/b/x.py"), "MOVE010"),
        ({}, ("app/a/x.py", "app/b-c/x.py"), "MOVE012"),
        ({}, ("app/a/x.py", "app/class/x.py"), "MOVE012"),
        ({"app/c": "no folder\n"}, ("app/a/x.py", "app/c/x.py"), "MOVE015"),
    ],
)
def test_reason_to_refuse(tmp_path: Path, files: dict[str, str], move: tuple[str, str], code: str) -> None:
    found = _check(tmp_path, files, move)
    assert code in found
    assert set(found) <= {code, "MOVE012", "MOVE015", "MOVE006"}


@pytest.mark.parametrize(
    ("files", "move"),
    [
        # A module called like one of the standard library is harmless inside a package.
        ({}, ("app/a/x.py", "app/b/types.py")),
        # The package shows the very module that moves in.
        ({"app/b/__init__.py": "from app.a.x import X\n"}, ("app/a/x.py", "app/b/x.py")),
        ({"app/b/__init__.py": "from app.a import x\n"}, ("app/a/x.py", "app/b/x.py")),
        # A folder of data beside the target is no package.
        ({"app/b/x/data.json": "{}"}, ("app/a/x.py", "app/b/x.py")),
        ({".gitignore": "other/\n"}, ("app/a/x.py", "app/b/x.py")),
    ],
)
def test_no_reason_to_refuse(tmp_path: Path, files: dict[str, str], move: tuple[str, str]) -> None:
    assert _check(tmp_path, files, move) == []


def test_symlinks_are_not_moved(tmp_path: Path) -> None:
    _write(tmp_path, BASE)
    (tmp_path / "app/a/link.py").symlink_to("x.py")
    found = check_moves(_map(tmp_path, ("app/a/link.py", "app/b/link.py")), _index(tmp_path))
    assert "MOVE002" in _codes(found)


def test_way_through_a_symlink_is_blocked(tmp_path: Path) -> None:
    root = tmp_path / "root"
    _write(root, BASE)
    (tmp_path / "outside").mkdir()
    (root / "app/out").symlink_to(tmp_path / "outside")
    assert "MOVE015" in _codes(check_moves(_map(root, ("app/a/x.py", "app/out/x.py")), _index(root)))


def test_source_that_git_ignores_is_named(tmp_path: Path) -> None:
    _write(tmp_path, {**BASE, ".gitignore": "app/a/x.py\n"})
    (finding,) = check_moves(_map(tmp_path, ("app/a/x.py", "app/b/x.py")), _index(tmp_path))
    assert finding.code == "MOVE001"
    assert "git ignores it" in finding.message


def test_file_that_changed_since_the_plan(tmp_path: Path) -> None:
    _write(tmp_path, BASE)
    relocations = _map(tmp_path, ("app/a/x.py", "app/b/x.py"))
    (tmp_path / "app/a/x.py").write_text("X = 2\n")
    assert _codes(check_moves(relocations, _index(tmp_path))) == ["MOVE004"]


def test_target_outside_the_import_roots(tmp_path: Path) -> None:
    _write(tmp_path, {f"src/{p}": t for p, t in BASE.items()})
    index = _index(tmp_path, ("src",))
    found = check_moves(_map(tmp_path, ("src/app/a/x.py", "tools/x.py"), roots=("src",)), index)
    assert "MOVE011" in _codes(found)


def test_target_outside_the_scanned_folders(tmp_path: Path) -> None:
    _write(tmp_path, BASE)
    found = check_moves(_map(tmp_path, ("app/a/x.py", "lib/x.py")), _index(tmp_path), scan=("app",))
    assert _codes(found) == ["MOVE011"]


@pytest.mark.parametrize("target", ["../x.py", "/tmp/x.py", "app/../../x.py", "app/\x07/x.py"])
def test_hostile_target(tmp_path: Path, target: str) -> None:
    _write(tmp_path, BASE)
    entry = Relocation("app.a.x", "app.q.x", old_path="app/a/x.py", new_path=target)
    assert "MOVE011" in _codes(check_moves(RelocationMap([entry]), _index(tmp_path)))


def test_same_module_in_another_import_root(tmp_path: Path) -> None:
    _write(tmp_path, {"one/p/m.py": "", "two/p/k.py": ""})
    roots = ("one", "two")
    found = check_moves(_map(tmp_path, ("two/p/k.py", "two/p/m.py"), roots=roots), _index(tmp_path, roots))
    assert _codes(found) == ["MOVE008"]


def test_two_files_for_one_target(tmp_path: Path) -> None:
    _write(tmp_path, BASE)
    entries = [
        Relocation(f"app.a.{n}", "app.b.n", old_path=f"app/a/{n}.py", new_path="app/b/n.py") for n in "xy"
    ]
    found = check_moves(RelocationMap(entries, allow_merges=True), _index(tmp_path))
    assert _codes(found) == ["MOVE013"]


def test_replaced_targets_may_exist(tmp_path: Path) -> None:
    _write(tmp_path, {**BASE, "app/b/x.py": ""})
    relocations = _map(tmp_path, ("app/a/x.py", "app/b/x.py"))
    assert check_moves(relocations, _index(tmp_path), replaced=("app/b/x.py",)) == ()


def test_move_that_was_made_already(tmp_path: Path) -> None:
    _write(tmp_path, BASE)
    relocations = _map(tmp_path, ("app/a/x.py", "app/b/x.py"))
    (tmp_path / "app/a/x.py").rename(tmp_path / "app/b/x.py")
    assert [(f.code, f.severity) for f in check_moves(relocations, _index(tmp_path))] == [("MOVE018", "info")]


# -- leftovers ---


def test_data_left_behind_keeps_the_name_importable(tmp_path: Path) -> None:
    _write(tmp_path, {**BASE, "app/c/m.py": "", "app/c/data.json": "{}", "app/c/__pycache__/m.pyc": ""})
    (finding,) = check_moves(_map(tmp_path, ("app/c/m.py", "app/b/m.py")), _index(tmp_path))
    assert (finding.code, finding.severity, finding.path) == ("MOVE014", "warning", "app/c")
    assert "app/c/data.json" in finding.message


def test_caches_left_behind_are_removed_by_the_move(tmp_path: Path) -> None:
    _write(tmp_path, {**BASE, "app/c/m.py": "", "app/c/__pycache__/m.pyc": ""})
    assert check_moves(_map(tmp_path, ("app/c/m.py", "app/b/m.py")), _index(tmp_path)) == ()


def test_package_that_loses_its_init(tmp_path: Path) -> None:
    _write(tmp_path, BASE)
    found = check_moves(_map(tmp_path, ("app/a/__init__.py", "app/c/__init__.py")), _index(tmp_path))
    assert "MOVE014" in _codes(found)


# -- files that cannot be parsed ---


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("from app.a.x import X\ndef (:\n", ["MOVE016"]),
        ("patch('app.a.x.X')\ndef (:\n", ["MOVE016"]),
        ("from app.a import x\ndef (:\n", ["MOVE017"]),
        ("from . import x\ndef (:\n", ["MOVE017"]),
        ("from app.a.xy import X\ndef (:\n", []),
        ("import app.a.y\ndef (:\n", []),
        ("x = 1\ndef (:\n", []),
    ],
)
def test_unparsable_file_that_names_what_moves(tmp_path: Path, text: str, codes: list[str]) -> None:
    assert _check(tmp_path, {"app/a/broken.py": text}, ("app/a/x.py", "app/b/x.py")) == codes


def test_line_of_the_mention(tmp_path: Path) -> None:
    _write(tmp_path, {**BASE, "app/broken.py": "def (:\n\nimport app.a.x\n"})
    (finding,) = check_moves(_map(tmp_path, ("app/a/x.py", "app/b/x.py")), _index(tmp_path))
    assert finding.line == 3


def test_pipe_is_not_opened(tmp_path: Path) -> None:
    _write(tmp_path, BASE)
    os.mkfifo(tmp_path / "app/pipe.py")
    (finding,) = check_moves(_map(tmp_path, ("app/a/x.py", "app/b/x.py")), _index(tmp_path))
    assert (finding.code, finding.path) == ("MOVE017", "app/pipe.py")
    assert "no regular file" in finding.message


def test_link_to_a_file_of_the_tree_is_rewritten_there(tmp_path: Path) -> None:
    _write(tmp_path, BASE)
    (tmp_path / "app/twin.py").symlink_to("a/y.py")
    assert check_moves(_map(tmp_path, ("app/a/x.py", "app/b/x.py")), _index(tmp_path)) == ()


# -- packages to create ---


@pytest.mark.parametrize(
    ("files", "move", "created"),
    [
        ({}, ("app/a/x.py", "app/b/x.py"), []),
        ({}, ("app/a/x.py", "app/c/d/x.py"), ["app/c/__init__.py", "app/c/d/__init__.py"]),
        ({}, ("app/a/x.py", "lib/x.py"), ["lib/__init__.py"]),
        # A folder with Python files and no __init__.py is a namespace package, and stays one.
        ({"app/n/m.py": ""}, ("app/a/x.py", "app/n/x.py"), []),
        ({"app/n/one/m.py": "", "app/n/two/m.py": ""}, ("app/a/x.py", "app/n/three/x.py"), []),
        ({"app/n/one/__init__.py": ""}, ("app/a/x.py", "app/n/three/x.py"), ["app/n/three/__init__.py"]),
        # Data alone makes no namespace package.
        ({"app/d/data.json": "{}"}, ("app/a/x.py", "app/d/x.py"), ["app/d/__init__.py"]),
        ({}, ("app/a/__init__.py", "app/c/__init__.py"), []),
    ],
)
def test_packages_to_create(
    tmp_path: Path, files: dict[str, str], move: tuple[str, str], created: list[str]
) -> None:
    _write(tmp_path, {**BASE, **files})
    assert list(packages_to_create(_map(tmp_path, move), _index(tmp_path))) == created


def test_namespace_roots_get_no_init(tmp_path: Path) -> None:
    _write(tmp_path, {"src/one/m.py": "", "src/two/m.py": "", "src/two/k.py": ""})
    relocations = _map(tmp_path, ("src/two/k.py", "src/three/k.py"), roots=("src",))
    assert packages_to_create(relocations, _index(tmp_path, ("src",))) == ()


def test_sample_moves_have_no_finding(tmp_path: Path) -> None:
    write_sample(tmp_path / "sample")
    index = _index(tmp_path / "sample", ("backend",))
    root = "backend/app/hoc/cus/"
    moves = [(root + old, root + new) for old, new in summarize(render_sample()).movable]
    relocations = _map(tmp_path / "sample", *moves, roots=("backend",))
    assert [f for f in check_moves(relocations, index) if f.severity == "error"] == []
    created = packages_to_create(relocations, index)
    assert f"{root}apis/__init__.py" in created
    for _, new in moves:
        folder = new.rpartition("/")[0]
        assert f"{folder}/__init__.py" in {*created, *index.files} or any(
            p.startswith(folder + "/") for p in index.files
        )
