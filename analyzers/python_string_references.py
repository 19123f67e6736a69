"""Strings and comments of a Python file that name what moves, with how sure that is.

Certain: the whole constant is a dotted path (two segments or more, or looked up by a known call) to a
module that moves or to a name in it; names in quoted annotations and `# type:` comments; relative names whose
package is known; code that is run (`exec`, `python -c`); lone import statements; names with escaped dots in
regular expressions. Likely: attributes that
nothing shows, escapes, parts that must be joined, other code in longer strings, Sphinx roles and doctest
imports in docstrings. Mention: other text, comments, names put together.

Strings that say where a name is looked up stay where that module stays: `patch("client.f")`. Left alone:
`Literal[...]`, `__all__`, bytes. Source: import-rewriting cases 28 and 43 to 47.
"""

from __future__ import annotations

import ast
import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

from analyzers.layout import ModuleName
from analyzers.parsed_files import ParsedFile
from analyzers.python_computed_strings import computed_pieces
from analyzers.python_string_spans import SpanSet, StringPart, merged, string_parts
from analyzers.python_string_uses import Collected, StringUse, Use, collect_strings
from analyzers.relocation_map import RelocationMap
from analyzers.text_positions import TextPositions
from analyzers.text_references.candidates import Candidate, dotted_inside, pattern_of
from analyzers.text_references.documentation_references import role_regions
from analyzers.text_references.dotted_names import resolve_dotted
from analyzers.text_references.import_statements import import_edits
from analyzers.text_references.path_names import resolve_path
from analyzers.text_references.reference import Certainty, ProjectFacts

_DOTTED = re.compile(r"\w+(?:\.\w+)*(?::\w+(?:\.\w+)*)?")
_RELATIVE = re.compile(r"(?P<dots>\.+)(?P<name>\w+(?:\.\w+)*)")
_PATH = re.compile(r"[\w.@+~-]*(?:/[\w.@+~*-]+)+/?|[\w-]+\.pyi?")
_COMMAND = re.compile(r"(?:^|\s)-m\s|^(?:python|gunicorn|uvicorn|celery|pytest)\b")
_STATEMENT = re.compile(r"^[ \t]*(?:(?:>>>|\.\.\.)[ \t]+)?(?P<code>(?:from|import)[ \t]+\w)", re.MULTILINE)
# One import statement and nothing else; the names may follow in another string: `"from a.b import " + names`.
_LONE_IMPORT = re.compile(
    r"\s*(?:from[ \t]+\w+(?:\.\w+)+[ \t]+import(?:[ \t]+[\w,* \t]*)?"
    r"|import[ \t]+\w+(?:\.\w+)+(?:[ \t]+as[ \t]+\w+)?)\s*"
)
# Where a line of code ends in a string, besides at a real line end; and the escapes that leave names alone.
_CODE_LINE_END = re.compile(r"\\n|; ")
_ESCAPE = re.compile(r"\\[nt'\"]")
_IMPORT_KEYWORD = re.compile(r"(?:from|import)[ \t]+")
_TYPE_COMMENT = re.compile(r"#\s*type:(?!\s*ignore\b)")
# A name behind one of these is the end of a longer one, of a path or of an address.
_NO_START = frozenset("./@-$")
# `".b"`, `"%s.b"`, `"{}.b"`: a segment at the start of a string or behind a placeholder.
_AFTER_DOT = re.compile(r"(?:[\"'}]|%\w|\)\w)\.(\w+)")
_LINE_END = re.compile(r"\r\n|\r|\n")
_LONGEST_NAME = 1000
_UNKNOWN_PACKAGE = "the package that the name is relative to is not known"


@dataclass(frozen=True, slots=True)
class StringReference:
    """A stretch of the decoded text (character offsets) inside a string or comment, and what it becomes.

    `new` is empty for a mention without a single answer; `line` is 1-based.
    """

    line: int
    start: int
    end: int
    old: str
    new: str
    certainty: Certainty
    why: str


