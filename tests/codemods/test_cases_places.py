"""Import-rewriting cases 14 to 19 and 28 to 34: where a statement stands, and what stands around it."""

from __future__ import annotations

from typing import Any

import pytest

from analyzers.file_rewriting import FileRewriter
from codemods._statement_splice import rewritten_text

B = {"a/__init__.py": "", "a/b.py": "def f():\n    return 'f'\n\n\ndef g():\n    return 'g'\n"}
M = {"a.b": "x.y"}
S = {"a.b:f": "x.y:f"}
F_MOVED = {
    "a/b.py": "def g():\n    return 'g'\n",
    "x/y.py": "def f():\n    return 'f'\n",
    "x/__init__.py": "",
}


def both(move: Any, text: str, module: str, symbol: str, **options: Any) -> None:
    """The same client with a moved module and with a moved symbol."""
    move({**B, "client.py": text}, M, expect={"client.py": module}, **options)
    options["back"] = False
    (path := options.pop("root", None))
    assert path is None
    move({**B, "client.py": text}, S, definitions=F_MOVED, expect={"client.py": symbol}, **options)


def test_case_14_function_local_stays_in_place(move: Any) -> None:
    both(
        move,
        "def h():\n    from a.b import f, g\n    return f(), g()\nRESULT = h()\n",
        "def h():\n    from x.y import f, g\n    return f(), g()\nRESULT = h()\n",
        "def h():\n    from a.b import g\n    from x.y import f\n    return f(), g()\nRESULT = h()\n",
    )


def test_case_14_function_local_dotted(move: Any) -> None:
    both(
        move,
        "def h():\n    import a.b\n    return [a.b.f() for _ in 'ab'], (lambda: a.b.f())()\nRESULT = h()\n",
        "def h():\n    import x.y\n    return [x.y.f() for _ in 'ab'], (lambda: x.y.f())()\nRESULT = h()\n",
        "def h():\n    import x.y\n    return [x.y.f() for _ in 'ab'], (lambda: x.y.f())()\nRESULT = h()\n",
    )


def test_case_15_guarded_by_type_checking(move: Any) -> None:
    head = "from typing import TYPE_CHECKING\nif TYPE_CHECKING or True:\n"
    both(
        move,
        head + "    from a.b import f, g\nRESULT = f(), g()\n",
        head + "    from x.y import f, g\nRESULT = f(), g()\n",
        head + "    from a.b import g\n    from x.y import f\nRESULT = f(), g()\n",
    )


@pytest.mark.parametrize(
    "text",
    [
        "try:\n    from {} import f\nexcept ImportError:\n    f = None\nRESULT = f()\n",
        "try:\n    import nothing_like_it as f\nexcept ImportError:\n    from {} import f\nRESULT = f()\n",
        "try:\n    pass\nexcept ImportError:\n    pass\nelse:\n    from {} import f\nRESULT = f()\n",
        "try:\n    pass\nfinally:\n    from {} import f\nRESULT = f()\n",
        "import contextlib\nwith contextlib.suppress(ImportError):\n    from {} import f\nRESULT = f()\n",
    ],
)
def test_case_16_fallback_branches(move: Any, text: str) -> None:
    both(move, text.format("a.b"), text.format("x.y"), text.format("x.y"))


def test_case_16_alias_of_a_third_party_module_and_its_own_copy(move: Any) -> None:
    move(
        {
            "pkg/__init__.py": "",
            "pkg/roman.py": "def f():\n    return 'IV'\n",
            "client.py": "try:\n    import roman_not_installed as roman\nexcept ImportError:\n"
            "    import pkg.roman as roman\nRESULT = roman.f()\n",
        },
        {"pkg.roman": "pkg.utils.roman"},
        expect={
            "client.py": "try:\n    import roman_not_installed as roman\nexcept ImportError:\n"
            "    import pkg.utils.roman as roman\nRESULT = roman.f()\n"
        },
    )


def test_case_16_dotted_with_a_none_fallback(move: Any) -> None:
    both(
        move,
        "try:\n    import a.b\nexcept ImportError:\n    a = None\nRESULT = a.b.f() if a is not None else 0\n",
        "try:\n    import a, x.y\nexcept ImportError:\n    a = None\n"
        "RESULT = x.y.f() if a is not None else 0\n",
        "try:\n    import a.b, x.y\nexcept ImportError:\n    a = None\n"
        "RESULT = x.y.f() if a is not None else 0\n",
        back=False,
    )


