"""Strings and comments in Python: which are rewritten, which only told, and which stay."""

from __future__ import annotations

import ast
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzers.layout import ModuleName
from analyzers.model import Relocation
from analyzers.parsed_files import parse_file
from analyzers.python_string_references import find_string_references
from analyzers.relocation_map import RelocationMap
from analyzers.string_search import StringReference

RELOCATIONS = RelocationMap(
    [
        Relocation("app.a.b", "app.x.y", old_path="app/a/b.py", new_path="app/x/y.py"),
        Relocation(
            "app.pkg",
            "app.q.pkg",
            old_path="app/pkg/__init__.py",
            new_path="app/q/pkg/__init__.py",
            subtree=True,
        ),
        Relocation("app.s", "app.t", "f", "g"),
        Relocation("app.a.l", "app.a.m"),
        Relocation("solo", "app.solo"),
    ]
)
BEFORE = "app app.a app.a.b app.a.c app.a.l app.bc app.pkg app.pkg.m app.pkg.n app.s client solo"
AFTER = """
app app.a app.x app.x.y app.a.c app.a.m app.bc
app.q app.q.pkg app.q.pkg.m app.q.pkg.n app.s app.t client app.solo
"""


@dataclass(frozen=True)
class Facts:
    modules: frozenset[str]
    symbols: frozenset[str]
    paths: frozenset[str] = frozenset({"app/a/b.py"})
    import_roots: tuple[str, ...] = (".",)

    def module_exists(self, name: str) -> bool:
        return name in self.modules

    def symbol_exists(self, module: str, name: str) -> bool:
        return f"{module}:{name}" in self.symbols

    def path_exists(self, path: str) -> bool:
        return path in self.paths


OLD = Facts(
    frozenset(BEFORE.split()),
    frozenset(["app.a.b:f", "app.a.b:C", "app.a.b:os", "app.pkg.m:k", "app.s:f", "app.s:h"]),
)
NEW = Facts(
    frozenset(AFTER.split()),
    frozenset(["app.x.y:f", "app.x.y:C", "app.x.y:os", "app.q.pkg.m:k", "app.t:g", "app.s:h"]),
    frozenset({"app/x/y.py"}),
)
CLIENT = ModuleName("client", False, ".")


def find(
    text: str, before: ModuleName = CLIENT, after: ModuleName | None = None, facts: Facts = OLD
) -> tuple[StringReference, ...]:
    found = find_string_references(
        parse_file(text.encode("utf-8", "surrogatepass")),
        before=before,
        after=after or before,
        relocations=RELOCATIONS,
        facts=facts,
    )
    position = 0
    for one in found:
        assert position <= one.start < one.end
        assert one.line == text.count("\n", 0, one.start) + 1
        position = one.end
    return found


def rewritten(
    text: str, level: str = "certain", before: ModuleName = CLIENT, after: ModuleName | None = None
) -> str:
    levels = ("certain",) if level == "certain" else ("certain", "likely")
    parts, position = [], 0
    for one in find(text, before, after):
        if one.certainty.value in levels and one.new:
            parts += (text[position : one.start], one.new)
            position = one.end
    result = "".join((*parts, text[position:]))
    ast.parse(result)
    settled = find(result, after or before, after, NEW)
    assert [r for r in settled if r.certainty.value in levels and r.new] == []
    return result


