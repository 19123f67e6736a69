"""Reading `hocmig.yaml`: from text that a person wrote to a checked Configuration."""

from __future__ import annotations

from pathlib import Path

from analyzers.configuration import CONFIG_NAME, Configuration
from analyzers.configuration_checks import check_configuration
from analyzers.safe_yaml import YamlDocument, convert_yaml, parse_yaml, read_yaml


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
    check_configuration(config, root, document.name, document.line_of)
    return config


def _shown(path: Path, root: Path) -> str:
    try:
        return path.resolve().relative_to(root.resolve()).as_posix()
    except ValueError:
        return str(path)
