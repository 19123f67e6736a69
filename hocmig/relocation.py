"""From a relocation map to a proven change of the tree: collect, plan, preview, apply.

The one engine behind `mv`, `move`, `consolidate`, `refactor` and `normalize`.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from analyzers.errors import GateError
from analyzers.model import Relocation
from analyzers.relocation_map import RelocationMap
from hocmig.prepared_relocation import PreparedRelocation, RelocationOptions
from hocmig.proof_certificate import keep_certificate
from hocmig.recorded_return import recorded_return
from hocmig.relocation_preparation import Preparation
from hocmig.transaction.clock import timestamp
from hocmig.transaction.recovery import refuse_interrupted
from hocmig.transaction.transaction import TransactionResult, run_transaction

if TYPE_CHECKING:
    from hocmig.transaction.overlay import Overlay
    from hocmig.workspace import Workspace

#: How long shims stay when nobody says: two quarters, time for two release trains to follow.
SHIM_DAYS = 180


def prepare_relocation(
    workspace: Workspace, relocations: Iterable[Relocation], options: RelocationOptions
) -> PreparedRelocation:
    """Work out every change that the relocations need, and prove it on the tree as it would be.

    Nothing is written besides private temporary files in hocmig's own folder.

    Raises:
        InputError: the relocations contradict each other.
        InterruptedTransactionError: a transaction must be recovered first.
        CodemodError: the codemod failed on a file.
    """
    refuse_interrupted(workspace.root)
    with workspace.terminal.working("Preparing the change"):
        asked = RelocationMap(relocations, allow_merges=options.allow_merges)
        preparation = Preparation(workspace, asked, options)
        if options.returns:
            recorded = recorded_return(workspace, asked.relocations, preparation.read)
            if recorded is not None:
                whole = RelocationMap((*asked.relocations, *recorded.along))
                prepared = Preparation(workspace, whole, options, recorded).run()
                if not prepared.blocking:
                    return prepared
        return preparation.run()


def execute_relocation(
    workspace: Workspace,
    prepared: PreparedRelocation,
    *,
    phase: str,
    command: tuple[str, ...],
    backup: bool = False,
    reason: str = "",
    git_stage: bool = False,
    migration_ids: tuple[str, ...] = (),
    verify: Callable[[Overlay], None] | None = None,
) -> TransactionResult:
    """Apply a prepared relocation as one transaction.

    Raises:
        GateError: a finding blocks it; nothing was written.
        StaleInputError, RolledBackError, InterruptedTransactionError: see `run_transaction`.
    """
    if prepared.blocking:
        raise GateError(f"nothing was changed: {len(prepared.blocking)} findings block it")
    with workspace.terminal.working("Carrying it out"):
        result = run_transaction(
            workspace.root,
            prepared.change_set,
            phase=phase,
            command=command,
            backup=backup,
            reason=reason,
            git_stage=git_stage,
            migration_ids=migration_ids,
            verify=verify,
        )
    if result.transaction_id and prepared.certificate is not None:
        try:
            keep_certificate(workspace, prepared, result.transaction_id)
        except OSError as error:
            # The change stands; only the copy of its proof is missing.
            warning = f"the certificate could not be written: {error.strerror}"
            return replace(result, warnings=(*result.warnings, warning))
    return result


def last_shim_day(wanted: bool, until: datetime.datetime | None) -> datetime.date | None:
    """The last day of shims: as given, or SHIM_DAYS from today, or None when none are wanted."""
    if until is not None:
        return until.date()
    today = datetime.date.fromisoformat(timestamp()[:10])
    return today + datetime.timedelta(days=SHIM_DAYS) if wanted else None
