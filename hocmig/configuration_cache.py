"""Remembers the decoded configuration, so that a warm command need not load the YAML library.

The cache is `.hocmig/configuration.msgpack`; it may be deleted at any time. It counts only while the text of
the configuration file is, byte for byte, the one it was made from, and while its paths pass the checks.
"""

from __future__ import annotations

import contextlib
from pathlib import Path

import msgspec

from analyzers.configuration import Configuration
from analyzers.configuration_checks import check_configuration
from analyzers.errors import InputError
from hocmig import __version__

CACHE_NAME = "configuration.msgpack"

#: Larger configurations are simply read again.
_MAX_BYTES = 1 << 20


class _Cached(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    tool_version: str
    content: bytes
    configuration: Configuration


def load_configuration(path: Path, root: Path, state: Path) -> Configuration:
    """The configuration in the file `path`, from the cache in the folder `state` when that is current.

    Raises:
        InputError: as `read_configuration`.
    """
    cache = state / CACHE_NAME
    content = b""
    with contextlib.suppress(OSError):
        content = path.read_bytes()
    known = _from_cache(cache, content)
    if known is not None:
        # When a check fails the file is read again, for a message that names the line.
        with contextlib.suppress(InputError):
            check_configuration(known, root, path.name, lambda place: 0)
            return known
    from analyzers.configuration_file import read_configuration

    config = read_configuration(path, root)
    if content and len(content) <= _MAX_BYTES and state.is_dir() and not state.is_symlink():
        from hocmig.store import write_bytes

        # A read-only checkout works without a cache.
        with contextlib.suppress(OSError):
            write_bytes(cache, msgspec.msgpack.encode(_Cached(__version__, content, config)))
    return config


def _from_cache(cache: Path, content: bytes) -> Configuration | None:
    try:
        known = msgspec.msgpack.decode(cache.read_bytes(), type=_Cached)
    except (OSError, msgspec.MsgspecError, RecursionError):
        return None
    is_current = known.tool_version == __version__ and known.content == content
    return known.configuration if is_current and content else None
