"""What must hold before files move: every reason to refuse or to warn, found before anything is written.

Codes (E error, W warning, I information):
MOVE001 E the source is missing, MOVE002 E it is a link or no regular file, MOVE003 E it cannot be read or
parsed, MOVE004 E it changed since the plan, MOVE005 E something stands at the target, MOVE006 E the target
differs from another path, or from its source, by case only, MOVE007 E the target hides a module of the
standard library, MOVE008 E a module and a package of one name, MOVE009 E the new package's `__init__` binds
the leaf's name, MOVE010 E git would ignore the target, or it belongs to another repository, MOVE011 E the
target lies outside the import roots or the scanned folders, MOVE012 E path and module name do not agree,
MOVE013 E two files for one target, MOVE014 W what is left behind stays importable, MOVE015 E the way to the
target is blocked by a file or a link, MOVE016 E a file that cannot be parsed names what moves, MOVE017 W such
a file may name it, MOVE018 I the file was moved already, MOVE019 W a file inside a package that is not ours
to change (ignored, or of another repository) names what moves.

Source: the import-rewriting cases 51, 52 and 57, and the product contract, "Refused before anything is
written".
"""

from __future__ import annotations

import os
import stat
import sys
import unicodedata
from collections.abc import Collection, Iterable, Iterator
from keyword import iskeyword

from analyzers.import_index import SourceIndex
from analyzers.model import Finding, Relocation
from analyzers.name_resolution import Kind
from analyzers.relocation_map import RelocationMap
from analyzers.safe_path import path_problem
from analyzers.unrewritable_files import foreign_mentions, unrewritable_mentions

_STANDARD_LIBRARY = frozenset(sys.stdlib_module_names)


def check_moves(
    relocations: RelocationMap,
    index: SourceIndex,
    *,
    replaced: Collection[str] = (),
    scan: Collection[str] = (),
) -> tuple[Finding, ...]:
    """All findings for a set of moves on the tree as it is now, sorted by path, code and message.

    Looks at the file system below `index.layout.root` and reads the files that could not be parsed; the index
    must be that of the tree. Entries without paths (symbols) have no finding of their own.

    Args:
        replaced: paths of targets that may exist, since the move replaces them or merges into them.
        scan: the folders of `hocmig.yaml`'s `scan`; empty: everything below the root.
    """
    entries = [r for r in relocations.relocations if not r.old_symbol and r.old_path and r.new_path]
    files = [r for r in entries if r.old_path.endswith((".py", ".pyi"))]
    check = _Check(relocations, index, frozenset(replaced), tuple(scan))
    findings: list[Finding] = []
    for entry in files:
        findings.extend(check.entry(entry))
    findings.extend(check.together(files))
    findings.extend(check.leftovers(files))
    findings.extend(unrewritable_mentions(relocations, index))
    findings.extend(foreign_mentions(relocations, index))
    return tuple(sorted(set(findings), key=lambda f: (f.path, f.line, f.code, f.message)))


def check_new_modules(
    entries: Iterable[Relocation],
    relocations: RelocationMap,
    index: SourceIndex,
    *,
    scan: Collection[str] = (),
) -> tuple[Finding, ...]:
    """The findings about modules that symbols found: their places and names must be free like those of moves.

    Args:
        entries: one per new module, with its path and with a module that gives symbols to it.
    """
    check = _Check(relocations, index, frozenset(), tuple(scan))
    findings: set[Finding] = set()
    for entry in entries:
        findings.update(check.new_place(entry))
    return tuple(sorted(findings, key=lambda f: (f.path, f.line, f.code, f.message)))


