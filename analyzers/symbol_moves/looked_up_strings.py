"""Strings like `patch("a.b.f")` name where a name is looked up, not where it is defined.

What code of `a.b` looks a name up decides, for names that move, for imported ones and for definitions that
stay: when all of it stays, it goes on looking the name up in `a.b` (which imports back what left it), and the
string stays. When all of it goes to one module, the name is looked up there, and the string follows, in files
that speak of mocks or patches. When it comes to live in several modules, the string cannot name them all: it
stays while `a.b` is one of them, and a warning says where it stands. A string that goes on below the name
(`"a.b.f.attribute"`) means the object, which is the same everywhere.

`patch.object(module, "f")` and `monkeypatch.setattr(module, "f", ...)` are never changed; where the name is
not looked up in that module alone any more, a warning says so.

Code: SYMBOL008 W a patch is not changed, or not enough.

Source: the import-rewriting cases 44 and 45.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from analyzers.file_rewriting import FilePlan
from analyzers.import_changes import TextEdit
from analyzers.model import Finding
from analyzers.source import decode
from analyzers.symbol_moves.module_clients import ModuleClients
from analyzers.symbol_moves.module_items import Item, UseKind
from analyzers.symbol_moves.move_selection import MoveSelection, NewName, SourceSelection

_PATCHING = re.compile(r"mock|monkeypatch|(?<![a-z])patch", re.IGNORECASE)


@dataclass(frozen=True)
class LookedUpStrings:
    """`stays` are dotted names that strings keep, `follows` those that become others, in `files`.

    Of both, those in `patched_only` concern nothing but files that speak of mocks or patches.
    """

    stays: frozenset[str]
    follows: Mapping[str, str]
    files: frozenset[str]
    findings: tuple[Finding, ...]
    patched_only: frozenset[str] = frozenset()

    def adjusted(self, plan: FilePlan) -> FilePlan:
        """The plan of a file with its strings as they are looked up."""
        if not plan.source.text or not (self.stays or self.follows):
            return plan
        text = plan.source.text
        stays, follows = self.stays, self.follows
        if _PATCHING.search(text) is None:
            stays = stays - self.patched_only
            follows = {old: new for old, new in follows.items() if old not in self.patched_only}
        moved: list[TextEdit] = []
        for old, new in follows.items():
            for match in re.finditer(rf"(?<=[\"']){re.escape(old)}(?=(?:\.\w+)*[\"'])", text):
                line = text.count("\n", 0, match.start()) + 1
                moved.append(TextEdit(match.start(), match.end(), new, line))
        strings = {(s.start, s.end) for s in plan.strings}
        edits = []
        for edit in plan.edits:
            meets = any(edit.start < m.end and m.start < edit.end for m in moved)
            is_string = (edit.start, edit.end) in strings
            if not is_string or not (meets or _begins(text[edit.start : edit.end], stays)):
                edits.append(edit)
        taken = [(e.start, e.end) for e in edits]
        edits += [m for m in moved if not any(start < m.end and m.start < end for start, end in taken)]
        edits.sort(key=lambda e: e.start)
        return plan if tuple(edits) == plan.edits else replace(plan, edits=tuple(edits))


def looked_up_strings(selection: MoveSelection, clients: ModuleClients) -> LookedUpStrings:
    """The strings that a selection of moves concerns."""
    found = _Found(selection, clients)
    for module, selected in selection.sources.items():
        # Strings that name something in a module that moves as a whole follow it.
        if selection.relocations.module(module) is None:
            for name in sorted(selected.items.by_name):
                found.add(selected, name)
    return LookedUpStrings(
        frozenset(found.stays),
        found.follows,
        frozenset(found.files),
        tuple(found.findings),
        frozenset(found.patched_only),
    )


@dataclass
class _Found:
    selection: MoveSelection
    clients: ModuleClients
    stays: set[str] = field(default_factory=set)
    follows: dict[str, str] = field(default_factory=dict)
    files: set[str] = field(default_factory=set)
    findings: list[Finding] = field(default_factory=list)
    patched_only: set[str] = field(default_factory=set)
    _patching: dict[str, bool] = field(default_factory=dict)

    def add(self, selected: SourceSelection, name: str) -> None:
        """Settle the strings that name one name of a source."""
        here = selected.module, name
        moved = selected.names.get(name)
        places, is_clear = self._places(selected, name)
        if places <= {here} and is_clear:
            # Names that moved before are in the map, too: what stayed looks them up here as ever.
            goal = self.selection.relocations.moved_symbols.get(here, moved)
            if places and goal is not None and goal != here:
                self.stays.add(_dotted(here))
            elif not places and moved is not None:
                self._warn_of_objects(here, {moved})
            return
        self._warn_of_objects(here, places)
        paths = [p for p in self.clients.patched(*here) if self._patches(p)]
        if not paths or (places == {moved} and is_clear):
            return
        if len(places) == 1 and is_clear:
            self.follows[_dotted(here)] = _dotted(next(iter(places)))
        elif here in places and moved is not None:
            self.stays.add(_dotted(here))
        if _dotted(here) in self.follows or _dotted(here) in self.stays:
            self.files.update(paths)
            self.patched_only.add(_dotted(here))
        if len(places) > 1 or not is_clear:
            for path in paths:
                for string in self.clients.index.files[path].dotted_strings:
                    if string.text.replace(":", ".") == _dotted(here):
                        self._warn(path, string.line, f"a string names {_dotted(here)}", places)

    def _places(self, selected: SourceSelection, name: str) -> tuple[set[NewName], bool]:
        """Where the code of a module comes to look a name up, and whether it has its plain name there."""
        here = selected.module, name
        moved = selected.names.get(name)
        goes = {selected.items.movable[n]: target for n, target in selected.goes.items()}
        own = selected.items.by_name[name]
        places: set[NewName] = set()
        is_clear = True
        for item in selected.items.items:
            if item in own or not _looks_up(item, name):
                continue
            target = goes.get(item, selected.module)
            if target == selected.module:
                places.add(here)
            elif moved is not None and moved[0] == target:
                places.add(moved)
            else:
                places.add((target, name))
                is_clear = is_clear and self._is_free(target, here, moved)
        return places, is_clear

    def _is_free(self, target: str, here: NewName, moved: NewName | None) -> bool:
        """Whether `target` can call a name as its source does: it means the same or nothing there."""
        name = here[1]
        resolver = self.clients.resolver
        leaving = self.selection.sources.get(target)
        mine = resolver.bound(*here)
        if leaving is not None and name in leaving.names:
            goal = leaving.names[name]
            # It comes from where it went to: the same thing under the same name.
            return mine is not None and (mine.module, mine.name) == (target, name) and goal[1] == name
        for module, other in self.selection.sources.items():
            if module != here[0] and (target, name) in other.names.values():
                return moved is not None and moved == (target, name)
        if target not in self.clients.index.modules or not resolver.is_bound(target, name):
            return True
        there = resolver.bound(target, name)
        return there is not None and there == mine

    def _patches(self, path: str) -> bool:
        if path not in self._patching:
            self._patching[path] = _PATCHING.search(decode(self.clients.read(path)).text) is not None
        return self._patching[path]

    def _warn_of_objects(self, here: NewName, places: set[NewName]) -> None:
        paths = [p for p in self.clients.holders(here[0]) if self._patches(p)]
        for path, line in self.clients.named_with(*here, paths):
            self._warn(path, line, f"patches {here[1]} of {here[0]}", places)

    def _warn(self, path: str, line: int, what: str, places: set[NewName]) -> None:
        where = ", ".join(sorted(_dotted(p) for p in places))
        self.findings.append(
            Finding(
                code="SYMBOL008",
                severity="warning",
                path=path,
                line=line,
                message=f"{what}, which is looked up as {where} after the move",
                mend="patch it there",
            )
        )


def _dotted(name: NewName) -> str:
    return f"{name[0]}.{name[1]}"


def _looks_up(item: Item, name: str) -> bool:
    return any(u.name == name and u.kind is not UseKind.TYPING for u in item.uses)


def _begins(text: str, names: frozenset[str]) -> bool:
    text = text.strip("\"'").replace(":", ".")
    return any(text == name or text.startswith(name + ".") for name in names)
