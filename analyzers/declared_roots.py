"""Import roots that a repository declares: pytest, setuptools, Poetry, Hatch and mypy settings."""

from __future__ import annotations

import ast
import configparser
import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

#: The standard library has its TOML reader since Python 3.11; before, the same code is called tomli.
_TOML = "tomllib" if sys.version_info >= (3, 11) else "tomli"

_MAX_BYTES = 1_000_000


def declared_roots(root: Path) -> list[tuple[str, str]]:
    """(folder, what declares it) in the order of trust; folders are cleaned, they need not exist.

    Files that cannot be read or parsed declare nothing: this is a guess that the user sees and corrects.
    """
    found: list[tuple[str, str]] = []
    for text, source in _declared(root):
        folder = text.replace("\\", "/").strip().removeprefix("./").rstrip("/") or "."
        if not folder.startswith(("/", "~", "$")) and ".." not in folder.split("/"):
            found.append((folder, source))
    return found


def _declared(root: Path) -> Iterator[tuple[str, str]]:
    project = _toml(root / "pyproject.toml")
    for folder in _strings(_at(project, "tool", "pytest", "ini_options", "pythonpath")):
        yield folder, "pytest's pythonpath in pyproject.toml"
    setuptools = _at(project, "tool", "setuptools")
    for folder in _strings(_at(setuptools, "package-dir", "")):
        yield folder, "setuptools' package-dir in pyproject.toml"
    for folder in _strings(_at(setuptools, "packages", "find", "where")):
        yield folder, "setuptools' packages.find in pyproject.toml"
    for package in _list(_at(project, "tool", "poetry", "packages")):
        for folder in _strings(_at(package, "from")):
            yield folder, "Poetry's packages in pyproject.toml"
    for package in _strings(_at(project, "tool", "hatch", "build", "targets", "wheel", "packages")):
        yield package.rpartition("/")[0], "Hatch's packages in pyproject.toml"
    for name, section in (("pytest.ini", "pytest"), ("tox.ini", "pytest"), ("setup.cfg", "tool:pytest")):
        for folder in _ini(root / name).get(section, {}).get("pythonpath", "").split():
            yield folder, f"pytest's pythonpath in {name}"
    setup = _ini(root / "setup.cfg")
    for line in setup.get("options", {}).get("package_dir", "").splitlines():
        package, _, folder = line.partition("=")
        if folder and not package.strip():
            yield folder, "package_dir in setup.cfg"
    for folder in setup.get("options.packages.find", {}).get("where", "").split():
        yield folder, "packages.find in setup.cfg"
    for folder in _setup_script(root / "setup.py"):
        yield folder, "package_dir in setup.py"


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(_MAX_BYTES).decode("utf-8-sig", "replace")
    except OSError:
        return ""


def _toml(path: Path) -> Any:
    try:
        return importlib.import_module(_TOML).loads(_read(path))
    except (ValueError, RecursionError):
        return {}


def _ini(path: Path) -> dict[str, dict[str, str]]:
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    try:
        parser.read_string(_read(path))
    except (configparser.Error, ValueError):
        return {}
    return {name: dict(parser[name]) for name in parser.sections()}


def _setup_script(path: Path) -> list[str]:
    """The values of `package_dir={"": …}` and `find_packages(…)` in a setup script, which is not run."""
    try:
        tree = ast.parse(_read(path))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and node.arg == "package_dir" and isinstance(node.value, ast.Dict):
            for key, value in zip(node.value.keys, node.value.values, strict=True):
                if isinstance(key, ast.Constant) and key.value == "" and isinstance(value, ast.Constant):
                    found.append(value.value)
        elif (
            isinstance(node, ast.Call)
            and "find_" in ast.dump(node.func)
            and "packages" in ast.dump(node.func)
        ):
            where = [keyword.value for keyword in node.keywords if keyword.arg == "where"] + node.args[:1]
            found += [value.value for value in where if isinstance(value, ast.Constant)]
    return [value for value in found if isinstance(value, str)]


def _at(value: Any, *keys: str) -> Any:
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _strings(value: Any) -> list[str]:
    values = [value] if isinstance(value, str) else _list(value)
    return [item for item in values if isinstance(item, str)]
