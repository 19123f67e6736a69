"""TOML: which strings are rewritten, which are only likely, and what stays."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('[project.scripts]\nx = "app.a.b:main"\n', '[project.scripts]\nx = "app.x.y:main"\n'),
        ("[project.entry-points.'g']\nx = 'app.pkg.m:k'", "[project.entry-points.'g']\nx = 'app.q.pkg.m:k'"),
        ('[project.scripts]\nx = "solo:run"', '[project.scripts]\nx = "app.solo:run"'),
        ('[tool.x]\nk = "app.s.f"\n', '[tool.x]\nk = "app.t.g"\n'),
        (
            '[[tool.mypy.overrides]]\nmodule = "app.a.b.*"\n',
            '[[tool.mypy.overrides]]\nmodule = "app.x.y.*"\n',
        ),
        (
            '[[tool.mypy.overrides]]\nmodule = ["app.pkg.*"]',
            '[[tool.mypy.overrides]]\nmodule = ["app.q.pkg.*"]',
        ),
        (
            '[tool.importlinter]\nignore_imports = ["app.a.b -> app.a.c"]',
            '[tool.importlinter]\nignore_imports = ["app.x.y -> app.a.c"]',
        ),
        (
            '[[tool.tach.modules]]\npath = "app.a.b"\ndepends_on = [{ path = "app.pkg" }]',
            '[[tool.tach.modules]]\npath = "app.x.y"\ndepends_on = [{ path = "app.q.pkg" }]',
        ),
        (
            '[tool.ruff.lint.per-file-ignores]\n"src/app/a/b.py" = ["E501"]',
            '[tool.ruff.lint.per-file-ignores]\n"src/app/x/y.py" = ["E501"]',
        ),
        (
            '[tool.ruff.lint]\nper-file-ignores = { "app/a/b.py" = ["E"] }',
            '[tool.ruff.lint]\nper-file-ignores = { "app/x/y.py" = ["E"] }',
        ),
        (
            '[tool.coverage.run]\nomit = ["src/app/pkg/*", "*/a/b.py"]',
            '[tool.coverage.run]\nomit = ["src/app/q/pkg/*", "*/x/y.py"]',
        ),
        (
            '[tool.pytest.ini_options]\naddopts = "-q --cov=app.a.b"',
            '[tool.pytest.ini_options]\naddopts = "-q --cov=app.x.y"',
        ),
        (
            '[tool.setuptools.package-data]\n"app.pkg" = ["*.sql"]',
            '[tool.setuptools.package-data]\n"app.q.pkg" = ["*.sql"]',
        ),
        (
            'a = [\n  "app.a.b", # app.a.b\n  "z",\n]\nb = """\napp.a.b\n"""\n',
            'a = [\n  "app.x.y", # app.a.b\n  "z",\n]\nb = """\napp.x.y\n"""\n',
        ),
        (
            '[tool.mypy]\nfiles = ["src/app/a/b.py"]\nexclude = "^src/app/a/b\\\\.py$"',
            '[tool.mypy]\nfiles = ["src/app/x/y.py"]\nexclude = "^src/app/x/y\\\\.py$"',
        ),
    ],
)
def test_certain_values(scanner: Any, before: str, after: str) -> None:
    assert scanner.rewritten("pyproject.toml", before) == after


@pytest.mark.parametrize(
    "text",
    [
        'k = "app.a.bc"',
        'k = "app.a.b_old"',
        'k = "app.a.c.f"',
        'k = "app.a"',
        'k = "xapp.a.b"',
        'k = "x.app.a.b"',
        'k = "app.s.h"',
        'k = "my-app.a.b"',
        'k = "src/app/a/c.py"',
        'k = "other/app/a/b.pyc"',
        'k = "app/bc.py"',
        "k = 3",
        "",
    ],
)
def test_names_that_stay(scanner: Any, text: str) -> None:
    assert scanner.find("pyproject.toml", text) == ()


@pytest.mark.parametrize(
    ("text", "certainty"),
    [
        ('k = "x app.a.b y"', "likely"),
        ('k = "app.a.b.nosuch"', "likely"),
        ('filterwarnings = ["ignore:x:W:app.a.b"]', "likely"),
        ('filterwarnings = ["ignore:x:W:app\\\\.a\\\\.b"]', "likely"),
        ('k = "src/app/a/b.py"', "likely"),
        ('k = "solo"', "mention"),
        ("# app.a.b", "mention"),
        ('description = "app.a.b"', "mention"),
        ('[[tool.mypy.overrides]]\nmodule = "app.a.*"', "mention"),
        ('[tool.coverage.run]\nomit = ["src/app/a/*"]', "mention"),
    ],
)
def test_weaker_classes(scanner: Any, text: str, certainty: str) -> None:
    assert [r.certainty.value for r in scanner.find("pyproject.toml", text)] == [certainty]


def test_a_pattern_over_parts_says_why_it_stays(scanner: Any) -> None:
    (found,) = scanner.find("x.toml", '[[overrides]]\nmodule = "app.a.*"')
    assert found.new == ""
    assert "app.a.b leaves" in found.why


def test_a_pattern_stays_silent_where_nothing_leaves(scanner: Any) -> None:
    assert scanner.find("x.toml", 'module = "app.*"') == ()
    assert scanner.find("x.toml", 'module = "app.bc.*"') == ()


def test_regular_expressions_keep_their_escapes(likely: Any) -> None:
    assert likely("x.toml", 'f = ["ignore::app\\\\.a\\\\.b"]') == 'f = ["ignore::app\\\\.x\\\\.y"]'


@pytest.mark.parametrize(
    "text", ['a = "app.a.b', "[a\nb = 'app.a.b'", 'k = """app.a.b', "]]}}= app.a.b", '"""']
)
def test_broken_documents_do_not_stop_the_reader(scanner: Any, text: str) -> None:
    scanner.find("x.toml", text)
