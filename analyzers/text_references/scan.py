"""Find what names a moved module, symbol or file in a text file that is not Python.

The stages: a test for words that occur in the old names at all, one pass for candidates, the file's regions
(read only when there are candidates), and a judgement per candidate. Everything is linear in the size of the
file. Not seen: names that are put together (`app.${name}`), Windows paths with backslashes, names relative to
a `currentmodule` directive, aliases and anchors of YAML.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from analyzers.relocation_map import RelocationMap, holds_word
from analyzers.text_references.candidates import (
    Candidate,
    Pattern,
    candidates,
    dotted_inside,
    file_words,
    pattern_of,
    pattern_words,
)
from analyzers.text_references.command_references import judge_command
from analyzers.text_references.dotted_names import resolve_dotted, resolve_wildcard
from analyzers.text_references.formats import is_changelog, reader_of, takes_patterns
from analyzers.text_references.import_statements import import_edits
from analyzers.text_references.path_names import resolve_path
from analyzers.text_references.reference import Certainty, ProjectFacts, Reference, decoded, encoded
from analyzers.text_references.regions import Region, Role

MOST_BYTES = 2 * 1024 * 1024
_PYTHON = (".py", ".pyi")
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_CALL_OR_EXTRA = re.compile(r"\(.*\)|\s*\[[^\]]*\]")
_UNDECODED = re.compile("[\udc80-\udcff]")
_PROSE = Region(0, 0, Role.PROSE)


def skip_reason(path: str, content: bytes) -> str:
    """Why the file is not scanned as text: empty when it is. Python files are the Python scanner's."""
    if path.endswith(_PYTHON):
        return "Python"
    if len(content) > MOST_BYTES:
        return f"larger than {MOST_BYTES} bytes"
    if content.startswith(_UTF_16):
        return "UTF-16"
    if b"\0" in content[:8192]:
        return "binary"
    return ""


def find_references(
    path: str, content: bytes, relocations: RelocationMap, project: ProjectFacts
) -> tuple[Reference, ...]:
    """The references in the file, sorted and not overlapping.

    Files with a `skip_reason` have none, except that a binary file which holds an old dotted name (a pickle)
    yields mentions with line 1.

    Args:
        path: POSIX, relative to the repository root; its name decides how the file is read.
        content: the bytes of the file; the spans of the result count in them.
        relocations: what moves.
        project: the tree before the move; names that it does not know are no references.
    """
    reason = skip_reason(path, content)
    pattern = pattern_of(relocations)
    if pattern is None or reason not in ("", "binary"):
        return ()
    if reason == "binary":
        return _in_binary(path, content, relocations, project)
    if not _may_concern(path, content, relocations):
        return ()
    text = decoded(content)
    found = _Scan(path, text, relocations, project, pattern).hits()
    return _with_places(path, content, text, found)


def _may_concern(path: str, content: bytes, relocations: RelocationMap) -> bool:
    """Whether a word of an old name occurs; in files of patterns, also of what loses parts."""
    if takes_patterns(path):
        return holds_word(content, pattern_words(relocations))
    return relocations.may_concern(content)


@dataclass(frozen=True, slots=True)
class _Hit:
    start: int
    end: int
    new: str
    certainty: Certainty
    why: str


