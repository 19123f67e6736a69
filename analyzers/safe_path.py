"""Paths that people wrote: checked to be relative and inside the repository before anything uses them."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

from analyzers.errors import InputError

#: A Windows drive (`C:`); such a path is absolute on one system and a strange name on the other.
_DRIVE = re.compile(r"[A-Za-z]:")

#: Longer paths than this are refused by every file system that matters (PATH_MAX of Linux, bytes).
LONGEST_PATH = 4096


def path_problem(text: str) -> str:
    """What is wrong with `text` as a path relative to the repository root; empty when nothing is.

    Looks at the text alone: empty, absolute, a drive, `..`, empty parts, control characters, too long.
    """
    if not text:
        return "is empty"
    if len(text.encode("utf-8", "surrogatepass")) > LONGEST_PATH:
        return f"is longer than {LONGEST_PATH} bytes"
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in text):
        return "holds a control character"
    if "\\" in text:
        return "holds a backslash (paths are written with /)"
    if text.startswith("/") or _DRIVE.match(text) or text.startswith("~"):
        return "is absolute (paths are relative to the repository root)"
    parts = text.split("/")
    if ".." in parts:
        return "holds `..`"
    if "" in parts[:-1] or "." in parts[:-1] or (len(parts) > 1 and parts[-1] == "."):
        return "holds an empty part or `.`"
    return ""


def leaves_root(root: Path, path: str) -> bool:
    """Whether `path` below `root` is reached through a symbolic link that leads out of `root`.

    Parts that do not exist yet are inside by definition. Reads the file system.
    """
    real_root = root.resolve()
    current = root / path
    while not current.exists() and not current.is_symlink() and current != root:
        current = current.parent
    try:
        real = current.resolve()
    except (OSError, RuntimeError):
        return True
    return real != real_root and real_root not in real.parents


def check_path(text: str, *, root: Path, file: str, line: int, what: str) -> str:
    """`text` without a trailing slash, when it is a relative path that stays inside `root`.

    Args:
        what: how the message names the value, for example `target_path`.

    Raises:
        InputError: naming `file` and `line`.
    """
    problem = path_problem(text)
    if not problem and leaves_root(root, text):
        problem = "leads out of the repository root through a symbolic link"
    if problem:
        shown = text if len(text) <= 120 else text[:120] + "…"
        raise InputError(
            file, line, f"{what} {shown!r} {problem}", "write a path inside the repository, such as app/x.py"
        )
    return text.rstrip("/")
