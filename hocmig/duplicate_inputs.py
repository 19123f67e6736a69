"""What P5 knows of the files around the copies: domains, importers, names, newest edits, and the baseline."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import msgspec

from analyzers.duplicates.ranking import Surroundings
from analyzers.duplicates.suppression import BASELINE_VERSION, Baseline
from analyzers.errors import InputError
from analyzers.import_graph import ImportGraph
from hocmig.last_edits import last_edits
from hocmig.workspace import Workspace

_AGAIN = "write it again with --write-baseline"


def domains_of(workspace: Workspace) -> dict[str, str]:
    """Returns the domain of each Python file below the domain root; files outside of every domain are left
    out.
    """
    config = workspace.config
    if not config.domain_root:
        return {}
    prefix = config.domain_root.strip("/") + "/"
    out = {}
    for path in workspace.index.files:
        if path.startswith(prefix) and "/" in path[len(prefix) :]:
            domain = path[len(prefix) :].split("/", 1)[0]
            if not config.domains or domain in config.domains:
                out[path] = domain
    return out


def surroundings_of(workspace: Workspace, domains: dict[str, str]) -> Surroundings:
    """Returns what the ranking needs to know."""
    importers: dict[str, set[str]] = {}
    for imported, edges in ImportGraph(workspace.index).by_imported.items():
        importers[imported] = {e.importer for e in edges if e.importer != imported}
    edits = lru_cache(maxsize=None)(lambda: last_edits(workspace.root))
    return Surroundings(
        domains=domains,
        shared_domain=workspace.config.shared_domain,
        importers={path: frozenset(found) for path, found in importers.items()},
        names={
            path: frozenset(d.name for d in record.definitions)
            for path, record in workspace.index.files.items()
        },
        edited=lambda path: edits().get(path, 0),
    )


def read_baseline(path: Path, shown_as: str) -> Baseline:
    """Returns the baseline; an empty one when there is no file.

    Raises:
        InputError: the file cannot be read or is no baseline.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return Baseline()
    except OSError as error:
        raise InputError(shown_as, 0, f"cannot be read: {error.strerror}", "name another baseline") from error
    try:
        found = msgspec.json.decode(content, type=Baseline)
    except msgspec.MsgspecError as error:
        raise InputError(shown_as, 0, f"is no baseline: {error}", _AGAIN) from error
    if found.version != BASELINE_VERSION:
        raise InputError(shown_as, 0, f"has version {found.version}", _AGAIN)
    return found
