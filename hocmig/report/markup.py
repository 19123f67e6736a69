"""Text from elsewhere as HTML: everything escaped, what cannot be seen made visible, sizes kept in bounds."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator

#: Line ends and tabs have their place in code. All other controls, lone surrogates (bytes that are no UTF-8),
#: direction marks, invisible and non-characters do not. Source: Unicode TR 36, "Bidirectional Text Spoofing".
_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff"
    "\ufff9-\ufffb\ufffe\uffff\ud800-\udfff]"
)


def visible(text: str) -> str:
    """`text` with its hidden characters spelled out: `␀` to `␟`, else `⟦U+202E⟧`; bytes as `⟦\\xff⟧`."""
    return _HIDDEN.sub(_spelled, text)


def _spelled(match: re.Match[str]) -> str:
    code = ord(match.group())
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "␡"
    if 0xDC80 <= code <= 0xDCFF:
        return f"⟦\\x{code - 0xDC00:02x}⟧"
    return f"⟦U+{code:04X}⟧"


def text(value: object) -> str:
    """`value` as HTML text, usable in quoted attributes, too."""
    return html.escape(visible(str(value)), quote=True)


def one_line(value: object) -> str:
    """Like `text`, with all white space as single blanks."""
    return text(" ".join(str(value).split()))


def code(value: object, *, kind: str = "") -> str:
    """A path or a piece of code that never lets its direction leak into what stands around it."""
    name = f' class="{kind}"' if kind else ""
    return f"<code{name}>{one_line(value)}</code>"


def path_code(path: str, below: str = "") -> str:
    """A path that may break after slashes, with what lies above `below` in a quieter tone."""
    head = f"{below}/" if below and path.startswith(f"{below}/") else ""
    rest = one_line(path[len(head) :]).replace("/", "/<wbr>")
    quiet = f'<span class="quiet">{one_line(head)}</span><wbr>' if head else ""
    return f"<code>{quiet}{rest}</code>"


def plural(count: int, one: str, many: str = "") -> str:
    """`1 file`, `3 files`, `1,204 files`."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def within(parts: Iterable[str], budget_bytes: int) -> Iterator[tuple[str, bool]]:
    """The parts as (part, fits) until the budget is spent; from then on ("", False) for each.

    A part that does not fit may be followed by smaller ones that would: the order is kept, so none of them is
    shown.
    """
    left = budget_bytes
    for part in parts:
        left = left - len(part.encode()) if left > 0 else 0
        yield (part, True) if left > 0 else ("", False)
