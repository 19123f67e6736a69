"""rope as the mover of definitions: plain moves are carried out by it, in files prepared for that.

rope cuts a definition with its decorators and comments and inserts it elsewhere. What it does besides
(imports removed, reordered, imported back from the source) is what it gets wrong, so it works on files that
hold the definitions alone, and its result is compared with the plan. The only module that uses rope.

Source: the notes on rope, moving symbols, 2, 4, 5, 6, 7, 12 and 13.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from analyzers.symbol_moves.move_context import PlainMove


@dataclass(frozen=True)
class RopeOutcome:
    """`agreed` are the moves whose definition rope moved as planned, `differing` the others with a reason."""

    agreed: tuple[PlainMove, ...]
    differing: tuple[tuple[PlainMove, str], ...]


def move_with_rope(moves: Iterable[PlainMove], state: Path) -> RopeOutcome:
    """Let rope move each definition out of a file with all that leave its source, into an empty one.

    Args:
        state: a folder of ours in which a private temporary folder is made and removed.
    """
    by_source: dict[str, list[PlainMove]] = {}
    for move in moves:
        by_source.setdefault(move.source, []).append(move)
    agreed: list[PlainMove] = []
    differing: list[tuple[PlainMove, str]] = []
    if by_source:
        with _project(state) as project:
            for number, group in enumerate(by_source.values()):
                for move, problem in _move_group(project, number, group):
                    if problem:
                        differing.append((move, problem))
                    else:
                        agreed.append(move)
    return RopeOutcome(tuple(agreed), tuple(differing))


@contextmanager
def _project(state: Path) -> Iterator[Any]:
    from rope.base.fscommands import FileSystemCommands
    from rope.base.project import Project

    state.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=state, prefix="rope-") as folder:
        # One project for all moves: making one costs more than a move (the notes on rope, 12).
        project = Project(  # type: ignore[no-untyped-call]
            folder,
            fscommands=FileSystemCommands(),
            ropefolder=None,
            automatic_soa=False,
            ignore_syntax_errors=True,
            preferred_import_style="from-global",
        )
        try:
            yield project
        finally:
            project.close()  # type: ignore[no-untyped-call]


def _move_group(project: Any, number: int, group: list[PlainMove]) -> Iterator[tuple[PlainMove, str]]:
    """Each move with what went wrong, or an empty text."""
    from rope.base.exceptions import RopeError
    from rope.refactor.move import create_move

    source = project.root.create_file(f"source_{number}.py")
    goal = project.root.create_file(f"goal_{number}.py")
    source.write("\n\n".join(_plain(move.text) for move in group))
    for move in group:
        text = source.read()
        offset = _offset(text, move.name)
        if offset is None:
            yield move, "its definition was not found"
            continue
        before = goal.read()
        try:
            mover = create_move(project, source, offset)  # type: ignore[no-untyped-call]
            project.do(mover.get_changes(goal, resources=[source, goal]))
        except (RopeError, AttributeError, IndexError, ValueError, RecursionError) as error:
            # rope ends in errors of its own on code that it does not expect (the notes on rope, 8).
            yield move, f"{type(error).__name__}: {error}"
            continue
        after = goal.read()
        yield move, "" if _plain(move.text).strip("\n") in after else "it moved other lines"
        goal.write(before)


def _plain(text: str) -> str:
    return re.sub(r"\r\n|\r", "\n", text)


def _offset(text: str, name: str) -> int | None:
    """The offset of the name where it is defined at module level."""
    word = re.escape(name)
    pattern = rf"^(?:(?:async[ \t]+)?def[ \t]+|class[ \t]+)({word})\b|^({word})[ \t]*(?::[^=\n]+)?="
    found = re.search(pattern, text, re.MULTILINE)
    if found is None:
        return None
    return found.start(1) if found[1] else found.start(2)
