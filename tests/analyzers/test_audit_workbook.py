from __future__ import annotations

import contextlib
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzers.audit_decision import DecisionKind, clean_path, moved_path, parse_decision
from analyzers.audit_workbook import (
    MAX_BYTES,
    MAX_RECORD_LINES,
    Workbook,
    WorkbookRecord,
    parse_workbook,
    read_workbook,
)
from analyzers.errors import InputError

TABLE = """\
### [x] `billing/L6_drivers/invoice_driver.py`

| Attribute | Value |
|-----------|-------|
| **Current Domain** | billing |
| **Layer** | L6 — Domain Driver |
| **Callers** | a \\| b.py |

---

**DECISION:** `controls` ⚠️ (MISPLACED)
**Reason:** Reads limit tables. Limits are what `controls` owns; see "threshold" in its
qualifiers. DECISION: not here, although (MISPLACED) stands in it.

Prose that is no reason.
"""

BLOCK = """\
### [~] `policies/L6_drivers/switch_driver.py`

```
Attribute: Current Domain
Value: policies
────────────────────────
Attribute: What It Does
Value: Data access for the kill switch. A value may run over several lines,
  ASSIGN TO: nowhere, this is a value.
────────────────────────
Attribute: Layer
Value: L6 — Driver

ASSIGN TO: controls ⚠️ (MISPLACED)
Reason: "killswitch" stands in the qualifiers of controls. A reason may run over
  several lines, too.
```
"""


def parse(text: str) -> Workbook:
    return parse_workbook(text.encode(), "w.md")


def only(text: str) -> WorkbookRecord:
    (record,) = parse(text).records
    return record


def codes(workbook: Workbook) -> list[str]:
    return [finding.code for finding in workbook.findings]


def error_of(content: str | bytes) -> str:
    with pytest.raises(InputError) as caught:
        parse_workbook(content.encode() if isinstance(content, str) else content, "w.md")
    assert "\n" not in str(caught.value)
    return str(caught.value)


def record_of(decision: str, path: str = "logs/L5_engines/x.py", mark: str = "x") -> str:
    return f"### [{mark}] `{path}`\n\n**DECISION:** {decision}\n**Reason:** because\n\n"


def test_reads_the_table_form() -> None:
    record = only(TABLE)
    assert (record.line, record.mark, record.path) == (1, "x", "billing/L6_drivers/invoice_driver.py")
    assert (record.domain, record.layer, record.form) == ("billing", "L6 — Domain Driver", "table")
    assert record.decision.kind is DecisionKind.MOVE
    assert (record.decision.target, record.decision.line) == ("controls", 11)
    assert record.reason == (
        'Reads limit tables. Limits are what `controls` owns; see "threshold" in its qualifiers. '
        "DECISION: not here, although (MISPLACED) stands in it."
    )


def test_reads_the_block_form() -> None:
    record = only(BLOCK)
    assert (record.mark, record.path) == ("~", "policies/L6_drivers/switch_driver.py")
    assert (record.domain, record.layer, record.form) == ("policies", "L6 — Driver", "block")
    assert (record.decision.kind, record.decision.target) == (DecisionKind.MOVE, "controls")
    assert record.reason.endswith("A reason may run over several lines, too.")
    assert record.is_misplaced


def test_both_forms_mix_and_keep_their_lines() -> None:
    workbook = parse("# Audit\n\n" + TABLE + "\n" + BLOCK + "\n" + TABLE.replace("invoice_driver", "other"))
    assert [record.line for record in workbook.records] == [3, 19, 37]
    assert len(workbook.misplaced) == 3


