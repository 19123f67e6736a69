"""Import-rewriting cases 20 to 27, 54 and 58: relative imports, packages, re-exports, roots, second runs."""

from __future__ import annotations

from typing import Any

B = {"a/__init__.py": "", "a/b.py": "def f():\n    return 'f'\n\n\ndef g():\n    return 'g'\n"}
M = {"a.b": "x.y"}
S = {"a.b:f": "x.y:f"}
F_MOVED = {
    "a/b.py": "def g():\n    return 'g'\n",
    "x/y.py": "def f():\n    return 'f'\n",
    "x/__init__.py": "",
}


def test_case_20_relative_sibling_module(move: Any) -> None:
    files = {**B, "a/c.py": "from .b import f\nRESULT = f()\n"}
    # On the way back the import stays absolute: it left its package once.
    move(files, M, clients=["a.c"], expect={"a/c.py": "from x.y import f\nRESULT = f()\n"}, back=False)


def test_case_20_relative_sibling_symbol(move: Any) -> None:
    files = {**B, "a/c.py": "from .b import f, g\nRESULT = f(), g()\n"}
    move(
        files,
        S,
        definitions=F_MOVED,
        clients=["a.c"],
        expect={"a/c.py": "from .b import g\nfrom x.y import f\nRESULT = f(), g()\n"},
        back=False,
    )


def test_case_20_relative_stays_relative_inside_its_package(move: Any) -> None:
    files = {**B, "a/c.py": "from .b import f\nRESULT = f()\n"}
    move(files, {"a.b": "a.k"}, clients=["a.c"], expect={"a/c.py": "from .k import f\nRESULT = f()\n"})


def test_case_20_relative_to_a_new_subpackage(move: Any) -> None:
    files = {**B, "a/c.py": "from .b import f\nfrom . import b\nRESULT = f(), b.g()\n"}
    move(
        files,
        {"a.b": "a.sub.b"},
        clients=["a.c"],
        expect={"a/c.py": "from .sub.b import f\nfrom .sub import b\nRESULT = f(), b.g()\n"},
    )


def test_case_21_relative_package_form(move: Any) -> None:
    files = {**B, "a/c.py": "from . import b\nRESULT = b.f()\n"}
    move(files, M, clients=["a.c"], expect={"a/c.py": "from x import y as b\nRESULT = b.f()\n"}, back=False)


def test_case_21_relative_package_form_with_an_alias(move: Any) -> None:
    files = {**B, "a/c.py": "from . import b as y\nRESULT = y.f()\n"}
    move(files, M, clients=["a.c"], expect={"a/c.py": "from x import y\nRESULT = y.f()\n"}, back=False)


def test_case_21_relative_package_form_symbol(move: Any) -> None:
    files = {**B, "a/c.py": "from . import b\nRESULT = b.f(), b.g()\n"}
    move(
        files,
        S,
        definitions=F_MOVED,
        clients=["a.c"],
        expect={"a/c.py": "from . import b\nimport x.y\nRESULT = x.y.f(), b.g()\n"},
        back=False,
    )


def test_case_22_parent_relative(move: Any) -> None:
    files = {
        **B,
        "a/c/__init__.py": "",
        "a/c/d.py": "from ..b import f\nfrom .. import b\nfrom ... import a\nRESULT = f(), b.g()\n",
    }
    files["a/c/d.py"] = files["a/c/d.py"].replace("from ... import a\n", "")
    move(
        files,
        M,
        clients=["a.c.d"],
        expect={"a/c/d.py": "from x.y import f\nfrom x import y as b\nRESULT = f(), b.g()\n"},
        back=False,
    )


def test_case_22_parent_relative_in_a_common_top_package(move: Any) -> None:
    files = {
        "top/__init__.py": "",
        "top/a/__init__.py": "",
        "top/a/b.py": "def f():\n    return 1\n",
        "top/a/c/__init__.py": "",
        "top/a/c/d.py": "from ..b import f\nfrom .. import b\nRESULT = f(), b.f()\n",
    }
    move(
        files,
        {"top.a.b": "top.x.y"},
        clients=["top.a.c.d"],
        expect={"top/a/c/d.py": "from top.x.y import f\nfrom top.x import y as b\nRESULT = f(), b.f()\n"},
        back=False,
    )


