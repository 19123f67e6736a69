"""`hocmig duplicates` from the command line to its artifacts, on small repositories."""

from __future__ import annotations

import csv
import json
from typing import Any

import pytest

from hocmig.cli import run

REPORT, CANDIDATES = "PHASE5_DUPLICATE_REPORT.csv", "PHASE5_CONSOLIDATION_CANDIDATES.csv"
PLAN_REPORT = (
    "duplicate_id,type,domain_a,file_a,location_a,domain_b,file_b,location_b,similarity_pct,recommendation"
)
PLAN_CANDIDATES = "candidate_id,duplicate_ids,canonical_location,delete_locations,estimated_savings_loc"


@pytest.fixture
def repository(planted: Any, copied: str) -> Any:
    """One file twice, the same function drifted in a third, and once more outside of the domains."""
    whole = '"""Keys."""\n\n\n' + copied
    tree = planted(
        {
            "src/app/general/keys.py": whole,
            "src/app/logs/keys.py": whole,
            "src/app/logs/use.py": "from app.logs.keys import key_of\n\nprint(key_of)\n",
            "src/tools/keys.py": whole + "\nX = 1\n",
        }
    )
    tree.write({"src/app/incidents/names.py": 'LIMIT = 4\n\n\n"""Keys."""\n\n\n' + tree.drifted})
    return tree


def test_artifacts_have_the_columns_of_the_plan_first(repository: Any) -> None:
    assert run(["duplicates"]) == 0
    assert (repository.map / REPORT).read_text(encoding="utf-8").startswith(PLAN_REPORT + ",")
    assert (repository.map / CANDIDATES).read_text(encoding="utf-8").startswith(PLAN_CANDIDATES + ",")
    first, second = repository.rows()
    assert (first["type"], first["recommendation"]) == ("EXACT_FILE", "DELETE_FROM_LOGS")
    assert (first["file_a"], first["location_a"]) == ("src/app/general/keys.py", "-")
    assert (second["type"], second["recommendation"]) == ("FUNCTION", "REVIEW_MERGE")
    assert {second["domain_a"], second["domain_b"]} == {"general", "incidents"}
    assert (second["name_a"], second["edited"], second["renamed"]) == ("key_of", "YES", "NO")
    whole, function = repository.rows(CANDIDATES)
    assert (whole["canonical_location"], whole["delete_locations"]) == (
        "src/app/general/keys.py",
        "src/app/logs/keys.py",
    )
    assert function["canonical_location"] == "src/app/general/keys.py:4-13"
    assert function["delete_locations"] == "src/app/incidents/names.py:7-17"
    assert function["duplicate_ids"] == second["duplicate_id"]
    summary = repository.summary()
    assert "| EXACT_FILE | 1 | 2 |" in summary
    assert "- G002" in summary.split("## Drifted copies")[1]


def test_files_outside_of_domains_count_with_scope_all(repository: Any) -> None:
    assert run(["duplicates", "--scope", "all"]) == 0
    assert any("src/tools/keys.py" in (r["file_a"], r["file_b"]) for r in repository.rows())
    assert run(["duplicates"]) == 0
    assert not any("src/tools/keys.py" in (r["file_a"], r["file_b"]) for r in repository.rows())


def test_modes(repository: Any) -> None:
    for mode, kinds in (("exact", {"EXACT_FILE"}), ("function", {"FUNCTION"}), ("block", {"BLOCK"})):
        assert run(["p5", "--mode", mode]) == 0
        assert {r["type"] for r in repository.rows()} == kinds


def test_two_runs_write_the_same_bytes_with_and_without_the_cache(repository: Any) -> None:
    def artifacts() -> dict[str, bytes]:
        return {p.name: p.read_bytes() for p in sorted(repository.map.iterdir())}

    assert run(["duplicates"]) == 0
    first = artifacts()
    cache = repository.root / ".hocmig/duplicates.msgpack"
    assert cache.is_file()
    assert run(["duplicates"]) == 0
    assert artifacts() == first
    cache.write_bytes(cache.read_bytes()[:-10])
    assert run(["--jobs", "1", "duplicates"]) == 0
    assert artifacts() == first


def test_json_is_one_document_with_the_drifted_lines(repository: Any) -> None:
    assert run(["--json", "duplicates"]) == 0
    document = json.loads(repository.printed())
    assert document["candidates"] == 2
    whole, function = document["groups"]
    assert [p["canonical"] for p in whole["places"]] == [True, False]
    assert [r["text_b"].strip() for r in function["drift"][0]["rows"]] == ["record.skip(field)"]
    assert function["drift"][0]["rows"][0]["line_b"] == 11


