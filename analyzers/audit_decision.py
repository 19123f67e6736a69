"""What a decision in an audit workbook asks for: move, stay, delete, or nothing yet.

Source: the description of the workbook's formats, "Decisions seen".
"""

from __future__ import annotations

import enum
import re
import unicodedata
from dataclasses import dataclass


class DecisionKind(str, enum.Enum):
    """What a decision asks for; a PROPOSAL is under discussion, NONE means that nothing was decided."""

    MOVE = "move"
    STAY = "stay"
    DELETE = "delete"
    PROPOSAL = "proposal"
    NONE = "none"


#: Decisions that settle a record; two different ones about one file contradict each other.
FINAL = frozenset((DecisionKind.MOVE, DecisionKind.STAY, DecisionKind.DELETE))


@dataclass(frozen=True, slots=True)
class Decision:
    """A decision as written (`text`) and as understood.

    `target` is a domain (`controls`), a folder (it holds a slash), or a path ending in `.py`, all relative
    to the domain root; `remark` is what the mark says besides MISPLACED. `line` is 1-based, 0 without one.
    """

    kind: DecisionKind
    target: str = ""
    remark: str = ""
    text: str = ""
    line: int = 0


_TARGET = re.compile(r"\s*(?:\*\*)?(?:`([^`]*)`|([^\s`⚠✓✔(*,;]+))(.*)", re.DOTALL)
#: A sign or a parenthesis, then the word, then maybe a remark; the bare word is prose, `MISPLACED?` a
#: question. Repetitions are bounded: unbounded ones take quadratic time on `( ( ( (`.
_MARK = re.compile(
    r"[⚠✓✔✅(]\ufe0f?\s{0,4}\(?\s{0,4}\*{0,2}(MISPLACED|CONFIRMED)\b(?!\s{0,4}\?)([^)]*)", re.IGNORECASE
)


def parse_decision(text: str, line: int) -> Decision:
    """What the text behind `DECISION:` or `ASSIGN TO:` asks for; `line` is where it stands (1-based)."""
    text = unicodedata.normalize("NFC", text).strip()
    found = _TARGET.match(text)
    target = clean_path(found[1] if found[1] is not None else found[2]) if found else ""
    if not found or not target:
        return Decision(DecisionKind.NONE, text=text, line=line)
    first = target.split("/", 1)[0]
    if first.upper() in ("DELETE", "DELETED", "REMOVE") or first.startswith("_archive"):
        return Decision(DecisionKind.DELETE, target, "", text, line)
    mark = _MARK.search(found[3])
    if not mark:
        return Decision(DecisionKind.PROPOSAL, target, "", text, line)
    kind = DecisionKind.MOVE if mark[1].upper() == "MISPLACED" else DecisionKind.STAY
    return Decision(kind, target, mark[2].strip(" →->:,"), text, line)


def clean_path(text: str) -> str:
    """A path as people write it, as POSIX in NFC: `a\\b `, `./a/b` and `a//b` all become `a/b`.

    A slash at the end stays (it says "folder"), as does one at the start and `..`: judging is left to others.
    """
    text = unicodedata.normalize("NFC", text).strip().replace("\\", "/")
    parts = [part.strip() for part in text.split("/")]
    kept = [part for part in parts if part and part != "."]
    if not kept:
        return ""
    start = "/" if not parts[0] else ""
    end = "/" if not parts[-1] else ""
    return start + "/".join(kept) + end


def moved_path(path: str, target: str) -> str:
    """Where a decision's `target` puts the file `path`, both relative to the domain root.

    A domain keeps the rest of the path, a folder keeps the file's name, a path that ends in `.py` is final.
    """
    folder = target.rstrip("/")
    name = path.rpartition("/")[2]
    if folder.endswith((".py", ".pyi")):
        return folder
    if "/" in folder:
        return f"{folder}/{name}"
    return f"{folder}/{path.partition('/')[2] or name}"
