"""Plans for files that no decision came with: a codemod that runs alone, or meets bytes that changed."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from analyzers.errors import InputError
from analyzers.file_plan import FilePlan
from analyzers.file_rewriting import FileRewriter
from analyzers.import_index import SourceIndex, load_index
from analyzers.layout import ProjectLayout
from analyzers.relocation_map import RelocationMap
from analyzers.symbol_moves.looked_up_strings import LookedUpStrings, looked_up_strings
from analyzers.symbol_moves.module_clients import ModuleClients
from analyzers.symbol_moves.move_selection import select_moves

if TYPE_CHECKING:
    from codemods._rewrite_plan import PlanFile


class UndecidedFiles:
    """Plans the files of one repository under the relocations of a plan file."""

    def __init__(self, root: Path, plan: PlanFile) -> None:
        self.root = root
        self.file = plan
        self.relocations = RelocationMap(plan.relocations, allow_merges=plan.allow_merges)

    def plan_of(self, path: str, content: bytes) -> FilePlan | None:
        """The changes of the file at `path` with these bytes; None when nothing that moves can be in it."""
        if path not in self.strings.files and not self.rewriter.may_concern(path, content):
            return None
        plan = self.strings.adjusted(path, self.rewriter.plan(path, content))
        said = tuple(f for f in self.strings.findings if f.path == path and f.severity != "info")
        return replace(plan, findings=(*plan.findings, *said)) if said else plan

    @cached_property
    def index(self) -> SourceIndex:
        """The import index of the repository, read on first use."""
        return load_index(
            ProjectLayout(self.root, self.file.import_roots),
            scan=self.file.scan,
            exclude=self.file.exclude,
            cache=Path(self.file.index_cache) if self.file.index_cache else None,
            jobs=1,
            advance=None,
        )

    @cached_property
    def rewriter(self) -> FileRewriter:
        return FileRewriter(
            self.index,
            self.relocations,
            self.file.references,
            self.file.before_hashes,
            pin_names=self.file.pin_names,
        )

    @cached_property
    def strings(self) -> LookedUpStrings:
        """The patches that follow the code which looks names up."""
        if not self.relocations.moved_symbols and not self.file.dissolved:
            return LookedUpStrings(frozenset(), {}, frozenset(), ())
        dissolved = self.file.dissolved
        selection = select_moves(
            self.index, self.relocations, self._read, order=dissolved, dissolved=dissolved
        )
        return looked_up_strings(selection, ModuleClients(self.index, self.index.resolver, self._read))

    def _read(self, path: str) -> bytes:
        try:
            return (self.root / path).read_bytes()
        except OSError as error:
            raise InputError(path, 0, f"cannot be read: {error.strerror}", "mend its permissions") from error
