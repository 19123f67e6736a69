"""Import-rewriting case 57 and the page of cases: unreadable files are reported, the page is up to date."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from analyzers.file_facts import read_facts
from analyzers.file_rewriting import FileRewriter
from analyzers.import_index import SourceIndex
from analyzers.layout import ProjectLayout
from analyzers.model import Relocation
from analyzers.relocation_map import RelocationMap

A_B = {"a/__init__.py": b"", "a/b.py": b"def f(): ...\n"}


def plan_of(content: bytes, tmp_path: Path) -> Any:
    files = {**A_B, "client.py": content}
    index = SourceIndex.from_records(ProjectLayout(tmp_path), [read_facts(p, c) for p, c in files.items()])
    return FileRewriter(index, RelocationMap([Relocation("a.b", "x.y")])).plan("client.py", content)


@pytest.mark.parametrize(
    ("content", "severity"),
    [
        (b"from a.b import f\ndef broken(:\n", "error"),
        (b"import a.b\nx = '\xff'\n", "error"),
        (b"import a.b\0\n", "error"),
        (b"b = 1\ndef broken(:\n", "warning"),
    ],
)
def test_case_57_unreadable_file_is_reported(content: bytes, severity: str, tmp_path: Path) -> None:
    plan = plan_of(content, tmp_path)
    assert not plan
    assert [(f.code, f.severity, f.path) for f in plan.findings] == [("RELOC001", severity, "client.py")]


def test_case_57_unreadable_file_that_cannot_be_concerned_is_silent(tmp_path: Path) -> None:
    assert plan_of(b"def broken(:\n", tmp_path).findings == ()


def test_case_57_deep_expressions_are_followed(tmp_path: Path) -> None:
    terms = " + ".join(["a.b.f()"] * 600)
    plan = plan_of(f"import a.b\nx = {terms}\n".encode(), tmp_path)
    assert len(plan.edits) == 600
    # The search in strings may give up on such depth, but says so.
    assert {f.code for f in plan.findings} <= {"RELOC010"}


def test_case_57_five_thousand_imports(tmp_path: Path) -> None:
    lines = [f"from a.b import f as f{n}" for n in range(2500)] + ["import a.b", "import a.b as m"] * 1250
    uses = [f"a.b.f(f{n})" for n in range(2500)]
    plan = plan_of("\n".join([*lines, *uses, ""]).encode(), tmp_path)
    assert len(plan.import_changes) == 5000
    assert len(plan.edits) == 2500


def test_the_page_of_cases_is_up_to_date() -> None:
    script = Path(__file__).parents[2] / "benchmarks" / "rewriting_cases.py"
    run = subprocess.run([sys.executable, str(script), "--check"], check=False)
    assert run.returncode == 0, "run python benchmarks/rewriting_cases.py"
