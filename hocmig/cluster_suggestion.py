"""A draft of clusters from who imports whom: files of one folder that hold together, as YAML to be edited."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from analyzers.cluster_affinity import Suggestion, suggest_clusters
from analyzers.errors import InputError

if TYPE_CHECKING:
    from hocmig.workspace import Workspace


def suggestion_text(workspace: Workspace, domains: Sequence[str]) -> tuple[str, dict[str, Any]]:
    """The draft as YAML, and as a document for JSON.

    Raises:
        InputError: a domain that is not there.
    """
    root = workspace.config.domain_root.strip("/")
    found = suggest_clusters(workspace.index, root)
    known = {s.domain for s in found}
    folders = {
        p[len(root) + 1 :].partition("/")[0] for p in workspace.index.files if p.startswith(root + "/")
    }
    folders = {folder for folder in folders if "." not in folder}
    for domain in domains:
        if domain not in folders:
            raise InputError(
                "--domain", 0, f"there is no domain {domain}", f"known: {', '.join(sorted(folders))}"
            )
    chosen = [s for s in found if not domains or s.domain in domains]
    names = Counter(s.name for s in chosen)
    lines = ["# A draft: files of one folder that import each other and share importers.", "clusters:"]
    for suggestion in chosen:
        lines += _cluster(suggestion, unique=names[suggestion.name] == 1)
    if not chosen:
        lines = ["# No files of one folder hold together closely enough.", "clusters: {}"]
    document = {
        "clusters": [
            {"name": s.name, "domain": s.domain, "files": list(s.files), "target": s.target, "score": s.score}
            for s in chosen
        ],
        "domains": sorted(known),
    }
    return "\n".join(lines) + "\n", document


def _cluster(suggestion: Suggestion, *, unique: bool) -> list[str]:
    name = suggestion.name if unique else f"{suggestion.name}_{suggestion.files[0].rpartition('/')[2][:-3]}"
    stems = ", ".join(path.rpartition("/")[2][:-3] for path in suggestion.files)
    return [
        f"  {name}:  # affinity {suggestion.score:.2f}, {suggestion.lines} lines",
        f"    domain: {suggestion.domain}" if suggestion.domain else '    domain: ""',
        '    description: ""',
        "    current_files:",
        *(f"      - {path}" for path in suggestion.files),
        "    target_structure:",
        f"      {suggestion.target}: [{stems}]",
    ]
