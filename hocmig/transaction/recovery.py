"""Ends a transaction that was interrupted: forward to the new tree, or back to the old one."""

from __future__ import annotations

import errno
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from analyzers.errors import InputError, InterruptedTransactionError
from hocmig.transaction.clock import timestamp
from hocmig.transaction.filesystem import Tree
from hocmig.transaction.image import Seen, look
from hocmig.transaction.journal import Header, Journal, mark, read_journal
from hocmig.transaction.ledger import LedgerEntry, append_entry, parse_ledger, read_ledger_bytes
from hocmig.transaction.lock import Holder, RepositoryLock, is_locked, read_holder
from hocmig.transaction.plan import PathStep
from hocmig.transaction.state_folder import ACTIVE, RESCUED, end_journal, try_to_discard_stage
from hocmig.transaction.swap import Direction, Side, Standing, clear_transit, survey, swap

#: The last half of every message about an interrupted transaction.
HOW_TO_END = "end it with `hocmig recover --resume` or `hocmig recover --rollback`"


@dataclass(frozen=True, slots=True)
class Pending:
    """A transaction that has begun and not ended.

    Attributes:
        transaction_id, phase, command, time: from its plan; `time` is UTC.
        written: how many paths are in their new state, of `total`.
        strangers: paths that are neither old nor new, because somebody changed them since; sorted.
        running: the live process that is at work on it; None when it was interrupted.
    """

    transaction_id: str
    phase: str
    command: tuple[str, ...]
    time: str
    written: int
    total: int
    strangers: tuple[str, ...]
    running: Holder | None

    def __str__(self) -> str:
        return f"{self.phase} of {self.time}: {self.written} of {self.total} paths are in their new state"


@dataclass(frozen=True, slots=True)
class Recovered:
    """How an interrupted transaction was ended.

    Attributes:
        transaction_id, phase: which one.
        resumed: True when the tree is now the new one, False when it is the old one.
        changed: paths that had to be changed for that, sorted.
        rescued: path -> where somebody's version was put before it was replaced (with force only).
        kept: paths left as somebody edited them, because the edit went into the only copy (with force only).
    """

    transaction_id: str
    phase: str
    resumed: bool
    changed: tuple[str, ...]
    rescued: Mapping[str, str]
    kept: tuple[str, ...]


class StrangersError(InputError):
    """Files were changed by people since the interruption; recovery would lose `files`."""

    def __init__(self, files: tuple[str, ...]) -> None:
        shown = ", ".join(files[:5]) + (f" and {len(files) - 5} more" if len(files) > 5 else "")
        super().__init__(
            files[0],
            0,
            f"changed since the interruption: {shown}",
            "put them aside, or recover with --force, which moves them below " + RESCUED,
        )
        self.args = (files,)
        self.files = files


def pending(root: Path) -> Pending | None:
    """The transaction of the repository at `root` that has not ended, or None; changes nothing.

    Raises:
        InputError: its journal is damaged.
    """
    with Tree(root) as tree:
        journal = read_journal(tree)
        if journal is None:
            return None
        try:
            standings = survey(tree, journal.header.plan)
        except OSError as error:
            raise InputError(str(error.filename or ACTIVE), 0, f"cannot be read: {error.strerror}") from error
    entry = journal.header.entry
    sides = [s.side for s in standings.values()]
    return Pending(
        transaction_id=entry.entry_id,
        phase=entry.phase,
        command=entry.command,
        time=entry.time,
        written=sides.count(Side.AFTER),
        total=len(sides),
        strangers=tuple(sorted(p for p, s in standings.items() if s.side is Side.OTHER)),
        running=read_holder(root) if is_locked(root) else None,
    )


def refuse_when_pending(tree: Tree) -> None:
    """Raise InterruptedTransactionError when a transaction has not ended; call it with the lock held."""
    journal = read_journal(tree)
    if journal is not None:
        entry = journal.header.entry
        raise InterruptedTransactionError(
            f"the transaction {entry.phase} of {entry.time} was interrupted; {HOW_TO_END}"
        )


def refuse_interrupted(root: Path) -> None:
    """Raise InterruptedTransactionError when a transaction in the repository at `root` has not ended.

    For previews, which take no lock: what they read would be half of one tree and half of another.
    """
    with Tree(root) as tree:
        refuse_when_pending(tree)


def recover(
    root: Path, *, resume: bool, force: bool = False, command: tuple[str, ...] = ("hocmig", "recover")
) -> Recovered | None:
    """End the interrupted transaction of the repository at `root`; None when there is none.

    May itself be interrupted at any moment and called again, in either direction.

    Args:
        root: the repository.
        resume: True goes on to the new tree, False goes back to the old one.
        force: move files that people changed since the interruption out of the way instead of refusing.
        command: the command line, for the lock.

    Raises:
        StrangersError: such files, without force.
        InputError: the journal or the stage is damaged; the other direction may still be possible.
        LockHeldError: the transaction is not interrupted, it runs.
        InterruptedTransactionError: a call failed (disk full, ...); nothing is lost, call again.
    """
    try:
        with RepositoryLock(root, command), Tree(root) as tree:
            journal = read_journal(tree)
            if journal is None:
                try_to_discard_stage(tree)
                return None
            return end(tree, journal, Direction.FORWARD if resume else Direction.BACK, force=force)
    except OSError as error:
        raise InterruptedTransactionError(
            f"recovery failed at {error.filename}: {error.strerror}; mend that, then {HOW_TO_END}"
        ) from error


