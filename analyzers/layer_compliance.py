"""Whether moved files land in the layer that their names, heads and imports ask for.

A layer is a folder of a domain such as `L6_drivers`. Rules: LAYER001 E the target is in no layer (a
warning where it looks like one that is not configured),
LAYER002 E the name says another layer (`x_engine.py` in `L6_drivers`; a warning where it stands there
already), LAYER003 E the head of the file claims another layer, LAYER004 E the layer bans such names,
LAYER005 E the layer bans a library that the file imports, LAYER006 W a moved file, or one that imports it,
breaks the order of the layers and did not before.

Source: the migration plan, phase 1, "Layer Compliance Check", and `layers` of the configuration.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from analyzers.configuration import Layers
from analyzers.import_graph import ImportEdge, ImportGraph
from analyzers.model import Finding, Relocation

_LAYER = re.compile(r"L\d+_(\w+)")
#: A layer claim stands in the head of a file.
_HEAD_LINES = 40


@dataclass(frozen=True, slots=True)
class LayerRules:
    """The configured layers and where domains lie; `domain_root` is a path, empty: there are no domains."""

    layers: Layers
    domain_root: str

    def layer_of(self, path: str) -> str:
        """The layer folder of a path in a domain; empty outside the domains and directly in one."""
        if not self.domain_root or not path.startswith(self.domain_root + "/"):
            return ""
        parts = path[len(self.domain_root) + 1 :].split("/")
        return parts[1] if len(parts) > 2 else ""

    def is_configured(self, layer: str) -> bool:
        return not self.layers.order or layer in self.layers.order

    def is_layer(self, layer: str) -> bool:
        return layer in self.layers.order or _LAYER.fullmatch(layer) is not None

    def named_layer(self, path: str) -> str:
        """The layer that a file's name claims by its ending (`_driver`), among the configured ones."""
        stem = path.rpartition("/")[2].partition(".")[0]
        for layer in self.layers.order:
            match = _LAYER.fullmatch(layer)
            word = match[1].lower() if match else ""
            if word.endswith("s") and stem.endswith("_" + word[:-1]):
                return layer
        return ""

    def may_import(self, importer: str, imported: str) -> bool:
        """Whether a layer may import another; unknown layers may do anything."""
        if importer in self.layers.allowed:
            return imported == importer or imported in self.layers.allowed[importer]
        order = self.layers.order
        if importer not in order or imported not in order:
            return True
        return order.index(imported) >= order.index(importer)


def check_layers(
    entries: Iterable[Relocation], graph: ImportGraph, rules: LayerRules, heads: dict[str, str] | None = None
) -> tuple[Finding, ...]:
    """The findings for files that move, sorted by path, line and code; none without a domain root.

    Args:
        graph: the tree before the move.
        heads: the first lines of the moving files, by old path; without them header claims are not checked.
    """
    if not rules.domain_root:
        return ()
    files = [e for e in entries if e.old_path in graph.index.files and e.new_path]
    findings: list[Finding] = []
    for entry in files:
        findings.extend(_placed(entry, rules, graph, (heads or {}).get(entry.old_path, "")))
    findings.extend(_order_of_layers(files, graph, rules))
    return tuple(sorted(findings, key=lambda f: (f.path, f.line, f.code, f.message)))


def _placed(entry: Relocation, rules: LayerRules, graph: ImportGraph, head: str) -> Iterator[Finding]:
    new, layer = entry.new_path, rules.layer_of(entry.new_path)
    if not new.startswith(rules.domain_root + "/"):
        return
    known = f"choose one of {', '.join(rules.layers.order)}" if rules.layers.order else "use a folder L<n>_*"
    if not rules.is_layer(layer):
        if not rules.layers.order and not rules.is_layer(rules.layer_of(entry.old_path)):
            # Domains without layers have no convention that a file could break.
            return
        what = f"is in {layer!r}, which is no layer" if layer else "is in no layer folder"
        yield _finding("LAYER001", "error", new, f"the target {what}", known)
        return
    if not rules.is_configured(layer):
        message = f"the target is in {layer}, which hocmig.yaml does not list"
        yield _finding("LAYER001", "warning", new, message, f"{known}, or add it to layers.order")
    name = new.rpartition("/")[2]
    claimed = rules.named_layer(new)
    if claimed and claimed != layer:
        was = rules.layer_of(entry.old_path)
        severity = "warning" if was == layer else "error"
        yield _finding(
            "LAYER002", severity, new, f"is called {name}, which belongs in {claimed}", "rename it"
        )
    if rules.layers.header and head:
        match = re.search(rules.layers.header, head, re.MULTILINE)
        claim = match[1] if match and match.groups() else ""
        if claim and claim != layer and not layer.startswith(f"{claim}_"):
            message = f"says in its head that it belongs to {claim}, but goes to {layer}"
            yield _finding("LAYER003", "error", new, message, "correct the head or the target")
    for pattern in rules.layers.banned_names.get(layer, ()):
        if fnmatch.fnmatchcase(name, pattern):
            yield _finding("LAYER004", "error", new, f"{layer} must hold no file like {pattern}", "rename it")
    banned = rules.layers.forbidden_libraries.get(layer, ())
    for statement in graph.index.files[entry.old_path].imports:
        modules = [statement.module] if statement.is_from else [n.name for n in statement.names]
        for module in modules:
            if not statement.level and module.partition(".")[0] in banned and not statement.is_typing_only:
                message = f"imports {module}, which {layer} must not"
                yield _finding("LAYER005", "error", new, message, "choose another layer", statement.line)


def _order_of_layers(files: Iterable[Relocation], graph: ImportGraph, rules: LayerRules) -> Iterator[Finding]:
    moving = {entry.old_path: entry.new_path for entry in files}
    seen: set[tuple[str, int, str]] = set()
    for edge in _edges_of(moving, graph):
        if not edge.imported or (edge.importer, edge.line, edge.imported) in seen:
            continue
        seen.add((edge.importer, edge.line, edge.imported))
        importer, imported = (rules.layer_of(p) for p in (edge.importer, edge.imported))
        new_importer = rules.layer_of(moving.get(edge.importer, edge.importer))
        new_imported = rules.layer_of(moving.get(edge.imported, edge.imported))
        if not (new_importer and new_imported) or rules.may_import(new_importer, new_imported):
            continue
        if importer and imported and not rules.may_import(importer, imported):
            continue
        path = moving.get(edge.importer, edge.importer)
        message = (
            f"in {new_importer} would import {moving.get(edge.imported, edge.imported)} in {new_imported}"
        )
        yield _finding("LAYER006", "warning", path, message, "choose another layer for one", edge.line)


def _edges_of(moving: dict[str, str], graph: ImportGraph) -> Iterator[ImportEdge]:
    for path in sorted(moving):
        yield from graph.by_importer.get(path, ())
        yield from graph.by_imported.get(path, ())


def _finding(code: str, severity: str, path: str, message: str, mend: str = "", line: int = 0) -> Finding:
    return Finding(code=code, severity=severity, path=path, line=line, message=message, mend=mend)


def head_of(text: str) -> str:
    """The lines of a file in which a layer claim counts."""
    return "\n".join(text.splitlines()[:_HEAD_LINES])
