"""Data files that move along with the modules that open them by their own place, where that is safe.

A file, or a folder without Python files, moves when every module that finds it by its place would look for it
at one and the same new place, that place is free, and nothing that stays names it. What stays for a reason is
a finding (DATA004), what packaging rules no longer cover another (DATA005). Source: import-rewriting case 49.
"""

from __future__ import annotations

import os
import re
from bisect import bisect_left
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from analyzers.file_relative_data import (
    DataUse,
    data_uses,
    finds_data_by_place,
    package_resources,
)
from analyzers.import_index import SourceIndex
from analyzers.model import Finding, Relocation
from analyzers.package_data_rules import uncovered_data
from analyzers.python_parser import parse
from analyzers.relocation_map import RelocationMap
from analyzers.source import decode

_PACKAGING = ("MANIFEST.in", "pyproject.toml", "setup.cfg", "setup.py")


def with_data(
    relocations: Iterable[Relocation], index: SourceIndex, read: Callable[[str], bytes]
) -> tuple[tuple[Relocation, ...], tuple[Finding, ...]]:
    """The relocations with the data files of moving modules added, and what was found and stays.

    An added entry carries the names of the module that opens the file and the paths of the file. What is
    computed at run time is not moved: `find_file_relative_data` reports it as it does without this.
    """
    entries = tuple(relocations)
    search = _Search(entries, index, read)
    moves = search.moves()
    added = [
        Relocation(
            old_module=entry.old_module,
            new_module=entry.new_module,
            old_path=old,
            new_path=new,
        )
        for old, (new, entry) in sorted(moves.items())
    ]
    paths = {old: new for old, (new, _) in moves.items()}
    # Only those at the root: the rules of a nested project are relative to it, and it moves nothing of ours.
    texts = {name: read(name) for name in _PACKAGING if name in index.files or name in index.other_files}
    findings = (*search.findings, *uncovered_data(paths, texts, index.layout))
    return (*entries, *added), tuple(sorted(set(findings), key=lambda f: (f.path, f.line, f.message)))


@dataclass(frozen=True, slots=True)
class _Use:
    """One `DataUse` of the module at `path`; `entry` is its relocation, None when it stays."""

    path: str
    use: DataUse
    entry: Relocation | None


