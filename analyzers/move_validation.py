"""P1's judgement: is the migration that the manifest plans safe to carry out on the tree as it is now?

Source: the migration plan, phase 1, "Validation Checks"; the checks of our own stand below them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import msgspec

from analyzers.caller_map import Caller, caller_map
from analyzers.configuration import Configuration
from analyzers.errors import InputError
from analyzers.file_relative_data import find_file_relative_data, finds_data_by_place
from analyzers.identity_findings import find_identity
from analyzers.import_cycles import CycleComparison, compare_cycles
from analyzers.import_graph import ImportGraph, UnresolvedImport
from analyzers.import_index import SourceIndex
from analyzers.layer_compliance import LayerRules, check_layers, head_of
from analyzers.migration_manifest import MOVABLE, OPEN, ManifestRow, Status, relocations_of
from analyzers.model import Finding
from analyzers.move_preconditions import check_moves, packages_to_create
from analyzers.project_facts import IndexFacts
from analyzers.python_parser import parse
from analyzers.relocation_map import RelocationMap
from analyzers.source import decode
from analyzers.tree_after import tree_after

READY = "READY_FOR_MIGRATION"
NOT_READY = "NOT_READY"

_MISSING = ("MOVE001", "MOVE002")
_COLLISION = ("MOVE005", "MOVE006", "MOVE008", "MOVE013")
_REWRITABLE = ("MOVE003", "MOVE016")
_UNCHANGED = ("MOVE004",)


class Check(msgspec.Struct, frozen=True):
    """One check: what was found, and the number of files it was asked about (`total`) and that are fine."""

    name: str
    passed: bool
    fine: int
    total: int
    detail: str


class MoveValidation(msgspec.Struct, frozen=True):
    """All that P1 found. `new_packages` are `__init__.py` files that the move will make.

    `broken_before` are imports of own modules that lead nowhere already now; nobody guesses what they meant.
    `accepted_cycles` says that existing import-time cycles do not count.
    """

    checks: tuple[Check, ...]
    findings: tuple[Finding, ...]
    cycles: CycleComparison
    callers: tuple[Caller, ...]
    broken_before: tuple[UnresolvedImport, ...]
    new_packages: tuple[str, ...]
    moves: tuple[tuple[str, str], ...]
    accepted_cycles: bool
    graph: ImportGraph

    @property
    def status(self) -> str:
        return READY if all(check.passed for check in self.checks) else NOT_READY


def validate_moves(
    rows: Sequence[ManifestRow],
    index: SourceIndex,
    config: Configuration,
    *,
    accept_existing_cycles: bool = False,
    read: Callable[[str], bytes] | None = None,
    compare: Callable[..., CycleComparison] = compare_cycles,
) -> MoveValidation:
    """Check the manifest's rows against the tree; nothing is written.

    Args:
        rows: all rows; those that are skipped or carried out already do not count.
        read: the bytes of a file by its path now; default: from disk below the index's root.
        compare: `compare_cycles`, or what remembers its answers.

    Raises:
        InputError: the rows contradict each other.
    """
    wanted = [row for row in rows if row.status not in (Status.SKIPPED, Status.MOVED)]
    chosen = [row for row in wanted if row.status in MOVABLE or row.status is Status.DELETE_DUPLICATE]
    merges = [row for row in chosen if row.status is Status.DELETE_DUPLICATE]
    relocations = RelocationMap(relocations_of(chosen, index.layout), allow_merges=bool(merges))
    replaced = {row.target_path for row in chosen if row.replaces_target or row in merges}
    read = read or _reader(index)
    findings = [*_waiting(wanted), *check_moves(relocations, index, replaced=replaced, scan=config.scan)]
    findings += _missing_targets(merges, index)
    graph = ImportGraph(index)
    rules = LayerRules(config.layers, config.domain_root)
    entries = [r for r in relocations.relocations if relocations.paths.get(r.old_path) not in replaced]
    heads = _heads((e.old_path for e in entries), index, read) if config.layers.header else {}
    findings += check_layers(entries, graph, rules, heads)
    findings += _names_and_data(relocations, graph, read)
    new_packages = packages_to_create(relocations, index)
    after = ImportGraph(tree_after(index, relocations, new_packages), graph)
    kept = {row.target_path for row in merges}
    old_paths = {new: old for old, new in relocations.paths.items() if new not in kept}
    made = frozenset(new_packages)

    def read_after(path: str) -> bytes:
        return b"" if path in made else read(old_paths.get(path, path))

    cycles = compare(graph, after, relocations, read_after, read)
    findings += _cycle_findings(cycles, accept_existing_cycles)
    findings.sort(key=lambda f: (f.path, f.line, f.code, f.message))
    return MoveValidation(
        checks=_checks(wanted, chosen, findings, cycles, accept_existing_cycles),
        findings=tuple(findings),
        cycles=cycles,
        callers=caller_map(graph, relocations),
        broken_before=graph.unresolved,
        new_packages=new_packages,
        moves=tuple(sorted((row.current_path, row.target_path) for row in chosen)),
        accepted_cycles=accept_existing_cycles,
        graph=graph,
    )


def _names_and_data(
    relocations: RelocationMap, graph: ImportGraph, read: Callable[[str], bytes]
) -> list[Finding]:
    """What is known by its module's name, and data found by the file's place, in the files that move."""
    index = graph.index
    facts = IndexFacts(index, graph.resolver)
    findings: list[Finding] = []
    for path, new_path in sorted(relocations.paths.items()):
        record = index.files.get(path)
        before, after = index.names.get(path), index.module_at(new_path)
        if record is None or record.error or before is None or after is None:
            continue
        source = decode(read(path))
        tree, _, error, _ = parse(source.text)
        if tree is None or source.error or error:
            continue
        findings += find_identity(
            path,
            tree,
            before=before,
            after=after,
            relocations=relocations,
            facts=facts,
            text=source.text,
        )
        if finds_data_by_place(source.text.encode()):
            findings += find_file_relative_data(path, new_path, tree, relocations)
    return findings


def _waiting(rows: Iterable[ManifestRow]) -> list[Finding]:
    return [
        Finding(
            code="MOVE020",
            severity="error",
            path=row.current_path,
            message=f"row {row.migration_id} is {row.status.value} and waits for a decision",
            mend=f"hocmig resolve {row.migration_id} ACTION",
        )
        for row in rows
        if row.status in OPEN
    ]


def _missing_targets(rows: Iterable[ManifestRow], index: SourceIndex) -> list[Finding]:
    """Duplicates whose surviving copy is gone."""
    return [
        Finding(
            code="MOVE021",
            severity="error",
            path=row.target_path,
            message=f"does not exist, but {row.current_path} is to be deleted as its duplicate",
            mend="run `hocmig manifest` again",
        )
        for row in rows
        if row.target_path not in index.files
    ]


def _cycle_findings(cycles: CycleComparison, accept_existing: bool) -> list[Finding]:
    found = []
    for cycle in cycles.new:
        # A failure that is not certain, and that no statement's cycle stands behind, is a warning.
        is_failure = any(step.is_package_run for step in cycle.chain)
        blocks = cycle.is_blocking and (cycle.fails != "possible" or not is_failure)
        found.append(
            Finding(
                code="CYCLE001" if cycle.fails else "CYCLE002",
                severity="error" if blocks else "warning",
                path=cycle.cut.importer,
                line=cycle.cut.line,
                message=f"new {cycle}" + (f"; the import fails ({cycle.fails})" if cycle.fails else ""),
                mend="cut that import, defer it, or choose another target",
            )
        )
    for cycle in cycles.existing:
        blocks = cycle.is_blocking and not accept_existing
        found.append(
            Finding(
                code="CYCLE003",
                severity="error" if blocks else "info",
                path=cycle.cut.importer,
                line=cycle.cut.line,
                message=f"existing {cycle}",
                mend="cut that import, or run with --accept-existing-cycles" if blocks else "",
            )
        )
    return found


def _checks(
    wanted: Sequence[ManifestRow],
    chosen: Sequence[ManifestRow],
    findings: Sequence[Finding],
    cycles: CycleComparison,
    accept_existing: bool,
) -> tuple[Check, ...]:
    errors = [f for f in findings if f.severity == "error"]

    def places(*codes: str) -> set[str]:
        return {f.path for f in errors if f.code in codes}

    total = len(wanted)
    missing = places(*_MISSING) | {r.current_path for r in wanted if r.status is Status.UNRESOLVED}
    conflicts = {r.target_path for r in wanted if r.status in (Status.CONFLICT, Status.IDENTICAL)}
    conflicts |= places(*_COLLISION)
    unlayered = {f.path for f in errors if f.code.startswith("LAYER")}
    existing = sum(c.is_blocking for c in cycles.existing)
    new = sum(f.code in ("CYCLE001", "CYCLE002") for f in errors)
    counted = new if accept_existing else new + existing
    known = (*_MISSING, *_COLLISION, *_REWRITABLE, *_UNCHANGED, "MOVE020")
    refused = {f.path for f in errors if f.code.startswith("MOVE") and f.code not in known}
    waiting = sum(row.status in OPEN for row in wanted)
    found = total - len(missing)
    cycle_words = f"{new} new and {existing} existing import-time cycles"
    cycle_words += " (accepted)" if accept_existing and existing else ""
    return (
        Check("FILES_EXIST", not missing, found, total, f"{found}/{total} source files found"),
        Check(
            "NO_COLLISION",
            not conflicts,
            total - len(conflicts),
            total,
            f"{len(conflicts)} target paths already exist or clash",
        ),
        Check("NO_CYCLES", not counted, 0, counted, cycle_words),
        Check(
            "LAYER_COMPLIANT",
            not unlayered,
            len(chosen) - len(unlayered),
            len(chosen),
            f"{len(chosen) - len(unlayered)}/{len(chosen)} files match the target layer's convention",
        ),
        Check("DECIDED", not waiting, total - waiting, total, f"{waiting} rows wait for a decision"),
        _simple("UNCHANGED", places(*_UNCHANGED), len(chosen), "files changed since the plan"),
        _simple("REWRITABLE", places(*_REWRITABLE), len(chosen), "files that must be rewritten do not parse"),
        _simple("TARGETS_ALLOWED", refused, len(chosen), "other reasons to refuse a move"),
    )


def _simple(name: str, places: set[str], total: int, words: str) -> Check:
    return Check(name, not places, max(0, total - len(places)), total, f"{len(places)} {words}")


def _reader(index: SourceIndex) -> Callable[[str], bytes]:
    def read(path: str) -> bytes:
        try:
            return (index.layout.root / path).read_bytes()
        except OSError as error:
            raise InputError(path, 0, f"cannot be read: {error.strerror}", "mend its permissions") from error

    return read


def _heads(paths: Iterable[str], index: SourceIndex, read: Callable[[str], bytes]) -> dict[str, str]:
    readable = [path for path in paths if path in index.files and not index.files[path].error]
    return {path: head_of(decode(read(path)).text) for path in readable}
