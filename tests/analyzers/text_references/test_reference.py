"""Applying references."""

from __future__ import annotations

import pytest

from analyzers.text_references.reference import Certainty, Reference, apply_references, decoded, encoded


def reference(start: int, old: str, new: str, certainty: Certainty = Certainty.CERTAIN) -> Reference:
    return Reference("f", 1, start, start + len(old), old, new, certainty, "test")


def test_the_level_decides_what_is_applied() -> None:
    found = [reference(0, "a", "xx"), reference(2, "b", "yy", Certainty.LIKELY)]
    found.append(reference(4, "c", "zz", Certainty.MENTION))
    assert apply_references(b"a b c", found) == b"xx b c"
    assert apply_references(b"a b c", reversed(found), Certainty.LIKELY) == b"xx yy c"


def test_mentions_are_never_applied() -> None:
    with pytest.raises(ValueError, match="never applied"):
        apply_references(b"a", [], Certainty.MENTION)


def test_a_file_that_changed_is_refused() -> None:
    with pytest.raises(ValueError, match="does not hold"):
        apply_references(b"b", [reference(0, "a", "x")])


def test_overlapping_references_are_refused() -> None:
    with pytest.raises(ValueError, match="overlap"):
        apply_references(b"ab", [reference(0, "ab", "x"), reference(1, "b", "y")])


def test_bytes_that_are_no_utf_8_survive() -> None:
    content = bytes(range(256))
    assert encoded(decoded(content)) == content


def test_classes_are_ordered() -> None:
    assert Certainty.CERTAIN.at_most(Certainty.LIKELY) is Certainty.LIKELY
    assert Certainty.MENTION.at_most(Certainty.CERTAIN) is Certainty.MENTION
    assert str(reference(0, "a", "x")) == "f:1: certain: a -> x (test)"
