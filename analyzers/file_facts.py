"""One Python file's bytes in, one FileRecord out: imports, module-level names, `__all__`, dotted strings.

The walk visits statements only and never enters expressions, which saves a third of the time of `ast.walk`
(measured by benchmarks/index_speed.py). What it therefore does not see: names bound by `:=`, names that
`exec` or `setattr` make (the record's `dynamic_namespace` says that there may be some), strings put together
at run time.
"""

from __future__ import annotations

import ast
import gc
import hashlib
import re
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from analyzers.model import (
    Definition,
    DefinitionKind,
    DottedString,
    FileRecord,
    Guard,
    ImportedName,
    ImportRecord,
    Scope,
)
from analyzers.newer_syntax import needs_newer_python, without_lazy
from analyzers.source import decode_text

#: Larger files are records with an error: the syntax tree takes about 100 times their size in memory.
MAX_BYTES = 24_000_000

#: Cheap sign that names may appear which no statement binds; decided by `_binds_dynamically`.
_DYNAMIC_SIGN = re.compile(r"\b(?:globals|vars|locals|exec)\s*\(|\bsys\s*\.\s*modules\b")

# A dotted name between two quotes of one kind. The closing quote is only looked at, so that a false start at
# the end of one string does not swallow the beginning of the next.
_DOTTED = tuple(
    re.compile(rf"{quote}([^\W\d]\w*(?:\.[^\W\d]\w*)+(?::[^\W\d]\w*(?:\.[^\W\d]\w*)*)?)(?={quote})")
    for quote in ("'", '"')
)

_TYPE_CHECKING = int(Guard.TYPE_CHECKING)
_TRY = int(Guard.TRY)
_EXCEPT = int(Guard.EXCEPT)
_CONDITIONAL = int(Guard.CONDITIONAL)
_LAZY = int(Guard.LAZY)


def read_facts(path: str, content: bytes, mtime_ns: int = 0) -> FileRecord:
    """What the index knows of a file with these bytes.

    Args:
        path: decides between module and stub (`.pyi`: a bare annotation defines its name); not opened.
        content: the bytes of the file.
        mtime_ns: put into the record as it is.

    Returns:
        A record with its imports by place, definitions by place, strings by line. A file that cannot be parsed
        gives a record with `error` and empty lists.
    """
    digest = hashlib.sha256(content).hexdigest()
    with _quiet_parsing():
        return _facts(path, content, digest, mtime_ns)


def read_many(files: Iterable[tuple[str, bytes, int]]) -> list[FileRecord]:
    """The records of many files, `(path, content, mtime_ns)` each, in the given order; equal bytes once parsed."""
    records = []
    known: dict[tuple[str, bool], FileRecord] = {}
    with _quiet_parsing():
        for path, content, mtime_ns in files:
            digest = hashlib.sha256(content).hexdigest()
            key = (digest, path.endswith(".pyi"))
            twin = known.get(key)
            record = (
                _facts(path, content, digest, mtime_ns) if twin is None else same_facts(twin, path, mtime_ns)
            )
            known.setdefault(key, record)
            records.append(record)
    return records


def same_facts(record: FileRecord, path: str, mtime_ns: int) -> FileRecord:
    """The record that a file with the same bytes has at `path`."""
    if record.path == path and record.mtime_ns == mtime_ns:
        return record
    return FileRecord(
        path,
        record.sha256,
        record.size_bytes,
        mtime_ns,
        record.error,
        record.error_line,
        record.imports,
        record.definitions,
        record.exports,
        record.exports_dynamic,
        record.dynamic_namespace,
        record.dotted_strings,
    )


def unread(path: str, error: str, size_bytes: int = 0, mtime_ns: int = 0) -> FileRecord:
    """The record of a file that was not read, and why."""
    return FileRecord(path, "", size_bytes, mtime_ns, error)


