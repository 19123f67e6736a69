"""The migration manifest: one row per file that is to move, its shape, and reading one that a person edited.

The columns and their order are those of the migration plan; columns of our own stand at the right end. All
paths are relative to the repository root, as the product contract says, although the plan's example shows
them relative to the domain root.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterable, Mapping, Sequence
from keyword import iskeyword
from pathlib import Path

import msgspec

from analyzers.csv_table import MAX_BYTES, parse_csv, render_csv
from analyzers.errors import InputError
from analyzers.layout import ProjectLayout
from analyzers.model import Relocation
from analyzers.safe_path import check_path

MANIFEST_NAME = "MIGRATION_MANIFEST.csv"

#: Required in every manifest. Source: migration plan, phase 0, "CSV Schema".
PLAN_COLUMNS = (
    "migration_id",
    "current_path",
    "current_domain",
    "current_layer",
    "target_domain",
    "target_layer",
    "target_path",
    "reason",
    "status",
    "hash_before",
)


class Status(str, enum.Enum):
    """Where a row stands. Source: product contract, "Artifacts"."""

    PENDING = "PENDING"
    CONFLICT = "CONFLICT"
    IDENTICAL = "IDENTICAL"
    UNRESOLVED = "UNRESOLVED"
    DELETE_DUPLICATE = "DELETE_DUPLICATE"
    SKIPPED = "SKIPPED"
    MOVED = "MOVED"
    FAILED = "FAILED"
    ROLLED_BACK = "ROLLED_BACK"


#: Rows that a move carries out; a move that failed or was rolled back left the tree as it was before.
MOVABLE = frozenset((Status.PENDING, Status.FAILED, Status.ROLLED_BACK))

#: Rows that wait for a person's decision.
OPEN = frozenset((Status.CONFLICT, Status.IDENTICAL, Status.UNRESOLVED))

RESOLUTIONS = ("keep-target", "keep-source", "rename", "skip")

#: Between two findings of a row.
FINDING_SEPARATOR = " | "


class ManifestRow(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One file and its way.

    `hash_before` is the SHA-256 of the source when the manifest was made (empty: there is none).
    `recorded_path` is what the workbook says, which can be stale; `decision` is the target as it names it.
    `target_hash` is that of a file that stood at the target when a conflict was found or resolved.
    `workbook_line` is 1-based. `findings` are sentences, separated by ` | `.
    """

    migration_id: str
    current_path: str
    current_domain: str
    current_layer: str
    target_domain: str
    target_layer: str
    target_path: str
    reason: str
    status: Status
    hash_before: str
    resolution: str = ""
    resolution_reason: str = ""
    recorded_path: str = ""
    decision: str = ""
    target_hash: str = ""
    workbook_line: int = 0
    findings: str = ""

    @property
    def replaces_target(self) -> bool:
        """Whether the move deletes another file that stands at the target (resolution `keep-source`)."""
        return self.status in MOVABLE and self.resolution == "keep-source" and bool(self.target_hash)


COLUMNS = ManifestRow.__struct_fields__


def render_manifest(rows: Iterable[ManifestRow]) -> str:
    """The CSV text of a manifest, rows in the order of their ids."""
    ordered = sorted(rows, key=lambda row: (len(row.migration_id), row.migration_id))
    return render_csv(COLUMNS, (_cells(row) for row in ordered))


def read_manifest(
    path: Path, layout: ProjectLayout, domain_root: str = "", *, shown_as: str = ""
) -> tuple[ManifestRow, ...]:
    """The rows of the manifest in the file `path`, checked as if an enemy had written them.

    Args:
        domain_root: all paths must lie below it (empty: below the repository root).
        shown_as: what messages call the file.

    Raises:
        InputError: with file and line: missing, no CSV, a column missing, an unknown status or resolution, an
            id, source or target that occurs twice, a path that is absolute, hostile or outside, a malformed
            hash, a source inside another row's target package.
    """
    name = shown_as or path.name
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise InputError(
            name, 0, f"cannot be read: {error.strerror}", "run `hocmig manifest` first"
        ) from error
    return parse_manifest(content, name, layout, domain_root)


def parse_manifest(
    content: bytes, name: str, layout: ProjectLayout, domain_root: str = ""
) -> tuple[ManifestRow, ...]:
    """The rows of the manifest that `content` holds; raises InputError as `read_manifest`."""
    rows: list[tuple[int, ManifestRow]] = []
    for line, cells in parse_csv(content, PLAN_COLUMNS, name):
        row = _decoded(cells, name, line)
        _check_row(row, name, line, layout, domain_root)
        rows.append((line, row))
    _check_together(rows, name)
    return tuple(row for _, row in rows)


