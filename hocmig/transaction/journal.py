"""The write-ahead journal: the whole plan of a swap, durable before the swap begins.

One file, one record per line: 16 hexadecimal digits of the SHA-256 of the record, a space, the record as
JSON. The first record holds everything that recovery needs; it appears at once (temporary name, fsync,
rename), so a journal is either complete or absent. Later records only say what was begun, and when.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import msgspec

from analyzers.errors import InputError
from hocmig.transaction.change import sha256
from hocmig.transaction.clock import timestamp
from hocmig.transaction.filesystem import Tree
from hocmig.transaction.ledger import LedgerEntry
from hocmig.transaction.plan import SwapPlan
from hocmig.transaction.safe_path import check_path
from hocmig.transaction.state_folder import ACTIVE, JOURNAL

SCHEMA_VERSION = 1
_DIGITS = 16

Mark = Literal["swapping", "swapped", "rolling back", "resuming"]


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """What recovery needs: the plan, and the ledger entry that ends the transaction."""

    plan: SwapPlan
    entry: LedgerEntry
    schema_version: int = SCHEMA_VERSION


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """Something that was begun at `time` (UTC)."""

    mark: Mark
    time: str


class Journal(msgspec.Struct, frozen=True):
    """A journal as read back."""

    header: Header
    events: tuple[Event, ...]


def write_journal(tree: Tree, header: Header) -> None:
    """Write the journal durably; what was staged must be durable already."""
    draft = f"{JOURNAL}.draft"
    tree.discard(draft)
    tree.create(draft, _record(msgspec.json.encode(header)))
    tree.rename(draft, JOURNAL)
    tree.sync_folder(ACTIVE)


def mark(tree: Tree, what: Mark) -> None:
    """Add an event to the journal."""
    tree.append(JOURNAL, _record(msgspec.json.encode(Event(mark=what, time=timestamp()))))


def read_journal(tree: Tree) -> Journal | None:
    """The journal; None when there is none, so that the tree was not touched.

    Raises:
        InputError: it is damaged, of another version, or names paths that may not be written. What is
            staged is kept: it may be the only copy of the old files.
    """
    try:
        content, _ = tree.read(JOURNAL)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise InputError(
            JOURNAL, 0, f"cannot be read: {error.strerror}", "mend it and recover again"
        ) from error
    first, *rest = content.split(b"\n")
    document = _checked(first)
    try:
        if document is None:
            raise ValueError("its checksum is wrong")
        header = msgspec.json.decode(document, type=Header)
        if header.schema_version != SCHEMA_VERSION:
            raise ValueError(f"its version is {header.schema_version}, this hocmig knows {SCHEMA_VERSION}")
    except (ValueError, RecursionError) as error:
        raise InputError(
            JOURNAL,
            1,
            f"is damaged: {error}",
            f"compare the tree with version control; {ACTIVE}/old holds the old files",
        ) from error
    for step in header.plan.steps:
        check_path(step.path)
    for folder in (f.path for f in (*header.plan.made, *header.plan.removed)):
        check_path(folder)
    return Journal(header, tuple(_events(rest)))


def _events(lines: list[bytes]) -> Iterator[Event]:
    """The events of the lines after the first; a line whose checksum is wrong was torn by a crash."""
    for number, line in enumerate(lines, start=2):
        document = _checked(line)
        if document is None:
            continue
        try:
            yield msgspec.json.decode(document, type=Event)
        except (ValueError, RecursionError) as error:
            problem = f"is no event of this version: {error}"
            raise InputError(JOURNAL, number, problem, "remove the line and recover again") from error


def _record(document: bytes) -> bytes:
    return sha256(document)[:_DIGITS].encode() + b" " + document + b"\n"


def _checked(line: bytes) -> bytes | None:
    digits, _, document = line.partition(b" ")
    return document if digits == sha256(document)[:_DIGITS].encode() else None
