"""Symbols that move in tiny trees, executed before and after: the harness of the symbol cases.

Most cases apply the codemods in process (the same functions that the commands call), since starting the
LibCST tool twice per case costs seconds; `test_symbol_moves_command.py` goes through the real command line.
"""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

import hocmig.relocation_preparation
import hocmig.symbol_moving
from analyzers.file_plan import FilePlan
from analyzers.file_rewriting import FileRewriter
from analyzers.import_index import load_index
from analyzers.layout import ProjectLayout
from analyzers.model import Relocation
from analyzers.relocation_map import RelocationMap
from analyzers.relocation_table import relocations_of_moves
from analyzers.source import decode
from codemods._move_plan import MovePlanFile
from codemods._rewrite_plan import PlanFile
from codemods._statement_splice import rewritten_bytes
from hocmig.codemod_runner import CodemodResult
from hocmig.prepared_relocation import PreparedRelocation, RelocationOptions
from hocmig.relocation import execute_relocation, prepare_relocation
from hocmig.workspace import Workspace, open_workspace

_RUN = """
import importlib, json, sys
sys.path[:0] = json.loads(sys.argv[1])
sys.dont_write_bytecode = True
found = {}
for client in json.loads(sys.argv[2]):
    found[client] = repr(importlib.import_module(client).RESULT)
print(json.dumps(found))
"""


def run_in_process(
    command: str, files: Mapping[str, bytes], plan: PlanFile | MovePlanFile, *, jobs: int, state: Path
) -> CodemodResult:
    """What `hocmig.codemod_runner.run_codemod` gives, without starting a process."""
    contents: dict[str, bytes] = {}
    if isinstance(plan, MovePlanFile):
        for path, content in files.items():
            moves = plan.files[path]
            contents[path] = rewritten_bytes(FilePlan(decode(content), moves.import_changes, moves.edits))
    else:
        layout = ProjectLayout(Path(plan.root), plan.import_roots)
        index = load_index(layout, scan=plan.scan, exclude=plan.exclude)
        relocations = RelocationMap(plan.relocations, allow_merges=plan.allow_merges)
        rewriter = FileRewriter(index, relocations, plan.references, plan.before_hashes)
        for path, content in files.items():
            decision = plan.decisions.get(path)
            if decision is None:
                contents[path] = rewritten_bytes(rewriter.plan(path, content))
            else:
                decided = FilePlan(decode(content), decision.import_changes, decision.edits)
                contents[path] = rewritten_bytes(decided)
    return CodemodResult({p: c for p, c in contents.items() if c != files[p]}, ())


@dataclass
class Tree:
    """A small repository on disk."""

    root: Path

    def read(self, path: str) -> str:
        return (self.root / path).read_bytes().decode()

    def files(self) -> dict[str, bytes]:
        return {
            p.relative_to(self.root).as_posix(): p.read_bytes()
            for p in sorted(self.root.rglob("*"))
            if p.is_file() and ".hocmig" not in p.parts and "__pycache__" not in p.parts
        }

    def workspace(self) -> Workspace:
        options = {
            "root": self.root,
            "config": None,
            "jobs": 1,
            "as_json": False,
            "quiet": True,
            "verbose": False,
            "no_progress": True,
        }
        return open_workspace(options, need_config=False)

    def prepare(
        self, moves: Mapping[str, str], options: RelocationOptions | None = None
    ) -> PreparedRelocation:
        workspace = self.workspace()
        rows = [(0, old, new) for old, new in moves.items()]
        relocations = relocations_of_moves(rows, workspace.index, "test")
        return prepare_relocation(workspace, relocations, options or RelocationOptions())

    def results(self, clients: Sequence[str], *, may_fail: bool = False) -> dict[str, str]:
        """`RESULT` of each client module, from a fresh interpreter; empty when it may fail and does."""
        done = subprocess.run(
            [sys.executable, "-c", _RUN, json.dumps([str(self.root)]), json.dumps(list(clients))],
            capture_output=True,
            text=True,
            check=False,
        )
        if may_fail and done.returncode:
            return {}
        assert done.returncode == 0, done.stderr
        found: dict[str, str] = json.loads(done.stdout)
        return found


def check_twin(tree: Tree, prepared: PreparedRelocation) -> None:
    """The no-op twin of a case: symbols that only begin like the moved ones change nothing (case 11)."""
    twins = RelocationMap(
        Relocation(r.old_module, f"{r.new_module}_twin", f"{r.old_symbol}_twin", f"{r.new_symbol}_twin")
        for r in prepared.symbols
    )
    rewriter = FileRewriter(tree.workspace().index, twins, "likely")
    for path, content in tree.files().items():
        if path.endswith((".py", ".pyi")):
            assert not rewriter.plan(path, content), path


MakeTree = Callable[[Mapping[str, str | bytes]], Tree]
Mover = Callable[..., PreparedRelocation]


@pytest.fixture
def make_tree(tmp_path: Path) -> MakeTree:
    """Write files (texts are dedented) below a fresh folder; missing `__init__.py` files are added."""

    def make(files: Mapping[str, str | bytes]) -> Tree:
        root = tmp_path / "tree"
        for path, text in files.items():
            target = root / path
            target.parent.mkdir(parents=True, exist_ok=True)
            content = textwrap.dedent(text).lstrip("\n").encode() if isinstance(text, str) else text
            target.write_bytes(content)
        for folder in {p.parent for p in root.rglob("*.py")} - {root}:
            while folder != root:
                init = folder / "__init__.py"
                if not init.exists():
                    init.write_bytes(b"")
                folder = folder.parent
        return Tree(root)

    return make


@pytest.fixture
def in_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hocmig.relocation_preparation, "run_codemod", run_in_process)
    monkeypatch.setattr(hocmig.symbol_moving, "run_codemod", run_in_process)


@pytest.fixture
def move(in_process: None) -> Mover:
    """Move symbols in a tree and check what every move has to keep.

    `clients` are modules with a RESULT that must be the same afterwards; `expect` gives whole texts of files.
    """

    def run(
        tree: Tree,
        moves: Mapping[str, str],
        *,
        clients: Sequence[str] = (),
        expect: Mapping[str, str] | None = None,
        options: RelocationOptions | None = None,
    ) -> PreparedRelocation:
        before = tree.files()
        values = tree.results(clients) if clients else {}
        prepared = tree.prepare(moves, options)
        assert not prepared.blocking, [str(f) for f in prepared.blocking]
        assert tree.files() == before
        check_twin(tree, prepared)
        execute_relocation(tree.workspace(), prepared, phase="mv", command=("test",))
        for path, content in tree.files().items():
            if path.endswith(".py"):
                compile(content, path, "exec")
        for path, text in (expect or {}).items():
            assert tree.read(path) == textwrap.dedent(text).lstrip("\n"), path
        if clients:
            assert tree.results(clients) == values
        return prepared

    return run


@pytest.fixture
def refuse(in_process: None) -> Callable[..., str]:
    """The messages of the findings that block a move; nothing may be changed by preparing it."""

    def run(tree: Tree, moves: Mapping[str, str], code: str, options: RelocationOptions | None = None) -> str:
        before = tree.files()
        prepared = tree.prepare(moves, options)
        assert tree.files() == before
        assert code in {f.code for f in prepared.blocking}, [str(f) for f in prepared.findings]
        return "\n".join(str(f) for f in prepared.blocking)

    return run
