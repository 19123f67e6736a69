"""One file in, one record out; `ast.walk` is the outside referee."""

from __future__ import annotations

import ast
import gc
import site
import sys
import tokenize
import warnings
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzers import file_facts
from analyzers.file_facts import dotted_strings, read_facts, read_many, same_facts
from analyzers.model import DefinitionKind, FileRecord, Guard, ImportRecord, Scope


def facts(text: str, path: str = "m.py") -> FileRecord:
    return read_facts(path, text.encode())


def only_import(text: str) -> ImportRecord:
    (found,) = facts(text).imports
    return found


def bound(text: str, path: str = "m.py") -> list[str]:
    return [definition.name for definition in facts(text, path).definitions]


# -- imports


@pytest.mark.parametrize(
    ("text", "level", "module", "names"),
    [
        ("import a", 0, "", [("a", None)]),
        ("import a.b as c, d", 0, "", [("a.b", "c"), ("d", None)]),
        ("from a.b import c as d, e", 0, "a.b", [("c", "d"), ("e", None)]),
        ("from . import b", 1, "", [("b", None)]),
        ("from ...a import (b,\n c)", 3, "a", [("b", None), ("c", None)]),
        ("from a import *", 0, "a", [("*", None)]),
        ("from a \\\n import b", 0, "a", [("b", None)]),
    ],
)
def test_reads_every_form_of_import(
    text: str, level: int, module: str, names: list[tuple[str, str | None]]
) -> None:
    found = only_import(text + "\n")
    assert (found.level, found.module) == (level, module)
    assert [(name.name, name.asname) for name in found.names] == names
    assert found.is_from == text.startswith("from")
    assert (found.line, found.end_line) == (1, 1 + text.count("\n"))


@pytest.mark.parametrize(
    ("text", "scope", "guard"),
    [
        ("import x", Scope.MODULE, 0),
        ("def f():\n import x", Scope.FUNCTION, 0),
        ("async def f():\n import x", Scope.FUNCTION, 0),
        ("class C:\n import x", Scope.CLASS, 0),
        ("class C:\n def f(self):\n  import x", Scope.FUNCTION, 0),
        ("def f():\n class C:\n  import x", Scope.CLASS, 0),
        ("if TYPE_CHECKING:\n import x", Scope.MODULE, Guard.TYPE_CHECKING),
        ("if typing.TYPE_CHECKING:\n import x", Scope.MODULE, Guard.TYPE_CHECKING),
        ("if False:\n import x", Scope.MODULE, Guard.TYPE_CHECKING),
        ("if TYPE_CHECKING:\n pass\nelse:\n import x", Scope.MODULE, Guard(0)),
        ("if TYPE_CHECKING:\n pass\nelif y:\n import x", Scope.MODULE, Guard.CONDITIONAL),
        ("if y:\n if not TYPE_CHECKING:\n  import x", Scope.MODULE, Guard.CONDITIONAL),
        ("if not TYPE_CHECKING:\n import x", Scope.MODULE, Guard(0)),
        ("if not TYPE_CHECKING:\n pass\nelse:\n import x", Scope.MODULE, Guard.TYPE_CHECKING),
        (
            "if TYPE_CHECKING and y:\n import x",
            Scope.MODULE,
            Guard.TYPE_CHECKING | Guard.CONDITIONAL,
        ),
        ("if TYPE_CHECKING or y:\n import x", Scope.MODULE, Guard.CONDITIONAL),
        (
            "if y:\n pass\nelif TYPE_CHECKING:\n import x",
            Scope.MODULE,
            Guard.TYPE_CHECKING | Guard.CONDITIONAL,
        ),
        ("if TYPE_CHECKING:\n def f():\n  import x", Scope.FUNCTION, Guard.TYPE_CHECKING),
        ("if y:\n def f():\n  import x", Scope.FUNCTION, 0),
        ("try:\n import x\nexcept ImportError:\n pass", Scope.MODULE, Guard.TRY),
        ("try:\n import x\nfinally:\n pass", Scope.MODULE, 0),
        ("try:\n pass\nexcept ImportError:\n import x", Scope.MODULE, Guard.EXCEPT),
        ("try:\n pass\nexcept E:\n pass\nelse:\n import x", Scope.MODULE, Guard.CONDITIONAL),
        ("try:\n pass\nfinally:\n import x", Scope.MODULE, 0),
        ("with suppress(ImportError):\n import x", Scope.MODULE, Guard.TRY),
        ("with contextlib.suppress(ImportError):\n import x", Scope.MODULE, Guard.TRY),
        ("with open(y):\n import x", Scope.MODULE, 0),
        ("for y in z:\n import x", Scope.MODULE, Guard.CONDITIONAL),
        ("while y:\n import x", Scope.MODULE, Guard.CONDITIONAL),
        ("while y:\n pass\nelse:\n import x", Scope.MODULE, Guard.CONDITIONAL),
        ("match y:\n case 1:\n  import x", Scope.MODULE, Guard.CONDITIONAL),
        ("if y: import x", Scope.MODULE, Guard.CONDITIONAL),
        ("if y:\n try:\n  import x\n except E:\n  pass", Scope.MODULE, Guard.CONDITIONAL | Guard.TRY),
    ],
)
def test_tells_scope_and_guard(text: str, scope: Scope, guard: int) -> None:
    found = only_import(text + "\n")
    assert found.scope is scope
    assert Guard(found.guard) == Guard(guard)


