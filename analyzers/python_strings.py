"""References to what moves in the strings of a Python file: constants, quoted annotations, type comments.

A constant is `certain` when its whole value is a dotted path (or `module:attribute`) that named a module of
the repository, or a name in one, before the move; a relative one (`".b"`) when a resolver call or a lazy-loader
map says what it is relative to. Text inside longer strings is `mention`. Source: import-rewriting cases 28 and
43 to 47.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass

from analyzers.layout import ModuleName
from analyzers.relocation_map import RelocationMap
from analyzers.text_positions import TextPositions
from analyzers.text_references.reference import Certainty, ProjectFacts

_DOTTED = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*)*(?::[^\W\d]\w*(?:\.[^\W\d]\w*)*)?")
_RELATIVE = re.compile(r"(\.+)([^\W\d]\w*(?:\.[^\W\d]\w*)*)")
_LITERAL = re.compile(r"([A-Za-z]*)(\"\"\"|'''|\"|')(.*)\2", re.DOTALL)
_WORD = re.compile(r"(?<![\w.])[^\W\d]\w*(?:\.[^\W\d]\w*)+")
_TYPE_COMMENT = re.compile(r"#\s*type:\s*(?!ignore\b)(.+)")

#: Calls whose string names an object to look up: an attribute that no statement shows is no obstacle.
_RESOLVERS = frozenset(
    {
        "patch",
        "setattr",
        "delattr",
        "import_module",
        "__import__",
        "find_spec",
        "import_string",
        "resolve_name",
    }
    | {"importorskip", "files", "PackageLoader", "include", "getLogger", "import_object", "locate", "path"}
)
#: Characters; a longer constant is data, not a name.
_LONGEST = 1_000

_TYPE_CALLS = {"cast": (0,), "ForwardRef": (0,), "NewType": (1,)}


@dataclass(frozen=True, slots=True)
class StringReference:
    """A stretch of the decoded text (character offsets) inside a string or comment, and what it becomes.

    `new` is empty for a mention without a single answer; `line` is 1-based.
    """

    line: int
    start: int
    end: int
    old: str
    new: str
    certainty: Certainty
    why: str


def find_string_references(
    text: str,
    tree: ast.Module,
    positions: TextPositions,
    *,
    before: ModuleName,
    after: ModuleName,
    relocations: RelocationMap,
    facts: ProjectFacts,
) -> tuple[StringReference, ...]:
    """The references in strings and type comments of one file, sorted and not overlapping.

    Args:
        before: the module name of the file when its text was written; relative names hang on it. `after` is
            its name when the move is done.
        facts: of the tree before the move.
    """
    finder = _Finder(text, positions, before, after, relocations, facts)
    finder.read(tree)
    finder.read_type_comments()
    found = sorted(finder.found, key=lambda r: (r.start, r.end))
    result: list[StringReference] = []
    for reference in found:
        if not result or reference.start >= result[-1].end:
            result.append(reference)
    return tuple(result)


class _Finder:
    def __init__(
        self,
        text: str,
        positions: TextPositions,
        before: ModuleName,
        after: ModuleName,
        relocations: RelocationMap,
        facts: ProjectFacts,
    ) -> None:
        self.text = text
        self.positions = positions
        self.before = before
        self.after = after
        self.relocations = relocations
        self.facts = facts
        self.found: list[StringReference] = []
        self.annotations: set[int] = set()
        self.left_alone: set[int] = set()
        self.resolver_arguments: set[int] = set()
        self.relative_to: dict[int, str] = {}
        names = sorted(relocations.moved_modules, key=len, reverse=True)
        self.mention = (
            re.compile(r"(?<![\w.])(?:" + "|".join(map(re.escape, names)) + r")(?!\w)") if names else None
        )

    # -- what each constant is ---------------------------------------------------------------------------

    def read(self, tree: ast.Module) -> None:
        lazy = any(isinstance(s, ast.FunctionDef) and s.name == "__getattr__" for s in tree.body)
        constants: list[ast.Constant] = []
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant):
                if isinstance(node.value, str):
                    constants.append(node)
            elif isinstance(node, ast.Call):
                self._read_call(node)
            elif isinstance(node, (ast.arg, ast.AnnAssign)):
                self._read_annotation(node.annotation)
            elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                self._read_annotation(node.returns)
                self._leave_docstring(node)
            elif isinstance(node, (ast.ClassDef, ast.Module)):
                self._leave_docstring(node)
            elif isinstance(node, ast.Subscript) and _last_name(node.value) == "Literal":
                self.left_alone.update(id(n) for n in ast.walk(node.slice))
            elif isinstance(node, ast.JoinedStr):
                self.left_alone.update(id(n) for n in ast.walk(node) if isinstance(n, ast.Constant))
                self._mention_in(node)
        if lazy:
            self._read_lazy_maps(tree)
        for node in constants:
            self._read_constant(node)

    def _leave_docstring(
        self, node: ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
    ) -> None:
        if node.body and isinstance(node.body[0], ast.Expr) and isinstance(node.body[0].value, ast.Constant):
            self.left_alone.add(id(node.body[0].value))
            self._mention_in(node.body[0].value)

    def _read_annotation(self, node: ast.expr | None) -> None:
        if node is not None:
            self.annotations.update(id(n) for n in ast.walk(node) if isinstance(n, ast.Constant))

    def _read_call(self, node: ast.Call) -> None:
        called = _last_name(node.func)
        if called in _TYPE_CALLS:
            for index in _TYPE_CALLS[called]:
                if index < len(node.args):
                    self._read_annotation(node.args[index])
        if called == "TypeVar":
            for argument in (*node.args[1:], *(k.value for k in node.keywords if k.arg == "bound")):
                self._read_annotation(argument)
        # `mock.patch.object(...)` and `patch.dict(...)`: the family's name stands one attribute further in.
        owner = _last_name(node.func.value) if isinstance(node.func, ast.Attribute) else ""
        if called in _RESOLVERS or owner == "patch":
            self.resolver_arguments.update(id(a) for a in node.args[:1])
            if called in ("import_module", "find_spec", "resolve_name", "__import__"):
                self._read_relative_import(node)
        if called == "attach" and node.args and _last_name(node.args[0]) == "__name__":
            for part in (*node.args[1:], *(k.value for k in node.keywords)):
                self._read_lazy_value(part, self.before.package)

    def _read_relative_import(self, node: ast.Call) -> None:
        packages = [k.value for k in node.keywords if k.arg == "package"] or node.args[1:2]
        if not packages or not node.args:
            return
        package = packages[0]
        base = ""
        if isinstance(package, ast.Constant) and isinstance(package.value, str):
            base = package.value
            # The string names the anchor of the other one: both change together or not at all.
            self.left_alone.add(id(package))
        elif _last_name(package) == "__package__" or (
            _last_name(package) == "__name__" and self.before.is_package
        ):
            base = self.before.package
        if base:
            self.relative_to[id(node.args[0])] = base

    def _read_lazy_maps(self, tree: ast.Module) -> None:
        for statement in tree.body:
            value = getattr(statement, "value", None)
            if isinstance(statement, (ast.Assign, ast.AnnAssign)) and isinstance(value, ast.Dict):
                self._read_lazy_value(value, self.before.package)

    def _read_lazy_value(self, node: ast.expr, package: str) -> None:
        for part in ast.walk(node):
            if isinstance(part, ast.Constant) and isinstance(part.value, str) and part.value.startswith("."):
                self.relative_to[id(part)] = package

    # -- judging -----------------------------------------------------------------------------------------

    def _read_constant(self, node: ast.Constant) -> None:
        value = node.value
        if not isinstance(value, str) or id(node) in self.left_alone or len(value) > _LONGEST:
            return
        if id(node) in self.relative_to:
            self._read_relative(node, value, self.relative_to[id(node)])
        elif id(node) in self.annotations:
            self._read_quoted(node, value)
        elif "." in value or ":" in value or value in self.relocations.moved_modules:
            if _DOTTED.fullmatch(value):
                self._read_dotted(node, value)
            else:
                self._mention_in(node)

    def _read_dotted(self, node: ast.Constant, value: str) -> None:
        known = self._symbol if id(node) not in self.resolver_arguments else None
        new = self.relocations.dotted(value, known)
        if new is None or new == value:
            return
        resolves = id(node) in self.resolver_arguments or self._resolves(value)
        if "." not in value and id(node) not in self.resolver_arguments:
            self._add(node, value, new, Certainty.MENTION, "a single word that is also a module's name")
        elif resolves:
            self._add(node, value, new, Certainty.CERTAIN, "the whole string names a module or a name in it")
        else:
            self._add(node, value, new, Certainty.LIKELY, "begins with a module's name")

    def _resolves(self, value: str) -> bool:
        module, _, attributes = value.partition(":")
        parts = module.split(".")
        for size in range(len(parts), 0, -1):
            name = ".".join(parts[:size])
            if self.facts.module_exists(name):
                rest = parts[size:] or attributes.split(".")
                return not rest[0] or self.facts.symbol_exists(name, rest[0])
        return False

    def _symbol(self, module: str, name: str) -> bool:
        return self.facts.symbol_exists(module, name) or not self.facts.module_exists(f"{module}.{name}")

    def _read_relative(self, node: ast.Constant, value: str, package: str) -> None:
        match = _RELATIVE.fullmatch(value)
        if match is None:
            if _DOTTED.fullmatch(value):
                self._read_dotted(node, value)
            return
        base = package
        for _ in range(len(match[1]) - 1):
            base = base.rpartition(".")[0]
        if not base:
            return
        module = f"{base}.{match[2]}"
        new = self.relocations.module(module) or module
        new_package = self.relocations.module(package) or (
            self.after.package if package == self.before.package else package
        )
        for _ in range(len(match[1]) - 1):
            new_package = new_package.rpartition(".")[0]
        if new.startswith(new_package + "."):
            spelled = match[1] + new[len(new_package) + 1 :]
        else:
            spelled = new
        if spelled != value:
            self._add(node, value, spelled, Certainty.CERTAIN, "a relative name that is resolved at run time")

    def _read_quoted(self, node: ast.Constant, value: str) -> None:
        span = self._inside(node)
        if span is None:
            self._mention_in(node)
            return
        self._read_names(span[0], value, node.lineno, "a quoted annotation")

    def _read_names(self, start: int, text: str, line: int, why: str) -> None:
        for match in _WORD.finditer(text):
            new = self.relocations.dotted(match[0], self._symbol)
            if new is not None and new != match[0] and self._resolves_prefix(match[0]):
                place = start + match.start()
                self.found.append(
                    StringReference(line, place, place + len(match[0]), match[0], new, Certainty.CERTAIN, why)
                )

    def _resolves_prefix(self, name: str) -> bool:
        parts = name.split(".")
        return any(self.facts.module_exists(".".join(parts[:size])) for size in range(2, len(parts) + 1))

    # -- places ------------------------------------------------------------------------------------------

    def _inside(self, node: ast.Constant) -> tuple[int, int] | None:
        """The offsets of what stands between the quotes, or None when the source is not the value itself."""
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        start = self.positions.offset(node.lineno, node.col_offset)
        end = self.positions.offset(node.end_lineno, node.end_col_offset)
        match = _LITERAL.fullmatch(self.text, start, end)
        if match is None or match[3] != node.value or "b" in match[1].lower():
            return None
        return match.span(3)

    def _add(self, node: ast.Constant, old: str, new: str, certainty: Certainty, why: str) -> None:
        span = self._inside(node)
        if span is None:
            start = self.positions.offset(node.lineno, node.col_offset)
            why += ", but its parts or escapes cannot be replaced exactly"
            self.found.append(StringReference(node.lineno, start, start, old, "", Certainty.MENTION, why))
            return
        self.found.append(StringReference(node.lineno, *span, old, new, certainty, why))

    def _mention_in(self, node: ast.expr) -> None:
        if self.mention is None:
            return
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        start = self.positions.offset(node.lineno, node.col_offset)
        end = self.positions.offset(node.end_lineno, node.end_col_offset)
        for match in self.mention.finditer(self.text, start, end):
            line = node.lineno + self.text.count("\n", start, match.start())
            new = self.relocations.module(match[0]) or ""
            self.found.append(
                StringReference(line, *match.span(), match[0], new, Certainty.MENTION, "inside a longer text")
            )

    def read_type_comments(self) -> None:
        """`# type: a.b.C` comments name types like annotations do."""
        if "type:" not in self.text:
            return
        for token in self._comments():
            match = _TYPE_COMMENT.match(token.string)
            if match is not None:
                line, column = token.start
                start = self.positions.line_start(line) + column + match.start(1)
                self._read_names(start, match[1], line, "a type comment")

    def _comments(self) -> Iterator[tokenize.TokenInfo]:
        try:
            for token in tokenize.generate_tokens(io.StringIO(self.text, newline="").readline):
                if token.type == tokenize.COMMENT:
                    yield token
        except (tokenize.TokenError, SyntaxError):
            # The parser read the file; what the tokenizer of another version refuses has no comments for us.
            return


def _last_name(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""
