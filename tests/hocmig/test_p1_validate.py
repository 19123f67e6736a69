"""`hocmig validate` through the command line, on the sample and on trees made to fail."""

from __future__ import annotations

import csv
import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import msgspec
import pytest

from analyzers.layout import ProjectLayout
from analyzers.migration_manifest import ManifestRow, Status, read_manifest, render_manifest
from hocmig.cli import run
from hocmig.sample.generator import SampleSummary, write_sample

ARTIFACTS = "backend/app/hoc/cus/_domain_map"
BELOW = "backend/app/hoc/cus/"


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, SampleSummary]:
    """The sample after P0; tests work on copies."""
    root = tmp_path_factory.mktemp("p1") / "sample"
    summary = write_sample(root)
    assert run(["--root", str(root), "--quiet", "init"]) == 0
    assert run(["--root", str(root), "--quiet", "manifest"]) in (0, 1)
    return root, summary


@pytest.fixture
def open_tree(sample: tuple[Path, SampleSummary], tmp_path: Path) -> Path:
    """A copy that a test may change; rows wait for decisions."""
    root = tmp_path / "tree"
    shutil.copytree(sample[0], root)
    return root


@pytest.fixture
def tree(open_tree: Path) -> Path:
    """A copy that a test may change, with the open rows skipped."""
    _edit(open_tree, lambda row: _with(row, status=Status.SKIPPED) if row.status in _OPEN else row)
    return open_tree


_OPEN = (Status.CONFLICT, Status.IDENTICAL, Status.UNRESOLVED)


def _with(row: ManifestRow, **changes: Any) -> ManifestRow:
    return msgspec.structs.replace(row, **changes)


def _edit(root: Path, change: Any) -> None:
    path = root / ARTIFACTS / "MIGRATION_MANIFEST.csv"
    rows = read_manifest(path, ProjectLayout(root, ("backend",)), "backend/app/hoc/cus")
    path.write_text(render_manifest(tuple(change(row) for row in rows)))


def _validate(root: Path, capsys: pytest.CaptureFixture[str], *options: str) -> tuple[int, dict[str, Any]]:
    capsys.readouterr()
    code = run(["--root", str(root), "--json", "--no-progress", "validate", *options])
    out = capsys.readouterr().out
    return code, json.loads(out) if out else {}


def _failed(document: dict[str, Any]) -> set[str]:
    return {check["name"] for check in document["checks"] if not check["passed"]}


