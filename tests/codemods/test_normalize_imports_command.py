"""NormalizeImportsCommand: what changes, what stays and why, and the real command line."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

import codemods
from analyzers.export_registry import build_registry, render_registry
from analyzers.import_graph import ImportGraph
from analyzers.import_index import load_index
from analyzers.import_normalization import ImportNormalizer
from analyzers.layout import ProjectLayout
from codemods._statement_splice import rewritten_bytes

SHARED = {
    "app/__init__.py": "",
    "app/g/__init__.py": "from .store import Store, make\n",
    "app/g/store.py": "class Store: ...\ndef make(): ...\nLEVEL = 1\n",
    "app/logs/__init__.py": "",
    "app/logs/names.py": "from app.g.store import Store, make as build, LEVEL\nown = 2\n",
    "app/logs/loud.py": "from app.g.store import Store\nregister = print\nregister('loud')\n",
}


def repository(tmp_path: Path, files: Mapping[str, str]) -> Path:
    root = tmp_path / "repository"
    for path, text in {**SHARED, **files}.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(text.encode())
    return root


def normalizer(root: Path, policy: str = "defining") -> ImportNormalizer:
    graph = ImportGraph(load_index(ProjectLayout(root)))
    registry, _ = build_registry(graph.index, graph.resolver, "app.g", policy)
    return ImportNormalizer(graph, registry, lambda path: (root / path).read_bytes())


def normalized(tmp_path: Path, text: str, *, policy: str = "defining", **more: str) -> tuple[str, list[str]]:
    """The text of app/use.py afterwards, and the reasons of what stays."""
    files = {"app/use.py": text, **{path.replace("__", "/") + ".py": t for path, t in more.items()}}
    root = repository(tmp_path, files)
    planner = normalizer(root, policy)
    plan = planner.plan("app/use.py", text.encode())
    left = [s.reason for s in planner.imports_of("app/use.py") if s.reason]
    return (text if plan is None else rewritten_bytes(plan).decode()), left


CHANGES = [
    ("from app.logs.names import Store\n", "from app.g.store import Store\n"),
    ("from app.g import make  # noqa\n", "from app.g.store import make  # noqa\n"),
    ("from app.logs.names import build\n", "from app.g.store import make as build\n"),
    ("from app.logs.names import build as b\n", "from app.g.store import make as b\n"),
    (
        "from app.logs.names import Store as LogStore, own\n",
        "from app.g.store import Store as LogStore\nfrom app.logs.names import own\n",
    ),
    ("from .logs.names import Store\n", "from .g.store import Store\n"),
    ("from app.g import Store as Store\n", "from app.g.store import Store as Store\n"),
    ("def f():\n\tfrom app.g import Store\r\n", "def f():\n\tfrom app.g.store import Store\r\n"),
    ("import os; from app.g import Store; x = 1", "import os; from app.g.store import Store; x = 1"),
]


@pytest.mark.parametrize(("before", "after"), CHANGES)
def test_detours_become_the_canonical_import(before: str, after: str, tmp_path: Path) -> None:
    text, left = normalized(tmp_path, before)
    assert sorted(text.splitlines()) == sorted(after.splitlines())
    assert left == []
    # A second run over its own output changes nothing.
    (tmp_path / "again").mkdir()
    assert normalized(tmp_path / "again", text) == (text, [])


STAYS = [
    ("from app.g.store import Store\n", None),
    ("from app.logs.names import own\n", None),
    ("from app.logs.names import *\n", None),
    ("import app.g as g\nx = g.Store\n", None),
    ("try:\n    from app.g import Store\nexcept ImportError:\n    Store = None\n", "it stands in a try"),
    ("from app.logs.loud import Store\n", "acts on other things (app/logs/loud.py:3)"),
    ("from app.g import Store\npatch('app.g.Store')\n", "perhaps to replace it"),
]


@pytest.mark.parametrize(("text", "reason"), STAYS)
def test_what_is_canonical_or_not_safe_stays(text: str, reason: str | None, tmp_path: Path) -> None:
    after, left = normalized(tmp_path, text)
    assert after == text
    assert (len(left) == 1 and reason in left[0]) if reason else left == []


def test_a_patch_target_in_another_file_keeps_the_import(tmp_path: Path) -> None:
    more = {"tests__test_x": "patch = print\npatch('app.logs.names.Store.load')\n"}
    text = "from app.logs.names import Store\n"
    assert normalized(tmp_path, text, **more) == (
        text,
        ["tests/test_x.py:2 names app.logs.names.Store, perhaps to replace it"],
    )


def test_a_name_that_is_rebound_at_run_time_stays(tmp_path: Path) -> None:
    shared = "LEVEL = 1\ndef raise_level():\n    global LEVEL\n    LEVEL += 1\n"
    text = "from app.logs.names import LEVEL\n"
    after, left = normalized(tmp_path, text, app__g__store=SHARED["app/g/store.py"] + shared)
    assert after == text
    assert left == ["app.g.store rebinds LEVEL at run time"]


def test_another_definition_of_the_same_name_is_no_shared_name(tmp_path: Path) -> None:
    text = "from app.logs.wrap import Store\n"
    wrap = "from app.g.store import Store\nStore = print(Store)\n"
    assert normalized(tmp_path, text, app__logs__wrap=wrap) == (text, [])


def test_a_new_import_cycle_is_refused(tmp_path: Path) -> None:
    # store imports use, and use gets Store by another way: a straight import would close the circle.
    store = SHARED["app/g/store.py"] + "import app.use\n"
    text = "from app.logs.names import Store\n"
    after, left = normalized(tmp_path, text, app__g__store=store)
    assert after == text
    assert left == ["app.g.store imports this file: it would make a cycle"]


def test_the_facade_is_not_imported_inside_its_own_package(tmp_path: Path) -> None:
    inner = "from app.logs.names import Store\nfrom app.g import make\n"
    root = repository(tmp_path, {"app/g/inner.py": inner, "app/use.py": "from app.g.store import make\n"})
    planner = normalizer(root, "facade")
    plan = planner.plan("app/g/inner.py", inner.encode())
    assert plan is not None
    assert rewritten_bytes(plan).decode() == "from app.g.store import Store\nfrom app.g.store import make\n"
    outer = planner.plan("app/use.py", b"from app.g.store import make\n")
    assert outer is not None
    assert rewritten_bytes(outer) == b"from app.g import make\n"


def run_tool(root: Path, registry: Path, *files: Path) -> subprocess.CompletedProcess[str]:
    packages = str(Path(codemods.__file__).parent.parent)
    return subprocess.run(
        [
            *(sys.executable, "-m", "libcst.tool", "codemod"),
            *("-x", "codemods.normalize_imports.NormalizeImportsCommand", "--registry", str(registry)),
            *("--jobs", "1", "--no-format", "--hide-progress"),
            *map(str, files),
        ],
        cwd=root / "app",
        env={**os.environ, "PYTHONPATH": packages},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_command_line_alone_twice(tmp_path: Path) -> None:
    before = b"\x0cfrom app.logs.names import Store\r\nfrom app.logs.loud import Store as L\r\nx = 1\r"
    root = repository(tmp_path, {})
    (root / "app/use.py").write_bytes(before)
    (root / "hocmig.yaml").write_text("version: 1\n")
    graph = ImportGraph(load_index(ProjectLayout(root)))
    registry, _ = build_registry(graph.index, graph.resolver, "app.g")
    (root / "EXPORT_REGISTRY.yaml").write_text(render_registry(registry))
    files = [root / "app/use.py", root / "app/logs/names.py"]
    first = run_tool(root, Path("../EXPORT_REGISTRY.yaml"), *files)
    assert first.returncode == 0, first.stderr
    assert "NORM003 app/use.py:2: app.logs.loud.Store stays" in first.stderr + first.stdout
    after = before.replace(b"app.logs.names", b"app.g.store")
    assert (root / "app/use.py").read_bytes() == after
    second = run_tool(root, Path("../EXPORT_REGISTRY.yaml"), *files)
    assert second.returncode == 0, second.stderr
    assert (root / "app/use.py").read_bytes() == after
    assert (root / "app/logs/names.py").read_text() == SHARED["app/logs/names.py"]


def test_a_bad_registry_is_one_line_of_usage_error(tmp_path: Path) -> None:
    root = repository(tmp_path, {})
    (root / "bad.yaml").write_text("version: [\n")
    result = run_tool(root, root / "bad.yaml", root / "app/logs/names.py")
    assert result.returncode == 2
    assert "bad.yaml" in result.stderr
    assert "Traceback" not in result.stderr
