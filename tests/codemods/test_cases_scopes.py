"""Import-rewriting cases 35 to 43, 55 and 56: shadowing, clashes, rebinding, annotations, what remains."""

from __future__ import annotations

from typing import Any

import pytest

B = {"a/__init__.py": "", "a/b.py": "def f():\n    return 'f'\n\n\ndef g():\n    return 'g'\n"}
M = {"a.b": "x.y"}
S = {"a.b:f": "x.y:f"}
F_MOVED = {
    "a/b.py": "def g():\n    return 'g'\n",
    "x/y.py": "def f():\n    return 'f'\n",
    "x/__init__.py": "",
}


def both(move: Any, text: str, wanted: str, **options: Any) -> None:
    options.setdefault("back", False)
    move({**B, "client.py": text}, M, expect={"client.py": wanted}, **options)
    move({**B, "client.py": text}, S, definitions=F_MOVED, expect={"client.py": wanted}, **options)


def test_case_35_parameter_shadows_the_new_package(move: Any) -> None:
    both(
        move,
        "import a.b\ndef g(x):\n    return a.b.f(), x\nRESULT = g(1), a.b.f()\n",
        "import x.y as y\ndef g(x):\n    return y.f(), x\nRESULT = g(1), y.f()\n",
    )


@pytest.mark.parametrize(
    "body",
    [
        "[{}.f() for x in [1]]",
        "(lambda x: {}.f())(1)",
        "[(x := 1), {}.f()]",
        "next({}.f() for x, in [(1,)])",
    ],
)
def test_case_35_other_scopes_that_bind_the_new_name(move: Any, body: str) -> None:
    text = "import {}\nRESULT = " + body + "\n"
    both(move, text.format("a.b", "a.b"), text.format("x.y as y", "y"))


def test_case_35_inner_function_and_match(move: Any) -> None:
    text = (
        "import {}\n"
        "def g(v):\n"
        "    match v:\n"
        "        case [x, *rest]:\n"
        "            return {}.f(), x\n"
        "        case {{'k': 1, **x}}:\n"
        "            return x\n"
        "RESULT = g([1, 2])\n"
    )
    both(move, text.format("a.b", "a.b"), text.format("x.y as y", "y"))


def test_case_36_binding_clash(move: Any) -> None:
    both(
        move,
        "import a.b\nx = 5\nRESULT = a.b.f(), x\n",
        "import x.y as y\nx = 5\nRESULT = y.f(), x\n",
    )


def test_case_36_module_from_parent_keeps_its_name_beside_a_clash(move: Any) -> None:
    move(
        {**B, "client.py": "from a import b\ny = 5\nRESULT = b.f(), y\n"},
        M,
        expect={"client.py": "from x import y as b\ny = 5\nRESULT = b.f(), y\n"},
    )


def test_case_36_alias_that_is_taken_too(move: Any) -> None:
    both(
        move,
        "import a.b\nx = y = 5\nRESULT = a.b.f(), x, y\n",
        "import x.y as x_y\nx = y = 5\nRESULT = x_y.f(), x, y\n",
    )


def test_case_36_two_modules_with_one_leaf(move: Any) -> None:
    files = {
        "a/__init__.py": "",
        "a/u.py": "v = 1\n",
        "c/__init__.py": "",
        "c/u.py": "v = 2\n",
        "client.py": "import a.u, c.u\nx = 3\nRESULT = a.u.v, c.u.v, x\n",
    }
    move(
        files,
        {"a.u": "x.a.u", "c.u": "x.c.u"},
        back=False,
        expect={
            "client.py": "import x.a.u as u, x.c.u as c_u\nx = 3\nRESULT = u.v, c_u.v, x\n",
        },
    )


def test_case_36_builtin_and_outer_names_are_not_taken_away(move: Any) -> None:
    files = {
        "a/__init__.py": "",
        "a/b.py": "v = 1\n",
        "client.py": "import a.b\nRESULT = a.b.v, max(1, 2)\n",
    }
    move(
        files,
        {"a.b": "max.b"},
        back=False,
        expect={"client.py": "import max.b as b\nRESULT = b.v, max(1, 2)\n"},
    )


def test_case_36_submodule_of_the_package_itself(move: Any) -> None:
    files = {
        "a/__init__.py": "",
        "a/b.py": "v = 1\n",
        "p/__init__.py": "import a.b\n\n\ndef get():\n    return a.b.v\n",
        "p/x.py": "w = 2\n",
        "client.py": "import p.x\nRESULT = p.x.w, p.get()\n",
    }
    move(
        files,
        M,
        back=False,
        expect={"p/__init__.py": "import x.y as y\n\n\ndef get():\n    return y.v\n"},
    )


