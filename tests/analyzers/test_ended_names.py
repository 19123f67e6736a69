"""`ended_names`: what a client could import before and cannot import afterwards."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from analyzers.ended_names import ended_names
from analyzers.import_index import SourceIndex, load_index
from analyzers.layout import ProjectLayout
from analyzers.model import Relocation
from analyzers.relocation_map import RelocationMap

Make = Callable[[str, Mapping[str, str]], SourceIndex]
INIT = {"a/__init__.py": "", "x/__init__.py": ""}
BEFORE = {
    **INIT,
    "a/b.py": "import os\nimport re\nfrom typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import ast\n"
    "__version__ = 1\ndef f(): return re\ndef g(): return os\n",
    "client.py": "from a.b import f\n",
}


@pytest.fixture
def index(tmp_path: Path) -> Make:
    def make(name: str, files: Mapping[str, str]) -> SourceIndex:
        root = tmp_path / name
        for path, text in files.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text)
        return load_index(ProjectLayout(root))

    return make


def test_imports_that_nothing_needs_any_more_end(index: Make) -> None:
    after = {
        **BEFORE,
        "a/b.py": "import os\ndef g(): return os\n",
        "x/y.py": "import re\ndef f(): return re\n",
        "client.py": "from x.y import f\n",
    }
    moves = RelocationMap([Relocation("a.b", "x.y", "f", "f")])
    assert ended_names(index("1", BEFORE), index("2", after), moves) == {"a.b": ("TYPE_CHECKING", "re")}


def test_what_a_module_that_ends_had_imported_ends_with_it(index: Make) -> None:
    after = {
        **INIT,
        "x/y.py": "import re\ndef f(): return re\ndef h(): ...\n",
        "client.py": "from x.y import f\n",
    }
    moves = RelocationMap([Relocation("a.b", "x.y"), Relocation("a.b", "x.y", "g", "h")], allow_merges=True)
    found = ended_names(index("1", BEFORE), index("2", after), moves)
    assert found == {"a.b": ("TYPE_CHECKING", "os")}


def test_a_definition_that_is_gone_without_an_entry_has_ended(index: Make) -> None:
    after = {**BEFORE, "a/b.py": "import os, re, TYPE_CHECKING\ndef f(): return re\n"}
    assert ended_names(index("1", BEFORE), index("2", after), RelocationMap([])) == {"a.b": ("g",)}


def test_unchanged_trees_end_nothing(index: Make) -> None:
    assert ended_names(index("1", BEFORE), index("2", BEFORE), RelocationMap([])) == {}