def end(
    tree: Tree,
    journal: Journal,
    direction: Direction,
    *,
    force: bool = False,
    touched: Collection[str] | None = None,
) -> Recovered:
    """Bring the tree to the side of `direction`, settle the ledger and remove the journal.

    `touched` are the paths that the swap has changed, where that is known: what people did to others in the
    meantime is left as it is and needs no force.

    Raises:
        StrangersError, InputError: see `recover`; nothing was changed.
        OSError: a call failed; the journal is still there.
    """
    header = journal.header
    plan = header.plan
    clear_transit(tree, plan)
    standings = survey(tree, plan)
    target = Side.AFTER if direction is Direction.FORWARD else Side.BEFORE
    open_steps = [(n, s) for n, s in enumerate(plan.steps) if standings[s.path].side is not target]
    strangers = tuple(s.path for _, s in open_steps if standings[s.path].side is Side.OTHER)
    if touched is not None:
        spared = {path for path in strangers if path not in touched}
        strangers = tuple(path for path in strangers if path in touched)
        open_steps = [(n, s) for n, s in open_steps if s.path not in spared]
    if strangers and not force:
        raise StrangersError(tuple(sorted(strangers)))
    kept = _damaged(tree, open_steps, standings, direction)
    open_steps = [(n, s) for n, s in open_steps if s.path not in kept]
    mark(tree, "resuming" if direction is Direction.FORWARD else "rolling back")
    # A stranger without a signature is a file that somebody deleted: nothing to put aside.
    present = [p for p in strangers if p not in kept and standings[p].signature is not None]
    rescued = {p: _rescue(tree, header, p) for p in present}
    expected = {s.path: None if s.path in rescued else standings[s.path].signature for _, s in open_steps}
    swap(tree, plan, direction, expected)
    settle(tree, header.entry, stands=direction is Direction.FORWARD)
    end_journal(tree)
    try_to_discard_stage(tree)
    return Recovered(
        transaction_id=header.entry.entry_id,
        phase=header.entry.phase,
        resumed=direction is Direction.FORWARD,
        changed=tuple(sorted(expected)),
        rescued=rescued,
        kept=tuple(sorted(kept)),
    )


def _damaged(
    tree: Tree, steps: list[tuple[int, PathStep]], standings: Mapping[str, Standing], direction: Direction
) -> frozenset[str]:
    """The paths whose slot was edited through the path itself; raises when a slot is damaged otherwise."""
    kept = set()
    for number, step in steps:
        image = direction.target(step)
        if image is None:
            continue
        slot = look(tree, direction.slot(number))
        if isinstance(slot, Seen) and slot.image == image:
            continue
        standing = standings[step.path]
        if isinstance(slot, Seen) and (slot.status.st_dev, slot.status.st_ino) == standing.inode:
            kept.add(step.path)
            continue
        other = "--rollback" if direction is Direction.FORWARD else "--resume"
        raise InputError(
            direction.slot(number),
            0,
            f"the staged copy of {step.path} is damaged",
            f"recover with {other} instead",
        )
    return frozenset(kept)


def _rescue(tree: Tree, header: Header, path: str) -> str:
    """Move what stands at `path` below the folder of rescued files and return where it is."""
    folder = f"{RESCUED}/{header.entry.entry_id}"
    for made in (RESCUED, folder):
        if tree.lstat(made) is None:
            tree.make_folder(made, 0o700)
    number = len(tree.names(folder))
    place = f"{folder}/{number}-{path.rpartition('/')[2]}"[:250]
    try:
        tree.rename(path, place)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        found = look(tree, path)
        if not isinstance(found, Seen):
            raise
        tree.create(place, found.content)
        tree.unlink(path)
    tree.sync_folder(folder)
    return place


def settle(tree: Tree, entry: LedgerEntry, *, stands: bool) -> None:
    """Make the ledger say that the transaction of `entry` is in force, or that it is not; does it once."""
    ledger = parse_ledger(read_ledger_bytes(tree))
    recorded = ledger.find(entry.entry_id)
    if recorded is None:
        if stands:
            append_entry(tree, entry)
        return
    undone = ledger.undone()
    if stands is (entry.entry_id not in undone):
        return
    # Killed between the ledger and the end of the journal, and recovered the other way since.
    latest = [e for e in ledger.entries if entry.entry_id in e.reverts and e.entry_id not in undone]
    append_entry(
        tree,
        LedgerEntry(
            kind="rollback",
            entry_id=f"{entry.entry_id}.{len(ledger.entries)}",
            time=timestamp(),
            phase=entry.phase,
            command=("hocmig", "recover", "--resume" if stands else "--rollback"),
            reverts=tuple(e.entry_id for e in latest) if stands else (entry.entry_id,),
        ),
    )
