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
from typing import NamedTuple

from analyzers.called_imports import CalledImport
from analyzers.import_graph import ImportGraph
from analyzers.import_time_uses import ImportTimeUses
from analyzers.simulated_failure import Certainty, Failure, Failures, Mode, Running
from analyzers.simulated_program import Programs

#: A path to the dotted uses that run with its import; None: unknown.
UsesOf = Callable[[str], "ImportTimeUses | None"]


#: (module that still runs, module used, name wanted, certainty) of what comes too early.
_Early = tuple[str, str, str, Certainty]


@dataclass(frozen=True, slots=True)
class FoundFailures:
    """`rough`: every module that is bound too early may fail. `exact`: only what uses it too early does."""

    rough: Failures
    exact: Failures


class _Waiting(NamedTuple):
    """Where in the stack (0: the first) the last module stands in a `try`, a branch, a called function.

    -1: none does.
    """

    tried: int = -1
    unsure: int = -1
    called: int = -1

    def moved(self, start: int, depth: int, below: _Waiting) -> _Waiting:
        """Of the modules from `start` on alone, when these begin at `depth`, above those of `below`."""
        places = (at - start + depth if at >= start else other for at, other in zip(self, below, strict=True))
        return _Waiting(*places)


@dataclass(frozen=True, slots=True)
class _Met:
    """A failure as it was met; `is_use`: not of an import statement, but of what was bound by one.

    What those who wait make of it is not in the `failure`.
    """

    failure: Failure
    waiting: _Waiting
    is_use: bool = False
    is_rough: bool = True
    is_exact: bool = True

    def told(self) -> Failure:
        """The failure as it is for the module that was imported first."""
        failure, waiting = self.failure, self.waiting
        certainty = failure.certainty
        if waiting.unsure >= 0:
            # The branch may not run.
            certainty = Certainty.POSSIBLE
        elif waiting.called >= 0 and certainty is Certainty.CERTAIN:
            certainty = Certainty.LIKELY
        # What is used after the statement is no longer inside its `try`, nor an ImportError.
        is_caught = waiting.tried >= 0 and not self.is_use
        if certainty is failure.certainty and not is_caught:
            return failure
        return replace(failure, certainty=certainty, is_caught=is_caught)


@dataclass(slots=True)
class _State:
    """`done` are the bits of modules, see `Programs`; `running` holds the lines where modules stand.

    `bound` is what imports of a running module have bound. `calling` are the running modules that stand in a
    function, with the place of the import there; `unsure` those of them that get there through a branch.
    `looked` are the bits of modules that were looked into besides what `Programs.reach` has.
    """

    done: int = 0
    running: dict[str, int] = field(default_factory=dict)
    running_bits: int = 0
    bound: dict[str, set[str]] = field(default_factory=dict)
    calling: dict[str, tuple[str, int]] = field(default_factory=dict)
    unsure: set[str] = field(default_factory=set)
    looked: int = 0


@dataclass(slots=True)
class _Frame:
    """A module that runs, and what was so when it began; `key` is empty when its run cannot be kept."""

    module: str
    steps: Generator[str, None, None]
    key: tuple[str, int] | None
    depth: int
    met: int
    done: int
    looked: int


