"""The only module that reads and writes artifacts: CSV, JSON and Markdown in the artifact folder."""

from __future__ import annotations

import csv
import io
import os
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from analyzers.errors import InputError

#: A cell that starts like this is run as a formula by spreadsheets (OWASP, "CSV injection").
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def write_bytes(path: Path, content: bytes) -> None:
    """Write `content` to `path` by a temporary file beside it and an atomic replace; makes missing folders."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.chmod(name, 0o644)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def write_csv(path: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a CSV artifact: header, rows, `\\n` line ends; formula-like cells are prefixed with `'`."""
    write_bytes(path, render_csv(columns, rows).encode())


def render_csv(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_safe(cell) for cell in row])
    return buffer.getvalue()


def read_csv(path: Path, required: Sequence[str], *, shown_as: str = "") -> list[tuple[int, dict[str, str]]]:
    """The rows of a CSV artifact as (1-based line, column -> text); undoes the formula prefix.

    Raises:
        InputError: the file is missing, unreadable, not UTF-8, no CSV, or lacks a required column.
    """
    name = shown_as or str(path)
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise InputError(name, 0, f"cannot be read: {error.strerror}", "run the phase that writes it") from error
    except UnicodeDecodeError as error:
        raise InputError(name, 0, "is not UTF-8", "save it as UTF-8") from error
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    rows: list[tuple[int, dict[str, str]]] = []
    try:
        header = next(reader, None)
        if not header:
            raise InputError(name, 1, "is empty", f"it needs the columns {', '.join(required)}")
        missing = [column for column in required if column not in header]
        if missing:
            raise InputError(name, 1, f"lacks the column {', '.join(missing)}", "write the file again")
        for cells in reader:
            if not cells:
                continue
            if len(cells) != len(header):
                raise InputError(
                    name, reader.line_num, f"has {len(cells)} cells, the header has {len(header)}", "mend the row"
                )
            rows.append((reader.line_num, dict(zip(header, map(_plain, cells), strict=True))))
    except csv.Error as error:
        raise InputError(name, reader.line_num, f"is no CSV: {error}", "mend the line") from error
    return rows


def write_json(path: Path, value: Any) -> None:
    """Write a JSON artifact, indented by two, keys in the order of the value, one newline at the end."""
    write_bytes(path, msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n")


def write_text(path: Path, text: str) -> None:
    write_bytes(path, text.encode("utf-8", "surrogateescape"))


def _safe(cell: object) -> str:
    text = str(cell)
    return "'" + text if text.startswith(_FORMULA_STARTS) and text not in ("-", "+") else text


def _plain(cell: str) -> str:
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(_FORMULA_STARTS) else cell
