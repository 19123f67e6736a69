"""Path to module name and back: which dotted name a file has, computed from the import roots alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from keyword import iskeyword
from pathlib import Path

import msgspec

SUFFIXES = (".py", ".pyi")


class ModuleName(msgspec.Struct, frozen=True, gc=False):
    """The dotted `name` of a file; `is_package` for an `__init__`; `root` is the import root it hangs below.

    A part of the name need not be an identifier (`app.migrations.0001_initial`): such a module is reached by
    `importlib`, and its own imports are as good as any. `is_importable` is False for files outside every
    import root, whose name is relative to the folder above their topmost package, and below a folder with a
    dot in its name; such a name is only good for resolving the file's own relative imports.
    """

    name: str
    is_package: bool
    root: str
    is_importable: bool = True

    @property
    def has_python_name(self) -> bool:
        """Whether an `import` statement can name it: all parts are identifiers and none is a keyword."""
        return all(part.isidentifier() and not iskeyword(part) for part in self.name.split("."))

    @property
    def package(self) -> str:
        """What a single leading dot means in this file; empty at the top."""
        return self.name if self.is_package else self.name.rpartition(".")[0]


class _Folder(msgspec.Struct, frozen=True, gc=False):
    """What the names of the files in a folder begin with (`a.b.` or empty)."""

    prefix: str
    root: str
    is_importable: bool


@dataclass(frozen=True)
class ProjectLayout:
    """The import roots of a repository (`.` is the repository root itself)."""

    root: Path
    import_roots: tuple[str, ...] = (".",)
    _longest_first: tuple[str, ...] = field(init=False, repr=False, compare=False, default=())
    #: Folders inside import roots; depends on the path alone, so it never goes stale.
    _folders: dict[str, _Folder] = field(init=False, repr=False, compare=False, default_factory=dict)

    def __post_init__(self) -> None:
        cleaned = {root.strip("/").removeprefix("./") or "." for root in self.import_roots}
        object.__setattr__(self, "_longest_first", tuple(sorted(cleaned, key=lambda r: (-len(r), r))))

    def module_of(self, path: str, is_file: Callable[[str], bool] | None = None) -> ModuleName | None:
        """The module name of a `.py` or `.pyi` path, or None when it can have none.

        With nested import roots the longest one counts. None: another suffix, a dot inside the file's name,
        or the `__init__.py` of an import root itself.

        Args:
            path: existing or not.
            is_file: whether a path exists, for the packages around files outside every import root (default:
                asks the file system).
        """
        above, _, file = path.rpartition("/")
        stem, dot, suffix = file.rpartition(".")
        if suffix not in ("py", "pyi") or not dot or not stem or "." in stem:
            return None
        folder = self._folders.get(above)
        if folder is None:
            folder = self._folder(above, is_file)
        if stem == "__init__":
            if not folder.prefix:
                return None
            return ModuleName(folder.prefix[:-1], True, folder.root, folder.is_importable)
        return ModuleName(folder.prefix + stem, False, folder.root, folder.is_importable)

    def path_of(self, module: str, root: str, *, is_package: bool = False) -> str:
        """The path that `module` has below the import root `root`."""
        prefix = "" if root in (".", "") else root + "/"
        tail = "/__init__.py" if is_package else ".py"
        return prefix + module.replace(".", "/") + tail

    def import_root_of(self, path: str) -> str | None:
        """The import root that a path lies in (the longest one), or None."""
        for root in self._longest_first:
            if root == "." or path == root or path.startswith(root + "/"):
                return root
        return None

    def _folder(self, above: str, is_file: Callable[[str], bool] | None) -> _Folder:
        root = self.import_root_of(above)
        if root is None:
            start = self._script_root(above, is_file or (lambda path: (self.root / path).is_file()))
            # Not kept: it depends on which `__init__.py` files exist at the moment.
            return _Folder(_names_below(above, start)[0], "", False)
        prefix, is_whole = _names_below(above, "" if root == "." else root)
        folder = _Folder(prefix, root, is_whole)
        self._folders[above] = folder
        return folder

    @staticmethod
    def _script_root(folder: str, is_file: Callable[[str], bool]) -> str:
        while folder and is_file(f"{folder}/__init__.py"):
            folder = folder.rpartition("/")[0]
        return folder


def _names_below(folder: str, start: str) -> tuple[str, bool]:
    """`a.b.` for the folder `start/a/b`, and whether that is all of it.

    A part with a dot in it can be in no module name: what is below it has a name of its own.
    """
    below = folder[len(start) :].strip("/")
    if not below:
        return "", True
    parts = below.split("/")
    named = parts
    if "." in below:
        dotted = max(number for number, part in enumerate(parts) if "." in part)
        named = parts[dotted + 1 :]
    return "".join(part + "." for part in named), named is parts