def test_sample_is_ready(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = {p: p.read_bytes() for p in tree.rglob("*.py")}
    code, document = _validate(tree, capsys)
    assert (code, document["status"], _failed(document)) == (0, "READY_FOR_MIGRATION", set())
    assert document["moves"] == 68
    assert document["statements_to_update"] > 200
    assert [c["name"] for c in document["checks"]][:4] == [
        "FILES_EXIST",
        "NO_COLLISION",
        "NO_CYCLES",
        "LAYER_COMPLIANT",
    ]
    assert {p: p.read_bytes() for p in tree.rglob("*.py")} == before


def test_artifacts_have_the_columns_of_the_plan(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _validate(tree, capsys)[0] == 0
    report = (tree / ARTIFACTS / "PHASE1_VALIDATION_REPORT.md").read_text()
    assert "**Status:** READY_FOR_MIGRATION" in report
    with (tree / ARTIFACTS / "PHASE1_CALLER_MAP.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0])[:4] == ["migrating_file", "caller_file", "import_statement", "update_required"]
    assert {row["update_required"] for row in rows} == {"YES", "NO"}
    for row in rows:
        assert (tree / row["migrating_file"]).is_file()
        assert row["import_statement"].split()[0] in ("from", "import")
    graph = json.loads((tree / ARTIFACTS / "PHASE1_IMPORT_GRAPH.json").read_bytes())
    assert {
        "schema_version",
        "tool_version",
        "inputs_sha256",
        "nodes",
        "edges",
        "unresolved",
        "cycles",
    } <= set(graph)
    paths = {node["path"] for node in graph["nodes"]}
    assert all(edge["importer"] in paths for edge in graph["edges"])
    assert sum(bool(node["moves_to"]) for node in graph["nodes"]) == 68


def test_second_run_gives_the_same_bytes(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = ("PHASE1_VALIDATION_REPORT.md", "PHASE1_IMPORT_GRAPH.json", "PHASE1_CALLER_MAP.csv")
    _validate(tree, capsys)
    first = [(tree / ARTIFACTS / name).read_bytes() for name in names]
    _validate(tree, capsys, "--accept-existing-cycles")
    assert [(tree / ARTIFACTS / name).read_bytes() for name in names] == first


def test_open_rows_keep_the_migration_from_being_ready(
    sample: tuple[Path, SampleSummary], open_tree: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    summary = sample[1]
    code, document = _validate(open_tree, capsys)
    assert (code, document["status"]) == (1, "NOT_READY")
    assert {"FILES_EXIST", "NO_COLLISION", "DECIDED"} <= _failed(document)
    waiting = [f for f in document["findings"] if f["code"] == "MOVE020"]
    assert len(waiting) == len(summary.collisions) + len(summary.unresolved)


def test_phase_number_is_the_same_command(tree: Path) -> None:
    assert run(["--root", str(tree), "--quiet", "p1"]) == 0


def _first(root: Path) -> ManifestRow:
    path = root / ARTIFACTS / "MIGRATION_MANIFEST.csv"
    rows = read_manifest(path, ProjectLayout(root, ("backend",)), "backend/app/hoc/cus")
    return next(row for row in rows if row.status is Status.PENDING)


def test_changed_source_is_stale(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    row = _first(tree)
    with (tree / row.current_path).open("a") as file:
        file.write("# edited since\n")
    code, document = _validate(tree, capsys)
    assert (code, _failed(document)) == (1, {"UNCHANGED"})
    (finding,) = [f for f in document["findings"] if f["code"] == "MOVE004"]
    assert finding["path"] == row.current_path


def test_missing_source_and_taken_target(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    row = _first(tree)
    content = (tree / row.current_path).read_bytes()
    (tree / row.target_path).parent.mkdir(parents=True, exist_ok=True)
    (tree / row.target_path).write_bytes(content)
    code, document = _validate(tree, capsys)
    assert code == 1
    assert "NO_COLLISION" in _failed(document)
    (tree / row.target_path).unlink()
    (tree / row.current_path).unlink()
    code, document = _validate(tree, capsys)
    assert code == 1
    assert "FILES_EXIST" in _failed(document)


def test_existing_cycle_blocks_until_it_is_accepted(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, other in (("ring_a", "ring_b"), ("ring_b", "ring_a")):
        (tree / f"backend/app/{name}.py").write_text(f"import app.{other}\n")
    code, document = _validate(tree, capsys)
    assert (code, _failed(document)) == (1, {"NO_CYCLES"})
    (cycle,) = [c for c in document["cycles"]["existing"] if c["kind"] == "import-time"]
    assert [step["line"] for step in cycle["chain"]] == [1, 1]
    code, document = _validate(tree, capsys, "--accept-existing-cycles")
    assert (code, _failed(document)) == (0, set())
    report = (tree / ARTIFACTS / "PHASE1_VALIDATION_REPORT.md").read_text()
    assert "ring_a.py:1" in report


def test_deferred_and_typing_only_cycles_never_block(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, document = _validate(tree, capsys)
    kinds = {c["kind"] for c in document["cycles"]["existing"]}
    assert kinds == {"deferred", "typing-only"}
    assert code == 0


def test_move_into_a_package_that_fails_with_it_is_found(
    tree: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    row = _first(tree)
    module = row.current_path.removeprefix("backend/").removesuffix(".py").replace("/", ".")
    # The helper works for whoever imports the module first, and fails for whoever imports the helper first;
    # nobody did, until the module gets a package that does.
    source = tree / row.current_path
    source.write_bytes(b"ROUND = 1\nfrom app.round_trip import VALUE\n")
    (tree / "backend/app/round_trip.py").write_text(f"from {module} import ROUND\nVALUE = ROUND\n")
    init = tree / row.target_path.rpartition("/")[0] / "__init__.py"
    init.parent.mkdir(parents=True, exist_ok=True)
    init.write_text("from app.round_trip import VALUE\n")
    _edit(tree, lambda r: _with(r, hash_before=_sha(source)) if r.migration_id == row.migration_id else r)
    code, document = _validate(tree, capsys, "--accept-existing-cycles")
    assert (code, _failed(document)) == (1, {"NO_CYCLES"})
    (finding,) = [f for f in document["findings"] if f["code"] == "CYCLE001"]
    assert finding["severity"] == "error"
    assert "the import fails (certain)" in finding["message"]


def _sha(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_imports_that_were_broken_before_are_listed(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tree / "backend/app/odd.py").write_text("from app.hoc.nowhere import thing\n")
    code, document = _validate(tree, capsys)
    assert code == 0
    assert ("backend/app/odd.py", "app.hoc.nowhere") in {
        (u["importer"], u["module"]) for u in document["broken_before"]
    }


def test_unparsable_file_that_names_what_moves(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    row = _first(tree)
    module = row.current_path.removeprefix("backend/").removesuffix(".py").replace("/", ".")
    (tree / "backend/app/broken_client.py").write_text(f"import {module}\ndef (:\n")
    code, document = _validate(tree, capsys)
    assert (code, _failed(document)) == (1, {"REWRITABLE"})


def test_names_and_data_that_hang_on_the_module_are_reported(
    tree: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    row = _first(tree)
    source = tree / row.current_path
    text = "from pathlib import Path\nDATA = (Path(__file__).parent / 'table.sql')\n"
    text += "def shared_task(f):\n    return f\n@shared_task\ndef send():\n    return DATA.read_text()\n"
    source.write_bytes(source.read_bytes() + b"\n" + text.encode())
    _edit(tree, lambda r: _with(r, hash_before=_sha(source)) if r.migration_id == row.migration_id else r)
    code, document = _validate(tree, capsys)
    codes = {f["code"] for f in document["findings"] if f["path"] == row.current_path}
    assert {"IDENT001", "DATA001"} <= codes
    assert code == 0


def test_target_that_git_ignores(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    row = _first(tree)
    (tree / ".gitignore").write_text(row.target_path + "\n")
    code, document = _validate(tree, capsys)
    assert (code, _failed(document)) == (1, {"TARGETS_ALLOWED"})


@pytest.mark.parametrize(
    "content",
    [b"", b"migration_id\n001\n", b"\xff\xfe\x00rubbish", b"a,b\n" * 20],
)
def test_malformed_manifest_is_one_line_and_exit_code_2(
    tree: Path, capsys: pytest.CaptureFixture[str], content: bytes
) -> None:
    (tree / ARTIFACTS / "MIGRATION_MANIFEST.csv").write_bytes(content)
    capsys.readouterr()
    assert run(["--root", str(tree), "validate"]) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith("error: ")
    assert captured.err.count("\n") == 1
    assert not (tree / ARTIFACTS / "PHASE1_VALIDATION_REPORT.md").exists()


def test_missing_manifest(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tree / ARTIFACTS / "MIGRATION_MANIFEST.csv").unlink()
    assert run(["--root", str(tree), "validate"]) == 2
    assert "hocmig manifest" in capsys.readouterr().err


def test_text_that_looks_like_markup_stays_text(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tree / "backend/app/odd.py").write_text("from app.x import y\n")
    (tree / "backend/app/a`b|c.py").write_text("from app.nowhere import y\n")
    _validate(tree, capsys)
    report = (tree / ARTIFACTS / "PHASE1_VALIDATION_REPORT.md").read_text()
    (line,) = [line for line in report.splitlines() if "a`b" in line]
    assert line.count("|") - line.count("\\|") == 4


def test_the_package_that_a_move_makes_may_lie_in_a_knot(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its `__init__.py` is not there yet, and is looked at all the same: functions that run may import."""
    files = {
        "top/__init__.py": "from top.old import V\n",
        "top/old.py": "V = 1\ndef f():\n    from top.other import W\n    return W\n",
        "top/other.py": "from top import V\nW = V\n",
        "hocmig.yaml": "version: 1\nimport_roots: ['.']\n",
    }
    for path, text in files.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text)
    digest = hashlib.sha256(files["top/old.py"].encode()).hexdigest()
    row = ManifestRow(
        migration_id="001",
        current_path="top/old.py",
        current_domain="",
        current_layer="",
        target_domain="",
        target_layer="",
        target_path="top/new/old.py",
        reason="",
        status=Status.PENDING,
        hash_before=digest,
    )
    artifacts = tmp_path / ".hocmig/artifacts"
    artifacts.mkdir(parents=True)
    (artifacts / "MIGRATION_MANIFEST.csv").write_text(render_manifest((row,)))
    code, document = _validate(tmp_path, capsys)
    assert (code, document["status"]) == (0, "READY_FOR_MIGRATION")
