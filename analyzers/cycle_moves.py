"""Which moves lie on an import cycle: what to leave out, or to send elsewhere, so that it does not close."""

from __future__ import annotations

from analyzers.affected_files import named_modules
from analyzers.import_cycles import ChainStep, Cycle
from analyzers.import_index import SourceIndex
from analyzers.model import Relocation
from analyzers.relocation_map import RelocationMap


def moves_on(cycle: Cycle, after: SourceIndex, relocations: RelocationMap) -> tuple[Relocation, ...]:
    """The relocations that brought a file of the chain to its place, or a module into a package on it.

    In the order of the chain, each once; `after` is the tree with the cycle.
    """
    arrived: dict[str, list[Relocation]] = {}
    for entry in relocations.relocations:
        if entry.new_module != entry.old_module:
            arrived.setdefault(entry.new_module, []).append(entry)
    found: dict[Relocation, None] = {}
    for step in cycle.chain:
        for module in _modules_of(step, after):
            found.update(dict.fromkeys(arrived.get(module, ())))
    return tuple(found)


def _modules_of(step: ChainStep, after: SourceIndex) -> list[str]:
    """The modules that a step is about: its importer, and what its statement names."""
    client = after.module_at(step.importer)
    modules = [client.name] if client is not None else []
    record = after.files.get(step.importer)
    for statement in record.imports if record is not None else ():
        if statement.line == step.line:
            modules += named_modules(statement, client, after.resolver)
    return modules
