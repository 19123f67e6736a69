"""Needs: what moved code uses, and what uses moved code."""

from __future__ import annotations

from hocmig.prepared_relocation import RelocationOptions


def test_case_42_symbols_a_shared_helper_is_imported_back(make_tree, move) -> None:
    tree = make_tree(
        {
            "app/a.py": """
                def _shared(x):
                    return x + 1


                def stays():
                    return _shared(1)


                def goes():
                    return _shared(2)
                """,
            "app/b.py": "from . import other\n\n\ndef there():\n    return other.X\n",
            "app/other.py": "X = 5\n",
            "client.py": """
                from app.a import goes, stays
                from app.b import there

                RESULT = [goes(), stays(), there()]
                """,
        }
    )
    move(
        tree,
        {"app.a:goes": "app.b"},
        clients=["client"],
        expect={
            "app/b.py": """
                from . import other
                from .a import _shared


                def there():
                    return other.X


                def goes():
                    return _shared(2)
                """,
            "client.py": """
                from app.a import stays
                from app.b import goes
                from app.b import there

                RESULT = [goes(), stays(), there()]
                """,
        },
    )


def test_case_42_symbols_an_import_back_that_makes_a_cycle_is_refused(make_tree, refuse) -> None:
    tree = make_tree(
        {
            "app/a.py": """
                def shared(x):
                    return x + 1


                def stays():
                    return shared(1) + goes()


                def goes():
                    return shared(2)
                """,
            "app/b.py": "",
        }
    )
    message = refuse(tree, {"app.a:goes": "app.b"}, "SYMBOL019")
    assert "shared" in message
    assert "goes" in message


def test_case_42_symbols_names_for_type_checkers_alone_make_no_cycle(make_tree, move) -> None:
    tree = make_tree(
        {
            "app/a.py": """
                from __future__ import annotations

                from typing import TYPE_CHECKING

                if TYPE_CHECKING:
                    from collections.abc import Iterable


                class Base:
                    def made(self) -> Made:
                        return make(self)


                class Made:
                    def __init__(self, base: Base, more: Iterable[int]) -> None:
                        self.name = type(base).__name__, list(more)


                def make(base: Base) -> Made:
                    return Made(base, [1])
                """,
            "app/b.py": '"""B."""\n',
            "client.py": """
                from app.a import Base, Made

                RESULT = [Base().made().name, Made.__name__]
                """,
        }
    )
    move(
        tree,
        {"app.a:Made": "app.b"},
        clients=["client"],
        expect={
            "app/a.py": """
                from __future__ import annotations

                from app.b import Made


                class Base:
                    def made(self) -> Made:
                        return make(self)


                def make(base: Base) -> Made:
                    return Made(base, [1])
                """,
            "app/b.py": '''
                """B."""

                from __future__ import annotations

                from typing import TYPE_CHECKING

                if TYPE_CHECKING:
                    from app.a import Base
                    from collections.abc import Iterable


                class Made:
                    def __init__(self, base: Base, more: Iterable[int]) -> None:
                        self.name = type(base).__name__, list(more)
                ''',
        },
    )


def test_case_42_symbols_remaining_users_import_the_name_from_its_new_home(make_tree, move) -> None:
    tree = make_tree(
        {
            "app/a.py": """
                import os


                def goes():
                    return os.sep


                def stays():
                    return goes()
                """,
            "app/b.py": "import os\n\nSEP = os.sep\n",
            "client.py": "from app.a import stays\nRESULT = stays()\n",
        }
    )
    move(
        tree,
        {"app.a:goes": "app.b:gone"},
        clients=["client"],
        expect={
            "app/a.py": """
                from app.b import gone as goes


                def stays():
                    return goes()
                """,
            "app/b.py": """
                import os

                SEP = os.sep


                def gone():
                    return os.sep
                """,
        },
    )


