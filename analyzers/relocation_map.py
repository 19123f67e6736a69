"""Where a module, a module-level symbol or a file goes: one immutable map, applied simultaneously.

Names are compared by dotted segments, paths by folder segments, never by characters; the longest entry wins.
New names are final: what stands on the right-hand side of an entry is never looked up again, so swaps and
chains (`p -> q`, `q -> p`) need no order. Source: the import-rewriting cases 11, 12 and 13.
"""

from __future__ import annotations

import unicodedata
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import TypeVar

from analyzers.errors import InputError
from analyzers.model import Relocation

SymbolTest = Callable[[str, str], bool]
_Name = TypeVar("_Name", str, tuple[str, str])

_PLACE = "relocation map"
_PACKAGE_FILES = ("__init__.py", "__init__.pyi")
_WORD_BYTES = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") | frozenset(
    range(128, 256)
)
_ONLY_WORDS = bytes(b if b in _WORD_BYTES else 0x20 for b in range(256))


class RelocationMap:
    """A set of relocations, looked up by module, by symbol, by dotted text or by path.

    Args:
        relocations: modules (with `subtree`: and everything below) and symbols; equal entries count once, and
            a module may have several files (`.py` and `.pyi`, a folder and its `__init__`, its data).
        allow_merges: whether two old names may get the same new name (consolidation of duplicates); such a
            map has no inverse.

    Raises:
        InputError: an entry that changes nothing or is malformed, an old name with two new ones, or two old
            names with the same new one.
    """

    __slots__ = (
        "_folders",
        "_hash",
        "_leaf_words",
        "_module_paths",
        "_modules",
        "_packages",
        "_paths",
        "_relocations",
        "_sorted_modules",
        "_subtrees",
        "_symbols",
        "allow_merges",
    )

    _folders: dict[str, str]
    _hash: int
    _leaf_words: frozenset[bytes]
    _modules: dict[str, str]
    _module_paths: dict[str, tuple[str, ...]]
    _packages: frozenset[str]
    _paths: dict[str, str]
    _relocations: tuple[Relocation, ...]
    _sorted_modules: tuple[list[str], ...]
    _subtrees: frozenset[str]
    _symbols: dict[tuple[str, str], tuple[str, str]]
    allow_merges: bool

    def __init__(self, relocations: Iterable[Relocation] = (), *, allow_merges: bool = False) -> None:
        modules: dict[str, str] = {}
        symbols: dict[tuple[str, str], tuple[str, str]] = {}
        paths: dict[str, str] = {}
        folders: dict[str, str] = {}
        subtrees: set[str] = set()
        packages: set[str] = set()
        module_paths: dict[str, tuple[str, ...]] = {}
        kept = tuple(sorted(set(relocations), key=_order))
        for entry in kept:
            _check_entry(entry)
            if entry.old_symbol:
                new_symbol = (entry.new_module, entry.new_symbol)
                _add(symbols, (entry.old_module, entry.old_symbol), new_symbol, entry)
                continue
            _add(modules, entry.old_module, entry.new_module, entry)
            if entry.subtree:
                subtrees.add(entry.old_module)
            if entry.old_path.rpartition("/")[2] in _PACKAGE_FILES:
                packages.add(entry.old_module)
            if entry.old_path and not _is_data(entry):
                module_paths[entry.old_module] = (*module_paths.get(entry.old_module, ()), entry.old_path)
            _add_paths(paths, folders, entry)
        if not allow_merges:
            _check_one_to_one(modules, "module")
            _check_one_to_one({":".join(o): ":".join(n) for o, n in symbols.items()}, "symbol")
            _check_one_to_one(paths, "path")
        values: dict[str, object] = {
            "_relocations": kept,
            "_modules": modules,
            "_symbols": symbols,
            "_subtrees": frozenset(subtrees),
            "_module_paths": module_paths,
            "_packages": frozenset(packages),
            "_paths": paths,
            "_folders": folders,
            "_sorted_modules": tuple(sorted(m.split(".") for m in modules)),
            "_leaf_words": frozenset(_leaf_words(modules, symbols, (*paths, *folders))),
            # Computed once: the map is a cache key for every file that is scanned.
            "_hash": hash((kept, allow_merges)),
            "allow_merges": allow_merges,
        }
        for name, value in values.items():
            object.__setattr__(self, name, value)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"RelocationMap is immutable: {name}")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"RelocationMap is immutable: {name}")

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild, (self._relocations, self.allow_merges))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, RelocationMap):
            return NotImplemented
        return self._relocations == other._relocations and self.allow_merges == other.allow_merges

    def __hash__(self) -> int:
        return self._hash

    def __len__(self) -> int:
        return len(self._modules) + len(self._symbols)

    def __bool__(self) -> bool:
        return bool(self._modules or self._symbols)

    def __repr__(self) -> str:
        return f"RelocationMap({', '.join(str(r) for r in self._relocations)})"

    @property
    def relocations(self) -> tuple[Relocation, ...]:
        """The entries, sorted by old name."""
        return self._relocations

    @property
    def moved_modules(self) -> Mapping[str, str]:
        """Old module to new module, one per entry (what only moves with an ancestor is not listed).

        A file that changes its place but not its module name is found in `paths` alone.
        """
        return MappingProxyType({old: new for old, new in self._modules.items() if old != new})

    @property
    def moved_symbols(self) -> Mapping[tuple[str, str], tuple[str, str]]:
        """(old module, old name) to (new module, new name)."""
        return MappingProxyType(self._symbols)

    @property
    def paths(self) -> Mapping[str, str]:
        """Old file path to new file path, one per entry that names files."""
        return MappingProxyType(self._paths)

    @property
    def folders(self) -> Mapping[str, str]:
        """Old folder to new folder of every package that moves with all it holds."""
        return MappingProxyType(self._folders)

    def paths_of(self, module: str) -> tuple[str, ...]:
        """The old paths that the entries of `module` name, sorted; empty when they name none."""
        return self._module_paths.get(module, ())

    def module(self, name: str) -> str | None:
        """The new name of the module `name`, or None when it stays."""
        exact = self._modules.get(name)
        if exact is not None:
            return exact if exact != name else None
        if not self._subtrees:
            return None
        end = name.rfind(".")
        while end > 0:
            ancestor = name[:end]
            if ancestor in self._subtrees:
                moved = self._modules[ancestor]
                return moved + name[end:] if moved != ancestor else None
            end = name.rfind(".", 0, end)
        return None

    def symbol(self, module: str, name: str) -> tuple[str, str] | None:
        """The new (module, name) of the module-level `name` of `module`, or None when both stay."""
        moved = self._symbols.get((module, name))
        if moved is not None:
            return moved
        target = self.module(module)
        return None if target is None else (target, name)

    def dotted(self, text: str, is_symbol: SymbolTest | None = None) -> str | None:
        """`text` (`a.b`, `a.b.f`, `a.b.f.g`, `a.b:f`) with its longest moved prefix replaced, or None.

        `is_symbol(module, name)` decides whether the segment after a module that moves alone is a name in
        it; without it, the segment is taken for one, except below a package whose `__init__` moves alone:
        there it may as well be a submodule that stays.
        """
        module, colon, attributes = text.partition(":")
        if colon:
            return self._with_colon(module, attributes)
        parts = text.split(".")
        if not all(parts):
            return None
        for size in range(len(parts), 0, -1):
            prefix, rest = ".".join(parts[:size]), parts[size:]
            target = self._modules.get(prefix)
            if target is not None and self._may_follow(prefix, rest, is_symbol):
                return ".".join((target, *rest)) if target != prefix else None
            if size > 1:
                moved = self._symbols.get((".".join(parts[: size - 1]), parts[size - 1]))
                if moved is not None:
                    return ".".join((*moved, *rest))
        return None

    def path(self, text: str) -> str | None:
        """The new path of a file, or of a folder below a package that moves whole; None when it stays.

        `text` is POSIX and relative to the repository root; a trailing slash is kept.
        """
        bare = text.rstrip("/")
        slash = "/" if bare != text else ""
        exact = self._paths.get(bare) if not slash else None
        if exact is not None:
            return exact
        parts = bare.split("/")
        for size in range(len(parts), 0, -1):
            folder = self._folders.get("/".join(parts[:size]))
            if folder is not None:
                return "/".join((folder, *parts[size:])) + slash
        return None

    def whole(self, name: str) -> str | None:
        """The new name of `name` if everything below it moves along under the same name, else None.

        None as well when an entry below `name` goes elsewhere: then `name.*` has no single new name.
        """
        target = self.module(name)
        if target is None or (name in self._modules and name not in self._subtrees):
            return None
        for below in self.entries_below(name):
            if self._modules[below] != target + below[len(name) :]:
                return None
        inside = name + "."
        if any(m == name or m.startswith(inside) for m, _ in self._symbols):
            return None
        return target

    def entries_below(self, name: str) -> tuple[str, ...]:
        """The moved modules strictly below `name` that have an entry of their own, sorted."""
        prefix = name.split(".")
        size, found = len(prefix), []
        for parts in self._sorted_modules[bisect_left(self._sorted_modules, prefix) :]:
            if parts[:size] != prefix:
                break
            if len(parts) > size:
                found.append(".".join(parts))
        return tuple(found)

    def new_to_old_module(self, name: str) -> str | None:
        """The old name of the module that is called `name` afterwards, or None when no entry leads there."""
        return self.inverse().module(name)

    def new_to_old_symbol(self, module: str, name: str) -> tuple[str, str] | None:
        """The old (module, name) of what is called `name` in `module` afterwards, or None."""
        return self.inverse().symbol(module, name)

    def inverse(self) -> RelocationMap:
        """The map that leads back; hashes are dropped since they belong to the old files.

        Raises:
            InputError: two old names have the same new one.
        """
        return RelocationMap(
            Relocation(
                old_module=r.new_module,
                new_module=r.old_module,
                old_symbol=r.new_symbol,
                new_symbol=r.old_symbol,
                old_path=r.new_path,
                new_path=r.old_path,
                subtree=r.subtree,
            )
            for r in self._relocations
        )

    def leaf_words(self) -> frozenset[bytes]:
        """The last segment of every old module and path and every old symbol name, encoded.

        A file that has none of them as a word cannot refer to anything that moves. Names outside ASCII are
        listed in UTF-8 (each normal form) and Latin-1.
        """
        return self._leaf_words

    def may_concern(self, content: bytes) -> bool:
        """Whether a leaf word occurs in `content` (any encoding that extends ASCII); linear in its size."""
        return holds_word(content, self._leaf_words)

    def _with_colon(self, module: str, attributes: str) -> str | None:
        name, dot, rest = attributes.partition(".")
        moved = self._symbols.get((module, name))
        if moved is not None:
            return f"{moved[0]}:{moved[1]}{dot}{rest}"
        target = self.module(module)
        return None if target is None else f"{target}:{attributes}"

    def _may_follow(self, module: str, rest: list[str], is_symbol: SymbolTest | None) -> bool:
        if not rest or module in self._subtrees:
            return True
        if is_symbol is not None:
            return is_symbol(module, rest[0])
        return module not in self._packages


