"""What happens when Python imports modules that import each other: a simulation on the facts of the index.

Follows the import system statement by statement: packages run before what is in them, a module counts as
loaded while it still runs, `from a import b` needs the attribute or the submodule at that moment. Source:
the language reference, "The import system", and `importlib._bootstrap`.

What the facts cannot tell is answered on the side of a warning: a module object that is bound while its
module still runs may be used too early (`Certainty.POSSIBLE`); statements in branches are simulated as run
and as not run, and so are the imports in functions that a module may call while it runs (`called_imports`).
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from analyzers.called_imports import CalledImport
from analyzers.import_graph import EdgeKind, ImportEdge, ImportGraph
from analyzers.import_time_uses import ImportTimeUses
from analyzers.model import DefinitionKind, Guard
from analyzers.name_resolution import Kind
from analyzers.simulated_failure import Certainty, Failure, Failures, Mode, Running

#: Statements that may not run; `try` bodies do run.
_BRANCH = int(Guard.CONDITIONAL | Guard.EXCEPT)


#: A path to the dotted uses that run with its import; None: unknown.
UsesOf = Callable[[str], "ImportTimeUses | None"]


@dataclass(frozen=True, slots=True)
class _Step:
    """One import statement of a module: what it loads, what it binds, what it takes."""

    line: int
    loads: tuple[str, ...]
    takes: tuple[tuple[str, str], ...]  # (module, name)
    modules: tuple[tuple[str, str], ...]  # (module bound, its local name; empty: used by its dotted name)
    bound: tuple[str, ...]
    is_branch: bool
    is_tried: bool
    called: tuple[str, int] | None = None  # see `Running.called`


@dataclass(frozen=True, slots=True)
class _Program:
    module: str
    steps: tuple[_Step, ...]
    lines: dict[str, int]
    imported: dict[str, int]  # names that its own statements import, each with the line of the first
    is_open: bool
    tried: frozenset[int]
    branches: frozenset[int]
    dotted: frozenset[tuple[str, ...]]  # the first two segments of what plain imports name


@dataclass(slots=True)
class _State:
    """`done` and `running` hold module names; `bound` what imports of a running module have bound.

    `calling` are the running modules that stand in a function, with the place of the import there; `unsure`
    those of them that get there through a branch.
    """

    done: set[str] = field(default_factory=set)
    running: dict[str, int] = field(default_factory=dict)
    bound: dict[str, set[str]] = field(default_factory=dict)
    calling: dict[str, tuple[str, int]] = field(default_factory=dict)
    unsure: set[str] = field(default_factory=set)


class _ImportFails(Exception):
    """What an import statement raises in the simulated program."""


class Simulation:
    """Imports of the modules of one component, each by a fresh interpreter.

    Args:
        graph: the tree.
        members: paths of the files to run; all others count as loaded, which is right when none of them leads
            back to a member.
        uses: what a file uses at import time; without it, every module bound too early is a possible
        failure.
        called: the imports in functions that may run with the import of a file, by its path.
    """

    def __init__(
        self,
        graph: ImportGraph,
        members: Iterable[str],
        uses: UsesOf | None = None,
        called: Mapping[str, Sequence[CalledImport]] | None = None,
    ) -> None:
        self.graph = graph
        self._uses = uses
        self._called = called or {}
        self._paths = {graph.module_of(path): path for path in members if graph.module_of(path)}
        self._programs: dict[str, _Program] = {}
        self._prefixes: dict[str, tuple[str, ...]] = {}
        self._resolver = graph.resolver

    def failures(self) -> Failures:
        """The failures that importing each file first meets, once for each mode.

        Keys are (path of the file imported first, mode), sorted; only those that meet failures. Modes with
        calls are left out where nothing is called.
        """
        found: Failures = {}
        calls = any(path in self._called for path in self._paths.values())
        modes = {Mode.BRANCHES: Mode.PLAIN, **({Mode.CALLS: Mode.CALLS_ALONE} if calls else {})}
        # Without branches, two modes are one.
        twins = {} if self._has_branches() else modes
        for mode in (*modes, *(() if twins else modes.values())):
            for path, failures in self._entries(mode):
                if not failures:
                    continue
                # What nobody catches counts more than what somebody does.
                ordered = sorted(failures, key=lambda f: not f.is_caught)
                unique = {(f.importer, f.line, f.module, f.name): f for f in ordered}
                found[path, mode] = tuple(unique[key] for key in sorted(unique))
                if mode in twins:
                    found[path, twins[mode]] = found[path, mode]
        return dict(sorted(found.items()))

    def _entries(self, mode: Mode) -> Iterator[tuple[str, list[Failure]]]:
        # After its package has been imported, a module has little left to do: go on from there.
        after: dict[str, tuple[_State, list[Failure]]] = {}
        for module in sorted(self._paths, key=lambda m: (m.count("."), m)):
            inside = self._inside(module)
            if len(inside) > 1:
                state, failures = after[inside[-2]]
                if module not in state.done:
                    state, failures = _State(set(state.done)), list(failures)
            else:
                state, failures = _State(), []
            if module not in state.done:
                self._run(module, state, failures, mode)
            if self.graph.index.files[self._paths[module]].is_package_file:
                after[module] = (state, failures)
            yield self._paths[module], failures

    def _inside(self, module: str) -> tuple[str, ...]:
        """The module's packages and itself, as far as they belong to the component, from the top down."""
        known = self._prefixes.get(module)
        if known is None:
            above = module.rpartition(".")[0]
            known = (self._inside(above) if above else ()) + ((module,) if module in self._paths else ())
            self._prefixes[module] = known
        return known

    def _has_branches(self) -> bool:
        return any(step.is_branch for module in self._paths for step in self._program(module).steps)

    # -- running ---------------------------------------------------------------------------------------------

    def _run(self, entry: str, state: _State, failures: list[Failure], mode: Mode) -> None:
        for first in self._inside(entry):
            if first not in state.done and not self._import(first, state, failures, mode):
                return

    def _import(self, first: str, state: _State, failures: list[Failure], mode: Mode) -> bool:
        """Runs a module and all that it imports; False when that fails and nobody catches it."""
        stack: list[tuple[str, Generator[str, None, None]]] = []
        wanted: str | None = first
        error: _ImportFails | None = None
        while wanted or stack:
            if wanted and wanted not in state.done and wanted not in state.running:
                steps = self._execute(wanted, state, failures, mode, stack)
                stack.append((wanted, steps))
            module, steps = stack[-1]
            try:
                wanted = next(steps) if error is None else steps.throw(error)
                error = None
            except (StopIteration, _ImportFails) as ending:
                stack.pop()
                wanted = None
                del state.running[module], state.bound[module]
                state.calling.pop(module, None)
                # A module that failed is forgotten; whoever wants it next runs it again.
                error = ending if isinstance(ending, _ImportFails) else None
                if error is None:
                    state.done.add(module)
                    parent, _, leaf = module.rpartition(".")
                    if parent in state.running:
                        state.bound[parent].add(leaf)
        return error is None

    def _execute(
        self,
        module: str,
        state: _State,
        failures: list[Failure],
        mode: Mode,
        stack: Sequence[tuple[str, object]],
    ) -> Generator[str, None, None]:
        """Runs a module up to each module that it wants, which it yields; notes what it takes too early."""
        program = self._program(module)
        state.running[module] = 0
        state.bound[module] = set()
        for step in program.steps:
            state.running[module] = step.line
            if step.called is not None:
                if not mode.has_calls or (step.is_branch and not mode.has_branches):
                    continue
                state.calling[module] = step.called
                if step.is_branch:
                    state.unsure.add(module)
            elif step.is_branch and not mode.has_branches:
                state.bound[module].update(step.bound)
                continue
            try:
                for wanted in step.loads:
                    for prefix in self._inside(wanted):
                        if prefix not in state.done and prefix not in state.running:
                            yield prefix
                for base, name in step.takes:
                    certainty = self._lacks(base, name, state)
                    if certainty is not None:
                        found = self._failure(module, step.line, base, base, name, certainty, state, stack)
                        failures.append(found)
                        if certainty is Certainty.CERTAIN and step.called is None:
                            raise _ImportFails
            except _ImportFails:
                if not (step.is_tried or step.is_branch or step.called):
                    raise
                continue
            finally:
                state.calling.pop(module, None)
                state.unsure.discard(module)
            state.bound[module].update(step.bound)
            for bound, local in step.modules:
                for culprit, wanted, name, certainty in self._early_uses(module, bound, local, state):
                    found = self._failure(module, step.line, culprit, wanted, name, certainty, state, stack)
                    # What is used after the statement is no longer inside its `try`, nor an ImportError.
                    failures.append(replace(found, is_caught=False))
        state.running[module] = 0

    def _lacks(self, base: str, name: str, state: _State) -> Certainty | None:
        """Whether `name` is missing in `base` now."""
        if base not in state.running:
            return None
        if name == "*":
            return Certainty.POSSIBLE
        if name in state.bound[base]:
            return None
        program = self._program(base)
        line = program.lines.get(name)
        if line is not None:
            if line < state.running[base]:
                return None
            submodule = f"{base}.{name}"
            # Python finds the submodule instead of what will be bound later.
            return Certainty.POSSIBLE if self._resolver.facts.exists(submodule) else Certainty.CERTAIN
        imported = program.imported.get(name)
        if imported is not None and imported >= state.running[base] and not self._may_have(base, state):
            # A statement will bind it, so nothing else is likely to have put it there before.
            return Certainty.CERTAIN
        if program.is_open:
            return Certainty.POSSIBLE
        if name.startswith("__") or self._resolver.bound(base, name) is None:
            # Every module has it, or it is missing also when nothing runs: an import that is broken anyway.
            return None
        return Certainty.CERTAIN

    def _may_have(self, module: str, state: _State) -> bool:
        """Whether what has run of `module` may give any name: `__getattr__`, a star of unknown names."""
        line = state.running[module]
        program = self._program(module)
        if program.lines.get("__getattr__", line) < line:
            return True
        return any(
            step.line < line and self._resolver.exports_of(base) is None
            for step in program.steps
            for base, name in step.takes
            if name == "*"
        )

    def _early_uses(
        self, module: str, bound: str, local: str, state: _State
    ) -> Iterator[tuple[str, str, str, Certainty]]:
        """(module that still runs, module used, name wanted, certainty) of uses that come too early."""
        running = [p for p in self._inside(bound) if p in state.running]
        if not running or (local and bound not in running):
            return
        uses = self._uses(self._paths[module]) if self._uses is not None else None
        if uses is None:
            if bound == module and local:
                return
            # `import a.b.c` is used as `a.b.c`: `b` becomes an attribute of `a` only when `a.b` has run.
            culprits = [bound] if local else [p for p in running if "." in p or p == bound]
            if culprits:
                yield culprits[-1], bound, "", Certainty.POSSIBLE
            return
        root = local or bound.partition(".")[0]
        others = self._program(module).dotted
        for chains in (uses.certain, uses.possible):
            for chain in sorted(c for c in chains if c[0] == root):
                if not local and chain[:2] in others and tuple(bound.split(".")[:2]) != chain[:2]:
                    # Another statement of the file brings it.
                    continue
                early = self._early_use(module, chain, bound if local else root, bool(local), state)
                if early is not None:
                    culprit, wanted, name, certainty = early
                    is_certain = chains is uses.certain
                    yield culprit, wanted, name, certainty if is_certain else Certainty.POSSIBLE

    def _early_use(
        self, module: str, chain: tuple[str, ...], current: str, is_local: bool, state: _State
    ) -> tuple[str, str, str, Certainty] | None:
        """What one dotted use misses; `current` is the module that its first segment stands for."""
        if len(chain) == 1:
            return (current, current, "", Certainty.POSSIBLE) if is_local else None
        for name in chain[1:]:
            inner = f"{current}.{name}"
            is_bound = name in state.bound.get(current, ())
            if inner in state.running and not is_bound:
                # A module becomes an attribute of its package only when it has run.
                return inner, current, name, Certainty.CERTAIN
            if current in state.running and current != module and not is_bound:
                certainty = self._lacks(current, name, state)
                if certainty is None and inner in self._paths and inner not in state.done:
                    certainty = Certainty.CERTAIN
                if certainty is not None:
                    return current, current, name, certainty
            if not self._resolver.facts.exists(inner):
                return None
            current = inner
        return None

    def _failure(
        self,
        module: str,
        line: int,
        culprit: str,
        wanted: str,
        name: str,
        certainty: Certainty,
        state: _State,
        stack: Sequence[tuple[str, object]],
    ) -> Failure:
        order = [m for m, _ in stack]
        start = order.index(culprit)
        chain = tuple(
            Running(self._paths[m], state.running[m], follower, state.calling.get(m))
            for m, follower in zip(order[start:], order[start + 1 :], strict=False)
        )
        importer = self._paths[module]
        if module in state.calling:
            chain = (*chain, Running(importer, line, wanted, state.calling[module]))
            importer, line = state.calling[module]
        caught = any(state.running[m] in self._program(m).tried for m in order)
        if any(m in state.unsure or state.running[m] in self._program(m).branches for m in order):
            # The branch may not run.
            certainty = Certainty.POSSIBLE
        elif certainty is Certainty.CERTAIN and any(m in state.calling for m in order):
            certainty = Certainty.LIKELY
        available = hash((self._bound_so_far(wanted, state), frozenset(state.bound.get(wanted, ()))))
        return Failure(
            importer, line, self._paths[culprit], wanted, name, certainty, chain, caught, available
        )

    def _bound_so_far(self, module: str, state: _State) -> int:
        """How many definitions of a running module have been run."""
        line = state.running.get(module, 0)
        return sum(at < line for at in self._program(module).lines.values()) if line else 0

    # -- programs --------------------------------------------------------------------------------------------

    def _program(self, module: str) -> _Program:
        known = self._programs.get(module)
        if known is None:
            known = self._programs[module] = self._compile(module)
        return known

    def _compile(self, module: str) -> _Program:
        path = self._paths[module]
        record = self.graph.index.files[path]
        by_statement: dict[int, list[ImportEdge]] = {}
        for edge in self.graph.by_importer.get(path, ()):
            if edge.kind is EdgeKind.IMPORT_TIME:
                by_statement.setdefault(edge.statement, []).append(edge)
        steps = []
        for number, edges in by_statement.items():
            statement = record.imports[number]
            loads: list[str] = []
            takes: list[tuple[str, str]] = []
            modules: list[tuple[str, str]] = []
            bound: list[str] = []
            if not statement.is_from:
                aliases = {alias.name: alias for alias in statement.names}
                for edge in edges:
                    loads.append(edge.module)
                    modules.append((edge.module, aliases[edge.module].asname or ""))
            else:
                locals_ = {alias.name: alias.bound for alias in statement.names}
                for edge in edges:
                    loads.append(edge.module)
                    if not edge.names:
                        modules.append((edge.module, locals_[edge.module.rpartition(".")[2]]))
                    for name in edge.names:
                        takes.append((edge.module, name))
                        inner = self._inner(edge.module, name)
                        if inner:
                            modules.append((inner, locals_[name]))
                        if name == "*":
                            loads.extend(self._star_submodules(edge.module))
                            bound.extend(self._star_names(edge.module))
            if statement.scope.value == "module":
                bound.extend(alias.bound for alias in statement.names if alias.name != "*")
            steps.append(
                _Step(
                    statement.line,
                    tuple(loads),
                    tuple(takes),
                    tuple(modules),
                    tuple(bound),
                    is_branch=bool(statement.guard & _BRANCH),
                    is_tried=bool(statement.guard & Guard.TRY),
                )
            )
        steps += map(self._called_step, self._called.get(path, ()))
        steps.sort(key=lambda step: step.line)
        lines: dict[str, int] = {}
        for definition in record.definitions:
            # A class is bound after its body has run.
            line = definition.end_line if definition.kind is DefinitionKind.CLASS else definition.line
            lines[definition.name] = min(line, lines.get(definition.name, line))
        own = {edges[0].statement for edges in by_statement.values()}
        for number, statement in enumerate(record.imports):
            # What comes from elsewhere is bound in its line, too.
            if number not in own and statement.scope.value == "module" and not statement.is_typing_only:
                for alias in statement.names:
                    lines[alias.bound] = min(statement.line, lines.get(alias.bound, statement.line))
        tried = frozenset(step.line for step in steps if step.is_tried)
        # Several calls may stand in a line; which of them runs through a branch is told as it runs.
        branches = frozenset(step.line for step in steps if step.is_branch and step.called is None)
        imported: dict[str, int] = {}
        for number in sorted(own):
            statement = record.imports[number]
            if statement.is_from and statement.scope.value == "module" and not statement.guard & _BRANCH:
                for alias in statement.names:
                    if alias.name != "*" and self._resolver.bound(module, alias.bound) is not None:
                        imported.setdefault(alias.bound, statement.line)
                for edge in by_statement[number]:
                    for name in self._star_names(edge.module) if "*" in edge.names else ():
                        imported.setdefault(name, statement.line)
        dotted = frozenset(
            tuple(name.split(".")[:2]) for step in steps for name, local in step.modules if not local
        )
        return _Program(
            module, tuple(steps), lines, imported, self._resolver.is_open(module), tried, branches, dotted
        )

    def _called_step(self, call: CalledImport) -> _Step:
        edge = call.edge
        statement = self.graph.index.files[edge.importer].imports[edge.statement]
        takes = tuple((edge.module, name) for name in (*edge.names, *call.used) if name != "*")
        is_tried = call.is_tried or bool(statement.guard & Guard.TRY)
        place = (edge.importer, edge.line)
        return _Step(call.line, (edge.module,), takes, (), (), call.is_branch, is_tried, place)

    def _inner(self, module: str, name: str) -> str:
        """The module of the component that a bound name of `module` stands for; empty: none."""
        target = self._resolver.bound(module, name)
        if target is None or target.kind is not Kind.MODULE or target.module not in self._paths:
            return ""
        return target.module

    def _star_submodules(self, module: str) -> tuple[str, ...]:
        record = self._resolver.facts.record_of(module)
        if record is None or not record.is_package_file or not record.exports:
            return ()
        names = [f"{module}.{n}" for n in record.exports if self._resolver.bound(module, n) is None]
        return tuple(n for n in names if n in self.graph.index.modules)

    def _star_names(self, module: str) -> tuple[str, ...]:
        return tuple(sorted(self._resolver.exports_of(module) or ()))
