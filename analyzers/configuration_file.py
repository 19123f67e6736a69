"""Reading `hocmig.yaml`: from text that a person wrote to a checked Configuration."""

from __future__ import annotations

import re
from pathlib import Path

from analyzers.configuration import CONFIG_NAME, Configuration
from analyzers.errors import InputError
from analyzers.safe_path import check_path
from analyzers.safe_yaml import Place, YamlDocument, convert_yaml, parse_yaml, read_yaml

#: One part of an executable dotted name, or of a package folder.
_PART = re.compile(r"[^\W\d]\w*")


def read_configuration(path: Path, root: Path) -> Configuration:
    """The configuration in the file `path` of the repository `root`, checked against the tree.

    Raises:
        InputError: with file and 1-based line: not YAML, an unknown key, a value of a wrong type, a path that
            is absolute, leaves the root, or does not exist but must (import roots, `scan`, domain root).
    """
    return _checked(read_yaml(path, _shown(path, root)), root)


def parse_configuration(content: bytes, root: Path, name: str = CONFIG_NAME) -> Configuration:
    """The configuration that `content` holds; raises InputError as `read_configuration`."""
    return _checked(parse_yaml(content, name), root)


def _checked(document: YamlDocument, root: Path) -> Configuration:
    config = convert_yaml(document, Configuration)
    _check_folders(document, config, root)
    _check_files(document, config, root)
    _check_names(document, config)
    return config


def _check_folders(document: YamlDocument, config: Configuration, root: Path) -> None:
    folders = [(("import_roots", i), path) for i, path in enumerate(config.import_roots)]
    folders += [(("scan", i), path) for i, path in enumerate(config.scan)]
    if config.domain_root:
        folders.append((("domain_root", 0), config.domain_root))
    for place, path in folders:
        line = document.line_of(place)
        if path.rstrip("/") == ".":
            continue
        check_path(path, root=root, file=document.name, line=line, what=place[0])
        if not (root / path).is_dir():
            raise InputError(document.name, line, f"{place[0]} {path!r} is no folder", "correct or remove it")


def _check_files(document: YamlDocument, config: Configuration, root: Path) -> None:
    written = {
        ("workbook",): config.workbook,
        ("artifacts",): config.artifact_folder,
        ("clusters",): config.clusters,
        ("architecture", "baseline"): config.architecture.baseline,
        ("duplicates", "baseline"): config.duplicates.baseline,
    }
    for place, path in written.items():
        if not path:
            continue
        line = document.line_of(place)
        check_path(path, root=root, file=document.name, line=line, what=".".join(place))
        if place == ("artifacts",):
            if (root / path).exists() and not (root / path).is_dir():
                raise InputError(document.name, line, f"artifacts {path!r} is no folder", "name a folder")
        elif (root / path).is_dir():
            raise InputError(document.name, line, f"{'.'.join(place)} {path!r} is a folder", "name a file")


def _check_names(document: YamlDocument, config: Configuration) -> None:
    names: list[tuple[Place, str]] = [(("domains", i), name) for i, name in enumerate(config.domains)]
    names += [(("layers", "order", i), name) for i, name in enumerate(config.layers.order)]
    if config.shared_domain:
        names.append((("shared_domain", 0), config.shared_domain))
    for place, name in names:
        if not _PART.fullmatch(name):
            raise InputError(
                document.name,
                document.line_of(place),
                f"{name!r} is no package name",
                "write one folder name",
            )
    for kind, listed in (("domains", config.domains), ("layers.order", config.layers.order)):
        for position, name in enumerate(listed):
            if name in listed[:position]:
                line = document.line_of((*kind.split("."), position))
                raise InputError(document.name, line, f"{kind} names {name!r} twice", "keep one")
    if config.domains and not config.domain_root:
        line = document.line_of(("domains",))
        raise InputError(document.name, line, "domains are listed, but no domain_root", "add domain_root")
    for key in ("allowed", "forbidden_libraries", "banned_names"):
        for layer in getattr(config.layers, key):
            if config.layers.order and layer not in config.layers.order:
                line = document.line_of(("layers", key, layer))
                raise InputError(
                    document.name,
                    line,
                    f"layers.{key}: {layer!r} is not in layers.order",
                    "add it there, or correct it",
                )
    if config.layers.header:
        line = document.line_of(("layers", "header"))
        try:
            pattern = re.compile(config.layers.header)
        except (re.error, OverflowError, RecursionError) as error:
            raise InputError(
                document.name, line, f"layers.header: {error}", "correct the expression"
            ) from error
        if pattern.groups < 1:
            raise InputError(document.name, line, "layers.header has no group", "put the layer into ( )")


def _shown(path: Path, root: Path) -> str:
    try:
        return path.resolve().relative_to(root.resolve()).as_posix()
    except ValueError:
        return str(path)
