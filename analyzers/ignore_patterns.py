"""The patterns of one `.gitignore` file, or of the `exclude` globs, by git's own rules.

Plain names, endings and paths, which is what nearly all patterns are, are looked up in tables; only the
others become regular expressions. That is why no pattern library is used here: compiling the 150 patterns of
a common Python `.gitignore` one by one costs more than the whole warm index. The tests have git itself and
pathspec as referees.

Source: gitignore(5), "Pattern format".
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_SPECIAL = frozenset("*?[\\")
_CLASSES = {
    "alnum": "a-zA-Z0-9",
    "alpha": "a-zA-Z",
    "blank": " \\t",
    "digit": "0-9",
    "lower": "a-z",
    "punct": r"!-/:-@\[-`{-~",
    "space": r"\s",
    "upper": "A-Z",
    "xdigit": "0-9A-Fa-f",
}


class RuleSet:
    """The patterns of one file; `base` is its folder, relative to the root, with a slash at the end.

    Patterns that can never match (an open bracket, a backslash at the end) are left out, as git does.
    """

    def __init__(self, base: str, lines: Iterable[str]) -> None:
        self.base = base
        self._start = len(base)
        # The number of a rule counts up; the last rule that matches decides.
        self._ignores: list[bool] = []
        self._folders_only: list[bool] = []
        self._names: dict[str, list[int]] = {}
        self._paths: dict[str, list[int]] = {}
        self._endings: list[tuple[str, int]] = []
        self._name_patterns: list[tuple[re.Pattern[str], int]] = []
        self._path_patterns: list[tuple[re.Pattern[str], int]] = []
        for line in lines:
            self._add(line)
        self._all_endings = tuple({ending for ending, _ in self._endings})

    def __bool__(self) -> bool:
        return bool(self._ignores)

    def verdict(self, path: str, name: str, is_folder: bool) -> bool | None:
        """True: ignored; False: taken back in by a `!` pattern; None: no pattern matches.

        Args:
            path: relative to the root, below `base`.
            name: the last part of `path`.
            is_folder: whether it is a folder; a symbolic link to one is none.
        """
        best = -1
        found = self._names.get(name)
        if found is not None:
            best = self._last(found, is_folder, best)
        if self._endings and name.endswith(self._all_endings):
            best = self._last([n for ending, n in self._endings if name.endswith(ending)], is_folder, best)
        if self._paths:
            found = self._paths.get(path[self._start :])
            if found is not None:
                best = self._last(found, is_folder, best)
        for pattern, number in self._name_patterns:
            if number > best and pattern.match(name):
                best = self._last([number], is_folder, best)
        if self._path_patterns:
            relative = path[self._start :]
            for pattern, number in self._path_patterns:
                if number > best and pattern.match(relative):
                    best = self._last([number], is_folder, best)
        return None if best < 0 else self._ignores[best]

    def _last(self, numbers: list[int], is_folder: bool, best: int) -> int:
        for number in numbers:
            if number > best and (is_folder or not self._folders_only[number]):
                best = number
        return best

    def _add(self, line: str) -> None:
        pattern = line.rstrip("\r\n")
        while pattern.endswith(" ") and not _is_escaped(pattern, len(pattern) - 1):
            pattern = pattern[:-1]
        if not pattern or pattern.startswith("#"):
            return
        ignores = not pattern.startswith("!")
        if not ignores:
            pattern = pattern[1:]
        folders_only = pattern.endswith("/")
        if folders_only:
            pattern = pattern[:-1]
        if not pattern:
            return
        number = len(self._ignores)
        anchored = "/" in pattern
        pattern = pattern[1:] if pattern.startswith("/") else pattern
        if not _SPECIAL.intersection(pattern):
            (self._paths if anchored else self._names).setdefault(pattern, []).append(number)
        elif not anchored and pattern.startswith("*") and not _SPECIAL.intersection(pattern[1:]):
            self._endings.append((pattern[1:], number))
        else:
            regex = translate(pattern)
            if regex is None:
                return
            (self._path_patterns if anchored else self._name_patterns).append((regex, number))
        self._ignores.append(ignores)
        self._folders_only.append(folders_only)


def translate(pattern: str) -> re.Pattern[str] | None:
    """The regular expression of a glob by git's rules, for a whole relative path; None: it never matches."""
    out = []
    position, end = 0, len(pattern)
    # Git compares what stands before the first special character by itself and begins a new pattern there.
    first = next((n for n, char in enumerate(pattern) if char in _SPECIAL), end)
    while position < end:
        char = pattern[position]
        if char == "*":
            at_start = position in (0, first) or pattern[position - 1] == "/"
            stars = position
            while position < end and pattern[position] == "*":
                position += 1
            if position - stars == 1 or not at_start:
                out.append("[^/]*")
            elif position == end:
                out.append(".*")
            elif pattern[position] == "/":
                out.append("(?:.*/)?")
                position += 1
            else:
                out.append("[^/]*")
        elif char == "?":
            out.append("[^/]")
            position += 1
        elif char == "[":
            found = _bracket(pattern, position)
            if found is None:
                return None
            text, position = found
            out.append(text)
        elif char == "\\":
            if position + 1 == end:
                return None
            out.append(re.escape(pattern[position + 1]))
            position += 2
        else:
            out.append(re.escape(char))
            position += 1
    try:
        return re.compile("".join(out) + r"\Z", re.DOTALL)
    except re.error:
        return None


def _bracket(pattern: str, start: int) -> tuple[str, int] | None:
    """The regular expression of the `[...]` at `start` and the position behind it; None: it has no end."""
    position = start + 1
    negated = position < len(pattern) and pattern[position] in "!^"
    if negated:
        position += 1
    members = []
    first = True
    while True:
        if position >= len(pattern):
            return None
        char = pattern[position]
        if char == "]" and not first:
            break
        first = False
        named = re.compile(r"\[:(\w+):\]").match(pattern, position)
        if named:
            if named[1] not in _CLASSES:
                return None
            members.append(_CLASSES[named[1]])
            position = named.end()
            continue
        if char == "\\":
            position += 1
            if position >= len(pattern):
                return None
            char = pattern[position]
        position += 1
        if pattern[position : position + 1] == "-" and pattern[position + 1 : position + 2] not in ("", "]"):
            position += 1
            last = pattern[position]
            if last == "\\":
                position += 1
                if position >= len(pattern):
                    return None
                last = pattern[position]
            position += 1
            if char <= last:
                members.append(f"{re.escape(char)}-{re.escape(last)}")
        else:
            members.append(re.escape(char))
    if not members:
        # An empty range such as [b-a]: no character is in it.
        return ("[^/]" if negated else r"(?!)"), position + 1
    # A slash is never matched by a bracket.
    return f"(?!/)[{'^' if negated else ''}{''.join(members)}]", position + 1


def _is_escaped(text: str, position: int) -> bool:
    count = 0
    while position > 0 and text[position - 1] == "\\":
        count += 1
        position -= 1
    return count % 2 == 1
