"""`hocmig init`: look at a repository and write its `hocmig.yaml`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from analyzers.configuration import CONFIG_NAME
from analyzers.configuration_file import parse_configuration
from analyzers.discovery import discover
from analyzers.errors import InputError
from analyzers.layout_detection import detect_layout
from analyzers.safe_path import check_path
from hocmig.configuration_text import CODEMOD_CONFIG, configuration_text
from hocmig.store import write_bytes
from hocmig.transaction.filesystem import Tree
from hocmig.transaction.state_folder import ensure_state_folder
from hocmig.workspace import open_terminal

CODEMOD_CONFIG_NAME = ".libcst.codemod.yaml"

EXAMPLES = """
\b
Examples:
  hocmig init
  hocmig init --import-root src --import-root .
"""


@click.command("init", epilog=EXAMPLES)
@click.option(
    "--import-root", "import_roots", multiple=True, metavar="DIR", help="Folder on sys.path (repeatable)."
)
@click.pass_obj
def command(options: dict[str, Any], import_roots: tuple[str, ...]) -> int:
    """Detect import roots, domains and layers; write hocmig.yaml and .libcst.codemod.yaml.

    Nothing is ever overwritten.
    """
    root = (options["root"] or Path.cwd()).resolve()
    if not root.is_dir():
        raise InputError(str(root), 0, "is no directory", "name the repository root with --root")
    terminal = open_terminal(options)
    target = (options["config"] or root / CONFIG_NAME).absolute()
    roots = tuple(dict.fromkeys(_given(text, root) for text in import_roots))
    layout = detect_layout(root, discover(root), roots)
    text = configuration_text(layout)
    parse_configuration(text.encode(), root)
    written, kept = _write(root, {target: text, root / CODEMOD_CONFIG_NAME: CODEMOD_CONFIG})
    with Tree(root) as tree:
        ensure_state_folder(tree)
    for note in layout.notes:
        terminal.say(f"  {note}")
    for name in written:
        terminal.say(f"wrote {name}")
    for name in kept:
        terminal.say(f"{name} is there already; kept")
    terminal.document(
        {
            "written": written,
            "kept": kept,
            "import_roots": layout.import_roots,
            "domain_root": layout.domain_root,
            "domains": layout.domains,
            "shared_domain": layout.shared_domain,
            "layers": layout.layers,
            "workbook": layout.workbook,
            "evidence": layout.notes,
        }
    )
    return 0


def _given(text: str, root: Path) -> str:
    folder = text.replace("\\", "/").removeprefix("./").rstrip("/") or "."
    if folder != ".":
        check_path(folder, root=root, file="--import-root", line=0, what="folder")
        if not (root / folder).is_dir():
            raise InputError(
                "--import-root", 0, f"{folder!r} is no folder", "name one below the repository root"
            )
    return folder


def _write(root: Path, contents: dict[Path, str]) -> tuple[list[str], list[str]]:
    """Write the files that do not exist; an existing configuration that says something else is an error."""
    config = next(iter(contents))
    if config.exists() and config.read_bytes() != contents[config].encode():
        raise InputError(
            config.name, 0, "is there already and is never overwritten", "edit it, or move it away"
        )
    written, kept = [], []
    for path, text in contents.items():
        name = path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)
        if path.exists() or path.is_symlink():
            kept.append(name)
        else:
            write_bytes(path, text.encode())
            written.append(name)
    return written, kept
