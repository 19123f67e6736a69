"""The six checks of P4 on a workspace; each gives a `Check`, and none counts as passed unless it ran."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from analyzers.baseline import CYCLE, Judgement, cycle_entry, judge, parse_baseline
from analyzers.before_state import (
    BeforeState,
    ModuleOutcome,
    broken_imports,
    compare_modules,
    compare_tests,
    knots,
    new_knots,
    newly_broken,
)
from analyzers.domain_integrity import Migrated, find_orphans
from analyzers.domain_inventory import hash_of_files, take_inventory
from analyzers.domain_locks import LockError, parse_registry
from analyzers.errors import InputError
from analyzers.health_score import Check, CheckStatus
from analyzers.import_cycles import Cycle, find_cycles
from analyzers.import_graph import ImportGraph
from analyzers.layer_rules import LayerViolation, check_layers
from analyzers.lock_agreement import check_locks
from analyzers.migration_manifest import MOVABLE, OPEN, ManifestRow, Status
from analyzers.relocation_map import RelocationMap
from analyzers.shims import find_shims
from hocmig.before_recording import Before, load_before, moved_paths, relocations_since
from hocmig.command_run import run_command
from hocmig.import_probe import DEFAULT_MEMORY, DEFAULT_SECONDS, ProbeResult, probe_imports
from hocmig.lock_files import read_small, registry_path
from hocmig.manifest_file import read_current_manifest
from hocmig.test_run import TestRun, run_tests
from hocmig.transaction.ledger import Ledger, read_ledger
from hocmig.workspace import Workspace

#: Modules whose import is the start of a program.
_PROGRAMS = ("__main__", "setup")


@dataclass(frozen=True)
class VerifyOptions:
    """What the user asks for; empty commands: the check has none.

    `import_seconds` and `import_memory` (bytes) are limits per module, `timeout_seconds` one per command.
    With `strict`, accepted violations that are gone fail the check.
    """

    real_imports: bool = False
    tests: str = ""
    layers: str = ""
    strict: bool = False
    python: str = sys.executable
    import_seconds: float = DEFAULT_SECONDS
    import_memory: int = DEFAULT_MEMORY
    timeout_seconds: float = 3600.0
    preload: bool = True


@dataclass
class Verification:
    """All that P4 looks at; what is expensive is computed once.

    `test_run` and `probe` are there after the checks that fill them ran.
    """

    workspace: Workspace
    options: VerifyOptions
    test_run: TestRun | None = None
    probe: ProbeResult | None = None
    layer_output: str = ""
    _baseline: dict[str, int] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        path = self.workspace.root / self.workspace.config.layer_baseline
        if path.is_file():
            self._baseline = parse_baseline(path.read_bytes(), self.workspace.config.layer_baseline)

    @property
    def accepted(self) -> frozenset[str]:
        """The entries of the layer baseline."""
        return frozenset(self._baseline)

    # -- what the checks stand on ------------------------------------------------------------------------

    @cached_property
    def graph(self) -> ImportGraph:
        return ImportGraph(self.workspace.index)

    @cached_property
    def cycles(self) -> tuple[Cycle, ...]:
        return find_cycles(self.graph)

    @cached_property
    def violations(self) -> tuple[LayerViolation, ...]:
        return check_layers(self.graph, self.workspace.config, self._read)

    @cached_property
    def tree(self) -> str:
        """The hash of all Python files; see `hash_of_files`."""
        return hash_of_files({p: r.sha256 or "-" for p, r in self.workspace.index.files.items()})

    @cached_property
    def ledger(self) -> Ledger:
        return read_ledger(self.workspace.root)

    @cached_property
    def rows(self) -> tuple[ManifestRow, ...]:
        return read_current_manifest(self.workspace) or ()

    @cached_property
    def before(self) -> Before:
        return load_before(self.workspace, self.ledger, self.tree)

    @cached_property
    def relocations(self) -> RelocationMap:
        state = self.before.state
        recorded_at = state.recorded_at if state is not None else ""
        return relocations_since(self.ledger, self.rows, self.workspace.index, recorded_at)

    def state_now(self, recorded_at: str, tool_version: str) -> BeforeState:
        """The present state for a record; runs the real imports and the tests when they are asked for."""
        return BeforeState(
            tool_version=tool_version,
            recorded_at=recorded_at,
            broken_imports=broken_imports(self.graph),
            cycles=knots(self.cycles),
            imports=dict(self._probe().outcomes) if self.options.real_imports else None,
            tests=self._run_tests().outcomes if self.options.tests else None,
        )

    def checks(self) -> dict[str, Check]:
        """All six checks by their names."""
        made = (
            self._import_resolution(),
            self._layers(),
            self._tests(),
            self._circular_imports(),
            self._domain_integrity(),
            self._hashes(),
        )
        return {check.name: check for check in made}

    # -- V1 ----------------------------------------------------------------------------------------------

    def _import_resolution(self) -> Check:
        now = broken_imports(self.graph)
        state = self.before.state
        if state is None:
            # An import that something stands around may be meant to fail.
            fresh = tuple(b for b in now if not b.is_guarded)
        else:
            fresh = newly_broken(now, state.broken_imports, self.relocations)
        total = len(self.graph.edges) + len(now)
        numbers = {
            "imports": total,
            "unresolved": len(now),
            "unresolved_before": len(state.broken_imports) if state is not None else 0,
            "new_unresolved": len(fresh),
        }
        details = [str(broken) for broken in fresh]
        bad = len(fresh)
        if self.options.real_imports:
            probe = self._probe()
            earlier = state.imports if state is not None else None
            change = compare_modules(probe.outcomes, earlier, self.relocations)
            numbers |= {
                "modules": len(probe.outcomes),
                "modules_failed": len(change.broken),
                "modules_unchanged_broken": len(change.unchanged),
                "modules_mended": len(change.mended),
            }
            details += [_module_line(m, probe.outcomes[m], "does not import") for m in change.broken]
            details += [_module_line(m, probe.outcomes[m], "is unchanged-broken") for m in change.unchanged]
            details += [
                f"{m}: {'; '.join(o.notes)}" for m, o in probe.outcomes.items() if o.kind == "ok" and o.notes
            ]
            bad += len(change.broken)
            total += len(probe.outcomes)
        return Check(
            name="import_resolution",
            status=CheckStatus.FAIL if bad else CheckStatus.PASS,
            good=total - bad,
            total=max(total, 1),
            numbers=numbers,
            details=tuple(details),
            reason=self._import_reason(),
        )

    def _import_reason(self) -> str:
        reason = f"state before: {self.before.source}"
        if not self.options.real_imports:
            return reason + "; resolved from the text alone (--import imports every module)"
        probe = self._probe()
        if self.before.state is None or self.before.state.imports is None:
            reason += "; no real imports of before are known, so every module that fails counts"
        return reason + f"; every module imported, network {probe.network}"

    def _probe(self) -> ProbeResult:
        if self.probe is None:
            index = self.workspace.index
            modules = [m for m in index.modules if m.rpartition(".")[2] not in _PROGRAMS]
            with self.workspace.terminal.progress("Importing every module") as advance:
                self.probe = probe_imports(
                    self.workspace.root,
                    self.workspace.config.import_roots,
                    modules,
                    seconds=self.options.import_seconds,
                    memory=self.options.import_memory,
                    jobs=self.workspace.jobs,
                    python=self.options.python,
                    preload=_outside_libraries(self.graph) if self.options.preload else (),
                    advance=advance,
                )
        return self.probe

    # -- V2 ----------------------------------------------------------------------------------------------

    def _layers(self) -> Check:
        rules = self.workspace.config.layers
        has_rules = bool(rules.order)
        if not has_rules and not self.options.layers:
            reason = "hocmig.yaml names no layers (layers.order), and there is no --layers command"
            return Check(
                name="blca_validation", status=CheckStatus.NOT_RUN, reason=reason, numbers={"violations": 0}
            )
        entries = [e for e in self._baseline if not e.startswith(CYCLE + " ")]
        found: dict[str, list[LayerViolation]] = {}
        for violation in self.violations if has_rules else ():
            found.setdefault(f"{violation.code} {violation.key}", []).append(violation)
        verdict = judge(found, entries if has_rules else ())
        details = [f"{v.path}:{v.line}: {v.code} {v.message}" for key in verdict.new for v in found[key]]
        violations = sum(len(found[key]) for key in verdict.new)
        reason = "built-in check" if has_rules else ""
        if self.options.layers:
            done = run_command(
                self.options.layers, self.workspace.root, timeout_seconds=self.options.timeout_seconds
            )
            self.layer_output = done.output
            reason += f"{' and ' if reason else ''}{done}"
            if done.exit_code != 0:
                violations += 1
                details.append(f"{done}; the end of its output: {' '.join(done.output.split())[-500:]}")
        details += self._stale(verdict)
        fails = violations or (self.options.strict and verdict.stale)
        return Check(
            name="blca_validation",
            status=CheckStatus.FAIL if fails else CheckStatus.PASS,
            good=max(0, len(self.workspace.index.files) - violations),
            total=max(1, len(self.workspace.index.files)),
            numbers={
                "violations": violations,
                "accepted": sum(len(found[key]) for key in verdict.accepted),
                "stale": len(verdict.stale),
            },
            details=tuple(details),
            reason=reason,
        )

    def _stale(self, verdict: Judgement) -> list[str]:
        name = self.workspace.config.layer_baseline
        return [f"{name}:{self._baseline[e]}: stale: {e}; remove the line" for e in verdict.stale]

    # -- V3 ----------------------------------------------------------------------------------------------

    def _tests(self) -> Check:
        if not self.options.tests:
            reason = "no test command: use --tests CMD, or the key commands.tests in hocmig.yaml"
            numbers = {"passed": 0, "failed": 0}
            return Check(name="test_suite", status=CheckStatus.NOT_RUN, reason=reason, numbers=numbers)
        run = self._run_tests()
        state = self.before.state
        earlier = state.tests.tests if state is not None and state.tests is not None else None
        change = compare_tests(run.outcomes.tests, earlier, self.relocations)
        tests = run.outcomes.tests
        passed = sum(outcome == "passed" for outcome in tests.values())
        failed = len(change.broken) + len(change.lost)
        details = [f"fails: {test}" for test in change.broken]
        details += [f"passed before and is gone: {test}" for test in change.lost]
        details += [f"failed before, too: {test}" for test in change.unchanged]
        details += [f"mended: {test}" for test in change.mended]
        if run.problem:
            details.insert(0, f"{run.problem}; the end of its output: {' '.join(run.output.split())[-500:]}")
        good = not failed and not run.problem and passed > 0
        reason = f"`{run.outcomes.command}`"
        if earlier is None:
            reason += "; no run of before is recorded, so every failure counts"
        return Check(
            name="test_suite",
            status=CheckStatus.PASS if good else CheckStatus.FAIL,
            good=0 if run.problem else passed,
            total=max(1, passed + failed),
            numbers={
                "passed": passed,
                "failed": failed + (1 if run.problem and not failed else 0),
                "failed_before": len(change.unchanged),
                "skipped": sum(outcome == "skipped" for outcome in tests.values()),
                "lost": len(change.lost),
            },
            details=tuple(details),
            reason=reason,
        )

    def _run_tests(self) -> TestRun:
        if self.test_run is None:
            with self.workspace.terminal.working("Running the tests"):
                self.test_run = run_tests(
                    self.workspace.root, self.options.tests, timeout_seconds=self.options.timeout_seconds
                )
        return self.test_run

    # -- V4 ----------------------------------------------------------------------------------------------

    def _circular_imports(self) -> Check:
        now = knots(self.cycles)
        state = self.before.state
        fresh = new_knots(now, state.cycles, self.relocations) if state is not None else now
        entries = {cycle_entry(members): members for members in now}
        accepted = [e for e in self._baseline if e.startswith(CYCLE + " ")]
        verdict = judge(entries, accepted)
        unaccepted = {entries[key] for key in verdict.new}
        bad = [members for members in fresh if members in unaccepted]
        chains = {cycle.members: str(cycle) for cycle in self.cycles if cycle.is_blocking}
        details = [f"new: {chains[members]}" for members in bad]
        details += self._stale(verdict)
        fails = bad or (self.options.strict and verdict.stale)
        return Check(
            name="circular_imports",
            status=CheckStatus.FAIL if fails else CheckStatus.PASS,
            good=len(now) - len(bad),
            total=max(1, len(now)),
            numbers={
                "cycles": len(bad),
                "cycles_in_all": len(now),
                "deferred_cycles": sum(not cycle.is_blocking for cycle in self.cycles),
                "stale": len(verdict.stale),
            },
            details=tuple(details),
            reason=f"state before: {self.before.source}",
        )

    # -- V5 ----------------------------------------------------------------------------------------------

    def _domain_integrity(self) -> Check:
        migrated = self._migrated()
        waiting = [row for row in self.rows if row.status in MOVABLE | OPEN]
        if not migrated and not waiting:
            reason = "neither a manifest nor the ledger knows a migrated file"
            return Check(
                name="domain_integrity", status=CheckStatus.NOT_RUN, reason=reason, numbers={"orphans": 0}
            )
        orphans = find_orphans(
            migrated, self.workspace.index.files, self.workspace.config, self._list_folder, self._is_shim
        )
        details = [str(orphan) for orphan in orphans]
        details += [
            f"{row.migration_id} {row.current_path}: is {row.status.value}, not carried out"
            for row in waiting
        ]
        affected = {orphan.migration_id for orphan in orphans}
        return Check(
            name="domain_integrity",
            status=CheckStatus.FAIL if details else CheckStatus.PASS,
            good=len(migrated) - len(affected),
            total=max(1, len(migrated) + len(waiting)),
            numbers={"orphans": len(orphans), "migrated": len(migrated), "waiting": len(waiting)},
            details=tuple(details),
        )

    def _migrated(self) -> tuple[Migrated, ...]:
        done = (Status.MOVED, Status.DELETE_DUPLICATE)
        moved = moved_paths(self.ledger)
        found = [
            Migrated(
                row.migration_id,
                row.current_path,
                moved.get(row.current_path, moved.get(row.target_path, row.target_path)),
            )
            for row in self.rows
            if row.status in done
        ]
        known = {entry.old_path for entry in found} | {entry.new_path for entry in found}
        found += [
            Migrated("-", old, new)
            for old, new in sorted(moved.items())
            if old not in known and old.endswith((".py", ".pyi"))
        ]
        return tuple(found)

    def _list_folder(self, folder: str) -> tuple[str, ...] | None:
        try:
            with os.scandir(self.workspace.root / folder) as listing:
                return tuple(
                    sorted(e.name + ("/" if e.is_dir(follow_symlinks=False) else "") for e in listing)
                )
        except OSError:
            return None

    def _is_shim(self, path: str) -> bool:
        return bool(find_shims([path], self._read))

    # -- V6 ----------------------------------------------------------------------------------------------

    def _hashes(self) -> Check:
        config = self.workspace.config
        name = registry_path(config)
        numbers = {"mismatches": 0}
        try:
            content = read_small(self.workspace.root, name)
            if content is None:
                reason = "nothing is locked: run `hocmig lock`"
                return Check(
                    name="hash_verification", status=CheckStatus.NOT_RUN, reason=reason, numbers=numbers
                )
            registry = parse_registry(content, name)
        except LockError as error:
            numbers = {"mismatches": 1}
            return Check(
                name="hash_verification",
                status=CheckStatus.FAIL,
                total=1,
                numbers=numbers,
                details=(str(error),),
            )
        now = {
            f"{config.domain_root}/{domain}/{path}": digest
            for domain, files in take_inventory(self.workspace.index.files, config).items()
            for path, digest in files.files.items()
        }
        locked = {path: file.sha256 for path, file in registry.paths.items()}
        details = [
            f"{path}: {_difference(locked.get(path), now.get(path))}"
            for path in sorted({*locked, *now})
            if locked.get(path) != now.get(path)
        ]
        lock_files = frozenset(
            p for p in self.workspace.index.other_files if p.endswith("/DOMAIN_LOCK_FINAL.md")
        )
        details += [
            str(f) for f in check_locks(registry, lambda p: read_small(self.workspace.root, p), lock_files)
        ]
        return Check(
            name="hash_verification",
            status=CheckStatus.FAIL if details else CheckStatus.PASS,
            good=max(0, len(locked) - len(details)),
            total=max(1, len(locked)),
            numbers={"mismatches": len(details), "files": len(locked), "domains": registry.domains},
            details=tuple(details),
            reason="after wanted changes run `hocmig lock` again" if details else "",
        )

    def _read(self, path: str) -> bytes:
        try:
            return (self.workspace.root / path).read_bytes()
        except OSError as error:
            raise InputError(path, 0, f"cannot be read: {error.strerror}", "mend its permissions") from error


def _difference(locked: str | None, now: str | None) -> str:
    if now is None:
        return "is locked, but not there"
    return "is there, but not locked" if locked is None else "was changed since it was locked"


def _module_line(module: str, outcome: ModuleOutcome, what: str) -> str:
    notes = f" ({'; '.join(outcome.notes)})" if outcome.notes else ""
    return f"{module} {what}: {outcome.kind}: {outcome.detail}{notes}"


def _outside_libraries(graph: ImportGraph) -> Sequence[str]:
    """The top-level libraries of others that the code imports, for a common start of all imports; sorted."""
    tops: set[str] = set()
    for record in graph.index.files.values():
        for statement in record.imports:
            if statement.level or statement.is_deferred or statement.is_typing_only:
                continue
            names: Iterable[str] = (
                [statement.module] if statement.is_from else [alias.name for alias in statement.names]
            )
            tops.update(name.partition(".")[0] for name in names)
    own = {module.partition(".")[0] for module in graph.index.modules} | set(graph.index.packages)
    return sorted(top for top in tops - own if top and top not in sys.stdlib_module_names)
