"""Strings like `patch("a.b.f")` name where a name is looked up, not where it is defined.

When `f` leaves `a.b` and only what stays there uses it, the code goes on looking it up in `a.b`, which
imports it back: the string stays. When an import of `a.b`, or a definition that stays there, is used by moved
code alone, that code looks it up in its new module: the string follows.

Source: the import-rewriting cases 44 and 45.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from analyzers.file_rewriting import FilePlan
from analyzers.import_changes import TextEdit
from analyzers.model import Finding
from analyzers.symbol_moves.module_clients import ModuleClients
from analyzers.symbol_moves.module_items import Item, UseKind
from analyzers.symbol_moves.move_selection import MoveSelection, SourceSelection


@dataclass(frozen=True)
class LookedUpStrings:
    """`stays` are dotted names that strings keep, `follows` those that become others, in `files`."""

    stays: frozenset[str]
    follows: Mapping[str, str]
    files: frozenset[str]
    findings: tuple[Finding, ...]

    def adjusted(self, plan: FilePlan) -> FilePlan:
        """The plan of a file with its strings as they are looked up."""
        if not plan.source.text or not (self.stays or self.follows):
            return plan
        text = plan.source.text
        strings = {(s.start, s.end) for s in plan.strings}
        edits = [
            e
            for e in plan.edits
            if (e.start, e.end) not in strings or not _begins(text[e.start : e.end], self.stays)
        ]
        taken = [(e.start, e.end) for e in edits]
        for old, new in self.follows.items():
            for match in re.finditer(rf"(?<=[\"']){re.escape(old)}(?=(?:\.\w+)*[\"'])", text):
                if not any(start < match.end() and match.start() < end for start, end in taken):
                    line = text.count("\n", 0, match.start()) + 1
                    edits.append(TextEdit(match.start(), match.end(), new, line))
        edits.sort(key=lambda e: e.start)
        return plan if tuple(edits) == plan.edits else replace(plan, edits=tuple(edits))


def looked_up_strings(selection: MoveSelection, clients: ModuleClients) -> LookedUpStrings:
    """The strings that a selection of moves concerns."""
    stays: set[str] = set()
    follows: dict[str, str] = {}
    files: set[str] = set()
    findings: list[Finding] = []
    for module, selected in selection.sources.items():
        movable = selected.items.movable
        leaving = {movable[n]: target for n, target in selected.goes.items()}
        staying = [i for i in selected.items.items if i not in leaving]
        if all(i.is_import or not (i.uses or i.binds) for i in staying):
            continue
        for name in selected.names:
            own = selected.items.by_name.get(name, [])
            movers = [i for i in leaving if i not in own and _looks_up(i, name)]
            if not movers and any(_looks_up(i, name) for i in staying):
                stays.add(f"{module}.{name}")
        for name in _staying_names(selected, leaving.keys()):
            own = selected.items.by_name[name]
            goals = {target for item, target in leaving.items() if _looks_up(item, name)}
            paths = clients.patched(module, name) if goals else ()
            if not paths:
                continue
            if len(goals) == 1 and not any(_looks_up(i, name) for i in staying if i not in own):
                follows[f"{module}.{name}"] = f"{goals.pop()}.{name}"
                files.update(paths)
                continue
            for path in paths:
                findings.append(
                    Finding(
                        code="SYMBOL008",
                        severity="warning",
                        path=path,
                        message=f"a string names {module}.{name}, which moved code looks up in "
                        f"{', '.join(sorted(goals))} now",
                        mend="patch it there, too",
                    )
                )
    return LookedUpStrings(frozenset(stays), follows, frozenset(files), tuple(findings))


def _staying_names(selected: SourceSelection, leaving: Collection[Item]) -> list[str]:
    """The names of a module that do not move: imported ones, and definitions that stay."""
    return sorted(n for n, owners in selected.items.by_name.items() if not any(o in leaving for o in owners))


def _looks_up(item: Item, name: str) -> bool:
    return any(u.name == name and u.kind is not UseKind.TYPING for u in item.uses)


def _begins(text: str, names: frozenset[str]) -> bool:
    text = text.strip("\"'").replace(":", ".")
    return any(text == name or text.startswith(name + ".") for name in names)
