"""Whether packaging rules that list data files still list those that move: setuptools' `package_data`.

Read: `[tool.setuptools.package-data]` of pyproject.toml, `[options.package_data]` of setup.cfg and a literal
`package_data` in setup.py. MANIFEST.in and other lists of paths are references like all others. Source:
setuptools' guide, "Data Files Support": patterns are relative to the package's folder, `*` or an empty name
stands for every package.
"""

from __future__ import annotations

import ast
import configparser
import importlib
import posixpath
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

from analyzers.layout import ProjectLayout
from analyzers.model import Finding

#: The standard library has its TOML reader since Python 3.11; before, the same code is called tomli.
_TOML = "tomllib" if sys.version_info >= (3, 11) else "tomli"


@dataclass(frozen=True, slots=True)
class PackageDataRule:
    """One pattern in a packaging file: `package` is empty for every package, `line` 1-based or 0."""

    path: str
    line: int
    package: str
    pattern: str


def uncovered_data(
    moves: Mapping[str, str], texts: Mapping[str, bytes], layout: ProjectLayout
) -> tuple[Finding, ...]:
    """One finding (DATA005) per data file that a rule lists now and none of that file lists at its new place.

    Args:
        moves: old path -> new path of data files.
        texts: path -> bytes of packaging files at the root; those that cannot be parsed have no rules.
    """
    findings: list[Finding] = []
    for path, content in sorted(texts.items()):
        rules = tuple(_rules(path, content))
        for old, new in sorted(moves.items()):
            rule = next((r for r in rules if _covers(r, old, layout)), None)
            if rule is None or any(_covers(r, new, layout) for r in rules):
                continue
            package = rule.package or "every package"
            findings.append(
                Finding(
                    code="DATA005",
                    severity="warning",
                    path=path,
                    line=rule.line,
                    message=f"{rule.pattern} of {package} lists {old}, and nothing here lists {new}",
                    mend="add a pattern for its new package, or it will be missing from what is built",
                )
            )
    return tuple(findings)


def _covers(rule: PackageDataRule, path: str, layout: ProjectLayout) -> bool:
    folder = posixpath.dirname(path)
    while folder:
        name = layout.module_of(f"{folder}/__init__.py")
        is_package = name is not None and name.is_importable and rule.package in ("", name.name)
        if is_package and _matches(path[len(folder) + 1 :], rule.pattern):
            return True
        folder = posixpath.dirname(folder)
    return False


def _matches(path: str, pattern: str) -> bool:
    """Whether a glob matches segment by segment; `**` stands for any number of folders."""
    return _segments(path.split("/"), pattern.split("/"))


def _segments(parts: list[str], patterns: list[str]) -> bool:
    reached = {0}
    for pattern in patterns:
        if pattern == "**":
            reached = set(range(min(reached), len(parts) + 1)) if reached else set()
        else:
            reached = {i + 1 for i in reached if i < len(parts) and fnmatchcase(parts[i], pattern)}
    return len(parts) in reached


def _rules(path: str, content: bytes) -> Iterator[PackageDataRule]:
    text = content.decode("utf-8", "replace")
    lines = text.splitlines()
    if path == "pyproject.toml":
        table = _toml(text)
    elif path == "setup.cfg":
        table = _ini(text)
    elif path == "setup.py":
        table = _script(text)
    else:
        return
    for package, patterns in table.items():
        for pattern in patterns:
            shown = (n for n, line in enumerate(lines, 1) if pattern in line)
            near = (n for n, line in enumerate(lines, 1) if pattern in line and package in line)
            line = next(near, next(shown, 0))
            yield PackageDataRule(path, line, "" if package == "*" else package, pattern)


def _toml(text: str) -> dict[str, list[str]]:
    reader = importlib.import_module(_TOML)
    try:
        node: object = reader.loads(text)
    except (reader.TOMLDecodeError, RecursionError):
        return {}
    for key in ("tool", "setuptools", "package-data"):
        node = node.get(key) if isinstance(node, dict) else None
    if not isinstance(node, dict):
        return {}
    return {str(k): [p for p in v if isinstance(p, str)] for k, v in node.items() if isinstance(v, list)}


def _ini(text: str) -> dict[str, list[str]]:
    parser = configparser.RawConfigParser(strict=False)
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    try:
        parser.read_string(text)
    except configparser.Error:
        return {}
    if not parser.has_section("options.package_data"):
        return {}
    return {k: v.replace(",", "\n").split() for k, v in parser.items("options.package_data")}


def _script(text: str) -> dict[str, list[str]]:
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return {}
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and node.arg == "package_data":
            try:
                table = ast.literal_eval(node.value)
            except (ValueError, TypeError, RecursionError):
                return {}
            if isinstance(table, dict):
                return {
                    str(k): [p for p in v if isinstance(p, str)]
                    for k, v in table.items()
                    if isinstance(v, (list, tuple))
                }
    return {}
