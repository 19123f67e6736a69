"""The facts of functions that are read from their text, and what leads to a deferred import by them."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import pytest

from analyzers import called_imports
from analyzers.function_calls import FunctionFacts
from analyzers.import_graph import ImportGraph
from analyzers.import_time_calls import CallFacts, import_time_calls

#: Called or read in ways that a glance at the text may miss.
HIDDEN = [
    "    return sorted(x, key=itemgetter(1))\n",
    "    return map(made[0], x)\n",
    "    return (run)(x)\n",
    "    return (\n        run  # run it\n        # now\n        (x)\n    )\n",
    "    return (\n        x.  # of it\n        part\n    )\n",
    "    return made[0], (made[0]  # the first\n        (x))\n",
    '    return ".#" + x.part, "(#", run(x)\n',
    "    return (map)(run, x)\n",
    "    return x.नमस्ते + वर्णन(x) + x.ﬁne + e\u0301te\u0301(x)\n",
    "    return x.a·b + a·b(x)\n",
]


def _facts(text: str) -> CallFacts:
    facts = import_time_calls(text)
    assert facts is not None
    return facts


def _function(body: str) -> FunctionFacts:
    return _facts(f"def f(x):\n{body}").top["f"]


def _deeper(levels: int, ask: Callable[[], object]) -> object:
    return _deeper(levels - 1, ask) if levels else ask()


@pytest.mark.parametrize("body", HIDDEN)
def test_the_words_of_a_function_hold_all_that_it_calls_or_reads(body: str) -> None:
    function = _function(body)
    found = {chain[-1] for chain in function.calls} | function.reads
    assert found
    assert found <= function.words


@pytest.mark.parametrize(
    "body",
    [
        "    try:\n        import fast as made\n    except ImportError:\n        import slow as made\n",
        "    if x:\n        import fast as made\n    else:\n        import slow as made\n",
        "    import slow as made\n    if x:\n        import fast as made\n",
    ],
)
def test_of_two_imports_of_a_name_the_one_counts_that_does_not_stand_in_for_the_other(body: str) -> None:
    assert _function(body).imported == {"made": (0, "fast", "")}


def test_what_is_nested_almost_too_deeply_is_read_anywhere() -> None:
    """How deep Python can parse depends on the stack: what was parsed once may fail where that is deeper."""
    met = set()
    for depth in range(100, 4000, 100):
        facts = import_time_calls(f"def f(x):\n    x.kept = {'-' * depth}run()\n")
        if facts is not None:
            calls = _deeper(60, lambda facts=facts: facts.top["f"].calls)
            met.add((calls, _deeper(60, lambda facts=facts: facts.gives("kept"))))
    assert met <= {(frozenset({("run",)}), True), (frozenset(), True), (frozenset(), False)}
    assert (frozenset({("run",)}), True) in met


def test_a_given_attribute_is_found_by_the_name_that_python_compares() -> None:
    assert _facts("def f(x):\n    x.ﬁne = 1\n").gives("fine")


def test_functions_that_lead_nowhere_do_not_count(trees: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """They import, have inner functions and write the name of what imports, and lead to no import here."""
    aside = 'import json\n    def inner(): ...\n    return "x.late()"\n'
    files = {
        "home.py": "def run():\n    aside()\n    late()\n"
        f"def aside():\n    {aside}"
        "def late():\n    from user import U\n",
        "user.py": "from home import run\nrun()\nU = 1\n",
    }
    graph = ImportGraph(trees.index_of(files))
    monkeypatch.setattr(called_imports, "_MOST_FUNCTIONS", 2)
    found = called_imports.called_imports(graph, files, cache(lambda path: import_time_calls(files[path])))
    assert [(path, step.edge.importer) for path, steps in found.items() for step in steps] == [
        ("user.py", "home.py")
    ]
