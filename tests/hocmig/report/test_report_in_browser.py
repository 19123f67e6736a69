"""The report in a real browser: what runs, what is refused, keyboard, search, colours, paper.

Needs the optional extra `browser` and a Chromium on the machine; HOCMIG_CHROMIUM names another one.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hocmig.report.page import render_page
from hocmig.report.report_facts import ReportFacts

playwright_api = pytest.importorskip(
    "playwright.sync_api", reason="playwright is not installed (extra: browser)"
)

_FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
_NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    found = os.environ.get("HOCMIG_CHROMIUM") or next(filter(None, map(shutil.which, _NAMES)), None)
    if not found:
        pytest.skip("no Chromium on this machine; install one, or name it in HOCMIG_CHROMIUM")
    with playwright_api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=found, args=_FLAGS)
        yield started
        started.close()


class Visit:
    """An open page with everything that it said and asked for."""

    def __init__(self, browser: Any, file: Path, **context: Any) -> None:
        self.context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **context})
        self.page = self.context.new_page()
        self.said: list[str] = []
        self.asked: list[str] = []
        self.refused: list[str] = []
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("requestfailed", lambda request: self.refused.append(f"{request.url} {request.failure}"))
        self.page.goto(file.as_uri())


Opener = Callable[..., Visit]


@pytest.fixture
def visit(browser: Any, tmp_path: Path) -> Iterator[Opener]:
    visits: list[Visit] = []

    def opened(facts: ReportFacts, **context: Any) -> Visit:
        file = tmp_path / f"report{len(visits)}.html"
        file.write_text(render_page(facts), encoding="utf-8")
        visits.append(Visit(browser, file, **context))
        return visits[-1]

    yield opened
    for one in visits:
        one.context.close()


def test_hostile_text_runs_nothing_and_asks_for_nothing(visit: Opener, hostile: ReportFacts) -> None:
    seen = visit(hostile)
    page = seen.page
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert page.evaluate("window.hacked") is None
    assert [url for url in seen.asked if not url.startswith("file:")] == []
    assert len(seen.asked) == 1
    assert seen.said == []
    assert page.locator("h1").count() == 1
    assert page.locator("main > section").count() == 9
    assert page.locator("#health").is_visible()


def test_the_policy_refuses_other_scripts_and_styles(visit: Opener, hostile: ReportFacts) -> None:
    seen = visit(hostile)
    seen.page.evaluate(
        """() => {
            const script = document.createElement('script');
            script.textContent = 'window.hacked = 1';
            document.body.append(script);
            const image = document.createElement('img');
            image.src = 'https://example.invalid/x.png';
            document.body.append(image);
            document.body.setAttribute('style', 'display:none');
        }"""
    )
    seen.page.wait_for_timeout(200)
    assert seen.page.evaluate("window.hacked") is None
    assert seen.page.evaluate("getComputedStyle(document.body).display") == "block"
    assert seen.refused == ["https://example.invalid/x.png csp"]
    assert len(seen.said) >= 3
    assert all("Content Security Policy" in text for text in seen.said)


def test_search_and_filter(visit: Opener, large: Callable[..., ReportFacts]) -> None:
    page = visit(large(300)).page
    moves = page.locator("#moves [data-item=move]:not([hidden])")
    assert moves.count() == 300
    # The slash leads to the search box from anywhere; escape empties it.
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "search"
    page.keyboard.type("module_name_00123 MOVED")
    page.locator("#said:not(:empty)").wait_for(state="attached")
    assert 1 <= moves.count() < 30
    assert "of" in (page.locator("#said").text_content() or "")
    page.select_option("#status", "cycle")
    assert moves.count() == 0
    page.focus("#search")
    page.keyboard.press("Escape")
    page.select_option("#status", "")
    assert moves.count() == 300


def test_a_cell_opens_the_imports_behind_it_by_keyboard(
    visit: Opener, large: Callable[..., ReportFacts]
) -> None:
    page = visit(large(100)).page
    link = page.locator(".matrix a").first
    link.focus()
    page.keyboard.press("Enter")
    identity = (link.get_attribute("href") or "#")[1:]
    assert page.locator(f"#{identity}").get_attribute("open") is not None
    assert page.evaluate("document.activeElement.parentElement.id") == identity
    assert page.locator(f"#{identity} li").first.is_visible()
    page.keyboard.press("Enter")
    assert page.locator(f"#{identity}").get_attribute("open") is None


def test_it_can_be_read_without_javascript(visit: Opener, large: Callable[..., ReportFacts]) -> None:
    page = visit(large(100), java_script_enabled=False).page
    assert not page.locator("#tools").is_visible()
    summary = page.locator("#moves summary").first
    summary.click()
    assert page.locator("#moves pre").first.is_visible()


def test_light_and_dark(visit: Opener, large: Callable[..., ReportFacts]) -> None:
    def contrast(page: Any, selector: str) -> float:
        found: float = page.evaluate(
            """selector => {
                const element = document.querySelector(selector);
                const numbers = text => text.match(/[\\d.]+/g).map(Number);
                const light = text => {
                    const [r, g, b] = numbers(text).map(v => v / 255)
                        .map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
                    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
                };
                let ground = element;
                const isClear = e => /rgba\\(0, 0, 0, 0\\)/.test(getComputedStyle(e).backgroundColor);
                while (isClear(ground)) ground = ground.parentElement;
                const a = light(getComputedStyle(element).color);
                const b = light(getComputedStyle(ground).backgroundColor);
                return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
            }""",
            selector,
        )
        return found

    facts = large(200)
    grounds = set()
    for scheme in ("light", "dark"):
        page = visit(facts, color_scheme=scheme).page
        grounds.add(page.evaluate("getComputedStyle(document.body).backgroundColor"))
        # Source of 4.5: WCAG 2.2, success criterion 1.4.3.
        for selector in ("h1", ".meta", "nav a", ".badge.good", ".badge.bad", ".badge.warn", ".arrow"):
            assert contrast(page, selector) >= 4.5, (scheme, selector)
        for step in range(1, 7):
            if page.locator(f".matrix .h{step} a").count():
                assert contrast(page, f".matrix .h{step} a") >= 4.5, (scheme, step)
    assert len(grounds) == 2


@pytest.mark.parametrize("width", [360, 800, 1600])
def test_no_width_scrolls_the_whole_page_sideways(
    visit: Opener, large: Callable[..., ReportFacts], width: int
) -> None:
    page = visit(large(60), viewport={"width": width, "height": 800}).page
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_names_and_landmarks_for_screen_readers(visit: Opener, large: Callable[..., ReportFacts]) -> None:
    page = visit(large(60)).page
    for role, name in (("navigation", "Contents"), ("search", None), ("main", None)):
        locator = page.get_by_role(role, name=name) if name else page.get_by_role(role)
        assert locator.count() == 1, role
    assert page.get_by_role("region", name="Moved files").count() == 1
    assert page.get_by_role("searchbox", name="Search").count() == 1
    assert page.get_by_role("img", name="Graph of domains, now").count() == 1
    nameless = page.evaluate(
        """() => [...document.querySelectorAll('a, button, input, select, summary')].filter(
            e => !(e.textContent.trim() || e.getAttribute('aria-label') || e.labels?.length)).length"""
    )
    assert nameless == 0
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"


def test_two_thousand_files_open_and_answer(visit: Opener, large: Callable[..., ReportFacts]) -> None:
    seen = visit(large(2_000))
    page = seen.page
    assert seen.said == []
    page.fill("#search", "module_name_01999")
    page.locator("#said:not(:empty)").wait_for(state="attached")
    assert page.locator("#moves [data-item=move]:not([hidden])").count() >= 1


def test_paper_is_light_and_without_tools(visit: Opener, large: Callable[..., ReportFacts]) -> None:
    page = visit(large(40), color_scheme="dark").page
    page.emulate_media(media="print", color_scheme="dark")
    assert not page.locator(".bar").is_visible()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.pdf(format="A4", print_background=True).startswith(b"%PDF")
