"""Imports inside functions that run all the same while another module is imported.

A module that calls a function, uses it as a decorator, or makes a class whose metaclass or base runs code
then, runs the imports in these functions with its own import. Calls are followed by name through the files of
one knot, methods by the name alone: more is found than runs, so a failure counts only as likely.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, field

from analyzers.call_chains import MADE, Chain
from analyzers.call_leads import MAKES_INSTANCE, CallLeads, FactsOf
from analyzers.function_calls import FunctionFacts
from analyzers.import_graph import EdgeKind, ImportEdge, ImportGraph
from analyzers.import_time_calls import CallFacts, ClassFacts, Trigger
from analyzers.layout import ModuleName
from analyzers.model import Guard
from analyzers.name_resolution import Kind, NameResolver, Target

#: So many functions are entered from one call at import time, the nearest first. Nine of ten calls lead to
#: three or fewer; what leads to hundreds does so by names that many classes share (sqlalchemy, jedi).
_MOST_FUNCTIONS = 100

#: Methods of objects that every program has: on an object of unknown class they are most likely these.
_OF_BUILTINS = frozenset(
    name for kind in (dict, list, set, tuple, str, bytes, int, float) for name in dir(kind) if name[0] != "_"
)

_MAKES_CLASS = ("__prepare__", "__new__", "__init__")


@dataclass(frozen=True, slots=True)
class CalledImport:
    """At `line` of its file, code runs that may carry out the deferred import `edge`.

    `used` are the names that the function around it takes from the module afterwards, when it binds that.
    """

    line: int
    edge: ImportEdge
    is_branch: bool
    is_tried: bool
    used: tuple[str, ...] = ()


#: (path, line) of import statements in functions, and whether no branch stands on the way to each.
Lines = tuple[tuple[tuple[str, int], bool], ...]

#: Path -> what `called_imports` found for it.
Called = Mapping[str, tuple[CalledImport, ...]]


def called_imports(graph: ImportGraph, members: Iterable[str], facts: FactsOf) -> Called:
    """Path -> the deferred imports that run with its import, by line; both ends are among `members`.

    `members` is a knot of files by imports of all times: outside of it no such import can close a circle.
    """
    inside = frozenset(members)
    deferred: dict[str, dict[int, list[ImportEdge]]] = {}
    for path in sorted(inside):
        for edge in graph.by_importer.get(path, ()):
            if edge.kind is EdgeKind.DEFERRED and edge.imported in inside and edge.imported != path:
                deferred.setdefault(path, {}).setdefault(edge.line, []).append(edge)
    if not deferred:
        return {}
    calls = _Calls(graph, inside, facts, CallLeads(graph, inside, facts, deferred))
    found: dict[str, tuple[CalledImport, ...]] = {}
    for path in sorted(inside):
        known = facts(path)
        module = graph.module_of(path)
        if known is None or not module:
            continue
        steps: dict[tuple[int, ImportEdge], CalledImport] = {}
        for trigger in (*known.triggers, *_missing_names(graph, path)):
            lines, wanted = calls.run_by(module, trigger)
            for (home, line), is_sure in lines:
                for edge in deferred.get(home, {}).get(line, ()):
                    if wanted and wanted not in edge.names and wanted != edge.module.rpartition(".")[2]:
                        # A module's `__getattr__` imports one thing for each name.
                        continue
                    used = calls.used(home, edge)
                    # What a module's `__getattr__` is asked for tells which of its branches runs.
                    is_branch = trigger.is_branch or not (is_sure or wanted)
                    key = trigger.line, edge
                    if key not in steps or (steps[key].is_branch and not is_branch):
                        steps[key] = CalledImport(trigger.line, edge, is_branch, trigger.is_tried, used)
        if steps:
            found[path] = tuple(sorted(steps.values(), key=lambda s: (s.line, s.edge.importer, s.edge.line)))
    return found


def _missing_names(graph: ImportGraph, path: str) -> Iterator[Trigger]:
    """The names that a file imports and that no statement of their module binds, as reads."""
    imports = graph.index.files[path].imports
    for edge in graph.by_importer.get(path, ()):
        for name in edge.names if edge.kind is EdgeKind.IMPORT_TIME else ():
            target = graph.resolver.bound(edge.module, name)
            if name != "*" and (target is None or target.kind is Kind.UNKNOWN):
                guard = imports[edge.statement].guard
                is_branch = bool(guard & (Guard.CONDITIONAL | Guard.EXCEPT))
                chain = (edge.module, name)
                yield Trigger(edge.line, chain, "", False, is_branch, bool(guard & Guard.TRY), True)


@dataclass(slots=True)
class _Walk:
    """One search: functions still to enter, with the modules whose methods they may call, and what is done.

    A function that is met again with other modules is entered again with all of them: the ways to it are not
    told apart, or their number would grow with every class on the way.
    """

    leads: CallLeads
    pending: deque[tuple[str, FunctionFacts]] = field(default_factory=deque)
    near: dict[tuple[str, int], frozenset[str]] = field(default_factory=dict)
    waiting: set[tuple[str, int]] = field(default_factory=set)
    lines: dict[tuple[str, int], bool] = field(default_factory=dict)
    #: Whether no branch stands around what is followed now, and the functions entered that way.
    is_sure: bool = True
    sure: set[tuple[str, int]] = field(default_factory=set)
    aliases: set[Target] = field(default_factory=set)

    def enter(self, module: str, functions: Iterable[FunctionFacts], near: frozenset[str]) -> None:
        for function in functions:
            if id(function) not in self.leads.functions:
                continue
            key = (module, id(function))
            known = self.near.get(key)
            if known is not None and near <= known and (key in self.sure or not self.is_sure):
                continue
            if self.is_sure:
                self.sure.add(key)
            self.near[key] = near if known is None else known | near
            if key not in self.waiting:
                self.waiting.add(key)
                self.pending.append((module, function))

    def entered(self) -> Iterator[tuple[str, FunctionFacts, frozenset[str]]]:
        """The functions to run, the nearest first, until no more are entered or there are too many."""
        count = 0
        while self.pending and count < _MOST_FUNCTIONS:
            module, function = self.pending.popleft()
            key = (module, id(function))
            self.waiting.discard(key)
            if self.leads.leads_on(function):
                count += 1
                yield module, function, self.near[key]


class _Calls:
    """Follows calls through the files of one knot."""

    def __init__(self, graph: ImportGraph, members: frozenset[str], facts: FactsOf, leads: CallLeads) -> None:
        self._leads = leads
        self._resolver: NameResolver = graph.resolver
        self._facts = facts
        self._paths = {graph.module_of(path): path for path in members if graph.module_of(path)}
        self._names = graph.index.names
        self._index = graph.index
        self._known: dict[tuple[str, Chain, str, bool, bool], tuple[Lines, str]] = {}
        #: Name -> the modules with functions or methods of that name from which calls lead on.
        self._having: dict[str, set[str]] = {}
        for module, path in self._paths.items():
            known = facts(path)
            for name, functions in known.functions.items() if known is not None else ():
                if any(id(f) in leads.functions for one in functions for f in (one, *one.nested)):
                    self._having.setdefault(name, set()).add(module)
        self._begun: dict[tuple[str, Chain, int], tuple[Target | None, Chain]] = {}
        self._lines: dict[Target, tuple[tuple[str, ClassFacts], ...]] = {}

    def run_by(self, module: str, trigger: Trigger) -> tuple[Lines, str]:
        """The import statements in functions that the trigger may run.

        With the name that a module's `__getattr__` is asked for, if that is what runs; empty otherwise.
        """
        leading = {*trigger.chain[-1:], *(("__getattr__",) if trigger.is_read else ())}
        if leading and leading.isdisjoint(self._leads.names):
            return (), ""
        key = (module, trigger.chain, trigger.created, trigger.is_factory, trigger.is_read)
        known = self._known.get(key)
        if known is None:
            walk = _Walk(self._leads)
            wanted = ""
            if trigger.is_read:
                wanted = self._read(walk, module, trigger.chain)
            elif trigger.created:
                self._create(walk, module, trigger.created)
            else:
                self._call(walk, module, trigger.chain, None, frozenset(), trigger.is_factory)
            for entered in walk.entered():
                self._run(walk, *entered)
            known = self._known[key] = (tuple(walk.lines.items()), wanted)
        return known

    def used(self, path: str, edge: ImportEdge) -> tuple[str, ...]:
        """The names that the functions with a deferred import take from the module that it binds, sorted."""
        known = self._facts(path)
        if edge.names or known is None:
            return ()
        found: set[str] = set()
        statement = self._index.files[path].imports[edge.statement]
        for function in (f for same in known.functions.values() for f in same):
            if edge.line not in function.import_lines:
                continue
            for alias in statement.names:
                is_dotted = not statement.is_from and not alias.asname
                if edge.module.rpartition(".")[2] != alias.name.rpartition(".")[2]:
                    continue
                local = tuple(alias.name.split(".")) if is_dotted else (alias.asname or alias.name,)
                found.update(
                    chain[len(local)]
                    for chain in function.used
                    if len(chain) > len(local) and chain[: len(local)] == local
                )
        return tuple(sorted(found))

    def _read(self, walk: _Walk, module: str, chain: Chain) -> str:
        """A property, or the `__getattr__` of an object or module; returns the name asked of a module."""
        target: Target | None
        rest = chain[1:]
        if chain[0] in self._paths and len(chain) == 2:
            target = Target(Kind.MODULE, chain[0])
        else:
            target = self._meant(module, chain[0], None)
        while rest and target is not None and target.kind is Kind.MODULE and rest[0] != MADE:
            inner = self._resolver.attribute(target.module, rest[0])
            if inner is None or inner.kind is Kind.UNKNOWN:
                facts = self._of(target.module)
                if facts is not None and "__getattr__" in facts.top:
                    walk.enter(target.module, (facts.top["__getattr__"],), frozenset())
                    return rest[0]
                return ""
            target, rest = inner, rest[1:]
        if not rest or target is None or target.kind is not Kind.SYMBOL:
            return ""
        facts = self._of(target.module)
        if facts is None or rest[-1] == MADE or (MADE not in rest and target.name not in facts.values):
            return ""
        homes = self._homes_of(target)
        found = [(home, f) for home in sorted(homes) for f in self._methods(home, rest[-1])]
        there = (self._of(home) for home in homes)
        is_known = bool(found) or any(f is not None and f.gives(rest[-1]) for f in there)
        if not is_known:
            found = [(home, f) for home in sorted(homes) for f in self._methods(home, "__getattr__")]
        for home, function in found:
            if function.is_decorated or not is_known:
                walk.enter(home, (function,), homes)
        return ""

    def _of(self, module: str) -> CallFacts | None:
        path = self._paths.get(module)
        return self._facts(path) if path is not None else None

    def _run(self, walk: _Walk, module: str, function: FunctionFacts, near: frozenset[str]) -> None:
        path = self._paths[module]
        is_sure = (module, id(function)) in walk.sure
        for line in function.import_lines:
            is_plain = is_sure and line in function.sure_lines
            walk.lines[path, line] = walk.lines.get((path, line), False) or is_plain
        for chain in sorted(c for c in function.calls if c[-1] in self._leads.names):
            walk.is_sure = is_sure and chain in function.sure_calls
            self._call(walk, module, chain, function, near, False)
        walk.is_sure = is_sure
        for chain in function.decorators:
            # What runs is what the decorator made of it.
            self._call(walk, module, chain, None, near, True)
        for name in sorted(function.reads & self._leads.names):
            for home in self._homes_with(name, {module, *near}):
                found = self._methods(home, name)
                walk.enter(home, (f for f in found if f.is_decorated), near)

    def _call(
        self,
        walk: _Walk,
        module: str,
        chain: Chain,
        function: FunctionFacts | None,
        near: frozenset[str],
        is_factory: bool,
    ) -> None:
        target, rest = self._begin(module, chain, function)
        if target is not None and target.kind in (Kind.OUTSIDE, Kind.MODULE):
            return
        if target is None or target.kind is Kind.UNKNOWN:
            name = chain[-1]
            is_own = len(chain) == 2 and chain[0] in ("self", "cls")
            if len(chain) == 1 or not (name.startswith("__") or (name in _OF_BUILTINS and not is_own)):
                for home in self._homes_with(name, {module, *near}):
                    found = self._methods(home, name)
                    facts = self._of(home)
                    # A function of the module is no method of an object.
                    top = facts.top.get(name) if facts is not None and len(chain) > 1 else None
                    walk.enter(home, (f for f in found if f is not top), near)
            return
        if rest:
            self._call_method(walk, target, rest[-1], near | {module} if MADE in rest else near, is_factory)
            return
        facts = self._of(target.module)
        if facts is None:
            return
        if target.name in facts.top:
            called = facts.top[target.name]
            walk.enter(target.module, (called, *(called.nested if is_factory else ())), near)
        elif target.name in facts.classes:
            line = self._line(target)
            homes = near | {home for home, _ in line}
            for home, one in line:
                # `@C(...)` calls the instance, too.
                walk.enter(home, _some(one, (*MAKES_INSTANCE, *(["__call__"] if is_factory else []))), homes)
                for factory in sorted(one.factories):
                    self._call(walk, home, factory, None, homes, False)
            for meta in self._metaclasses(line):
                for home, one in self._line(meta):
                    walk.enter(home, _some(one, ("__call__",)), homes | {home})
        elif target.name in facts.aliases and target not in walk.aliases:
            walk.aliases.add(target)
            self._call(walk, target.module, facts.aliases[target.name], None, near, is_factory)
        elif target.name in facts.values:
            self._call_method(walk, target, "__call__", near, is_factory)

    def _begin(
        self, module: str, chain: Chain, function: FunctionFacts | None
    ) -> tuple[Target | None, Chain]:
        """What a dotted name stands for, modules passed, and the names behind; outside if that is missing."""
        local = id(function) if function is not None and chain[0] in function.imported else 0
        known = self._begun.get((module, chain, local))
        if known is None:
            target = self._meant(module, chain[0], function)
            rest = chain[1:]
            while rest and rest[0] != MADE and target is not None and target.kind is Kind.MODULE:
                name, rest = rest[0], rest[1:]
                above, target = target.module, self._resolver.attribute(target.module, name)
                if target is None:
                    target = Target(Kind.OUTSIDE, above, name)
            known = self._begun[module, chain, local] = target, rest
        return known

    def _homes_with(self, name: str, homes: Set[str]) -> list[str]:
        """Those of the modules that have functions of that name from which calls lead on, sorted."""
        having = self._having.get(name)
        return sorted(having & homes) if having else []

    def _call_method(
        self, walk: _Walk, target: Target, name: str, near: frozenset[str], is_factory: bool
    ) -> None:
        facts = self._of(target.module)
        if facts is None:
            return
        homes = near | self._homes_of(target)
        if name == "__call__" and target.name in facts.top:
            # What a function gives is called at once.
            walk.enter(target.module, (facts.top[target.name], *facts.top[target.name].nested), near)
        for home in self._homes_with(name, homes):
            found = self._methods(home, name)
            walk.enter(home, (*found, *(n for f in found if is_factory for n in f.nested)), homes)

    def _create(self, walk: _Walk, module: str, name: str) -> None:
        """What runs when the class comes into being, after its body."""
        facts = self._of(module)
        if facts is None or name not in facts.classes:
            return
        line = self._line(Target(Kind.SYMBOL, module, name))
        made = (self._class_of(module, chain) for chain in sorted(facts.classes[name].made))
        parts = [part for part in made if part is not None]
        homes = frozenset(home for part in parts for home, _ in self._line(part))
        for part in parts:
            for home, one in self._line(part):
                walk.enter(home, _some(one, ("__set_name__",)), homes)
        for home, one in line[1:]:
            walk.enter(home, _some(one, ("__init_subclass__",)), homes | {h for h, _ in line})
        for meta in self._metaclasses(line):
            ancestry = self._line(meta)
            for home, one in ancestry:
                walk.enter(home, _some(one, _MAKES_CLASS), homes | {h for h, _ in ancestry})

    # -- names -----------------------------------------------------------------------------------------------

    def _meant(self, module: str, name: str, function: FunctionFacts | None) -> Target | None:
        """What a bare name means in a function of `module`, or at its module level."""
        if not name:
            return None
        local = function.imported.get(name) if function is not None else None
        if local is None:
            return self._resolver.bound(module, name)
        level, base, attribute = local
        client = self._names.get(self._paths[module], ModuleName(module, False, "", is_importable=True))
        absolute = self._resolver.base_of(client, level, base)
        if absolute is None:
            return None
        if not attribute:
            is_own = self._resolver.is_own(absolute)
            return Target(Kind.MODULE if is_own else Kind.OUTSIDE, absolute)
        if not self._resolver.is_own(absolute):
            return Target(Kind.OUTSIDE, absolute)
        return self._resolver.attribute(absolute, attribute)

    def _class_of(self, module: str, chain: Chain) -> Target | None:
        """The class of the knot that a dotted name stands for."""
        target = self._meant(module, chain[0], None)
        for name in chain[1:]:
            if target is None or target.kind is not Kind.MODULE:
                return None
            target = self._resolver.attribute(target.module, name)
        if target is None or target.kind is not Kind.SYMBOL:
            return None
        facts = self._of(target.module)
        return target if facts is not None and target.name in facts.classes else None

    def _metaclasses(self, line: Iterable[tuple[str, ClassFacts]]) -> list[Target]:
        """The metaclasses of a class and its bases."""
        found = (self._class_of(home, one.metaclass) for home, one in line if one.metaclass)
        return sorted({meta for meta in found if meta is not None}, key=str)

    def _homes_of(self, target: Target) -> frozenset[str]:
        """The modules that hold the methods of a class, or of what a function or variable may give."""
        facts = self._of(target.module)
        homes = {target.module}
        if facts is not None and target.name in facts.classes:
            homes |= {home for home, _ in self._line(target)}
        for made_by in sorted(facts.values.get(target.name, ())) if facts is not None else ():
            homes |= self._homes(target.module, made_by)
        return frozenset(homes)

    def _homes(self, module: str, chain: Chain) -> frozenset[str]:
        """The modules that hold the methods of what `chain` makes."""
        target = self._class_of(module, chain)
        return frozenset(home for home, _ in self._line(target)) if target is not None else frozenset()

    def _line(self, target: Target) -> tuple[tuple[str, ClassFacts], ...]:
        """A class and the bases of it that the knot holds, each with its module."""
        known = self._lines.get(target)
        if known is None:
            known = self._lines[target] = tuple(self._line_of(target))
        return known

    def _line_of(self, target: Target) -> Iterator[tuple[str, ClassFacts]]:
        pending, seen = [target], {target}
        while pending:
            current = pending.pop(0)
            facts = self._of(current.module)
            if facts is None or current.name not in facts.classes:
                continue
            one = facts.classes[current.name]
            yield current.module, one
            for base in one.bases:
                above = self._class_of(current.module, base)
                if above is not None and above not in seen:
                    seen.add(above)
                    pending.append(above)

    def _methods(self, module: str, name: str) -> tuple[FunctionFacts, ...]:
        facts = self._of(module)
        return facts.functions.get(name, ()) if facts is not None else ()


def _some(one: ClassFacts, names: Iterable[str]) -> Iterator[FunctionFacts]:
    return (one.methods[name] for name in names if name in one.methods)
