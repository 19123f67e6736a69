"""From candidates for consolidation to moves: which copy stays, what goes, and why; or why nothing is done.

The copy in the shared domain stays; without one the most complete copy does, and it is taken to the shared
domain unless it needs another domain (which the shared domain must not import). A file whose names mean
something else in the copy that stays is refused, with both bodies; a class that only has more methods is the
same (see `class_extras`). Functions and classes are merged only when
they are the same; blocks and methods are left to people, and so are copies that may be found by where they
stand (tests, fixtures, handlers; see `found_by_place`).

Source: the migration plan, phase 6; the product contract, "Refused before anything is written".
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from analyzers.csv_table import read_csv
from analyzers.errors import InputError
from analyzers.found_by_place import found_in, why_found
from analyzers.import_index import SourceIndex
from analyzers.model import Relocation
from analyzers.safe_path import path_problem
from analyzers.source import decode
from analyzers.symbol_moves.class_extras import extra_methods
from analyzers.symbol_moves.module_clients import ModuleClients
from analyzers.symbol_moves.module_items import ModuleItems, read_module_items
from analyzers.symbol_moves.statement_meaning import meaning_of

ReadBytes = Callable[[str], bytes]

_LOCATION = re.compile(r"(?P<path>.+?)(?::(?P<first>\d+)-(?P<last>\d+))?")
_REQUIRED = (
    "candidate_id",
    "duplicate_ids",
    "canonical_location",
    "delete_locations",
    "estimated_savings_loc",
)


@dataclass(frozen=True, slots=True)
class Location:
    """A whole file, or the definition `name` in it; `first` and `last` are 1-based lines, 0 for a file."""

    path: str
    first: int = 0
    last: int = 0
    name: str = ""

    def __str__(self) -> str:
        return f"{self.path}:{self.first}-{self.last}" if self.first else self.path


@dataclass(frozen=True, slots=True)
class Candidate:
    """A row of the candidates; `line` is 1-based. `kind` may be empty in files of other makers."""

    candidate_id: str
    line: int
    canonical: Location
    copies: tuple[Location, ...]
    savings: int
    kind: str = ""
    recommendation: str = ""
    reason: str = ""

    @property
    def locations(self) -> tuple[Location, ...]:
        return (self.canonical, *self.copies)

    @property
    def is_files(self) -> bool:
        return not any(place.first for place in self.locations)


@dataclass(frozen=True)
class Consolidation:
    """What becomes of one candidate.

    `action`: `merge` (executable), `plan` (for people), `refused`; `done` when it was carried out before.
    `relocations` and `dissolved` are what the engine needs; `canonical` is the place that stays (its path
    after the change), `deleted` what goes. `merged` are names that only copies have, `bodies` the differences
    that made it refuse, as diffs.
    """

    candidate: Candidate
    action: str
    reason: str
    canonical: str = ""
    deleted: tuple[str, ...] = ()
    relocations: tuple[Relocation, ...] = ()
    dissolved: Mapping[str, str] | None = None
    merged: tuple[str, ...] = ()
    bodies: tuple[str, ...] = ()

    @property
    def touched(self) -> frozenset[str]:
        """The paths that take part."""
        return frozenset(
            {place.path for place in self.candidate.locations} | {self.canonical.partition(":")[0]}
        )


@dataclass(frozen=True)
class Surroundings:
    """Where domains lie: `domain_root` is relative to the repository root (empty: there are none)."""

    domain_root: str
    shared_domain: str

    def domain_of(self, path: str) -> str:
        """The domain of a path; empty outside of all."""
        below = path.removeprefix(self.domain_root + "/") if self.domain_root else path
        if not self.domain_root or below == path or "/" not in below:
            return ""
        return below.partition("/")[0]

    def shared_path(self, path: str) -> str:
        """Where a domain's file would lie in the shared domain; empty outside of all domains."""
        domain = self.domain_of(path)
        if not domain or not self.shared_domain:
            return ""
        rest = path[len(self.domain_root) + 1 + len(domain) + 1 :]
        return f"{self.domain_root}/{self.shared_domain}/{rest}"


