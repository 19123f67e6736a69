"""Import-rewriting cases 1 to 13: forms of statements, dotted uses, prefixes, simultaneous maps."""

from __future__ import annotations

from typing import Any

B = {"a/__init__.py": "", "a/b.py": "def f():\n    return 'f'\n\n\ndef g():\n    return 'g'\n"}
M = {"a.b": "x.y"}
S = {"a.b:f": "x.y:f"}
#: The source and the target after `f` has moved.
F_MOVED = {
    "a/b.py": "def g():\n    return 'g'\n",
    "x/y.py": "def f():\n    return 'f'\n",
    "x/__init__.py": "",
}


def test_case_01_plain_module(move: Any) -> None:
    move(
        {**B, "client.py": "from a.b import f\n\nRESULT = f()\n"},
        M,
        expect={"client.py": "from x.y import f\n\nRESULT = f()\n"},
    )


def test_case_01_plain_symbol(move: Any) -> None:
    move(
        {**B, "client.py": "from a.b import f\n\nRESULT = f()\n"},
        S,
        definitions=F_MOVED,
        expect={"client.py": "from x.y import f\n\nRESULT = f()\n"},
    )


def test_case_02_several_names_module(move: Any) -> None:
    move(
        {**B, "client.py": "from a.b import f, g\nRESULT = f(), g()\n"},
        M,
        expect={"client.py": "from x.y import f, g\nRESULT = f(), g()\n"},
    )


def test_case_02_one_of_several_names_moves(move: Any) -> None:
    move(
        {**B, "client.py": "import os\nfrom a.b import f, g\nRESULT = f(), g()\n"},
        S,
        definitions=F_MOVED,
        back=False,  # the two statements are not joined again
        expect={"client.py": "import os\nfrom a.b import g\nfrom x.y import f\nRESULT = f(), g()\n"},
    )


def test_case_03_alias_is_kept_module(move: Any) -> None:
    move(
        {**B, "client.py": "from a.b import f as F, g\nRESULT = F(), g()\n"},
        M,
        expect={"client.py": "from x.y import f as F, g\nRESULT = F(), g()\n"},
    )


def test_case_03_alias_is_kept_symbol(move: Any) -> None:
    move(
        {**B, "client.py": "from a.b import f as F, g\nRESULT = F(), g()\n"},
        S,
        definitions=F_MOVED,
        back=False,
        expect={"client.py": "from a.b import g\nfrom x.y import f as F\nRESULT = F(), g()\n"},
    )


def test_case_03_renamed_symbol_keeps_its_local_name(move: Any) -> None:
    move(
        {**B, "client.py": "from a.b import f\nRESULT = f()\n"},
        {"a.b:f": "x.y:h"},
        definitions={**F_MOVED, "x/y.py": "def h():\n    return 'f'\n"},
        expect={"client.py": "from x.y import h as f\nRESULT = f()\n"},
        back=False,  # `as f` remains: nothing tells that it was not written by hand
    )


def test_case_04_dotted_import_module(move: Any) -> None:
    move(
        {**B, "client.py": "import a.b\nRESULT = a.b.f()\n"},
        M,
        expect={"client.py": "import x.y\nRESULT = x.y.f()\n"},
    )


def test_case_04_dotted_import_symbol(move: Any) -> None:
    move(
        {**B, "client.py": "import a.b\nRESULT = a.b.f()\n"},
        S,
        definitions=F_MOVED,
        expect={"client.py": "import x.y\nRESULT = x.y.f()\n"},
    )


def test_case_05_dotted_import_still_needed_symbol(move: Any) -> None:
    move(
        {**B, "client.py": "import a.b\nRESULT = a.b.f(), a.b.g()\n"},
        S,
        definitions=F_MOVED,
        back=False,
        expect={"client.py": "import a.b, x.y\nRESULT = x.y.f(), a.b.g()\n"},
    )


def test_case_05_root_still_needed_module(move: Any) -> None:
    move(
        {**B, "a/__init__.py": "V = 1\n", "client.py": "import a.b\nRESULT = a.b.f(), a.V\n"},
        M,
        back=False,  # `import a` remains beside `import a.b`
        expect={"client.py": "import a, x.y\nRESULT = x.y.f(), a.V\n"},
    )


def test_case_06_alias_module(move: Any) -> None:
    move(
        {**B, "client.py": "import a.b as m\nRESULT = m.f()\n"},
        M,
        expect={"client.py": "import x.y as m\nRESULT = m.f()\n"},
    )


def test_case_06_alias_symbol(move: Any) -> None:
    move(
        {**B, "client.py": "import a.b as m\nRESULT = m.f(), m.g()\n"},
        S,
        definitions=F_MOVED,
        back=False,
        expect={"client.py": "import a.b as m, x.y\nRESULT = x.y.f(), m.g()\n"},
    )


def test_case_07_module_from_parent_keeps_local_name(move: Any) -> None:
    move(
        {**B, "a/__init__.py": "k = 1\n", "client.py": "from a import b, k\nRESULT = b.f(), k\n"},
        M,
        back=False,
        expect={"client.py": "from a import k\nfrom x import y as b\nRESULT = b.f(), k\n"},
    )


