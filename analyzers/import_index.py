"""The import index: every Python file of a repository with its module name and its facts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from analyzers.layout import ModuleName, ProjectLayout
from analyzers.model import FileRecord

if TYPE_CHECKING:
    from analyzers.discovery import Discovery
    from analyzers.name_resolution import NameResolver
    from analyzers.parsed_files import ParsedFiles

Advance = Callable[[int, int], None]


class Clash(msgspec.Struct, frozen=True):
    """Two files for one module name; `paths[0]` is what Python imports.

    `kind`: `package over module` (`auth/__init__.py` beside `auth.py`), `module over folder` (`auth.py`
    beside a folder `auth` without `__init__.py`, whose modules cannot be imported), `two roots`.
    """

    module: str
    paths: tuple[str, ...]
    kind: str


class SourceIndex:
    """All Python files of a repository.

    `files` are the records by path, sorted. `modules` maps importable module names to the paths of `.py`
    files, `stubs` to those of `.pyi` files, `extensions` to those of compiled modules and their sources.
    `packages` are regular packages and namespace packages (every folder in an import root that holds modules
    at any depth). `names` gives the module name of every file that has one.
    """

    def __init__(
        self,
        layout: ProjectLayout,
        files: dict[str, FileRecord],
        other_files: tuple[str, ...] = (),
        discovery: Discovery | None = None,
        names: Mapping[str, ModuleName] | None = None,
    ) -> None:
        self.layout = layout
        self.files = files
        self.other_files = other_files
        self.discovery = discovery
        self._known_names = names or {}

    @classmethod
    def from_records(
        cls, layout: ProjectLayout, records: Iterable[FileRecord], other_files: Iterable[str] = ()
    ) -> SourceIndex:
        """The index of the given records; later ones win over earlier ones of the same path."""
        files = {record.path: record for record in records}
        return cls(layout, dict(sorted(files.items())), tuple(sorted(other_files)))

    @cached_property
    def carried_files(self) -> tuple[str, ...]:
        """Every file that is not Python and moves with the folder that it lies in, binary ones included."""
        found = self.discovery
        return (
            self.other_files
            if found is None
            else (*self.other_files, *found.extension_files, *found.binary_files)
        )

    @cached_property
    def names(self) -> dict[str, ModuleName]:
        known = self._known_names
        module_of = self.layout.module_of
        is_file = self.files.__contains__
        found = {}
        for path in self.files:
            name = known.get(path)
            if name is None or not name.is_importable:
                # A name outside the import roots depends on the `__init__.py` files around it.
                name = module_of(path, is_file)
            if name is not None:
                found[path] = name
        return found

    @cached_property
    def _tables(self) -> tuple[dict[str, str], dict[str, str], frozenset[str], tuple[Clash, ...]]:
        return _tabulate(self.names, self.layout)

    @property
    def modules(self) -> dict[str, str]:
        return self._tables[0]

    @property
    def stubs(self) -> dict[str, str]:
        return self._tables[1]

    @property
    def packages(self) -> frozenset[str]:
        return self._tables[2]

    @cached_property
    def extensions(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for path in self.discovery.extension_files if self.discovery is not None else ():
            folder, _, file = path.rpartition("/")
            # `speedups.cpython-311-x86_64-linux-gnu.so` is the module `speedups`.
            name = self.layout.module_of(f"{folder}/{file.partition('.')[0]}.py".lstrip("/"))
            if name is not None and name.is_importable:
                found.setdefault(name.name, path)
        return found

    @property
    def clashes(self) -> tuple[Clash, ...]:
        """Names that more than one file claims, sorted by name."""
        return self._tables[3]

    @cached_property
    def resolver(self) -> NameResolver:
        """What names denote in this tree; shared, because its answers are kept."""
        from analyzers.name_resolution import NameResolver

        return NameResolver(self)

    @cached_property
    def unparsed(self) -> list[FileRecord]:
        """Files that could not be read or parsed, sorted by path; each says why in `error`."""
        return [record for record in self.files.values() if record.error]

    def module_at(self, path: str) -> ModuleName | None:
        """The module name of a path, whether it is in the index or not."""
        return self.names.get(path) or self.layout.module_of(path, self.files.__contains__)

    def record_of(self, module: str) -> FileRecord | None:
        """The record of what `import module` runs, or of its stub when there is nothing else."""
        path = self.modules.get(module) or self.stubs.get(module)
        return None if path is None else self.files[path]

    def is_package(self, module: str) -> bool:
        """Whether modules can stand below the name: a regular or a namespace package."""
        return module in self.packages

    def exists(self, module: str) -> bool:
        """Whether the repository has such a module, package, stub or compiled module."""
        return (
            module in self.modules
            or module in self.packages
            or module in self.stubs
            or module in self.extensions
        )

    def with_changes(self, removed: Iterable[str], records: Iterable[FileRecord]) -> SourceIndex:
        """The index of the tree after a change; this one stays as it is.

        Args:
            removed: paths that are gone; a path that is also in `records` is not.
            records: new and changed files.
        """
        files = dict(self.files)
        for path in removed:
            files.pop(path, None)
        before = len(files)
        changed = {record.path: record for record in records}
        files.update(changed)
        if len(files) != before:
            files = dict(sorted(files.items()))
        return SourceIndex(self.layout, files, self.other_files, self.discovery, self.names)


def _tabulate(
    names: Mapping[str, ModuleName], layout: ProjectLayout
) -> tuple[dict[str, str], dict[str, str], frozenset[str], tuple[Clash, ...]]:
    modules: dict[str, str] = {}
    stubs: dict[str, str] = {}
    packages: set[str] = set()
    folders: set[str] = set()
    contested: dict[str, list[str]] = {}
    for path, name in names.items():
        if not name.is_importable:
            continue
        table = stubs if path.endswith("i") else modules
        module = name.name
        if name.is_package:
            packages.add(module)
        folders.add(name.package)
        other = table.setdefault(module, path)
        if other is not path and table is modules:
            contested.setdefault(module, [other]).append(path)
    for folder in folders:
        while folder and folder not in packages:
            packages.add(folder)
            folder = folder.rpartition(".")[0]
    # A regular package's parents are packages, too, even when nothing else is in them.
    for package in tuple(packages):
        parent = package.rpartition(".")[0]
        while parent and parent not in packages:
            packages.add(parent)
            parent = parent.rpartition(".")[0]
    order = {root: number for number, root in enumerate(layout.import_roots)}
    clashes = []
    for module, paths in contested.items():
        ranked = sorted(paths, key=lambda p: (order.get(names[p].root, 0), not names[p].is_package, p))
        modules[module] = ranked[0]
        kind = "two roots" if len({names[p].root for p in paths}) > 1 else "package over module"
        clashes.append(Clash(module, tuple(ranked), kind))
    for module in packages.intersection(modules):
        winner = modules[module]
        if module not in contested and not names[winner].is_package:
            clashes.append(Clash(module, (winner, winner[:-3]), "module over folder"))
    return modules, stubs, frozenset(packages), tuple(sorted(clashes, key=lambda c: c.module))


def load_index(
    layout: ProjectLayout,
    *,
    scan: Sequence[str] = (),
    exclude: Sequence[str] = (),
    cache: Path | None = None,
    jobs: int = 1,
    advance: Advance | None = None,
) -> SourceIndex:
    """The index of a repository as it is now, from the cache where files did not change.

    Args:
        layout: repository root and import roots.
        scan: folders to look into; empty: the whole root.
        exclude: gitignore-style globs of what to leave out.
        cache: the cache file, read and replaced (`tree.msgpack` beside it, too); None: neither.
        jobs: number of processes that may read and parse.
        advance: called with (files done, files in all).

    Raises:
        InputError: a folder of `scan` does not exist or lies outside the root.
    """
    from analyzers.index_refresh import refreshed_files

    discovery, files = refreshed_files(layout.root, scan, exclude, cache, jobs, advance)
    return SourceIndex(layout, files, discovery.other_files, discovery)


def records_for(contents: Mapping[str, bytes], parsed: ParsedFiles | None = None) -> list[FileRecord]:
    """The records of bytes that stand in no file yet (a staged change), sorted by path.

    With `parsed`, trees are taken from there and kept there.
    """
    from analyzers.file_facts import read_many

    return read_many([(path, contents[path], 0) for path in sorted(contents)], parsed)
