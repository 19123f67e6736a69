"""One Python file's bytes in, one FileRecord out: imports, module-level names, `__all__`, dotted strings.

Not seen: names bound by `:=`, names that `exec` or `setattr` make (the record's `dynamic_namespace` says that
there may be some), strings put together at run time.
"""

from __future__ import annotations

import gc
import hashlib
import re
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from analyzers.dynamic_namespace import binds_dynamically
from analyzers.model import DottedString, FileRecord
from analyzers.python_parser import TOO_DEEP, WHOLE_CHARACTERS, ParsedPart, newlines, parse, parse_in_parts
from analyzers.source import decode_text
from analyzers.statement_walk import StatementWalk

if TYPE_CHECKING:
    from analyzers.parsed_files import ParsedFiles

#: Larger files are records with an error: a syntax tree takes 85 times (a table of strings) to 480 times (a
#: list of numbers) the memory of its text.
MAX_BYTES = 10_000_000

# A dotted name between two quotes of one kind. The closing quote is only looked at, so that a false start at
# the end of one string does not swallow the beginning of the next.
_DOTTED = tuple(
    re.compile(rf"{quote}([^\W\d]\w*(?:\.[^\W\d]\w*)+(?::[^\W\d]\w*(?:\.[^\W\d]\w*)*)?)(?={quote})")
    for quote in ("'", '"')
)


def read_facts(path: str, content: bytes, mtime_ns: int = 0) -> FileRecord:
    """What the index knows of a file with these bytes.

    Args:
        path: decides between module and stub (`.pyi`: a bare annotation defines its name); not opened.
        content: the bytes of the file.
        mtime_ns: put into the record as it is.

    Returns:
        A record with its imports by place, definitions by place, strings by line. A file that cannot be
        parsed gives a record with `error` and empty lists.
    """
    digest = hashlib.sha256(content).hexdigest()
    with _quiet_parsing():
        return _facts(path, content, digest, mtime_ns)


def read_many(files: Iterable[tuple[str, bytes, int]], parsed: ParsedFiles | None = None) -> list[FileRecord]:
    """The records of many files, `(path, content, mtime_ns)` each, in this order; equal bytes parsed once.

    With `parsed`, trees are taken from there and kept there.
    """
    records = []
    known: dict[tuple[str, bool], FileRecord] = {}
    with _quiet_parsing():
        for path, content, mtime_ns in files:
            digest = hashlib.sha256(content).hexdigest()
            key = (digest, path.endswith(".pyi"))
            twin = known.get(key)
            record = (
                _facts(path, content, digest, mtime_ns, parsed)
                if twin is None
                else same_facts(twin, path, mtime_ns)
            )
            known.setdefault(key, record)
            records.append(record)
    return records


def same_facts(record: FileRecord, path: str, mtime_ns: int) -> FileRecord:
    """The record that a file with the same bytes has at `path`."""
    if record.path == path and record.mtime_ns == mtime_ns:
        return record
    return FileRecord(
        path,
        record.sha256,
        record.size_bytes,
        mtime_ns,
        record.error,
        record.error_line,
        record.imports,
        record.definitions,
        record.exports,
        record.exports_dynamic,
        record.dynamic_namespace,
        record.dotted_strings,
    )


def unread(path: str, error: str, size_bytes: int = 0, mtime_ns: int = 0) -> FileRecord:
    """The record of a file that was not read, and why."""
    return FileRecord(path, "", size_bytes, mtime_ns, error)


@contextmanager
def _quiet_parsing() -> Iterator[None]:
    """No syntax warnings, and no garbage collection: trees hold no cycles and go by reference count.

    That saves a tenth of the time of the parse (benchmarks/index_speed.py).
    """
    collecting = gc.isenabled()
    gc.disable()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        if collecting:
            gc.enable()


def _facts(
    path: str, content: bytes, digest: str, mtime_ns: int, parsed: ParsedFiles | None = None
) -> FileRecord:
    if len(content) > MAX_BYTES:
        return FileRecord(path, digest, len(content), mtime_ns, f"larger than {MAX_BYTES} bytes, not parsed")
    parts: Iterable[ParsedPart]
    if parsed is None:
        text, _, error, error_line = decode_text(content)
        if error:
            return FileRecord(path, digest, len(content), mtime_ns, error, error_line)
        parts = (parse(text),) if len(text) <= WHOLE_CHARACTERS else parse_in_parts(newlines(text))
    else:
        file = parsed.of(content)
        text = file.source.text
        parts = ((file.tree, file.lazy_imports, file.error, file.error_line),)
    text = newlines(text)
    walk = StatementWalk(text, is_stub=path.endswith(".pyi"))
    dynamic = False
    for tree, lazy, error, error_line in parts:
        if tree is None:
            return FileRecord(path, digest, len(content), mtime_ns, error, error_line)
        try:
            walk.statements(tree, lazy)
        except RecursionError:
            # `__all__ = a + b + ...` and `if not not ...` by the thousand: the parser goes deeper than we do.
            return FileRecord(path, digest, len(content), mtime_ns, TOO_DEEP)
        dynamic = dynamic or binds_dynamically(tree, text)
    walk.finish()
    dynamic = dynamic or "__getattr__" in walk.bound
    return FileRecord(
        path,
        digest,
        len(content),
        mtime_ns,
        "",
        0,
        tuple(walk.imports),
        tuple(walk.definitions),
        None if walk.exports is None else tuple(walk.exports),
        walk.exports_dynamic,
        dynamic,
        dotted_strings(text),
    )


def dotted_strings(text: str) -> tuple[DottedString, ...]:
    """The string constants of a text whose whole value is `a.b`, `a.b.c` or `a.b:c`, by line.

    Read from the text, not from the tree: whatever stands between two equal quotes counts, inside comments
    and other strings, too. Nothing that one plain literal says is missed; values made by escapes or by
    joining literals are.
    """
    text = newlines(text)
    found = [(match.start(), match[1]) for pattern in _DOTTED for match in pattern.finditer(text)]
    found.sort()
    strings = []
    line, seen = 1, 0
    for start, value in found:
        line += text.count("\n", seen, start)
        seen = start
        strings.append(DottedString(line, value))
    return tuple(strings)
