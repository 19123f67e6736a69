"""Every file-system call of a transaction, below one root that no call can leave.

Folders are opened name by name without following symlinks (openat with O_NOFOLLOW), so that not even a folder
swapped for a symlink in the middle of a run leads a write outside. Each call first announces itself to
`observe`; the fault-injection tests count, fail or kill there.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType

#: Called with the name of each call and the path it is about, before it happens; may raise OSError.
observe: Callable[[str, str], None] | None = None

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_CHUNK_BYTES = 1 << 20

#: What file systems without hard links, or a link across two of them, answer.
NO_LINK_ERRORS = frozenset({errno.EPERM, errno.ENOTSUP, errno.EMLINK, errno.EXDEV, errno.ENOSYS})


def _announce(call: str, path: str) -> None:
    if observe is not None:
        observe(call, path)


class Tree:
    """The files below one folder; all paths are POSIX and relative to it, an empty path is the folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._descriptor = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)

    def __enter__(self) -> Tree:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._descriptor)

    # -- looking -------------------------------------------------------------------------------------------

    def lstat(self, path: str) -> os.stat_result | None:
        """The status of what stands at `path`, links not followed; None when nothing does."""
        try:
            with self._at(path) as (folder, name):
                _announce("lstat", path)
                return os.stat(name, dir_fd=folder, follow_symlinks=False)
        except (FileNotFoundError, NotADirectoryError):
            return None

    def read(self, path: str) -> tuple[bytes, os.stat_result]:
        """Content and status of the regular file at `path`; OSError when it is something else."""
        with self._at(path) as (folder, name):
            _announce("open", path)
            # O_NONBLOCK: a FIFO must not hang us.
            descriptor = os.open(
                name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder
            )
        try:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise OSError(errno.EINVAL, "is no regular file", path)
            _announce("read", path)
            parts = []
            while part := os.read(descriptor, _CHUNK_BYTES):
                parts.append(part)
            return b"".join(parts), status
        finally:
            os.close(descriptor)

    def read_link(self, path: str) -> bytes:
        """The target text of the symlink at `path`."""
        with self._at(path) as (folder, name):
            _announce("readlink", path)
            return os.fsencode(os.readlink(name, dir_fd=folder))

    def names(self, path: str) -> list[str]:
        """The names in the folder `path`, sorted."""
        descriptor = self._open_folder(path)
        try:
            _announce("listdir", path)
            return sorted(os.listdir(descriptor))  # noqa: PTH208 (a descriptor has no pathlib form)
        finally:
            os.close(descriptor)

    # -- changing ------------------------------------------------------------------------------------------

    def create(self, path: str, content: bytes, mode: int = 0o600) -> None:
        """Make a regular file that did not exist, with exactly these permission bits, and sync it.

        One fsync per file, at once: collecting them saves 20 % (300 files, ext4), threads 40 %, of a tenth of
        a second; not worth a second order of events.
        """
        with self._at(path) as (folder, name):
            _announce("create", path)
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            descriptor = os.open(name, flags, 0o600, dir_fd=folder)
        try:
            view = memoryview(content)
            while view:
                _announce("write", path)
                view = view[os.write(descriptor, view[:_CHUNK_BYTES]) :]
            _announce("chmod", path)
            os.fchmod(descriptor, mode)
            _announce("fsync", path)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def append(self, path: str, content: bytes) -> None:
        """Add `content` to the end of the file at `path` (made with 0o644 when missing) and sync it.

        A failed write is cut off again.
        """
        with self._at(path) as (folder, name):
            _announce("open", path)
            flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
            descriptor = os.open(name, flags, 0o644, dir_fd=folder)
        try:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise OSError(errno.EINVAL, "is no regular file", path)
            try:
                view = memoryview(content)
                while view:
                    _announce("write", path)
                    view = view[os.write(descriptor, view) :]
                _announce("fsync", path)
                os.fsync(descriptor)
            except BaseException:
                os.ftruncate(descriptor, status.st_size)
                raise
        finally:
            os.close(descriptor)

    def open_lock(self, path: str) -> int:
        """A descriptor of the lock file at `path`, made when missing; the caller closes it."""
        with self._at(path) as (folder, name):
            _announce("open", path)
            flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
            return os.open(name, flags, 0o600, dir_fd=folder)

    def create_link(self, path: str, target: bytes) -> None:
        """Make the symlink `path`."""
        with self._at(path) as (folder, name):
            _announce("symlink", path)
            os.symlink(target, os.fsencode(name), dir_fd=folder)

    def hard_link(self, source: str, path: str) -> None:
        """Give the file or symlink at `source` a second name, `path`; FileExistsError when it is taken."""
        with self._at(source) as (source_folder, source_name), self._at(path) as (folder, name):
            _announce("link", path)
            os.link(source_name, name, src_dir_fd=source_folder, dst_dir_fd=folder, follow_symlinks=False)

    def rename(self, source: str, path: str) -> None:
        """Put what stands at `source` to `path`, atomically, replacing a file there."""
        with self._at(source) as (source_folder, source_name), self._at(path) as (folder, name):
            _announce("rename", path)
            os.rename(source_name, name, src_dir_fd=source_folder, dst_dir_fd=folder)

    def unlink(self, path: str) -> None:
        with self._at(path) as (folder, name):
            _announce("unlink", path)
            os.unlink(name, dir_fd=folder)

    def discard(self, path: str) -> None:
        """Remove the file at `path` if there is one."""
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            self.unlink(path)

    def make_folder(self, path: str, mode: int | None = None) -> None:
        """Make a folder; with `mode` exactly these permission bits, else 0o777 less the umask."""
        with self._at(path) as (folder, name):
            _announce("mkdir", path)
            os.mkdir(name, 0o777 if mode is None else 0o700, dir_fd=folder)
        if mode is not None:
            self.set_folder_mode(path, mode)

    def set_folder_mode(self, path: str, mode: int) -> None:
        descriptor = self._open_folder(path)
        try:
            _announce("chmod", path)
            os.fchmod(descriptor, mode)
        finally:
            os.close(descriptor)

    def remove_folder(self, path: str) -> None:
        with self._at(path) as (folder, name):
            _announce("rmdir", path)
            os.rmdir(name, dir_fd=folder)

    def remove_below(self, path: str) -> None:
        """Remove the folder `path` and all it holds, symlinks as links; nothing when it is missing."""
        status = self.lstat(path)
        if status is None:
            return
        if not stat.S_ISDIR(status.st_mode):
            self.unlink(path)
            return
        for name in self.names(path):
            self.remove_below(f"{path}/{name}")
        self.remove_folder(path)

    def copy_below(self, source: str, path: str) -> None:
        """Copy the folder `source` with all it holds to `path`, symlinks as links."""
        status = self.lstat(source)
        if status is None:
            return
        if stat.S_ISLNK(status.st_mode):
            self.create_link(path, self.read_link(source))
        elif stat.S_ISDIR(status.st_mode):
            self.make_folder(path, 0o700)
            for name in self.names(source):
                self.copy_below(f"{source}/{name}", f"{path}/{name}")
            self.set_folder_mode(path, stat.S_IMODE(status.st_mode))
        else:
            self.create(path, self.read(source)[0], stat.S_IMODE(status.st_mode))

    def set_owner(self, path: str, user: int, group: int) -> None:
        with self._at(path) as (folder, name):
            _announce("chown", path)
            os.chown(name, user, group, dir_fd=folder, follow_symlinks=False)

    def set_file_mode(self, path: str, mode: int) -> None:
        with self._at(path) as (folder, name):
            descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
        try:
            _announce("chmod", path)
            os.fchmod(descriptor, mode)
        finally:
            os.close(descriptor)

    # -- making it last ------------------------------------------------------------------------------------

    def sync_folder(self, path: str) -> None:
        """Make the names in the folder `path` last."""
        descriptor = self._open_folder(path)
        try:
            _announce("fsyncdir", path)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    # -- opening -------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _at(self, path: str) -> Iterator[tuple[int, str]]:
        folder, _, name = path.rpartition("/")
        descriptor = self._open_folder(folder)
        try:
            yield descriptor, name
        except OSError as error:
            # Calls relative to a folder know only the last name.
            error.filename, error.filename2 = path, None
            raise
        finally:
            os.close(descriptor)

    def _open_folder(self, path: str) -> int:
        descriptor = os.dup(self._descriptor)
        for name in path.split("/") if path else ():
            try:
                below = os.open(name, _FOLDER, dir_fd=descriptor)
            finally:
                os.close(descriptor)
            descriptor = below
        return descriptor
