from __future__ import annotations

from pathlib import Path

import pytest

from analyzers.discovery import discover
from analyzers.layout_detection import DetectedLayout, detect_layout


def layout_of(root: Path, files: dict[str, str], given: tuple[str, ...] = ()) -> DetectedLayout:
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    return detect_layout(root, discover(root), given)


PACKAGE = {"lib/pkg/__init__.py": "", "lib/pkg/a.py": "from pkg.b import x\n", "lib/pkg/b.py": "x = 1\n"}


def test_a_flat_package_hangs_below_the_repository_root(tmp_path: Path) -> None:
    files = {"pkg/__init__.py": "", "pkg/a.py": "", "tests/test_a.py": "import pkg.a\nfrom pkg import a\n"}
    assert layout_of(tmp_path, files).import_roots == (".",)


def test_a_src_layout_whose_tests_import_each_other_has_two_roots(tmp_path: Path) -> None:
    files = {
        "src/pkg/__init__.py": "from pkg.a import x\n",
        "src/pkg/a.py": "x = 1\n",
        "tests/__init__.py": "",
        "tests/tools.py": "",
        "tests/test_a.py": "from tests.tools import y\nimport pkg.a\n",
    }
    assert layout_of(tmp_path, files).import_roots == ("src", ".")


def test_evidence_finds_a_root_that_nobody_declares_even_for_namespace_packages(tmp_path: Path) -> None:
    files = {"backend/app/hoc/x.py": "from app.hoc.y import z\n", "backend/app/hoc/y.py": "z = 1\n"}
    assert layout_of(tmp_path, files).import_roots == ("backend",)


def test_test_folders_are_roots_only_when_nothing_else_resolves_their_imports(tmp_path: Path) -> None:
    files = {**PACKAGE, "tests/conftest.py": "", "tests/test_a.py": "import pkg.a\n"}
    assert layout_of(tmp_path, files).import_roots == ("lib",)
    files["tests/test_b.py"] = "import conftest_tools\n"
    files["tests/conftest_tools.py"] = ""
    assert layout_of(tmp_path, files).import_roots == ("lib", "tests")


def test_a_folder_named_like_a_library_is_no_evidence(tmp_path: Path) -> None:
    files = {**PACKAGE, "docs/yaml/example.py": "import yaml\nimport json\n", "docs/json/x.py": ""}
    assert layout_of(tmp_path, files).import_roots == ("lib",)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("pyproject.toml", '[tool.pytest.ini_options]\npythonpath = ["lib"]\n'),
        ("pyproject.toml", '[tool.setuptools.packages.find]\nwhere = ["lib"]\n'),
        ("pyproject.toml", '[tool.setuptools]\npackage-dir = {"" = "lib"}\n'),
        ("pyproject.toml", '[[tool.poetry.packages]]\ninclude = "pkg"\nfrom = "lib"\n'),
        ("pyproject.toml", '[tool.hatch.build.targets.wheel]\npackages = ["lib/pkg"]\n'),
        ("setup.cfg", "[options]\npackage_dir =\n    = lib\n"),
        ("setup.cfg", "[options.packages.find]\nwhere = lib\n"),
        ("setup.cfg", "[tool:pytest]\npythonpath = lib\n"),
        ("pytest.ini", "[pytest]\npythonpath = ./lib/\n"),
        ("setup.py", 'from setuptools import setup\nsetup(package_dir={"": "lib"})\n'),
        ("setup.py", 'from setuptools import *\nsetup(packages=find_packages("lib"))\n'),
    ],
)
def test_declarations_count(tmp_path: Path, name: str, text: str) -> None:
    layout = layout_of(tmp_path, {"lib/pkg/__init__.py": "", name: text})
    assert layout.import_roots == ("lib",)
    assert name in layout.notes[0]


@pytest.mark.parametrize("name", ["pyproject.toml", "setup.cfg", "setup.py", "pytest.ini"])
def test_broken_or_hostile_declarations_declare_nothing(tmp_path: Path, name: str) -> None:
    assert layout_of(tmp_path, {"pkg/a.py": "", name: "[[[\x00"}).import_roots == (".",)
    assert layout_of(tmp_path, {name: "[pytest]\npythonpath = ../.. /etc\n"}).import_roots == (".",)


def test_given_roots_are_taken_as_they_are(tmp_path: Path) -> None:
    assert layout_of(tmp_path, PACKAGE, ("x", ".")).import_roots == ("x", ".")


def test_an_empty_repository_has_a_layout(tmp_path: Path) -> None:
    assert layout_of(tmp_path, {}) == DetectedLayout(
        (".",), notes=("import root .: no import says otherwise",)
    )


DOMAINS = {
    "app/cus/logs/L5_engines/a.py": "",
    "app/cus/logs/L6_drivers/b.py": "",
    "app/cus/general/L3_adapters/c.py": "",
    "app/cus/overview/__init__.py": "",
    "app/cus/_domain_map/make.py": "",
}


def test_domains_and_layers_are_found_by_their_folders(tmp_path: Path) -> None:
    layout = layout_of(tmp_path, {**DOMAINS, "app/cus/_domain_map/AUDIT.md": "### [x] `logs/a.py`\n"})
    assert layout.domain_root == "app/cus"
    assert layout.domains == ("general", "logs", "overview")
    assert layout.is_every_folder
    assert layout.shared_domain == "general"
    assert layout.layers == ("L3_adapters", "L5_engines", "L6_drivers")
    assert layout.workbook == "app/cus/_domain_map/AUDIT.md"


def test_a_folder_that_is_no_domain_makes_the_list_explicit(tmp_path: Path) -> None:
    layout = layout_of(tmp_path, {**DOMAINS, "app/cus/scripts/run.py": ""})
    assert layout.domains == ("general", "logs", "overview")
    assert not layout.is_every_folder


def test_a_domain_map_marks_the_domain_root_when_there_are_no_layers(tmp_path: Path) -> None:
    files = {"app/cus/a/x.py": "", "app/cus/b/y.py": "", "app/cus/_domain_map/NOTES.md": ""}
    layout = layout_of(tmp_path, files)
    assert (layout.domain_root, layout.domains) == ("app/cus", ("a", "b"))


def test_markdown_without_records_is_no_workbook(tmp_path: Path) -> None:
    assert not layout_of(tmp_path, {"docs/AUDIT.md": "# Audit\n"}).workbook