def classes(text: str, before: ModuleName = CLIENT) -> list[str]:
    return [r.certainty.value for r in find(text, before)]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("x = 'app.a.b'\n", "x = 'app.x.y'\n"),
        ('x = "app.a.b.f"', 'x = "app.x.y.f"'),
        ('x = "app.a.b.C.attr.more"', 'x = "app.x.y.C.attr.more"'),
        ('x = "app.a.b:f"', 'x = "app.x.y:f"'),
        ('x = "app.s.f"', 'x = "app.t.g"'),
        ('x = "app.s:f"', 'x = "app.t:g"'),
        ('x = "app.pkg.m"', 'x = "app.q.pkg.m"'),
        ("x = r'app.a.b'; y = u'app.a.b'", "x = r'app.x.y'; y = u'app.x.y'"),
        ('x = """app.a.b"""', 'x = """app.x.y"""'),
        ("@patch('app.a.b.f')\ndef t(): pass", "@patch('app.x.y.f')\ndef t(): pass"),
        (
            "with mock.patch('app.a.b.nosuch', create=True): pass",
            "with mock.patch('app.x.y.nosuch', create=True): pass",
        ),
        ("mocker.patch('app.a.b.os.path')", "mocker.patch('app.x.y.os.path')"),
        ("patch.dict('app.a.b.D', x=1)", "patch.dict('app.x.y.D', x=1)"),
        ("patch(target='app.a.b.zz')", "patch(target='app.x.y.zz')"),
        (
            "monkeypatch.setattr('app.a.b.zz', 1); monkeypatch.delattr('app.s.f')",
            "monkeypatch.setattr('app.x.y.zz', 1); monkeypatch.delattr('app.t.g')",
        ),
        ("importlib.import_module('app.a.b')", "importlib.import_module('app.x.y')"),
        ("import_module('solo'); __import__('solo')", "import_module('app.solo'); __import__('app.solo')"),
        ("importlib.util.find_spec('app.pkg.n')", "importlib.util.find_spec('app.q.pkg.n')"),
        (
            "import_string('app.a.b.zz'); resolve_name('app.a.b:zz')",
            "import_string('app.x.y.zz'); resolve_name('app.x.y:zz')",
        ),
        ("pytest.importorskip('solo')", "pytest.importorskip('app.solo')"),
        ("importlib.resources.files('app.pkg')", "importlib.resources.files('app.q.pkg')"),
        ("PackageLoader('app.pkg', 't')", "PackageLoader('app.q.pkg', 't')"),
        ("path('', include('app.a.b'))", "path('', include('app.x.y'))"),
        ("pytest_plugins = ['app.a.b', 'solo']", "pytest_plugins = ['app.x.y', 'app.solo']"),
        ("pytest_plugins = 'solo'", "pytest_plugins = 'app.solo'"),
        ("logging.getLogger('app.a.b')", "logging.getLogger('app.x.y')"),
        (
            "caplog.set_level(10, logger='solo'); self.assertLogs('app.a.b.child')",
            "caplog.set_level(10, logger='app.solo'); self.assertLogs('app.x.y.child')",
        ),
        (
            "D = {'handlers': {'h': {'class': 'app.a.b.C'}}, 'loggers': {'app.a.b': {}}}",
            "D = {'handlers': {'h': {'class': 'app.x.y.C'}}, 'loggers': {'app.x.y': {}}}",
        ),
        ("sys.modules['app.a.b'] = x", "sys.modules['app.x.y'] = x"),
        ("relationship('app.a.b.C')", "relationship('app.x.y.C')"),
    ],
)
def test_names_that_are_certain(before: str, after: str) -> None:
    assert rewritten(before) == after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('exec("import app.a.b; app.a.b.f()")\n', 'exec("import app.x.y; app.x.y.f()")\n'),
        (
            'run([exe, "-c", "import os\\nfrom app.s import f\\nf(); import app.a.b"])\n',
            'run([exe, "-c", "import os\\nfrom app.t import g as f\\nf(); import app.x.y"])\n',
        ),
        ('run([exe, "-c", "from app.a.b import f"])\n', 'run([exe, "-c", "from app.x.y import f"])\n'),
        ('run(exe, "-c", "from app.a.b import f as g")\n', 'run(exe, "-c", "from app.x.y import f as g")\n'),
        (
            'exec(dedent("""\n    from app.s import f\n    f()\n    """))\n',
            'exec(dedent("""\n    from app.t import g as f\n    f()\n    """))\n',
        ),
        ('write("from app.a.b import " + names)\n', 'write("from app.x.y import " + names)\n'),
        ('LINE = "import app.a.b as b"\n', 'LINE = "import app.x.y as b"\n'),
    ],
)
def test_code_that_is_run_is_code(before: str, after: str) -> None:
    assert rewritten(before) == after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('x = r"(app\\.a\\.b\\.)?C: said"', 'x = r"(app\\.x\\.y\\.)?C: said"'),
        ('raises(match=r"\\[app\\.a\\.b\\.C\\] is")', 'raises(match=r"\\[app\\.x\\.y\\.C\\] is")'),
        ('x = "a (app\\\\.a\\\\.b)"', 'x = "a (app\\\\.x\\\\.y)"'),
        ('x = r"app\\.a\\.b* said"', 'x = r"app\\.a\\.b* said"'),
        ('x = r"app.a.b\\.C said"', 'x = r"app.a.b\\.C said"'),
    ],
)
def test_names_in_regular_expressions(before: str, after: str) -> None:
    assert rewritten(before) == after


