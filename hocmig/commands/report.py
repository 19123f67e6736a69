"""`hocmig report`: the story of the migration as one HTML file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from analyzers.errors import InputError
from hocmig.report.collection import collect
from hocmig.report.page import render_page
from hocmig.report.picture_export import export_pictures
from hocmig.store import write_text
from hocmig.workspace import open_workspace

REPORT_NAME = "MIGRATION_REPORT.html"

EXAMPLES = """
\b
Examples:
  hocmig report
  hocmig report --output report.html
  hocmig report --export slides
"""


@click.command("report", epilog=EXAMPLES)
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help=f"The file to write (default: {REPORT_NAME} among the artifacts).",
)
@click.option(
    "--export",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="Write matrix and graph as SVG and PNG into this folder, too.",
)
@click.pass_obj
def command(options: dict[str, Any], output: Path | None, folder: Path | None) -> int:
    """Write one self-contained HTML file: what moved, what depends on what, and what needs a person.

    It opens from disk without a network and can be made at any time, however far the migration has come.
    """
    workspace = open_workspace(options)
    terminal = workspace.terminal
    with terminal.working("Collecting"):
        facts = collect(workspace)
        page = render_page(facts)
    path = output or workspace.artifacts / REPORT_NAME
    try:
        write_text(path, page)
        pictures = export_pictures(facts, folder) if folder is not None else None
    except OSError as error:
        name = str(error.filename or path)
        raise InputError(name, 0, f"cannot be written: {error.strerror}", "name another place") from error
    size = len(page.encode())
    terminal.say(f"wrote {_shown(path, workspace.root)} ({size / 1000:,.0f} kB)")
    for note in facts.notes:
        terminal.warn(note)
    for picture in pictures.written if pictures is not None else ():
        terminal.say(f"wrote {_shown(picture, workspace.root)}")
    if pictures is not None and pictures.png_problem:
        terminal.warn(pictures.png_problem)
    terminal.document(
        {
            "report": _shown(path, workspace.root),
            "size_bytes": size,
            "pictures": [_shown(p, workspace.root) for p in pictures.written] if pictures is not None else [],
            "png_problem": pictures.png_problem if pictures is not None else "",
            "notes": facts.notes,
            "needs_a_human": len(facts.human),
        }
    )
    return 0


def _shown(path: Path, root: Path) -> str:
    absolute = path.absolute()
    return absolute.relative_to(root).as_posix() if absolute.is_relative_to(root) else str(path)
