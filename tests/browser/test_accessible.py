"""Whoever uses a keyboard, a screen reader, a dark theme or a magnifier sees and does the same."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.browser.pages import BADGE, PANEL
from tests.browser.test_live import BUSY, loaded

if TYPE_CHECKING:
    from tests.browser.pages import Notebook

AXE = Path(__file__).parents[2] / "labextension" / "node_modules" / "axe-core" / "axe.min.js"
THEMES = ("JupyterLab Light", "JupyterLab Dark")
SERIOUS = ("serious", "critical")


def violations(notebook: Notebook, *selectors: str) -> list[str]:
    """What axe-core finds fault with in these parts of the page."""
    notebook.page.add_script_tag(path=str(AXE))
    found: dict[str, Any] = notebook.page.evaluate(
        "selectors => axe.run({include: selectors.map(each => [each])})", list(selectors)
    )
    return [
        f"{each['id']}: {each['help']} {[node['html'][:120] for node in each['nodes']]}"
        for each in found["violations"]
        if each["impact"] in SERIOUS
    ]


def use_theme(notebook: Notebook, theme: str) -> None:
    notebook.command_and_wait("apputils:change-theme", {"theme": theme})
    notebook.wait_for("theme => document.body.dataset.jpThemeName === theme", theme)


@pytest.mark.parametrize("theme", THEMES)
def test_axe_finds_no_serious_fault_in_panel_badges_status_and_card(
    notebook: Notebook, theme: str
) -> None:
    loaded(notebook, "axe.ipynb", "%%carbon train\n" + BUSY.format(1.5), "x = 1")
    use_theme(notebook, theme)
    notebook.run(1)
    notebook.run(2)
    notebook.until(lambda: all(notebook.badges()[1:]))
    notebook.until(notebook.chart_is_there)
    shown = [PANEL, BADGE, "#nbcarbon-status", ".nbcarbon-card"]
    assert violations(notebook, *shown) == []
    panel = notebook.page.locator(PANEL)
    for tab in ("Cells", "What if"):
        panel.get_by_role("tab", name=tab).click()
        assert violations(notebook, PANEL) == []


def test_axe_would_find_a_fault(notebook: Notebook) -> None:
    loaded(notebook, "fault.ipynb")
    notebook.page.evaluate(
        """selector => { const button = document.createElement('button');
          document.querySelector(selector).append(button); }""",
        PANEL,
    )
    assert any(each.startswith("button-name") for each in violations(notebook, PANEL))


def test_tabs_move_by_arrow_keys_and_every_control_has_a_name(notebook: Notebook) -> None:
    loaded(notebook, "keys.ipynb", "x = 1")
    notebook.run(1)
    notebook.until(notebook.chart_is_there)
    panel = notebook.page.locator(PANEL)
    power, cells = (panel.get_by_role("tab", name=each) for each in ("Power", "Cells"))
    power.focus()
    notebook.page.keyboard.press("ArrowRight")
    assert cells.get_attribute("aria-selected") == "true"
    assert cells.evaluate("each => document.activeElement === each")
    notebook.page.keyboard.press("Home")
    assert power.get_attribute("aria-selected") == "true"
    for name in ("Zone", "Charge", "Export as"):
        assert panel.get_by_label(name, exact=True).is_visible()
    for name in ("Export", "Pause", "Reset"):
        assert panel.get_by_role("button", name=name).is_enabled()


def test_a_badge_is_a_note_with_range_and_method(notebook: Notebook) -> None:
    loaded(notebook, "note.ipynb", "x = 1")
    notebook.run(1)
    notebook.until(lambda: notebook.badges()[1] != "")
    badge = notebook.page.locator(BADGE).first
    said = badge.get_attribute("aria-label") or ""
    assert badge.get_attribute("role") == "note"
    assert "energy" in said
    assert "modelled" in said


def colour_behind(notebook: Notebook, selector: str) -> str:
    return str(
        notebook.page.evaluate(
            """selector => { let each = document.querySelector(selector);
              while (each && getComputedStyle(each).backgroundColor === 'rgba(0, 0, 0, 0)')
                each = each.parentElement;
              return each ? getComputedStyle(each).backgroundColor : ''; }""",
            selector,
        )
    )


def test_the_panel_follows_the_theme(notebook: Notebook) -> None:
    loaded(notebook, "theme.ipynb", BUSY.format(1.5))
    notebook.run(1)
    notebook.until(notebook.chart_is_there)
    use_theme(notebook, THEMES[0])
    light = colour_behind(notebook, f"{PANEL} .nbc")
    use_theme(notebook, THEMES[1])
    notebook.page.wait_for_timeout(300)
    dark = colour_behind(notebook, f"{PANEL} .nbc")

    assert light != dark
    ink = notebook.page.locator(f"{PANEL} .nbcarbon-figure").evaluate(
        "each => getComputedStyle(each).color"
    )
    light_ink = [int(part) for part in re.findall(r"[0-9]+", ink)[:3]]
    assert min(light_ink) > 128


def test_at_two_hundred_percent_nothing_overlaps_the_edge(notebook: Notebook) -> None:
    loaded(notebook, "zoom.ipynb", BUSY.format(1.5))
    notebook.run(1)
    notebook.until(notebook.chart_is_there)
    notebook.page.set_viewport_size({"width": 640, "height": 450})
    notebook.page.evaluate("() => { document.body.style.zoom = '1'; }")
    notebook.page.wait_for_timeout(300)
    inside, whole = notebook.page.locator(PANEL).evaluate(
        "each => [each.clientWidth, each.scrollWidth]"
    )
    assert whole <= inside + 1