def holds_word(content: bytes, words: frozenset[bytes]) -> bool:
    """Whether one of `words` stands in `content` as a whole word (bytes above 127 belong to words).

    Splitting all of it costs the same for one word and for ten thousand, unlike an alternation.
    """
    return not words.isdisjoint(content.translate(_ONLY_WORDS).split())


def _rebuild(relocations: tuple[Relocation, ...], allow_merges: bool) -> RelocationMap:
    return RelocationMap(relocations, allow_merges=allow_merges)


def _order(entry: Relocation) -> tuple[str, ...]:
    return (
        entry.old_module,
        entry.old_symbol,
        entry.new_module,
        entry.new_symbol,
        entry.old_path,
        entry.new_path,
        "1" if entry.subtree else "0",
        entry.sha256,
    )


def _check_entry(entry: Relocation) -> None:
    for name in (entry.old_module, entry.new_module):
        if not name or not all(_is_segment(part) for part in name.split(".")):
            raise InputError(_PLACE, 0, f"{entry}: {name!r} is no dotted module name", "write it as a.b.c")
    if bool(entry.old_symbol) != bool(entry.new_symbol):
        raise InputError(
            _PLACE, 0, f"{entry}: a symbol becomes a module or a module a symbol", "name both symbols"
        )
    for name in (entry.old_symbol, entry.new_symbol):
        if name and not name.isidentifier():
            raise InputError(_PLACE, 0, f"{entry}: {name!r} is no name", "only module-level names can move")
    same_name = (entry.old_module, entry.old_symbol) == (entry.new_module, entry.new_symbol)
    # A package that becomes a module, or a file that changes its import root, keeps its dotted name.
    if same_name and (entry.old_symbol or entry.old_path == entry.new_path):
        raise InputError(_PLACE, 0, f"{entry}: old and new name are the same", "drop the entry")