def read_candidates(file: Path, shown_as: str) -> tuple[Candidate, ...]:
    """The rows of PHASE5_CONSOLIDATION_CANDIDATES.csv.

    Raises:
        InputError: the file is missing or no such table, or a row that is wrong, with its line.
    """
    found: list[Candidate] = []
    seen: set[str] = set()
    for line, row in read_csv(file, _REQUIRED, shown_as=shown_as):
        number = row["candidate_id"].strip()
        if not number:
            raise InputError(shown_as, line, "a candidate without an id", "fill candidate_id")
        if number in seen:
            raise InputError(shown_as, line, f"candidate {number} is listed twice", "mend the row")
        seen.add(number)
        names = row.get("delete_names", "").split(",")
        places = [p.strip() for p in row["delete_locations"].split(",") if p.strip()]
        names += [""] * (len(places) - len(names))
        canonical = _location(
            row["canonical_location"].strip(), row.get("canonical_name", ""), shown_as, line
        )
        copies = tuple(_location(p, n, shown_as, line) for p, n in zip(places, names, strict=False))
        if not copies:
            raise InputError(shown_as, line, f"{number} names no copy to delete", "mend delete_locations")
        twice = [p for n, p in enumerate((canonical, *copies)) if p in (canonical, *copies)[:n]]
        if twice:
            raise InputError(shown_as, line, f"{number} names {twice[0]} twice", "name each place once")
        savings = row["estimated_savings_loc"].strip()
        found.append(
            Candidate(
                number,
                line,
                canonical,
                copies,
                int(savings) if savings.lstrip("-").isdigit() else 0,
                row.get("type", ""),
                row.get("recommendation", ""),
                row.get("reason", ""),
            )
        )
    return tuple(found)


def _location(text: str, name: str, shown_as: str, line: int) -> Location:
    match = _LOCATION.fullmatch(text)
    if match is None or path_problem(match["path"]):
        raise InputError(shown_as, line, f"{text!r} is no location", "write PATH or PATH:FIRST-LAST")
    return Location(match["path"], int(match["first"] or 0), int(match["last"] or 0), name.strip())


def plan_consolidation(
    candidate: Candidate,
    index: SourceIndex,
    read: ReadBytes,
    around: Surroundings,
    *,
    extracts: bool = True,
    clients: ModuleClients | None = None,
) -> Consolidation:
    """Decide what becomes of a candidate on the tree as it is.

    Args:
        clients: of the same tree, when many candidates are decided.
        extracts: whether a copy that stays is taken to the shared domain when none of them lies there.
    """
    clients = clients or ModuleClients(index, index.resolver, read)
    return _Decision(candidate, index, read, around, extracts, clients).decide()


