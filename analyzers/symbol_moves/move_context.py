"""What the planning of definitions that move works on: the selection, the tree, both kinds of files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from analyzers.import_index import SourceIndex
from analyzers.layout import ModuleName
from analyzers.model import Finding
from analyzers.name_resolution import NameResolver
from analyzers.symbol_moves.imported_names import ImportedAs
from analyzers.symbol_moves.module_clients import ModuleClients
from analyzers.symbol_moves.module_items import Item, ModuleItems, UseKind
from analyzers.symbol_moves.move_selection import MoveSelection
from analyzers.symbol_moves.moved_blocks import MovedBlock
from analyzers.symbol_moves.source_selection import SourceSelection


@dataclass(frozen=True, slots=True)
class PlainMove:
    """A definition that moves alone, as any tool could move it: `text` is what must arrive at the target."""

    source: str
    target: str
    name: str
    line: int
    text: str


@dataclass(eq=False)
class Target:
    """A module that gains definitions: `items` as it is (empty for a new one), `blocks` in their order.

    `inside` are methods that go into one of its classes, with the name of that class.
    `needs` are the imports to add, with the strongest use of each; `copies` whole compound statements of
    imports with the module that they stand in; `relied_on` the names of its own imports that what arrives
    uses; `exports` the names for its `__all__` (`new_exports`: it has none yet); `future` says that it gets
    `from __future__ import annotations`.
    """

    module: str
    path: str
    name: ModuleName
    items: ModuleItems
    is_new: bool
    blocks: list[MovedBlock] = field(default_factory=list)
    inside: list[tuple[MovedBlock, str]] = field(default_factory=list)
    needs: dict[str, tuple[ImportedAs, UseKind]] = field(default_factory=dict)
    copies: list[tuple[ModuleItems, Item]] = field(default_factory=list)
    relied_on: set[str] = field(default_factory=set)
    exports: list[str] = field(default_factory=list)
    new_exports: tuple[str, ...] = ()
    future: bool = False

    @property
    def newline(self) -> str:
        return self.items.source.newline


@dataclass(eq=False)
class MoveContext:
    """Shared by all steps of the planning; `sources` are the modules with their imports rewritten already."""

    selection: MoveSelection
    index: SourceIndex
    resolver: NameResolver
    clients: ModuleClients
    dissolved: frozenset[str]
    own_tops: frozenset[str]
    sources: dict[str, tuple[SourceSelection, ModuleItems]] = field(default_factory=dict)
    moves: list[PlainMove] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    def report(self, code: str, severity: str, path: str, line: int, message: str, mend: str = "") -> None:
        finding = Finding(code=code, severity=severity, path=path, line=line, message=message, mend=mend)
        if finding not in self.findings:
            self.findings.append(finding)

    def client(self, path: str) -> ModuleName:
        """The module name of a file that is known to have one."""
        name = self.index.module_at(path)
        assert name is not None
        return name

    def arriving(self, target: Target) -> frozenset[str]:
        """The names that the blocks of a target bind there."""
        names: Mapping[str, SourceSelection] = {m: s for m, (s, _) in self.sources.items()}
        return frozenset(
            names[b.module].names.get(n, ("", n))[1] for b in target.blocks for n in b.item.binds
        )
