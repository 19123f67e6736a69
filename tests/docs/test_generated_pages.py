"""The pages that are generated from the code are up to date, and every command's help has examples."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import click
import pytest

from hocmig.cli import COMMANDS, cli

TOOLS = Path(__file__).resolve().parents[2] / "docs" / "tools"


def _tool(name: str) -> ModuleType:
    specification = importlib.util.spec_from_file_location(f"docs_tools_{name}", TOOLS / f"{name}.py")
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    sys.modules[specification.name] = module
    specification.loader.exec_module(module)
    return module


reference_pages = _tool("reference_pages")


@pytest.mark.parametrize("name", reference_pages.PAGES)
def test_the_page_is_what_the_code_says(name: str) -> None:
    text = (TOOLS.parent / name).read_text(encoding="utf-8")
    assert text == reference_pages.PAGES[name](), "run `python docs/tools/reference_pages.py`"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_examples_that_name_it(name: str) -> None:
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    examples = reference_pages._examples(command)
    assert examples
    assert all("hocmig " in line for line in examples)
    assert any(f" {name}" in line for line in examples)
    assert command.help
    for option in command.params:
        assert not isinstance(option, click.Option) or option.help, f"{option.name} says nothing"


def test_every_page_is_reached_from_the_first_one() -> None:
    docs = TOOLS.parent
    contents = (docs / "README.md").read_text(encoding="utf-8")
    for page in docs.rglob("*.md"):
        name = page.relative_to(docs).as_posix()
        assert name == "README.md" or f"({name})" in contents, f"docs/README.md does not link {name}"