@contextmanager
def _quiet_parsing() -> Iterator[None]:
    """No syntax warnings, and no garbage collection: trees of `ast` hold no cycles and go by reference count."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        if collecting:
            gc.enable()


def _facts(path: str, content: bytes, digest: str, mtime_ns: int) -> FileRecord:
    if len(content) > MAX_BYTES:
        return FileRecord(path, digest, len(content), mtime_ns, f"larger than {MAX_BYTES} bytes, not parsed")
    text, _, error, error_line = decode_text(content)
    if error:
        return FileRecord(path, digest, len(content), mtime_ns, error, error_line)
    tree, lazy, error, error_line = parse(text)
    if tree is None:
        return FileRecord(path, digest, len(content), mtime_ns, error, error_line)
    walk = _Walk(lazy, is_stub=path.endswith(".pyi"))
    walk.module(tree)
    dynamic = "__getattr__" in walk.bound or (
        _DYNAMIC_SIGN.search(text) is not None and _binds_dynamically(tree)
    )
    return FileRecord(
        path,
        digest,
        len(content),
        mtime_ns,
        "",
        0,
        tuple(walk.imports),
        tuple(walk.definitions),
        None if walk.exports is None else tuple(walk.exports),
        walk.exports_dynamic,
        dynamic,
        dotted_strings(text),
    )


def parse(text: str) -> tuple[ast.Module | None, frozenset[tuple[int, int]], str, int]:
    """`(tree, places of lazy imports, error, error line)` of a text; the tree is None with an error.

    The places are (line, column) of `lazy import` statements (Python 3.15) that an older Python was made to
    read by moving the keyword out of the way; all places in the tree are those of the text as it is.
    """
    nothing: frozenset[tuple[int, int]] = frozenset()
    try:
        return _compile(text), nothing, "", 0
    except SyntaxError as error:
        if "lazy" in text:
            plain, places = without_lazy(text)
            if places:
                try:
                    return _compile(plain), places, "", 0
                except (SyntaxError, ValueError, RecursionError, MemoryError):
                    pass
        newer = needs_newer_python(text, error, _compile)
        problem = f"needs a newer Python: {newer}" if newer else f"syntax error: {error.msg}"
        return None, nothing, problem, error.lineno or 0
    except ValueError as error:
        at = text.find("\0")
        if at >= 0:
            return None, nothing, "contains a null byte", _newlines(text[:at]).count("\n") + 1
        return None, nothing, f"cannot be parsed: {error}", 0
    except (RecursionError, MemoryError):
        return None, nothing, "is nested too deeply to be parsed", 0


def _compile(text: str) -> ast.Module:
    tree = compile(text, "<source>", "exec", ast.PyCF_ONLY_AST, dont_inherit=True)
    assert isinstance(tree, ast.Module)
    return tree


def dotted_strings(text: str) -> tuple[DottedString, ...]:
    """The string constants of a text whose whole value is `a.b`, `a.b.c` or `a.b:c`, by line.

    Read from the text, not from the tree: whatever stands between two equal quotes counts, inside comments and
    other strings, too. Nothing that one plain literal says is missed; values made by escapes or by joining
    literals are.
    """
    text = _newlines(text)
    found = [(match.start(), match[1]) for pattern in _DOTTED for match in pattern.finditer(text)]
    found.sort()
    strings = []
    line, seen = 1, 0
    for start, value in found:
        line += text.count("\n", seen, start)
        seen = start
        strings.append(DottedString(line, value))
    return tuple(strings)


def _newlines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


class _Walk:
    """The statement walk of one module; the lists are in the order of the text."""

    __slots__ = (
        "bound",
        "definitions",
        "exports",
        "exports_dynamic",
        "guard",
        "imports",
        "is_stub",
        "lazy",
        "scope",
    )

    def __init__(self, lazy: frozenset[tuple[int, int]], *, is_stub: bool) -> None:
        self.lazy = lazy
        self.is_stub = is_stub
        self.imports: list[ImportRecord] = []
        self.definitions: list[Definition] = []
        self.bound: set[str] = set()
        self.exports: list[str] | None = None
        self.exports_dynamic = False
        self.scope = Scope.MODULE
        self.guard = 0

    def module(self, tree: ast.Module) -> None:
        self.body(tree.body)
        self.definitions.sort(key=_place)
        self.bound.update(d.name for d in self.definitions)

    def body(self, statements: list[ast.stmt]) -> None:
        handlers = _AT_MODULE_LEVEL if self.scope is Scope.MODULE else _ELSEWHERE
        for statement in statements:
            handler = handlers.get(statement.__class__)
            if handler is not None:
                handler(self, statement)

    def guarded(self, statements: list[ast.stmt], flags: int) -> None:
        outer = self.guard
        self.guard = outer | flags
        self.body(statements)
        self.guard = outer

    def nested(self, scope: Scope, statements: list[ast.stmt]) -> None:
        outer_scope, outer_guard = self.scope, self.guard
        self.scope, self.guard = scope, outer_guard & _TYPE_CHECKING
        self.body(statements)
        self.scope, self.guard = outer_scope, outer_guard

    # -- imports

    def import_(self, node: ast.Import) -> None:
        self.record_import(node, False, 0, "")

    def import_from(self, node: ast.ImportFrom) -> None:
        self.record_import(node, True, node.level, node.module or "")

    def record_import(
        self, node: ast.Import | ast.ImportFrom, is_from: bool, level: int, module: str
    ) -> None:
        guard = self.guard
        # Python 3.15 says it in the tree; older ones in the places that `without_lazy` found.
        if getattr(node, "is_lazy", 0) or (self.lazy and (node.lineno, node.col_offset) in self.lazy):
            guard |= _LAZY
        names = tuple([ImportedName(alias.name, alias.asname) for alias in node.names])
        self.imports.append(
            ImportRecord(
                node.lineno,
                node.end_lineno or node.lineno,
                node.col_offset,
                is_from,
                level,
                module,
                names,
                self.scope,
                guard,
            )
        )
        if self.scope is Scope.MODULE and is_from:
            for name in names:
                bound = name.asname or name.name
                self.bound.add(bound)
                if bound == "__all__":
                    self.exports_dynamic = True

    # -- compound statements

    def function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        if self.scope is Scope.MODULE:
            self.define(node.name, DefinitionKind.FUNCTION, node)
        self.nested(Scope.FUNCTION, node.body)

    def class_(self, node: ast.ClassDef) -> None:
        if self.scope is Scope.MODULE:
            self.define(node.name, DefinitionKind.CLASS, node)
        self.nested(Scope.CLASS, node.body)

    def if_(self, node: ast.If) -> None:
        # A loop, not a recursion: `elif` chains nest as deep as they are long.
        outer = self.guard
        branch: ast.If | None = node
        while branch is not None:
            holds, fails = _typing_guards(branch.test)
            self.guarded(branch.body, holds)
            rest = branch.orelse
            self.guard |= fails
            if len(rest) == 1 and isinstance(rest[0], ast.If):
                branch = rest[0]
            else:
                self.body(rest)
                branch = None
        self.guard = outer

    def loop(self, node: ast.For | ast.AsyncFor | ast.While) -> None:
        if self.scope is Scope.MODULE and not isinstance(node, ast.While):
            self.bind(node.target)
        self.guarded(node.body, _CONDITIONAL)
        self.guarded(node.orelse, _CONDITIONAL)

    def try_(self, node: ast.Try) -> None:
        self.guarded(node.body, _TRY if node.handlers else 0)
        for handler in node.handlers:
            self.guarded(handler.body, _EXCEPT)
        self.guarded(node.orelse, _CONDITIONAL)
        self.body(node.finalbody)

    def with_(self, node: ast.With | ast.AsyncWith) -> None:
        flags = 0
        for item in node.items:
            if item.optional_vars is not None and self.scope is Scope.MODULE:
                self.bind(item.optional_vars)
            if _last_name(item.context_expr) == "suppress":
                flags = _TRY
        self.guarded(node.body, flags)

    def match(self, node: ast.Match) -> None:
        for case in node.cases:
            if self.scope is Scope.MODULE:
                self.capture(case.pattern)
            self.guarded(case.body, _CONDITIONAL)

    def capture(self, pattern: ast.pattern) -> None:
        for node in ast.walk(pattern):
            name = None
            if isinstance(node, (ast.MatchAs, ast.MatchStar)):
                name = node.name
            elif isinstance(node, ast.MatchMapping):
                name = node.rest
            if name is not None:
                self.define(name, DefinitionKind.VARIABLE, node)

    # -- names bound at module level

    def define(self, name: str, kind: DefinitionKind, node: ast.AST) -> None:
        line = int(getattr(node, "lineno", 0))
        self.definitions.append(Definition(name, kind, line, getattr(node, "end_lineno", None) or line))

    def bind(self, target: ast.expr, whole: ast.stmt | None = None) -> None:
        if isinstance(target, ast.Name):
            if target.id == "__all__" and whole is None:
                self.exports_dynamic = True
            self.define(target.id, DefinitionKind.VARIABLE, whole or target)
        elif isinstance(target, (ast.Tuple, ast.List)):
            for element in target.elts:
                if isinstance(element, ast.Name) and element.id == "__all__":
                    self.exports_dynamic = True
                self.bind(element, whole)
        elif isinstance(target, ast.Starred):
            self.bind(target.value, whole)

    def assign(self, node: ast.Assign) -> None:
        for target in node.targets:
            self.bind(target, node)
            if isinstance(target, ast.Name):
                if target.id == "__all__":
                    self.set_exports(node.value)
            elif isinstance(target, ast.Subscript) and _is_exports(target.value):
                self.exports_dynamic = True

    def ann_assign(self, node: ast.AnnAssign) -> None:
        if node.value is None and not self.is_stub:
            # A bare annotation binds nothing at run time; in a stub it is how a variable is declared.
            return
        self.bind(node.target, node)
        if _is_exports(node.target) and node.value is not None:
            self.set_exports(node.value)

    def aug_assign(self, node: ast.AugAssign) -> None:
        self.bind(node.target, node)
        if _is_exports(node.target):
            if isinstance(node.op, ast.Add):
                self.add_exports(node.value)
            else:
                self.exports_dynamic = True

    def type_alias(self, node: ast.stmt) -> None:
        name = getattr(node, "name", None)
        if isinstance(name, ast.Name):
            self.define(name.id, DefinitionKind.VARIABLE, node)

    def global_(self, node: ast.Global) -> None:
        for name in node.names:
            self.define(name, DefinitionKind.VARIABLE, node)
            if name == "__all__":
                self.exports_dynamic = True

    # -- __all__

    def expression(self, node: ast.Expr) -> None:
        """`__all__.extend(...)`, `.append(...)`, `.remove(...)`; any other call on it is computed."""
        call = node.value
        if not (
            isinstance(call, ast.Call)
            and isinstance(call.func, ast.Attribute)
            and _is_exports(call.func.value)
        ):
            return
        method = call.func.attr
        if len(call.args) != 1 or call.keywords or method not in ("extend", "append", "remove"):
            self.exports_dynamic = True
        elif method == "extend":
            self.add_exports(call.args[0])
        elif isinstance(call.args[0], ast.Constant) and isinstance(call.args[0].value, str):
            name = call.args[0].value
            if method == "append":
                self.exports = [*(self.exports or ()), name]
            elif name in (self.exports or ()):
                assert self.exports is not None
                self.exports.remove(name)
            else:
                self.exports_dynamic = True
        else:
            self.exports_dynamic = True

    def set_exports(self, value: ast.expr) -> None:
        names, computed = _literal_names(value)
        # A second `__all__` in another branch adds up: which of them holds is only known at run time.
        if self.guard and self.exports is not None:
            names = self.exports + [name for name in names if name not in self.exports]
        self.exports = names
        self.exports_dynamic = computed if not self.guard else self.exports_dynamic or computed

    def add_exports(self, value: ast.expr) -> None:
        names, computed = _literal_names(value)
        self.exports = [*(self.exports or ()), *names]
        self.exports_dynamic = self.exports_dynamic or computed


def _place(definition: Definition) -> tuple[int, str]:
    return definition.line, definition.name


def _is_exports(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id == "__all__"


def _literal_names(value: ast.expr) -> tuple[list[str], bool]:
    """The names that an expression for `__all__` spells out, and whether a part of it is computed."""
    if isinstance(value, ast.BinOp) and isinstance(value.op, ast.Add):
        left, left_computed = _literal_names(value.left)
        right, right_computed = _literal_names(value.right)
        return left + right, left_computed or right_computed
    if isinstance(value, ast.Call) and not value.keywords and len(value.args) == 1:
        if isinstance(value.func, ast.Name) and value.func.id in (
            "list",
            "tuple",
            "sorted",
            "set",
            "frozenset",
        ):
            return _literal_names(value.args[0])
        return [], True
    if not isinstance(value, (ast.List, ast.Tuple, ast.Set)):
        return [], True
    names: list[str] = []
    computed = False
    for element in value.elts:
        if isinstance(element, ast.Constant) and isinstance(element.value, str):
            names.append(element.value)
        elif isinstance(element, ast.Starred):
            inner, inner_computed = _literal_names(element.value)
            names += inner
            computed = computed or inner_computed
        else:
            computed = True
    return names, computed


def _typing_guards(test: ast.expr) -> tuple[int, int]:
    """The guard flags of the two branches of an `if`: (condition holds, condition fails)."""
    if _last_name(test) in ("TYPE_CHECKING", "MYPY") or (isinstance(test, ast.Constant) and not test.value):
        # `if False:` is how typing-only imports were written before `typing.TYPE_CHECKING`.
        return _TYPE_CHECKING, _CONDITIONAL
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        holds, fails = _typing_guards(test.operand)
        return fails, holds
    if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And):
        if any(_typing_guards(value)[0] & _TYPE_CHECKING for value in test.values):
            return _TYPE_CHECKING | _CONDITIONAL, _CONDITIONAL
    return _CONDITIONAL, _CONDITIONAL


def _last_name(node: ast.expr) -> str:
    """`c` for `c`, `a.b.c` and a call of either; else empty."""
    if isinstance(node, ast.Call):
        node = node.func
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _binds_dynamically(tree: ast.Module) -> bool:
    """Whether some code puts names into this module's namespace otherwise than by a statement."""
    functions = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)
    stack: list[tuple[ast.AST, bool]] = [(tree, True)]
    while stack:
        node, at_top = stack.pop()
        if _writes_namespace(node, at_top):
            return True
        at_top = at_top and not isinstance(node, functions)
        stack.extend((child, at_top) for child in ast.iter_child_nodes(node))
    return False


