"""The formats of findings: SARIF by its schema, annotations, text, and hostile contents."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzers.model import Finding
from analyzers.rule_finding import RULES, rule_finding
from hocmig.finding_formats import FORMATS, render_findings

SCHEMA = json.loads((Path(__file__).parents[1] / "assets/sarif-schema-2.1.0.json").read_text())

FINDINGS = (
    rule_finding("GUARD002", "src/a b/ü.py", "was deleted", "restore it", approvers=("@ana", "@team/x")),
    rule_finding("GUARD005", "src/x_engine.py", "bans names", "mend it", line=7, severity="warning"),
    rule_finding("GIT001", "", "no git\nhere: 100%", ""),
    Finding(code="ARCH-002", severity="info", path="src/y.py", line=3, message="imports another domain"),
)


def _valid(text: str) -> None:
    jsonschema.Draft4Validator(SCHEMA).validate(json.loads(text))


def test_sarif_is_valid_by_its_schema() -> None:
    text = render_findings(FINDINGS, "sarif", command="guard")
    _valid(text)
    (run,) = json.loads(text)["runs"]
    assert [r["ruleId"] for r in run["results"]] == ["GUARD002", "GUARD005", "GIT001", "ARCH-002"]
    for result in run["results"]:
        assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
    place = run["results"][0]["locations"][0]["physicalLocation"]
    assert place["artifactLocation"] == {"uri": "src/a%20b/%C3%BC.py", "uriBaseId": "SRCROOT"}
    assert "locations" not in run["results"][2]
    assert run["results"][3]["level"] == "note"


def test_sarif_without_findings_is_valid() -> None:
    _valid(render_findings((), "sarif", command="guard"))


def test_the_fingerprint_does_not_depend_on_the_line() -> None:
    def fingerprint(line: int) -> str:
        finding = rule_finding("GUARD005", "a.py", "m", "", line=line)
        document = json.loads(render_findings([finding], "sarif", command="guard"))
        found: str = document["runs"][0]["results"][0]["partialFingerprints"]["hocmig/v1"]
        return found

    assert fingerprint(1) == fingerprint(99)


def test_annotations_escape_what_github_would_read() -> None:
    lines = render_findings(FINDINGS, "github", command="guard").splitlines()
    assert lines[0].startswith("::error file=src/a b/ü.py,line=1,title=GUARD002 DELETE_FILE::was deleted")
    assert "May approve: @ana, @team/x" in lines[0]
    assert lines[1].startswith("::warning file=src/x_engine.py,line=7,")
    assert lines[2] == "::error title=GIT001 GIT_UNAVAILABLE::no git%0Ahere: 100%25"
    assert lines[3].startswith("::notice ")


def test_text_names_place_rule_mend_and_approvers() -> None:
    text = render_findings(FINDINGS[:1], "text", command="guard")
    assert text == (
        "src/a b/ü.py: error GUARD002 DELETE_FILE: was deleted\n"
        "    to mend: restore it\n"
        "    may approve: @ana @team/x\n"
    )


@pytest.mark.parametrize("form", FORMATS)
def test_a_hostile_path_cannot_forge_a_line(form: str) -> None:
    finding = rule_finding("GUARD002", "a\n::error::forged\x1b[2J\udcff.py", "gone\r\n::stop::", "")
    text = render_findings([finding], form, command="guard")
    assert "\x1b" not in text
    assert not any(line.startswith(("::error::forged", "::stop")) for line in text.splitlines())
    text.encode()
    if form == "sarif":
        _valid(text)


@given(st.text(), st.text(), st.integers(0, 10**6), st.sampled_from(sorted(RULES)))
def test_any_finding_gives_valid_sarif_and_one_line_of_annotation(
    path: str, message: str, line: int, code: str
) -> None:
    finding = rule_finding(code, path, message, "", line=line)
    _valid(render_findings([finding], "sarif", command="guard"))
    annotation = render_findings([finding], "github", command="guard")
    assert annotation.startswith("::error ")
    assert annotation.count("\n") == 1
