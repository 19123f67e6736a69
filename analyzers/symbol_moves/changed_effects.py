"""Statements that move and then do, or mean, another thing: registrations, and names such as `__name__`.

Codes: SYMBOL006 W a registration happens when another module is imported; SYMBOL007 W `__name__` and the like
mean another module.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from analyzers.model import Finding
from analyzers.symbol_moves.source_selection import SourceSelection

#: Names of a module that mean another thing in another module.
_OWN_NAMES = frozenset({"__name__", "__file__", "__path__", "__package__", "__spec__", "__doc__"})


def changed_effects(selection: SourceSelection) -> Iterator[Finding]:
    """What somebody must look at among the statements that leave a module, in their order."""
    items = selection.items
    for number in sorted(selection.goes):
        item, target = items.movable[number], selection.goes[number]
        for decorator in getattr(item.node, "decorator_list", ()):
            root = _root_name(decorator)
            owners = items.by_name.get(root, ())
            stays = owners and not any(o.is_import for o in owners) and root not in selection.names
            if stays and root != getattr(decorator, "id", ""):
                yield Finding(
                    code="SYMBOL006",
                    severity="warning",
                    path=selection.path,
                    line=item.node.lineno,
                    message=f"{getattr(item.node, 'name', '')} registers with {root}, which stays: that now "
                    f"happens when {target} is imported",
                    mend="make sure that something imports it",
                )
        for use in item.uses:
            if use.name in _OWN_NAMES and use.name not in items.by_name:
                yield Finding(
                    code="SYMBOL007",
                    severity="warning",
                    path=selection.path,
                    line=item.node.lineno,
                    message=f"{use.name} means {target} after the move",
                    mend="check what depends on it",
                )


def _root_name(node: object) -> str:
    while isinstance(node, (ast.Attribute, ast.Subscript, ast.Call)):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else ""
