"""What a transaction is asked to do: file changes with the state each of them expects."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from analyzers.errors import InputError
from hocmig.transaction.safe_path import check_path, fold, parents

#: `mode` of a symlink, as git writes it; `content` is then the link's target as bytes.
SYMLINK_MODE = 0o120000

#: Permission bits of a new file for which no mode is given.
NEW_FILE_MODE = 0o644


def sha256(content: bytes) -> str:
    """The SHA-256 of `content` as 64 hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


@dataclass(frozen=True, slots=True)
class FileChange:
    """One file created, edited, moved or deleted.

    Attributes:
        path: where the content will be; POSIX, relative to the repository root.
        old_path: where the file is now, when it moves; it is gone afterwards unless another change writes it.
        content: the whole new content; for a symlink its target. None deletes the file at `path`.
        mode: permission bits (0o000-0o7777) or SYMLINK_MODE; None keeps those (and the kind) of the
            pre-image, NEW_FILE_MODE for a new file.
        before_sha256: hash of the pre-image (at `old_path`, else at `path`; of the target text for a
            symlink); None says that there is no file.
    """

    path: str
    old_path: str | None = None
    content: bytes | None = None
    mode: int | None = None
    before_sha256: str | None = None

    @property
    def source(self) -> str:
        """The path of the pre-image."""
        return self.old_path if self.old_path is not None else self.path

    @property
    def kind(self) -> Literal["move", "edit", "create", "delete"]:
        """`move`, `delete`, `create` or `edit`."""
        if self.old_path is not None:
            return "move"
        if self.content is None:
            return "delete"
        return "create" if self.before_sha256 is None else "edit"


@dataclass(frozen=True, slots=True)
class ChangeSet:
    """Changes that happen together or not at all; they are applied simultaneously, so swaps are fine.

    Attributes:
        changes: in any order; kept sorted by path.
        inputs: path -> SHA-256 (None: must not exist) of files that the plan was made of and that do not
            change; a difference is stale input.
        folder_modes: folder -> permission bits, for folders that have to be made; others get 0o777 less
        umask. keep_folders: folders that stay even when they become empty.
        remove_empty_dirs: remove other folders that deletions and moves leave empty (a lone `__pycache__`
            counts as empty), up to the root.
    """

    changes: tuple[FileChange, ...] = ()
    inputs: Mapping[str, str | None] = field(default_factory=dict)
    remove_empty_dirs: bool = True
    folder_modes: Mapping[str, int] = field(default_factory=dict)
    keep_folders: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        object.__setattr__(self, "changes", tuple(sorted(self.changes, key=lambda c: c.path)))

    @property
    def written(self) -> dict[str, FileChange]:
        """Path -> the change that gives it its content."""
        return {c.path: c for c in self.changes if c.content is not None}

    @property
    def removed(self) -> tuple[str, ...]:
        """Paths that are gone afterwards, sorted."""
        written = self.written
        gone = {c.path for c in self.changes if c.content is None}
        gone.update(c.old_path for c in self.changes if c.old_path is not None)
        return tuple(sorted(gone - written.keys()))

    @property
    def vacated(self) -> frozenset[str]:
        """Paths that files move away from; another change may write them (a swap, a shim left behind)."""
        return frozenset(c.old_path for c in self.changes if c.old_path is not None)

    def validate(self) -> None:
        """Check everything that can be judged without the disk.

        Raises:
            InputError: a path that may not be written (see `safe_path`); two changes to one path, or two
                moves of one file; two written paths that differ only by case; a file that is also the
                folder of another; a move or a deletion without the hash of its pre-image; a mode that is
                none.
        """
        paths: set[str] = set()
        moved: set[str] = set()
        for change in self.changes:
            _check_change(change)
            if change.path in paths:
                raise InputError(change.path, 0, "two changes write this path", "keep one of them")
            paths.add(change.path)
            if change.old_path is not None:
                if change.old_path in moved:
                    raise InputError(change.old_path, 0, "two changes move this file", "keep one of them")
                moved.add(change.old_path)
        for change in self.changes:
            if change.content is None and change.path in moved:
                raise InputError(change.path, 0, "is both moved and deleted", "keep one of the two")
        for path in (*self.inputs, *self.folder_modes):
            check_path(path)
        _check_folders(paths | moved)
        _check_case(self.written)


def _check_change(change: FileChange) -> None:
    check_path(change.path)
    if change.old_path is not None:
        check_path(change.old_path)
        if change.path == change.old_path:
            raise InputError(change.path, 0, "moves to itself", "leave out old_path")
        if change.content is None:
            raise InputError(change.path, 0, "is moved without content", "give the content, or delete it")
        if change.before_sha256 is None:
            raise InputError(change.path, 0, "is moved from a file without a hash", "make the plan again")
    elif change.content is None and change.before_sha256 is None:
        raise InputError(change.path, 0, "is deleted without a hash", "make the plan again")
    mode = change.mode
    if mode is not None and mode != SYMLINK_MODE and not 0 <= mode <= 0o7777:
        raise InputError(change.path, 0, f"has the impossible mode {mode:o}", "give permission bits")


def _check_folders(touched: set[str]) -> None:
    for path in sorted(touched):
        for folder in parents(path):
            if folder in touched:
                raise InputError(
                    folder, 0, f"is a file, and the folder of {path}", "do it in two transactions"
                )


def _check_case(written: Mapping[str, FileChange]) -> None:
    spelling: dict[str, str] = {}
    for path in written:
        for prefix in (*parents(path), path):
            other = spelling.setdefault(fold(prefix), prefix)
            if other != prefix:
                raise InputError(path, 0, f"differs only by case from {other}", "choose another name")
