"""Names that clients could import before a change and cannot import after it, from wherever the map says."""

from __future__ import annotations

from analyzers.import_index import SourceIndex
from analyzers.model import FileRecord, Scope
from analyzers.relocation_map import RelocationMap


def ended_names(
    before: SourceIndex, after: SourceIndex, relocations: RelocationMap
) -> dict[str, tuple[str, ...]]:
    """Module -> the names that end, both sorted; names that only type checkers see do not count.

    What a map moves has not ended. What ends are imports: those that nothing in their module needs any more,
    and those of modules that end.
    """
    resolver = after.resolver
    found = {}
    for path, record in before.files.items():
        name = before.module_at(path)
        there = after.files.get(path)
        if name is None or not name.is_importable or (there is not None and there.sha256 == record.sha256):
            continue
        ended = []
        for bound in _bound(record):
            module, symbol = relocations.symbol(name.name, bound) or (
                relocations.module(name.name) or name.name,
                bound,
            )
            if resolver.attribute(module, symbol) is None:
                ended.append(bound)
        if ended:
            found[name.name] = tuple(sorted(ended))
    return dict(sorted(found.items()))


def _bound(record: FileRecord) -> set[str]:
    names = {d.name for d in record.definitions}
    for statement in record.imports:
        if statement.scope is Scope.MODULE and not statement.is_typing_only:
            names.update(alias.bound for alias in statement.names if alias.name != "*")
    return {name for name in names if not (name.startswith("__") and name.endswith("__"))}
