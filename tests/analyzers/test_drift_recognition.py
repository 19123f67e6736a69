"""How well a moved and edited file is recognised without git, on the sample's modules."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzers.content_sketch import SIZE, is_sketch, likeness, sketch
from analyzers.drift import LIKENESS
from hocmig.sample.generator import render_sample


@pytest.fixture(scope="module")
def modules() -> list[bytes]:
    """The sample's domain modules with at least 15 lines, each content once."""
    files = render_sample()
    texts = {c for p, c in files.items() if "/hoc/cus/" in p and p.endswith(".py") and c.count(b"\n") >= 15}
    return sorted(texts)


def _edited(content: bytes, share: float, seed: int) -> bytes:
    """`content` with a share of its lines replaced by lines of its own."""
    generator = random.Random(seed)
    lines = content.splitlines()
    for number in generator.sample(range(len(lines)), int(len(lines) * share)):
        lines[number] = f"    changed_{seed}_{number} = {number}".encode()
    return b"\n".join(lines)


def test_a_third_of_the_lines_may_change(modules: list[bytes]) -> None:
    known = [likeness(sketch(c), sketch(_edited(c, 0.3, n))) >= LIKENESS for n, c in enumerate(modules)]
    assert sum(known) / len(known) >= 0.97


def test_imports_do_not_count(modules: list[bytes]) -> None:
    for content in modules[:50]:
        assert likeness(sketch(content), sketch(b"import a\nfrom b.c import d\n" + content)) == 1.0


def test_other_modules_are_rarely_alike(modules: list[bytes]) -> None:
    generator = random.Random(7)
    pairs = [generator.sample(modules, 2) for _ in range(3000)]
    alike = sum(likeness(sketch(a), sketch(b)) >= LIKENESS for a, b in pairs)
    assert alike / len(pairs) <= 0.002


@given(st.binary(max_size=2000), st.binary(max_size=2000))
def test_likeness_is_symmetric_and_bounded(a: bytes, b: bytes) -> None:
    first, second = sketch(a), sketch(b)
    assert is_sketch(first)
    assert len(first) <= SIZE * 6
    assert likeness(first, second) == likeness(second, first)
    assert 0.0 <= likeness(first, second) <= 1.0
    assert likeness(first, first) == (1.0 if first else 0.0)
