"""What every command works on: the repository, its configuration, and where output goes."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analyzers.configuration import CONFIG_NAME, Configuration
from analyzers.errors import InputError
from analyzers.layout import ProjectLayout
from hocmig.configuration_cache import load_configuration

if TYPE_CHECKING:
    from analyzers.import_index import SourceIndex
    from hocmig.terminal import Terminal

STATE_FOLDER = ".hocmig"


@dataclass
class Workspace:
    """A repository with its configuration; made once per command from the global options."""

    root: Path
    config: Configuration
    config_path: Path | None
    jobs: int
    json: bool
    terminal: Terminal

    @cached_property
    def layout(self) -> ProjectLayout:
        return ProjectLayout(self.root, self.config.import_roots)

    @property
    def state(self) -> Path:
        """The folder of hocmig's own state (index cache, journal, ledger)."""
        return self.root / STATE_FOLDER

    @property
    def artifacts(self) -> Path:
        return self.root / self.config.artifact_folder

    @cached_property
    def index(self) -> SourceIndex:
        """The import index of the repository as it is now (built or refreshed on first use, then kept)."""
        from analyzers.import_index import load_index

        with self.terminal.progress("Reading the code base") as advance:
            return load_index(
                self.layout,
                scan=self.config.scan,
                exclude=self.config.exclude,
                cache=self.state / "index.msgpack",
                jobs=self.jobs,
                advance=advance,
            )


def open_workspace(options: dict[str, Any], *, need_config: bool = True) -> Workspace:
    """The workspace that the global options name.

    Args:
        options: the values of the global options as `hocmig.cli` collects them.
        need_config: whether a missing `hocmig.yaml` is an error; else defaults stand in, with the current
            directory as the root.

    Raises:
        InputError: no configuration, an unreadable or malformed one, a root that is no directory, or
            symlinks where hocmig's own files stand.
    """
    given_root: Path | None = options["root"]
    given_config: Path | None = options["config"]
    if given_root is not None and not given_root.is_dir():
        raise InputError(str(given_root), 0, "is no directory", "name the repository root with --root")
    config_path = given_config or _find_config(given_root)
    root = (given_root or (config_path.parent if config_path else Path.cwd())).resolve()
    if config_path is None and need_config:
        raise InputError(
            CONFIG_NAME, 0, "not found here or above", "run `hocmig init` in the repository root"
        )
    _refuse_links(root)
    config = load_configuration(config_path, root, root / STATE_FOLDER) if config_path else Configuration()
    jobs = options["jobs"] or config.execution.jobs or os.cpu_count() or 1
    return Workspace(root, config, config_path, jobs, options["as_json"], open_terminal(options))


def _refuse_links(root: Path) -> None:
    """Our own folder and what stands in it are no symlinks: through one we would write outside the root.

    Raises:
        InputError: one of them is.
    """
    state = root / STATE_FOLDER
    linked = STATE_FOLDER if state.is_symlink() else ""
    if not linked:
        with contextlib.suppress(FileNotFoundError, NotADirectoryError), os.scandir(state) as entries:
            linked = min((f"{STATE_FOLDER}/{e.name}" for e in entries if e.is_symlink()), default="")
    if linked:
        raise InputError(
            linked, 0, "is a symbolic link, where only hocmig's own files stand", "remove the link"
        )


def open_terminal(options: dict[str, Any]) -> Terminal:
    """The terminal that the global options ask for."""
    from hocmig.terminal import Terminal

    return Terminal(
        json=options["as_json"],
        quiet=options["quiet"],
        verbose=options["verbose"],
        progress_allowed=not options["no_progress"],
    )


def _find_config(root: Path | None) -> Path | None:
    if root is not None:
        return root / CONFIG_NAME if (root / CONFIG_NAME).is_file() else None
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / CONFIG_NAME).is_file():
            return folder / CONFIG_NAME
    return None
