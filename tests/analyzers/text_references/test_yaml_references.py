"""YAML: CI files, compose, logging configuration, settings, templates."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("a: app.a.b\n", "a: app.x.y\n"),
        ("a: 'app.a.b'  # app.a.b\n", "a: 'app.x.y'  # app.a.b\n"),
        ('a:\n- "app.a.b.f"\n-  app.s:f\n', 'a:\n- "app.x.y.f"\n-  app.t:g\n'),
        ("a: [app.a.b, 'app.pkg']\n", "a: [app.x.y, 'app.q.pkg']\n"),
        (
            "a: {b: app.a.b,\n  c: [x, app.pkg.m]}\nd: app.pkg\n",
            "a: {b: app.x.y,\n  c: [x, app.q.pkg.m]}\nd: app.q.pkg\n",
        ),
        (
            "loggers:\n  app.a.b:\n    class: app.a.b.Handler\n",
            "loggers:\n  app.x.y:\n    class: app.x.y.Handler\n",
        ),
        ("x: !!python/name:app.s.f ''\n", "x: !!python/name:app.t.g ''\n"),
        ("x: !!python/object:app.a.b.Handler {a: 1}\n", "x: !!python/object:app.x.y.Handler {a: 1}\n"),
        (
            "command: gunicorn -k app.a.b.Handler app.a.b:app\n",
            "command: gunicorn -k app.x.y.Handler app.x.y:app\n",
        ),
        ('command: ["python", "-m", "app.a.b"]\n', 'command: ["python", "-m", "app.x.y"]\n'),
        (
            "- run: |\n    cd src && pytest app/a/b.py\n    celery -A app.a.b worker\n- x: 1\n",
            "- run: |\n    cd src && pytest app/x/y.py\n    celery -A app.x.y worker\n- x: 1\n",
        ),
        ("environment:\n  - SETTINGS=app.a.b\n", "environment:\n  - SETTINGS=app.x.y\n"),
        (
            "on:\n  push:\n    paths:\n      - 'src/app/a/b.py'\n      - '!src/app/pkg/**'\n",
            "on:\n  push:\n    paths:\n      - 'src/app/x/y.py'\n      - '!src/app/q/pkg/**'\n",
        ),
        (
            "paths:\n  /x:\n    get:\n      operationId: app.a.b.f\n",
            "paths:\n  /x:\n    get:\n      operationId: app.x.y.f\n",
        ),
        ("INSTALLED_APPS:\n  - app.a.b\n  - app.pkg\n", "INSTALLED_APPS:\n  - app.x.y\n  - app.q.pkg\n"),
    ],
)
def test_certain_values(scanner: Any, before: str, after: str) -> None:
    assert scanner.rewritten("x.yml", before) == after


def test_files_that_list_paths_by_name(scanner: Any) -> None:
    text = "backend:\n  - src/app/a/b.py\n"
    assert scanner.classes(".github/labeler.yml", text) == [("src/app/a/b.py", "certain")]
    assert scanner.classes("other.yml", text) == [("src/app/a/b.py", "likely")]


@pytest.mark.parametrize(
    "text", ["a: app.a.bc\n", "app.a.c: 1\n", "a: app.s.h\n", "- x\n", "a: b: c\n", ":\n", "-"]
)
def test_what_stays(scanner: Any, text: str) -> None:
    assert scanner.find("x.yaml", text) == ()


@pytest.mark.parametrize(
    ("text", "certainty"),
    [
        ("# app.a.b\n", "mention"),
        ("description: app.a.b\n", "mention"),
        ("x: text with app.a.b in it\n", "likely"),
        ("x: |\n  text with app.a.b\n", "likely"),
        ("run: echo app.a.b\n", "mention"),
        ("run: sometool app.a.b now\n", "likely"),
        ("x: solo\n", "mention"),
        ("x: {{ foo }} app.a.b\n", "likely"),
    ],
)
def test_weaker_classes(scanner: Any, text: str, certainty: str) -> None:
    assert [r.certainty.value for r in scanner.find("x.yml", text)] == [certainty]


def test_regex_paths_of_pre_commit(scanner: Any) -> None:
    before = "- id: x\n  files: ^src/app/a/b\\.py$\n  entry: mypy src/app/a/b.py\n"
    after = "- id: x\n  files: ^src/app/x/y\\.py$\n  entry: mypy src/app/x/y.py\n"
    assert scanner.rewritten(".pre-commit-config.yaml", before) == after


def test_a_sample_is_read_like_what_it_is_a_sample_of(scanner: Any) -> None:
    assert scanner.rewritten("docker-compose.yml.j2", "command: uvicorn app.a.b:app\n").endswith(
        "app.x.y:app\n"
    )
