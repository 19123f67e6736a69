"""Telling a file that needs a newer Python from a file that is wrong."""

from __future__ import annotations

import ast
import sys

import pytest

from analyzers.file_facts import read_facts
from analyzers.newer_syntax import EXCEPT_BARE, F_STRING, TEMPLATE, TYPE_PARAMETERS, without_lazy

NEWER = [
    ('x = f"{d["a"]}"\n', F_STRING, (3, 12)),
    ("x = f'{a!r:>{w['k']}} {b['x'] = } {c != d[\"e\"]}'\n", F_STRING, (3, 12)),
    ('x = f"""{\na["b"]  # c\n}""" "z" f"{d["e"]}"\n', F_STRING, (3, 12)),
    ("x = f'{'\\n'.join(a)}'\n", F_STRING, (3, 12)),
    ("x = f'{f'{f'{1}'}'}'\n", F_STRING, (3, 12)),
    ("type X = int\n", TYPE_PARAMETERS, (3, 12)),
    ("type X[T] = list[T]\n", TYPE_PARAMETERS, (3, 12)),
    ("def f[T](x: T) -> T: ...\n", TYPE_PARAMETERS, (3, 12)),
    ("async def f[\n    T: (int, str),\n](x): ...\n", TYPE_PARAMETERS, (3, 12)),
    ("class A[T, *Ts, **P](B[T]): pass\n", TYPE_PARAMETERS, (3, 12)),
    ("class A[T]: pass\n", TYPE_PARAMETERS, (3, 12)),
    ('x = t"a{b}"\n', TEMPLATE, (3, 14)),
    ("try: pass\nexcept A, b.C: pass\n", EXCEPT_BARE, (3, 14)),
]

WRONG = [
    'x = f"{a b}"\n',
    "x = f'{a b['c']}'\n",
    'x = f"{d["a b]}"\n',
    "def f[T](x: T -> T: ...\n",
    'print "a"\n',
    "type = 3\ntype[0] = 4\n(\n",
    "x = 'never closed\n",
    "x = f'{",
    "x = f'{a:{",
    "class A[T\n",
    "type X[T\n",
    "try: pass\nexcept A, b.C: pass\n)\n",
]


@pytest.mark.parametrize(("text", "feature", "since"), NEWER)
def test_names_the_newer_form(text: str, feature: str, since: tuple[int, int]) -> None:
    record = read_facts("m.py", f"import before\n{text}import after\n".encode())
    if sys.version_info >= since:
        assert record.error == ""
        assert len(record.imports) == 2
    else:
        assert record.error == f"needs a newer Python: {feature}"
        assert record.error_line >= 1


@pytest.mark.parametrize("text", WRONG)
def test_a_wrong_file_is_called_wrong(text: str) -> None:
    record = read_facts("m.py", text.encode())
    assert record.error.startswith("syntax error: ")


def test_several_forms_are_all_named() -> None:
    text = 'lazy import a\ndef f[T](): return f"{x["y"]}"\n'
    record = read_facts("m.py", text.encode())
    if sys.version_info < (3, 12):
        assert record.error == f"needs a newer Python: {F_STRING}, {TYPE_PARAMETERS}"
    else:
        assert record.error == ""


def test_lazy_keeps_every_place() -> None:
    text = "é = 1; lazy import a\nif x:\r\n\tlazy  from b import c\rlazy import d\nlazy = 1\nx = lazy\n"
    plain, places = without_lazy(text)
    assert len(plain) == len(text)
    assert "from" in plain.splitlines()[2]
    tree = ast.parse(plain)
    found = {
        (node.lineno, node.col_offset)
        for node in ast.walk(tree)
        if isinstance(node, (ast.Import, ast.ImportFrom))
    }
    assert found == places
