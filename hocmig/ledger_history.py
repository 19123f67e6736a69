"""What the ledger says has happened to a locked tree since it was locked."""

from __future__ import annotations

from analyzers.drift import RecordedChanges
from hocmig.transaction.ledger import Ledger, LedgerEntry


def changes_since_lock(
    ledger: Ledger, registry_path: str, registry_sha256: str, locked_at: str
) -> RecordedChanges:
    """Moves, deletions and approvals after the lock.

    The lock's own entry is the last one that wrote the registry with this hash, rollbacks aside (what was
    recorded before the transaction that they undo still counts); when there is none (another command wrote
    it, or the ledger was merged), the time decides, and entries of the same second count.
    """
    moved: dict[str, str] = {}
    deleted: set[str] = set()
    approved: set[tuple[str, str]] = set()
    locked: set[str] = set()
    for entry in _entries_after(ledger, registry_path, registry_sha256, locked_at):
        if entry.kind == "approval":
            approved.update(entry.subject.items())
        elif entry.kind in ("transaction", "rollback"):
            _follow(entry, moved, deleted)
            locked -= {f.path_before for f in entry.files if f.kind in ("delete", "move") and f.path_before}
            if entry.kind == "transaction" and any(f.path_after == registry_path for f in entry.files):
                locked |= {f.path_after for f in entry.files if f.kind in ("create", "move") and f.path_after}
    return RecordedChanges(moved, frozenset(deleted), frozenset(approved), frozenset(locked))


def _entries_after(
    ledger: Ledger, registry_path: str, registry_sha256: str, locked_at: str
) -> tuple[LedgerEntry, ...]:
    for number in range(len(ledger.entries) - 1, -1, -1):
        if ledger.entries[number].kind == "rollback":
            continue
        for file in ledger.entries[number].files:
            if file.path_after == registry_path and file.sha256_after == registry_sha256:
                return ledger.entries[number + 1 :]
    return tuple(entry for entry in ledger.entries if entry.time >= locked_at)


def _follow(entry: LedgerEntry, moved: dict[str, str], deleted: set[str]) -> None:
    """Brings `moved` (first place -> present place) and `deleted` up to date with one transaction."""
    steps = {f.path_before: f.path_after for f in entry.files if f.kind == "move"}
    gone = {f.path_before for f in entry.files if f.kind == "delete"}
    origins = {present: first for first, present in moved.items()}
    changes: dict[str, str] = {}
    for old, new in steps.items():
        if old is not None and new is not None:
            changes[origins.get(old, old)] = new
    for old in gone:
        if old is not None:
            first = origins.get(old, old)
            moved.pop(first, None)
            deleted.add(first)
    moved.update(changes)
    deleted.difference_update(
        f.path_after for f in entry.files if f.kind in ("create", "move") and f.path_after
    )
