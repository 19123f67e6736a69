"""One all-or-nothing change of the tree: stage, verify, back up, journal, swap, log."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from analyzers.errors import InputError, InterruptedTransactionError, RolledBackError
from hocmig.transaction.backup import FOLDER, IGNORE, IGNORE_TEXT, render_backup
from hocmig.transaction.change import ChangeSet, sha256
from hocmig.transaction.clock import compact, timestamp
from hocmig.transaction.filesystem import Tree
from hocmig.transaction.git_index import stage_in_git
from hocmig.transaction.journal import Header, Journal, mark, write_journal
from hocmig.transaction.ledger import EntryKind, LedgerEntry, parse_ledger, read_ledger_bytes
from hocmig.transaction.lock import RepositoryLock
from hocmig.transaction.overlay import Overlay
from hocmig.transaction.plan import Prepared, prepare, unwritable_folders, with_own_files
from hocmig.transaction.recovery import HOW_TO_END, end, refuse_when_pending, settle
from hocmig.transaction.stage import Signatures, keep_old_files, stage_from, stage_new_files
from hocmig.transaction.state_folder import JOURNAL, end_journal, try_to_discard_stage
from hocmig.transaction.swap import Direction, swap


@dataclass(frozen=True, slots=True)
class TransactionResult:
    """What a transaction did.

    Attributes:
        transaction_id: its id in the ledger; empty when there was nothing to do.
        changed: paths with new content, and `removed`: paths that are gone; both sorted.
        backup: the archive, relative to the root; empty without one.
        removed_folders: folders that became empty, sorted.
        warnings: sentences about what did not matter for the tree (git's index, cleaning up).
    """

    transaction_id: str = ""
    changed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    backup: str = ""
    removed_folders: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Purpose:
    """What the ledger says about a transaction besides its files."""

    kind: EntryKind
    phase: str
    command: tuple[str, ...]
    reason: str
    migration_ids: tuple[str, ...]
    reverts: tuple[str, ...]


def run_transaction(
    root: Path,
    change_set: ChangeSet,
    *,
    phase: str,
    command: tuple[str, ...],
    backup: bool,
    reason: str = "",
    verify: Callable[[Overlay], None] | None = None,
    migration_ids: tuple[str, ...] = (),
    reverts: tuple[str, ...] = (),
    kind: EntryKind = "transaction",
    git_stage: bool = False,
    lock: RepositoryLock | None = None,
    wait_seconds: float = 0.0,
) -> TransactionResult:
    """Apply `change_set` to the repository at `root` wholly, or not at all.

    Args:
        root: the repository.
        change_set: the changes with the pre-images they expect.
        phase: `P2`, or a command's name; for journal and ledger.
        command: the command line, program name first.
        backup: write `backups/hoc_migration_<timestamp>.tar.gz`; without it the transaction cannot be
            rolled back once it has ended.
        reason: what the user gave as the reason.
        verify: called with the new state before anything is written; whatever it raises stops the run.
        migration_ids: the rows of the plan that this carries out.
        reverts, kind: for rollbacks: the ids they undo.
        git_stage: also put the new state into git's index.
        lock: the repository's lock when the caller holds it already.
        wait_seconds: how long to wait for the lock of another run.

    Raises:
        StaleInputError: files differ from the expected pre-images; nothing was written.
        InputError: the change set cannot be applied; nothing was written.
        LockHeldError: another run is at work.
        InterruptedTransactionError: an earlier transaction must be recovered first, or this one failed and
            could not be undone either.
        RolledBackError: a call failed; the tree is as it was.
    """
    purpose = _Purpose(kind, phase, command, reason, migration_ids, reverts)
    held = lock or RepositoryLock(root, command, wait_seconds=wait_seconds)
    try:
        with held, Tree(root) as tree:
            refuse_when_pending(tree)
            prepared = prepare(tree, change_set)
            if not prepared.plan.steps:
                return TransactionResult()
            _check_writable(tree, prepared)
            journal, found = _ready(tree, prepared, purpose, verify, backup)
            warnings = _commit(tree, journal, found)
    except OSError as error:
        # `_commit` lets none out, so the swap has not begun.
        raise RolledBackError(
            f"the change could not begin ({_reason(error)}); nothing was changed"
        ) from error
    if git_stage:
        warnings += _warning(stage_in_git(root, _paths(prepared)))
    plan = prepared.plan
    return TransactionResult(
        transaction_id=journal.header.entry.entry_id,
        changed=tuple(s.path for s in plan.steps if s.after is not None),
        removed=tuple(s.path for s in plan.steps if s.after is None),
        backup=journal.header.entry.backup,
        removed_folders=tuple(sorted(f.path for f in plan.removed)),
        warnings=warnings,
    )


def _check_writable(tree: Tree, prepared: Prepared) -> None:
    unwritable = unwritable_folders(tree, prepared.plan)
    if unwritable:
        raise InputError(
            unwritable[0] or ".", 0, "is a folder that may not be written", "mend its permissions"
        )


def _ready(
    tree: Tree,
    prepared: Prepared,
    purpose: _Purpose,
    verify: Callable[[Overlay], None] | None,
    backup: bool,
) -> tuple[Journal, Signatures]:
    """Do everything up to the journal; nothing of the tree is touched, and nothing is left when it fails."""
    journal_begun = False
    try:
        stage_new_files(tree, prepared)
        if verify is not None:
            verify(Overlay(tree.root, prepared))
        header, whole = _back_up(tree, prepared, _entry(tree, prepared, purpose), backup)
        found = keep_old_files(tree, whole)
        journal_begun = True
        write_journal(tree, header)
    except BaseException as error:
        if journal_begun and not _is_gone(tree):
            raise InterruptedTransactionError(
                f"the change could not begin ({error}), and its journal could not be removed; {HOW_TO_END}"
            ) from error
        try_to_discard_stage(tree)
        raise
    return Journal(header, ()), found


def _entry(tree: Tree, prepared: Prepared, purpose: _Purpose) -> LedgerEntry:
    earlier = len(parse_ledger(read_ledger_bytes(tree)).entries)
    # The same change of the same tree with the same history gets the same id.
    what = msgspec.json.encode((prepared.plan, purpose.phase, purpose.command, earlier))
    return LedgerEntry(
        kind=purpose.kind,
        entry_id=sha256(what)[:16],
        time=timestamp(),
        phase=purpose.phase,
        command=purpose.command,
        reason=purpose.reason,
        files=prepared.files,
        migration_ids=purpose.migration_ids,
        reverts=purpose.reverts,
    )


def _back_up(tree: Tree, prepared: Prepared, entry: LedgerEntry, wanted: bool) -> tuple[Header, Prepared]:
    if not wanted:
        return Header(plan=prepared.plan, entry=entry), prepared
    archive = render_backup(
        prepared.plan,
        prepared.before,
        transaction_id=entry.entry_id,
        phase=entry.phase,
        command=entry.command,
        time=entry.time,
    )
    path = _free_name(tree, f"{FOLDER}/hoc_migration_{compact(entry.time)}", ".tar.gz")
    own = {path: archive}
    if tree.lstat(FOLDER) is None:
        own[IGNORE] = IGNORE_TEXT
    whole = with_own_files(tree, prepared, own)
    stage_from(tree, whole, len(prepared.plan.steps))
    entry = msgspec.structs.replace(entry, backup=path, backup_sha256=sha256(archive))
    return Header(plan=whole.plan, entry=entry), whole


def _free_name(tree: Tree, stem: str, ending: str) -> str:
    # Two runs within a second, or a clock that was set back.
    name, number = f"{stem}{ending}", 1
    while tree.lstat(name) is not None:
        number += 1
        name = f"{stem}_{number}{ending}"
    return name


def _commit(tree: Tree, journal: Journal, found: Signatures) -> tuple[str, ...]:
    """Swap and log; undo everything when a call fails."""
    header = journal.header
    touched: set[str] = set()
    try:
        mark(tree, "swapping")
        swap(tree, header.plan, Direction.FORWARD, found, touched)
        mark(tree, "swapped")
        settle(tree, header.entry, stands=True)
    except BaseException as error:
        _undo(tree, journal, touched, error)
        if isinstance(error, OSError):
            raise RolledBackError(f"the change failed ({_reason(error)}); the tree is as before") from error
        raise
    try:
        end_journal(tree)
    except OSError as error:
        return (f"the journal could not be removed ({_reason(error)}); run `hocmig recover --resume`",)
    try_to_discard_stage(tree)
    return ()


def _undo(tree: Tree, journal: Journal, touched: set[str], cause: BaseException) -> None:
    try:
        end(tree, journal, Direction.BACK, touched=touched)
    except (OSError, InputError) as error:
        raise InterruptedTransactionError(
            f"the change failed ({cause}), and undoing it failed, too ({error}); mend that, then {HOW_TO_END}"
        ) from cause


def _is_gone(tree: Tree) -> bool:
    """Remove the journal; whether it is certain that none is left."""
    try:
        end_journal(tree)
        return tree.lstat(JOURNAL) is None
    except OSError:
        return False


def _paths(prepared: Prepared) -> tuple[str, ...]:
    return tuple(step.path for step in prepared.plan.steps)


def _reason(error: OSError) -> str:
    where = f" at {error.filename}" if error.filename else ""
    return f"{error.strerror or error}{where}"


def _warning(text: str) -> tuple[str, ...]:
    return (text,) if text else ()
