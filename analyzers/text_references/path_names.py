"""What a path in a text stood for before the move, and what it is called afterwards.

A path is tried against the repository root, against the folder of the file that names it and against each
import root; the new path is written against the same base. Folders and patterns (`app/a/*`) follow only when
all below the folder moves along.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from analyzers.relocation_map import RelocationMap
from analyzers.text_references.reference import ProjectFacts

_GLOB = frozenset("*?[")
_MOST_SEGMENTS = 40


@dataclass(frozen=True, slots=True)
class ResolvedPath:
    """A path that moves: its `new` form (empty: no single one); `exact` says that one base and one file fit.

    `why` says what speaks against an exact answer; `anchored` is False when only the end of the path fits.
    """

    new: str
    exact: bool
    why: str = ""
    anchored: bool = True


@dataclass(frozen=True)
class PathIndex:
    """What the paths of a relocation map say about folders.

    `leaving` counts, per folder, the files below it that do not stay below it; `scattered` holds the folders
    below which an entry goes elsewhere than the folder does; `by_name` finds old paths by file name.
    """

    leaving: dict[str, int]
    scattered: frozenset[str]
    by_name: dict[str, tuple[str, ...]]


@lru_cache(maxsize=8)
def path_index(relocations: RelocationMap) -> PathIndex:
    """The index of the paths of `relocations`; the last eight are kept."""
    leaving: dict[str, int] = {}
    scattered: set[str] = set()
    by_name: dict[str, tuple[str, ...]] = {}
    moves = [*relocations.paths.items(), *relocations.folders.items()]
    for old, new in sorted(moves):
        name = old.rpartition("/")[2]
        by_name[name] = (*by_name.get(name, ()), old)
        for folder in _ancestors(old):
            if not new.startswith(folder + "/"):
                leaving[folder] = leaving.get(folder, 0) + 1
            moved = relocations.path(folder)
            if moved is not None and new != moved + old[len(folder) :]:
                scattered.add(folder)
    return PathIndex(leaving, frozenset(scattered), by_name)


def _ancestors(path: str) -> Iterator[str]:
    end = path.rfind("/")
    while end > 0:
        yield path[:end]
        end = path.rfind("/", 0, end)


def resolve_path(
    token: str, file_path: str, relocations: RelocationMap, facts: ProjectFacts
) -> ResolvedPath | None:
    """What the path `token`, written in the file `file_path`, becomes; None when it names nothing that moves.

    `./` and `/` in front (the latter as CODEOWNERS and .gitignore mean it: the repository root), a slash at
    the end, glob tails and dots escaped for a regular expression keep their form.
    """
    dot = next((d for d in ("\\\\.", "\\.") if d in token), "")
    clean = token.replace(dot, ".") if dot else token
    lead = "./" if clean.startswith("./") else "/" if clean.startswith("/") else ""
    slash = "/" if clean.endswith("/") and len(clean) > len(lead) else ""
    segments = clean[len(lead) :].rstrip("/").split("/")
    if len(segments) > _MOST_SEGMENTS or not all(segments):
        return None
    first = next((i for i, s in enumerate(segments) if _GLOB & set(s)), len(segments))
    head, tail = "/".join(segments[:first]), segments[first:]
    if not head:
        found = _resolve_open_pattern(tail, relocations, facts)
    else:
        found = _resolve_anchored(lead, head, tail, slash, file_path, relocations, facts)
        if found is None and not tail and (lead == "/" or head[0] in "$~%"):
            found = _resolve_by_end(lead, head, slash, relocations, facts)
    if found is None or not dot or not found.new:
        return found
    stem, ending = posixpath.splitext(found.new)
    return ResolvedPath(f"{stem}{dot}{ending[1:]}", found.exact, found.why, found.anchored)


def _resolve_anchored(
    lead: str,
    head: str,
    tail: list[str],
    slash: str,
    file_path: str,
    relocations: RelocationMap,
    facts: ProjectFacts,
) -> ResolvedPath | None:
    folder = posixpath.dirname(file_path)
    bases = [folder] if head.startswith("..") else [""]
    if lead != "/" and not head.startswith(".."):
        bases += [folder, *(r.strip("/") for r in facts.import_roots if r not in (".", ""))]
    index = path_index(relocations)
    answers: dict[str, str] = {}
    unclear = ""
    for base in dict.fromkeys(bases):
        old = posixpath.normpath(posixpath.join(base, head))
        if old.startswith("..") or not facts.path_exists(old):
            continue
        new = _moved(old, relocations, facts)
        if new is None or ((tail or not _is_file(old)) and old in index.scattered):
            count = index.leaving.get(old, 0) if tail or slash or not _is_file(old) else 0
            if count:
                unclear = f"{count} of the files below {old} move out of it"
            continue
        written = _written_against(base, folder, new)
        if written is None:
            unclear = f"{new} cannot be written relative to {base}"
        else:
            answers.setdefault(written, base)
    if not answers:
        return ResolvedPath("", False, unclear) if unclear else None
    body = next(iter(answers))
    why = "" if len(answers) == 1 else "the path fits more than one folder"
    glued = "".join("/" + t for t in tail)
    prefix = "" if lead == "./" and body.startswith("../") else lead
    return ResolvedPath(f"{prefix}{body}{glued}{slash}", not why, why)


def _is_file(path: str) -> bool:
    return "." in path.rpartition("/")[2]


def _written_against(base: str, folder: str, new: str) -> str | None:
    if not base:
        return new
    if new.startswith(base + "/"):
        return new[len(base) + 1 :]
    return posixpath.relpath(new, base) if base == folder else None


def _moved(old: str, relocations: RelocationMap, facts: ProjectFacts) -> str | None:
    new = relocations.path(old)
    return new if new is not None else _moved_by_module(old, relocations, facts)


def _moved_by_module(old: str, relocations: RelocationMap, facts: ProjectFacts) -> str | None:
    """The new path where the map has names only: the file's module name, below the same import root."""
    for root in sorted(facts.import_roots, key=len, reverse=True):
        prefix = "" if root in (".", "") else root.strip("/") + "/"
        if not old.startswith(prefix):
            continue
        stem, ending = posixpath.splitext(old[len(prefix) :])
        if ending not in ("", ".py", ".pyi"):
            return None
        inner, _, last = stem.rpartition("/")
        is_package = last == "__init__" and bool(ending)
        module = (inner if is_package else stem).replace("/", ".")
        target = relocations.module(module) if ending else relocations.whole(module)
        if target is None or relocations.paths_of(module):
            return None
        return f"{prefix}{target.replace('.', '/')}{'/__init__' if is_package else ''}{ending}"
    return None


