"""What each string constant of a Python module is used for: a lookup, an annotation, a docstring, ...

Only collects; whether a string names something that moves is judged elsewhere. Not seen: constants inside
the braces of an f-string (their places are unreliable before Python 3.12).
"""

from __future__ import annotations

import ast
import enum
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

_PATCHERS = frozenset({"patch", "patch.multiple", "patch.dict"})
# Functions that look up what their first argument names; compared by the last part of the call's name.
_RESOLVERS = frozenset(
    {
        *(
            "import_module",
            "__import__",
            "find_spec",
            "find_loader",
            "get_loader",
            "import_string",
            "resolve_name",
        ),
        *("importorskip", "PackageLoader", "include", "getLogger", "get_logger", "run_module", "locate"),
        *(
            "import_from_string",
            "import_object",
            "load_object",
            "symbol_by_name",
            "import_by_path",
            "get_data",
        ),
        *("files", "open_text", "open_binary", "read_text", "read_binary", "is_resource", "contents"),
        *("assertLogs", "assertNoLogs", "resource_filename", "resource_string", "resource_stream"),
        *("config_from_object", "LazyString", "lazy_import", "autodiscover_tasks", "register_module"),
    }
)
# Functions that run their first argument as code, and those that only change its layout on the way there.
_RUNNERS = frozenset({"exec", "eval", "compile", "builtins.exec", "builtins.eval", "builtins.compile"})
_LAYOUT = frozenset({"dedent", "cleandoc", "strip", "encode"})
_RESOLVER_KEYWORDS = frozenset({"target", "name", "logger", "package", "module", "import_name", "modname"})
_NAMES = "pytest_plugins"


class Use(enum.Enum):
    """What a string is used for."""

    PLAIN = "a constant"
    RESOLVER = "an argument that is looked up"
    ANNOTATION = "a quoted annotation"
    DOCSTRING = "a docstring"
    RELATIVE = "a name relative to a package"
    LAZY_VALUE = "a value of a lazy-loader map"
    LAZY_PART = "a submodule of a lazy loader"
    TASK_NAME = "an explicit task name"
    TASK_REFERENCE = "a task's name"
    CODE = "code that is run"


@dataclass(frozen=True, slots=True)
class StringUse:
    """A constant and its use; `package` is what a relative name hangs below (None: not known).

    `key` is the attribute that a lazy map's value is the module of; `by` names the function or variable.
    """

    node: ast.Constant
    use: Use
    package: str | None = None
    key: str = ""
    by: str = ""


@dataclass(frozen=True, slots=True)
class Collected:
    """All strings of a module, in no certain order.

    `computed` are f-strings, sums and `%` formats, each with whether it is looked up; `constants` are the
    module-level names bound once to a string.
    """

    strings: list[StringUse]
    computed: list[tuple[ast.expr, bool]]
    joined: list[ast.JoinedStr]
    constants: dict[str, str]


def collect_strings(tree: ast.Module, package: str | None) -> Collected:
    """The string constants of `tree`; `package` is what `__package__` holds in it (None: not known)."""
    collector = _Collector(tree, package)
    collector.run(tree)
    named = {n.id for node, _ in collector.computed for n in ast.walk(node) if isinstance(n, ast.Name)}
    return Collected(collector.strings, collector.computed, collector.joined, _module_constants(tree, named))