def test_case_42_symbols_a_recursive_function_is_renamed_in_its_own_text(make_tree, move) -> None:
    tree = make_tree(
        {
            "app/a.py": """
                def fact(n: int) -> "int":
                    return n * fact(n - 1) if n else 1


                SIX = fact(3)
                """,
            "app/b.py": "",
            "client.py": "import app.a as m\nRESULT = m.fact(4) + m.SIX\n",
        }
    )
    move(
        tree,
        {"app.a:fact": "app.b:factorial", "app.a:SIX": "app.b"},
        clients=["client"],
        expect={
            "app/b.py": """
                def factorial(n: int) -> "int":
                    return n * factorial(n - 1) if n else 1


                SIX = factorial(3)
                """,
        },
    )


def test_case_55_symbols_the_target_uses_what_it_imported_before(make_tree, move) -> None:
    tree = make_tree(
        {
            "app/a.py": """
                from app.c import Root


                class Base(Root):
                    x = 1


                Y = 2
                """,
            "app/b.py": """
                from app.a import Base, Y
                import app.a


                class Derived(Base):
                    y = Y


                def again():
                    return app.a.Base
                """,
            "app/c.py": "class Root: pass\n",
            "client.py": """
                from app.b import Derived, again

                RESULT = [Derived.x, Derived.y, again().__name__]
                """,
        }
    )
    move(
        tree,
        {"app.a:Base": "app.b"},
        clients=["client"],
        expect={
            "app/a.py": "Y = 2\n",
            "app/b.py": """
                from app.a import Y
                from app.c import Root


                class Base(Root):
                    x = 1


                class Derived(Base):
                    y = Y


                def again():
                    return Base
                """,
        },
    )


def test_case_37_symbols_names_that_clash_get_an_alias_or_refuse(make_tree, move, refuse) -> None:
    tree = make_tree(
        {
            "app/a.py": """
                from app.c import value


                def goes():
                    return value


                def busy():
                    return 1
                """,
            "app/b.py": """
                from app.d import value


                def there():
                    return value


                def busy():
                    return 2
                """,
            "app/c.py": "value = 1\n",
            "app/d.py": "value = 2\n",
            "client.py": """
                from app.a import goes
                from app.b import there

                RESULT = [goes(), there()]
                """,
        }
    )
    assert "app.b has a busy of its own (line 8)" in refuse(tree, {"app.a:busy": "app.b"}, "SYMBOL004")
    move(
        tree,
        {"app.a:goes": "app.b"},
        clients=["client"],
        expect={
            "app/b.py": """
                from app.c import value as c_value
                from app.d import value


                def there():
                    return value


                def busy():
                    return 2


                def goes():
                    return c_value
                """,
        },
    )


def test_case_36_symbols_a_name_that_hides_a_builtin_of_the_target_is_refused(make_tree, refuse) -> None:
    tree = make_tree(
        {
            "app/a.py": "def filter(x):\n    return x\n\n\ndef use():\n    return sorted([2, 1])\n",
            "app/b.py": "def run(x):\n    return list(filter(None, x))\n\n\ndef sorted(x):\n    return x\n",
        }
    )
    assert "built-in" in refuse(tree, {"app.a:filter": "app.b"}, "SYMBOL004")
    assert "sorted" in refuse(tree, {"app.a:use": "app.b"}, "SYMBOL010")


def test_case_40_symbols_module_state_moves_together_or_not_at_all(make_tree, move, refuse) -> None:
    files = {
        "app/a.py": """
            COUNT = 0


            def bump():
                global COUNT
                COUNT += 1
                return COUNT


            def read():
                return COUNT
            """,
        "app/b.py": "",
        "client.py": """
            from app import a

            RESULT = [a.bump(), a.bump(), a.read(), a.COUNT]
            """,
    }
    tree = make_tree(files)
    assert "move COUNT and bump together" in refuse(tree, {"app.a:bump": "app.b"}, "SYMBOL003")
    assert "move COUNT and bump together" in refuse(tree, {"app.a:COUNT": "app.b"}, "SYMBOL003")
    both = {"app.a:COUNT": "app.b", "app.a:bump": "app.b"}
    assert "stale" in refuse(tree, both, "SYMBOL003")
    move(tree, {**both, "app.a:read": "app.b"}, clients=["client"])


