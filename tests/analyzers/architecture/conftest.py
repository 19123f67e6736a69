"""Small trees as text, and contracts over them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

from analyzers.architecture.contract import ArchitectureFacts
from analyzers.architecture.contracts import decode_contracts
from analyzers.architecture.evaluation import ArchitectureResult, evaluate
from analyzers.configuration import Configuration
from analyzers.import_graph import ImportGraph
from analyzers.import_index import SourceIndex, records_for
from analyzers.layout import ProjectLayout
from analyzers.safe_yaml import YamlDocument

Tree = Callable[..., ArchitectureFacts]
Judge = Callable[..., ArchitectureResult]


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """The facts of files given as path -> text; every folder gets an `__init__.py`."""

    def build(files: Mapping[str, str], **config: Any) -> ArchitectureFacts:
        contents = {path: text.encode() for path, text in files.items()}
        for path in files:
            folder = path.rpartition("/")[0]
            while folder:
                contents.setdefault(f"{folder}/__init__.py", b"")
                folder = folder.rpartition("/")[0]
        index = SourceIndex.from_records(ProjectLayout(tmp_path), records_for(contents))
        return ArchitectureFacts(ImportGraph(index), msgspec.convert(config, Configuration))

    return build


@pytest.fixture
def judge(tree: Tree) -> Judge:
    """The judgement of files by contracts, without the domain rules unless there is a domain root."""

    def run(
        files: Mapping[str, str], *contracts: Mapping[str, Any], accepted: tuple[str, ...] = (), **config: Any
    ) -> ArchitectureResult:
        document = {"architecture": {"contracts": [dict(c) for c in contracts]}}
        declared = decode_contracts(YamlDocument("hocmig.yaml", document))
        return evaluate(tree(files, **config), declared, accepted)

    return run
