"""Groups: what moves together with a symbol."""

from __future__ import annotations

from collections.abc import Callable

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
    "client.py": '''
        from app.a import RATE, cwd, debt
        import app.a

        RESULT = [debt(2), RATE, cwd(), app.a.debt(1), app.a.cwd()]
        ''',
}


def test_a_function_takes_comments_decorators_imports_and_its_own_constant_along(make_tree, move) -> None:
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
            "client.py": '''
                from app.a import RATE, cwd
                from app.b import debt
                import app.a, app.b

                RESULT = [debt(2), RATE, cwd(), app.b.debt(1), app.a.cwd()]
                ''',
        },
    )
    assert [str(r) for r in prepared.symbols] == ["app.a:RATE_DIGITS -> app.b:RATE_DIGITS", "app.a:debt -> app.b:debt"]
    assert "SYMBOL005" in {f.code for f in prepared.findings}
    assert tree.prepare({"app.b:debt": "app.a"}).blocking == ()