def test_case_37_same_name_of_another_origin(move: Any) -> None:
    files = {
        **B,
        "c.py": "def f():\n    return 'c'\n",
        "client.py": "from c import f\nimport a.b\nRESULT = f(), a.b.f()\n",
    }
    wanted = {"client.py": "from c import f\nimport x.y\nRESULT = f(), x.y.f()\n"}
    move(files, M, expect=wanted)
    move(files, S, definitions=F_MOVED, expect=wanted)


def test_case_37_two_symbols_with_one_name(move: Any) -> None:
    files = {
        **B,
        "c.py": "def f():\n    return 'c'\n",
        "client.py": "from c import f\nfrom a.b import f as f2\nRESULT = f(), f2()\n",
    }
    move(
        files,
        {"a.b:f": "x.y:f", "c:f": "x.z:f"},
        definitions={**F_MOVED, "c.py": "", "x/z.py": "def f():\n    return 'c'\n"},
        expect={"client.py": "from x.z import f\nfrom x.y import f as f2\nRESULT = f(), f2()\n"},
    )


def test_case_38_local_redefinition(move: Any) -> None:
    both(
        move,
        "from a.b import f\nOLD = f()\ndef f():\n    return 'own'\nRESULT = OLD, f()\n",
        "from x.y import f\nOLD = f()\ndef f():\n    return 'own'\nRESULT = OLD, f()\n",
    )


def test_case_39_attribute_shadows_a_submodule(move: Any) -> None:
    files = {
        "a/__init__.py": "from .b import f as b\n",
        "a/b.py": B["a/b.py"],
        "client.py": "from a import b\nimport a\nRESULT = b(), a.b()\n",
    }
    move(files, M, unchanged=["client.py"], back=False)


def test_case_39_attribute_that_the_submodule_replaces(move: Any) -> None:
    files = {
        "a/__init__.py": "b = None\n",
        "a/b.py": B["a/b.py"],
        "client.py": "import a.b\nRESULT = a.b.f()\n",
    }
    move(files, M, expect={"client.py": "import x.y\nRESULT = x.y.f()\n"})


def test_case_40_assignment_to_a_moved_module(move: Any) -> None:
    files = {
        "a/__init__.py": "",
        "a/b.py": "FLAG = 0\n\n\ndef get():\n    return FLAG\n",
        "client.py": "import a.b\na.b.FLAG = 1\ndel a.b.__doc__\nRESULT = a.b.get()\n",
    }
    move(
        files,
        M,
        expect={"client.py": "import x.y\nx.y.FLAG = 1\ndel x.y.__doc__\nRESULT = x.y.get()\n"},
    )


def test_case_40_assignment_to_a_moved_symbol_follows_it(move: Any) -> None:
    files = {
        "a/__init__.py": "",
        "a/b.py": "FLAG = 0\n",
        "client.py": "import a.b\na.b.FLAG = 1\nRESULT = a.b.FLAG\n",
    }
    move(
        files,
        {"a.b:FLAG": "x.y:FLAG"},
        definitions={"a/b.py": "", "x/y.py": "FLAG = 0\n", "x/__init__.py": ""},
        expect={"client.py": "import x.y\nx.y.FLAG = 1\nRESULT = x.y.FLAG\n"},
    )


def test_case_43_quoted_annotations(move: Any) -> None:
    text = (
        "import typing\nimport {0}\n"
        "def h(v: '{0}.C', w: \"typing.List[{0}.C]\" = ()) -> 'typing.Optional[{0}.C]':\n    return v\n"
        "n: typing.Literal['a.b.C'] = None\nlater: '{0}.C'\n"
        "RESULT = typing.cast('{0}.C', 1), n, [repr(t.__module__) for t in"
        " typing.get_type_hints(h).values()][0] != ''\n"
    )
    files = {"a/__init__.py": "", "a/b.py": "class C:\n    pass\n", "client.py": text.format("a.b")}
    move(files, M, expect={"client.py": text.format("x.y")})
    move(
        files,
        {"a.b:C": "x.y:C"},
        definitions={"a/b.py": "", "x/y.py": "class C:\n    pass\n", "x/__init__.py": ""},
        expect={"client.py": text.format("x.y")},
    )


def test_case_43_quoted_annotation_that_only_types_use(move: Any) -> None:
    text = (
        "from __future__ import annotations\nimport typing\nif typing.TYPE_CHECKING:\n    import {0}\n"
        "def h(v: {0}.f, w: '{0}.g') -> None: ...\nRESULT = 1\n"
    )
    move({**B, "client.py": text.format("a.b")}, M, expect={"client.py": text.format("x.y")})


