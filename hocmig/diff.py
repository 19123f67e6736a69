"""A change set as one unified diff with git headers: what a dry run prints and `git apply` accepts.

Everything is done in bytes, so CRLF, other encodings and missing final newlines survive. Renames, modes,
new and deleted files have git's extended headers; what holds a NUL byte is written as a `GIT binary patch`.

Source of the format: git-diff(1), "Generating patch text with -p"; base85 alphabet: git, base85.c.
"""

from __future__ import annotations

import base64
import difflib
import hashlib
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from hocmig.transaction.change import NEW_FILE_MODE, SYMLINK_MODE, ChangeSet, FileChange
from hocmig.transaction.filesystem import Tree
from hocmig.transaction.image import Seen, look
from hocmig.transaction.plan import prepare

CONTEXT_LINES = 3

#: Packed bytes in one line of a binary patch, and hexadecimal digits of a blob in the header of a text patch.
_BYTES_PER_LINE = 52
_SHORT_DIGITS = 10

_ESCAPES = {
    ord('"'): b'\\"',
    ord("\\"): b"\\\\",
    ord("\n"): b"\\n",
    ord("\t"): b"\\t",
    ord("\r"): b"\\r",
    ord("\a"): b"\\a",
    ord("\b"): b"\\b",
    ord("\f"): b"\\f",
    ord("\v"): b"\\v",
}
_NO_NEWLINE = b"\\ No newline at end of file\n"

#: What difflib calls an opcode: tag, range in the old lines, range in the new lines.
_Operation = tuple[str, int, int, int, int]

#: Reads (content, mode as in FileChange) of the file that is at a path now.
ReadBefore = Callable[[str], "tuple[bytes, int]"]


def render_diff(change_set: ChangeSet, read_before: ReadBefore) -> bytes:
    """The diff of `change_set`, in the order of the new paths; empty when nothing changes.

    Args:
        change_set: the changes.
        read_before: reads a pre-image; see `reader`.
    """
    vacated = change_set.vacated
    # What takes a vacated path comes last: `git apply -R` keeps the order, and must meet the rename first.
    order = sorted(change_set.changes, key=lambda c: c.old_path is None and c.path in vacated)
    return b"".join(part for change in order for part in _render(change, vacated, read_before))


def diff_text(change_set: ChangeSet, root: Path) -> str:
    """The diff of `change_set` against the tree at `root`, for printing; undecodable bytes are escaped.

    Raises:
        InputError, StaleInputError: the change set does not fit the tree (see `plan.prepare`).
    """
    with Tree(root) as tree:
        before = prepare(tree, change_set).before
    images = {path: (seen.content, seen.image.git_mode) for path, seen in before.items()}
    return render_diff(change_set, images.__getitem__).decode("utf-8", "surrogateescape")


def reader(root: Path) -> ReadBefore:
    """A `read_before` for the tree at `root`."""

    def read(path: str) -> tuple[bytes, int]:
        with Tree(root) as tree:
            seen = look(tree, path)
        if not isinstance(seen, Seen):
            raise FileNotFoundError(path)
        return seen.content, seen.image.git_mode

    return read


@dataclass(frozen=True, slots=True)
class _Side:
    """One side of a file's diff; `mode` as in FileChange."""

    path: str
    content: bytes
    mode: int

    @property
    def git_mode(self) -> bytes:
        # git knows three modes of a file.
        if self.mode == SYMLINK_MODE:
            return b"120000"
        return b"100755" if self.mode & 0o100 else b"100644"

    @property
    def blob(self) -> bytes:
        """The object name that git gives the content (SHA-1 repositories)."""
        data = b"blob %d\0%s" % (len(self.content), self.content)
        return hashlib.sha1(data, usedforsecurity=False).hexdigest().encode()


def _render(change: FileChange, vacated: frozenset[str], read_before: ReadBefore) -> Iterator[bytes]:
    before = None
    # A path that another change moves away from starts empty for git.
    if change.before_sha256 is not None and (change.old_path is not None or change.path not in vacated):
        before = _Side(change.source, *read_before(change.source))
    after = None
    if change.content is not None:
        kept = read_before(change.source)[1] if change.before_sha256 is not None else NEW_FILE_MODE
        after = _Side(change.path, change.content, kept if change.mode is None else change.mode)
    if before is None or after is None:
        yield from _one_sided(before, after)
    elif (before.mode == SYMLINK_MODE) != (after.mode == SYMLINK_MODE):
        # git has no line for a file that becomes a link: it goes, and the other comes.
        yield from _one_sided(before, None)
        yield from _one_sided(None, after)
    elif before != after:
        yield from _two_sided(before, after)


def _one_sided(before: _Side | None, after: _Side | None) -> Iterator[bytes]:
    side = after if after is not None else before
    if side is None:
        return
    yield _header(side.path, side.path)
    word = b"new" if after is not None else b"deleted"
    yield b"%s file mode %s\n" % (word, side.git_mode)
    empty = _Side(side.path, b"", side.mode)
    yield from _content(before or empty, after or empty, before is None, after is None)


def _two_sided(before: _Side, after: _Side) -> Iterator[bytes]:
    if before.path == after.path and before.content == after.content and before.git_mode == after.git_mode:
        # Only bits that git does not keep differ.
        return
    yield _header(before.path, after.path)
    if before.git_mode != after.git_mode:
        yield b"old mode %s\nnew mode %s\n" % (before.git_mode, after.git_mode)
    if before.path != after.path:
        yield b"similarity index %d%%\n" % _similarity(before.content, after.content)
        yield b"rename from %s\nrename to %s\n" % (_quoted("", before.path), _quoted("", after.path))
    if before.content != after.content:
        yield from _content(before, after, False, False)


