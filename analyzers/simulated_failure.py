"""The values of a simulated import that fails: where, how surely, and in which mode it was met."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Certainty(str, enum.Enum):
    """Whether the import fails for sure, if a function is called that code at import time seems to call, or
    only if the module uses at once what it has bound.
    """

    CERTAIN = "certain"
    LIKELY = "likely"
    POSSIBLE = "possible"


class Mode(enum.IntEnum):
    """What is simulated as run besides plain statements."""

    PLAIN = 0
    BRANCHES = 1
    #: Branches, and the imports in functions that code at import time may call.
    CALLS = 2
    #: Those in functions, but no branches.
    CALLS_ALONE = 3

    @property
    def has_branches(self) -> bool:
        return self in (Mode.BRANCHES, Mode.CALLS)

    @property
    def has_calls(self) -> bool:
        return self in (Mode.CALLS, Mode.CALLS_ALONE)

    @property
    def without_calls(self) -> Mode:
        return Mode.BRANCHES if self.has_branches else Mode.PLAIN


@dataclass(frozen=True, slots=True)
class Running:
    """A file that is being run and the line where it stands; it waits there for `module` to be imported.

    `called` is the (path, line) of the import statement when that stands in a function which runs there.
    """

    path: str
    line: int
    module: str
    called: tuple[str, int] | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """The statement `importer`:`line` takes `name` from `module`, or its file uses `module.name`, too early.

    `name` is empty when the module itself is bound and what is used of it is not known. `imported` is the
    file that still runs: the module's, or that of a package on the way to it. `stack` are the files from
    there to `importer`, each with the line where it waits for the next one. `is_caught`: a `try` stands
    around one of the imports on the way.
    """

    importer: str
    line: int
    imported: str
    module: str
    name: str
    certainty: Certainty
    stack: tuple[Running, ...]
    is_caught: bool = False
    available: int = 0


#: (path of the file imported first, mode) -> the failures met; see `Simulation.failures`.
Failures = dict[tuple[str, Mode], tuple[Failure, ...]]
