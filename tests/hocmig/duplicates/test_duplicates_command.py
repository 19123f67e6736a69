"""`hocmig duplicates` with its options: limits, scopes, marks, baselines, and the views for people."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from hocmig.cli import run

MAP = "src/app/_domain_map"
CONFIG = "version: 1\nimport_roots: [src]\ndomain_root: src/app\nshared_domain: general\n"
COPY = '''\
def key_of(record, prefix="k"):
    """The key."""
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
HOST = (
    "def store(record, prefix, sink):\n    sink.open(record.name, mode=3)\n"
    + COPY.split('"""\n', 1)[1].replace("    return text\n", "")
    + "    with sink.lock:\n        sink.write(text, record.size)\n    for one in sink.watchers:\n"
    + "        one.tell(prefix, sink)\n    return sink.count + 1\n"
)


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
            "src/app/general/keys.py": "A = 1\n\n\n" + COPY,
            "src/app/logs/names.py": "B = 1\n\n\n" + DRIFTED,
            "src/app/logs/again.py": "C = 1\n\n\n" + COPY.replace("key_of", "name_of"),
            "src/app/incidents/store.py": HOST,
        },
    )
    monkeypatch.chdir(tmp_path)
    return tmp_path


def rows(root: Path) -> list[dict[str, str]]:
    with (root / MAP / "PHASE5_DUPLICATE_REPORT.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def document(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    capsys.readouterr()
    run(["--json", "duplicates", *arguments])
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_pairs_tell_signature_and_what_differs(repository: Path) -> None:
    assert run(["duplicates", "--mode", "function"]) == 0
    found = {(r["name_a"], r["name_b"]): r for r in rows(repository)}
    drifted = found["key_of", "key_of"]
    assert (drifted["signature"], drifted["edited"], drifted["renamed"]) == ("SAME", "YES", "NO")
    assert found["key_of", "name_of"]["signature"] == "RENAMED"


def test_several_modes_at_once_and_the_least_lines_of_a_block(repository: Path) -> None:
    assert run(["duplicates", "--mode", "block", "--mode", "exact", "--min-lines", "8"]) == 0
    assert {r["type"] for r in rows(repository)} == {"BLOCK"}
    assert any("store.py" in r["file_a"] for r in rows(repository))
    assert run(["duplicates", "--mode", "block", "--min-lines", "30"]) == 0
    assert rows(repository) == []


def test_threshold(repository: Path) -> None:
    assert run(["duplicates", "--mode", "function", "--threshold", "0.99"]) == 0
    assert not any(r["edited"] == "YES" for r in rows(repository))
    assert {r["similarity_pct"] for r in rows(repository)} == {"100"}
    assert run(["duplicates", "--threshold", "2"]) == 2


def test_scope_inside_shows_copies_within_a_domain(repository: Path) -> None:
    assert run(["duplicates", "--scope", "inside", "--mode", "function"]) == 0
    assert {(r["file_a"], r["file_b"]) for r in rows(repository)} == {
        ("src/app/logs/again.py", "src/app/logs/names.py")
    }


def test_json_tells_what_the_report_tells(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = document(capsys, "--mode", "function")
    assert found["phase"] == "P5"
    ids = [number for group in found["groups"] for number in group["duplicate_ids"]]
    assert sorted(ids) == sorted(r["duplicate_id"] for r in rows(repository))
    places = {p["path"]: p for group in found["groups"] for p in group["places"]}
    assert places["src/app/general/keys.py"]["canonical"] is True
    assert places["src/app/general/keys.py"]["domain"] == "general"
    (drift,) = [d for group in found["groups"] for d in group["drift"]]
    assert (drift["base_path"], drift["path"]) == ("src/app/general/keys.py", "src/app/logs/names.py")
    assert [r["text_b"].strip() for r in drift["rows"]] == ["record.skip(field)"]
    summary = (repository / MAP / "PHASE5_DUPLICATE_SUMMARY.md").read_text().split("## Drifted copies")[1]
    assert "`src/app/logs/names.py:4-15`" in summary
    assert "again.py" not in summary


def test_a_mark_without_a_reason_is_named_and_not_honoured(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = repository / "src/app/logs/names.py"
    path.write_text(path.read_text().replace("def key_of", "# hocmig: not-a-duplicate\ndef key_of"))
    assert run(["duplicates"]) == 0
    assert "src/app/logs/names.py:4: not-a-duplicate without a reason" in capsys.readouterr().err
    assert any(path.name in (r["file_a"] + r["file_b"]) for r in rows(repository))
    summary = (repository / MAP / "PHASE5_DUPLICATE_SUMMARY.md").read_text()
    assert "comment without a reason, not honoured: src/app/logs/names.py:4" in summary


def test_stale_entries_of_a_baseline_fail_and_are_told_everywhere(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(repository, {"hocmig.yaml": CONFIG + "duplicates:\n  baseline: accepted.json\n"})
    assert run(["duplicates", "--write-baseline"]) == 0
    assert run(["duplicates"]) == 0
    (repository / "src/app/incidents/store.py").unlink()
    for name in ("names", "again"):
        (repository / f"src/app/logs/{name}.py").unlink()
    assert run(["duplicates"]) == 1
    assert "is stale; write the baseline again" in capsys.readouterr().err
    found = document(capsys)
    assert found["facts"]["stale_entries"]
    summary = (repository / MAP / "PHASE5_DUPLICATE_SUMMARY.md").read_text()
    assert "stale entry of the baseline" in summary
    # A search for a part cannot know what is stale.
    assert run(["duplicates", "--mode", "exact"]) == 0


def test_a_baseline_without_a_name_is_refused(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["duplicates", "--write-baseline"]) == 2
    assert capsys.readouterr().err.startswith("error: --write-baseline: no baseline is named")


def test_drifted_copies_stand_side_by_side_in_terminal_and_page(
    repository: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    found = document(capsys)
    number = next(
        g["group_id"]
        for g in found["groups"]
        if any(p["path"].endswith("names.py") for p in g["places"]) and g["type"] == "FUNCTION"
    )
    assert run(["duplicates", "--show", number]) == 0
    out = capsys.readouterr().out
    (line,) = {row.strip() for row in out.splitlines() if "record.skip(field)" in row}
    assert "+" in line
    assert run(["report", "--output", "page.html"]) == 0
    page = (repository / "page.html").read_text()
    assert "record.skip(field)" in page.replace("<wbr>", "")


def test_findings_beyond_the_limit_are_counted(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["duplicates", "--limit", "1", "--min-lines", "8"]) == 0
    assert "more findings" in capsys.readouterr().out