@pytest.mark.parametrize(
    ("text", "kind", "target", "remark"),
    [
        ("`controls` ⚠️ (MISPLACED)", DecisionKind.MOVE, "controls", ""),
        ("`controls` ⚠ (MISPLACED)", DecisionKind.MOVE, "controls", ""),
        ("controls ⚠️ (MISPLACED)", DecisionKind.MOVE, "controls", ""),
        ("**`controls`** (misplaced)", DecisionKind.MOVE, "controls", ""),
        ("`controls` ⚠️ MISPLACED", DecisionKind.MOVE, "controls", ""),
        ("`controls` ⚠️ **(MISPLACED)**", DecisionKind.MOVE, "controls", ""),
        (
            "`general/L5_engines/lifecycle/` ⚠️ (MISPLACED)",
            DecisionKind.MOVE,
            "general/L5_engines/lifecycle/",
            "",
        ),
        (
            "`general/L5_Infra/metrics/` ⚠️ (MISPLACED → INFRASTRUCTURE)",
            DecisionKind.MOVE,
            "general/L5_Infra/metrics/",
            "INFRASTRUCTURE",
        ),
        ("`logs` ✓ (CONFIRMED)", DecisionKind.STAY, "logs", ""),
        ("`logs` ✓ (CONFIRMED CORRECT)", DecisionKind.STAY, "logs", "CORRECT"),
        ("`logs` ✓ (CONFIRMED, earlier MISPLACED)", DecisionKind.STAY, "logs", "earlier MISPLACED"),
        ("`analytics`", DecisionKind.PROPOSAL, "analytics", ""),
        ("`analytics` — was MISPLACED once, to be discussed", DecisionKind.PROPOSAL, "analytics", ""),
        ("`analytics` (NOT MISPLACED)", DecisionKind.PROPOSAL, "analytics", ""),
        ("`analytics` (MISPLACED?)", DecisionKind.PROPOSAL, "analytics", ""),
        ("DELETE", DecisionKind.DELETE, "DELETE", ""),
        ("`DELETE` ⚠️ (MISPLACED)", DecisionKind.DELETE, "DELETE", ""),
        ("`_archive/` ⚠️ (MISPLACED)", DecisionKind.DELETE, "_archive/", ""),
        ("`apis` ⚠️ (MISPLACED)", DecisionKind.MOVE, "apis", ""),
        ("`general\\L5_engines\\` ⚠️ (MISPLACED)", DecisionKind.MOVE, "general/L5_engines/", ""),
        ("", DecisionKind.NONE, "", ""),
        ("⚠️ (MISPLACED)", DecisionKind.NONE, "", ""),
    ],
)
def test_understands_decisions(text: str, kind: DecisionKind, target: str, remark: str) -> None:
    decision = parse_decision(text, 7)
    assert (decision.kind, decision.target, decision.remark, decision.line) == (kind, target, remark, 7)


@pytest.mark.parametrize(
    ("path", "target", "expected"),
    [
        ("billing/L6_drivers/x.py", "controls", "controls/L6_drivers/x.py"),
        ("billing/L6_drivers/x.py", "controls/", "controls/L6_drivers/x.py"),
        ("billing/L6_drivers/x.py", "general/L5_engines/life/", "general/L5_engines/life/x.py"),
        ("billing/L6_drivers/x.py", "general/L5_engines", "general/L5_engines/x.py"),
        ("billing/L6_drivers/x.py", "general/L5_engines/y.py", "general/L5_engines/y.py"),
        ("x.py", "controls", "controls/x.py"),
    ],
)
def test_computes_where_a_file_goes(path: str, target: str, expected: str) -> None:
    assert moved_path(path, target) == expected


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (" a\\b ", "a/b"),
        ("./a//b/", "a/b/"),
        ("/a", "/a"),
        ("../a", "../a"),
        (unicodedata.normalize("NFD", "caf\u00e9/x.py"), "caf\u00e9/x.py"),
        ("", ""),
        ("/", ""),
    ],
)
def test_cleans_paths_without_hiding_hostile_ones(written: str, expected: str) -> None:
    assert clean_path(written) == expected


def test_unreviewed_records_are_never_migrated() -> None:
    workbook = parse(record_of("`controls` ⚠️ (MISPLACED)", mark=" "))
    assert not workbook.misplaced
    assert codes(workbook) == ["WB030"]


def test_tables_and_prose_with_the_same_words_are_no_records() -> None:
    text = (
        "# Legend\n**DECISION:** `x` ⚠️ (MISPLACED) marks a move.\n\n"
        + TABLE
        + "\n## Misplacement Summary\n| file | from | to | why |\n|--|--|--|--|\n"
        + "| `a/b.py` | logs | controls | MISPLACED |\n\n**DECISION:** `y` ⚠️ (MISPLACED)\n"
    )
    assert len(parse(text).records) == 1
    assert only(text).decision.target == "controls"


