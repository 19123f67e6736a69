"""The values of an import plan: what becomes of import statements and of dotted uses in one file."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from analyzers.model import Finding


@dataclass(frozen=True, slots=True)
class NewImport:
    """One alias after the rewriting.

    `base` is None for a plain `import name`, else the text between `from` and `import`, dots included.
    `alias_index` is the alias of the old statement that it replaces (comments stay with it), or None.
    """

    base: str | None
    name: str
    asname: str | None = None
    alias_index: int | None = None

    @property
    def key(self) -> tuple[str | None, str, str | None]:
        """What it imports under which name, wherever it stands."""
        return self.base, self.name, None if self.asname == self.name and self.base is None else self.asname

    @property
    def local(self) -> str:
        """The name that it binds."""
        return self.asname or (self.name if self.base is not None else self.name.partition(".")[0])


@dataclass(frozen=True, slots=True)
class ImportChange:
    """What becomes of one import statement: its aliases in order; empty means that the statement goes.

    `start` and `end` are the statement's span in the decoded text (0-based characters, end excluded), `old`
    its aliases as they are. `empties_block` says that without the statement its block would hold nothing.
    """

    ordinal: int
    line: int
    start: int
    end: int
    old: tuple[NewImport, ...]
    imports: tuple[NewImport, ...]
    empties_block: bool = False


@dataclass(frozen=True, slots=True)
class TextEdit:
    """Replace the characters `start` to `end` (0-based, end excluded) of the decoded text."""

    start: int
    end: int
    text: str
    line: int


@dataclass(frozen=True)
class ImportPlan:
    """The changes of one file; a finding of severity `error` means that it cannot be changed safely."""

    import_changes: tuple[ImportChange, ...] = ()
    text_edits: tuple[TextEdit, ...] = ()
    findings: tuple[Finding, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.import_changes or self.text_edits)


def written_imports(node: ast.Import | ast.ImportFrom) -> tuple[NewImport, ...]:
    """The aliases of a statement as they are written."""
    base = "." * node.level + (node.module or "") if isinstance(node, ast.ImportFrom) else None
    return tuple(NewImport(base, a.name, a.asname, index) for index, a in enumerate(node.names))
