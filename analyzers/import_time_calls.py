"""What code that runs with the import of a file calls, and what its functions would call and import then.

Read from the text alone, file by file; `called_imports` follows the calls from file to file. Code runs with
the import when it stands outside functions: calls, decorators, and the creation of classes, which runs
`__init_subclass__` of the bases and the metaclass (language reference, "Customizing class creation").
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

#: `("a", "b", "c")` for `a.b.c`; the first is empty when it does not begin with a name. `MADE` stands for
#: what a call or a subscript gives: `a().b` is `("a", MADE, "b")`.
Chain = tuple[str, ...]
MADE = "()"

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
# `TryStar` came with Python 3.11, and has the same parts.
_TRY: tuple[type[ast.Try], ...] = (ast.Try, getattr(ast, "TryStar", ast.Try))
_OPERATORS: Mapping[type[ast.operator], str] = {
    ast.Add: "add",
    ast.Sub: "sub",
    ast.Mult: "mul",
    ast.Div: "truediv",
    ast.Mod: "mod",
    ast.BitOr: "or",
    ast.BitAnd: "and",
    ast.RShift: "rshift",
    ast.LShift: "lshift",
}
_BUILT_IN: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(("list", "tuple", "set", "frozenset", "dict", "sorted", "iter", "sum"), ("__iter__",)),
    "next": ("__next__",),
    "len": ("__len__",),
    "bool": ("__bool__", "__len__"),
    "str": ("__str__", "__repr__"),
    "repr": ("__repr__",),
    "int": ("__int__",),
}
_CHOICES = frozenset({"isinstance", "issubclass", "hasattr", "callable"})
_GUARDS_TYPING = ("TYPE_CHECKING", "MYPY")


@dataclass(frozen=True, slots=True)
class Trigger:
    """Something that runs while the file is imported, at the 1-based `line` of its statement.

    `chain` is called; with `is_factory` its result is called as well (`@f(...)`), with `is_read` it is only
    read. With an empty chain, the class `created` comes into being (`line` is its last one then).
    `is_branch`: it need not run; `is_tried`: a `try` stands around it.
    """

    line: int
    chain: Chain = ()
    created: str = ""
    is_factory: bool = False
    is_branch: bool = False
    is_tried: bool = False
    is_read: bool = False


@dataclass(frozen=True, slots=True)
class FunctionFacts:
    """One function without the functions inside it, which are `nested`.

    `calls` are what it calls, `reads` the attributes that it reads and does not call. `import_lines` are the
    lines of its import statements; of both, the `sure_` ones stand in no branch that may be left out.
    `imported` is what they bind: name -> (dots, module, name there), and `used` the dotted uses of that.
    `decorators` are what it is decorated with.
    """

    calls: frozenset[Chain]
    reads: frozenset[str]
    import_lines: tuple[int, ...]
    imported: Mapping[str, tuple[int, str, str]]
    used: frozenset[Chain]
    decorators: tuple[Chain, ...]
    is_decorated: bool
    sure_calls: frozenset[Chain]
    sure_lines: frozenset[int]
    nested: tuple[FunctionFacts, ...] = ()


@dataclass(frozen=True, slots=True)
class ClassFacts:
    """A class at module level; `made` are what the statements of its body call.

    `factories` are called when an instance comes into being: `field(default_factory=f)`.
    """

    bases: tuple[Chain, ...]
    metaclass: Chain
    methods: Mapping[str, FunctionFacts]
    made: frozenset[Chain]
    factories: frozenset[Chain]


@dataclass(frozen=True, slots=True)
class CallFacts:
    """What one file calls; `functions` are all of them by name, methods and inner ones too.

    `top` are the functions at module level, `values` what the values of its variables are made by, `aliases`
    what else a variable is a name of. `attributes` are those that its code gives to objects.
    """

    triggers: tuple[Trigger, ...]
    functions: Mapping[str, tuple[FunctionFacts, ...]]
    top: Mapping[str, FunctionFacts]
    classes: Mapping[str, ClassFacts]
    values: Mapping[str, frozenset[Chain]]
    aliases: Mapping[str, Chain]
    attributes: frozenset[str]


def import_time_calls(text: str) -> CallFacts | None:
    """The facts of a file with this text; None when it cannot be parsed."""
    try:
        tree = ast.parse(text)
        reader = _Reader()
        reader.body(tree.body, False, False)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    functions = {name: tuple(found) for name, found in reader.functions.items()}
    stored = (n for n in ast.walk(tree) if isinstance(n, ast.Attribute) and isinstance(n.ctx, ast.Store))
    attributes = frozenset(node.attr for node in stored)
    return CallFacts(
        tuple(reader.triggers),
        functions,
        reader.top,
        reader.classes,
        reader.values,
        reader.aliases,
        attributes | reader.attributes,
    )


class _Reader:
    def __init__(self) -> None:
        self.triggers: list[Trigger] = []
        self.functions: dict[str, list[FunctionFacts]] = {}
        self.top: dict[str, FunctionFacts] = {}
        self.classes: dict[str, ClassFacts] = {}
        self.values: dict[str, frozenset[Chain]] = {}
        self.aliases: dict[str, Chain] = {}
        self.attributes: set[str] = set()
        self.has_future_annotations = False

    def body(
        self, statements: Sequence[ast.stmt], is_branch: bool, is_tried: bool, owner: str | None = None
    ) -> set[Chain]:
        """Reads code that runs with the import; returns what it calls. `owner`: the class it stands in."""
        called: set[Chain] = set()
        for statement in statements:
            called |= self._statement(statement, is_branch, is_tried, owner)
        return called

    def _statement(self, node: ast.stmt, is_branch: bool, is_tried: bool, owner: str | None) -> set[Chain]:
        if isinstance(node, _FUNCTIONS):
            facts = self._function(node)
            if owner is None:
                self.top.setdefault(node.name, facts)
            self._decorators(node.decorator_list, node.lineno, is_branch, is_tried)
            evaluated = [d for d in (*node.args.defaults, *node.args.kw_defaults) if d is not None]
            if not self.has_future_annotations:
                parameters = (n for n in ast.walk(node.args) if isinstance(n, ast.arg))
                annotations = (*(p.annotation for p in parameters), node.returns)
                evaluated += (annotation for annotation in annotations if annotation is not None)
            return self._calls(evaluated, node.lineno, is_branch, is_tried)
        if isinstance(node, ast.ClassDef):
            return self._class(node, is_branch, is_tried, owner)
        if isinstance(node, ast.If):
            if _never_runs_here(node.test):
                return self.body(node.orelse, is_branch, is_tried, owner)
            called = self._calls([node.test], node.lineno, is_branch, is_tried)
            return called | self.body([*node.body, *node.orelse], True, is_tried, owner)
        if isinstance(node, (ast.For, ast.AsyncFor)):
            called = self._calls([node.iter], node.lineno, is_branch, is_tried)
            self._uses([(node.iter, ("__iter__",))], node.lineno, is_branch, is_tried)
            return called | self.body([*node.body, *node.orelse], True, is_tried, owner)
        if isinstance(node, ast.While):
            called = self._calls([node.test], node.lineno, is_branch, is_tried)
            return called | self.body([*node.body, *node.orelse], True, is_tried, owner)
        if isinstance(node, (ast.With, ast.AsyncWith)):
            managers = [i.context_expr for i in node.items]
            called = self._calls(managers, node.lineno, is_branch, is_tried)
            self._uses([(m, ("__enter__", "__exit__")) for m in managers], node.lineno, is_branch, is_tried)
            return called | self.body(node.body, is_branch, is_tried, owner)
        if isinstance(node, ast.Match):
            called = self._calls([node.subject], node.lineno, is_branch, is_tried)
            return called | self.body([s for c in node.cases for s in c.body], True, is_tried, owner)
        if isinstance(node, _TRY):
            called = self.body(node.body, is_branch, is_tried or bool(node.handlers), owner)
            caught = [s for handler in node.handlers for s in handler.body]
            called |= self.body([*caught, *node.orelse], True, is_tried, owner)
            return called | self.body(node.finalbody, is_branch, is_tried, owner)
        if isinstance(node, ast.ImportFrom) and node.module == "__future__":
            self.has_future_annotations |= any(alias.name == "annotations" for alias in node.names)
        called = self._calls([node], node.lineno, is_branch, is_tried)
        if owner is not None:
            stored = (n for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store))
            self.attributes.update(n.id for n in stored)
        if owner is None and isinstance(node, (ast.Assign, ast.AnnAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in targets:
                if isinstance(target, ast.Name):
                    self.values[target.id] = self.values.get(target.id, frozenset()) | called
                    other = _stands_for(node.value) if node.value is not None else ()
                    if other:
                        self.aliases[target.id] = other
        return called

    def _class(self, node: ast.ClassDef, is_branch: bool, is_tried: bool, owner: str | None) -> set[Chain]:
        written = [*node.bases, *(k.value for k in node.keywords)]
        called = self._calls(written, node.lineno, is_branch, is_tried)
        made = self.body(node.body, is_branch, is_tried, node.name)
        methods = {n.name: self.functions[n.name][-1] for n in node.body if isinstance(n, _FUNCTIONS)}
        metaclass = next((_dotted(k.value) for k in node.keywords if k.arg == "metaclass"), ())
        # `class A(Generic[T])`, `class A(mixin(B))`: what stands before the brackets counts.
        bases = tuple(chain for base in node.bases if (chain := _dotted(_bare(base))))
        if owner is None:
            factories = frozenset(_factories(node))
            self.classes[node.name] = ClassFacts(bases, metaclass, methods, frozenset(made), factories)
            end = node.end_lineno or node.lineno
            if bases or metaclass or made:
                created = Trigger(end, created=node.name, is_branch=is_branch, is_tried=is_tried)
                self.triggers.append(created)
            self._decorators(node.decorator_list, end, is_branch, is_tried)
        return called | made

    def _decorators(self, decorators: Iterable[ast.expr], line: int, is_branch: bool, is_tried: bool) -> None:
        for decorator in decorators:
            function = decorator
            if isinstance(decorator, ast.Call):
                function = decorator.func
                self._calls(ast.iter_child_nodes(decorator), line, is_branch, is_tried)
            if chain := _called(function):
                self.triggers.append(Trigger(line, chain, "", function is not decorator, is_branch, is_tried))

    def _calls(self, nodes: Iterable[ast.AST], line: int, is_branch: bool, is_tried: bool) -> set[Chain]:
        run = list(_walk(nodes))
        found = {chain for node in run if isinstance(node, ast.Call) for chain in _all_called(node)}
        self.triggers += (Trigger(line, c, is_branch=is_branch, is_tried=is_tried) for c in sorted(found))
        self._uses((use for node in run for use in _special_uses(node)), line, is_branch, is_tried)
        called = {id(node.func) for node in run if isinstance(node, ast.Call)}
        read = {_through(node) for node in run if isinstance(node, ast.Attribute) and id(node) not in called}
        self.triggers += (
            Trigger(line, chain, is_branch=is_branch, is_tried=is_tried, is_read=True)
            for chain in sorted(read)
            if chain
        )
        return found

    def _uses(
        self,
        uses: Iterable[tuple[ast.expr, tuple[str, ...]]],
        line: int,
        is_branch: bool,
        is_tried: bool,
    ) -> None:
        """Special methods of what an expression gives."""
        for node, names in uses:
            if chain := _through(node):
                self.triggers += (
                    Trigger(line, (*chain, name), is_branch=is_branch, is_tried=is_tried) for name in names
                )

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> FunctionFacts:
        calls: set[Chain] = set()
        reads: set[str] = set()
        lines: list[int] = []
        imported: dict[str, tuple[int, str, str]] = {}
        nested: list[FunctionFacts] = []
        called: set[int] = set()
        sure_calls: set[Chain] = set()
        sure_lines: set[int] = set()
        for inner, is_sure in _walk_branches(node.body):
            if is_sure and isinstance(inner, (ast.Import, ast.ImportFrom)):
                sure_lines.add(inner.lineno)
            if isinstance(inner, _FUNCTIONS):
                nested.append(self._function(inner))
            elif isinstance(inner, ast.Call):
                called.add(id(inner.func))
                chains = tuple(_all_called(inner))
                calls.update(chains)
                if is_sure:
                    sure_calls.update(chains)
            elif isinstance(inner, ast.Attribute) and id(inner) not in called:
                reads.add(inner.attr)
            elif isinstance(inner, ast.ImportFrom):
                lines.append(inner.lineno)
                for alias in inner.names:
                    imported[alias.asname or alias.name] = (inner.level, inner.module or "", alias.name)
            elif isinstance(inner, ast.Import):
                lines.append(inner.lineno)
                for alias in inner.names:
                    bound = alias.asname or alias.name.partition(".")[0]
                    imported[bound] = (0, alias.name if alias.asname else bound, "")
            elif isinstance(inner, ast.ClassDef):
                nested += (self._function(n) for n in inner.body if isinstance(n, _FUNCTIONS))
        dotted = {_dotted(n) for n in _walk(node.body) if isinstance(n, ast.Attribute)}
        decorators = (_called(d.func if isinstance(d, ast.Call) else d) for d in node.decorator_list)
        facts = FunctionFacts(
            frozenset(calls),
            frozenset(reads),
            tuple(lines),
            imported,
            frozenset(chain for chain in dotted if chain and chain[0] in imported),
            tuple(chain for chain in decorators if chain),
            bool(node.decorator_list),
            frozenset(sure_calls),
            frozenset(sure_lines),
            tuple(nested),
        )
        self.functions.setdefault(node.name, []).append(facts)
        return facts


def _walk(nodes: Iterable[ast.AST]) -> Iterator[ast.AST]:
    """The nodes that run with the given ones, parents first: inner functions and classes are not entered."""
    return (node for node, _ in _walk_branches(nodes))


def _walk_branches(nodes: Iterable[ast.AST]) -> Iterator[tuple[ast.AST, bool]]:
    """The nodes of `_walk`, each with whether it stands in no branch that may be left out."""
    stack = [(node, True) for node in nodes][::-1]
    while stack:
        node, is_sure = stack.pop()
        yield node, is_sure
        if isinstance(node, (*_FUNCTIONS, ast.ClassDef)):
            stack.extend((decorator, is_sure) for decorator in node.decorator_list)
        elif isinstance(node, ast.If) and _never_runs_here(node.test):
            stack.extend((other, is_sure) for other in node.orelse)
        elif isinstance(node, ast.If):
            stack.append((node.test, is_sure))
            stack.extend((inner, is_sure and _holds_at_first(node.test)) for inner in node.body)
            stack.extend((inner, False) for inner in node.orelse)
        elif isinstance(node, ast.IfExp):
            stack += ((node.test, is_sure), (node.body, False), (node.orelse, False))
        elif isinstance(node, (ast.ExceptHandler, ast.match_case)):
            stack.extend((inner, False) for inner in ast.iter_child_nodes(node))
        elif not isinstance(node, ast.Lambda):
            stack.extend((inner, is_sure) for inner in ast.iter_child_nodes(node))


def _holds_at_first(test: ast.expr) -> bool:
    """Whether a test most likely holds for something while modules are imported.

    `if x is None:` and `if not x:`: what is made later is missing then. `if isinstance(x, C):` and its like
    choose among all that is passed through a function.
    """
    if isinstance(test, ast.Call):
        return isinstance(test.func, ast.Name) and test.func.id in _CHOICES
    if isinstance(test, ast.Compare):
        last = test.comparators[-1]
        return isinstance(test.ops[0], ast.Is) and isinstance(last, ast.Constant) and last.value is None
    return isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not)


def _never_runs_here(test: ast.expr) -> bool:
    """`if TYPE_CHECKING:` and `if __name__ == "__main__":`."""
    if isinstance(test, ast.Compare):
        return isinstance(test.left, ast.Name) and test.left.id == "__name__"
    chain = _dotted(test)
    return bool(chain) and chain[-1] in _GUARDS_TYPING


def _bare(node: ast.expr) -> ast.expr:
    while isinstance(node, (ast.Subscript, ast.Call)):
        node = node.value if isinstance(node, ast.Subscript) else node.func
    return node


def _called(node: ast.expr) -> Chain:
    """The chain of what is called; `("", "b")` for `(x + y).b`."""
    chain = _through(node)
    if not chain and isinstance(node, ast.Attribute):
        return ("", node.attr)
    # What is called again: `f()()`
    return (*chain, "__call__") if chain and chain[-1] == MADE else chain


def _through(node: ast.expr) -> Chain:
    """The chain of an expression that begins with a name, through calls and subscripts."""
    parts: list[str] = []
    while isinstance(node, (ast.Attribute, ast.Call, ast.Subscript)):
        if isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
            continue
        parts.append(MADE)
        node = node.func if isinstance(node, ast.Call) else node.value
    return (node.id, *reversed(parts)) if isinstance(node, ast.Name) else ()


def _all_called(node: ast.Call) -> Iterator[Chain]:
    """What a call calls: its function, and what built-in functions call that are given to it."""
    if chain := _called(node.func):
        yield chain
    callees: list[ast.expr] = [node.func] if isinstance(node.func, ast.Lambda) else []
    if isinstance(node.func, ast.Call) and _last(node.func.func) == "partial":
        callees += node.func.args[:1]
    name = _last(node.func)
    if name in ("map", "filter", "reduce"):
        callees += node.args[:1]
    if name in ("sorted", "sort", "min", "max"):
        callees += (k.value for k in node.keywords if k.arg == "key")
    for callee in callees:
        if isinstance(callee, ast.Lambda):
            for inner in _walk([callee.body]):
                if isinstance(inner, ast.Call):
                    yield from _all_called(inner)
        elif chain := _called(callee):
            yield chain


def _special_uses(node: ast.AST) -> Iterator[tuple[ast.expr, tuple[str, ...]]]:
    """Expressions with the special methods that a node calls of them."""
    if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):
        yield node.value, ("__getitem__", "__class_getitem__")
    elif isinstance(node, (ast.comprehension, ast.Starred)):
        yield node.iter if isinstance(node, ast.comprehension) else node.value, ("__iter__",)
    elif isinstance(node, ast.Assign) and isinstance(node.targets[0], (ast.Tuple, ast.List)):
        yield node.value, ("__iter__",)
    elif isinstance(node, ast.Compare):
        for operator, value in zip(node.ops, node.comparators, strict=True):
            if isinstance(operator, (ast.In, ast.NotIn)):
                yield value, ("__contains__", "__iter__")
    elif isinstance(node, ast.BinOp) and (name := _OPERATORS.get(type(node.op))):
        yield node.left, (f"__{name}__",)
        yield node.right, (f"__r{name}__",)
    elif isinstance(node, ast.FormattedValue):
        yield node.value, ("__str__", "__format__")
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.args:
        yield node.args[0], _BUILT_IN.get(node.func.id, ())


def _factories(node: ast.ClassDef) -> Iterator[Chain]:
    """What the fields of a class call for each instance."""
    for part in node.body:
        for inner in ast.walk(part) if isinstance(part, (ast.Assign, ast.AnnAssign)) else ():
            if not isinstance(inner, ast.Call):
                continue
            callees = [k.value for k in inner.keywords if k.arg in ("default_factory", "factory")]
            callees += inner.args[:1] if _last(inner.func) == "Factory" else []
            for callee in callees:
                if isinstance(callee, ast.Lambda):
                    calls = (n for n in _walk([callee.body]) if isinstance(n, ast.Call))
                    yield from (chain for call in calls for chain in _all_called(call))
                elif chain := _called(callee):
                    yield chain


def _stands_for(node: ast.expr) -> Chain:
    """The dotted name that a value is another name of; that of `partial(f)` is `f`."""
    if isinstance(node, ast.Call) and _last(node.func) == "partial" and node.args:
        return _dotted(node.args[0])
    return _dotted(node)


def _last(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def _dotted(node: ast.expr) -> Chain:
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return (node.id, *reversed(parts)) if isinstance(node, ast.Name) else ()
