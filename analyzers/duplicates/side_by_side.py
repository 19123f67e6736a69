"""Sets two copies side by side, row by row, with the rows that differ marked."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from rapidfuzz.distance import LCSseq

MAX_ROWS = 2_000


class SideRow(msgspec.Struct, frozen=True):
    """One row of the view.

    `mark`: `=` equal but for spaces, `~` changed, `-` only on the left, `+` only on the right. Line numbers
    are 1-based, 0 where a side has no line.
    """

    mark: str
    line_a: int
    text_a: str
    line_b: int
    text_b: str


def side_by_side(
    rows_a: Sequence[str], first_a: int, rows_b: Sequence[str], first_b: int
) -> tuple[SideRow, ...]:
    """Returns the rows of two copies, aligned; rows beyond MAX_ROWS of a side are left out.

    Args:
        rows_a: the lines of the left copy; `first_a` is the number of the first one. The same for b.
    """
    rows_a, rows_b = rows_a[:MAX_ROWS], rows_b[:MAX_ROWS]
    keys = [" ".join(r.split()) for r in rows_a], [" ".join(r.split()) for r in rows_b]
    out: list[SideRow] = []
    for code in LCSseq.opcodes(*keys):
        left = range(code.src_start, code.src_end)
        right = range(code.dest_start, code.dest_end)
        if code.tag == "equal":
            out.extend(
                SideRow("=", first_a + i, rows_a[i], first_b + j, rows_b[j])
                for i, j in zip(left, right, strict=True)
            )
            continue
        out.extend(SideRow("-", first_a + i, rows_a[i], 0, "") for i in left)
        out.extend(SideRow("+", 0, "", first_b + j, rows_b[j]) for j in right)
    return tuple(_paired(out))


def differing_rows(rows: Sequence[SideRow]) -> tuple[SideRow, ...]:
    """Returns the rows that differ, without those where only blank lines do."""
    return tuple(r for r in rows if r.mark != "=" and (r.text_a.strip() or r.text_b.strip()))


def _paired(rows: Sequence[SideRow]) -> list[SideRow]:
    """Puts removed and added rows that meet on one row each: a changed line."""
    out: list[SideRow] = []
    n = 0
    while n < len(rows):
        if rows[n].mark == "=":
            out.append(rows[n])
            n += 1
            continue
        end = n
        while end < len(rows) and rows[end].mark != "=":
            end += 1
        gone = [r for r in rows[n:end] if r.mark == "-"]
        new = [r for r in rows[n:end] if r.mark == "+"]
        for a, b in zip(gone, new, strict=False):
            out.append(SideRow("~", a.line_a, a.text_a, b.line_b, b.text_b))
        common = min(len(gone), len(new))
        out.extend(gone[common:] or new[common:])
        n = end
    return out
