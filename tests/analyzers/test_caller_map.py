"""Who imports what moves, and whether the statement must change: checked against the rewriting engine."""

from __future__ import annotations

from pathlib import Path

import pytest

from analyzers.affected_files import affected_files
from analyzers.caller_map import Caller, caller_map
from analyzers.file_rewriting import FileRewriter
from analyzers.import_graph import EdgeKind, ImportGraph
from analyzers.import_index import SourceIndex, load_index, records_for
from analyzers.layout import ProjectLayout
from analyzers.model import Relocation
from analyzers.relocation_map import RelocationMap
from hocmig.sample.generator import render_sample, summarize, write_sample

BASE = {"a/__init__.py": "", "a/b.py": "def f(): ...\n", "x/__init__.py": "", "a/c/__init__.py": ""}
MOVE = Relocation("a.b", "x.y", old_path="a/b.py", new_path="x/y.py")


def _callers(files: dict[str, str], *moves: Relocation) -> list[Caller]:
    layout = ProjectLayout(Path("/nowhere"), (".",))
    texts = {**BASE, **files}
    index = SourceIndex.from_records(layout, records_for({p: t.encode() for p, t in texts.items()}))
    return list(caller_map(ImportGraph(index), RelocationMap(moves or (MOVE,))))


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("client.py", "from a.b import f"),
        ("client.py", "from a.b import f as F, f"),
        ("client.py", "import a.b"),
        ("client.py", "import a.b as m, os"),
        ("client.py", "from a import b"),
        ("client.py", "from a.b import *"),
        ("a/c/d.py", "from ..b import f"),
        ("a/k.py", "from . import b"),
    ],
)
def test_statement_that_names_the_module_must_change(path: str, text: str) -> None:
    (caller,) = _callers({path: text + "\n"})
    assert (caller.migrating_file, caller.caller_file, caller.line) == ("a/b.py", path, 1)
    assert caller.import_statement == text
    assert caller.update_required


def test_relative_import_inside_a_package_that_moves_whole_stays() -> None:
    files = {"p/__init__.py": "", "p/m.py": "", "p/n.py": "from . import m\nfrom .m import k\nimport p.m\n"}
    moves = [
        Relocation("p", "q", old_path="p/__init__.py", new_path="q/__init__.py", subtree=True),
        *(Relocation(f"p.{n}", f"q.{n}", old_path=f"p/{n}.py", new_path=f"q/{n}.py") for n in "mn"),
    ]
    found = [c for c in _callers(files, *moves) if c.migrating_file == "p/m.py"]
    assert [(c.line, c.update_required) for c in found] == [(1, False), (2, False), (3, True)]


def test_caller_through_a_facade_is_listed_and_stays() -> None:
    found = _callers({"a/__init__.py": "from .b import f\n", "client.py": "from a import f\n"})
    assert [(c.caller_file, c.update_required, c.via) for c in found] == [
        ("a/__init__.py", True, ""),
        ("client.py", False, "a/__init__.py"),
    ]


def test_kind_and_line_of_the_statement() -> None:
    text = "def g():\n    from a.b import f\n"
    text += "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import a.b\n"
    found = _callers({"client.py": text})
    assert [(c.line, c.kind) for c in found] == [(2, EdgeKind.DEFERRED), (5, EdgeKind.TYPING_ONLY)]


def test_neighbours_of_what_moves_are_no_callers() -> None:
    assert _callers({"a/bc.py": "", "client.py": "import a\nimport a.bc\nfrom a import bc\n"}) == []


def test_symbol_that_moves_alone_has_the_callers_of_its_name() -> None:
    move = Relocation("a.b", "x.y", old_symbol="f", new_symbol="f")
    files = {"a/b.py": "def f(): ...\ndef g(): ...\n", "x/y.py": "", "one.py": "from a.b import f\n"}
    files |= {"two.py": "from a.b import g\n", "three.py": "import a.b\n"}
    assert [(c.caller_file, c.update_required) for c in _callers(files, move)] == [
        ("one.py", True),
        ("three.py", True),
    ]


def test_sample_agrees_with_the_rewriting_engine(tmp_path: Path) -> None:
    """Every import statement that the engine changes because of its base stands in the map, and no other."""
    root = tmp_path / "sample"
    write_sample(root)
    layout = ProjectLayout(root, ("backend",))
    index = load_index(layout)
    below = "backend/app/hoc/cus/"
    entries = []
    for old, new in summarize(render_sample()).movable:
        names = layout.module_of(below + old), layout.module_of(below + new)
        assert names[0] is not None
        assert names[1] is not None
        entries.append(Relocation(names[0].name, names[1].name, old_path=below + old, new_path=below + new))
    relocations = RelocationMap(entries)
    graph = ImportGraph(index)
    mapped = {(c.caller_file, c.line) for c in caller_map(graph, relocations) if c.update_required}
    rewriter = FileRewriter(index, relocations)
    moving = relocations.paths
    planned = set()
    for path in affected_files(index, relocations, rewriter.resolver, lambda p: (root / p).read_bytes()):
        content = (root / path).read_bytes()
        # The moved file's own relative imports change, too, whatever they name.
        changes = {change.line for change in rewriter.plan(path, content).import_changes}
        if path in moving:
            changes = {line for line in changes if (path, line) in mapped}
        planned |= {(path, line) for line in changes}
    # Imports that the engine adds for dotted uses stand at statements that name no moving module.
    assert mapped <= planned
    named = {(c.caller_file, c.line) for c in caller_map(graph, relocations)}
    surplus = {place for place in planned - mapped if place in named}
    assert surplus == set()
    assert len(planned - mapped) <= len(planned) // 20, sorted(planned - mapped)[:5]
    assert len(mapped) > 200
