"""CLUSTER_DEFINITIONS.yaml: which files of a domain become which, read strictly.

A cluster lists its `current_files` and a `target_structure` from target file to members: symbols that the
current files define, or whole current files by their names without suffix. Paths are relative to the domain
(targets: to `target_domain`); a target without a folder goes to the folder that the current files share.

Source: the migration plan, phase 7, "Cluster Definitions".
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from analyzers.errors import InputError
from analyzers.safe_path import path_problem
from analyzers.safe_yaml import YamlDocument, read_yaml

_KEYS = ("domain", "description", "current_files", "target_domain", "target_structure")


@dataclass(frozen=True, slots=True)
class Member:
    """What goes into a target file: a symbol, `stem:Symbol`, or the stem of a file; `line` 1-based."""

    text: str
    line: int


@dataclass(frozen=True, slots=True)
class TargetFile:
    """A file to be made, relative to the repository root, with its members in order."""

    path: str
    line: int
    members: tuple[Member, ...]


@dataclass(frozen=True, slots=True)
class Cluster:
    """One cluster; `files` are (path relative to the repository root, line).

    `target_folder` is where targets with a folder go, relative to the repository root, `target_line` says who
    says so.
    """

    name: str
    line: int
    domain: str
    target_domain: str
    description: str
    files: tuple[tuple[str, int], ...]
    targets: tuple[TargetFile, ...]
    target_folder: str = ""
    target_line: int = 0


def read_clusters(file: Path, domain_root: str, shown_as: str = "") -> tuple[Cluster, ...]:
    """The clusters of a file in its order.

    Args:
        domain_root: the folder that holds the domains, relative to the repository root; empty: the root.

    Raises:
        InputError: missing, no YAML, or a value that is no cluster; with its line.
    """
    document = read_yaml(file, shown_as or str(file))
    reader = _Reader(document, domain_root)
    return reader.read()


class _Reader:
    def __init__(self, document: YamlDocument, domain_root: str) -> None:
        self.document = document
        self.root = domain_root

    def fail(self, place: tuple[str | int, ...], problem: str, mend: str) -> InputError:
        return InputError(self.document.name, self.document.line_of(place), problem, mend)

    def read(self) -> tuple[Cluster, ...]:
        value = self.document.value
        if (
            not isinstance(value, dict)
            or list(value) != ["clusters"]
            or not isinstance(value["clusters"], dict)
        ):
            raise self.fail((), "needs one key `clusters` with a mapping below it", "see the documentation")
        if not value["clusters"]:
            raise self.fail(("clusters",), "lists no cluster", "add one, or see `hocmig refactor --suggest`")
        return tuple(self._cluster(name, body) for name, body in value["clusters"].items())

    def _cluster(self, name: str, body: Any) -> Cluster:
        place = ("clusters", name)
        if not name.strip() or not name.isprintable():
            raise self.fail(place, f"{name!r} is no name for a cluster", "write a word")
        if not isinstance(body, dict):
            raise self.fail(place, f"cluster {name} is no mapping", f"give it {', '.join(_KEYS)}")
        for key in body:
            if key not in _KEYS:
                raise self.fail((*place, key), f"{key!r} is no key of a cluster", f"use {', '.join(_KEYS)}")
        domain = self._text(body, place, "domain")
        target_domain = self._text(body, place, "target_domain") or domain
        files = tuple(
            (self._path((*place, "current_files", n), domain, text), self._line((*place, "current_files", n)))
            for n, text in enumerate(self._list(body, place, "current_files"))
        )
        seen: set[str] = set()
        for path, line in files:
            if path in seen:
                raise InputError(self.document.name, line, f"{path} is listed twice", "remove one")
            seen.add(path)
        structure = body.get("target_structure")
        if not isinstance(structure, dict) or not structure:
            raise self.fail((*place, "target_structure"), "needs target files with their members", "add them")
        folder = _common_folder([path for path, _ in files])
        targets = tuple(
            self._target((*place, "target_structure", path), path, members, target_domain, domain, folder)
            for path, members in structure.items()
        )
        paths = [t.path for t in targets]
        if len({p.casefold() for p in paths}) < len(paths):
            raise self.fail(
                (*place, "target_structure"),
                "two entries mean the same file, or differ by case only",
                "join them",
            )
        description = self._text(body, place, "description")
        return Cluster(
            name,
            self._line(place),
            domain,
            target_domain,
            description,
            files,
            targets,
            self._below(target_domain, ""),
            self._line((*place, "target_domain")),
        )

    def _target(
        self,
        place: tuple[str | int, ...],
        path: str,
        members: Any,
        target_domain: str,
        domain: str,
        folder: str,
    ) -> TargetFile:
        if not isinstance(members, list) or not members:
            raise self.fail(place, f"{path} has no list of members", "list symbols or current files")
        if not path.endswith(".py"):
            raise self.fail(place, f"{path} is no Python file", "give it the suffix .py")
        found = tuple(
            Member(str(text).removesuffix(".py"), self._line((*place, n))) for n, text in enumerate(members)
        )
        for number, member in enumerate(members):
            if not isinstance(member, str) or not member:
                raise self.fail((*place, number), f"{member!r} is no name", "write a symbol or a file name")
        if "/" not in path and target_domain == domain:
            problem = path_problem(path)
            full = f"{folder}/{path}" if folder else path
        else:
            problem = path_problem(path)
            full = self._below(target_domain, path)
        if problem:
            raise self.fail(place, f"{path!r} {problem}", "write a path inside the domain")
        return TargetFile(full, self._line(place), found)

    def _path(self, place: tuple[str | int, ...], domain: str, text: Any) -> str:
        if not isinstance(text, str) or path_problem(text):
            raise self.fail(
                place, f"{text!r} is no path inside the domain", "write it relative to the domain"
            )
        return self._below(domain, text)

    def _below(self, domain: str, path: str) -> str:
        parts = [p for p in (self.root, domain, path) if p]
        return PurePosixPath(*parts).as_posix()

    def _text(self, body: dict[str, Any], place: tuple[str | int, ...], key: str) -> str:
        value = body.get(key, "")
        if value is None:
            return ""
        if not isinstance(value, str):
            raise self.fail((*place, key), f"{key} is no text", "write a name")
        if key != "description" and ("/" in value or "." in value):
            raise self.fail((*place, key), f"{value!r} is no domain", "write the name of a folder")
        return value

    def _list(self, body: dict[str, Any], place: tuple[str | int, ...], key: str) -> list[Any]:
        value = body.get(key)
        if not isinstance(value, list) or not value:
            raise self.fail((*place, key), f"{key} needs a list of files", "add them")
        return value

    def _line(self, place: tuple[str | int, ...]) -> int:
        return self.document.line_of(place)


def _common_folder(paths: list[str]) -> str:
    folders = [path.split("/")[:-1] for path in paths]
    common = []
    for parts in zip(*folders, strict=False):
        if len(set(parts)) > 1:
            break
        common.append(parts[0])
    return "/".join(common)
