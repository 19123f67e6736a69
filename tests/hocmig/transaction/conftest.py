"""Gives the tests of this folder the scenario module, which is also run as a program."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

_SCENARIO = Path(__file__).with_name("scenario.py")


def _load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("transaction_scenario", _SCENARIO)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def scenario() -> ModuleType:
    """See `scenario.py`."""
    return sys.modules.get("transaction_scenario") or _load()


@pytest.fixture(autouse=True)
def fixed_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1769508000")
