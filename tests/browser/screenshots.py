"""The README's pictures: `python -m tests.browser.screenshots FOLDER`.

They are of the real thing in a real browser, on the stand-in hardware of the tests: a machine without
a GPU can show what one with a GPU looks like, and the figures are known.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.browser.pages import PANEL, Notebook, write_notebook
from tests.browser.servers import CHROMIUM, CHROMIUM_ARGUMENTS, Server, server_environment
from tests.stand_in.nvml import FakeGpu, StandIn
from tests.stand_in.powercap import FakePowercap, Profile

SIZE = {"width": 1180, "height": 760}
REPORT_SIZE = {"width": 760, "height": 1060}
CELLS = (
    "%load_ext nbcarbon",
    "import time\n\ntime.sleep(4)  # read the data",
    "%%carbon train\nfor epoch in range(3):\n    time.sleep(5)",
    "time.sleep(3)  # evaluate",
    "%%carbon fine-tune\ntime.sleep(600)",
)
IDLE_W, BUSY_W = 42.0, 236.0
PAUSE_S = 3.0


class Bench:
    """A machine with two CPU packages and a GPU that is busy when it is told to be."""

    def __init__(self, folder: Path) -> None:
        self.driver = StandIn(folder)
        self.start_s = time.monotonic()
        self.steps = [(0.0, IDLE_W)]
        self.tree = FakePowercap.xeon(folder / "powercap")
        watts = {
            "intel-rapl:0": 38.0,
            "intel-rapl:1": 21.0,
            "intel-rapl:0:0": 6.0,
            "intel-rapl:1:0": 5.0,
        }
        self.profiles = {
            name: Profile(((7.0, watt), (2.0, 1.25 * watt)), self.start_s)
            for name, watt in watts.items()
        }
        self._tell()

    def busy(self, power_w: float) -> None:
        """The GPU draws so much from now on."""
        self.steps.append((time.monotonic() - self.start_s, power_w))
        self._tell()

    def _tell(self) -> None:
        gpu = FakeGpu(
            "GPU-aaaa0000-0000-0000-0000-000000000001",
            "NVIDIA A100",
            tuple(self.steps),
            self.start_s,
        )
        self.driver.write(gpu)

    def environment(self) -> dict[str, str]:
        return {**self.driver.environment(), "NBCARBON_POWERCAP_ROOT": str(self.tree.root)}


def work(notebook: Notebook, bench: Bench) -> None:
    """Run the notebook as somebody would, up to the middle of its last cell."""
    notebook.run(0)
    notebook.until(lambda: notebook.status() in ("live", "idle"))
    notebook.until(notebook.chart_is_there)
    notebook.page.wait_for_timeout(1000 * PAUSE_S)
    for index, power_w in ((1, IDLE_W), (2, BUSY_W), (3, 0.6 * BUSY_W)):
        bench.busy(power_w)
        notebook.run(index)
        bench.busy(IDLE_W)
        notebook.page.wait_for_timeout(1000 * PAUSE_S)
    bench.busy(BUSY_W)
    notebook.start(4)
    notebook.until(lambda: "running" in notebook.panel_text())
    notebook.page.wait_for_timeout(9000)


def take(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        bench = Bench(Path(temporary) / "hardware")
        with bench.tree.start_writer(bench.profiles):
            server = Server(
                Path(temporary) / "jupyter", {**server_environment(), **bench.environment()}
            )
            try:
                _pictures(folder, server, bench)
            finally:
                server.end_kernels()
                server.close()


def _pictures(folder: Path, server: Server, bench: Bench) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGUMENTS)
        page = browser.new_context(viewport=SIZE, device_scale_factor=1.5).new_page()  # type: ignore[arg-type]
        notebook = Notebook(page, server)
        notebook.open_cells("training.ipynb", *CELLS)
        notebook.command_and_wait("application:toggle-left-area")
        notebook.show_panel()
        work(notebook, bench)
        notebook.select(3)
        notebook.shot(folder / "jupyterlab.png")
        panel = page.locator(PANEL)
        panel.screenshot(path=str(folder / "panel.png"))
        panel.get_by_role("tab", name="Cells").click()
        panel.screenshot(path=str(folder / "panel-cells.png"))
        panel.get_by_role("tab", name="Power").click()
        notebook.command_and_wait("apputils:change-theme", {"theme": "JupyterLab Dark"})
        page.wait_for_timeout(1500)
        notebook.shot(folder / "jupyterlab-dark.png")
        notebook.command("notebook:interrupt-kernel")
        notebook.until(lambda: notebook.status() == "idle")
        notebook.command_and_wait("apputils:change-theme", {"theme": "JupyterLab Light"})
        notebook.save()
        _report(folder, notebook)
        page.close()
        server.end_kernels()
        _notebook_7(folder, server, browser)
        browser.close()


def _report(folder: Path, notebook: Notebook) -> None:
    """The session as a report, as far as a screen reaches."""
    panel = notebook.page.locator(PANEL)
    panel.get_by_label("Export as").select_option("Report (HTML)")
    panel.get_by_role("button", name="Export").click()
    notebook.until(lambda: any(notebook.server.root.glob("*.html")))
    (path,) = notebook.server.root.glob("*.html")
    context = notebook.page.context.browser.new_context(  # type: ignore[union-attr]
        viewport=REPORT_SIZE,  # type: ignore[arg-type]
        device_scale_factor=1.5,
    )
    page = context.new_page()
    page.goto(path.as_uri())
    page.locator("#light-elsewhere svg").first.wait_for()
    page.screenshot(path=str(folder / "report.png"))
    context.close()


def _notebook_7(folder: Path, server: Server, browser: object) -> None:
    page = browser.new_context(viewport=SIZE, device_scale_factor=1.5).new_page()  # type: ignore[attr-defined]
    seven = Notebook(page, server, app="notebook")
    write_notebook(server.root / "seven.ipynb", CELLS[0], "%%carbon sum\nsum(range(60_000_000))")
    seven.open("seven.ipynb", reset=False)
    seven.show_panel()
    seven.run(0)
    seven.until(seven.chart_is_there)
    seven.run(1)
    seven.until(lambda: seven.badges()[1] != "")
    page.wait_for_timeout(500)
    seven.shot(folder / "notebook7.png")
    page.close()


if __name__ == "__main__":
    take(Path(sys.argv[1]))