@pytest.mark.skipif(sys.version_info < (3, 11), reason="except* came with Python 3.11")
def test_except_star_is_an_except() -> None:
    assert only_import("try:\n pass\nexcept* E:\n import x\n").guard == Guard.EXCEPT


def test_columns_are_utf8_bytes() -> None:
    second = facts("é = 1; import x\n").imports[0]
    assert second.column == len("é = 1; ".encode())


def test_lazy_imports_are_read_on_every_python() -> None:
    text = (
        "lazy import os, sys\nif x:\n    é = 1; lazy from a.b import (\n        c)\nimport z\n"
        '"""\nlazy import no\n"""\n'
    )
    record = facts(text)
    assert record.error == ""
    assert [(i.line, i.end_line, i.module, bool(i.guard & Guard.LAZY)) for i in record.imports] == [
        (1, 1, "", True),
        (3, 4, "a.b", True),
        (5, 5, "", False),
    ]
    assert record.imports[1].column == len("    é = 1; ".encode())
    assert record.imports[0].is_deferred


def test_import_text_in_strings_and_comments_is_none() -> None:
    assert facts('"""\nimport a\nfrom b import c\n"""\n# import d\nx = "import e"\n').imports == ()


def test_long_elif_chains_and_many_imports() -> None:
    # The parser itself gives up near a thousand branches; what it accepts the walk must accept, too.
    chain = "if x == 0:\n import m0\n" + "".join(f"elif x == {n}:\n import m{n}\n" for n in range(1, 300))
    assert len(facts(chain).imports) == 300
    record = facts("".join(f"from pkg.m{n} import f{n} as g{n}\n" for n in range(5000)))
    assert len(record.imports) == 5000
    assert record.imports[-1].line == 5000


@pytest.mark.parametrize(
    "text",
    [
        "x = " + "-" * 100_000 + "1\n",
        "x" + ".y" * 100_000,
        "if x: pass\n" + "elif x: pass\n" * 20_000,
        "__all__ = ['a']" + " + ['b']" * 2_500,
        "if " + "not " * 2_500 + "x: pass\n",
    ],
    ids=["signs", "attributes", "elif", "all", "not"],
)
def test_deep_nesting_is_a_record(text: str) -> None:
    record = facts(text)
    # Python 3.10 parses chains of attributes of any length.
    parses = sys.version_info < (3, 11) and text.startswith("x.y")
    assert record.error == ("" if parses else "is nested too deeply to be parsed")
    assert record.imports == ()


# -- names


def test_finds_every_binding_at_module_level() -> None:
    text = """
a = b = 1
c, (d, *e) = x
f: int = 1
g += 1
def h(): inner = 1
async def i(): pass
class j: attribute = 1
for k, l in x: m = 1
else: n = 1
with x as o, y as (p, q): r = 1
if x: s = 1
else: t = 1
try: u = 1
except E as not_this: v = 1
else: w = 1
finally: y = 1
while x: z = 1
match x:
    case {"k": aa, **bb}: cc = 1
    case [dd, *ee] as ff: pass
    case C(x=gg) | (gg): pass
def setter():
    global hh
    def deeper():
        global ii
obj.attribute = obj["item"] = 1
bare: int
(walrus := 1)
"""
    names = "a b c d e f g h i j k l m n o p q r s t u v w y z aa bb cc dd ee ff gg gg setter hh ii"
    assert " ".join(bound(text)) == names


