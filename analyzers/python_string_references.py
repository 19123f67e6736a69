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

from analyzers.computed_string_references import ComputedStrings
from analyzers.layout import ModuleName
from analyzers.parsed_files import ParsedFile
from analyzers.python_string_spans import SpanSet, StringPart, merged, string_parts
from analyzers.python_string_uses import Collected, StringUse, Use, collect_strings
from analyzers.relocation_map import RelocationMap
from analyzers.string_search import StringReference, StringSearch, leaf_names
from analyzers.text_references.candidates import dotted_inside, pattern_of
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
    search = StringSearch(text, parsed.positions, before, after, relocations, facts, names)
    _Finder(search).read(collect_strings(parsed.tree, before.package or None))
    return _apart(search.found)


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


def _apart(found: list[StringReference]) -> tuple[StringReference, ...]:
    """Sorted; of two that overlap the surer one, then the longer one."""
    chosen: list[StringReference] = []
    for reference in sorted(found, key=lambda r: (r.start, r.certainty.rank, -r.end)):
        if not chosen or reference.start >= chosen[-1].end:
            chosen.append(reference)
    return tuple(chosen)


class _Finder:
    """Reads the strings and comments of one file, each by what it is used for."""

    def __init__(self, search: StringSearch) -> None:
        self.search = search
        self.text = search.text
        self.positions = search.positions
        self.before = search.before
        self.after = search.after
        self.relocations = search.relocations
        self.facts = search.facts

    def read(self, collected: Collected) -> None:
        spans: list[tuple[int, int]] = []
        for use in collected.strings:
            spans.append(self.positions.span(use.node))
            self._read_use(use)
        spans += (self.positions.span(node) for node in collected.joined)
        computed = ComputedStrings(self.search)
        for node, is_looked_up in collected.computed:
            computed.read(node, collected.constants, is_looked_up)
        self._read_comments(merged(spans))

    # -- constants ---------------------------------------------------------------------------------------

    def _read_use(self, use: StringUse) -> None:
        value = str(use.node.value)
        is_anchored = use.use in (Use.RELATIVE, Use.LAZY_VALUE, Use.LAZY_PART)
        if not is_anchored and not self.search.has_candidate(use.node):
            return
        # A relative name in a file that moves may have to change although its target does not.
        stays = self.before == self.after or not is_anchored
        if stays and self.search.words.isdisjoint(re.split(r"\W+", value)):
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
            self.search.mention(node, value, new, f"{why}, but its place in the source is not certain")
            return
        if len(parts) > 1:
            self._replace_joined(node, parts, value, new, certainty, why)
            return
        part = parts[0]
        if part.text != part.value:
            certainty, why = certainty.at_most(Certainty.LIKELY), f"{why}; written with escapes"
        self.search.add(part.start, part.end, new, certainty, why)

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
            self.search.add(first.start, first.end, new[: len(new) - len(tail)] + kept, certainty, why)
            return
        between = self.text[first.end : parts[-1].start]
        if "#" in between or any(part.text != part.value for part in parts):
            self.search.mention(node, value, new, f"{why}, but it is written in parts")
            return
        certainty = certainty.at_most(Certainty.LIKELY)
        self.search.add(first.start, parts[-1].end, new, certainty, f"{why}; its parts are joined")

    # -- relative names ----------------------------------------------------------------------------------

    def _read_relative(self, use: StringUse, value: str, certainty: Certainty) -> None:
        match = _RELATIVE.fullmatch(value)
        if match is None:
            return
        if use.package is None:
            if not self.search.words.isdisjoint(match["name"].split(".")):
                self.search.mention(use.node, value, "", _UNKNOWN_PACKAGE)
            return
        base = _above(use.package, len(match["dots"]) - 1)
        if not base:
            return
        module = f"{base}.{match['name']}"
        symbol = (module, use.key)
        if use.key and symbol in self.relocations.moved_symbols and self.facts.symbol_exists(*symbol):
            new, new_name = self.relocations.moved_symbols[symbol]
            if new_name != use.key:
                self.search.mention(
                    use.node, value, "", f"{use.key} becomes {new_name}: the map needs another key"
                )
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
            self.search.mention(
                use.node, value, "", f"a lazy loader cannot name {new}, which is outside {package}"
            )

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
        for first, last, new, exists in self.search.names(start, end):
            # Inside quotes it is an argument of Literal, or nested too deep to be judged here.
            if self.text[first - 1] in "\"'" and first > start:
                continue
            self.search.add(first, last, new, Certainty.CERTAIN if exists else Certainty.LIKELY, why)

    def _read_docstring(self, node: ast.Constant) -> None:
        start, end = self.positions.span(node)
        body = self.text[start:end]
        if "`" in body:
            for region in role_regions(body):
                name = body[region.start : region.end]
                resolved = resolve_dotted(name, self.relocations, self.facts)
                if resolved is not None:
                    place = (start + region.start, start + region.end)
                    self.search.add(*place, resolved.new, Certainty.LIKELY, "a Sphinx role in a docstring")
        self._read_statements(start, end, "an import in a docstring", only_doctests=True)
        self.search.mention_names(start, end, "a docstring")

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
            for first, last, new, exists in self.search.names(part.start, part.end):
                # Quoted inside the code, it is a string in its own right.
                sure = exists and self.text[first - 1] not in "\"'"
                self.search.add(first, last, new, certainty if sure else Certainty.LIKELY, why)
        self.search.mention_names(start, end, "inside a longer string")

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
                self.search.add(edit.start, edit.end, edit.new, found, edit.why or why)

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
            for first, last, new, exists in self.search.names(start, end):
                if exists or self.search.is_module(first, last):
                    self.search.add(first, last, new, Certainty.LIKELY, "inside a longer string")
        if "\\." in value:
            for first, last, new, exists in self.search.names(start, end):
                # A dot with a backslash is a dot and nothing else: the pattern is made for names.
                if "\\" in self.text[first:last] and self.text[last : last + 1] not in ("*", "+", "?", "{"):
                    certainty = Certainty.CERTAIN if exists else Certainty.LIKELY
                    self.search.add(first, last, new, certainty, "a name in a regular expression")
        self.search.mention_names(start, end, "inside a longer string")

    def _read_path(self, node: ast.Constant, value: str) -> bool:
        resolved = resolve_path(value, "", self.relocations, self.facts)
        if resolved is None or not resolved.new:
            return False
        certainty = Certainty.LIKELY if resolved.exact and "/" in value else Certainty.MENTION
        self._replace_whole(node, value, resolved.new, certainty, resolved.why or "a path of a moved file")
        return True

    # -- comments ----------------------------------------------------------------------------------------

    def _read_comments(self, strings: SpanSet) -> None:
        text = self.text
        if "#" not in text:
            return
        for first, last, new, exists in self.search.names(0, len(text)):
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
                self.search.add(first, last, new, certainty, "a type comment")
            elif not is_type:
                self.search.add(first, last, new, Certainty.MENTION, "a comment")


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
