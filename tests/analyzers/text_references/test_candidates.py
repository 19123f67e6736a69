"""Candidates are looked for in lines with a mark only, and none is missed by that."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from analyzers.model import Relocation
from analyzers.relocation_map import RelocationMap
from analyzers.text_references.candidates import candidates, file_words, pattern_of

MAP = RelocationMap(
    (
        Relocation(
            "app.billing.limits", "app.control.limits", old_path="app/billing/limits.py", new_path="b.py"
        ),
        Relocation("lone", "app.lone", old_path="lone.py", new_path="app/lone.py"),
    )
)
PIECES = [
    *("app", "lone", "billing", "limits", "limits.py", ".py", ".", "/", ":", "*", "\\", "\\n", "?", "-"),
    *("app.billing.limits", "app/billing/limits.py", "app/billing", "lone.py", "application", " ", "\n"),
    *("\r\n", "\r", "\t", "\x0c", "\u2028", "é", '"', "'", "x", "src/", "http://", "%"),
]


@given(st.lists(st.sampled_from(PIECES), max_size=40).map("".join))
def test_lines_without_a_mark_hold_no_candidate(text: str) -> None:
    pattern = pattern_of(MAP)
    assert pattern is not None
    everywhere = [m.span() for m in pattern.mixed.finditer(text)]
    # The words let all paths through, so that every match of the expression counts.
    words = frozenset(piece.strip("./\\") for piece in PIECES) | {"", "py", "n", "http"}
    found = list(candidates(text, pattern, words))
    assert [c.start for c in found] == [start for start, _ in everywhere]


def test_real_candidates_are_found_between_lines_of_prose() -> None:
    pattern = pattern_of(MAP)
    assert pattern is not None
    text = "nothing\nsee app.billing.limits\n\nnothing at all\nand app/billing/limits.py: 3\nlone\nfar off"
    found = [text[c.start : c.end] for c in candidates(text, pattern, file_words(MAP))]
    assert found == ["app.billing.limits", "app/billing/limits.py", "lone"]