@dataclass
class _Search:
    entries: tuple[Relocation, ...]
    index: SourceIndex
    read: Callable[[str], bytes]
    findings: list[Finding] = field(default_factory=list)

    def __post_init__(self) -> None:
        index = self.index
        self.map = RelocationMap(self.entries, allow_merges=True)
        moving = {e.old_path for e in self.entries}
        # A duplicate that is deleted leaves its data to whoever has it: the surviving file has its own.
        self.entry_of = {
            e.old_path: e
            for e in self.entries
            if e.old_path and not e.old_symbol and (e.new_path not in index.files or e.new_path in moving)
        }
        self.data = sorted(index.carried_files)
        self.python = sorted(index.files)
        self.taken = {e.new_path for e in self.entries if e.new_path} | set(index.files) | set(self.data)
        self.uses: list[_Use] = []
        self.named: list[tuple[str, int, str, bool]] = []
        for path, record in index.files.items():
            if not record.error:
                self._read_uses(path)

    def _read_uses(self, path: str) -> None:
        content = self.read(path)
        if not finds_data_by_place(content):
            return
        source = decode(content)
        tree = None if source.error else parse(source.text)[0]
        if tree is None:
            return
        new_path = self.map.path(path) or path
        entry = self.entry_of.get(path)
        self.uses += (_Use(path, use, entry) for use in data_uses(path, new_path, tree))
        for line, package, piece in package_resources(tree):
            # A package that moves whole takes its files along anyway.
            if self.index.exists(package) and self.map.whole(package) is None:
                folder = self._folder_of(package)
                if folder is not None:
                    target = f"{folder}/{piece}" if folder and piece else piece or folder
                    self.named.append((path, line, target, not piece))

    def _folder_of(self, package: str) -> str | None:
        path = self.index.modules.get(package)
        if path is not None:
            return path.rpartition("/")[0]
        for root in self.index.layout.import_roots:
            folder = self.index.layout.path_of(package, root)[: -len(".py")]
            if _below(folder, self.python):
                return folder
        return None

    # -- what could move -------------------------------------------------------------------------------------

    def moves(self) -> dict[str, tuple[str, Relocation]]:
        """Data file -> its new path and the relocation of a module that opens it."""
        units: dict[str, dict[str, tuple[str, Relocation]]] = {}
        places: dict[str, _Use] = {}
        for one in self.uses:
            target, after = one.use.target, one.use.target_after
            if one.entry is None or target == after or self.map.path(target) is not None:
                continue
            files = self._unit(one.use)
            if not files:
                continue
            places.setdefault(target, one)
            if not after:
                self._leave(one, "its new place would lie outside the repository")
                continue
            unit = units.setdefault(target, {})
            unit.update((file, (after + file[len(target) :], one.entry)) for file in files)
        held = self._held(units, places)
        return {
            file: move for target, unit in units.items() if target not in held for file, move in unit.items()
        }

    def _unit(self, use: DataUse) -> tuple[str, ...]:
        """The data files that a use stands for: one, or those of a folder that holds nothing else."""
        if use.target in self.data:
            return () if use.goes_on else (use.target,)
        if use.target == "." or _below(use.target, self.python):
            return ()
        return _below(use.target, self.data)

    def _held(
        self, units: dict[str, dict[str, tuple[str, Relocation]]], places: dict[str, _Use]
    ) -> frozenset[str]:
        """The targets that stay; a folder moves with all that is in it or not at all."""
        reasons: dict[str, str] = {}
        goals: dict[str, set[str]] = {}
        for unit in units.values():
            for file, (new, _) in unit.items():
                goals.setdefault(new, set()).add(file)
        mentions = self._mentions({file for unit in units.values() for file in unit})
        for target, unit in sorted(units.items()):
            for file, (new, _) in sorted(unit.items()):
                reason = self._reason(file, new, mentions)
                if not reason and len(goals[new]) > 1:
                    reason = f"{new} would be the place of two files"
                if reason:
                    reasons.setdefault(target, reason)
        while True:
            stays = {file for target in reasons for file in units[target]}
            more = {t for t, unit in units.items() if t not in reasons and not stays.isdisjoint(unit)}
            if not more:
                break
            reasons.update(dict.fromkeys(more, "a part of it is used otherwise"))
        for target, reason in reasons.items():
            self._leave(places[target], reason)
        return frozenset(reasons)

    def _leave(self, one: _Use, reason: str) -> None:
        self.findings.append(
            Finding(
                code="DATA004",
                severity="warning",
                path=one.path,
                line=one.use.line,
                message=f"{one.use.target} does not move along: {reason}",
                mend="move it by hand, or give it a place that does not depend on the module's",
            )
        )

    # -- what speaks against it ------------------------------------------------------------------------------

    def _reason(self, file: str, new: str, mentions: dict[str, str]) -> str:
        for one in self.uses:
            use = one.use
            if use.target != file and not self._reaches(use, file):
                continue
            if use.target_after + file[len(use.target) :] != new:
                return f"{one.path}:{one.use.line} finds it, too, and would look for it elsewhere"
        for path, line, target, is_open in self.named:
            if target == file or (is_open and file.startswith(f"{target}/")):
                return f"{path}:{line} finds it by the name of its package"
        if file in mentions:
            return f"{mentions[file]} names it"
        if new in self.taken or self._exists(new):
            return f"{new} exists already"
        found = self.index.discovery
        if found is not None and found.is_ignored(new):
            return f"git would ignore it as {new}"
        return ""

    def _reaches(self, use: DataUse, file: str) -> bool:
        """Whether a use of a folder can lead to the file; a folder of code alone is there to be imported."""
        if use.target != "." and not file.startswith(f"{use.target}/"):
            return False
        if use.target != "." and not _below(use.target, self.python):
            return True
        # Something is added to a folder of code: most likely the name of a file in that folder.
        return use.goes_on and (file.rpartition("/")[0] or ".") == use.target

    def _exists(self, path: str) -> bool:
        return os.path.lexists(f"{self.index.layout.root}/{path}")

    def _mentions(self, files: set[str]) -> dict[str, str]:
        """Data file -> the first place in Python that names it otherwise than by a module's own place."""
        if not files:
            return {}
        names: dict[str, list[str]] = {}
        for file in files:
            names.setdefault(file.rpartition("/")[2], []).append(file)
        words = b"|".join(re.escape(name.encode()) for name in sorted(names, key=len, reverse=True))
        pattern = re.compile(rb"(?<![\w.-])(?:" + words + rb")(?![\w-])")
        users: dict[str, set[str]] = {}
        for one in self.uses:
            users.setdefault(one.use.target, set()).add(one.path)
        found: dict[str, str] = {}
        for path in self.index.files:
            content = self.read(path)
            for hit in pattern.finditer(content):
                line = content.count(b"\n", 0, hit.start()) + 1
                for file in names[hit[0].decode()]:
                    by_path = content[: hit.start()].endswith(file[: -len(hit[0].decode())].encode())
                    above = [t for t in users if file == t or file.startswith(f"{t}/")]
                    is_user = any(path in users[t] for t in above)
                    if not is_user or (by_path and "/" in file):
                        found.setdefault(file, f"{path}:{line}")
        return found


def _below(folder: str, paths: list[str]) -> tuple[str, ...]:
    """Those of the sorted `paths` that lie below a folder."""
    start = folder + "/"
    found = []
    for path in paths[bisect_left(paths, start) :]:
        if not path.startswith(start):
            break
        found.append(path)
    return tuple(found)
