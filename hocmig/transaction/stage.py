"""The stage: the new files, and second names of the old ones, inside the state folder of the repository.

It lies under the repository root, so putting a file in place is a link or a rename within one file system.
Slots are numbered like the steps of the plan.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from analyzers.errors import StaleInputError
from hocmig.transaction.filesystem import NO_LINK_ERRORS, Tree
from hocmig.transaction.image import Image, Seen, signature
from hocmig.transaction.plan import Prepared
from hocmig.transaction.safe_path import STATE_FOLDER
from hocmig.transaction.state_folder import ACTIVE, CACHES, NEW, OLD, discard_stage

#: Path -> signature of what stands there (None: nothing); see `image.signature`.
Signatures = Mapping[str, tuple[int, ...] | None]


def stage_new_files(tree: Tree, prepared: Prepared) -> None:
    """Write the new files into the stage, durably, in place of whatever an unfinished stage left there."""
    discard_stage(tree)
    for folder in (ACTIVE, NEW, OLD, CACHES):
        tree.make_folder(folder, 0o700)
    tree.sync_folder(STATE_FOLDER)
    stage_from(tree, prepared, 0)
    tree.sync_folder(ACTIVE)


def stage_from(tree: Tree, prepared: Prepared, first: int) -> None:
    """Write the new files from step number `first` on into a stage that exists, durably."""
    for number, step in enumerate(prepared.plan.steps[first:], first):
        if step.after is not None:
            owner = prepared.before.get(prepared.sources.get(step.path, step.path))
            write_image(
                tree,
                f"{NEW}/{number}",
                step.after,
                prepared.contents[step.path],
                owner.status if owner else None,
            )
    tree.sync_folder(NEW)


def keep_old_files(tree: Tree, prepared: Prepared) -> Signatures:
    """Give every pre-image a second name in the stage and return what the swap expects to find.

    Raises:
        StaleInputError: a file is no longer the one that was read.
    """
    stale = []
    found: dict[str, tuple[int, ...] | None] = {}
    for number, step in enumerate(prepared.plan.steps):
        seen = prepared.before.get(step.path)
        if seen is not None and step.before is not None:
            _keep(tree, step.path, f"{OLD}/{number}", step.before, seen)
        found[step.path] = signature(seen.status) if seen is not None else None
        if signature(tree.lstat(step.path)) != found[step.path]:
            stale.append(step.path)
    if stale:
        raise StaleInputError(tuple(sorted(stale)))
    tree.sync_folder(OLD)
    return found


def _keep(tree: Tree, path: str, slot: str, image: Image, seen: Seen) -> None:
    # A second name costs no copy and brings back the very same inode: times, owner and attributes included.
    try:
        tree.hard_link(path, slot)
    except FileNotFoundError as error:
        raise StaleInputError((path,)) from error
    except OSError as error:
        if error.errno not in NO_LINK_ERRORS:
            raise
        write_image(tree, slot, image, seen.content, seen.status)


def write_image(tree: Tree, path: str, image: Image, content: bytes, like: os.stat_result | None) -> None:
    """Make the file or symlink `image` at `path`; owned like `like` where this process may decide that."""
    if image.kind == "symlink":
        tree.create_link(path, content)
    else:
        tree.create(path, content, image.mode)
    if like is not None and os.geteuid() == 0 and (like.st_uid, like.st_gid) != (0, 0):
        tree.set_owner(path, like.st_uid, like.st_gid)
        if image.kind == "file" and image.mode & 0o6000:
            # chown clears the set-user and set-group bits.
            tree.set_file_mode(path, image.mode)