def test_a_record_inside_a_legend_fence_is_no_record_but_is_mentioned() -> None:
    workbook = parse("```\n" + record_of("`x` ⚠️ (MISPLACED)", "domain/layer/file.py") + "```\n" + TABLE)
    assert [record.path for record in workbook.records] == ["billing/L6_drivers/invoice_driver.py"]
    assert codes(workbook) == ["WB011"]


def test_a_fence_left_open_swallows_no_record() -> None:
    workbook = parse(BLOCK.removesuffix("```\n") + "\n" + TABLE)
    assert len(workbook.misplaced) == 2
    assert codes(workbook) == ["WB012"]


def test_comments_in_a_fence_do_not_end_a_record() -> None:
    record = only("### [x] `a/b.py`\n\n```python\n# a comment\n```\n\n**DECISION:** `c` ⚠️ (MISPLACED)\n")
    assert record.is_misplaced


def test_subheadings_and_rules_do_not_end_a_record_but_headings_do() -> None:
    assert only("### [x] `a/b.py`\n#### Notes\n---\n**DECISION:** `c` ⚠️ (MISPLACED)\n").is_misplaced
    for heading in ("# H", "## H", "### H"):
        assert not only(f"### [x] `a/b.py`\n{heading}\n**DECISION:** `c` ⚠️ (MISPLACED)\n").is_misplaced


def test_tolerates_crlf_bom_blanks_and_separators() -> None:
    plain = parse(TABLE + BLOCK)
    noisy = (TABLE + BLOCK).replace("`billing/L6_drivers/", "`billing\\L6_drivers\\").replace("\n", "  \r\n")
    assert parse_workbook(b"\xef\xbb\xbf" + noisy.encode(), "w.md").records == plain.records


def test_mentions_headings_that_look_like_records_but_are_none() -> None:
    workbook = parse("### [x] no path\n#### [x] `a.py`\n### [?] `b.py`\n" + TABLE)
    assert [record.path for record in workbook.records] == ["billing/L6_drivers/invoice_driver.py"]
    assert codes(workbook) == ["WB010", "WB013", "WB014"]


def test_mentions_a_move_that_is_written_on_no_decision_line() -> None:
    workbook = parse("### [x] `a/b.py`\n\nDecision is `c` ⚠️ (MISPLACED)\n")
    assert [(f.code, f.line) for f in workbook.findings] == [("WB036", 3)]


def test_wishes_proposals_and_doubtful_confirmations_are_reported() -> None:
    text = (
        record_of("DELETE", "a/x.py")
        + record_of("`b`", "a/y.py")
        + record_of("`b` ⚠️", "a/z.py")
        + record_of("`b` ✓ (CONFIRMED)", "a/w.py")
    )
    workbook = parse(text)
    assert not workbook.misplaced
    found = [(f.code, f.severity) for f in workbook.findings]
    assert found == [("WB031", "warning"), ("WB032", "info"), ("WB032", "warning"), ("WB035", "warning")]


def test_the_same_decision_twice_is_one_record() -> None:
    text = record_of("`controls` ⚠️ (MISPLACED)") + record_of("`controls/L5_engines/` ⚠ (MISPLACED)")
    assert len(parse(text).records) == 1
    assert codes(parse(text)) == ["WB020"]


def test_a_record_without_a_decision_does_not_hide_one_with() -> None:
    text = record_of("`b`") + record_of("`controls` ⚠️ (MISPLACED)")
    assert only(text).is_misplaced
    assert codes(parse(text)) == ["WB021"]


def test_contradicting_records_name_both_lines() -> None:
    text = record_of("`controls` ⚠️ (MISPLACED)") + record_of("`logs` ✓ (CONFIRMED)")
    assert error_of(text).startswith("w.md:6: contradicts line 1 about `logs/L5_engines/x.py`")


