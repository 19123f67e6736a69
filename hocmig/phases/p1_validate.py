"""P1: check the migration plan against the tree before any file moves; write report, import graph, caller
map.
"""

from __future__ import annotations

from analyzers.move_validation import MoveValidation, validate_moves
from hocmig.cycle_cache import CYCLES_NAME, CycleCache
from hocmig.manifest_file import require_manifest
from hocmig.move_validation_report import (
    CALLER_COLUMNS,
    CALLERS_NAME,
    GRAPH_NAME,
    REPORT_NAME,
    caller_rows,
    graph_document,
    render_report,
)
from hocmig.store import write_csv, write_json, write_text
from hocmig.transaction.filesystem import Tree
from hocmig.transaction.recovery import refuse_when_pending
from hocmig.workspace import Workspace

ARTIFACTS = (REPORT_NAME, GRAPH_NAME, CALLERS_NAME)


def run(workspace: Workspace, *, accept_existing_cycles: bool = False) -> MoveValidation:
    """Validate the manifest's moves and write the three artifacts.

    Raises:
        InputError: no manifest, or one that is not as it should be; nothing is written.
        InterruptedTransactionError: a transaction must be recovered first.
    """
    with Tree(workspace.root) as tree:
        refuse_when_pending(tree)
    rows = require_manifest(workspace)
    validation = validate_moves(
        rows,
        workspace.index,
        workspace.config,
        accept_existing_cycles=accept_existing_cycles,
        compare=CycleCache(workspace.state / CYCLES_NAME).compare,
    )
    write_text(workspace.artifacts / REPORT_NAME, render_report(validation))
    write_json(workspace.artifacts / GRAPH_NAME, graph_document(validation))
    write_csv(workspace.artifacts / CALLERS_NAME, CALLER_COLUMNS, caller_rows(validation))
    return validation
