"""What one function calls, reads and imports, read from its text when somebody asks.

Few functions of a tree run while modules are imported. What it takes to find them is there at once: the
imports of a function, and the words that what it calls must be among. The rest costs a walk over every
expression, six times as long as the parse, and waits until the function is entered.
"""

from __future__ import annotations

import ast
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from analyzers.call_chains import (
    FUNCTIONS,
    Chain,
    all_called,
    called_chain,
    dotted,
    holds_at_first,
    never_runs_here,
    walk,
    walk_branches,
)
from analyzers.python_parser import parse
from analyzers.text_positions import TextPositions

# Identifiers also have signs that are no letters for `\w`: vowels of Indian scripts.
_SIGN = r"[\w\u0080-\U0010ffff]"
#: What may stand between two tokens of an expression.
_GAP = r"(?:[\s\\]|#[^\r\n]*(?:[\r\n]|\Z))*"
# Gaps are only looked at: what looks like a comment may stand in a string, with a name behind it.
_BEFORE_CALL = rf"(?=[\s\\]*[#)(])(?={_GAP}(?:\){_GAP})*\()"
_ATTRIBUTES = re.compile(rf"\.(?={_GAP}({_SIGN}+))")
_CALLED_ASCII = re.compile(rf"\b(\w+)\b{_BEFORE_CALL}")
_CALLED = re.compile(rf"(?<!{_SIGN})({_SIGN}+){_BEFORE_CALL}")
_WORDS = re.compile(rf"{_SIGN}+")
_RESULT_CALLED = re.compile(rf"[)\]]{_GAP}\(")

#: What calls a function that is given to it, see `all_called`.
_CALLERS = frozenset({"map", "filter", "reduce", "sorted", "sort", "min", "max", "partial"})


@dataclass(frozen=True)
class _Body:
    """`calls` are what a function calls, `reads` the attributes that it reads and does not call.

    `sure_calls` stand in no branch that may be left out; `used` are the dotted uses of what it imports.
    """

    calls: frozenset[Chain]
    reads: frozenset[str]
    used: frozenset[Chain]
    sure_calls: frozenset[Chain]


@dataclass(frozen=True, eq=False)
class FunctionFacts:
    """One function without the functions inside it, which are `nested`; each is equal to itself alone.

    `import_lines` are the lines of its import statements; the `sure_lines` stand in no branch that may be
    left out. `imported` is what they bind: name -> (dots, module, name there). `decorators` are what it is
    decorated with. `line`, `column` and `end_line` are where it stands in the text, as `ast` says it.
    """

    positions: TextPositions
    line: int
    column: int
    end_line: int
    import_lines: tuple[int, ...]
    sure_lines: frozenset[int]
    imported: Mapping[str, tuple[int, str, str]]
    decorators: tuple[Chain, ...]
    is_decorated: bool
    nested: tuple[FunctionFacts, ...]

    @cached_property
    def words(self) -> frozenset[str]:
        """The last names of all that it may call or read, and more: read without looking at the syntax."""
        text = self._text
        called = _CALLED_ASCII
        if not text.isascii():
            # The parser compares names in this form (language reference, "Identifiers").
            text = unicodedata.normalize("NFKC", text)
            called = _CALLED
        found = {*_ATTRIBUTES.findall(text), *called.findall(text)}
        if not found.isdisjoint(_CALLERS):
            found.update(_WORDS.findall(text))
            # `sorted(a, key=itemgetter(1))` calls what another call gives.
            found.add("__call__")
        if _RESULT_CALLED.search(text):
            found.add("__call__")
        found.update(chain[-1] for chain in self.decorators)
        return frozenset(found)

    @property
    def calls(self) -> frozenset[Chain]:
        return self._body.calls

    @property
    def reads(self) -> frozenset[str]:
        return self._body.reads

    @property
    def used(self) -> frozenset[Chain]:
        return self._body.used

    @property
    def sure_calls(self) -> frozenset[Chain]:
        return self._body.sure_calls

    @cached_property
    def _body(self) -> _Body:
        calls: set[Chain] = set()
        reads: set[str] = set()
        called: set[int] = set()
        sure_calls: set[Chain] = set()
        definition = self._definition()
        statements = definition.body if definition is not None else []
        for inner, is_sure in walk_branches(statements):
            if isinstance(inner, ast.Call):
                called.add(id(inner.func))
                chains = tuple(all_called(inner))
                calls.update(chains)
                if is_sure:
                    sure_calls.update(chains)
            elif isinstance(inner, ast.Attribute) and id(inner) not in called:
                reads.add(inner.attr)
        used: set[Chain] = set()
        if self.imported:
            names = (dotted(n) for n in walk(statements) if isinstance(n, ast.Attribute))
            used.update(chain for chain in names if chain and chain[0] in self.imported)
        return _Body(frozenset(calls), frozenset(reads), frozenset(used), frozenset(sure_calls))

    @property
    def _text(self) -> str:
        start, end = self.positions.line_start(self.line), self.positions.line_start(self.end_line + 1)
        return self.positions.text[start:end]

    def _definition(self) -> ast.FunctionDef | ast.AsyncFunctionDef | None:
        """None where it is nested almost too deeply: that depends on how deep the stack is now."""
        text = self._text
        tree = parse("if 1:\n" + text if self.column else text)[0]
        found = [n for n in _statements(tree.body) if isinstance(n, FUNCTIONS)] if tree is not None else []
        if not found:
            # The lines alone say something else: a form feed before them, a backslash above.
            tree = parse(self.positions.text)[0]
            place = (self.line, self.column)
            every = (n for n in ast.walk(tree) if isinstance(n, FUNCTIONS)) if tree is not None else ()
            found = [n for n in every if (n.lineno, n.col_offset) == place]
        return found[0] if found else None


