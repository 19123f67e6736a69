"""How often Python looks for reference cycles while syntax trees are built."""

from __future__ import annotations

import gc


def collect_garbage_rarely() -> None:
    """Let the collector wait for a million new objects.

    Syntax trees hold no reference cycles: with the default of 700 the collector searches them again and again
    for nothing, a fifth of a run (`benchmarks/move_speed.py`). Trees of whole files are far below a million
    objects at a time, and are freed by their reference counts.
    """
    gc.set_threshold(1_000_000, 50, 50)
