"""What the text scanners ask about the tree before a move, answered from the index."""

from __future__ import annotations

from functools import cached_property

from analyzers.import_index import SourceIndex
from analyzers.name_resolution import NameResolver


class IndexFacts:
    """Facts of one tree (see `analyzers.text_references.reference.ProjectFacts`)."""

    def __init__(self, index: SourceIndex, resolver: NameResolver | None = None) -> None:
        self.index = index
        self.resolver = resolver or index.resolver

    @property
    def import_roots(self) -> tuple[str, ...]:
        return self.index.layout.import_roots

    def module_exists(self, name: str) -> bool:
        return self.index.exists(name)

    def symbol_exists(self, module: str, name: str) -> bool:
        return self.resolver.bound(module, name) is not None

    def path_exists(self, path: str) -> bool:
        bare = path.rstrip("/")
        return bare in self.index.files or bare in self._other_paths or bare in self._folders

    @cached_property
    def _other_paths(self) -> frozenset[str]:
        return frozenset(self.index.carried_files)

    @cached_property
    def _folders(self) -> frozenset[str]:
        found: set[str] = set()
        for path in (*self.index.files, *self.index.carried_files):
            folder = path.rpartition("/")[0]
            while folder and folder not in found:
                found.add(folder)
                folder = folder.rpartition("/")[0]
        return frozenset(found)
