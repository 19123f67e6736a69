"""The bytes that files had before a recorded transaction: from its backup, else from git's recent commits."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from analyzers.errors import InputError
from hocmig.git_reading import GitError, files_at, recent_commits
from hocmig.transaction.backup import read_backup
from hocmig.transaction.change import sha256

if TYPE_CHECKING:
    from hocmig.transaction.ledger import LedgerEntry

#: A commit that holds the files as they were is looked for among so many: a move is seldom taken back later.
COMMITS = 10


def earlier_contents(root: Path, entry: LedgerEntry) -> Mapping[str, bytes]:
    """Old path -> bytes, of the files whose bytes are found: those with the hash that the ledger gives."""
    wanted = {f.path_before: f.sha256_before for f in entry.files if f.path_before and f.sha256_before}
    found = (_from_backup(root, entry) if entry.backup else {}) or _from_git(root, wanted)
    return {path: found[path] for path, digest in wanted.items() if sha256(found.get(path, b"")) == digest}


def _from_backup(root: Path, entry: LedgerEntry) -> Mapping[str, bytes]:
    try:
        backup = read_backup(root / entry.backup, shown_as=entry.backup)
    except InputError:
        return {}
    # The ledger says which archive is meant.
    return backup.contents if backup.sha256 == entry.backup_sha256 else {}


def _from_git(root: Path, wanted: Mapping[str, str]) -> Mapping[str, bytes]:
    found: dict[str, bytes] = {}
    try:
        for commit in recent_commits(root, COMMITS):
            missing = [path for path in wanted if path not in found]
            if not missing:
                break
            for path, content in files_at(root, commit, missing).items():
                if sha256(content) == wanted[path]:
                    found[path] = content
    except GitError:
        # No git, or none that answers: then the bytes are nowhere, and the move is one like any other.
        return {}
    return found
