"""Files whose lines are path patterns."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.mark.parametrize(
    ("path", "before", "after"),
    [
        (
            "CODEOWNERS",
            "# src/app/a/b.py\n/src/app/a/b.py  @team # x\n",
            "# src/app/a/b.py\n/src/app/x/y.py  @team # x\n",
        ),
        (
            ".github/CODEOWNERS",
            "src/app/pkg/ @t\n/src/app/pkg/** @u\n",
            "src/app/q/pkg/ @t\n/src/app/q/pkg/** @u\n",
        ),
        ("CODEOWNERS", "[Section]\nsrc/app/pkg @t\r\n", "[Section]\nsrc/app/q/pkg @t\r\n"),
        (
            "MANIFEST.in",
            "include src/app/pkg/t.sql src/app/a/b.py\n",
            "include src/app/q/pkg/t.sql src/app/x/y.py\n",
        ),
        (".gitignore", "!src/app/a/b.py\n", "!src/app/x/y.py\n"),
        (".gitattributes", "src/app/pkg/t.sql -text\n", "src/app/q/pkg/t.sql -text\n"),
        (
            "mypy-baseline.txt",
            "src/app/a/b.py:0: error: app.a.b [x]\n",
            "src/app/x/y.py:0: error: app.a.b [x]\n",
        ),
    ],
)
def test_certain_patterns(scanner: Any, path: str, before: str, after: str) -> None:
    assert scanner.rewritten(path, before) == after


def test_a_folder_that_loses_a_file_is_told(scanner: Any) -> None:
    (found,) = scanner.find("CODEOWNERS", "/src/app/a/ @team\n")
    assert (found.new, found.certainty.value) == ("", "mention")
    assert "1 of the files below src/app/a" in found.why


@pytest.mark.parametrize(
    "text", ["* @x\n", "src/app/ @app\n", "src/app/a/c.py @x\n", "*.py @x\n", "", "\n\n"]
)
def test_what_stays(scanner: Any, text: str) -> None:
    assert scanner.find("CODEOWNERS", text) == ()