def test_a_bare_annotation_binds_only_in_a_stub() -> None:
    assert bound("x: int\n") == []
    assert bound("x: int\n", "m.pyi") == ["x"]


def test_kinds_and_lines() -> None:
    found = facts("@decorated\ndef f():\n    pass\nclass C:\n    x = 1\nV = (\n    1)\n").definitions
    assert [(d.name, d.kind, d.line, d.end_line) for d in found] == [
        ("f", DefinitionKind.FUNCTION, 2, 3),
        ("C", DefinitionKind.CLASS, 4, 5),
        ("V", DefinitionKind.VARIABLE, 6, 7),
    ]


@pytest.mark.skipif(sys.version_info < (3, 12), reason="the type statement came with Python 3.12")
def test_type_statement_binds_its_name() -> None:
    assert bound("type X = int\n") == ["X"]


# -- __all__


@pytest.mark.parametrize(
    ("text", "exports", "dynamic"),
    [
        ("x = 1", None, False),
        ("__all__ = ['a', 'b']", ["a", "b"], False),
        ("__all__ = ('a',)", ["a"], False),
        ("__all__ = 'a', 'b'", ["a", "b"], False),
        ("__all__: list[str] = ['a']", ["a"], False),
        ("__all__ = []", [], False),
        ("__all__ = ['a'] + ['b']", ["a", "b"], False),
        ("__all__ = ['a']\n__all__ += ['b']", ["a", "b"], False),
        ("__all__ = ['a']\n__all__.extend(('b',))", ["a", "b"], False),
        ("__all__ = ['a']\n__all__.append('b')", ["a", "b"], False),
        ("__all__ = ['a', 'b']\n__all__.remove('a')", ["b"], False),
        ("__all__ = ['a', *m.__all__]", ["a"], True),
        ("__all__ = ['a', *['b']]", ["a", "b"], False),
        ("__all__ = ['a'] + m.__all__", ["a"], True),
        ("__all__ = ['a']\n__all__ += m.__all__", ["a"], True),
        ("__all__ = ['a']\n__all__.extend(m.__all__)", ["a"], True),
        ("__all__ = ['a']\n__all__.append(f())", ["a"], True),
        ("__all__ = ['a']\n__all__.insert(0, 'b')", ["a"], True),
        ("__all__ = ['a']\n__all__.sort()", ["a"], True),
        ("__all__ = ['a']\n__all__[0] = 'b'", ["a"], True),
        ("__all__ = [n for n in dir()]", [], True),
        ("__all__ = sorted(['b', 'a'])", ["b", "a"], False),
        ("__all__ = ['a']\n__all__ = ['b']", ["b"], False),
        ("__all__ = f()\n__all__ = ['b']", ["b"], False),
        ("__all__ = ['a']\nif x:\n __all__ += ['b']", ["a", "b"], False),
        ("if x:\n __all__ = ['a']\nelse:\n __all__ = ['b']", ["a", "b"], False),
        ("from m import __all__", None, True),
        ("a, __all__ = f()", None, True),
        ("for __all__ in x: pass", None, True),
        ("def f():\n __all__ = ['a']", None, False),
        ("class C:\n __all__ = ['a']", None, False),
        ("def f():\n global __all__\n __all__ = []", None, True),
    ],
)
def test_reads_all(text: str, exports: list[str] | None, dynamic: bool) -> None:
    record = facts(text + "\n")
    assert (None if record.exports is None else list(record.exports)) == exports
    assert record.exports_dynamic == dynamic


# -- dynamic namespace


