"""Which files of a repository are ours to look at: Python files with their stamps, and all other text candidates.

Left out: what git ignores, what the configuration excludes, caches and virtual environments, other git
repositories inside (submodules, too). Symbolic links to folders are not followed; linked files are listed with a
problem, so that nothing ever rewrites them.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from analyzers.configuration import CONFIG_NAME
from analyzers.errors import InputError
from analyzers.ignore_rules import RuleSet

#: Folders that hold no source of the repository, wherever they stand.
SKIPPED_FOLDERS = frozenset(
    {
        ".git",
        ".hg",
        ".svn",
        ".hocmig",
        "__pycache__",
        "node_modules",
        ".venv",
        ".tox",
        ".nox",
        ".eggs",
        ".mypy_cache",
        ".pytest_cache",
        ".ruff_cache",
        ".hypothesis",
        ".import_linter_cache",
        ".direnv",
        "__pypackages__",
    }
)

PYTHON_SUFFIXES = (".py", ".pyi")
EXTENSION_SUFFIXES = (".so", ".pyd", ".pyx")

#: Endings of files that hold no text a person wrote.
_BINARY_SUFFIXES = tuple(
    ".pyc .pyo .mo .gz .zip .tar .bz2 .xz .zst .7z .whl .egg .jar .class .o .a .so .pyd .dll .dylib .exe .bin"
    " .png .jpg .jpeg .gif .webp .ico .bmp .tif .tiff .pdf .woff .woff2 .ttf .otf .eot .mp3 .mp4 .avi .mov .wav"
    " .ogg .webm .db .sqlite .sqlite3 .parquet .npy .npz .pkl .pickle .pt .onnx .h5 .shp .dbf .shx .tgz .xlsx"
    " .xls .docx .pptx .lock".split()
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


class IgnoreRules:
    """All ignore rules of a repository: `exclude` globs, `.gitignore` files, `.git/info/exclude`, always-skipped names.

    Files are read on first need and kept. The user's own `core.excludesFile` is not honoured: the same tree
    must give the same index for everybody.
    """

    def __init__(self, root: Path, exclude: Sequence[str] = ()) -> None:
        self._root = str(root)
        self._exclude = RuleSet("", exclude)
        self._outer = _outer_rules(self._root)
        self._by_folder: dict[str, tuple[RuleSet, ...]] = {}

    def for_folder(self, folder: str, has_file: bool | None = None) -> tuple[RuleSet, ...]:
        """The rule sets that count for the entries of a folder (`""` or `a/b/`), the strongest first.

        `has_file` says whether there is a `.gitignore` in it, when the caller knows.
        """
        known = self._by_folder.get(folder)
        if known is not None:
            return known
        if folder:
            inherited = self.for_folder(folder[: folder.rfind("/", 0, -1) + 1])
            excluded, rest = (inherited[:1], inherited[1:]) if self._exclude else ((), inherited)
        else:
            excluded, rest = ((self._exclude,) if self._exclude else ()), self._outer
        own: tuple[RuleSet, ...] = ()
        if has_file is not False:
            rules = RuleSet(folder, _lines(f"{self._root}/{folder}.gitignore"))
            own = (rules,) if rules else ()
        result = (*excluded, *own, *rest)
        self._by_folder[folder] = result
        return result

    def is_ignored(self, path: str, *, is_folder: bool = False) -> bool:
        """Whether a path, existing or not, or a folder above it is kept out; relative to the root, POSIX."""
        parts = path.strip("/").split("/")
        folder = ""
        for number, name in enumerate(parts):
            here_is_folder = is_folder or number < len(parts) - 1
            if here_is_folder and name in SKIPPED_FOLDERS:
                return True
            if verdict(self.for_folder(folder), folder + name, name, here_is_folder):
                return True
            folder += name + "/"
        return False


def verdict(rules: tuple[RuleSet, ...], path: str, name: str, is_folder: bool) -> bool:
    """Whether the first rule set that has a word on the path ignores it."""
    for rule_set in rules:
        found = rule_set.verdict(path, name, is_folder)
        if found is not None:
            return found
    return False


class Discovery(msgspec.Struct, frozen=True):
    """What is in a repository; all paths relative to its root, POSIX, sorted.

    `other_files` are regular files without a binary file's ending. `extension_files` are compiled modules and
    their sources. `nested_repositories` and `linked_folders` were not entered; `unreadable` are folders with
    the reason.
    """

    python_files: tuple[FoundFile, ...]
    other_files: tuple[str, ...]
    extension_files: tuple[str, ...]
    nested_repositories: tuple[str, ...]
    linked_folders: tuple[str, ...]
    unreadable: tuple[tuple[str, str], ...]
    ignore_rules: IgnoreRules

    def is_ignored(self, path: str, *, is_folder: bool = False) -> bool:
        """Whether a path, existing or not, is kept out by an ignore rule."""
        return self.ignore_rules.is_ignored(path, is_folder=is_folder)


def discover(root: Path, scan: Sequence[str] = (), exclude: Sequence[str] = ()) -> Discovery:
    """The files of a repository.

    Args:
        root: the repository root.
        scan: folders to look into, relative to the root; empty: all of it. A folder named here is entered even
            when an ignore rule names it; the rules hold for what is in it.
        exclude: gitignore-style globs, stronger than every `.gitignore`.

    Raises:
        InputError: a folder of `scan` does not exist or lies outside the root.
    """
    rules = IgnoreRules(root, exclude)
    walk = _Walk(str(root), rules)
    for folder in _scan_folders(root, scan):
        walk.folder(folder)
    return Discovery(
        tuple(sorted(walk.python_files, key=_path)),
        tuple(sorted(walk.other_files)),
        tuple(sorted(walk.extension_files)),
        tuple(sorted(walk.nested_repositories)),
        tuple(sorted(walk.linked_folders)),
        tuple(sorted(walk.unreadable)),
        rules,
    )


def stat_file(root: Path, path: str) -> FoundFile:
    """The stamps of one file as it is now; a missing file has a `problem`, too."""
    try:
        found = os.lstat(root / path)
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
        self.root = root
        self.rules = rules
        self.python_files: list[FoundFile] = []
        self.other_files: list[str] = []
        self.extension_files: list[str] = []
        self.nested_repositories: list[str] = []
        self.linked_folders: list[str] = []
        self.unreadable: list[tuple[str, str]] = []

    def folder(self, start: str) -> None:
        """Collects everything below a folder (`""` or `a/b/`)."""
        pending = [start]
        while pending:
            folder = pending.pop()
            try:
                with os.scandir(f"{self.root}/{folder}") as listing:
                    entries = list(listing)
            except OSError as error:
                self.unreadable.append((_shown(folder.rstrip("/") or "."), error.strerror or str(error)))
                continue
            names = [entry.name for entry in entries]
            if folder != start:
                if ".git" in names:
                    self.nested_repositories.append(folder.rstrip("/"))
                    continue
                if "pyvenv.cfg" in names:
                    continue
            rules = self.rules.for_folder(folder, ".gitignore" in names)
            for entry, name in zip(entries, names, strict=True):
                path = folder + name
                if not path.isascii() and _is_unnameable(path):
                    self.unreadable.append((_shown(path), "the file name is not UTF-8"))
                elif entry.is_dir(follow_symlinks=False):
                    if name not in SKIPPED_FOLDERS and not (rules and verdict(rules, path, name, True)):
                        pending.append(path + "/")
                elif not (rules and verdict(rules, path, name, False)):
                    self.file(path, name, entry)

    def file(self, path: str, name: str, entry: os.DirEntry[str]) -> None:
        if name.endswith(PYTHON_SUFFIXES):
            try:
                found = _found(path, entry.stat(follow_symlinks=False))
            except OSError as error:
                found = FoundFile(path, 0, 0, 0, 0, error.strerror or str(error))
            self.python_files.append(found)
        elif entry.is_symlink():
            if entry.is_dir():
                self.linked_folders.append(path)
        elif name.endswith(EXTENSION_SUFFIXES):
            self.extension_files.append(path)
        elif not name.endswith(_BINARY_SUFFIXES) and entry.is_file(follow_symlinks=False):
            self.other_files.append(path)


def _is_unnameable(path: str) -> bool:
    try:
        path.encode()
    except UnicodeEncodeError:
        return True
    return False


def _shown(path: str) -> str:
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def _scan_folders(root: Path, scan: Sequence[str]) -> list[str]:
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


def _outer_rules(root: str) -> tuple[RuleSet, ...]:
    """`.gitignore` files above the root inside the same git work tree, then `.git/info/exclude`; strongest first."""
    above = ""
    folder = root
    sets = []
    while not os.path.lexists(f"{folder}/.git"):  # noqa: PTH110 (pathlib costs more than the check)
        parent, _, name = folder.rpartition("/")
        if not name:
            return ()
        folder, above = parent, f"{name}/{above}"
        sets.append((folder, above))
    rules = [_Shifted(below, _lines(f"{at}/.gitignore")) for at, below in sets]
    rules.append(_Shifted(above, _lines(f"{_git_folder(folder)}/info/exclude")))
    return tuple(rule for rule in rules if rule)


class _Shifted(RuleSet):
    """Rules of a folder above the root; `below` leads from there to the root."""

    def __init__(self, below: str, lines: Iterable[str]) -> None:
        super().__init__("", lines)
        self._below = below

    def verdict(self, path: str, name: str, is_folder: bool) -> bool | None:
        return super().verdict(self._below + path, name, is_folder)


def _git_folder(top: str) -> str:
    """The git folder that holds `info/`; for a linked work tree that of the main one."""
    place = f"{top}/.git"
    for link, prefix in ((place, "gitdir:"), (None, "")):
        target = link if link is not None else f"{place}/commondir"
        lines = _lines(target)
        if lines and lines[0].startswith(prefix):
            place = os.path.join(top if prefix else place, lines[0][len(prefix) :].strip())  # noqa: PTH118
    return place


def _lines(path: str) -> list[str]:
    """The lines of a small text file, or none when there is no such file to read."""
    try:
        with open(path, encoding="utf-8-sig", errors="surrogateescape", newline="\n") as stream:
            return stream.read().split("\n")
    except OSError:
        return []
