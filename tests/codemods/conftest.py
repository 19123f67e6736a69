"""Moves in tiny trees, executed before and after: the harness of the import-rewriting cases.

A test hands over files, moves and what it expects; the harness plans and applies in process, moves the files,
runs the clients in a fresh interpreter before and after, and checks what every rewriting has to keep.
"""

from __future__ import annotations

import io
import json
import subprocess
import sys
import tokenize
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from analyzers.file_facts import read_facts
from analyzers.file_rewriting import FileRewriter, hashes_before
from analyzers.import_index import SourceIndex
from analyzers.layout import ProjectLayout
from analyzers.model import Finding, Relocation
from analyzers.relocation_map import RelocationMap
from analyzers.relocation_table import relocations_of_moves
from codemods._statement_splice import rewritten_bytes

Files = dict[str, bytes]
Moves = Mapping[str, str]

_RUN = """
import importlib, json, sys
roots, clients = json.loads(sys.argv[1]), json.loads(sys.argv[2])
sys.path[:0] = roots
sys.dont_write_bytecode = True
found = {}
for client in clients:
    found[client] = repr(importlib.import_module(client).RESULT)
print(json.dumps(found))
"""


@dataclass
class Moved:
    """What a move did: all files afterwards, findings, and the repository paths whose text changed."""

    files: Files
    findings: list[Finding] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)

    def text(self, path: str) -> str:
        return self.files[path].decode()

    @property
    def codes(self) -> list[str]:
        return [f.code for f in self.findings]


def as_bytes(files: Mapping[str, str | bytes]) -> Files:
    return {p: c.encode() if isinstance(c, str) else c for p, c in files.items()}


def index_of(files: Files, root: Path, import_roots: Sequence[str]) -> SourceIndex:
    records = [read_facts(p, c) for p, c in files.items() if p.endswith((".py", ".pyi"))]
    return SourceIndex.from_records(ProjectLayout(root, tuple(import_roots)), records)


def write(files: Files, root: Path) -> Path:
    for path, content in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content)
    return root


def relocation_map(moves: Moves, index: SourceIndex) -> RelocationMap:
    return RelocationMap(relocations_of_moves([(1, o, n) for o, n in moves.items()], index, "test"))


def rewrite(
    files: Files, index: SourceIndex, relocations: RelocationMap, hashes: Mapping[str, str] | None = None
) -> Moved:
    """All files with their plans applied; files stay where they are."""
    rewriter = FileRewriter(index, relocations, before_hashes=hashes)
    result = Moved(dict(files))
    for path, content in files.items():
        if not path.endswith((".py", ".pyi")):
            continue
        plan = rewriter.plan(path, content)
        if plan or plan.findings:
            assert rewriter.may_concern(path, content), f"{path} is changed but may_concern says no"
        result.findings += plan.findings
        new = rewritten_bytes(plan)
        if new != content:
            result.files[path] = new
            result.changed.append(path)
    return result


def relocate(files: Files, relocations: RelocationMap, *, packages: bool = True) -> Files:
    """The files at their new paths, with an `__init__.py` in every new folder unless told otherwise."""
    moved = {relocations.paths.get(path, path): content for path, content in files.items()}
    if packages:
        for entry in relocations.relocations:
            folder = entry.new_path.rpartition("/")[0]
            while folder and folder != "src":
                moved.setdefault(f"{folder}/__init__.py", b"")
                folder = folder.rpartition("/")[0]
    return moved


