"""Data files that a module finds by its own place: what it opens now, and what it would open after a move.

Read: `__file__` through `pathlib` and `os.path`, `importlib.resources`, `pkgutil.get_data`, `pkg_resources`
and `PackageLoader`, with constant parts and with names bound once in the module. Not seen: names bound in
another module, `os.getcwd`, paths that come from settings. Source: import-rewriting case 49.
"""

from __future__ import annotations

import ast
import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass

from analyzers.model import Finding
from analyzers.python_string_uses import call_name
from analyzers.relocation_map import RelocationMap

_SAME_PATH = frozenset(
    {
        "resolve",
        "absolute",
        "expanduser",
        "as_posix",
        "abspath",
        "realpath",
        "normpath",
        "fspath",
        "str",
        "Path",
    }
    | {"PurePath", "PurePosixPath", "PosixPath", "path"}
)
_PACKAGE_DATA = frozenset(
    {"get_data", "open_text", "open_binary", "read_text", "read_binary", "is_resource", "resource_filename"}
    | {"resource_string", "resource_stream", "resource_exists", "PackageLoader"}
)
_BY_PLACE = re.compile(rb"__file__|\bfiles\s*\(|\b(?:" + "|".join(sorted(_PACKAGE_DATA)).encode() + rb")\b")
_JOINING = frozenset({"join", "joinpath", "glob", "rglob", "iterdir", "walk", "listdir", "scandir", "format"})
_OWN_PACKAGE = frozenset({"__name__", "__package__"})
_DEEPEST = 60


@dataclass(frozen=True, slots=True)
class DataUse:
    """One expression that leads from the module's own file to another.

    `target` and `target_after` are repository-relative paths, before and after the module moved (`.` is the
    root); `target_after` is empty when the path would leave the repository. `goes_on` says that something
    unknown is added: the target is the folder known so far.
    """

    line: int
    target: str
    target_after: str
    goes_on: bool


def finds_data_by_place(content: bytes) -> bool:
    """Whether `data_uses` or `package_resources` can find anything; never says no wrongly."""
    return _BY_PLACE.search(content) is not None


def data_uses(path: str, new_path: str, tree: ast.Module) -> tuple[DataUse, ...]:
    """What the module at `path` finds by its place, sorted by line; the module itself is left out."""
    names = _names_bound_once(tree)
    loaded = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}
    before, after = _Evaluator(path, names), _Evaluator(new_path, names)
    found: set[DataUse] = set()
    stack: list[tuple[ast.AST, bool]] = [(tree, False)]
    while stack:
        node, goes_on = stack.pop()
        if isinstance(node, ast.expr):
            target = before.value(node)
            if target is not None:
                if target != path:
                    found.add(DataUse(node.lineno, target, after.value(node) or "", goes_on))
                continue
        if isinstance(node, ast.Assign) and _binds(node, names):
            target = before.value(node.value)
            is_used_here = any(isinstance(t, ast.Name) and t.id in loaded for t in node.targets)
            # The name is evaluated where it is used; other modules may take a constant that is not used here.
            if target is not None and (
                is_used_here or path.startswith(f"{target}/") or target in (".", path)
            ):
                continue
        goes_on = _adds_something(node)
        stack += ((child, goes_on) for child in ast.iter_child_nodes(node))
    return tuple(sorted(found, key=lambda u: (u.line, u.target, u.goes_on)))


def find_file_relative_data(
    path: str, new_path: str, tree: ast.Module, relocations: RelocationMap
) -> tuple[Finding, ...]:
    """One finding per place from which a moved module would look elsewhere for its data.

    Data that moves by the same map to where the module will look is no finding.
    """
    findings: list[Finding] = []
    for use in data_uses(path, new_path, tree):
        moved = relocations.path(use.target) or use.target
        if use.target_after == moved or _is_carried(use, relocations):
            continue
        after = use.target_after or "a path outside the repository"
        if use.goes_on:
            message = f"looks for files in {use.target} by its own place; after the move it looks in {after}"
            mend = "move those files along, or correct the path"
        else:
            message = f"finds {use.target} by its own place; after the move it looks for {after}"
            mend = f"move {use.target} along, or correct the path"
        code = "DATA002" if use.goes_on else "DATA001"
        findings.append(
            Finding(code=code, severity="warning", path=path, line=use.line, message=message, mend=mend)
        )
    return tuple(findings)


