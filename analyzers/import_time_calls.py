"""What code that runs with the import of a file calls, and what its functions would call and import then.

Read from the text alone, file by file; `called_imports` follows the calls from file to file. Code runs with
the import when it stands outside functions: calls, decorators, and the creation of classes, which runs
`__init_subclass__` of the bases and the metaclass (language reference, "Customizing class creation").
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from analyzers.call_chains import (
    FUNCTIONS,
    Chain,
    all_called,
    bare,
    called_chain,
    chain_through,
    dotted,
    last_name,
    never_runs_here,
    walk,
)
from analyzers.function_calls import FunctionFacts, FunctionReader
from analyzers.python_parser import parse

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
class ClassFacts:
    """A class at module level; `made` are what the statements of its body call.

    `factories` are called when an instance comes into being: `field(default_factory=f)`.
    """

    bases: tuple[Chain, ...]
    metaclass: Chain
    methods: Mapping[str, FunctionFacts]
    made: frozenset[Chain]
    factories: frozenset[Chain]


@dataclass(frozen=True)
class CallFacts:
    """What one file calls; `functions` are all of them by name, methods and inner ones too.

    `top` are the functions at module level, `values` what the values of its variables are made by, `aliases`
    what else a variable is a name of.
    """

    text: str
    triggers: tuple[Trigger, ...]
    functions: Mapping[str, tuple[FunctionFacts, ...]]
    top: Mapping[str, FunctionFacts]
    classes: Mapping[str, ClassFacts]
    values: Mapping[str, frozenset[Chain]]
    aliases: Mapping[str, Chain]
    class_attributes: frozenset[str]

    def gives(self, attribute: str) -> bool:
        """Whether the code gives some object an attribute of that name."""
        # Other letters may stand in the text for those of the name (language reference, "Identifiers").
        is_written = attribute in self.text or not self.text.isascii()
        return attribute in self.class_attributes or (is_written and attribute in self._stored)

    @cached_property
    def _stored(self) -> frozenset[str]:
        tree = parse(self.text)[0]
        # A text that is nested almost too deeply may be so here, where the stack is deeper.
        every = ast.walk(tree) if tree is not None else ()
        stores = (n for n in every if isinstance(n, ast.Attribute) and isinstance(n.ctx, ast.Store))
        return frozenset(node.attr for node in stores)


def import_time_calls(text: str) -> CallFacts | None:
    """The facts of a file with this text; None when it cannot be parsed."""
    tree = parse(text)[0]
    if tree is None:
        return None
    reader = _Reader(text)
    try:
        reader.body(tree.body, False, False)
    except RecursionError:
        return None
    return CallFacts(
        text,
        tuple(reader.triggers),
        {name: tuple(found) for name, found in reader.functions.functions.items()},
        reader.top,
        reader.classes,
        reader.values,
        reader.aliases,
        frozenset(reader.attributes),
    )


class _Reader:
    def __init__(self, text: str) -> None:
        self.triggers: list[Trigger] = []
        self.functions = FunctionReader(text)
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
        if isinstance(node, FUNCTIONS):
            facts = self.functions.read(node)
            if owner is None:
                self.top.setdefault(node.name, facts)
            self._decorators(node.decorator_list, node.lineno, is_branch, is_tried)
            evaluated = [d for d in (*node.args.defaults, *node.args.kw_defaults) if d is not None]
            if not self.has_future_annotations:
                annotations = (*(p.annotation for p in _parameters(node.args)), node.returns)
                evaluated += (annotation for annotation in annotations if annotation is not None)
            return self._calls(evaluated, node.lineno, is_branch, is_tried)
        if isinstance(node, ast.ClassDef):
            return self._class(node, is_branch, is_tried, owner)
        if isinstance(node, ast.If):
            if never_runs_here(node.test):
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
        methods = {
            n.name: self.functions.functions[n.name][-1] for n in node.body if isinstance(n, FUNCTIONS)
        }
        metaclass = next((dotted(k.value) for k in node.keywords if k.arg == "metaclass"), ())
        # `class A(Generic[T])`, `class A(mixin(B))`: what stands before the brackets counts.
        bases = tuple(chain for base in node.bases if (chain := dotted(bare(base))))
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
            if chain := called_chain(function):
                self.triggers.append(Trigger(line, chain, "", function is not decorator, is_branch, is_tried))

    def _calls(self, nodes: Iterable[ast.AST], line: int, is_branch: bool, is_tried: bool) -> set[Chain]:
        run = list(walk(nodes))
        found = {chain for node in run if isinstance(node, ast.Call) for chain in all_called(node)}
        self.triggers += (Trigger(line, c, is_branch=is_branch, is_tried=is_tried) for c in sorted(found))
        self._uses((use for node in run for use in _special_uses(node)), line, is_branch, is_tried)
        called = {id(node.func) for node in run if isinstance(node, ast.Call)}
        read = {
            chain_through(node) for node in run if isinstance(node, ast.Attribute) and id(node) not in called
        }
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
            if chain := chain_through(node):
                self.triggers += (
                    Trigger(line, (*chain, name), is_branch=is_branch, is_tried=is_tried) for name in names
                )


def _parameters(node: ast.arguments) -> Iterator[ast.arg]:
    yield from (*node.posonlyargs, *node.args, *node.kwonlyargs)
    yield from (parameter for parameter in (node.vararg, node.kwarg) if parameter is not None)


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
            callees += inner.args[:1] if last_name(inner.func) == "Factory" else []
            for callee in callees:
                if isinstance(callee, ast.Lambda):
                    calls = (n for n in walk([callee.body]) if isinstance(n, ast.Call))
                    yield from (chain for call in calls for chain in all_called(call))
                elif chain := called_chain(callee):
                    yield chain


def _stands_for(node: ast.expr) -> Chain:
    """The dotted name that a value is another name of; that of `partial(f)` is `f`."""
    if isinstance(node, ast.Call) and last_name(node.func) == "partial" and node.args:
        return dotted(node.args[0])
    return dotted(node)
