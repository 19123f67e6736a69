"""The small repository that the how-to pages work on: a shop with three domains, tests and settings."""

from __future__ import annotations

from pathlib import Path

_FILES = {
    "app/__init__.py": "",
    "app/billing/__init__.py": "",
    "app/billing/limits.py": '''"""How much a customer may spend."""

LIMIT = 100


def check(amount: int) -> bool:
    return amount <= LIMIT
''',
    "app/billing/invoice.py": '''"""Invoices."""

from app.billing import rates
from app.billing.limits import check


def total(amounts: list[int]) -> int:
    whole = sum(amounts)
    if not check(whole):
        raise ValueError("too much")
    return whole * rates.FACTOR
''',
    "app/billing/rates.py": '''"""Rates of tax."""

FACTOR = 2
''',
    "app/controls/__init__.py": "",
    "app/controls/audit.py": '''"""Who may do what."""

import app.billing.limits


def allowed(amount: int) -> bool:
    return app.billing.limits.check(amount)
''',
    "app/general/__init__.py": "",
    "app/general/clock.py": '''"""The time."""

import time


def now() -> float:
    return time.time()
''',
    "tests/test_invoice.py": """from unittest import mock

import pytest

from app.billing.invoice import total


def test_total() -> None:
    assert total([1, 2]) == 6


def test_too_much() -> None:
    with mock.patch("app.billing.limits.LIMIT", 2), pytest.raises(ValueError):
        total([3])
""",
    "settings.yaml": "checks:\n  - app.billing.limits.check\n",
    "pyproject.toml": '[tool.pytest.ini_options]\npythonpath = ["."]\n',
    ".gitignore": ".hocmig/*\n!.hocmig/ledger.jsonl\nbackups/\n__pycache__/\n",
}

_DOMAINS = """version: 1
domain_root: app
shared_domain: general
artifacts: migration
commands:
  tests: python -m pytest -q
"""


def write_shop(root: Path, *, with_domains: bool) -> None:
    """Write the repository to an empty folder; with `with_domains` also a `hocmig.yaml`."""
    for name, content in _FILES.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    if with_domains:
        (root / "hocmig.yaml").write_text(_DOMAINS, encoding="utf-8")