def test_case_40_symbols_a_variable_that_others_set_is_not_copied(make_tree, refuse) -> None:
    tree = make_tree(
        {
            "app/a.py": "FLAG = False\n\n\ndef read():\n    return FLAG\n",
            "app/b.py": "",
            "writer.py": "from app import a\n\na.FLAG = True\n",
        }
    )
    assert "writer.py:3" in refuse(tree, {"app.a:FLAG": "app.b"}, "SYMBOL003")
    assert "writer.py:3" in refuse(tree, {"app.a:read": "app.b"}, "SYMBOL003")


def test_case_56_symbols_imports_that_others_take_from_the_source_stay(make_tree, move) -> None:
    tree = make_tree(
        {
            "app/a.py": """
                import json
                import math
                import os  # noqa: F401
                import re
                import sys


                def goes():
                    return json.dumps([math.pi, os.sep, re.escape("."), sys.maxsize > 0])
                """,
            "app/b.py": "",
            "client.py": """
                from app.a import goes, json
                import app.a as m

                RESULT = [goes(), json.dumps(1), m.math.e, m.re.escape("+")]
                """,
        }
    )
    move(
        tree,
        {"app.a:goes": "app.b"},
        clients=["client"],
        expect={"app/a.py": "import json\nimport math\nimport os  # noqa: F401\nimport re\n"},
    )


def test_case_19_symbols_star_imports_of_the_source_become_explicit(make_tree, move) -> None:
    tree = make_tree(
        {
            "app/a.py": "from app.c import *\n\n\ndef goes():\n    return VALUE\n",
            "app/b.py": "",
            "app/c.py": "VALUE = 7\n",
            "client.py": "from app.a import goes\nRESULT = goes()\n",
        }
    )
    move(
        tree,
        {"app.a:goes": "app.b"},
        clients=["client"],
        expect={"app/b.py": "from app.c import VALUE\n\n\ndef goes():\n    return VALUE\n"},
    )


def test_case_13_symbols_exchanged_symbols(make_tree, move) -> None:
    tree = make_tree(
        {
            "app/a.py": "def f():\n    return 1\n\n\ndef keep_a():\n    return f() + g()\n\n\n"
            "from app.b import g\n",
            "app/b.py": "def g():\n    return 2\n\n\ndef keep_b():\n    return g()\n",
            "client.py": "from app.a import f, keep_a\nfrom app.b import g\nRESULT = [f(), g(), keep_a()]\n",
        }
    )
    move(tree, {"app.b:g": "app.c", "app.a:f": "app.c"}, clients=["client"])


def test_case_34_symbols_line_ends_tabs_and_encodings_stay(make_tree, move) -> None:
    tree = make_tree(
        {
            "app/a.py": "# -*- coding: latin-1 -*-\r\nX = 'é'\r\n\r\n\r\ndef f():\r\n\treturn 'a'\r\n".encode(
                "latin-1"
            ),
            "app/b.py": b"\xef\xbb\xbfY = 1",
            "client.py": "from app.a import f, X\nRESULT = [f(), X]\n",
        }
    )
    move(tree, {"app.a:f": "app.b"}, clients=["client"])
    assert (tree.root / "app/a.py").read_bytes() == "# -*- coding: latin-1 -*-\r\nX = 'é'\r\n".encode(
        "latin-1"
    )
    assert (tree.root / "app/b.py").read_bytes() == b"\xef\xbb\xbfY = 1\n\n\ndef f():\n\treturn 'a'\n"


def test_case_52_symbols_a_new_module_is_made(make_tree, move) -> None:
    tree = make_tree(
        {
            "app/a.py": "import os\n\n\ndef f():\n    return os.sep\n\n\ndef g():\n    return f()\n",
            "client.py": "from app.a import f, g\nRESULT = [f(), g()]\n",
        }
    )
    move(
        tree,
        {"app.a:f": "app.new.home"},
        clients=["client"],
        expect={
            "app/a.py": "from app.new.home import f\n\n\ndef g():\n    return f()\n",
            "app/new/home.py": "import os\n\n\ndef f():\n    return os.sep\n",
            "app/new/__init__.py": "",
        },
    )