def packages_to_create(relocations: RelocationMap, index: SourceIndex) -> tuple[str, ...]:
    """The `__init__.py` files that new folders need, sorted.

    A folder that holds Python files now and no `__init__.py` is a namespace package and stays one. A new
    folder becomes a regular package when its parent is one; below an import root or a namespace package it
    follows the majority of its siblings, and is regular when it has none.
    """
    moving = relocations.paths
    inits = {p for p in index.files if p.endswith("/__init__.py") and p not in moving}
    inits.update(p for p in moving.values() if p.endswith("/__init__.py"))
    folders = {p.rpartition("/")[0] for p in index.files}
    for folder in tuple(folders):
        while folder:
            folders.add(folder)
            folder = folder.rpartition("/")[0]
    roots = {"" if root == "." else root for root in index.layout.import_roots}
    created: set[str] = set()
    for old, new in sorted(moving.items()):
        if not new.endswith((".py", ".pyi")) or old not in index.files:
            continue
        name = index.layout.module_of(new)
        if name is None or not name.is_importable:
            continue
        top = "" if name.root == "." else name.root
        chain = []
        folder = new.rpartition("/")[0]
        while folder and folder != top and folder not in roots:
            chain.append(folder)
            folder = folder.rpartition("/")[0]
        for folder in reversed(chain):
            init = f"{folder}/__init__.py"
            if init in inits or init in created or folder in folders:
                continue
            parent = folder.rpartition("/")[0]
            is_regular = f"{parent}/__init__.py" in inits or f"{parent}/__init__.py" in created
            if (parent != top and is_regular) or _siblings_are_regular(parent, folders, inits):
                created.add(init)
    return tuple(sorted(created))


def _siblings_are_regular(parent: str, folders: set[str], inits: set[str]) -> bool:
    prefix = f"{parent}/" if parent else ""
    siblings = [f for f in folders if f.startswith(prefix) and f != parent and "/" not in f[len(prefix) :]]
    regular = sum(f"{f}/__init__.py" in inits for f in siblings)
    return 2 * regular >= len(siblings)


