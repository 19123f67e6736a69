"""Guessing a repository's shape: import roots, domain root, domains, layers and workbook, with the evidence.

Import roots are found by what resolves: a folder is one when imports written in the repository name modules
that lie below it. Declarations (pytest's `pythonpath`, setuptools' package folders) count before evidence;
test folders count only when nothing else resolves what is imported from them.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from analyzers.declared_roots import declared_roots
from analyzers.discovery import Discovery

#: A layer folder such as `L5_engines`.
LAYER = re.compile(r"L(\d+)_\w+")

#: An absolute import at the start of a line; a line scan is enough to find roots, and cheap.
_IMPORT = re.compile(rb"^[ \t]*(?:from[ \t]+([^\W\d][\w.]*)[ \t]+import|import[ \t]+([^\W\d][\w.]*))", re.M)
_TEST_FOLDER = re.compile(r"(^|/)(tests?|testing|conftest)(/|$)")
_WORKBOOK_NAME = re.compile(r"(?i)(workbook|audit).*\.md$|.*(workbook|audit)\.md$")
_SHARED_NAMES = ("general", "shared", "common", "core", "base")
_MAX_BYTES = 2_000_000


@dataclass(frozen=True, slots=True)
class DetectedLayout:
    """What was found; paths POSIX and relative to the root, `notes` one sentence of evidence per decision.

    `domains` are the folders that look like domains; `is_every_folder` says that they are all package folders
    below the domain root, so that the configuration need not list them.
    """

    import_roots: tuple[str, ...]
    domain_root: str = ""
    domains: tuple[str, ...] = ()
    is_every_folder: bool = True
    shared_domain: str = ""
    layers: tuple[str, ...] = ()
    workbook: str = ""
    notes: tuple[str, ...] = ()


def detect_layout(root: Path, discovery: Discovery, import_roots: Sequence[str] = ()) -> DetectedLayout:
    """The layout of the repository `root`; `import_roots` given by the user are taken as they are."""
    notes: list[str] = []
    files = [file.path for file in discovery.python_files if not file.problem]
    if import_roots:
        roots = tuple(import_roots)
        notes.append("import roots: given")
    else:
        roots = _import_roots(root, files, notes)
    folders = _Folders(files)
    workbook = _workbook(root, discovery.other_files)
    domain_root = _domain_root(folders, discovery.other_files, workbook, notes)
    domains, is_every_folder = _domains(folders, domain_root)
    if workbook:
        notes.append(f"workbook: {workbook} holds records")
    return DetectedLayout(
        import_roots=roots,
        domain_root=domain_root,
        domains=domains,
        is_every_folder=is_every_folder,
        shared_domain=next((name for name in _SHARED_NAMES if name in domains), ""),
        layers=_layers(folders, domain_root, domains),
        workbook=workbook,
        notes=tuple(notes),
    )


class _Folders:
    """The folders that hold Python files, at any depth, and their direct sub-folders."""

    def __init__(self, files: Iterable[str]) -> None:
        self.children: dict[str, set[str]] = {}
        self.packages: set[str] = set()
        for path in files:
            folder, _, name = path.rpartition("/")
            if name == "__init__.py":
                self.packages.add(folder)
            while folder:
                parent, _, child = folder.rpartition("/")
                if child in self.children.setdefault(parent, set()):
                    break
                self.children[parent].add(child)
                folder = parent

    def below(self, folder: str) -> list[str]:
        """The names of the sub-folders that could be packages, sorted."""
        return sorted(name for name in self.children.get(folder, ()) if name.isidentifier())


# --- import roots ---


def _import_roots(root: Path, files: list[str], notes: list[str]) -> tuple[str, ...]:
    tree = _ModuleTree(files)
    wanted = _imported_modules(root, files, tree.tops)
    chosen: list[str] = []
    for folder, source in declared_roots(root):
        if folder not in chosen and (folder == "." or (root / folder).is_dir()):
            chosen.append(folder)
            notes.append(f"import root {folder}: {source}")
    open_modules = {
        module: importers for module, importers in wanted.items() if not tree.resolves(module, chosen)
    }
    while True:
        votes: Counter[str] = Counter()
        for module, importers in open_modules.items():
            for folder in tree.roots_of(module):
                votes[folder] += len(importers)
        best = min(votes, key=lambda f: (_is_test_folder(f), -votes[f], f.count("/"), f), default=None)
        if best is None:
            break
        chosen.append(best)
        notes.append(f"import root {best}: {votes[best]} imports name modules below it")
        open_modules = {m: i for m, i in open_modules.items() if not tree.resolves(m, [best])}
    if not chosen:
        chosen = ["src"] if any(path.startswith("src/") for path in files) else ["."]
        notes.append(f"import root {chosen[0]}: no import says otherwise")
    return tuple(chosen)


class _ModuleTree:
    """Which folders a dotted name could hang below."""

    def __init__(self, files: list[str]) -> None:
        self.modules: set[str] = set()
        #: modules and packages that are files (not mere folders)
        self.files: set[str] = set()
        self.packages: set[str] = set()
        #: first part of a dotted name -> folders that hold a module or package of that name
        self.tops: dict[str, set[str]] = {}
        for path in files:
            stem = path.rsplit(".", 1)[0]
            folder, _, name = stem.rpartition("/")
            if name == "__init__":
                self.packages.add(folder)
                stem = folder
            self.modules.add(stem)
            self.files.add(stem)
            while stem:
                parent, _, name = stem.rpartition("/")
                holders = self.tops.setdefault(name, set())
                if (parent or ".") in holders:
                    break
                holders.add(parent or ".")
                self.modules.add(stem)
                stem = parent

    def resolves(self, module: str, roots: Sequence[str]) -> bool:
        return any(self._depth(module, folder) for folder in roots)

    def roots_of(self, module: str) -> list[str]:
        """The folders below which most of the dotted name exists; packages themselves are no roots."""
        depths = {
            folder: self._depth(module, folder)
            for folder in self.tops.get(module.partition(".")[0], ())
            if folder not in self.packages
        }
        deepest = max(depths.values(), default=0)
        if deepest < 2:
            # `import yaml` beside a folder `schemas/yaml` proves nothing; beside `lib/yaml.py` it does.
            depths = {f: d for f, d in depths.items() if _joined(f, module) in self.files}
        return sorted(folder for folder, depth in depths.items() if depth == deepest)

    def _depth(self, module: str, folder: str) -> int:
        path = "" if folder == "." else folder
        depth = 0
        for part in module.split("."):
            path = f"{path}/{part}" if path else part
            if path not in self.modules:
                break
            depth += 1
        return depth


def _joined(folder: str, module: str) -> str:
    return module if folder == "." else f"{folder}/{module}"


def _imported_modules(root: Path, files: list[str], tops: dict[str, set[str]]) -> dict[str, set[str]]:
    """Absolutely imported dotted names that could be the repository's own -> the files that import them."""
    wanted: dict[str, set[str]] = {}
    for path in files:
        try:
            with (root / path).open("rb") as file:
                content = file.read(_MAX_BYTES)
        except OSError:
            # The index reports unreadable files; a guess can do without them.
            continue
        for found in _IMPORT.finditer(content):
            module = (found[1] or found[2]).decode("ascii", "ignore").rstrip(".")
            top = module.partition(".")[0]
            if top in tops and top not in sys.stdlib_module_names:
                wanted.setdefault(module, set()).add(path)
    return wanted


