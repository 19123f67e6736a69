"""Shows duplicates to people: a table of findings, and two copies side by side; and the JSON document."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from analyzers.duplicates.duplicate_model import CloneKind, Place
from analyzers.duplicates.logical_lines import decode_source, split_rows
from analyzers.duplicates.ranking import drifted_pairs
from analyzers.duplicates.side_by_side import SideRow, differing_rows, side_by_side
from analyzers.errors import InputError
from hocmig.duplicate_artifacts import NumberedGroup, SummaryFacts, location

if TYPE_CHECKING:
    from hocmig.phases.p5_duplicates import DuplicatesResult

_DRIFT_ROWS = 40
_NARROWEST = 60
_PLACES = 4
_FOLDS = 12


class ShownPlace(msgspec.Struct, frozen=True):
    """One copy in the JSON document; lines are 1-based."""

    path: str
    first: int
    last: int
    name: str
    domain: str
    canonical: bool


class Drift(msgspec.Struct, frozen=True):
    """The rows in which a copy differs from another, at most 40; `base_path` and `base_first` are side a.

    That is the canonical copy, unless only two others have drifted apart.
    """

    path: str
    first: int
    rows: tuple[SideRow, ...]
    base_path: str
    base_first: int


class ShownGroup(msgspec.Struct, frozen=True):
    """One finding in the JSON document."""

    group_id: str
    type: str
    fingerprint: str
    similarity: float
    renamed: bool
    edited: bool
    varied: bool
    recommendation: str
    reason: str
    saved_lines: int
    confidence: float
    equal_members: float
    places: tuple[ShownPlace, ...]
    duplicate_ids: tuple[str, ...]
    relations: tuple[str, ...]
    drift: tuple[Drift, ...]
    same_signature: bool = False


class DuplicatesDocument(msgspec.Struct, frozen=True):
    """The result of `hocmig --json duplicates`."""

    phase: str
    facts: SummaryFacts
    candidates: int
    groups: tuple[ShownGroup, ...]
    artifacts: tuple[str, ...]


def document_of(result: DuplicatesResult, root: Path) -> DuplicatesDocument:
    """Returns the JSON document; reads the drifted copies from the tree."""
    return DuplicatesDocument(
        phase="P5",
        facts=result.facts,
        candidates=result.candidates,
        groups=tuple(_shown(one, result, root) for one in result.groups),
        artifacts=result.written,
    )


def rendered_findings(result: DuplicatesResult, limit: int) -> str:
    """Returns the findings as text: one head line each, then the copies, the one that stays first."""
    out = []
    for one in result.groups[:limit]:
        ranked, group = one.ranked, one.ranked.group
        states = (("renamed", group.renamed), ("edited", group.edited), ("varied", group.varied))
        state = "".join(f", {word}" for word, on in states if on)
        out.append(
            f"{one.group_id}  {group.kind.value}  {len(group.places)} copies,"
            f" {100 * group.similarity:.0f} %{state}, saves {ranked.saved_lines} lines:"
            f" {ranked.recommendation}"
        )
        places = [group.places[ranked.canonical]]
        places += [p for n, p in enumerate(group.places) if n != ranked.canonical]
        for n, place in enumerate(places[:_PLACES]):
            reason = f"  (stays: {ranked.reason})" if n == 0 else ""
            out.append(f"      {location(group.kind, place)}{' ' + place.name if place.name else ''}{reason}")
        if len(places) > _PLACES:
            out.append(f"      and {len(places) - _PLACES} more")
    if len(result.groups) > limit:
        out.append(f"and {len(result.groups) - limit} more findings")
    return "\n".join(out)


def rendered_group(one: NumberedGroup, root: Path, width: int | None = None) -> str:
    """Returns the canonical copy beside each other copy, differing rows marked `~`, `-`, `+`.

    What has drifted comes first, beside the copy it drifted from.

    Args:
        one: the group. root: of the repository. width: columns (default: of the terminal).
    """
    ranked, group = one.ranked, one.ranked.group
    stays = group.places[ranked.canonical]
    columns = max(_NARROWEST, width or shutil.get_terminal_size((120, 40)).columns)
    half = (columns - 17) // 2
    out = [f"{one.group_id} {group.kind.value} {ranked.recommendation}: {stays.path} stays, {ranked.reason}"]
    drifted = drifted_pairs(ranked)
    others = [(ranked.canonical, n) for n in range(len(group.places)) if n != ranked.canonical]
    for a, b in (*drifted, *(pair for pair in others if pair not in drifted)):
        left, right = group.places[a], group.places[b]
        out += ["", f"    {location(group.kind, left)}  |  {location(group.kind, right)}"]
        if group.kind is CloneKind.EXACT_FILE:
            out.append("    equal, byte for byte")
            continue
        for row in _dedented(rows_of(left, right, root)):
            out.extend(_lines(row, half))
    return "\n".join(out) + "\n"


def rows_of(left: Place, right: Place, root: Path) -> tuple[SideRow, ...]:
    """Returns two copies side by side.

    Raises:
        InputError: a file cannot be read any more.
    """
    return side_by_side(_text(left, root), left.first, _text(right, root), right.first)


def _shown(one: NumberedGroup, result: DuplicatesResult, root: Path) -> ShownGroup:
    ranked, group = one.ranked, one.ranked.group
    drift = []
    for base, other in drifted_pairs(ranked):
        left, right = group.places[base], group.places[other]
        rows = differing_rows(rows_of(left, right, root))
        drift.append(Drift(right.path, right.first, rows[:_DRIFT_ROWS], left.path, left.first))
    return ShownGroup(
        group_id=one.group_id,
        type=group.kind.value,
        fingerprint=group.fingerprint,
        similarity=group.similarity,
        renamed=group.renamed,
        edited=group.edited,
        varied=group.varied,
        recommendation=ranked.recommendation,
        reason=ranked.reason,
        saved_lines=ranked.saved_lines,
        confidence=ranked.confidence,
        equal_members=group.equal_members,
        places=tuple(
            ShownPlace(
                p.path, p.first, p.last, p.name, result.around.domain_of(p.path), n == ranked.canonical
            )
            for n, p in enumerate(group.places)
        ),
        duplicate_ids=one.duplicate_ids,
        relations=ranked.relations,
        drift=tuple(drift),
        same_signature=group.has_one_signature,
    )


def _text(place: Place, root: Path) -> list[str]:
    try:
        data = (root / place.path).read_bytes()
    except OSError as error:
        raise InputError(place.path, 0, f"cannot be read: {error.strerror}", "search again") from error
    return split_rows(decode_source(data))[place.first - 1 : place.last]


def _dedented(rows: Sequence[SideRow]) -> list[SideRow]:
    """The rows without the indentation that all rows of a side have: a method may be a copy of a function."""
    margins = []
    for texts in ([row.text_a for row in rows], [row.text_b for row in rows]):
        depths = [len(t) - len(t.lstrip(" ")) for t in texts if t.strip()]
        margins.append(min(depths, default=0))
    return [
        msgspec.structs.replace(row, text_a=row.text_a[margins[0] :], text_b=row.text_b[margins[1] :])
        for row in rows
    ]


def _lines(row: SideRow, width: int) -> list[str]:
    """One row as lines of the terminal: what differs is folded and shown to its end, what is equal is cut."""
    if row.mark == "=":
        cells = [(_cut(row.text_a, width), _cut(row.text_b, width))]
        mark = " "
    else:
        cells = list(zip_longest(_folded(row.text_a, width), _folded(row.text_b, width), fillvalue=""))
        mark = row.mark
    out = []
    for n, (a, b) in enumerate(cells):
        numbers = (row.line_a or "", row.line_b or "") if n == 0 else ("", "")
        out.append(f"{numbers[0]:>6} {a:<{width}} {mark} {numbers[1]:>6} {b}".rstrip())
    return out


def _cut(text: str, width: int) -> str:
    plain = _plain(text)
    return plain[: width - 1] + "…" if len(plain) > width else plain


def _folded(text: str, width: int) -> list[str]:
    """The text in pieces of at most `width` characters; further pieces keep the indentation where it fits."""
    plain = _plain(text)
    indent = min(len(plain) - len(plain.lstrip()) + 2, width // 2)
    pieces = [plain[:width]]
    rest = plain[width:]
    while rest and len(pieces) < _FOLDS:
        pieces.append(" " * indent + rest[: width - indent])
        rest = rest[width - indent :]
    if rest:
        pieces[-1] = pieces[-1][:-1] + "…"
    return pieces


def _plain(text: str) -> str:
    return "".join(c if c.isprintable() else " " for c in text.expandtabs(4))