def call_name(node: ast.expr) -> str:
    """`a.b.c` for a chain of attributes of a name, the attributes alone below anything else, or empty."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if isinstance(node, ast.Name):
        parts.append(node.id)
    return ".".join(reversed(parts))


class _Collector:
    def __init__(self, tree: ast.Module, package: str | None) -> None:
        self.package = package
        self.waiting: list[tuple[ast.AST, Use]] = []
        self.strings: list[StringUse] = []
        self.computed: list[tuple[ast.expr, bool]] = []
        self.joined: list[ast.JoinedStr] = []
        self.tree = tree
        self.is_lazy = any(isinstance(s, ast.FunctionDef) and s.name == "__getattr__" for s in tree.body)
        self.passes_package = self.is_lazy and _imports_relative_to_a_package(tree)

    def run(self, tree: ast.Module) -> None:
        """Visit all of `tree`; with a stack of its own, since expressions can be thousands of levels deep."""
        self._children(tree, Use.PLAIN)
        while self.waiting:
            node, use = self.waiting.pop()
            if isinstance(node, ast.Constant):
                if isinstance(node.value, str):
                    self.strings.append(StringUse(node, use))
                continue
            method = _METHODS.get(type(node))
            if method is not None:
                method(self, node, use)
            else:
                self._children(node, use)

    def visit(self, node: ast.AST, use: Use) -> None:
        """Visit `node` and what is below it, later."""
        self.waiting.append((node, use))

    def _children(self, node: ast.AST, use: Use) -> None:
        # Written out: `ast.iter_child_nodes` costs half of the whole visit, and names hold no strings.
        waiting = self.waiting
        for name in node._fields:
            value = getattr(node, name, None)
            if value.__class__ is list:
                waiting += [(item, use) for item in value if isinstance(item, ast.AST)]
            elif isinstance(value, ast.AST) and not isinstance(value, (ast.expr_context, ast.Name)):
                waiting.append((value, use))

    def _visit_expr(self, node: ast.Expr, use: Use) -> None:
        is_docstring = isinstance(node.value, ast.Constant)
        self.visit(node.value, Use.DOCSTRING if is_docstring else Use.PLAIN)

    def _visit_functiondef(self, node: ast.FunctionDef | ast.AsyncFunctionDef, use: Use) -> None:
        for decorator in node.decorator_list:
            self.visit(decorator, Use.PLAIN)
        arguments = node.args
        for argument in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs):
            self._annotation(argument.annotation)
        for extra in (arguments.vararg, arguments.kwarg):
            self._annotation(extra.annotation if extra else None)
        for default in (*arguments.defaults, *(d for d in arguments.kw_defaults if d is not None)):
            self.visit(default, Use.PLAIN)
        self._annotation(node.returns)
        for statement in node.body:
            self.visit(statement, Use.PLAIN)

    def _visit_classdef(self, node: ast.ClassDef, use: Use) -> None:
        is_task = any(call_name(base).rpartition(".")[2] == "Task" for base in node.bases)
        parameters = getattr(node, "type_params", ())
        for field in (*node.decorator_list, *node.bases, *(k.value for k in node.keywords), *parameters):
            self.visit(field, Use.PLAIN)
        for statement in node.body:
            if is_task and isinstance(statement, ast.Assign) and _is_name(statement.targets):
                self._named(statement.value, Use.TASK_NAME, "a task class")
            else:
                self.visit(statement, Use.PLAIN)

    def _visit_annassign(self, node: ast.AnnAssign, use: Use) -> None:
        self.visit(node.target, Use.PLAIN)
        self._annotation(node.annotation)
        if node.value is not None:
            self._assigned([node.target], node.value)

    def _visit_assign(self, node: ast.Assign, use: Use) -> None:
        for target in node.targets:
            self.visit(target, Use.PLAIN)
        self._assigned(node.targets, node.value)

    def _visit_augassign(self, node: ast.AugAssign, use: Use) -> None:
        self._assigned([node.target], node.value)

    def _assigned(self, targets: list[ast.expr], value: ast.expr) -> None:
        names = {t.id for t in targets if isinstance(t, ast.Name)}
        if "__all__" in names:
            # The names it lists are names of this module, not paths.
            return
        if _NAMES in names:
            self._named(value, Use.RESOLVER, _NAMES)
        elif self.is_lazy and isinstance(value, ast.Dict):
            self._lazy_map(value)
        else:
            self.visit(value, Use.PLAIN)

    def _annotation(self, node: ast.expr | None) -> None:
        if node is not None:
            self.visit(node, Use.ANNOTATION)

    def _visit_subscript(self, node: ast.Subscript, use: Use) -> None:
        self.visit(node.value, Use.PLAIN)
        if call_name(node.value).rpartition(".")[2] != "Literal":
            self.visit(node.slice, use)

    def _visit_joinedstr(self, node: ast.JoinedStr, use: Use) -> None:
        self.joined.append(node)
        self.computed.append((node, use is Use.RESOLVER))

    def _visit_binop(self, node: ast.BinOp, use: Use) -> None:
        if use is Use.ANNOTATION or not isinstance(node.op, (ast.Add, ast.Mod)):
            self._children(node, use if use is Use.ANNOTATION else Use.PLAIN)
            return
        operands = sum_operands(node)
        if any(isinstance(o, ast.JoinedStr) or isinstance(getattr(o, "value", None), str) for o in operands):
            self.computed.append((node, use is Use.RESOLVER))
        for operand in operands:
            self.visit(operand, Use.PLAIN)

    def _visit_dict(self, node: ast.Dict, use: Use) -> None:
        for key, value in zip(node.keys, node.values, strict=True):
            if key is not None:
                self.visit(key, use)
            is_task = isinstance(key, ast.Constant) and key.value == "task"
            self.visit(value, Use.TASK_REFERENCE if is_task and isinstance(value, ast.Constant) else use)

    def _visit_call(self, node: ast.Call, use: Use) -> None:
        name = call_name(node.func)
        last = name.rpartition(".")[2]
        if self._is_text_method(node.func):
            self.computed.append((node, use is Use.RESOLVER))
        self.visit(node.func, Use.PLAIN)
        if last == "cast" and node.args:
            self.visit(node.args[0], Use.ANNOTATION)
            self._rest(node, 1)
        elif last in ("TypeVar", "NewType", "ForwardRef", "ParamSpec", "TypeVarTuple"):
            for argument in node.args[0 if last == "ForwardRef" else 1 :]:
                self.visit(argument, Use.ANNOTATION)
            for keyword in node.keywords:
                self.visit(keyword.value, Use.ANNOTATION)
        elif last == "attach" and ("lazy" in name or name == "attach"):
            self._lazy_attach(node)
        elif last == "import_module" and self._is_relative(node):
            self._relative(node)
        elif _looks_up(name):
            if node.args:
                self._named(node.args[0], Use.RESOLVER, name)
            self._rest(node, 1, name)
        elif last in ("send_task", "signature", "subtask") and node.args:
            self._named(node.args[0], Use.TASK_REFERENCE, name)
            self._rest(node, 1)
        elif last in ("task", "shared_task", "actor", "job", "periodic_task", "db_task", "agent"):
            for argument in node.args:
                self.visit(argument, Use.PLAIN)
            for keyword in node.keywords:
                own = keyword.arg in ("name", "actor_name", "task_name")
                self._named(keyword.value, Use.TASK_NAME if own else Use.PLAIN, name)
        elif last in ("at_level", "set_level", "runpy", "Flask", "Celery"):
            self._rest(node, 0, name)
        elif name in _RUNNERS and node.args:
            self._code(node.args[0], name)
            self._rest(node, 1)
        else:
            self._arguments(node.args)
            self._rest(node, len(node.args))

    def _visit_list(self, node: ast.List | ast.Tuple, use: Use) -> None:
        self._arguments(node.elts, use)

    def _arguments(self, nodes: list[ast.expr], use: Use = Use.PLAIN) -> None:
        """Arguments of a call, or items of a list that may be a command line: what follows `-c` is code."""
        after_option = False
        for node in nodes:
            if after_option:
                self._code(node, "python -c")
            else:
                self.visit(node, use)
            after_option = isinstance(node, ast.Constant) and node.value == "-c"

    def _code(self, node: ast.expr, by: str) -> None:
        """A string that is run as Python code, perhaps with its indentation taken off first."""
        while isinstance(node, ast.Call) and call_name(node.func).rpartition(".")[2] in _LAYOUT:
            inner = node.args[0] if node.args else getattr(node.func, "value", None)
            if inner is None:
                break
            node = inner
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            self.strings.append(StringUse(node, Use.CODE, by=by))
        else:
            self.visit(node, Use.PLAIN)

    @staticmethod
    def _is_text_method(node: ast.expr) -> bool:
        """Whether it is `format` or `join` of a string constant."""
        return (
            isinstance(node, ast.Attribute)
            and node.attr in ("format", "join")
            and isinstance(node.value, ast.Constant)
            and isinstance(node.value.value, str)
        )

    def _rest(self, node: ast.Call, first: int, by: str = "") -> None:
        for argument in node.args[first:]:
            self.visit(argument, Use.PLAIN)
        for keyword in node.keywords:
            if by and keyword.arg in _RESOLVER_KEYWORDS:
                self._named(keyword.value, Use.RESOLVER, by)
            else:
                self.visit(keyword.value, Use.PLAIN)

    def _named(self, node: ast.expr, use: Use, by: str) -> None:
        """A string, or a list of strings, that `by` looks up."""
        if isinstance(node, ast.Constant):
            if isinstance(node.value, str):
                self.strings.append(StringUse(node, use, by=by))
        elif isinstance(node, (ast.List, ast.Tuple, ast.Set)):
            for item in node.elts:
                self._named(item, use, by)
        elif isinstance(node, (ast.JoinedStr, ast.BinOp, ast.Call)):
            self.visit(node, use)
        else:
            self.visit(node, Use.PLAIN)

    @staticmethod
    def _is_relative(node: ast.Call) -> bool:
        first = node.args[0] if node.args else None
        return (
            isinstance(first, ast.Constant) and isinstance(first.value, str) and first.value.startswith(".")
        )

    def _relative(self, node: ast.Call) -> None:
        keywords = {k.arg: k.value for k in node.keywords}
        package = node.args[1] if len(node.args) > 1 else keywords.get("package")
        first = node.args[0]
        assert isinstance(first, ast.Constant)
        value = None if package is None else self._package_value(package)
        self.strings.append(StringUse(first, Use.RELATIVE, package=value, by="import_module"))
        if package is not None:
            self._named(package, Use.RESOLVER, "import_module")

    def _package_value(self, node: ast.expr) -> str | None:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            return node.value
        if isinstance(node, ast.Name):
            if node.id in ("__package__", "__name__"):
                # `__name__` is only right in a package's `__init__`, where it is the package.
                return self.package
            return _module_constants(self.tree, {node.id}).get(node.id)
        return None

    def _lazy_map(self, node: ast.Dict) -> None:
        by = "import_module" if self.passes_package else ""
        for key, value in zip(node.keys, node.values, strict=True):
            name = key.value if isinstance(key, ast.Constant) and isinstance(key.value, str) else ""
            items = value.elts if isinstance(value, (ast.Tuple, ast.List)) else [value]
            if key is not None:
                self.visit(key, Use.PLAIN)
            for item in items:
                text = item.value if isinstance(item, ast.Constant) else None
                if isinstance(item, ast.Constant) and isinstance(text, str) and text.startswith("."):
                    self.strings.append(StringUse(item, Use.LAZY_VALUE, self.package, name, by))
                else:
                    self.visit(item, Use.PLAIN)

    def _lazy_attach(self, node: ast.Call) -> None:
        keywords = {k.arg: k.value for k in node.keywords}
        submodules = node.args[1] if len(node.args) > 1 else keywords.get("submodules")
        attributes = node.args[2] if len(node.args) > 2 else keywords.get("submod_attrs")
        if isinstance(submodules, (ast.List, ast.Tuple, ast.Set)):
            self._lazy_parts(submodules.elts)
        if isinstance(attributes, ast.Dict):
            self._lazy_parts([key for key in attributes.keys if key is not None])

    def _lazy_parts(self, nodes: list[ast.expr]) -> None:
        for node in nodes:
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                self.strings.append(StringUse(node, Use.LAZY_PART, self.package, by="attach"))


def _looks_up(name: str) -> bool:
    head, _, last = name.rpartition(".")
    owner = head.rpartition(".")[2]
    if last == "patch" or f"{owner}.{last}" in _PATCHERS:
        return True
    if last in ("setattr", "delattr"):
        # The built-in functions take an object; monkeypatch takes a dotted name.
        return bool(owner)
    if last in ("files", "open_text", "open_binary", "read_text", "read_binary", "is_resource", "contents"):
        return owner in ("resources", "importlib_resources", "") and not (last == "contents" and not owner)
    return last in _RESOLVERS


def sum_operands(node: ast.BinOp) -> list[ast.expr]:
    """The operands of a chain of `+` in order; of `%`, both sides."""
    if not isinstance(node.op, ast.Add):
        return [node.left, node.right]
    found: list[ast.expr] = []
    waiting: list[ast.expr] = [node]
    while waiting:
        operand = waiting.pop()
        if isinstance(operand, ast.BinOp) and isinstance(operand.op, ast.Add):
            waiting += (operand.right, operand.left)
        else:
            found.append(operand)
    return found


def _is_name(targets: list[ast.expr]) -> bool:
    return len(targets) == 1 and isinstance(targets[0], ast.Name) and targets[0].id == "name"


def _module_constants(tree: ast.Module, names: set[str]) -> dict[str, str]:
    """Those of `names` that are bound once, at module level, to a string."""
    found: dict[str, str] = {}
    for statement in tree.body:
        if isinstance(statement, ast.AnnAssign):
            targets, value = [statement.target], statement.value
        elif isinstance(statement, ast.Assign):
            targets, value = list(statement.targets), statement.value  # type: ignore[arg-type]
        else:
            continue
        if isinstance(value, ast.Constant) and isinstance(value.value, str):
            found.update({t.id: value.value for t in targets if isinstance(t, ast.Name) and t.id in names})
    if not found:
        return {}
    bound: dict[str, int] = dict.fromkeys(found, 0)
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, (ast.Store, ast.Del)) and node.id in bound:
            bound[node.id] += 1
    return {name: value for name, value in found.items() if bound[name] == 1}


def _imports_relative_to_a_package(tree: ast.Module) -> bool:
    """Whether the module calls `import_module` with a package: then an absolute name does as well."""
    return any(
        call_name(node.func).rpartition(".")[2] == "import_module"
        and (len(node.args) > 1 or any(k.arg == "package" for k in node.keywords))
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
    )


_METHODS: dict[type[ast.AST], Callable[[_Collector, Any, Use], None]] = {
    ast.Expr: _Collector._visit_expr,
    ast.FunctionDef: _Collector._visit_functiondef,
    ast.AsyncFunctionDef: _Collector._visit_functiondef,
    ast.ClassDef: _Collector._visit_classdef,
    ast.AnnAssign: _Collector._visit_annassign,
    ast.Assign: _Collector._visit_assign,
    ast.AugAssign: _Collector._visit_augassign,
    ast.Subscript: _Collector._visit_subscript,
    ast.JoinedStr: _Collector._visit_joinedstr,
    ast.BinOp: _Collector._visit_binop,
    ast.Dict: _Collector._visit_dict,
    ast.Call: _Collector._visit_call,
    ast.List: _Collector._visit_list,
    ast.Tuple: _Collector._visit_list,
}
