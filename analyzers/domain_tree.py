"""Which files stand below the domain root right now, git-ignored ones included."""

from __future__ import annotations

import hashlib
import os
import stat
import unicodedata
from dataclasses import dataclass, field
from pathlib import Path

from analyzers.ignore_rules import IgnoreRules

_BLOCK_BYTES = 1 << 20


@dataclass(frozen=True)
class DomainTree:
    """A look at the domain root; paths are relative to the repository root.

    `files` maps the NFC form of each regular file's path to the path as the file system spells it; `links`
    are symbolic links, which are never moved; `folders` are the folders directly below the domain root.
    """

    root: Path
    domain_root: str
    files: dict[str, str]
    links: frozenset[str]
    folders: frozenset[str]
    _ignore: IgnoreRules = field(repr=False)

    def real_path(self, path: str) -> str:
        """The file at `path` as the file system spells it; empty when there is no regular file."""
        return self.files.get(unicodedata.normalize("NFC", path), "")

    def hash_of(self, path: str) -> str:
        """The SHA-256 of an existing file in hexadecimal; empty when it cannot be read."""
        digest = hashlib.sha256()
        try:
            with (self.root / path).open("rb") as file:
                while block := file.read(_BLOCK_BYTES):
                    digest.update(block)
        except OSError:
            return ""
        return digest.hexdigest()

    def is_ignored(self, path: str) -> bool:
        """Whether git would ignore a file at `path`, existing or not."""
        return self._ignore.is_ignored(path)

    def named(self, name: str, domain: str) -> tuple[str, ...]:
        """The files called `name` anywhere in the folder `domain`, sorted."""
        start = f"{self.domain_root}/{domain}/"
        end = "/" + unicodedata.normalize("NFC", name)
        return tuple(
            sorted(real for key, real in self.files.items() if key.startswith(start) and key.endswith(end))
        )


def read_domain_tree(root: Path, domain_root: str) -> DomainTree:
    """The files below `domain_root` as they are now. Links to folders are not followed."""
    files: dict[str, str] = {}
    links: set[str] = set()
    folders: set[str] = set()
    pending = [domain_root]
    while pending:
        folder = pending.pop()
        try:
            with os.scandir(root / folder) as listing:
                entries = sorted(listing, key=lambda entry: entry.name)
        except OSError:
            # What cannot be listed has no files that could move; its records become UNRESOLVED rows.
            continue
        for entry in entries:
            path = f"{folder}/{entry.name}"
            mode = entry.stat(follow_symlinks=False).st_mode
            if stat.S_ISLNK(mode):
                links.add(unicodedata.normalize("NFC", path))
            elif stat.S_ISDIR(mode):
                if folder == domain_root:
                    folders.add(entry.name)
                if entry.name != "__pycache__":
                    pending.append(path)
            elif stat.S_ISREG(mode):
                files[unicodedata.normalize("NFC", path)] = path
    return DomainTree(root, domain_root, files, frozenset(links), frozenset(folders), IgnoreRules(root))