class FunctionReader:
    """Reads the functions of one text; `functions` are all of them by name, methods and inner ones too."""

    def __init__(self, text: str) -> None:
        self._positions = TextPositions(text)
        self.functions: dict[str, list[FunctionFacts]] = {}

    def read(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> FunctionFacts:
        """The facts of a definition and, as `nested`, of the functions in it."""
        nested: list[FunctionFacts] = []
        lines: list[int] = []
        sure_lines: set[int] = set()
        imported: dict[str, tuple[int, str, str]] = {}
        for inner, is_sure in _with_branches(node.body, True):
            if isinstance(inner, FUNCTIONS):
                nested.append(self.read(inner))
            elif isinstance(inner, ast.ClassDef):
                nested += (self.read(n) for n in inner.body if isinstance(n, FUNCTIONS))
            elif isinstance(inner, (ast.Import, ast.ImportFrom)):
                lines.append(inner.lineno)
                if is_sure:
                    sure_lines.add(inner.lineno)
                imported.update(_bound(inner))
        decorators = (called_chain(d.func if isinstance(d, ast.Call) else d) for d in node.decorator_list)
        facts = FunctionFacts(
            self._positions,
            node.lineno,
            node.col_offset,
            node.end_lineno or node.lineno,
            tuple(lines),
            frozenset(sure_lines),
            imported,
            tuple(chain for chain in decorators if chain),
            bool(node.decorator_list),
            tuple(nested),
        )
        self.functions.setdefault(node.name, []).append(facts)
        return facts


def _bound(node: ast.Import | ast.ImportFrom) -> Iterator[tuple[str, tuple[int, str, str]]]:
    for alias in node.names:
        if isinstance(node, ast.ImportFrom):
            yield alias.asname or alias.name, (node.level, node.module or "", alias.name)
        else:
            bound = alias.asname or alias.name.partition(".")[0]
            yield bound, (0, alias.name if alias.asname else bound, "")


def _statements(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    return (statement for statement, _ in _with_branches(body, True))


def _with_branches(body: Iterable[ast.stmt], is_sure: bool) -> Iterator[tuple[ast.stmt, bool]]:
    """The statements of `walk_branches`, in its order, without looking into expressions.

    Inside of other statements the last comes first: what a `try` imports counts more than what stands in for
    it in a handler.
    """
    for statement in body:
        yield statement, is_sure
        if isinstance(statement, (*FUNCTIONS, ast.ClassDef)):
            continue
        if isinstance(statement, ast.If):
            if not never_runs_here(statement.test):
                yield from _with_branches(reversed(statement.orelse), False)
                is_held = is_sure and holds_at_first(statement.test)
                yield from _with_branches(reversed(statement.body), is_held)
            else:
                yield from _with_branches(reversed(statement.orelse), is_sure)
            continue
        for name in ("finalbody", "orelse", "cases", "handlers", "body"):
            for part in reversed(getattr(statement, name, ())):
                if isinstance(part, (ast.ExceptHandler, ast.match_case)):
                    yield from _with_branches(reversed(part.body), False)
                else:
                    yield from _with_branches((part,), is_sure)
