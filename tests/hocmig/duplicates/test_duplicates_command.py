"""`hocmig duplicates` with its options: limits, scopes, marks, baselines, and the views for people."""

from __future__ import annotations

from typing import Any

import pytest

from hocmig.cli import run


def host_of(copied: str) -> str:
    """A longer function that holds the body of the copied one."""
    body = copied.split("\n", 1)[1].replace("    return text\n", "")
    return (
        "def store(record, prefix, sink):\n    sink.open(record.name, mode=3)\n"
        + body
        + "    with sink.lock:\n        sink.write(text, record.size)\n    for one in sink.watchers:\n"
        + "        one.tell(prefix, sink)\n    return sink.count + 1\n"
    )


@pytest.fixture
def repository(planted: Any, copied: str) -> Any:
    """A function, the same drifted, the same renamed, and its body in a fourth file."""
    tree = planted(
        {
            "src/app/general/keys.py": "A = 1\n\n\n" + copied,
            "src/app/logs/again.py": "C = 1\n\n\n" + copied.replace("key_of", "name_of"),
            "src/app/incidents/store.py": host_of(copied),
        }
    )
    tree.write({"src/app/logs/names.py": "B = 1\n\n\n" + tree.drifted})
    return tree


def test_pairs_tell_signature_and_what_differs(repository: Any) -> None:
    assert run(["duplicates", "--mode", "function"]) == 0
    found = {(r["name_a"], r["name_b"]): r for r in repository.rows()}
    drifted = found["key_of", "key_of"]
    assert (drifted["signature"], drifted["edited"], drifted["renamed"]) == ("SAME", "YES", "NO")
    assert found["key_of", "name_of"]["signature"] == "RENAMED"


def test_several_modes_at_once_and_the_least_lines_of_a_block(repository: Any) -> None:
    assert run(["duplicates", "--mode", "block", "--mode", "exact", "--min-lines", "8"]) == 0
    assert {r["type"] for r in repository.rows()} == {"BLOCK"}
    assert any("store.py" in r["file_a"] for r in repository.rows())
    assert run(["duplicates", "--mode", "block", "--min-lines", "30"]) == 0
    assert repository.rows() == []


def test_threshold(repository: Any) -> None:
    assert run(["duplicates", "--mode", "function", "--threshold", "0.99"]) == 0
    assert not any(r["edited"] == "YES" for r in repository.rows())
    assert {r["similarity_pct"] for r in repository.rows()} == {"100"}
    assert run(["duplicates", "--threshold", "2"]) == 2


def test_scope_inside_shows_copies_within_a_domain(repository: Any) -> None:
    assert run(["duplicates", "--scope", "inside", "--mode", "function"]) == 0
    assert {(r["file_a"], r["file_b"]) for r in repository.rows()} == {
        ("src/app/logs/again.py", "src/app/logs/names.py")
    }


def test_json_tells_what_the_report_tells(repository: Any) -> None:
    found = repository.document("--mode", "function")
    assert found["phase"] == "P5"
    ids = [number for group in found["groups"] for number in group["duplicate_ids"]]
    assert sorted(ids) == sorted(r["duplicate_id"] for r in repository.rows())
    places = {p["path"]: p for group in found["groups"] for p in group["places"]}
    assert places["src/app/general/keys.py"]["canonical"] is True
    assert places["src/app/general/keys.py"]["domain"] == "general"
    (drift,) = [d for group in found["groups"] for d in group["drift"]]
    assert (drift["base_path"], drift["path"]) == ("src/app/general/keys.py", "src/app/logs/names.py")
    assert [r["text_b"].strip() for r in drift["rows"]] == ["record.skip(field)"]
    summary = repository.summary().split("## Drifted copies")[1]
    assert "`src/app/logs/names.py:4-14`" in summary
    assert "again.py" not in summary


def test_a_mark_without_a_reason_is_named_and_not_honoured(repository: Any) -> None:
    path = repository.root / "src/app/logs/names.py"
    path.write_text(path.read_text().replace("def key_of", "# hocmig: not-a-duplicate\ndef key_of"))
    assert run(["duplicates"]) == 0
    assert "src/app/logs/names.py:4: not-a-duplicate without a reason" in repository.warned()
    assert any(path.name in (r["file_a"] + r["file_b"]) for r in repository.rows())
    summary = repository.summary()
    assert "comment without a reason, not honoured: src/app/logs/names.py:4" in summary


