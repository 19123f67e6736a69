"""Suggestions as a draft of an audit workbook: records that nobody reviewed yet, each with its evidence.

The records are in the format that `hocmig manifest` reads. They carry `[ ]`, so that none of them moves
anything before a person writes an `x` there.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence

from analyzers.audit_decision import clean_path, moved_path
from analyzers.misplacement.suggestions import Suggestion
from analyzers.safe_path import path_problem

_PATHS_SHOWN = 5
#: What the workbook's reader would take for markup.
_MARKUP = re.compile(r"[`|\\\x00-\x1f\x7f-\x9f]")

_HEAD = """# Files that look misplaced

A draft by `hocmig suggest`: evidence, not decisions. The score says how clear a case is; 0 is the least that
is listed by default. For each record:

- the file belongs to the domain of its DECISION line: write an `x` between the brackets of its heading
- it belongs elsewhere: change the decision line, then write the `x`
- it stays: replace the decision by the file's own domain and ✓ (CONFIRMED), then write the `x`

Records that keep `[ ]` move nothing. Then: `hocmig manifest --workbook` with this file.
"""


def can_be_recorded(path: str) -> bool:
    """Whether a workbook can name the path: not one with markup, blanks at ends, `..`."""
    is_plain = clean_path(path) == unicodedata.normalize("NFC", path)
    return is_plain and not path_problem(path) and _MARKUP.search(path) is None


def render_draft(suggestions: Iterable[Suggestion], remarks: dict[str, tuple[str, ...]]) -> str:
    """The workbook's text; `remarks` are further sentences by path."""
    parts = [_HEAD]
    domain = None
    for one in sorted(suggestions, key=lambda s: (s.domain, -s.score, s.path)):
        if one.domain != domain:
            domain = one.domain
            parts.append(f"## {domain}\n")
        parts.append(_record(one, remarks.get(one.path, ())))
    if domain is None:
        parts.append("Nothing looks misplaced.\n")
    return "\n".join(parts)


def _record(one: Suggestion, remarks: Sequence[str]) -> str:
    rows = [
        ("Current Domain", one.domain),
        ("Layer", one.layer or "-"),
        (
            "Score",
            f"{one.score:.1f}" + (f" (next: {one.second[0]} {one.second[1]:.1f})" if one.second[0] else ""),
        ),
        ("Imported by", _shares(one.importers_there, one.importers_here, one.importers, one)),
        ("Imports", _shares(one.imports_there, one.imports_here, one.imports, one)),
        ("Importers there", _paths(one.importers_there)),
        ("Imported there", _paths(one.imports_there)),
        ("Ties here", _paths((*one.importers_here, *one.imports_here))),
        ("Words", _words(one)),
    ]
    table = "\n".join(f"| **{name}** | {_cell(value)} |" for name, value in rows)
    reason = " ".join(evidence_sentences(one, remarks))
    return (
        f"### [ ] `{one.inner_path}`\n\n| Attribute | Value |\n|-----------|-------|\n{table}\n\n"
        f"**DECISION:** `{one.target}` ⚠️ (MISPLACED)\n**Reason:** {_cell(reason)}\n"
    )


def evidence_sentences(one: Suggestion, remarks: Sequence[str] = ()) -> list[str]:
    """Why the file looks misplaced, in sentences for people; the strongest kind of evidence first."""
    found = []
    if one.importers_there:
        found.append(f"Imported by {_shares(one.importers_there, one.importers_here, one.importers, one)}.")
    if one.imports_there:
        found.append(f"Imports {_shares(one.imports_there, one.imports_here, one.imports, one)}.")
    if one.words:
        words = ", ".join(f'"{word}"' for word, _, _ in one.words[:3])
        found.append(f"Its names speak of {words}, as names of {one.target} do.")
    if not found:
        found.append(f"Its surroundings and libraries are those of {one.target}.")
    return [*found, *remarks]


def target_of(one: Suggestion) -> str:
    """Where the manifest would put the file, relative to the domain root."""
    return moved_path(one.inner_path, one.target)


def _shares(there: Sequence[str], here: Sequence[str], count: int, one: Suggestion) -> str:
    return f"{len(there)} of {one.target} and {len(here) or 'none'} of {one.domain} ({count} in all)"


def _paths(paths: Sequence[str]) -> str:
    if not paths:
        return "none"
    more = f" and {len(paths) - _PATHS_SHOWN} more" if len(paths) > _PATHS_SHOWN else ""
    return ", ".join(paths[:_PATHS_SHOWN]) + more


def _words(one: Suggestion) -> str:
    return ", ".join(f"{word} ({there} there, {here} here)" for word, there, here in one.words) or "none"


def _cell(text: str) -> str:
    return _MARKUP.sub("?", text)