def test_contradicting_decisions_in_one_record_name_both_lines() -> None:
    text = record_of("`a` ⚠️ (MISPLACED)") + "**DECISION:** `b` ⚠️ (MISPLACED)\n"
    assert error_of(text).startswith("w.md:6: contradicts line 3")


@pytest.mark.parametrize("path", ["../../etc/passwd", "/etc/passwd", "C:\\x.py", "a/\x07b.py", "~root/x.py"])
def test_hostile_paths_are_refused_in_records_and_in_decisions(path: str) -> None:
    assert error_of(record_of("`b` ⚠️ (MISPLACED)", path)).startswith("w.md:1: the path `")
    assert error_of(record_of(f"`{path}` ⚠️ (MISPLACED)")).startswith("w.md:3: the decision `")


def test_says_what_is_wrong_with_the_whole_file(tmp_path: Path) -> None:
    assert error_of(b" \n\n").startswith("w.md: is empty")
    assert error_of("# Audit\n\nNothing yet.\n").startswith("w.md: holds no record")
    assert error_of(b"# Audit\n\xff\n").startswith("w.md:2: is not UTF-8")
    with pytest.raises(InputError, match="cannot be read: No such file"):
        read_workbook(tmp_path / "none.md")
    with pytest.raises(InputError, match="cannot be read: Is a directory"):
        read_workbook(tmp_path)


def test_a_huge_file_is_refused_by_its_size(tmp_path: Path) -> None:
    file = tmp_path / "huge.md"
    with file.open("wb") as handle:
        handle.truncate(100 << 20)
    with pytest.raises(InputError, match=f"is 100 MiB large, a workbook has at most {MAX_BYTES >> 20}"):
        read_workbook(file)


def test_a_record_without_end_is_cut_and_mentioned() -> None:
    workbook = parse("### [x] `a/b.py`\n" + "x\n" * (MAX_RECORD_LINES + 10))
    assert "WB015" in codes(workbook)


@pytest.mark.parametrize(
    "piece", ["( ", "`", "**DECISION:** ", "\\", " ", "/", ".py", "| a ", "### [x] `a` ", "⚠️("]
)
def test_long_lines_take_no_quadratic_time(piece: str) -> None:
    """200,000 characters: a quadratic step would need minutes, and the suite's patience is the limit."""
    long = piece * (200_000 // len(piece))
    for text in (
        long,
        f"### [x] `a/b.py`\n{long}x",
        f"### [x] `a/b.py`\n**DECISION:** a {long}x",
        f"### [x] {long}",
    ):
        with contextlib.suppress(InputError):
            parse(text)


WORDS = st.sampled_from(
    [
        *(
            "### [x] `a/b.py`",
            "### [~] `c/d.py`",
            "### [ ] `e.py`",
            "## H",
            "```",
            "~~~",
            "---",
            "\n",
            "\r\n",
            "  ",
        ),
        *(
            "**DECISION:**",
            "**Reason:**",
            "ASSIGN TO:",
            "Reason:",
            "Attribute: Layer",
            "Value: x",
            "| **Layer** | L5 |",
        ),
        *(
            "`controls`",
            "⚠️",
            "(MISPLACED)",
            "✓ (CONFIRMED)",
            "DELETE",
            "../",
            "prose",
            "\ufeff",
            "|",
            "[",
            "é",
        ),
    ]
)


@given(st.lists(st.tuples(WORDS, st.sampled_from(["\n", " ", ""])), max_size=60))
def test_fuzzed_workbooks_raise_nothing_but_input_errors(pieces: list[tuple[str, str]]) -> None:
    text = "".join(word + gap for word, gap in pieces)
    with contextlib.suppress(InputError):
        workbook = parse(text)
        lines = text.split("\n")
        for record in workbook.records:
            assert "###" in lines[record.line - 1]
            assert not record.decision.line or record.decision.line > record.line
        assert len({record.path for record in workbook.records}) == len(workbook.records)


@given(st.binary(max_size=400))
def test_binary_rubbish_raises_nothing_but_input_errors(content: bytes) -> None:
    with contextlib.suppress(InputError):
        parse_workbook(content, "w.md")
