"""Signatures of functions: name, parameters, return type, whatever the formatting."""

from __future__ import annotations

import pytest

from analyzers.duplicates.detection import DetectionSettings, detect_duplicates
from analyzers.duplicates.signatures import compare_signatures

BODY = """
    rows = []
    for item in source:
        if item.size > limit:
            rows.append(item.name)
        else:
            item.skip(limit)
    source.close(len(rows))
    return rows
"""


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ("def f ( a , b = 'x' ) -> int :", 'def f ( a , b = "x" , ) -> int :', "SAME"),
        ("def f ( a , b ) :", "def g ( a , b ) :", "RENAMED"),
        ("def f ( a ) -> int :", "def f ( a ) -> str :", "DIFFERENT"),
        ("def f ( a : Row ) :", "def f ( a : Line ) :", "RENAMED"),
        ("def f ( a , b ) :", "def f ( a , * b ) :", "DIFFERENT"),
        ("def f ( a , b ) :", "def f ( a , b = None ) :", "DIFFERENT"),
        ("async def f ( a ) :", "def f ( a ) :", "DIFFERENT"),
    ],
)
def test_signatures(a: str, b: str, expected: str) -> None:
    assert compare_signatures(a, b) == expected
    assert compare_signatures(b, a) == expected


def test_pairs_of_functions_tell_their_signatures() -> None:
    heads = {
        "a.py": "def names_of(source, limit=3):",
        "b.py": "def names_of(\n    source,\n    limit=3,\n):",
        "c.py": "def titles_of(source, limit=3):",
    }
    files = {path: f"N = '{path}'\n\n\n{head}{BODY}".encode() for path, head in heads.items()}
    found, _ = detect_duplicates(list(files), files.__getitem__, DetectionSettings())
    (group,) = found.groups
    assert {(p.a, p.b): p.signature for p in group.pairs} == {
        (0, 1): "SAME",
        (0, 2): "RENAMED",
        (1, 2): "RENAMED",
    }
    assert not group.has_one_signature