def test_case_23_inside_the_moved_file(move: Any) -> None:
    files = {"a/__init__.py": "", "a/sib.py": "v = 1\n", "a/b.py": "from . import sib\nRESULT = sib.v\n"}
    move(files, M, clients=["a.b"], expect={"x/y.py": "from a import sib\nRESULT = sib.v\n"}, back=False)


def test_case_23_moved_together_stays_relative(move: Any) -> None:
    files = {
        "a/__init__.py": "",
        "a/sib.py": "v = 1\n",
        "a/b.py": "from . import sib\nfrom .sib import v\n\n\ndef late():\n    from . import sib as s\n"
        "    return s.v\n\n\nRESULT = sib.v, v, late()\n",
    }
    move(files, {"a.b": "x.b", "a.sib": "x.sib"}, clients=["a.b"], expect={"x/b.py": files["a/b.py"]})


def test_case_23_not_only_at_module_level(move: Any) -> None:
    files = {
        "a/__init__.py": "",
        "a/sib.py": "v = 1\n",
        "a/b.py": "def f():\n    from .sib import v\n    return v\n\n\nRESULT = f()\n",
    }
    move(
        files,
        M,
        clients=["a.b"],
        expect={"x/y.py": "def f():\n    from a.sib import v\n    return v\n\n\nRESULT = f()\n"},
        back=False,
    )


def test_case_23_package_moves_with_all_it_holds(move: Any) -> None:
    files = {
        "top/__init__.py": "",
        "top/k.py": "v = 'k'\n",
        "top/a/__init__.py": "from .b import f\nfrom ..k import v\n",
        "top/a/b.py": "from . import c\nfrom .. import k\nfrom ..k import v\n\n\n"
        "def f():\n    return c.w, k.v, v\n",
        "top/a/c.py": "w = 1\n",
        "client.py": "import top.a.b\nfrom top.a import f, c\nfrom top import a\n"
        "RESULT = top.a.b.f(), f(), c.w, a.b.f(), top.a.c.w\n",
    }
    move(
        files,
        {"top/a": "top/deep/er/a2"},
        expect={
            "top/deep/er/a2/__init__.py": "from .b import f\nfrom top.k import v\n",
            "top/deep/er/a2/b.py": "from . import c\nfrom top import k\nfrom top.k import v\n\n\n"
            "def f():\n    return c.w, k.v, v\n",
            "client.py": "import top.deep.er.a2.b\nfrom top.deep.er.a2 import f, c\n"
            "from top.deep.er import a2 as a\n"
            "RESULT = top.deep.er.a2.b.f(), f(), c.w, a.b.f(), top.deep.er.a2.c.w\n",
        },
        back=False,
    )


def test_case_24_module_becomes_a_package(move: Any) -> None:
    files = {
        "a/__init__.py": "",
        "a/k.py": "v = 1\n",
        "a/b.py": "from .k import v\nfrom . import k\nRESULT = v, k.v\n",
        "client.py": "from a.b import v\nfrom a import b\nRESULT = v, b.k.v\n",
    }
    move(
        files,
        {"a/b.py": "x/b/__init__.py"},
        clients=["a.b", "client"],
        expect={
            "x/b/__init__.py": "from a.k import v\nfrom a import k\nRESULT = v, k.v\n",
            "client.py": "from x.b import v\nfrom x import b\nRESULT = v, b.k.v\n",
        },
        back=False,
    )


