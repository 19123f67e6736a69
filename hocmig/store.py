"""The only module that reads and writes artifacts: CSV, JSON and Markdown in the artifact folder."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from analyzers.csv_table import read_csv, render_csv
from analyzers.errors import InputError

__all__ = ["read_csv", "render_csv", "write_bytes", "write_csv", "write_json", "write_new_text", "write_text"]


def write_bytes(path: Path, content: bytes) -> None:
    """Write `content` to `path`, atomically, by a temporary file beside it; make missing folders."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def write_csv(path: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a CSV artifact: header, rows, `\\n` line ends; formula-like cells are prefixed with `'`."""
    write_bytes(path, render_csv(columns, rows).encode())


def write_json(path: Path, value: Any) -> None:
    """Write a JSON artifact, indented by two, keys in the order of the value, one newline at the end."""
    write_bytes(path, msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n")


def write_text(path: Path, text: str) -> None:
    write_bytes(path, text.encode("utf-8", "surrogateescape"))


def write_new_text(path: Path, text: str) -> None:
    """Write `text` to a file that must not exist yet, so that nothing a person wrote is lost.

    Raises:
        InputError: the file exists, or cannot be written.
    """
    if path.exists() or path.is_symlink():
        raise InputError(str(path), 0, "exists already", "remove it, or name another file")
    try:
        write_text(path, text)
    except OSError as error:
        raise InputError(str(path), 0, f"cannot be written: {error.strerror}", "name another file") from error
