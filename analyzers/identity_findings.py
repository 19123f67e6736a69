"""What derives its name from the module it lives in, and would be called otherwise after a move.

Task queues, pickles, Django models and logger names store or compare such names outside the code; a move that
breaks them fails at run time only, or silently. Each finding says what would keep the old name.

Heuristics on the syntax tree, not measured: decorators and bases are known by their names alone. A queue
whose decorator has another name, and a class that is pickled by another module, are not seen. Source:
import-rewriting case 48; openedx-platform#25566 for the cost.
"""

from __future__ import annotations

import ast
import re
from bisect import bisect_left
from collections import deque
from collections.abc import Iterable, Iterator, Sequence

from analyzers.layout import ModuleName
from analyzers.model import Finding
from analyzers.python_parser import newlines
from analyzers.python_string_uses import call_name
from analyzers.relocation_map import RelocationMap
from analyzers.text_references.reference import ProjectFacts

TASK_DECORATORS = frozenset(
    {"task", "shared_task", "periodic_task", "db_task", "db_periodic_task", "job", "scheduled_job", "cron"}
)
NAME_KEYWORDS = frozenset({"name", "task_name", "id"})
_PICKLE_METHODS = frozenset(
    {"__reduce__", "__reduce_ex__", "__getstate__", "__setstate__", "__getnewargs__", "__getnewargs_ex__"}
)
_PICKLERS = frozenset({"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "jsonpickle"})
_FIELDS = frozenset({"ForeignKey", "OneToOneField", "ManyToManyField", "ForeignObject", "get_model"})
# What reads `__name__` only to find its way around, not to be known by it.
_LOCAL_USES = frozenset(
    {"import_module", "attach", "files", "get_data", "open_text", "find_spec", "resource_filename"}
)
_OWN_NAME = re.compile("__name__|__module__|__qualname__|" + "|".join(sorted(_PICKLERS)))
_FIELD = re.compile("|".join(sorted(_FIELDS)))
_Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def find_identity(
    path: str,
    tree: ast.Module,
    *,
    before: ModuleName,
    after: ModuleName,
    relocations: RelocationMap,
    facts: ProjectFacts,
    text: str | None = None,
) -> tuple[Finding, ...]:
    """The findings of one file, sorted by line.

    Args:
        text: its source, if at hand: only statements with a telling word in them need be walked.
        path: the file before the move.
        before: its module name; `after` is its name when the move is done. When both are the same, only the
            definitions that leave the module by an entry of their own count.
        facts: of the tree before the move, to know a model's class by the label it is named with.
    """
    moves = before.name != after.name
    finder = _Finder(path, before, after)
    for node in tree.body:
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            continue
        target = relocations.moved_symbols.get((before.name, node.name))
        if target is None and moves:
            target = (after.name, node.name)
        if target is not None:
            finder.read_definition(node, ".".join(target))
    if moves:
        finder.read_module(tree, None if text is None else _lines(_OWN_NAME, text))
    findings = [*finder.findings]
    nodes = _nodes(tree, None if text is None else _lines(_FIELD, text))
    findings += _model_references(path, nodes, relocations, facts)
    return tuple(sorted(set(findings), key=lambda f: (f.line, f.code, f.message)))


class _Finder:
    def __init__(self, path: str, before: ModuleName, after: ModuleName) -> None:
        self.path = path
        self.before = before
        self.after = after
        self.findings: list[Finding] = []

    def add(self, code: str, line: int, message: str, mend: str, severity: str = "warning") -> None:
        self.findings.append(
            Finding(code=code, severity=severity, path=self.path, line=line, message=message, mend=mend)
        )

    def read_definition(self, node: _Definition, new: str) -> None:
        """One definition that is called `new` (module and name) afterwards."""
        old = f"{self.before.name}.{node.name}"
        for decorator in node.decorator_list:
            name = call_name(decorator.func if isinstance(decorator, ast.Call) else decorator)
            last = name.rpartition(".")[2]
            if last in TASK_DECORATORS and not has_own_name(decorator):
                message = (
                    f"the task {old} is known by its module; queued messages and schedules say the old name"
                )
                self.add("IDENT001", node.lineno, message, f'pin it: @{name}(name="{old}")')
            elif last.startswith("register") and not has_own_name(decorator):
                message = f"{old} is registered by @{name}, perhaps under its module's name"
                self.add("IDENT003", node.lineno, message, "look at the registry's keys", "info")
        if isinstance(node, ast.ClassDef):
            self._read_class(node, old, new)

    def _read_class(self, node: ast.ClassDef, old: str, new: str) -> None:
        methods = {n.name for n in node.body if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef))}
        if methods & _PICKLE_METHODS:
            message = f"{old} controls its pickling; stored pickles name it by its module"
            mend = f"leave a shim, or set {node.name}.__module__ = {self.before.name!r}"
            self.add("IDENT002", node.lineno, message, mend)
        bases = {call_name(base).rpartition(".")[2] for base in node.bases}
        assigned = assigned_names(node)
        if "Task" in bases and "name" not in assigned:
            message = f"the task class {old} is known by its module"
            self.add("IDENT001", node.lineno, message, f'pin it: name = "{old}"')
        if "AppConfig" in bases and "label" not in assigned:
            label = app_label(assigned.get("name"), self.before)
            new_label = app_label(None, self.after)
            if label != new_label:
                message = f"the app label of {old} follows its package: {label} becomes {new_label}"
                mend = f'pin it: label = "{label}"; tables, migrations and content types are named by it'
                self.add("IDENT005", node.lineno, message, mend)
        if "Model" in bases and not _meta_has_label(node):
            label, new_label = _model_label(self.before.name), _model_label(new.rpartition(".")[0])
            if label != new_label:
                message = f"the model {old} belongs to the app of its package: {label} becomes {new_label}"
                mend = (
                    f'pin it: app_label = "{label}" in its Meta, and db_table; or write a migration that '
                    "only changes state"
                )
                self.add("IDENT005", node.lineno, message, mend)

    def read_module(self, tree: ast.Module, lines: Sequence[int] | None) -> None:
        """What the whole module is known by; `lines` as for `_nodes`."""
        if "migrations" in self.path.split("/")[:-1]:
            message = "a migration is recorded under the label of its app"
            self.add("IDENT005", 1, message, "keep the label, or mark it as applied under the new one")
        nodes = list(_nodes(tree, lines))
        parents = {child: node for node in nodes for child in ast.iter_child_nodes(node)}
        for node in nodes:
            if isinstance(node, ast.Call):
                self._read_call(node)
            elif isinstance(node, ast.Attribute) and node.attr in ("__module__", "__qualname__"):
                message = f"{node.attr} is read: a name that is built from it changes"
                self.add("IDENT003", node.lineno, message, "look at who stores or compares the name", "info")
            elif isinstance(node, ast.Name) and node.id == "__name__":
                self._read_own_name(node, parents)

    def _read_call(self, node: ast.Call) -> None:
        owner, _, last = call_name(node.func).rpartition(".")
        if owner in _PICKLERS and last in ("dump", "dumps", "open", "encode"):
            message = f"{owner}.{last} may store objects of this module under its name"
            mend = "leave a shim while old files are read"
            self.add("IDENT002", node.lineno, message, mend)

    def _read_own_name(self, node: ast.Name, parents: dict[ast.AST, ast.AST]) -> None:
        parent = parents.get(node)
        if isinstance(parent, (ast.Compare, ast.Subscript)):
            return
        called = parent
        while isinstance(called, (ast.JoinedStr, ast.FormattedValue, ast.BinOp, ast.keyword)):
            called = parents.get(called)
        name = call_name(called.func) if isinstance(called, ast.Call) else ""
        last = name.rpartition(".")[2]
        if last in _LOCAL_USES:
            return
        old, new = self.before.name, self.after.name
        if last in ("getLogger", "get_logger"):
            message = f"the logger {old} becomes {new}"
            mend = "check levels and filters that name it outside this repository"
            self.add("IDENT004", node.lineno, message, mend, "info")
        else:
            message = f"__name__ is handed on{' to ' + name if name else ''}: {old} becomes {new}"
            mend = "check what is stored or looked up under it"
            self.add("IDENT004", node.lineno, message, mend, "info")


