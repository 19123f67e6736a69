"""The text of a Python file from its bytes: encoding, byte order mark and line ends, by the rules of Python.

Source of the rules: PEP 263 (encoding declarations) and the language reference, "Lexical analysis".
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass

BOM = codecs.BOM_UTF8

#: PEP 263: a comment on line 1, or on line 2 below a comment or a blank line.
_DECLARATION = re.compile(rb"^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)")
_COMMENT_OR_BLANK = re.compile(rb"^[ \t\f]*(?:#.*)?$")
_LINE_END = re.compile(rb"\r\n|\n|\r")
_ANY_LINE_END = re.compile(r"\r\n|\n|\r")


@dataclass(frozen=True, slots=True)
class Source:
    """What a Python file says, decoded.

    `text` is without the byte order mark and keeps its line ends as they are. `encoding` is the codec's name
    (`utf-8` also for a file with a byte order mark, which `has_bom` tells). `newline` is the first line end
    of the file (`\\n` when it has none), `newlines` all that occur. With `error` the text is empty;
    `error_line` is 1-based, 0 unknown.
    """

    text: str
    encoding: str = "utf-8"
    has_bom: bool = False
    newline: str = "\n"
    newlines: frozenset[str] = frozenset()
    error: str = ""
    error_line: int = 0

    def encode(self, text: str) -> bytes:
        """The bytes of a changed text, in the encoding and with the byte order mark of this file.

        Raises:
            UnicodeEncodeError: the encoding cannot express a character of `text`.
        """
        content = text.encode(self.encoding)
        return BOM + content if self.has_bom else content


def decode(content: bytes) -> Source:
    """The text of a Python file; what is wrong with it is a value (`Source.error`), never an exception."""
    text, encoding, error, error_line = decode_text(content)
    if error:
        return Source("", encoding, content.startswith(BOM), error=error, error_line=error_line)
    first = _ANY_LINE_END.search(text)
    newlines = frozenset(_ANY_LINE_END.findall(text)) if "\r" in text else frozenset("\n" if first else ())
    return Source(text, encoding, content.startswith(BOM), first[0] if first else "\n", newlines)


def decode_text(content: bytes) -> tuple[str, str, str, int]:
    """`(text, encoding, error, error line)` of a Python file: `decode` without the look at line ends."""
    has_bom = content.startswith(BOM)
    declared, line = declared_encoding(content)
    try:
        encoding = codecs.lookup(_normal_name(declared)).name if declared else "utf-8"
    except (LookupError, ValueError):
        return "", "utf-8", f"unknown encoding {declared!r}", line
    if has_bom and encoding != "utf-8":
        return "", "utf-8", f"declares {declared!r} but begins with a UTF-8 byte order mark", line
    try:
        text = content[len(BOM) :].decode(encoding) if has_bom else content.decode(encoding)
    except UnicodeDecodeError as error:
        bad_line = 1 + len(_LINE_END.findall(content, 0, error.start))
        return "", encoding, f"is not {encoding}: byte 0x{content[error.start]:02x}", bad_line
    except (LookupError, ValueError, TypeError) as error:
        # Codecs that are no text encoding (`base64`, `rot13`) end here.
        return "", encoding, f"cannot be decoded as {declared!r}: {error}", line
    if declared and (not isinstance(text, str) or "coding" not in text[:4096]):
        # `rot13` and the like; and UTF-16, in which the declaration itself would read differently.
        return "", encoding, f"{declared!r} is no encoding for Python source", line
    return text, encoding, "", 0


def declared_encoding(content: bytes) -> tuple[str, int]:
    """The encoding that a comment on line 1 or 2 declares and its line, or `("", 0)`."""
    start = len(BOM) if content.startswith(BOM) else 0
    # Two lines are enough; the slice keeps huge files and binary rubbish cheap.
    if b"coding" not in content[start : start + 4096]:
        return "", 0
    lines = _LINE_END.split(content[start : start + 4096], maxsplit=2)[:2]
    for number, line in enumerate(lines, 1):
        found = _DECLARATION.match(line)
        if found:
            return found[1].decode("ascii", "replace"), number
        if not _COMMENT_OR_BLANK.match(line):
            break
    return "", 0


def _normal_name(encoding: str) -> str:
    """The two encodings that Python knows with any ending (`utf-8-unix`), by their own names."""
    name = encoding[:12].lower().replace("_", "-")
    if name == "utf-8" or name.startswith("utf-8-"):
        return "utf-8"
    for latin in ("latin-1", "iso-8859-1", "iso-latin-1"):
        if name == latin or name.startswith(latin + "-"):
            return "iso-8859-1"
    return encoding
