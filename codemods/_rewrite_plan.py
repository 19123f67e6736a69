"""The plan file that a rewriting codemod takes: what moves, in which repository; loaded once per process."""

from __future__ import annotations

import argparse
import hashlib
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import msgspec

from analyzers.configuration import CONFIG_NAME, Configuration
from analyzers.errors import InputError
from analyzers.file_plan import FilePlan
from analyzers.import_changes import ImportChange, TextEdit
from analyzers.layout import ProjectLayout
from analyzers.model import Relocation
from analyzers.relocation_map import RelocationMap
from analyzers.source import decode
from codemods._garbage_collection import collect_garbage_rarely

if TYPE_CHECKING:
    from codemods._undecided_files import UndecidedFiles


class Decision(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What was decided for one file when the plan was made; holds for exactly these bytes."""

    sha256: str
    import_changes: tuple[ImportChange, ...]
    edits: tuple[TextEdit, ...]


class PlanFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What hocmig hands to its codemods as JSON.

    `root` is the repository (absolute), `stage` a folder with copies of the files concerned under their
    repository paths (absolute, may be empty), `index_cache` the import index to start from (absolute).
    `before_hashes` gives the SHA-256 of files that are not rewritten yet; without it, a map whose new names
    are old names, too (a swap), is only applied to files that are known to be as they were. `decisions` by
    repository path spare the work of deciding again; files without one are planned when they are met.
    `pin_names`: see `FileRewriter`. `dissolved` are modules that end, with those that their lone statements
    go to.
    """

    version: int
    root: str
    import_roots: tuple[str, ...]
    relocations: tuple[Relocation, ...]
    scan: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    stage: str = ""
    index_cache: str = ""
    references: str = "certain"
    allow_merges: bool = False
    before_hashes: dict[str, str] | None = None
    decisions: dict[str, Decision] = {}
    pin_names: bool = False
    dissolved: dict[str, str] = {}

    option: ClassVar[str] = "--relocations"

    def for_stage(self, stage: Path) -> bytes:
        """The JSON of the plan for files that are copied below `stage`."""
        return msgspec.json.encode(msgspec.structs.replace(self, stage=str(stage)))


@dataclass(frozen=True)
class LoadedPlan:
    root: Path
    stage: Path | None
    file: PlanFile

    def plan_of(self, path: str, content: bytes) -> FilePlan | None:
        """The changes of the file at `path` with these bytes; None when nothing that moves can be in it."""
        decision = self.file.decisions.get(path)
        if decision is not None and decision.sha256 == hashlib.sha256(content).hexdigest():
            return FilePlan(decode(content), decision.import_changes, decision.edits)
        return self.planner.plan_of(path, content)

    @cached_property
    def planner(self) -> UndecidedFiles:
        """What plans files without a decision; reads the import index on first use."""
        # Imported here: a run whose files are all decided needs none of it.
        from codemods._undecided_files import UndecidedFiles

        return UndecidedFiles(self.root, self.file)

    def relative_path(self, file: Path) -> str:
        """The repository path of a file, given as it lies in the repository or in the stage.

        Raises:
            InputError: it lies in neither.
        """
        absolute = file.absolute()
        for base in (self.stage, self.root):
            if base is not None and absolute.is_relative_to(base):
                return absolute.relative_to(base).as_posix()
        resolved = absolute.resolve()
        if resolved.is_relative_to(self.root):
            return resolved.relative_to(self.root).as_posix()
        raise InputError(str(file), 0, f"lies outside the repository {self.root}", "name files inside it")


@lru_cache(maxsize=4)
def load_plan(file: str) -> LoadedPlan:
    """Read a plan (`.json`) or a table of moves (`.csv`); `file` is an absolute path.

    Raises:
        InputError: the file is missing or malformed.
    """
    plan = _read(Path(file))
    collect_garbage_rarely()
    # Contradictions in the map are an error of the plan, not of the first file that meets them.
    RelocationMap(plan.relocations, allow_merges=plan.allow_merges)
    return LoadedPlan(Path(plan.root), Path(plan.stage) if plan.stage else None, plan)


def plan_argument(text: str) -> str:
    """An argparse type: the absolute path of a plan that could be loaded.

    Loading it here makes a bad plan one line of usage error, and lets forked workers inherit the good one.
    """
    try:
        load_plan(str(Path(text).absolute()))
    except InputError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    return str(Path(text).absolute())


def _read(file: Path) -> PlanFile:
    if file.suffix == ".json":
        try:
            return msgspec.json.decode(file.read_bytes(), type=PlanFile)
        except OSError as error:
            raise InputError(str(file), 0, f"cannot be read: {error.strerror}") from error
        except msgspec.DecodeError as error:
            raise InputError(str(file), 0, f"is no plan of hocmig: {error}", "make the plan again") from error
    from analyzers.configuration_file import read_configuration
    from analyzers.migration_manifest import relocations_of_file

    root = repository_root(file.parent.resolve())
    config_path = root / CONFIG_NAME
    config = read_configuration(config_path, root) if config_path.is_file() else Configuration()
    layout = ProjectLayout(root, config.import_roots)
    return PlanFile(
        version=1,
        root=str(root),
        import_roots=config.import_roots,
        relocations=relocations_of_file(file, layout),
        scan=config.scan,
        exclude=config.exclude,
        index_cache=str(root / ".hocmig" / "index.msgpack"),
        references=config.references.level,
    )


def repository_root(start: Path) -> Path:
    """The nearest folder at or above `start` that holds `hocmig.yaml`, else a `.git`, else `start` itself."""
    folders = (start, *start.parents)
    for mark in (CONFIG_NAME, ".git"):
        for folder in folders:
            if (folder / mark).exists():
                return folder
    return start
