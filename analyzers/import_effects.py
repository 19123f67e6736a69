"""Whether importing a module does more than define things: what would be lost if nobody imported it."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from analyzers.python_parser import parse
from analyzers.source import decode


def first_effect(content: bytes) -> int:
    """The 1-based line of the first statement at module level that acts on something else; 0: there is none.

    Calls that stand alone (`register(...)`), loops, `with`, `del`, and assignments to attributes or items
    (`TABLE["x"] = f`) act. What a decorator or the call on the right of an assignment does is not known and
    taken for harmless. A file that cannot be parsed counts as acting in line 1.
    """
    source = decode(content)
    tree = None if source.error else parse(source.text)[0]
    if tree is None:
        return 1
    return next(_acting(tree.body), 0)


_ACTS = (ast.For, ast.While, ast.With, ast.Delete, ast.AsyncFor, ast.AsyncWith)


def _acting(body: Sequence[ast.stmt]) -> Iterator[int]:
    for node in body:
        if isinstance(node, _ACTS):
            yield node.lineno
        elif isinstance(node, ast.Expr):
            if isinstance(node.value, (ast.Call, ast.Await)):
                yield node.lineno
        elif isinstance(node, (ast.Assign, ast.AugAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if any(isinstance(target, (ast.Attribute, ast.Subscript)) for target in targets):
                yield node.lineno
        elif isinstance(node, ast.If):
            if not _is_main(node.test):
                yield from _acting(node.body)
            yield from _acting(node.orelse)
        elif isinstance(node, ast.Try):
            for part in (node.body, node.orelse, node.finalbody, *(h.body for h in node.handlers)):
                yield from _acting(part)


def _is_main(test: ast.expr) -> bool:
    return isinstance(test, ast.Compare) and isinstance(test.left, ast.Name) and test.left.id == "__name__"