def _header(old: str, new: str) -> bytes:
    return b"diff --git %s %s\n" % (_quoted("a/", old), _quoted("b/", new))


def _content(before: _Side, after: _Side, is_new: bool, is_gone: bool) -> Iterator[bytes]:
    binary = b"\0" in before.content or b"\0" in after.content
    digits = 40 if binary else _SHORT_DIGITS
    old = b"0" * digits if is_new else before.blob[:digits]
    new = b"0" * digits if is_gone else after.blob[:digits]
    same_mode = before.git_mode == after.git_mode and not (is_new or is_gone)
    yield b"index %s..%s%s\n" % (old, new, b" " + after.git_mode if same_mode else b"")
    if binary:
        yield b"GIT binary patch\n" + _literal(after.content) + _literal(before.content)
        return
    hunks = list(_hunks(before.content, after.content))
    if hunks:
        yield b"--- %s\n" % (b"/dev/null" if is_new else _named("a/", before.path))
        yield b"+++ %s\n" % (b"/dev/null" if is_gone else _named("b/", after.path))
        yield from hunks


def _literal(content: bytes) -> bytes:
    packed = zlib.compress(content)
    lines = [b"literal %d\n" % len(content)]
    for start in range(0, len(packed), _BYTES_PER_LINE):
        part = packed[start : start + _BYTES_PER_LINE]
        length = len(part) + (ord("A") - 1 if len(part) <= 26 else ord("a") - 27)
        lines.append(bytes([length]) + base64.b85encode(part, pad=True) + b"\n")
    return b"".join(lines) + b"\n"


def _hunks(before: bytes, after: bytes) -> Iterator[bytes]:
    old, new = _lines(before), _lines(after)
    for group in _groups(_operations(old, new)):
        first, last = group[0], group[-1]
        yield b"@@ -%s +%s @@\n" % (_range(first[1], last[2]), _range(first[3], last[4]))
        for tag, old_start, old_end, new_start, new_end in group:
            if tag == "equal":
                yield from (_line(b" ", line) for line in old[old_start:old_end])
            else:
                yield from (_line(b"-", line) for line in old[old_start:old_end])
                yield from (_line(b"+", line) for line in new[new_start:new_end])


def _lines(content: bytes) -> list[bytes]:
    # Only LF ends a line for git; bytes.splitlines would also split at CR.
    lines = content.split(b"\n")
    last = lines.pop()
    return [line + b"\n" for line in lines] + ([last] if last else [])


def _line(sign: bytes, line: bytes) -> bytes:
    return sign + line if line.endswith(b"\n") else sign + line + b"\n" + _NO_NEWLINE


def _operations(old: Sequence[bytes], new: Sequence[bytes]) -> list[_Operation]:
    """The opcodes of difflib; equal lines at both ends are taken off first, which makes it near linear."""
    shorter = min(len(old), len(new))
    head = next((i for i in range(shorter) if old[i] != new[i]), shorter)
    rest = shorter - head
    tail = next((i for i in range(rest) if old[-1 - i] != new[-1 - i]), rest)
    middle = difflib.SequenceMatcher(None, old[head : len(old) - tail], new[head : len(new) - tail])
    result: list[_Operation] = [("equal", 0, head, 0, head)] if head else []
    result += [(tag, a + head, b + head, c + head, d + head) for tag, a, b, c, d in middle.get_opcodes()]
    if tail:
        result.append(("equal", len(old) - tail, len(old), len(new) - tail, len(new)))
    return result


def _groups(operations: Sequence[_Operation]) -> Iterator[list[_Operation]]:
    """Changes that stand within twice the context of each other, with the context around them."""
    group: list[_Operation] = []
    for position, (tag, a, b, c, d) in enumerate(operations):
        if tag != "equal":
            group.append((tag, a, b, c, d))
            continue
        length = b - a
        is_last = position == len(operations) - 1
        if group and (length > 2 * CONTEXT_LINES or is_last):
            keep = min(length, CONTEXT_LINES)
            yield [*group, (tag, a, a + keep, c, c + keep)]
            group = []
        if group:
            group.append((tag, a, b, c, d))
        elif not is_last:
            keep = min(length, CONTEXT_LINES)
            group = [(tag, b - keep, b, d - keep, d)]
    if group:
        yield group


def _range(start: int, end: int) -> bytes:
    length = end - start
    if length == 1:
        return b"%d" % (start + 1)
    return b"%d,%d" % (start + 1 if length else start, length)


def _similarity(before: bytes, after: bytes) -> int:
    """Percent of the larger file's bytes that are in common lines; 100 only for equal files."""
    if before == after:
        return 100
    old, new = _lines(before), _lines(after)
    common = sum(
        len(line)
        for tag, start, end, _, _ in _operations(old, new)
        if tag == "equal"
        for line in old[start:end]
    )
    return min(99, 100 * common // max(len(before), len(after)))


def _quoted(prefix: str, path: str) -> bytes:
    """The path as git writes it in headers: in quotes, with C escapes, when it holds unusual characters."""
    name = (prefix + path).encode("utf-8", "surrogateescape")
    if not any(byte < 0x20 or byte in b'"\\\x7f' for byte in name):
        return name
    escaped = b"".join(
        _ESCAPES.get(byte) or (b"\\%03o" % byte if byte < 0x20 or byte == 0x7F else bytes([byte]))
        for byte in name
    )
    return b'"' + escaped + b'"'


def _named(prefix: str, path: str) -> bytes:
    quoted = _quoted(prefix, path)
    # GNU patch and git take what follows a tab for a time stamp; it ends names with blanks.
    return quoted + b"\t" if b" " in quoted and not quoted.startswith(b'"') else quoted
