"""What P6 and P7 relocate, read from their own input files, for codemods that are run alone.

What was carried out already stands in the table of relocations beside the input file, what is still to come
is worked out from the tree; so a run before, half-way and after gives the same callers.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from analyzers.cluster_definitions import read_clusters
from analyzers.cluster_moves import plan_cluster
from analyzers.configuration import CONFIG_NAME, Configuration
from analyzers.configuration_file import read_configuration
from analyzers.consolidation import Surroundings, plan_consolidation, read_candidates
from analyzers.csv_table import read_csv
from analyzers.errors import InputError
from analyzers.import_index import SourceIndex, load_index
from analyzers.layout import ProjectLayout
from analyzers.model import Relocation
from analyzers.relocation_map import RelocationMap
from analyzers.symbol_moves.module_clients import ModuleClients
from codemods._rewrite_plan import LoadedPlan, PlanFile, repository_root

_COLUMNS = ("old_module", "old_symbol", "new_module", "new_symbol")


@dataclass(frozen=True)
class PhasePlan:
    """The relocations of a phase for callers; `moving` are files whose own definitions move (or moved)."""

    rewriting: LoadedPlan
    moving: frozenset[str]


@lru_cache(maxsize=2)
def load_cluster_plan(file: str) -> PhasePlan:
    """The plan that CLUSTER_DEFINITIONS.yaml at `file` (absolute) means.

    Raises:
        InputError: the file is missing, malformed, or does not fit the tree.
    """
    root, config, index = _repository(Path(file))
    done = _carried_out(Path(file).with_name("PHASE7_RELOCATIONS.csv"))
    moving: set[str] = set()
    found: list[Relocation] = []
    dissolved: dict[str, str] = {}
    for cluster in read_clusters(Path(file), config.domain_root, file):
        targets = {t.path for t in cluster.targets}
        moving |= targets | {path for path, _ in cluster.files}
        ended = [path for path, _ in cluster.files if path not in targets]
        if ended and not any(path in index.files for path in ended):
            continue
        moves = plan_cluster(cluster, index, _reader(root), file)
        found += moves.relocations()
        dissolved |= moves.dissolved
    return _plan(root, config, [*done, *found], moving, dissolved)


@lru_cache(maxsize=2)
def load_candidate_plan(file: str) -> PhasePlan:
    """The plan that PHASE5_CONSOLIDATION_CANDIDATES.csv at `file` (absolute) means.

    Raises:
        InputError: the file is missing or malformed.
    """
    root, config, index = _repository(Path(file))
    done = _carried_out(Path(file).with_name("PHASE6_RELOCATIONS.csv"))
    around = Surroundings(config.domain_root.strip("/"), config.shared_domain if config.domain_root else "")
    moving: set[str] = set()
    dissolved: dict[str, str] = {}
    clients = ModuleClients(index, index.resolver, _reader(root))
    found: dict[tuple[str, str], Relocation] = {(r.old_module, r.old_symbol): r for r in done}
    for candidate in read_candidates(Path(file), file):
        if candidate.recommendation.startswith("REVIEW"):
            continue
        decided = plan_consolidation(candidate, index, _reader(root), around, clients=clients)
        if decided.action != "merge":
            continue
        moving |= decided.touched
        dissolved |= decided.dissolved or {}
        for entry in decided.relocations:
            bare = Relocation(entry.old_module, entry.new_module, entry.old_symbol, entry.new_symbol)
            found.setdefault((bare.old_module, bare.old_symbol), bare)
    return _plan(root, config, list(found.values()), moving, dissolved)


def checked(load: Callable[[str], PhasePlan]) -> Callable[[str], str]:
    """An argparse type: the absolute path of an input file that `load` understands."""

    def check(text: str) -> str:
        path = str(Path(text).absolute())
        try:
            load(path)
        except InputError as error:
            raise argparse.ArgumentTypeError(str(error)) from error
        return path

    return check


def _repository(file: Path) -> tuple[Path, Configuration, SourceIndex]:
    if not file.is_file():
        # Else the whole folder would be read before anybody looks at the file.
        raise InputError(str(file), 0, "does not exist", "check the path")
    root = repository_root(file.parent)
    config_path = root / CONFIG_NAME
    config = read_configuration(config_path, root) if config_path.is_file() else Configuration()
    layout = ProjectLayout(root, config.import_roots)
    cache = root / ".hocmig" / "index.msgpack"
    index = load_index(
        layout, scan=config.scan, exclude=config.exclude, cache=cache if cache.is_file() else None
    )
    return root, config, index


def _reader(root: Path) -> Callable[[str], bytes]:
    def read(path: str) -> bytes:
        try:
            return (root / path).read_bytes()
        except OSError as error:
            raise InputError(path, 0, f"cannot be read: {error.strerror}", "mend its permissions") from error

    return read


def _carried_out(table: Path) -> list[Relocation]:
    if not table.is_file():
        return []
    rows = read_csv(table, _COLUMNS, shown_as=table.name)
    found = {}
    for _, row in rows:
        entry = Relocation(row["old_module"], row["new_module"], row["old_symbol"], row["new_symbol"])
        found[entry.old_module, entry.old_symbol] = entry
    return list(found.values())


def _plan(
    root: Path,
    config: Configuration,
    relocations: Iterable[Relocation],
    moving: set[str],
    dissolved: dict[str, str],
) -> PhasePlan:
    entries = tuple(relocations)
    RelocationMap(entries, allow_merges=True)
    file = PlanFile(
        version=1,
        root=str(root),
        import_roots=config.import_roots,
        relocations=entries,
        scan=config.scan,
        exclude=config.exclude,
        references=config.references.level,
        allow_merges=True,
        dissolved=dissolved,
    )
    return PhasePlan(LoadedPlan(root, None, file), frozenset(moving))
