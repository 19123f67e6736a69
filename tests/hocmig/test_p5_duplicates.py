"""`hocmig duplicates` from the command line to its artifacts, on small repositories."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from hocmig.cli import run

CONFIG = "version: 1\nimport_roots: [src]\ndomain_root: src/app\nshared_domain: general\n"
COPY = '''\
"""Keys."""


def key_of(record, prefix="k"):
    parts = [prefix]
    for field in record.fields:
        if field.value is None:
            continue
        parts.append(field.name.lower())
        parts.append(str(field.value).strip())
    text = ":".join(parts)
    record.cache(text, len(parts))
    return text
'''
DRIFTED = COPY.replace("            continue\n", "            record.skip(field)\n            continue\n")
MAP = "src/app/_domain_map"
REPORT, CANDIDATES = f"{MAP}/PHASE5_DUPLICATE_REPORT.csv", f"{MAP}/PHASE5_CONSOLIDATION_CANDIDATES.csv"
PLAN_REPORT = (
    "duplicate_id,type,domain_a,file_a,location_a,domain_b,file_b,location_b,similarity_pct,recommendation"
)
PLAN_CANDIDATES = "candidate_id,duplicate_ids,canonical_location,delete_locations,estimated_savings_loc"


def write(root: Path, files: dict[str, str]) -> None:
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    write(
        tmp_path,
        {
            "hocmig.yaml": CONFIG,
            "src/app/general/keys.py": COPY,
            "src/app/logs/keys.py": COPY,
            "src/app/logs/use.py": "from app.logs.keys import key_of\n\nprint(key_of)\n",
            "src/app/incidents/names.py": "LIMIT = 4\n\n\n" + DRIFTED,
            "src/tools/keys.py": COPY + "\nX = 1\n",
        },
    )
    monkeypatch.chdir(tmp_path)
    return tmp_path


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_artifacts_have_the_columns_of_the_plan_first(repository: Path) -> None:
    assert run(["duplicates"]) == 0
    assert (repository / REPORT).read_text(encoding="utf-8").startswith(PLAN_REPORT + ",")
    assert (repository / CANDIDATES).read_text(encoding="utf-8").startswith(PLAN_CANDIDATES + ",")
    first, second = rows(repository / REPORT)
    assert (first["type"], first["recommendation"]) == ("EXACT_FILE", "DELETE_FROM_LOGS")
    assert (first["file_a"], first["location_a"]) == ("src/app/general/keys.py", "-")
    assert (second["type"], second["recommendation"]) == ("FUNCTION", "REVIEW_MERGE")
    assert {second["domain_a"], second["domain_b"]} == {"general", "incidents"}
    assert (second["name_a"], second["edited"], second["renamed"]) == ("key_of", "YES", "NO")
    whole, function = rows(repository / CANDIDATES)
    assert (whole["canonical_location"], whole["delete_locations"]) == (
        "src/app/general/keys.py",
        "src/app/logs/keys.py",
    )
    assert function["canonical_location"] == "src/app/general/keys.py:4-13"
    assert function["delete_locations"] == "src/app/incidents/names.py:7-17"
    assert function["duplicate_ids"] == second["duplicate_id"]
    summary = (repository / MAP / "PHASE5_DUPLICATE_SUMMARY.md").read_text(encoding="utf-8")
    assert "| EXACT_FILE | 1 | 2 |" in summary
    assert "- G002" in summary.split("## Drifted copies")[1]


def test_files_outside_of_domains_count_with_scope_all(repository: Path) -> None:
    assert run(["duplicates", "--scope", "all"]) == 0
    assert any("src/tools/keys.py" in (r["file_a"], r["file_b"]) for r in rows(repository / REPORT))
    assert run(["duplicates"]) == 0
    assert not any("src/tools/keys.py" in (r["file_a"], r["file_b"]) for r in rows(repository / REPORT))


def test_modes(repository: Path) -> None:
    for mode, kinds in (("exact", {"EXACT_FILE"}), ("function", {"FUNCTION"}), ("block", {"BLOCK"})):
        assert run(["p5", "--mode", mode]) == 0
        assert {r["type"] for r in rows(repository / REPORT)} == kinds


def test_two_runs_write_the_same_bytes_with_and_without_the_cache(repository: Path) -> None:
    def artifacts() -> dict[str, bytes]:
        return {p.name: p.read_bytes() for p in sorted((repository / MAP).iterdir())}

    assert run(["duplicates"]) == 0
    first = artifacts()
    cache = repository / ".hocmig/duplicates.msgpack"
    assert cache.is_file()
    assert run(["duplicates"]) == 0
    assert artifacts() == first
    cache.write_bytes(cache.read_bytes()[:-10])
    assert run(["--jobs", "1", "duplicates"]) == 0
    assert artifacts() == first


def test_json_is_one_document_with_the_drifted_lines(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["--json", "duplicates"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["candidates"] == 2
    whole, function = document["groups"]
    assert [p["canonical"] for p in whole["places"]] == [True, False]
    assert [r["text_b"].strip() for r in function["drift"][0]["rows"]] == ["record.skip(field)"]
    assert function["drift"][0]["rows"][0]["line_b"] == 11


def test_show_sets_the_copies_side_by_side(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["duplicates", "--show", "G002"]) == 0
    out = capsys.readouterr().out
    line = next(row for row in out.splitlines() if "record.skip(field)" in row)
    assert " + " in line
    assert " 11 " in line


def test_unknown_finding_is_one_clear_line(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["duplicates", "--show", "G999"]) == 2
    assert capsys.readouterr().err == (
        "error: --show: there is no finding G999; take a number from the report\n"
    )


def test_comment_suppresses_and_goes_stale(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = repository / "src/app/incidents/names.py"
    names.write_text(
        names.read_text().replace(
            "def key_of", "# hocmig: not-a-duplicate (the format is fixed by contract)\ndef key_of"
        )
    )
    assert run(["duplicates"]) == 0
    assert {r["type"] for r in rows(repository / REPORT)} == {"EXACT_FILE"}
    for path in ("src/app/logs/keys.py", "src/app/general/keys.py"):
        (repository / path).unlink()
    capsys.readouterr()
    assert run(["duplicates"]) == 0
    assert "names.py:7: not-a-duplicate matches nothing any more" in capsys.readouterr().err


def test_baseline_gates_new_findings(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["duplicates", "--baseline", "accepted.json", "--write-baseline"]) == 0
    assert len(json.loads((repository / "accepted.json").read_text())["accepted"]) == 2
    assert run(["duplicates", "--baseline", "accepted.json"]) == 0
    assert rows(repository / REPORT) == []
    write(repository, {"src/app/logs/more.py": "Y = 1\n\n\n" + DRIFTED.replace("key_of", "name_of")})
    assert run(["duplicates", "--baseline", "accepted.json"]) == 1
    (repository / "src/app/logs/more.py").unlink()
    (repository / "src/app/incidents/names.py").unlink()
    capsys.readouterr()
    assert run(["duplicates", "--baseline", "accepted.json"]) == 1
    assert "stale" in capsys.readouterr().err


@pytest.mark.parametrize("content", ["{", '{"version": 9}', '{"accepted": [{"kind": "FUNCTION"}]}', "[]"])
def test_bad_baseline_is_refused_and_nothing_written(
    repository: Path, capsys: pytest.CaptureFixture[str], content: str
) -> None:
    (repository / "accepted.json").write_text(content)
    assert run(["duplicates", "--baseline", "accepted.json"]) == 2
    assert capsys.readouterr().err.startswith("error: accepted.json: ")
    assert not (repository / MAP).exists()


def test_scope_across_without_domains_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, {"hocmig.yaml": "version: 1\n", "a.py": COPY, "b.py": "X = 1\n" + COPY})
    monkeypatch.chdir(tmp_path)
    assert run(["duplicates", "--scope", "across"]) == 2
    assert "needs domains" in capsys.readouterr().err
    assert run(["duplicates"]) == 0
    assert len(rows(tmp_path / ".hocmig/artifacts/PHASE5_DUPLICATE_REPORT.csv")) == 1


def test_cells_that_spreadsheets_would_run_are_quoted(repository: Path) -> None:
    write(repository, {"=cmd.py": "A = 1\n" + DRIFTED})
    assert run(["duplicates", "--scope", "all"]) == 0
    text = (repository / REPORT).read_text(encoding="utf-8")
    cells = [cell for row in csv.reader(text.splitlines()) for cell in row]
    assert "'=cmd.py" in cells
    assert not any(cell.startswith(("=", "+", "@")) for cell in cells)
