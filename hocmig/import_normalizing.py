"""From an export registry to a proven change of imports: plan, edit by the codemod, drop cycles, prove."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from analyzers.binding_equivalence import certify
from analyzers.certificate import Certificate
from analyzers.export_registry import ExportRegistry
from analyzers.import_cycles import Cycle, new_cycles
from analyzers.import_graph import ImportGraph
from analyzers.import_index import SourceIndex, records_for
from analyzers.import_normalization import ImportNormalizer, SharedImport
from analyzers.model import Finding
from analyzers.relocation_map import RelocationMap
from codemods._normalization_plan import DecidedImports, NormalizationPlanFile
from hocmig.codemod_runner import run_codemod
from hocmig.repository_reader import RepositoryReader
from hocmig.transaction.change import sha256

if TYPE_CHECKING:
    from hocmig.workspace import Workspace

COMMAND = "normalize_imports.NormalizeImportsCommand"


@dataclass(frozen=True)
class NormalizedTree:
    """The tree after the normalization.

    `contents` are the new bytes of changed files; `imports` all shared names that any file imports, those
    that stay as detours with a reason; `findings` of severity `error` block.
    """

    contents: dict[str, bytes]
    imports: tuple[SharedImport, ...]
    after: SourceIndex
    certificate: Certificate
    findings: tuple[Finding, ...]

    @property
    def rewritten(self) -> tuple[SharedImport, ...]:
        """The names whose import changes, in the order of files and statements."""
        return tuple(s for s in self.imports if not s.is_canonical and not s.reason)

    @property
    def left(self) -> tuple[SharedImport, ...]:
        """The detours that stay."""
        return tuple(s for s in self.imports if s.reason)


def normalize_tree(
    workspace: Workspace, graph: ImportGraph, registry: ExportRegistry, read: RepositoryReader
) -> NormalizedTree:
    """Work out the normalization of the whole tree, and prove it; writes private temporary files only.

    Files whose rewriting would make an import fail, or a new import cycle, are left as they are.

    Raises:
        CodemodError: the codemod failed on a file.
    """
    normalizer = ImportNormalizer(graph, registry, read)
    imports = tuple(s for path in graph.index.files for s in normalizer.imports_of(path))
    files: dict[str, bytes] = {}
    decided: dict[str, DecidedImports] = {}
    for path in sorted({s.path for s in imports if not s.is_canonical and not s.reason}):
        content = read(path)
        plan = normalizer.plan(path, content)
        if plan is not None:
            files[path] = content
            decided[path] = DecidedImports(sha256(content), plan.import_changes)
    findings = [_not_rewritten(path) for path in sorted({s.path for s in _open(imports)} - decided.keys())]
    result = run_codemod(
        COMMAND,
        files,
        NormalizationPlanFile(1, decided),
        jobs=workspace.jobs,
        state=workspace.state / "tmp",
    )
    contents = dict(result.contents)
    findings += [_not_rewritten(path) for path in sorted(files.keys() - contents.keys())]
    after, cycles = _after(graph, contents, read)
    while cycles and contents:
        cyclic = {step.importer for cycle in cycles for step in cycle.chain} & contents.keys()
        # A cycle without a changed file in its chain: nothing tells which change made it.
        dropped = cyclic or set(contents)
        contents = {path: content for path, content in contents.items() if path not in dropped}
        imports = tuple(
            _left(s, f"it would make a new {cycles[0]}") if s.path in dropped else s for s in imports
        )
        after, cycles = _after(graph, contents, read)
    certificate = certify(
        graph.index,
        after,
        RelocationMap(()),
        in_depth=contents,
        read_before=read,
        read_after=lambda path: contents[path] if path in contents else read(path),
    )
    for difference in certificate.differing:
        findings.append(
            Finding(
                code="PROOF001",
                severity="error",
                path=difference.path,
                line=difference.line,
                message=f"{difference.name}: {difference.reason} "
                f"({difference.before or 'nothing'} became {difference.after or 'nothing'})",
            )
        )
    return NormalizedTree(contents, imports, after, certificate, tuple(findings))


def _open(imports: Iterable[SharedImport]) -> Iterable[SharedImport]:
    return (s for s in imports if not s.is_canonical and not s.reason)


def _left(one: SharedImport, reason: str) -> SharedImport:
    return one if one.is_canonical or one.reason else replace(one, reason=reason)


def _after(
    graph: ImportGraph, contents: dict[str, bytes], read: RepositoryReader
) -> tuple[SourceIndex, tuple[Cycle, ...]]:
    after = graph.index.with_changes((), records_for(contents))

    def read_after(path: str) -> bytes:
        return contents[path] if path in contents else read(path)

    cycles = new_cycles(graph, after, RelocationMap(()), read_after, read)
    return after, tuple(cycle for cycle in cycles if cycle.is_blocking)


def _not_rewritten(path: str) -> Finding:
    return Finding(
        code="NORM004",
        severity="error",
        path=path,
        message="was not rewritten: the codemod left it as it was",
        mend="run hocmig normalize again",
    )
