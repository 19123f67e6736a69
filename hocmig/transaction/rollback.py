"""Undoes transactions that have ended, from their backup archives; itself a transaction, with a backup.

An archive is believed only when the ledger names it: its transaction id and its hash stand there. What people
changed since is found by comparing three states of each path: before the transaction, after it, and now.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from analyzers.errors import InputError
from hocmig.transaction.backup import Backup, read_backup
from hocmig.transaction.change import ChangeSet, FileChange
from hocmig.transaction.filesystem import Tree
from hocmig.transaction.image import Image, Obstacle, Seen, look
from hocmig.transaction.ledger import Ledger, LedgerEntry, read_ledger
from hocmig.transaction.lock import RepositoryLock
from hocmig.transaction.recovery import refuse_when_pending
from hocmig.transaction.state_folder import LEDGER
from hocmig.transaction.transaction import TransactionResult, run_transaction


class EditsAtRiskError(InputError):
    """People changed files since the transaction; undoing it would lose `files` (sorted)."""

    def __init__(self, files: tuple[str, ...]) -> None:
        shown = ", ".join(files[:10]) + (f" and {len(files) - 10} more" if len(files) > 10 else "")
        super().__init__(
            files[0],
            0,
            f"changed since the transaction, and would be lost: {shown}",
            "put the changes aside, or use --force (the rollback makes a backup of them)",
        )
        self.args = (files,)
        self.files = files


@dataclass(frozen=True, slots=True)
class RollbackPlan:
    """What a rollback does.

    Attributes:
        change_set: brings the old state back.
        entries: the transactions that it undoes, newest first.
        at_risk: paths whose present state is neither the old one nor the transaction's; sorted.
    """

    change_set: ChangeSet
    entries: tuple[LedgerEntry, ...]
    at_risk: tuple[str, ...]


def latest(root: Path, phase: str) -> LedgerEntry:
    """The newest transaction of `phase` that is in force.

    Raises:
        InputError: there is none.
    """
    found = [e for e in read_ledger(root).standing() if e.phase == phase]
    if not found:
        raise InputError(
            LEDGER, 0, f"knows no transaction of {phase} that could be undone", "see `hocmig status`"
        )
    return found[-1]


def owner_of(root: Path, archive: Path) -> LedgerEntry | None:
    """The transaction in force whose backup `archive` is by its path, or None."""
    wanted = archive.resolve()
    found = (e for e in read_ledger(root).standing() if e.backup and (root / e.backup).resolve() == wanted)
    return next(found, None)


def archives_back_to(root: Path, entry_id: str = "") -> tuple[Path, ...]:
    """The archives of all transactions in force from the newest back to `entry_id` (empty: to the first).

    Raises:
        InputError: no such transaction is in force, or one of them was made without a backup.
    """
    standing = read_ledger(root).standing()
    ids = [e.entry_id for e in standing]
    if not standing or (entry_id and entry_id not in ids):
        raise InputError(LEDGER, 0, f"no transaction {entry_id or ''} is in force", "see `hocmig status`")
    chosen = standing[ids.index(entry_id) if entry_id else 0 :]
    for entry in chosen:
        if not entry.backup:
            raise InputError(
                LEDGER, 0, f"the {entry.phase} of {entry.time} was run without --backup", "undo it with git"
            )
    return tuple(root / entry.backup for entry in reversed(chosen))


def plan_rollback(root: Path, archives: Sequence[Path]) -> RollbackPlan:
    """Plan to undo the transactions that `archives` belong to, as one change; writes nothing.

    Raises:
        InputError: an archive is damaged, hostile, of another repository, or its transaction has been undone.
    """
    ledger = read_ledger(root)
    found = {entry.entry_id: (entry, backup) for entry, backup in (_match(root, ledger, a) for a in archives)}
    order = [e.entry_id for e in ledger.entries if e.entry_id in found]
    chain = [found[entry_id] for entry_id in order]
    with Tree(root) as tree:
        target, expected, edited_between = _states([b for _, b in chain])
        now = {path: look(tree, path) for path in sorted(target)}
    at_risk = {p for p, seen in now.items() if _image(seen) not in (expected[p], target[p])}
    at_risk |= {p for p in edited_between if _image(now[p]) != target[p]}
    contents = _contents([b for _, b in chain])
    changes = _changes(now, target, contents, _origins([e for e, _ in chain]))
    removed, kept = _folders([b for _, b in chain])
    change_set = ChangeSet(tuple(changes), folder_modes=removed, keep_folders=kept)
    return RollbackPlan(change_set, tuple(e for e, _ in reversed(chain)), tuple(sorted(at_risk)))


def rollback(
    root: Path,
    archives: Sequence[Path],
    *,
    phase: str,
    command: tuple[str, ...],
    reason: str = "",
    force: bool = False,
    lock: RepositoryLock | None = None,
) -> TransactionResult:
    """Undo the transactions that `archives` belong to, byte for byte and mode for mode, all or nothing.

    Args:
        root: the repository.
        archives: of one transaction, or of several in a row (see `archives_back_to`).
        phase, command, reason, lock: see `run_transaction`.
        force: overwrite what people changed since; the rollback's own backup keeps it.

    Raises:
        EditsAtRiskError: people changed files since, and `force` is not given; nothing was written.
        InputError, InterruptedTransactionError, RolledBackError: see `plan_rollback` and `run_transaction`.
    """
    with lock or RepositoryLock(root, command) as held:
        with Tree(root) as tree:
            refuse_when_pending(tree)
        plan = plan_rollback(root, archives)
        if plan.at_risk and not force:
            raise EditsAtRiskError(plan.at_risk)
        return run_transaction(
            root,
            plan.change_set,
            phase=phase,
            command=command,
            reason=reason,
            backup=True,
            kind="rollback",
            reverts=tuple(e.entry_id for e in plan.entries),
            migration_ids=tuple(sorted({i for e in plan.entries for i in e.migration_ids})),
            lock=held,
        )


def _match(root: Path, ledger: Ledger, archive: Path) -> tuple[LedgerEntry, Backup]:
    shown = archive.relative_to(root).as_posix() if archive.is_relative_to(root) else str(archive)
    backup = read_backup(archive, shown_as=shown)
    entry = ledger.find(backup.manifest.transaction_id)
    if entry is None:
        raise InputError(
            shown, 0, "belongs to no transaction of this repository's ledger", "take another archive"
        )
    if entry.backup_sha256 != backup.sha256:
        raise InputError(shown, 0, "is not the archive that the ledger names", "take the original archive")
    if entry.entry_id in ledger.undone():
        raise InputError(shown, 0, "has been rolled back already", "see `hocmig status`")
    return entry, backup


def _states(
    chain: Sequence[Backup],
) -> tuple[dict[str, Image | None], dict[str, Image | None], set[str]]:
    """Per path: the state before the first transaction, the one after the last, and who edited in between."""
    target: dict[str, Image | None] = {}
    expected: dict[str, Image | None] = {}
    edited: set[str] = set()
    for backup in chain:
        for file in backup.manifest.files:
            if file.path not in target:
                target[file.path] = file.before
            elif expected[file.path] != file.before:
                edited.add(file.path)
            expected[file.path] = file.after
    return target, expected, edited


def _contents(chain: Sequence[Backup]) -> dict[str, bytes]:
    contents: dict[str, bytes] = {}
    for backup in reversed(chain):
        contents.update(backup.contents)
    return contents


def _origins(entries: Sequence[LedgerEntry]) -> dict[str, str]:
    """Present path -> path before the first of `entries`, of each file that they moved."""
    origin: dict[str, str] = {}
    for entry in entries:
        moves = {f.path_after: f.path_before for f in entry.files if f.kind == "move"}
        before = {old: origin.pop(old, old) for old in moves.values() if old is not None}
        origin.update({new: before[old] for new, old in moves.items() if new is not None and old is not None})
    return {new: old for new, old in origin.items() if new != old}


def _folders(chain: Sequence[Backup]) -> tuple[dict[str, int], frozenset[str]]:
    """The modes of folders to make again, and the folders that stay though they become empty."""
    first: dict[str, int | None] = {}
    for backup in chain:
        for folder in backup.manifest.removed_folders:
            first.setdefault(folder.path, folder.mode)
        for path in backup.manifest.made_folders:
            first.setdefault(path, None)
    parents = {
        "/".join(names[:count])
        for backup in chain
        for file in backup.manifest.files
        for names in [file.path.split("/")]
        for count in range(1, len(names))
    }
    modes = {path: mode for path, mode in first.items() if mode is not None}
    made = {path for path, mode in first.items() if mode is None}
    return modes, frozenset(parents - made)


def _changes(
    now: Mapping[str, Seen | Obstacle | None],
    target: Mapping[str, Image | None],
    contents: Mapping[str, bytes],
    origins: Mapping[str, str],
) -> list[FileChange]:
    wanted = {path: image for path, image in target.items() if _image(now[path]) != image}
    for path in wanted:
        if isinstance(now[path], Obstacle):
            raise InputError(path, 0, f"{now[path]} stands in the way", "move it away")
    sources = _moves_back(now, wanted, origins)
    moved = set(sources.values())
    changes = []
    for path, image in wanted.items():
        seen = now[path]
        present = seen.image.sha256 if isinstance(seen, Seen) else None
        if image is None:
            if path not in moved:
                changes.append(FileChange(path, before_sha256=present))
        elif path in sources:
            source = now[sources[path]]
            before = source.image.sha256 if isinstance(source, Seen) else None
            changes.append(FileChange(path, sources[path], contents[path], image.git_mode, before))
        else:
            changes.append(FileChange(path, None, contents[path], image.git_mode, present))
    return changes


def _moves_back(
    now: Mapping[str, Seen | Obstacle | None], wanted: Mapping[str, Image | None], origins: Mapping[str, str]
) -> dict[str, str]:
    """Old path -> present path of each file that can simply move back; the others are written anew."""
    moves = {
        old: new
        for new, old in origins.items()
        if wanted.get(old) is not None and new in wanted and isinstance(now.get(new), Seen)
    }
    while True:
        vacated = set(moves.values())
        blocked = [old for old in moves if now[old] is not None and old not in vacated]
        if not blocked:
            return moves
        for old in blocked:
            del moves[old]


def _image(seen: Seen | Obstacle | None) -> Image | None:
    if isinstance(seen, Obstacle):
        # Equal to no image that a plan can hold.
        return Image(kind="file", mode=-1, sha256=seen.what, size_bytes=-1)
    return seen.image if seen is not None else None
