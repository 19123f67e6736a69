"""What a walk through the repository found, kept for the next run: a tree at rest needs no second walk.

A folder's modification time changes whenever an entry is added, removed, renamed or replaced. So while all
folders that were walked and all ignore files that were read carry their old stamps, the lists are right, and
a look at each folder (2 µs) stands in for reading it (14 µs and more). Whatever is different in any place
makes the walk necessary again. The Python files themselves are looked at every time.

The same idea as git's untracked cache. Not used on Windows, where not every file system keeps the
modification time of folders.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import msgspec

from analyzers.checked_file import read_checked, write_checked
from analyzers.discovery import Discovery, FoundFile, stat_file

_MAGIC = b"hocmig tree 2\n"


class TreeSnapshot(msgspec.Struct, frozen=True, array_like=True):
    """A walk's result and the stamps it stands on.

    `folders` with their (mtime_ns, ctime_ns); `rule_files` likewise, (0, 0) for one that did not exist;
    `markers` are the places of `.git` and whether something was there.
    """

    root: str
    scan: tuple[str, ...]
    exclude: tuple[str, ...]
    folders: tuple[str, ...]
    folder_stamps: tuple[int, ...]
    rule_files: tuple[str, ...]
    rule_stamps: tuple[int, ...]
    markers: tuple[tuple[str, bool], ...]
    python_files: tuple[str, ...]
    other_files: tuple[str, ...]
    extension_files: tuple[str, ...]
    nested_repositories: tuple[str, ...]
    linked_folders: tuple[str, ...]
    binary_files: tuple[str, ...]


def revisit(path: Path, root: Path, scan: Sequence[str], exclude: Sequence[str]) -> Discovery | None:
    """What `discover` would return, when the snapshot in a file still holds; else None."""
    if os.name != "posix":
        return None
    snapshot = read_checked(path, _MAGIC, TreeSnapshot)
    if snapshot is None or (snapshot.root, snapshot.scan, snapshot.exclude) != (
        str(root),
        tuple(scan),
        tuple(exclude),
    ):
        return None
    for marker, existed in snapshot.markers:
        if os.path.lexists(marker) != existed:
            return None
    if _file_stamps(snapshot.rule_files) != snapshot.rule_stamps:
        return None
    if _folder_stamps(root, snapshot.folders) != snapshot.folder_stamps:
        return None
    return Discovery(
        root,
        snapshot.exclude,
        _look_at(root, snapshot.python_files),
        snapshot.other_files,
        snapshot.extension_files,
        snapshot.nested_repositories,
        snapshot.linked_folders,
        (),
        snapshot.folders,
        snapshot.binary_files,
    )


def keep(path: Path, discovery: Discovery, scan: Sequence[str], before_ns: int) -> bool:
    """Writes the snapshot of a walk and returns whether it could: not of a tree that is not at rest.

    Args:
        path: the file to replace.
        discovery: what the walk found.
        scan: the folders that were asked for.
        before_ns: a time of the file system's clock before the walk began.
    """
    if os.name != "posix" or discovery.unreadable:
        return False
    rules = discovery.ignore_rules
    folder_stamps = _folder_stamps(discovery.root, discovery.folders)
    rule_files = tuple(sorted(set(rules.files)))
    rule_stamps = _file_stamps(rule_files)
    if not all(is_settled(stamp, before_ns) for stamp in (*folder_stamps, *rule_stamps)):
        return False
    snapshot = TreeSnapshot(
        str(discovery.root),
        tuple(scan),
        discovery.exclude,
        discovery.folders,
        folder_stamps,
        rule_files,
        rule_stamps,
        tuple((marker, os.path.lexists(marker)) for marker in rules.markers),
        tuple(file.path for file in discovery.python_files),
        discovery.other_files,
        discovery.extension_files,
        discovery.nested_repositories,
        discovery.linked_folders,
        discovery.binary_files,
    )
    return write_checked(path, _MAGIC, snapshot)


def is_settled(stamp_ns: int, now_ns: int) -> bool:
    """Whether any change after `now_ns` must move a stamp ("racy git").

    Stamps stand still within a tick of the file system's clock: up to two seconds where only whole seconds
    are kept (FAT), elsewhere at most a kernel tick of 10 ms.
    """
    tick_ns = 2_000_000_000 if stamp_ns % 1_000_000_000 == 0 else 50_000_000
    return stamp_ns < now_ns - tick_ns


def _folder_stamps(root: Path, folders: Sequence[str]) -> tuple[int, ...]:
    return _file_stamps([f"{root}/{folder}" for folder in folders])


def _file_stamps(paths: Sequence[str]) -> tuple[int, ...]:
    """The later of modification and change time of each path; 0 for one that does not exist."""
    stamps = []
    for path in paths:
        try:
            found = os.stat(path)  # noqa: PTH116 (a Path costs as much as the call)
        except OSError:
            stamps.append(0)
        else:
            stamps.append(max(found.st_mtime_ns, found.st_ctime_ns))
    return tuple(stamps)


def _look_at(root: Path, paths: Sequence[str]) -> tuple[FoundFile, ...]:
    """What `stat_file` says of each path; the common case is written out, because there are thousands."""
    top = str(root)
    lstat = os.lstat
    files = []
    for path in paths:
        try:
            found = lstat(f"{top}/{path}")
        except OSError:
            files.append(stat_file(top, path))
            continue
        mode = found.st_mode
        if mode & 0o170000 == 0o100000:
            files.append(FoundFile(path, found.st_size, found.st_mtime_ns, found.st_ctime_ns, mode & 0o7777))
        else:
            files.append(stat_file(top, path))
    return tuple(files)