@pytest.mark.parametrize(
    "text",
    [
        'print("-c", name, "import app.a.b; x = 1")\n',
        'X = "say: import app.a.b"\n',
        'X = "from app.a.bc import "\n',
        "exec(\"patch('app.a.b.f')\")\n",
        'exec(code, "import app.a.b; x")\n',
    ],
)
def test_other_code_is_not_certain(text: str) -> None:
    assert rewritten(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "patch('client.f')",
        "patch('app.s.h')",
        "x = 'app.a.bc'",
        "x = 'app.a.b_old.f'",
        "x = 'app.a'",
        "x = 'xapp.a.b'",
        "x = b'app.a.b'",
        "x: Literal['app.a.b'] = y",
        "def f(x: typing.Literal['app.a.b']): pass",
        "__all__ = ['solo', 'app.a.b']",
        "x = 'me@app.a.b'",
        "x = 'app.a.c.f'",
        "import app.a.b",
        "",
    ],
)
def test_names_that_stay(text: str) -> None:
    assert find(text) == ()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            "def f(x: 'app.a.b.C') -> 'list[app.a.b.C | None]': pass",
            "def f(x: 'app.x.y.C') -> 'list[app.x.y.C | None]': pass",
        ),
        (
            "x: 'app.s.f'\nasync def g(*a: 'app.pkg.m.k', **k: 'int'): pass",
            "x: 'app.t.g'\nasync def g(*a: 'app.q.pkg.m.k', **k: 'int'): pass",
        ),
        ("x = cast('app.a.b.C', v)", "x = cast('app.x.y.C', v)"),
        ("T = TypeVar('T', bound='app.a.b.C')", "T = TypeVar('T', bound='app.x.y.C')"),
        ("T = TypeVar('T', 'app.a.b.C', int)", "T = TypeVar('T', 'app.x.y.C', int)"),
        ("x: Optional['app.a.b.C']", "x: Optional['app.x.y.C']"),
        ("x: 'Literal[\"app.a.b\"]'", "x: 'Literal[\"app.a.b\"]'"),
        ("x = 1  # type: app.a.b.C", "x = 1  # type: app.x.y.C"),
        (
            "def f(a):\n    # type: (app.a.b.C) -> app.s.f\n    pass",
            "def f(a):\n    # type: (app.x.y.C) -> app.t.g\n    pass",
        ),
        ("x = '# type: app.a.b.C'", "x = '# type: app.a.b.C'"),
    ],
)
def test_annotations(before: str, after: str) -> None:
    assert rewritten(before) == after


INIT = ModuleName("app.a", True, ".")
SIBLING = ModuleName("app.a.c", False, ".")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("import_module('.b', package=__package__)", "import_module('app.x.y', package=__package__)"),
        ("import_module('.l', __package__)", "import_module('.m', __package__)"),
        ("import_module('.b', package='app.a')", "import_module('app.x.y', package='app.a')"),
        ("import_module('..pkg.m', package=__package__)", "import_module('..q.pkg.m', package=__package__)"),
        ("import_module('.m', package='app.pkg')", "import_module('.m', package='app.q.pkg')"),
        ("import_module('.c', package=__package__)", "import_module('.c', package=__package__)"),
        ("P = 'app.a'\nimport_module('.l', P)", "P = 'app.a'\nimport_module('.m', P)"),
    ],
)
def test_relative_names(before: str, after: str) -> None:
    assert rewritten(before, before=SIBLING) == after


