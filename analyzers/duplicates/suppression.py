"""Takes accepted duplicates out of a report: by comments in the code and by a baseline file.

A comment `# hocmig: not-a-duplicate (reason)` inside a copy, or up to three lines above it, takes that copy
out of its group; in the first ten lines of a file it also covers the file as a whole. The reason is required.
A baseline lists groups by fingerprint, which does not depend on line numbers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import msgspec

from analyzers.duplicates.duplicate_model import CloneGroup, CloneKind, Place, SuppressionMark

_REASON = re.compile(r"\(\s*(\S.*?)\s*\)")
_ABOVE = 3
_HEAD = 10
BASELINE_VERSION = 1


class AcceptedGroup(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One accepted group: its fingerprint, and for people its kind, where it was and why it is accepted."""

    fingerprint: str
    kind: CloneKind
    places: tuple[str, ...]
    reason: str = ""


class Baseline(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The baseline file, as JSON; `search` says in words what was searched for when it was written."""

    accepted: tuple[AcceptedGroup, ...] = ()
    version: int = BASELINE_VERSION
    search: str = ""


@dataclass(frozen=True, slots=True)
class Suppressed:
    """What is left, and what the suppressions did.

    `groups` are reported. `accepted` counts groups taken out by the baseline, `marked` groups taken out or
    made smaller by comments. `stale_entries` and `stale_marks` match nothing any more; `unexplained` have no
    reason and are not honoured.
    """

    groups: tuple[CloneGroup, ...]
    accepted: int
    marked: int
    stale_entries: tuple[AcceptedGroup, ...]
    stale_marks: tuple[SuppressionMark, ...]
    unexplained: tuple[SuppressionMark, ...]


def suppress(
    groups: Sequence[CloneGroup],
    marks: Iterable[SuppressionMark],
    baseline: Baseline,
    *,
    complete: bool = True,
    complete_marks: bool = True,
) -> Suppressed:
    """Returns the groups that neither a comment nor the baseline accepts; the order is kept.

    `complete` says that everything was searched for that the entries of the baseline may be meant for, and
    `complete_marks` the same for comments; else none of them is called stale.
    """
    by_path: dict[str, list[SuppressionMark]] = {}
    unexplained = []
    for mark in sorted(marks):
        if _REASON.search(mark.text):
            by_path.setdefault(mark.path, []).append(mark)
        else:
            unexplained.append(mark)
    used: set[SuppressionMark] = set()
    known = {entry.fingerprint: entry for entry in baseline.accepted}
    matched: set[str] = set()
    left = []
    accepted = marked = 0
    for group in groups:
        if group.fingerprint in known:
            matched.add(group.fingerprint)
            accepted += 1
            continue
        smaller = _without_marked(group, by_path, used)
        marked += smaller is not group
        if smaller is not None:
            left.append(smaller)
    return Suppressed(
        groups=tuple(left),
        accepted=accepted,
        marked=marked,
        stale_entries=tuple(e for e in baseline.accepted if complete and e.fingerprint not in matched),
        stale_marks=tuple(m for ms in by_path.values() for m in ms if complete_marks and m not in used),
        unexplained=tuple(unexplained),
    )


def baseline_of(groups: Sequence[CloneGroup], old: Baseline, search: str = "") -> Baseline:
    """Returns a baseline that accepts exactly these groups; reasons of the old one are kept."""
    reasons = {entry.fingerprint: entry.reason for entry in old.accepted}
    entries = {
        group.fingerprint: AcceptedGroup(
            group.fingerprint,
            group.kind,
            tuple(f"{p.path}::{p.name}" if p.name else p.path for p in group.places),
            reasons.get(group.fingerprint, ""),
        )
        for group in groups
    }
    ordered = sorted(entries.values(), key=lambda e: (e.kind.value, e.places, e.fingerprint))
    return Baseline(tuple(ordered), search=search)


def _without_marked(
    group: CloneGroup, marks: dict[str, list[SuppressionMark]], used: set[SuppressionMark]
) -> CloneGroup | None:
    kept = []
    for n, place in enumerate(group.places):
        hits = [m for m in marks.get(place.path, ()) if _covers(m, place, group.kind)]
        used.update(hits)
        if not hits:
            kept.append(n)
    if len(kept) == len(group.places):
        return group
    numbers = {old: new for new, old in enumerate(kept)}
    pairs = tuple(
        msgspec.structs.replace(p, a=numbers[p.a], b=numbers[p.b])
        for p in group.pairs
        if p.a in numbers and p.b in numbers
    )
    if len(kept) < 2 or not pairs:
        return None
    return msgspec.structs.replace(group, places=tuple(group.places[n] for n in kept), pairs=pairs)


def _covers(mark: SuppressionMark, place: Place, kind: CloneKind) -> bool:
    if kind in (CloneKind.EXACT_FILE, CloneKind.EQUIVALENT_FILE):
        return mark.line <= _HEAD
    return place.first - _ABOVE <= mark.line <= place.last
