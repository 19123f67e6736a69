"""A transformer that replaces import statements by their ordinal and enters nothing but statements."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import libcst as cst

from analyzers.import_rewriting import NewImport
from codemods._import_statements import edit_statement, is_import

#: Comments that tools read: a statement split off from a line needs them as much as what stays there.
_PRAGMA = re.compile(
    r"#\s*(noqa|type:\s*ignore|pylint:|isort:|pragma:|pyright:|mypy:|ruff:|fmt:|flake8:|nosec)"
)

_ENTERED = (
    cst.Module,
    cst.IndentedBlock,
    cst.FunctionDef,
    cst.ClassDef,
    cst.If,
    cst.Else,
    cst.For,
    cst.While,
    cst.Try,
    cst.TryStar,
    cst.ExceptHandler,
    cst.ExceptStarHandler,
    cst.Finally,
    cst.With,
    cst.Match,
    cst.MatchCase,
)


class ImportEditor(cst.CSTTransformer):
    """Applies `changes` (ordinal of the import statement in source order -> its names afterwards)."""

    def __init__(self, changes: Mapping[int, Sequence[NewImport]]) -> None:
        super().__init__()
        self.changes = changes
        self.seen = 0

    def on_visit(self, node: cst.CSTNode) -> bool:
        # Expressions hold no import statements: not entering them halves the cost of the walk.
        return isinstance(node, _ENTERED)

    def leave_SimpleStatementLine(
        self, original_node: cst.SimpleStatementLine, updated_node: cst.SimpleStatementLine
    ) -> cst.BaseStatement | cst.FlattenSentinel[cst.BaseStatement] | cst.RemovalSentinel:
        replaced = self._replace(updated_node.body)
        if replaced is None:
            return updated_node
        if len(updated_node.body) > 1:
            statements = _joined([s for group in replaced for s in group])
            return updated_node.with_changes(body=statements or [cst.Pass()])
        statements = replaced[0]
        if not statements:
            return self._remove(updated_node)
        first = updated_node.with_changes(body=[_like(updated_node.body[0], statements[0])])
        comment = updated_node.trailing_whitespace.comment
        pragma = comment is not None and _PRAGMA.match(comment.value)
        tail = updated_node.trailing_whitespace if pragma else cst.TrailingWhitespace()
        more = [cst.SimpleStatementLine(body=[s], trailing_whitespace=tail) for s in statements[1:]]
        return cst.FlattenSentinel([first, *more])

    def leave_SimpleStatementSuite(
        self, original_node: cst.SimpleStatementSuite, updated_node: cst.SimpleStatementSuite
    ) -> cst.SimpleStatementSuite:
        replaced = self._replace(updated_node.body)
        if replaced is None:
            return updated_node
        statements = _joined([s for group in replaced for s in group])
        return updated_node.with_changes(body=statements or [cst.Pass()])

    def leave_IndentedBlock(
        self, original_node: cst.IndentedBlock, updated_node: cst.IndentedBlock
    ) -> cst.IndentedBlock:
        if updated_node.body:
            return updated_node
        return updated_node.with_changes(body=[cst.SimpleStatementLine([cst.Pass()])])

    def _replace(self, body: Sequence[cst.BaseSmallStatement]) -> list[list[cst.BaseSmallStatement]] | None:
        """Per small statement what stands in its place, or None when the line stays as it is."""
        result: list[list[cst.BaseSmallStatement]] = []
        touched = False
        for statement in body:
            if not is_import(statement):
                result.append([statement])
                continue
            ordinal, self.seen = self.seen, self.seen + 1
            if ordinal not in self.changes:
                result.append([statement])
                continue
            touched = True
            result.append(list(edit_statement(statement, self.changes[ordinal])))
        return result if touched else None

    @staticmethod
    def _remove(line: cst.SimpleStatementLine) -> cst.SimpleStatementLine | cst.RemovalSentinel:
        comments = [e for e in line.leading_lines if e.comment is not None]
        if comments or line.trailing_whitespace.comment is not None:
            # What people wrote about the statement outlives it.
            return line.with_changes(body=[cst.Pass()])
        return cst.RemoveFromParent()


def _like(old: cst.BaseSmallStatement, new: cst.BaseSmallStatement) -> cst.BaseSmallStatement:
    """`new` with the semicolon of `old` (`import a;` at the end of a line)."""
    return new.with_changes(semicolon=old.semicolon)


def _joined(statements: list[cst.BaseSmallStatement]) -> list[cst.BaseSmallStatement]:
    """Small statements of one line, each but the last followed by a semicolon."""
    result = []
    for index, statement in enumerate(statements):
        if index < len(statements) - 1 and not isinstance(statement.semicolon, cst.Semicolon):
            semicolon = cst.Semicolon(whitespace_after=cst.SimpleWhitespace(" "))
            statement = statement.with_changes(semicolon=semicolon)
        result.append(statement)
    return result