@pytest.mark.parametrize(
    "use",
    [
        "f'{{ {0}.f() }}' f'{{{0}.g()!r:>{{len({0}.f())}}}}'",
        "f'''\n{{{0}.f()}} {{\n{0}.g()}}'''",
        "f'{{f\"{{{0}.f()}}\"}} a.b.f {{{0}.g()}}'",
        "'é' f'é{{{0}.f()}}' 'x'",
    ],
)
def test_case_04_uses_in_f_strings(move: Any, use: str) -> None:
    text = "import {0}\nRESULT = " + use + "\n"
    move({**B, "client.py": text.format("a.b")}, M, expect={"client.py": text.format("x.y")})


def test_case_04_uses_in_every_place_of_a_definition(move: Any) -> None:
    text = (
        "import {0}\n"
        "def deco(v):\n    return lambda o: o\n"
        "@deco({0}.f())\n"
        "class C(deco({0}.f())(object), metaclass=deco({0}.f())(type)):\n"
        "    k = [{0}.f() for i in {0}.f()]\n"
        "    def m(self, d={0}.f(), *, e={0}.g()) -> {0}.f:\n"
        "        nonlocal_free = {0}.f\n"
        "        return d, e, nonlocal_free(), __class__.k\n"
        "async def co(v: {0}.f = {0}.f()):\n    return v\n"
        "RESULT = C().m(), {{**{{'k': {0}.f()}}}}, [*{0}.f()], {0}.f()[0], not {0}.f()\n"
    )
    move({**B, "client.py": text.format("a.b")}, M, expect={"client.py": text.format("x.y")})


def test_case_04_global_statement(move: Any) -> None:
    text = "def load():\n    global a\n    import a.b\nload()\nRESULT = a.b.f()\n"
    wanted = "def load():\n    global a, x\n    import x.y\nload()\nRESULT = x.y.f()\n"
    both(move, text, wanted)


def test_case_04_nonlocal_statement(move: Any) -> None:
    text = (
        "def outer():\n    a = None\n    def load():\n        nonlocal a\n        import a.b as a\n"
        "    load()\n    return a.f()\nRESULT = outer()\n"
    )
    move({**B, "client.py": text}, M, expect={"client.py": text.replace("a.b as", "x.y as")})


def test_case_04_local_of_the_same_name_is_left_alone(move: Any) -> None:
    text = (
        "import types\nimport {0}\n"
        "def h(a):\n    return a.b.f()\n"
        "def k():\n    a = types.SimpleNamespace(b=types.SimpleNamespace(f=lambda: 1))\n    return a.b.f()\n"
        "class a_:\n    a = 3\n    def m(self):\n        return {0}.f()\n"
        "RESULT = {0}.f(), h(types.SimpleNamespace(b=types.SimpleNamespace(f=lambda: 1))), k(), a_().m()\n"
    )
    move({**B, "client.py": text.format("a.b")}, M, expect={"client.py": text.format("x.y")})


def test_case_04_del_keeps_the_root(move: Any) -> None:
    move(
        {**B, "client.py": "import a.b\nRESULT = a.b.f()\ndel a\n"},
        M,
        back=False,
        expect={"client.py": "import a, x.y\nRESULT = x.y.f()\ndel a\n"},
    )


def test_case_04_plain_dotted_and_root_imports_together(move: Any) -> None:
    files = {
        **B,
        "a/__init__.py": "V = 0\n",
        "a/c.py": "w = 1\n",
        "client.py": "import a\nimport a.b\nimport a.c\nRESULT = a.b.f(), a.c.w, a.V\n",
    }
    move(
        files,
        M,
        expect={"client.py": "import a\nimport x.y\nimport a.c\nRESULT = x.y.f(), a.c.w, a.V\n"},
    )


def test_case_04_whole_package_is_renamed(move: Any) -> None:
    text = "import {0}\nimport {0}.b\nimport {0} as al\nRESULT = {0}.b.f(), {0}.V, al.b.g(), {0}.__doc__\n"
    files = {**B, "a/__init__.py": "V = 0\n", "client.py": text.format("a")}
    move(files, {"a": "x"}, expect={"client.py": text.format("x")})


def test_case_04_whole_package_goes_below_another(move: Any) -> None:
    text = "import {0}.b\nRESULT = {0}.b.f(), {0}.V\n"
    files = {**B, "a/__init__.py": "V = 0\n", "client.py": text.format("a")}
    move(files, {"a": "top/x"}, expect={"client.py": text.format("top.x")})


def test_case_06_undotted_import_of_a_package_that_moves(move: Any) -> None:
    files = {
        **B,
        "a/__init__.py": "from . import b\nV = 0\n",
        "client.py": "import a\nRESULT = a.b.f(), a.V\n",
    }
    move(
        files,
        {"a": "top/x"},
        expect={"client.py": "import top.x as a\nRESULT = a.b.f(), a.V\n"},
        back=False,
    )


