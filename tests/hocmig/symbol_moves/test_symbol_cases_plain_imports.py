"""One plain import that becomes several others."""

from __future__ import annotations

import pytest

FILES = {
    "app/a.py": "def f():\n    return 1\n\n\ndef g():\n    return 2\n\n\ndef h():\n    return 3\n",
    "app/b.py": "",
    "app/c.py": "",
}
MOVES = {"app.a:f": "app.b", "app.a:g": "app.c"}
CASES = {
    "alone": (
        "import app.a\n\nRESULT = app.a.f(), app.a.g()\n",
        "import app.b\nimport app.c\n\nRESULT = app.b.f(), app.c.g()\n",
    ),
    "with white space of its own": (
        "import  app.a\n\nRESULT = app.a.f(), app.a.g()\n",
        "import  app.b\nimport app.c\n\nRESULT = app.b.f(), app.c.g()\n",
    ),
    "in a function": (
        "def run():\n    import app.a\n\n    return app.a.f(), app.a.g()\n\n\nRESULT = run()\n",
        "def run():\n    import app.b\n    import app.c\n\n"
        "    return app.b.f(), app.c.g()\n\n\nRESULT = run()\n",
    ),
    "on a line with others": (
        "X = 1; import app.a; Y = 2\nRESULT = app.a.f(), app.a.g()\n",
        "X = 1; import app.b; import app.c; Y = 2\nRESULT = app.b.f(), app.c.g()\n",
    ),
    "beside what stays": (
        "import app.a\n\nRESULT = app.a.f(), app.a.h()\n",
        "import app.a, app.b\n\nRESULT = app.b.f(), app.a.h()\n",
    ),
    "in a list": (
        "import app.a, sys\n\nRESULT = app.a.f(), app.a.g(), sys.maxsize\n",
        "import app.b, sys, app.c\n\nRESULT = app.b.f(), app.c.g(), sys.maxsize\n",
    ),
}


@pytest.mark.parametrize(("before", "after"), CASES.values(), ids=CASES)
def test_one_import_that_becomes_several_is_several_statements(
    before: str, after: str, make_tree, move
) -> None:
    """What stays keeps the new one beside it, as the import-rewriting case 5 says."""
    tree = make_tree({**FILES, "client.py": before})
    move(tree, MOVES, clients=["client"], expect={"client.py": after})
