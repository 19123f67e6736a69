"""CSV as all artifacts use it: UTF-8, `\\n` line ends, formula-like cells made harmless; read without trust.

Source of the formula rule: OWASP, "CSV injection": a cell that starts with one of `= + - @`, a tab or a
carriage return is run as a formula by spreadsheets. Such a cell gets a `'` before it, which reading removes.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path

from analyzers.errors import InputError

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")

#: Larger tables were not written by this tool; the limit keeps rubbish cheap to refuse.
MAX_BYTES = 64 << 20


def render_csv(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """The text of a table: header and rows, quoted where needed."""
    lines = [",".join(map(_quoted, columns))]
    lines += [",".join(_quoted(_safe(cell)) for cell in row) for row in rows]
    return "\n".join(lines) + "\n"


def read_csv(path: Path, required: Sequence[str], *, shown_as: str = "") -> list[tuple[int, dict[str, str]]]:
    """The rows of a table as (1-based line of the row's end, column -> text), the formula prefix undone.

    Raises:
        InputError: the file is missing, unreadable, too large, not UTF-8, no CSV, has a column twice, lacks a
            required column, or has a row that is too short or too long.
    """
    name = shown_as or str(path)
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise InputError(
            name, 0, f"cannot be read: {error.strerror}", "run the phase that writes it"
        ) from error
    return parse_csv(content, required, name)


def parse_csv(content: bytes, required: Sequence[str], name: str) -> list[tuple[int, dict[str, str]]]:
    """The rows of the table that `content` holds; see `read_csv`."""
    if len(content) > MAX_BYTES:
        raise InputError(name, 0, f"is larger than {MAX_BYTES >> 20} MiB", "name the right file")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise InputError(name, line, "is not UTF-8", "save it as UTF-8") from error
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise InputError(name, line, "holds a NUL character", "save it as CSV")
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    rows: list[tuple[int, dict[str, str]]] = []
    try:
        header = _checked_header(next(reader, None), required, name)
        for cells in reader:
            if len(cells) == len(header):
                rows.append((reader.line_num, dict(zip(header, map(_plain, cells), strict=True))))
            elif cells:
                problem = f"has {len(cells)} cells, the header has {len(header)}"
                raise InputError(name, reader.line_num, problem, "mend the row")
    except csv.Error as error:
        raise InputError(name, max(reader.line_num, 1), f"is no CSV: {error}", "mend the line") from error
    return rows


def _checked_header(header: list[str] | None, required: Sequence[str], name: str) -> list[str]:
    if not header:
        raise InputError(name, 1, "is empty", f"it needs the columns {', '.join(required)}")
    missing = [column for column in required if column not in header]
    if missing:
        raise InputError(name, 1, f"lacks the column {', '.join(missing)}", "write the file again")
    if len(set(header)) < len(header):
        twice = next(column for column in header if header.count(column) > 1)
        raise InputError(name, 1, f"has the column {twice!r} twice", "remove one")
    return header


def _quoted(text: str) -> str:
    # Not `csv.writer`: before Python 3.13 it leaves a bare carriage return unquoted, which no reader accepts.
    if any(character in text for character in ',"\r\n') or text != text.strip() or not text:
        return '"' + text.replace('"', '""') + '"' if text else ""
    return text


def _is_formula(text: str) -> bool:
    return text.startswith(_FORMULA_STARTS) and text not in ("-", "+")


def _safe(cell: object) -> str:
    text = str(cell).encode("utf-8", "backslashreplace").decode()
    # Also for text that begins with `'` already, so that reading gives back what was written.
    return "'" + text if _is_formula(text.lstrip("'")) else text


def _plain(cell: str) -> str:
    return cell[1:] if cell.startswith("'") and _is_formula(cell.lstrip("'")) else cell
