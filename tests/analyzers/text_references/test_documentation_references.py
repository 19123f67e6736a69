"""Sphinx and Markdown documents, and changelogs."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (":mod:`app.a.b` and :py:func:`~app.s.f`", ":mod:`app.x.y` and :py:func:`~app.t.g`"),
        (":class:`Title <app.a.b.Handler>`", ":class:`Title <app.x.y.Handler>`"),
        (":class:`!app.a.b.Handler`", ":class:`!app.x.y.Handler`"),
        (".. automodule:: app.a.b\n   :members:\n", ".. automodule:: app.x.y\n   :members:\n"),
        (".. currentmodule:: app.pkg.m\n", ".. currentmodule:: app.q.pkg.m\n"),
        (".. py:module:: app.a.b\n", ".. py:module:: app.x.y\n"),
        (".. autofunction:: app.s.f\n", ".. autofunction:: app.t.g\n"),
        (
            ".. autosummary::\n   :toctree: z\n\n   app.a.b\n   ~app.s.f\n\nx\n",
            ".. autosummary::\n   :toctree: z\n\n   app.x.y\n   ~app.t.g\n\nx\n",
        ),
        (".. literalinclude:: ../src/app/a/b.py\n", ".. literalinclude:: ../src/app/x/y.py\n"),
    ],
)
def test_sphinx_roles_and_directives(scanner: Any, before: str, after: str) -> None:
    assert scanner.rewritten("docs/x.rst", before) == after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("::: app.a.b\n    options:\n", "::: app.x.y\n    options:\n"),
        ("{py:mod}`app.a.b` {func}`x <app.s.f>`\n", "{py:mod}`app.x.y` {func}`x <app.t.g>`\n"),
        ("```{automodule} app.a.b\n:members:\n```\n", "```{automodule} app.x.y\n:members:\n```\n"),
    ],
)
def test_markdown_directives(scanner: Any, before: str, after: str) -> None:
    assert scanner.rewritten("docs/x.md", before) == after


@pytest.mark.parametrize(
    ("path", "before", "after"),
    [
        ("x.md", "`app.a.b` app.a.b", "`app.x.y` app.a.b"),
        ("x.md", "``app.a.b.f()``", "``app.x.y.f()``"),
        ("x.md", "```python\nfrom app.a.b import f\n```\n", "```python\nfrom app.x.y import f\n```\n"),
        ("x.md", "```py\nfrom app.a import b, c\n```", "```py\nfrom app.a import b, c\n```"),
        (
            "x.md",
            "```py\n>>> from app.a import b\n>>> app.a.b.f\n```",
            "```py\n>>> from app.x import y as b\n>>> app.x.y.f\n```",
        ),
        ("x.md", "```py\nfrom app.s import f as q\n```", "```py\nfrom app.t import g as q\n```"),
        ("x.md", "```py\nfrom app.a.b import (\n  f,\n)\n```", "```py\nfrom app.x.y import (\n  f,\n)\n```"),
        ("x.md", "~~~sh\n$ python -m app.a.b\n~~~", "~~~sh\n$ python -m app.x.y\n~~~"),
        ("x.md", "[x](src/app/a/b.py#L3)", "[x](src/app/x/y.py#L3)"),
        ("x.md", "[f][app.s.f]", "[f][app.t.g]"),
        ("x.rst", "``app.a.b``\n\n>>> from app.a.b import f\n", "``app.x.y``\n\n>>> from app.x.y import f\n"),
        (
            "x.rst",
            ".. code-block:: python\n\n   @app.a.b.f\n   import app.a.b as z\n\napp.a.b\n",
            ".. code-block:: python\n\n   @app.x.y.f\n   import app.x.y as z\n\napp.a.b\n",
        ),
        ("x.rst", "like this::\n\n   from app.pkg import m\n", "like this::\n\n   from app.q.pkg import m\n"),
    ],
)
def test_likely_code(scanner: Any, likely: Any, path: str, before: str, after: str) -> None:
    assert likely(path, before) == after
    assert scanner.rewritten(path, before) == before


def test_an_import_that_would_split_is_told(scanner: Any) -> None:
    (found,) = scanner.find("x.md", "```python\nfrom app.s import f, h\n```\n")
    assert (found.new, found.certainty.value, found.line) == ("", "mention", 2)
    assert "different modules" in found.why


@pytest.mark.parametrize("path", ["CHANGELOG.md", "docs/history.rst", "changelog.d/12.md", "NEWS"])
def test_history_is_never_rewritten(scanner: Any, path: str) -> None:
    text = "`app.a.b` :mod:`app.a.b`\n"
    assert scanner.classes(path, text) == [("app.a.b", "mention")] * 2


@pytest.mark.parametrize(
    "text",
    ["solo\n", "see app.a.bc.", ":mod:`app.a.c`", "my-app.a.b", "x/app.a.bx", "me@app.a.b", "", "`" * 500],
)
def test_what_stays(scanner: Any, text: str) -> None:
    assert scanner.find("x.md", text) == ()


def test_prose(scanner: Any) -> None:
    text = "In app.a.b, src/app/a/b.py:3 and https://host/o/r/blob/main/src/app/a/b.py (app.s.f).\n"
    assert [c for _, c in scanner.classes("notes.txt", text)] == ["mention"] * 4
