"""`hocmig report` on real trees: the sample as far as it has come, damaged artifacts, pictures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from hocmig.cli import run
from hocmig.report import picture_export
from hocmig.sample.generator import write_sample

MAP = "backend/app/hoc/cus/_domain_map"


def _report(root: Path, capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[dict[str, Any], str]:
    capsys.readouterr()
    assert run(["--root", str(root), "--json", "report", *arguments]) == 0
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    return document, (root / document["report"]).read_text()


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample with a manifest that waits for decisions."""
    root = tmp_path_factory.mktemp("report") / "repository"
    write_sample(root)
    run(["--root", str(root), "--quiet", "init"])
    run(["--root", str(root), "--quiet", "manifest"])
    return root


def test_an_empty_repository(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "hocmig.yaml").write_text("version: 1\n")
    document, page = _report(tmp_path, capsys)
    assert document["notes"] == []
    assert "No migration has been planned yet" in page


def test_a_planned_migration_lists_what_waits(planned: Path, capsys: pytest.CaptureFixture[str]) -> None:
    document, page = _report(planned, capsys)
    assert document["needs_a_human"] >= 16
    assert "Of 84 misplaced files none has moved yet" in page
    assert "UNRESOLVED" in page
    assert "hocmig resolve 002 ACTION" in page
    assert page.count('data-item="move"') == 84
    assert document["size_bytes"] < 3_000_000


def test_the_same_tree_gives_the_same_bytes(
    planned: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1769508000")
    first = _report(planned, capsys, "--output", str(planned / "a.html"))[1]
    second = _report(planned, capsys, "--output", str(planned / "a.html"))[1]
    assert first == second
    assert "2026-01-27T10:00:00Z" in first


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("PHASE1_IMPORT_GRAPH.json", b'{"nodes": 3}'),
        ("PHASE1_IMPORT_GRAPH.json", b"\xff\xfe\x00"),
        ("PHASE4_HEALTH_SCORE.json", b"[" * 100_000),
        ("PHASE5_DUPLICATE_REPORT.csv", b"a,b\n1,2,3\n"),
        ("PHASE1_CALLER_MAP.csv", b"\x00"),
        ("PHASE8_FINAL_HEALTH.json", b"{"),
        ("MIGRATION_MANIFEST.csv", b"migration_id\n"),
    ],
)
def test_damaged_artifacts_are_named_and_the_rest_is_shown(
    planned: Path, capsys: pytest.CaptureFixture[str], name: str, content: bytes
) -> None:
    path = planned / MAP / name
    before = path.read_bytes() if path.exists() else None
    path.write_bytes(content)
    try:
        document, page = _report(planned, capsys)
    finally:
        path.unlink()
        if before is not None:
            path.write_bytes(before)
    assert any(name in note for note in document["notes"])
    assert "What could not be read" in page