def test_show_sets_the_copies_side_by_side(repository: Any) -> None:
    assert run(["duplicates", "--show", "G002"]) == 0
    out = repository.printed()
    line = next(row for row in out.splitlines() if "record.skip(field)" in row)
    assert " + " in line
    assert " 11 " in line


def test_unknown_finding_is_one_clear_line(repository: Any) -> None:
    assert run(["duplicates", "--show", "G999"]) == 2
    assert repository.warned() == ("error: --show: there is no finding G999; take a number from the report\n")


def test_comment_suppresses_and_goes_stale(repository: Any) -> None:
    names = repository.root / "src/app/incidents/names.py"
    names.write_text(
        names.read_text().replace(
            "def key_of", "# hocmig: not-a-duplicate (the format is fixed by contract)\ndef key_of"
        )
    )
    assert run(["duplicates"]) == 0
    assert {r["type"] for r in repository.rows()} == {"EXACT_FILE"}
    for path in ("src/app/logs/keys.py", "src/app/general/keys.py"):
        (repository.root / path).unlink()
    repository.printed()
    assert run(["duplicates"]) == 0
    assert "names.py:7: not-a-duplicate matches nothing any more" in repository.warned()


def test_baseline_gates_new_findings(repository: Any) -> None:
    assert run(["duplicates", "--baseline", "accepted.json", "--write-baseline"]) == 0
    assert len(json.loads((repository.root / "accepted.json").read_text())["accepted"]) == 2
    assert run(["duplicates", "--baseline", "accepted.json"]) == 0
    assert repository.rows() == []
    repository.write(
        {"src/app/logs/more.py": "Y = 1\n\n\n" + repository.drifted.replace("key_of", "name_of")}
    )
    assert run(["duplicates", "--baseline", "accepted.json"]) == 1
    (repository.root / "src/app/logs/more.py").unlink()
    (repository.root / "src/app/incidents/names.py").unlink()
    repository.printed()
    assert run(["duplicates", "--baseline", "accepted.json"]) == 1
    assert "stale" in repository.warned()


def test_a_baseline_knows_for_which_search_it_was_written(repository: Any) -> None:
    assert run(["duplicates", "--scope", "all", "--baseline", "all.json", "--write-baseline"]) == 0
    repository.remove("src/tools/keys.py", "src/app/logs/keys.py", "src/app/incidents/names.py")
    assert run(["--verbose", "duplicates", "--baseline", "all.json"]) == 0
    seen = repository.capsys.readouterr()
    assert "write the baseline again" not in seen.err
    assert "all.json: written by another search (block, exact, function; scope all" in seen.out + seen.err
    assert run(["duplicates", "--scope", "all", "--baseline", "all.json"]) == 1
    assert "is stale; write the baseline again" in repository.warned()


@pytest.mark.parametrize("content", ["{", '{"version": 9}', '{"accepted": [{"kind": "FUNCTION"}]}', "[]"])
def test_bad_baseline_is_refused_and_nothing_written(repository: Any, content: str) -> None:
    (repository.root / "accepted.json").write_text(content)
    assert run(["duplicates", "--baseline", "accepted.json"]) == 2
    assert repository.warned().startswith("error: accepted.json: ")
    assert not repository.map.exists()


def test_scope_across_without_domains_is_refused(planted: Any, copied: str) -> None:
    tree = planted({"hocmig.yaml": "version: 1\n", "a.py": copied, "b.py": "X = 1\n" + copied})
    assert run(["duplicates", "--scope", "across"]) == 2
    assert "needs domains" in tree.warned()
    assert run(["duplicates"]) == 0
    assert len(tree.rows(folder=".hocmig/artifacts")) == 1


def test_cells_that_spreadsheets_would_run_are_quoted(repository: Any) -> None:
    repository.write({"=cmd.py": "A = 1\n" + repository.drifted})
    assert run(["duplicates", "--scope", "all"]) == 0
    text = (repository.map / REPORT).read_text(encoding="utf-8")
    cells = [cell for row in csv.reader(text.splitlines()) for cell in row]
    assert "'=cmd.py" in cells
    assert not any(cell.startswith(("=", "+", "@")) for cell in cells)