class _Scan:
    def __init__(
        self, path: str, text: str, relocations: RelocationMap, facts: ProjectFacts, pattern: Pattern
    ) -> None:
        self.path = path
        self.text = text
        self.relocations = relocations
        self.facts = facts
        self.pattern = pattern
        self.ceiling = Certainty.MENTION if is_changelog(path) else Certainty.CERTAIN

    def hits(self) -> list[_Hit]:
        words = file_words(self.relocations)
        found = list(candidates(self.text, self.pattern, words))
        # `from app import b` has no dotted candidate: code needs its regions in any case.
        regions = self._regions() if found or "import" in self.text else []
        hits = list(self._import_hits(regions))
        taken = [(h.start, h.end) for h in hits]
        at = next_taken = 0
        for candidate in found:
            while at < len(regions) and regions[at].end <= candidate.start:
                at += 1
            while next_taken < len(taken) and taken[next_taken][1] <= candidate.start:
                next_taken += 1
            if next_taken < len(taken) and taken[next_taken][0] < candidate.end:
                continue
            region = _PROSE
            if at < len(regions) and regions[at].start < candidate.end:
                region = regions[at]
                candidate = _clipped(candidate, region)
            hits += self._judge(candidate, region)
        return sorted((h for h in hits if h.new != self.text[h.start : h.end]), key=lambda h: h.start)

    def _regions(self) -> list[Region]:
        text = self.text
        if self.ceiling is Certainty.MENTION:
            return []
        if text.startswith("\ufeff"):
            # Same length, and no reader needs to know of byte order marks.
            text = "\n" + text[1:]
        return reader_of(self.path, text[: text.find("\n")] if text.startswith("#!") else "")(text, self.path)

    def _import_hits(self, regions: list[Region]) -> Iterator[_Hit]:
        for region in regions:
            if region.role is not Role.CODE:
                continue
            edits = import_edits(self.text, region.start, region.end, self.relocations, self.facts)
            for edit in edits or ():
                certainty = Certainty.LIKELY if edit.new else Certainty.MENTION
                why = edit.why or f"an import in {region.where}"
                yield _Hit(edit.start, edit.end, edit.new, certainty, why)

    def _judge(self, candidate: Candidate, region: Region) -> list[_Hit]:
        if candidate.is_path:
            hit = self._path_hit(candidate, region)
            if hit is not None:
                return [hit]
            inner = dotted_inside(self.text, candidate.start, candidate.end, self.pattern)
            found = [self._dotted_hit(c, region, inside_path=True) for c in inner]
        else:
            found = [self._dotted_hit(candidate, region, inside_path=False)]
        return [hit for hit in found if hit is not None]

    def _dotted_hit(self, candidate: Candidate, region: Region, *, inside_path: bool) -> _Hit | None:
        start, end = candidate.start, candidate.end
        if inside_path and region.role is Role.COMMAND and region.start < start:
            region = region._replace(ceiling=Certainty.MENTION)
        elif inside_path and (start, end) != (region.start, region.end):
            region = _PROSE
        if not inside_path and not self._has_boundaries(start, end, region):
            return None
        if candidate.stars:
            return self._wildcard_hit(candidate, region)
        written = self.text[start:end]
        dot = next((d for d in ("\\\\.", "\\.") if d in written), "")
        name = written.replace(dot, ".") if dot else written
        resolved = resolve_dotted(name, self.relocations, self.facts)
        if (
            ":" in name
            and (resolved is None or not resolved.exists)
            and not self._is_whole(start, end, region)
        ):
            # `app.b:12` and `app.b: text`: the colon belongs to the sentence.
            name = name.partition(":")[0]
            end = start + len(written.partition(":")[0])
            resolved = resolve_dotted(name, self.relocations, self.facts)
        if resolved is None:
            return None
        parts = len(re.split(r"[.:]", name))
        certainty, why = self._dotted_certainty(start, end, region, parts, resolved.exists)
        if certainty is None:
            return None
        if dot:
            certainty, why = certainty.at_most(Certainty.LIKELY), "escaped for a regular expression"
        new = resolved.new.replace(".", dot) if dot else resolved.new
        return _Hit(start, end, new, self._capped(certainty, region), resolved.why or why)

    def _dotted_certainty(
        self, start: int, end: int, region: Region, parts: int, exists: bool
    ) -> tuple[Certainty | None, str]:
        role, where = region.role, region.where
        whole = self._is_whole(start, end, region)
        if role is Role.NAME:
            return Certainty.CERTAIN, f"{where or 'a key'} takes dotted names"
        if role is Role.PROSE:
            return (Certainty.MENTION if parts > 1 else None), "prose"
        if role is Role.COMMAND:
            certainty = judge_command(self.text, region, start, end, is_path=False, parts=parts)
            if certainty is Certainty.MENTION and parts < 2:
                return None, ""
            return certainty if exists or certainty is Certainty.MENTION else Certainty.LIKELY, "a command"
        if parts < 2:
            return (Certainty.MENTION if whole else None), "a single word"
        if role in (Role.CODE, Role.LITERAL):
            return Certainty.LIKELY, where
        if whole:
            certainty = Certainty.CERTAIN if exists else Certainty.LIKELY
            return certainty, f"the whole value{' of ' + where if where else ''}"
        return Certainty.LIKELY, f"inside a value{' of ' + where if where else ''}"

    def _wildcard_hit(self, candidate: Candidate, region: Region) -> _Hit | None:
        start, stop = candidate.start, candidate.end
        written = self.text[start:stop]
        base, star, rest = written.partition(".*")
        answer = resolve_wildcard(base, self.relocations, self.facts)
        if answer is None:
            return None
        new, why = answer
        follows = self.text[stop : stop + 1]
        if not new or rest.strip("*") or follows in (".", ":", "*"):
            return _Hit(start, stop, "", Certainty.MENTION, why or "a pattern with a tail")
        certainty, reason = self._dotted_certainty(start, stop, region, base.count(".") + 2, True)
        if certainty is None:
            return None
        return _Hit(start, stop, f"{new}{star}{rest}", self._capped(certainty, region), reason)

    def _path_hit(self, candidate: Candidate, region: Region) -> _Hit | None:
        start, end = candidate.start, candidate.end
        token, role = self.text[start:end], region.role
        is_address = token.startswith("//")
        resolved = resolve_path(token[1:] if is_address else token, self.path, self.relocations, self.facts)
        if resolved is None:
            return None
        if not resolved.new:
            told = role in (Role.PATH, Role.COMMAND) and resolved.why
            return _Hit(start, end, "", Certainty.MENTION, resolved.why) if told else None
        new = "/" + resolved.new if is_address else resolved.new
        certainty, why = Certainty.LIKELY, f"a path in {region.where or role.value}"
        if is_address or role is Role.PROSE:
            certainty, why = Certainty.MENTION, "a path in prose" if not is_address else "a web address"
        elif role is Role.COMMAND:
            certainty = judge_command(self.text, region, start, end, is_path=True, parts=2)
        elif role is Role.PATH:
            certainty, why = Certainty.CERTAIN, f"{region.where or 'the file'} takes paths"
        if not resolved.exact or "/" not in token.strip("/"):
            certainty = certainty.at_most(Certainty.LIKELY)
        if "/" not in token and role is Role.PATH and region.where == "pattern":
            certainty, why = Certainty.MENTION, "a bare file name fits any folder"
        return _Hit(start, end, new, self._capped(certainty, region), resolved.why or why)

    def _capped(self, certainty: Certainty, region: Region) -> Certainty:
        return certainty.at_most(region.ceiling).at_most(self.ceiling)

    def _is_whole(self, start: int, end: int, region: Region) -> bool:
        """Whether the name is all of its region, but for a call (`a.b:app()`) or an extra (`a.b:f [x]`)."""
        if start != region.start:
            return False
        return end == region.end or _CALL_OR_EXTRA.fullmatch(self.text, end, region.end) is not None

    def _has_boundaries(self, start: int, end: int, region: Region) -> bool:
        text = self.text
        before = text[start - 1] if start > max(region.start, 0) else " "
        if before in "./\\@-$%" or before.isalnum() or before == "_":
            is_escape = text[start - 2 : start] in ("\\n", "\\r", "\\t")
            is_decorator = before == "@" and not text[max(start - 2, 0) : start - 1].isalnum()
            if not is_escape and not is_decorator:
                return False
        after, then = text[end : end + 1], text[end + 1 : end + 2]
        if end >= region.end and region.end:
            return True
        if after == "\\":
            return then in ("n", "r", "t", '"', "'", "\n", "\r")
        if after in ("/", "@", "_", "$"):
            return False
        return not (after in ("-", ".") and (then.isalnum() or then == "_"))


