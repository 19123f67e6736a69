"""The moved files of the report: their way, their callers, and the diff between backup and present tree."""

from __future__ import annotations

import stat
from collections import defaultdict
from collections.abc import Sequence

from analyzers.csv_table import read_csv
from analyzers.errors import InputError
from analyzers.migration_manifest import ManifestRow, Status
from hocmig.diff import render_diff
from hocmig.move_validation_report import CALLERS_NAME
from hocmig.report.report_facts import CallerFacts, MoveFacts
from hocmig.transaction.backup import read_backup
from hocmig.transaction.change import ChangeSet, FileChange, sha256
from hocmig.transaction.ledger import Ledger
from hocmig.workspace import Workspace

_COLUMNS = ("migrating_file", "caller_file", "import_statement", "update_required")
_MAX_BYTES = 1 << 20
_MODE = 0o644


def move_facts(
    workspace: Workspace, rows: Sequence[ManifestRow], ledger: Ledger, notes: list[str]
) -> tuple[MoveFacts, ...]:
    """The rows of the manifest, then what else the ledger says has moved; each in its order.

    Sentences about what could not be read are added to `notes`.
    """
    callers = _callers(workspace, notes)
    before, present, elsewhere = _history(workspace, ledger, notes)
    found = []
    for row in rows:
        goal = present.get(row.current_path, row.target_path)
        diff, note = "", _NOT_YET.get(row.status, "Not carried out.")
        if row.status is Status.MOVED:
            diff, note = _diff(workspace, row.current_path, goal, before)
        decision = f"{row.resolution}: {row.resolution_reason}" if row.resolution else ""
        found.append(
            MoveFacts(
                number=row.migration_id,
                old_path=row.current_path,
                new_path=goal,
                status=row.status.value,
                reason=row.reason,
                decision=decision,
                findings=row.findings,
                callers=callers.get(row.current_path, ()),
                diff=diff,
                note=note,
            )
        )
    planned = {row.current_path for row in rows}
    for old, new in sorted(present.items()):
        if old not in planned:
            diff, note = _diff(workspace, old, new, before)
            found.append(MoveFacts("", old, new, "MOVED", elsewhere[old], diff=diff, note=note))
    return tuple(found)


_NOT_YET = {
    Status.SKIPPED: "Skipped: it stays where it is.",
    Status.DELETE_DUPLICATE: "A copy of the target: its importers use the target, and it is deleted.",
    Status.ROLLED_BACK: "Moved, and rolled back again.",
}


def _callers(workspace: Workspace, notes: list[str]) -> dict[str, tuple[CallerFacts, ...]]:
    path = workspace.artifacts / CALLERS_NAME
    if not path.exists():
        return {}
    found: dict[str, list[CallerFacts]] = defaultdict(list)
    try:
        for _, row in read_csv(path, _COLUMNS, shown_as=CALLERS_NAME):
            line = row.get("line", "")
            found[row["migrating_file"]].append(
                CallerFacts(
                    row["caller_file"],
                    int(line) if line.isdecimal() and len(line) < 10 else 0,
                    row["import_statement"],
                    row["update_required"] == "YES",
                )
            )
    except InputError as error:
        notes.append(str(error))
    return {path: tuple(group) for path, group in found.items()}


def _history(
    workspace: Workspace, ledger: Ledger, notes: list[str]
) -> tuple[dict[str, bytes], dict[str, str], dict[str, str]]:
    """Contents before the first transaction; first place -> present place; first place -> who moved it."""
    before: dict[str, bytes] = {}
    present: dict[str, str] = {}
    why: dict[str, str] = {}
    for entry in ledger.standing():
        origins = {place: first for first, place in present.items()}
        for file in entry.files:
            if file.kind == "move" and file.path_before and file.path_after:
                first = origins.get(file.path_before, file.path_before)
                present[first] = file.path_after
                why.setdefault(first, f"{entry.phase}: {entry.reason or ' '.join(entry.command)}")
        if entry.backup:
            try:
                backup = read_backup(workspace.root / entry.backup, shown_as=entry.backup)
            except InputError as error:
                notes.append(f"{error}; diffs of {entry.phase} are missing")
                continue
            for path, content in backup.contents.items():
                first = origins.get(path, path)
                before.setdefault(first, content)
    return before, {old: new for old, new in present.items() if old != new}, why


def _diff(workspace: Workspace, old: str, new: str, before: dict[str, bytes]) -> tuple[str, str]:
    """The diff and an empty note, or an empty diff and why there is none."""
    content = before.get(old)
    if content is None:
        return "", "No diff: the move was made without --backup, or its archive is gone."
    path = workspace.root / new
    try:
        status = path.lstat()
        if not stat.S_ISREG(status.st_mode):
            return "", "No diff: what stands at the new place is no regular file."
        if max(status.st_size, len(content)) > _MAX_BYTES:
            return "", f"No diff: the file is larger than {_MAX_BYTES >> 20} MiB."
        after = path.read_bytes()
    except FileNotFoundError:
        return "", "No diff: a later phase merged or removed the file."
    except OSError as error:
        return "", f"No diff: the file cannot be read ({error.strerror})."
    change = FileChange(path=new, old_path=old, content=after, before_sha256=sha256(content))
    diff = render_diff(ChangeSet((change,)), lambda _: (content, _MODE))
    return diff.decode("utf-8", "surrogateescape"), ""