@dataclass(frozen=True, slots=True)
class _Run:
    """What the run of a module came to: the bits of the modules that are done with it, and what was met.

    `depth` is where in the stack it stood.
    """

    done: int
    met: tuple[_Met, ...]
    depth: int
    is_failed: bool


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
        self._programs = Programs(graph, members, self._called)
        self._paths = self._programs.paths
        self._bits = self._programs.bits
        self._resolver = graph.resolver
        #: (module, what was done of its reach) -> what its run came to, in the mode that is run now.
        self._runs: dict[tuple[str, int], _Run] = {}

    def failures(self) -> FoundFailures:
        """The failures that importing each file first meets, once for each mode.

        Keys are (path of the file imported first, mode), sorted; only those that meet failures. Modes with
        calls are left out where nothing is called.
        """
        rough: Failures = {}
        exact: Failures = {}
        calls = any(path in self._called for path in self._paths.values())
        modes = {Mode.BRANCHES: Mode.PLAIN, **({Mode.CALLS: Mode.CALLS_ALONE} if calls else {})}
        # Without branches, two modes are one.
        twins = {} if self._has_branches() else modes
        for mode in (*modes, *(() if twins else modes.values())):
            self._runs.clear()
            for path, met in self._entries(mode):
                if not met:
                    continue
                for failures, kept in (
                    (rough, [m.told() for m in met if m.is_rough]),
                    (exact, [m.told() for m in met if m.is_exact]),
                ):
                    if kept:
                        failures[path, mode] = _unique(kept)
                        if mode in twins:
                            failures[path, twins[mode]] = failures[path, mode]
        return FoundFailures(dict(sorted(rough.items())), dict(sorted(exact.items())))

    def _entries(self, mode: Mode) -> Iterator[tuple[str, list[_Met]]]:
        # After its package has been imported, a module has little left to do: go on from there.
        after: dict[str, tuple[int, list[_Met]]] = {}
        for module in sorted(self._paths, key=lambda m: (m.count("."), m)):
            inside = self._programs.inside(module)
            done, met = after[inside[-2]] if len(inside) > 1 else (0, [])
            if not done & self._bits[module]:
                state, met = _State(done), list(met)
                self._run(module, state, met, mode)
                done = state.done
            if self.graph.index.files[self._paths[module]].is_package_file:
                after[module] = (done, met)
            yield self._paths[module], met

    def _has_branches(self) -> bool:
        return any(step.is_branch for module in self._paths for step in self._programs.of(module).steps)

    # -- running ---------------------------------------------------------------------------------------------

    def _run(self, entry: str, state: _State, met: list[_Met], mode: Mode) -> None:
        for first in self._programs.inside(entry):
            if not state.done & self._bits[first] and not self._import(first, state, met, mode):
                return

    def _import(self, first: str, state: _State, met: list[_Met], mode: Mode) -> bool:
        """Runs a module and all that it imports; False when that fails and nobody catches it."""
        stack: list[_Frame] = []
        wanted: str | None = first
        error: _ImportFails | None = None
        while wanted or stack:
            if wanted and not self._bits[wanted] & (state.done | state.running_bits):
                key = self._key(wanted, state)
                known = self._runs.get(key) if key is not None else None
                if known is not None:
                    met += self._again(known, state, stack)
                    error = _ImportFails() if known.is_failed else None
                    state.done |= known.done
                    self._bind(wanted, state, is_failed=known.is_failed)
                    wanted = None
                    continue
                steps = self._execute(wanted, state, met, mode, stack)
                stack.append(_Frame(wanted, steps, key, len(stack), len(met), state.done, state.looked))
                state.looked = 0
                state.running_bits |= self._bits[wanted]
            frame = stack[-1]
            try:
                wanted = next(frame.steps) if error is None else frame.steps.throw(error)
                error = None
            except (StopIteration, _ImportFails) as ending:
                stack.pop()
                wanted = None
                # A module that failed is forgotten; whoever wants it next runs it again.
                error = ending if isinstance(ending, _ImportFails) else None
                self._end(frame, state, met, is_failed=error is not None)
        return error is None

    def _key(self, module: str, state: _State) -> tuple[str, int] | None:
        """What the run of a module depends on; None while a module still runs that it may look into."""
        reach = self._programs.reach[module]
        return None if reach & state.running_bits else (module, reach & state.done)

    def _end(self, frame: _Frame, state: _State, met: list[_Met], *, is_failed: bool) -> None:
        module = frame.module
        del state.running[module], state.bound[module]
        state.running_bits &= ~self._bits[module]
        state.calling.pop(module, None)
        if not is_failed:
            state.done |= self._bits[module]
        self._bind(module, state, is_failed=is_failed)
        if frame.key is not None and not state.looked & ~self._programs.reach[module]:
            own = tuple(met[frame.met :])
            self._runs[frame.key] = _Run(state.done & ~frame.done, own, frame.depth, is_failed)
        state.looked |= frame.looked

    def _bind(self, module: str, state: _State, *, is_failed: bool) -> None:
        parent, _, leaf = module.rpartition(".")
        if not is_failed and parent in state.running:
            state.bound[parent].add(leaf)

    def _again(self, known: _Run, state: _State, stack: Sequence[_Frame]) -> Iterable[_Met]:
        """What a run met that is not run again, as it is met by those who wait for it now."""
        if not known.met or (not stack and not known.depth):
            return known.met
        below, depth = self._waiting(state, stack), len(stack)
        return [replace(one, waiting=one.waiting.moved(known.depth, depth, below)) for one in known.met]

    def _waiting(self, state: _State, stack: Sequence[_Frame]) -> _Waiting:
        tried = unsure = called = -1
        for number, frame in enumerate(stack):
            module = frame.module
            line, program = state.running[module], self._programs.of(module)
            if line in program.tried:
                tried = number
            if module in state.unsure or line in program.branches:
                unsure = number
            if module in state.calling:
                called = number
        return _Waiting(tried, unsure, called)

    def _execute(
        self, module: str, state: _State, met: list[_Met], mode: Mode, stack: Sequence[_Frame]
    ) -> Generator[str, None, None]:
        """Runs a module up to each module that it wants, which it yields; notes what it takes too early."""
        program = self._programs.of(module)
        state.running[module] = 0
        bound = state.bound[module] = set()
        for step in program.steps:
            if not step.concerned & ~state.done:
                # All that it needs is there.
                bound.update(step.bound)
                continue
            state.running[module] = step.line
            if step.called is not None:
                if not mode.has_calls or (step.is_branch and not mode.has_branches):
                    continue
                state.calling[module] = step.called
                if step.is_branch:
                    state.unsure.add(module)
            elif step.is_branch and not mode.has_branches:
                bound.update(step.bound)
                continue
            try:
                for wanted in step.loads:
                    for prefix in self._programs.inside(wanted):
                        if not self._bits[prefix] & (state.done | state.running_bits):
                            yield prefix
                for base, name in step.takes:
                    certainty = self._lacks(base, name, state)
                    if certainty is not None:
                        found = self._failure(module, step.line, base, base, name, certainty, state, stack)
                        met.append(_Met(found, self._waiting(state, stack)))
                        if certainty is Certainty.CERTAIN and step.called is None:
                            raise _ImportFails
            except _ImportFails:
                if not (step.is_tried or step.is_branch or step.called):
                    raise
                continue
            finally:
                state.calling.pop(module, None)
                state.unsure.discard(module)
            bound.update(step.bound)
            for what, local in step.modules:
                met += self._early(module, step.line, what, local, state, stack)
        state.running[module] = 0

    def _early(
        self, module: str, line: int, bound: str, local: str, state: _State, stack: Sequence[_Frame]
    ) -> Iterator[_Met]:
        """The uses of a module that was bound while it still runs, or one of its packages."""
        running = [p for p in self._programs.inside(bound) if p in state.running]
        if not running or (local and bound not in running):
            return
        uses = self._uses(self._paths[module]) if self._uses is not None else None
        rough = _binding(module, bound, local, running)
        found = [(early, True, uses is None) for early in rough]
        if uses is not None:
            found += ((early, False, True) for early in self._early_uses(module, bound, local, uses, state))
        for (culprit, wanted, name, certainty), is_rough, is_exact in found:
            failure = self._failure(module, line, culprit, wanted, name, certainty, state, stack)
            yield _Met(failure, self._waiting(state, stack), True, is_rough, is_exact)

    def _lacks(self, base: str, name: str, state: _State) -> Certainty | None:
        """Whether `name` is missing in `base` now."""
        if base not in state.running:
            return None
        if name == "*":
            return Certainty.POSSIBLE
        if name in state.bound[base]:
            return None
        program = self._programs.of(base)
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
        program = self._programs.of(module)
        if program.lines.get("__getattr__", line) < line:
            return True
        return any(
            step.line < line and self._resolver.exports_of(base) is None
            for step in program.steps
            for base, name in step.takes
            if name == "*"
        )

    def _early_uses(
        self, module: str, bound: str, local: str, uses: ImportTimeUses, state: _State
    ) -> Iterator[_Early]:
        root = local or bound.partition(".")[0]
        others = self._programs.of(module).dotted
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
    ) -> _Early | None:
        """What one dotted use misses; `current` is the module that its first segment stands for."""
        if len(chain) == 1:
            return (current, current, "", Certainty.POSSIBLE) if is_local else None
        for name in chain[1:]:
            inner = f"{current}.{name}"
            state.looked |= self._bits.get(current, 0) | self._bits.get(inner, 0)
            is_bound = name in state.bound.get(current, ())
            if inner in state.running and not is_bound:
                # A module becomes an attribute of its package only when it has run.
                return inner, current, name, Certainty.CERTAIN
            if current in state.running and current != module and not is_bound:
                certainty = self._lacks(current, name, state)
                if certainty is None and inner in self._bits and not state.done & self._bits[inner]:
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
        stack: Sequence[_Frame],
    ) -> Failure:
        order = [frame.module for frame in stack]
        start = order.index(culprit)
        chain = tuple(
            Running(self._paths[m], state.running[m], follower, state.calling.get(m))
            for m, follower in zip(order[start:], order[start + 1 :], strict=False)
        )
        importer = self._paths[module]
        if module in state.calling:
            chain = (*chain, Running(importer, line, wanted, state.calling[module]))
            importer, line = state.calling[module]
        available = hash((self._bound_so_far(wanted, state), frozenset(state.bound.get(wanted, ()))))
        return Failure(
            importer, line, self._paths[culprit], wanted, name, certainty, chain, available=available
        )

    def _bound_so_far(self, module: str, state: _State) -> int:
        """How many definitions of a running module have been run."""
        line = state.running.get(module, 0)
        return sum(at < line for at in self._programs.of(module).lines.values()) if line else 0


def _binding(module: str, bound: str, local: str, running: Sequence[str]) -> Iterator[_Early]:
    """That a module is bound too early, when it is not known what is used of it."""
    if bound == module and local:
        return
    # `import a.b.c` is used as `a.b.c`: `b` becomes an attribute of `a` only when `a.b` has run.
    culprits = [bound] if local else [p for p in running if "." in p or p == bound]
    if culprits:
        yield culprits[-1], bound, "", Certainty.POSSIBLE


def _unique(failures: Iterable[Failure]) -> tuple[Failure, ...]:
    """One failure for each statement and name, sorted; what nobody catches counts more."""
    ordered = sorted(failures, key=lambda f: not f.is_caught)
    unique = {(f.importer, f.line, f.module, f.name): f for f in ordered}
    return tuple(unique[key] for key in sorted(unique))
