"""Artifacts that change in the same transaction as the code: logs that grow, tables that are renewed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from analyzers.csv_table import render_csv
from hocmig.transaction.change import FileChange, sha256

if TYPE_CHECKING:
    from hocmig.workspace import Workspace


def artifact_change(workspace: Workspace, path: Path, content: bytes) -> FileChange:
    """The change that gives the artifact at `path` (absolute) its content."""
    old = path.read_bytes() if path.is_file() else None
    return FileChange(
        path=path.relative_to(workspace.root).as_posix(),
        content=content,
        before_sha256=None if old is None else sha256(old),
    )


def appended_rows(path: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    """The CSV at `path` with more rows at its end; a new table when there is none."""
    addition = render_csv(columns, rows).encode()
    before = path.read_bytes() if path.is_file() else b""
    if not before:
        return addition
    separator = b"" if before.endswith(b"\n") else b"\n"
    return before + separator + addition.partition(b"\n")[2]
