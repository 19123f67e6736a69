"""Answers about import cycles that were found before, for the same trees and the same moves.

The search runs the imports of both trees. `validate`, the dry run and `--execute` ask the same of trees that
are the same: the second of them looks it up. An answer holds for the bytes of all Python files of both trees,
the names of all other files, the import roots, the relocations, this tool and this Python.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec

import analyzers
from analyzers.checked_file import read_checked, write_checked
from analyzers.import_cycles import CycleComparison, compare_cycles
from analyzers.import_failures import Reader
from analyzers.import_graph import ImportGraph
from analyzers.import_index import SourceIndex
from analyzers.relocation_map import RelocationMap

#: The name of the file in hocmig's state folder.
CYCLES_NAME = "cycles.msgpack"

#: Answers that are kept, the last ones: those of a plan, of parts of it, and of the same in another branch.
_KEPT = 8


class KnownCycles(msgspec.Struct, frozen=True, array_like=True):
    """An answer by its key, see `CycleCache.compare`."""

    key: str
    cycles: CycleComparison


class CycleCache:
    """The answers in one file, which may be deleted at any time; a damaged or foreign one counts as none.

    Args:
        path: the file; its folder need not exist.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def compare(
        self,
        before: SourceIndex | ImportGraph,
        after: SourceIndex | ImportGraph,
        relocations: RelocationMap,
        read_after: Reader | None = None,
        read_before: Reader | None = None,
    ) -> CycleComparison:
        """What `compare_cycles` says, from the file when it has been asked before.

        `read_after` and `read_before` must give the bytes that the indexes were made of. Where the tree
        afterwards is foretold from the tree before, its texts are those of the tree before: then the
        relocations and the hashes there tell it from one that was rewritten.
        """
        key = _key(_index(before), _index(after), relocations)
        header = _header()
        known = read_checked(self._path, header, list[KnownCycles]) or []
        for one in known:
            if one.key == key:
                return one.cycles
        cycles = compare_cycles(before, after, relocations, read_after, read_before)
        write_checked(self._path, header, [KnownCycles(key, cycles), *known[: _KEPT - 1]])
        return cycles


def _index(tree: SourceIndex | ImportGraph) -> SourceIndex:
    return tree.index if isinstance(tree, ImportGraph) else tree


def _key(before: SourceIndex, after: SourceIndex, relocations: RelocationMap) -> str:
    digest = hashlib.sha256()
    for part in _parts(before, after, relocations):
        # Lengths stand between the parts, so that no two lists of parts give the same bytes.
        digest.update(f"{len(part)}:".encode())
        digest.update(part)
    return digest.hexdigest()


def _parts(before: SourceIndex, after: SourceIndex, relocations: RelocationMap) -> Iterator[bytes]:
    yield msgspec.json.encode((relocations.allow_merges, relocations.relocations))
    for index in (before, after):
        yield msgspec.json.encode(index.layout.import_roots)
        yield "\n".join(f"{f.sha256} {f.error} {f.path}" for f in index.files.values()).encode(
            "utf-8", "surrogateescape"
        )
        yield "\n".join(index.carried_files).encode("utf-8", "surrogateescape")


def _header() -> bytes:
    """What the file begins with: this Python, and the stamps of the modules that make the answers."""
    folder = Path(analyzers.__file__).parent
    digest = hashlib.sha256()
    if folder.is_dir():
        for path in sorted(folder.glob("*.py")):
            found = path.stat()
            digest.update(f"{path.name} {found.st_size} {found.st_mtime_ns}\n".encode())
    python = f"{sys.implementation.name} {'.'.join(map(str, sys.version_info[:3]))}"
    return f"hocmig cycles 1 {python} {digest.hexdigest()}\n".encode()
