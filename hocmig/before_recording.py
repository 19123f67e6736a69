"""Where the state before the migration comes from: a record, or the backups of the moves in force."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from analyzers.before_state import (
    BEFORE_NAME,
    SCHEMA_VERSION,
    BeforeState,
    broken_imports,
    knots,
)
from analyzers.checked_file import read_checked, write_checked
from analyzers.errors import InputError
from analyzers.import_cycles import find_cycles
from analyzers.import_graph import ImportGraph
from analyzers.import_index import SourceIndex, records_for
from analyzers.layout import ProjectLayout
from analyzers.migration_manifest import ManifestRow, Status
from analyzers.model import Relocation
from analyzers.relocation_map import RelocationMap
from hocmig import __version__
from hocmig.store import write_json
from hocmig.transaction.backup import read_backup
from hocmig.transaction.ledger import Ledger, LedgerEntry
from hocmig.workspace import Workspace

_CACHE = "before.msgpack"
_MAGIC = b"hocmig before 1\n"


class _Derived(msgspec.Struct, frozen=True):
    """A state derived from backups, for as long as the same transactions and the same tree hold."""

    key: str
    state: BeforeState


@dataclass(frozen=True, slots=True)
class Before:
    """The state before, or None; `source` says in words where it comes from, or why there is none."""

    state: BeforeState | None
    source: str


def load_before(workspace: Workspace, ledger: Ledger, tree: str) -> Before:
    """The recorded state, else one derived from the backups of the moves, else none.

    Args:
        tree: the hash of the present tree, which the derived state depends on.

    Raises:
        InputError: the record is malformed or of a newer version.
    """
    path = workspace.artifacts / BEFORE_NAME
    shown = f"{workspace.config.artifact_folder}/{BEFORE_NAME}"
    if path.is_file():
        state = read_before(path, shown)
        return Before(state, f"recorded in {shown} at {state.recorded_at}")
    entries = _reversible(ledger)
    if not entries:
        return Before(None, "unknown: record it before a migration with `hocmig verify --record-before`")
    return _derived(workspace, entries, tree)


def read_before(path: Path, name: str) -> BeforeState:
    """The state recorded in a file; raises InputError when it is none."""
    try:
        content = path.read_bytes()
        version = msgspec.json.decode(content, type=_Version).schema_version
        if version > SCHEMA_VERSION:
            raise InputError(
                name, 0, f"is of version {version}, this hocmig knows {SCHEMA_VERSION}", "update hocmig"
            )
        return msgspec.json.decode(content, type=BeforeState)
    except (OSError, msgspec.MsgspecError, RecursionError) as error:
        problem = f"is no record of a state: {' '.join(str(error).split())[:160]}"
        raise InputError(name, 0, problem, "restore it, or delete it") from error


class _Version(msgspec.Struct):
    schema_version: int = 0


def write_before(workspace: Workspace, state: BeforeState) -> str:
    """Write the record; returns its path relative to the repository root."""
    clean = state
    if state.imports is not None:
        # Notes name lines and quote output, which differs from run to run.
        imports = {m: msgspec.structs.replace(o, notes=()) for m, o in sorted(state.imports.items())}
        clean = msgspec.structs.replace(clean, imports=imports)
    write_json(workspace.artifacts / BEFORE_NAME, clean)
    return f"{workspace.config.artifact_folder}/{BEFORE_NAME}"


def relocations_since(
    ledger: Ledger, rows: tuple[ManifestRow, ...], index: SourceIndex, recorded_at: str
) -> RelocationMap:
    """From old to present names: the moves in force since a time, and what the manifest carried out.

    `recorded_at` empty: all of the ledger.
    """
    present = moved_paths(ledger, recorded_at)
    for row in rows:
        done = row.status is Status.MOVED or (
            row.status is Status.DELETE_DUPLICATE and row.current_path not in index.files
        )
        if done:
            goal = present.get(row.target_path, row.target_path)
            present.setdefault(row.current_path, goal)
    found = [
        _relocation(old, new, index.layout) for old, new in sorted(present.items()) if new in index.files
    ]
    return RelocationMap([r for r in found if r is not None], allow_merges=True)


def moved_paths(ledger: Ledger, since: str = "") -> dict[str, str]:
    """First place to present place of every file that transactions in force moved."""
    moved: dict[str, str] = {}
    for entry in ledger.standing():
        if entry.time < since:
            continue
        origins = {place: first for first, place in moved.items()}
        for file in entry.files:
            if file.kind == "move" and file.path_before and file.path_after:
                moved[origins.get(file.path_before, file.path_before)] = file.path_after
    return {old: new for old, new in moved.items() if old != new}


def _relocation(old: str, new: str, layout: ProjectLayout) -> Relocation | None:
    before, after = layout.module_of(old), layout.module_of(new)
    if before is None or after is None or before.name == after.name:
        return None
    return Relocation(before.name, after.name, old_path=old, new_path=new)


def _touches_python(entry: LedgerEntry) -> bool:
    return any(
        path is not None and path.endswith((".py", ".pyi"))
        for file in entry.files
        for path in (file.path_before, file.path_after)
    )


def _reversible(ledger: Ledger) -> tuple[LedgerEntry, ...]:
    """The transactions in force that changed Python files, newest first, as far back as there are backups."""
    found = []
    for entry in reversed(ledger.standing()):
        if not _touches_python(entry):
            continue
        if not entry.backup:
            break
        found.append(entry)
    return tuple(found)


def _derived(workspace: Workspace, entries: tuple[LedgerEntry, ...], tree: str) -> Before:
    names = ", ".join(entry.backup for entry in reversed(entries))
    source = f"derived from the backup {names}" if len(entries) == 1 else f"derived from the backups {names}"
    key = " ".join((tree, *(entry.backup_sha256 for entry in entries)))
    cache = workspace.state / _CACHE
    known = read_checked(cache, _MAGIC, _Derived)
    if known is not None and known.key == key:
        return Before(known.state, source)
    contents: dict[str, bytes | None] = {}
    for entry in entries:
        path = workspace.root / entry.backup
        try:
            backup = read_backup(path, shown_as=entry.backup)
        except InputError as error:
            return Before(None, f"unknown: {error}")
        if backup.sha256 != entry.backup_sha256:
            return Before(None, f"unknown: {entry.backup} is not the archive that the ledger names")
        for file in backup.manifest.files:
            contents[file.path] = backup.contents[file.path] if file.before is not None else None
    state = _state_of(ImportGraph(_index_with(workspace.index, contents)))
    write_checked(cache, _MAGIC, _Derived(key, state))
    return Before(state, source)


def _index_with(index: SourceIndex, contents: Mapping[str, bytes | None]) -> SourceIndex:
    python = {p: c for p, c in contents.items() if p.endswith((".py", ".pyi"))}
    removed = [path for path, content in python.items() if content is None]
    return index.with_changes(removed, records_for({p: c for p, c in python.items() if c is not None}))


def _state_of(graph: ImportGraph) -> BeforeState:
    return BeforeState(
        tool_version=__version__, broken_imports=broken_imports(graph), cycles=knots(find_cycles(graph))
    )
