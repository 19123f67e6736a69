"""The part of a file that ends behind its last change: whole statements, so that it can be read alone."""

from __future__ import annotations

import ast

from analyzers.file_plan import FilePlan
from analyzers.parsed_files import ParsedFile


def leading_part(content: bytes, parsed: ParsedFile, plan: FilePlan) -> bytes:
    """The first bytes of a file, up to the statement at module level behind the last change of `plan`.

    What follows them is the same before and after. The whole content is returned where no such place exists
    or where the bytes before it would not be read as the same text.
    """
    if parsed.tree is None:
        return content
    text = parsed.source.text
    cut = _next_statement(parsed, parsed.tree, _last_changed(plan))
    # A backslash joins the lines above to what comes next.
    if cut is None or text[:cut].rstrip().endswith("\\"):
        return content
    part = parsed.source.encode(text[:cut])
    return part if content.startswith(part) else content


def _last_changed(plan: FilePlan) -> int:
    """The offset where the last change of a plan ends; 0 without changes."""
    ends = [change.end for change in plan.import_changes]
    ends += [edit.end for edit in plan.edits]
    return max(ends, default=0)


def _next_statement(parsed: ParsedFile, tree: ast.Module, position: int) -> int | None:
    """Where the line of a statement of the module begins: the first line of that kind behind `position`."""
    previous_line = 0
    for statement in tree.body:
        decorators = getattr(statement, "decorator_list", ())
        line = min((statement.lineno, *(d.lineno for d in decorators)))
        start = parsed.positions.line_start(line)
        if start >= position and line > previous_line > 0:
            return start
        assert statement.end_lineno is not None
        previous_line = statement.end_lineno
    return None
