"""The duplicates of the report: the groups of P5's table, of each two copies beside each other."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from analyzers.csv_table import read_csv
from analyzers.duplicates.logical_lines import decode_source, split_rows
from analyzers.duplicates.side_by_side import SideRow, side_by_side
from hocmig.duplicate_artifacts import REPORT_NAME
from hocmig.phases.p6_consolidate import CANDIDATES_NAME, LOG_COLUMNS, LOG_NAME
from hocmig.report.report_facts import DuplicateFacts
from hocmig.workspace import Workspace

_COLUMNS = (
    *("duplicate_id", "type", "file_a", "location_a", "file_b", "location_b", "similarity_pct"),
    *("recommendation", "group_id", "canonical", "saved_loc", "reason"),
)
_CANDIDATE_COLUMNS = ("candidate_id", "delete_locations", "group_ids")
_MAX_BYTES = 1 << 20

#: Beyond these nobody reads on; the table names all groups.
_SHOWN_GROUPS = 150


def merged_groups(workspace: Workspace) -> frozenset[str]:
    """The groups that P6 carried out and nobody took back: all of their candidates are in its log.

    Candidates are numbered anew by each run of P5, so their copies must agree, too.

    Raises:
        InputError: a table is malformed.
    """
    log, candidates = workspace.artifacts / LOG_NAME, workspace.artifacts / CANDIDATES_NAME
    if not (log.is_file() and candidates.is_file()):
        return frozenset()
    last = {row["candidate_id"]: row for _, row in read_csv(log, LOG_COLUMNS[:7], shown_as=LOG_NAME)}
    done: dict[str, bool] = {}
    for _, row in read_csv(candidates, _CANDIDATE_COLUMNS, shown_as=CANDIDATES_NAME):
        entry = last.get(row["candidate_id"], {})
        is_done = entry.get("status") == "SUCCESS" and entry["deleted_paths"] == row["delete_locations"]
        for group in row["group_ids"].split(","):
            done[group] = done.get(group, True) and is_done
    return frozenset(group for group, is_done in done.items() if is_done)


def duplicate_facts(
    workspace: Workspace, merged: frozenset[str] = frozenset()
) -> tuple[DuplicateFacts, ...] | None:
    """The groups of PHASE5_DUPLICATE_REPORT.csv in their order; None when P5 was not run.

    Args:
        merged: the groups that were merged since, see `merged_groups`.

    Raises:
        InputError: the table is malformed.
    """
    path = workspace.artifacts / REPORT_NAME
    if not path.exists():
        return None
    groups: dict[str, list[dict[str, str]]] = defaultdict(list)
    for _, row in read_csv(path, _COLUMNS, shown_as=REPORT_NAME):
        groups[row["group_id"]].append(row)
    return tuple(
        _group(workspace.root, number, rows, is_shown=n < _SHOWN_GROUPS, is_merged=number in merged)
        for n, (number, rows) in enumerate(groups.items())
    )


def _group(
    root: Path, number: str, rows: list[dict[str, str]], *, is_shown: bool, is_merged: bool
) -> DuplicateFacts:
    canonical = rows[0]["canonical"]
    places: dict[str, None] = {canonical: None}
    for row in rows:
        places |= {_place(row, "a"): None, _place(row, "b"): None}
    best = _pair_to_show(rows, canonical)
    sides = ("b", "a") if _place(best, "b") == canonical else ("a", "b")
    left, right = (_place(best, side) for side in sides)
    view: tuple[SideRow, ...] = ()
    note = ""
    if is_merged:
        note = "One copy is left; its callers use the one that stays."
    elif best["type"] == "EXACT_FILE":
        note = "Equal, byte for byte."
    elif is_shown:
        texts = [_text(root, best[f"file_{side}"], best[f"location_{side}"]) for side in sides]
        if texts[0] is None or texts[1] is None:
            note = "A copy has changed its place or is gone since the duplicates were looked for."
        else:
            view = side_by_side(texts[0][1], texts[0][0], texts[1][1], texts[1][0])
    return DuplicateFacts(
        number=number,
        type=best["type"],
        recommendation=best["recommendation"],
        similarity=_number(best["similarity_pct"]),
        saved_lines=sum(
            _number(r["saved_loc"]) for r in rows if canonical in (_place(r, "a"), _place(r, "b"))
        ),
        reason=best["reason"],
        places=tuple(places),
        left=left,
        right=right,
        rows=view,
        note=note,
        is_merged=is_merged,
    )


def _pair_to_show(rows: list[dict[str, str]], canonical: str) -> dict[str, str]:
    """The pair a person must look at: two copies that drifted apart, if there are any, else the most alike
    ones; of several one with the copy that stays.
    """

    def weight(row: dict[str, str]) -> tuple[bool, bool, int]:
        has_drifted = row.get("edited") == "YES" and row.get("renamed") == "NO"
        stays = canonical in (_place(row, "a"), _place(row, "b"))
        return has_drifted, stays, _number(row["similarity_pct"])

    return max(rows, key=weight)


def _place(row: dict[str, str], side: str) -> str:
    location = row[f"location_{side}"]
    return row[f"file_{side}"] if location in ("", "-") else f"{row[f'file_{side}']}:{location}"


def _number(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 10 else 0


def _text(root: Path, path: str, location: str) -> tuple[int, list[str]] | None:
    """The first line's number and the lines of a copy; None when it cannot be read as the table says."""
    file = root / path
    try:
        if not file.resolve().is_relative_to(root.resolve()) or file.stat().st_size > _MAX_BYTES:
            return None
        lines = split_rows(decode_source(file.read_bytes()))
    except OSError:
        return None
    if location in ("", "-"):
        return 1, lines
    first, _, last = location.partition("-")
    start, end = _number(first), _number(last)
    return (start, lines[start - 1 : end]) if 0 < start <= end <= len(lines) else None
