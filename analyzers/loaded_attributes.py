"""Attributes of modules that are loaded by a name in a string: `import_module("a.b").f`.

Such a string follows its module. When `f` alone leaves the module, the string is as right as ever, and what
is taken of the module is gone. Nothing rewrites these places: they are found here.

Seen are `import_module` (with a package, too), `__import__` with `fromlist`, and `sys.modules[...]`, with the
name in plain view; the attribute follows at once, in `getattr`, or of a variable that is bound to nothing
else.

Code: RELOC022 E an attribute of a loaded module is not there after the move, or is another thing.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from analyzers.import_index import SourceIndex
from analyzers.model import FileRecord, Finding
from analyzers.name_resolution import Kind, Target
from analyzers.python_parser import parse
from analyzers.relocation_map import RelocationMap
from analyzers.source import decode
from analyzers.use_meaning import attribute_target

#: The name that is handed to what loads.
_NAMED = re.compile(
    rb"""(?:(?:import_module|__import__)\s*\(\s*(?:name\s*=\s*)?|modules\s*\[\s*)["']([\w.]+)["']""", re.ASCII
)
_OWN_PACKAGE = frozenset({"__package__", "__name__"})


@dataclass(frozen=True, slots=True)
class LoadedAttribute:
    """At the 1-based `line`, `name` is taken of `module`; relative names (`.b`) were made absolute."""

    line: int
    column: int
    module: str
    name: str


def loaded_attributes(tree: ast.Module, package: str) -> tuple[LoadedAttribute, ...]:
    """The attributes that a file takes of modules which strings name, in source order.

    Args:
        tree: the file.
        package: what `__package__` is there.
    """
    reader = _Reader(tree, package)
    found = [one for node in ast.walk(tree) if (one := reader.taken(node)) is not None]
    return tuple(sorted(found, key=lambda one: (one.line, one.column)))


def missing_attributes(
    before: SourceIndex,
    after: SourceIndex,
    relocations: RelocationMap,
    read_before: Callable[[str], bytes],
    read_after: Callable[[str], bytes],
) -> Iterator[Finding]:
    """One finding for each attribute of a loaded module that no longer is what it was.

    Args:
        before, after: the indexes of both trees.
        relocations: what moved between them.
        read_before, read_after: the bytes of a path in each tree.
    """
    modules = {module for module, _ in relocations.moved_symbols}
    modules |= {module.rpartition(".")[0] for module in relocations.moved_modules} - {""}
    old_paths = {relocations.path(path) or path: path for path in before.files}
    for new_path, new_record in after.files.items():
        path = old_paths.get(new_path, "")
        records = [r for r in (before.files.get(path), new_record) if r is not None and not r.error]
        if new_record.error or not any(_may_load(record, modules) for record in records):
            continue
        content, new_content = read_before(path) if path else b"", read_after(new_path)
        if not (_names_one(content, modules) or _names_one(new_content, modules)):
            continue
        old, new = _of(before, path, content), _of(after, new_path, new_content)
        if len(old) != len(new):
            # Definitions came or went, with their strings as they are.
            old = new
        for one, other in zip(old, new, strict=True):
            if one.module in modules:
                yield from _judged(new_path, one, other, before, after, relocations)


def _may_load(record: FileRecord, modules: Iterable[str]) -> bool:
    """Whether the file imports what loads, or has a string with the name of such a module."""
    for statement in record.imports:
        if statement.module == "importlib" or any(
            alias.name.partition(".")[0] in ("importlib", "sys") for alias in statement.names
        ):
            return True
    return any(string.text in modules for string in record.dotted_strings)


def _names_one(content: bytes, modules: Iterable[str]) -> bool:
    """Whether the file loads one of the modules, or a relative name, as far as the text tells at a glance."""
    if b"import_module as" in content:
        return True
    return any(name[:1] == b"." or name.decode() in modules for name in _NAMED.findall(content))


def _of(index: SourceIndex, path: str, content: bytes) -> tuple[LoadedAttribute, ...]:
    source = decode(content)
    tree = None if source.error else parse(source.text)[0]
    client = index.module_at(path)
    if tree is None:
        return ()
    try:
        return loaded_attributes(tree, client.package if client is not None else "")
    except RecursionError:
        return ()


def _judged(
    path: str,
    old: LoadedAttribute,
    new: LoadedAttribute,
    before: SourceIndex,
    after: SourceIndex,
    relocations: RelocationMap,
) -> Iterator[Finding]:
    was = attribute_target(before.resolver, old.module, old.name)
    if was is None or was.kind in (Kind.UNKNOWN, Kind.OUTSIDE):
        return
    wanted = was
    if was.kind is Kind.MODULE:
        wanted = Target(Kind.MODULE, relocations.module(was.module) or was.module)
    elif was.kind is Kind.SYMBOL:
        moved = relocations.symbol(was.module, was.name)
        wanted = Target(Kind.SYMBOL, *moved) if moved is not None else was
    now = attribute_target(after.resolver, new.module, new.name)
    if now == wanted or (now is not None and now.kind is Kind.UNKNOWN):
        return
    what = "is not there after the move" if now is None else f"means {now} after the move"
    yield Finding(
        code="RELOC022",
        severity="error",
        path=path,
        line=new.line,
        message=f"{new.name} is taken of {new.module}, which a string names, and {what}: it is {wanted}",
        mend=f"import {wanted} there, leave a shim, or accept it with --allow RELOC022",
    )


class _Reader:
    def __init__(self, tree: ast.Module, package: str) -> None:
        self._package = package
        self._loaders = {"import_module"}
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module == "importlib":
                self._loaders |= {a.asname for a in node.names if a.name == "import_module" and a.asname}
        self._variables = self._bound(tree)

    def taken(self, node: ast.AST) -> LoadedAttribute | None:
        """What a node takes of a loaded module; None: it does not."""
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
            module = self._module(node.value)
            return (
                LoadedAttribute(node.lineno, node.end_col_offset or 0, module, node.attr) if module else None
            )
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "getattr":
            name = _text(node.args[1]) if len(node.args) > 1 else ""
            module = self._module(node.args[0]) if name else ""
            return _attribute(node, module, name)
        return None

    def _bound(self, tree: ast.Module) -> dict[str, str]:
        """Variables that are bound to one loaded module wherever the file binds them."""
        found: dict[str, set[str]] = {}
        stores: dict[str, int] = {}
        loads: dict[str, int] = {}
        for node in ast.walk(tree):
            if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
                stores[node.id] = stores.get(node.id, 0) + 1
            elif isinstance(node, ast.arg):
                stores[node.arg] = stores.get(node.arg, 0) + 1
            elif isinstance(node, ast.alias):
                bound = node.asname or node.name.partition(".")[0]
                stores[bound] = stores.get(bound, 0) + 1
            elif isinstance(node, (ast.Assign, ast.AnnAssign, ast.NamedExpr)):
                module = self._loaded(node.value) if node.value is not None else ""
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                for target in targets if module else ():
                    if isinstance(target, ast.Name):
                        found.setdefault(target.id, set()).add(module)
                        loads[target.id] = loads.get(target.id, 0) + 1
        return {
            name: next(iter(modules))
            for name, modules in found.items()
            if len(modules) == 1 and stores[name] == loads[name]
        }

    def _module(self, node: ast.expr) -> str:
        if isinstance(node, ast.Name):
            return self._variables.get(node.id, "")
        return self._loaded(node)

    def _loaded(self, node: ast.expr) -> str:
        """The module that an expression loads; empty: none, or it is not in plain view."""
        if isinstance(node, ast.Subscript):
            value = node.value
            is_table = isinstance(value, ast.Attribute) and value.attr == "modules"
            return _text(node.slice) if is_table else ""
        if not isinstance(node, ast.Call):
            return ""
        called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        given = {keyword.arg: keyword.value for keyword in node.keywords}
        given |= dict(zip(("name", "package"), node.args, strict=False))
        name = _text(given["name"]) if "name" in given else ""
        if called == "__import__":
            return name if "fromlist" in given or len(node.args) > 3 else ""
        if called not in self._loaders:
            return ""
        return self._absolute(name, given.get("package")) if name.startswith(".") else name

    def _absolute(self, name: str, package: ast.expr | None) -> str:
        base = self._package if getattr(package, "id", "") in _OWN_PACKAGE else ""
        base = base or (_text(package) if package is not None else "")
        level = len(name) - len(name.lstrip("."))
        parts = base.split(".")
        if not base or level > len(parts):
            return ""
        return ".".join([*parts[: len(parts) - level + 1], *filter(None, [name[level:]])])


def _attribute(node: ast.expr, module: str, name: str) -> LoadedAttribute | None:
    return LoadedAttribute(node.lineno, node.end_col_offset or 0, module, name) if module else None


def _text(node: ast.expr) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""