def find_string_references(
    parsed: ParsedFile,
    *,
    before: ModuleName,
    after: ModuleName,
    relocations: RelocationMap,
    facts: ProjectFacts,
) -> tuple[StringReference, ...]:
    """The references in strings and comments of one file, sorted and not overlapping.

    Args:
        parsed: the file with a tree; spans are character offsets in its decoded text.
        before: the module name of the file when its text was written; relative names hang on it. `after` is
            its name when the move is done.
        facts: of the tree before the move; what it does not know is no reference.
    """
    pattern = pattern_of(relocations)
    if pattern is None:
        return ()
    assert parsed.tree is not None, "only a file that was parsed has strings"
    text = parsed.source.text
    names = [
        c for c in dotted_inside(text, 0, len(text), pattern) if text[c.start - 1 : c.start] not in _NO_START
    ]
    if names:
        # Most files name what moves in their import statements alone: no string needs to be looked at then.
        imported = _first_names(parsed)
        names = [c for c in names if c.start not in imported]
    if not names and not _has_relative_names(text, relocations, moves=before != after):
        return ()
    finder = _Finder(text, parsed.positions, before, after, relocations, facts, names)
    finder.read(collect_strings(parsed.tree, before.package or None))
    return _apart(finder.found)


def _first_names(parsed: ParsedFile) -> frozenset[int]:
    """Where the name behind `from` or `import` begins in each import statement."""
    found = set()
    for statement in parsed.statements:
        start = parsed.positions.offset(statement.node.lineno, statement.node.col_offset)
        keyword = _IMPORT_KEYWORD.match(parsed.source.text, start)
        if keyword is not None:
            found.add(keyword.end())
    return frozenset(found)


def _has_relative_names(text: str, relocations: RelocationMap, *, moves: bool) -> bool:
    """Whether the text can hold a name without its top-level package: `".b"`, `f"{x}.b"`, `join`."""
    if "import_module" in text or "__getattr__" in text or "attach(" in text:
        return moves or relocations.may_concern(text.encode("utf-8", "surrogatepass"))
    leaves = leaf_names(relocations)
    return any(m[1] in leaves for m in _AFTER_DOT.finditer(text)) or '".".join' in text or "'.'.join" in text


@lru_cache(maxsize=8)
def leaf_names(relocations: RelocationMap) -> dict[str, tuple[str, ...]]:
    """The moved modules and the modules of moved symbols by their last segment."""
    found: dict[str, tuple[str, ...]] = {}
    for module in sorted({*relocations.moved_modules, *(m for m, _ in relocations.moved_symbols)}):
        leaf = module.rpartition(".")[2]
        found[leaf] = (*found.get(leaf, ()), module)
    return found


def _apart(found: list[StringReference]) -> tuple[StringReference, ...]:
    """Sorted; of two that overlap the surer one, then the longer one."""
    chosen: list[StringReference] = []
    for reference in sorted(found, key=lambda r: (r.start, r.certainty.rank, -r.end)):
        if not chosen or reference.start >= chosen[-1].end:
            chosen.append(reference)
    return tuple(chosen)


