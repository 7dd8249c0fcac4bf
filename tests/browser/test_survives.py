"""What happens to notebooks, kernels and pages, and what is still right afterwards."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from tests.browser.pages import BADGE, PANEL, STATUS, write_notebook
from tests.browser.test_live import BUSY, LOAD, loaded

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.browser.pages import Notebook


def test_a_page_is_loaded_again_in_the_middle_of_a_cell(notebook: Notebook) -> None:
    loaded(notebook, "reload.ipynb", BUSY.format(12))
    notebook.run(0)
    notebook.until(notebook.chart_is_there)
    notebook.save()
    notebook.start(1)
    notebook.until(lambda: notebook.status() == "live")
    notebook.page.wait_for_timeout(1500)
    notebook.page.reload()  # and no waiting for its kernel, which has no time to answer
    notebook.wait_for("() => window.jupyterapp?.commands.hasCommand('nbcarbon:toggle-panel')")
    notebook.wait_for("() => window.__notebook()?.content.widgets.length === 2")
    notebook.show_panel()
    # Head and status bar come with the next message, chart and badges when the kernel is free.
    notebook.until(lambda: notebook.status() == "live", timeout_s=10)
    assert "W" in notebook.page.locator(STATUS).inner_text()
    notebook.until(lambda: notebook.status() == "idle")
    notebook.until(notebook.chart_is_there)
    notebook.until(lambda: notebook.badges()[1] != "")
    assert notebook.chart_points() >= 3


def test_a_page_is_loaded_again_while_nothing_runs(notebook: Notebook) -> None:
    loaded(notebook, "again.ipynb", BUSY.format(1.5))
    notebook.run(1)
    notebook.until(lambda: notebook.badges()[1] != "")
    energy = notebook.page.locator(f"{PANEL} .nbcarbon-energy").inner_text()
    notebook.save()
    notebook.reload()
    notebook.show_panel()
    notebook.until(lambda: notebook.status() == "idle")
    notebook.until(notebook.chart_is_there)
    notebook.until(lambda: notebook.badges()[1] != "")
    again = notebook.page.locator(f"{PANEL} .nbcarbon-energy").inner_text()
    assert again.split()[-1] == energy.split()[-1]


def test_a_kernel_is_restarted(notebook: Notebook) -> None:
    loaded(notebook, "restart.ipynb", "x = 1")
    notebook.run(1)
    notebook.until(lambda: notebook.badges()[1] != "")
    notebook.page.evaluate("() => window.__notebook().sessionContext.session.kernel.restart()")
    notebook.until(lambda: notebook.status() == "absent")
    notebook.page.locator(STATUS).wait_for(state="hidden")
    assert notebook.page.locator(f"{PANEL} .nbc").count() == 0
    assert "%load_ext nbcarbon" in notebook.panel_text()
    notebook.run(0)
    notebook.until(lambda: notebook.status() in ("live", "idle"))
    notebook.until(notebook.chart_is_there)
    notebook.run(1)
    notebook.until(lambda: notebook.badges()[1] != "")


def test_a_kernel_dies(notebook: Notebook) -> None:
    loaded(notebook, "dies.ipynb", "import os\nos._exit(1)")
    notebook.start(1)
    notebook.until(lambda: notebook.status() in ("absent", "none"))


def test_the_extension_is_unloaded(notebook: Notebook) -> None:
    loaded(notebook, "unload.ipynb", "%unload_ext nbcarbon", "x = 1")
    notebook.run(1)
    notebook.until(lambda: notebook.status() == "absent")
    notebook.run(2)
    assert notebook.badges()[2] == ""


def test_two_notebooks_have_figures_of_their_own(notebook: Notebook) -> None:
    loaded(notebook, "one.ipynb", BUSY.format(1.5))
    notebook.run(1)
    notebook.until(lambda: notebook.status() == "idle")
    first = notebook.page.locator(f"{PANEL} .nbcarbon-session").inner_text()
    write_notebook(notebook.server.root / "two.ipynb", LOAD, "x = 1")
    notebook.command_and_wait("docmanager:open", {"path": "two.ipynb"})
    notebook.wait_until_ready()
    notebook.until(lambda: notebook.status() == "absent")
    notebook.page.locator(STATUS).wait_for(state="hidden")
    notebook.run(0)
    notebook.until(lambda: notebook.status() in ("live", "idle"))
    assert notebook.page.locator(f"{PANEL} .nbcarbon-session").inner_text().startswith("two.ipynb")
    notebook.command_and_wait("docmanager:open", {"path": "one.ipynb"})
    notebook.until(
        lambda: (
            notebook.page.locator(f"{PANEL} .nbcarbon-session").inner_text().split()[0]
            == first.split()[0]
        )
    )
    notebook.until(notebook.chart_is_there)


def test_two_views_of_one_notebook_share_its_figures(notebook: Notebook) -> None:
    loaded(notebook, "views.ipynb", "x = 1")
    notebook.run(1)
    notebook.until(lambda: notebook.badges()[1] != "")
    notebook.command_and_wait("docmanager:clone")
    notebook.wait_until_ready()
    notebook.until(lambda: notebook.page.locator(BADGE).count() == 2)
    notebook.run(1)
    notebook.until(lambda: len({*notebook.page.locator(BADGE).all_inner_texts()}) == 1)
    assert notebook.page.locator(BADGE).count() == 2
    assert notebook.status() == "idle"


def test_cells_are_moved_deleted_duplicated_and_run_again(notebook: Notebook) -> None:
    loaded(notebook, "cells.ipynb", "a = 1", "b = 2", "c = 3")
    for index in (1, 2, 3):
        notebook.run(index)
    notebook.until(lambda: all(notebook.badges()[1:]))
    notebook.page.evaluate(
        "() => { const shown = window.__notebook().content;"
        " [...shown.node.querySelectorAll('.nbc-badge')].forEach((each, n) => { each.dataset.test = n; }); }"
    )
    one, two, three = notebook.badges()[1:]

    notebook.select(3)
    notebook.command_and_wait("notebook:move-cell-up")
    notebook.until(lambda: notebook.badges()[1:] == [one, three, two])

    notebook.select(1)
    notebook.command_and_wait("notebook:duplicate-below")
    notebook.until(lambda: len(notebook.badges()) == 5)
    assert notebook.badges()[1:] == [one, "", three, two]  # a copy cost nothing yet

    notebook.select(2)
    notebook.command_and_wait("notebook:delete-cell")
    notebook.until(lambda: notebook.badges()[1:] == [one, three, two])

    notebook.run(1)
    notebook.page.wait_for_timeout(500)
    assert all(" + " not in each for each in notebook.badges())
    assert all(notebook.badges()[1:])


def test_a_cell_that_runs_again_is_not_shown_with_what_it_cost_before(notebook: Notebook) -> None:
    loaded(notebook, "stale.ipynb", BUSY.format(3))
    notebook.run(1)
    notebook.until(lambda: notebook.badges()[1] != "")
    notebook.start(1)
    notebook.page.locator(".nbc-badge.nbc-stale").wait_for()
    notebook.page.locator(".nbc-badge:not(.nbc-stale)").wait_for()


def test_a_windowed_notebook_keeps_its_badges(notebook: Notebook) -> None:
    notebook.server.configure(
        {"@jupyterlab/notebook-extension/tracker.jupyterlab-settings": {"windowingMode": "full"}}
    )
    loaded(notebook, "windowed.ipynb", *["x = 1\n" * 20] * 40)
    for index in (1, 2):
        notebook.run(index)
    notebook.until(lambda: all(notebook.badges()[1:3]))
    before = notebook.badges()[1:3]
    shown = notebook.page.locator(f"{BADGE}:visible")
    scroll = """index => { const shown = window.__notebook().content;
      shown.activeCellIndex = index; return shown.scrollToItem(index); }"""
    notebook.page.evaluate(scroll, 40)
    notebook.until(lambda: shown.count() == 0)
    notebook.page.evaluate(scroll, 0)
    notebook.until(lambda: shown.count() == 2)
    assert notebook.badges()[1:3] == before


def test_a_kernel_without_nbcarbon_is_told_nothing(notebook: Notebook) -> None:
    notebook.open_cells("without.ipynb", "x = 1")
    notebook.show_panel()
    sent: list[Any] = []
    notebook.page.on(
        "websocket",
        lambda socket: socket.on("framesent", lambda frame: sent.append(frame)),
    )
    notebook.run(0)
    notebook.until(lambda: notebook.status() == "absent")
    assert notebook.badges() == [""]
    assert not any(b"nbcarbon.v1" in _bytes(each) for each in sent)


def _bytes(frame: Any) -> bytes:
    return frame if isinstance(frame, bytes) else str(frame).encode()


def spoken(*versions: int) -> str:
    """A kernel side of another version: it says so in each message."""
    return (
        "import comm\n"
        "c = comm.create_comm(target_name='nbcarbon', comm_id='nbcarbon.v1', primary=False)\n"
        "comm.get_comm_manager().register_comm(c)\n"
        + "".join(f"c.send({{'type': 'state', 'v': {each}, 'text': 7}})\n" for each in versions)
    )


@pytest.mark.parametrize("version", [0, 2])
def test_an_older_or_newer_nbcarbon_in_the_kernel_is_said_and_breaks_nothing(
    notebook: Notebook, version: int
) -> None:
    notebook.open_cells("other.ipynb", spoken(version), "x = 1")
    notebook.show_panel()
    notebook.run(0)
    notebook.until(lambda: notebook.status() == "version")
    assert "version" in notebook.panel_text()
    notebook.page.locator(STATUS).wait_for(state="hidden")


def test_what_is_no_message_is_ignored(notebook: Notebook) -> None:
    notebook.open_cells("garbage.ipynb", spoken(1, 1), "x = 1")
    notebook.show_panel()
    notebook.run(0)
    notebook.run(1)
    assert notebook.status() in ("none", "absent")


def sampler_of(notebook: Notebook) -> int:
    """The sampler's process of the only kernel there is."""
    (found,) = [
        each.pid
        for each in psutil.Process(notebook.server.process.pid).children(recursive=True)
        if any("_sampler.py" in part for part in each.cmdline())
    ]
    return found