def test_case_17_version_guard_changes_one_branch(move: Any) -> None:
    text = (
        "import sys\nif sys.version_info >= (3, 2): from {} import f\nelse: from old import f\nRESULT = f()\n"
    )
    both(move, text.format("a.b"), text.format("x.y"), text.format("x.y"))


def test_case_17_two_platforms_load_only_their_own(move: Any) -> None:
    text = (
        "import sys\nif sys.platform == 'nonesuch':\n    import {0}.win\nelse:\n    import {0}.posix\n"
        "RESULT = {0}.win.v if sys.platform == 'nonesuch' else {0}.posix.v\n"
    )
    move(
        {
            "plat/__init__.py": "",
            "plat/win.py": "raise ImportError('not here')\n",
            "plat/posix.py": "v = 1\n",
            "client.py": text.format("plat"),
        },
        {"plat": "core/plat"},
        expect={"client.py": text.format("core.plat")},
    )


def test_case_18_class_body(move: Any) -> None:
    text = "class C:\n    from {} import f\n    v = f()\nRESULT = C.v\n"
    both(move, text.format("a.b"), text.format("x.y"), text.format("x.y"))


def test_case_18_class_body_dotted(move: Any) -> None:
    text = "class C:\n    import {0}\n    v = {0}.f()\nRESULT = C.v\n"
    both(move, text.format("a.b"), text.format("x.y"), text.format("x.y"))


def test_case_19_star_module(move: Any) -> None:
    move(
        {**B, "client.py": "from a.b import *\nRESULT = f()\n"},
        M,
        expect={"client.py": "from x.y import *\nRESULT = f()\n"},
    )


def test_case_19_star_symbol_that_is_used(move: Any) -> None:
    move(
        {**B, "client.py": "from a.b import *\nRESULT = f(), g()\n"},
        S,
        definitions=F_MOVED,
        back=False,
        expect={"client.py": "from a.b import *\nfrom x.y import f\nRESULT = f(), g()\n"},
    )


def test_case_19_star_symbol_that_is_not_used(move: Any) -> None:
    files = {**B, "client.py": "from a.b import *\nRESULT = g()\n"}
    move(files, S, definitions=F_MOVED, unchanged=["client.py"])


def test_case_19_star_symbol_that_is_re_exported(move: Any) -> None:
    files = {**B, "mid.py": "from a.b import *\n", "client.py": "from mid import f\nRESULT = f()\n"}
    move(
        files,
        S,
        definitions=F_MOVED,
        back=False,
        unchanged=["client.py"],
        expect={"mid.py": "from a.b import *\nfrom x.y import f\n"},
    )


def test_case_19_module_that_came_through_a_star(move: Any) -> None:
    files = {
        "a/__init__.py": "",
        "a/b.py": "v = 3\n",
        "mid.py": "import a.b\n",
        "client.py": "from mid import *\nRESULT = a.b.v\n",
    }
    move(files, M, clients=["client"], back=False, codes=["RELOC003"])


def test_case_19_submodule_in_all_of_its_package_is_reported(move: Any, tmp_path: Any) -> None:
    files = {
        "a/__init__.py": "__all__ = ['b']\n",
        "a/b.py": "v = 3\n",
        "client.py": "from a import *\nRESULT = 3\n",
    }
    result = move(files, M, clients=[], back=False, codes=["RELOC016"])
    assert [f.severity for f in result.findings] == ["error"]
    files["client.py"] = "from a import b\nRESULT = b.v\n"
    result = move(files, M, back=False, codes=["RELOC016"])
    assert [f.severity for f in result.findings] == ["warning"]


