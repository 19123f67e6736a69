"""Definitions that move with a relocation: selected before the imports are rewritten, carried afterwards.

The part of `hocmig.relocation` that is about symbols and about modules that are merged into others.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from analyzers.import_index import SourceIndex
from analyzers.model import Finding, Relocation
from analyzers.move_preconditions import packages_to_create
from analyzers.relocation_map import RelocationMap
from analyzers.shims import module_shim, symbol_shim
from analyzers.source import Source, decode
from analyzers.symbol_moves.definition_edits import DefinitionEdits, FileEdits, plan_definitions
from analyzers.symbol_moves.looked_up_strings import LookedUpStrings, looked_up_strings
from analyzers.symbol_moves.module_clients import ModuleClients
from analyzers.symbol_moves.move_proof import MoveProof, prove_moves
from analyzers.symbol_moves.move_selection import MoveSelection, select_moves
from codemods._move_plan import FileMoves, MovePlanFile
from hocmig.codemod_runner import run_codemod
from hocmig.definition_mover import RopeOutcome, move_with_rope
from hocmig.transaction.change import sha256

if TYPE_CHECKING:
    from hocmig.workspace import Workspace

COMMAND = "move_symbols.MoveSymbolsCommand"


@dataclass(frozen=True)
class Merging:
    """Modules that end with the move: old module -> where its lone statements go, in the order of merging.

    `heads` are the docstrings (whole literals) and `exports` the `__all__` of target modules that are new.
    With `merges_identical` a
    definition that the target has already, and the same, is dropped.
    """

    dissolved: Mapping[str, str] = field(default_factory=dict)
    heads: Mapping[str, str] = field(default_factory=dict)
    exports: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    merges_identical: bool = False


class SymbolMoving:
    """The moves of one relocation map; empty when it moves no symbols and merges no modules.

    `relocations` is the map with the helpers that move along. After `carry`: `created` are the new files,
    `gone` the paths that end, `outcome` what rope said.
    """

    def __init__(
        self,
        workspace: Workspace,
        relocations: RelocationMap,
        read: Callable[[str], bytes],
        merging: Merging,
        allow: frozenset[str] = frozenset(),
    ) -> None:
        self.workspace = workspace
        self.index = workspace.index
        self.read = read
        self.merging = merging
        self.allow = allow
        self.relocations = relocations
        self.findings: list[Finding] = []
        self.created: dict[str, bytes] = {}
        self.gone: frozenset[str] = frozenset()
        self.outcome = RopeOutcome((), ())
        self.forwards = False
        self.strings = LookedUpStrings(frozenset(), {}, frozenset(), ())
        self.selection: MoveSelection | None = None
        if relocations.moved_symbols or merging.dissolved:
            self.selection = select_moves(
                self.index,
                relocations,
                read,
                order=tuple(merging.dissolved),
                dissolved=merging.dissolved,
                merges_identical=merging.merges_identical,
            )
            self.relocations = self.selection.relocations
            self.findings += self.selection.findings
            resolver = self.index.resolver
            clients = ModuleClients(self.index, resolver, read)
            self.strings = looked_up_strings(self.selection, clients)
            self.findings += self.strings.findings

    @property
    def symbols(self) -> tuple[Relocation, ...]:
        """The symbols that move, helpers and the content of modules that end included; sorted."""
        if self.selection is None:
            return ()
        found = [
            Relocation(module, target, name, new)
            for module, selected in self.selection.sources.items()
            for name, (target, new) in selected.names.items()
        ]
        return tuple(sorted(found, key=str))

    @property
    def touched(self) -> frozenset[str]:
        """The paths of the files between which definitions move, as far as they exist."""
        if self.selection is None:
            return frozenset()
        modules = {*self.selection.sources, *self.selection.targets}
        paths = {self.index.modules[m] for m in modules if m in self.index.modules}
        return frozenset(paths | set(self.selection.moved_targets.values()))

    @property
    def gaining(self) -> frozenset[str]:
        """The paths of modules that single symbols move into; empty when whole modules are merged."""
        if self.selection is None or self.merging.dissolved:
            return frozenset()
        some = next((s.path for s in self.selection.sources.values()), "")
        return frozenset(self._path_of(module, some) for module in self.selection.targets)

    @property
    def new_modules(self) -> tuple[Relocation, ...]:
        """One entry per module that comes into being: from a module that gives to it, with both paths."""
        if self.selection is None:
            return ()
        moved = (r.new_module for r in self.relocations.relocations if r.new_path and not r.old_symbol)
        known = {*self.index.modules, *moved}
        found = {}
        for name, selected in self.selection.sources.items():
            for module in selected.goes.values():
                if module not in known:
                    path = self._path_of(module, selected.path)
                    found[module] = Relocation(name, module, old_path=selected.path, new_path=path)
        return tuple(found.values())

    def with_paths(self) -> RelocationMap:
        """The map with the paths of merged modules, for texts that name files."""
        paths = dict(self.merging.dissolved)
        entries = []
        for entry in self.relocations.relocations:
            old = self.index.modules.get(entry.old_module, "")
            if not entry.old_symbol and not entry.old_path and entry.old_module in paths and old:
                entry = Relocation(
                    entry.old_module,
                    entry.new_module,
                    old_path=old,
                    new_path=self._path_of(entry.new_module, old),
                )
            entries.append(entry)
        return RelocationMap(entries, allow_merges=True)

    def _path_of(self, module: str, like: str) -> str:
        known = self.index.modules.get(module)
        client = self.index.module_at(like)
        root = client.root if client is not None and client.is_importable else "."
        return known or self.index.layout.path_of(module, root)

    # -- carrying --------------------------------------------------------------------------------------------

    def carry(self, rewritten: dict[str, bytes], shim_until: datetime.date | None) -> None:
        """Move the definitions in `rewritten` (path -> bytes with rewritten imports), which is changed.

        Problems become findings; then nothing is changed.
        """
        if self.selection is None:
            return

        def text_of(path: str) -> Source:
            return decode(rewritten[path] if path in rewritten else self.read(path))

        edits = plan_definitions(
            self.selection,
            self.index,
            text_of,
            dissolved=frozenset(self.merging.dissolved),
            heads=self.merging.heads,
            exports=self.merging.exports,
        )
        self.findings += edits.findings
        if any(f.severity == "error" and f.code not in self.allow for f in edits.findings):
            return
        self._ask_rope(edits)
        contents = self._run(edits)
        self.gone = frozenset(path for path, file in edits.files.items() if file.is_gone)
        for path, content in contents.items():
            if edits.files[path].is_new:
                self.created[path] = content
            else:
                rewritten[path] = content
        for path in self.gone:
            rewritten.pop(path, None)
        self._add_packages(edits)
        if shim_until is not None:
            self.forwards = True
            self._add_shims(rewritten, shim_until)

    def _ask_rope(self, edits: DefinitionEdits) -> None:
        self.outcome = move_with_rope(edits.moves, self.workspace.state / "tmp")
        for move, problem in self.outcome.differing:
            self.findings.append(
                Finding(
                    code="SYMBOL016",
                    severity="info",
                    path=move.source,
                    line=move.line,
                    message=f"rope would not move {move.name} as planned ({problem}): it was moved without",
                )
            )

    def _run(self, edits: DefinitionEdits) -> dict[str, bytes]:
        files: dict[str, bytes] = {}
        moves: dict[str, FileMoves] = {}
        for path, file in edits.files.items():
            if file.is_gone or not (file.edits or file.import_changes):
                continue
            content = _bytes(file)
            if content is None:
                self.findings.append(
                    Finding(
                        code="SYMBOL017",
                        severity="error",
                        path=path,
                        message=f"is {file.source.encoding}, which cannot express the code that moves there",
                        mend="convert the file to UTF-8",
                    )
                )
                continue
            files[path] = content
            moves[path] = FileMoves(sha256(content), file.import_changes, file.edits)
        if any(f.code == "SYMBOL017" for f in self.findings):
            return {}
        result = run_codemod(
            COMMAND,
            files,
            MovePlanFile(1, moves),
            jobs=self.workspace.jobs,
            state=self.workspace.state / "tmp",
        )
        for path in sorted(set(files) - set(result.contents)):
            said = next((w for w in result.warnings if path in w), "the codemod left it as it was")
            self.findings.append(
                Finding(code="SYMBOL015", severity="error", path=path, message=f"was not changed: {said}")
            )
        return result.contents

    def _add_packages(self, edits: DefinitionEdits) -> None:
        for path, file in edits.files.items():
            if not file.is_new:
                continue
            name = self.index.layout.module_of(path)
            some = next(iter(self.selection.sources.values())).path if self.selection else ""
            if name is None:
                continue
            entry = Relocation("a", name.name, old_path=some, new_path=path)
            for init in packages_to_create(RelocationMap([entry]), self.index):
                self.created.setdefault(init, b"")

    def _add_shims(self, rewritten: dict[str, bytes], until: datetime.date) -> None:
        assert self.selection is not None
        for module, selected in self.selection.sources.items():
            goals = set(selected.goes.values())
            if selected.path in self.gone:
                if len(goals) == 1:
                    self.created[selected.path] = module_shim(module, goals.pop(), until)
                else:
                    self.created[selected.path] = symbol_shim(module, dict(selected.names), until)
                continue
            if "__getattr__" in selected.items.by_name:
                self.findings.append(
                    Finding(
                        code="SYMBOL018",
                        severity="error",
                        path=selected.path,
                        message="has a module-level __getattr__ of its own, so no shim can be added",
                        mend="leave out --shim, or forward the names there",
                    )
                )
                continue
            text = decode(rewritten.get(selected.path) or self.read(selected.path))
            shim = symbol_shim(module, dict(selected.names), until).decode()
            rewritten[selected.path] = text.encode(
                text.text.rstrip("\r\n") + shim.replace("\n", text.newline)
            )

    # -- proof -----------------------------------------------------------------------------------------------

    def prove(self, after: SourceIndex, read_after: Callable[[str], bytes]) -> MoveProof:
        """Compare the files between which definitions moved; see `prove_moves`."""
        if self.selection is None:
            return MoveProof()
        return prove_moves(
            self.selection,
            self.index,
            after,
            self.relocations,
            self.read,
            read_after,
            ended=frozenset(self.merging.dissolved),
            forwards=self.forwards,
        )


def _bytes(file: FileEdits) -> bytes | None:
    """The bytes that the edits are made on; None when the file's encoding cannot express what arrives."""
    try:
        for edit in file.edits:
            edit.text.encode(file.source.encoding)
    except UnicodeEncodeError:
        return None
    return file.source.encode(file.source.text)