def test_a_silent_sampler_is_said_by_the_browsers_own_clock(notebook: Notebook) -> None:
    loaded(notebook, "silent.ipynb", "import time\ntime.sleep(9)")
    notebook.start(1)
    notebook.until(lambda: notebook.status() == "live")
    pid = sampler_of(notebook)
    os.kill(pid, signal.SIGSTOP)
    try:
        notebook.until(lambda: notebook.status() == "silent", timeout_s=8)
        assert "no news for" in notebook.page.locator(STATUS).inner_text()
        assert "no news for" in notebook.panel_text()
    finally:
        os.kill(pid, signal.SIGCONT)
    notebook.until(lambda: notebook.status() == "idle")


def test_a_kernel_stuck_in_c_code_is_said_too(notebook: Notebook) -> None:
    loaded(notebook, "stuck.ipynb", f"import time\ntime.sleep(1.5)\n{STUCK}")
    notebook.start(1)
    notebook.until(lambda: notebook.status() == "live")
    notebook.until(lambda: notebook.status() == "silent", timeout_s=20)
    assert "no news for" in notebook.page.locator(STATUS).inner_text()
    notebook.until(lambda: notebook.status() == "idle")


STUCK = "import ctypes\nctypes.PyDLL(None).sleep(8)"
"""`PyDLL` keeps the interpreter's lock, as an extension module in C may."""


