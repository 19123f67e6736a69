"""What leaves one module when symbols move."""

from __future__ import annotations

from dataclasses import dataclass, field

from analyzers.symbol_moves.module_items import Item, ModuleItems

#: (module, name) of a symbol after the move.
NewName = tuple[str, str]


@dataclass(slots=True)
class SourceSelection:
    """What leaves one module: `items` is the module as it was, `goes` movable ordinal -> target module.

    An ordinal counts the items of `ModuleItems.movable`. `names` leads from every name that leaves to its new
    place. `merged` are ordinals whose definition stands in the target already and is dropped; of those in
    `inside`, a class, the methods listed go into the class that stands there (see `class_extras`).
    """

    module: str
    path: str
    items: ModuleItems
    names: dict[str, NewName]
    goes: dict[int, str] = field(default_factory=dict)
    merged: set[int] = field(default_factory=set)
    inside: dict[int, tuple[str, ...]] = field(default_factory=dict)

    def names_to(self, place: NewName) -> str:
        """The old name of what goes to `place`; empty when nothing does."""
        return next((old for old, new in self.names.items() if new == place), "")

    def ordinal(self, item: Item) -> int:
        return self.items.movable.index(item)
