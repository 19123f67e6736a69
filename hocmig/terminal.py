"""Everything that is printed: results on stdout, messages and progress on stderr."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

Advance = Callable[[int, int], None]


@dataclass
class Terminal:
    """Output of one command. With `json`, stdout carries one JSON document and nothing else."""

    json: bool = False
    quiet: bool = False
    verbose: bool = False
    progress_allowed: bool = True

    def say(self, text: str) -> None:
        """A line for people, on stdout (on stderr with --json); nothing with --quiet."""
        if not self.quiet:
            print(text, file=sys.stderr if self.json else sys.stdout)

    def result(self, text: str) -> None:
        """Text that is the answer (a diff, a report): on stdout even with --quiet, never with --json."""
        if not self.json:
            sys.stdout.write(text if text.endswith("\n") or not text else text + "\n")

    def warn(self, text: str) -> None:
        print(f"warning: {text}", file=sys.stderr)

    def note(self, text: str) -> None:
        """A line about the work, on stderr, so that a diff on stdout stays one; nothing with --quiet."""
        if not self.quiet:
            print(text, file=sys.stderr)

    def detail(self, text: str) -> None:
        if self.verbose:
            print(text, file=sys.stderr)

    def document(self, value: Any) -> None:
        """The result as one JSON document on stdout, when --json asks for it."""
        if self.json:
            sys.stdout.write(msgspec.json.format(msgspec.json.encode(value), indent=2).decode() + "\n")

    def table(self, title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """A table for people on stdout; nothing with --json or --quiet."""
        if self.json or self.quiet:
            return
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text

        table = Table(title=title or None, title_justify="left")
        for column in columns:
            # Folded rather than cut off: a path that ends in dots cannot be used.
            table.add_column(column, overflow="fold")
        for row in rows:
            table.add_row(*(Text(cell) for cell in row))
        Console(file=sys.stdout, soft_wrap=not sys.stdout.isatty()).print(table)

    @contextlib.contextmanager
    def progress(self, title: str) -> Iterator[Advance]:
        """A bar on stderr when it is a terminal; the caller reports (done, total)."""
        if not (self.progress_allowed and not self.quiet and sys.stderr.isatty()):
            yield lambda done, total: None
            return
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )

        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=Console(file=sys.stderr), transient=True) as bar:
            task = bar.add_task(title, total=None)
            yield lambda done, total: bar.update(task, completed=done, total=total)
