"""The newest edit of each file, from git."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from hocmig.last_edits import last_edits


def _commit(root: Path, seconds: int, *paths: str) -> None:
    identity = ("-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *identity, "add", *paths], cwd=root, check=True)
    date = f"{seconds} +0000"
    environment = {**os.environ, "GIT_AUTHOR_DATE": date, "GIT_COMMITTER_DATE": date}
    command = ["git", *identity, "commit", "-q", "-m", "x"]
    subprocess.run(command, cwd=root, check=True, env=environment)


def test_the_newest_commit_counts_and_paths_are_below_the_root(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    part = tmp_path / "part"
    part.mkdir()
    for name in ("old.py", "größe 1.py"):
        (part / name).write_text("X = 1\n")
    (tmp_path / "outside.py").write_text("X = 1\n")
    _commit(tmp_path, 1_700_000_000, ".")
    (part / "größe 1.py").write_text("X = 2\n")
    _commit(tmp_path, 1_700_000_500, ".")
    (part / "new.py").write_text("X = 2\n")
    assert last_edits(part) == {"old.py": 1_700_000_000, "größe 1.py": 1_700_000_500}


def test_without_a_repository_nothing_is_known(tmp_path: Path) -> None:
    assert last_edits(tmp_path) == {}
