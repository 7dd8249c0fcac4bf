"""What a person sees in JupyterLab after `%load_ext nbcarbon`, without another line of code."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from tests.browser.pages import BADGE, PANEL, STATUS

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.browser.pages import Notebook

LOAD = "%load_ext nbcarbon"
BUSY = "import time\nend = time.monotonic() + {}\nwhile time.monotonic() < end: sum(range(1000))"
MOST_POINTS = 600


def loaded(notebook: Notebook, name: str, *cells: str) -> Notebook:
    """A notebook whose first cell has loaded the extension, with the panel open."""
    notebook.open_cells(name, LOAD, *cells)
    notebook.show_panel()
    notebook.run(0)
    notebook.until(lambda: notebook.status() in ("live", "idle"))
    # The sampler has read everything once when it says where it is.
    notebook.page.locator(f"{PANEL} .nbcarbon-zone", has_text="FR").wait_for()
    return notebook


def test_run_all_shows_the_chart_while_the_first_long_cell_runs(notebook: Notebook) -> None:
    notebook.open_cells("all.ipynb", LOAD, BUSY.format(8), "x = 1")
    notebook.show_panel()
    notebook.run_all()
    notebook.until(lambda: notebook.counts()[0] == 1)
    started_s = time.monotonic()
    notebook.until(lambda: notebook.status() == "live")
    notebook.until(notebook.chart_is_there)
    shown_s = time.monotonic() - started_s

    assert notebook.counts()[2] is None  # the long cell still runs
    text = notebook.panel_text()
    assert "running" in text
    assert "Wh" in text
    assert notebook.page.locator(STATUS).inner_text().count("·") == 2
    notebook.until(lambda: notebook.counts()[2] is not None)
    notebook.until(lambda: notebook.status() == "idle")
    print(f"chart after {shown_s:.1f} s")


def test_figures_grow_while_a_cell_runs_and_the_chart_stays_small(notebook: Notebook) -> None:
    loaded(notebook, "grow.ipynb", BUSY.format(6))
    notebook.until(notebook.chart_is_there)
    notebook.start(1)
    seen: list[str] = []
    while notebook.counts()[1] is None:
        seen.append(notebook.page.locator(STATUS).inner_text())
        notebook.page.wait_for_timeout(200)
    notebook.until(lambda: notebook.status() == "idle")

    assert len(set(seen)) >= 4
    assert any("W ·" in each.replace("\u00a0", " ") for each in seen)
    assert notebook.page.locator(STATUS).inner_text().startswith("idle")
    notebook.command_and_wait("nbcarbon:toggle-panel")
    notebook.page.locator(PANEL).wait_for(state="hidden")
    notebook.page.locator(STATUS).get_by_role("button").click()
    notebook.page.locator(PANEL).wait_for(state="visible")
    assert 3 <= notebook.chart_points() <= MOST_POINTS


def test_each_cell_has_a_badge_with_range_and_method_in_its_tooltip(notebook: Notebook) -> None:
    loaded(notebook, "badges.ipynb", BUSY.format(1.2), "x = 1")
    notebook.run(1)
    notebook.run(2)
    notebook.until(lambda: all(notebook.badges()[1:]))
    badge = notebook.page.locator(BADGE).first
    tooltip = badge.get_attribute("title") or ""

    assert notebook.badges()[0] == ""  # its hooks came too late for this one
    assert "Wh" in notebook.badges()[1]
    assert " – " in tooltip
    assert "modelled" in tooltip
    assert "France, 31" in tooltip
    # Nothing is measured on this machine, and the look says so.
    assert badge.evaluate("each => getComputedStyle(each).fontStyle") == "italic"


def test_a_click_on_a_cells_bar_scrolls_to_the_cell(notebook: Notebook) -> None:
    loaded(notebook, "scroll.ipynb", BUSY.format(1.2), *["x = 1\n" * 30] * 12)
    notebook.run(1)
    notebook.until(lambda: notebook.badges()[1] != "")
    notebook.until(notebook.chart_is_there)
    notebook.select(12)
    panel = notebook.page.locator(PANEL)
    panel.get_by_role("tab", name="Cells").click()
    panel.get_by_role("button", name="cell 2").click()
    notebook.wait_for("() => window.__notebook().content.activeCellIndex === 1")


def test_what_if_shows_another_zone_and_takes_it_away(notebook: Notebook) -> None:
    loaded(notebook, "whatif.ipynb", BUSY.format(1.5))
    notebook.run(1)
    notebook.until(notebook.chart_is_there)
    panel = notebook.page.locator(PANEL)
    panel.get_by_role("tab", name="What if").click()
    compare = panel.get_by_label("Compare with", exact=True)
    compare.fill("PL · Poland")
    compare.press("Enter")
    panel.get_by_text("in Poland").wait_for()
    compare.fill("")
    compare.press("Enter")
    panel.get_by_text("in Poland").wait_for(state="detached")


def test_controls_set_zone_rule_pause_export_and_reset(notebook: Notebook) -> None:
    loaded(notebook, "controls.ipynb", "x = 1")
    notebook.run(1)
    notebook.until(lambda: notebook.badges()[1] != "")
    notebook.until(notebook.chart_is_there)
    panel = notebook.page.locator(PANEL)
    assert panel.get_by_label("Zone", exact=True).input_value() == "FR · France"
    panel.get_by_label("Zone", exact=True).fill("PL · Poland")
    panel.get_by_label("Zone", exact=True).press("Enter")
    panel.locator(".nbcarbon-zone", has_text="PL").wait_for()
    panel.get_by_label("Charge").select_option("This notebook's share")
    notebook.run(1)
    notebook.until(
        lambda: "share" in (notebook.page.locator(BADGE).first.get_attribute("title") or "")
    )
    panel.get_by_role("button", name="Pause").click()
    notebook.until(lambda: notebook.page.locator(STATUS).inner_text().startswith("paused"))
    panel.get_by_role("button", name="Resume").click()
    notebook.until(lambda: notebook.page.locator(STATUS).inner_text().startswith("idle"))
    for name, ending in (("JSON", ".json"), ("Report (HTML)", ".html")):
        panel.get_by_label("Export as").select_option(name)
        panel.get_by_role("button", name="Export").click()
        notebook.until(
            lambda e=ending: len(list(notebook.server.root.glob(f"controls-carbon-*{e}"))) == 1
        )
    panel.get_by_text("Written: controls-carbon-").wait_for()
    panel.get_by_role("button", name="Reset").click()
    panel.get_by_text("A new session has begun").wait_for()
    notebook.run(1)
    notebook.until(lambda: notebook.status() == "idle")
    panel.get_by_role("tab", name="Cells").click()
    notebook.until(lambda: panel.locator(".nbc-cells button").count() == 1)


def test_a_zone_nobody_has_is_a_sentence_in_the_panel(notebook: Notebook) -> None:
    loaded(notebook, "atlantis.ipynb")
    notebook.until(notebook.chart_is_there)
    panel = notebook.page.locator(PANEL)
    panel.get_by_label("Zone", exact=True).fill("Atlantis")
    panel.get_by_label("Zone", exact=True).press("Enter")
    panel.get_by_text("There is no zone 'Atlantis'.").wait_for()


def test_a_busy_kernel_is_said_and_what_was_set_is_done_when_the_cell_ends(
    notebook: Notebook,
) -> None:
    loaded(notebook, "busy.ipynb", BUSY.format(5))
    notebook.until(notebook.chart_is_there)
    notebook.start(1)
    panel = notebook.page.locator(PANEL)
    panel.get_by_text("The kernel is busy").wait_for()
    panel.get_by_label("Zone", exact=True).fill("PL · Poland")
    panel.get_by_label("Zone", exact=True).press("Enter")
    panel.locator(".nbcarbon-zone", has_text="PL").wait_for()
    assert notebook.counts()[1] is not None
    panel.get_by_text("The kernel is busy").wait_for(state="hidden")


def test_commands_of_the_palette_work(notebook: Notebook) -> None:
    loaded(notebook, "palette.ipynb", "x = 1")
    page = notebook.page
    notebook.command("nbcarbon:set-zone")
    page.get_by_role("dialog").get_by_role("combobox").fill("Poland")
    page.get_by_role("dialog").get_by_role("button", name="Set").click()
    page.locator(f"{PANEL} .nbcarbon-zone", has_text="PL").wait_for()
    notebook.command("nbcarbon:export-summary")
    page.get_by_role("dialog").get_by_role("textbox").fill("by-command.md")
    page.get_by_role("dialog").get_by_role("button", name="Export").click()
    notebook.until(lambda: (notebook.server.root / "by-command.md").exists())
    notebook.command("nbcarbon:doctor")
    page.get_by_role("dialog").get_by_text("nbcarbon").first.wait_for()
    page.get_by_role("dialog").get_by_role("button").last.click()
    notebook.command("nbcarbon:reset")
    page.get_by_role("dialog").get_by_role("button", name="Begin").click()
    page.get_by_text("A new session has begun").first.wait_for()
    notebook.command_and_wait("nbcarbon:toggle-panel")
    page.locator(PANEL).wait_for(state="hidden")


def test_settings_take_effect_at_once(notebook: Notebook) -> None:
    loaded(notebook, "settings.ipynb", "x = 1")
    notebook.run(1)
    notebook.until(lambda: notebook.badges()[1] != "")

    def save(raw: str) -> None:
        notebook.page.evaluate(
            "([raw]) => window.jupyterapp.serviceManager.settings.save('nbcarbon:plugin', raw)"
            ".then(() => window.jupyterapp.serviceManager.settings.fetch('nbcarbon:plugin'))",
            [raw],
        )

    save(
        '{"badges": false, "units": "J", "statusBar": {"energy": true, "power": false, "emissions": false}}'
    )
    notebook.reload()
    notebook.until(lambda: notebook.status() == "idle")
    notebook.run(1)
    notebook.until(lambda: "J" in notebook.page.locator(STATUS).inner_text())
    assert "·" not in notebook.page.locator(STATUS).inner_text()
    assert notebook.badges()[1] == ""
    save('{"writeMetadata": true}')
    notebook.reload()
    notebook.until(lambda: notebook.status() == "idle")
    notebook.run(1)
    notebook.until(lambda: notebook.badges()[1] != "")
    notebook.save()
    saved = (notebook.server.root / "settings.ipynb").read_text()
    assert '"nbcarbon"' in saved
    assert '"session"' not in saved.partition('"nbcarbon"')[2].partition("}")[0]


def test_without_the_setting_nothing_is_written_into_the_notebook(notebook: Notebook) -> None:
    loaded(notebook, "clean.ipynb", "x = 1")
    notebook.run(1)
    notebook.until(lambda: notebook.badges()[1] != "")
    notebook.save()

    assert '"nbcarbon": {' not in (notebook.server.root / "clean.ipynb").read_text()


def test_a_long_cell_shows_progress_and_then_its_card(notebook: Notebook) -> None:
    loaded(notebook, "progress.ipynb", "%%carbon slow\n" + BUSY.format(4))
    notebook.start(1)
    output = notebook.page.locator(".jp-OutputArea-output")
    output.get_by_text("so far").wait_for()
    assert notebook.counts()[1] is None
    output.locator("summary").wait_for()
    assert output.count() == 1
    assert "so far" not in output.inner_text()


def test_a_saved_notebook_shows_its_cards_without_a_kernel(
    new_notebook: Callable[..., Notebook],
) -> None:
    first = loaded(new_notebook(), "saved.ipynb", "%%carbon train\nx = 1")
    first.run(1)
    first.page.locator(".nbcarbon-card").wait_for()
    first.save()
    first.page.close()
    first.server.end_kernels()
    again = new_notebook()
    again.page.goto(f"{again.server.url}/lab/tree/saved.ipynb?reset&kernel=none")
    card = again.page.locator(".nbcarbon-card")
    card.wait_for()

    assert "train" in card.inner_text()
    assert "Wh" in card.inner_text()
    assert card.locator("script").count() == 0


def test_an_idle_kernel_can_be_ended_by_its_server(notebook: Notebook) -> None:
    """With a page open on it, a kernel where nothing runs does nothing that a server sees."""
    loaded(notebook, "idle.ipynb", "x = 1")
    notebook.run(1)
    notebook.until(notebook.chart_is_there)
    notebook.page.wait_for_timeout(3000)

    def last_activity() -> list[str]:
        return [each["last_activity"] for each in notebook.server.get("/api/kernels")]

    before = last_activity()
    notebook.page.wait_for_timeout(15_000)
    assert last_activity() == before


@pytest.mark.parametrize("width", [260, 300])
def test_nothing_is_cut_off_in_a_narrow_sidebar(notebook: Notebook, width: int) -> None:
    loaded(notebook, "narrow.ipynb", BUSY.format(2))
    notebook.run(1)
    notebook.until(notebook.chart_is_there)
    notebook.page.add_style_tag(
        content=f"{PANEL} {{ width: {width}px !important; max-width: {width}px !important; }}"
    )
    notebook.page.wait_for_timeout(300)
    cut = notebook.page.evaluate(
        """selector => [...document.querySelector(selector).querySelectorAll('*')]
          .filter(each => each.childElementCount === 0 && each.textContent.trim()
            && each.clientWidth > 0 && each.scrollWidth > each.clientWidth + 1
            && !each.title && !each.closest('[title]') && !each.closest('.nbc-hidden')
            && !each.closest('.nbcarbon-hidden') && each.tagName !== 'OPTION')
          .map(each => each.className + ': ' + each.textContent)""",
        PANEL,
    )
    wide = notebook.page.evaluate("selector => document.querySelector(selector).scrollWidth", PANEL)

    assert cut == []
    assert wide <= width
