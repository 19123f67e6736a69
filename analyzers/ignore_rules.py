"""Whether a path of a repository is kept out of the index, by all ignore rules together."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from analyzers.ignore_patterns import RuleSet

#: Folders that hold no source of the repository, wherever they stand.
SKIPPED_FOLDERS = frozenset(
    {
        ".git",
        ".hg",
        ".svn",
        ".hocmig",
        "__pycache__",
        "node_modules",
        ".venv",
        ".tox",
        ".nox",
        ".eggs",
        ".mypy_cache",
        ".pytest_cache",
        ".ruff_cache",
        ".hypothesis",
        ".import_linter_cache",
        ".direnv",
        "__pypackages__",
    }
)


class IgnoreRules:
    """All rules: `exclude` globs, `.gitignore` files, `.git/info/exclude`, names that are always skipped.

    Files are read on first need and kept. The user's own `core.excludesFile` is not honoured: the same tree
    must give the same index for everybody. `files` are the rule files that were looked for (absolute; they
    may not exist), `markers` the places where the git work tree's top was looked for.
    """

    def __init__(self, root: Path, exclude: Sequence[str] = ()) -> None:
        self.files: list[str] = []
        self.markers: list[str] = []
        self._root = str(root)
        self._exclude = RuleSet("", exclude)
        self._outer = self._rules_above()
        self._by_folder: dict[str, tuple[RuleSet, ...]] = {}

    def for_folder(self, folder: str) -> tuple[RuleSet, ...]:
        """The rule sets that count for the entries of a folder (`""` or `a/b/`), the strongest first."""
        known = self._by_folder.get(folder)
        if known is None:
            if folder:
                inherited = self.for_folder(folder[: folder.rfind("/", 0, -1) + 1])
            else:
                inherited = ((self._exclude,) if self._exclude else ()) + self._outer
            known = self.with_file_of(folder, inherited)
        return known

    def with_file_of(self, folder: str, inherited: tuple[RuleSet, ...]) -> tuple[RuleSet, ...]:
        """The rule sets of a folder, from those of the folder above and its own `.gitignore`."""
        result = inherited
        own = RuleSet(folder, self._lines(f"{self._root}/{folder}.gitignore"))
        if own:
            excluded = 1 if self._exclude else 0
            result = (*inherited[:excluded], own, *inherited[excluded:])
        self._by_folder[folder] = result
        return result

    def is_ignored(self, path: str, *, is_folder: bool = False) -> bool:
        """Whether a path, existing or not, or a folder above it is kept out; relative to the root, POSIX."""
        parts = path.strip("/").split("/")
        folder = ""
        for number, name in enumerate(parts):
            here_is_folder = is_folder or number < len(parts) - 1
            if here_is_folder and name in SKIPPED_FOLDERS:
                return True
            if verdict(self.for_folder(folder), folder + name, name, here_is_folder):
                return True
            folder += name + "/"
        return False

    def _rules_above(self) -> tuple[RuleSet, ...]:
        """`.gitignore` files above the root in the same git work tree, then its `info/exclude`."""
        folder, below = self._root, ""
        outer = []
        while True:
            self.markers.append(f"{folder}/.git")
            if os.path.lexists(self.markers[-1]):
                break
            folder, _, name = folder.rpartition("/")
            if not name:
                # No git work tree: only the rules inside the root count.
                return ()
            below = f"{name}/{below}"
            outer.append((folder, below))
        rules = [_Outer(below, self._lines(f"{above}/.gitignore")) for above, below in outer]
        rules.append(_Outer(below, self._lines(f"{_git_folder(folder)}/info/exclude")))
        return tuple(rule for rule in rules if rule)

    def _lines(self, path: str) -> list[str]:
        self.files.append(path)
        return _read_lines(path)


def verdict(rules: tuple[RuleSet, ...], path: str, name: str, is_folder: bool) -> bool:
    """Whether the first rule set that has a word on the path ignores it."""
    for rule_set in rules:
        found = rule_set.verdict(path, name, is_folder)
        if found is not None:
            return found
    return False


class _Outer(RuleSet):
    """Rules of a folder above the root; `below` leads from there to the root (empty or `a/b/`)."""

    def __init__(self, below: str, lines: Iterable[str]) -> None:
        super().__init__("", lines)
        self._below = below

    def verdict(self, path: str, name: str, is_folder: bool) -> bool | None:
        return super().verdict(self._below + path, name, is_folder)


def _git_folder(top: str) -> str:
    """The folder that holds git's `info/`; for a linked work tree or a submodule another than `.git`."""
    place = f"{top}/.git"
    link = _read_lines(place)
    if link and link[0].startswith("gitdir:"):
        place = str(Path(top) / link[0][len("gitdir:") :].strip())
    common = _read_lines(f"{place}/commondir")
    return str(Path(place) / common[0].strip()) if common else place


def _read_lines(path: str) -> list[str]:
    """The lines of a small text file, or none when there is no such file to read."""
    try:
        with open(path, encoding="utf-8-sig", errors="surrogateescape", newline="\n") as stream:
            return stream.read().split("\n")
    except OSError:
        return []
