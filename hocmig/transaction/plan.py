"""The plan of a swap: per path what is there and what shall be, checked against the disk."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from analyzers.errors import InputError, StaleInputError
from hocmig.transaction.change import NEW_FILE_MODE, ChangeSet, FileChange
from hocmig.transaction.filesystem import Tree
from hocmig.transaction.image import Image, Obstacle, Seen, image_of, look
from hocmig.transaction.ledger import LedgerFile
from hocmig.transaction.safe_path import fold, folder_of, parents

CACHE_FOLDER = "__pycache__"


class PathStep(msgspec.Struct, frozen=True, kw_only=True):
    """One path: what stood there, what shall stand there (None: nothing); never both the same."""

    path: str
    before: Image | None
    after: Image | None


class Folder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A folder that is made or removed; `mode` are its permission bits (None: 0o777 less the umask)."""

    path: str
    mode: int | None = None


class SwapPlan(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that a swap does to the tree.

    `steps` are sorted by path, then come those of the backup; the place in the tuple is the number of the
    staged files. `made` are folders that did not exist, outermost first; `removed` are folders that go,
    innermost first.
    """

    steps: tuple[PathStep, ...] = ()
    made: tuple[Folder, ...] = ()
    removed: tuple[Folder, ...] = ()


@dataclass(frozen=True, slots=True)
class Prepared:
    """A plan with the bytes that belong to it and the statuses that prove it is still true.

    `contents` are the new contents and `before` the pre-images, by path; `sources` leads from the new path of
    a moved file to its old one.
    """

    plan: SwapPlan
    contents: Mapping[str, bytes]
    before: Mapping[str, Seen]
    sources: Mapping[str, str]
    files: tuple[LedgerFile, ...]


def prepare(tree: Tree, change_set: ChangeSet) -> Prepared:
    """Check `change_set` against the disk and plan its swap; changes nothing.

    Raises:
        StaleInputError: files differ from the expected pre-images (all of them are named).
        InputError: a change set that is wrong in itself, a target that exists or differs only by case from
            something that stays, a path through a symlink or through a file, a file that cannot be read.
    """
    change_set.validate()
    _check_folders(tree, change_set)
    seen = _read(tree, change_set)
    stale = _stale(tree, change_set, seen)
    if stale:
        raise StaleInputError(stale)
    _check_free(change_set, seen)
    before = {path: found for path, found in seen.items() if isinstance(found, Seen)}
    steps, contents, files = _steps(change_set, before)
    removed = _emptied(tree, change_set, steps) if change_set.remove_empty_dirs else ()
    _check_case(tree, steps, removed)
    plan = SwapPlan(steps=steps, made=_missing_folders(tree, steps, change_set.folder_modes), removed=removed)
    sources = {c.path: c.source for c in change_set.changes}
    return Prepared(plan, contents, before, sources, files)


def with_own_files(tree: Tree, prepared: Prepared, contents: Mapping[str, bytes]) -> Prepared:
    """`prepared` with files of hocmig's own (the backup) that only their owner may read, added at the end.

    Raises:
        InputError: a folder of theirs is a symlink or no folder.
    """
    changes = tuple(FileChange(path=path, content=content, mode=0o600) for path, content in contents.items())
    own = prepare(tree, ChangeSet(changes))
    made = {f.path: f for f in (*own.plan.made, *prepared.plan.made)}
    plan = SwapPlan(
        steps=(*prepared.plan.steps, *own.plan.steps),
        made=tuple(sorted(made.values(), key=lambda f: (f.path.count("/"), f.path))),
        removed=prepared.plan.removed,
    )
    return Prepared(
        plan, {**prepared.contents, **own.contents}, prepared.before, prepared.sources, prepared.files
    )


def _check_folders(tree: Tree, change_set: ChangeSet) -> None:
    checked: set[str] = set()
    paths = [p for c in change_set.changes for p in (c.path, c.source)]
    for path in (*paths, *change_set.inputs):
        for folder in parents(path):
            if folder in checked:
                continue
            checked.add(folder)
            status = tree.lstat(folder)
            if status is None:
                break
            if stat.S_ISLNK(status.st_mode):
                raise InputError(
                    path,
                    0,
                    f"goes through the symlink {folder}",
                    "name the file by its path without symlinks",
                )
            if not stat.S_ISDIR(status.st_mode):
                raise InputError(path, 0, f"cannot be made: {folder} is no folder", "choose another path")


def _read(tree: Tree, change_set: ChangeSet) -> dict[str, Seen | Obstacle | None]:
    seen: dict[str, Seen | Obstacle | None] = {}
    for path in sorted({p for c in change_set.changes for p in (c.path, c.source)}):
        try:
            seen[path] = look(tree, path)
        except OSError as error:
            raise InputError(path, 0, f"cannot be read: {error.strerror}", "mend its permissions") from error
    return seen


def _stale(tree: Tree, change_set: ChangeSet, seen: Mapping[str, Seen | Obstacle | None]) -> tuple[str, ...]:
    stale = set()
    for change in change_set.changes:
        if change.before_sha256 is not None and _hash(seen[change.source]) != change.before_sha256:
            stale.add(change.source)
    for path, wanted in change_set.inputs.items():
        try:
            found = seen[path] if path in seen else look(tree, path)
        except OSError as error:
            raise InputError(path, 0, f"cannot be read: {error.strerror}", "mend its permissions") from error
        if _hash(found) != wanted:
            stale.add(path)
    return tuple(sorted(stale))


def _hash(found: Seen | Obstacle | None) -> str | None:
    if isinstance(found, Obstacle):
        return "no file"
    return found.image.sha256 if found is not None else None


def _check_free(change_set: ChangeSet, seen: Mapping[str, Seen | Obstacle | None]) -> None:
    vacated = change_set.vacated
    for change in change_set.changes:
        needs_room = change.old_path is not None or change.before_sha256 is None
        found = seen[change.path]
        if needs_room and found is not None and change.path not in vacated:
            what = str(found) if isinstance(found, Obstacle) else "a file"
            raise InputError(
                change.path, 0, f"exists already ({what})", "choose another path or remove it first"
            )


def _steps(
    change_set: ChangeSet, before: Mapping[str, Seen]
) -> tuple[tuple[PathStep, ...], dict[str, bytes], tuple[LedgerFile, ...]]:
    after: dict[str, Image] = {}
    contents: dict[str, bytes] = {}
    files: list[LedgerFile] = []
    for change in change_set.changes:
        pre_image = before[change.source].image if change.before_sha256 is not None else None
        image = _after(change, pre_image)
        if change.path != change.source or image != pre_image:
            files.append(_ledger_file(change, pre_image, image))
        if image is not None and change.content is not None:
            after[change.path] = image
            contents[change.path] = change.content
    touched = sorted({p for c in change_set.changes for p in (c.path, c.source)})
    steps = []
    for path in touched:
        old = before[path].image if path in before else None
        if old != after.get(path):
            steps.append(PathStep(path=path, before=old, after=after.get(path)))
    return tuple(steps), contents, tuple(files)


def _after(change: FileChange, pre_image: Image | None) -> Image | None:
    if change.content is None:
        return None
    kept = pre_image.git_mode if pre_image is not None else NEW_FILE_MODE
    image = image_of(change.content, kept if change.mode is None else change.mode)
    if image.kind == "symlink" and (b"\0" in change.content or not change.content):
        raise InputError(change.path, 0, "is a symlink without a proper target", "give the target's text")
    return image


def _ledger_file(change: FileChange, before: Image | None, after: Image | None) -> LedgerFile:
    return LedgerFile(
        kind=change.kind,
        path_before=change.source if before is not None else None,
        path_after=change.path if after is not None else None,
        sha256_before=before.sha256 if before is not None else None,
        sha256_after=after.sha256 if after is not None else None,
        mode_before=before.git_mode if before is not None else None,
        mode_after=after.git_mode if after is not None else None,
    )


def _emptied(tree: Tree, change_set: ChangeSet, steps: tuple[PathStep, ...]) -> tuple[Folder, ...]:
    kept = {folder for s in steps if s.after is not None for folder in parents(s.path)}
    kept |= change_set.keep_folders
    gone: set[str] = set(change_set.removed)
    result: dict[str, Folder] = {}
    candidates = sorted({f for path in gone for f in parents(path)}, key=lambda f: (-f.count("/"), f))
    for folder in candidates:
        if folder in kept:
            continue
        status = tree.lstat(folder)
        if status is None:
            continue
        left = [n for n in tree.names(folder) if n != CACHE_FOLDER and f"{folder}/{n}" not in gone]
        if not left:
            gone.add(folder)
            result[folder] = Folder(path=folder, mode=stat.S_IMODE(status.st_mode))
    return tuple(result.values())


def _missing_folders(tree: Tree, steps: tuple[PathStep, ...], modes: Mapping[str, int]) -> tuple[Folder, ...]:
    wanted = {folder for s in steps if s.after is not None for folder in parents(s.path)}
    missing = [folder for folder in wanted if tree.lstat(folder) is None]
    missing.sort(key=lambda f: (f.count("/"), f))
    return tuple(Folder(path=f, mode=modes.get(f)) for f in missing)


def _check_case(tree: Tree, steps: tuple[PathStep, ...], removed: tuple[Folder, ...]) -> None:
    going = {s.path for s in steps if s.after is None} | {f.path for f in removed}
    listings: dict[str, dict[str, list[str]]] = {}
    for step in steps:
        if step.after is None or step.before is not None:
            continue
        for path in (*parents(step.path), step.path):
            folder = folder_of(path)
            if folder not in listings:
                listings[folder] = _by_case(tree, folder)
            name = path.rpartition("/")[2]
            for other in listings[folder].get(fold(name), ()):
                standing = f"{folder}/{other}" if folder else other
                if other != name and standing not in going:
                    raise InputError(
                        step.path, 0, f"differs only by case from {standing}", "choose another name"
                    )


def _by_case(tree: Tree, folder: str) -> dict[str, list[str]]:
    names: dict[str, list[str]] = {}
    if not folder or tree.lstat(folder) is not None:
        for name in tree.names(folder):
            names.setdefault(fold(name), []).append(name)
    return names


def unwritable_folders(tree: Tree, plan: SwapPlan) -> tuple[str, ...]:
    """Existing folders in which this process may not write though the plan needs it, sorted."""
    made = {f.path for f in plan.made}
    folders = {folder_of(s.path) for s in plan.steps} | {folder_of(f.path) for f in plan.removed}
    folders |= {folder_of(f) for f in made}
    existing = sorted(folders - made)
    return tuple(f for f in existing if not os.access(tree.root / f, os.W_OK | os.X_OK))
