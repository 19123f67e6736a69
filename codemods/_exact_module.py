"""A LibCST module that knows its own bytes and is parsed only when somebody looks at its tree."""

from __future__ import annotations

import libcst as cst

_KNOWN = ("_exact", "encoding")


class ExactModule(cst.Module):
    """What `parse_module` gives for some bytes, but `bytes` and `code` are those bytes to the letter.

    LibCST's own modules lose form feeds and a lone final carriage return when they are printed (LibCST 1.9,
    the notes on LibCST, correctness 23). Parsing waits until an attribute of the tree is asked for: the
    command line only wants the bytes.
    """

    _exact: bytes

    @classmethod
    def of(cls, content: bytes, encoding: str) -> ExactModule:
        """The module of `content`, which is in `encoding`."""
        module = object.__new__(cls)
        object.__setattr__(module, "_exact", content)
        object.__setattr__(module, "encoding", encoding)
        return module

    def __getattr__(self, name: str) -> object:
        # Called for attributes that are not set yet: those of the tree.
        if name in _KNOWN or name not in cst.Module.__dataclass_fields__:
            raise AttributeError(name)
        parsed = cst.parse_module(self._exact)
        for field in cst.Module.__dataclass_fields__:
            if field not in ("__slots__", *_KNOWN):
                object.__setattr__(self, field, getattr(parsed, field))
        return object.__getattribute__(self, name)

    @property
    def bytes(self) -> bytes:
        return self._exact

    @property
    def code(self) -> str:
        return self._exact.decode(self.encoding)
