"""Imports inside functions that run all the same while another module is imported.

A module that calls a function, uses it as a decorator, or makes a class whose metaclass or base runs code
then, runs the imports in these functions with its own import. Calls are followed by name through the files of
one knot, methods by the name alone: more is found than runs, so a failure counts only as likely.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from analyzers.import_graph import EdgeKind, ImportEdge, ImportGraph
from analyzers.import_time_calls import CallFacts, Chain, ClassFacts, FunctionFacts, Trigger
from analyzers.layout import ModuleName
from analyzers.name_resolution import Kind, NameResolver, Target

#: The call facts of a file, None when they cannot be had.
FactsOf = Callable[[str], "CallFacts | None"]

_MAKES_INSTANCE = ("__new__", "__init__", "__post_init__")
_MAKES_CLASS = ("__prepare__", "__new__", "__init__")


@dataclass(frozen=True, slots=True)
class CalledImport:
    """At `line` of its file, code runs that may carry out the deferred import `edge`."""

    line: int
    edge: ImportEdge
    is_branch: bool
    is_tried: bool


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
    calls = _Calls(graph, inside, facts, _Leads(graph, inside, facts, deferred))
    found: dict[str, tuple[CalledImport, ...]] = {}
    for path in sorted(inside):
        known = facts(path)
        module = graph.module_of(path)
        if known is None or not module:
            continue
        steps: dict[tuple[int, ImportEdge], CalledImport] = {}
        for trigger in known.triggers:
            for home, line in calls.run_by(module, trigger):
                for edge in deferred.get(home, {}).get(line, ()):
                    step = CalledImport(trigger.line, edge, trigger.is_branch, trigger.is_tried)
                    steps.setdefault((trigger.line, edge), step)
        if steps:
            found[path] = tuple(sorted(steps.values(), key=lambda s: (s.line, s.edge.importer, s.edge.line)))
    return found


class _Leads:
    """Functions from which calls may lead to a deferred import, by the names that they mention alone.

    Nothing else need be entered: it keeps the search short where few functions of a large knot import.
    """

    def __init__(
        self,
        graph: ImportGraph,
        members: Iterable[str],
        facts: FactsOf,
        deferred: Mapping[str, Mapping[int, object]],
    ) -> None:
        self.functions: set[int] = set()
        #: What may be called to get there: functions, classes, and names that imports give them.
        self.names: set[str] = set()
        users: dict[str, list[tuple[str, FunctionFacts]]] = {}
        makers: dict[int, list[str]] = {}
        bases: dict[str, list[str]] = {}
        aliases: dict[str, list[str]] = {}
        values: list[str] = []
        pending: list[tuple[str, FunctionFacts]] = []
        for path in sorted(members):
            known = facts(path)
            if known is None:
                continue
            lines = deferred.get(path, {})
            values += known.values
            for name, functions in known.functions.items():
                for function in functions:
                    for word in {*(chain[-1] for chain in function.calls), *function.reads}:
                        users.setdefault(word, []).append((name, function))
                    for local, (_, _, imported) in function.imported.items():
                        if imported and local != imported:
                            aliases.setdefault(imported, []).append(local)
                    if any(line in lines for line in function.import_lines):
                        pending.append((name, function))
                    for inner in function.nested:
                        makers.setdefault(id(inner), []).append(name)
            for name, one in known.classes.items():
                for maker in (*_MAKES_INSTANCE, "__call__"):
                    if maker in one.methods:
                        makers.setdefault(id(one.methods[maker]), []).append(name)
                for chain in one.bases:
                    bases.setdefault(chain[-1], []).append(name)
            for statement in graph.index.files[path].imports:
                for alias in statement.names:
                    if alias.asname and alias.asname != alias.name:
                        aliases.setdefault(alias.name, []).append(alias.asname)
        fresh: list[str] = []
        while pending or fresh:
            if pending:
                name, function = pending.pop()
                if id(function) in self.functions:
                    continue
                self.functions.add(id(function))
                fresh += (name, *makers.get(id(function), ()), *(values if name == "__call__" else ()))
                continue
            word = fresh.pop()
            if word not in self.names:
                self.names.add(word)
                fresh += (*aliases.get(word, ()), *bases.get(word, ()))
                pending += users.get(word, ())


@dataclass(slots=True)
class _Walk:
    """One search: functions still to enter with the modules whose methods they may call, and what is done."""

    leads: set[int]
    pending: list[tuple[str, FunctionFacts, frozenset[str]]] = field(default_factory=list)
    entered: set[tuple[str, int, frozenset[str]]] = field(default_factory=set)
    lines: set[tuple[str, int]] = field(default_factory=set)

    def enter(self, module: str, functions: Iterable[FunctionFacts], near: frozenset[str]) -> None:
        for function in functions:
            key = (module, id(function), near)
            if id(function) in self.leads and key not in self.entered:
                self.entered.add(key)
                self.pending.append((module, function, near))


class _Calls:
    """Follows calls through the files of one knot."""

    def __init__(self, graph: ImportGraph, members: frozenset[str], facts: FactsOf, leads: _Leads) -> None:
        self._leads = leads
        self._resolver: NameResolver = graph.resolver
        self._facts = facts
        self._paths = {graph.module_of(path): path for path in members if graph.module_of(path)}
        self._names = graph.index.names
        self._known: dict[tuple[str, Chain, str, bool], frozenset[tuple[str, int]]] = {}

    def run_by(self, module: str, trigger: Trigger) -> frozenset[tuple[str, int]]:
        """(path, line) of the import statements in functions that the trigger may run."""
        if trigger.chain and trigger.chain[-1] not in self._leads.names:
            return frozenset()
        key = (module, trigger.chain, trigger.created, trigger.is_factory)
        known = self._known.get(key)
        if known is None:
            walk = _Walk(self._leads.functions)
            if trigger.created:
                self._create(walk, module, trigger.created)
            else:
                self._call(walk, module, trigger.chain, None, frozenset(), trigger.is_factory)
            while walk.pending:
                self._run(walk, *walk.pending.pop())
            known = self._known[key] = frozenset(walk.lines)
        return known

    def _of(self, module: str) -> CallFacts | None:
        path = self._paths.get(module)
        return self._facts(path) if path is not None else None

    def _run(self, walk: _Walk, module: str, function: FunctionFacts, near: frozenset[str]) -> None:
        path = self._paths[module]
        walk.lines.update((path, line) for line in function.import_lines)
        for chain in sorted(c for c in function.calls if c[-1] in self._leads.names):
            self._call(walk, module, chain, function, near, False)
        for name in sorted(function.reads & self._leads.names):
            for home in sorted({module, *near}):
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
        target = self._meant(module, chain[0], function)
        rest = chain[1:]
        while rest and target is not None and target.kind is Kind.MODULE:
            target, rest = self._resolver.attribute(target.module, rest[0]), rest[1:]
            if target is None:
                return
        if target is not None and target.kind in (Kind.OUTSIDE, Kind.MODULE):
            return
        if target is None or target.kind is Kind.UNKNOWN:
            name = chain[-1]
            if not (name.startswith("__") and len(chain) > 1):
                for home in sorted({module, *near}):
                    walk.enter(home, self._methods(home, name), near)
            return
        if rest:
            self._call_method(walk, target, rest[-1], near, is_factory)
            return
        facts = self._of(target.module)
        if facts is None:
            return
        if target.name in facts.top:
            called = facts.top[target.name]
            walk.enter(target.module, (called, *(called.nested if is_factory else ())), near)
        elif target.name in facts.classes:
            line = list(self._line(target))
            homes = near | {home for home, _ in line}
            for home, one in line:
                # `@C(...)` calls the instance, too.
                walk.enter(home, _some(one, (*_MAKES_INSTANCE, *(["__call__"] if is_factory else []))), homes)
        elif target.name in facts.values:
            self._call_method(walk, target, "__call__", near, is_factory)

    def _call_method(
        self, walk: _Walk, target: Target, name: str, near: frozenset[str], is_factory: bool
    ) -> None:
        facts = self._of(target.module)
        if facts is None:
            return
        homes = near | {target.module}
        if target.name in facts.classes:
            homes |= {home for home, _ in self._line(target)}
        for made_by in sorted(facts.values.get(target.name, ())):
            homes |= self._homes(target.module, made_by)
        for home in sorted(homes):
            found = self._methods(home, name)
            walk.enter(home, (*found, *(n for f in found if is_factory for n in f.nested)), homes)

    def _create(self, walk: _Walk, module: str, name: str) -> None:
        """What runs when the class comes into being, after its body."""
        facts = self._of(module)
        if facts is None or name not in facts.classes:
            return
        line = list(self._line(Target(Kind.SYMBOL, module, name)))
        made = (self._class_of(module, chain) for chain in sorted(facts.classes[name].made))
        parts = [part for part in made if part is not None]
        homes = frozenset(home for part in parts for home, _ in self._line(part))
        for part in parts:
            for home, one in self._line(part):
                walk.enter(home, _some(one, ("__set_name__",)), homes)
        for home, one in line[1:]:
            walk.enter(home, _some(one, ("__init_subclass__",)), homes | {h for h, _ in line})
        metaclasses = {
            meta
            for home, one in line
            if one.metaclass and (meta := self._class_of(home, one.metaclass)) is not None
        }
        for meta in sorted(metaclasses, key=str):
            ancestry = list(self._line(meta))
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

    def _homes(self, module: str, chain: Chain) -> frozenset[str]:
        """The modules that hold the methods of what `chain` makes."""
        target = self._class_of(module, chain)
        return frozenset(home for home, _ in self._line(target)) if target is not None else frozenset()

    def _line(self, target: Target) -> Iterator[tuple[str, ClassFacts]]:
        """A class and the bases of it that the knot holds, each with its module."""
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
