"""Which path texts may name a file that a transaction writes; judged without looking at the disk."""

from __future__ import annotations

import re
import unicodedata

from analyzers.errors import InputError

#: hocmig's own folder at the repository root; see `state_folder`.
STATE_FOLDER = ".hocmig"

#: The one folder in it that phases write to: their artifacts, where no domain root is configured.
_ARTIFACTS = "artifacts"

#: Longest name of one folder or file, in bytes (NAME_MAX of Linux and macOS), and of a whole path (PATH_MAX).
MAX_NAME_BYTES = 255
MAX_PATH_BYTES = 4000

_DRIVE = re.compile(r"^[A-Za-z]:")

#: Code points that HFS+ ignores in names, so that `.g\u200cit` would be `.git`.
#: Source: git, utf8.c, next_hfs_char().
_IGNORED_BY_HFS = dict.fromkeys(
    [*range(0x200C, 0x2010), *range(0x202A, 0x202F), *range(0x206A, 0x2070), 0xFEFF], None
)


def fold(text: str) -> str:
    """The form in which two names are the same on a file system that ignores case and composition."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())


def path_problem(path: str) -> str:
    """What is wrong with `path` as the name of a file below the repository root, or an empty text.

    Wanted is POSIX, relative, normalised (`a/b.py`), not in `.git` nor in hocmig's own folder in any spelling
    that some file system takes for it (`.GIT`, `git~1`, `.git.`); but its artifacts, exactly spelled, may be.
    """
    if not path:
        return "is empty"
    if "\0" in path:
        return "holds a NUL character"
    try:
        size = len(path.encode("utf-8"))
    except UnicodeEncodeError:
        return "is no valid UTF-8"
    if size > MAX_PATH_BYTES:
        return f"is longer than {MAX_PATH_BYTES} bytes"
    if path.startswith("/"):
        return "is absolute"
    if _DRIVE.match(path):
        return "names a drive"
    if "\\" in path:
        return "holds a backslash"
    names = path.split("/")
    if ".." in names:
        return "holds `..`"
    if "." in names or "" in names:
        return "is not normalised"
    if any(len(name.encode("utf-8")) > MAX_NAME_BYTES for name in names):
        return f"holds a name longer than {MAX_NAME_BYTES} bytes"
    for position, name in enumerate(names):
        plain = fold(name.translate(_IGNORED_BY_HFS)).rstrip(". ")
        if plain == ".git" or re.fullmatch(r"git~\d+", plain):
            return "lies in git's own folder"
        if position == 0 and plain == STATE_FOLDER and names[:2] != [STATE_FOLDER, _ARTIFACTS]:
            return "lies in hocmig's own folder"
    return ""


def check_path(path: str) -> None:
    """Raise InputError when `path` may not be written (see `path_problem`)."""
    problem = path_problem(path)
    if problem:
        shown = path if path.isprintable() and path else repr(path)
        raise InputError(shown[:300], 0, f"the path {problem}", "name a file below the repository root")


def parents(path: str) -> tuple[str, ...]:
    """The folders above `path`, outermost first, without the root (`a/b/c.py` -> `a`, `a/b`)."""
    names = path.split("/")[:-1]
    return tuple("/".join(names[: count + 1]) for count in range(len(names)))


def folder_of(path: str) -> str:
    """The folder of `path`, relative to the root; empty for the root itself."""
    return path.rpartition("/")[0]