def _is_carried(use: DataUse, relocations: RelocationMap) -> bool:
    """Whether the target is a folder of data that moves, file by file, to where the module will look."""
    start = use.target + "/"
    files = [(old, new) for old, new in relocations.paths.items() if old.startswith(start)]
    return bool(files) and all(
        not old.endswith((".py", ".pyi")) and new == use.target_after + old[len(use.target) :]
        for old, new in files
    )


def package_resources(tree: ast.Module) -> Iterator[tuple[int, str, str]]:
    """(line, package, resource) of each resource that is found by the name of its package in a string.

    The resource is empty where it is not constant, or named elsewhere than in the call.
    """
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not node.args:
            continue
        last = call_name(node.func).rpartition(".")[2]
        package = node.args[0]
        if last not in _PACKAGE_DATA | {"files"} or not isinstance(package, ast.Constant):
            continue
        if isinstance(package.value, str):
            piece = node.args[1] if len(node.args) > 1 else None
            name = piece.value if isinstance(piece, ast.Constant) and last != "files" else ""
            yield node.lineno, package.value, name if isinstance(name, str) else ""


def find_package_data(path: str, tree: ast.Module, relocations: RelocationMap) -> tuple[Finding, ...]:
    """One finding per resource of a package, named by a string, whose package moves without what it holds."""
    findings: list[Finding] = []
    for line, name, _ in package_resources(tree):
        if relocations.module(name) is None or relocations.whole(name) is not None:
            continue
        findings.append(
            Finding(
                code="DATA003",
                severity="warning",
                path=path,
                line=line,
                message=f"reads data of {name}, which moves without the files beside it",
                mend="move the data along, or keep the old package for it",
            )
        )
    return tuple(sorted(findings, key=lambda f: (f.line, f.message)))


def _names_bound_once(tree: ast.Module) -> dict[str, ast.expr]:
    counts: dict[str, int] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            counts[node.id] = counts.get(node.id, 0) + 1
        elif isinstance(node, ast.arg):
            counts[node.arg] = counts.get(node.arg, 0) + 1
    found: dict[str, ast.expr] = {}
    for statement in tree.body:
        if isinstance(statement, ast.Assign):
            found.update((t.id, statement.value) for t in statement.targets if isinstance(t, ast.Name))
        elif (
            isinstance(statement, ast.AnnAssign)
            and statement.value
            and isinstance(statement.target, ast.Name)
        ):
            found[statement.target.id] = statement.value
    return {name: value for name, value in found.items() if counts.get(name) == 1}


def _binds(node: ast.Assign, names: dict[str, ast.expr]) -> bool:
    return any(isinstance(target, ast.Name) and target.id in names for target in node.targets)


def _adds_something(node: ast.AST) -> bool:
    """Whether `node` makes a longer path of what stands below it; `open(...)` takes whole paths."""
    if isinstance(node, ast.Call):
        return call_name(node.func).rpartition(".")[2] in _JOINING
    if isinstance(node, ast.Attribute):
        return node.attr in _JOINING
    return isinstance(node, (ast.BinOp, ast.JoinedStr, ast.FormattedValue))