def test_case_24_module_becomes_a_package_of_the_same_name(move: Any) -> None:
    files = {
        "a/__init__.py": "",
        "a/k.py": "v = 1\n",
        "a/b.py": "from .k import v\nRESULT = v\n",
        "client.py": "from a.b import v\nRESULT = v\n",
    }
    move(
        files,
        {"a/b.py": "a/b/__init__.py"},
        clients=["a.b", "client"],
        unchanged=["client.py"],
        expect={"a/b/__init__.py": "from a.k import v\nRESULT = v\n"},
        back=False,
    )


def test_case_24_package_file_moves_alone(move: Any) -> None:
    files = {
        "a/__init__.py": "",
        "a/b/__init__.py": "from .c import w\nfrom . import c\nfrom .. import k\nv = w, c.w, k.z\n",
        "a/b/c.py": "w = 1\n",
        "a/k.py": "z = 2\n",
        "a/b/d.py": "from . import v\nRESULT = v\n",
        "client.py": "from a.b import v\nimport a.b.c\nRESULT = v, a.b.c.w, a.b.v\n",
    }
    move(
        files,
        {"a/b/__init__.py": "x/b.py"},
        clients=["a.b.d", "client"],
        packages=True,
        expect={
            "x/b.py": "from a.b.c import w\nfrom a.b import c\nfrom a import k\nv = w, c.w, k.z\n",
            "a/b/d.py": "from x.b import v\nRESULT = v\n",
            "client.py": "from x.b import v\nimport a.b.c, x.b\nRESULT = v, a.b.c.w, x.b.v\n",
        },
        back=False,
    )


def test_case_25_facade(move: Any) -> None:
    files = {
        "a/__init__.py": "from .b import f\n\n__all__ = ['f']\n",
        "a/b.py": B["a/b.py"],
        "client.py": "from a import f\nimport a\nRESULT = f(), a.f()\n",
    }
    wanted = {"a/__init__.py": "from x.y import f\n\n__all__ = ['f']\n"}
    move(files, M, expect=wanted, unchanged=["client.py"], back=False)
    move(files, S, definitions=F_MOVED, expect=wanted, unchanged=["client.py"], back=False)


def test_case_25_facade_of_a_module(move: Any) -> None:
    files = {
        "a/__init__.py": "from . import b\n",
        "a/b.py": B["a/b.py"],
        "client.py": "import a\nRESULT = a.b.f()\n",
    }
    move(files, M, expect={"a/__init__.py": "from x import y as b\n"}, unchanged=["client.py"], back=False)


def test_case_26_explicit_re_export(move: Any) -> None:
    files = {**B, "mid.py": "from {} import f as f\n", "client.py": "from mid import f\nRESULT = f()\n"}
    files["mid.py"] = "from a.b import f as f\n"
    wanted = {"mid.py": "from x.y import f as f\n"}
    move(files, M, expect=wanted, unchanged=["client.py"])
    move(files, S, definitions=F_MOVED, expect=wanted, unchanged=["client.py"])


def test_case_26_module_re_exported_by_its_name(move: Any) -> None:
    files = {
        **B,
        "mid.py": "import a.b\nfrom a import b as b\n",
        "client.py": "from mid import a, b\nRESULT = a.b.f(), b.f()\n",
    }
    move(files, M, back=False, codes=["RELOC003"])


def test_case_27_all_of_a_client_keeps_its_names(move: Any) -> None:
    text = "from {} import f\n__all__ = ['f']\n__all__ += ['g']\nfrom {} import g\nRESULT = f(), g()\n"
    files = {**B, "client.py": text.format("a.b", "a.b")}
    move(files, M, expect={"client.py": text.format("x.y", "x.y")})
    move(files, S, definitions=F_MOVED, expect={"client.py": text.format("x.y", "a.b")})


def test_case_27_dotted_root_in_all(move: Any) -> None:
    files = {**B, "client.py": "import a.b\n__all__ = ['a']\nRESULT = a.b.f()\n"}
    move(
        files,
        M,
        back=False,
        expect={"client.py": "import a, x.y\n__all__ = ['a']\nRESULT = x.y.f()\n"},
    )


