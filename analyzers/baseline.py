"""Accepted violations in a text file: one per line, sorted, without line numbers, so that git can merge it.

    LAYER001 app/logs/L6_drivers/store.py -> app/logs/L5_engines/chronicle.py
    CYCLE001 app/a.py <-> app/b.py

An entry is a code and one or more parts, mostly paths; ` -> ` stands between importer and imported, ` <-> `
between the members of a cycle. Lines that begin with `#` are comments; they stay at the top.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from analyzers.errors import InputError
from analyzers.relocation_map import RelocationMap

HEADER = (
    "# Accepted violations, one per line: they do not fail the checks; new ones do.",
    "# Sorted; a merge may keep both sides. Lines that are no longer true are reported as stale.",
)

CYCLE = "CYCLE001"

_CODE = re.compile(r"[A-Z]{2,10}-?[0-9]{3}")
_SEPARATOR = re.compile(r" (?:<->|->) ")
_MARKERS = ("<<<<<<< ", ">>>>>>> ", "||||||| ")


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a baseline says about the violations that were found: keys, sorted.

    `stale` are entries for which nothing was found any more.
    """

    new: tuple[str, ...]
    accepted: tuple[str, ...]
    stale: tuple[str, ...]


def cycle_entry(members: Iterable[str]) -> str:
    """The entry that accepts a cycle of these paths."""
    return f"{CYCLE} {' <-> '.join(sorted(members))}"


def parse_baseline(content: bytes, name: str) -> dict[str, int]:
    """The entries of a baseline with their 1-based lines, in the order of the file.

    Raises:
        InputError: not UTF-8, conflict markers, or a line that is no entry.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        place = content.count(b"\n", 0, error.start) + 1
        raise InputError(name, place, "is not UTF-8", "save it as UTF-8") from error
    entries: dict[str, int] = {}
    for number, line in enumerate(text.splitlines(), 1):
        entry = line.strip()
        if line.startswith(_MARKERS) or entry == "=======":
            raise InputError(
                name, number, "holds conflict markers of a merge", "keep the entries of both sides"
            )
        if not entry or entry.startswith("#"):
            continue
        code, _, rest = entry.partition(" ")
        if not _CODE.fullmatch(code) or not rest.strip():
            raise InputError(
                name, number, f"is no entry: {entry[:80]!r}", "write `CODE path`, or remove the line"
            )
        entries.setdefault(entry, number)
    return entries


def render_baseline(entries: Iterable[str], comments: Iterable[str] = HEADER) -> str:
    """The text of a baseline: comments, then the entries, sorted, each once."""
    return "".join(f"{line}\n" for line in (*comments, *sorted(set(entries))))


def judge(found: Iterable[str], accepted: Iterable[str]) -> Judgement:
    """Compare what was found with what is accepted.

    A cycle is accepted when all of its members are members of one accepted cycle, so that a knot that becomes
    smaller is not new.
    """
    present, known = set(found), set(accepted)
    knots = [(entry, _members(entry)) for entry in known if entry.startswith(CYCLE + " ")]
    used: set[str] = set()
    new = []
    for key in sorted(present):
        if key in known:
            used.add(key)
            continue
        wider = ""
        if key.startswith(CYCLE + " "):
            wider = next((entry for entry, members in sorted(knots) if _members(key) <= members), "")
        if wider:
            used.add(wider)
        else:
            new.append(key)
    taken = present - set(new)
    return Judgement(tuple(new), tuple(sorted(taken)), tuple(sorted(known - used)))


def relocate_baseline(text: str, relocations: RelocationMap) -> str:
    """The baseline after a move: the paths in its entries are the new ones, so that old debt is not new.

    Comments stay; entries are sorted again. A text in which nothing moved comes back as it was, byte for
    byte, and so does one with conflict markers.
    """
    return _rewritten(text, lambda part: relocations.path(part) or part)


def _rewritten(text: str, new_place: Callable[[str], str]) -> str:
    comments: list[str] = []
    entries: list[str] = []
    changed = False
    for line in text.splitlines():
        if line.startswith(_MARKERS):
            return text
        entry = line.strip()
        if not entry or entry.startswith("#"):
            comments += [line] if entry else []
            continue
        code, _, rest = entry.partition(" ")
        is_cycle = " <-> " in rest
        separator = " <-> " if is_cycle else " -> "
        if not rest:
            entries.append(entry)
            continue
        parts = [part.strip() for part in _SEPARATOR.split(rest)]
        moved = [new_place(part) for part in parts]
        changed = changed or moved != parts
        entries.append(f"{code} {separator.join(sorted(moved) if is_cycle else moved)}")
    return render_baseline(entries, comments) if changed else text


def _members(entry: str) -> frozenset[str]:
    return frozenset(entry.partition(" ")[2].split(" <-> "))
