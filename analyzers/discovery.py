"""Which files of a repository are ours to look at: Python files with their stamps, and other text candidates.

Left out: what git ignores, what the configuration excludes, caches and virtual environments, other git
repositories inside (submodules, too). Symbolic links to folders are not followed; linked Python files are
listed with a problem, so that nothing ever rewrites them.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from analyzers.configuration import CONFIG_NAME
from analyzers.errors import InputError

if TYPE_CHECKING:
    from analyzers.ignore_rules import IgnoreRules

PYTHON_SUFFIXES = (".py", ".pyi")
#: Compiled modules, and the sources of Cython modules.
EXTENSION_SUFFIXES = (".so", ".pyd", ".pyx")

#: Endings of files that hold no text a person wrote.
_BINARY_SUFFIXES = (
    *(".pyc", ".pyo", ".mo", ".whl", ".egg", ".jar", ".class", ".o", ".a", ".dll", ".dylib"),
    *EXTENSION_SUFFIXES,
    *(".exe", ".bin", ".gz", ".tgz", ".zip", ".tar", ".bz2", ".xz", ".zst", ".7z", ".pdf"),
    *(".png", ".jpg", ".jpeg", ".gif", ".webp", ".ico", ".bmp", ".tif", ".tiff"),
    *(".woff", ".woff2", ".ttf", ".otf", ".eot", ".mp3", ".mp4", ".avi", ".mov", ".wav", ".ogg", ".webm"),
    *(".db", ".sqlite", ".sqlite3", ".parquet", ".npy", ".npz", ".pkl", ".pickle", ".pt", ".onnx", ".h5"),
    *(".shp", ".dbf", ".shx", ".xlsx", ".xls", ".docx", ".pptx"),
)


class FoundFile(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A Python file as the directory tells it; a Struct because thousands are made per run (0.1 µs each).

    `size` in bytes, `mode` the permission bits; `problem` says why the file must not be read (`symlink`,
    `no regular file`, an error of the system).
    """

    path: str
    size: int
    mtime_ns: int
    ctime_ns: int
    mode: int
    problem: str = ""


@dataclass(frozen=True)
class Discovery:
    """What is in a repository; all paths relative to its root, POSIX, sorted.

    `other_files` are regular files without a binary file's ending. `extension_files` are compiled modules and
    their sources, `binary_files` all other regular files. `nested_repositories` and `linked_folders` were not
    entered; `unreadable` are folders and files with the reason. `folders` are those that were looked into.
    """

    root: Path
    exclude: tuple[str, ...]
    python_files: tuple[FoundFile, ...]
    other_files: tuple[str, ...]
    extension_files: tuple[str, ...] = ()
    nested_repositories: tuple[str, ...] = ()
    linked_folders: tuple[str, ...] = ()
    unreadable: tuple[tuple[str, str], ...] = ()
    folders: tuple[str, ...] = field(default=(), repr=False)
    binary_files: tuple[str, ...] = ()

    @cached_property
    def ignore_rules(self) -> IgnoreRules:
        """The rules that kept files out."""
        from analyzers.ignore_rules import IgnoreRules

        return IgnoreRules(self.root, self.exclude)

    def is_ignored(self, path: str, *, is_folder: bool = False) -> bool:
        """Whether a path, existing or not, is kept out by a rule or lies in a folder always skipped."""
        return self.ignore_rules.is_ignored(path, is_folder=is_folder)


def discover(root: Path, scan: Sequence[str] = (), exclude: Sequence[str] = ()) -> Discovery:
    """The files of a repository.

    Args:
        root: the repository root.
        scan: folders to look into, relative to the root; empty: all of it. A folder named here is entered
            even when an ignore rule names it; the rules hold for what is in it.
        exclude: gitignore-style globs, stronger than every `.gitignore`.

    Raises:
        InputError: a folder of `scan` does not exist or lies outside the root.
    """
    from analyzers.ignore_rules import IgnoreRules

    rules = IgnoreRules(root, exclude)
    walk = _Walk(str(root), rules)
    for folder in scan_folders(root, scan):
        walk.folder(folder)
    discovery = Discovery(
        root,
        tuple(exclude),
        tuple(sorted(walk.python_files, key=_path)),
        tuple(sorted(walk.other_files)),
        tuple(sorted(walk.extension_files)),
        tuple(sorted(walk.nested_repositories)),
        tuple(sorted(walk.linked_folders)),
        tuple(sorted(walk.unreadable)),
        tuple(sorted(walk.folders)),
        tuple(sorted(walk.binary_files)),
    )
    # A cached property of a frozen dataclass: the rules that the walk used are the rules from now on.
    discovery.__dict__["ignore_rules"] = rules
    return discovery


