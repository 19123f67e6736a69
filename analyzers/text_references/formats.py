"""Which reader a file gets, by its name; files that no reader knows are prose."""

from __future__ import annotations

from collections.abc import Callable

from analyzers.text_references import (
    codeowners_references,
    command_references,
    documentation_references,
    ini_references,
    json_references,
    toml_references,
    yaml_references,
)
from analyzers.text_references.regions import Region, Role, in_order, lines_of, stripped

Reader = Callable[[str, str], list[Region]]

# Endings that say that a file is a template or sample of what the ending before them says.
_SAMPLES = frozenset({"j2", "jinja", "jinja2", "tmpl", "tpl", "template", "in", "dist", "example", "sample"})
_CHANGELOGS = ("changelog", "changes", "history", "news", "release_notes", "releasenotes", "whatsnew")
_CHANGELOG_FOLDERS = frozenset({"changelog.d", "newsfragments", "changes", "news"})


def prose(text: str, path: str) -> list[Region]:
    """No regions: all is prose."""
    return []


def cython(text: str, path: str) -> list[Region]:
    """Every line as Python code."""
    return in_order(Region(*stripped(text, *line), Role.CODE, "Cython") for line in lines_of(text))


_BY_NAME: dict[str, Reader] = {
    "codeowners": codeowners_references.pattern_regions,
    "manifest.in": codeowners_references.manifest_regions,
    ".gitignore": codeowners_references.pattern_regions,
    ".gitattributes": codeowners_references.pattern_regions,
    ".dockerignore": codeowners_references.pattern_regions,
    ".helmignore": codeowners_references.pattern_regions,
    ".prettierignore": codeowners_references.pattern_regions,
    ".semgrepignore": codeowners_references.pattern_regions,
    ".rgignore": codeowners_references.pattern_regions,
    "procfile": command_references.procfile_regions,
    "makefile": command_references.makefile_regions,
    "gnumakefile": command_references.makefile_regions,
    "justfile": command_references.makefile_regions,
    ".coveragerc": ini_references.find_regions,
    ".flake8": ini_references.find_regions,
    ".importlinter": ini_references.find_regions,
    ".isort.cfg": ini_references.find_regions,
    ".pylintrc": ini_references.find_regions,
    "pylintrc": ini_references.find_regions,
    ".pydocstyle": ini_references.find_regions,
    ".env": ini_references.find_regions,
    ".flaskenv": ini_references.find_regions,
    "entry_points.txt": ini_references.find_regions,
    ".secrets.baseline": json_references.find_regions,
    ".clang-format": yaml_references.find_regions,
    "pipfile": toml_references.find_regions,
}
_BY_ENDING: dict[str, Reader] = {
    "toml": toml_references.find_regions,
    "lock": prose,
    "cfg": ini_references.find_regions,
    "ini": ini_references.find_regions,
    "conf": ini_references.find_regions,
    "properties": ini_references.find_regions,
    "env": ini_references.find_regions,
    "service": ini_references.find_regions,
    "yaml": yaml_references.find_regions,
    "yml": yaml_references.find_regions,
    "json": json_references.find_regions,
    "jsonc": json_references.find_regions,
    "json5": json_references.find_regions,
    "ipynb": json_references.find_regions,
    "code-workspace": json_references.find_regions,
    "dockerfile": command_references.dockerfile_regions,
    "containerfile": command_references.dockerfile_regions,
    "mk": command_references.makefile_regions,
    "just": command_references.makefile_regions,
    "sh": command_references.shell_regions,
    "bash": command_references.shell_regions,
    "zsh": command_references.shell_regions,
    "rst": documentation_references.rst_regions,
    "rest": documentation_references.rst_regions,
    "md": documentation_references.markdown_regions,
    "markdown": documentation_references.markdown_regions,
    "mdx": documentation_references.markdown_regions,
    "pyx": cython,
    "pxd": cython,
    "pxi": cython,
}


def reader_of(path: str, first_line: str = "") -> Reader:
    """The reader of the file `path`; scripts without an ending are known by `first_line` (`#!/bin/sh`)."""
    name = path.rpartition("/")[2].lower()
    pieces = name.split(".")
    while len(pieces) > 1 and pieces[-1] in _SAMPLES and name not in _BY_NAME:
        pieces.pop()
        name = ".".join(pieces)
    if name in _BY_NAME:
        return _BY_NAME[name]
    if name.startswith(("dockerfile", "containerfile")):
        return command_references.dockerfile_regions
    if name.startswith(".env."):
        return ini_references.find_regions
    if len(pieces) > 1 and pieces[-1] in _BY_ENDING:
        return _BY_ENDING[pieces[-1]]
    if "baseline" in name and pieces[-1] in ("txt", name):
        return codeowners_references.baseline_regions
    if first_line.startswith("#!") and ("sh" in first_line.rpartition("/")[2].split(" ")[-1]):
        return command_references.shell_regions
    return prose


def takes_patterns(path: str) -> bool:
    """Whether the file is of a kind that names folders and packages by patterns (`app/a/*`, `app.a.*`)."""
    return reader_of(path) in _PATTERN_READERS


_PATTERN_READERS = (
    codeowners_references.pattern_regions,
    codeowners_references.manifest_regions,
    ini_references.find_regions,
    toml_references.find_regions,
    yaml_references.find_regions,
)


def is_changelog(path: str) -> bool:
    """Whether the file tells history: names in it are right as they are."""
    folder, _, name = path.lower().rpartition("/")
    stem = name.partition(".")[0].replace("-", "_")
    return stem in _CHANGELOGS or not _CHANGELOG_FOLDERS.isdisjoint(folder.split("/"))
