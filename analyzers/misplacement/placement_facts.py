"""What speaks for a file's place, one record per file: its links, the words of its names, its libraries.

Only files of domains are placed. Tests and `__init__` files are neither placed nor evidence: they follow the
code that they test or re-export. A link leads to the file that defines what is imported, re-exports followed.

Not seen: imports by strings, links through other languages, what functions do.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from analyzers.import_graph import ImportEdge, ImportGraph
from analyzers.import_index import SourceIndex
from analyzers.model import DefinitionKind, FileRecord
from analyzers.name_resolution import Kind

#: (domain, path inside the domain) of a path; both empty outside of all domains.
PlaceOf = Callable[[str], tuple[str, str]]

_TEST_PATH = re.compile(r"(^|/)(tests?|testing)/|(^|/)(test_[^/]*|[^/]*_test|tests|conftest)\.pyi?$")
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
#: Shorter words (`to`, `id`) say nothing about a subject.
_SHORTEST_WORD = 3


@dataclass(frozen=True, slots=True)
class PlacedFile:
    """One file of a domain; `inner` is its path below the domain's folder, `layer` its first folder there.

    `stem_words` are the words of the file's name, `words` those of the names that it defines, too.
    `libraries` are the modules from outside the repository and the standard library, by their first part.
    `imports` and `importers` are paths of other files, of all domains and of none. All are sorted.
    """

    path: str
    domain: str
    inner: str
    layer: str
    stem_words: tuple[str, ...]
    words: tuple[str, ...]
    libraries: tuple[str, ...]
    imports: tuple[str, ...]
    importers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PlacementFacts:
    """The placed files by path, sorted, and the domains, sorted.

    `home` gives the domain of every file that can be linked to, tests excluded. `unread` are the files of
    domains that could not be read or parsed: nothing is known of their links. `layers` are the layer folders
    that each domain has.
    """

    files: Mapping[str, PlacedFile]
    home: Mapping[str, str]
    domains: tuple[str, ...]
    layers: Mapping[str, frozenset[str]]
    unread: tuple[FileRecord, ...]


def placement_facts(graph: ImportGraph, place_of: PlaceOf, known: Iterable[str] = ()) -> PlacementFacts:
    """The facts of a tree.

    Args:
        place_of: where a path lies, e.g. `domain_of` with a configuration.
        known: domains that count even when they hold no files.
    """
    index = graph.index
    places = {path: place_of(path) for path in index.files}
    home = {path: domain for path, (domain, _) in places.items() if not is_test(path)}
    imports, importers = _links(graph, home)
    tops = {name.name.partition(".")[0] for name in index.names.values()}
    files: dict[str, PlacedFile] = {}
    unread: list[FileRecord] = []
    layers: dict[str, set[str]] = {}
    for path, (domain, inner) in places.items():
        if not domain:
            continue
        folder = inner.partition("/")[0] if "/" in inner else ""
        layers.setdefault(domain, set()).add(folder)
        record = index.files[path]
        if record.error:
            unread.append(record)
        if is_test(path) or record.is_package_file or path.endswith(".pyi") or record.error:
            continue
        stem_words = words_of([path.rpartition("/")[2].rpartition(".")[0]])
        files[path] = PlacedFile(
            path,
            domain,
            inner,
            folder,
            stem_words,
            tuple(sorted({*stem_words, *words_of(_names(record))})),
            _libraries(record, tops),
            tuple(sorted(imports.get(path, ()))),
            tuple(sorted(importers.get(path, ()))),
        )
    return PlacementFacts(
        files,
        home,
        tuple(sorted({file.domain for file in files.values()}.union(known))),
        {domain: frozenset(found) for domain, found in sorted(layers.items())},
        tuple(unread),
    )


def relabelled(facts: PlacementFacts, moves: Mapping[str, str]) -> PlacementFacts:
    """The facts as they would be if files lay in another domain: `moves` maps paths to domains.

    Paths stay as they are, and so do all links: a correct move changes none. For experiments.
    """
    files = {
        path: replace(file, domain=moves[path]) if path in moves else file
        for path, file in facts.files.items()
    }
    home = {path: moves.get(path, domain) for path, domain in facts.home.items()}
    return replace(facts, files=files, home=home)


def is_test(path: str) -> bool:
    """Whether a path looks like a test, from its name and folders."""
    return _TEST_PATH.search(path) is not None


def words_of(names: Iterable[str]) -> tuple[str, ...]:
    """The distinct words of identifiers in lower case, sorted, plural forms as singular ones."""
    found = set()
    for name in names:
        for word in _WORD.findall(name):
            bare = word.lower()
            if len(bare) >= _SHORTEST_WORD:
                found.add(_singular(bare))
    return tuple(sorted(found))


def _singular(word: str) -> str:
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word


def _names(record: FileRecord) -> list[str]:
    """What a file defines for others: functions and classes, and constants that are no private names."""
    return [
        definition.name
        for definition in record.definitions
        if definition.kind is not DefinitionKind.VARIABLE or not definition.name.startswith("_")
    ]


def _libraries(record: FileRecord, tops: set[str]) -> tuple[str, ...]:
    found: set[str] = set()
    for statement in record.imports:
        if statement.level:
            continue
        for module in [statement.module] if statement.is_from else [n.name for n in statement.names]:
            top = module.partition(".")[0]
            if top and top not in tops and top not in sys.stdlib_module_names:
                found.add(top)
    return tuple(sorted(found))


def _links(graph: ImportGraph, home: Mapping[str, str]) -> tuple[dict[str, set[str]], dict[str, set[str]]]:
    imports: dict[str, set[str]] = {}
    importers: dict[str, set[str]] = {}
    index = graph.index
    for edge in graph.edges:
        if edge.importer not in home or index.files[edge.importer].is_package_file:
            continue
        for path in _defining(graph, index, edge):
            if path in home and path != edge.importer:
                imports.setdefault(edge.importer, set()).add(path)
                importers.setdefault(path, set()).add(edge.importer)
    return imports, importers


def _defining(graph: ImportGraph, index: SourceIndex, edge: ImportEdge) -> set[str]:
    """The files that define what an edge takes; the imported file itself where that is not known."""
    if not edge.imported:
        return set()
    if not edge.names or not index.files[edge.imported].is_package_file:
        return {edge.imported}
    found = set()
    for name in edge.names:
        target = graph.resolver.attribute(edge.module, name) if name != "*" else None
        path = None
        if target is not None and target.kind in (Kind.SYMBOL, Kind.MODULE):
            path = index.modules.get(target.module)
        found.add(path or edge.imported)
    return found
