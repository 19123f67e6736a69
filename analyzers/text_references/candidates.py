"""Where a text holds something that looks like a moved name or path: one regular expression, one pass."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from analyzers.relocation_map import RelocationMap
from analyzers.text_references.path_names import path_index

_PATH_CHARACTERS = r"\w.+@~*?$%\-"
_DOTTED_TAIL = r"(?!\w)(?:\\{0,2}\.\w+)*(?P<star>\.\*{1,2})?(?::\w+(?:\.\w+)*)?"


class Candidate(NamedTuple):
    """Characters `start` to `end`; `stars` counts the characters of a wildcard tail (`.*`)."""

    start: int
    end: int
    is_path: bool
    stars: int = 0


class Pattern(NamedTuple):
    """`mixed` finds paths and dotted names, `dotted` the latter alone (inside a path that is none).

    Every line with a candidate holds one of the `marks`.
    """

    mixed: re.Pattern[str]
    dotted: re.Pattern[str]
    marks: re.Pattern[str]


@lru_cache(maxsize=8)
def pattern_of(relocations: RelocationMap) -> Pattern | None:
    """The expression for the top-level packages of all that moves; None for an empty map."""
    roots = {m.partition(".")[0] for m in relocations.moved_modules}
    roots |= {m.partition(".")[0] for m, _ in relocations.moved_symbols}
    parts = (
        [rf"(?P<path>(?<![{_PATH_CHARACTERS}\\/])(?:{_path_expression()}))"]
        if _has_files(relocations)
        else []
    )
    dotted = ""
    if roots:
        longest_first = "|".join(re.escape(r) for r in sorted(roots, key=lambda r: (-len(r), r)))
        # `\n` and its like inside a quoted string end where the name begins.
        dotted = rf"(?:(?<!\w)|(?<=\\[nrt]))(?:{longest_first}){_DOTTED_TAIL}"
        parts.append(rf"(?P<dotted>{dotted})")
    if not parts:
        return None
    marks = ("/", ".py", *sorted(roots)) if _has_files(relocations) else tuple(sorted(roots))
    return Pattern(
        re.compile("|".join(parts)),
        re.compile(dotted or r"(?!)(?P<star>)"),
        re.compile("|".join(map(re.escape, marks))),
    )


@lru_cache(maxsize=8)
def file_words(relocations: RelocationMap) -> frozenset[str]:
    """The words one of which every path holds that moves, or that names a folder which loses files."""
    words = {word.decode("utf-8", "replace") for word in relocations.leaf_words()}
    for folder in path_index(relocations).leaving:
        words.update(re.findall(r"\w+", folder.rpartition("/")[2]))
    return frozenset(words)


@lru_cache(maxsize=8)
def pattern_words(relocations: RelocationMap) -> frozenset[bytes]:
    """The leaf words and the last segments of folders and packages that lose parts.

    A pattern (`app/a/*`, `app.a.*`) that covers some of what moves holds one of them.
    """
    words = {folder.rpartition("/")[2] for folder in path_index(relocations).leaving}
    for old, new in relocations.moved_modules.items():
        package = old.rpartition(".")[0]
        while package:
            if not new.startswith(package + "."):
                words.add(package.rpartition(".")[2])
            package = package.rpartition(".")[0]
    return relocations.leaf_words() | {part.encode() for word in words for part in re.findall(r"\w+", word)}


def _path_expression() -> str:
    some = rf"[{_PATH_CHARACTERS}]"
    with_slash = rf"{some}*(?:/{some}*)+(?:\\\\?\.\w+)*"
    file_alone = rf"{some}+\.pyi?(?!{some}|/)|{some}+\\\\?\.pyi?(?!{some}|/)"
    return f"{with_slash}|{file_alone}"


def _has_files(relocations: RelocationMap) -> bool:
    return bool(relocations.moved_modules or relocations.paths or relocations.folders)


def candidates(text: str, pattern: Pattern, words: frozenset[str]) -> Iterator[Candidate]:
    """The candidates of `text` in order; a path counts when it holds one of `words` (see `file_words`)."""
    for match in _matches(text, pattern):
        if "path" in match.re.groupindex and match["path"] is not None:
            start, end = match.span()
            while end > start and text[end - 1] in ".?":
                end -= 1
            token = text[start:end]
            if not words.isdisjoint(re.split(r"\W+", token)):
                yield Candidate(start, end, True)
            continue
        yield _dotted(match)


def _matches(text: str, pattern: Pattern) -> Iterator[re.Match[str]]:
    """The matches of `mixed`, looked for in lines with a mark only: most lines of prose have none."""
    begin = end = 0
    mark = pattern.marks.search(text)
    while mark is not None:
        start = text.rfind("\n", end, mark.start()) + 1 or end
        if start != end:
            yield from pattern.mixed.finditer(text, begin, end)
            begin = start
        end = text.find("\n", mark.end()) + 1 or len(text)
        mark = pattern.marks.search(text, end)
    yield from pattern.mixed.finditer(text, begin, end)


def dotted_inside(text: str, start: int, end: int, pattern: Pattern) -> Iterator[Candidate]:
    """The dotted names inside a stretch that looked like a path."""
    for match in pattern.dotted.finditer(text, start, end):
        yield _dotted(match)


def _dotted(match: re.Match[str]) -> Candidate:
    return Candidate(match.start(), match.end(), False, len(match["star"] or ""))
