"""The changes of one file as they are planned: import statements by number, and spans of text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from analyzers.import_changes import ImportChange, TextEdit
from analyzers.model import Finding
from analyzers.source import Source

if TYPE_CHECKING:
    from analyzers.string_search import StringReference


@dataclass(frozen=True)
class FilePlan:
    """The changes of one file.

    `edits` are spans of the decoded text, sorted and apart; `import_changes` go by ordinal of the statement.
    A finding of severity `error` says that the file refers to what moves but cannot be changed safely.
    `strings` are all hits in strings and type comments, those that are left as they are, too.
    """

    source: Source
    import_changes: tuple[ImportChange, ...] = ()
    edits: tuple[TextEdit, ...] = ()
    findings: tuple[Finding, ...] = ()
    strings: tuple[StringReference, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.import_changes or self.edits)

    @property
    def edited_text(self) -> str:
        """The text with the spans replaced; import statements are as before."""
        parts: list[str] = []
        position = 0
        for edit in self.edits:
            parts += (self.source.text[position : edit.start], edit.text)
            position = edit.end
        parts.append(self.source.text[position:])
        return "".join(parts)