def test_what_does_not_exist_is_refused(make_tree, refuse) -> None:
    tree = make_tree({"app/a.py": "from os import sep\nX = 1\n", "app/b.py": "", "app/c.py": "def ("})
    assert "it defines X" in refuse(tree, {"app.a:absent": "app.b"}, "SYMBOL001")
    assert "imported from os" in refuse(tree, {"app.a:sep": "app.b"}, "SYMBOL001")
    assert "no such module" in refuse(tree, {"app.zzz:f": "app.b"}, "SYMBOL001")
    assert "cannot be parsed" in refuse(tree, {"app.a:X": "app.c"}, "SYMBOL001")


def test_case_14_symbols_late_imports_stay_late(make_tree, move, refuse) -> None:
    tree = make_tree(
        {
            "app/a.py": "def f():\n    return g()\n\n\nX = 1\n\nfrom app.c import g\n",
            "app/b.py": "",
            "app/c.py": "from app.a import f\n\n\ndef g():\n    return f.__name__\n",
            "client.py": "from app.a import f, X\nRESULT = [f(), X]\n",
        }
    )
    assert "app/b.py" in refuse(tree, {"app.a:f": "app.b"}, "CYCLE002")
    move(
        tree,
        {"app.a:f": "app.b"},
        clients=["client"],
        expect={"app/b.py": "def f():\n    return g()\n\nfrom app.c import g\n"},
        options=RelocationOptions(allow=frozenset({"CYCLE002"})),
    )


def test_a_failure_at_import_time_is_not_hidden_by_a_deferred_cycle(make_tree, refuse) -> None:
    """Found on python-docx: packages run before what is imported, beside a cycle through a function."""
    tree = make_tree(
        {
            "app/__init__.py": "from app import image\n",
            "app/image/__init__.py": "from app.image.bmp import Bmp\n\nKINDS = [Bmp]\n",
            "app/image/bmp.py": "from app.image.base import Header\n\n\nclass Bmp(Header):\n    pass\n",
            "app/image/base.py": (
                "class Header:\n    pass\n\n\ndef kinds():\n    from app.image import KINDS\n\n"
                "    return KINDS\n"
            ),
            "app/core/props.py": "from app.xml.parts import PART\n\nX = PART\n",
            "app/xml/__init__.py": "from app.image.bmp import Bmp\n\nNAMES = [Bmp]\n",
            "app/xml/parts.py": "PART = 1\n",
            "client.py": "from app.core.props import X\nRESULT = X\n",
        }
    )
    assert tree.results(["client"]) == {"client": "1"}
    assert "importing it fails" in refuse(tree, {"app.image.bmp:Bmp": "app.core.props"}, "CYCLE001")


def test_case_44_symbols_patched_names_are_patched_where_they_are_looked_up(make_tree, move) -> None:
    tree = make_tree(
        {
            "app/a.py": """
                import json
                from app.c import rate


                def name():
                    return "real"


                def stays():
                    return name()


                def goes():
                    return json.dumps(rate())
                """,
            "app/b.py": "",
            "app/c.py": "def rate():\n    return 3\n",
            "client.py": """
                from unittest.mock import patch

                from app.a import goes, stays

                with patch("app.a.name", return_value="fake"), patch("app.a.rate", return_value=4):
                    with patch("app.a.json.dumps", side_effect=str):
                        RESULT = [stays(), goes()]
                """,
        }
    )
    move(tree, {"app.a:name": "app.b", "app.a:goes": "app.d"}, clients=["client"])
    text = tree.read("client.py")
    assert 'patch("app.a.name"' in text
    assert 'patch("app.d.rate"' in text
    assert 'patch("app.d.json.dumps"' in text
