"""Command lines: which stretches of a file are commands, and how sure a name in a command is.

Files: Dockerfile (shell and exec form), Procfile, shell scripts, Makefile, justfile. Command lines inside
TOML, INI, YAML and JSON come from those formats and are judged here, too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from analyzers.text_references.reference import Certainty
from analyzers.text_references.regions import Region, Role, in_order, lines_of, stripped

# A line longer than this is looked back at only so far: keeps one-line files of two megabytes linear.
_LOOK_BACK = 2000
_SEPARATOR = re.compile(r"&&|\|\|?|;|\$\(|`|(?<!\\)\n")
_QUOTING = str.maketrans("\"'[],()", "       ")
_ASSIGNMENT = re.compile(r"(?:export\s+)?[A-Za-z_]\w*[:?+]?=$")
_ASSIGNS = frozenset({"=", ":=", "::=", "?=", "+="})
_VERSION = re.compile(r"[\d.]+$")


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_PROGRAMS = _words("""
         python pypy pythonw ipython gunicorn uvicorn hypercorn daphne granian celery flask fastapi
    waitress-serve     uwsgi dramatiq rq arq huey_consumer taskiq faust pytest py.test mypy ruff pylint
    black isort flake8 coverage     pyright basedpyright alembic django-admin manage.py streamlit locust
    lint-imports tach bandit vulture kernprof     py-spy memray scalene nuitka pyinstaller cython
    stubtest stubgen sphinx-build sphinx-apidoc pdoc pydoc     interrogate autoflake pyupgrade codespell
    watchmedo watchfiles hatch procrastinate dagster prefect airflow     robot behave nose2 unittest
    doctest
""")
_FILE_COMMANDS = frozenset(
    {"COPY", "ADD", "cp", "mv", "cat", "source", ".", "rm", "chmod", "test", "ls", "git"}
)
_PRINTERS = frozenset({"echo", "printf", "@echo", "LABEL"})
_NAME_OPTIONS = _words("""
         -A --app -m --module --settings --cov --pyargs -p --plugin --worker-class --logger-class
    --application     --package --packages --source-pkgs --source