def _writes_namespace(node: ast.AST, at_top: bool) -> bool:
    if isinstance(node, ast.Call):
        name = _last_name(node.func)
        if name == "exec" and isinstance(node.func, ast.Name):
            given = node.args[1] if len(node.args) > 1 else None
            return at_top if given is None else _is_namespace(given, at_top)
        if name == "setattr" and node.args:
            return _is_module_object(node.args[0])
        if isinstance(node.func, ast.Attribute) and name in ("update", "setdefault", "__setitem__"):
            return _is_namespace(node.func.value, at_top)
        return False
    if isinstance(node, (ast.Assign, ast.AugAssign, ast.AnnAssign, ast.For)):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        return any(
            isinstance(target, ast.Subscript)
            and (_is_namespace(target.value, at_top) or _is_module_object(target))
            for target in targets
        )
    return False


def _is_namespace(node: ast.expr, at_top: bool) -> bool:
    """`globals()`, at module level `vars()` and `locals()`, `sys.modules[...].__dict__`, `vars(sys.modules[...])`."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        if node.func.id == "vars" and node.args:
            return _is_module_object(node.args[0])
        return node.func.id == "globals" or (at_top and node.func.id in ("vars", "locals"))
    return isinstance(node, ast.Attribute) and node.attr == "__dict__" and _is_module_object(node.value)


def _is_module_object(node: ast.expr) -> bool:
    """`sys.modules[...]`."""
    return isinstance(node, ast.Subscript) and _last_name(node.value) == "modules"


_Handler = Callable[[_Walk, "ast.stmt"], None]


def _handlers() -> tuple[dict[type, _Handler], dict[type, _Handler]]:
    everywhere: dict[type, object] = {
        ast.Import: _Walk.import_,
        ast.ImportFrom: _Walk.import_from,
        ast.FunctionDef: _Walk.function,
        ast.AsyncFunctionDef: _Walk.function,
        ast.ClassDef: _Walk.class_,
        ast.If: _Walk.if_,
        ast.For: _Walk.loop,
        ast.AsyncFor: _Walk.loop,
        ast.While: _Walk.loop,
        ast.Try: _Walk.try_,
        ast.With: _Walk.with_,
        ast.AsyncWith: _Walk.with_,
        ast.Match: _Walk.match,
        ast.Global: _Walk.global_,
    }
    try_star = getattr(ast, "TryStar", None)  # Python 3.11
    if try_star is not None:
        everywhere[try_star] = _Walk.try_
    module_only: dict[type, object] = {
        ast.Assign: _Walk.assign,
        ast.AnnAssign: _Walk.ann_assign,
        ast.AugAssign: _Walk.aug_assign,
        ast.Expr: _Walk.expression,
    }
    type_alias = getattr(ast, "TypeAlias", None)  # Python 3.12
    if type_alias is not None:
        module_only[type_alias] = _Walk.type_alias
    return {**everywhere, **module_only}, everywhere  # type: ignore[dict-item]


_AT_MODULE_LEVEL, _ELSEWHERE = _handlers()
