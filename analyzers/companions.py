"""What belongs to a module and moves with it: its stub, and on request the test file that mirrors it.

Source: the import-rewriting case 50.
"""

from __future__ import annotations

from collections.abc import Iterable

from analyzers.import_index import SourceIndex
from analyzers.model import Finding, Relocation


def with_stubs(relocations: Iterable[Relocation], index: SourceIndex) -> tuple[Relocation, ...]:
    """The relocations with an entry added for every `.pyi` beside a `.py` that moves."""
    found = list(relocations)
    named = {r.old_path for r in found}
    for entry in tuple(found):
        stub = entry.old_path + "i"
        if entry.old_path.endswith(".py") and stub in index.files and stub not in named:
            found.append(
                Relocation(
                    old_module=entry.old_module,
                    new_module=entry.new_module,
                    old_path=stub,
                    new_path=entry.new_path + "i",
                    subtree=entry.subtree,
                    sha256=index.files[stub].sha256,
                )
            )
    return tuple(found)


def with_tests(
    relocations: Iterable[Relocation], index: SourceIndex
) -> tuple[tuple[Relocation, ...], tuple[Finding, ...]]:
    """The relocations with the test twins of moving modules added, and what was found but is left in place.

    A twin is called `test_<module>.py` or `<module>_test.py` and stands in a folder that mirrors the module's
    package (`tests/billing/` for `app.billing`). It moves to the folder that mirrors the new package, under a
    name made of the new module's. One that does not stand in such a folder is a finding.
    """
    entries = tuple(relocations)
    named = {r.old_path for r in entries}
    taken = {r.new_path for r in entries} | set(index.files)
    added: list[Relocation] = []
    findings: list[Finding] = []
    by_name: dict[str, list[str]] = {}
    for path in index.files:
        by_name.setdefault(path.rpartition("/")[2], []).append(path)
    for entry in entries:
        if not entry.old_path.endswith(".py") or entry.old_symbol or entry.subtree:
            continue
        old_leaf, new_leaf = entry.old_module.rpartition(".")[2], entry.new_module.rpartition(".")[2]
        for pattern in ("test_{}.py", "{}_test.py"):
            for path in by_name.get(pattern.format(old_leaf), ()):
                if path in named or not _imports(index, path, entry.old_module):
                    continue
                new_path = _mirrored(path, entry, pattern.format(new_leaf))
                if new_path is None or new_path == path or new_path in taken:
                    findings.append(_left(path, entry))
                    continue
                twin = _relocation(path, new_path, index)
                if twin is None:
                    findings.append(_left(path, entry))
                    continue
                added.append(twin)
                taken.add(new_path)
                named.add(path)
    return (*entries, *added), tuple(findings)


def _imports(index: SourceIndex, path: str, module: str) -> bool:
    package, _, leaf = module.rpartition(".")
    for statement in index.files[path].imports:
        if any(alias.name == module for alias in statement.names) or statement.module == module:
            return True
        if statement.module == package and any(alias.name == leaf for alias in statement.names):
            return True
    return False


def _mirrored(path: str, entry: Relocation, name: str) -> str | None:
    """Where the twin goes, or None when its folder does not end like the module's package."""
    folders = path.split("/")[:-1]
    old = entry.old_module.split(".")[:-1]
    new = entry.new_module.split(".")[:-1]
    for size in range(len(old), 0, -1):
        if folders[-size:] == old[-size:]:
            shared = len(old) - size
            if old[:shared] != new[:shared]:
                continue
            return "/".join((*folders[:-size], *new[shared:], name))
    return None


def _relocation(path: str, new_path: str, index: SourceIndex) -> Relocation | None:
    old, new = index.module_at(path), index.layout.module_of(new_path)
    if old is None or new is None:
        return None
    return Relocation(
        old_module=old.name,
        new_module=new.name,
        old_path=path,
        new_path=new_path,
        sha256=index.files[path].sha256,
    )


def _left(path: str, entry: Relocation) -> Finding:
    return Finding(
        code="TWIN001",
        severity="warning",
        path=path,
        message=f"looks like the test of {entry.old_module}, which moves to {entry.new_module}; it stays",
        mend="move it by hand if it belongs there",
    )
