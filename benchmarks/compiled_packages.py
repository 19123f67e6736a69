"""Bytecode for hocmig's packages, so that a benchmark measures what an installed hocmig does."""

from __future__ import annotations

import compileall
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]


def compile_packages() -> None:
    """Compile what has changed since the last time.

    An installed package has its bytecode; in a checkout that was just changed, and where
    PYTHONDONTWRITEBYTECODE is set, every process would compile all modules that it imports (0.6 s).
    """
    for package in ("analyzers", "codemods", "hocmig"):
        compileall.compile_dir(CHECKOUT / package, quiet=1)