@pytest.mark.parametrize(
    "text",
    [
        "globals()['a'] = 1",
        "def f():\n globals()['a'] = 1",
        "globals().update(x)",
        "globals().setdefault('a', 1)",
        "def f():\n globals().update(x)",
        "for n in x:\n globals()[n] = 1",
        "vars()['a'] = 1",
        "locals().update(x)",
        "exec(code)",
        "def f():\n exec(code, globals())",
        "setattr(sys.modules[__name__], 'a', 1)",
        "sys.modules[__name__].__dict__.update(x)",
        "vars(sys.modules[__name__]).update(x)",
        "sys.modules[__name__].a = 1",
        "sys.modules[__name__] = Lazy()",
        "this = sys.modules[__name__]\nsetattr(this, 'a', 1)",
        "names = globals()\nnames['a'] = 1",
        "fill(globals())",
        "fill(into=globals())",
        "def __getattr__(name): ...",
        "from lazy import __getattr__",
        "__getattr__, __dir__, __all__ = attach(__name__)",
        "if x:\n def __getattr__(name): ...",
    ],
)
def test_sees_dynamic_namespaces(text: str) -> None:
    assert facts(text + "\n").dynamic_namespace


@pytest.mark.parametrize(
    "text",
    [
        "x = 1",
        "x = globals()['a']",
        "def f():\n locals().update(x)",
        "def f():\n exec(code)",
        "def f():\n exec(code, {})",
        "class C:\n def __getattr__(self, name): ...",
        "def f():\n return eval('x', globals())",
        "x = sys.modules[__name__].a",
        "self.exec(code)",
        "vars(obj).update(x)",
        "'globals().update(x)'",
        "# exec(code)",
        "if sys.modules.get('a'): pass",
    ],
)
def test_is_not_dynamic(text: str) -> None:
    assert not facts(text + "\n").dynamic_namespace


# -- strings


def test_finds_dotted_strings_with_lines() -> None:
    text = "x = 'a.b'\ny = [\"a.b.c\", 'd.e:f', r'g.h', f'i.j']\n'''k.l'''\nz = 'no' + 'm.n'\n"
    assert [(s.line, s.text) for s in dotted_strings(text)] == [
        (1, "a.b"),
        (2, "a.b.c"),
        (2, "d.e:f"),
        (2, "g.h"),
        (2, "i.j"),
        (3, "k.l"),
        (4, "m.n"),
    ]


def test_leaves_other_strings() -> None:
    text = "['a', 'a.', '.a', 'a..b', 'a.b c', '1.2', 'a.1', 'a:b', 'a.b:', '/a.b', 'a-b.c', '']\n"
    assert dotted_strings(text + "x['a'].b['c']\n") == ()


def test_lines_count_like_python() -> None:
    assert [s.line for s in dotted_strings("\r\n\r'a.b'\n\x0c\x0b\u2028\n'c.d'")] == [3, 5]


def test_reads_other_alphabets() -> None:
    assert [s.text for s in dotted_strings("'größe.länge'\n")] == ["größe.länge"]


_part = st.text(alphabet="abz_09é", min_size=1, max_size=4).filter(str.isidentifier)
_dotted = st.lists(_part, min_size=2, max_size=4).map(".".join)
_value = st.one_of(_dotted, st.tuples(_dotted, _dotted).map(":".join), st.text(max_size=8))


@given(st.lists(st.tuples(_value, st.sampled_from(["\n", "\r\n", "  # it's\n"]), st.booleans()), max_size=6))
def test_no_plain_constant_is_missed(rows: list[tuple[str, str, bool]]) -> None:
    text = "".join(f"f({value!r}){end}" if call else f"x = {value!r},{end}" for value, end, call in rows)
    wanted = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            module, _, attribute = node.value.partition(":")
            parts = module.split(".")
            attributes = attribute.split(".") if ":" in node.value else []
            if len(parts) > 1 and all(p.isidentifier() for p in (*parts, *attributes)):
                wanted.add((node.lineno, node.value))
    assert wanted <= {(s.line, s.text) for s in dotted_strings(text)}


# -- bad and odd files


