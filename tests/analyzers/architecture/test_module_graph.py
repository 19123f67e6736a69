"""Chains: the imports that are reported are exactly those to cut, against plain reachability."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import networkx as nx
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analyzers.architecture.contract import ArchitectureFacts

Tree = Callable[..., ArchitectureFacts]

NODES = [f"p.m{number}" for number in range(8)]
PAIRS = st.sets(st.tuples(st.sampled_from(NODES), st.sampled_from(NODES)), max_size=20)
SOME = st.sets(st.sampled_from(NODES), min_size=1, max_size=3)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(pairs=PAIRS, sources=SOME, targets=SOME)
def test_cutting_what_is_reported_separates_and_nothing_of_it_is_superfluous(
    tree: Tree, pairs: set[tuple[str, str]], sources: set[str], targets: set[str]
) -> None:
    targets = targets - sources
    texts = dict.fromkeys(NODES, "")
    for importer, imported in sorted(pairs):
        texts[importer] += f"import {imported}\n"
    view = tree({name.replace(".", "/") + ".py": text for name, text in texts.items()}).view()
    module = view.graph.module_of
    plain = nx.DiGraph([(a, b) for a, b in pairs if a != b])
    plain.add_nodes_from(NODES)
    cut = set()
    for chain in view.leaving(sources, targets):
        way = [module(chain[0].importer), *(module(step.imported) for step in chain)]
        assert all(plain.has_edge(a, b) for a, b in pairwise(way))
        assert way[0] in sources
        assert way[-1] in targets
        assert sources.isdisjoint(way[1:])
        # It is the shortest one that begins with this import and stays outside.
        outside = plain.subgraph(set(NODES) - sources)
        assert len(way) - 2 == min(
            nx.shortest_path_length(outside, way[1], t) for t in targets if nx.has_path(outside, way[1], t)
        )
        cut.add((way[0], way[1]))
    left = plain.copy()
    left.remove_edges_from(cut)
    assert not any(nx.has_path(left, s, t) for s in sources for t in targets)
    for edge in cut:
        left.add_edge(*edge)
        assert any(nx.has_path(left, s, t) for s in sources for t in targets)
        left.remove_edge(*edge)


def test_names_below_and_wildcards(tree: Tree) -> None:
    view = tree({"a/b/c.py": "", "a/bc.py": "", "a/d.py": "", "z.py": ""}).view()
    assert view.package("a.b") == {"a.b", "a.b.c"}
    assert view.children("a") == ("a.b", "a.bc", "a.d")
    assert view.matching("a.*") == ("a.b", "a.bc", "a.d")
    assert view.matching("a.**") == ("a.b", "a.b.c", "a.bc", "a.d")
    assert view.matching("*.b.c") == ("a.b.c",)
    assert view.matching("a.nope") == ()
