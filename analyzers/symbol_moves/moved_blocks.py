"""The text of definitions as it stands in their new module: names spelled as that module binds them."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, field

from analyzers.import_changes import TextEdit
from analyzers.symbol_moves.module_items import Item, ItemUse, ModuleItems


class UnwritableNameError(Exception):
    """A use that must be changed stands where it cannot be found in the text; `line` is 1-based."""

    def __init__(self, name: str, line: int) -> None:
        super().__init__(name, line)
        self.name = name
        self.line = line


@dataclass(eq=False)
class MovedBlock:
    """One item on its way to another module: where it comes from, and the edits of its text."""

    module: str
    items: ModuleItems
    item: Item
    edits: list[TextEdit] = field(default_factory=list)

    @property
    def is_definition(self) -> bool:
        """Whether two blank lines belong around it."""
        return isinstance(self.item.node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))

    def text(self, newline: str) -> str:
        """The lines of the item with the edits, with line ends of the new module."""
        start = self.items.positions.line_start(self.item.first_line)
        end = self.items.positions.line_start(self.item.last_line + 1)
        source, position = self.items.source.text, start
        parts: list[str] = []
        for edit in sorted(self.edits, key=lambda e: e.start):
            parts += (source[position : edit.start], edit.text)
            position = edit.end
        parts.append(source[position:end])
        text = "".join(parts)
        if self.items.source.newlines - {newline}:
            text = re.sub(r"\r\n|\r|\n", newline, text)
        return text if text.endswith(newline) else text + newline

    def rename_use(self, use: ItemUse, text: str, depth: int = 0) -> None:
        """Replace a use up to its attribute `depth` by `text`.

        Raises:
            UnwritableNameError: the place cannot be found.
        """
        node, chain = use.use.node, use.use.chain
        words = (node.id, *(a.attr for a in chain[:depth]))
        last = chain[depth - 1] if depth else node
        try:
            start = self.items.positions.offset(node.lineno, node.col_offset)
            end = self.items.positions.offset(last.end_lineno or 0, last.end_col_offset or 0)
        except (IndexError, UnicodeDecodeError):
            raise UnwritableNameError(".".join(words), node.lineno) from None
        if self.items.source.text[start:end] != ".".join(words):
            raise UnwritableNameError(".".join(words), node.lineno)
        self.edits.append(TextEdit(start, end, text, node.lineno))

    def rename_binding(self, name: str, new: str) -> None:
        """Write another name where the item binds `name` at module level.

        Raises:
            UnwritableNameError: a binding that cannot be renamed.
        """
        positions, text = self.items.positions, self.items.source.text
        found = False
        for top in self.item.nodes:
            for node in ast.walk(top):
                span: tuple[int, int] | None = None
                if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                    if node.name == name and self._is_top(node):
                        begin = positions.offset(node.lineno, node.col_offset)
                        match = re.compile(r"(?:async\s+)?(?:def|class)\s+").match(text, begin)
                        span = (match.end(), match.end() + len(name)) if match else None
                        if span is None or text[span[0] : span[1]] != name:
                            raise UnwritableNameError(name, node.lineno)
                elif isinstance(node, ast.Name) and node.id == name:
                    if isinstance(node.ctx, ast.Load) or not self._is_top(node):
                        continue
                    span = positions.span(node)
                elif isinstance(node, ast.Global) and name in node.names:
                    raise UnwritableNameError(name, node.lineno)
                if span is not None:
                    found = True
                    self.edits.append(TextEdit(*span, new, self.item.node.lineno))
        if not found:
            raise UnwritableNameError(name, self.item.node.lineno)

    def _is_top(self, wanted: ast.AST) -> bool:
        """Whether a node stands in no function, class or lambda of the item."""
        stack: list[ast.AST] = list(self.item.nodes)
        while stack:
            node = stack.pop()
            if node is wanted:
                return True
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)):
                continue
            stack.extend(ast.iter_child_nodes(node))
        return False
