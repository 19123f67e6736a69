"""The sample's own tests: they pass before and after its migration, and fail when one reference is wrong."""

from __future__ import annotations

import ast
import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType

import networkx
import pytest

from hocmig.sample.generator import ENCODINGS, render_sample, summarize, write_sample
from hocmig.sample.imports_zoo import import_forms
from hocmig.sample.placed import misplaced

HERE = Path(__file__).parent


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, HERE / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


CRUDE = load("crude_mover")


def run_tests(root: Path, *arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *arguments],
        cwd=cwd or root,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        check=False,
    )


def write(files: dict[str, bytes], root: Path) -> None:
    for path, content in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content)


def moves(kinds: Iterable[str]) -> list[tuple[str, str]]:
    return [(record.path, record.target_path) for record in misplaced() if record.kind in kinds]


def test_passes_as_written(tmp_path: Path) -> None:
    write_sample(tmp_path / "sample", seed=3)
    done = run_tests(tmp_path / "sample")
    assert done.returncode == 0, done.stdout[-3000:]
    inside = run_tests(tmp_path / "sample", "tests/hoc", cwd=tmp_path / "sample" / "backend")
    assert inside.returncode == 0, inside.stdout[-3000:]


def test_passes_after_all_moves(tmp_path: Path) -> None:
    files = render_sample()
    after = CRUDE.moved(files, moves({"move"}))
    assert sum(path not in files for path in after) >= 68
    write(after, tmp_path)
    done = run_tests(tmp_path)
    assert done.returncode == 0, done.stdout[-3000:]


def test_passes_when_targets_of_collisions_are_kept(tmp_path: Path) -> None:
    files = render_sample()
    kept = {f"{CRUDE.ROOT}{new}": files[f"{CRUDE.ROOT}{new}"] for _, new in moves({"identical", "conflict"})}
    after = CRUDE.moved(files, moves({"move", "identical", "conflict"}))
    # A shared interface: whatever a caller asks of the source, the target answers as well.
    after |= {path: content for path, content in kept.items() if b"import app" not in content}
    write(after, tmp_path)
    done = run_tests(tmp_path)
    assert done.returncode == 0, done.stdout[-3000:]


def test_fails_when_a_kept_target_lacks_a_name(tmp_path: Path) -> None:
    files = render_sample()
    for old, new in moves({"lacks"}):
        target = files[f"{CRUDE.ROOT}{new}"]
        trial = CRUDE.moved(files, [(old, new)])
        trial[f"{CRUDE.ROOT}{new}"] = target
        write(trial, tmp_path / Path(new).stem)
        assert run_tests(tmp_path / Path(new).stem, "-x", "backend/tests/hoc").returncode == 1


@pytest.mark.slow
def test_fails_when_one_reference_is_wrong(tmp_path: Path) -> None:
    write_sample(tmp_path / "sample")
    forms = import_forms()
    wanted = [
        {
            "path": form.path,
            "text": form.text,
            "broken": form.broken_text,
            "test": form.test,
            "encoding": "latin-1" if ENCODINGS.get(form.path) == "latin-1" else "utf-8",
        }
        for form in forms
    ]
    (tmp_path / "forms.json").write_text(json.dumps(wanted), encoding="utf-8")
    done = subprocess.run(
        [
            sys.executable,
            str(HERE / "broken_reference_driver.py"),
            str(tmp_path / "sample"),
            str(tmp_path / "forms.json"),
        ],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        check=True,
    )
    codes = json.loads(done.stdout)
    # Exit codes of pytest: 1 tests failed, 2 a test file did not import.
    assert [
        (form.case, form.name, code) for form, code in zip(forms, codes, strict=True) if code not in (1, 2)
    ] == []
    assert run_tests(tmp_path / "sample").returncode == 0


def import_time_graph(files: dict[str, bytes]) -> networkx.DiGraph:
    names = {
        CRUDE.module_name(path): path
        for path in files
        if path.startswith("backend/app/") and path.endswith(".py")
    }
    graph = networkx.DiGraph()
    for name, path in names.items():
        package = name.split(".") if path.endswith("__init__.py") else name.split(".")[:-1]
        graph.add_node(name)
        for module in _imported(ast.parse(files[path]).body, package):
            parts = module.split(".")
            for cut in range(len(parts), 0, -1):
                known = ".".join(parts[:cut])
                # A package waits for none of the modules below it that are being imported.
                if known in names and known != name and not name.startswith(f"{known}."):
                    graph.add_edge(name, known)
    return graph


def _imported(body: list[ast.stmt], package: list[str]) -> Iterable[str]:
    for node in body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            start = [*package[: len(package) - node.level + 1]] if node.level else []
            module = ".".join([*start, *([node.module] if node.module else [])])
            yield from (f"{module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        elif not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            for name in ("body", "orelse", "finalbody"):
                yield from _imported(getattr(node, name, []), package)
            for handler in getattr(node, "handlers", []):
                yield from _imported(handler.body, package)


def test_no_import_time_cycle_before_or_after() -> None:
    files = render_sample()
    for state in (files, CRUDE.moved(files, summarize(files).movable)):
        graph = import_time_graph(state)
        assert graph.number_of_edges() > 1000
        knots = [sorted(knot) for knot in networkx.strongly_connected_components(graph) if len(knot) > 1]
        # Packages that pass names on import modules below them, which is no cycle of modules.
        assert [knot for knot in knots if not _is_package_and_parts(knot)] == []


def _is_package_and_parts(knot: list[str]) -> bool:
    return all(name.startswith(f"{knot[0]}.") for name in knot[1:])
