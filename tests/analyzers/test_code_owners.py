"""CODEOWNERS: the last rule that matches decides."""

from __future__ import annotations

import pytest

from analyzers.code_owners import CodeOwners, read_owners

TEXT = """\
# owners
*                  @all
*.md               docs@example.org
/src/app/logs/     @logs @ana # a comment
src/app/logs/L6_drivers/free.py
/src/**/L5_engines/ @engines
"""


@pytest.mark.parametrize(
    ("path", "owners"),
    [
        ("setup.py", ("@all",)),
        ("docs/x.md", ("docs@example.org",)),
        ("src/app/logs/L6_drivers/x.py", ("@logs", "@ana")),
        ("src/app/logs/L6_drivers/free.py", ()),
        ("src/app/billing/L5_engines/deep/x.py", ("@engines",)),
        ("src/app/logs", ("@all",)),
    ],
)
def test_owners(path: str, owners: tuple[str, ...]) -> None:
    assert CodeOwners(TEXT).owners_of(path) == owners


def test_the_first_place_counts() -> None:
    files = {"CODEOWNERS": b"* @root\n", "docs/CODEOWNERS": b"* @docs\n"}
    assert read_owners(files.get).owners_of("x") == ("@root",)
    assert read_owners({}.get).owners_of("x") == ()
