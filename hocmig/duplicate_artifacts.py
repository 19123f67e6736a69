"""Renders the artifacts of P5: the pair rows, the candidates for consolidation, the summary.

Columns: the migration plan, Phase 5; further columns stand at the right end. A location is `-` for a whole
file, else `FIRST-LAST` (1-based lines, both included).
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from analyzers.duplicates.duplicate_model import (
    CloneGroup,
    CloneKind,
    ClonePair,
    Note,
    Place,
    SuppressionMark,
)
from analyzers.duplicates.ranking import RankedGroup, Surroundings, drifted_pairs, recommend_pair
from analyzers.duplicates.suppression import AcceptedGroup

REPORT_NAME = "PHASE5_DUPLICATE_REPORT.csv"
SUMMARY_NAME = "PHASE5_DUPLICATE_SUMMARY.md"
CANDIDATES_NAME = "PHASE5_CONSOLIDATION_CANDIDATES.csv"

REPORT_COLUMNS = (
    *("duplicate_id", "type", "domain_a", "file_a", "location_a", "domain_b", "file_b", "location_b"),
    *("similarity_pct", "recommendation"),
    *(
        "group_id",
        "name_a",
        "name_b",
        "renamed",
        "edited",
        "canonical",
        "confidence_pct",
        "saved_loc",
        "reason",
        "varied",
        "signature",
    ),
)
CANDIDATE_COLUMNS = (
    *("candidate_id", "duplicate_ids", "canonical_location", "delete_locations", "estimated_savings_loc"),
    *("type", "recommendation", "canonical_name", "delete_names", "group_ids", "confidence_pct", "reason"),
)
_FILES = (CloneKind.EXACT_FILE, CloneKind.EQUIVALENT_FILE)
_SHOWN = 30
_ALL_PAIRS = 6


class NumberedGroup(msgspec.Struct, frozen=True):
    """A judged group with its number (`G001`) and the numbers of its pairs (`D001`...), in the order of the
    pairs.
    """

    group_id: str
    ranked: RankedGroup
    pairs: tuple[ClonePair, ...]
    duplicate_ids: tuple[str, ...]


class SummaryFacts(msgspec.Struct, frozen=True):
    """What the summary tells besides the groups."""

    files: int
    lines: int
    scope: str
    modes: tuple[str, ...]
    accepted: int
    marked: int
    notes: tuple[Note, ...]
    stale_entries: tuple[AcceptedGroup, ...]
    stale_marks: tuple[SuppressionMark, ...]
    unexplained: tuple[SuppressionMark, ...]


def number_groups(ranked: Sequence[RankedGroup]) -> list[NumberedGroup]:
    """Returns the groups numbered in the order given, their pairs counted through."""
    out = []
    count = 0
    for n, one in enumerate(ranked, 1):
        pairs = pairs_written(one)
        ids = tuple(f"D{count + k:03d}" for k in range(1, len(pairs) + 1))
        count += len(ids)
        out.append(NumberedGroup(f"G{n:03d}", one, pairs, ids))
    return out


def pairs_written(ranked: RankedGroup) -> tuple[ClonePair, ...]:
    """Returns the pairs of a group that become rows: all of a small group; else one for each copy.

    That is the pair with the canonical copy, or the most alike one where those two were not compared.
    """
    group = ranked.group
    if len(group.places) <= _ALL_PAIRS:
        return group.pairs
    best: dict[int, ClonePair] = {}
    for pair in sorted(
        group.pairs, key=lambda p: (ranked.canonical not in (p.a, p.b), -p.similarity, p.a, p.b)
    ):
        for place in (pair.a, pair.b):
            if place != ranked.canonical:
                best.setdefault(place, pair)
    return tuple(sorted(set(best.values()), key=lambda p: (p.a, p.b)))


def report_rows(groups: Sequence[NumberedGroup], around: Surroundings) -> list[tuple[object, ...]]:
    """Returns one row per compared pair."""
    rows: list[tuple[object, ...]] = []
    for one in groups:
        group, ranked = one.ranked.group, one.ranked
        for duplicate_id, pair in zip(one.duplicate_ids, one.pairs, strict=True):
            a, b = group.places[pair.a], group.places[pair.b]
            rows.append(
                (
                    duplicate_id,
                    group.kind.value,
                    around.domain_of(a.path),
                    a.path,
                    _lines(group.kind, pair.first_a, pair.last_a),
                    around.domain_of(b.path),
                    b.path,
                    _lines(group.kind, pair.first_b, pair.last_b),
                    _percent(pair.similarity),
                    recommend_pair(ranked, pair, around),
                    one.group_id,
                    a.name,
                    b.name,
                    _yes(pair.renamed),
                    _yes(pair.edited),
                    location(group.kind, group.places[ranked.canonical]),
                    _percent(ranked.confidence),
                    _saved(group, pair),
                    ranked.reason,
                    _yes(pair.varied),
                    pair.signature,
                )
            )
    return rows


def candidate_rows(groups: Sequence[NumberedGroup]) -> list[tuple[object, ...]]:
    """Returns one row per group: what stays, what can go, and how much that saves."""
    rows: list[tuple[object, ...]] = []
    for n, one in enumerate(groups, 1):
        ranked, group = one.ranked, one.ranked.group
        others = [p for k, p in enumerate(group.places) if k != ranked.canonical]
        rows.append(
            (
                f"C{n:03d}",
                ",".join(one.duplicate_ids),
                location(group.kind, group.places[ranked.canonical]),
                ",".join(location(group.kind, p) for p in others),
                ranked.saved_lines,
                group.kind.value,
                ranked.recommendation,
                group.places[ranked.canonical].name,
                ",".join(p.name for p in others),
                one.group_id,
                _percent(ranked.confidence),
                ranked.reason,
            )
        )
    return rows


def location(kind: CloneKind, place: Place) -> str:
    """Returns `path` for a file, else `path:FIRST-LAST`."""
    return place.path if kind in _FILES else f"{place.path}:{place.first}-{place.last}"


def render_summary(groups: Sequence[NumberedGroup], facts: SummaryFacts, around: Surroundings) -> str:
    """Returns the summary in Markdown: totals, the largest findings, drifted copies, what was left out."""
    lines = [
        "# Phase 5: duplicates",
        "",
        f"Compared: {facts.files} files, {facts.lines} lines; scope `{facts.scope}`;"
        f" modes {', '.join(facts.modes)}.",
        "",
        "| Type | Groups | Copies | Lines that consolidating saves (estimated) |",
        "|------|--------|--------|------|",
    ]
    for kind in CloneKind:
        of_kind = [g.ranked for g in groups if g.ranked.group.kind is kind]
        copies = sum(len(r.group.places) for r in of_kind)
        saved = sum(r.saved_lines for r in of_kind)
        lines.append(f"| {kind.value} | {len(of_kind)} | {copies} | {saved} |")
    lines += ["", "## Recommendations", "", "| Recommendation | Groups |", "|------|------|"]
    counts: dict[str, int] = {}
    for g in groups:
        counts[g.ranked.recommendation] = counts.get(g.ranked.recommendation, 0) + 1
    lines += [f"| {name} | {count} |" for name, count in sorted(counts.items())]
    lines += ["", "## Largest findings", ""]
    for one in groups[:_SHOWN]:
        lines += _finding(one, around)
    if len(groups) > _SHOWN:
        lines += [f"{len(groups) - _SHOWN} more are in {REPORT_NAME}.", ""]
    drifted = [(g, pairs) for g in groups if (pairs := drifted_pairs(g.ranked))]
    lines += ["## Drifted copies", ""]
    lines += ["The same names, but statements differ: one may have been mended and the other not.", ""]
    lines += [
        f"- {g.group_id} ({_percent(g.ranked.group.similarity)} %): "
        + ", ".join(
            f"`{location(g.ranked.group.kind, p)}`"
            for p in (g.ranked.group.places[n] for n in sorted({n for pair in pairs for n in pair})[:5])
        )
        for g, pairs in drifted[:_SHOWN]
    ]
    if len(drifted) > _SHOWN:
        lines.append(f"- and {len(drifted) - _SHOWN} more: `edited` and not `renamed` in {REPORT_NAME}")
    lines += ["", "## Accepted and left out", ""]
    lines.append(f"- {facts.accepted} groups accepted by the baseline, {facts.marked} changed by comments")
    for entry in facts.stale_entries:
        lines.append(f"- stale entry of the baseline: {entry.fingerprint} {', '.join(entry.places)}")
    lines += [f"- stale comment: {m.path}:{m.line}" for m in facts.stale_marks]
    lines += [f"- comment without a reason, not honoured: {m.path}:{m.line}" for m in facts.unexplained]
    lines += [f"- {n.path}: {n.message}" if n.path else f"- {n.message}" for n in facts.notes]
    return "\n".join(lines).rstrip() + "\n"


def _finding(one: NumberedGroup, around: Surroundings) -> list[str]:
    ranked, group = one.ranked, one.ranked.group
    facts = [f"{_percent(group.similarity)} % alike", f"saves {ranked.saved_lines} lines"]
    facts += ["renamed"] if group.renamed else []
    facts += ["edited"] if group.edited else []
    facts += ["the same signature"] if group.has_one_signature else []
    facts += ["literals or called names vary"] if group.varied else []
    if group.kind is CloneKind.CLASS:
        facts.append(f"{_percent(group.equal_members)} % of the members equal")
    out = [f"### {one.group_id} {group.kind.value}: {ranked.recommendation}", "", ", ".join(facts) + ".", ""]
    for n, place in enumerate(group.places[:_SHOWN]):
        domain = around.domain_of(place.path)
        out.append(
            f"- `{location(group.kind, place)}`"
            + (f" {place.name}" if place.name else "")
            + (f" ({domain})" if domain else "")
            + (f": stays, {ranked.reason}" if n == ranked.canonical else "")
        )
    if len(group.places) > _SHOWN:
        out.append(f"- and {len(group.places) - _SHOWN} more")
    return [*out, *(f"- {relation}" for relation in ranked.relations[:5]), ""]


def _lines(kind: CloneKind, first: int, last: int) -> str:
    return "-" if kind in _FILES else f"{first}-{last}"


def _saved(group: CloneGroup, pair: ClonePair) -> int:
    return round(pair.similarity * group.code_lines)


def _percent(share: float) -> int:
    return int(100 * share + 0.5)


def _yes(claim: bool) -> str:
    return "YES" if claim else "NO"