def _lines(words: re.Pattern[str], text: str) -> list[int]:
    """The 1-based lines where such a word begins, in order."""
    found: list[int] = []
    line, begin = 1, 0
    for match in words.finditer(text):
        # As the tokenizer counts lines.
        between = newlines(text[begin : match.start()])
        line, begin = line + between.count("\n"), match.start()
        found.append(line)
    return found


def _nodes(tree: ast.Module, lines: Sequence[int] | None) -> Iterator[ast.AST]:
    """The nodes of all statements that stand on one of the lines (sorted; None: on any), outer ones first."""
    pending: deque[ast.AST] = deque([tree])
    while pending:
        node = pending.popleft()
        yield node
        for child in ast.iter_child_nodes(node):
            # Statements alone have places to rely on: inside of f-strings Python 3.11 counts in its own way.
            if lines is None or not isinstance(child, ast.stmt) or _stands_on(child, lines):
                pending.append(child)


def _stands_on(node: ast.stmt, lines: Sequence[int]) -> bool:
    begin = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", ()))])
    at = bisect_left(lines, begin)
    return at < len(lines) and lines[at] <= (node.end_lineno or node.lineno)


def has_own_name(decorator: ast.expr) -> bool:
    """Whether a task's decorator gives it a name."""
    if not isinstance(decorator, ast.Call):
        return False
    if any(k.arg in NAME_KEYWORDS for k in decorator.keywords):
        return True
    first = decorator.args[0] if decorator.args else None
    return isinstance(first, ast.Constant) and isinstance(first.value, str)


