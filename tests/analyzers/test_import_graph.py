"""The import graph: what each statement leads to, when, and what leads nowhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from analyzers.import_graph import EdgeKind, ImportEdge, ImportGraph
from analyzers.import_index import SourceIndex, load_index, records_for
from analyzers.layout import ProjectLayout
from analyzers.model import Relocation
from analyzers.move_preconditions import packages_to_create
from analyzers.relocation_map import RelocationMap
from analyzers.tree_after import tree_after
from hocmig.sample.generator import render_sample, summarize, write_sample


def _graph(files: dict[str, str], roots: tuple[str, ...] = (".",)) -> ImportGraph:
    layout = ProjectLayout(Path("/nowhere"), roots)
    return ImportGraph(
        SourceIndex.from_records(layout, records_for({p: t.encode() for p, t in files.items()}))
    )


def _targets(graph: ImportGraph, importer: str) -> list[tuple[int, str, tuple[str, ...]]]:
    return [(e.line, e.imported, e.names) for e in graph.by_importer.get(importer, ())]


PACKAGE = {
    "a/__init__.py": "from .b import f\nKEY = 1\n",
    "a/b.py": "def f(): ...\n",
    "a/c/__init__.py": "",
    "a/c/d.py": "D = 1\n",
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("import a.b", [(1, "a/b.py", ())]),
        ("import a.c.d as x, a.b", [(1, "a/c/d.py", ()), (1, "a/b.py", ())]),
        ("from a import b", [(1, "a/b.py", ())]),
        ("from a import b, KEY, f", [(1, "a/__init__.py", ("KEY", "f")), (1, "a/b.py", ())]),
        ("from a.c.d import D as E", [(1, "a/c/d.py", ("D",))]),
        ("from a.b import *", [(1, "a/b.py", ("*",))]),
        ("from a import __path__", [(1, "a/__init__.py", ("__path__",))]),
        ("import os, json.decoder", []),
        ("from bc import a", []),
    ],
)
def test_statement_leads_to_the_file_it_names(text: str, expected: list[object]) -> None:
    graph = _graph({**PACKAGE, "client.py": text + "\n"})
    assert _targets(graph, "client.py") == expected
    assert graph.unresolved == ()


def test_relative_imports_count_their_dots_from_the_package() -> None:
    graph = _graph({**PACKAGE, "a/c/e.py": "from . import d\nfrom .. import b\nfrom ..b import f\n"})
    assert _targets(graph, "a/c/e.py") == [(1, "a/c/d.py", ()), (2, "a/b.py", ()), (3, "a/b.py", ("f",))]


def test_name_that_the_package_binds_is_no_submodule() -> None:
    files = {
        "a/__init__.py": "from .b import b\n",
        "a/b.py": "def b(): ...\n",
        "client.py": "from a import b\n",
    }
    assert _targets(_graph(files), "client.py") == [(1, "a/__init__.py", ("b",))]


def test_package_that_imports_its_submodule_still_offers_the_submodule() -> None:
    files = {"a/__init__.py": "from . import b\n", "a/b.py": "", "client.py": "from a import b\n"}
    assert _targets(_graph(files), "client.py") == [(1, "a/b.py", ())]


def test_kinds_follow_when_the_statement_runs() -> None:
    text = (
        "from typing import TYPE_CHECKING\nimport a.b\nif TYPE_CHECKING:\n    from a.c import d\n"
        "def g():\n    from a.c.d import D\nclass C:\n    from a.b import f\n"
    )
    graph = _graph({**PACKAGE, "client.py": text})
    kinds = [(e.line, e.kind) for e in graph.by_importer["client.py"]]
    assert kinds == [
        (2, EdgeKind.IMPORT_TIME),
        (4, EdgeKind.TYPING_ONLY),
        (6, EdgeKind.DEFERRED),
        (8, EdgeKind.IMPORT_TIME),
    ]


def test_stub_imports_for_types_only() -> None:
    graph = _graph({**PACKAGE, "client.pyi": "from a.b import f\n"})
    assert [e.kind for e in graph.by_importer["client.pyi"]] == [EdgeKind.TYPING_ONLY]


def test_loaded_files_begin_with_the_packages() -> None:
    graph = _graph({**PACKAGE, "client.py": "import a.c.d\n"})
    edge = graph.by_importer["client.py"][0]
    assert graph.loaded(edge) == ("a/__init__.py", "a/c/__init__.py", "a/c/d.py")


def test_namespace_package_has_no_file_but_its_parents_run() -> None:
    graph = _graph({"a/__init__.py": "", "a/n/m.py": "", "client.py": "import a.n\n"})
    edge = graph.by_importer["client.py"][0]
    assert edge == ImportEdge("client.py", "", "a.n", 1, EdgeKind.IMPORT_TIME, (), 0)
    assert graph.loaded(edge) == ("a/__init__.py",)


def test_homes_follow_re_exports() -> None:
    graph = _graph({**PACKAGE, "client.py": "from a import f, KEY\n"})
    assert graph.homes(graph.by_importer["client.py"][0]) == (("f", "a.b:f"), ("KEY", "a:KEY"))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("import a.gone", "a.gone: no such module"),
        ("from a.gone import x", "a.gone: no such module"),
        ("from a import gone", "a:gone: no such name in it"),
        ("try:\n    from a.gone import x\nexcept ImportError:\n    x = 1", "a.gone: no such module"),
    ],
)
def test_own_imports_that_lead_nowhere_are_records(text: str, shown: str) -> None:
    graph = _graph({**PACKAGE, "client.py": text + "\n"})
    assert [str(u).partition(": ")[2] for u in graph.unresolved] == [shown]
    assert graph.unresolved[0].is_guarded == text.startswith("try")


def test_relative_import_above_the_top_is_a_record() -> None:
    graph = _graph({**PACKAGE, "a/b.py": "from ... import x\n"})
    assert [u.reason for u in graph.unresolved if u.importer == "a/b.py"] == [
        "leads above the top-level package"
    ]


def test_computed_namespace_is_not_called_broken() -> None:
    files = {"a/__init__.py": "def __getattr__(name): ...\n", "client.py": "from a import anything\n"}
    graph = _graph(files)
    assert graph.unresolved == ()
    assert _targets(graph, "client.py") == [(1, "a/__init__.py", ("anything",))]


def test_module_hides_the_folder_of_its_name() -> None:
    graph = _graph({"auth.py": "", "auth/token.py": "", "client.py": "import auth.token\n"})
    assert graph.unresolved[0].reason == "auth.py hides the folder auth/"


def test_script_outside_the_roots_imports_its_neighbours() -> None:
    files = {"src/a.py": "", "tools/run.py": "import helper\nimport a\n", "tools/helper.py": ""}
    graph = _graph(files, ("src",))
    assert _targets(graph, "tools/run.py") == [(1, "tools/helper.py", ()), (2, "src/a.py", ())]


def test_relative_imports_outside_the_roots_go_by_folders() -> None:
    files = {
        "src/a.py": "",
        "tests/__init__.py": "",
        "tests/unit/__init__.py": "",
        "tests/unit/test_x.py": "from ..kit import make\nfrom . import shared\n",
        "tests/kit.py": "def make(): ...\n",
        "tests/unit/shared.py": "",
    }
    graph = _graph(files, ("src",))
    assert _targets(graph, "tests/unit/test_x.py") == [
        (1, "tests/kit.py", ("make",)),
        (2, "tests/unit/shared.py", ()),
    ]


def test_unparsable_and_empty_files_have_no_edges() -> None:
    graph = _graph({"a.py": "def (\n", "b.py": "", "c.py": "\xff"})
    assert graph.edges == ()


def test_compiled_module_is_no_broken_import(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    for name, text in (
        ("__init__.py", ""),
        ("fast.cpython-311-x86_64-linux-gnu.so", "\x7fELF"),
        ("slow.pyx", ""),
    ):
        (tmp_path / "a" / name).write_text(text)
    (tmp_path / "client.py").write_text("import a.fast\nfrom a import slow\nfrom a.fast import x\n")
    graph = ImportGraph(load_index(ProjectLayout(tmp_path, (".",))))
    assert graph.unresolved == ()


def test_order_is_that_of_paths_and_lines(tmp_path: Path) -> None:
    write_sample(tmp_path / "sample")
    graph = ImportGraph(load_index(ProjectLayout(tmp_path / "sample", ("backend",))))
    keys = [(e.importer, e.statement) for e in graph.edges]
    assert keys == sorted(keys)
    assert len(graph.edges) > 700
    again = ImportGraph(load_index(ProjectLayout(tmp_path / "sample", ("backend",))))
    assert again.edges == graph.edges
    assert again.unresolved == graph.unresolved


@pytest.mark.parametrize("seed", range(3))
def test_graph_made_from_the_one_before_is_the_same(tmp_path: Path, seed: int) -> None:
    write_sample(tmp_path / "sample", seed=seed + 1)
    layout = ProjectLayout(tmp_path / "sample", ("backend",))
    index = load_index(layout)
    below = "backend/app/hoc/cus/"
    entries = []
    for old, new in summarize(render_sample(seed=seed + 1)).movable:
        names = layout.module_of(below + old), layout.module_of(below + new)
        assert names[0] is not None
        assert names[1] is not None
        entries.append(Relocation(names[0].name, names[1].name, old_path=below + old, new_path=below + new))
    relocations = RelocationMap(entries)
    after = tree_after(index, relocations, packages_to_create(relocations, index))
    whole, quick = ImportGraph(after), ImportGraph(after, ImportGraph(index))
    assert quick.edges == whole.edges
    assert quick.unresolved == whole.unresolved


def test_files_whose_answers_can_change_are_read_again() -> None:
    files = {"a/__init__.py": "def __getattr__(n): ...\n", "n/m.py": "", "k.py": "", "client.py": ""}
    texts = ("from a import k\n", "import n\n", "from a.gone import x\n", "from n import k\n")
    texts += ("import json\n",)
    for text in texts:
        before = _graph({**files, "client.py": text})
        for new_path in ("a/k.py", "n/k.py", "a/gone.py", "n/__init__.py", "json.py"):
            added = records_for({new_path: b"x = 1\n"})
            after = before.index.with_changes((), added)
            whole = ImportGraph(after)
            quick = ImportGraph(after, before)
            assert (quick.edges, quick.unresolved) == (whole.edges, whole.unresolved)