def relocations_of(
    rows: Iterable[ManifestRow], layout: ProjectLayout, *, include_moved: bool = False
) -> tuple[Relocation, ...]:
    """The relocations that the rows ask for, sorted by old module.

    Rows that are to move, and duplicates to delete: their importers are repointed to the target. With
    `include_moved` also rows that were carried out, for codemods that run after the files were moved.

    Raises:
        InputError: a path that has no module name.
    """
    wanted = MOVABLE | {Status.DELETE_DUPLICATE} | ({Status.MOVED} if include_moved else set())
    found = [
        Relocation(
            old_module=_module(row.current_path, layout),
            new_module=_module(row.target_path, layout),
            old_path=row.current_path,
            new_path=row.target_path,
            sha256=row.hash_before,
        )
        for row in rows
        if row.status in wanted
    ]
    return tuple(sorted(found, key=lambda entry: (entry.old_module, entry.old_path)))


def relocations_of_file(file: Path, layout: ProjectLayout) -> tuple[Relocation, ...]:
    """The relocations that a manifest, or a table with the columns `old_path,new_path`, asks for.

    For codemods that people run by themselves: rows that were carried out count, too, and nothing need exist,
    so that the result is the same before and after the files were moved. A folder or a dotted name in a table
    takes along all that is below it.

    Raises:
        InputError: with file and line: unreadable, malformed, or a place that is no module.
    """
    name = str(file)
    try:
        with file.open("rb") as handle:
            content = handle.read(MAX_BYTES + 1)
    except OSError as error:
        raise InputError(name, 0, f"cannot be read: {error.strerror}", "check the path") from error
    if b"old_path" not in content.partition(b"\n")[0]:
        return relocations_of(parse_manifest(content, name, layout), layout, include_moved=True)
    found = []
    for line, cells in parse_csv(content, ("old_path", "new_path"), name):
        old, new = cells["old_path"].strip(), cells["new_path"].strip()
        if not old or not new:
            raise InputError(name, line, "needs one old_path and one new_path", "mend the row")
        try:
            found.append(_relocation_of_places(old, new, layout))
        except InputError as error:
            raise InputError(name, line, f"{error.file} {error.problem}".strip(), error.mend) from error
    return tuple(sorted(found, key=lambda entry: (entry.old_module, entry.old_symbol, entry.old_path)))


def _relocation_of_places(old: str, new: str, layout: ProjectLayout) -> Relocation:
    """One row of a table of moves: paths, dotted names, or `module:symbol`."""
    old_place, _, old_symbol = old.partition(":")
    new_place, _, new_symbol = new.partition(":")
    for what, place in (("old_path", old_place), ("new_path", new_place)):
        check_path(place, root=layout.root, file="", line=0, what=what)
    if old_symbol:
        modules = [_module(p, layout) if "/" in p else p for p in (old_place, new_place)]
        return Relocation(modules[0], modules[1], old_symbol, new_symbol or old_symbol)
    if "/" not in old_place and not old_place.endswith((".py", ".pyi")):
        return Relocation(old_place, new_place, subtree=True)
    is_file = old_place.endswith((".py", ".pyi"))
    if is_file and not new_place.endswith((".py", ".pyi")):
        new_place = f"{new_place.rstrip('/')}/{old_place.rpartition('/')[2]}"
    if is_file:
        return Relocation(
            _module(old_place, layout), _module(new_place, layout), "", "", old_place, new_place
        )
    old_folder, new_folder = old_place.rstrip("/"), new_place.rstrip("/")
    return Relocation(
        _module(f"{old_folder}/__init__.py", layout),
        _module(f"{new_folder}/__init__.py", layout),
        old_path=old_folder,
        new_path=new_folder,
        subtree=True,
    )


def domain_and_layer(path: str, domain_root: str) -> tuple[str, str]:
    """The domain and the layer folder that a path lies in; empty where it lies in none."""
    below = path.removeprefix(f"{domain_root}/") if domain_root else path
    parts = below.split("/")
    return (parts[0] if len(parts) > 1 else "", parts[1] if len(parts) > 2 else "")


def module_path_problem(path: str, layout: ProjectLayout) -> str:
    """Why `path` cannot be that of a module that imports can name; empty when it can."""
    if not path.endswith((".py", ".pyi")):
        return "is no Python file"
    module = layout.module_of(path)
    parts = module.name.split(".") if module else [""]
    bad = [part for part in parts if not part.isidentifier() or iskeyword(part)]
    return f"has the part {bad[0]!r}, which no import can name" if bad else ""


def _module(path: str, layout: ProjectLayout) -> str:
    module = layout.module_of(path)
    if module is None:
        raise InputError(
            path, 0, "is no module: a part of the path is no Python name", "choose another target"
        )
    return module.name


