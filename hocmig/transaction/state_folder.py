"""The folder `.hocmig` at the repository root: what stands where, and how it is made."""

from __future__ import annotations

import contextlib
import os
import stat

from analyzers.checked_file import STATE_IGNORE
from analyzers.errors import InputError
from hocmig.transaction.filesystem import Tree
from hocmig.transaction.safe_path import STATE_FOLDER

LOCK = f"{STATE_FOLDER}/lock"
LEDGER_LOCK = f"{STATE_FOLDER}/lock-ledger"
LEDGER = f"{STATE_FOLDER}/ledger.jsonl"
IGNORE = f"{STATE_FOLDER}/.gitignore"

#: The one transaction that is under way; without a journal in it nothing of the tree was touched.
ACTIVE = f"{STATE_FOLDER}/transaction"
JOURNAL = f"{ACTIVE}/journal"
#: Contents that the swap puts in place, and the pre-images that undo it: one file per path, named by number.
NEW = f"{ACTIVE}/new"
OLD = f"{ACTIVE}/old"
#: `__pycache__` folders of removed folders, named by number.
CACHES = f"{ACTIVE}/caches"
#: A second name of a file on its way into place.
TRANSIT = f"{ACTIVE}/transit"

#: Files of people that `recover --force` had to move out of the way.
RESCUED = f"{STATE_FOLDER}/rescued"


def ensure_state_folder(tree: Tree) -> None:
    """Make `.hocmig` (only its owner may look inside) with its `.gitignore`, where missing.

    Raises:
        InputError: something else, such as a symlink, stands in its place.
    """
    status = tree.lstat(STATE_FOLDER)
    if status is None:
        try:
            tree.make_folder(STATE_FOLDER, 0o700)
        except FileExistsError:
            # Another run was faster.
            status = tree.lstat(STATE_FOLDER)
        else:
            tree.sync_folder("")
    if status is not None and not stat.S_ISDIR(status.st_mode):
        raise InputError(STATE_FOLDER, 0, "is no folder", "move it out of the way")
    if tree.lstat(IGNORE) is None:
        # Under a name of its own first: a torn `.gitignore` would never be mended.
        draft = f"{IGNORE}.{os.getpid()}"
        tree.discard(draft)
        tree.create(draft, STATE_IGNORE, 0o644)
        tree.rename(draft, IGNORE)


def end_journal(tree: Tree) -> None:
    """Remove the journal, durably: from here on the transaction has ended."""
    if tree.lstat(JOURNAL) is not None:
        tree.unlink(JOURNAL)
        tree.sync_folder(ACTIVE)


def discard_stage(tree: Tree) -> None:
    """Remove what a transaction without a journal left in the state folder."""
    tree.remove_below(ACTIVE)


def try_to_discard_stage(tree: Tree) -> None:
    """Like `discard_stage`; what cannot be removed now means nothing, and the next run removes it."""
    with contextlib.suppress(OSError):
        discard_stage(tree)
