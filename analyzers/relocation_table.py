"""Relocations from what people write: a table of moves, or one old and one new place.

A place is a path (`app/a/x.py`, a package folder) or a dotted name (`app.a.x`, `app.a.x:Symbol`).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from analyzers.errors import InputError
from analyzers.import_index import SourceIndex
from analyzers.layout import ProjectLayout
from analyzers.model import Relocation


def read_move_table(file: Path) -> list[tuple[int, str, str]]:
    """The rows of a CSV with the columns `old_path,new_path` as (1-based line, old, new).

    Raises:
        InputError: the file is missing, no CSV in UTF-8, or lacks a column or a value.
    """
    name = str(file)
    try:
        text = file.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise InputError(name, 0, f"cannot be read: {error.strerror}", "check the path") from error
    except UnicodeDecodeError as error:
        raise InputError(name, 0, "is not UTF-8", "save it as UTF-8") from error
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    rows = []
    try:
        missing = {"old_path", "new_path"} - set(reader.fieldnames or ())
        if missing:
            raise InputError(
                name, 1, f"lacks the column {', '.join(sorted(missing))}", "see hocmig mv --help"
            )
        for row in reader:
            old, new = (row["old_path"] or "").strip(), (row["new_path"] or "").strip()
            if not old or not new or None in row:
                raise InputError(name, reader.line_num, "needs one old_path and one new_path", "mend the row")
            rows.append((reader.line_num, old, new))
    except csv.Error as error:
        raise InputError(name, reader.line_num, f"is no CSV: {error}", "mend the line") from error
    return rows


def relocations_of_moves(
    moves: Iterable[tuple[int, str, str]], index: SourceIndex, shown_as: str
) -> tuple[Relocation, ...]:
    """The relocations that a list of (line, old place, new place) means in a tree.

    A package folder stands for all Python files below it. Hashes are those of the index. A move whose old
    place is gone and whose new one exists was carried out before: its relocations have no hash, and serve to
    rewrite what still names the old place.

    Raises:
        InputError: an old place that does not exist, a new one that is no module, a path that leaves the
            repository; `shown_as` and the line say where.
    """
    found: list[Relocation] = []
    for line, old, new in moves:
        try:
            found += _relocations_of_move(old, new, index)
        except InputError as error:
            raise InputError(shown_as, line, f"{error.file}: {error.problem}", error.mend) from error
    return tuple(found)


def _relocations_of_move(old: str, new: str, index: SourceIndex) -> list[Relocation]:
    if ":" in old:
        return [_symbol(old, new, index)]
    try:
        old_path = _existing_path(old, index)
    except InputError as error:
        try:
            done = _carried_out(old, new, index)
        except InputError:
            done = []
        if done:
            return done
        raise error
    new_path = _new_path(old_path, old_path in index.files, new, index)
    if old_path in index.files:
        return [_file(old_path, new_path, index)]
    return _folder(old_path, new_path, index)


def _carried_out(old: str, new: str, index: SourceIndex) -> list[Relocation]:
    """The relocations of a move that was made before; empty when nothing stands at the new place either."""
    if "/" in old or old.endswith((".py", ".pyi")):
        candidates = [_clean(old)]
    else:
        roots = index.layout.import_roots
        paths = [
            index.layout.path_of(old, root) for root in roots if all(map(str.isidentifier, old.split(".")))
        ]
        candidates = [*paths, *(path[: -len(".py")] for path in paths)]
    for old_path in candidates:
        is_file = old_path.endswith((".py", ".pyi"))
        new_path = _new_path(old_path, is_file, new, index)
        if is_file and new_path in index.files:
            old_module, new_module = (_module_name(path, index.layout) for path in (old_path, new_path))
            return [Relocation(old_module, new_module, old_path=old_path, new_path=new_path)]
        is_nested = f"{new_path}/".startswith(f"{old_path}/") or f"{old_path}/".startswith(f"{new_path}/")
        back = [] if is_file or is_nested else _folder(new_path, old_path, index)
        if any(r.old_path in index.files for r in back):
            return [
                Relocation(r.new_module, r.old_module, "", "", r.new_path, r.old_path, r.subtree)
                for r in back
            ]
    return []


def _symbol(old: str, new: str, index: SourceIndex) -> Relocation:
    old_module, _, symbol = old.partition(":")
    new_module, _, new_symbol = new.partition(":")
    if "/" in old_module:
        old_module = _module_name(_existing_path(old_module, index), index.layout)
    if "/" in new_module:
        new_module = _module_name(_clean(new_module), index.layout)
    return Relocation(old_module, new_module, symbol, new_symbol or symbol)


def _existing_path(place: str, index: SourceIndex) -> str:
    """The path of an existing module or package, given as a path or as a dotted name."""
    if "/" in place or place.endswith(".py"):
        path = _clean(place)
        if path in index.files:
            return path
        if any(f.startswith(path + "/") for f in index.files):
            return path
        raise InputError(
            place, 0, "there is no such Python file or package", "check the name and import roots"
        )
    if place in index.modules:
        path = index.modules[place]
        return path.rpartition("/")[0] if path.endswith("/__init__.py") else path
    if index.is_package(place):
        for root in index.layout.import_roots:
            folder = index.layout.path_of(place, root)[: -len(".py")]
            if any(f.startswith(folder + "/") for f in index.files):
                return folder
    raise InputError(place, 0, "there is no such module", "check the name and the import roots")


def _new_path(old_path: str, is_file: bool, new: str, index: SourceIndex) -> str:
    """The path that a new place names; a folder with a final slash takes the file under its old name."""
    if "/" in new or new.endswith((".py", ".pyi")):
        path = _clean(new)
        if is_file and (new.endswith("/") or not path.endswith((".py", ".pyi"))):
            path = f"{path}/{PurePosixPath(old_path).name}"
        return path
    if not all(part.isidentifier() for part in new.split(".")):
        raise InputError(new, 0, "is no dotted module name", "write it as a.b.c")
    module = index.layout.module_of(old_path if is_file else f"{old_path}/__init__.py")
    root = module.root if module is not None and module.is_importable else "."
    path = index.layout.path_of(new, root)
    return path if is_file else path[: -len(".py")]


def _file(old_path: str, new_path: str, index: SourceIndex) -> Relocation:
    return Relocation(
        old_module=_module_name(old_path, index.layout, is_new=False),
        # A file that no import can name (a migration, a script) may keep such a name inside its package.
        new_module=_module_name(new_path, index.layout, is_new=_leaf(old_path) != _leaf(new_path)),
        old_path=old_path,
        new_path=new_path,
        sha256=index.files[old_path].sha256,
    )


def _folder(old_path: str, new_path: str, index: SourceIndex) -> list[Relocation]:
    if new_path == old_path or new_path.startswith(old_path + "/"):
        raise InputError(new_path, 0, "a package cannot move into itself", "choose another place")
    found = [
        _file(path, new_path + path[len(old_path) :], index)
        for path in index.files
        if path.startswith(old_path + "/")
    ]
    init = f"{old_path}/__init__.py"
    whole = Relocation(
        old_module=_module_name(init, index.layout),
        new_module=_module_name(f"{new_path}/__init__.py", index.layout),
        old_path=init if init in index.files else old_path,
        new_path=f"{new_path}/__init__.py" if init in index.files else new_path,
        subtree=True,
        sha256=index.files[init].sha256 if init in index.files else "",
    )
    return [whole, *(r for r in found if r.old_path != init)]


def _leaf(path: str) -> str:
    return path.rpartition("/")[2]


def _module_name(path: str, layout: ProjectLayout, *, is_new: bool = True) -> str:
    name = layout.module_of(path)
    if name is None or (is_new and not name.has_python_name):
        raise InputError(path, 0, "is no module: a part of the path is no Python name", "choose another name")
    return name.name


def _clean(place: str) -> str:
    path = PurePosixPath(place.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or (len(place) > 1 and place[1] == ":"):
        raise InputError(place, 0, "leads out of the repository", "give a path below its root")
    return path.as_posix()
