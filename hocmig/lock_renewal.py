"""The locks after a phase has changed a locked tree: they follow what the phase did, and nothing else.

Source: the migration plan, phases 6 and 7 ("Update domain lock").
"""

from __future__ import annotations

from collections.abc import Callable

from analyzers.domain_inventory import group_by_domain
from analyzers.domain_locks import LockRegistry, parse_registry
from analyzers.import_index import SourceIndex
from hocmig.domain_guard import DomainGuard
from hocmig.ledger_history import changes_since_lock
from hocmig.lock_files import lock_changes, new_registry, read_guards, read_small, registry_path
from hocmig.transaction.change import ChangeSet, FileChange, sha256
from hocmig.transaction.clock import timestamp
from hocmig.transaction.ledger import read_ledger
from hocmig.workspace import Workspace


def renewed_locks(workspace: Workspace, after: SourceIndex, change_set: ChangeSet) -> tuple[FileChange, ...]:
    """The changes of the lock files that belong into the transaction of `change_set`.

    Empty when nothing is locked. What drifted before, and nobody approved, stays as it was locked, so that
    `hocmig guard` still reports it; everything else is locked as it will be. Unchanged domains keep their
    lock.

    Args:
        after: the index of the tree as `change_set` makes it.

    Raises:
        LockError: the registry or the guard rules cannot be read.
    """
    config = workspace.config
    path = registry_path(config)
    content = read_small(workspace.root, path) if config.domain_root else None
    if content is None:
        return ()
    previous = parse_registry(content, path)
    if previous.domain_root != config.domain_root:
        return ()
    guards = read_guards(workspace.root, config)
    guard = DomainGuard(workspace)
    drifted = frozenset(f.path for f in guard.drift_from(previous, content))
    recorded = changes_since_lock(read_ledger(workspace.root), path, sha256(content), previous.locked_at)
    ours = frozenset({*change_set.written, *recorded.moved.values()})
    hashes = _hashes(previous, after, drifted, ours, frozenset(change_set.removed))
    registry = new_registry(
        group_by_domain(hashes, config), previous, config, _reader(change_set, guard.read), timestamp()
    )
    return lock_changes(workspace.root, config, registry, previous, guards)


def _hashes(
    previous: LockRegistry,
    after: SourceIndex,
    drifted: frozenset[str],
    ours: frozenset[str],
    removed: frozenset[str],
) -> dict[str, str]:
    """Path -> the hash to lock it with."""
    locked = previous.paths
    found = {path: locked[path].sha256 for path in drifted & locked.keys() if path not in removed}
    for path, record in after.files.items():
        if path in ours or path not in drifted:
            # Beside drift a new file may be the other half of an unapproved move.
            is_known = path in locked or path in ours or not drifted
            if record.sha256 and is_known:
                found[path] = record.sha256
    return found


def _reader(change_set: ChangeSet, read: Callable[[str], bytes]) -> Callable[[str], bytes]:
    written = change_set.written

    def read_after(path: str) -> bytes:
        change = written.get(path)
        return read(path) if change is None or change.content is None else change.content

    return read_after
