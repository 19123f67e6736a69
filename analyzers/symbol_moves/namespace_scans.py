"""Code that goes through a namespace, such as `for value in globals().values()` or `getmembers(module)`.

What leaves such a module is no longer found there, and what arrives is: SYMBOL022 (E leaving, W arriving, and
W where another file goes through the module that something leaves). A single look-up by name
(`globals()[name]`, `.get(name)`) is none of these.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from analyzers.model import Finding
from analyzers.python_parser import parse
from analyzers.source import decode
from analyzers.symbol_moves.module_clients import ModuleClients
from analyzers.symbol_moves.module_items import ModuleItems

_VIEWS = frozenset({"values", "items", "keys", "copy"})
_TAKERS = frozenset(
    {
        "list",
        "tuple",
        "set",
        "frozenset",
        "dict",
        "sorted",
        "iter",
        "filter",
        "map",
        "enumerate",
        "update",
    }
)
#: A file without any of these goes through no other module.
_FOREIGN_SIGNS = ("vars(", "dir(", "getmembers(", "__dict__")
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


def scan_line(items: ModuleItems) -> int:
    """The 1-based line where the module goes through all its names; 0 when it does not."""
    text = items.source.text
    if not any(sign in text for sign in ("globals(", "vars(", "locals(", "dir(", "modules[", "(__name__")):
        return 0
    return next(_Scans(_own_names(items.tree), True).lines(items.tree, True), 0)


def leaving_findings(path: str, module: str, items: ModuleItems, names: Iterable[str]) -> Iterator[Finding]:
    """One error when the module at `path` goes through its names and `names` leave it."""
    mend = "import it back there by hand before that line, or accept it with --allow SYMBOL022"
    return _own_findings(path, module, items, names, "would be missing", severity="error", mend=mend)


def foreign_findings(clients: ModuleClients, module: str, names: Iterable[str]) -> Iterator[Finding]:
    """One warning for each line of another file that goes through a module which `names` leave."""
    left = sorted(names)
    for path in clients.holders(module) if left else ():
        text = decode(clients.read(path)).text
        tree = parse(text)[0] if any(sign in text for sign in _FOREIGN_SIGNS) else None
        if tree is None or clients.index.modules.get(module) == path:
            continue
        for line in sorted(set(_Scans(clients.words_for(path, module), False).lines(tree, False))):
            yield Finding(
                code="SYMBOL022",
                severity="warning",
                path=path,
                line=line,
                message=f"all names of {module} are gone through here, and {', '.join(left)} will be missing",
            )


def arriving_findings(path: str, module: str, items: ModuleItems, names: Iterable[str]) -> Iterator[Finding]:
    """One warning when the module at `path` goes through its names and `names` come to it."""
    return _own_findings(path, module, items, names, "will be among them", severity="warning")


def _own_findings(
    path: str,
    module: str,
    items: ModuleItems,
    names: Iterable[str],
    becomes: str,
    *,
    severity: str,
    mend: str = "",
) -> Iterator[Finding]:
    line, concerned = scan_line(items), sorted(names)
    if line and concerned:
        yield Finding(
            code="SYMBOL022",
            severity=severity,
            path=path,
            line=line,
            message=f"{module} goes through all its names here, and {', '.join(concerned)} {becomes}",
            mend=mend,
        )


def _own_names(tree: ast.Module) -> frozenset[str]:
    """The names that stand for the module itself, or for its namespace."""
    plain = _Scans(frozenset(), True)
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and (
            plain.is_module(node.value) or plain.is_namespace(node.value, False)
        ):
            found.update(target.id for target in node.targets if isinstance(target, ast.Name))
    return frozenset(found)


@dataclass(frozen=True, slots=True)
class _Scans:
    """Finds scans of one module, in its own file (`is_own`) or another; `words` stand for it there."""

    words: frozenset[str]
    is_own: bool

    def lines(self, node: ast.AST, at_top: bool) -> Iterator[int]:
        for child in ast.iter_child_nodes(node):
            inside = at_top and not isinstance(child, _FUNCTIONS)
            if self._is_scan(child, inside):
                yield child.lineno  # type: ignore[attr-defined]
            yield from self.lines(child, inside)

    def _is_scan(self, node: ast.AST, at_top: bool) -> bool:
        if isinstance(node, (ast.For, ast.AsyncFor)):
            return self.is_namespace(node.iter, at_top)
        if isinstance(node, (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)):
            # A comprehension has a scope of its own, but for its first iterable.
            return self.is_namespace(node.generators[0].iter, at_top)
        if isinstance(node, ast.Dict):
            return any(
                key is None and self.is_namespace(value, at_top)
                for key, value in zip(node.keys, node.values, strict=True)
            )
        if not isinstance(node, ast.Call):
            return False
        function = node.func
        if isinstance(function, ast.Attribute) and function.attr in _VIEWS and not node.args:
            return self.is_namespace(function.value, at_top)
        name = function.id if isinstance(function, ast.Name) else getattr(function, "attr", "")
        if name == "dir":
            return at_top if not node.args else self.is_module(node.args[0])
        if name == "getmembers":
            return bool(node.args) and self.is_module(node.args[0])
        return name in _TAKERS and any(self.is_namespace(argument, at_top) for argument in node.args)

    def is_namespace(self, node: ast.expr, at_top: bool) -> bool:
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            if node.func.id == "vars" and node.args:
                return self.is_module(node.args[0])
            return self.is_own and (
                node.func.id == "globals" or (at_top and node.func.id in ("vars", "locals"))
            )
        if self.is_own and isinstance(node, ast.Name):
            return node.id in self.words
        return isinstance(node, ast.Attribute) and node.attr == "__dict__" and self.is_module(node.value)

    def is_module(self, node: ast.expr) -> bool:
        """Whether it is `sys.modules[__name__]`, `import_module(__name__)`, or a name of the module."""
        if isinstance(node, ast.Name):
            return node.id in self.words
        if not self.is_own:
            return isinstance(node, ast.Attribute) and node.attr in self.words
        if isinstance(node, ast.Call):
            called = getattr(node.func, "attr", getattr(node.func, "id", ""))
            return called in ("import_module", "__import__") and any(_is_own_name(a) for a in node.args[:1])
        return (
            isinstance(node, ast.Subscript)
            and isinstance(node.value, ast.Attribute)
            and node.value.attr == "modules"
            and _is_own_name(node.slice)
        )


def _is_own_name(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id == "__name__"
