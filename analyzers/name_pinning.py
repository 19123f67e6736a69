"""Edits that pin the old name of what would be known by another one after a move.

A task keeps `name="old.module.function"`, a task class an attribute `name`, a Django application an attribute
`label`. Only where the place is plain: a decorator of a task queue whose keyword is `name`, a class body of
its own lines. What is not pinned stays a finding of `identity_findings`.

Source: import-rewriting case 48. That the keyword is called `name`: the references of Celery (`app.task`,
`shared_task`), Huey (`task`, `periodic_task`, `db_task`), procrastinate (`App.task`).
"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection
from dataclasses import replace

from analyzers.identity_findings import (
    NAME_KEYWORDS,
    TASK_DECORATORS,
    app_label,
    assigned_names,
    has_own_name,
)
from analyzers.import_changes import TextEdit
from analyzers.layout import ModuleName
from analyzers.python_string_uses import call_name
from analyzers.text_positions import TextPositions
from analyzers.text_references.reference import Certainty, Reference

KEPT = "the task keeps this name"

_DOTTED = re.compile(r"\w+(?:\.\w+)*")
#: Decorators that take the task's name as `name`; those of RQ and APScheduler do not.
_PINNABLE = frozenset({"task", "shared_task", "periodic_task", "db_task", "db_periodic_task"})


def pin_edits(
    text: str, tree: ast.Module, *, before: ModuleName, after: ModuleName
) -> tuple[tuple[TextEdit, ...], frozenset[tuple[str, int]]]:
    """The edits of a module that is called `before` and will be called `after`, and what they settle.

    The second part are (finding code, 1-based line of the definition) of the findings that no longer hold.
    """
    positions = TextPositions(text)
    edits: list[TextEdit] = []
    settled: set[tuple[str, int]] = set()
    if before.name == after.name:
        return (), frozenset()
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            edit = _pinned_task(text, node, before.name, positions)
            if edit is not None:
                edits.append(edit)
                settled.add(("IDENT001", node.lineno))
        elif isinstance(node, ast.ClassDef):
            for code, name, value in _class_pins(node, before, after):
                edit = _attribute(text, node, name, value, positions)
                if edit is not None:
                    edits.append(edit)
                    settled.add((code, node.lineno))
    return tuple(edits), frozenset(settled)


def kept_task_names(text: str, tree: ast.Module, module: str, *, pins: bool) -> frozenset[str]:
    """The names of a module's tasks that do not follow it: explicit ones, and with `pins` those to be pinned.

    Settings and schedules that name such a task must go on doing so.
    """
    found = set()
    positions = TextPositions(text)
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            found.update(_explicit_names(node.decorator_list))
            if pins and _pinned_task(text, node, module, positions) is not None:
                found.add(f"{module}.{node.name}")
        elif isinstance(node, ast.ClassDef) and any(_last(base) == "Task" for base in node.bases):
            value = assigned_names(node).get("name")
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                found.add(value.value)
            elif pins and value is None and _attribute(text, node, "name", "", positions) is not None:
                found.add(f"{module}.{node.name}")
    return frozenset(name for name in found if "." in name)


def is_kept_name(text: str, start: int, kept: Collection[str]) -> bool:
    """Whether the dotted name that begins at `start` in `text` is one of `kept`."""
    match = _DOTTED.match(text, start)
    return match is not None and match[0] in kept


def without_kept_names(
    content: bytes, references: tuple[Reference, ...], kept: Collection[str]
) -> tuple[Reference, ...]:
    """The references in a file with these bytes; those that name one of `kept` become mentions."""
    if not kept or not references:
        return references
    # One character per byte, so that the offsets hold; a name that is not ASCII is not found.
    text = content.decode("latin-1")
    return tuple(
        replace(r, certainty=Certainty.MENTION, why=KEPT) if is_kept_name(text, r.start, kept) else r
        for r in references
    )


def _explicit_names(decorators: list[ast.expr]) -> set[str]:
    return {
        k.value.value
        for d in decorators
        if isinstance(d, ast.Call) and _last(d.func) in TASK_DECORATORS
        for k in d.keywords
        if k.arg in NAME_KEYWORDS and isinstance(k.value, ast.Constant) and isinstance(k.value.value, str)
    }


def _last(node: ast.expr) -> str:
    return call_name(node).rpartition(".")[2]


def _pinned_task(
    text: str, node: ast.FunctionDef | ast.AsyncFunctionDef, module: str, positions: TextPositions
) -> TextEdit | None:
    for decorator in node.decorator_list:
        called = decorator.func if isinstance(decorator, ast.Call) else decorator
        if call_name(called).rpartition(".")[2] not in _PINNABLE or has_own_name(decorator):
            continue
        pin = f'name="{module}.{node.name}"'
        _, end = positions.span(decorator)
        if not isinstance(decorator, ast.Call):
            return TextEdit(end, end, f"({pin})", decorator.lineno)
        if any(k.arg is None for k in decorator.keywords):
            # `**options` may hold a name already.
            return None
        parts = [*decorator.args, *(k.value for k in decorator.keywords)]
        if not parts:
            return TextEdit(end - 1, end - 1, pin, decorator.lineno)
        at = _after_value(text, max(positions.span(part)[1] for part in parts), end - 1)
        return TextEdit(at, at, f", {pin}", decorator.lineno)
    return None


def _after_value(text: str, at: int, end: int) -> int:
    """Behind the parentheses that stand around the last argument; `end` is where the call's own closes."""
    position = at
    while position < end:
        if text[position] == ")":
            at = position + 1
        elif text[position] == "#":
            while position < end and text[position] not in "\r\n":
                position += 1
            continue
        elif text[position] == ",":
            break
        position += 1
    return at


def _class_pins(node: ast.ClassDef, before: ModuleName, after: ModuleName) -> list[tuple[str, str, str]]:
    """(finding code, attribute, its value) of a class that is known by its module."""
    bases = {call_name(base).rpartition(".")[2] for base in node.bases}
    assigned = assigned_names(node)
    if "Task" in bases and "name" not in assigned:
        return [("IDENT001", "name", f"{before.name}.{node.name}")]
    if "AppConfig" in bases and "label" not in assigned:
        label = app_label(assigned.get("name"), before)
        if label != app_label(None, after):
            return [("IDENT005", "label", label)]
    return []


def _attribute(
    text: str, node: ast.ClassDef, name: str, value: str, positions: TextPositions
) -> TextEdit | None:
    """A line `name = "value"` before the first statement of the class, its docstring aside."""
    body = node.body
    has_docstring = (
        isinstance(body[0], ast.Expr)
        and isinstance(body[0].value, ast.Constant)
        and isinstance(body[0].value.value, str)
    )
    if has_docstring and len(body) == 1:
        return None
    first = body[1] if has_docstring else body[0]
    decorators = getattr(first, "decorator_list", ())
    line = min((first.lineno, *(d.lineno for d in decorators)))
    start = positions.line_start(line)
    indent = text[start : positions.offset(first.lineno, first.col_offset)] if line == first.lineno else ""
    if line != first.lineno:
        indent = text[start : start + len(text[start:]) - len(text[start:].lstrip(" \t"))]
    if indent.strip(" \t") or line == node.lineno:
        # `class A: x = 1`, or more than one statement in the line.
        return None
    newline = "\r\n" if text[start - 2 : start] == "\r\n" else text[start - 1 : start]
    return TextEdit(start, start, f'{indent}{name} = "{value}"{newline}', line)
