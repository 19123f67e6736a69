"""The public names of the shared domain: where each is defined, who passes it on, where to import it from.

A name is public when a module of the shared domain defines it at module level, without a leading underscore
and, where the module has a literal `__all__`, listed there. A module passes a name on when it imports it and
is the `__init__` of a package, lists it in `__all__`, or writes `import name as name`. Modules whose names
begin with an underscore are private, and so are tests (`tests`, `test_*`, `conftest`).

Not seen: names that are computed (`globals()`, a module's `__getattr__`), and re-exports under another name.

Source: migration plan, phase 8, "Build General Export Registry".
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from analyzers.errors import InputError
from analyzers.import_index import SourceIndex
from analyzers.model import FileRecord, Finding
from analyzers.name_resolution import Kind, NameResolver, Target
from analyzers.safe_yaml import convert_yaml, parse_yaml

REGISTRY_NAME = "EXPORT_REGISTRY.yaml"
POLICIES = ("defining", "facade")

#: Larger registries were not written by this tool: 200 bytes a name make this 80,000 names.
_MAX_BYTES = 16 << 20
_MAX_NODES = 1_000_000

_PLAIN = re.compile(r"[A-Za-z_]\w*(\.\w+)*", re.ASCII)
#: Words that some readers of YAML take for something else than text.
_WORDS = frozenset(["true", "false", "null", "yes", "no", "on", "off", "y", "n"])
_DOTTED = re.compile(r"[^\W\d]\w*(\.\w+)*")


class ExportedName(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One public definition: `kind` is function, class or variable; `reexported_by` is sorted.

    `canonical` is the module that everybody should import it from.
    """

    defined_in: str
    canonical: str
    reexported_by: tuple[str, ...] = ()
    kind: str = ""