def test_stale_entries_of_a_baseline_fail_and_are_told_everywhere(repository: Any) -> None:
    repository.write({"hocmig.yaml": repository.config + "duplicates:\n  baseline: accepted.json\n"})
    assert run(["duplicates", "--write-baseline"]) == 0
    assert run(["duplicates"]) == 0
    (repository.root / "src/app/incidents/store.py").unlink()
    for name in ("names", "again"):
        (repository.root / f"src/app/logs/{name}.py").unlink()
    assert run(["duplicates"]) == 1
    assert "is stale; write the baseline again" in repository.warned()
    found = repository.document()
    assert found["facts"]["stale_entries"]
    summary = repository.summary()
    assert "stale entry of the baseline" in summary
    # A search for a part cannot know what is stale.
    assert run(["duplicates", "--mode", "exact"]) == 0


def test_a_baseline_that_does_not_exist_is_refused(repository: Any) -> None:
    assert run(["duplicates", "--baseline", "mistyped.json"]) == 2
    assert (
        repository.warned()
        == "error: mistyped.json: there is no such baseline; write it with --write-baseline\n"
    )
    assert not (repository.root / "mistyped.json").exists()


def test_a_baseline_without_a_name_is_refused(repository: Any) -> None:
    assert run(["duplicates", "--write-baseline"]) == 2
    assert repository.warned().startswith("error: --write-baseline: no baseline is named")


def test_drifted_copies_stand_side_by_side_in_terminal_and_page(
    repository: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    repository.remove("src/app/incidents/store.py")
    # A third copy that is equal to the one that stays, and comes before the drifted one.
    repository.write({"src/app/logs/early.py": "E = 1\n\n\n" + repository.copy})
    found = repository.document()
    (group,) = [
        g
        for g in found["groups"]
        if any(p["path"].endswith("names.py") for p in g["places"]) and g["type"] == "FUNCTION"
    ]
    assert len(group["places"]) == 4
    assert run(["duplicates", "--show", group["group_id"]]) == 0
    out = repository.printed()
    (line,) = {row.strip() for row in out.splitlines() if "record.skip(field)" in row}
    assert "+" in line
    views = [row for row in out.splitlines() if "  |  " in row]
    assert len(views) == 3
    assert "logs/names.py" in views[0]
    assert all("general/keys.py" in row for row in views)
    assert run(["report", "--output", "page.html"]) == 0
    page = (repository.root / "page.html").read_text()
    assert "record.skip(field)" in page.replace("<wbr>", "")


def test_copies_that_drifted_apart_are_shown_although_neither_is_the_one_that_stays(
    repository: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    repository.remove("src/app/incidents/store.py", "src/app/logs/again.py")
    renamed = repository.copy.replace("parts", "pieces").replace("field", "column")
    repository.write({"src/app/general/keys.py": "A = 1\n\n\n" + renamed})
    repository.write({"src/app/incidents/early.py": "E = 1\n\n\n" + repository.copy})
    (group,) = [g for g in repository.document()["groups"] if len(g["places"]) == 3]
    assert run(["duplicates", "--show", group["group_id"]]) == 0
    views = [row for row in repository.printed().splitlines() if "  |  " in row]
    assert [("early.py" in row, "names.py" in row, "keys.py" in row) for row in views] == [
        (True, True, False),
        (True, False, True),
        (False, True, True),
    ]
    assert run(["report", "--output", "page.html"]) == 0
    page = (repository.root / "page.html").read_text().replace("<wbr>", "")
    assert "record.skip(field)" in page
    assert "pieces.append" not in page


def test_findings_beyond_the_limit_are_counted(repository: Any) -> None:
    assert run(["duplicates", "--limit", "1", "--min-lines", "8"]) == 0
    assert "more findings" in repository.printed()


def test_differing_lines_are_shown_to_their_end_and_equal_ones_are_cut(
    repository: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    repository.remove(*(f"src/app/{name}.py" for name in ("general/keys", "logs/again", "logs/names")))
    repository.remove("src/app/incidents/store.py")
    tail = "wide=1, " * 10
    for name, end in (("one", "1"), ("two", "2")):
        text = repository.copy.replace("key_of", "long_of").replace(
            "    return text\n", f"    record.end({tail}{end})\n    record.same({tail}3)\n    return text\n"
        )
        repository.write({f"src/app/logs/{name}.py": f"{name.upper()} = 1\n\n\n" + text})
    groups = repository.document("--scope", "all")["groups"]
    number = next(g["group_id"] for g in groups if any(p["name"] == "long_of" for p in g["places"]))
    assert run(["duplicates", "--scope", "all", "--show", number]) == 0
    lines = [line for line in repository.printed().splitlines() if "|" not in line]
    folded = [n for n, line in enumerate(lines) if "record.end(" in line and " ~ " in line]
    assert folded
    following = lines[folded[0] + 1 : folded[0] + 4]
    assert any("wide=1, 1)" in line and "wide=1, 2)" in line for line in following)
    assert any("record.same(" in line and "…" in line for line in lines)
