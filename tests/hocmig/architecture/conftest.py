"""Small repositories, their facts, and import-linter as the referee."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

from analyzers.architecture.contract import ArchitectureFacts
from analyzers.architecture.contracts import DeclaredContract, decode_contracts
from analyzers.configuration import Configuration
from analyzers.import_graph import ImportGraph
from analyzers.import_index import load_index
from analyzers.layout import ProjectLayout
from analyzers.safe_yaml import YamlDocument

Write = Callable[[Mapping[str, str]], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes files below a repository of their own, with an `__init__.py` in every folder."""

    def write_files(files: Mapping[str, str]) -> Path:
        root = tmp_path / "repository"
        for path, text in files.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text, encoding="utf-8")
        for folder in {p.parent for p in root.rglob("*.py")}:
            while folder != root:
                if not (folder / "__init__.py").exists():
                    (folder / "__init__.py").write_text("")
                folder = folder.parent
        return root

    return write_files


@pytest.fixture
def facts_of() -> Callable[..., ArchitectureFacts]:
    """The facts of a tree under a configuration given as plain data."""

    def facts(root: Path, *, scan: tuple[str, ...] = (), **config: Any) -> ArchitectureFacts:
        index = load_index(ProjectLayout(root), scan=scan)
        return ArchitectureFacts(ImportGraph(index), msgspec.convert(config, Configuration))

    return facts


@pytest.fixture
def declare() -> Callable[..., tuple[DeclaredContract, ...]]:
    """Contracts as they come out of `hocmig.yaml`."""

    def decode(*contracts: Mapping[str, Any]) -> tuple[DeclaredContract, ...]:
        document = {"architecture": {"contracts": [dict(c) for c in contracts]}}
        return decode_contracts(YamlDocument("hocmig.yaml", document))

    return decode


@pytest.fixture
def run_import_linter(tmp_path: Path) -> Iterator[Callable[[str, Path], dict[str, bool]]]:
    """Runs the real import-linter in this process; gives contract name -> kept."""
    from importlinter import configuration
    from importlinter.application import use_cases

    configuration.configure()
    before = list(sys.path)

    def run(text: str, root: Path) -> dict[str, bool]:
        file = tmp_path / ".importlinter"
        file.write_text(text, encoding="utf-8")
        sys.path.insert(0, str(root))
        options = use_cases.read_user_options(str(file))
        use_cases._register_contract_types(options)
        report = use_cases.create_report(options, cache_dir=None)
        assert not report.invalid_contract_options
        return {contract.name: check.kept for contract, check in report.get_contracts_and_checks()}

    yield run
    sys.path[:] = before
    for name in [name for name in sys.modules if name.partition(".")[0] in ("mono", "across1", "across2")]:
        del sys.modules[name]