class _Decision:
    def __init__(
        self,
        candidate: Candidate,
        index: SourceIndex,
        read: ReadBytes,
        around: Surroundings,
        extracts: bool,
        clients: ModuleClients,
    ) -> None:
        self.clients = clients
        self.candidate = candidate
        self.index = index
        self.read = read
        self.around = around
        self.extracts = extracts
        self.resolver = index.resolver

    def decide(self) -> Consolidation:
        candidate = self.candidate
        missing = sorted({p.path for p in candidate.locations} - set(self.index.files))
        if missing:
            return self._stop("refused", f"{missing[0]} does not exist; run `hocmig duplicates` again")
        unreadable = [p.path for p in candidate.locations if self.index.files[p.path].error]
        if unreadable:
            return self._stop("refused", f"{unreadable[0]} {self.index.files[unreadable[0]].error}")
        packages = [p.path for p in candidate.locations if self.index.files[p.path].is_package_file]
        if packages and candidate.is_files:
            return self._stop("plan", f"{packages[0]} makes its folder a package and must stay")
        nameless = [p.path for p in candidate.locations if not self._module(p.path)]
        if nameless:
            return self._stop("refused", f"{nameless[0]} is no importable module")
        return self._files() if candidate.is_files else self._definitions()

    def _stop(self, action: str, reason: str, bodies: Sequence[str] = ()) -> Consolidation:
        candidate = self.candidate
        copies = tuple(str(c) for c in candidate.copies)
        return Consolidation(
            candidate, action, reason, str(candidate.canonical), copies, bodies=tuple(bodies)
        )

    # -- whole files -----------------------------------------------------------------------------------------

    def _files(self) -> Consolidation:
        candidate = self.candidate
        paths = [p.path for p in candidate.locations]
        if candidate.kind == "EXACT_FILE" and len({self.read(p) for p in paths}) > 1:
            return self._stop("refused", "the files are no longer equal; run `hocmig duplicates` again")
        items = {path: self._items(path) for path in paths}
        canonical, reason = self._canonical(paths, items)
        copies = [p for p in paths if p != canonical]
        bodies, merged = [], []
        grown: set[str] = set()
        for path in copies:
            differing, more = _compare(canonical, items[canonical], path, items[path])
            bodies += differing
            merged += [name for name in more if name not in merged]
            grown |= _grown(items[canonical], items[path])
        if bodies:
            return self._stop("refused", "names mean different things in the copies", bodies)
        for name in sorted(grown):
            mixed = self._mixed_with(name)
            if mixed:
                problem = f"{mixed} has a class with {name} and other bases: more methods could hide theirs"
                return self._stop("refused", problem)
        for path in copies:
            test = found_in(path, self._module(path), items[path], self.clients)
            if test:
                return self._stop("plan", f"{path} holds tests ({test}), which pytest collects from it")
        target, why = self._target(canonical)
        module = self._module(target)
        relocations = [Relocation(self._module(path), module) for path in copies]
        if target != canonical:
            relocations.append(
                Relocation(
                    self._module(canonical),
                    module,
                    old_path=canonical,
                    new_path=target,
                    sha256=self.index.files[canonical].sha256,
                )
            )
        return Consolidation(
            candidate,
            "merge",
            f"{reason}; {why}" if why else reason,
            target,
            tuple(copies),
            tuple(relocations),
            {self._module(path): module for path in copies},
            tuple(merged),
        )

    def _mixed_with(self, name: str) -> str:
        """The path of a file with a class that has `name` and another class as bases, or nothing."""
        word = name.encode()
        pattern = re.compile(rb"^[ \t]*class\s+\w+\s*\(([^)]*\b%s\b[^)]*)\)" % word, re.MULTILINE)
        for path in self.index.files:
            content = self.read(path)
            if word in content and any(b"," in m[1].strip(b", \r\n\t") for m in pattern.finditer(content)):
                return path
        return ""

    def _canonical(self, paths: list[str], items: Mapping[str, ModuleItems]) -> tuple[str, str]:
        shared = [p for p in paths if self.around.domain_of(p) == self.around.shared_domain != ""]
        if shared:
            return shared[0], "in the shared domain"
        names = {p: _names(items[p]) for p in paths}
        everything = set().union(*names.values())
        given = self.candidate.canonical.path
        if names[given] == everything:
            return given, self.candidate.reason or "as the candidate says"
        complete = [p for p in paths if names[p] == everything]
        if complete:
            return complete[0], "the most complete version"
        return given, self.candidate.reason or "as the candidate says"

    def _target(self, canonical: str) -> tuple[str, str]:
        """(path, why) of the copy that stays after the change."""
        around = self.around
        domains = {around.domain_of(p.path) for p in self.candidate.locations}
        if not self.extracts or around.shared_domain in domains or len(domains) < 2 or "" in domains:
            return canonical, ""
        path = around.shared_path(canonical)
        if not path:
            return canonical, ""
        if path in self.index.files or (self.index.layout.root / path).exists():
            return canonical, f"{path} exists, so it stays in its domain"
        needed = self._foreign(canonical)
        if needed:
            return canonical, f"it needs {needed}, so it stays in its domain"
        return path, "extracted to the shared domain"

    def _foreign(self, path: str) -> str:
        """A module of a domain (not the shared one) that the file imports; empty when there is none."""
        client = self.index.module_at(path)
        assert client is not None
        for statement in self.index.files[path].imports:
            base = self.resolver.base_of(client, statement.level, statement.module) or ""
            names = [f"{base}.{n.name}" if statement.is_from else n.name for n in statement.names]
            for name in (*names, base):
                file = self.index.modules.get(name, "")
                domain = self.around.domain_of(file)
                if domain and domain != self.around.shared_domain:
                    return name
        return ""

    # -- functions and classes -------------------------------------------------------------------------------

    def _definitions(self) -> Consolidation:
        candidate = self.candidate
        names = [p.name for p in candidate.locations]
        if not all(names) or candidate.kind == "BLOCK":
            return self._stop("plan", "a repeated block: extract a function by hand")
        if any("." in name for name in names):
            return self._stop("plan", "methods: a common base class or function is for people to choose")
        items = {p.path: self._items(p.path) for p in candidate.locations}
        for place in candidate.locations:
            if not items[place.path].defined(place.name):
                problem = f"{place.path} does not define {place.name}; run `hocmig duplicates` again"
                return self._stop("refused", problem)
        chosen = candidate.canonical
        shared = [
            p for p in candidate.locations if self.around.domain_of(p.path) == self.around.shared_domain != ""
        ]
        reason = candidate.reason or "as the candidate says"
        if shared:
            chosen, reason = shared[0], "in the shared domain"
        copies = [p for p in candidate.locations if p is not chosen]
        bodies = [
            _diff(chosen, items[chosen.path], copy, items[copy.path])
            for copy in copies
            if _meaning(items[chosen.path], chosen.name) != _meaning(items[copy.path], copy.name)
        ]
        if bodies:
            return self._stop(
                "plan", "the bodies differ: a person must choose or write the common one", bodies
            )
        target, why = self._definition_target(chosen)
        module = self._module(target)
        moving = copies if target == chosen.path else [chosen, *copies]
        for place in moving:
            found = why_found(
                place.path, self._module(place.path), place.name, items[place.path], self.clients
            )
            if found:
                return self._stop("plan", f"{place.path}: {place.name} may be needed where it is: {found}")
        relocations = [
            Relocation(self._module(p.path), module, p.name, chosen.name)
            for p in moving
            if (self._module(p.path), p.name) != (module, chosen.name)
        ]
        return Consolidation(
            candidate,
            "merge",
            f"{reason}; {why}" if why else reason,
            f"{target}:{chosen.name}",
            tuple(str(c) for c in copies),
            tuple(relocations),
        )

    def _definition_target(self, chosen: Location) -> tuple[str, str]:
        around = self.around
        domains = {around.domain_of(p.path) for p in self.candidate.locations}
        if not self.extracts or around.shared_domain in domains or len(domains) < 2 or "" in domains:
            return chosen.path, ""
        path = around.shared_path(chosen.path)
        return (path, "extracted to the shared domain") if path else (chosen.path, "")

    # -- reading ---------------------------------------------------------------------------------------------

    def _module(self, path: str) -> str:
        name = self.index.module_at(path)
        return name.name if name is not None and name.is_importable and name.has_python_name else ""

    def _items(self, path: str) -> ModuleItems:
        items = _items_of(self.read(path))
        assert items is not None, path
        return items