def stat_file(root: str, path: str) -> FoundFile:
    """The stamps of one file as it is now; a missing file has a `problem`, too."""
    try:
        found = os.lstat(f"{root}/{path}")
    except (OSError, ValueError) as error:
        return FoundFile(path, 0, 0, 0, 0, getattr(error, "strerror", None) or str(error))
    return _found(path, found)


def _path(file: FoundFile) -> str:
    return file.path


def _found(path: str, found: os.stat_result) -> FoundFile:
    problem = ""
    if stat.S_ISLNK(found.st_mode):
        problem = "symlink"
    elif not stat.S_ISREG(found.st_mode):
        # Opening a pipe or a device could block for ever.
        problem = "no regular file"
    return FoundFile(
        path, found.st_size, found.st_mtime_ns, found.st_ctime_ns, stat.S_IMODE(found.st_mode), problem
    )


class _Walk:
    def __init__(self, root: str, rules: IgnoreRules) -> None:
        from analyzers.ignore_rules import SKIPPED_FOLDERS, verdict

        self.root = root
        self.rules = rules
        self.skipped = SKIPPED_FOLDERS
        self.verdict = verdict
        self.folders: list[str] = []
        self.python_files: list[FoundFile] = []
        self.other_files: list[str] = []
        self.extension_files: list[str] = []
        self.binary_files: list[str] = []
        self.nested_repositories: list[str] = []
        self.linked_folders: list[str] = []
        self.unreadable: list[tuple[str, str]] = []

    def folder(self, start: str) -> None:
        """Collects everything below a folder (`""` or `a/b/`)."""
        verdict, skipped = self.verdict, self.skipped
        pending = [(start, self.rules.for_folder(start))]
        while pending:
            folder, rules = pending.pop()
            self.folders.append(folder)
            try:
                with os.scandir(f"{self.root}/{folder}") as listing:
                    entries = {entry.name: entry for entry in listing}
            except OSError as error:
                self.unreadable.append((_shown(folder.rstrip("/") or "."), error.strerror or str(error)))
                continue
            if folder != start:
                if ".git" in entries:
                    self.nested_repositories.append(folder.rstrip("/"))
                    continue
                if "pyvenv.cfg" in entries:
                    continue
                if ".gitignore" in entries:
                    rules = self.rules.with_file_of(folder, rules)
            for name, entry in entries.items():
                path = folder + name
                if not name.isascii() and _is_unnameable(name):
                    self.unreadable.append((_shown(path), "the file name is not UTF-8"))
                elif entry.is_dir(follow_symlinks=False):
                    if name not in skipped and not (rules and verdict(rules, path, name, True)):
                        pending.append((path + "/", rules))
                elif rules and verdict(rules, path, name, False):
                    continue
                elif name.endswith(PYTHON_SUFFIXES):
                    self.python_file(path, entry)
                elif not name.endswith(_BINARY_SUFFIXES) and entry.is_file(follow_symlinks=False):
                    self.other_files.append(path)
                elif name.endswith(EXTENSION_SUFFIXES):
                    self.extension_files.append(path)
                elif entry.is_file(follow_symlinks=False):
                    self.binary_files.append(path)
                elif entry.is_symlink() and _leads_to_folder(entry):
                    self.linked_folders.append(path)

    def python_file(self, path: str, entry: os.DirEntry[str]) -> None:
        try:
            found = _found(path, entry.stat(follow_symlinks=False))
        except OSError as error:
            found = FoundFile(path, 0, 0, 0, 0, error.strerror or str(error))
        self.python_files.append(found)


def _leads_to_folder(link: os.DirEntry[str]) -> bool:
    try:
        return link.is_dir()
    except OSError:
        # A link to itself, or to where nobody may look: no folder that modules could come from.
        return False


def _is_unnameable(path: str) -> bool:
    try:
        path.encode()
    except UnicodeEncodeError:
        return True
    return False


def _shown(path: str) -> str:
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def scan_folders(root: Path, scan: Sequence[str]) -> list[str]:
    """The folders of `scan`, checked, without those that lie inside another."""
    folders: list[str] = []
    for given in scan:
        parts = [part for part in given.replace("\\", "/").split("/") if part not in ("", ".")]
        if given.startswith("/") or ".." in parts:
            raise InputError(
                CONFIG_NAME, 0, f"scan folder {given!r} is not below the root", "name a folder inside"
            )
        folder = "".join(part + "/" for part in parts)
        if not (root / folder).is_dir():
            raise InputError(
                CONFIG_NAME, 0, f"scan folder {given!r} does not exist", "correct the key `scan`"
            )
        folders.append(folder)
    folders = sorted(set(folders)) or [""]
    return [f for f in folders if not any(f != other and f.startswith(other) for other in folders)]
