"""Whether a module uses what an import statement binds while it is itself being imported.

Import time is all code outside functions, and functions and classes of the file that such code names,
directly or through each other: naming one may call it. Methods run when their class is named. A use that
only other modules trigger is not seen.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

_Function = (ast.FunctionDef, ast.AsyncFunctionDef)


def is_used_at_import_time(text: str, line: int, module: str) -> bool:
    """Whether code that runs with the import of the file needs what the import in `line` binds.

    Args:
        text: the source of the importing file.
        line: 1-based first line of the import statement.
        module: for `import a.b.c` without `as`: the module that must be complete; dotted uses of others count
            as no use.

    Returns:
        True as well when the file cannot be parsed or has no import in that line.
    """
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return True
    names: set[str] = set()
    roots: set[str] = set()
    found = False
    for node in ast.walk(tree):
        if isinstance(node, (ast.Import, ast.ImportFrom)) and node.lineno == line:
            found = True
            for alias in node.names:
                if isinstance(node, ast.Import) and alias.asname is None:
                    roots.add(alias.name.partition(".")[0])
                else:
                    names.add(alias.asname or alias.name)
    if not found or "*" in names:
        return True
    return any(_is_use(chain, names, roots, module) for chain in _chains_at_import_time(tree))


def _is_use(chain: tuple[str, ...], names: set[str], roots: set[str], module: str) -> bool:
    if chain[0] in names:
        return True
    if chain[0] not in roots:
        return False
    parts = tuple(module.split("."))
    size = min(len(parts), len(chain))
    # `a` alone may be looked into by others; `a.other` is not what is incomplete.
    return chain[:size] == parts[:size]


def _chains_at_import_time(tree: ast.Module) -> Iterator[tuple[str, ...]]:
    """The dotted uses (`("a", "b", "c")`) in code that runs with the import."""
    units: dict[str, list[ast.stmt]] = {}
    lazy_annotations = any(
        isinstance(s, ast.ImportFrom)
        and s.module == "__future__"
        and any(a.name == "annotations" for a in s.names)
        for s in tree.body
    )
    for node in ast.walk(tree):
        if isinstance(node, _Function):
            units.setdefault(node.name, []).extend(node.body)
        elif isinstance(node, ast.ClassDef):
            for inner in node.body:
                if isinstance(inner, _Function):
                    units.setdefault(node.name, []).extend(inner.body)
    reached: set[str] = set()
    pending: list[list[ast.stmt]] = [tree.body]
    while pending:
        for chain in _chains(pending.pop(), lazy_annotations):
            yield chain
            name = chain[0]
            if name in units and name not in reached:
                reached.add(name)
                pending.append(units[name])


def _chains(statements: Iterable[ast.stmt], lazy_annotations: bool) -> Iterator[tuple[str, ...]]:
    stack: list[ast.AST] = list(statements)
    while stack:
        node = stack.pop()
        if isinstance(node, _Function):
            stack.extend(node.decorator_list)
            stack.extend(d for d in (*node.args.defaults, *node.args.kw_defaults) if d is not None)
            if not lazy_annotations:
                arguments = (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)
                others = (a for a in (node.args.vararg, node.args.kwarg) if a is not None)
                stack.extend(a.annotation for a in (*arguments, *others) if a.annotation is not None)
                if node.returns is not None:
                    stack.append(node.returns)
            continue
        if isinstance(node, ast.AnnAssign) and lazy_annotations:
            stack.extend(part for part in (node.target, node.value) if part is not None)
            continue
        if isinstance(node, (ast.Attribute, ast.Name)):
            chain = _dotted(node)
            if chain:
                yield chain
                continue
        stack.extend(ast.iter_child_nodes(node))


def _dotted(node: ast.expr) -> tuple[str, ...]:
    """`("a", "b")` for `a.b`; empty when it does not begin with a name."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return ()
    return (node.id, *reversed(parts))
