"""What NormalizeImportsCommand goes by: an export registry, or the decisions that hocmig made from one."""

from __future__ import annotations

import argparse
import hashlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import ClassVar

import msgspec

from analyzers.configuration import CONFIG_NAME, Configuration
from analyzers.errors import InputError
from analyzers.export_registry import read_registry
from analyzers.file_plan import FilePlan
from analyzers.import_changes import ImportChange
from analyzers.import_graph import ImportGraph
from analyzers.import_index import load_index
from analyzers.import_normalization import ImportNormalizer, SharedImport
from analyzers.layout import ProjectLayout
from analyzers.source import decode
from codemods._garbage_collection import collect_garbage_rarely
from codemods._rewrite_plan import repository_root


class DecidedImports(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The changes of one file whose bytes have the SHA-256 `sha256`."""

    sha256: str
    import_changes: tuple[ImportChange, ...]


class NormalizationPlanFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What hocmig hands to the codemod: `stage` holds the files under their repository paths."""

    version: int
    files: dict[str, DecidedImports]
    stage: str = ""

    option: ClassVar[str] = "--registry"

    def for_stage(self, stage: Path) -> bytes:
        """The JSON of the plan for files that are copied below `stage`."""
        return msgspec.json.encode(msgspec.structs.replace(self, stage=str(stage)))


@dataclass(frozen=True)
class NormalizationPlan:
    """A loaded plan: files lie below `root`; without `decided`, `normalizer` decides."""

    root: Path
    decided: NormalizationPlanFile | None = None
    normalizer: ImportNormalizer | None = None

    def relative_path(self, file: Path) -> str:
        """The repository path of a file.

        Raises:
            InputError: it lies outside the repository.
        """
        for path in (file.absolute(), file.resolve()):
            if path.is_relative_to(self.root):
                return path.relative_to(self.root).as_posix()
        raise InputError(str(file), 0, f"lies outside the repository {self.root}", "name files inside it")

    def plan_of(self, path: str, content: bytes) -> tuple[FilePlan | None, tuple[SharedImport, ...]]:
        """The changes of a file (None: none), and the imports in it that are left though they are detours."""
        if self.decided is not None:
            decision = self.decided.files.get(path)
            if decision is None or decision.sha256 != hashlib.sha256(content).hexdigest():
                return None, ()
            return FilePlan(decode(content), decision.import_changes), ()
        assert self.normalizer is not None
        left = tuple(s for s in self.normalizer.imports_of(path) if s.reason)
        return self.normalizer.plan(path, content), left


@lru_cache(maxsize=4)
def load_normalization(file: str) -> NormalizationPlan:
    """Read an export registry (`.yaml`) or a plan of hocmig (`.json`); `file` is an absolute path.

    Raises:
        InputError: the file is missing or malformed, or the repository's configuration is.
    """
    collect_garbage_rarely()
    path = Path(file)
    if path.suffix == ".json":
        try:
            plan = msgspec.json.decode(path.read_bytes(), type=NormalizationPlanFile)
        except OSError as error:
            raise InputError(file, 0, f"cannot be read: {error.strerror}") from error
        except msgspec.DecodeError as error:
            raise InputError(file, 0, f"is no plan of hocmig: {error}", "make it again") from error
        return NormalizationPlan(Path(plan.stage), plan)
    from analyzers.configuration_file import read_configuration

    registry = read_registry(path, file)
    root = repository_root(path.resolve().parent)
    config_path = root / CONFIG_NAME
    config = read_configuration(config_path, root) if config_path.is_file() else Configuration()
    index = load_index(
        ProjectLayout(root, config.import_roots),
        scan=config.scan,
        exclude=config.exclude,
        cache=root / ".hocmig" / "index.msgpack",
    )

    def read(name: str) -> bytes:
        return (root / name).read_bytes()

    return NormalizationPlan(root, None, ImportNormalizer(ImportGraph(index), registry, read))


def registry_argument(text: str) -> str:
    """An argparse type: the absolute path of a registry that could be loaded."""
    try:
        load_normalization(str(Path(text).absolute()))
    except InputError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    return str(Path(text).absolute())