def test_case_07_symbol_of_a_module_from_parent(move: Any) -> None:
    move(
        {**B, "client.py": "from a import b\nRESULT = b.f(), b.g()\n"},
        S,
        definitions=F_MOVED,
        back=False,
        expect={"client.py": "from a import b\nimport x.y\nRESULT = x.y.f(), b.g()\n"},
    )


def test_case_07_leaf_that_keeps_its_name(move: Any) -> None:
    move(
        {**B, "client.py": "from a import b as c\nfrom a import b\nRESULT = b.f(), c.f()\n"},
        {"a.b": "x.b"},
        expect={"client.py": "from x import b as c\nfrom x import b\nRESULT = b.f(), c.f()\n"},
    )


def test_case_08_multi_import_line(move: Any) -> None:
    move(
        {**B, "client.py": "import a.b, os\nRESULT = a.b.f(), os.sep\n"},
        M,
        expect={"client.py": "import x.y, os\nRESULT = x.y.f(), os.sep\n"},
    )


def test_case_08_multi_import_line_symbol(move: Any) -> None:
    move(
        {**B, "client.py": "import os, a.b\nRESULT = a.b.f(), os.sep\n"},
        S,
        definitions=F_MOVED,
        expect={"client.py": "import os, x.y\nRESULT = x.y.f(), os.sep\n"},
    )


def test_case_09_chain_through_the_parent(move: Any) -> None:
    move(
        {**B, "other.py": "import a.b\n", "client.py": "import other\nimport a\nRESULT = a.b.f()\n"},
        M,
        codes=["RELOC003"],
        expect={"client.py": "import other\nimport x.y\nRESULT = x.y.f()\n"},
        back=False,  # the import that was missing stays
    )


def test_case_10_submodule_that_another_file_loaded(move: Any) -> None:
    files = {
        "a/__init__.py": "",
        "a/b.py": "v = 7\n",
        "a/c.py": "w = 8\n",
        "first.py": "import a.b\n",
        "client.py": "import first\nimport a.c\nRESULT = a.b.v, a.c.w\n",
    }
    move(
        files,
        M,
        codes=["RELOC003"],
        back=False,
        expect={"client.py": "import first\nimport a.c, x.y\nRESULT = x.y.v, a.c.w\n"},
    )


def test_case_10_loaded_by_the_moved_import(move: Any) -> None:
    files = {
        "a/__init__.py": "",
        "a/b.py": "import a.c\nv = 7\n",
        "a/c.py": "w = 8\n",
        "client.py": "import a.b\nRESULT = a.b.v, a.c.w\n",
    }
    move(files, M, back=False, expect={"client.py": "import a, x.y\nRESULT = x.y.v, a.c.w\n"})


def test_case_11_prefix_boundary(move: Any) -> None:
    files = {
        **B,
        "a/bc.py": "v = 1\n",
        "a/b_old.py": "v = 2\n",
        "client.py": "import a.bc, a.b_old\nfrom a.b_old import v\nfrom a import bc\n"
        "RESULT = a.bc.v, a.b_old.v, v, bc.v\n",
    }
    move(files, M, unchanged=["client.py"])


def test_case_12_longest_match_wins(move: Any) -> None:
    files = {
        "a/__init__.py": "",
        "a/k.py": "v = 1\n",
        "a/b/__init__.py": "",
        "a/b/c.py": "def f():\n    return 2\n",
        "client.py": "from a.b.c import f\nfrom a.k import v\nimport a.b.c, a.k\n"
        "RESULT = f(), v, a.b.c.f(), a.k.v\n",
    }
    move(
        files,
        {"a/k.py": "x/k.py", "a/b": "z/w"},
        expect={
            "client.py": "from z.w.c import f\nfrom x.k import v\nimport z.w.c, x.k\n"
            "RESULT = f(), v, z.w.c.f(), x.k.v\n"
        },
    )


def test_case_13_swap(move: Any) -> None:
    files = {
        "a/__init__.py": "",
        "a/p.py": "v = 'p'\n",
        "a/q.py": "v = 'q'\n",
        "client.py": "from a.p import v as p\nimport a.q\nfrom a import p as m\nRESULT = p, a.q.v, m.v\n",
    }
    move(
        files,
        {"a.p": "a.q", "a.q": "a.p"},
        expect={
            "client.py": "from a.q import v as p\nimport a.p\nfrom a import q as m\nRESULT = p, a.p.v, m.v\n"
        },
    )


def test_case_13_chain(move: Any) -> None:
    files = {
        "a/__init__.py": "",
        "a/p.py": "v = 'p'\n",
        "a/q.py": "from . import p\nv = 'q' + p.v\n",
        "client.py": "import a.p\nimport a.q\nRESULT = a.p.v, a.q.v\n",
    }
    move(
        files,
        {"a.p": "a.q", "a.q": "a.r"},
        expect={"client.py": "import a.q\nimport a.r\nRESULT = a.q.v, a.r.v\n"},
        back=False,  # `from . import q as p` keeps its alias on the way back
    )
