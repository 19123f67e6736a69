"""Surveys a workspace for misplaced files: finds domains, asks the analyzer, drops what is decided."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace

import msgspec

from analyzers.audit_decision import FINAL
from analyzers.audit_workbook import read_workbook
from analyzers.domain_inventory import domain_of
from analyzers.errors import InputError
from analyzers.import_graph import ImportGraph
from analyzers.import_index import SourceIndex
from analyzers.misplacement.layer_names import unusual_layers
from analyzers.misplacement.placement_facts import PlacementFacts, is_test, placement_facts
from analyzers.misplacement.suggestions import Suggestion, find_misplaced
from analyzers.model import FileRecord
from analyzers.safe_path import check_path
from hocmig.suggestion_draft import can_be_recorded, target_of
from hocmig.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Survey:
    """What was found: `files` counts the files looked at, `remarks` are sentences by path.

    `notes` say what was assumed or left out; `unread` are files of domains that could not be parsed.
    """

    domain_root: str
    domains: tuple[str, ...]
    files: int
    suggestions: tuple[Suggestion, ...]
    remarks: dict[str, tuple[str, ...]]
    unread: tuple[FileRecord, ...]
    notes: tuple[str, ...]


def survey(
    workspace: Workspace, *, domain_root: str | None = None, domains: Sequence[str] = (), least: float = 0.0
) -> Survey:
    """The suggestions for a workspace.

    Args:
        domain_root: the folder that holds the domains, in place of the configured one.
        domains: only files of these; empty: of all.
        least: least score of a suggestion.

    Raises:
        InputError: fewer than two domains hold code, or a given folder or domain does not exist.
    """
    notes: list[str] = []
    workspace = _with_domains(workspace, domain_root, notes)
    config = workspace.config
    facts = placement_facts(
        ImportGraph(workspace.index), lambda path: domain_of(path, config), config.domains
    )
    holding = sorted({file.domain for file in facts.files.values()})
    if len(holding) < 2:
        what = f"only one domain with code ({holding[0]})" if holding else "no domain with code"
        where = "--domain-root" if domain_root is not None else "hocmig.yaml"
        mend = "suggestions need two or more: name the folder above the domains with --domain-root DIR"
        raise InputError(where, 0, f"{config.domain_root} holds {what}", mend)
    for domain in domains:
        if domain not in facts.domains:
            known = ", ".join(facts.domains)
            raise InputError("--domain", 0, f"there is no domain {domain}", f"known: {known}")
    found = find_misplaced(facts, least=least)
    if domains:
        found = tuple(one for one in found if one.domain in domains)
    found = _undecided(workspace, found, notes)
    nameable = tuple(one for one in found if can_be_recorded(one.inner_path))
    notes += [
        f"{one.path!r} looks misplaced, but no workbook can name it" for one in found if one not in nameable
    ]
    return Survey(
        config.domain_root,
        facts.domains,
        len(facts.files),
        nameable,
        _remarks(nameable, facts, config.domain_root, workspace.index),
        facts.unread,
        tuple(notes),
    )


def _with_domains(workspace: Workspace, given: str | None, notes: list[str]) -> Workspace:
    config = workspace.config
    if workspace.config_path is None:
        # Not before: a repository with a configuration does without these libraries.
        from analyzers.discovery import discover
        from analyzers.layout_detection import detect_layout

        detected = detect_layout(workspace.root, discover(workspace.root))
        config = msgspec.structs.replace(
            config,
            import_roots=detected.import_roots,
            domain_root=detected.domain_root,
            domains=() if detected.is_every_folder else detected.domains,
        )
    if given is not None:
        path = check_path(given, root=workspace.root, file="--domain-root", line=0, what="the folder")
        if not (workspace.root / path).is_dir():
            raise InputError("--domain-root", 0, f"{given} is no folder", "name the folder above the domains")
        config = msgspec.structs.replace(config, domain_root=path, domains=())
    workspace = replace(workspace, config=config)
    if not config.domain_root:
        guessed = _largest_package(workspace.index)
        notes.append(f"no domain_root is configured: taken {guessed}; --domain-root DIR names another folder")
        config = msgspec.structs.replace(config, domain_root=guessed, domains=())
        index = workspace.index
        workspace = replace(workspace, config=config)
        # The same tree: reading it again would cost as much as the whole survey.
        workspace.__dict__["index"] = index
    return workspace


def _largest_package(index: SourceIndex) -> str:
    """The folder of the top-level package whose two or more sub-packages hold the most files."""
    sizes: dict[str, dict[str, int]] = {}
    for path, name in index.names.items():
        parts = name.name.split(".")
        if name.is_importable and len(parts) > 2 and not is_test(path):
            prefix = "" if name.root == "." else name.root + "/"
            inside = sizes.setdefault(prefix + parts[0], {})
            inside[parts[1]] = inside.get(parts[1], 0) + 1
    fit = {folder: sum(inside.values()) for folder, inside in sizes.items() if len(inside) > 1}
    if not fit:
        raise InputError(
            "hocmig.yaml",
            0,
            "no domain_root is configured, and no package has two sub-packages with code",
            "name the folder above the domains with --domain-root DIR",
        )
    return min(fit, key=lambda folder: (-fit[folder], folder))


def _undecided(
    workspace: Workspace, found: tuple[Suggestion, ...], notes: list[str]
) -> tuple[Suggestion, ...]:
    """The suggestions without those for files that the configured workbook decides already."""
    name = workspace.config.workbook
    if not name or not (workspace.root / name).is_file():
        return found
    records = read_workbook(workspace.root / name, name).records
    decided = {record.path for record in records if record.mark != " " and record.decision.kind in FINAL}
    left = tuple(one for one in found if unicodedata.normalize("NFC", one.inner_path) not in decided)
    if len(left) < len(found):
        notes.append(f"{len(found) - len(left)} files that {name} decides already are left out")
    return left


def _remarks(
    found: Sequence[Suggestion], facts: PlacementFacts, domain_root: str, index: SourceIndex
) -> dict[str, tuple[str, ...]]:
    unusual = unusual_layers(facts)
    remarks: dict[str, tuple[str, ...]] = {}
    for one in found:
        sentences = []
        target = target_of(one)
        if f"{domain_root}/{target}" in index.files:
            same = index.files[f"{domain_root}/{target}"].sha256 == index.files[one.path].sha256
            sentences.append(f"{target} exists already, {'with the same bytes' if same else 'and differs'}.")
        elif one.layer and one.layer not in facts.layers.get(one.target, ()):
            sentences.append(f"{one.target} has no {one.layer} yet.")
        if one.path in unusual:
            sentences.append(unusual[one.path])
        if sentences:
            remarks[one.path] = tuple(sentences)
    return remarks
