"""What stands at a path: the kind, mode and hash of one file, as plans, journals and backups record it."""

from __future__ import annotations

import errno
import os
import stat
from dataclasses import dataclass
from typing import Literal

import msgspec

from hocmig.transaction.change import SYMLINK_MODE, sha256
from hocmig.transaction.filesystem import Tree


class Image(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A regular file, or a symlink (hash and size are then those of its target text, mode is 0o777).

    `mode` holds the permission bits, `size_bytes` the length of the content.
    """

    kind: Literal["file", "symlink"]
    mode: int
    sha256: str
    size_bytes: int

    @property
    def git_mode(self) -> int:
        """SYMLINK_MODE for a link, else the permission bits: the `mode` of a FileChange."""
        return SYMLINK_MODE if self.kind == "symlink" else self.mode


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Something that is neither a regular file nor a symlink, such as a folder."""

    what: str

    def __str__(self) -> str:
        return self.what


@dataclass(frozen=True, slots=True)
class Seen:
    """An image with its content and the status it was read with."""

    image: Image
    content: bytes
    status: os.stat_result


def image_of(content: bytes, git_mode: int) -> Image:
    """The image that `content` with the `mode` of a FileChange makes."""
    is_link = git_mode == SYMLINK_MODE
    return Image(
        kind="symlink" if is_link else "file",
        mode=0o777 if is_link else git_mode,
        sha256=sha256(content),
        size_bytes=len(content),
    )


def look(tree: Tree, path: str) -> Seen | Obstacle | None:
    """What stands at `path`, read and hashed; None when nothing does.

    Raises:
        OSError: it cannot be read.
    """
    status = tree.lstat(path)
    if status is None:
        return None
    if stat.S_ISLNK(status.st_mode):
        content = tree.read_link(path)
        return Seen(image_of(content, SYMLINK_MODE), content, status)
    if stat.S_ISDIR(status.st_mode):
        return Obstacle("a folder")
    if not stat.S_ISREG(status.st_mode):
        return Obstacle("a device, pipe or socket")
    try:
        content, status = tree.read(path)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.EINVAL):
            return Obstacle("changing under our hands")
        raise
    return Seen(image_of(content, stat.S_IMODE(status.st_mode)), content, status)


def signature(status: os.stat_result | None) -> tuple[int, ...] | None:
    """What changes when somebody writes, replaces or re-modes the file; None for no file.

    Without ctime: our own hard link to one name of an inode changes it for all its names.
    """
    if status is None:
        return None
    return (status.st_dev, status.st_ino, status.st_mode, status.st_size, status.st_mtime_ns)
