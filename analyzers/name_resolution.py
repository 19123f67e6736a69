"""What a dotted name denotes in a tree: a module, a symbol and its home, something outside, or nothing.

Answers come from the index alone; nothing is imported. What cannot be known from the text (a computed
namespace, a star import of an outside package) is answered with `Kind.UNKNOWN`, never guessed.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from analyzers.layout import ModuleName
from analyzers.model import FileRecord, ImportRecord
from analyzers.relocation_map import RelocationMap

#: Attributes that every module has; source: the data model, "Modules".
MODULE_ATTRIBUTES = frozenset(
    {"__name__", "__file__", "__doc__", "__path__", "__package__", "__spec__", "__loader__", "__dict__"}
    | {"__builtins__", "__cached__", "__annotations__", "__class__", "__getattr__", "__dir__"}
)


class Kind(enum.Enum):
    MODULE = "module"
    SYMBOL = "symbol"
    OUTSIDE = "outside"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Target:
    """What a name denotes: `module` alone for MODULE and OUTSIDE, with `name` for a SYMBOL defined there."""

    kind: Kind
    module: str = ""
    name: str = ""

    def __str__(self) -> str:
        return f"{self.module}:{self.name}" if self.name else self.module


UNKNOWN = Target(Kind.UNKNOWN)


class ModuleFacts(Protocol):
    """The part of the source index that resolution needs."""

    def record_of(self, module: str) -> FileRecord | None: ...

    def module_at(self, path: str) -> ModuleName | None: ...

    def exists(self, module: str) -> bool: ...

    @property
    def files(self) -> Mapping[str, FileRecord]: ...


@dataclass(slots=True)
class _Namespace:
    """The names that statements of one module bind at module level."""

    definitions: frozenset[str]
    imports: dict[str, list[tuple[str, str]]]
    stars: tuple[str, ...]
    outside_star: bool
    exports: tuple[str, ...] | None
    exports_dynamic: bool
    dynamic: bool


@dataclass(slots=True)
class NameResolver:
    """Resolution over one tree; results are memoised, so make a new one when the tree changes.

    With `inverse`, the map from new names to old ones, statements that already use new names are understood
    as what they meant before: a tree may be rewritten in part.
    """

    facts: ModuleFacts
    inverse: RelocationMap | None = None
    _namespaces: dict[str, _Namespace | None] = field(default_factory=dict)
    _bound: dict[tuple[str, str], Target | None] = field(default_factory=dict)
    _wanted: dict[str, set[str]] | None = None
    _star_importers: dict[str, list[str]] = field(default_factory=dict)

    def is_own(self, module: str) -> bool:
        """Whether the top-level package or module of `module` belongs to the repository."""
        return self.facts.exists(module.partition(".")[0])

    def base_of(self, client: ModuleName, level: int, module: str) -> str | None:
        """The absolute module that `from <dots><module>` means in `client`; None above the top level."""
        if not level:
            return module
        package = client.package
        for _ in range(level - 1):
            if not package:
                return None
            package = package.rpartition(".")[0]
        if not package:
            return None
        return f"{package}.{module}" if module else package

    def bound(self, module: str, name: str) -> Target | None:
        """What a statement of `module` binds `name` to, following imports; None when no statement does.

        A name with a definition of its own, or with several different origins, is a SYMBOL of `module`.
        Submodules that merely lie in the package are not bound by a statement: see `attribute`.
        """
        return self._bound_in(module, name, frozenset())

    def attribute(self, module: str, name: str) -> Target | None:
        """What `module.name` or `from module import name` denotes: bound name, submodule, or None.

        UNKNOWN when the namespace is computed, and None when the name certainly does not exist.
        """
        bound = self.bound(module, name)
        if bound is not None and bound.kind is not Kind.UNKNOWN:
            return bound
        submodule = f"{module}.{name}"
        if self.facts.exists(submodule):
            return Target(Kind.MODULE, submodule)
        if bound is not None:
            return bound
        if name in MODULE_ATTRIBUTES:
            return Target(Kind.SYMBOL, module, name)
        return UNKNOWN if self.is_open(module) else None

    def is_open(self, module: str) -> bool:
        """Whether `module` can have names that no statement shows (computed, unparsed, extension)."""
        return self._is_open(module, frozenset())

    def exports_of(self, module: str) -> frozenset[str] | None:
        """The names that `from module import *` binds, or None when that cannot be known."""
        return self._exports(module, frozenset())

    def is_bound(self, module: str, name: str) -> bool:
        """Whether a statement of `module` certainly binds `name`."""
        bound = self.bound(module, name)
        return bound is not None and bound.kind is not Kind.UNKNOWN

    def means_submodule(self, base: str, name: str) -> bool:
        """Whether `from base import name` gives the submodule, not another thing of that name (case 39)."""
        submodule = f"{base}.{name}"
        bound = self.bound(base, name)
        if bound is None or bound.kind is Kind.UNKNOWN:
            return self.facts.exists(submodule)
        return bound.kind is Kind.MODULE and bound.module == submodule

    def loads(self, module: str, submodule: str, *, at_run_time: bool = False) -> bool:
        """Whether an import statement at the top level of `module` makes Python load `submodule`.

        With `at_run_time`, statements that only type checkers see do not count.
        """
        record = self.facts.record_of(module)
        if record is None:
            return False
        client = self.facts.module_at(record.path) or ModuleName(module, record.is_package_file, "")
        below = submodule + "."
        for statement in _module_level(record.imports):
            if at_run_time and statement.is_typing_only:
                continue
            if statement.is_from:
                base = self.base_of(client, statement.level, statement.module) or ""
                loaded = [base, *(f"{base}.{n.name}" for n in statement.names)]
            else:
                loaded = [n.name for n in statement.names]
            loaded = [self._old_module(name) or name for name in loaded]
            if any(name == submodule or name.startswith(below) for name in loaded):
                return True
        return False

    def wanted_from(self, module: str) -> frozenset[str]:
        """The names that `from module import ...` statements of any file ask for.

        A star import asks for every name that it shows.
        """
        if self._wanted is None:
            self._wanted = self._collect_wanted()
        wanted = self._wanted.get(module, set())
        if "*" in wanted:
            space = self._namespace(module)
            if space is not None:
                shown = {
                    n
                    for n in (*space.definitions, *space.imports)
                    if self._star_shows(module, n) is not False
                }
                return frozenset(wanted | shown)
        return frozenset(wanted)

    def is_star_imported(self, module: str) -> bool:
        """Whether any file says `from module import *`."""
        if self._wanted is None:
            self._wanted = self._collect_wanted()
        return module in self._star_importers

    def star_importers_bind(self, module: str, name: str) -> bool:
        """Whether a file that says `from module import *`, at whatever remove, binds `name` itself."""
        if self._wanted is None:
            self._wanted = self._collect_wanted()
        todo, seen = [module], {module}
        while todo:
            for path in self._star_importers.get(todo.pop(), ()):
                record = self.facts.files[path]
                if any(d.name == name for d in record.definitions):
                    return True
                if any(
                    n.asname == name or (not n.asname and n.bound == name)
                    for s in _module_level(record.imports)
                    for n in s.names
                ):
                    return True
                client = self.facts.module_at(path)
                if client is not None and client.name not in seen:
                    seen.add(client.name)
                    todo.append(client.name)
        return False

    def _collect_wanted(self) -> dict[str, set[str]]:
        wanted: dict[str, set[str]] = {}
        for path, record in self.facts.files.items():
            client = None
            for statement in record.imports:
                if not statement.is_from:
                    continue
                base: str | None = statement.module
                if statement.level:
                    client = client or self.facts.module_at(path)
                    base = self.base_of(client, statement.level, statement.module) if client else None
                if base:
                    wanted.setdefault(base, set()).update([n.name for n in statement.names])
                    if statement.is_star:
                        self._star_importers.setdefault(base, []).append(path)
        return wanted

    # -- namespaces ------------------------------------------------------------------------------------------

    def _namespace(self, module: str) -> _Namespace | None:
        if module not in self._namespaces:
            record = self.facts.record_of(module)
            self._namespaces[module] = None if record is None else self._read(module, record)
        return self._namespaces[module]

    def _read(self, module: str, record: FileRecord) -> _Namespace:
        client = self.facts.module_at(record.path)
        is_package = record.is_package_file
        if client is None or client.name != module:
            client = ModuleName(module, is_package, "")
        imports: dict[str, list[tuple[str, str]]] = {}
        stars: list[str] = []
        outside_star = False
        for statement in _module_level(record.imports):
            if not statement.is_from:
                for alias in statement.names:
                    # `import a.b` binds `a`; `import a.b as m` binds the module a.b.
                    target = alias.name if alias.asname else alias.name.partition(".")[0]
                    imports.setdefault(alias.bound, []).append((target, ""))
                continue
            base = self._old_module(self.base_of(client, statement.level, statement.module))
            for alias in statement.names:
                if alias.name != "*":
                    imports.setdefault(alias.asname or alias.name, []).append((base or "", alias.name))
                elif base is not None and self.facts.exists(base):
                    stars.append(base)
                else:
                    outside_star = True
        return _Namespace(
            frozenset(d.name for d in record.definitions),
            imports,
            tuple(stars),
            outside_star,
            record.exports,
            record.exports_dynamic,
            record.dynamic_namespace or bool(record.error),
        )

    def _bound_in(self, module: str, name: str, seen: frozenset[tuple[str, str]]) -> Target | None:
        key = (module, name)
        if key in self._bound:
            return self._bound[key]
        if key in seen:
            return None
        result = self._compute(module, name, seen | {key})
        if not seen:
            # Inside a cycle of re-exports an answer depends on where one entered it: keep only whole answers.
            self._bound[key] = result
        return result

    def _compute(self, module: str, name: str, seen: frozenset[tuple[str, str]]) -> Target | None:
        space = self._namespace(module)
        if space is None:
            return None
        if name in space.definitions:
            return Target(Kind.SYMBOL, module, name)
        origins = space.imports.get(name)
        if origins:
            targets = {self._origin(base, attribute, seen) for base, attribute in origins}
            return targets.pop() if len(targets) == 1 else Target(Kind.SYMBOL, module, name)
        unknown = False
        for star in reversed(space.stars):
            visible = self._star_shows(star, name)
            if visible is False:
                continue
            found = self._bound_in(star, name, seen)
            if found is not None and found.kind is not Kind.UNKNOWN:
                return found
            if visible and self.facts.exists(f"{star}.{name}"):
                return Target(Kind.MODULE, f"{star}.{name}")
            unknown = unknown or visible is None or self._is_open(star, frozenset())
        return UNKNOWN if unknown else None

    def _old_module(self, module: str | None) -> str | None:
        """The name that a module has in this tree when a statement already calls it by its new one."""
        if module is None or self.inverse is None or self.facts.exists(module):
            return module
        return self.inverse.module(module) or module

    def _origin(self, base: str, attribute: str, seen: frozenset[tuple[str, str]]) -> Target:
        if not attribute:
            base = self._old_module(base) or base
            own = self.facts.exists(base)
            return Target(Kind.MODULE if own else Kind.OUTSIDE, base)
        if not base or not (self.is_own(base) or self._comes(base, attribute)):
            return Target(Kind.OUTSIDE, base, attribute)
        found = self._bound_in(base, attribute, seen)
        if found is not None:
            return found
        submodule = self._old_module(f"{base}.{attribute}") or ""
        if self.facts.exists(submodule):
            return Target(Kind.MODULE, submodule)
        old = self.inverse.moved_symbols.get((base, attribute)) if self.inverse is not None else None
        if old is not None and old != (base, attribute):
            return self._bound_in(*old, seen) or UNKNOWN
        return UNKNOWN

    def _comes(self, base: str, attribute: str) -> bool:
        """Whether something of ours gets this name, in a package that does not exist yet."""
        if self.inverse is None:
            return False
        submodule = f"{base}.{attribute}"
        return self.inverse.module(submodule) is not None or (base, attribute) in self.inverse.moved_symbols

    def _star_shows(self, module: str, name: str) -> bool | None:
        space = self._namespace(module)
        if space is None or space.exports_dynamic:
            return None
        if space.exports is not None:
            return name in space.exports
        return not name.startswith("_")

    def _exports(self, module: str, seen: frozenset[str]) -> frozenset[str] | None:
        space = self._namespace(module)
        if space is None or module in seen:
            return frozenset() if module in seen else None
        if space.exports is not None and not space.exports_dynamic:
            return frozenset(space.exports)
        if space.exports_dynamic or space.dynamic or space.outside_star:
            return None
        names = {*space.definitions, *space.imports}
        for star in space.stars:
            more = self._exports(star, seen | {module})
            if more is None:
                return None
            names |= more
        return frozenset(n for n in names if not n.startswith("_"))

    def _is_open(self, module: str, seen: frozenset[str]) -> bool:
        if module in seen:
            return False
        space = self._namespace(module)
        if space is None:
            # A namespace package has no names of its own; an absent module may be an extension.
            return not self.facts.exists(module)
        if space.dynamic or space.outside_star:
            return True
        return any(self._is_open(star, seen | {module}) for star in space.stars)


def _module_level(statements: Iterable[ImportRecord]) -> Iterable[ImportRecord]:
    return (s for s in statements if s.scope.value == "module")