def _is_segment(part: str) -> bool:
    return bool(part) and not any(c.isspace() or c in "/\\:*?\"'" for c in part)


def _add(table: dict[_Name, _Name], old: _Name, new: _Name, entry: Relocation) -> None:
    before = table.setdefault(old, new)
    if before != new:
        other = before if isinstance(before, str) else ":".join(before)
        raise InputError(_PLACE, 0, f"{entry}: the same name also goes to {other}", "keep one of the two")


def _add_paths(paths: dict[str, str], folders: dict[str, str], entry: Relocation) -> None:
    old, new = entry.old_path.rstrip("/"), entry.new_path.rstrip("/")
    if not old or not new:
        return
    old_folder, _, old_file = old.rpartition("/")
    new_folder, _, new_file = new.rpartition("/")
    is_file = old_file.endswith((".py", ".pyi"))
    if (is_file or _is_data(entry)) and old != new:
        _add(paths, old, new, entry)
    if entry.subtree:
        if is_file and old_file in _PACKAGE_FILES and new_file in _PACKAGE_FILES:
            _add(folders, old_folder, new_folder, entry)
        elif not is_file:
            _add(folders, old, new, entry)


def _is_data(entry: Relocation) -> bool:
    """Whether the entry is of a file that is not Python and moves along with its module."""
    return bool(entry.old_path) and not entry.subtree and not entry.old_path.endswith((".py", ".pyi"))


def _check_one_to_one(table: Mapping[str, str], what: str) -> None:
    origin: dict[str, str] = {}
    for old, new in table.items():
        other = origin.setdefault(new, old)
        if other != old:
            problem = f"{what} {new}: both {other} and {old} go there"
            raise InputError(_PLACE, 0, problem, "give one of them another name")


def _leaf_words(
    modules: Iterable[str], symbols: Iterable[tuple[str, str]], paths: Iterable[str]
) -> Iterable[bytes]:
    words = {m.rpartition(".")[2] for m in modules} | {name for _, name in symbols}
    for path in paths:
        folder, _, name = path.rpartition("/")
        words.add(folder.rpartition("/")[2] if name in _PACKAGE_FILES else name.partition(".")[0])
    for word in words:
        for part in word.replace("-", " ").split():
            yield from _encodings(part)


def _encodings(word: str) -> Iterable[bytes]:
    if word.isascii():
        return (word.encode(),)
    forms = {word, *(unicodedata.normalize(form, word) for form in ("NFC", "NFD", "NFKC"))}
    found = {form.encode() for form in forms}
    found.update(form.encode("latin-1", "ignore") for form in forms)
    return found