def test_case_09_submodule_of_an_imported_package(move: Any) -> None:
    files = {
        "a/__init__.py": "",
        "a/sub/__init__.py": "v = 2\n",
        "a/sub/b.py": "w = 1\n",
        "first.py": "import a.sub.b\n",
        "client.py": "import first\nfrom a import sub\nRESULT = sub.b.w, sub.v\n",
    }
    move(
        files,
        {"a.sub.b": "x.y"},
        codes=["RELOC003"],
        back=False,
        expect={"client.py": "import first\nfrom a import sub\nimport x.y\nRESULT = x.y.w, sub.v\n"},
    )


def test_case_09_chain_through_a_facade_stays(move: Any) -> None:
    files = {
        **B,
        "facade.py": "import a.b as m\nfrom a import b\n",
        "client.py": "import facade\nRESULT = facade.m.f(), facade.b.f()\n",
    }
    move(
        files,
        M,
        unchanged=["client.py"],
        expect={"facade.py": "import x.y as m\nfrom x import y as b\n"},
    )


def test_case_12_root_imported_from_two_places_is_refused(move: Any) -> None:
    files = {
        **B,
        "c/__init__.py": "",
        "c/b.py": B["a/b.py"],
        "client.py": "try:\n    import a.b\nexcept ImportError:\n    import c as a\nRESULT = a.b.f()\n",
    }
    with pytest.raises(AssertionError):
        move(files, M, back=False)
    result = move(files, M, codes=["RELOC012"], clients=[], back=False)
    assert result.findings[0].severity == "error"


def test_case_55_duplicate_result(move: Any) -> None:
    files = {
        "a/__init__.py": "",
        "a/b.py": "def f():\n    return 1\n",
        "x/__init__.py": "",
        "x/y.py": "def f():\n    return 1\n",
        "client.py": "from x.y import f\nfrom a.b import f\nRESULT = f()\n",
    }
    move(
        files,
        S,
        definitions={"a/b.py": ""},
        back=False,
        expect={"client.py": "from x.y import f\nRESULT = f()\n"},
    )


def test_case_55_later_duplicate_goes(move: Any) -> None:
    files = {
        "a/__init__.py": "",
        "a/b.py": "def f():\n    return 1\n",
        "x/__init__.py": "",
        "x/y.py": "def f():\n    return 1\n\n\ng = f\n",
        "client.py": "from a.b import f\nfrom x.y import f, g\nRESULT = f(), g()\n",
    }
    move(
        files,
        S,
        definitions={"a/b.py": ""},
        back=False,
        expect={"client.py": "from x.y import f\nfrom x.y import g\nRESULT = f(), g()\n"},
    )


def test_case_55_rebinding_between_is_kept(move: Any) -> None:
    files = {
        "a/__init__.py": "",
        "a/b.py": "def f():\n    return 1\n",
        "x/__init__.py": "",
        "x/y.py": "def f():\n    return 1\n",
        "client.py": "from x.y import f\nf = len\nfrom a.b import f\nRESULT = f()\n",
    }
    move(
        files,
        S,
        definitions={"a/b.py": ""},
        back=False,
        expect={"client.py": "from x.y import f\nf = len\nfrom x.y import f\nRESULT = f()\n"},
    )


def test_case_55_self_import_is_dropped(move: Any) -> None:
    files = {
        "a/__init__.py": "",
        "a/b.py": "def f():\n    return 1\n",
        "x/__init__.py": "",
        "x/y.py": "import a.b\nfrom a.b import f\n\n\ndef g():\n    return f(), a.b.f()\n",
        "client.py": "from x.y import g\nRESULT = g()\n",
    }
    result = move(
        files,
        S,
        definitions={"a/b.py": "", "x/y.py": "def f():\n    return 1\n\n\ndef g():\n    return f(), f()\n"},
        back=False,
        unchanged=["client.py"],
    )
    assert result.changed == ["x/y.py"]


def test_case_56_orphaned_import_goes(move: Any) -> None:
    move(
        {**B, "client.py": "import os\nimport a.b as m\nfrom a import b\nRESULT = m.f(), b.f()\n"},
        S,
        definitions=F_MOVED,
        back=False,
        expect={"client.py": "import os\nimport x.y\nRESULT = x.y.f(), x.y.f()\n"},
    )


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("client.py", "import a.b  # noqa\nRESULT = a.b.f()\n"),
        ("client/__init__.py", "import a.b\nRESULT = a.b.f()\n"),
        ("client.py", "import a.b\n__all__ = ['a']\nRESULT = a.b.f()\n"),
    ],
)
def test_case_56_orphans_that_others_may_rely_on_stay(move: Any, path: str, text: str) -> None:
    result = move({**B, path: text}, S, definitions=F_MOVED, back=False)
    assert "import a.b, x.y" in result.text(path)


def test_case_56_unused_before_is_left(move: Any) -> None:
    text = "import a.b as unused\nimport os\nRESULT = 1\n"
    move({**B, "client.py": text}, S, definitions=F_MOVED, unchanged=["client.py"])
