"""Path to module name and back: which dotted name a file has, computed from the import roots alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

SUFFIXES = (".py", ".pyi")


@dataclass(frozen=True, slots=True)
class ModuleName:
    """The dotted `name` of a file; `is_package` for an `__init__`; `root` is the import root it hangs below.

    `is_importable` is False for files outside every import root: their name is relative to the folder above
    their topmost package and only good for resolving their own relative imports.
    """

    name: str
    is_package: bool
    root: str
    is_importable: bool = True

    @property
    def package(self) -> str:
        """What a single leading dot means in this file; empty at the top."""
        return self.name if self.is_package else self.name.rpartition(".")[0]


@dataclass(frozen=True)
class ProjectLayout:
    """The import roots of a repository (`.` is the repository root itself)."""

    root: Path
    import_roots: tuple[str, ...] = (".",)
    _longest_first: tuple[str, ...] = field(init=False, repr=False, compare=False, default=())

    def __post_init__(self) -> None:
        cleaned = {r.strip("/") or "." for r in self.import_roots}
        object.__setattr__(self, "_longest_first", tuple(sorted(cleaned, key=lambda r: (-len(r), r))))

    def module_of(self, path: str) -> ModuleName | None:
        """The module name of a `.py` or `.pyi` path, or None when a part of the path is no identifier.

        With nested import roots the longest one counts. Files in no import root get a name that is not
        importable, relative to the first folder above them that is no package.
        """
        for root in self._longest_first:
            if root == ".":
                return self._name_below(path, "", ".", True)
            if path.startswith(root + "/"):
                return self._name_below(path, root + "/", root, True)
        return self._name_below(path, self._script_root(path), "", False)

    def path_of(self, module: str, root: str, *, is_package: bool = False) -> str:
        """The path that `module` has below the import root `root`."""
        prefix = "" if root in (".", "") else root + "/"
        tail = "/__init__.py" if is_package else ".py"
        return prefix + module.replace(".", "/") + tail

    def _script_root(self, path: str) -> str:
        folder = path.rpartition("/")[0]
        while folder and (self.root / folder / "__init__.py").is_file():
            folder = folder.rpartition("/")[0]
        return folder + "/" if folder else ""

    @staticmethod
    def _name_below(path: str, prefix: str, root: str, importable: bool) -> ModuleName | None:
        stem = path[len(prefix) :]
        for suffix in SUFFIXES:
            if stem.endswith(suffix):
                stem = stem[: -len(suffix)]
                break
        else:
            return None
        parts = stem.split("/")
        is_package = parts[-1] == "__init__"
        if is_package:
            parts = parts[:-1]
        if not parts or not all(p.isidentifier() for p in parts):
            return None
        return ModuleName(".".join(parts), is_package, root, importable)
