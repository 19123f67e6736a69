"""INI, setup.cfg, tox.ini, logging.ini and .env."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.mark.parametrize(
    ("path", "before", "after"),
    [
        (
            "setup.cfg",
            "[options.entry_points]\nconsole_scripts =\n    x = app.a.b:main\n    y=app.s:f [e]\n",
            "[options.entry_points]\nconsole_scripts =\n    x = app.x.y:main\n    y=app.t:g [e]\n",
        ),
        (
            "mypy.ini",
            "[mypy-app.a.b.*,app.pkg]\nignore_errors = True",
            "[mypy-app.x.y.*,app.q.pkg]\nignore_errors = True",
        ),
        (
            "setup.cfg",
            "[flake8]\nper-file-ignores =\n  src/app/a/b.py: E501\n  src/app/pkg/*:E1,E2\n",
            "[flake8]\nper-file-ignores =\n  src/app/x/y.py: E501\n  src/app/q/pkg/*:E1,E2\n",
        ),
        (
            ".coveragerc",
            "[run]\nomit =\n    src/app/a/b.py\n    */pkg/m.py\n",
            "[run]\nomit =\n    src/app/x/y.py\n    */pkg/m.py\n",
        ),
        (
            "log.ini",
            "[handler_x]\nclass=app.a.b.Handler\n[logger_x]\nqualname = app.a.b ; app.a.b\n",
            "[handler_x]\nclass=app.x.y.Handler\n[logger_x]\nqualname = app.x.y ; app.a.b\n",
        ),
        (
            "tox.ini",
            "[testenv]\ncommands =\n    pytest src/app/a/b.py\n    python -m app.a.b {posargs}\n",
            "[testenv]\ncommands =\n    pytest src/app/x/y.py\n    python -m app.x.y {posargs}\n",
        ),
        (
            "alembic.ini",
            "[alembic]\nscript_location = src/app/pkg\nversion_locations = src/app/pkg\n",
            "[alembic]\nscript_location = src/app/q/pkg\nversion_locations = src/app/q/pkg\n",
        ),
        (
            ".pylintrc",
            "[TYPECHECK]\nignored-modules=app.a.b,app.pkg\n",
            "[TYPECHECK]\nignored-modules=app.x.y,app.q.pkg\n",
        ),
        (
            "tox.ini",
            "[testenv]\nextra_setup_commands =\n    python -m app.a.b\nset_env =\n    X = app.a.b\n",
            "[testenv]\nextra_setup_commands =\n    python -m app.x.y\nset_env =\n    X = app.x.y\n",
        ),
        (
            ".env",
            "DJANGO_SETTINGS_MODULE=app.a.b\nX='app.pkg.m'\n",
            "DJANGO_SETTINGS_MODULE=app.x.y\nX='app.q.pkg.m'\n",
        ),
        (
            ".importlinter",
            "[importlinter:c]\nmodules =\n    app.a.b\nignore_imports =\n    app.pkg.m -> app.a.b\n",
            "[importlinter:c]\nmodules =\n    app.x.y\nignore_imports =\n    app.q.pkg.m -> app.x.y\n",
        ),
        (
            "setup.cfg",
            "[isort]\nknown_first_party = app.a.b, app.pkg\n",
            "[isort]\nknown_first_party = app.x.y, app.q.pkg\n",
        ),
        (
            "pytest.ini",
            "[pytest]\naddopts = -p app.a.b --cov app.pkg\n",
            "[pytest]\naddopts = -p app.x.y --cov app.q.pkg\n",
        ),
        (
            "entry_points.txt",
            "[console_scripts]\nx = app.a.b:main\n",
            "[console_scripts]\nx = app.x.y:main\n",
        ),
    ],
)
def test_certain_values(scanner: Any, path: str, before: str, after: str) -> None:
    assert scanner.rewritten(path, before) == after


@pytest.mark.parametrize(
    "text", ["[a]\nx = app.a.bc\n", "[mypy-app.a.b_old]\n", "[app.a.c]\nx=1", "x", "=", "[", ""]
)
def test_what_stays(scanner: Any, text: str) -> None:
    assert scanner.find("setup.cfg", text) == ()


def test_weaker_classes(scanner: Any) -> None:
    text = "# app.a.b\n[metadata]\ndescription = about app.a.b\nx = about app.a.b\ny = solo\n[mypy-app.a.*]\n"
    found = [(r.line, r.certainty.value) for r in scanner.find("setup.cfg", text)]
    assert found == [(1, "mention"), (3, "mention"), (4, "likely"), (5, "mention"), (6, "mention")]


def test_an_open_pattern_needs_a_folder_to_be_sure(scanner: Any) -> None:
    assert (
        scanner.rewritten(".coveragerc", "[run]\nomit = */src/solo.py\n")
        == "[run]\nomit = */src/app/solo.py\n"
    )
    assert scanner.classes(".coveragerc", "[run]\nomit = */solo.py\n") == [("*/solo.py", "mention")]
