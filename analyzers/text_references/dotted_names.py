"""What a dotted name in a text stood for before the move, and what it is called afterwards."""

from __future__ import annotations

from dataclasses import dataclass

from analyzers.relocation_map import RelocationMap
from analyzers.text_references.reference import ProjectFacts

# After a top-level module `b`, `b.py` is a file name and no attribute.
_FILE_ENDINGS = """
bat c cfg conf cpp css csv db env gif go h html ini ipynb java jpg js json lock log md pdf pkl png ps1 py
pyc pyi pyx rs rst sh so sql sqlite svg tar toml ts tsx txt xls xlsx xml yaml yml zip
"""
# No module lies deeper; keeps a hostile name of a hundred thousand segments linear.
_DEEPEST = 50
FILE_ENDINGS = frozenset(_FILE_ENDINGS.split())


@dataclass(frozen=True, slots=True)
class Resolved:
    """A name that moves: its `new` form; `exists` says that it named something real to its first attribute.

    `module` is the moved module in its old name; `why` is empty, or the doubt when `exists` is False.
    """

    new: str
    module: str
    exists: bool
    why: str = ""


def resolve_dotted(text: str, relocations: RelocationMap, facts: ProjectFacts) -> Resolved | None:
    """What `text` (`a.b`, `a.b.f`, `a.b.f.g`, `a.b:f`) becomes, or None when it names nothing that moves.

    The longest prefix that is a module of the tree decides; a moved symbol is looked up in that module. Where
    no prefix is a module the name is foreign, or the move has been done: None.
    """
    dotted, colon, attributes = text.partition(":")
    parts = dotted.split(".")
    if not all(parts) or (colon and not all(attributes.split("."))):
        return None
    deepest = min(len(parts), _DEEPEST)
    size = next((n for n in range(deepest, 0, -1) if facts.module_exists(".".join(parts[:n]))), 0)
    if not size:
        return None
    module, rest = ".".join(parts[:size]), parts[size:]
    if colon:
        if rest:
            return None
        rest = attributes.split(".")
    if rest and (module, rest[0]) in relocations.moved_symbols:
        if not facts.symbol_exists(module, rest[0]):
            return None
        new_module, new_name = relocations.moved_symbols[module, rest[0]]
        new = f"{new_module}{colon or '.'}{'.'.join((new_name, *rest[1:]))}"
        return Resolved(new, module, True)
    shadowed = _symbol_with_the_name_of_a_module(parts[:size], relocations, facts)
    if shadowed and not colon:
        return Resolved(".".join((*shadowed, *rest)), module, False, f"{module} is a module and a name")
    target = relocations.module(module)
    if target is None:
        return None
    tail = ".".join(rest)
    new = f"{target}{colon or '.'}{tail}" if rest else target
    if not rest or facts.symbol_exists(module, rest[0]):
        return Resolved(new, module, True)
    if rest[-1] in FILE_ENDINGS and not colon:
        return None
    return Resolved(new, module, False, f"{module} has no name {rest[0]}")


def _symbol_with_the_name_of_a_module(
    parts: list[str], relocations: RelocationMap, facts: ProjectFacts
) -> tuple[str, str] | None:
    if len(parts) < 2:
        return None
    parent, name = ".".join(parts[:-1]), parts[-1]
    moved = relocations.moved_symbols.get((parent, name))
    return moved if moved and facts.symbol_exists(parent, name) else None


def resolve_wildcard(module: str, relocations: RelocationMap, facts: ProjectFacts) -> tuple[str, str] | None:
    """What the pattern `module.*` becomes (without the star), or why it has no single new name, or None.

    Returns:
        (new, "") or ("", reason); None when nothing below `module` leaves it.
    """
    whole = relocations.whole(module)
    if whole is not None and facts.module_exists(module):
        return whole, ""
    target = relocations.module(module)
    if target is not None and facts.module_exists(module) and _is_plain_module(module, relocations, facts):
        # mypy and import-linter read `a.b.*` as "a.b and all below": a plain module has nothing below.
        return target, ""
    inside = module + "."
    left = sorted(
        old
        for old in relocations.entries_below(module)
        if facts.module_exists(old) and not (relocations.moved_modules.get(old) or inside).startswith(inside)
    )
    if target is not None and facts.module_exists(module):
        left.insert(0, module)
    if not left:
        return None
    more = f" and {len(left) - 1} more" if len(left) > 1 else ""
    return "", f"the pattern covers modules that do not all move together: {left[0]}{more} leaves"


def _is_plain_module(module: str, relocations: RelocationMap, facts: ProjectFacts) -> bool:
    tail = module.replace(".", "/") + ".py"
    if any(path == tail or path.endswith("/" + tail) for path in relocations.paths_of(module)):
        return True
    roots = ("" if root in (".", "") else root.strip("/") + "/" for root in facts.import_roots)
    return any(facts.path_exists(root + tail) for root in roots)