def _is_test_folder(folder: str) -> bool:
    return bool(_TEST_FOLDER.search(folder))


# --- domains ---


def _domain_root(folders: _Folders, others: Sequence[str], workbook: str, notes: list[str]) -> str:
    """The folder with the most sub-folders that hold layers; else the one that holds `_domain_map`."""
    counts = {folder: len(_layered(folders, folder)) for folder in folders.children if folder}
    best = min(counts, key=lambda folder: (-counts[folder], folder.count("/"), folder), default="")
    if best and counts[best] >= 2:
        notes.append(f"domain root {best}: {counts[best]} of its folders hold layers such as L5_engines")
        return best
    for path in (workbook, *others):
        before, found, _ = path.partition("/_domain_map/")
        if found and len(folders.below(before)) >= 2:
            notes.append(f"domain root {before}: holds _domain_map")
            return before
    return ""


def _layered(folders: _Folders, folder: str) -> list[str]:
    return [
        name
        for name in folders.below(folder)
        if not name.startswith("_")
        and any(LAYER.fullmatch(layer) for layer in folders.below(f"{folder}/{name}"))
    ]


def _domains(folders: _Folders, domain_root: str) -> tuple[tuple[str, ...], bool]:
    if not domain_root:
        return (), True
    every = [name for name in folders.below(domain_root) if not name.startswith("_")]
    layered = _layered(folders, domain_root)
    if layered:
        # A package without layers is a domain, too, when it is a package; a bare folder of scripts is none.
        domains = [name for name in every if name in layered or f"{domain_root}/{name}" in folders.packages]
    else:
        domains = every
    return tuple(domains), domains == every


def _layers(folders: _Folders, domain_root: str, domains: Sequence[str]) -> tuple[str, ...]:
    found = {
        name
        for domain in domains
        for name in folders.below(f"{domain_root}/{domain}")
        if LAYER.fullmatch(name)
    }

    def height(name: str) -> tuple[int, str]:
        number = LAYER.fullmatch(name)
        return (int(number[1]) if number else 0, name.casefold())

    return tuple(sorted(found, key=height))


def _workbook(root: Path, others: Sequence[str]) -> str:
    """The Markdown file named like a workbook that holds record headings; the one in `_domain_map` first."""
    named = [path for path in others if _WORKBOOK_NAME.match(path.rpartition("/")[2])]
    for path in sorted(named, key=lambda p: ("_domain_map/" not in p, p)):
        try:
            with (root / path).open("rb") as file:
                head = file.read(_MAX_BYTES)
        except OSError:
            continue
        if re.search(rb"^### +\[[xX~ ]\] +`", head, re.MULTILINE):
            return path
    return ""
