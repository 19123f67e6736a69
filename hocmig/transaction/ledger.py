"""The append-only ledger `.hocmig/ledger.jsonl`: one line of JSON per change or decision."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec

from analyzers.errors import InputError
from hocmig import __version__
from hocmig.transaction.clock import timestamp
from hocmig.transaction.filesystem import Tree
from hocmig.transaction.state_folder import LEDGER, LEDGER_LOCK, ensure_state_folder

SCHEMA_VERSION = 1

FileKind = Literal["move", "edit", "create", "delete"]
EntryKind = Literal["transaction", "rollback", "approval", "gate", "resolution"]


class LedgerFile(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What happened to one file; the side that does not exist is None. Modes are as in FileChange."""

    kind: FileKind
    path_before: str | None = None
    path_after: str | None = None
    sha256_before: str | None = None
    sha256_after: str | None = None
    mode_before: int | None = None
    mode_after: int | None = None


class LedgerEntry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line of the ledger.

    Attributes:
        kind: `transaction` and `rollback` changed files; `approval` (a re-lock after a wanted change), `gate`
            (forced open) and `resolution` (of a conflict) record what a person decided.
        entry_id: of a transaction its id, else empty.
        time: UTC, `2026-01-27T10:00:00Z`.
        phase: `P2`, or a command's name.
        command: the command line, program name first.
        reason: what the user gave with it. `by`: who approved, where somebody did.
        subject: what was decided about (a path, a domain, a gate, a row id) -> the decision.
        files: what happened to each file, sorted by path.
        migration_ids: rows of the plan that were carried out.
        backup: the archive, relative to the root; `backup_sha256` its hash; both empty without `--backup`.
        reverts: ids of the transactions that this rollback undid.
    """

    kind: EntryKind
    time: str
    phase: str
    command: tuple[str, ...] = ()
    entry_id: str = ""
    reason: str = ""
    by: str = ""
    subject: dict[str, str] = {}
    files: tuple[LedgerFile, ...] = ()
    migration_ids: tuple[str, ...] = ()
    backup: str = ""
    backup_sha256: str = ""
    reverts: tuple[str, ...] = ()
    tool_version: str = __version__
    schema_version: int = SCHEMA_VERSION


@dataclass(frozen=True, slots=True)
class Ledger:
    """The readable entries, oldest first, and one sentence for each line that is not readable."""

    entries: tuple[LedgerEntry, ...] = ()
    problems: tuple[str, ...] = ()

    def find(self, entry_id: str) -> LedgerEntry | None:
        """The transaction with this id."""
        return next((e for e in self.entries if e.entry_id == entry_id and entry_id), None)

    def undone(self) -> frozenset[str]:
        """The ids of entries that a later entry reverted, which was not reverted itself."""
        undone: set[str] = set()
        for entry in reversed(self.entries):
            if entry.entry_id not in undone:
                undone.update(entry.reverts)
        return frozenset(undone)

    def standing(self) -> tuple[LedgerEntry, ...]:
        """The transactions that are in force: neither rolled back since, nor rollbacks; oldest first."""
        undone = self.undone()
        return tuple(e for e in self.entries if e.kind == "transaction" and e.entry_id not in undone)


def read_ledger(root: Path) -> Ledger:
    """The ledger of the repository at `root`; empty when there is none.

    A line that cannot be decoded (torn by a crash, merged badly) is left out and reported in `problems` as
    `FILE:LINE: sentence`.

    Raises:
        InputError: the file cannot be read at all.
    """
    with Tree(root) as tree:
        return parse_ledger(read_ledger_bytes(tree))


def parse_ledger(content: bytes) -> Ledger:
    """The ledger that `content` holds; see `read_ledger`."""
    decoder = msgspec.json.Decoder(LedgerEntry)
    entries: list[LedgerEntry] = []
    problems: list[str] = []
    lines = content.split(b"\n")
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            entries.append(decoder.decode(line))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            torn = number == len(lines)
            what = "the last line is torn" if torn else f"is no ledger entry: {error}"
            problems.append(f"{LEDGER}:{number}: {what}; it is ignored")
    return Ledger(tuple(entries), tuple(problems))


def append(root: Path, entry: LedgerEntry) -> None:
    """Add `entry` to the ledger of the repository at `root`, durably, as one line.

    Raises:
        OSError: it cannot be written; what was written of it is cut off again.
        InputError: the state folder is no folder.
    """
    with Tree(root) as tree:
        ensure_state_folder(tree)
        append_entry(tree, entry)


def append_entry(tree: Tree, entry: LedgerEntry) -> None:
    """Like `append`, for a tree whose state folder exists."""
    line = msgspec.json.encode(entry) + b"\n"
    is_new = tree.lstat(LEDGER) is None
    with _ledger_lock(tree):
        content = read_ledger_bytes(tree)
        # After a torn line the entry starts on a line of its own.
        tree.append(LEDGER, line if not content or content.endswith(b"\n") else b"\n" + line)
    if is_new:
        tree.sync_folder(LEDGER.rpartition("/")[0])


def decision(
    kind: EntryKind,
    *,
    phase: str,
    command: tuple[str, ...] = (),
    subject: dict[str, str] | None = None,
    reason: str = "",
    by: str = "",
) -> LedgerEntry:
    """An entry for what a person decided (approval, gate, resolution), with the time of now."""
    return LedgerEntry(
        kind=kind,
        time=timestamp(),
        phase=phase,
        command=command,
        subject=subject or {},
        reason=reason,
        by=by,
    )


def read_ledger_bytes(tree: Tree) -> bytes:
    try:
        content, _ = tree.read(LEDGER)
    except FileNotFoundError:
        return b""
    except OSError as error:
        problem = "is no regular file" if error.errno in (errno.ELOOP, errno.EINVAL) else error.strerror
        raise InputError(LEDGER, 0, f"cannot be read: {problem}", "mend or move it") from error
    return content


@contextlib.contextmanager
def _ledger_lock(tree: Tree) -> Iterator[None]:
    # Not the repository's lock: an approval may be recorded while a transaction runs.
    descriptor = tree.open_lock(LEDGER_LOCK)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