def assigned_names(node: ast.ClassDef) -> dict[str, ast.expr | None]:
    """The names that a class body assigns, each with its value (None: only annotated)."""
    found: dict[str, ast.expr | None] = {}
    for statement in node.body:
        if isinstance(statement, ast.Assign):
            found.update((t.id, statement.value) for t in statement.targets if isinstance(t, ast.Name))
        elif isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            found[statement.target.id] = statement.value
    return found


def _meta_has_label(node: ast.ClassDef) -> bool:
    for statement in node.body:
        if isinstance(statement, ast.ClassDef) and statement.name == "Meta":
            names = assigned_names(statement)
            # An abstract model has no table and no label of its own.
            return "app_label" in names or "abstract" in names
    return False


def app_label(name: ast.expr | None, module: ModuleName) -> str:
    """The label of a Django application whose configuration stands in `module` and says `name`."""
    if isinstance(name, ast.Constant) and isinstance(name.value, str):
        return name.value.rpartition(".")[2]
    return module.package.rpartition(".")[2]


def _model_label(module: str) -> str:
    """The last package above `models`: the usual app; the true one depends on INSTALLED_APPS."""
    parts = module.split(".")
    if "models" in parts[1:]:
        return parts[parts.index("models", 1) - 1]
    return parts[-2] if len(parts) > 1 else parts[0]


def _model_references(
    path: str, nodes: Iterable[ast.AST], relocations: RelocationMap, facts: ProjectFacts
) -> Iterator[Finding]:
    """`ForeignKey("label.Model")` where that model moves to an app of another label."""
    for node in nodes:
        if not isinstance(node, ast.Call) or call_name(node.func).rpartition(".")[2] not in _FIELDS:
            continue
        targets = [*node.args[:1], *(k.value for k in node.keywords if k.arg == "to")]
        for target in targets:
            if not isinstance(target, ast.Constant) or not isinstance(target.value, str):
                continue
            label, dot, model = target.value.partition(".")
            if not dot or "." in model:
                continue
            for old, new in _moves_of(model, label, relocations, facts):
                yield Finding(
                    code="IDENT006",
                    severity="warning",
                    path=path,
                    line=node.lineno,
                    message=f"{target.value!r} names {old}.{model} by its app's label; its app becomes {new}",
                    mend=f'write "{new}.{model}" with a migration, or pin app_label = "{label}"',
                )


def _moves_of(
    model: str, label: str, relocations: RelocationMap, facts: ProjectFacts
) -> Iterator[tuple[str, str]]:
    """(old module, new label) of each moved module that defines `model` in the app `label`."""
    for old, new in relocations.moved_modules.items():
        if _model_label(old) == label != _model_label(new) and facts.symbol_exists(old, model):
            yield old, _model_label(new)
    for (old, name), (new, _) in relocations.moved_symbols.items():
        if name == model and _model_label(old) == label != _model_label(new) and facts.module_exists(old):
            yield old, _model_label(new)
