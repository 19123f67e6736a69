"""What every part of the planning for one file works on: its names before and after, the tree, the map."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

from analyzers.import_spelling import spell_base
from analyzers.layout import ModuleName
from analyzers.model import Finding
from analyzers.name_resolution import NameResolver
from analyzers.relocation_map import RelocationMap
from analyzers.text_positions import TextPositions


@dataclass
class RewriteContext:
    """One file under one relocation map; findings are gathered in order of their making.

    `before` is the file's module name when its text was written, `after` the one when the move is done;
    `resolver` answers for the tree before the move.
    """

    path: str
    positions: TextPositions
    before: ModuleName
    after: ModuleName
    resolver: NameResolver
    relocations: RelocationMap
    findings: list[Finding] = field(default_factory=list)

    @cached_property
    def moves(self) -> Moves:
        return moves_of(self.relocations)

    def report(self, code: str, severity: str, line: int, message: str, mend: str = "") -> None:
        finding = Finding(code=code, severity=severity, path=self.path, line=line, message=message, mend=mend)
        if finding not in self.findings:
            self.findings.append(finding)

    def new(self, module: str) -> str:
        """The name of a module when the move is done."""
        return self.relocations.module(module) or module

    def spell(self, module: str, level: int) -> str:
        """A module as it is written behind `from` in this file, see `spell_base`."""
        return spell_base(module, level, self.after)

    def is_listed(self, name: str) -> bool:
        """Whether the file's literal `__all__` has the name."""
        record = self.resolver.facts.record_of(self.before.name)
        return record is not None and record.exports is not None and name in record.exports

    def is_wanted(self, name: str) -> bool:
        """Whether other files get the module-level `name` from this one, or `__all__` promises it."""
        return self.is_listed(name) or name in self.resolver.wanted_from(self.before.name)

    def has_comment(self, first_line: int, last_line: int) -> bool:
        """Whether a `#` stands on one of the lines (1-based, both included)."""
        start = self.positions.line_start(first_line)
        return "#" in self.positions.text[start : self.positions.line_start(last_line + 1)]


@dataclass(frozen=True)
class Moves:
    """Tables of a relocation map that a planner needs for every file.

    `last_words` are the last segments of moved modules and the moved symbols; `symbols_of` the moved symbols
    by the module that they leave; `inverse` leads back, None when the map merges names.
    """

    modules: Mapping[str, str]
    symbols: Mapping[tuple[str, str], tuple[str, str]]
    last_words: frozenset[str]
    symbols_of: Mapping[str, tuple[str, ...]]
    inverse: RelocationMap | None


@lru_cache(maxsize=8)
def moves_of(relocations: RelocationMap) -> Moves:
    """The tables of a map, made once."""
    modules, symbols = relocations.moved_modules, relocations.moved_symbols
    by_module: dict[str, list[str]] = {}
    for module, name in symbols:
        by_module.setdefault(module, []).append(name)
    inverse = None if relocations.allow_merges else relocations.inverse()
    words = {module.rpartition(".")[2] for module in modules} | {name for _, name in symbols}
    tables = {module: tuple(sorted(names)) for module, names in by_module.items()}
    return Moves(modules, symbols, frozenset(words), tables, inverse)
