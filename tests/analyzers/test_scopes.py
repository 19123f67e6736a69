"""Scopes of one file: what binds a name, where a use looks it up, what it hangs on."""

from __future__ import annotations

import ast
import sys

import pytest

from analyzers.file_scopes import ScopeKind
from analyzers.scopes import read_scopes, read_statements
from analyzers.text_positions import TextPositions


def owners(text: str, name: str) -> list[ScopeKind | None]:
    """The kind of the scope that binds `name`, per use in source order."""
    scopes = read_scopes(ast.parse(text))
    found = []
    for use in scopes.uses:
        if use.node.id == name:
            owner = scopes.lookup(use.scope, name)
            found.append(None if owner is None else owner.kind)
    return found


M, C, F, K = ScopeKind.MODULE, ScopeKind.CLASS, ScopeKind.FUNCTION, ScopeKind.COMPREHENSION


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("import a\na", [M]),
        ("a", [None]),
        ("import a\ndef f(a): return a", [F]),
        ("import a\ndef f(b=a): return a", [M, M]),
        ("import a\ndef f():\n  a\n  import a", [F]),
        ("import a\ndef f():\n  global a\n  a\n  a = 1", [M]),
        ("def f():\n  import a\n  def g():\n    nonlocal a\n    a = 2\n    return a", [F]),
        ("import a\nclass C:\n  a = 1\n  b = a\n  def m(self): return a", [C, M]),
        ("import a\nclass C:\n  a = [1]\n  b = [a for x in a]", [M, C]),
        ("import a\n[a for a in a]", [K, M]),
        ("import a\n[(a := 1) for b in c]\na", [M]),
        ("def f():\n  [(a := 1) for b in c]\n  return a", [F]),
        ("import a\nlambda a: a", [F]),
        ("import a\nlambda b=a: b", [M]),
        ("import a\ntry: pass\nexcept E as a: a", [M]),
        ("import a\ndef f(v):\n  match v:\n    case [*a]: return a", [F]),
        ("import a\ndef f(v):\n  match v:\n    case {'k': 1, **a}: return a", [F]),
        ("import a\ndef f(v):\n  match v:\n    case a.B(): pass", [M]),
        ("import a\ndef f(v: 'a.B') -> 'list[a.B]': pass", [M, M]),
        ("import a\nimport typing\nv: typing.Literal['a']", []),
        ("import a\nfrom typing import *\nv: Annotated['a.B', 'a']", [M]),
        ("import a\nx = cast('a.B', 1), TypeVar('a', bound='a.B'), cast(B, 'a')", [M, M]),
        ("import a\nf'{a.b!r:{a.c}}'", [M, M]),
        ("import a\ndel a", [M]),
        ("import a\nwith a as b: pass\nfor a in a: pass", [M, M]),
    ],
)
def test_lookup(text: str, wanted: list[ScopeKind | None]) -> None:
    assert owners(text, "a") == wanted


@pytest.mark.skipif(sys.version_info < (3, 12), reason="type parameters need Python 3.12")
def test_type_parameters_hide_names_and_see_their_class() -> None:
    assert owners("import a\ndef f[a](v: a): return a", "a") == [ScopeKind.TYPE_PARAMETERS] * 2
    assert owners("import a\nclass C:\n  a = 1\n  def m[T: a](self): return a", "a") == [C, M]


def test_statements_are_numbered_alike_with_and_without_expressions() -> None:
    text = (
        "import a; import b\nif x: import c\nelse:\n  import d\ntry: import e\nexcept E: import f\n"
        "else: import g\nfinally: import h\nclass C:\n  import i\n  def m(self):\n    import j\n"
        "while x:\n  import k\nelse:\n  import l\nwith x: import m\nmatch x:\n  case 1:\n    import n\n"
        "async def q():\n  async with x:\n    import o\n"
    )
    tree = ast.parse(text)
    names = [s.node.names[0].name for s in read_statements(tree)]
    assert names == list("abcdefghijklmno")
    full = read_scopes(tree).statements
    assert [s.node for s in full] == [s.node for s in read_statements(tree)]
    assert [(s.block, s.siblings) for s in full] == [(s.block, s.siblings) for s in read_statements(tree)]


def test_chains_are_from_the_inside_out() -> None:
    (use,) = read_scopes(ast.parse("a.b.c().d")).uses
    assert [n.attr for n in use.chain] == ["b", "c"]


def test_deep_nesting_costs_no_recursion() -> None:
    text = "x = " + "+".join(["a.b"] * 800) + "\n"
    assert len(read_scopes(ast.parse(text)).uses) == 800


@pytest.mark.parametrize("text", ["é = a.b\n", "x = 1\r\ny = 'ю𝒳' + a.b\r", "\x0cif 1:\n\t'é'; a.b\n"])
def test_positions(text: str) -> None:
    positions = TextPositions(text)
    found = [n for n in ast.walk(ast.parse(text)) if isinstance(n, ast.Attribute)]
    start, end = positions.span(found[0])
    assert text[start:end] == "a.b"
