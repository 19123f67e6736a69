"""From the decisions of a workbook and the files that exist to the rows of the migration manifest."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from analyzers.audit_decision import moved_path
from analyzers.audit_workbook import Workbook, WorkbookRecord
from analyzers.domain_tree import DomainTree
from analyzers.errors import InputError
from analyzers.layout import ProjectLayout
from analyzers.migration_manifest import (
    FINDING_SEPARATOR,
    ManifestRow,
    Status,
    domain_and_layer,
    module_path_problem,
)
from analyzers.model import Finding

_LAYER_NUMBER = re.compile(r"\s*L(\d)")


@dataclass(slots=True)
class _Draft:
    """A row in the making; `source` is empty when no file was found."""

    record: WorkbookRecord
    recorded_path: str
    decision: str
    source: str
    target: str
    status: Status = Status.PENDING
    hash_before: str = ""
    target_hash: str = ""
    notes: list[tuple[str, str]] = field(default_factory=list)
    #: A row of the manifest before, which is history and stays as it is.
    done: ManifestRow | None = None

    def note(self, code: str, message: str) -> None:
        self.notes.append((code, message))

    @property
    def path(self) -> str:
        return self.source or self.recorded_path


def plan_manifest(
    workbook: Workbook, tree: DomainTree, layout: ProjectLayout, previous: Sequence[ManifestRow] = ()
) -> tuple[tuple[ManifestRow, ...], tuple[Finding, ...]]:
    """The rows for all misplaced records, ids in the order of their paths, and what a person should know.

    Args:
        previous: the rows of the manifest that is replaced; those carried out (MOVED, and duplicates
            that are gone) stay as they are, since their files are no longer where the workbook says.

    Raises:
        InputError: two records that mean the same file, decided differently.
    """
    history = {row.recorded_path or row.current_path: row for row in previous}
    drafts = [_draft(record, tree, layout, history) for record in workbook.misplaced]
    drafts = _one_per_source(drafts, workbook.name)
    _find_collisions([draft for draft in drafts if not draft.done], tree)
    drafts.sort(key=lambda draft: (draft.path, draft.record.line))
    rows = [_row(draft, number, tree) for number, draft in enumerate(drafts, 1)]
    planned = {row.recorded_path for row in rows}
    forgotten = [row for key, row in history.items() if row.status is Status.MOVED and key not in planned]
    for number, row in enumerate(sorted(forgotten, key=lambda row: row.current_path), len(rows) + 1):
        rows.append(_with_id(row, number))
    findings = [
        Finding(
            code=code, severity=_severity(code), path=workbook.name, line=draft.record.line, message=message
        )
        for draft in drafts
        for code, message in draft.notes
    ]
    findings += [
        Finding(
            code="MAN010",
            severity="info",
            path=row.current_path,
            message="was moved; no record asks for it now",
        )
        for row in forgotten
    ]
    return tuple(rows), tuple(sorted(findings, key=lambda f: (f.path, f.line, f.code, f.message)))


def _severity(code: str) -> str:
    return "info" if code in ("MAN001", "MAN010", "MAN011") else "warning"


# --- one record ---


def _draft(
    record: WorkbookRecord, tree: DomainTree, layout: ProjectLayout, history: Mapping[str, ManifestRow]
) -> _Draft:
    below = _below(record.path, tree.domain_root)
    decision = _below(record.decision.target, tree.domain_root)
    recorded = f"{tree.domain_root}/{below}"
    draft = _Draft(record, recorded, decision, "", f"{tree.domain_root}/{moved_path(below, decision)}")
    earlier = history.get(recorded)
    if earlier and _is_carried_out(earlier, tree):
        draft.done, draft.source = earlier, earlier.current_path
        draft.note("MAN011", f"{earlier.current_path} was carried out already: {earlier.status.value}")
        return draft
    _find_source(draft, below, tree)
    if draft.source:
        moved = moved_path(draft.source.removeprefix(f"{tree.domain_root}/"), decision)
        draft.target = f"{tree.domain_root}/{moved}"
        draft.hash_before = tree.hash_of(draft.source)
        if not draft.hash_before:
            _unresolved(draft, "MAN003", f"{draft.source} cannot be read")
    _judge_target(draft, tree, layout)
    _compare_attributes(draft, tree)
    return draft


def _is_carried_out(row: ManifestRow, tree: DomainTree) -> bool:
    done = row.status in (Status.MOVED, Status.DELETE_DUPLICATE)
    return done and not tree.real_path(row.current_path) and bool(tree.real_path(row.target_path))


def _below(path: str, domain_root: str) -> str:
    """`path` relative to the domain root, also when it was written relative to the repository root."""
    return path.removeprefix(f"{domain_root}/")


def _find_source(draft: _Draft, below: str, tree: DomainTree) -> None:
    draft.source = tree.real_path(draft.recorded_path)
    if draft.source or _is_no_file(draft, tree):
        return
    domain, _, _ = below.partition("/")
    candidates = tree.named(below.rpartition("/")[2], domain) if "/" in below else ()
    if len(candidates) == 1:
        draft.source = candidates[0]
        draft.note(
            "MAN001", f"{draft.recorded_path} is stale: the file of that name stands at {draft.source}"
        )
    elif candidates:
        _unresolved(draft, "MAN002", f"{draft.recorded_path} is gone; candidates: {', '.join(candidates)}")
    else:
        text = f"{draft.recorded_path} does not exist, nor a file of that name in {domain}"
        if tree.is_ignored(draft.recorded_path):
            text += "; .gitignore covers the path: it may be missing from this clone only"
        _unresolved(draft, "MAN002", text)


def _is_no_file(draft: _Draft, tree: DomainTree) -> bool:
    path = draft.recorded_path.rstrip("/")
    if path in tree.links:
        _unresolved(draft, "MAN003", f"{path} is a symbolic link, which is never moved")
    elif any(file.startswith(path + "/") for file in tree.files):
        _unresolved(draft, "MAN003", f"{path} is a folder; a record is about one file")
    else:
        return False
    draft.recorded_path = path
    draft.target = draft.target.rstrip("/")
    return True


def _unresolved(draft: _Draft, code: str, message: str) -> None:
    draft.status = Status.UNRESOLVED
    draft.note(code, message)


def _judge_target(draft: _Draft, tree: DomainTree, layout: ProjectLayout) -> None:
    problem = module_path_problem(draft.target, layout)
    if problem:
        _unresolved(draft, "MAN003", f"the target {draft.target} {problem}")
    elif draft.source and draft.source == draft.target:
        _unresolved(draft, "MAN003", f"{draft.source} is already where the decision wants it")
    domain = domain_and_layer(draft.target, tree.domain_root)[0]
    if domain and domain not in tree.folders:
        draft.note("MAN005", f"{domain} is a new domain: it has no folder yet")
    if tree.is_ignored(draft.target):
        draft.note(
            "MAN006", f"the target {draft.target} is covered by .gitignore: moved there, it vanishes from git"
        )
    if draft.source and tree.is_ignored(draft.source):
        draft.note("MAN007", f"the source {draft.source} is covered by .gitignore: git does not know it")


def _compare_attributes(draft: _Draft, tree: DomainTree) -> None:
    domain, layer = domain_and_layer(draft.path, tree.domain_root)
    written = _LAYER_NUMBER.match(draft.record.layer)
    folder = _LAYER_NUMBER.match(layer)
    if written and folder and written[1] != folder[1]:
        draft.note("MAN008", f"the workbook says layer `{draft.record.layer}`, the folder is {layer}")
    said = draft.record.domain.split("(")[0].strip(" `*/")
    if said and domain and said != domain:
        draft.note("MAN009", f"the workbook says domain `{draft.record.domain}`, the folder is {domain}")


# --- all records together ---


def _one_per_source(drafts: Iterable[_Draft], workbook: str) -> list[_Draft]:
    """Drafts whose recorded paths turned out to mean one file: kept once, or an error naming both lines."""
    kept: dict[str, _Draft] = {}
    for draft in drafts:
        earlier = kept.setdefault(draft.path, draft)
        if earlier is not draft and earlier.target != draft.target:
            problem = (
                f"contradicts line {earlier.record.line}: both mean {draft.path}, with different targets"
            )
            raise InputError(workbook, draft.record.line, problem, "keep one of the two records")
    return list(kept.values())


def _find_collisions(drafts: list[_Draft], tree: DomainTree) -> None:
    """Marks rows whose target is taken.

    A file that moves away is not in the way (swaps and chains are applied simultaneously); when its own
    row cannot move, it does, which can go on along a chain: hence the loop.
    """
    moving = {draft.source: draft for draft in drafts if draft.status is Status.PENDING}
    changed = True
    while changed:
        changed = False
        by_target: dict[str, list[_Draft]] = {}
        for draft in moving.values():
            by_target.setdefault(draft.target, []).append(draft)
        for target, rivals in sorted(by_target.items()):
            standing = tree.real_path(target)
            if standing and standing not in moving:
                for draft in rivals:
                    _collide(draft, standing, tree)
            elif len(rivals) > 1:
                for draft in rivals:
                    others = ", ".join(sorted(rival.source for rival in rivals if rival is not draft))
                    draft.status = Status.CONFLICT
                    draft.note("MAN004", f"the target {target} is wanted for {others}, too")
            else:
                continue
            changed = True
        moving = {source: draft for source, draft in moving.items() if draft.status is Status.PENDING}


def _collide(draft: _Draft, standing: str, tree: DomainTree) -> None:
    draft.target_hash = tree.hash_of(standing)
    if draft.target_hash and draft.target_hash == draft.hash_before:
        draft.status = Status.IDENTICAL
        draft.note("MAN004", f"the target {draft.target} exists and holds the same bytes")
    else:
        draft.status = Status.CONFLICT
        draft.note("MAN004", f"the target {draft.target} exists and differs")


def _row(draft: _Draft, number: int, tree: DomainTree) -> ManifestRow:
    if draft.done:
        return _with_id(draft.done, number)
    current = domain_and_layer(draft.path, tree.domain_root)
    target = domain_and_layer(draft.target, tree.domain_root)
    return ManifestRow(
        migration_id=_id(number),
        current_path=draft.path,
        current_domain=current[0],
        current_layer=current[1],
        target_domain=target[0],
        target_layer=target[1],
        target_path=draft.target,
        reason=draft.record.reason,
        status=draft.status,
        hash_before=draft.hash_before,
        recorded_path=draft.recorded_path,
        decision=draft.decision,
        target_hash=draft.target_hash,
        workbook_line=draft.record.line,
        findings=FINDING_SEPARATOR.join(f"{code} {message}" for code, message in draft.notes),
    )


def _with_id(row: ManifestRow, number: int) -> ManifestRow:
    return msgspec.structs.replace(row, migration_id=_id(number))


def _id(number: int) -> str:
    return f"{number:03d}"
