"""P3: lock the domains: a lock file per domain, the registry and the guard rules, in one transaction."""

from __future__ import annotations

import msgspec

from analyzers.domain_inventory import DomainFiles, take_inventory
from analyzers.domain_locks import LockError, LockRegistry
from analyzers.errors import GateError, InputError
from analyzers.guard_rules import GuardRules
from analyzers.manifest_gates import Gate
from analyzers.migration_manifest import MOVABLE, OPEN
from analyzers.rule_finding import RuleFinding
from hocmig.domain_guard import DomainGuard
from hocmig.lock_files import lock_changes, new_registry, read_guards, read_small, registry_path
from hocmig.manifest_file import read_current_manifest
from hocmig.transaction.change import ChangeSet
from hocmig.transaction.clock import timestamp
from hocmig.transaction.filesystem import Tree
from hocmig.transaction.ledger import append, decision
from hocmig.transaction.recovery import refuse_when_pending
from hocmig.transaction.transaction import run_transaction
from hocmig.workspace import Workspace


class LockResult(msgspec.Struct, frozen=True, kw_only=True):
    """What P3 did: `ready` when everything is locked and all gates passed.

    `drift` are the changes against the rules since the last lock; without an approval they keep it from being
    renewed, and nothing is written. `written` are the files that changed.
    """

    phase: str
    ready: bool
    domains: int
    files: int
    hash: str
    gates: tuple[Gate, ...]
    drift: tuple[RuleFinding, ...]
    approved_by: str
    written: tuple[str, ...]


def run(workspace: Workspace, *, approve_by: str, reason: str, command: tuple[str, ...]) -> LockResult:
    """Lock every domain as it is now; unchanged domains keep their lock, byte for byte.

    Args:
        approve_by: who approves changes against the rules since the last lock, and `reason` why; both go into
            the ledger. Empty: such changes are refused.

    Raises:
        InputError: no domain root or no domain, a file that cannot be locked, an approval without a reason.
        GateError: the migration is not finished, or the registry cannot be read; nothing was written.
        StaleInputError, RolledBackError, InterruptedTransactionError: see `run_transaction`.
    """
    with Tree(workspace.root) as tree:
        refuse_when_pending(tree)
    if approve_by and not reason:
        raise InputError("--approve-by", 0, "needs a reason", "add --reason TEXT")
    guard = DomainGuard(workspace)
    inventory = take_inventory(workspace.index.files, workspace.config)
    _check_domains(workspace, inventory)
    approvals = _unfinished(workspace, approve_by)
    previous, drift = _previous(workspace, guard, approve_by, approvals)
    approvals.update({finding.path: finding.rule for finding in drift})
    registry = new_registry(inventory, previous, workspace.config, guard.read, timestamp())
    gates = _gates(workspace, registry)
    if drift and not approve_by:
        return _result(registry, gates, drift, "", ())
    changes = lock_changes(workspace.root, workspace.config, registry, previous, _guards(workspace))
    if approvals:
        append(
            workspace.root,
            decision(
                "approval", phase="P3", command=command, subject=approvals, reason=reason, by=approve_by
            ),
        )
    if changes:
        inputs: dict[str, str | None] = {path: file.sha256 for path, file in registry.paths.items()}
        run_transaction(
            workspace.root,
            ChangeSet(changes, inputs=inputs, remove_empty_dirs=False),
            phase="P3",
            command=command,
            backup=False,
            reason=reason,
        )
    return _result(registry, gates, drift, approve_by, tuple(change.path for change in changes))


def _check_domains(workspace: Workspace, inventory: dict[str, DomainFiles]) -> None:
    if not inventory:
        raise InputError(
            workspace.config.domain_root, 0, "holds no domain with Python files", "check domain_root"
        )
    for domain, files in inventory.items():
        if not files.files:
            raise InputError(
                f"{workspace.config.domain_root}/{domain}",
                0,
                "is a domain of the configuration without a Python file",
                "restore it, or take it off the list `domains`",
            )


def _unfinished(workspace: Workspace, approve_by: str) -> dict[str, str]:
    """What an approval must say when rows of the manifest still wait: a lock would freeze a half-way tree."""
    rows = read_current_manifest(workspace) or ()
    left = [row for row in rows if row.status in MOVABLE | OPEN]
    if left and not approve_by:
        raise GateError(
            f"{len(left)} rows of the manifest are not carried out, the first is {left[0].migration_id}; "
            "run `hocmig move --execute`, settle them with `hocmig resolve`, or approve it with "
            "`hocmig lock --approve-by NAME --reason TEXT`"
        )
    return {row.current_path: "UNFINISHED_MIGRATION" for row in left}


def _previous(
    workspace: Workspace, guard: DomainGuard, approve_by: str, approvals: dict[str, str]
) -> tuple[LockRegistry | None, tuple[RuleFinding, ...]]:
    """The registry before and the drift from it; a registry that cannot be read is replaced on approval."""
    from analyzers.domain_locks import parse_registry

    path = registry_path(workspace.config)
    try:
        content = read_small(workspace.root, path)
        if content is None:
            return None, ()
        registry = parse_registry(content, path)
    except LockError as error:
        if error.code == "LOCK003" or not approve_by:
            raise GateError(
                f"{error} (or replace it: `hocmig lock --approve-by NAME --reason TEXT`)"
            ) from error
        approvals[path] = "REPLACED_REGISTRY"
        return None, ()
    return registry, guard.drift_from(registry, content)


def _guards(workspace: Workspace) -> GuardRules | None:
    try:
        return read_guards(workspace.root, workspace.config)
    except LockError:
        # Unreadable rules hold nothing that could be kept; `guard` reported them.
        return None


def _gates(workspace: Workspace, registry: LockRegistry) -> tuple[Gate, ...]:
    expected = workspace.config.expect.domains
    gates = [Gate("all_domains_locked", True, f"{registry.domains} domains, {registry.files} files")]
    if expected is not None:
        detail = f"{registry.domains} of {expected} domains"
        gates.append(Gate("expected_domains", registry.domains == expected, detail))
    files = workspace.config.expect.files
    if files is not None:
        gates.append(Gate("expected_files", registry.files == files, f"{registry.files} of {files} files"))
    return tuple(gates)


def _result(
    registry: LockRegistry,
    gates: tuple[Gate, ...],
    drift: tuple[RuleFinding, ...],
    approved_by: str,
    written: tuple[str, ...],
) -> LockResult:
    return LockResult(
        phase="P3",
        ready=all(gate.passed for gate in gates) and (not drift or bool(approved_by)),
        domains=registry.domains,
        files=registry.files,
        hash=registry.hash,
        gates=gates,
        drift=drift,
        approved_by=approved_by,
        written=written,
    )
