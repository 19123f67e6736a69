"""What P5 knows of the files around the copies: domains, importers, names, newest edits, and the baseline."""

from __future__ import annotations

import subprocess
from functools import lru_cache
from pathlib import Path

import msgspec

from analyzers.duplicates.ranking import Surroundings
from analyzers.duplicates.suppression import BASELINE_VERSION, Baseline
from analyzers.errors import InputError
from analyzers.import_graph import ImportGraph
from hocmig.workspace import Workspace

_GIT_SECONDS = 20
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
    return Surroundings(
        domains=domains,
        shared_domain=workspace.config.shared_domain,
        importers={path: frozenset(found) for path, found in importers.items()},
        names={
            path: frozenset(d.name for d in record.definitions)
            for path, record in workspace.index.files.items()
        },
        edited=lru_cache(maxsize=None)(lambda path: _last_commit(workspace.root, path)),
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


def _last_commit(root: Path, path: str) -> int:
    """Unix seconds of the newest commit that touched a file; 0 where git does not know."""
    command = ["git", "-c", "core.fsmonitor=false", "log", "-1", "--format=%ct", "--", path]
    try:
        done = subprocess.run(command, cwd=root, capture_output=True, timeout=_GIT_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return 0
    text = done.stdout.strip()
    return int(text) if text.isdigit() else 0
