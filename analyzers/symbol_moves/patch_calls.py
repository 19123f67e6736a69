"""Patches that no string with the whole dotted name announces, and reads that go through a module.

`patch.object(a, "f")`, `patch.multiple("x.a", f=...)`, `setattr(a, "f", ...)` and `patch(f"{A}.f")` name a
module and a name apart from each other. They are found, but never rewritten. Constants of the file are put in
where they stand in a text that is put together; what remains unknown matches when the rest of the name is
there, and the file has the missing part, too.

Source: the documentation of unittest.mock ("patch.object", "patch.multiple") and of pytest ("monkeypatch").
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from analyzers.model import Scope
from analyzers.python_parser import parse
from analyzers.source import decode
from analyzers.symbol_moves.module_clients import ModuleClients

#: What speaks of mocks or patches (and not of `dispatch`).
PATCHING = re.compile(r"mock|monkeypatch|(?<![a-z])patch|autospec", re.IGNORECASE)
_SETTING = re.compile(r"(?!.*(?:get|has)attr).*attr", re.IGNORECASE)
_READING = frozenset({"getattr", "hasattr"})
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
#: A text that is put together: its parts in order, None for what is not known.
_Parts = list["str | None"]


@dataclass(frozen=True, slots=True)
class Patch:
    """At the 1-based `line` of `path`; `is_text`: by a text that is put together."""

    path: str
    line: int
    is_text: bool


@dataclass
class PatchCalls:
    """Answers for the files of one tree; each is parsed once."""

    clients: ModuleClients
    _trees: dict[str, ast.Module | None] = field(default_factory=dict)
    _candidates: dict[str, tuple[str, ...]] = field(default_factory=dict)
    _reads: dict[tuple[str, str], tuple[tuple[str, int], ...]] = field(default_factory=dict)

    def of(self, module: str, name: str) -> tuple[Patch, ...]:
        """The patches of `module.name` that name the two apart, by path and line."""
        found: set[Patch] = set()
        for path in self._files(module):
            tree = self._with_word(path, name)
            if tree is None:
                continue
            names = _Names(tree, module, self.clients.words_for(path, module))
            is_mocking = self._is_mocking(path)
            for line in _object_patches(tree, names, name, is_mocking):
                found.add(Patch(path, line, False))
            for line in _text_patches(tree, names, name) if is_mocking else ():
                found.add(Patch(path, line, True))
        return tuple(sorted(found, key=lambda p: (p.path, p.line, p.is_text)))

    def reads(self, module: str, name: str) -> tuple[tuple[str, int], ...]:
        """(path, line) where other files look `name` up in `module` again each time that they run.

        So does `a.f` in a function, and an import that stands there. What is handed to a mock is left out.
        """
        key = module, name
        if key not in self._reads:
            self._reads[key] = tuple(sorted(set(self._find_reads(module, name))))
        return self._reads[key]

    def is_of_object(self, path: str, line: int, text: str) -> bool:
        """Whether a string means the object that it leads to, wherever it is found: `patch.dict("a.b")`."""
        tree = self._tree(path)
        for node in ast.walk(tree) if tree is not None else ():
            if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "dict":
                values = [*node.args[:1], *(k.value for k in node.keywords if k.arg == "in_dict")]
                if any(isinstance(v, ast.Constant) and (v.lineno, v.value) == (line, text) for v in values):
                    return True
        return False

    # -- files -----------------------------------------------------------------------------------------------

    def _files(self, module: str) -> tuple[str, ...]:
        """The files that bind the module, import from it, or have its name as a text."""
        if module not in self._candidates:
            found = {*self.clients.holders(module), *self.clients.importers(module)}
            self._candidates[module] = tuple(sorted(found | self.clients.naming(module)))
        return self._candidates[module]

    def _tree(self, path: str) -> ast.Module | None:
        if path not in self._trees:
            self._trees[path] = parse(decode(self.clients.read(path)).text)[0]
        return self._trees[path]

    def _with_word(self, path: str, name: str) -> ast.Module | None:
        content = self.clients.read(path)
        return self._tree(path) if re.search(rb"\b" + re.escape(name.encode()) + rb"\b", content) else None

    def _is_mocking(self, path: str) -> bool:
        return PATCHING.search(decode(self.clients.read(path)).text) is not None

    def _find_reads(self, module: str, name: str) -> Iterator[tuple[str, int]]:
        for path in self.clients.holders(module):
            tree = self._with_word(path, name)
            if tree is not None and self.clients.index.modules.get(module) != path:
                names = _Names(tree, module, self.clients.words_for(path, module))
                for node, is_deferred in _evaluated(tree):
                    if (
                        is_deferred
                        and isinstance(node, ast.Attribute)
                        and isinstance(node.ctx, ast.Load)
                        and node.attr == name
                        and names.is_module(node.value)
                    ):
                        yield path, node.lineno
        for path in self.clients.importers(module):
            client = self.clients.index.module_at(path)
            if client is None:
                continue
            for statement in self.clients.index.files[path].imports:
                is_deferred = statement.scope is Scope.FUNCTION and statement.is_from
                if is_deferred and any(alias.name == name for alias in statement.names):
                    base = self.clients.resolver.base_of(client, statement.level, statement.module)
                    if base == module:
                        yield path, statement.line


class _Names:
    """What stands for one module in a file, and the texts that its names stand for."""

    def __init__(self, tree: ast.Module, module: str, words: Iterable[str]) -> None:
        self.module = module
        self.words = set(words)
        self.texts: dict[str, str] = {}
        assigned: list[tuple[str, ast.expr]] = []
        self.constants: set[str] = set()
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                self.constants.add(node.value)
            elif isinstance(node, (ast.Assign, ast.AnnAssign)) and node.value is not None:
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                assigned += ((word, node.value) for t in targets if (word := _last_word(t)))
            elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                returned = (n.value for n in ast.walk(node) if isinstance(n, ast.Return) and n.value)
                assigned += ((node.name, value) for value in returned)
        for word, value in assigned:
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                self.texts.setdefault(word, value.value)
            elif self.is_module(value):
                self.words.add(word)

    def is_module(self, node: ast.expr) -> bool:
        """Whether an expression may give the module itself."""
        if isinstance(node, (ast.Name, ast.Attribute)):
            return _last_word(node) in self.words
        if isinstance(node, ast.Call):
            return any(_is_text(a, self.module) for a in node.args)
        return isinstance(node, ast.Subscript) and _is_text(node.slice, self.module)

    def parts(self, node: ast.expr) -> _Parts:
        """The parts of a text that is put together, neighbours joined."""
        found: _Parts = []
        for part in self._parts(node):
            if found and part is not None and found[-1] is not None:
                found[-1] += part
            else:
                found.append(part)
        return found

    def _parts(self, node: ast.expr) -> Iterator[str | None]:
        if isinstance(node, ast.Constant):
            yield node.value if isinstance(node.value, str) else None
        elif isinstance(node, ast.Attribute) and node.attr == "__name__" and self.is_module(node.value):
            yield self.module
        elif isinstance(node, (ast.Name, ast.Attribute)):
            yield self.texts.get(_last_word(node))
        elif isinstance(node, ast.JoinedStr):
            for value in node.values:
                yield from self._parts(value.value if isinstance(value, ast.FormattedValue) else value)
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            yield from self._parts(node.left)
            yield from self._parts(node.right)
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod):
            given = node.right.elts if isinstance(node.right, ast.Tuple) else [node.right]
            yield from self._filled(node.left, r"%s", given)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            function = node.func
            if function.attr == "format":
                yield from self._filled(function.value, r"\{\w*\}", node.args)
            elif function.attr == "join" and len(node.args) == 1 and isinstance(function.value, ast.Constant):
                items = node.args[0]
                for number, item in enumerate(getattr(items, "elts", [items])):
                    if number:
                        yield from self._parts(function.value)
                    yield from self._parts(item)
            else:
                yield None
        else:
            yield None

    def _filled(self, node: ast.expr, gap: str, given: Sequence[ast.expr]) -> Iterator[str | None]:
        if not (isinstance(node, ast.Constant) and isinstance(node.value, str)):
            yield None
            return
        for number, text in enumerate(re.split(gap, node.value)):
            if number:
                yield from self._parts(given[number - 1]) if number <= len(given) else (None,)
            yield text


def _object_patches(tree: ast.Module, names: _Names, name: str, is_mocking: bool) -> Iterator[int]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or (not node.args and not node.keywords):
            continue
        called = _last_word(node.func)
        if called in _READING or not (is_mocking or _SETTING.fullmatch(called)):
            continue
        keywords: Mapping[str | None, ast.expr] = {k.arg: k.value for k in node.keywords}
        given = [*node.args[:1], *(keywords[k] for k in ("target", "obj") if k in keywords)]
        if called == "multiple":
            is_module = any(names.is_module(v) or _is_text(v, names.module) for v in given)
            if is_module and (name in keywords or (None in keywords and name in names.constants)):
                yield node.lineno
            continue
        # Any two arguments, such as those of `replace(test, module, "name")`.
        pairs = list(zip(node.args, node.args[1:], strict=False))
        words = [keywords[k] for k in ("attribute", "name", "attr") if k in keywords]
        pairs += ((module, word) for module in given for word in words)
        for module, word in pairs:
            if names.is_module(module):
                is_open = not isinstance(word, ast.Constant) and bool(PATCHING.search(ast.unparse(node.func)))
                if _is_text(word, name) or (is_open and name in names.constants):
                    yield word.lineno


def _text_patches(tree: ast.Module, names: _Names, name: str) -> Iterator[int]:
    wanted = f"{names.module}.{name}"
    inner: set[int] = set()
    for node in ast.walk(tree):
        if not isinstance(node, (ast.JoinedStr, ast.BinOp, ast.Call)) or id(node) in inner:
            continue
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") not in ("format", "join"):
            continue
        inner.update(id(part) for part in ast.walk(node))
        parts = names.parts(node)
        if parts == [wanted]:
            yield node.lineno
        elif None in parts and len(parts) > 1:
            has_module = (parts[0] or "").startswith(f"{names.module}.")
            has_name = re.search(rf"(?:^|\.){name}$", parts[-1] or "") is not None
            pattern = "".join(r"[\w.]*" if part is None else re.escape(part) for part in parts)
            is_whole = (has_module and name in names.constants) or has_name
            if is_whole and re.fullmatch(pattern, wanted):
                yield node.lineno


def _evaluated(tree: ast.Module) -> Iterator[tuple[ast.AST, bool]]:
    """The nodes of a file with whether they stand in a function, but for what calls of mocks are given."""
    stack: list[tuple[ast.AST, bool]] = [(tree, False)]
    while stack:
        node, is_deferred = stack.pop()
        yield node, is_deferred
        if isinstance(node, ast.Call) and PATCHING.search(ast.unparse(node.func)):
            stack.append((node.func, is_deferred))
            continue
        inside = is_deferred or isinstance(node, _FUNCTIONS)
        stack.extend((child, inside) for child in ast.iter_child_nodes(node))


def _last_word(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def _is_text(node: ast.expr, text: str) -> bool:
    return isinstance(node, ast.Constant) and node.value == text
