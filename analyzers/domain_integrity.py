"""V5: each migrated file stands in exactly one domain, and nothing importable remains where it was.

Remains that Python still imports: a compiled file without its source, an extension module of the same name,
and a folder that git does not show (only caches in it), which is a namespace package and hides the broken
import that it should be. A stub that stayed hides it from type checkers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from analyzers.configuration import Configuration
from analyzers.domain_inventory import domain_of
from analyzers.model import FileRecord


@dataclass(frozen=True, slots=True)
class Migrated:
    """One file of the manifest that was carried out: where it was, and where it is by now."""

    migration_id: str
    old_path: str
    new_path: str


@dataclass(frozen=True, slots=True)
class Orphan:
    """What is wrong about a migrated file: `path` is where, `problem` a sentence."""

    migration_id: str
    path: str
    problem: str

    def __str__(self) -> str:
        return f"{self.migration_id} {self.path}: {self.problem}"


def find_orphans(
    migrated: Iterable[Migrated],
    files: Mapping[str, FileRecord],
    config: Configuration,
    list_folder: Callable[[str], tuple[str, ...] | None],
    is_shim: Callable[[str], bool],
) -> tuple[Orphan, ...]:
    """The orphans, sorted by path and problem.

    Args:
        list_folder: the names in a folder, folders with a slash at the end; None when there is none.
        is_shim: whether the file at a path forwards to its new place, as a migration may leave it.
    """
    found = []
    by_content: dict[tuple[str, str], list[str]] = {}
    for path, record in files.items():
        if record.size_bytes and domain_of(path, config)[0]:
            by_content.setdefault((path.rpartition("/")[2], record.sha256), []).append(path)
    for entry in migrated:
        old, new = entry.old_path, entry.new_path
        found_at = files.get(new)
        if found_at is None:
            found.append(Orphan(entry.migration_id, new, "is not there, though the manifest says so"))
        else:
            twins = by_content.get((new.rpartition("/")[2], found_at.sha256), ())
            others = sorted({domain_of(p, config)[0] for p in twins} - {domain_of(new, config)[0]})
            if others:
                problem = f"stands in {', '.join(others)} as well, byte for byte"
                found.append(Orphan(entry.migration_id, new, problem))
        if old == new:
            continue
        if old in files:
            if not is_shim(old):
                found.append(Orphan(entry.migration_id, old, "is still at its old place"))
        else:
            found += [Orphan(entry.migration_id, path, why) for path, why in _remains(old, list_folder)]
    return tuple(sorted(set(found), key=lambda o: (o.path, o.problem, o.migration_id)))


def _remains(old: str, list_folder: Callable[[str], tuple[str, ...] | None]) -> Iterable[tuple[str, str]]:
    folder, _, file = old.rpartition("/")
    stem = file.rpartition(".")[0]
    names = list_folder(folder)
    if names is None:
        return
    for name in names:
        if name.startswith(stem + ".") and name.endswith((".pyc", ".so", ".pyd")):
            yield f"{folder}/{name}", "is still importable under the old name"
        elif name == f"{stem}.pyi" and file != name:
            yield f"{folder}/{name}", "is a stub that stayed behind; move it along with its module"
    if stem != "__init__" and f"{stem}/" in names and _is_hollow(f"{folder}/{stem}", list_folder):
        yield f"{folder}/{stem}", "is a folder without a source that can still be imported"
    if _is_hollow(folder, list_folder):
        yield folder, "is a folder without a source that can still be imported"


def _is_hollow(folder: str, list_folder: Callable[[str], tuple[str, ...] | None]) -> bool:
    """Whether nothing but caches is in a folder that exists."""
    names = list_folder(folder)
    return names is not None and all(name == "__pycache__/" or name.endswith(".pyc") for name in names)