class _Finder:
    def __init__(
        self,
        text: str,
        positions: TextPositions,
        before: ModuleName,
        after: ModuleName,
        relocations: RelocationMap,
        facts: ProjectFacts,
        names: list[Candidate],
    ) -> None:
        self.text = text
        self.positions = positions
        self.before = before
        self.after = after
        self.relocations = relocations
        self.facts = facts
        self.candidates = names
        self.starts = [candidate.start for candidate in names]
        self.words = {word.decode("utf-8", "replace") for word in relocations.leaf_words()}
        self.found: list[StringReference] = []
        self._line_starts = [0, *(m.end() for m in _LINE_END.finditer(text))]

    def read(self, collected: Collected) -> None:
        spans: list[tuple[int, int]] = []
        for use in collected.strings:
            spans.append(self.positions.span(use.node))
            self._read_use(use)
        spans += (self.positions.span(node) for node in collected.joined)
        for node, is_looked_up in collected.computed:
            self._read_computed(node, collected.constants, is_looked_up)
        self._read_comments(merged(spans))

    # -- constants ---------------------------------------------------------------------------------------

    def _read_use(self, use: StringUse) -> None:
        value = str(use.node.value)
        is_anchored = use.use in (Use.RELATIVE, Use.LAZY_VALUE, Use.LAZY_PART)
        if not is_anchored and not self._has_candidate(use.node):
            return
        # A relative name in a file that moves may have to change although its target does not.
        stays = self.before == self.after or not is_anchored
        if stays and self.words.isdisjoint(re.split(r"\W+", value)):
            return
        if use.use is Use.DOCSTRING:
            self._read_docstring(use.node)
        elif use.use is Use.RELATIVE:
            self._read_relative(use, value, Certainty.CERTAIN)
        elif use.use is Use.LAZY_VALUE:
            self._read_relative(use, value, Certainty.CERTAIN if use.by else Certainty.LIKELY)
        elif use.use is Use.LAZY_PART:
            self._read_lazy_part(use, value)
        elif use.use is Use.ANNOTATION:
            self._read_annotation(use.node, value)
        elif len(value) <= _LONGEST_NAME and _DOTTED.fullmatch(value):
            self._read_dotted(use, value)
        elif use.use is Use.CODE:
            self._read_code(use, value)
        else:
            self._read_longer(use.node, value)

    def _has_candidate(self, node: ast.Constant) -> bool:
        """Whether a top-level name of what moves stands in the source of the constant."""
        first = bisect_left(self.starts, self.positions.offset(node.lineno, node.col_offset))
        if first == len(self.starts):
            return False
        return self.starts[first] < self.positions.span(node)[1]

    def _read_dotted(self, use: StringUse, value: str) -> None:
        resolved = resolve_dotted(value, self.relocations, self.facts)
        if resolved is None:
            if _PATH.fullmatch(value):
                self._read_longer(use.node, value)
            return
        looked_up = use.use is Use.RESOLVER
        certainty, why = Certainty.CERTAIN, "the whole string is a name that moves"
        if looked_up:
            why = f"{use.by} looks it up"
        elif "." not in value and ":" not in value:
            certainty, why = Certainty.MENTION, "a single word that is also a module's name"
        elif not resolved.exists:
            certainty, why = Certainty.LIKELY, resolved.why
        if use.use is Use.TASK_NAME:
            certainty, why = Certainty.MENTION, f"an explicit name given to {use.by} stays what it is"
        elif use.use is Use.TASK_REFERENCE:
            certainty, why = Certainty.LIKELY, "a task's name: it follows the module unless the task pins it"
        self._replace_whole(use.node, value, resolved.new, certainty, why)

    def _replace_whole(
        self, node: ast.Constant, value: str, new: str, certainty: Certainty, why: str
    ) -> None:
        """One reference for a constant that becomes `new`, in the part of it that holds the change."""
        parts = string_parts(self.text, self.positions, node)
        if parts is None:
            self._mention(node, value, new, f"{why}, but its place in the source is not certain")
            return
        if len(parts) > 1:
            self._replace_joined(node, parts, value, new, certainty, why)
            return
        part = parts[0]
        if part.text != part.value:
            certainty, why = certainty.at_most(Certainty.LIKELY), f"{why}; written with escapes"
        self._add(part.start, part.end, new, certainty, why)

    def _replace_joined(
        self,
        node: ast.Constant,
        parts: list[StringPart],
        value: str,
        new: str,
        certainty: Certainty,
        why: str,
    ) -> None:
        tail = _common_tail(value, new)
        changed = len(value) - len(tail)
        first = parts[0]
        if changed <= len(first.value) and first.text == first.value:
            kept = first.value[changed:]
            self._add(first.start, first.end, new[: len(new) - len(tail)] + kept, certainty, why)
            return
        between = self.text[first.end : parts[-1].start]
        if "#" in between or any(part.text != part.value for part in parts):
            self._mention(node, value, new, f"{why}, but it is written in parts")
            return
        certainty = certainty.at_most(Certainty.LIKELY)
        self._add(first.start, parts[-1].end, new, certainty, f"{why}; its parts are joined")

    # -- relative names ----------------------------------------------------------------------------------

    def _read_relative(self, use: StringUse, value: str, certainty: Certainty) -> None:
        match = _RELATIVE.fullmatch(value)
        if match is None:
            return
        if use.package is None:
            if not self.words.isdisjoint(match["name"].split(".")):
                self._mention(use.node, value, "", _UNKNOWN_PACKAGE)
            return
        base = _above(use.package, len(match["dots"]) - 1)
        if not base:
            return
        module = f"{base}.{match['name']}"
        symbol = (module, use.key)
        if use.key and symbol in self.relocations.moved_symbols and self.facts.symbol_exists(*symbol):
            new, new_name = self.relocations.moved_symbols[symbol]
            if new_name != use.key:
                self._mention(use.node, value, "", f"{use.key} becomes {new_name}: the map needs another key")
                return
        elif self.facts.module_exists(module):
            new = self.relocations.module(module) or module
        else:
            return
        spelled = self._relative_to(self._new_package(use.package), len(match["dots"]), new)
        if spelled != value:
            self._replace_whole(use.node, value, spelled, certainty, f"relative to {use.package}")

    def _new_package(self, package: str) -> str:
        if package == self.before.package:
            return self.after.package
        return self.relocations.module(package) or package

    @staticmethod
    def _relative_to(package: str, dots: int, module: str) -> str:
        base = _above(package, dots - 1)
        return "." * dots + module[len(base) + 1 :] if base and module.startswith(base + ".") else module

    def _read_lazy_part(self, use: StringUse, value: str) -> None:
        """A submodule of `lazy_loader.attach`: it can only be written below its package."""
        if use.package is None or not _DOTTED.fullmatch(value):
            return
        module = f"{use.package}.{value}"
        if not self.facts.module_exists(module):
            return
        new = self.relocations.module(module) or module
        package = self._new_package(use.package)
        if new == f"{package}.{value}":
            return
        if new.startswith(package + "."):
            why = "a submodule of a lazy loader"
            self._replace_whole(use.node, value, new[len(package) + 1 :], Certainty.CERTAIN, why)
        else:
            self._mention(use.node, value, "", f"a lazy loader cannot name {new}, which is outside {package}")

    # -- annotations, docstrings, longer text ------------------------------------------------------------

    def _read_annotation(self, node: ast.Constant, value: str) -> None:
        parts = string_parts(self.text, self.positions, node)
        exact = parts is not None and len(parts) == 1 and parts[0].text == value
        if parts is None or not exact:
            self._read_longer(node, value)
            return
        try:
            ast.parse(value.strip(), mode="eval")
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            self._read_longer(node, value)
            return
        self._read_type(parts[0].start, parts[0].end, "a quoted annotation")

    def _read_type(self, start: int, end: int, why: str) -> None:
        for first, last, new, exists in self._names(start, end):
            # Inside quotes it is an argument of Literal, or nested too deep to be judged here.
            if self.text[first - 1] in "\"'" and first > start:
                continue
            self._add(first, last, new, Certainty.CERTAIN if exists else Certainty.LIKELY, why)

    def _read_docstring(self, node: ast.Constant) -> None:
        start, end = self.positions.span(node)
        body = self.text[start:end]
        if "`" in body:
            for region in role_regions(body):
                name = body[region.start : region.end]
                resolved = resolve_dotted(name, self.relocations, self.facts)
                if resolved is not None:
                    place = (start + region.start, start + region.end)
                    self._add(*place, resolved.new, Certainty.LIKELY, "a Sphinx role in a docstring")
        self._read_statements(start, end, "an import in a docstring", only_doctests=True)
        self._mention_names(start, end, "a docstring")

    def _read_code(self, use: StringUse, value: str) -> None:
        """A constant that is run: names in it are names, as long as its source is its text."""
        start, end = self.positions.span(use.node)
        why = f"code for {use.by}"
        for part in string_parts(self.text, self.positions, use.node) or ():
            plain = part.text == part.value or _ESCAPE.sub("", part.text).find("\\") < 0
            certainty = Certainty.CERTAIN if plain else Certainty.LIKELY
            position = part.start
            for line in _CODE_LINE_END.split(part.text):
                self._read_statements(position, position + len(line), why, certainty=certainty)
                position += len(line) + 2
            for first, last, new, exists in self._names(part.start, part.end):
                # Quoted inside the code, it is a string in its own right.
                sure = exists and self.text[first - 1] not in "\"'"
                self._add(first, last, new, certainty if sure else Certainty.LIKELY, why)
        self._mention_names(start, end, "inside a longer string")

    def _read_statements(
        self,
        start: int,
        end: int,
        why: str,
        *,
        only_doctests: bool = False,
        certainty: Certainty = Certainty.LIKELY,
    ) -> None:
        for statement in _STATEMENT.finditer(self.text[start:end]):
            if only_doctests and not statement.group().lstrip().startswith((">>>", "...")):
                continue
            first = start + statement.start("code")
            last = self.text.find("\n", first, end)
            stop = end if last < 0 else last
            for edit in import_edits(self.text, first, stop, self.relocations, self.facts) or ():
                found = certainty if edit.new else Certainty.MENTION
                self._add(edit.start, edit.end, edit.new, found, edit.why or why)

    def _read_longer(self, node: ast.Constant, value: str) -> None:
        """A constant that is more than a name: code, a command, a path, or text."""
        start, end = self.positions.span(node)
        if len(value) <= _LONGEST_NAME and _PATH.fullmatch(value) and self._read_path(node, value):
            return
        if "import" in value:
            body = string_parts(self.text, self.positions, node)
            # The first line of a string stands behind its quotes, not at the start of a line of the file.
            if body is not None:
                certainty, why = Certainty.LIKELY, "an import in a string of code"
                if len(body) == 1 and body[0].text == value and _LONE_IMPORT.fullmatch(value):
                    certainty, why = Certainty.CERTAIN, "the whole string is an import statement"
                for part in body:
                    self._read_statements(part.start, part.end, why, certainty=certainty)
        is_code = "import " in value or bool(_COMMAND.search(value)) or not re.search(r"\s", value)
        if is_code:
            for first, last, new, exists in self._names(start, end):
                if exists or self._is_module(first, last):
                    self._add(first, last, new, Certainty.LIKELY, "inside a longer string")
        if "\\." in value:
            for first, last, new, exists in self._names(start, end):
                # A dot with a backslash is a dot and nothing else: the pattern is made for names.
                if "\\" in self.text[first:last] and self.text[last : last + 1] not in ("*", "+", "?", "{"):
                    certainty = Certainty.CERTAIN if exists else Certainty.LIKELY
                    self._add(first, last, new, certainty, "a name in a regular expression")
        self._mention_names(start, end, "inside a longer string")

    def _read_path(self, node: ast.Constant, value: str) -> bool:
        resolved = resolve_path(value, "", self.relocations, self.facts)
        if resolved is None or not resolved.new:
            return False
        certainty = Certainty.LIKELY if resolved.exact and "/" in value else Certainty.MENTION
        self._replace_whole(node, value, resolved.new, certainty, resolved.why or "a path of a moved file")
        return True

    def _is_module(self, start: int, end: int) -> bool:
        return self.facts.module_exists(self.text[start:end].partition(":")[0])

    def _mention_names(self, start: int, end: int, why: str) -> None:
        for first, last, new, _ in self._names(start, end):
            self._add(first, last, new, Certainty.MENTION, why)

    def _names(self, start: int, end: int) -> Iterator[tuple[int, int, str, bool]]:
        """(start, end, new name, whether it exists) of each name of two segments or more that moves."""
        text = self.text
        for index in range(bisect_left(self.starts, start), bisect_left(self.starts, end)):
            candidate = self.candidates[index]
            first, last = candidate.start, min(candidate.end - candidate.stars, end)
            if text[last : last + 1] in ("/", "@"):
                continue
            written = text[first:last]
            # In a regular expression the dots stand behind a backslash, or two when it is no raw string.
            dot = next((d for d in ("\\\\.", "\\.") if d in written), ".")
            if dot != ".":
                resolved = resolve_dotted(written.replace(dot, "."), self.relocations, self.facts)
                is_escaped = written.count(".") == written.count(dot)
                if resolved is not None and is_escaped and not candidate.stars:
                    yield first, last, resolved.new.replace(".", dot), resolved.exists
                continue
            name = written
            resolved = resolve_dotted(name, self.relocations, self.facts)
            if ":" in name and (resolved is None or not resolved.exists):
                name = name.partition(":")[0]
                last = first + len(name)
                resolved = resolve_dotted(name, self.relocations, self.facts)
            if resolved is not None and ("." in name or ":" in name) and not candidate.stars:
                yield first, last, resolved.new, resolved.exists

    # -- computed strings --------------------------------------------------------------------------------

    def _read_computed(self, node: ast.expr, constants: dict[str, str], is_looked_up: bool) -> None:
        pieces = computed_pieces(node, constants, self.before)
        written = "".join("\0" if piece is None else piece for piece, _ in pieces)
        if self.words.isdisjoint(re.split(r"\W+", written)):
            return
        line = node.lineno
        if all(piece is not None for piece, _ in pieces):
            self._read_constant_sum(node, [(p or "", c) for p, c in pieces], written, is_looked_up)
            return
        if re.fullmatch(r"[\w.:\0]*", written) and self._may_be_moved(written, is_looked_up):
            self._mention_computed(node, line)

    def _may_be_moved(self, written: str, is_looked_up: bool) -> bool:
        """Whether a name with unknown stretches (`\\0`) can be one that moves, by its start or its end."""
        start = written.partition("\0")[0].rstrip(".:")
        if start and resolve_dotted(start, self.relocations, self.facts) is not None:
            return True
        end = written.rpartition("\0")[2]
        if not end.startswith((".", ":")) and not (is_looked_up and end):
            return False
        segments = re.split(r"[.:]", end.lstrip(".:"))
        return any(
            module.split(".")[-size:] == segments[:size]
            and (size == len(segments) or self.facts.symbol_exists(module, segments[size]))
            for size in range(1, len(segments) + 1)
            for module in leaf_names(self.relocations).get(segments[size - 1], ())
        ) or self._ends_like_a_symbol(segments)

    def _ends_like_a_symbol(self, segments: list[str]) -> bool:
        """Whether the end is `.b.f` of a moved symbol `a.b:f`."""
        return any(
            segments[-1] == name and module.split(".")[1 - len(segments) :] == segments[:-1]
            for module, name in self.relocations.moved_symbols
            if len(segments) > 1
        )

    def _read_constant_sum(
        self, node: ast.expr, pieces: list[tuple[str, bool]], written: str, is_looked_up: bool
    ) -> None:
        if not _DOTTED.fullmatch(written):
            return
        resolved = resolve_dotted(written, self.relocations, self.facts)
        if resolved is None:
            return
        # A constant that names a module is rewritten where it stands: then the sum may be right already.
        settled = "".join(self._settled(piece) if is_name else piece for piece, is_name in pieces)
        if settled == resolved.new:
            return
        start, end = self.positions.span(node)
        why = f"put together from constants of this module: {written}"
        if any(self._settled(piece) != piece for piece, is_name in pieces if is_name):
            self.found.append(self._reference(start, end, "", Certainty.MENTION, why))
        else:
            # What a known call looks up is a name for sure, and all its parts are known here.
            certainty = Certainty.CERTAIN if is_looked_up and resolved.exists else Certainty.LIKELY
            self._add(start, end, f'"{resolved.new}"', certainty, why)

    def _settled(self, piece: str) -> str:
        resolved = resolve_dotted(piece, self.relocations, self.facts) if "." in piece else None
        return resolved.new if resolved is not None and resolved.exists else piece

    def _mention_computed(self, node: ast.expr, line: int) -> None:
        start, end = self.positions.span(node)
        why = f"line {line} puts a name together that may be one that moves"
        self.found.append(self._reference(start, end, "", Certainty.MENTION, why))

    # -- comments ----------------------------------------------------------------------------------------

    def _read_comments(self, strings: SpanSet) -> None:
        text = self.text
        if "#" not in text:
            return
        for first, last, new, exists in self._names(0, len(text)):
            if strings.covers(first):
                continue
            line_start = text.rfind("\n", 0, first) + 1
            mark = text.find("#", line_start, first)
            while mark >= 0 and strings.covers(mark):
                mark = text.find("#", mark + 1, first)
            if mark < 0:
                continue
            is_type = _TYPE_COMMENT.match(text, mark) is not None
            if is_type and text[first - 1] not in "\"'":
                certainty = Certainty.CERTAIN if exists else Certainty.LIKELY
                self._add(first, last, new, certainty, "a type comment")
            elif not is_type:
                self._add(first, last, new, Certainty.MENTION, "a comment")

    # -- results -----------------------------------------------------------------------------------------

    def _add(self, start: int, end: int, new: str, certainty: Certainty, why: str) -> None:
        if self.text[start:end] != new:
            self.found.append(self._reference(start, end, new, certainty, why))

    def _reference(self, start: int, end: int, new: str, certainty: Certainty, why: str) -> StringReference:
        return StringReference(self._line(start), start, end, self.text[start:end], new, certainty, why)

    def _mention(self, node: ast.Constant, value: str, new: str, why: str) -> None:
        start, end = self.positions.span(node)
        reference = self._reference(start, end, new, Certainty.MENTION, why)
        self.found.append(replace(reference, old=value))

    def _line(self, position: int) -> int:
        return bisect_right(self._line_starts, position)


def _common_tail(old: str, new: str) -> str:
    """The longest common end of two dotted names that begins at a separator."""
    size = 0
    while size < min(len(old), len(new)) and old[-1 - size] == new[-1 - size]:
        size += 1
    tail = old[len(old) - size :]
    separator = re.search(r"[.:]", tail)
    return tail[separator.start() :] if separator else ""


def _above(package: str, levels: int) -> str:
    for _ in range(levels):
        package = package.rpartition(".")[0]
    return package