def test_duplicates_outside_the_repository_are_not_read(
    planned: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (planned.parent / "secret.py").write_text("password = 1\n")
    run(["--root", str(planned), "--quiet", "duplicates", "--force-gate", "only the page is tested"])
    path = planned / MAP / "PHASE5_DUPLICATE_REPORT.csv"
    lines = path.read_text().splitlines()
    fields = lines[0].split(",")
    row = dict.fromkeys(fields, "") | {"duplicate_id": "D1", "type": "FUNCTION", "group_id": "G1"}
    row |= {"file_a": "../secret.py", "location_a": "1-1", "file_b": "../secret.py", "location_b": "1-1"}
    path.write_text(lines[0] + "\n" + ",".join(row[f] for f in fields) + "\n")
    _, page = _report(planned, capsys)
    path.unlink()
    assert "../secret.py" in page.replace("<wbr>", "")
    assert "password" not in page


def test_merged_duplicates_are_no_longer_open(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "hocmig.yaml").write_text("version: 1\nartifacts: out\n")
    out = tmp_path / "out"
    out.mkdir()
    columns = (
        "duplicate_id,type,file_a,location_a,file_b,location_b,similarity_pct,recommendation,group_id,"
        "canonical,saved_loc,reason"
    )
    rows = [
        f"D{n},FUNCTION,a.py,{n}-9,b.py,{n}-9,100,REVIEW_MERGE,G00{n},a.py:{n}-9,9,first" for n in (1, 2, 3)
    ]
    (out / "PHASE5_DUPLICATE_REPORT.csv").write_text("\n".join((columns, *rows, "")))
    rows = [f"C00{n},b.py:{n}-9,G00{n}" for n in (1, 2, 3)]
    text = "\n".join(("candidate_id,delete_locations,group_ids", *rows, ""))
    (out / "PHASE5_CONSOLIDATION_CANDIDATES.csv").write_text(text)
    header = "candidate_id,timestamp,canonical_path,deleted_paths,callers_updated,functions_merged,status"
    log = [
        "C001,t,a.py,b.py:1-9,1,1,SUCCESS",
        "C002,t,a.py,b.py:2-9,1,1,SUCCESS",
        "C002,t,,,0,0,ROLLED_BACK",
        "C003,t,a.py,another.py,1,1,SUCCESS",
    ]
    (out / "PHASE6_CONSOLIDATION_LOG.csv").write_text("\n".join((header, *log, "")))
    page = _report(tmp_path, capsys)[1]
    assert page.count('badge good">merged</span>') == 1
    assert "<b>2 of 3 <small>≈ 18 lines</small></b><span>groups of duplicates left" in page
    assert "2 groups of duplicates need a decision" in page
    (out / "PHASE6_CONSOLIDATION_LOG.csv").write_text("nonsense")
    document, page = _report(tmp_path, capsys)
    assert any("PHASE6_CONSOLIDATION_LOG.csv" in note for note in document["notes"])
    assert "<b>3 <small>≈ 27 lines" in page


def test_accepted_layer_violations_say_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = {
        "hocmig.yaml": "version: 1\ndomain_root: app\nlayers:\n  order: [L5_engines, L6_drivers]\n",
        "app/__init__.py": "",
        "app/logs/L5_engines/plan.py": "X = 1\n",
        "app/logs/L6_drivers/store.py": "from app.logs.L5_engines import plan\n",
    }
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)
    page = tmp_path / "page.html"
    arguments = ["--root", str(tmp_path), "--quiet"]
    assert run([*arguments, "report", "--output", str(page)]) == 0
    assert "open rule violation<" in page.read_text()
    assert run([*arguments, "verify", "--write-baseline"]) == 0
    assert run([*arguments, "report", "--output", str(page)]) == 0
    text = page.read_text()
    assert "LAYER001" in text
    assert "accepted</span>" in text
    assert "open rule violations<" in text


def test_moves_of_mv_are_told_with_their_diff(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "app/a").mkdir(parents=True)
    (tmp_path / "app/b").mkdir()
    for package in ("app", "app/a", "app/b"):
        (tmp_path / package / "__init__.py").write_text("")
    (tmp_path / "app/a/one.py").write_text("from app.a.two import value\n\nresult = value\n")
    (tmp_path / "app/a/two.py").write_text("value = '</script><b>'\n")
    (tmp_path / "hocmig.yaml").write_text("version: 1\ndomain_root: app\n")
    moves = tmp_path / "moves.csv"
    moves.write_text("old_path,new_path\napp/a/one.py,app/b/one.py\napp/a/two.py,app/b/two.py\n")
    line = ["mv", "--map", str(moves), "--execute", "--backup", "--reason", "tidy"]
    assert run(["--root", str(tmp_path), "--quiet", *line]) == 0
    document, page = _report(tmp_path, capsys)
    assert document["notes"] == []
    assert "2 files moved besides" in page
    assert "<del>-from app.a.two import value</del>" in page
    assert "<ins>+from app.b.two import value</ins>" in page


def test_pictures_without_a_program_that_draws(
    planned: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(picture_export.shutil, "which", lambda name: None)
    document, _ = _report(planned, capsys, "--export", str(tmp_path / "slides"))
    assert {p.name for p in (tmp_path / "slides").iterdir()} == {"matrix-now.svg", "graph-now.svg"}
    assert document["png_problem"].startswith("no PNG: none of")


def test_a_place_that_cannot_be_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "hocmig.yaml").write_text("version: 1\n")
    (tmp_path / "file").write_text("")
    assert run(["--root", str(tmp_path), "report", "--output", str(tmp_path / "file/x.html")]) == 2
    assert capsys.readouterr().err.startswith("error: ")