@lru_cache(maxsize=128)
def _items_of(content: bytes) -> ModuleItems | None:
    """Many candidates lie in the same files."""
    return read_module_items(decode(content))


def _names(items: ModuleItems) -> set[str]:
    return {name for name in items.by_name if items.defined(name) and name != "__all__"}


def _meaning(items: ModuleItems, name: str) -> list[str]:
    return [meaning_of(node) for item in items.by_name.get(name, ()) for node in item.nodes]


def _compare(path: str, kept: ModuleItems, other: str, copy: ModuleItems) -> tuple[list[str], list[str]]:
    """(diffs of names that differ, names that only the copy has)."""
    differing, more = [], []
    for name in sorted(_names(copy)):
        if name not in _names(kept):
            more.append(name)
        elif _meaning(kept, name) != _meaning(copy, name):
            methods = _methods(kept, copy, name)
            if methods is not None:
                more += [f"{name}.{method}" for method in methods]
                continue
            differing.append(_diff(Location(path, name=name), kept, Location(other, name=name), copy))
    return differing, more


def _grown(kept: ModuleItems, copy: ModuleItems) -> set[str]:
    """The classes that both have and of which one has methods that the other lacks."""
    return {
        name
        for name in _names(kept) & _names(copy)
        if _meaning(kept, name) != _meaning(copy, name) and _methods(kept, copy, name) is not None
    }


def _methods(kept: ModuleItems, copy: ModuleItems, name: str) -> tuple[str, ...] | None:
    """What only the copy's class has, when the classes are the same else; see `extra_methods`."""
    first, second = kept.by_name[name], copy.by_name[name]
    if len(first) != 1 or len(second) != 1:
        return None
    return extra_methods(first[0].node, second[0].node)


def _diff(a: Location, first: ModuleItems, b: Location, second: ModuleItems) -> str:
    """A unified diff of two definitions, with lines of their files."""
    (old, old_head), (new, new_head) = (
        (
            "".join(items.text_of(i) for i in items.by_name.get(place.name, ())).splitlines(),
            f"{place.path}:{items.by_name[place.name][0].node.lineno} {place.name}",
        )
        for place, items in ((a, first), (b, second))
    )
    return "\n".join(difflib.unified_diff(old, new, old_head, new_head, lineterm="", n=2))
