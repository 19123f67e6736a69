"""Which Python files each domain holds, with their hashes: what a lock freezes.

The hashes can be recomputed with `sha256sum`: that of a domain is the hash of what `sha256sum` prints for its
files in the order of their paths' bytes; that of all domains is made in the same way from the domains' hashes
and names.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from analyzers.configuration import Configuration
from analyzers.errors import InputError
from analyzers.model import FileRecord

#: Characters that would break the table of a lock file, or that `sha256sum` escapes.
_UNFIT = frozenset("|\\\n\r")


@dataclass(frozen=True, slots=True)
class DomainFiles:
    """One domain: `files` maps paths relative to the domain's folder to SHA-256, sorted by path."""

    domain: str
    files: Mapping[str, str]

    @property
    def hash(self) -> str:
        """The domain's hash; see `hash_of_files`."""
        return hash_of_files(self.files)

    @property
    def layers(self) -> dict[str, int]:
        """The number of files per layer folder, sorted; `-` stands for the domain's own folder."""
        return count_layers(self.files)


def hash_of_files(files: Mapping[str, str]) -> str:
    """The SHA-256 of the lines `HASH  PATH`, sorted by path: what `sha256sum PATHS | sha256sum` prints."""
    return _hash_of_lines((files[path], path) for path in sorted(files, key=str.encode))


def hash_of_domains(hashes: Mapping[str, str]) -> str:
    """The SHA-256 of the lines `HASH  DOMAIN`, sorted by domain."""
    return _hash_of_lines((hashes[name], name) for name in sorted(hashes, key=str.encode))


def layer_of(path: str) -> str:
    """The layer folder of a path relative to its domain; `-` for files directly in the domain's folder."""
    return path.partition("/")[0] if "/" in path else "-"


def count_layers(paths: Iterable[str]) -> dict[str, int]:
    """The number of paths (relative to their domain) per layer, sorted by layer."""
    counts: dict[str, int] = {}
    for path in paths:
        layer = layer_of(path)
        counts[layer] = counts.get(layer, 0) + 1
    return dict(sorted(counts.items()))


def domain_of(path: str, config: Configuration) -> tuple[str, str]:
    """The domain that a path lies in and the rest of the path; both empty outside of all domains.

    Folders whose names begin with `_` or `.` (such as the artifact folder) are no domains.
    """
    above = config.domain_root + "/"
    if not config.domain_root or not path.startswith(above):
        return "", ""
    domain, slash, rest = path[len(above) :].partition("/")
    if not slash or domain.startswith(("_", ".")) or (config.domains and domain not in config.domains):
        return "", ""
    return domain, rest


def take_inventory(files: Mapping[str, FileRecord], config: Configuration) -> dict[str, DomainFiles]:
    """The Python files of every domain, sorted by domain: those configured, or those that hold files.

    Raises:
        InputError: a file that cannot be read, or whose name a lock cannot hold.
    """
    hashes = {}
    for path, record in files.items():
        if domain_of(path, config)[0]:
            if not record.sha256:
                raise InputError(path, 0, f"cannot be locked: {record.error}", "mend or remove the file")
            hashes[path] = record.sha256
    return group_by_domain(hashes, config)


def group_by_domain(hashes: Mapping[str, str], config: Configuration) -> dict[str, DomainFiles]:
    """The domains that files (path -> SHA-256) lie in, sorted, with those configured; others are left out.

    Raises:
        InputError: a file whose name a lock cannot hold.
    """
    found: dict[str, dict[str, str]] = {name: {} for name in config.domains}
    for path, digest in hashes.items():
        domain, rest = domain_of(path, config)
        if not domain:
            continue
        if _UNFIT.intersection(rest):
            raise InputError(path, 0, "has a name that a lock cannot hold", "rename the file")
        found.setdefault(domain, {})[rest] = digest
    return {
        name: DomainFiles(name, dict(sorted(found[name].items(), key=lambda item: item[0].encode())))
        for name in sorted(found)
    }


def _hash_of_lines(pairs: Iterable[tuple[str, str]]) -> str:
    text = "".join(f"{digest}  {name}\n" for digest, name in pairs)
    return hashlib.sha256(text.encode()).hexdigest()
