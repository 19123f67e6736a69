"""The built-in layer check: directions between layers, forbidden libraries, banned names, claims in heads.

All rules come from `layers` in `hocmig.yaml`. A layer may import itself and the layers below it in `order`,
in its own domain and in others; `allowed` replaces the layers below. Folders that `order` does not name have
no rules. Imports under TYPE_CHECKING and in functions count as the architecture section of the configuration
says.

Not seen: imports by strings, and libraries reached through another module.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from analyzers.configuration import Configuration, Layers
from analyzers.domain_inventory import domain_of, layer_of
from analyzers.model import FileRecord

if TYPE_CHECKING:
    # Not at run time: `guard` looks at single files and needs no graph.
    from analyzers.import_graph import ImportGraph

#: A claim stands in the head of a file: in its first bytes.
HEAD_BYTES = 4096


@dataclass(frozen=True, slots=True)
class LayerViolation:
    """One broken rule: `code` LAYER001 to LAYER004; `key` is what a baseline keeps (no line numbers)."""

    code: str
    path: str
    line: int
    message: str
    key: str


def check_layers(
    graph: ImportGraph, config: Configuration, read_head: Callable[[str], bytes]
) -> tuple[LayerViolation, ...]:
    """The violations of the layer rules in a tree, sorted by path, line and code.

    Args:
        read_head: gives at least the first HEAD_BYTES bytes of a file; called only when `layers.header` is
            set.
    """
    found: list[LayerViolation] = []
    places = {path: domain_of(path, config) for path in graph.index.files}
    layered = {
        path: layer_of(rest)
        for path, (domain, rest) in places.items()
        if domain and layer_of(rest) in config.layers.order
    }
    found.extend(_directions(graph, config, layered))
    for path, layer in layered.items():
        found.extend(file_violations(graph.index.files[path], layer, config.layers, read_head))
    return tuple(sorted(set(found), key=lambda v: (v.path, v.line, v.code, v.key)))


def file_violations(
    record: FileRecord, layer: str, layers: Layers, read_head: Callable[[str], bytes]
) -> Iterator[LayerViolation]:
    """What is wrong with one file of a layer by itself: its libraries, its name, the claim in its head."""
    path = record.path
    banned = layers.banned_names.get(layer, ())
    name = path.rpartition("/")[2]
    for glob in banned:
        if fnmatchcase(name, glob) and not name.startswith("__init__."):
            yield LayerViolation("LAYER003", path, 0, f"{layer} bans names like {glob}", path)
    yield from _libraries(record, layer, frozenset(layers.forbidden_libraries.get(layer, ())))
    if layers.header:
        yield from _claim(path, layer, layers.header, read_head(path))


def may_import(importer: str, imported: str, layers: Layers) -> bool:
    """Whether a file of layer `importer` may import one of layer `imported`; both are in `order`."""
    if importer == imported:
        return True
    if importer in layers.allowed:
        return imported in layers.allowed[importer]
    return layers.order.index(importer) < layers.order.index(imported)


def _directions(
    graph: ImportGraph, config: Configuration, layered: Mapping[str, str]
) -> Iterator[LayerViolation]:
    from analyzers.import_graph import EdgeKind

    architecture = config.architecture
    for edge in graph.edges:
        above, below = layered.get(edge.importer), layered.get(edge.imported)
        if above is None or below is None or may_import(above, below, config.layers):
            continue
        if edge.kind is EdgeKind.TYPING_ONLY and not architecture.include_typing_only:
            continue
        if edge.kind is EdgeKind.DEFERRED and not architecture.include_deferred:
            continue
        yield LayerViolation(
            "LAYER001",
            edge.importer,
            edge.line,
            f"{above} must not import {below} ({edge.module})",
            f"{edge.importer} -> {edge.imported}",
        )


def _libraries(record: FileRecord, layer: str, forbidden: frozenset[str]) -> Iterator[LayerViolation]:
    if not forbidden:
        return
    for statement in record.imports:
        if statement.level or statement.is_typing_only:
            continue
        named = [statement.module] if statement.is_from else [alias.name for alias in statement.names]
        for module in named:
            hit = next((lib for lib in forbidden if module == lib or module.startswith(lib + ".")), "")
            if hit:
                yield LayerViolation(
                    "LAYER002",
                    record.path,
                    statement.line,
                    f"{layer} must not import {hit}",
                    f"{record.path} -> {hit}",
                )


def _claim(path: str, layer: str, header: str, content: bytes) -> Iterator[LayerViolation]:
    text = content[:HEAD_BYTES].decode("utf-8", "replace")
    match = re.search(header, text, re.MULTILINE)
    claimed = (match.group(1) or "").strip() if match else ""
    if match and claimed and claimed != layer and not layer.startswith(claimed + "_"):
        line = text.count("\n", 0, match.start(1)) + 1
        yield LayerViolation(
            "LAYER004",
            path,
            line,
            f"the head claims layer {claimed[:40]!r}, the file lies in {layer}",
            f"{path} -> {' '.join(claimed.split())[:40]}",
        )
