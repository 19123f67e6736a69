"""The plan file that a rewriting codemod takes: what moves, in which repository; loaded once per process."""

from __future__ import annotations

import argparse
import gc
import hashlib
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path

import msgspec

from analyzers.configuration import CONFIG_NAME, Configuration
from analyzers.errors import InputError
from analyzers.file_rewriting import FilePlan, FileRewriter
from analyzers.import_index import SourceIndex, load_index
from analyzers.import_rewriting import ImportChange, TextEdit
from analyzers.layout import ProjectLayout
from analyzers.model import Relocation
from analyzers.name_resolution import NameResolver
from analyzers.relocation_map import RelocationMap
from analyzers.source import decode
from analyzers.symbol_moves.looked_up_strings import LookedUpStrings, looked_up_strings
from analyzers.symbol_moves.module_clients import ModuleClients
from analyzers.symbol_moves.move_selection import select_moves


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


def encode_plan(plan: PlanFile, stage: Path) -> bytes:
    """The JSON of a plan whose files are copied below `stage`."""
    return msgspec.json.encode(msgspec.structs.replace(plan, stage=str(stage)))


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
        if path not in self.strings.files and not self.rewriter.may_concern(path, content):
            return None
        plan = self.strings.adjusted(path, self.rewriter.plan(path, content))
        said = tuple(f for f in self.strings.findings if f.path == path and f.severity != "info")
        return replace(plan, findings=(*plan.findings, *said)) if said else plan

    @cached_property
    def index(self) -> SourceIndex:
        """The import index of the repository, read on first use."""
        return load_index(
            ProjectLayout(self.root, self.file.import_roots),
            scan=self.file.scan,
            exclude=self.file.exclude,
            cache=Path(self.file.index_cache) if self.file.index_cache else None,
            jobs=1,
            advance=None,
        )

    @cached_property
    def relocations(self) -> RelocationMap:
        return RelocationMap(self.file.relocations, allow_merges=self.file.allow_merges)

    @cached_property
    def rewriter(self) -> FileRewriter:
        """The planner for files without a decision."""
        return FileRewriter(
            self.index,
            self.relocations,
            self.file.references,
            self.file.before_hashes,
            pin_names=self.file.pin_names,
        )

    @cached_property
    def strings(self) -> LookedUpStrings:
        """The patches that follow the code which looks names up, for files without a decision."""
        if not self.relocations.moved_symbols and not self.file.dissolved:
            return LookedUpStrings(frozenset(), {}, frozenset(), ())
        dissolved = self.file.dissolved
        selection = select_moves(
            self.index, self.relocations, self._read, order=dissolved, dissolved=dissolved
        )
        return looked_up_strings(selection, ModuleClients(self.index, NameResolver(self.index), self._read))

    def _read(self, path: str) -> bytes:
        try:
            return (self.root / path).read_bytes()
        except OSError as error:
            raise InputError(path, 0, f"cannot be read: {error.strerror}", "mend its permissions") from error

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
    # Syntax trees hold no reference cycles: with the default threshold the collector searches them again and
    # again for nothing, a tenth of the run (measured in the performance notes, section b).
    gc.set_threshold(100_000, 50, 50)
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
