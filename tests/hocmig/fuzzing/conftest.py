"""Gives the tests of this folder the harness, which benchmarks/fuzz_inputs.py runs as well."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from hocmig.cli import run


def _load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"fuzzing_{name}", Path(__file__).with_name(f"{name}.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def mutation() -> ModuleType:
    """See `mutation.py`."""
    return _load("mutation")


@pytest.fixture(scope="session")
def harness() -> ModuleType:
    """See `trials.py`."""
    return _load("trials")


@pytest.fixture(scope="session")
def trials(harness: ModuleType, mutation: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A `Trials` with its base trees."""
    folder = tmp_path_factory.mktemp("fuzzing").resolve() / "trials"
    folder.mkdir()
    return harness.Trials(folder, run, mutation, _load("project"))