def _cells(row: ManifestRow) -> list[object]:
    values = msgspec.structs.astuple(row)
    return [value.value if isinstance(value, enum.Enum) else value or "" for value in values]


def _decoded(cells: Mapping[str, str], name: str, line: int) -> ManifestRow:
    known = {column: text for column, text in cells.items() if column in COLUMNS}
    status = known["status"].strip()
    if status not in Status.__members__:
        raise InputError(
            name, line, f"unknown status {_short(status)!r}", f"use one of {', '.join(Status.__members__)}"
        )
    number = known.pop("workbook_line", "") or "0"
    if not (number.isascii() and number.isdigit() and len(number) < 10):
        raise InputError(name, line, f"workbook_line {_short(number)!r} is no line number", "empty the cell")
    resolution = known.get("resolution", "")
    if resolution and resolution not in RESOLUTIONS:
        mend = f"use one of {', '.join(RESOLUTIONS)}, or empty the cell"
        raise InputError(name, line, f"unknown resolution {_short(resolution)!r}", mend)
    return msgspec.convert({**known, "status": status, "workbook_line": int(number)}, ManifestRow)


_ID = re.compile(r"[0-9]{3,9}")
_HASH = re.compile(r"[0-9a-f]{64}")


def _check_row(row: ManifestRow, name: str, line: int, layout: ProjectLayout, domain_root: str) -> None:
    def refuse(problem: str, mend: str) -> None:
        raise InputError(name, line, problem, mend)

    if not _ID.fullmatch(row.migration_id):
        refuse(f"migration_id {_short(row.migration_id)!r} is no number of 3 to 9 digits", "restore the id")
    for what in ("hash_before", "target_hash"):
        text = getattr(row, what)
        if text and not _HASH.fullmatch(text):
            refuse(f"{what} {_short(text)!r} is no SHA-256 in lower case", "run `hocmig manifest` again")
    if row.status in MOVABLE and not row.hash_before:
        refuse(f"hash_before is empty, but the row is {row.status.value}", "run `hocmig manifest` again")
    is_final = row.status not in (Status.UNRESOLVED, Status.SKIPPED)
    for what in ("current_path", "target_path"):
        path = getattr(row, what)
        check_path(path, root=layout.root, file=name, line=line, what=what)
        if domain_root and not path.startswith(f"{domain_root}/"):
            refuse(f"{what} {_short(path)!r} lies outside the domain root {domain_root}", "correct the path")
        problem = module_path_problem(path, layout) if is_final and what == "target_path" else ""
        if problem:
            refuse(f"{what} {_short(path)!r} {problem}", "correct the path")
    if is_final and row.current_path == row.target_path:
        refuse("current_path and target_path are the same", "correct the target, or remove the row")
    for side, path in (("current", row.current_path), ("target", row.target_path)):
        for what, real in zip(("domain", "layer"), domain_and_layer(path, domain_root), strict=True):
            written = getattr(row, f"{side}_{what}")
            if domain_root and written != real:
                problem = f"{side}_{what} says {_short(written)!r}, but {side}_path lies in {real!r}"
                refuse(problem, "make the two agree")


def _check_together(rows: Sequence[tuple[int, ManifestRow]], name: str) -> None:
    ids: dict[str, int] = {}
    sources: dict[str, int] = {}
    targets: dict[str, int] = {}
    for line, row in rows:
        _once(ids, row.migration_id, f"migration_id {row.migration_id}", name, line)
        _once(sources, row.current_path, f"current_path {_short(row.current_path)!r}", name, line)
        if row.status in MOVABLE or row.status is Status.MOVED:
            _once(targets, row.target_path, f"target_path {_short(row.target_path)!r}", name, line)
    packages = {
        (
            path.removesuffix("/__init__.py") if path.endswith("/__init__.py") else path.rpartition(".")[0]
        ): line
        for path, line in targets.items()
    }
    for line, row in rows:
        if row.status not in MOVABLE:
            continue
        folder = row.current_path.rpartition("/")[0]
        while folder:
            if folder in packages and packages[folder] != line:
                where = f"lies inside the target of line {packages[folder]}"
                problem = f"current_path {_short(row.current_path)!r} {where}"
                raise InputError(name, line, problem, "move the package first, or choose another target")
            folder = folder.rpartition("/")[0]


def _once(seen: dict[str, int], key: str, what: str, name: str, line: int) -> None:
    if key in seen:
        raise InputError(name, line, f"{what} stands in line {seen[key]}, too", "keep one")
    seen[key] = line


def _short(text: str) -> str:
    return text if len(text) <= 80 else text[:80] + "…"
