"""What belongs to a moving module and does not move with it: said, never guessed (case 50).

TWIN002 W a Cython source, a compiled module or its C file beside the module; TWIN003 W the module leaves a
distribution with `py.typed` for one without; TWIN004 W a test leaves, or a moving conftest.py takes away, the
scope of fixtures that are used; TWIN005 W pytest cannot tell two test files of one name apart.

Source: the import-rewriting case 50; pytest's manual, "conftest.py: sharing fixtures across multiple files"
and "Test outcomes of import modes" (`prepend` needs unique names in folders without `__init__.py`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from analyzers.discovery import EXTENSION_SUFFIXES
from analyzers.import_index import SourceIndex
from analyzers.model import Finding, Relocation
from analyzers.relocation_map import RelocationMap

Reader = Callable[[str], bytes]

_BESIDE = (*EXTENSION_SUFFIXES, ".pxd", ".pxi", ".c", ".cpp")
_TEST = re.compile(r"(?:test_.*|.*_test)\.py")
_WORD = re.compile(rb"[^\W\d]\w*")
_SETTINGS = ("pyproject.toml", "pytest.ini", "tox.ini", "setup.cfg")
_IMPORTLIB = re.compile(rb"import-mode[= ]+importlib")


def companions_left(relocations: RelocationMap, index: SourceIndex, read: Reader) -> tuple[Finding, ...]:
    """The findings for a set of moves, sorted; `read` gives the bytes of a path of the tree before."""
    moves = {old: new for old, new in relocations.paths.items() if old in index.files and old != new}
    entries = [r for r in relocations.relocations if r.old_path in moves]
    findings = [
        *_beside(entries, relocations, index),
        *_typed(entries, relocations, index),
        *_fixtures(moves, index, read),
        *_same_names(moves, index, read),
    ]
    return tuple(sorted(set(findings), key=lambda f: (f.path, f.code, f.message)))


def _beside(
    entries: Iterable[Relocation], relocations: RelocationMap, index: SourceIndex
) -> Iterator[Finding]:
    stems = {e.old_path[: -len(".py")]: e for e in entries if e.old_path.endswith(".py")}
    for path in index.carried_files:
        if not path.endswith(_BESIDE) or relocations.path(path) is not None:
            continue
        folder, _, name = path.rpartition("/")
        entry = stems.get(f"{folder}/{name.partition('.')[0]}" if folder else name.partition(".")[0])
        if entry is not None:
            yield _finding(
                "TWIN002",
                path,
                f"stays where {entry.old_module} was, which moves to {entry.new_module}",
                "move it by hand, and build it again: its name is part of what was compiled",
            )


def _typed(
    entries: Iterable[Relocation], relocations: RelocationMap, index: SourceIndex
) -> Iterator[Finding]:
    marks = {p.rpartition("/")[0] for p in index.carried_files if p.rpartition("/")[2] == "py.typed"}
    marks_after = {relocations.path(f"{m}/py.typed") or f"{m}/py.typed" for m in marks}
    for entry in entries:
        mark = next((m for m in marks if entry.old_path.startswith(f"{m}/")), None)
        if mark is None or any(entry.new_path.startswith(m[: -len("py.typed")]) for m in marks_after):
            continue
        yield _finding(
            "TWIN003",
            entry.old_path,
            f"leaves {mark}, which says by py.typed that it has types, for a package that does not",
            "add a py.typed there, or type checkers will ignore the module's annotations",
        )


def _fixtures(moves: dict[str, str], index: SourceIndex, read: Reader) -> Iterator[Finding]:
    shared = [p for p in index.files if p.rpartition("/")[2] == "conftest.py"]
    if not shared:
        return
    tests = [p for p in index.files if _TEST.fullmatch(p.rpartition("/")[2])]
    for conftest in shared:
        after = moves.get(conftest, conftest)
        names = {d.name.encode() for d in index.files[conftest].definitions}
        is_automatic = b"autouse" in read(conftest)
        for test in tests:
            new = moves.get(test, test)
            if (test, conftest) == (new, after) or not _covers(conftest, test) or _covers(after, new):
                continue
            if is_automatic or not names.isdisjoint(_WORD.findall(read(test))):
                yield _finding(
                    "TWIN004",
                    test,
                    f"is out of the scope of {after} afterwards, and uses what that defines",
                    "move the fixtures to a conftest.py above both, or import them",
                )


def _covers(conftest: str, test: str) -> bool:
    return test.startswith(conftest[: -len("conftest.py")])


def _same_names(moves: dict[str, str], index: SourceIndex, read: Reader) -> Iterator[Finding]:
    moving = {old: new for old, new in moves.items() if _TEST.fullmatch(new.rpartition("/")[2])}
    if not moving:
        return
    known = (p for p in _SETTINGS if p in index.other_files)
    if any(_IMPORTLIB.search(read(p)) is not None for p in known):
        return
    after = {moves.get(path, path): path for path in index.files}
    by_name: dict[str, list[str]] = {}
    for path in after:
        by_name.setdefault(path.rpartition("/")[2], []).append(path)
    for old, new in sorted(moving.items()):
        if _has_init(new, after):
            continue
        for other in by_name[new.rpartition("/")[2]]:
            if other == new or _has_init(other, after):
                continue
            was_so = old.rpartition("/")[2] == new.rpartition("/")[2] and not _has_init(old, index.files)
            if not was_so or after[other] != other:
                yield _finding(
                    "TWIN005",
                    old,
                    f"becomes {new}, and pytest cannot tell it from {other}: neither folder is a package",
                    "give one another name, add an __init__.py, or use --import-mode=importlib",
                )


def _has_init(path: str, files: Iterable[str]) -> bool:
    folder = path.rpartition("/")[0]
    return f"{folder}/__init__.py" in files if folder else False


def _finding(code: str, path: str, message: str, mend: str) -> Finding:
    return Finding(code=code, severity="warning", path=path, message=message, mend=mend)