def test_a_relative_name_in_a_file_that_moves() -> None:
    moved = ModuleName("app.a.b", False, "."), ModuleName("app.x.y", False, ".")
    text = "import_module('.c', package=__package__)"
    assert rewritten(text, before=moved[0], after=moved[1]) == "import_module('app.a.c', package=__package__)"
    inside = ModuleName("app.pkg.m", False, "."), ModuleName("app.q.pkg.m", False, ".")
    text = "import_module('.n', package=__package__)"
    assert rewritten(text, before=inside[0], after=inside[1]) == text


def test_a_relative_name_without_a_known_package_is_told() -> None:
    assert classes("import_module('.b', package=x)", SIBLING) == ["mention"]
    assert classes("import_module('.b')", SIBLING) == ["mention"]


LAZY = "def __getattr__(n): return getattr(import_module(M[n], __name__), n)\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            f"M = {{'f': '.b', 'z': '.c', 'l': '.l'}}\n{LAZY}",
            f"M = {{'f': 'app.x.y', 'z': '.c', 'l': '.m'}}\n{LAZY}",
        ),
        (f"M = {{'f': ('.b', 'f')}}\n{LAZY}", f"M = {{'f': ('app.x.y', 'f')}}\n{LAZY}"),
        (
            "a, b, c = lazy_loader.attach(__name__, submodules=['l', 'c'], submod_attrs={'l': ['f']})",
            "a, b, c = lazy_loader.attach(__name__, submodules=['m', 'c'], submod_attrs={'m': ['f']})",
        ),
        ("M = {'f': '.b'}", "M = {'f': '.b'}"),
    ],
)
def test_lazy_maps(before: str, after: str) -> None:
    assert rewritten(before, before=INIT) == after


def test_a_lazy_map_whose_reader_takes_no_package_is_only_likely() -> None:
    assert classes("M = {'f': '.b'}\ndef __getattr__(n): return load(M[n])\n", INIT) == ["likely"]


