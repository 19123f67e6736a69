"""The swap: puts every path of a plan into its new state, or back into its old one.

Both directions are the same procedure with the sides exchanged, both may be begun again after any
interruption, and neither uses up what the other needs: a file is put in place by a second name of its slot,
and that name is renamed over the path, so that a reader sees the old file or the new one and never none.
"""

from __future__ import annotations

import enum
import errno
import stat
from dataclasses import dataclass

from hocmig.transaction.filesystem import NO_LINK_ERRORS, Tree
from hocmig.transaction.image import Image, Seen, look, signature
from hocmig.transaction.plan import CACHE_FOLDER, Folder, PathStep, SwapPlan
from hocmig.transaction.safe_path import folder_of
from hocmig.transaction.stage import Signatures, write_image
from hocmig.transaction.state_folder import CACHES, NEW, OLD, TRANSIT

#: The way into place on another file system than the stage's, where a rename across is impossible.
_BESIDE = ".hocmig-transit"


class Direction(enum.Enum):
    """To the new state, or back to the old one."""

    FORWARD = "forward"
    BACK = "back"

    def target(self, step: PathStep) -> Image | None:
        return step.after if self is Direction.FORWARD else step.before

    def slot(self, number: int) -> str:
        return f"{NEW if self is Direction.FORWARD else OLD}/{number}"


class Side(enum.Enum):
    """What stands at a path: the file before the swap, the one after it, or somebody else's."""

    BEFORE = "before"
    AFTER = "after"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Standing:
    """The state of one path of a plan on the disk; `inode` is (device, number), None without a file."""

    side: Side
    signature: tuple[int, ...] | None

    @property
    def inode(self) -> tuple[int, ...] | None:
        return self.signature[:2] if self.signature is not None else None


class ChangedUnderneathError(OSError):
    """Somebody else wrote a path while the swap ran."""

    def __init__(self, path: str) -> None:
        super().__init__(errno.EBUSY, "was changed by somebody else meanwhile", path)


def survey(tree: Tree, plan: SwapPlan) -> dict[str, Standing]:
    """What stands at each path of `plan`, by kind, mode and hash.

    Raises:
        OSError: a file cannot be read.
    """
    result = {}
    for step in plan.steps:
        found = look(tree, step.path)
        if found is None or isinstance(found, Seen):
            image = found.image if found is not None else None
            status = found.status if found is not None else None
            side = Side.BEFORE if image == step.before else Side.AFTER if image == step.after else Side.OTHER
        else:
            status, side = tree.lstat(step.path), Side.OTHER
        result[step.path] = Standing(side, signature(status))
    return result


def swap(
    tree: Tree, plan: SwapPlan, direction: Direction, expected: Signatures, done: set[str] | None = None
) -> None:
    """Bring the paths in `expected` into the state that `direction` names, and make it last.

    Args:
        tree: the repository.
        plan: the whole plan; its folders are made and removed as needed.
        direction: which side of the plan.
        expected: the signature of what stands at each path that is to change; other paths are left alone.
        done: gets each path as soon as it is in its new state.

    Raises:
        ChangedUnderneathError: another file than the expected one stands at a path.
        OSError: a call failed; the swap may be begun again, in either direction.
    """
    done = set() if done is None else done
    todo = [(number, step) for number, step in enumerate(plan.steps) if step.path in expected]
    _make_folders(tree, plan, direction)
    for number, step in todo:
        image = direction.target(step)
        if image is not None:
            _put(tree, direction.slot(number), step.path, image, expected[step.path])
            done.add(step.path)
    for _, step in todo:
        if direction.target(step) is None:
            if signature(tree.lstat(step.path)) != expected[step.path]:
                raise ChangedUnderneathError(step.path)
            if expected[step.path] is not None:
                tree.unlink(step.path)
            done.add(step.path)
    _retire_folders(tree, plan, direction)
    _sync(tree, plan)


