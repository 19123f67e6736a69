"""What the code around a patch can run: which definitions of a module a test with a patch gets to.

Read is one file, the one with the patch: the function that the patch stands in, those that use it (a fixture
by its name as a parameter, `self.helper()`, a `setUp`), and those that they use. What a mock only is to look
like (`create_autospec(f)`, `patch.object(C, ...)`) does not run. The answer is None when the text does not
say: the patch is for other files (conftest.py, an imported helper), or code of another module is used that
could come back to the patched one by itself.

Source: the pytest documentation, "Fixtures"; the unittest documentation, "Classes and functions".
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from analyzers.file_scopes import FileScopes, ImportBinding, NameUse
from analyzers.import_graph import EdgeKind, ImportGraph
from analyzers.layout import ModuleName
from analyzers.name_resolution import UNKNOWN, Kind, Target
from analyzers.scopes import read_scopes
from analyzers.source import decode
from analyzers.symbol_moves.module_clients import ModuleClients
from analyzers.symbol_moves.patch_calls import PATCHING

_SET_UP = re.compile(r"(async)?_?set_?up", re.IGNORECASE)
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_WANTING = ("usefixtures", "getfixturevalue")
#: Parameters of mocks that say what is patched, or what a mock looks like.
_LOOKS = frozenset({"target", "attribute", "name", "in_dict", "spec", "spec_set", "autospec"})


@dataclass(frozen=True, slots=True)
class Reach:
    """`definitions` are the names of the module that the code refers to, `lines` those of the code.

    `patched_lines` are those of them that run under the patch; `modules` others that the code refers to.
    """

    definitions: frozenset[str]
    lines: frozenset[int]
    patched_lines: frozenset[int]
    modules: frozenset[str]


@dataclass(slots=True, eq=False)
class _Unit:
    """A function or statement of a file, or of one of its classes (`owner`); `mentions` are all its words."""

    node: ast.stmt
    owner: str
    binds: frozenset[str]
    mentions: frozenset[str]
    serves_all: bool

    @property
    def is_test(self) -> bool:
        return isinstance(self.node, _FUNCTIONS) and self.node.name.startswith("test")

    @property
    def first_line(self) -> int:
        decorators: list[ast.expr] = getattr(self.node, "decorator_list", [])
        return min([self.node.lineno, *(d.lineno for d in decorators)])

    @property
    def lines(self) -> range:
        return range(self.first_line, (self.node.end_lineno or self.node.lineno) + 1)


@dataclass(frozen=True, slots=True)
class _File:
    module: ModuleName
    units: tuple[_Unit, ...]
    #: Class -> the names of its bases.
    bases: dict[str, frozenset[str]]
    #: Class -> its decorators, and its bases.
    heads: dict[str, list[ast.expr]]
    scopes: FileScopes


@dataclass
class PatchReach:
    """Answers for the files of one tree; each is parsed once."""

    clients: ModuleClients
    _files: dict[str, _File | None] = field(default_factory=dict)
    _graph: ImportGraph | None = None
    _reaches: dict[tuple[str, str], bool] = field(default_factory=dict)
    _homes: tuple[str, ...] | None = None

    def of(self, path: str, line: int, module: str) -> Reach | None:
        """What the code around the patch at `line` of `path` gets to in `module`, or None."""
        if path not in self._files:
            self._files[path] = self._read(path)
        file = self._files[path]
        if file is None or path.rpartition("/")[2] == "conftest.py":
            return None
        start = [unit for unit in file.units if line in unit.lines]
        if not start:
            # In the head of a class, or among its attributes: all of the class, with the tests it inherits.
            owner = self._class_at(file, line)
            above = _line_above(file, owner)
            start = [u for u in file.units if u.owner == owner or (u.owner in above and u.is_test)]
        is_confined = all(_is_confined(unit, line) for unit in start)
        users = start if is_confined else self._closed(file, start, self._users)
        if not is_confined and any(self._is_wanted_elsewhere(file, unit) for unit in users):
            return None
        units = self._closed(file, users, self._used)
        if any(self._reaches_from(path, module) for path in self._fixture_files(file, units)):
            return None
        definitions: set[str] = set()
        modules: set[str] = set()
        for target in self._targets(file, units, module):
            if target.module == module and target.kind is Kind.SYMBOL:
                definitions.add(target.name)
            elif target.module == module or self.reaches(target.module, module):
                return None
            else:
                modules.add(target.module)
        lines = frozenset(n for unit in units for n in unit.lines)
        around = [_lines_under(unit, line) if is_confined and unit in start else unit.lines for unit in units]
        patched = frozenset(n for some in around for n in some)
        return Reach(frozenset(definitions), lines, patched, frozenset(modules))

    def reaches(self, module: str, goal: str) -> bool:
        """Whether `module` imports `goal`, at whatever remove, so that its code could run code of `goal`."""
        return self._reaches_from(self.clients.index.modules.get(module, ""), goal)

    def _reaches_from(self, path: str, goal: str) -> bool:
        key = (path, goal)
        if key not in self._reaches:
            if self._graph is None:
                self._graph = ImportGraph(self.clients.index)
            end = self.clients.index.modules.get(goal, "")
            todo, seen = [path], {path}
            while todo and end not in seen:
                for edge in self._graph.by_importer.get(todo.pop(), ()):
                    if edge.kind is not EdgeKind.TYPING_ONLY and edge.imported not in seen:
                        seen.add(edge.imported)
                        todo.append(edge.imported)
            self._reaches[key] = end in seen
        return self._reaches[key]

    # -- reading ---------------------------------------------------------------------------------------------

    def _read(self, path: str) -> _File | None:
        module = self.clients.index.module_at(path)
        if module is None:
            return None
        try:
            tree = ast.parse(decode(self.clients.read(path)).text)
            scopes = read_scopes(tree)
        except (SyntaxError, ValueError, RecursionError):
            return None
        units: list[_Unit] = []
        bases: dict[str, frozenset[str]] = {}
        heads: dict[str, list[ast.expr]] = {}
        for node in tree.body:
            if isinstance(node, ast.ClassDef):
                bases[node.name] = frozenset(_words(node.bases))
                heads[node.name] = [*node.decorator_list, *node.bases]
                words = frozenset(_words(node.decorator_list))
                units += (_unit(part, node.name, words) for part in node.body)
            elif not isinstance(node, (ast.Import, ast.ImportFrom)):
                units.append(_unit(node, ""))
        return _File(module, tuple(units), bases, heads, scopes)

    @staticmethod
    def _class_at(file: _File, line: int) -> str:
        owners = [u.owner for u in file.units if u.owner and u.lines.stop > line]
        return owners[0] if owners else ""

    # -- who uses whom in the file ---------------------------------------------------------------------------

    @staticmethod
    def _closed(
        file: _File, start: Iterable[_Unit], step: Callable[[_File, _Unit], Iterator[_Unit]]
    ) -> list[_Unit]:
        found = list(start)
        for unit in found:
            found += [other for other in step(file, unit) if other not in found]
        return found

    @staticmethod
    def _used(file: _File, unit: _Unit) -> Iterator[_Unit]:
        """What a unit runs in its file: what it names, and what pytest or unittest run before it."""
        for other in file.units:
            if _names(file, unit, other) or (
                other.serves_all and other.owner in ("", *_family(file, unit.owner))
            ):
                yield other

    @staticmethod
    def _users(file: _File, unit: _Unit) -> Iterator[_Unit]:
        """What runs a unit in its file."""
        for other in file.units:
            if _names(file, other, unit) or (
                unit.serves_all and unit.owner in ("", *_family(file, other.owner))
            ):
                yield other

    def _is_wanted_elsewhere(self, file: _File, unit: _Unit) -> bool:
        names = {unit.owner} if unit.owner else unit.binds
        return not names.isdisjoint(self.clients.resolver.wanted_from(file.module.name))

    def _fixture_files(self, file: _File, units: Iterable[_Unit]) -> Iterator[str]:
        """The files that define the fixtures that the units want: conftest.py, plugins, what is imported."""
        wanted = {name for unit in units for name in _fixtures_wanted(unit.node)}
        wanted |= {
            n for unit in units for head in file.heads.get(unit.owner, ()) for n in _fixtures_wanted(head)
        }
        wanted -= {name for unit in file.units for name in unit.binds}
        if not wanted:
            return
        for name in wanted:
            target = self.clients.resolver.bound(file.module.name, name)
            if target is not None and target.kind in (Kind.SYMBOL, Kind.MODULE):
                yield self.clients.index.modules.get(target.module, "")
        renamed = re.compile(rf"""name\s*=\s*["'](?:{"|".join(map(re.escape, sorted(wanted)))})["']""")
        for path in self._fixture_homes():
            record = self.clients.index.files[path]
            is_named = any(d.name in wanted for d in record.definitions)
            if is_named or renamed.search(decode(self.clients.read(path)).text):
                yield path

    def _fixture_homes(self) -> tuple[str, ...]:
        """The conftest.py files, and the modules that a file names as `pytest_plugins`."""
        if self._homes is None:
            index = self.clients.index
            found = {p for p in index.files if p.rpartition("/")[2] == "conftest.py"}
            for record in index.files.values():
                if any(d.name == "pytest_plugins" for d in record.definitions):
                    named = (index.modules.get(string.text) for string in record.dotted_strings)
                    found.update(path for path in named if path is not None)
            self._homes = tuple(sorted(found))
        return self._homes

    # -- what the code refers to -----------------------------------------------------------------------------

    def _targets(self, file: _File, units: Iterable[_Unit], module: str) -> Iterator[Target]:
        """The modules and symbols of the repository that the units name, but for what a mock looks like."""
        owners = {unit.owner for unit in units}
        heads = [part for owner in sorted(owners) for part in file.heads.get(owner, ())]
        names: set[int] = set()
        for part in _run_parts([*(unit.node for unit in units), *heads]):
            if isinstance(part, ast.Name):
                names.add(id(part))
            elif isinstance(part, ast.Constant) and isinstance(part.value, str):
                above, _, name = part.value.replace(":", ".").rpartition(".")
                if above == module:
                    yield Target(Kind.SYMBOL, module, name)
        for use in file.scopes.uses:
            if id(use.node) not in names:
                continue
            owner = file.scopes.lookup(use.scope, use.node.id)
            bound = [self._bound(b, file.module) for b in owner.imports.get(use.node.id, ())] if owner else []
            if owner is None:
                # From a star import, or a built-in.
                bound = [self.clients.resolver.bound(file.module.name, use.node.id)]
            for one in bound:
                target = self._followed(one, use)
                if target.kind in (Kind.SYMBOL, Kind.MODULE) and target.module != file.module.name:
                    yield target

    def _bound(self, binding: ImportBinding, client: ModuleName) -> Target | None:
        resolver, statement, alias = self.clients.resolver, binding.statement, binding.alias
        if isinstance(statement, ast.Import):
            module = alias.name if alias.asname else alias.name.partition(".")[0]
            return Target(Kind.MODULE if resolver.facts.exists(module) else Kind.OUTSIDE, module)
        base = resolver.base_of(client, statement.level, statement.module or "")
        return resolver.attribute(base, alias.name) if base and resolver.is_own(base) else None

    def _followed(self, target: Target | None, use: NameUse) -> Target:
        for attribute in use.chain:
            if target is None or target.kind is not Kind.MODULE:
                break
            found = self.clients.resolver.attribute(target.module, attribute.attr)
            if found is None or found.kind is Kind.UNKNOWN:
                break
            target = found
        return target or UNKNOWN


def _unit(node: ast.stmt, owner: str, words: frozenset[str] = frozenset()) -> _Unit:
    """`words` are mentioned by the decorators of the class around it."""
    if isinstance(node, (*_FUNCTIONS, ast.ClassDef)):
        binds = {node.name}
    else:
        binds = {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    serves_all = "pytestmark" in binds
    if isinstance(node, _FUNCTIONS):
        keywords = [k for d in node.decorator_list for k in getattr(d, "keywords", ())]
        serves_all = _SET_UP.match(node.name) is not None or any(k.arg == "autouse" for k in keywords)
        # `@fixture(name="other")`
        binds.update(
            str(k.value.value) for k in keywords if k.arg == "name" and isinstance(k.value, ast.Constant)
        )
    return _Unit(node, owner, frozenset(binds), words | frozenset(_words([node])), serves_all)


def _is_confined(unit: _Unit, line: int) -> bool:
    """Whether a patch at `line` ends with the function that it stands in: a decorator, or `with`."""
    node = unit.node
    if not isinstance(node, _FUNCTIONS):
        return False
    holders: list[ast.expr] = [*node.decorator_list]
    given = {a.arg for a in _parameters(node)} - {"self", "cls"}
    for part in ast.walk(node):
        if isinstance(part, (ast.Yield, ast.YieldFrom)):
            return False
        if isinstance(part, ast.Call) and not unit.is_test and getattr(part.func, "id", "") in given:
            # It runs what its callers hand over.
            return False
        if isinstance(part, (ast.With, ast.AsyncWith)):
            holders += (item.context_expr for item in part.items)
    return any(h.lineno <= line <= (h.end_lineno or h.lineno) for h in holders)


def _lines_under(unit: _Unit, line: int) -> range:
    """The lines of a function that run under the patch at `line`, which is confined to it."""
    for part in ast.walk(unit.node):
        if isinstance(part, (ast.With, ast.AsyncWith)):
            items = [item.context_expr for item in part.items]
            if any(i.lineno <= line <= (i.end_lineno or i.lineno) for i in items):
                return range(part.lineno, (part.end_lineno or part.lineno) + 1)
    return unit.lines


def _words(nodes: Iterable[ast.AST]) -> Iterator[str]:
    """Every name, attribute, parameter and one-word text."""
    for node in nodes:
        for part in ast.walk(node):
            if isinstance(part, ast.Name):
                yield part.id
            elif isinstance(part, ast.Attribute):
                yield part.attr
            elif isinstance(part, ast.arg):
                yield part.arg
            elif isinstance(part, ast.Constant) and isinstance(part.value, str) and part.value.isidentifier():
                yield part.value


def _names(file: _File, unit: _Unit, other: _Unit) -> bool:
    """Whether a unit names another one that it can see."""
    if other is unit:
        return False
    if other.owner and other.owner != unit.owner and other.owner in unit.mentions:
        return True
    common = other.binds & unit.mentions
    if not common:
        return False
    if other.owner:
        return other.owner in _family(file, unit.owner)
    # A fixture of the class hides one of the file.
    hidden = {n for u in file.units if u.owner and u.owner == unit.owner and u is not unit for n in u.binds}
    return bool(common - hidden)


def _family(file: _File, owner: str) -> set[str]:
    """A class of a file with the classes of the file that it inherits from, or that inherit from it."""
    found = {owner} if owner else set()
    while True:
        more = {base for name in found for base in file.bases.get(name, ()) if base in file.bases}
        more |= {name for name, bases in file.bases.items() if bases & found}
        if more <= found:
            return found
        found |= more


def _line_above(file: _File, owner: str) -> set[str]:
    """The classes of a file that a class of it inherits from, at whatever remove."""
    found = set(file.bases.get(owner, ())) & file.bases.keys()
    while more := {b for name in found for b in file.bases[name] if b in file.bases} - found:
        found |= more
    return found


def _fixtures_wanted(node: ast.AST) -> Iterator[str]:
    """The names of the fixtures that a statement or decorator wants."""
    yield from (a.arg for a in _parameters(node))
    for part in ast.walk(node):
        if isinstance(part, ast.Call) and getattr(part.func, "attr", "") in _WANTING:
            yield from (
                a.value for a in part.args if isinstance(a, ast.Constant) and isinstance(a.value, str)
            )


def _parameters(node: ast.AST) -> list[ast.arg]:
    if not isinstance(node, _FUNCTIONS):
        return []
    arguments = node.args
    return [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]


def _run_parts(nodes: Iterable[ast.AST]) -> Iterator[ast.AST]:
    """The parts of some statements that are evaluated for more than the look of a mock."""
    stack: list[ast.AST] = [*nodes]
    while stack:
        part = stack.pop()
        yield part
        if isinstance(part, ast.Call) and PATCHING.search(ast.unparse(part.func)):
            called = getattr(part.func, "attr", getattr(part.func, "id", ""))
            stack.append(part.func)
            # `setattr(module, "name", value)`, `patch("a.b", value)`
            values = part.args[2 if called in ("object", "setitem") else 1 :]
            values = [v for v in values if not isinstance(v, ast.Constant)]
            stack += values if called in ("patch", "setattr", "setitem", "object", "dict") else []
            stack += (k.value for k in part.keywords if k.arg not in _LOOKS)
        elif not isinstance(part, ast.arg):
            stack.extend(ast.iter_child_nodes(part))