class _Check:
    def __init__(
        self, relocations: RelocationMap, index: SourceIndex, replaced: frozenset[str], scan: tuple[str, ...]
    ) -> None:
        self.relocations = relocations
        self.index = index
        self.replaced = replaced
        self.scan = tuple(folder.strip("/") + "/" for folder in scan if folder.strip("/") not in ("", "."))
        self.root = str(index.layout.root)
        self.resolver = index.resolver
        self._listings: dict[str, dict[str, list[str]]] = {}
        self._files_after: frozenset[str] | None = None
        self._folders_after: frozenset[str] = frozenset()

    # -- one entry -------------------------------------------------------------------------------------------

    def entry(self, entry: Relocation) -> Iterator[Finding]:
        if self._is_done(entry):
            yield _finding("MOVE018", "info", entry.old_path, f"was moved to {entry.new_path} already")
            return
        yield from self._source(entry)
        yield from self._target(entry)
        yield from self._names(entry)

    def new_place(self, entry: Relocation) -> Iterator[Finding]:
        yield from self._target(entry)
        yield from self._names(entry)

    def _is_done(self, entry: Relocation) -> bool:
        gone = entry.old_path not in self.index.files and self._lstat(entry.old_path) is None
        return gone and entry.new_path in self.index.files and entry.new_path not in self.relocations.paths

    def _source(self, entry: Relocation) -> Iterator[Finding]:
        path = entry.old_path
        status = self._lstat(path)
        if status is None:
            yield _finding(
                "MOVE001", "error", path, "the source does not exist", "drop the row or correct its path"
            )
            return
        if not stat.S_ISREG(status.st_mode):
            what = "a symbolic link" if stat.S_ISLNK(status.st_mode) else "no regular file"
            yield _finding("MOVE002", "error", path, f"the source is {what}", "move what it stands for")
            return
        record = self.index.files.get(path)
        if record is None:
            why = (
                "git ignores it, or hocmig.yaml excludes it"
                if self._is_ignored(path)
                else "it is not scanned"
            )
            yield _finding("MOVE001", "error", path, f"the source is not in the index: {why}", "include it")
            return
        if record.error:
            yield _finding(
                "MOVE003",
                "error",
                path,
                f"the source {record.error}",
                "mend the file first",
                record.error_line,
            )
        if entry.sha256 and record.sha256 != entry.sha256:
            yield _finding("MOVE004", "error", path, "changed since the plan was made", "make the plan again")

    def _target(self, entry: Relocation) -> Iterator[Finding]:
        old, new = entry.old_path, entry.new_path
        problem = path_problem(new)
        if problem:
            yield _finding("MOVE011", "error", old, f"the target {new!r} {problem}", "write a path inside")
            return
        blocked = self._blocked_way(new)
        if blocked:
            yield _finding(
                "MOVE015", "error", new, f"{blocked} stands in the way of the target", "choose another target"
            )
        is_leaving = self._stays_put(new) is False
        if not blocked and not is_leaving and new not in self.replaced and self._lstat(new) is not None:
            merges = self.relocations.allow_merges and new in self.index.files
            if not merges:
                yield _finding(
                    "MOVE005",
                    "error",
                    new,
                    f"{old} cannot move there: the target exists",
                    "settle it with `hocmig resolve`, or choose another target",
                )
        if self._is_ignored(new) and not self._is_ignored(old):
            yield _finding(
                "MOVE010",
                "error",
                new,
                "git ignores the target (or hocmig.yaml excludes it): the file would leave the repository",
                "choose another target or change the rule",
            )
        if self.scan and not new.startswith(self.scan):
            yield _finding(
                "MOVE011", "error", new, "the target lies outside the scanned folders", "add it to `scan`"
            )
        nested = self._nested_repository(new)
        if nested and self._nested_repository(old) != nested:
            yield _finding(
                "MOVE010",
                "error",
                new,
                f"{nested} is a git repository of its own: the file would leave this one",
                "choose another target",
            )
        if old != new and _fold(old) == _fold(new):
            message = f"differs from its source {old} by case only: some file systems hold them for one"
            yield _finding("MOVE006", "error", new, message, "take another name, or go by way of one")
        yield from self._case(new)

    def _nested_repository(self, path: str) -> str:
        """The folder above `path` that is a git repository (or a submodule) below the root; empty: none."""
        folder = path.rpartition("/")[0]
        while folder:
            if self._lstat(f"{folder}/.git") is not None:
                return folder
            folder = folder.rpartition("/")[0]
        return ""

    def _names(self, entry: Relocation) -> Iterator[Finding]:
        new = entry.new_path
        after = self.index.layout.module_of(new)
        before = self.index.layout.module_of(entry.old_path)
        if after is None or not all(p.isidentifier() and not iskeyword(p) for p in after.name.split(".")):
            yield _finding(
                "MOVE012",
                "error",
                new,
                "a part of the path is no name that an import can spell",
                "choose another target",
            )
            return
        if before is not None and before.is_importable and not after.is_importable:
            yield _finding(
                "MOVE011", "error", new, "the target lies outside every import root", "choose another target"
            )
            return
        if after.name != entry.new_module:
            message = f"this path is the module {after.name}, not {entry.new_module}"
            yield _finding("MOVE012", "error", new, message, "make the two agree")
        was_top = before is not None and before.name == after.name
        if "." not in after.name and after.name in _STANDARD_LIBRARY and not was_top:
            message = f"would hide the module {after.name} of the standard library"
            yield _finding("MOVE007", "error", new, message, "choose another name")
        yield from self._clash(entry, after.name, after.is_package)
        yield from self._bound_by_parent(entry, after.name)

    def _clash(self, entry: Relocation, module: str, is_package: bool) -> Iterator[Finding]:
        new = entry.new_path
        stem = new.rpartition("/")[0] if is_package else new.rpartition(".")[0]
        if is_package:
            for suffix in (".py",):
                if self._stays_put(stem + suffix):
                    yield _finding(
                        "MOVE008", "error", new, f"the package would hide {stem}{suffix}", "rename one"
                    )
        elif new.endswith(".py") and self._has_python_after(stem):
            yield _finding(
                "MOVE008",
                "error",
                new,
                f"a module beside a folder {stem}/ with Python files: one hides the other",
                "choose another name",
            )
        folder = new.rpartition("/")[0]
        while folder and not is_package:
            if self._stays_put(f"{folder}.py") and f"{folder}/__init__.py" not in self._after():
                yield _finding(
                    "MOVE008",
                    "error",
                    new,
                    f"{folder}.py hides the folder {folder}/, so nothing in it can be imported",
                    "choose another folder",
                )
            folder = folder.rpartition("/")[0]
        other = self.index.modules.get(module)
        if other is not None and other != new and self._stays_put(other) and other.endswith(new[-3:]):
            root = self.index.names[other].root
            target = self.index.layout.module_of(new)
            if target is not None and root != target.root:
                message = f"{other} has the same module name {module} in another import root"
                yield _finding("MOVE008", "error", new, message, "choose another name")

    def _bound_by_parent(self, entry: Relocation, module: str) -> Iterator[Finding]:
        parent, _, leaf = module.rpartition(".")
        if not parent or leaf == "__init__":
            return
        path = self.index.modules.get(parent)
        if path is None or not self.index.files[path].is_package_file or path in self.relocations.paths:
            return
        bound = self.resolver.bound(parent, leaf)
        if bound is None or bound.kind is Kind.UNKNOWN:
            return
        if bound.module in (entry.old_module, module):
            # The package shows the moved module, or a name that this module defines, as it did before.
            return
        line = next((d.line for d in self.index.files[path].definitions if d.name == leaf), 0)
        message = f"binds the name {leaf}; importing {module} would overwrite it"
        yield _finding("MOVE009", "error", path, message, "choose another name for the module", line)

    # -- all entries together --------------------------------------------------------------------------------

    def together(self, entries: Iterable[Relocation]) -> Iterator[Finding]:
        targets: dict[str, list[str]] = {}
        for entry in entries:
            targets.setdefault(entry.new_path, []).append(entry.old_path)
        for new, olds in sorted(targets.items()):
            if len(olds) > 1 and new not in self.index.files:
                message = f"two files would go there: {', '.join(sorted(olds))}"
                yield _finding("MOVE013", "error", new, message, "give them different targets")
        folded: dict[str, str] = {}
        for new in sorted(targets):
            other = folded.setdefault(_fold(new), new)
            if other != new:
                yield _finding(
                    "MOVE006", "error", new, f"differs from the target {other} by case only", "rename one"
                )

    def leftovers(self, entries: Iterable[Relocation]) -> Iterator[Finding]:
        """Folders that lose their last Python file or their `__init__.py` but do not vanish."""
        after = self._after()
        carried = frozenset((*self.index.files, *self.index.carried_files))
        for folder in sorted({entry.old_path.rpartition("/")[0] for entry in entries}):
            if not folder or not self._is_package_folder(folder):
                continue
            had_init = f"{folder}/__init__.py" in self.index.files
            if self._has_python_after(folder):
                if had_init and f"{folder}/__init__.py" not in after:
                    message = "loses its __init__.py and stays importable as a namespace package"
                    yield _finding("MOVE014", "warning", folder, message, "move the rest, or keep the file")
                continue
            rest = [p for p in self._files_in(folder) if p not in self.relocations.paths]
            rest = [p for p in rest if self.relocations.path(p) is None or p not in carried]
            if rest:
                shown = ", ".join(rest[:3]) + (f" and {len(rest) - 3} more" if len(rest) > 3 else "")
                message = f"keeps no Python file but {shown}, and stays importable as a namespace package"
                yield _finding("MOVE014", "warning", folder, message, "move or delete what is left")

    # -- file system -----------------------------------------------------------------------------------------

    def _lstat(self, path: str) -> os.stat_result | None:
        try:
            return os.lstat(f"{self.root}/{path}")
        except (OSError, ValueError):
            return None

    def _is_ignored(self, path: str) -> bool:
        discovery = self.index.discovery
        return discovery is not None and discovery.is_ignored(path)

    def _stays_put(self, path: str) -> bool | None:
        """Whether an existing file stays where it is; None when there is no file."""
        if path not in self.index.files and self._lstat(path) is None:
            return None
        return self.relocations.path(path) in (None, path)

    def _blocked_way(self, path: str) -> str:
        """The file or link that stands where a folder above `path` would have to be; empty: none."""
        parts = path.split("/")[:-1]
        for size in range(1, len(parts) + 1):
            folder = "/".join(parts[:size])
            status = self._lstat(folder)
            if status is None:
                return ""
            if stat.S_ISLNK(status.st_mode):
                return f"the symbolic link {folder}"
            if not stat.S_ISDIR(status.st_mode):
                return f"the file {folder}"
        return ""

    def _case(self, new: str) -> Iterator[Finding]:
        """Existing entries that differ from a part of the target by case or normal form only."""
        parts = new.split("/")
        for size in range(len(parts)):
            folder, name = "/".join(parts[:size]), parts[size]
            for other in self._listing(folder).get(_fold(name), ()):
                path = f"{folder}/{other}" if folder else other
                if other != name and self._remains(path):
                    message = f"differs from the existing {path} by case only"
                    yield _finding("MOVE006", "error", new, message, "use the existing spelling")

    def _remains(self, path: str) -> bool:
        """Whether a file, or anything in a folder, is still there afterwards."""
        status = self._lstat(path)
        if status is None:
            return False
        if stat.S_ISDIR(status.st_mode):
            return self._has_python_after(path) or not any(
                p.startswith(path + "/") for p in self.relocations.paths
            )
        return bool(self._stays_put(path))

    def _listing(self, folder: str) -> dict[str, list[str]]:
        """The names in a folder by their folded form."""
        known = self._listings.get(folder)
        if known is None:
            known = self._listings[folder] = {}
            try:
                names = sorted(os.listdir(f"{self.root}/{folder}"))  # noqa: PTH208 (names are enough)
            except OSError:
                names = []
            for name in names:
                known.setdefault(_fold(name), []).append(name)
        return known

    def _files_in(self, folder: str) -> list[str]:
        """All files below a folder but Python's caches, sorted; links to folders are not followed."""
        found = []
        for above, folders, names in os.walk(f"{self.root}/{folder}"):
            folders[:] = sorted(f for f in folders if f != "__pycache__")
            found += [f"{above}/{name}"[len(self.root) + 1 :] for name in sorted(names)]
        return sorted(found)

    # -- afterwards ------------------------------------------------------------------------------------------

    def _after(self) -> frozenset[str]:
        """The paths of Python files when the move is done."""
        if self._files_after is None:
            moving = self.relocations.path
            self._files_after = frozenset(moving(path) or path for path in self.index.files)
            folders = set()
            for path in self._files_after:
                folder = path.rpartition("/")[0]
                while folder and folder not in folders:
                    folders.add(folder)
                    folder = folder.rpartition("/")[0]
            self._folders_after = frozenset(folders)
        return self._files_after

    def _has_python_after(self, folder: str) -> bool:
        self._after()
        return folder in self._folders_after

    def _is_package_folder(self, folder: str) -> bool:
        name = self.index.layout.module_of(f"{folder}/__init__.py")
        return name is not None and name.is_importable


def _finding(code: str, severity: str, path: str, message: str, mend: str = "", line: int = 0) -> Finding:
    return Finding(code=code, severity=severity, path=path, line=line, message=message, mend=mend)


def _fold(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()