def test_what_a_lazy_loader_cannot_express_is_told() -> None:
    (found,) = find("lazy_loader.attach(__name__, ['b'])", INIT)
    assert (found.certainty.value, found.new) == ("mention", "")
    assert "app.x.y" in found.why


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x = 'app.a.b.zz'", ["likely"]),
        ("x = 'see app.a.b for more'", ["mention"]),
        ("x = 'solo'", ["mention"]),
        ("# app.a.b\n", ["mention"]),
        ("x = 1 # type: ignore app.a.b\n", ["mention"]),
        ("x = 'app/a/b.py'", ["likely"]),
        ("x = ['python', '-m', 'app.a.b']", ["certain"]),
        ("run('python -m app.a.b')", ["likely"]),
        ("@app.task(name='app.a.b.f')\ndef f(): pass", ["mention"]),
        ("app.send_task('app.a.b.f')", ["likely"]),
        ("S = {'x': {'task': 'app.a.b.f'}}", ["likely"]),
        ("import_module(f'{x}.b')", ["mention"]),
        ("y = '%s.b' % x", ["mention"]),
        ("y = '{}.b'.format(x)", ["mention"]),
        ("y = x + '.b'", ["mention"]),
        ("y = '.'.join([x, 'b'])", ["mention"]),
        ("y = f'{x} is b'", []),
        ("y = x + 'b'", []),
        ("y = f'{x:.2f}'", []),
    ],
)
def test_weaker_classes(text: str, expected: list[str]) -> None:
    assert classes(text) == expected


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("P = 'app.a'\nx = f'{P}.b.f'", "P = 'app.a'\nx = \"app.x.y.f\""),
        ("P = 'app.a'\nx = P + '.b'", "P = 'app.a'\nx = \"app.x.y\""),
        ("P = 'app.a'\nx = '%s.b' % P", "P = 'app.a'\nx = \"app.x.y\""),
        ("P = 'app.a'\nx = '{}.b'.format(P)", "P = 'app.a'\nx = \"app.x.y\""),
        ("x = '.'.join(['app', 'a', 'b'])", 'x = "app.x.y"'),
        ("P = 'app.pkg'\nx = f'{P}.m.k'", "P = 'app.q.pkg'\nx = f'{P}.m.k'"),
        ("x = 'app.a.b' + '.f'", "x = 'app.x.y' + '.f'"),
        ("P = 'app.a'\nP = 'app.c'\nx = f'{P}.b'", "P = 'app.a'\nP = 'app.c'\nx = f'{P}.b'"),
        ("x = ('app.a.b'\n     '.f')", "x = ('app.x.y'\n     '.f')"),
        ("x = ('app.a'\n     '.b.f')", "x = ('app.x.y.f')"),
        ("x = ('app.a'  # why\n     '.b.f')", "x = ('app.a'  # why\n     '.b.f')"),
        ("x = 'app\\x2ea.b'", "x = 'app.x.y'"),
        (
            "code = 'from app.a import b\\n'",
            "code = 'from app.x import y as b\\n'",
        ),
        (
            "code = '''\nfrom app.a.b import f\nimport app.a.b\n'''",
            "code = '''\nfrom app.x.y import f\nimport app.x.y\n'''",
        ),
        (
            '"""Doc :func:`~app.s.f`.\n\n>>> from app.a.b import f\n\nSee app.a.b.\n"""',
            '"""Doc :func:`~app.t.g`.\n\n>>> from app.x.y import f\n\nSee app.a.b.\n"""',
        ),
    ],
)
def test_likely_text(before: str, after: str) -> None:
    assert rewritten(before, "likely") == after


def test_places_behind_other_scripts_tabs_and_line_endings() -> None:
    before = "é = 'ü'; x = 'app.a.b'\r\nif 1:\r\n\ty = ('é', 'app.s.f')\r\n"
    assert rewritten(before) == before.replace("app.a.b", "app.x.y").replace("app.s.f", "app.t.g")


def test_an_empty_map_finds_nothing() -> None:
    text = "x = 'app.a.b'"
    empty = RelocationMap()
    assert (
        find_string_references(
            parse_file(text.encode()), before=CLIENT, after=CLIENT, relocations=empty, facts=OLD
        )
        == ()
    )


VALUES = st.lists(
    st.sampled_from(
        ["app.a.b", "app.s.f", ".b", "app", ".", "solo", ":f", " ", "\n", "'", '"', "\\", "é", "{x}", "#"]
    ),
    max_size=6,
).map("".join)
FORMS = [
    "x = {}",
    "patch({})",
    "def f(a: {}): pass",
    "x = {{'k': {}}}",
    "{}",
    "x = y + {}",
    "import_module({}, 'app.a')",
]


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(FORMS), VALUES), max_size=5), st.sampled_from(["\n", "\r\n"]))
def test_any_module_stays_valid_and_settles(statements: list[tuple[str, str]], ending: str) -> None:
    text = "".join(form.format(repr(value)) + ending for form, value in statements)
    result = rewritten(text)
    kinds = [type(n) for n in ast.walk(ast.parse(text))]
    assert [type(n) for n in ast.walk(ast.parse(result))] == kinds


@pytest.mark.parametrize(
    ("term", "hits"), [("a.b.f()", 0), ("'app.a.b'", 600), ("x - y", 0), ("'app.a.bc'", 0)]
)
def test_deep_expressions_are_followed(term: str, hits: int) -> None:
    assert len(find("x = " + " + ".join([term] * 600))) == hits
    assert len(find("x = a" + f".g({term})" * 600)) == hits
