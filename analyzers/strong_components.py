"""The knots of a directed graph: its strongly connected components.

Written out here, because importing networkx takes longer (0.16 s, measured in the performance notes) than all
work on the import graph of 2,300 files.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping


def components(links: Mapping[str, Iterable[str]]) -> list[frozenset[str]]:
    """The strongly connected components of two and more nodes, sorted by their smallest node.

    Tarjan (1972), without recursion, because chains of imports are longer than Python's stack is deep.
    """
    number: dict[str, int] = {}
    low: dict[str, int] = {}
    on_stack: set[str] = set()
    stack: list[str] = []
    found = []
    for start in sorted(links):
        if start in number:
            continue
        number[start] = low[start] = len(number)
        stack.append(start)
        on_stack.add(start)
        work: list[tuple[str, Iterator[str]]] = [(start, iter(links[start]))]
        while work:
            node, targets = work[-1]
            for target in targets:
                if target not in number:
                    number[target] = low[target] = len(number)
                    stack.append(target)
                    on_stack.add(target)
                    work.append((target, iter(links.get(target, ()))))
                    break
                if target in on_stack:
                    low[node] = min(low[node], number[target])
            else:
                work.pop()
                if work:
                    parent = work[-1][0]
                    low[parent] = min(low[parent], low[node])
                if low[node] == number[node]:
                    members = []
                    while True:
                        member = stack.pop()
                        on_stack.discard(member)
                        members.append(member)
                        if member == node:
                            break
                    if len(members) > 1:
                        found.append(frozenset(members))
    return sorted(found, key=min)
