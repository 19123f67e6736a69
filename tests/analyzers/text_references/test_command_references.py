"""Dockerfile, Procfile, shell scripts and Makefiles."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.mark.parametrize(
    ("path", "before", "after"),
    [
        (
            "Dockerfile",
            'FROM x\nCMD ["gunicorn", "app.a.b:app"]\n',
            'FROM x\nCMD ["gunicorn", "app.x.y:app"]\n',
        ),
        ("Dockerfile", 'ENTRYPOINT ["python","-m","app.a.b"]', 'ENTRYPOINT ["python","-m","app.x.y"]'),
        (
            "deploy/Dockerfile.prod",
            "ENV DJANGO_SETTINGS_MODULE=app.a.b X=1\n",
            "ENV DJANGO_SETTINGS_MODULE=app.x.y X=1\n",
        ),
        ("Dockerfile", "COPY src/app/a/b.py /srv/z.py\n", "COPY src/app/x/y.py /srv/z.py\n"),
        (
            "Dockerfile",
            "RUN x && \\\n # app.a.b\n  python3.11 -m app.a.b\n",
            "RUN x && \\\n # app.a.b\n  python3.11 -m app.x.y\n",
        ),
        (
            "Procfile",
            "web: gunicorn app.a.b:app\nw: celery -A app.pkg worker",
            "web: gunicorn app.x.y:app\nw: celery -A app.q.pkg worker",
        ),
        ("Procfile", "web: flask --app app.a.b run\n", "web: flask --app app.x.y run\n"),
        ("Procfile", "web: celery -A solo worker\n", "web: celery -A app.solo worker\n"),
        (
            "run.sh",
            "#!/bin/sh\nexec uvicorn app.a.b:app --reload\n",
            "#!/bin/sh\nexec uvicorn app.x.y:app --reload\n",
        ),
        (
            "bin/run",
            "#!/usr/bin/env bash\npytest src/app/a/b.py::test_x --cov=app.pkg\n",
            "#!/usr/bin/env bash\npytest src/app/x/y.py::test_x --cov=app.q.pkg\n",
        ),
        ("run.sh", "export FLASK_APP=app.a.b:app # app.a.b\n", "export FLASK_APP=app.x.y:app # app.a.b\n"),
        (
            "run.sh",
            "python -m solo && gunicorn -c python:app.a.b app.a.b:app\n",
            "python -m app.solo && gunicorn -c python:app.x.y app.x.y:app\n",
        ),
        ("run.sh", "gunicorn 'app.a.b:main()'\n", "gunicorn 'app.x.y:main()'\n"),
        (
            "Makefile",
            "M := app.a.b\nrun:\n\t$(PYTHON) -m app.a.b\n\tmypy src/app/a/b.py\n",
            "M := app.x.y\nrun:\n\t$(PYTHON) -m app.x.y\n\tmypy src/app/x/y.py\n",
        ),
    ],
)
def test_certain_commands(scanner: Any, path: str, before: str, after: str) -> None:
    assert scanner.rewritten(path, before) == after


@pytest.mark.parametrize(
    ("path", "text", "certainty"),
    [
        ("run.sh", "frobnicate app.a.b now\n", "likely"),
        ("run.sh", 'python -c "import app.a.b; app.a.c"\n', "likely"),
        ("run.sh", "echo app.a.b\n", "mention"),
        ("run.sh", "# python -m app.a.b\n", "mention"),
        ("run.sh", "frobnicate src/app/a/b.py\n", "likely"),
        ("run.sh", "python $HOME/app/a/b.py\n", "likely"),
        ("Dockerfile", "COPY z.py /srv/src/app/a/b.py\n", "likely"),
        ("Dockerfile", "LABEL x=app.a.b\n", "mention"),
    ],
)
def test_weaker_commands(scanner: Any, path: str, text: str, certainty: str) -> None:
    assert [r.certainty.value for r in scanner.find(path, text)] == [certainty]


@pytest.mark.parametrize(
    "text",
    [
        "pytest -k solo\n",
        "python -m app.a.bc\n",
        "gunicorn app.a.c:app\n",
        "cd solo\n",
        "python app/a/c.py\n",
    ],
)
def test_what_stays(scanner: Any, text: str) -> None:
    assert scanner.find("run.sh", text) == ()
