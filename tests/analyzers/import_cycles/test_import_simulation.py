"""A run that was kept and one that is run again come to the same."""

from __future__ import annotations

import random
import re
from functools import cache
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from analyzers.called_imports import called_imports
from analyzers.import_graph import ImportGraph
from analyzers.import_simulation import FoundFailures, Simulation
from analyzers.import_time_calls import import_time_calls
from analyzers.import_time_uses import import_time_uses

_IMPORT = re.compile(r"^(from|import) .*(?<!\*)$")
_FUNCTION = re.compile(r"^def (g\d+)\(\):")


class _WithoutMemory(Simulation):
    def _key(self, module: str, state: object) -> None:
        return None


def _with_branches_and_calls(text: str, rng: random.Random) -> str:
    """Some imports stand in branches, or in `try`, and some functions are called where they are defined."""
    lines: list[str] = []
    waiting = ""
    for line in (*text.splitlines(), ""):
        if waiting and not line.startswith(" "):
            lines.append(waiting)
            waiting = ""
        wrapped = rng.choice(("", "", "if N0:", "try:")) if _IMPORT.match(line) else ""
        lines += [wrapped, f"    {line}"] if wrapped else [line]
        if wrapped == "try:":
            lines += ["except ImportError:", "    pass"]
        if function := _FUNCTION.match(line):
            waiting = rng.choice((f"{function[1]}()", f"{function[1]}()", f"if N0: {function[1]}()", ""))
    return "\n".join(lines) + "\n"


def _both(trees: SimpleNamespace, seed: int, *, with_uses: bool) -> tuple[FoundFailures, FoundFailures]:
    rng = random.Random(seed)
    files = {p: _with_branches_and_calls(t, rng) for p, t in trees.random_package(rng).items()}
    graph = ImportGraph(trees.index_of(files))
    called = called_imports(graph, files, cache(lambda path: import_time_calls(files[path])))
    uses = (lambda path: import_time_uses(files[path])) if with_uses else None
    first = Simulation(graph, files, uses, called).failures()
    return first, _WithoutMemory(graph, files, uses, called).failures()


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(seed=st.integers(0, 10**9), with_uses=st.booleans())
# These differed while a kept run told of the branches and `try` of those who had waited for it first.
@example(seed=67, with_uses=True)
@example(seed=97, with_uses=True)
@example(seed=426, with_uses=False)
def test_kept_runs_come_to_what_running_again_comes_to(trees: Any, seed: int, with_uses: bool) -> None:
    kept, again = _both(trees, seed, with_uses=with_uses)
    assert kept == again


@pytest.mark.parametrize("with_uses", [False, True])
def test_the_random_trees_meet_failures_of_every_kind(trees: Any, with_uses: bool) -> None:
    """Without this the comparison above would compare nothing."""
    met = set()
    for seed in range(60):
        found, _ = _both(trees, seed, with_uses=with_uses)
        met |= {(f.certainty.value, f.is_caught) for failures in found.exact.values() for f in failures}
    assert {("certain", False), ("certain", True), ("likely", False), ("possible", False)} <= met
