"""A person's decisions about rows of the manifest: applied, checked against the tree, and carried over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from analyzers.audit_decision import moved_path
from analyzers.domain_tree import DomainTree
from analyzers.errors import InputError
from analyzers.layout import ProjectLayout
from analyzers.migration_manifest import (
    FINDING_SEPARATOR,
    MOVABLE,
    RESOLUTIONS,
    ManifestRow,
    Status,
    domain_and_layer,
    module_path_problem,
)
from analyzers.model import Finding
from analyzers.safe_path import check_path


@dataclass(frozen=True, slots=True)
class Resolution:
    """What a person decided about a row.

    `action` is one of RESOLUTIONS; `new_path` belongs to `rename`; `source` names the file that an UNRESOLVED
    row means (both relative to the repository root).
    """

    action: str
    reason: str = ""
    new_path: str = ""
    source: str = ""


def resolve_row(
    row: ManifestRow,
    resolution: Resolution,
    rows: Sequence[ManifestRow],
    tree: DomainTree,
    layout: ProjectLayout,
) -> ManifestRow:
    """The row as the resolution makes it.

    - `keep-target`: the source is a duplicate; its importers are repointed to the target and it is deleted
      (DELETE_DUPLICATE).
    - `keep-source`: the source replaces the file at the target, which is deleted in the same transaction
      (PENDING).
    - `rename`: the source gets another target (PENDING).
    - `skip`: the file stays where it is (SKIPPED).

    Raises:
        InputError: the row was carried out already, or the tree does not allow the resolution.
    """
    if resolution.action not in RESOLUTIONS:
        raise _refusal(row, f"unknown action {resolution.action!r}", f"use one of {', '.join(RESOLUTIONS)}")
    if row.status is Status.MOVED:
        raise _refusal(row, "was moved already", "roll the move back first")
    row = _with_source(row, resolution.source, rows, tree, layout)
    others = [other for other in rows if other.migration_id != row.migration_id]
    if resolution.action == "skip":
        settled = msgspec.structs.replace(row, status=Status.SKIPPED)
    elif resolution.action == "keep-target":
        settled = _keep_target(row, others, tree)
    elif resolution.action == "rename":
        settled = _rename(row, resolution.new_path, others, tree, layout)
    else:
        settled = _keep_source(row, bool(resolution.source), others, tree, layout)
    return msgspec.structs.replace(
        settled, resolution=resolution.action, resolution_reason=" ".join(resolution.reason.split())
    )


def carry_over(
    rows: Sequence[ManifestRow], previous: Sequence[ManifestRow], tree: DomainTree, layout: ProjectLayout
) -> tuple[tuple[ManifestRow, ...], tuple[Finding, ...]]:
    """New rows with the resolutions of the manifest before, as far as they still hold.

    A resolution is stale when the workbook decides otherwise now, when one of the two files changed since, or
    when the tree does not allow it any more. The findings name each stale one; its row is open again.
    """
    history = {row.recorded_path or row.current_path: row for row in previous if row.resolution}
    result = list(rows)
    findings: list[Finding] = []
    for position, row in enumerate(rows):
        earlier = history.get(row.recorded_path)
        if earlier is None or row.resolution:
            continue
        try:
            _check_still_meant(row, earlier, tree)
            # Only what a person chose differs from what the workbook says now.
            source = earlier.current_path if earlier.current_path != row.current_path else ""
            resolution = Resolution(
                earlier.resolution, earlier.resolution_reason, earlier.target_path, source
            )
            result[position] = resolve_row(row, resolution, result, tree, layout)
        except InputError as error:
            message = f"the resolution `{earlier.resolution}` of {row.current_path} is stale: {error.problem}"
            findings.append(
                Finding(
                    code="MAN020",
                    severity="warning",
                    path=row.current_path,
                    message=message,
                    mend="resolve it again",
                )
            )
            text = FINDING_SEPARATOR.join(filter(None, (row.findings, f"MAN020 {message}")))
            result[position] = msgspec.structs.replace(row, findings=text)
    return tuple(result), tuple(findings)


def _check_still_meant(row: ManifestRow, earlier: ManifestRow, tree: DomainTree) -> None:
    if row.decision != earlier.decision:
        raise _refusal(row, f"the workbook said `{earlier.decision}`, now it says `{row.decision}`", "")
    if earlier.resolution == "skip":
        return
    if earlier.hash_before and tree.hash_of(earlier.current_path) not in ("", earlier.hash_before):
        raise _refusal(row, "the source changed since", "")
    standing = tree.real_path(earlier.target_path)
    if (
        earlier.target_hash
        and earlier.resolution != "rename"
        and tree.hash_of(standing) != earlier.target_hash
    ):
        raise _refusal(row, "the target changed since", "")


def _with_source(
    row: ManifestRow, source: str, rows: Sequence[ManifestRow], tree: DomainTree, layout: ProjectLayout
) -> ManifestRow:
    if not source:
        return row
    source = _checked(row, source, "--source", tree, layout)
    real = tree.real_path(source)
    if not real:
        raise _refusal(row, f"--source {source} does not exist", "name one of the candidates")
    taken = next((r for r in rows if r.current_path == real and r.migration_id != row.migration_id), None)
    if taken:
        raise _refusal(
            row, f"--source {source} is the source of row {taken.migration_id}", "name another file"
        )
    decision = row.decision or domain_and_layer(row.target_path, tree.domain_root)[0]
    below = moved_path(real.removeprefix(f"{tree.domain_root}/"), decision)
    current = domain_and_layer(real, tree.domain_root)
    row = msgspec.structs.replace(
        row,
        current_path=real,
        current_domain=current[0],
        current_layer=current[1],
        hash_before=tree.hash_of(real),
    )
    return _with_target(row, f"{tree.domain_root}/{below}", tree)


def _with_target(row: ManifestRow, target: str, tree: DomainTree) -> ManifestRow:
    domain, layer = domain_and_layer(target, tree.domain_root)
    standing = tree.real_path(target)
    return msgspec.structs.replace(
        row,
        target_path=target,
        target_domain=domain,
        target_layer=layer,
        target_hash=tree.hash_of(standing) if standing else "",
    )


def _keep_target(row: ManifestRow, others: Sequence[ManifestRow], tree: DomainTree) -> ManifestRow:
    leaving = next((o for o in others if o.current_path == row.target_path and o.status in MOVABLE), None)
    if leaving:
        problem = f"the target {row.target_path} is moved away by row {leaving.migration_id}"
        raise _refusal(row, problem, "settle that row first, or use rename")
    arriving = any(o.target_path == row.target_path and o.status in MOVABLE for o in others)
    standing = tree.real_path(row.target_path)
    if not standing and not arriving:
        problem = f"the target {row.target_path} does not exist, so there is nothing to keep"
        raise _refusal(row, problem, "use rename or skip")
    target_hash = tree.hash_of(standing) if standing else ""
    return msgspec.structs.replace(row, status=Status.DELETE_DUPLICATE, target_hash=target_hash)


def _keep_source(
    row: ManifestRow,
    has_new_source: bool,
    others: Sequence[ManifestRow],
    tree: DomainTree,
    layout: ProjectLayout,
) -> ManifestRow:
    _check_movable(row, row.target_path, others, tree, layout)
    standing = tree.real_path(row.target_path)
    if standing and has_new_source:
        # The person named a file; replacing another one is a decision of its own.
        raise _refusal(
            row, f"the target {row.target_path} exists", "use rename NEW_PATH or keep-target with --source"
        )
    return msgspec.structs.replace(
        row, status=Status.PENDING, target_hash=tree.hash_of(standing) if standing else ""
    )


def _rename(
    row: ManifestRow, new_path: str, others: Sequence[ManifestRow], tree: DomainTree, layout: ProjectLayout
) -> ManifestRow:
    if not new_path:
        raise _refusal(row, "rename needs a new path", "hocmig resolve ID rename NEW_PATH")
    target = _checked(row, new_path, "NEW_PATH", tree, layout)
    _check_movable(row, target, others, tree, layout)
    if tree.real_path(target) and not any(o.current_path == target and o.status in MOVABLE for o in others):
        raise _refusal(row, f"the new target {target} exists, too", "choose a free path")
    return msgspec.structs.replace(_with_target(row, target, tree), status=Status.PENDING, target_hash="")


def _check_movable(
    row: ManifestRow, target: str, others: Sequence[ManifestRow], tree: DomainTree, layout: ProjectLayout
) -> None:
    if not tree.real_path(row.current_path) or not row.hash_before:
        raise _refusal(
            row, f"the source {row.current_path} does not exist", "name the file with --source, or skip"
        )
    problem = module_path_problem(target, layout)
    if problem:
        raise _refusal(row, f"the target {target} {problem}", "use rename NEW_PATH")
    if target == row.current_path:
        raise _refusal(row, "the target is the source itself", "use skip")
    rival = next((o for o in others if o.target_path == target and o.status in MOVABLE), None)
    if rival:
        raise _refusal(
            row, f"row {rival.migration_id} moves to {target}, too", "use keep-target, rename or skip"
        )


def _checked(row: ManifestRow, text: str, what: str, tree: DomainTree, layout: ProjectLayout) -> str:
    path = check_path(text, root=layout.root, file=f"row {row.migration_id}", line=0, what=what)
    if not path.startswith(f"{tree.domain_root}/"):
        raise _refusal(
            row, f"{what} {path} lies outside the domain root {tree.domain_root}", "name a path below it"
        )
    return path


def _refusal(row: ManifestRow, problem: str, mend: str) -> InputError:
    return InputError(f"row {row.migration_id}", 0, problem, mend)
