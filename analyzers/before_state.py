"""What was true before a migration, and what has become worse since, modulo the moves.

Failures that were there before are unchanged, not new: an import of a missing module, a cycle, a module that
needs a database, a red test.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from analyzers.import_cycles import Cycle
from analyzers.import_graph import ImportGraph
from analyzers.relocation_map import RelocationMap

BEFORE_NAME = "PHASE4_BEFORE.json"
SCHEMA_VERSION = 1


class BrokenImport(msgspec.Struct, frozen=True, order=True, forbid_unknown_fields=True):
    """An own import that leads nowhere, without its line; `name` empty: the module itself is missing.

    For a file that cannot be parsed, `module` and `name` are empty. `is_guarded`: a `try` or a condition
    stands around it.
    """

    importer: str
    module: str = ""
    name: str = ""
    is_guarded: bool = False

    def __str__(self) -> str:
        if not self.module:
            return f"{self.importer} cannot be parsed"
        what = f"{self.module}:{self.name}" if self.name else self.module
        return f"{self.importer} imports {what}, which does not exist"


class ModuleOutcome(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a real import of a module ended: `ok` or a kind of failure, with a detail such as the exception."""

    kind: str
    detail: str = ""
    notes: tuple[str, ...] = ()


class TestOutcomes(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A run of the test suite: the command, its exit code, and each test's outcome by its id.

    Outcomes are `passed`, `failed`, `error` and `skipped`.
    """

    command: str
    exit_code: int
    tests: dict[str, str]


class BeforeState(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A tree's state at a time; `imports` and `tests` are None when they were not run."""

    schema_version: int = SCHEMA_VERSION
    tool_version: str = ""
    recorded_at: str = ""
    broken_imports: tuple[BrokenImport, ...] = ()
    cycles: tuple[tuple[str, ...], ...] = ()
    imports: dict[str, ModuleOutcome] | None = None
    tests: TestOutcomes | None = None


def broken_imports(graph: ImportGraph) -> tuple[BrokenImport, ...]:
    """The own imports of a tree that lead nowhere and the files that cannot be parsed, sorted."""
    found = [BrokenImport(u.importer, u.module, u.name, u.is_guarded) for u in graph.unresolved]
    found += [BrokenImport(record.path) for record in graph.index.unparsed]
    return tuple(sorted(found))


def knots(cycles: Iterable[Cycle]) -> tuple[tuple[str, ...], ...]:
    """The members of the cycles that run at import time, sorted."""
    return tuple(sorted(cycle.members for cycle in cycles if cycle.is_blocking))


def newly_broken(
    now: Sequence[BrokenImport], before: Sequence[BrokenImport], relocations: RelocationMap
) -> tuple[BrokenImport, ...]:
    """The broken imports that were not broken before, sorted.

    An import counts as the same when importer, module and name are, each under its old or its new name, and
    as often as it was there before.
    """
    known = Counter(
        (relocations.path(b.importer) or b.importer, relocations.module(b.module) or b.module, b.name)
        for b in before
    )
    fresh = []
    for broken in sorted(now):
        module = relocations.module(broken.module) or broken.module
        key = (broken.importer, module, broken.name)
        if known[key]:
            known[key] -= 1
        else:
            fresh.append(broken)
    return tuple(fresh)


def new_knots(
    now: Iterable[Sequence[str]], before: Iterable[Sequence[str]], relocations: RelocationMap
) -> tuple[tuple[str, ...], ...]:
    """The cycles (as members) that are not inside one cycle of before, sorted."""
    old = [frozenset(relocations.path(path) or path for path in members) for members in before]
    return tuple(
        sorted(tuple(members) for members in now if not any(frozenset(members) <= known for known in old))
    )


class OutcomeChange(msgspec.Struct, frozen=True):
    """Modules or tests by how they changed; each sorted.

    `broken` failed now and did not before, `unchanged` failed in the same way before, `mended` no longer
    fail, `lost` are gone.
    """

    broken: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()
    mended: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()


def compare_modules(
    now: Mapping[str, ModuleOutcome],
    before: Mapping[str, ModuleOutcome] | None,
    relocations: RelocationMap,
) -> OutcomeChange:
    """Real imports now and before; without a before every failure is new.

    A module that failed before is unchanged only when it fails in the same way: the same kind of end, and the
    same exception with the same text, modulo new names.
    """
    old = {(relocations.module(module) or module): outcome for module, outcome in (before or {}).items()}
    broken: list[str] = []
    unchanged: list[str] = []
    for module, outcome in sorted(now.items()):
        if outcome.kind == "ok":
            continue
        earlier = old.get(module)
        same = (
            earlier is not None
            and earlier.kind == outcome.kind
            and _renamed(earlier.detail, relocations) == _renamed(outcome.detail, relocations)
        )
        (unchanged if same else broken).append(module)
    failed = {*broken, *unchanged}
    mended = sorted(m for m, o in old.items() if o.kind != "ok" and m in now and m not in failed)
    return OutcomeChange(tuple(broken), tuple(unchanged), tuple(mended), ())


def compare_tests(
    now: Mapping[str, str], before: Mapping[str, str] | None, relocations: RelocationMap
) -> OutcomeChange:
    """Tests now and before; `lost` are tests that passed before and do not exist any more."""
    old = {renamed_test(test, relocations): outcome for test, outcome in (before or {}).items()}
    bad = ("failed", "error")
    failing = sorted(test for test, outcome in now.items() if outcome in bad)
    return OutcomeChange(
        broken=tuple(test for test in failing if old.get(test) not in bad),
        unchanged=tuple(test for test in failing if old.get(test) in bad),
        mended=tuple(sorted(t for t, o in old.items() if o in bad and t in now and now[t] not in bad)),
        lost=tuple(sorted(t for t, o in old.items() if o == "passed" and t not in now)),
    )


def renamed_test(test: str, relocations: RelocationMap) -> str:
    """The id of a test after the moves: `MODULE.CLASS::NAME` with a module that may have a new name.

    pytest's class names begin at the folder where it was started, which need not be an import root; so every
    ending of the name is tried, the longest first. Parameters (`NAME[...]`) may say module names, too: the
    move rewrote those where they are written down.
    """
    place, separator, name = test.partition("::")
    function, bracket, parameters = name.partition("[")
    name = function + bracket + _DOTTED.sub(lambda m: relocations.dotted(m.group()) or m.group(), parameters)
    parts = place.split(".")
    for start in range(len(parts)):
        for end in range(len(parts), start, -1):
            new = relocations.module(".".join(parts[start:end]))
            if new is not None:
                return ".".join((*parts[:start], new, *parts[end:])) + separator + name
    return place + separator + name


_DOTTED = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+")


def _renamed(text: str, relocations: RelocationMap) -> str:
    """A message with new module names in the place of old ones; addresses are left out."""
    text = re.sub(r"0x[0-9a-f]+", "0x", text)
    return _DOTTED.sub(lambda m: relocations.dotted(m.group()) or m.group(), text)
