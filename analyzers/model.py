"""The value objects that analyzers, codemods and hocmig share; imports nothing of ours.

Lines are 1-based, columns are 0-based offsets in UTF-8 bytes as `ast` gives them, paths are POSIX and
relative to the repository root, modules are dotted names.
"""

from __future__ import annotations

import enum

import msgspec

# The records of a file are kept from garbage collection (`gc=False`): they hold strings, numbers and each
# other only, so no cycle can come about, and there are tens of thousands of them in every run.


class Scope(str, enum.Enum):
    """Where a statement stands: the innermost enclosing definition."""

    MODULE = "module"
    CLASS = "class"
    FUNCTION = "function"


class Guard(enum.IntFlag):
    """What surrounds a statement, between it and its enclosing definition (TYPE_CHECKING: at any depth)."""

    NONE = 0
    TYPE_CHECKING = 1
    TRY = 2
    EXCEPT = 4
    CONDITIONAL = 8
    LAZY = 16


class ImportedName(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One alias of an import statement: `name` as written (dotted for `import a.b`, `*` for a star)."""

    name: str
    asname: str | None = None

    @property
    def bound(self) -> str:
        """The local name that the alias binds (`a` for `import a.b`)."""
        return self.asname or self.name.split(".", 1)[0]


class ImportRecord(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One import statement.

    `module` is what stands between `from` and `import`, without the dots (empty for `from . import b` and for
    plain `import`); `level` counts the dots.
    """

    line: int
    end_line: int
    column: int
    is_from: bool
    level: int
    module: str
    names: tuple[ImportedName, ...]
    scope: Scope
    guard: int = 0

    @property
    def is_deferred(self) -> bool:
        """Whether it runs later than the import of its module (inside a function, or a lazy statement)."""
        return self.scope is Scope.FUNCTION or bool(self.guard & Guard.LAZY)

    @property
    def is_typing_only(self) -> bool:
        return bool(self.guard & Guard.TYPE_CHECKING)

    @property
    def is_star(self) -> bool:
        return self.is_from and any(n.name == "*" for n in self.names)


class DefinitionKind(str, enum.Enum):
    FUNCTION = "function"
    CLASS = "class"
    VARIABLE = "variable"


class Definition(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A name bound at module level by something that is no import; several records for several bindings."""

    name: str
    kind: DefinitionKind
    line: int
    end_line: int


class DottedString(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A string constant of the form `a.b`, `a.b.c` or `a.b:c`."""

    line: int
    text: str


class FileRecord(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What the index knows of one Python file (`.py` or `.pyi`).

    `error` is empty, or says why the file could not be read or parsed (`error_line` 1-based, 0 unknown);
    then the lists are empty. `exports` is the literal `__all__`, or None when there is none;
    `exports_dynamic` says that `__all__` is (also) computed. `dynamic_namespace` says that names can appear
    that no statement binds (`globals().update`, `exec`, `setattr(sys.modules[...])`, module `__getattr__`).
    """

    path: str
    sha256: str
    size_bytes: int
    mtime_ns: int
    error: str = ""
    error_line: int = 0
    imports: tuple[ImportRecord, ...] = ()
    definitions: tuple[Definition, ...] = ()
    exports: tuple[str, ...] | None = None
    exports_dynamic: bool = False
    dynamic_namespace: bool = False
    dotted_strings: tuple[DottedString, ...] = ()

    @property
    def is_package_file(self) -> bool:
        """Whether the file is the `__init__` of a package."""
        return self.path.rsplit("/", 1)[-1] in ("__init__.py", "__init__.pyi")


class Relocation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One move: a module (symbols empty) or a module-level symbol.

    `subtree` says that everything below `old_module` moves along (a package with all it holds). Paths are
    empty for symbols. `sha256` is the hash of the file at `old_path` when the plan was made, or empty.
    """

    old_module: str
    new_module: str
    old_symbol: str = ""
    new_symbol: str = ""
    old_path: str = ""
    new_path: str = ""
    subtree: bool = False
    sha256: str = ""

    def __str__(self) -> str:
        old = f"{self.old_module}:{self.old_symbol}" if self.old_symbol else self.old_module
        new = f"{self.new_module}:{self.new_symbol}" if self.new_symbol else self.new_module
        return f"{old} -> {new}"


class Finding(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something a person should know: stable `code`, place, sentence, and what mends it."""

    code: str
    severity: str
    path: str = ""
    line: int = 0
    message: str
    mend: str = ""

    def __str__(self) -> str:
        place = f"{self.path}:{self.line}" if self.line else self.path
        text = f"{self.code} {place}: {self.message}" if place else f"{self.code} {self.message}"
        return f"{text}; {self.mend}" if self.mend else text
