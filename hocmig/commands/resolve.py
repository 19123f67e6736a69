"""`hocmig resolve`: settle rows of the manifest that wait for a person's decision."""

from __future__ import annotations

from typing import Any

import click
import msgspec

from analyzers.domain_tree import read_domain_tree
from analyzers.errors import InputError
from analyzers.manifest_resolution import Resolution, resolve_row
from analyzers.migration_manifest import RESOLUTIONS, ManifestRow
from hocmig.manifest_file import require_manifest, write_manifest
from hocmig.transaction import ledger
from hocmig.transaction.filesystem import Tree
from hocmig.transaction.recovery import refuse_interrupted, refuse_when_pending
from hocmig.workspace import open_workspace

EXAMPLES = """
\b
Examples:
  hocmig resolve 007 keep-target --reason "the driver in controls is the newer one"
  hocmig resolve 007 keep-source --reason "..."
  hocmig resolve 012,013 skip --reason "next quarter"
  hocmig resolve 012 rename backend/app/cus/logs/L5_engines/other_name.py --reason "..."
  hocmig resolve 044 keep-source --source backend/app/cus/logs/L6_drivers/found.py --reason "..."
"""


@click.command("resolve", epilog=EXAMPLES)
@click.argument("ids", metavar="ID[,ID...]")
@click.argument("action", type=click.Choice(RESOLUTIONS))
@click.argument("new_path", required=False, default="")
@click.option("--reason", required=True, help="Why; goes into the manifest and the ledger.")
@click.option("--source", default="", metavar="PATH", help="The file that an UNRESOLVED row means.")
@click.pass_obj
def command(options: dict[str, Any], ids: str, action: str, new_path: str, reason: str, source: str) -> int:
    """Settle the rows ID by ACTION.

    \b
    keep-target  the source is a duplicate: callers are repointed to the target, the source is deleted
    keep-source  the source replaces the file at the target, which is deleted in the same transaction
    rename       the source moves to NEW_PATH instead
    skip         the file stays where it is
    """
    workspace = open_workspace(options)
    refuse_interrupted(workspace.root)
    with Tree(workspace.root) as tree:
        refuse_when_pending(tree)
    if not reason.strip():
        raise InputError("--reason", 0, "is empty", "say why")
    if new_path and action != "rename":
        raise InputError("NEW_PATH", 0, f"has no meaning with {action}", "leave it out")
    wanted = list(dict.fromkeys(part.strip() for part in ids.split(",") if part.strip()))
    if len(wanted) != 1 and (new_path or source):
        raise InputError("ID", 0, "a path can be given for one row at a time", "name one id")
    rows = list(require_manifest(workspace))
    domain_tree = read_domain_tree(workspace.root, workspace.config.domain_root)
    changed: list[ManifestRow] = []
    for number in wanted:
        position = _position(rows, number)
        resolution = Resolution(action, reason, new_path, source)
        rows[position] = resolve_row(rows[position], resolution, rows, domain_tree, workspace.layout)
        changed.append(rows[position])
    if not changed:
        raise InputError("ID", 0, "is empty", "name a migration_id of the manifest")
    write_manifest(workspace, tuple(rows))
    for row in changed:
        _record(workspace.root, row, options)
        workspace.terminal.say(f"{row.migration_id} {row.status.value}: {_effect(row)}")
    workspace.terminal.document({"rows": [msgspec.to_builtins(row) for row in changed]})
    return 0


def _position(rows: list[ManifestRow], number: str) -> int:
    for position, row in enumerate(rows):
        if row.migration_id == number or (number.isdigit() and row.migration_id == f"{int(number):03d}"):
            return position
    raise InputError("ID", 0, f"the manifest has no row {number!r}", "see MIGRATION_SUMMARY.md for the ids")


def _record(root: Any, row: ManifestRow, options: dict[str, Any]) -> None:
    entry = ledger.decision(
        "resolution",
        phase="resolve",
        command=("hocmig", "resolve", row.migration_id, row.resolution),
        subject={
            "migration_id": row.migration_id,
            "current_path": row.current_path,
            "target_path": row.target_path,
            "status": row.status.value,
        },
        reason=row.resolution_reason,
    )
    ledger.append(root, entry)


def _effect(row: ManifestRow) -> str:
    if row.resolution == "skip":
        return f"{row.current_path} stays where it is"
    if row.resolution == "keep-target":
        return f"{row.current_path} will be deleted, its callers will use {row.target_path}"
    if row.replaces_target:
        return f"{row.current_path} will replace {row.target_path}, which is deleted in the same transaction"
    return f"{row.current_path} will move to {row.target_path}"
