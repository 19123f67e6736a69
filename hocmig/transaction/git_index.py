"""Tells git about the files that a transaction changed."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable
from pathlib import Path


def stage_in_git(root: Path, paths: Iterable[str]) -> str:
    """Add the new state of `paths` to git's index; returns what went wrong, or an empty text.

    No hook and no file-system monitor of the repository's configuration is run.
    """
    environment = {**os.environ, "GIT_LITERAL_PATHSPECS": "1", "GIT_OPTIONAL_LOCKS": "0"}
    base = ["git", "-c", "core.fsmonitor=false", "-c", f"core.hooksPath={os.devnull}"]
    names = b"\0".join(os.fsencode(path) for path in sorted(set(paths)))
    try:
        # update-index takes paths that are gone as removals, and does not care whether they were tracked.
        done = subprocess.run(
            [*base, "update-index", "--add", "--remove", "-z", "--stdin"],
            cwd=root,
            input=names + b"\0" if names else b"",
            env=environment,
            capture_output=True,
            check=False,
        )
    except OSError as error:
        return f"git could not be started: {error.strerror}"
    if done.returncode != 0:
        return "git add: " + " ".join(done.stderr.decode("utf-8", "replace").split())[:300]
    return ""