def test_case_54_src_layout_and_tests_outside_the_root(move: Any) -> None:
    files = {
        "src/a/__init__.py": "",
        "src/a/b.py": B["a/b.py"],
        "src/client.py": "from a.b import f\nRESULT = f()\n",
        "tests/test_b.py": "from a.b import f\nimport a.b as m\nfrom .helpers import value\n",
        "tests/__init__.py": "",
        "tests/helpers.py": "from a import b\nvalue = b.f()\n",
    }
    move(
        files,
        {"src/a/b.py": "src/x/y.py"},
        roots=["src"],
        expect={
            "src/client.py": "from x.y import f\nRESULT = f()\n",
            "tests/test_b.py": "from x.y import f\nimport x.y as m\nfrom .helpers import value\n",
            "tests/helpers.py": "from x import y as b\nvalue = b.f()\n",
        },
        back=False,
    )


def test_case_54_two_roots(move: Any) -> None:
    files = {
        "one/a/__init__.py": "",
        "one/a/b.py": "v = 1\n",
        "two/c.py": "import a.b\nw = a.b.v\n",
        "two/client.py": "from a.b import v\nimport c\nRESULT = v, c.w\n",
    }
    move(
        files,
        {"one/a/b.py": "two/d.py"},
        roots=["one", "two"],
        packages=False,
        expect={
            "two/c.py": "import d\nw = d.v\n",
            "two/client.py": "from d import v\nimport c\nRESULT = v, c.w\n",
        },
        back=False,  # the way back is `import a.b as d`: the name d stays
    )


def test_case_54_test_helper_outside_every_root_moves(move: Any) -> None:
    files = {
        "src/client.py": "RESULT = 1\n",
        "tests/__init__.py": "",
        "tests/unit/__init__.py": "",
        "tests/unit/helpers.py": "v = 1\n",
        "tests/unit/test_a.py": "from .helpers import v\nfrom . import helpers\n",
    }
    for path in files:
        assert path
    move(
        files,
        {"tests/unit/helpers.py": "tests/common.py"},
        roots=["src"],
        packages=False,
        expect={"tests/unit/test_a.py": "from ..common import v\nfrom .. import common as helpers\n"},
        back=False,
    )


def test_case_54_namespace_packages(move: Any) -> None:
    files = {
        "ns/pkg/__init__.py": "",
        "ns/pkg/core.py": "def f():\n    return 1\n",
        "ns/pkg/sub/util.py": "v = 2\n",
        "client.py": "from ns.pkg.core import f\nimport ns.pkg.sub.util\nfrom ns.pkg.sub import util\n"
        "RESULT = f(), ns.pkg.sub.util.v, util.v\n",
    }
    move(
        files,
        {"ns/pkg/core.py": "ns/other/core.py", "ns/pkg/sub/util.py": "ns/util.py"},
        packages=False,
        expect={
            "client.py": "from ns.other.core import f\nimport ns.util\nfrom ns import util\n"
            "RESULT = f(), ns.util.v, util.v\n"
        },
    )


def test_case_54_to_and_from_a_top_level_name(move: Any) -> None:
    files = {
        **B,
        "top.py": "v = 4\n",
        "client.py": "import a.b\nimport top\nfrom a import b\nfrom top import v\nimport a.b as m\n"
        "RESULT = a.b.f(), top.v, b.g(), v, m.f()\n",
    }
    move(
        files,
        {"a/b.py": "y.py", "top.py": "a/top.py"},
        expect={
            "client.py": "import y\nimport a.top as top\nimport y as b\nfrom a.top import v\nimport y as m\n"
            "RESULT = y.f(), top.v, b.g(), v, m.f()\n"
        },
        back=False,
    )


def test_case_58_half_migrated_tree_converges(move: Any) -> None:
    files = {
        **B,
        "x/__init__.py": "",
        "old.py": "from a.b import f\nRESULT = f()\n",
        "new.py": "from x.z import v\nRESULT = v\n",
        "x/z.py": "v = 1\n",
    }
    move(files, M, clients=["old", "new"], unchanged=["new.py"])
