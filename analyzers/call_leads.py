"""Which functions of a knot can lead to an import inside a function at all, by the names they mention."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from analyzers.function_calls import FunctionFacts
from analyzers.import_graph import ImportGraph
from analyzers.import_time_calls import CallFacts

#: The call facts of a file, the same object each time; None when they cannot be had.
FactsOf = Callable[[str], "CallFacts | None"]

#: What may run when a class is called.
MAKES_INSTANCE = ("__new__", "__init__", "__post_init__", "_missing_")


class CallLeads:
    """Functions from which calls may lead to a deferred import, by the names that they mention alone.

    Nothing else need be entered: it keeps the search short where few functions of a large knot import.
    """

    def __init__(
        self,
        graph: ImportGraph,
        members: Iterable[str],
        facts: FactsOf,
        deferred: Mapping[str, Mapping[int, object]],
    ) -> None:
        self.functions: set[int] = set()
        self._importing: set[int] = set()
        #: What may be called to get there: functions, classes, and names that imports give them.
        self.names: set[str] = set()
        users: dict[str, list[tuple[str, FunctionFacts]]] = {}
        makers: dict[int, list[str]] = {}
        bases: dict[str, list[str]] = {}
        aliases: dict[str, list[str]] = {}
        values: list[str] = []
        pending: list[tuple[str, FunctionFacts]] = []
        for path in sorted(members):
            known = facts(path)
            if known is None:
                continue
            lines = deferred.get(path, {})
            values += known.values
            for name, functions in known.functions.items():
                for function in functions:
                    for word in function.words:
                        users.setdefault(word, []).append((name, function))
                    for local, (_, _, imported) in function.imported.items():
                        if imported and local != imported:
                            aliases.setdefault(imported, []).append(local)
                    if any(line in lines for line in function.import_lines):
                        self._importing.add(id(function))
                        pending.append((name, function))
                    for inner in function.nested:
                        makers.setdefault(id(inner), []).append(name)
            for name, one in known.classes.items():
                for maker in (*MAKES_INSTANCE, "__call__"):
                    if maker in one.methods:
                        makers.setdefault(id(one.methods[maker]), []).append(name)
                for chain in (*one.bases, one.metaclass, *one.factories):
                    if chain:
                        bases.setdefault(chain[-1], []).append(name)
            for name, chain in known.aliases.items():
                aliases.setdefault(chain[-1], []).append(name)
            for statement in graph.index.files[path].imports:
                for alias in statement.names:
                    if alias.asname and alias.asname != alias.name:
                        aliases.setdefault(alias.name, []).append(alias.asname)
        fresh: list[str] = []
        while pending or fresh:
            if pending:
                name, function = pending.pop()
                if id(function) in self.functions:
                    continue
                self.functions.add(id(function))
                fresh += (name, *makers.get(id(function), ()), *(values if name == "__call__" else ()))
                continue
            word = fresh.pop()
            if word not in self.names:
                self.names.add(word)
                fresh += (*aliases.get(word, ()), *bases.get(word, ()))
                pending += users.get(word, ())

    def leads_on(self, function: FunctionFacts) -> bool:
        """Whether one of `functions` does what its words promise: imports, or calls or reads such a name."""
        return (
            id(function) in self._importing
            or not self.names.isdisjoint(function.reads)
            or any(chain[-1] in self.names for chain in (*function.calls, *function.decorators))
        )
