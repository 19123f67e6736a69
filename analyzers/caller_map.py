"""Who imports what moves: one row per import statement and moving file, and whether the statement must
change.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from analyzers.import_graph import EdgeKind, ImportEdge, ImportGraph
from analyzers.import_spelling import spell_base
from analyzers.layout import ModuleName
from analyzers.model import ImportRecord
from analyzers.name_resolution import Kind
from analyzers.relocation_map import RelocationMap


class Caller(msgspec.Struct, frozen=True):
    """`caller_file`:`line` imports from `migrating_file`; paths are those before the move.

    `via` is empty when the statement names the moving module itself, else the path of the file that passes
    its names on (a façade); such a statement stays as it is. `names` are the names that come from the moving
    file (empty: the module itself).
    """

    migrating_file: str
    caller_file: str
    line: int
    import_statement: str
    update_required: bool
    kind: EdgeKind
    names: tuple[str, ...] = ()
    via: str = ""


def caller_map(graph: ImportGraph, relocations: RelocationMap) -> tuple[Caller, ...]:
    """The callers of every file that moves, sorted by moving file, caller, line and names.

    Symbols that move alone count with the file that defines them. Only import statements are looked at:
    dotted strings and other references have reports of their own.
    """
    moving = {
        path: new for path in graph.index.files if (new := relocations.path(path)) is not None and new != path
    }
    rows: set[Caller] = set()
    for path in moving:
        for edge in graph.by_imported.get(path, ()):
            rows.add(_row(graph, relocations, moving, edge, path))
    for (module, name), _ in relocations.moved_symbols.items():
        source = graph.index.modules.get(module)
        if source is not None and source not in moving:
            for edge in graph.by_imported.get(source, ()):
                if name in edge.names or "*" in edge.names or not edge.names:
                    rows.add(_row(graph, relocations, moving, edge, source))
    rows.update(_through_facades(graph, relocations, moving))
    return tuple(sorted(rows, key=lambda r: (r.migrating_file, r.caller_file, r.line, r.via, r.names)))


def statement_text(statement: ImportRecord) -> str:
    """The statement on one line: as it is in the file but for line breaks, parentheses and comments."""
    names = ", ".join(f"{n.name} as {n.asname}" if n.asname else n.name for n in statement.names)
    if not statement.is_from:
        return f"import {names}"
    return f"from {'.' * statement.level}{statement.module} import {names}"


def _row(
    graph: ImportGraph, relocations: RelocationMap, moving: Mapping[str, str], edge: ImportEdge, path: str
) -> Caller:
    statement = graph.index.files[edge.importer].imports[edge.statement]
    return Caller(
        path,
        edge.importer,
        edge.line,
        statement_text(statement),
        _must_change(graph, relocations, moving, edge, statement),
        edge.kind,
        edge.names,
    )


def _must_change(
    graph: ImportGraph,
    relocations: RelocationMap,
    moving: Mapping[str, str],
    edge: ImportEdge,
    statement: ImportRecord,
) -> bool:
    new_module = relocations.module(edge.module)
    if new_module is None:
        moved = relocations.moved_symbols
        return any((edge.module, name) in moved for name in edge.names) or (
            not edge.names and any(module == edge.module for module, _ in moved)
        )
    if not statement.is_from:
        return True
    client = _name_after(graph, moving.get(edge.importer, edge.importer))
    written = "." * statement.level + statement.module
    if edge.names:
        return spell_base(new_module, statement.level, client) != written
    # `from package import module`
    above, _, leaf = new_module.rpartition(".")
    return leaf != edge.module.rpartition(".")[2] or spell_base(above, statement.level, client) != written


def _name_after(graph: ImportGraph, path: str) -> ModuleName:
    return graph.index.module_at(path) or ModuleName("", False, "", is_importable=False)


def _through_facades(
    graph: ImportGraph, relocations: RelocationMap, moving: Mapping[str, str]
) -> Iterator[Caller]:
    """Statements that take a name of a moving file from another module, which imports it."""
    facades = {edge.importer for path in moving for edge in graph.by_imported.get(path, ())}
    reached = set(facades)
    pending = list(facades)
    while pending:
        for edge in graph.by_imported.get(pending.pop(), ()):
            if edge.names and edge.importer not in reached:
                reached.add(edge.importer)
                pending.append(edge.importer)
    homes = {graph.module_of(path): path for path in moving if graph.module_of(path)}
    for facade in sorted(reached):
        for edge in graph.by_imported.get(facade, ()):
            if facade in moving or not edge.names:
                continue
            taken: dict[str, list[str]] = {}
            for name in edge.names:
                target = graph.resolver.bound(edge.module, name) if name != "*" else None
                if target is not None and target.kind is not Kind.OUTSIDE and target.module in homes:
                    taken.setdefault(homes[target.module], []).append(name)
            for path, names in taken.items():
                statement = graph.index.files[edge.importer].imports[edge.statement]
                yield Caller(
                    path,
                    edge.importer,
                    edge.line,
                    statement_text(statement),
                    False,
                    edge.kind,
                    tuple(names),
                    facade,
                )