@pytest.mark.parametrize(
    ("content", "problem", "line"),
    [
        (b"x = 1\ndef f(:\n", "syntax error: ", 2),
        (b"x = 1\n\0\n", "contains a null byte", 2),
        (b"x = '\xff'\n", "is not utf-8", 1),
        (b"# coding: nope\n", "unknown encoding", 1),
        (b"if x:\n\tpass\n        pass\n", "syntax error: ", 3),
        (b"\x7fELF\0\0", "contains a null byte", 1),
    ],
)
def test_bad_files_are_records(content: bytes, problem: str, line: int) -> None:
    record = read_facts("bad.py", content, 5)
    assert problem in record.error
    assert record.error_line == line
    assert (record.imports, record.definitions, record.exports) == ((), (), None)
    assert (record.size_bytes, record.mtime_ns, len(record.sha256)) == (len(content), 5, 64)


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbfimport a\n",
        b"import a\r\n",
        b"import a\rimport_ = 1\r",
        b"\x0cimport a\n",
        b"if x:\n\timport a\n",
        b"# coding: latin-1\nimport a # \xe9\n",
        b"import a",
        b"#!/usr/bin/env python\nimport a\n",
        b"import a;import_=1\n",
        b"from __future__ import annotations\nimport a\n",
    ],
)
def test_odd_files_are_read(content: bytes) -> None:
    record = read_facts("odd.py", content)
    assert record.error == ""
    assert "a" in [name.name for i in record.imports for name in i.names]


def test_files_too_large_are_records(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_facts, "MAX_BYTES", 10)
    assert "larger than 10 bytes" in facts("x = 1234567\n").error


def test_a_large_generated_file_is_read() -> None:
    text = "import a\nTABLE = {\n" + "".join(f"    'key.number{n}': {n},\n" for n in range(80_000)) + "}\n"
    record = facts(text)
    assert len(text) > 2_000_000
    assert len(record.imports) == 1
    assert len(record.dotted_strings) == 80_000
    assert record.dotted_strings[-1].line == 80_002


def test_no_warning_reaches_anybody_and_collection_goes_on() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert facts("x = '\\d'\nif x is 'y': pass\n").error == ""
    assert gc.isenabled()


def test_equal_bytes_give_equal_facts_under_other_paths() -> None:
    content = b"import a\nx = 'a.b'\n"
    first, second, stub = read_many([("a.py", content, 1), ("b.py", content, 2), ("c.pyi", content, 3)])
    assert second == same_facts(first, "b.py", 2) == read_facts("b.py", content, 2)
    assert second.imports is first.imports
    assert stub == read_facts("c.pyi", content, 3)


@settings(max_examples=200)
@given(st.text(alphabet="import from.as*(),:\n ;lazy'\"{}f[]=#\\\0é", max_size=40))
def test_any_text_gives_a_record_and_agrees_with_the_parser(text: str) -> None:
    record = read_facts("x.py", text.encode())
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text.encode())
    except (SyntaxError, ValueError):
        if "lazy" not in text:
            assert record.error
        return
    assert record.error == ""
    assert _referee(tree) == _seen(record)


def _referee(tree: ast.AST) -> list[tuple[int, int, int, str, list[str]]]:
    return sorted(
        (
            node.lineno,
            node.col_offset,
            getattr(node, "level", 0),
            getattr(node, "module", None) or "",
            [f"{alias.name} {alias.asname}" for alias in node.names],
        )
        for node in ast.walk(tree)
        if isinstance(node, (ast.Import, ast.ImportFrom))
    )


def _seen(record: FileRecord) -> list[tuple[int, int, int, str, list[str]]]:
    return [
        (i.line, i.column, i.level, i.module, [f"{name.name} {name.asname}" for name in i.names])
        for i in record.imports
    ]


def _installed_files() -> list[Path]:
    files = [Path(tokenize.__file__)]
    for folder in site.getsitepackages():
        for package in ("click", "networkx", "hypothesis", "libcst", "rich", "msgspec", "yaml", "pip"):
            files += sorted(Path(folder, package).rglob("*.py"))
    return files


def test_real_packages_agree_with_ast_walk() -> None:
    """Every import statement of several installed packages, with its place, and all module-level names."""
    checked = 0
    for path in _installed_files():
        content = path.read_bytes()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                tree = ast.parse(content)
        except (SyntaxError, ValueError):
            assert read_facts(path.name, content).error
            continue
        record = read_facts(path.name, content)
        assert _seen(record) == _referee(tree), path
        stored = {
            node.id
            for statement in tree.body
            if isinstance(statement, (ast.Assign, ast.AugAssign))
            for node in ast.walk(statement)
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
        }
        stored -= {
            inner.id
            for statement in tree.body
            for node in ast.walk(statement)
            if isinstance(node, (ast.comprehension, ast.NamedExpr))
            for inner in ast.walk(node.target)
            if isinstance(inner, ast.Name)
        }
        assert stored <= {d.name for d in record.definitions}, path
        checked += 1
    assert checked > 300