def execute(files: Files, root: Path, clients: Sequence[str], import_roots: Sequence[str]) -> dict[str, str]:
    write(files, root)
    arguments = [json.dumps([str(root / r) for r in import_roots]), json.dumps(list(clients))]
    run = subprocess.run(
        [sys.executable, "-S", "-E", "-c", _RUN, *arguments],
        capture_output=True,
        text=True,
        cwd=root,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    result: dict[str, str] = json.loads(run.stdout)
    return result


def comments(content: bytes) -> Counter[str]:
    tokens = tokenize.tokenize(io.BytesIO(content).readline)
    return Counter(t.string for t in tokens if t.type == tokenize.COMMENT)


MoveFixture = Callable[..., Moved]


@pytest.fixture
def move(tmp_path: Path) -> MoveFixture:
    """Moves things in a tree and checks the result by running it.

    Args of the function: `files` (path -> text), `moves` (old -> new place), `expect` (path -> text after),
    `clients` (modules whose RESULT is compared, default `client`), `definitions` (path -> text that moved
    symbols need), `roots`, `packages` (make `__init__.py` in new folders), `back` (moving back gives the same
    bytes), `unchanged` (paths that must not change), `codes` (all finding codes), `adds_comments` (pragmas
    that two statements need).
    """

    def run(
        files: Mapping[str, str | bytes],
        moves: Moves,
        *,
        expect: Mapping[str, str | bytes] | None = None,
        clients: Sequence[str] = ("client",),
        definitions: Mapping[str, str | bytes] | None = None,
        roots: Sequence[str] = (".",),
        packages: bool = True,
        back: bool = True,
        unchanged: Sequence[str] = (),
        codes: Sequence[str] = (),
        adds_comments: bool = False,
    ) -> Moved:
        before = as_bytes(files)
        old_root = write(before, tmp_path / "before")
        index = index_of(before, old_root, roots)
        relocations = relocation_map(moves, index)
        hashes = hashes_before(index, relocations) or None
        result = rewrite(before, index, relocations, hashes)
        assert sorted(result.codes) == sorted(codes), [str(f) for f in result.findings]
        for path in result.changed:
            if not adds_comments:
                assert comments(result.files[path]) == comments(before[path]), path
            compile(result.files[path], path, "exec")
        assert not set(unchanged) & set(result.changed)

        # A second run in place, before the files are moved, changes nothing.
        again = rewrite(result.files, index_of(result.files, old_root, roots), relocations, hashes)
        assert again.changed == [], {p: again.text(p) for p in again.changed}

        staged = dict(result.files)
        staged.update(as_bytes(definitions or {}))
        after = relocate(staged, relocations, packages=packages)
        result.files = after
        for path, text in as_bytes(expect or {}).items():
            assert after[path].decode() == text.decode()
        new_root = tmp_path / "after"
        if clients:
            old_values = execute(before, old_root, clients, roots)
            assert execute(after, new_root, [_new(c, relocations) for c in clients], roots) == {
                _new(c, relocations): v for c, v in old_values.items()
            }
        else:
            write(after, new_root)

        # A second run over the moved files changes nothing.
        index_after = index_of(after, new_root, roots)
        again = rewrite(after, index_after, relocations, hashes)
        assert again.changed == [], {p: again.text(p) for p in again.changed}

        # Files that were moved first and are rewritten afterwards become the same.
        moved_first = relocate(before, relocations, packages=packages)
        late = rewrite(moved_first, index_of(moved_first, new_root, roots), relocations, hashes)
        late.files.update({p: after[p] for p in as_bytes(definitions or {})})
        assert {p: c for p, c in late.files.items() if c != after.get(p)} == {}

        if back:
            inverse = RelocationMap(
                Relocation(
                    old_module=r.new_module,
                    new_module=r.old_module,
                    old_symbol=r.new_symbol,
                    new_symbol=r.old_symbol,
                    old_path=r.new_path,
                    new_path=r.old_path,
                    subtree=r.subtree,
                    sha256=index_after.files[r.new_path].sha256 if r.new_path in index_after.files else "",
                )
                for r in relocations.relocations
            )
            hashes_after = hashes_before(index_after, inverse) or None
            returned = relocate(
                rewrite(after, index_after, inverse, hashes_after).files, inverse, packages=False
            )
            gone = set(as_bytes(definitions or {}))
            assert {p: returned[p] for p in before if p not in gone} == {
                p: c for p, c in before.items() if p not in gone
            }

        _check_twin(before, index, relocations)
        return result

    return run


def _new(client: str, relocations: RelocationMap) -> str:
    return relocations.module(client) or client


def _check_twin(files: Files, index: SourceIndex, relocations: RelocationMap) -> None:
    """The no-op twin of a case: names that only begin like the moved ones change nothing (case 11)."""
    twins = RelocationMap(
        Relocation(
            old_module=r.old_module if r.old_symbol else f"{r.old_module}_twin",
            new_module=f"{r.new_module}_twin",
            old_symbol=f"{r.old_symbol}_twin" if r.old_symbol else "",
            new_symbol=f"{r.new_symbol}_twin" if r.new_symbol else "",
        )
        for r in relocations.relocations
        if r.old_symbol or r.old_module != r.new_module
    )
    assert rewrite(files, index, twins).changed == []
