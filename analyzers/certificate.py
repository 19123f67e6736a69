"""The values of a proof: what was compared, what is equal, what cannot be proven, what differs."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec


class Difference(msgspec.Struct, frozen=True):
    """One name that is not proven: `line` is that of the file before, 0 unknown."""

    path: str
    line: int
    name: str
    before: str
    after: str
    reason: str


class Certificate(msgspec.Struct, frozen=True):
    """The result of the comparison; `differing` empty means that no name was found to have changed.

    `bindings` = `equal` + number of `unprovable` + number of `differing`.
    """

    version: int
    files: int
    files_compared_in_depth: int
    bindings: int
    equal: int
    broken_before: int
    unprovable: tuple[Difference, ...]
    differing: tuple[Difference, ...]

    def extended(
        self, equal: int, unprovable: Iterable[Difference], differing: Iterable[Difference]
    ) -> Certificate:
        """This certificate with the results of a further comparison."""
        more, bad = tuple(unprovable), tuple(differing)
        return msgspec.structs.replace(
            self,
            bindings=self.bindings + equal + len(more) + len(bad),
            equal=self.equal + equal,
            unprovable=(*self.unprovable, *more),
            differing=(*self.differing, *bad),
        )