class ExportRegistry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What EXPORT_REGISTRY.yaml holds.

    `package` is the dotted name of the shared domain, `policy` one of POLICIES, `modules` the public modules.
    A name is in `exports` when it has one definition, and in `clashes` when it has several.
    """

    version: int
    shared_domain: str
    package: str
    policy: str
    modules: tuple[str, ...] = ()
    exports: dict[str, ExportedName] = {}
    clashes: dict[str, tuple[ExportedName, ...]] = {}

    def find(self, module: str, name: str) -> ExportedName | None:
        """The entry of the name that `module` defines."""
        entry = self.exports.get(name)
        if entry is not None:
            return entry if entry.defined_in == module else None
        return next((e for e in self.clashes.get(name, ()) if e.defined_in == module), None)


def build_registry(
    index: SourceIndex, resolver: NameResolver, package: str, policy: str = "defining"
) -> tuple[ExportRegistry, tuple[Finding, ...]]:
    """The registry of the package, and findings about names that clash, sorted by path and line.

    NORM001 W: a name has several definitions; NORM002 W: one module imports a name from several places, so
    that the last one wins.

    Args:
        resolver: over the same tree.
        policy: where a name is to be imported from: its `defining` module, or the `facade` nearest to the top
            that passes it on. A definition in a private module is always imported from its façade.
    """
    names = [m for m in index.modules if m == package or m.startswith(package + ".")]
    records = {module: index.files[index.modules[module]] for module in sorted(names)}
    passed: dict[tuple[str, str], set[str]] = {}
    findings: list[Finding] = []
    for module, record in records.items():
        for name, target in _passed_on(module, record, resolver):
            if target.kind is Kind.SYMBOL and target.module in records and target.name == name:
                passed.setdefault((target.module, name), set()).add(module)
        findings += _contested(module, record, index, resolver)
    found: dict[str, list[tuple[ExportedName, int]]] = {}
    for module, record in records.items():
        for name, kind, line in _defined(record):
            facades = sorted(passed.get((module, name), ()), key=lambda m: (m.count("."), m))
            canonical = _canonical(module, facades, package, policy, index)
            if canonical:
                entry = ExportedName(module, canonical, tuple(sorted(facades)), kind)
                found.setdefault(name, []).append((entry, line))
    for name, entries in sorted(found.items()):
        findings += _clash(name, entries, index)
    registry = ExportRegistry(
        version=1,
        shared_domain=package.rpartition(".")[2],
        package=package,
        policy=policy,
        modules=tuple(m for m in records if m != package and _is_public(m, package)),
        exports={name: entries[0][0] for name, entries in sorted(found.items()) if len(entries) == 1},
        clashes={n: tuple(e for e, _ in entries) for n, entries in sorted(found.items()) if len(entries) > 1},
    )
    return registry, tuple(sorted(findings, key=lambda f: (f.path, f.line, f.message)))


def _defined(record: FileRecord) -> Iterator[tuple[str, str, int]]:
    """(name, kind, line) of the public definitions, each once."""
    seen = set()
    for definition in record.definitions:
        name = definition.name
        listed = record.exports is None or record.exports_dynamic or name in record.exports
        if not name.startswith("_") and listed and name not in seen:
            seen.add(name)
            yield name, definition.kind.value, definition.line


def _passed_on(module: str, record: FileRecord, resolver: NameResolver) -> Iterator[tuple[str, Target]]:
    client = resolver.facts.module_at(record.path)
    listed = frozenset(record.exports or ())
    for statement in record.imports:
        if not statement.is_from or statement.scope.value != "module" or client is None:
            continue
        base = resolver.base_of(client, statement.level, statement.module)
        for alias in statement.names:
            if alias.name == "*":
                names: Iterable[str] = (resolver.exports_of(base) or ()) if base else ()
            else:
                names = (alias.asname or alias.name,)
            for name in names:
                meant = record.is_package_file or name in listed or alias.asname == alias.name
                target = resolver.bound(module, name) if meant and not name.startswith("_") else None
                if target is not None:
                    yield name, target


def _contested(
    module: str, record: FileRecord, index: SourceIndex, resolver: NameResolver
) -> Iterator[Finding]:
    """Names that unguarded imports of one façade bind to several definitions."""
    client = index.module_at(record.path)
    if client is None or not record.is_package_file:
        return
    origins: dict[str, tuple[Target, str]] = {}
    for statement in record.imports:
        if not statement.is_from or statement.scope.value != "module" or statement.guard:
            continue
        base = resolver.base_of(client, statement.level, statement.module) or ""
        for alias in statement.names:
            target = resolver.attribute(base, alias.name) if base and alias.name != "*" else None
            if target is None or target.kind is Kind.UNKNOWN:
                continue
            first, where = origins.setdefault(alias.bound, (target, base))
            if first != target:
                yield Finding(
                    code="NORM002",
                    severity="warning",
                    path=record.path,
                    line=statement.line,
                    message=f"{alias.bound} is imported from {where} and from {base}; the last one wins",
                    mend="give one of them another name here",
                )


def _canonical(module: str, facades: list[str], package: str, policy: str, index: SourceIndex) -> str:
    """The module to import from; empty when only private ones have the name."""
    public = [f for f in facades if _is_public(f, package)]
    if policy == "facade" and public:
        return public[0]
    name = index.names[index.modules[module]]
    if _is_public(module, package) and name.has_python_name:
        return module
    return public[0] if public else ""


def _is_public(module: str, package: str) -> bool:
    parts = module[len(package) + 1 :].split(".") if module != package else []
    return not any(part.startswith(("_", "test_")) or part in ("tests", "conftest") for part in parts)


def _clash(name: str, entries: list[tuple[ExportedName, int]], index: SourceIndex) -> Iterator[Finding]:
    first = entries[0][0]
    for entry, line in entries[1:]:
        yield Finding(
            code="NORM001",
            severity="warning",
            path=index.modules[entry.defined_in],
            line=line,
            message=f"the shared domain exports {name} twice: from {first.defined_in} and {entry.defined_in}",
            mend="rename one, or leave it out of __all__",
        )


# -- the file ------------------------------------------------------------------------------------------------


def render_registry(registry: ExportRegistry) -> str:
    """The registry as YAML, sorted, one entry in a block."""
    lines = [
        "# Public names of the shared domain and where to import them from. Written by `hocmig normalize`.",
        f"version: {registry.version}",
        f"shared_domain: {_text(registry.shared_domain)}",
        f"package: {_text(registry.package)}",
        f"policy: {registry.policy}",
        "modules:" if registry.modules else "modules: []",
        *(f"  - {_text(module)}" for module in registry.modules),
        "exports:" if registry.exports else "exports: {}",
    ]
    for name, entry in registry.exports.items():
        lines += [f"  {_text(name)}:", *(f"    {line}" for line in _entry(entry))]
    lines.append("clashes:" if registry.clashes else "clashes: {}")
    for name, entries in registry.clashes.items():
        lines.append(f"  {_text(name)}:")
        for entry in entries:
            first, *rest = _entry(entry)
            lines += [f"    - {first}", *(f"      {line}" for line in rest)]
    return "\n".join(lines) + "\n"


def _entry(entry: ExportedName) -> list[str]:
    return [
        f"defined_in: {_text(entry.defined_in)}",
        f"canonical: {_text(entry.canonical)}",
        f"reexported_by: [{', '.join(map(_text, entry.reexported_by))}]",
        f"kind: {_text(entry.kind)}",
    ]


def _text(text: str) -> str:
    if _PLAIN.fullmatch(text) and text.lower() not in _WORDS:
        return text
    return json.dumps(text, ensure_ascii=False)


def read_registry(path: Path, shown_as: str = "") -> ExportRegistry:
    """The registry in a file; `shown_as` is what messages call it.

    Raises:
        InputError: unreadable, no YAML, of another version, or with a value that is no registry's.
    """
    name = shown_as or path.name
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_BYTES + 1)
    except OSError as error:
        problem = f"cannot be read: {error.strerror}"
        raise InputError(name, 0, problem, "run `hocmig normalize --execute`, which writes it") from error
    document = parse_yaml(content, name, max_bytes=_MAX_BYTES, max_nodes=_MAX_NODES)
    registry = convert_yaml(document, ExportRegistry)
    if registry.version != 1:
        line = document.line_of(("version",))
        raise InputError(name, line, f"is of version {registry.version}", "write it again with this version")
    if registry.policy not in POLICIES:
        line = document.line_of(("policy",))
        raise InputError(
            name, line, f"the policy {registry.policy!r} is none", f"write {' or '.join(POLICIES)}"
        )
    for exported, entry in registry.exports.items():
        line = document.line_of(("exports", exported))
        _check_entry(exported, entry, name, line)
    for exported, entries in registry.clashes.items():
        for number, entry in enumerate(entries):
            _check_entry(exported, entry, name, document.line_of(("clashes", exported, number)))
    return registry


def _check_entry(exported: str, entry: ExportedName, name: str, line: int) -> None:
    if not exported.isidentifier():
        raise InputError(name, line, f"{exported[:60]!r} is no name", "write the registry again")
    for module in (entry.defined_in, entry.canonical, *entry.reexported_by):
        if not _DOTTED.fullmatch(module):
            raise InputError(name, line, f"{module[:60]!r} is no module name", "write the registry again")
