"""The registry of shared names: where they are, who passes them on, what clashes, and its file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzers.errors import InputError
from analyzers.export_registry import (
    ExportedName,
    ExportRegistry,
    build_registry,
    read_registry,
    render_registry,
)
from analyzers.import_index import SourceIndex, records_for
from analyzers.layout import ProjectLayout
from analyzers.model import Finding
from analyzers.name_resolution import NameResolver

FILES = {
    "g/__init__.py": "from .store import Store\nfrom .money import *\n",
    "g/store.py": "import os\nclass Store: ...\n_hidden = 1\n",
    "g/money.py": "__all__ = ['cents']\ndef cents(): ...\ndef other(): ...\n",
    "g/_impl.py": "def secret(): ...\ndef offered(): ...\n",
    "g/api.py": "from g._impl import offered as offered\nfrom g.store import Store\n",
    "g/tests/test_store.py": "from g.store import Store\nclass cents: ...\n",
    "elsewhere.py": "from g.store import Store\n",
}


def build(
    files: Mapping[str, str], root: Path, policy: str = "defining"
) -> tuple[ExportRegistry, tuple[Finding, ...]]:
    contents = {path: text.encode() for path, text in files.items()}
    index = SourceIndex.from_records(ProjectLayout(root), records_for(contents))
    return build_registry(index, NameResolver(index), "g", policy)


def test_public_names_with_their_homes_and_those_who_pass_them_on(tmp_path: Path) -> None:
    registry, findings = build(FILES, tmp_path)
    assert findings == ()
    assert registry.exports == {
        "Store": ExportedName("g.store", "g.store", ("g",), "class"),
        "cents": ExportedName("g.money", "g.money", ("g",), "function"),
        "offered": ExportedName("g._impl", "g.api", ("g.api",), "function"),
    }
    assert registry.modules == ("g.api", "g.money", "g.store")


def test_facade_policy_takes_the_one_nearest_to_the_top(tmp_path: Path) -> None:
    registry, _ = build(FILES, tmp_path, "facade")
    assert {name: e.canonical for name, e in registry.exports.items()} == {
        "Store": "g",
        "cents": "g",
        "offered": "g.api",
    }


def test_a_name_that_is_exported_twice_is_a_clash(tmp_path: Path) -> None:
    files = {**FILES, "g/other.py": "\n\nclass Store: ...\n"}
    registry, (finding,) = build(files, tmp_path)
    assert "Store" not in registry.exports
    assert [e.defined_in for e in registry.clashes["Store"]] == ["g.other", "g.store"]
    assert (finding.code, finding.severity) == ("NORM001", "warning")
    assert "exports Store twice: from g.other and g.store" in finding.message
    assert registry.find("g.other", "Store") is not None
    assert registry.find("g.money", "Store") is None


def test_a_facade_that_imports_a_name_twice_is_a_clash(tmp_path: Path) -> None:
    files = {
        "g/__init__.py": "from .a import run\nfrom .b import run\n",
        "g/a.py": "def run(): ...\n",
        "g/b.py": "def run(): ...\n",
    }
    _, findings = build(files, tmp_path)
    assert [(f.code, f.path, f.line) for f in findings] == [
        ("NORM002", "g/__init__.py", 2),
        ("NORM001", "g/b.py", 1),
    ]


NAMES = st.from_regex(r"[a-zé_][a-z0-9_]{0,8}", fullmatch=True).filter(str.isidentifier)
WORDS = st.sampled_from(["no", "on", "true", "null", "y", "Off"]) | NAMES
MODULES = st.lists(WORDS, min_size=1, max_size=3).map(".".join)
ENTRIES = st.builds(
    ExportedName, MODULES, MODULES, st.lists(MODULES, max_size=2).map(tuple), st.sampled_from(["class", ""])
)


@given(
    modules=st.lists(MODULES, max_size=3).map(tuple),
    exports=st.dictionaries(WORDS, ENTRIES, max_size=4),
    clashes=st.dictionaries(WORDS, st.lists(ENTRIES, min_size=1, max_size=2).map(tuple), max_size=2),
)
def test_what_is_written_is_read_again(
    tmp_path_factory: pytest.TempPathFactory,
    modules: tuple[str, ...],
    exports: dict[str, ExportedName],
    clashes: dict[str, tuple[ExportedName, ...]],
) -> None:
    registry = ExportRegistry(1, "general", "app.general", "facade", modules, exports, clashes)
    path = tmp_path_factory.mktemp("r") / "EXPORT_REGISTRY.yaml"
    path.write_text(render_registry(registry), encoding="utf-8")
    assert read_registry(path) == registry


GOOD = "version: 1\nshared_domain: g\npackage: g\npolicy: defining\n"


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        (GOOD.replace("1", "2"), 1, "is of version 2"),
        (GOOD.replace("defining", "any"), 4, "the policy 'any' is none"),
        (GOOD + "exports:\n  'a b':\n    {defined_in: g, canonical: g}\n", 6, "'a b' is no name"),
        (GOOD + "exports:\n  a:\n    {defined_in: ../x, canonical: g}\n", 6, "'../x' is no module name"),
        (GOOD + "export: {}\n", 5, "unknown key"),
        (GOOD + "exports: [a]\n", 5, "exports"),
        ("a: *b\n", 1, "alias"),
    ],
)
def test_malformed_registries_are_refused_in_one_line(
    text: str, line: int, problem: str, tmp_path: Path
) -> None:
    path = tmp_path / "EXPORT_REGISTRY.yaml"
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        read_registry(path)
    assert str(caught.value).startswith(f"EXPORT_REGISTRY.yaml:{line}: ")
    assert problem in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_registry_says_what_writes_it(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="hocmig normalize --execute"):
        read_registry(tmp_path / "EXPORT_REGISTRY.yaml")