def _clipped(candidate: Candidate, region: Region) -> Candidate:
    """The candidate without what sticks out of the region that it begins or ends in."""
    if candidate.start >= region.start and candidate.end > region.end:
        stars = candidate.stars if candidate.end - candidate.stars < region.end else 0
        return candidate._replace(end=region.end, stars=stars)
    if candidate.start < region.start < candidate.end:
        return candidate._replace(start=region.start)
    return candidate


def _with_places(path: str, content: bytes, text: str, hits: list[_Hit]) -> tuple[Reference, ...]:
    found: list[Reference] = []
    is_single_byte = len(content) == len(text)
    is_utf_8 = content.isascii() or _UNDECODED.search(text) is None
    line, characters, offset = 1, 0, 0
    previous_end = 0
    for hit in hits:
        if hit.start < previous_end:
            continue
        previous_end = hit.end
        start = hit.start if is_single_byte else offset + len(encoded(text[characters : hit.start]))
        line += content.count(b"\n", offset, start)
        old = text[hit.start : hit.end]
        end = start + len(encoded(old))
        characters, offset = hit.end, end
        certainty, why = hit.certainty, hit.why
        if not is_utf_8 and not hit.new.isascii():
            certainty, why = Certainty.MENTION, "the file is not UTF-8 and the new name not ASCII"
        found.append(Reference(path, line, start, end, old, hit.new, certainty, why))
        line += old.count("\n")
    return tuple(found)


def _in_binary(
    path: str, content: bytes, relocations: RelocationMap, facts: ProjectFacts
) -> tuple[Reference, ...]:
    """One mention per moved module that the file names: pickles store them as plain text."""
    why = "a binary file names the module: a pickle must be written again or keep a shim"
    found: dict[str, Reference] = {}
    pattern = _binary_pattern(relocations)
    for match in pattern.finditer(content) if pattern is not None else ():
        name = match.group().decode()
        if name not in found and facts.module_exists(name):
            found[name] = Reference(path, 1, match.start(), match.end(), name, "", Certainty.MENTION, why)
    return tuple(found.values())


@lru_cache(maxsize=8)
def _binary_pattern(relocations: RelocationMap) -> re.Pattern[bytes] | None:
    # In a pickle, the byte before a name is an opcode or a length: it may well be a letter.
    modules = {*relocations.moved_modules, *(module for module, _ in relocations.moved_symbols)}
    names = sorted((m.encode() for m in modules if "." in m), key=lambda n: (-len(n), n))
    if not names:
        return None
    return re.compile(rb"(?<!\.)(?:" + b"|".join(re.escape(n) for n in names) + rb")(?![\w])")