def test_a_name_full_of_markup_is_text(notebook: Notebook) -> None:
    payload = "<img src=x onerror=window.__pwned=1>"
    loaded(notebook, "markup.ipynb", f"%%carbon {payload}\nimport time\ntime.sleep(2.5)")
    notebook.run(1)
    notebook.until(lambda: notebook.badges()[1] != "")
    notebook.until(notebook.chart_is_there)
    panel = notebook.page.locator(PANEL)
    panel.get_by_role("tab", name="Cells").click()
    panel.get_by_text("<img src=x").first.wait_for()
    assert notebook.page.evaluate("() => window.__pwned === undefined")


def test_update_latency(notebook: Notebook, record_property: Callable[[str, object], None]) -> None:
    """From the kernel's `send` to the frame that the page draws next (printed, not limited)."""
    loaded(notebook, "latency.ipynb", BUSY.format(8))
    notebook.until(notebook.chart_is_there)
    notebook.page.evaluate(
        """() => {
          window.__delays = [];
          const kernel = window.__notebook().sessionContext.session.kernel;
          kernel.iopubMessage.connect((_, message) => {
            if (message.header.msg_type !== 'comm_msg') return;
            if (message.content.comm_id !== 'nbcarbon.v1') return;
            if (message.content.data.type !== 'state') return;
            const sent = Date.parse(message.header.date);
            requestAnimationFrame(() => window.__delays.push(Date.now() - sent));
          });
        }"""
    )
    notebook.run(1)
    delays: list[float] = notebook.page.evaluate("() => window.__delays.sort((a, b) => a - b)")
    record_property("median_ms", delays[len(delays) // 2])
    print(f"update latency: median {delays[len(delays) // 2]} ms, most {delays[-1]} ms")
    assert len(delays) >= 6