def _resolve_open_pattern(
    tail: list[str], relocations: RelocationMap, facts: ProjectFacts
) -> ResolvedPath | None:
    """`*/a/b.py`: answered when exactly one moved file fits and keeps what the star stands for."""
    stars = next((i for i, s in enumerate(tail) if s not in ("*", "**")), len(tail))
    end = "/".join(tail[stars:])
    if not stars or not end or _GLOB & set(end):
        return None
    fits = [old for old in path_index(relocations).by_name.get(tail[-1], ()) if _ends_with(old, end)]
    fits = [old for old in fits if facts.path_exists(old)]
    if not fits:
        return None
    old = fits[0]
    new, start = relocations.paths.get(old) or relocations.folders[old], old[: len(old) - len(end)]
    if len(fits) > 1 or "/" not in end or not new.startswith(start):
        return ResolvedPath("", False, f"the pattern fits {old}, which moves")
    return ResolvedPath("/".join((*tail[:stars], new[len(start) :])), True)


def _resolve_by_end(
    lead: str, head: str, slash: str, relocations: RelocationMap, facts: ProjectFacts
) -> ResolvedPath | None:
    """`/srv/project/app/a/b.py`, a container's or a web address's path, by the longest end that moves."""
    segments = head.split("/")
    roots = [r.strip("/") + "/" for r in facts.import_roots if r not in (".", "")]
    for first in range(1, len(segments) - 1):
        end = "/".join(segments[first:])
        for base in ("", *roots):
            old = base + end
            new = _moved(old, relocations, facts) if facts.path_exists(old) else None
            if new is not None and new.startswith(base) and old not in path_index(relocations).scattered:
                start = lead + "/".join((*segments[:first], ""))
                why = f"the path ends like {old}"
                return ResolvedPath(f"{start}{new[len(base) :]}{slash}", False, why, anchored=False)
    return None


def _ends_with(path: str, end: str) -> bool:
    return path == end or path.endswith("/" + end)
