"""The generated sample repository: counts, bytes, workbook, refusals."""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path

import pytest

from analyzers.audit_workbook import parse_workbook
from analyzers.errors import InputError
from hocmig.sample.domains import DOMAIN_COUNTS, DOMAIN_ROOT, NAMESPACE_FOLDERS
from hocmig.sample.generator import COPIES, ENCODINGS, WORKBOOK, render_sample, summarize, write_sample
from hocmig.sample.imports_zoo import import_forms
from hocmig.sample.placed import misplaced
from hocmig.sample.workbook import render_variant


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    return render_sample()


def test_same_arguments_give_the_same_bytes(files: dict[str, bytes], tmp_path: Path) -> None:
    summary = write_sample(tmp_path / "a")
    written = {
        path.relative_to(tmp_path / "a").as_posix(): path.read_bytes()
        for path in (tmp_path / "a").rglob("*")
        if path.is_file()
    }
    assert written == files == render_sample(seed=1, scale=1)
    assert summary == summarize(files)
    assert summary.files == len(written)


def test_another_seed_gives_other_code_under_the_same_records(files: dict[str, bytes]) -> None:
    other = render_sample(seed=2)
    assert other != files
    assert summarize(other).movable == summarize(files).movable
    assert dict(summarize(other).domain_counts) == DOMAIN_COUNTS


def test_counts_are_those_of_the_plan(files: dict[str, bytes]) -> None:
    summary = summarize(files)
    assert dict(summary.domain_counts) == DOMAIN_COUNTS
    assert sum(DOMAIN_COUNTS.values()) == 458
    assert (summary.misplaced, len(summary.movable), len(summary.collisions)) == (84, 68, 13)
    assert len(summary.unresolved) == 3
    assert summary.new_domains == ("apis",)
    assert len(summary.stale) == 4


def test_scale_adds_ordinary_files_only(files: dict[str, bytes]) -> None:
    big = render_sample(scale=5)
    assert sum(dict(summarize(big).domain_counts).values()) == 2290
    assert summarize(big).movable == summarize(files).movable
    assert sum(path.endswith(".py") and path not in big for path in files) < 400


def test_sizes_vary(files: dict[str, bytes]) -> None:
    lines = sorted(
        content.count(b"\n")
        for path, content in files.items()
        if path.endswith(".py") and path.startswith(DOMAIN_ROOT) and content
    )
    assert lines[len(lines) // 10] < 45
    assert lines[-len(lines) // 10] > 120
    assert lines[-1] < 1200


def test_sources_and_targets_are_as_their_kind_says(files: dict[str, bytes]) -> None:
    kinds = Counter(record.kind for record in misplaced())
    assert kinds == {
        "move": 68,
        "identical": 5,
        "conflict": 5,
        "lacks": 2,
        "drifted": 1,
        "gone": 2,
        "ambiguous": 1,
    }
    for record in misplaced():
        source, target = f"{DOMAIN_ROOT}/{record.path}", f"{DOMAIN_ROOT}/{record.target_path}"
        assert (source in files) == (not record.is_unresolved)
        assert (target in files) == record.is_collision
        if record.is_collision:
            assert (files[source] == files[target]) == (record.kind == "identical")
        if record.recorded:
            name = record.path.rsplit("/", 1)[1]
            assert [
                path
                for path in files
                if path.startswith(f"{DOMAIN_ROOT}/{record.domain}/") and path.endswith(f"/{name}")
            ] == [source]
            assert f"{DOMAIN_ROOT}/{record.recorded}" not in files
    candidates = [path for path in files if path.endswith("/credentials.py") and "/integrations/" in path]
    assert len(candidates) == 2


def test_packages_have_init_files_but_for_the_planted_ones(files: dict[str, bytes]) -> None:
    folders = {
        path.rsplit("/", 1)[0] for path in files if path.endswith(".py") and path.startswith("backend/app/")
    }
    without = {folder for folder in folders if f"{folder}/__init__.py" not in files}
    assert without == {f"{DOMAIN_ROOT}/{folder}" for folder in NAMESPACE_FOLDERS}


def test_planted_copies_and_encodings(files: dict[str, bytes]) -> None:
    for source, copy in COPIES:
        assert files[f"{DOMAIN_ROOT}/{source}"] == files[f"{DOMAIN_ROOT}/{copy}"]
    by_trait: dict[str, list[bytes]] = {}
    for path, trait in ENCODINGS.items():
        whole = path if path.startswith("backend/") else f"{DOMAIN_ROOT}/{path}"
        by_trait.setdefault(trait, []).append(files[whole])
    assert all(b"\r\n" in content for content in by_trait["crlf"])
    assert all(content.startswith(b"\xef\xbb\xbf") for content in by_trait["bom"])
    assert all(not content.endswith(b"\n") for content in by_trait["no final newline"])
    for content in by_trait["latin-1"]:
        with pytest.raises(UnicodeDecodeError):
            content.decode("utf-8")
    for path, content in files.items():
        if path.endswith(".py"):
            ast.parse(content, path)


def test_no_file_knows_the_tool(files: dict[str, bytes]) -> None:
    assert [path for path, content in files.items() if b"hocmig" in content] == []
    assert [path for path, content in files.items() if b"@value:" in content or b"@mass:" in content] == []


def test_workbook_has_the_84_records_and_its_traps(files: dict[str, bytes]) -> None:
    workbook = parse_workbook(files[WORKBOOK], WORKBOOK)
    decided = [
        record for record in workbook.records if record.decision.kind.name == "MOVE" and record.mark != " "
    ]
    assert len(decided) == 84
    text = files[WORKBOOK].decode()
    assert text.count("\n### [") == 182
    for trap in (
        "⚠️ (MISPLACED)", "⚠ (MISPLACED)", "MISPLACED → INFRASTRUCTURE", "`DELETE`", "_archive/",
        "✓ (CONFIRMED)", "✓ (CONFIRMED CORRECT)", "QUARANTINED",
        "### [ ]", "### [~]", "\\L5_engines\\", "Misplacement Summary",
        "general/L5_engines/lifecycle/", "ASSIGN TO: ", "**DECISION:** ", "\r\n",
    ):  # fmt: skip
        assert trap in text, trap
    for variant in (render_variant(text, newline="\r\n", bom=True), render_variant(text, newline="\r")):
        assert variant != files[WORKBOOK]
    again = parse_workbook(render_variant(text, newline="\r\n", bom=True), WORKBOOK)
    assert [record.path for record in again.records] == [record.path for record in workbook.records]


def test_import_forms_stand_where_the_table_says(files: dict[str, bytes]) -> None:
    forms = import_forms()
    assert len({(form.case, form.name) for form in forms}) == len(forms) > 100
    for form in forms:
        encoding = "latin-1" if ENCODINGS.get(form.path) == "latin-1" else "utf-8"
        assert files[form.path].decode(encoding).count(form.text) == 1, form
        assert form.broken_text != form.text


def test_refuses_what_exists_and_what_is_no_size(tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "file").touch()
    with pytest.raises(InputError, match="not an empty directory"):
        write_sample(tmp_path / "old")
    with pytest.raises(InputError, match="not an empty directory"):
        write_sample(tmp_path / "old" / "file")
    with pytest.raises(InputError, match="--scale"):
        write_sample(tmp_path / "new", scale=0)
    assert not (tmp_path / "new").exists()
    assert [path.name for path in (tmp_path / "old").iterdir()] == ["file"]
    (tmp_path / "empty").mkdir()
    assert write_sample(tmp_path / "empty").files > 500
