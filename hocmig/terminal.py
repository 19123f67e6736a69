"""Everything that is printed: results on stdout, messages and progress on stderr."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

Advance = Callable[[int, int], None]

#: Seconds after which something that goes on is shown.
_DELAY = 0.7


@dataclass
class Terminal:
    """Output of one command. With `json`, stdout carries one JSON document and nothing else."""

    json: bool = False
    quiet: bool = False
    verbose: bool = False
    progress_allowed: bool = True
    _display: _Display | None = field(default=None, init=False, repr=False, compare=False)

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
        """A bar with rate and remaining time on stderr when it is a terminal.

        The caller reports (done, total). Nothing is shown for what ends within `_DELAY` seconds.
        """
        with self._task(title) as (bar, task):
            if bar is None:
                yield lambda done, total: None
                return
            started = time.monotonic()

            def advance(done: int, total: int) -> None:
                seconds = time.monotonic() - started
                rate = f"{done / seconds:,.0f}/s" if done and seconds else ""
                bar.update(task, completed=done, total=total, rate=rate)

            yield advance

    @contextlib.contextmanager
    def working(self, title: str) -> Iterator[None]:
        """Says on a terminal what is being done, and since when, where nobody can know how much is left."""
        with self._task(title):
            yield

    @contextlib.contextmanager
    def _task(self, title: str) -> Iterator[tuple[Any, Any]]:
        """A line of this terminal's display, which begins with the first task and ends with the last."""
        if not (self.progress_allowed and not self.quiet and sys.stderr.isatty()):
            yield None, None
            return
        outermost = self._display is None
        if self._display is None:
            self._display = _Display()
        display = self._display
        task = display.bar.add_task(title, total=None, rate="")
        try:
            yield display.bar, task
        finally:
            display.bar.remove_task(task)
            if outermost:
                self._display = None
                display.close()


class _Display:
    """Bars on stderr that appear after `_DELAY` seconds and leave no trace."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )

        self.bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=Console(file=sys.stderr),
            transient=True,
        )
        self._lock = threading.Lock()
        self._is_closed = False
        self._timer = threading.Timer(_DELAY, self._open)
        self._timer.daemon = True
        self._timer.start()

    def _open(self) -> None:
        with self._lock:
            if not self._is_closed:
                self.bar.start()

    def close(self) -> None:
        self._timer.cancel()
        with self._lock:
            self._is_closed = True
            self.bar.stop()
