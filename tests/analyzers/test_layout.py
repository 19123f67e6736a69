"""Module names from paths."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzers.layout import ModuleName, ProjectLayout


def name_of(path: str, *roots: str, root: Path = Path("nowhere")) -> ModuleName | None:
    return ProjectLayout(root, roots or (".",)).module_of(path)


@pytest.mark.parametrize(
    ("path", "roots", "name", "package", "root"),
    [
        ("a.py", (".",), "a", "", "."),
        ("a/b.py", (".",), "a.b", "a", "."),
        ("a/__init__.py", (".",), "a", "a", "."),
        ("a/b/__init__.pyi", (".",), "a.b", "a.b", "."),
        ("a/b.pyi", (".",), "a.b", "a", "."),
        ("src/a/b.py", ("src",), "a.b", "a", "src"),
        ("src/a/b.py", ("./src/",), "a.b", "a", "src"),
        ("src/a.py", (".", "src"), "a", "", "src"),
        ("tests/a.py", (".", "src"), "tests.a", "tests", "."),
        ("lib/x/y.py", ("lib", "lib/x"), "y", "", "lib/x"),
        ("a/__main__.py", (".",), "a.__main__", "a", "."),
        ("app/migrations/0001_initial.py", (".",), "app.migrations.0001_initial", "app.migrations", "."),
        ("my-app/a.py", (".",), "my-app.a", "my-app", "."),
    ],
)
def test_names(path: str, roots: tuple[str, ...], name: str, package: str, root: str) -> None:
    found = name_of(path, *roots)
    assert found is not None
    assert (found.name, found.package, found.root, found.is_importable) == (name, package, root, True)
    assert found.is_package == path.rpartition("/")[2].startswith("__init__")


@pytest.mark.parametrize(
    "path", ["a.txt", "a/b", "__init__.py", "a/b.test.py", ".py", "a/.py", "py", "a.pyc"]
)
def test_no_name(path: str) -> None:
    assert name_of(path) is None


def test_init_of_an_import_root_has_no_name() -> None:
    assert name_of("src/__init__.py", "src") is None


def test_below_a_dotted_folder_a_name_begins_anew() -> None:
    found = name_of("a/v1.2/b/c.py")
    assert found == ModuleName("b.c", False, ".", is_importable=False)


def test_python_names() -> None:
    def says(path: str) -> bool:
        found = name_of(path)
        assert found is not None
        return found.has_python_name

    assert says("a/b_1.py")
    assert says("größe/x.py")
    assert not says("a/0001.py")
    assert not says("a/class.py")
    assert not says("my-app/a.py")


def test_scripts_outside_the_roots_are_named_from_their_topmost_package(tmp_path: Path) -> None:
    for path in ("tools/pkg/__init__.py", "tools/pkg/sub/__init__.py", "tools/pkg/sub/m.py"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).touch()
    layout = ProjectLayout(tmp_path, ("src",))
    found = layout.module_of("tools/pkg/sub/m.py")
    assert found == ModuleName("pkg.sub.m", False, "", is_importable=False)
    # What exists may be told by somebody else, and may change.
    assert layout.module_of("tools/pkg/sub/m.py", lambda path: False) == ModuleName("m", False, "", False)
    (tmp_path / "tools/pkg/__init__.py").unlink()
    found = layout.module_of("tools/pkg/sub/m.py")
    assert found is not None
    assert found.name == "sub.m"


def test_equal_layouts_are_equal_whatever_was_asked_of_them() -> None:
    one, other = ProjectLayout(Path("x"), ("src",)), ProjectLayout(Path("x"), ("src",))
    one.module_of("src/a/b.py")
    assert one == other


def test_import_root_of() -> None:
    layout = ProjectLayout(Path("x"), ("src", "src/inner"))
    assert layout.import_root_of("src/inner/a.py") == "src/inner"
    assert layout.import_root_of("src/innermost/a.py") == "src"
    assert layout.import_root_of("srcs/a.py") is None


_part = st.from_regex(r"[a-z_][a-z0-9_]{0,5}", fullmatch=True).filter(lambda p: p != "__init__")


@given(st.lists(_part, min_size=1, max_size=5), st.sampled_from([".", "src", "a/b"]), st.booleans())
def test_path_and_name_round_trip(parts: list[str], root: str, is_package: bool) -> None:
    layout = ProjectLayout(Path("nowhere"), (root,))
    module = ".".join(parts)
    path = layout.path_of(module, root, is_package=is_package)
    assert layout.module_of(path) == ModuleName(module, is_package, root)
