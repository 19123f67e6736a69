"""From a cluster's definition to moves: where each definition of its files goes, and why.

Listed symbols go where the list says. What is not listed follows: a file listed as a whole takes all it
defines along; of other files, a definition goes to the target whose members use it most (or are used by it),
so that every current file that is no target ends up empty and is removed. Private names that two files bring
to one target are renamed, public ones refused unless they are the same definition.

Source: the migration plan, phase 7; the product contract, "Refused before anything is written".
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from analyzers.cluster_definitions import Cluster, Member, TargetFile
from analyzers.errors import InputError
from analyzers.import_index import SourceIndex
from analyzers.model import Relocation
from analyzers.name_resolution import Kind
from analyzers.source import decode
from analyzers.symbol_moves.export_lists import exported_names
from analyzers.symbol_moves.module_clients import ModuleClients
from analyzers.symbol_moves.module_items import Item, ItemKind, ModuleItems, read_module_items

ReadBytes = Callable[[str], bytes]


@dataclass(frozen=True, slots=True)
class Assignment:
    """One definition of a current file: `symbol` of `source` (a module) goes to `target`, and why.

    `lines` counts its lines; `new_symbol` differs when a clash made it.
    """

    source: str
    symbol: str
    target: str
    new_symbol: str
    lines: int
    reason: str


@dataclass(frozen=True)
class ClusterMoves:
    """What a cluster means for a tree.

    `dissolved` leads from each module that ends to where its lone statements go; `heads` and `exports` belong
    to the new modules. `sources` and `targets` are paths; `uses` are (user, used) pairs of
    `module:symbol` among the definitions.
    """

    cluster: Cluster
    assignments: tuple[Assignment, ...]
    dissolved: Mapping[str, str]
    heads: Mapping[str, str]
    exports: Mapping[str, tuple[str, ...]]
    sources: tuple[str, ...]
    targets: tuple[str, ...]
    uses: tuple[tuple[str, str], ...]

    def relocations(self) -> tuple[Relocation, ...]:
        """The map for all clients: modules that end, and the symbols that do not simply follow them."""
        found = [Relocation(old, new) for old, new in sorted(self.dissolved.items())]
        for entry in self.assignments:
            follows = self.dissolved.get(entry.source) == entry.target and entry.symbol == entry.new_symbol
            if not follows and (entry.source, entry.symbol) != (entry.target, entry.new_symbol):
                found.append(Relocation(entry.source, entry.target, entry.symbol, entry.new_symbol))
        return tuple(found)


def plan_cluster(cluster: Cluster, index: SourceIndex, read: ReadBytes, shown_as: str) -> ClusterMoves:
    """Assign every definition of a cluster's files to a target.

    Args:
        shown_as: how messages call the file of definitions.

    Raises:
        InputError: absent files or symbols, one symbol twice, a target that exists, files that cannot be
            parsed, names that clash; with the line of the definition that is wrong.
    """
    return _ClusterPlanner(cluster, index, read, shown_as).plan()


@dataclass(eq=False)
class _File:
    path: str
    line: int
    module: str
    items: ModuleItems
    goes: dict[str, str] = field(default_factory=dict)
    why: dict[str, str] = field(default_factory=dict)
    whole: str = ""

    @property
    def names(self) -> list[str]:
        """The names that it defines, in order."""
        found: dict[str, None] = {}
        for item in self.items.movable:
            for name in sorted(item.binds):
                if self.items.defined(name):
                    found.setdefault(name)
        return list(found)


class _ClusterPlanner:
    def __init__(self, cluster: Cluster, index: SourceIndex, read: ReadBytes, shown_as: str) -> None:
        self.cluster = cluster
        self.index = index
        self.read = read
        self.shown_as = shown_as
        self.resolver = index.resolver
        self.clients = ModuleClients(index, self.resolver, read)
        self.files = [self._file(path, line) for path, line in cluster.files]
        self.by_module = {f.module: f for f in self.files}

    def fail(self, line: int, problem: str, mend: str) -> InputError:
        return InputError(self.shown_as, line, problem, mend)

    def plan(self) -> ClusterMoves:
        folder = self.cluster.target_folder
        if (
            self.cluster.target_domain != self.cluster.domain
            and not (self.index.layout.root / folder).is_dir()
        ):
            raise self.fail(
                self.cluster.target_line,
                f"the domain {self.cluster.target_domain} does not exist: there is no folder {folder}",
                "correct target_domain, or make that domain first",
            )
        targets = {t.path: self._module(t) for t in self.cluster.targets}
        for target in self.cluster.targets:
            for member in target.members:
                self._assign(member, targets[target.path])
        uses = self._uses()
        self._assign_rest(uses, list(targets.values()))
        renames = self._renames()
        assignments = []
        for file in self.files:
            for name in file.names:
                lines = sum(i.last_line - i.first_line + 1 for i in file.items.by_name[name])
                new = renames.get((file.module, name), name)
                why = file.why[name] + (f"; renamed, since two files define {name}" if new != name else "")
                assignments.append(Assignment(file.module, name, file.goes[name], new, lines, why))
        dissolved = self._dissolved(targets)
        return ClusterMoves(
            self.cluster,
            tuple(assignments),
            dissolved,
            self._heads(targets.values(), dissolved),
            self._exports(targets.values(), dissolved),
            tuple(f.path for f in self.files),
            tuple(targets),
            uses,
        )

    # -- reading ---------------------------------------------------------------------------------------------

    def _file(self, path: str, line: int) -> _File:
        record = self.index.files.get(path)
        if record is None:
            raise self.fail(line, f"{path} does not exist (or is not scanned)", "correct current_files")
        name = self.index.module_at(path)
        items = read_module_items(decode(self.read(path)))
        if record.error or items is None:
            raise self.fail(line, f"{path} {record.error or 'cannot be parsed'}", "mend the file first")
        if name is None or not name.is_importable or not name.has_python_name:
            raise self.fail(line, f"{path} is no importable module", "check the import roots")
        if name.is_package:
            raise self.fail(line, f"{path} is a package's __init__", "list the modules in it instead")
        return _File(path, line, name.name, items)

    def _module(self, target: TargetFile) -> str:
        name = self.index.layout.module_of(target.path)
        if name is None or not name.is_importable or not name.has_python_name:
            raise self.fail(target.line, f"{target.path} is no importable module", "choose another name")
        known = {f.path for f in self.files}
        if target.path in self.index.files and target.path not in known:
            raise self.fail(
                target.line,
                f"{target.path} exists already",
                "list it in current_files, or choose another name",
            )
        if (self.index.layout.root / target.path).exists() and target.path not in known:
            raise self.fail(target.line, f"{target.path} exists already", "choose another name")
        return name.name

    # -- assigning -------------------------------------------------------------------------------------------

    def _assign(self, member: Member, target: str) -> None:
        stem, _, symbol = member.text.rpartition(":")
        if not stem:
            whole = [f for f in self.files if f.module.rpartition(".")[2] == member.text]
            defining = [f for f in self.files if member.text in f.names]
            if whole and defining:
                raise self.fail(
                    member.line,
                    f"{member.text} is a file and a symbol of {defining[0].path}",
                    f"write {defining[0].module.rpartition('.')[2]}:{member.text} for the symbol",
                )
            if len(whole) > 1:
                raise self.fail(member.line, f"two current files are called {member.text}", "rename one")
            if whole:
                self._assign_whole(whole[0], member, target)
                return
            if len(defining) > 1:
                where = " and ".join(f.path for f in defining)
                raise self.fail(
                    member.line, f"{member.text} is defined in {where}", f"write FILE:{member.text}"
                )
        else:
            defining = [f for f in self.files if f.module.rpartition(".")[2] == stem and symbol in f.names]
        if not defining:
            raise self.fail(
                member.line,
                f"no current file defines {member.text}",
                f"the files define {', '.join(self._known())}",
            )
        file = defining[0]
        if symbol in file.goes or file.whole:
            raise self.fail(member.line, f"{member.text} is listed twice", "keep one of the two")
        file.goes[symbol] = target
        file.why[symbol] = "is listed"

    def _assign_whole(self, file: _File, member: Member, target: str) -> None:
        if file.whole:
            raise self.fail(member.line, f"{member.text} is listed twice", "keep one of the two")
        listed = sorted(file.goes)
        if listed:
            raise self.fail(
                member.line, f"{listed[0]} of {member.text} is listed, and the whole file, too", "keep one"
            )
        file.whole = target
        for name in file.names:
            file.goes[name] = target
            file.why[name] = "its file is listed"

    def _known(self) -> list[str]:
        names = sorted({n for f in self.files for n in f.names if not n.startswith("_")})
        return names[:12] + (["and others"] if len(names) > 12 else [])

    def _uses(self) -> tuple[tuple[str, str], ...]:
        found: set[tuple[str, str]] = set()
        for file in self.files:
            for item in file.items.movable:
                for name in item.binds or ("",):
                    user = f"{file.module}:{name}"
                    for use in item.uses:
                        target = self.resolver.bound(file.module, use.name)
                        if target is None:
                            continue
                        if target.kind is Kind.MODULE and target.module in self.by_module and use.use.chain:
                            used = f"{target.module}:{use.use.chain[0].attr}"
                        elif target.module in self.by_module and target.name:
                            used = str(target)
                        else:
                            continue
                        if used != user:
                            found.add((user, used))
        return tuple(sorted(found))

    def _assign_rest(self, uses: Iterable[tuple[str, str]], targets: list[str]) -> None:
        """Send what is not listed where most of what uses it goes; ties: the first target."""
        neighbours: dict[str, list[tuple[str, int]]] = {}
        for user, used in uses:
            neighbours.setdefault(used, []).append((user, 3))
            neighbours.setdefault(user, []).append((used, 1))
        pending = [(f, n) for f in self.files for n in f.names if n not in f.goes]
        while pending:
            later = []
            for file, name in pending:
                weights: dict[str, int] = {}
                for other, weight in neighbours.get(f"{file.module}:{name}", ()):
                    module, _, symbol = other.partition(":")
                    goal = self.by_module[module].goes.get(symbol)
                    if goal is not None:
                        near = 4 if module == file.module else 1
                        weights[goal] = weights.get(goal, 0) + weight * near
                if weights:
                    best = min(weights, key=lambda t: (-weights[t], targets.index(t)))
                    file.goes[name], file.why[name] = best, "follows what uses it"
                else:
                    later.append((file, name))
            if len(later) == len(pending):
                for file, name in later:
                    own = list(file.goes.values())
                    file.goes[name] = max(own, key=own.count) if own else targets[0]
                    file.why[name] = "follows its file"
                later = []
            pending = later
        for file in self.files:
            self._keep_groups(file)

    def _keep_groups(self, file: _File) -> None:
        """Names that one statement binds, and statements that change a name, go to one target."""
        for item in file.items.movable:
            names = [n for n in sorted(item.binds) if n in file.goes]
            goals = {file.goes[n] for n in names}
            if len(goals) > 1:
                listed = [n for n in names if file.why[n] == "is listed"]
                if len({file.goes[n] for n in listed}) > 1:
                    raise self.fail(
                        file.line,
                        f"{file.path}:{item.node.lineno} defines {' and '.join(listed)} in one statement",
                        "send both to one file, or split the statement",
                    )
                goal = file.goes[listed[0] if listed else names[0]]
                for name in names:
                    file.goes[name] = goal

    # -- clashes ---------------------------------------------------------------------------------------------

    def _renames(self) -> dict[tuple[str, str], str]:
        places: dict[tuple[str, str], list[_File]] = {}
        for file in self.files:
            for name in file.names:
                places.setdefault((file.goes[name], name), []).append(file)
        renames: dict[tuple[str, str], str] = {}
        for (target, name), files in sorted(places.items()):
            if len(files) < 2:
                continue
            first, *others = files
            for other in others:
                if _same(first, other, name):
                    continue
                if not self._is_private(other, name):
                    one, two = (_first(f, name).node.lineno for f in (first, other))
                    raise self.fail(
                        other.line,
                        f"{first.path}:{one} and {other.path}:{two} define different {name}s, and both go to "
                        f"{target}",
                        "rename one of them first, or send them to different files",
                    )
                stem = other.module.rpartition(".")[2].strip("_")
                new = f"_{stem}_{name.strip('_')}"
                while (target, new) in places:
                    new += "_"
                renames[other.module, name] = new
        return renames

    def _is_private(self, file: _File, name: str) -> bool:
        return name.startswith("_") and not name.startswith("__") and name not in exported_names(file.items)

    # -- the new files ---------------------------------------------------------------------------------------

    def _dissolved(self, targets: Mapping[str, str]) -> dict[str, str]:
        found: dict[str, str] = {}
        order = list(targets.values())
        for file in self.files:
            if file.path in targets:
                continue
            goals = list(file.goes.values())
            found[file.module] = file.whole or (
                min(set(goals), key=lambda t: (-goals.count(t), order.index(t))) if goals else order[0]
            )
        # Merged in the order in which the members are listed.
        rank = {m.text: n for n, m in enumerate(m for t in self.cluster.targets for m in t.members)}
        files = sorted(found, key=lambda m: (rank.get(m.rpartition(".")[2], len(rank)), list(found).index(m)))
        return {module: found[module] for module in files}

    def _heads(self, targets: Iterable[str], dissolved: Mapping[str, str]) -> dict[str, str]:
        heads = {}
        for target in targets:
            texts = []
            for module in dissolved:
                file = self.by_module[module]
                main = dissolved[module] == target
                if main and file.items.items and file.items.items[0].kind is ItemKind.DOCSTRING:
                    texts.append(ast.get_docstring(file.items.tree) or "")
            if texts:
                heads[target] = merged_docstring(texts)
        return heads

    def _exports(self, targets: Iterable[str], dissolved: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
        """The `__all__` of targets that get something of a file that has one."""
        exports = {}
        for target in targets:
            listed: dict[str, None] = {}
            files = [self.by_module[m] for m in dissolved if target in self.by_module[m].goes.values()]
            if not any(exported_names(f.items) for f in files):
                continue
            for file in files:
                own = exported_names(file.items) or tuple(n for n in file.names if not n.startswith("_"))
                for name in own:
                    if file.goes.get(name, dissolved[file.module]) == target:
                        listed.setdefault(name)
            exports[target] = tuple(listed)
        return exports


def merged_docstring(texts: Iterable[str]) -> str:
    """One docstring literal of several texts: what each says alone, in order, then what they share, once."""
    paragraphs = [[p.strip("\n") for p in text.split("\n\n") if p.strip()] for text in texts]
    count: dict[str, int] = {}
    for group in paragraphs:
        for paragraph in dict.fromkeys(group):
            count[paragraph] = count.get(paragraph, 0) + 1
    alone = [p for group in paragraphs for p in group if count[p] == 1 or len(paragraphs) == 1]
    shared = [p for p in count if count[p] > 1 and len(paragraphs) > 1]
    body = "\n\n".join([*alone, *shared]).replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
    if body.endswith('"'):
        body = body[:-1] + '\\"'
    return f'"""{body}\n"""' if "\n" in body else f'"""{body}"""'


def _first(file: _File, name: str) -> Item:
    return file.items.by_name[name][0]


def _same(a: _File, b: _File, name: str) -> bool:
    first = [ast.dump(n) for i in a.items.by_name[name] for n in i.nodes]
    return first == [ast.dump(n) for i in b.items.by_name[name] for n in i.nodes]