""")

_INSTRUCTION = re.compile(r"\s*(?P<word>[A-Za-z]+)\s+")
_DOCKER_COMMANDS = frozenset(
    {"RUN", "CMD", "ENTRYPOINT", "HEALTHCHECK", "ENV", "COPY", "ADD", "ONBUILD", "SHELL"}
)
_PROCESS = re.compile(r"\s*[\w-]+:\s+")


def dockerfile_regions(text: str, path: str) -> list[Region]:
    """One region per instruction that runs or copies: with its continuation lines, without comments."""
    return in_order(_dockerfile(text))


def _dockerfile(text: str) -> Iterator[Region]:
    goes_on, instruction = False, ""
    for start, end in _logical_lines(text, "#"):
        word = _INSTRUCTION.match(text, start, end)
        if goes_on:
            yield Region(*stripped(text, start, end), Role.COMMAND, instruction)
        elif word is not None and word["word"].upper() in _DOCKER_COMMANDS:
            instruction = word["word"].upper()
            yield Region(word.start("word"), end, Role.COMMAND, instruction)
        elif word is None or word["word"].upper() not in ("FROM", "LABEL", "MAINTAINER"):
            # The body of a here-document.
            yield Region(*stripped(text, start, end), Role.COMMAND, "here-document", Certainty.LIKELY)
        # A comment line between continued lines ends a region, not the instruction.
        goes_on = text[start:end].rstrip().endswith("\\")


def procfile_regions(text: str, path: str) -> list[Region]:
    """The command of each `process: command` line."""
    found = []
    for start, end in lines_of(text):
        process = _PROCESS.match(text, start, end)
        if process is not None and text[start] != "#":
            found.append(Region(process.end(), end, Role.COMMAND, "process"))
    return in_order(found)


def shell_regions(text: str, path: str) -> list[Region]:
    """Every logical line of a shell script without its comment."""
    return in_order(
        Region(*stripped(text, start, _before_comment(text, start, end)), Role.COMMAND, "shell")
        for start, end in _logical_lines(text, "#")
    )


def makefile_regions(text: str, path: str) -> list[Region]:
    """The recipe lines, variable assignments and prerequisites of a Makefile or justfile."""
    return in_order(
        Region(*stripped(text, start, _before_comment(text, start, end)), Role.COMMAND, "make")
        for start, end in _logical_lines(text, "#")
    )


def _logical_lines(text: str, comment: str) -> Iterator[tuple[int, int]]:
    """Lines joined where one ends in a backslash; comment lines are left out, also between joined ones."""
    begin = -1
    for start, end in lines_of(text):
        line = text[start:end]
        if line.lstrip().startswith(comment):
            if begin >= 0:
                # A comment inside a continued line must stay out of the region.
                yield begin, start
                begin = -1
            continue
        begin = start if begin < 0 else begin
        if not line.endswith("\\"):
            yield begin, end
            begin = -1
    if begin >= 0:
        yield begin, len(text)


def _before_comment(text: str, start: int, end: int) -> int:
    quote = ""
    for at in range(start, end):
        mark = text[at]
        if quote:
            quote = "" if mark == quote else quote
        elif mark in "\"'":
            quote = mark
        elif mark == "#" and (at == start or text[at - 1].isspace()):
            return at
    return end


def judge_command(text: str, region: Region, start: int, end: int, *, is_path: bool, parts: int) -> Certainty:
    """How sure the name at `start` to `end`, which resolves, is meant as one in the command `region`.

    Certain: the argument of `-m`, `--app`, `--cov` and their like, the value of a variable, an argument of a
    program that takes names or paths. `parts` counts the segments of the name; single words need an option.
    """
    before = text[max(region.start, start - _LOOK_BACK) : start]
    command = before[max((m.end() for m in _SEPARATOR.finditer(before)), default=0) :]
    flat = command.translate(_QUOTING).replace("\\\n", "  ")
    words = flat.split()
    glue = "" if not flat or flat[-1].isspace() else words.pop()
    if any(word in _PRINTERS for word in words[:2]):
        return Certainty.MENTION
    programs = {_program(word) for word in words}
    is_python = any(p.lower().endswith("python") for p in programs)
    known = is_python or bool(programs & _PROGRAMS)
    # pytest's own options have no program in front.
    known = known or region.where.endswith("addopts")
    if "-c" in words and is_python:
        return Certainty.LIKELY
    option = glue[:-1] if glue.endswith("=") else words[-1] if words and not glue else ""
    if is_path:
        sure = known or bool(programs & _FILE_COMMANDS) or bool(_ASSIGNMENT.fullmatch(glue))
        return Certainty.CERTAIN if sure and not _is_target(text, region, end, programs) else Certainty.LIKELY
    if not _ends_word(text, end, region.end):
        return Certainty.LIKELY if parts > 1 else Certainty.MENTION
    if (
        option == "-m"
        or (option in _NAME_OPTIONS and (known or option[:2] == "--"))
        or (glue == "-A" and known)
    ):
        return Certainty.CERTAIN
    if parts < 2:
        return Certainty.MENTION
    whole = (start == region.start and end == region.end) or (
        words[-1:] and words[-1] in _ASSIGNS and not glue
    )
    if whole or (known and (not glue or glue.endswith(("=", ":")))) or _ASSIGNMENT.fullmatch(glue):
        return Certainty.CERTAIN
    return Certainty.LIKELY


def _program(word: str) -> str:
    name = word.rpartition("/")[2].strip("{}$@-")
    return _VERSION.sub("", name) or name


def _ends_word(text: str, end: int, stop: int) -> bool:
    return end >= stop or text[end].isspace() or text[end] in "\"'],;:)(|&`[}#\\"


def _is_target(text: str, region: Region, end: int, programs: set[str]) -> bool:
    """Whether a path is the last word of COPY or ADD: a path inside the image."""
    return bool(programs & {"COPY", "ADD"}) and not text[end : region.end].translate(_QUOTING).strip()
