"""The repository as it will be: a read-only view of a change set over the tree, to check before the swap."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import tempfile
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from hocmig.transaction.change import SYMLINK_MODE, sha256
from hocmig.transaction.filesystem import Tree
from hocmig.transaction.image import Image, Seen, look
from hocmig.transaction.plan import Prepared, SwapPlan
from hocmig.transaction.safe_path import STATE_FOLDER


class Overlay:
    """Reads the new state; paths are POSIX and relative to `root`. Nothing is written through it."""

    def __init__(self, root: Path, prepared: Prepared) -> None:
        self.root = root
        self._after: Mapping[str, Image | None] = {s.path: s.after for s in prepared.plan.steps}
        self._contents = prepared.contents
        self._plan: SwapPlan = prepared.plan
        self._moves = {
            f.path_after: f.path_before
            for f in prepared.files
            if f.kind == "move" and f.path_after is not None
        }

    @property
    def changed(self) -> tuple[str, ...]:
        """The paths that have new content, sorted; see `removed` for those that are gone."""
        return tuple(sorted(path for path, image in self._after.items() if image is not None))

    @property
    def removed(self) -> tuple[str, ...]:
        """The paths that are gone, sorted."""
        return tuple(sorted(path for path, image in self._after.items() if image is None))

    @property
    def moves(self) -> Mapping[str, str | None]:
        """New path -> old path of each moved file."""
        return self._moves

    def exists(self, path: str) -> bool:
        """Whether a file or symlink stands at `path`."""
        if path in self._after:
            return self._after[path] is not None
        with Tree(self.root) as tree:
            status = tree.lstat(path)
        return status is not None and not stat.S_ISDIR(status.st_mode)

    def read_bytes(self, path: str) -> bytes:
        """The content of the file at `path` (of a symlink: its target text).

        Raises:
            FileNotFoundError: nothing stands there, or no file.
        """
        if path in self._after:
            if self._after[path] is None:
                raise FileNotFoundError(path)
            return self._contents[path]
        with Tree(self.root) as tree:
            found = look(tree, path)
        if not isinstance(found, Seen):
            raise FileNotFoundError(path)
        return found.content

    def sha256(self, path: str) -> str:
        """The hash of `read_bytes(path)`."""
        image = self._after.get(path)
        return image.sha256 if image is not None else sha256(self.read_bytes(path))

    @contextlib.contextmanager
    def temporary_copy(self, *, skip: Collection[str] = (".git",)) -> Iterator[Path]:
        """A private copy of the whole repository in its new state, for commands that run code.

        It is removed at the end. hocmig's own folder is left out, and so are files and folders of the names
        in `skip`, at any depth. Symlinks are copied as links.
        """
        folder = Path(tempfile.mkdtemp(prefix="hocmig-copy-"))
        try:
            copy = folder / (self.root.name or "repository")
            self._copy_to(copy, frozenset(skip))
            yield copy
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _copy_to(self, copy: Path, skip: frozenset[str]) -> None:
        top = os.fspath(self.root)

        def left_out(folder: str, names: list[str]) -> set[str]:
            out = {name for name in names if name in skip}
            if folder == top:
                out.add(STATE_FOLDER)
            out.update(n for n in names if _is_special(Path(folder, n)))
            return out

        shutil.copytree(self.root, copy, symlinks=True, ignore=left_out)
        for path in self.removed:
            (copy / path).unlink(missing_ok=True)
        for removed in self._plan.removed:
            shutil.rmtree(copy / removed.path, ignore_errors=True)
        for path in self.changed:
            image = self._after[path]
            target = copy / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.unlink(missing_ok=True)
            if image is not None and image.git_mode == SYMLINK_MODE:
                target.symlink_to(os.fsdecode(self._contents[path]))
            elif image is not None:
                target.write_bytes(self._contents[path])
                target.chmod(image.mode)


def _is_special(path: Path) -> bool:
    mode = path.lstat().st_mode
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode) or stat.S_ISLNK(mode))
