"""The report as text: escaped, well formed, small, the same for the same facts. No browser is needed."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from hocmig.report.domain_graph import graph_svg
from hocmig.report.heat_map import LEVELS, level, matrix_svg
from hocmig.report.markup import code, one_line, text, visible
from hocmig.report.page import render_page
from hocmig.report.report_facts import CellFacts, DomainFacts, ImportFact, MoveFacts, ReportFacts

VOID = {"meta", "br", "wbr", "input", "img", "link", "hr"}
BOUND = 3_000_000
Large = Callable[..., ReportFacts]


class Outline(HTMLParser):
    """Checks that elements close in order, and keeps ids, links, event handlers and addresses."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.tags: list[str] = []
        self.bad: list[str] = []
        self.headings: list[str] = []
        self.words: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attrs:
            if name.startswith("on") or name in ("style", "src", "srcset", "action"):
                self.bad.append(f"{tag} {name}={value}")
            if name == "id":
                self.ids.append(value or "")
            if name == "href":
                self.links.append(value or "")
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in ("style", "script"):
            self.words.append(data)
            if self.open[-1] in ("h1", "h2", "h3"):
                self.headings.append(data)


def _empty() -> ReportFacts:
    return ReportFacts(title="nothing", generated_at="2026-01-27T10:00:00Z", tool_version="0.1.0")


def _checked(page: str) -> Outline:
    outline = Outline(page)
    assert outline.open == []
    assert outline.bad == []
    assert len(outline.ids) == len(set(outline.ids))
    assert all(link.startswith("#") and link[1:] in outline.ids for link in outline.links)
    assert not set(outline.tags) & {"img", "iframe", "object", "link", "form", "base", "embed"}
    return outline


def test_an_empty_migration_gives_a_whole_page() -> None:
    outline = _checked(render_page(_empty()))
    said = " ".join(outline.words)
    assert "No migration has been planned yet" in said
    assert "Not looked for yet" in said
    assert "Not checked yet" in said
    assert "Nothing waits for a decision" in said


def test_hostile_text_stays_text(hostile: ReportFacts, hostile_texts: tuple[str, ...]) -> None:
    page = render_page(hostile)
    outline = _checked(page)
    assert outline.tags.count("script") == 1
    assert outline.tags.count("style") == 1
    assert "img" not in outline.tags
    # Nothing was lost on the way either: each text can be read.
    said = " ".join(" ".join(outline.words).split())
    for one in hostile_texts:
        assert " ".join(visible(one).split()).replace("/", "") in said.replace("/", "")


def test_what_nobody_can_see_is_spelled_out(hostile: ReportFacts) -> None:
    page = render_page(hostile)
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", page)
    assert page.encode("utf-8")
    assert "⟦U+202E⟧" in page
    assert "␀" in page
    assert "⟦\\xff⟧" in page


@given(st.text())
def test_escaped_text_reads_back(value: str) -> None:
    parser = Outline(f"<p>{text(value)}</p>")
    assert "".join(parser.words) == visible(value)
    assert parser.tags == ["p"]


@given(st.text())
def test_code_is_one_line(value: str) -> None:
    assert "\n" not in code(value)
    assert one_line(value) == one_line(one_line("") + value)


def test_the_policy_allows_just_this_style_and_this_script(hostile: ReportFacts) -> None:
    page = render_page(hostile)
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)
    assert policy is not None
    rules = dict(part.strip().split(" ", 1) for part in policy.group(1).split(";"))
    assert rules["default-src"] == "'none'"
    assert rules["base-uri"] == "'none'"
    assert rules["form-action"] == "'none'"
    for name, tag in (("style-src", "style"), ("script-src", "script")):
        body = page.partition(f"<{tag}>")[2].partition(f"</{tag}>")[0]
        digest = base64.b64encode(hashlib.sha256(body.encode()).digest()).decode()
        assert rules[name] == f"'sha256-{digest}'"
    assert not re.search(r"(?:https?:)?//[a-z]", page.partition("<body>")[0])


def test_two_thousand_files_stay_below_three_megabytes(large: Large) -> None:
    page = render_page(large(2_000))
    _checked(page)
    assert len(page.encode()) < BOUND
    assert len(render_page(large(2_000, 24)).encode()) < BOUND
    # All moved files are there, and what was left out is said.
    assert page.count('data-item="move"') == 2_000
    assert "left out to keep this page small" in page


def test_a_gigantic_migration_stays_in_bounds_and_says_so(large: Large) -> None:
    page = render_page(large(9_000, 90))
    _checked(page)
    assert len(page.encode()) < BOUND
    assert re.search(r"and [\d,]+ more: see the manifest", page)
    assert "less busy domains left out" in page


def test_a_half_finished_migration_says_what_is_missing() -> None:
    facts = dataclasses.replace(
        _empty(),
        domains=(DomainFacts("a", None, 3), DomainFacts("b", None, 2)),
        cells=(CellFacts("a", "b", None, (ImportFact("r/a/x.py", "r/b/y.py", 3),), False),),
        before_note="There is no import graph.",
        moves=(MoveFacts("001", "r/a/x.py", "r/b/x.py", "PENDING", note="Not carried out."),),
    )
    outline = _checked(render_page(facts))
    said = " ".join(outline.words)
    assert "none has moved yet" in said
    assert "There is no import graph." in said
    assert "Before:" not in said


def test_a_cell_leads_to_its_imports_with_what_came_and_went() -> None:
    stays, gone, new = (ImportFact(f"r/a/{n}.py", "r/b/y.py", 3) for n in ("stays", "gone", "new"))
    facts = dataclasses.replace(
        _empty(),
        domain_root="r",
        domains=(DomainFacts("a", 2, 2), DomainFacts("b", 1, 1)),
        cells=(CellFacts("a", "b", (stays, gone), (stays, new), False),),
    )
    page = render_page(facts)
    assert page.count('href="#c-0-1"') == 2
    block = page.partition('id="c-0-1"')[2].partition("</details>")[0]
    assert "2 before, 2 now" in block
    items = re.findall(r"<li>(.*?)</li>", block)
    states = {i.partition("a/")[2].partition(".py")[0]: ("new" in i[-20:], "gone" in i[-20:]) for i in items}
    assert states == {"stays": (False, False), "gone": (False, True), "new": (True, False)}


def test_the_same_facts_give_the_same_page(hostile: ReportFacts) -> None:
    assert render_page(hostile) == render_page(hostile)


def test_pictures_are_xml_whatever_the_names(hostile: ReportFacts, large: Large) -> None:
    for facts in (hostile, large(100), _empty()):
        for side in ("before", "now"):
            for picture in (matrix_svg(facts, side), graph_svg(facts, side, standalone=True)):
                root = ElementTree.fromstring(picture)
                assert root.tag == "{http://www.w3.org/2000/svg}svg"
                assert not [e for e in root.iter() if e.tag.endswith("script")]


def test_the_scale_is_monotonous_and_ends_at_the_largest() -> None:
    levels = [level(n, 500) for n in range(501)]
    assert levels[0] == 0
    assert levels[1] == 1
    assert levels[500] == LEVELS
    assert levels == sorted(levels)
    assert level(1, 1) in range(1, LEVELS + 1)
