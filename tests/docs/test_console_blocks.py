"""What the pages show is what the commands answer: every command of every page runs, in order."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path

import pytest

TOOL = Path(__file__).resolve().parents[2] / "docs" / "tools" / "console_blocks.py"
_specification = importlib.util.spec_from_file_location("docs_tools_console_blocks", TOOL)
assert _specification is not None
assert _specification.loader is not None
console_blocks = importlib.util.module_from_spec(_specification)
_specification.loader.exec_module(console_blocks)

pytestmark = pytest.mark.skipif(shutil.which("bash") is None, reason="the pages show commands for bash")


@pytest.mark.parametrize("page", console_blocks.pages(), ids=lambda page: page.stem)
def test_the_page_shows_what_happens(page: Path) -> None:
    shown = console_blocks.settled(page.read_text(encoding="utf-8"))
    assert console_blocks.settled(console_blocks.refreshed(page)) == shown, (
        f"run `python docs/tools/console_blocks.py {page.name}`"
    )


def test_what_differs_from_run_to_run_is_not_compared() -> None:
    settled = console_blocks.settled
    assert settled("│ move │ 12.3    │\n2 passed in 0.61s") == settled("│ move │ 4.0 │\n2 passed in 12.05s")
    assert settled("3 files") != settled("4 files")
    assert settled("$ hocmig duplicates\n3 findings\n") == settled("$ hocmig duplicates\n4 findings\n")
    assert settled("$ hocmig duplicates\n3\n$ ls\n3\n") != settled("$ hocmig duplicates\n3\n$ ls\n4\n")