def _put(tree: Tree, slot: str, path: str, image: Image, expected: tuple[int, ...] | None) -> None:
    if signature(tree.lstat(path)) != expected:
        raise ChangedUnderneathError(path)
    try:
        if expected is None:
            # A link never replaces: a file that appears at the last moment is safe.
            tree.hard_link(slot, path)
        else:
            tree.discard(TRANSIT)
            tree.hard_link(slot, TRANSIT)
            tree.rename(TRANSIT, path)
    except FileExistsError as error:
        raise ChangedUnderneathError(path) from error
    except OSError as error:
        if error.errno not in NO_LINK_ERRORS:
            raise
        _copy(tree, slot, path, image, expected)


def _copy(tree: Tree, slot: str, path: str, image: Image, expected: tuple[int, ...] | None) -> None:
    folder = folder_of(path)
    beside = f"{folder}/{_BESIDE}" if folder else _BESIDE
    staged = look(tree, slot)
    if not isinstance(staged, Seen):
        raise OSError(errno.ENOENT, "is missing from the stage", path)
    tree.discard(beside)
    write_image(tree, beside, image, staged.content, staged.status)
    if signature(tree.lstat(path)) != expected:
        tree.discard(beside)
        raise ChangedUnderneathError(path)
    tree.rename(beside, path)


def clear_transit(tree: Tree, plan: SwapPlan) -> None:
    """Remove the copies that an interrupted swap left beside files on other file systems."""
    for folder in {folder_of(step.path) for step in plan.steps} | {f.path for f in plan.removed}:
        tree.remove_below(f"{folder}/{_BESIDE}" if folder else _BESIDE)


def _make_folders(tree: Tree, plan: SwapPlan, direction: Direction) -> None:
    if direction is Direction.FORWARD:
        for folder in plan.made:
            _make(tree, folder)
        return
    for number, removed in reversed(list(enumerate(plan.removed))):
        _make(tree, removed)
        if tree.lstat(f"{CACHES}/{number}") is not None:
            _carry(tree, f"{CACHES}/{number}", f"{removed.path}/{CACHE_FOLDER}", f"{removed.path}/{_BESIDE}")


def _make(tree: Tree, folder: Folder) -> None:
    status = tree.lstat(folder.path)
    if status is None:
        tree.make_folder(folder.path, folder.mode)
    elif (
        folder.mode is not None
        and stat.S_ISDIR(status.st_mode)
        and stat.S_IMODE(status.st_mode) != folder.mode
    ):
        # An earlier attempt ended between making the folder and setting its mode.
        tree.set_folder_mode(folder.path, folder.mode)


def _retire_folders(tree: Tree, plan: SwapPlan, direction: Direction) -> None:
    if direction is Direction.FORWARD:
        for number, removed in enumerate(plan.removed):
            _retire(tree, removed.path, f"{CACHES}/{number}")
    else:
        for number, folder in reversed(list(enumerate(plan.made))):
            _retire(tree, folder.path, f"{CACHES}/made-{number}")


def _retire(tree: Tree, folder: str, cache_slot: str) -> None:
    status = tree.lstat(folder)
    if status is None or not stat.S_ISDIR(status.st_mode):
        return
    names = tree.names(folder)
    if names not in ([], [CACHE_FOLDER]):
        # Somebody put a file there meanwhile: the folder stays with it.
        return
    cache = f"{folder}/{CACHE_FOLDER}"
    if names and tree.lstat(cache_slot) is not None:
        # An earlier attempt ended between copying the cache and removing it.
        tree.remove_below(cache)
    elif names:
        _carry(tree, cache, cache_slot, f"{cache_slot}.part")
    try:
        tree.remove_folder(folder)
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise


def _carry(tree: Tree, source: str, place: str, draft: str) -> None:
    """Put the folder `source` to `place`, in place of a folder there, which is never seen half copied."""
    tree.remove_below(place)
    try:
        tree.rename(source, place)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        tree.remove_below(draft)
        tree.copy_below(source, draft)
        tree.rename(draft, place)
        tree.remove_below(source)


def _sync(tree: Tree, plan: SwapPlan) -> None:
    folders = {folder_of(step.path) for step in plan.steps}
    folders.update(f.path for f in plan.made)
    folders.update(folder_of(f.path) for f in (*plan.made, *plan.removed))
    for folder in sorted(folders):
        status = tree.lstat(folder) if folder else None
        if not folder or (status is not None and stat.S_ISDIR(status.st_mode)):
            tree.sync_folder(folder)
