"""Says of two runs, every statement of which has its partner under one renaming, whether they are a copy.

One renaming explains both runs without a single edit. That alone is no proof: forms filled with other words,
constructors and lists of calls agree in shape wherever they stand. The proof is in names that recur, in how
many statements prove themselves, and in how many words are equal. The numbers were chosen on the development
seeds that docs/duplicates.md names.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from analyzers.duplicates.renaming import Proof


@dataclass(frozen=True, slots=True)
class CompleteRule:
    """The least of everything that one rule asks for.

    `statements`, `shapes` (different ones) and `tokens` of one run; `proven`: the share of statements that
    prove themselves; `shared`, `recurring`: see `Proof`; `single`: at most so many names are renamed in one
    place only, for each that recurs.
    """

    name: str
    shared: float
    proven: float
    recurring: int = 0
    statements: int = 3
    shapes: int = 1
    tokens: int = 0
    single: float = float("inf")


RULES = (
    CompleteRule("equal names", shared=0.7, proven=0.6, statements=8, shapes=4),
    CompleteRule("one renaming", shared=0.25, proven=0.5, recurring=1, statements=6, shapes=4),
    CompleteRule("one renaming", shared=0.25, proven=0.5, recurring=1, shapes=4, tokens=100),
    CompleteRule("few statements", shared=0.35, proven=0.5, recurring=2, shapes=3, tokens=70),
    CompleteRule("few statements", shared=0.35, proven=0.9, recurring=2, tokens=70),
    CompleteRule("few statements", shared=0.35, proven=0.9, recurring=4, statements=2, tokens=150),
    CompleteRule("constructor", shared=0.3, proven=0.3, recurring=3, statements=10, shapes=5),
    CompleteRule("list", shared=0.6, proven=0.9, recurring=1, statements=9),
    CompleteRule("list", shared=0.45, proven=0.9, recurring=4, statements=9, single=1.0),
)


def complete_copy(proof: Proof, proven: float, shapes: Sequence[str], tokens: int) -> str:
    """Returns the name of the first rule that accepts the runs, or an empty string.

    Args:
        proof: of all pairs of statements, all of them consistent.
        proven: the share of statements that prove themselves, 0 to 1.
        shapes: of each statement of one run.
        tokens: of one run.
    """
    kinds = len(set(shapes))
    for rule in RULES:
        if (
            proof.shared >= rule.shared
            and proven >= rule.proven
            and proof.recurring >= rule.recurring
            and len(shapes) >= rule.statements
            and kinds >= rule.shapes
            and tokens >= rule.tokens
            and proof.single <= rule.single * max(proof.recurring, 1)
        ):
            return rule.name
    return ""