class _Evaluator:
    """Constant paths that start at one file; anything else is None."""

    def __init__(self, path: str, names: dict[str, ast.expr]) -> None:
        self.path = path
        self.names = names

    def value(self, node: ast.expr, depth: int = 0) -> str | None:
        """The path that `node` stands for: it begins with the file's own place, the rest is constant."""
        if depth > _DEEPEST:
            return None
        if isinstance(node, ast.Name):
            if node.id == "__file__":
                return self.path
            bound = self.names.get(node.id)
            return None if bound is None else self.value(bound, depth + 1)
        if isinstance(node, ast.Attribute):
            base = self.value(node.value, depth + 1)
            return _parent(base) if base is not None and node.attr == "parent" else None
        if isinstance(node, ast.Subscript):
            return self._parents(node, depth)
        if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Div, ast.Add)):
            return self._sum(node, depth)
        return self._call(node, depth) if isinstance(node, ast.Call) else None

    def _parents(self, node: ast.Subscript, depth: int) -> str | None:
        if not isinstance(node.value, ast.Attribute) or node.value.attr != "parents":
            return None
        base = self.value(node.value.value, depth + 1)
        if base is None or not isinstance(node.slice, ast.Constant) or not isinstance(node.slice.value, int):
            return None
        for _ in range(node.slice.value + 1):
            if base is None:
                return None
            base = _parent(base)
        return base

    def _sum(self, node: ast.BinOp, depth: int) -> str | None:
        base = self.value(node.left, depth + 1)
        piece = self._text(node.right)
        if base is None or piece is None:
            return None
        return _joined(base, piece if isinstance(node.op, ast.Div) else piece.lstrip("/"))

    def _call(self, node: ast.Call, depth: int) -> str | None:
        last = call_name(node.func).rpartition(".")[2]
        own = node.args[0] if node.args else None
        if last == "files":
            own_package = own is None or (isinstance(own, ast.Name) and own.id in _OWN_PACKAGE)
            return _parent(self.path) if own_package else None
        if last in _PACKAGE_DATA and isinstance(own, ast.Name) and own.id in _OWN_PACKAGE:
            piece = self._text(node.args[1]) if len(node.args) > 1 else None
            folder = _parent(self.path)
            if last == "PackageLoader" and piece is None and len(node.args) == 1:
                piece = "templates"
            return None if piece is None or folder is None else _joined(folder, piece)
        if isinstance(node.func, ast.Attribute):
            base = self.value(node.func.value, depth + 1)
            if base is not None:
                return self._method(base, last, node)
        if own is None:
            return None
        start = self.value(own, depth + 1)
        if start is None:
            return None
        if last == "dirname":
            return _parent(start)
        if last == "join" or (last in ("Path", "PurePath") and len(node.args) > 1):
            return self._all_joined(start, node.args[1:])
        return start if last in _SAME_PATH and len(node.args) == 1 else None

    def _method(self, base: str, name: str, node: ast.Call) -> str | None:
        if name == "joinpath":
            return self._all_joined(base, node.args)
        if name in ("with_name", "with_suffix") and len(node.args) == 1:
            piece = self._text(node.args[0])
            folder = _parent(base)
            if piece is None or folder is None:
                return None
            return _joined(folder, piece) if name == "with_name" else posixpath.splitext(base)[0] + piece
        return base if name in _SAME_PATH and not node.args else None

    def _all_joined(self, base: str, pieces: list[ast.expr]) -> str | None:
        result: str | None = base
        for node in pieces:
            piece = self._text(node)
            if piece is None or result is None:
                return None
            result = _joined(result, piece)
        return result

    def _text(self, node: ast.expr) -> str | None:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            return node.value
        if isinstance(node, ast.Name):
            bound = self.names.get(node.id)
            return self._text(bound) if isinstance(bound, ast.Constant) else None
        return ".." if isinstance(node, ast.Attribute) and node.attr in ("pardir", "parent_dir") else None


def _parent(path: str | None) -> str | None:
    """The folder above; None above the root of the repository."""
    if path is None or path == ".":
        return None
    return posixpath.dirname(path) or "."


def _joined(base: str, piece: str) -> str | None:
    if piece.startswith("/") or "\\" in piece:
        return None
    result = posixpath.normpath(posixpath.join(base, piece))
    return None if result.startswith("..") else result
