"""What the imports of a module bind, in a form that can be compared and written anew in another module."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass, replace

from analyzers.import_spelling import spell_base
from analyzers.layout import ModuleName
from analyzers.name_resolution import NameResolver
from analyzers.symbol_moves.module_items import Item, ItemKind, ModuleItems, is_typing_test

_NAMED = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_PRAGMA = re.compile(r"#\s*(noqa|type:\s*ignore|pylint:|isort:|pragma:|pyright:|mypy:|ruff:).*")


@dataclass(frozen=True, slots=True)
class ImportedAs:
    """One name that an import binds: `base` is None for `import name`, else the absolute module after `from`.

    `level` counts the dots as written, `guarded` says that it stands under `if TYPE_CHECKING:`, `block` that
    it stands in another compound statement, and `comment` is a pragma at the end of its line. A `late` import
    stands below definitions: usually because the imported module needs them first.
    """

    local: str
    base: str | None
    name: str
    asname: str | None
    level: int = 0
    guarded: bool = False
    block: bool = False
    comment: str = ""
    late: bool = False

    @property
    def origin(self) -> tuple[str | None, str]:
        """What is imported, however it is called."""
        return self.base, self.name

    @property
    def module(self) -> str:
        """The dotted name under which it would be a module."""
        return self.name if self.base is None else f"{self.base}.{self.name}"

    def statement(self, client: ModuleName, resolver: NameResolver, relative: bool) -> tuple[str, str]:
        """(text before the names, the name with its alias) of the import as `client` writes it."""
        alias = f"{self.name} as {self.asname}" if self.asname and self.asname != self.name else self.name
        if self.base is None:
            return "import ", alias
        level = self.level or (_dots(client, self.base) if relative else 0)
        return f"from {spell_base(self.base, level, client)} import ", alias


def _dots(client: ModuleName, base: str) -> int:
    """The dots with which a file would name a module relatively; 0 when they share no package."""
    package, count = client.package, 1
    while package:
        if base == package or base.startswith(package + "."):
            return count
        package, count = package.rpartition(".")[0], count + 1
    return 0


def imports_of(items: ModuleItems, client: ModuleName, resolver: NameResolver) -> dict[str, list[ImportedAs]]:
    """What every name that module-level imports bind is, in order of the statements."""
    found: dict[str, list[ImportedAs]] = {}
    first = items.movable[0].number if items.movable else len(items.items)
    for item in items.items:
        if item.is_import and item.kind is not ItemKind.FUTURE:
            for new in imported_by(item, items, client, resolver):
                if item.number > first and item.kind is ItemKind.IMPORT:
                    new = replace(new, late=True)
                found.setdefault(new.local, []).append(new)
    return found


def typing_imports_of(
    items: ModuleItems, client: ModuleName, resolver: NameResolver
) -> dict[str, list[ImportedAs]]:
    """What `if TYPE_CHECKING:` blocks import that also define something, and so are no import blocks.

    Names that the module binds in another way, too, are left out.
    """
    found: dict[str, list[ImportedAs]] = {}
    for item in items.items:
        node = item.node
        if item.is_import or not (isinstance(node, ast.If) and is_typing_test(node)):
            continue
        imports = [n for n in node.body if isinstance(n, (ast.Import, ast.ImportFrom))]
        bound = [name for inner in node.body if inner not in imports for name in _bound_by(inner)]
        for new in _imported_by(imports, items, client, resolver):
            if items.by_name.get(new.local) == [item] and new.local not in bound:
                found.setdefault(new.local, []).append(replace(new, guarded=True))
    return found


def _bound_by(node: ast.stmt) -> list[str]:
    names = [n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]
    return [*names, *(n.name for n in ast.walk(node) if isinstance(n, _NAMED))]


def imported_by(
    item: Item, items: ModuleItems, client: ModuleName, resolver: NameResolver
) -> list[ImportedAs]:
    """The names that the import statements of an item bind."""
    guarded = item.is_typing_block
    block = item.kind is ItemKind.IMPORT_BLOCK and not guarded
    found = _imported_by(item.nodes, items, client, resolver)
    return [replace(new, guarded=guarded, block=block) for new in found]


def _imported_by(
    nodes: Iterable[ast.stmt], items: ModuleItems, client: ModuleName, resolver: NameResolver
) -> list[ImportedAs]:
    found = []
    for top in nodes:
        for node in ast.walk(top):
            if isinstance(node, ast.Import):
                base, level = None, 0
            elif isinstance(node, ast.ImportFrom):
                base, level = resolver.base_of(client, node.level, node.module or ""), node.level
                base = node.module or "" if base is None else base
            else:
                continue
            comment = _pragma_at(items, node)
            for alias in node.names:
                if alias.name == "*":
                    continue
                local = alias.asname or (alias.name if base is not None else alias.name.partition(".")[0])
                found.append(ImportedAs(local, base, alias.name, alias.asname, level, comment=comment))
    return found


def _pragma_at(items: ModuleItems, node: ast.stmt) -> str:
    end = node.end_lineno or node.lineno
    found = _PRAGMA.search(items.lines[end - 1][node.end_col_offset or 0 :].rstrip("\r\n"))
    return found[0] if found else ""


def import_group(text: str, own_tops: frozenset[str]) -> int:
    """The usual order of import statements: 0 future, 1 standard library, 2 others, 3 own, 4 relative."""
    match = re.match(r"\s*(?:from|import)\s+(\.*)\s*([^\W\d]\w*)?", text)
    if match is None or match[1]:
        return 4
    top = match[2] or ""
    if top == "__future__":
        return 0
    if top in own_tops:
        return 3
    return 1 if top in sys.stdlib_module_names else 2


def written_statements(
    needs: Iterable[ImportedAs], client: ModuleName, resolver: NameResolver, relative: bool
) -> list[str]:
    """The import statements that bind some names in `client`, one per module, sorted; without line ends."""
    groups: dict[tuple[str, str], list[str]] = {}
    for need in needs:
        head, alias = need.statement(client, resolver, relative)
        key = head if need.base is not None else head + alias, need.comment
        groups.setdefault(key, []).append(alias)
    found = []
    for (head, comment), aliases in groups.items():
        text = head if head.startswith("import ") else head + ", ".join(sorted(dict.fromkeys(aliases)))
        if len(text) > 88 and len(aliases) > 1 and not comment:
            names = "".join(f"    {alias},\n" for alias in sorted(dict.fromkeys(aliases)))
            text = f"{head}(\n{names})"
        found.append(text + (f"  {comment}" if comment else ""))
    return sorted(found, key=lambda t: (t.startswith("from "), t))
