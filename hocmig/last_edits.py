"""When each file was last edited, asked of git once for all files."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

COMMITS = 5_000
"""So many of the newest commits are read; files that none of them touched count as older than the others."""
_SECONDS = 20
_MARK = "\x01"


def last_edits(root: Path) -> dict[str, int]:
    """Returns the Unix seconds of the newest commit that touched a file, by path below `root`.

    Empty without git, without a repository, and when git takes over 20 seconds. No hook or monitor is run.
    """
    command = [
        *(
            "git",
            "-c",
            "core.fsmonitor=false",
            "-c",
            f"core.hooksPath={os.devnull}",
            "log",
            "-n",
            str(COMMITS),
        ),
        *(f"--format={_MARK}%ct", "--name-only", "--no-renames", "--relative", "-z", "--no-ext-diff"),
    ]
    environment = {**os.environ, "GIT_OPTIONAL_LOCKS": "0", "GIT_NO_LAZY_FETCH": "1", "LC_ALL": "C"}
    try:
        done = subprocess.run(
            command,
            cwd=root,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return {}
    found: dict[str, int] = {}
    seconds = 0
    for word in done.stdout.decode("utf-8", "surrogateescape").split("\0"):
        text = word.lstrip("\n")
        if text.startswith(_MARK):
            head = text[1:]
            seconds = int(head) if head.isdigit() else 0
        elif text:
            found.setdefault(text, seconds)
    return found
