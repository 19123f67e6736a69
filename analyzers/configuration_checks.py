"""Whether a configuration fits the repository: paths inside the root, folders that exist, valid names."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from analyzers.configuration import Configuration
from analyzers.errors import InputError
from analyzers.safe_path import check_path

if TYPE_CHECKING:
    from collections.abc import Callable

    # Not at run time: a warm command does without the YAML library.
    from analyzers.safe_yaml import Place

    LineOf = Callable[[Place], int]

#: One part of an executable dotted name, or of a package folder.
_PART = re.compile(r"[^\W\d]\w*")


def check_configuration(config: Configuration, root: Path, name: str, line_of: LineOf) -> None:
    """Check a decoded configuration against the tree as it is now.

    Args:
        name: what messages call the file; `line_of` gives the 1-based line of a value (0: unknown).

    Raises:
        InputError: what does not fit, with its line.
    """
    _check_folders(config, root, name, line_of)
    _check_files(config, root, name, line_of)
    _check_names(config, name, line_of)


def _check_folders(config: Configuration, root: Path, name: str, line_of: LineOf) -> None:
    folders = [(("import_roots", i), path) for i, path in enumerate(config.import_roots)]
    folders += [(("scan", i), path) for i, path in enumerate(config.scan)]
    if config.domain_root:
        folders.append((("domain_root", 0), config.domain_root))
    for place, path in folders:
        line = line_of(place)
        if path.rstrip("/") == ".":
            continue
        check_path(path, root=root, file=name, line=line, what=place[0])
        if not (root / path).is_dir():
            raise InputError(name, line, f"{place[0]} {path!r} is no folder", "correct or remove it")


def _check_files(config: Configuration, root: Path, name: str, line_of: LineOf) -> None:
    written = {
        ("workbook",): config.workbook,
        ("artifacts",): config.artifact_folder,
        ("clusters",): config.clusters,
        ("architecture", "baseline"): config.architecture.baseline,
        ("duplicates", "baseline"): config.duplicates.baseline,
        ("layers", "baseline"): config.layers.baseline,
    }
    for place, path in written.items():
        if not path:
            continue
        line = line_of(place)
        check_path(path, root=root, file=name, line=line, what=".".join(place))
        if place == ("artifacts",):
            if (root / path).exists() and not (root / path).is_dir():
                raise InputError(name, line, f"artifacts {path!r} is no folder", "name a folder")
        elif (root / path).is_dir():
            raise InputError(name, line, f"{'.'.join(place)} {path!r} is a folder", "name a file")


def _check_names(config: Configuration, name: str, line_of: LineOf) -> None:
    names: list[tuple[Place, str]] = [(("domains", i), part) for i, part in enumerate(config.domains)]
    names += [(("layers", "order", i), part) for i, part in enumerate(config.layers.order)]
    if config.shared_domain:
        names.append((("shared_domain", 0), config.shared_domain))
    for place, part in names:
        if not _PART.fullmatch(part):
            raise InputError(
                name,
                line_of(place),
                f"{part!r} is no package name",
                "write one folder name",
            )
    for kind, listed in (("domains", config.domains), ("layers.order", config.layers.order)):
        for position, part in enumerate(listed):
            if part in listed[:position]:
                line = line_of((*kind.split("."), position))
                raise InputError(name, line, f"{kind} names {part!r} twice", "keep one")
    if config.domains and not config.domain_root:
        line = line_of(("domains",))
        raise InputError(name, line, "domains are listed, but no domain_root", "add domain_root")
    for key in ("allowed", "forbidden_libraries", "banned_names"):
        for layer in getattr(config.layers, key):
            if config.layers.order and layer not in config.layers.order:
                line = line_of(("layers", key, layer))
                raise InputError(
                    name,
                    line,
                    f"layers.{key}: {layer!r} is not in layers.order",
                    "add it there, or correct it",
                )
    if config.layers.header:
        line = line_of(("layers", "header"))
        try:
            pattern = re.compile(config.layers.header)
        except (re.error, OverflowError, RecursionError) as error:
            raise InputError(name, line, f"layers.header: {error}", "correct the expression") from error
        if pattern.groups < 1:
            raise InputError(name, line, "layers.header has no group", "put the layer into ( )")
