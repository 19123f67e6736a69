"""Forwarding modules that stay at an old place for a while: their text, and how they are found again.

A shim puts the moved module itself under the old name into `sys.modules`, so that identity, patching and
state are shared (import-rewriting case 53). It warns at the line that imports it and carries its last day.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Iterable

import msgspec

_MARK = re.compile(
    rb"^# hocmig-shim: old=(?P<old>[\w.]+)(?::(?P<symbol>\w+))? new=(?P<new>[\w.:]+) "
    rb"expires=(?P<expires>\d{4}-\d\d-\d\d)\r?$",
    re.MULTILINE,
)

_MODULE = '''\
"""Moved to {new}. This module forwards there until {expires}, then it goes."""
# hocmig-shim: old={old} new={new} expires={expires}
import sys
import warnings

import {new} as _moved

warnings.warn("{old} has moved to {new}", DeprecationWarning, stacklevel=2)
sys.modules[__name__] = _moved
'''

#: A package needs a finder as well: its submodules must be the moved ones, not second copies of them.
_PACKAGE = '''\
"""Moved to {new}. This package forwards there until {expires}, then it goes."""
# hocmig-shim: old={old} new={new} expires={expires}
import importlib
import importlib.abc
import importlib.machinery
import sys
import warnings

import {new} as _moved


class _Forward(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def find_spec(self, fullname, path=None, target=None):
        if fullname.startswith("{old}."):
            return importlib.machinery.ModuleSpec(fullname, self)
        return None

    def exec_module(self, module):
        name = module.__name__
        sys.modules[name] = importlib.import_module("{new}" + name[len("{old}") :])


warnings.warn("{old} has moved to {new}", DeprecationWarning, stacklevel=2)
sys.meta_path.insert(0, _Forward())
sys.modules[__name__] = _moved
'''

_SYMBOLS = """

# Moved names are forwarded until they expire (PEP 562).
{marks}
def __getattr__(name):
    moved = {table}
    if name in moved:
        import importlib
        import warnings

        module, symbol = moved[name]
        warnings.warn(f"{{__name__}}.{{name}} has moved to {{module}}", DeprecationWarning, stacklevel=2)
        return getattr(importlib.import_module(module), symbol)
    raise AttributeError(f"module {{__name__!r}} has no attribute {{name!r}}")
"""


class Shim(msgspec.Struct, frozen=True):
    """A forwarding module or name: `expires` is its last day (ISO 8601), `line` 1-based that of its mark."""

    path: str
    line: int
    old: str
    new: str
    expires: str

    def is_expired(self, today: datetime.date) -> bool:
        return datetime.date.fromisoformat(self.expires) < today


def module_shim(old: str, new: str, expires: datetime.date, *, is_package: bool = False) -> bytes:
    """The text of the forwarding module that stays where `old` was; ASCII or UTF-8."""
    template = _PACKAGE if is_package else _MODULE
    return template.format(old=old, new=new, expires=expires.isoformat()).encode()


def symbol_shim(module: str, moved: dict[str, tuple[str, str]], expires: datetime.date) -> bytes:
    """What is appended to `module` so that names which moved away can still be imported from it.

    Args:
        moved: old name -> (new module, new name).
    """
    day = expires.isoformat()
    marks = "\n".join(
        f"# hocmig-shim: old={module}:{name} new={new}:{symbol} expires={day}"
        for name, (new, symbol) in sorted(moved.items())
    )
    table = "{" + ", ".join(f'"{n}": ("{m}", "{s}")' for n, (m, s) in sorted(moved.items())) + "}"
    return _SYMBOLS.format(marks=marks, table=table).encode()


def find_shims(paths: Iterable[str], read: Callable[[str], bytes]) -> tuple[Shim, ...]:
    """The shims in the given files, by path and line."""
    found = []
    for path in paths:
        content = read(path)
        if b"# hocmig-shim: " not in content:
            continue
        for match in _MARK.finditer(content):
            old, symbol = match["old"].decode(), match["symbol"]
            name = f"{old}:{symbol.decode()}" if symbol else old
            line = content.count(b"\n", 0, match.start()) + 1
            found.append(Shim(path, line, name, match["new"].decode(), match["expires"].decode()))
    return tuple(found)
