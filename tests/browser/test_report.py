"""The report in a browser: offline, with its policy in force, in light, dark, narrow and on paper."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from nbcarbon.core.elsewhere import elsewhere
from nbcarbon.export import html_report
from nbcarbon.grid.well_known import well_known
from tests.export.summaries import made
from tests.payloads import PAYLOADS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page

CHARTS = ("power", "cells", "devices", "elsewhere")
WATCH = """
window.__violations = [];
document.addEventListener("securitypolicyviolation", event =>
  window.__violations.push(`${event.violatedDirective}: ${event.blockedURI}`));
"""


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report in which every name tries something."""
    summary: dict[str, Any] = made("training", with_host=True)
    names = [each for each in PAYLOADS if len(each) < 300]
    base = summary["cells"][0]
    summary["cells"] += [
        {**base, "name": name, "key": f"k{place}", "index": 10 + place}
        for place, name in enumerate(names)
    ]
    summary["notices"] = names
    summary["elsewhere"] = elsewhere(summary, well_known())
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_bytes(html_report.render(summary))
    return path


@pytest.fixture
def opened(browser: Browser, report: Path) -> Iterator[Callable[..., Page]]:
    """Opens the report. In the end nothing may have failed, been refused or been asked for."""
    contexts: list[BrowserContext] = []
    scripted: list[Page] = []
    failed: list[str] = []
    asked: list[str] = []

    def heard(said: ConsoleMessage) -> None:
        if said.type in ("error", "warning"):
            failed.append(said.text)

    def open_(**options: Any) -> Page:
        context = browser.new_context(offline=True, **options)
        contexts.append(context)
        page = context.new_page()
        page.add_init_script(WATCH)
        page.on("console", heard)
        page.on("pageerror", lambda error: failed.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(report.as_uri())
        if options.get("java_script_enabled", True):
            scripted.append(page)
            for name in CHARTS:
                page.locator(f"#light-{name} svg").first.wait_for(state="attached")
        return page

    yield open_
    found = [each for page in scripted for each in page.evaluate("window.__violations")]
    for context in contexts:
        context.close()
    assert found == []
    assert failed == []
    assert [each for each in asked if not each.startswith(("file:", "data:"))] == []


def test_it_opens_offline_within_its_policy(opened: Callable[..., Page]) -> None:
    page = opened(viewport={"width": 900, "height": 900})
    assert page.title() == "Energy and CO₂e of /home/somebody/training.ipynb"
    assert page.evaluate("window.__pwned") is None
    for name in CHARTS:
        box = page.locator(f"#light-{name}").bounding_box()
        assert box is not None
        assert box["width"] > 600
    assert page.locator("#dark-power svg").count() == 0


def test_its_policy_is_in_force(browser: Browser, report: Path) -> None:
    """What somebody slips in does not run: the policy is not only written down."""
    context = browser.new_context()
    page = context.new_page()
    page.add_init_script(WATCH)
    page.goto(report.as_uri())
    page.evaluate(
        """() => { const script = document.createElement("script");
                   script.textContent = "window.__ran = 1"; document.body.append(script);
                   new Image().src = "https://example.org/track.png"; }"""
    )
    refused: list[str] = []
    while len(refused) < 2:  # the test's own time is its limit
        refused = page.evaluate("window.__violations")
    assert refused == ["script-src-elem: inline", "img-src: https://example.org/track.png"]
    assert page.evaluate("window.__ran") is None
    context.close()


def test_on_a_dark_page_the_charts_are_dark_and_on_paper_light(opened: Callable[..., Page]) -> None:
    page = opened(color_scheme="dark")
    page.locator("#dark-power svg").first.wait_for()
    assert page.locator("#dark-power").is_visible()
    assert not page.locator("#light-power").is_visible()
    page.emulate_media(media="print")
    assert page.locator("#light-power").is_visible()
    assert not page.locator("#dark-power").is_visible()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    page.emulate_media(media="screen", color_scheme="light")
    assert page.locator("#light-power").is_visible()


@pytest.mark.parametrize("width", [300, 700, 1400])
def test_nothing_sticks_out(opened: Callable[..., Page], width: int) -> None:
    page = opened(viewport={"width": width, "height": 700})
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_without_scripts_the_tables_are_there(opened: Callable[..., Page]) -> None:
    page = opened(java_script_enabled=False)
    assert "The charts need JavaScript" in page.locator("noscript").first.inner_text()
    assert page.locator("table").count() == 2
