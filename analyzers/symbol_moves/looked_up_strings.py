"""Strings like `patch("a.b.f")` name where a name is looked up, not where it is defined.

What code of `a.b` looks a name up decides, for names that move, for imported ones and for definitions that
stay: when all of it stays, it goes on looking the name up in `a.b` (which imports back what left it), and the
string stays. When all of it goes to one module, the name is looked up there, and the string follows, in files
that speak of mocks or patches. Only what functions look up counts: a base class or a default was taken when
its module was imported, before anybody patched. A string that goes on below the name (`"a.b.f.attribute"`)
means the object, which is the same everywhere.

When the name comes to be looked up in several modules, each string follows the one that its test runs, as far
as the text of the test shows that it runs no other (see `patch_reach`). Else no string is right, and the move
is refused. So it is when the test of a `patch.object(module, "f")` or `monkeypatch.setattr(module, "f", ...)`
does not run code of that module alone, because these are never changed; `patch_calls` finds them.

Codes: SYMBOL008 E a patch cannot follow; SYMBOL021 I a patch follows what its test runs.

Source: the import-rewriting cases 44 and 45; the unittest documentation, "Where to patch".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from analyzers.file_plan import FilePlan
from analyzers.import_changes import TextEdit
from analyzers.model import DefinitionKind, Finding
from analyzers.source import decode
from analyzers.symbol_moves.module_clients import ModuleClients
from analyzers.symbol_moves.module_items import Item, UseKind
from analyzers.symbol_moves.move_selection import MoveSelection
from analyzers.symbol_moves.patch_calls import PATCHING, PatchCalls
from analyzers.symbol_moves.patch_reach import PatchReach, Reach
from analyzers.symbol_moves.registrations import registrations
from analyzers.symbol_moves.source_selection import NewName, SourceSelection


@dataclass(frozen=True)
class LookedUpStrings:
    """`stays` are dotted names that strings keep, `follows` those that become others, in `files`.

    Of both, those in `patched_only` concern nothing but files that speak of mocks or patches. `chosen` are
    strings with an answer of their own: (path, line, dotted name) -> the name that it is to be.
    """

    stays: frozenset[str]
    follows: Mapping[str, str]
    files: frozenset[str]
    findings: tuple[Finding, ...]
    patched_only: frozenset[str] = frozenset()
    chosen: Mapping[tuple[str, int, str], str] = field(default_factory=dict)

    @cached_property
    def _chosen_names(self) -> Mapping[str, frozenset[str]]:
        """The dotted names with a choice, by path."""
        found: dict[str, set[str]] = {}
        for path, _, name in self.chosen:
            found.setdefault(path, set()).add(name)
        return {path: frozenset(names) for path, names in found.items()}

    def adjusted(self, path: str, plan: FilePlan) -> FilePlan:
        """The plan of the file at `path` with its strings as they are looked up."""
        alone = self._chosen_names.get(path, frozenset())
        if not plan.source.text or not (self.stays or self.follows or alone):
            return plan
        text = plan.source.text
        stays, follows = self.stays, self.follows
        if PATCHING.search(text) is None:
            stays = stays - self.patched_only
            follows = {old: new for old, new in follows.items() if old not in self.patched_only}
        moved: list[TextEdit] = []
        for old in sorted({*follows, *alone}):
            for match in re.finditer(rf"(?<=[\"']){re.escape(old)}(?=(?:\.\w+)*[\"'])", text):
                line = text.count("\n", 0, match.start()) + 1
                new = self.chosen.get((path, line, old)) or follows.get(old)
                if new is not None:
                    moved.append(TextEdit(match.start(), match.end(), new, line))
        strings = {(s.start, s.end) for s in plan.strings}
        edits = []
        for edit in plan.edits:
            meets = any(edit.start < m.end and m.start < edit.end for m in moved)
            is_string = (edit.start, edit.end) in strings
            if not is_string or not (meets or _begins(text[edit.start : edit.end], stays)):
                edits.append(edit)
        taken = [(e.start, e.end) for e in edits]
        edits += [
            m
            for m in moved
            if text[m.start : m.end] != m.text
            and not any(start < m.end and m.start < end for start, end in taken)
        ]
        edits.sort(key=lambda e: e.start)
        return plan if tuple(edits) == plan.edits else replace(plan, edits=tuple(edits))


def looked_up_strings(selection: MoveSelection, clients: ModuleClients) -> LookedUpStrings:
    """The strings that a selection of moves concerns."""
    found = _Found(selection, clients)
    for selected in selection.sources.values():
        for name in sorted(selected.items.by_name):
            found.add(selected, name)
    return LookedUpStrings(
        frozenset(found.stays),
        found.follows,
        frozenset(found.files),
        tuple(found.findings),
        frozenset(found.patched_only),
        found.chosen,
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
    chosen: dict[tuple[str, int, str], str] = field(default_factory=dict)
    _patching: dict[str, bool] = field(default_factory=dict)
    _registrations: dict[str, Mapping[str, tuple[Item, ...]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._reach = PatchReach(self.clients)
        self._calls = PatchCalls(self.clients)

    def add(self, selected: SourceSelection, name: str) -> None:
        """Settle the strings that name one name of a source."""
        here = selected.module, name
        end = self.selection.relocations.module(selected.module)
        moved = selected.names.get(name)
        #: What the map alone makes of a module object and of a string.
        rest = here if end is None else (end, name)
        goal = moved or rest
        places = self._places(selected, name, [i for i in selected.items.items if _looks_up(i, name)])
        if places.keys() != {goal} and self._calls.reads(*here):
            # What reads the name through the module gets it from where the map says.
            places.setdefault(goal, True)
        is_clear = all(places.values())
        if (set(places) or {goal}) != {rest} or not is_clear:
            self._report_others(selected, name, places or {goal: True}, rest)
        if end is None and places.keys() <= {here} and is_clear:
            # Names that moved before are in the map, too: what stayed looks them up here as ever.
            goal = self.selection.relocations.moved_symbols.get(here, goal)
            if places and goal != here:
                self.stays.add(_dotted(here))
            return
        paths = [p for p in self.clients.patched(*here) if self._patches(p)]
        if not paths or not places or (places.keys() == {goal} and is_clear):
            return
        if len(places) == 1 and is_clear:
            self.follows[_dotted(here)] = _dotted(next(iter(places)))
            self.files.update(paths)
            self.patched_only.add(_dotted(here))
            return
        for path in paths:
            for string in self.clients.index.files[path].dotted_strings:
                is_lookup = not self._calls.is_of_object(path, string.line, string.text)
                if string.text.replace(":", ".") == _dotted(here) and is_lookup:
                    self._choose(path, string.line, selected, name, places)

    def _choose(
        self, path: str, line: int, selected: SourceSelection, name: str, places: Mapping[NewName, bool]
    ) -> None:
        """Let one string follow the module that the code around it runs, or say that none is right."""
        here = selected.module, name
        chosen = self._looked_up(path, line, selected, name)
        if len(chosen) == 1 and all(chosen.values()):
            (place,) = chosen
            self.chosen[path, line, _dotted(here)] = _dotted(place)
            self.files.add(path)
            message = f"{_dotted(here)} becomes {_dotted(place)}, which is what the code around it runs"
            self.findings.append(
                Finding(code="SYMBOL021", severity="info", path=path, line=line, message=message)
            )
        else:
            self._report(path, line, f"a string names {_dotted(here)}", set(places))

    def _looked_up(self, path: str, line: int, selected: SourceSelection, name: str) -> dict[NewName, bool]:
        """The places where the code around a patch looks a name up; empty: unknown."""
        reach = self._reach.of(path, line, selected.module)
        run = self._run(path, selected, name, reach) if reach is not None else None
        if reach is None or run is None:
            return {}
        found = self._places(selected, name, run)
        reads = self._calls.reads(selected.module, name)
        if any(p == path and n in reach.patched_lines for p, n in reads):
            end = self.selection.relocations.module(selected.module) or selected.module
            found.setdefault(selected.names.get(name, (end, name)), True)
        return found

    def _run(self, path: str, selected: SourceSelection, name: str, reach: Reach) -> list[Item] | None:
        """What looks the name up among the items that the code around a patch runs; None: unknown."""
        patched = {
            string.text.replace(":", ".")
            for string in self.clients.index.files[path].dotted_strings
            if string.line in reach.lines
        }
        by_name = selected.items.by_name
        todo = [item for n in sorted(reach.definitions) for item in by_name.get(n, ())]
        registered = self._registered(selected)
        if any(self._is_filled_there(selected, name, reach) for name in registered):
            return None
        for item in todo:
            todo += [i for n in sorted(item.binds) for i in registered.get(n, ()) if i not in todo]
            for use in item.uses:
                if use.kind is UseKind.TYPING or use.name == name:
                    continue
                if _dotted((selected.module, use.name)) in patched:
                    continue
                origin = self.clients.resolver.bound(selected.module, use.name)
                is_own = origin is None or origin.module == selected.module
                if origin is not None and not is_own and self._reach.reaches(origin.module, selected.module):
                    return None
                todo += [i for i in by_name.get(use.name, ()) if i not in todo and not i.is_import]
        return [item for item in todo if _looks_up(item, name)]

    def _registered(self, selected: SourceSelection) -> Mapping[str, tuple[Item, ...]]:
        module = selected.module
        if module not in self._registrations:
            self._registrations[module] = registrations(selected.items)
        return self._registrations[module]

    def _is_filled_there(self, selected: SourceSelection, name: str, reach: Reach) -> bool:
        """Whether items register with a variable of another module that the code around a patch refers to."""
        target = self.clients.resolver.bound(selected.module, name)
        if target is None or target.module == selected.module or target.module not in reach.modules:
            return False
        record = self.clients.index.files[self.clients.index.modules[target.module]]
        kinds = {d.kind for d in record.definitions if d.name == target.name}
        return DefinitionKind.VARIABLE in kinds

    def _places(self, selected: SourceSelection, name: str, users: Iterable[Item]) -> dict[NewName, bool]:
        """Where some items of a module come to look a name up, and whether they have its plain name there."""
        here = selected.module, name
        moved = selected.names.get(name)
        goes = {selected.items.movable[n]: target for n, target in selected.goes.items()}
        own = selected.items.by_name[name]
        places: dict[NewName, bool] = {}
        for item in users:
            if item in own:
                continue
            target = goes.get(item, selected.module)
            if target == selected.module:
                places[here] = True
            elif moved is not None and moved[0] == target:
                places[moved] = True
            else:
                place = target, name
                places[place] = places.get(place, True) and self._is_free(target, here, moved)
        return places

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
                if mine is not None and (mine.module, mine.name) == (module, other.names_to((target, name))):
                    # Imported here from the module that brings it there.
                    return True
                return moved is not None and moved == (target, name)
        for module, other in self.selection.sources.items():
            meets = module != here[0] and target in other.goes.values() and name in other.items.by_name
            if meets and name not in other.names and resolver.bound(module, name) != mine:
                # Both bring an import of that name: one of them gets an alias.
                return False
        if target not in self.clients.index.modules or not resolver.is_bound(target, name):
            return True
        there = resolver.bound(target, name)
        return there is not None and there == mine

    def _patches(self, path: str) -> bool:
        if path not in self._patching:
            self._patching[path] = PATCHING.search(decode(self.clients.read(path)).text) is not None
        return self._patching[path]

    def _report_others(
        self, selected: SourceSelection, name: str, places: Mapping[NewName, bool], rest: NewName
    ) -> None:
        """Report what patches a name in other words, and cannot follow, where it does not stay right."""
        here = selected.module, name
        for patch in self._calls.of(*here):
            chosen = self._looked_up(patch.path, patch.line, selected, name)
            if chosen != {rest: True}:
                self._report(patch.path, patch.line, f"patches {name} of {here[0]}", set(places))

    def _report(self, path: str, line: int, what: str, places: set[NewName]) -> None:
        where = " and as ".join(sorted(_dotted(p) for p in places))
        self.findings.append(
            Finding(
                code="SYMBOL008",
                severity="error",
                path=path,
                line=line,
                message=f"{what}, which is looked up as {where} after the move",
                mend="keep what looks it up in one module, or accept it with --allow SYMBOL008 and patch it "
                "there afterwards",
            )
        )


def _dotted(name: NewName) -> str:
    return f"{name[0]}.{name[1]}"


def _looks_up(item: Item, name: str) -> bool:
    return any(u.name == name and u.kind is UseKind.DEFERRED for u in item.uses)


def _begins(text: str, names: frozenset[str]) -> bool:
    text = text.strip("\"'").replace(":", ".")
    return any(text == name or text.startswith(name + ".") for name in names)
