"""The values that the planning of dotted uses works with: roots, their uses, and what these need."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

from analyzers.file_scopes import FileScope, ImportBinding, NameUse
from analyzers.relocation_map import RelocationMap


@dataclass(frozen=True, slots=True)
class Break:
    """Up to attribute `depth` a use must be written anew: `module`, and `symbol` of it unless empty.

    `old` is the module that the use got to; an empty `module` means the file itself.
    """

    depth: int
    module: str
    symbol: str
    old: str


@dataclass(eq=False)
class Root:
    """A name of one scope that imports bind to a module, with its uses.

    `module` is what it denotes (before the move) and `anchor` what it will denote when no use is changed.
    `statements` are those that bind it; `explicit` the modules that these load by name.
    """

    name: str
    owner: FileScope
    module: str
    anchor: str
    statements: tuple[int, ...]
    bindings: tuple[ImportBinding, ...]
    explicit: frozenset[str]
    breaks: list[tuple[NameUse, Break]] = field(default_factory=list)
    others: list[NameUse] = field(default_factory=list)

    def renamed(self, binding: ImportBinding, relocations: RelocationMap) -> str | None:
        """The new module of a plain import in a group like `import a.b`, whose uses are written anew."""
        if not binding.is_plain or not self.is_dotted:
            return None
        return relocations.module(binding.alias.name)

    @cached_property
    def broken_prefixes(self) -> frozenset[str]:
        """The dotted names that uses which are written anew go through."""
        return frozenset(p for text in {written(use) for use, _ in self.breaks} for p in prefixes(text))

    @cached_property
    def other_texts(self) -> frozenset[str]:
        """The uses that stay as they are."""
        return frozenset(written(use) for use in self.others)

    @cached_property
    def other_prefixes(self) -> frozenset[str]:
        return frozenset(p for text in self.other_texts for p in prefixes(text))

    @cached_property
    def first_other_line(self) -> int:
        return min((use.node.lineno for use in self.others), default=0)

    @cached_property
    def is_dotted(self) -> bool:
        return any(b.is_plain and "." in b.alias.name for b in self.bindings)


@dataclass(eq=False)
class Need:
    """A module that uses in one scope need by name, and which of its roots' statements load it."""

    module: str
    uses: list[NameUse] = field(default_factory=list)
    roots: dict[int, tuple[Root, set[str]]] = field(default_factory=dict)
    moves: bool = False

    @cached_property
    def first_line(self) -> int:
        return min((use.node.lineno for use in self.uses), default=0)


def prefixes(module: str) -> list[str]:
    parts = module.split(".")
    return [".".join(parts[:size]) for size in range(1, len(parts) + 1)]


def loaded_by(binding: ImportBinding, root: Root) -> frozenset[str] | tuple[str, ...]:
    """The modules that a statement loads by name and binds a way to."""
    if binding.is_plain:
        return tuple(prefixes(binding.alias.name))
    return (root.module,)


def written(use: NameUse, depth: int | None = None) -> str:
    return ".".join((use.node.id, *(a.attr for a in use.chain[:depth])))