def test_case_29_lazy_statements(tmp_path: Any) -> None:
    from analyzers.file_facts import read_facts
    from analyzers.import_index import SourceIndex
    from analyzers.layout import ProjectLayout
    from analyzers.model import Relocation
    from analyzers.relocation_map import RelocationMap

    text = "lazy from a.b import f, g\nlazy import a.b\nlazy import a.b as m  # late\nV = a.b.f()\n"
    files = {"a/__init__.py": b"", "a/b.py": b"def f(): ...\ndef g(): ...\n", "client.py": text.encode()}
    index = SourceIndex.from_records(ProjectLayout(tmp_path), [read_facts(p, c) for p, c in files.items()])
    for relocation, wanted in (
        (
            Relocation("a.b", "x.y"),
            "lazy from x.y import f, g\nlazy import x.y\nlazy import x.y as m  # late\nV = x.y.f()\n",
        ),
        (
            Relocation("a.b", "x.y", "f", "f"),
            "lazy from a.b import g\nlazy from x.y import f\nlazy import x.y\n"
            "lazy import a.b as m  # late\nV = x.y.f()\n",
        ),
    ):
        rewriter = FileRewriter(index, RelocationMap([relocation]))
        assert rewritten_text(rewriter.plan("client.py", text.encode())) == wanted


def test_case_30_side_effect_import(move: Any) -> None:
    files = {
        "a/__init__.py": "",
        "registry.py": "found = []\n",
        "a/b.py": "import registry\nregistry.found.append('b')\n",
        "client.py": "import registry\nimport a.b  # noqa: F401\nRESULT = registry.found\n",
    }
    move(
        files,
        M,
        expect={"client.py": "import registry\nimport x.y  # noqa: F401\nRESULT = registry.found\n"},
    )


def test_case_30_side_effect_import_of_what_a_symbol_leaves(move: Any) -> None:
    files = {**B, "client.py": "import a.b  # noqa: F401\nRESULT = 1\n"}
    move(files, S, definitions=F_MOVED, unchanged=["client.py"])


def test_case_31_order_dependence(move: Any) -> None:
    text = (
        "import sys\nsys.path.insert(0, '/nowhere')\nfrom {0} import f\nRESULT = [f()]\n"
        "import {0}  # last\nRESULT.append({0}.f())\n"
    )
    both(
        move,
        text.format("a.b"),
        text.format("x.y"),
        text.format("x.y")
        .replace("import x.y  #", "import a.b  #")
        .replace("  # last\n", ", x.y  # last\n")
        .replace("a.b, x.y", "a.b, x.y"),
    )


def test_case_32_comments_and_parentheses_module(move: Any) -> None:
    text = "from {} import (\n    f,  # keep\n    # above g\n    g,\n)  # type: ignore\nRESULT = f(), g()\n"
    move({**B, "client.py": text.format("a.b")}, M, expect={"client.py": text.format("x.y")})


def test_case_32_comments_and_parentheses_symbol(move: Any) -> None:
    text = "from a.b import (\n    f,  # keep\n    # above g\n    g,\n)  # all\nRESULT = f(), g()\n"
    wanted = (
        "from a.b import (\n    # above g\n    g,\n)  # all\nfrom x.y import (\n    f,  # keep\n)\n"
        "RESULT = f(), g()\n"
    )
    move({**B, "client.py": text}, S, definitions=F_MOVED, back=False, expect={"client.py": wanted})


def test_case_32_pragma_goes_along(move: Any) -> None:
    move(
        {**B, "client.py": "from a.b import f, g  # isort:skip\nRESULT = f(), g()\n"},
        S,
        definitions=F_MOVED,
        back=False,
        adds_comments=True,
        expect={
            "client.py": "from a.b import g  # isort:skip\nfrom x.y import f  # isort:skip\n"
            "RESULT = f(), g()\n"
        },
    )


def test_case_32_only_name_in_parentheses_inside_a_block(move: Any) -> None:
    text = "if True:\n    from {} import (\n        f,  # keep\n    )\n    pass\nRESULT = f()\n"
    both(move, text.format("a.b"), text.format("x.y"), text.format("x.y"))


def test_case_32_split_in_a_block_is_indented(move: Any) -> None:
    move(
        {
            **B,
            "client.py": "if True:\n\tfrom a.b import (\n\t\tf,  # one\n\t\tg,  # two\n\t)\n"
            "RESULT = f(), g()\n",
        },
        S,
        definitions=F_MOVED,
        back=False,
        expect={
            "client.py": "if True:\n\tfrom a.b import (\n\t\tg,  # two\n\t)\n"
            "\tfrom x.y import (\n\t    f,  # one\n\t)\nRESULT = f(), g()\n"
        },
    )


