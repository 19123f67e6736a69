"""Files that are not rewritten, but name what moves.

They cannot be parsed: MOVE016 E such a file names a moved module by its dotted name; MOVE017 W it may mean
one (`from package import module`, a relative import), or it cannot be read at all. Or they stand inside a
package and are not ours to change, since git ignores them or they belong to another repository: MOVE019 W.
Source: the import-rewriting case 57; a domain of a real back end was ignored by git, and still imported.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator

from analyzers.ignore_rules import SKIPPED_FOLDERS
from analyzers.import_index import SourceIndex
from analyzers.model import Finding
from analyzers.relocation_map import RelocationMap

_IMPORT_LINE = re.compile(rb"^[ \t\f]*(?:lazy[ \t]+)?(?:from|import)\b.*$", re.MULTILINE)


def unrewritable_mentions(relocations: RelocationMap, index: SourceIndex) -> Iterator[Finding]:
    """The findings, one per file, in the order of the paths; reads those files below the index's root.

    Files that move themselves are left out, and so are links to files of the index: those are rewritten
    there.
    """
    names = _spellings(relocations)
    root = str(index.layout.root)
    for record in index.unparsed:
        if record.path in relocations.paths:
            continue
        if record.error == "symlink" and not _leads_to_stranger(root, record.path, index):
            continue
        content, problem = _content(f"{root}/{record.path}")
        if problem:
            message = f"{problem}, so nobody knows whether it names what moves"
            yield _finding("MOVE017", "warning", record.path, message)
        elif relocations.may_concern(content):
            yield from _mentioned(record.path, record.error, content, names)


#: More findings of one kind say nothing new.
_MAX_FOREIGN = 50


def foreign_mentions(relocations: RelocationMap, index: SourceIndex) -> Iterator[Finding]:
    """MOVE019 for Python files inside packages that the index leaves out, at most 50, in the order of paths.

    Only folders that hold files of the index are searched for what is left out; virtual environments and
    caches are not entered.
    """
    names = _spellings(relocations)
    root = str(index.layout.root)
    found = 0
    for path, why in _left_out(root, index):
        content, _ = _content(f"{root}/{path}")
        if not relocations.may_concern(content):
            continue
        for finding in _mentioned(path, why, content, names):
            if found == _MAX_FOREIGN:
                message = "and more files that are left out name what moves"
                yield Finding(code="MOVE019", severity="warning", path=path, message=message)
                return
            found += 1
            mend = "rewrite it with the codemod, or bring it into the repository"
            yield Finding(
                code="MOVE019",
                severity="warning",
                path=path,
                line=finding.line,
                message=f"{finding.message}: it stays as it is",
                mend=mend,
            )


def _left_out(root: str, index: SourceIndex) -> Iterator[tuple[str, str]]:
    """(path, reason) of the Python files inside packages that the index does not hold."""
    roots = {"" if r == "." else r for r in index.layout.import_roots}
    known: set[str] = set()
    for path in (*index.files, *index.other_files):
        folder = path.rpartition("/")[0]
        while folder not in known:
            known.add(folder)
            folder = folder.rpartition("/")[0]
    packages = {path.rpartition("/")[0] for path in index.files} - roots
    for package in sorted(packages):
        name = index.layout.module_of(f"{package}/__init__.py")
        if name is None or not name.is_importable:
            continue
        for entry, is_folder in _entries(f"{root}/{package}"):
            path = f"{package}/{entry}"
            if is_folder and path not in known:
                yield from _python_files_below(root, path)
            elif not is_folder and entry.endswith(".py") and path not in index.files:
                yield path, "is ignored"


def _python_files_below(root: str, folder: str) -> Iterator[tuple[str, str]]:
    why = "is ignored"
    for above, folders, files in os.walk(f"{root}/{folder}"):
        if "pyvenv.cfg" in files:
            folders.clear()
            continue
        if ".git" in folders or ".git" in files:
            why = "belongs to another repository"
        folders[:] = sorted(f for f in folders if f not in SKIPPED_FOLDERS and f != ".git")
        for name in sorted(files):
            if name.endswith(".py"):
                yield f"{above}/{name}"[len(root) + 1 :], why


def _entries(folder: str) -> list[tuple[str, bool]]:
    try:
        with os.scandir(folder) as listing:
            return sorted(
                (e.name, e.is_dir(follow_symlinks=False))
                for e in listing
                if e.name not in SKIPPED_FOLDERS and not e.is_symlink()
            )
    except OSError:
        return []


def _mentioned(
    path: str, error: str, content: bytes, names: dict[bytes, tuple[bytes, bytes]]
) -> Iterator[Finding]:
    for dotted in names:
        at = _find_name(content, dotted)
        if at >= 0:
            line = content.count(b"\n", 0, at) + 1
            yield _finding(
                "MOVE016", "error", path, f"{error}, but names {dotted.decode()}, which moves", line
            )
            return
    for match in _IMPORT_LINE.finditer(content):
        words = set(re.findall(rb"\w+", match[0]))
        is_relative = match[0].lstrip().startswith(b"from .")
        for dotted, (parent, leaf) in names.items():
            if leaf in words and (parent in words or is_relative):
                line = content.count(b"\n", 0, match.start()) + 1
                message = f"{error}, but may import {dotted.decode()}, which moves"
                yield _finding("MOVE017", "warning", path, message, line)
                return


def _spellings(relocations: RelocationMap) -> dict[bytes, tuple[bytes, bytes]]:
    """Dotted names of all that moves, encoded, each with its parent's last segment and its own."""
    dotted = [*relocations.moved_modules, *(f"{m}.{n}" for m, n in relocations.moved_symbols)]
    found = {}
    for name in sorted(dotted):
        parts = name.encode().split(b".")
        found[name.encode()] = (parts[-2] if len(parts) > 1 else b"", parts[-1])
    return found


def _find_name(content: bytes, dotted: bytes) -> int:
    """Where a dotted name stands in `content` by itself, not as a part of a longer word; -1: nowhere."""
    at = content.find(dotted)
    while at >= 0:
        before = content[at - 1 : at] if at else b""
        after = content[at + len(dotted) : at + len(dotted) + 1]
        if not (before.isalnum() or before in (b"_", b".") or after.isalnum() or after == b"_"):
            return at
        at = content.find(dotted, at + 1)
    return -1


def _leads_to_stranger(root: str, path: str, index: SourceIndex) -> bool:
    """Whether a link leads to an existing file that is not of this index."""
    real, real_root = os.path.realpath(f"{root}/{path}"), os.path.realpath(root)
    inside = real.startswith(real_root + "/") and real[len(real_root) + 1 :] in index.files
    return not inside and os.path.isfile(real)  # noqa: PTH113 (a string all the way)


def _content(file: str) -> tuple[bytes, str]:
    """`(bytes, "")` of a file, or what keeps it from being read; pipes and devices are not waited for."""
    try:
        with open(file, "rb", opener=_open_without_waiting) as stream:
            if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
                return b"", "is no regular file"
            return stream.read(), ""
    except OSError as error:
        return b"", f"cannot be read ({error.strerror})"


def _open_without_waiting(path: str, flags: int) -> int:
    # A pipe without a writer would block for ever.
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _finding(code: str, severity: str, path: str, message: str, line: int = 0) -> Finding:
    mend = "mend the file, or exclude it in hocmig.yaml"
    return Finding(code=code, severity=severity, path=path, line=line, message=message, mend=mend)
