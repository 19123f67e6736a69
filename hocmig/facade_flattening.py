"""Façades that let go of names: the second pass over a relocation's tree, when `flatten` was asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from analyzers.facade_names import FacadeFlattening, FacadeName, Reader, passed_on
from analyzers.import_cycles import Cycle, new_cycles
from analyzers.import_graph import ImportGraph
from analyzers.import_index import SourceIndex, records_for
from analyzers.model import Finding, Relocation
from analyzers.relocation_map import RelocationMap
from codemods._rewrite_plan import Decision, PlanFile
from hocmig.codemod_runner import run_codemod
from hocmig.transaction.change import sha256

if TYPE_CHECKING:
    from hocmig.workspace import Workspace

COMMAND = "rewrite_imports.RewriteImportsCommand"
POLICIES = ("keep", "flatten")


@dataclass(frozen=True)
class FlattenedFacades:
    """What the pass changed.

    `contents` are new bytes by the path after the move, `removed` the (old path of the façade, name) that are
    no longer passed on, `names` their entries for texts, `files` the paths after the move to be compared in
    depth.
    """

    contents: dict[str, bytes]
    removed: frozenset[tuple[str, str]] = frozenset()
    names: tuple[Relocation, ...] = ()
    files: frozenset[str] = frozenset()
    findings: tuple[Finding, ...] = ()


def flatten_facades(
    workspace: Workspace, before: SourceIndex, after: SourceIndex, relocations: RelocationMap, read: Reader
) -> FlattenedFacades:
    """Let importers take moved names from their new module, and façades let go of them.

    Args:
        before, after: the tree before the move and after it; `read` gives the bytes of the latter.

    Raises:
        CodemodError: the codemod failed on a file.
    """
    names = passed_on(before, relocations)
    if not names:
        return FlattenedFacades({})
    graph = ImportGraph(after)
    flattening = FacadeFlattening(graph, names, read)
    contents = _contents(workspace, flattening, relocations)
    while cycles := _new_cycles(graph, contents, read):
        reason = f"it would make a new {cycles[0]}"
        steps = {step.importer for cycle in cycles for step in cycle.chain}
        # Nothing in the chain may tell which name made it.
        if not flattening.hold(steps, reason):
            flattening.held.update(dict.fromkeys(flattening.free, reason))
        contents = _contents(workspace, flattening, relocations)
    words = {n.name.encode() for n in flattening.free}
    return FlattenedFacades(
        contents,
        frozenset((n.old_path, n.name) for n in flattening.free),
        tuple(Relocation(n.old_package, n.module, n.name, n.symbol) for n in flattening.free),
        frozenset(p for p in after.files if words and any(w in read(p) for w in words)),
        tuple(_finding(n, flattening.held.get(n, "")) for n in names),
    )


def _new_cycles(graph: ImportGraph, contents: dict[str, bytes], read: Reader) -> list[Cycle]:
    if not contents:
        return []
    after = graph.index.with_changes((), records_for(contents))

    def read_after(path: str) -> bytes:
        return contents[path] if path in contents else read(path)

    cycles = new_cycles(graph, after, RelocationMap(()), read_after, read)
    return [cycle for cycle in cycles if cycle.is_blocking]


def _contents(
    workspace: Workspace, flattening: FacadeFlattening, relocations: RelocationMap
) -> dict[str, bytes]:
    plans = flattening.plans()
    files = {path: flattening.read(path) for path in plans}
    plan = PlanFile(
        version=1,
        root=str(workspace.root),
        import_roots=workspace.config.import_roots,
        relocations=relocations.relocations,
        allow_merges=relocations.allow_merges,
        decisions={
            path: Decision(sha256(files[path]), plan.import_changes, plan.edits)
            for path, plan in plans.items()
        },
    )
    result = run_codemod(COMMAND, files, plan, jobs=workspace.jobs, state=workspace.state / "tmp")
    return dict(result.contents)


def _finding(name: FacadeName, reason: str) -> Finding:
    if not reason:
        return Finding(
            code="FACADE001",
            severity="info",
            path=name.old_path,
            line=name.line,
            message=f"no longer passes {name.name} on: it is imported from {name.module}",
        )
    return Finding(
        code="FACADE002",
        severity="warning",
        path=name.old_path,
        line=name.line,
        message=f"goes on passing {name.name} on: {reason}",
        mend="settle that, or leave the name in the façade",
    )
