"""Whether the migration manifest is good enough for phase 1.

Source: migration plan, phase 0, "Exit Criteria".
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from analyzers.migration_manifest import ManifestRow, Status


class Gate(msgspec.Struct, frozen=True):
    """One check: its name, whether it passed, and what was found, as a sentence."""

    name: str
    passed: bool
    detail: str


def manifest_gates(rows: Sequence[ManifestRow], expected: int | None) -> tuple[Gate, ...]:
    """The gates of phase 0; without an `expected` number of rows, any number will do.

    Rows that were carried out or that a person skipped need no source.
    """
    settled = (Status.MOVED, Status.SKIPPED, Status.DELETE_DUPLICATE)
    missing = [row.migration_id for row in rows if row.status is Status.UNRESOLVED]
    unhashed = [row.migration_id for row in rows if not row.hash_before and row.status not in settled]
    unhashed = [number for number in unhashed if number not in missing]
    twice = len(rows) - len({row.migration_id for row in rows})
    count = f"{len(rows)} rows" + ("" if expected is None else f", {expected} expected")
    return (
        Gate("COUNT", expected is None or len(rows) == expected, count),
        Gate("FILES_EXIST", not missing, _listed(missing, "row is unresolved", "rows are unresolved")),
        Gate("NO_DUPLICATE_IDS", not twice, f"{twice} ids occur twice"),
        Gate("HASHED", not unhashed, _listed(unhashed, "row has no hash", "rows have no hash")),
    )


def _listed(ids: list[str], one: str, many: str) -> str:
    if not ids:
        return f"0 {many}"
    shown = ", ".join(ids[:10]) + ("" if len(ids) <= 10 else f" and {len(ids) - 10} more")
    return f"{len(ids)} {one if len(ids) == 1 else many}: {shown}"
