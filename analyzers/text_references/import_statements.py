"""Import statements in code that is not a Python file: Markdown and Sphinx code blocks, doctests, notebooks.

One statement in one line is rewritten so that it binds the same names as before. A statement whose names go
to different modules is reported: it would have to become two.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from analyzers.relocation_map import RelocationMap
from analyzers.text_references.reference import ProjectFacts

_FROM = re.compile(r"from[ \t]+(?P<module>\w[\w.]*)[ \t]+import[ \t]+(?P<names>[^#;\n\r\\]*)")
_IMPORT = re.compile(r"import[ \t]+(?P<names>\w[^#;\n\r\\]*)")
_NAME = re.compile(r"\s*(?P<name>\w[\w.]*|\*)(?:\s+as\s+(?P<alias>\w+))?\s*$")


@dataclass(frozen=True, slots=True)
class ImportEdit:
    """Characters `start` to `end` become `new`; empty: they name what moves, and `why` says why they stay."""

    start: int
    end: int
    new: str
    why: str = ""


def import_edits(
    text: str, start: int, end: int, relocations: RelocationMap, facts: ProjectFacts
) -> list[ImportEdit] | None:
    """What changes in the import statement at `start`; None when no import statement starts there."""
    statement = _FROM.match(text, start, end)
    if statement is not None:
        return _from_edits(text, statement, relocations, facts)
    plain = _IMPORT.match(text, start, end)
    return None if plain is None else _plain_edits(plain, relocations, facts)


def _from_edits(
    text: str, statement: re.Match[str], relocations: RelocationMap, facts: ProjectFacts
) -> list[ImportEdit]:
    module, body = statement["module"], statement["names"]
    start, stop = statement.start("module"), statement.end("module")
    opened, listed = body.lstrip().startswith("("), body.strip().strip("()")
    names = [m for part in listed.split(",") if part.strip() and (m := _NAME.match(part))]
    target = relocations.module(module) if facts.module_exists(module) else None
    if not names:
        # The names follow on other lines, or in another string; those of a module all go with it.
        return [ImportEdit(start, stop, target)] if target and (opened or not listed) else []
    moves = {_destination(module, target, m["name"], relocations, facts) for m in names}
    if len({new_module for new_module, _, _ in moves}) > 1:
        return [ImportEdit(start, stop, "", "the imported names go to different modules")]
    new_module = next(iter(moves))[0]
    if new_module == module and all(new == old for _, new, old in moves):
        return []
    if not new_module:
        return [ImportEdit(start, stop, "", "the module becomes a top-level module")]
    if all(new == old for _, new, old in moves):
        return [ImportEdit(start, stop, new_module)]
    if opened:
        return [ImportEdit(start, stop, "", "a name in parentheses changes")]
    renamed = []
    for match in names:
        _, new, old = _destination(module, target, match["name"], relocations, facts)
        alias = match["alias"] or (old if new != old else "")
        renamed.append(f"{new} as {alias}" if alias and alias != new else new)
    last = statement.start("names") + len(body.rstrip())
    between = text[stop : statement.start("names")]
    return [ImportEdit(start, last, f"{new_module}{between}{', '.join(renamed)}")]


def _destination(
    module: str, target: str | None, name: str, relocations: RelocationMap, facts: ProjectFacts
) -> tuple[str, str, str]:
    """(new module, new name, old name) of one imported name; it may be a submodule, a symbol or `*`."""
    full = f"{module}.{name}"
    if name != "*" and facts.module_exists(full):
        new_full = relocations.module(full) or full
        new_module, _, new_name = new_full.rpartition(".")
        return new_module, new_name, name
    if (module, name) in relocations.moved_symbols and facts.symbol_exists(module, name):
        return (*relocations.moved_symbols[module, name], name)
    return target or module, name, name


def _plain_edits(
    statement: re.Match[str], relocations: RelocationMap, facts: ProjectFacts
) -> list[ImportEdit]:
    found = []
    position = statement.start("names")
    for part in statement["names"].split(","):
        match = _NAME.match(part)
        if match is not None and facts.module_exists(match["name"]):
            target = relocations.module(match["name"])
            if target is not None:
                # `import b` binds `b`; `import a.b` binds `a`, and each use of `a.b` is a candidate itself.
                alias = "" if match["alias"] or "." in match["name"] else f" as {match['name']}"
                found.append(
                    ImportEdit(position + match.start("name"), position + match.end("name"), target + alias)
                )
        position += len(part) + 1
    return found
