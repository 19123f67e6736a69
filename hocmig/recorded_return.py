"""Moving back what an earlier `mv` moved: the bytes that its backup or git holds.

A rewriting need not undo itself letter by letter: a divided import stays divided, a package that was made for
the move stays behind. Where a relocation is the exact inverse of a recorded transaction, files that are still
as that left them get back the bytes that they had before, and what it made goes. Files that were edited since
are rewritten as usual, and the result is proven like any other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from analyzers.errors import InputError
from analyzers.model import Relocation
from analyzers.relocation_map import RelocationMap
from hocmig.earlier_contents import earlier_contents
from hocmig.proof_certificate import FOLDER
from hocmig.transaction.change import SYMLINK_MODE, sha256
from hocmig.transaction.ledger import LedgerEntry, read_ledger

if TYPE_CHECKING:
    from hocmig.workspace import Workspace

_PHASE = "mv"


@dataclass(frozen=True)
class RecordedReturn:
    """What a transaction left as it is now, and what stood there before it.

    `contents` are the earlier bytes by present path, of files that it moved or edited; `made` are the present
    paths of files that it created. `along` leads symbols back that went along with what the user named.
    `time` is when it ran.
    """

    time: str
    along: tuple[Relocation, ...]
    contents: Mapping[str, bytes]
    made: frozenset[str]

    def unmade(self, staying: Iterable[str]) -> frozenset[str]:
        """The made files that go: an `__init__.py` only when nothing of `staying` is below its folder."""
        others = sorted(set(staying) - self.made)
        packages = {path: path.removesuffix("__init__.py") for path in self.made}
        return frozenset(
            path
            for path, folder in packages.items()
            if not path.endswith("/__init__.py") or not any(o.startswith(folder) for o in others)
        )

    def sentence(self, unmade: int) -> str:
        """What is said of it."""
        text = f"{len(self.contents)} files get back the bytes that they had before the mv of {self.time}"
        return text + (f"; {unmade} files that it made go" if unmade else "")


class _Recorded(msgspec.Struct):
    """What is needed of a certificate; see `render_certificate`."""

    relocations: tuple[str, ...] = ()
    asked: tuple[str, ...] = ()


def recorded_return(
    workspace: Workspace, relocations: Sequence[Relocation], read: Callable[[str], bytes]
) -> RecordedReturn | None:
    """The newest `mv` in force that moved exactly the inverse of `relocations`; None: none.

    The earlier bytes come from its backup, or from git where a recent commit has them. A certificate or a
    backup that is missing or damaged counts as none: this only saves differences.
    """
    wanted = {_inverse(entry) for entry in relocations}
    for entry in reversed(read_ledger(workspace.root).standing()):
        if entry.phase != _PHASE:
            continue
        recorded = _recorded(workspace, entry)
        if wanted == set(recorded.asked or recorded.relocations):
            more = sorted(set(recorded.relocations) - wanted)
            along = tuple(back for text in more if (back := _led_back(text)) is not None)
            earlier = earlier_contents(workspace.root, entry)
            if not earlier or len(along) < len(more) or not _is_sound((*relocations, *along)):
                return None
            return _still_standing(entry, earlier, along, workspace, read)
    return None


def _inverse(entry: Relocation) -> str:
    old = f"{entry.old_module}:{entry.old_symbol}" if entry.old_symbol else entry.old_module
    new = f"{entry.new_module}:{entry.new_symbol}" if entry.new_symbol else entry.new_module
    return f"{new} -> {old}"


def _led_back(text: str) -> Relocation | None:
    """The relocation that undoes `a:x -> b:y`; None for what is no symbol's."""
    old, _, new = text.partition(" -> ")
    (old_module, _, old_symbol), (new_module, _, new_symbol) = old.partition(":"), new.partition(":")
    if not (old_symbol and new_symbol):
        return None
    return Relocation(new_module, old_module, new_symbol, old_symbol)


def _is_sound(relocations: Sequence[Relocation]) -> bool:
    """Whether they do not contradict each other, as they do in a certificate that somebody changed."""
    try:
        RelocationMap(relocations)
    except InputError:
        return False
    return True


def _recorded(workspace: Workspace, entry: LedgerEntry) -> _Recorded:
    path = workspace.state / FOLDER / f"{entry.entry_id}.json"
    try:
        return msgspec.json.decode(path.read_bytes(), type=_Recorded)
    except (OSError, msgspec.DecodeError):
        return _Recorded()


def _still_standing(
    entry: LedgerEntry,
    earlier: Mapping[str, bytes],
    along: tuple[Relocation, ...],
    workspace: Workspace,
    read: Callable[[str], bytes],
) -> RecordedReturn:
    contents: dict[str, bytes] = {}
    made: set[str] = set()
    for file in entry.files:
        path, origin = file.path_after, file.path_before
        if path is None or SYMLINK_MODE in (file.mode_before, file.mode_after):
            continue
        full = workspace.root / path
        if full.is_symlink() or not full.is_file() or sha256(read(path)) != file.sha256_after:
            continue
        if origin is None:
            made.add(path)
        elif origin in earlier:
            contents[path] = earlier[origin]
    return RecordedReturn(entry.time, along, contents, frozenset(made))