def test_case_33_middle_of_a_semicolon_line(move: Any) -> None:
    text = "import os; from {} import f; X = 1\nRESULT = f(), X\n"
    both(move, text.format("a.b"), text.format("x.y"), text.format("x.y"))


def test_case_33_split_in_a_semicolon_line(move: Any) -> None:
    move(
        {**B, "client.py": "import os; from a.b import f, g; X = 1;\nRESULT = f(), g(), X\n"},
        S,
        definitions=F_MOVED,
        back=False,
        expect={
            "client.py": "import os; from a.b import g; from x.y import f; X = 1;\nRESULT = f(), g(), X\n"
        },
    )


def test_case_33_one_line_suite(move: Any) -> None:
    both(
        move,
        "if True: import a.b\nelse: import os\nRESULT = a.b.f()\n",
        "if True: import x.y\nelse: import os\nRESULT = x.y.f()\n",
        "if True: import x.y\nelse: import os\nRESULT = x.y.f()\n",
    )


def test_case_33_backslash_continuations(move: Any) -> None:
    both(
        move,
        "if True: \\\n  import a.b, \\\n    os\nfrom a \\\n  .b import \\\n  f\n"
        "RESULT = a \\\n . b.f(), f()\n",
        "if True: \\\n  import x.y, \\\n    os\nfrom x.y import \\\n  f\nRESULT = x.y.f(), f()\n",
        "if True: \\\n  import x.y, \\\n    os\nfrom x.y import \\\n  f\nRESULT = x.y.f(), f()\n",
        back=False,
    )


FORMS = {
    "docstring": '"""Doc."""\nfrom __future__ import annotations\nfrom {} import f\nRESULT = f()\n',
    "shebang": "#!/usr/bin/env python\n# -*- coding: utf-8 -*-\nfrom {} import f\nRESULT = f(), 'é'\n",
    "bom": "\ufefffrom {} import f\nRESULT = f()\n",
    "crlf": "from {} import (\r\n    f,\r\n)\r\nRESULT = f()\r\n",
    "mixed line ends": "x = 1\r\nfrom {} import f\nRESULT = f()\r\n",
    "mixed line ends inside a statement": "from {} import (  # a\n    f,\r\n)\r\nRESULT = f()\r\n",
    "cr": "from {} import f\rRESULT = f()\r",
    "tabs": "if True:\n\tfrom {} import f\nRESULT = f()\n",
    "form feed": "x = 1\n\x0cfrom {} import f\n\x0cRESULT = f()\n",
    "leading form feed": "\x0cfrom {} import f\nRESULT = f()\n",
    "no final newline": "from {} import f; RESULT = f()",
    "trailing blanks": "from {} import f   \nRESULT = f()\n\n\n   \n",
}


@pytest.mark.parametrize("form", FORMS)
def test_case_34_bytes_outside_the_edit(move: Any, form: str) -> None:
    text = FORMS[form]
    both(move, text.format("a.b"), text.format("x.y"), text.format("x.y"))


def test_case_34_latin_1(move: Any) -> None:
    text = "# -*- coding: latin-1 -*-\nimport {0}\nV = 'é', {0}.f()\nRESULT = V\n"
    result = move(
        {**B, "client.py": text.format("a.b").encode("latin-1")},
        M,
    )
    assert result.files["client.py"] == text.format("x.y").encode("latin-1")


def test_case_34_new_name_that_the_encoding_cannot_express(move: Any) -> None:
    text = "# -*- coding: latin-1 -*-\nimport a.b\nRESULT = 1\n"
    with pytest.raises(UnicodeEncodeError):
        move({**B, "client.py": text.encode("latin-1")}, {"a.b": "x.ю"}, clients=[], back=False)


def test_case_34_non_ascii_before_a_use(move: Any) -> None:
    text = "import {0}\nRESULT = 'ю𝒳', {0}.f(), 'é' + {0}.g()\nñ = 1\n"
    move({**B, "client.py": text.format("a.b")}, M, expect={"client.py": text.format("x.y")})
