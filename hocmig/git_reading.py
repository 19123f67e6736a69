"""What hocmig asks git: which revision a name means, a file as it was there, and which files were renamed.

No hook, file-system monitor, external diff or text conversion of the repository's configuration is run.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable
from pathlib import Path

from analyzers.errors import HocmigError

_SAFE = ("-c", "core.fsmonitor=false", "-c", f"core.hooksPath={os.devnull}", "-c", "core.quotePath=false")

#: Seconds after which a call of git is given up; the slowest one here compares the whole tree.
TIMEOUT_SECONDS = 120


class GitError(HocmigError):
    """git is missing, is not used here, or does not know what it was asked for."""

    exit_code = 1


def merge_base(root: Path, revision: str) -> str:
    """The commit at which the present work left `revision`; so later changes there do not count.

    Raises:
        GitError: with the reason and what mends it.
    """
    commit = _ask(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    if commit is None:
        if _ask(root, "rev-parse", "--git-dir") is None:
            raise GitError("the repository root is in no git repository; leave out --base")
        raise GitError(f"git knows no commit {revision!r}; {_deepen(root)}")
    found = _ask(root, "merge-base", commit, "HEAD")
    if not found:
        raise GitError(f"git finds no common history of {revision!r} and HEAD; {_deepen(root)}")
    return found.split("\n")[0]


def file_at(root: Path, commit: str, path: str) -> bytes | None:
    """The bytes of a file as it was at a commit; None when it did not exist. Raises GitError."""
    done = _run(root, "cat-file", "blob", f"{commit}:./{path}")
    if done.returncode == 0:
        return done.stdout
    listed = _run(root, "ls-tree", "-z", "--name-only", commit, "--", path)
    if listed.returncode == 0 and not listed.stdout:
        return None
    raise GitError(f"git cannot read {path} of {commit[:12]}: {_said(done)}; {_deepen(root)}")


def recent_commits(root: Path, most: int) -> tuple[str, ...]:
    """HEAD and what it was before, newest first, following first parents; none without git or a commit.

    Raises:
        GitError: git could not be run.
    """
    found = _ask(root, "rev-list", "--first-parent", f"--max-count={most}", "HEAD", "--")
    return tuple(found.split()) if found else ()


def files_at(root: Path, commit: str, paths: Iterable[str]) -> dict[str, bytes]:
    """The bytes of those of `paths` that are files of a commit, asked for in one call.

    Raises:
        GitError: git could not be run, or gave an answer that cannot be read.
    """
    # The question is one line; a name with a line end in it cannot be asked for in this way.
    asked = [path for path in paths if "\n" not in path]
    lines = "".join(f"{commit}:./{path}\n" for path in asked).encode("utf-8", "surrogateescape")
    done = _run(root, "cat-file", "--batch", given=lines)
    if done.returncode != 0:
        raise GitError(f"git cannot read files of {commit[:12]}: {_said(done)}; {_deepen(root)}")
    found: dict[str, bytes] = {}
    position = 0
    for path in asked:
        end = done.stdout.find(b"\n", position)
        words = done.stdout[position:end].rsplit(b" ", 2)
        position = end + 1
        # `NAME missing` has no size, whatever words the name ends with.
        if end < 0 or len(words) != 3 or not words[2].isdigit():
            continue
        size = int(words[2])
        if words[1] == b"blob":
            found[path] = done.stdout[position : position + size]
        position += size + 1
    return found


def renames_since(root: Path, commit: str) -> dict[str, str]:
    """Old path to new path of each file that git takes for renamed between a commit and the tree as it is."""
    done = _run(
        root,
        *("diff", "--find-renames", "--diff-filter=R", "--name-status", "-z", "--relative"),
        *("--no-ext-diff", "--no-textconv", commit, "--"),
    )
    if done.returncode != 0:
        raise GitError(f"git diff: {_said(done)}; {_deepen(root)}")
    words = done.stdout.decode("utf-8", "surrogateescape").split("\0")
    return {words[i + 1]: words[i + 2] for i in range(0, len(words) - 2, 3)}


def _deepen(root: Path) -> str:
    if _ask(root, "rev-parse", "--is-shallow-repository") == "true":
        return "this is a shallow clone: fetch the whole history (`git fetch --unshallow`, `fetch-depth: 0`)"
    return "fetch it, or name another revision"


def _ask(root: Path, *arguments: str) -> str | None:
    done = _run(root, *arguments)
    return done.stdout.decode("utf-8", "replace").strip() if done.returncode == 0 else None


def _run(root: Path, *arguments: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    environment = {**os.environ, "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
    # Fetching a missing blob of a partial clone could wait for a password.
    environment.setdefault("GIT_NO_LAZY_FETCH", "1")
    try:
        return subprocess.run(
            ["git", *_SAFE, *arguments],
            cwd=root,
            env=environment,
            input=given,
            capture_output=True,
            check=False,
            timeout=TIMEOUT_SECONDS,
        )
    except OSError as error:
        raise GitError(
            f"git could not be started ({error.strerror}); install it, or leave out --base"
        ) from error
    except subprocess.TimeoutExpired as error:
        raise GitError(
            f"git {arguments[0]} gave no answer in {TIMEOUT_SECONDS} seconds; try it by hand"
        ) from error


def _said(done: subprocess.CompletedProcess[bytes]) -> str:
    return " ".join(done.stderr.decode("utf-8", "replace").split())[:200] or f"exit code {done.returncode}"
