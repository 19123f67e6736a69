"""Groups: what moves together with a symbol."""

from __future__ import annotations

FILES = {
    "app/a.py": '''
        """Sums."""

        import math
        import os

        RATE = 3  # per cent


        # How much we owe,
        # rounded.
        @staticmethod
        def debt(x):
            """Debt."""
            return round(x * math.pi, RATE_DIGITS)
            # to the cent


        RATE_DIGITS = 2


        def cwd():
            return os.sep
        ''',
    "app/b.py": '''
        """Other sums."""

        import sys


        def half(x):
            return x / 2
        ''',
    "client.py": """
        from app.a import RATE, cwd, debt
        import app.a

        RESULT = [debt(2), RATE, cwd(), app.a.debt(1), app.a.cwd()]
        """,
}


def test_case_42_symbols_a_function_takes_comments_decorators_imports_and_its_own_constant_along(
    make_tree, move
) -> None:
    tree = make_tree(FILES)
    prepared = move(
        tree,
        {"app.a:debt": "app.b"},
        clients=["client"],
        expect={
            "app/a.py": '''
                """Sums."""

                import os

                RATE = 3  # per cent


                def cwd():
                    return os.sep
                ''',
            "app/b.py": '''
                """Other sums."""

                import math
                import sys


                def half(x):
                    return x / 2


                # How much we owe,
                # rounded.
                @staticmethod
                def debt(x):
                    """Debt."""
                    return round(x * math.pi, RATE_DIGITS)
                    # to the cent


                RATE_DIGITS = 2
                ''',
            "client.py": """
                from app.a import RATE, cwd
                from app.b import debt
                import app.a, app.b

                RESULT = [debt(2), RATE, cwd(), app.b.debt(1), app.a.cwd()]
                """,
        },
    )
    assert [str(r) for r in prepared.symbols] == [
        "app.a:RATE_DIGITS -> app.b:RATE_DIGITS",
        "app.a:debt -> app.b:debt",
    ]
    assert "SYMBOL005" in {f.code for f in prepared.findings}
    assert tree.prepare({"app.b:debt": "app.a"}).blocking == ()


def test_case_41_symbols_overloads_and_registered_variants_move_as_one(make_tree, move) -> None:
    tree = make_tree(
        {
            "app/a.py": """
                from functools import singledispatch
                from typing import overload


                @overload
                def twice(x: int) -> int: ...
                @overload
                def twice(x: str) -> str: ...
                def twice(x):
                    return x * 2


                @singledispatch
                def show(x):
                    return "any"


                @show.register
                def _(x: int):
                    return "int"


                @show.register(str)
                def show_text(x):
                    return "str"


                KEPT = 1
                """,
            "app/b.py": "",
            "client.py": """
                from app.a import twice, show, KEPT

                RESULT = [twice(2), twice("a"), show(1), show("a"), show(1.0), KEPT]
                """,
        }
    )
    prepared = move(
        tree,
        {"app.a:twice": "app.b", "app.a:show": "app.b"},
        clients=["client"],
        expect={
            "app/a.py": "KEPT = 1\n",
            "app/b.py": """
                from functools import singledispatch
                from typing import overload


                @overload
                def twice(x: int) -> int: ...
                @overload
                def twice(x: str) -> str: ...
                def twice(x):
                    return x * 2


                @singledispatch
                def show(x):
                    return "any"


                @show.register
                def _(x: int):
                    return "int"


                @show.register(str)
                def show_text(x):
                    return "str"
                """,
        },
    )
    assert "app.a:show_text -> app.b:show_text" in [str(r) for r in prepared.symbols]


def test_case_41_symbols_conditional_definitions_move_as_one_statement(make_tree, move) -> None:
    tree = make_tree(
        {
            "app/a.py": """
                import sys

                if sys.version_info >= (3, 0):

                    def text(x):
                        return str(x)

                else:

                    def text(x):
                        return x

                try:
                    import json
                except ImportError:
                    json = None


                def dump(x):
                    return json.dumps(x) if json else text(x)


                OTHER = json is None
                """,
            "app/b.py": '"""B."""\n',
            "client.py": """
                from app.a import dump, text, OTHER

                RESULT = [dump([1]), text(2), OTHER]
                """,
        }
    )
    move(
        tree,
        {"app.a:dump": "app.b", "app.a:text": "app.b"},
        clients=["client"],
        expect={
            "app/a.py": """
                try:
                    import json
                except ImportError:
                    json = None


                OTHER = json is None
                """,
            "app/b.py": '''
                """B."""

                import sys

                try:
                    import json
                except ImportError:
                    json = None

                if sys.version_info >= (3, 0):

                    def text(x):
                        return str(x)

                else:

                    def text(x):
                        return x


                def dump(x):
                    return json.dumps(x) if json else text(x)
                ''',
        },
    )


def test_case_41_symbols_statements_that_fill_a_variable_move_with_it(make_tree, move) -> None:
    tree = make_tree(
        {
            "app/a.py": """
                TABLE = {}
                TABLE["a"] = 1
                TABLE.update(b=2)
                LIMIT: int = 3
                LIMIT += 1
                X = 1
                """,
            "app/b.py": "Y = 2\n",
            "client.py": """
                import app.a
                from app import b

                RESULT = [app.a.TABLE, app.a.LIMIT, app.a.X, b.Y]
                """,
        }
    )
    move(
        tree,
        {"app.a:TABLE": "app.b", "app.a:LIMIT": "app.b:CEILING"},
        clients=["client"],
        expect={
            "app/a.py": "X = 1\n",
            "app/b.py": """
                Y = 2

                TABLE = {}
                TABLE["a"] = 1
                TABLE.update(b=2)
                CEILING: int = 3
                CEILING += 1
                """,
        },
    )


def test_case_41_symbols_two_names_of_one_statement_go_together_or_not_at_all(
    make_tree, move, refuse
) -> None:
    files = {
        "app/a.py": "A, B = 1, 2\n",
        "app/b.py": "",
        "client.py": "from app.a import A, B\nRESULT = [A, B]\n",
    }
    tree = make_tree(files)
    assert "move B to app.b, too" in refuse(tree, {"app.a:A": "app.b"}, "SYMBOL002")
    move(
        tree,
        {"app.a:A": "app.b", "app.a:B": "app.b"},
        clients=["client"],
        expect={"app/a.py": "", "app/b.py": "A, B = 1, 2\n"},
    )


def test_case_27_symbols_exports_follow_their_names(make_tree, move) -> None:
    tree = make_tree(
        {
            "app/a.py": """
                __all__ = ["f", "g"]


                def f():
                    return 1


                def g():
                    return 2
                """,
            "app/b.py": """
                __all__ = [
                    "a",
                    "h",
                ]


                def h():
                    return 3


                a = 1
                """,
            "star.py": """
                from app.a import *
                from app.b import *

                RESULT = [f(), g(), h(), a]
                """,
        }
    )
    move(
        tree,
        {"app.a:f": "app.b"},
        clients=["star"],
        expect={
            "app/a.py": """
                __all__ = ["g"]


                def g():
                    return 2
                """,
            "app/b.py": """
                __all__ = [
                    "a",
                    "f",
                    "h",
                ]


                def h():
                    return 3


                a = 1


                def f():
                    return 1
                """,
        },
    )
