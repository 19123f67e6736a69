"""JSON, JSON with comments, package.json, baselines and notebooks."""

from __future__ import annotations

import json
from typing import Any

import pytest


@pytest.mark.parametrize(
    ("path", "before", "after"),
    [
        ("x.json", '{"a": "app.a.b", "b": ["app.s.f"]}', '{"a": "app.x.y", "b": ["app.t.g"]}'),
        ("x.json", '{"app.a.b": {"app.pkg.m": 1}}', '{"app.x.y": {"app.q.pkg.m": 1}}'),
        (
            "package.json",
            '{"scripts": {"x": "cd src; python -m app.a.b"}}',
            '{"scripts": {"x": "cd src; python -m app.x.y"}}',
        ),
        ("launch.json", '{ // app.a.b\n "module": "app.a.b", }', '{ // app.a.b\n "module": "app.x.y", }'),
        (
            ".basedpyright/baseline.json",
            '{"files": {"./src/app/a/b.py": []}}',
            '{"files": {"./src/app/x/y.py": []}}',
        ),
        (
            ".secrets.baseline",
            '{"r": {"src/app/a/b.py": [{"filename": "src/app/a/b.py"}]}}',
            '{"r": {"src/app/x/y.py": [{"filename": "src/app/x/y.py"}]}}',
        ),
        ("pyrightconfig.json", '{"exclude": ["src/app/pkg"]}', '{"exclude": ["src/app/q/pkg"]}'),
        (
            "log.json",
            '{"handlers": {"h": {"class": "app.a.b.Handler", "()": "app.pkg.m.k"}}}',
            '{"handlers": {"h": {"class": "app.x.y.Handler", "()": "app.q.pkg.m.k"}}}',
        ),
        (
            "tasks.json",
            '{"command": "x", "args": ["-m", "app.a.b"]}',
            '{"command": "x", "args": ["-m", "app.x.y"]}',
        ),
    ],
)
def test_certain_values(scanner: Any, path: str, before: str, after: str) -> None:
    assert scanner.rewritten(path, before) == after


@pytest.mark.parametrize(
    "text", ['{"a": "app.a.bc"}', "[1, 2]", '"app.a.c"', "{", '"', "[}]", '{"a": "\\\\"}']
)
def test_what_stays(scanner: Any, text: str) -> None:
    assert scanner.find("x.json", text) == ()


@pytest.mark.parametrize(
    ("text", "certainty"),
    [
        ('{"description": "app.a.b"}', "mention"),
        ('{"k": "see app.a.b"}', "likely"),
        ('{"k": "a\\napp.a.b"}', "likely"),
        ('{"k": "solo"}', "mention"),
        ('{"k": "src/app/a/b.py"}', "likely"),
    ],
)
def test_weaker_classes(scanner: Any, text: str, certainty: str) -> None:
    assert [r.certainty.value for r in scanner.find("x.json", text)] == [certainty]


def test_notebooks(likely: Any) -> None:
    cells = [
        {"cell_type": "code", "source": ["from app.a import b\n", "b.f(); app.a.b.f()\n", "import solo"]},
        {"cell_type": "markdown", "source": ["about app.a.b"]},
    ]
    after = json.loads(likely("n.ipynb", json.dumps({"cells": cells}, sort_keys=True)))["cells"]
    assert after[0]["source"] == [
        "from app.x import y as b\n",
        "b.f(); app.x.y.f()\n",
        "import app.solo as solo",
    ]
    assert after[1] == cells[1]
