"""The real command line: `libcst.tool codemod -x codemods.rewrite_imports.RewriteImportsCommand`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

import codemods
from analyzers.file_rewriting import hashes_before
from analyzers.import_index import load_index
from analyzers.layout import ProjectLayout
from analyzers.relocation_map import RelocationMap
from analyzers.relocation_table import relocations_of_moves
from codemods._rewrite_plan import PlanFile

FILES = {
    "a/__init__.py": b"",
    "a/b.py": b"from . import c\n\n\ndef f():\n    return c.v\n",
    "a/c.py": b"v = 1\n",
    "client.py": b"\x0cimport a.b\r\nfrom a import b  # keep\r\n\x0cRESULT = a.b.f(), b.f()\r\n",
    "gen.py": b"# @generated\nfrom a.b import f\n",
    "stub.pyi": b"from a.b import f as f\n",
    "untouched.py": b"\x0cimport os\nx = 'a'\r",
}
WANTED = {
    "a/b.py": b"from a import c\n\n\ndef f():\n    return c.v\n",
    "client.py": b"\x0cimport x.y\r\nfrom x import y as b  # keep\r\n\x0cRESULT = x.y.f(), b.f()\r\n",
    "gen.py": b"# @generated\nfrom x.y import f\n",
    "stub.pyi": b"from x.y import f as f\n",
}


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    root = tmp_path / "repository"
    for path, content in FILES.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content)
    return root


def make_plan(root: Path, moves: dict[str, str], **changes: object) -> Path:
    index = load_index(ProjectLayout(root))
    relocations = relocations_of_moves([(1, old, new) for old, new in moves.items()], index, "test")
    hashes = hashes_before(index, RelocationMap(relocations)) or None
    plan = PlanFile(
        version=1, root=str(root), import_roots=(".",), relocations=relocations, before_hashes=hashes
    )
    file = root.parent / "plan.json"
    file.write_bytes(msgspec.json.encode(msgspec.structs.replace(plan, **changes)))
    return file


def codemod(plan: Path, files: list[Path], cwd: Path) -> subprocess.CompletedProcess[str]:
    packages = str(Path(codemods.__file__).parent.parent)
    environment = {**os.environ, "PYTHONPATH": packages, "PYTHONSAFEPATH": "1"}
    arguments = [
        *(sys.executable, "-m", "libcst.tool", "codemod"),
        *("-x", "codemods.rewrite_imports.RewriteImportsCommand", "--relocations", str(plan)),
        *("--no-format", "--jobs", "1", "--include-stubs", "--include-generated", "--hide-progress"),
        *map(str, files),
    ]
    return subprocess.run(arguments, cwd=cwd, env=environment, capture_output=True, text=True, check=False)


def contents(root: Path) -> dict[str, bytes]:
    return {p.relative_to(root).as_posix(): p.read_bytes() for p in root.rglob("*.py*") if p.is_file()}


def test_rewrites_before_the_move_and_twice(repository: Path, tmp_path: Path) -> None:
    plan = make_plan(repository, {"a.b": "x.y"})
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    if sys.version_info >= (3, 11):
        # A module of that name in the current directory must not be imported by the tool; Python 3.10 has no
        # PYTHONSAFEPATH, there only hocmig's own runner (an empty current directory) is safe from that.
        (elsewhere / "yaml.py").write_text("raise SystemExit('imported')\n")
    for _ in range(2):
        run = codemod(plan, [repository], elsewhere)
        assert run.returncode == 0, run.stdout + run.stderr
        assert contents(repository) == {**FILES, **WANTED}


def test_rewrites_after_the_move(repository: Path) -> None:
    plan = make_plan(repository, {"a.b": "x.y"})
    (repository / "x").mkdir()
    (repository / "x/__init__.py").write_bytes(b"")
    (repository / "a/b.py").rename(repository / "x/y.py")
    for _ in range(2):
        run = codemod(plan, [repository], repository)
        assert run.returncode == 0, run.stdout + run.stderr
        found = contents(repository)
        assert found.pop("x/y.py") == WANTED["a/b.py"]
        assert found.pop("x/__init__.py") == b""
        assert found == {k: v for k, v in {**FILES, **WANTED}.items() if k != "a/b.py"}


def test_a_subset_leaves_the_rest_alone(repository: Path) -> None:
    plan = make_plan(repository, {"a.b": "x.y"})
    run = codemod(plan, [repository / "gen.py"], repository.parent)
    assert run.returncode == 0, run.stdout + run.stderr
    assert contents(repository) == {**FILES, "gen.py": WANTED["gen.py"]}


def test_files_in_a_stage(repository: Path, tmp_path: Path) -> None:
    stage = tmp_path / "stage"
    stage.mkdir()
    (stage / "client.py").write_bytes(FILES["client.py"])
    plan = make_plan(repository, {"a.b": "x.y"}, stage=str(stage))
    run = codemod(plan, [stage / "client.py"], tmp_path)
    assert run.returncode == 0, run.stdout + run.stderr
    assert (stage / "client.py").read_bytes() == WANTED["client.py"]
    assert contents(repository) == FILES


def test_swap_twice(repository: Path) -> None:
    swap = {"a.b": "a.c", "a.c": "a.b"}
    plan = make_plan(repository, swap)
    for _ in range(2):
        run = codemod(plan, [repository], repository)
        assert run.returncode == 0, run.stdout + run.stderr
        assert (repository / "client.py").read_bytes() == (
            b"\x0cimport a.c\r\nfrom a import c as b  # keep\r\n\x0cRESULT = a.c.f(), b.f()\r\n"
        )


def test_swap_without_hashes_is_left_alone_and_reported(repository: Path) -> None:
    plan = make_plan(repository, {"a.b": "a.c", "a.c": "a.b"}, before_hashes=None)
    run = codemod(plan, [repository / "client.py"], repository)
    assert run.returncode == 0
    assert "RELOC020 client.py" in run.stderr
    assert contents(repository) == FILES


@pytest.mark.parametrize(
    ("text", "said"),
    [(None, "cannot be read"), (b"{", "is no plan of hocmig"), (b'{"version": 1, "odd": 2}', "is no plan")],
)
def test_a_bad_plan_is_one_line(repository: Path, text: bytes | None, said: str) -> None:
    plan = repository / "plan.json"
    if text is not None:
        plan.write_bytes(text)
    run = codemod(plan, [repository / "client.py"], repository)
    assert run.returncode == 2
    assert said in run.stderr.splitlines()[-1]
    assert "Traceback" not in run.stderr
    assert contents(repository) == FILES


def test_a_file_outside_the_repository_fails_by_name(repository: Path, tmp_path: Path) -> None:
    stranger = tmp_path / "stranger.py"
    stranger.write_text("import a.b\n")
    run = codemod(make_plan(repository, {"a.b": "x.y"}), [stranger], tmp_path)
    assert run.returncode == 1
    assert "stranger.py: lies outside the repository" in run.stdout + run.stderr
    assert stranger.read_text() == "import a.b\n"
