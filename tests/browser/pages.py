"""A notebook in a real browser, driven as a person would: open, run, look."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import nbformat
from playwright.sync_api import Error as PageError

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import ConsoleMessage, Error, Page, Request

    from tests.browser.servers import Server

WAIT_MS = 30_000

PANEL = "#nbcarbon-panel"
BADGE = ".nbc-badge"
STATUS = "#nbcarbon-status"

# Waiting for objects and not for what is drawn: an indicator says `idle` before there is a kernel,
# and a key pressed then is lost.
_READY = """async () => {
  const widget = window.__notebook();
  if (!widget?.context || !widget.content?.widgets) return false;
  await widget.context.ready;
  await widget.revealed;
  await widget.sessionContext.ready;
  const kernel = widget.sessionContext.session?.kernel;
  if (!kernel) return false;
  await kernel.info;
  return window.jupyterapp.commands.hasCommand('nbcarbon:toggle-panel')
    && widget.content.widgets.length > 0;
}"""
# With the focus in a sidebar no widget of the main area is the current one.
_FIND = """window.__notebook = () => {
  const shell = window.jupyterapp?.shell;
  if (!shell) return null;
  const current = shell.currentWidget;
  if (current?.context && current.content?.widgets) return current;
  return [...shell.widgets('main')].find(
    each => each.context && each.content?.widgets && each.isVisible) ?? null;
};"""
_COUNTS = """() => window.__notebook().content.widgets
  .filter(each => each.model.type === 'code').map(each => each.model.executionCount)"""
_NOISE = (
    "Canceled future for",
    "reading 'schema'",
    "Kernel connection",
    "Connection lost",
    "Command 'filebrowser:open-path' not registered",
)
"""What Jupyter's own pages say of themselves on a reload or restart."""


def write_notebook(path: Path, *cells: str) -> Path:
    made = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(each) for each in cells],
        metadata={
            "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}
        },
    )
    nbformat.write(made, path)
    return path


class Notebook:
    """One page with one notebook open."""

    def __init__(self, page: Page, server: Server, *, app: str = "lab") -> None:
        self.page = page
        self.server = server
        self.app = app
        self.errors: list[str] = []
        self.requests: list[str] = []
        page.set_default_timeout(WAIT_MS)
        page.add_init_script(_FIND)
        page.on("pageerror", self._failed)
        page.on("console", self._logged)
        page.on("request", self._asked)

    # What went wrong

    def _failed(self, error: Error) -> None:
        self.errors.append(f"{error.message}\n{error.stack or ''}")

    def _logged(self, message: ConsoleMessage) -> None:
        if message.type == "error" and "nbcarbon" in message.text:
            self.errors.append(message.text)

    def _asked(self, request: Request) -> None:
        self.requests.append(request.url)

    @property
    def own_errors(self) -> list[str]:
        """Errors of the page but those that Jupyter makes without us."""
        return [each for each in self.errors if not any(noise in each for noise in _NOISE)]

    @property
    def requests_elsewhere(self) -> list[str]:
        here = (f"127.0.0.1:{self.server.port}", "")
        return [
            each
            for each in self.requests
            if urlsplit(each).netloc not in here and not each.startswith(("data:", "blob:"))
        ]

    # Opening

    def open(self, name: str, *, reset: bool = True) -> Notebook:
        """Open a notebook of the server's folder and wait for its kernel."""
        folder = "lab/tree" if self.app == "lab" else "notebooks"
        self.page.goto(f"{self.server.url}/{folder}/{name}{'?reset' if reset else ''}")
        return self.wait_until_ready()

    def open_cells(self, name: str, *cells: str) -> Notebook:
        """Write a notebook and open it."""
        write_notebook(self.server.root / name, *cells)
        return self.open(name)

    def reload(self) -> Notebook:
        self.page.reload()
        return self.wait_until_ready()

    def wait_until_ready(self) -> Notebook:
        self.until(self._is_ready)
        return self

    def _is_ready(self) -> bool:
        try:
            return bool(self.page.evaluate(_READY))
        except PageError:
            return False  # the page is on its way to another

    # Doing

    def command(self, name: str, arguments: dict[str, Any] | None = None) -> None:
        """Carry out a command of the application, without waiting for its end."""
        self.page.evaluate(
            "([name, given]) => { void window.jupyterapp.commands.execute(name, given); }",
            [name, arguments or {}],
        )

    def command_and_wait(self, name: str, arguments: dict[str, Any] | None = None) -> Any:
        return self.page.evaluate(
            "([name, given]) => window.jupyterapp.commands.execute(name, given).then(() => true)",
            [name, arguments or {}],
        )

    def select(self, index: int) -> None:
        self.page.evaluate(
            "index => { window.__notebook().content.activeCellIndex = index; }",
            index,
        )

    def start(self, index: int) -> None:
        """Run a cell, and do not wait for it."""
        self.select(index)
        self.command("notebook:run-cell")

    def run(self, index: int) -> None:
        """Run a cell to its end."""
        self.select(index)
        self.command_and_wait("notebook:run-cell")

    def run_all(self) -> None:
        self.command("notebook:run-all-cells")

    def counts(self) -> list[int | None]:
        """The execution count of each code cell."""
        found: list[int | None] = self.page.evaluate(_COUNTS)
        return found

    def save(self) -> None:
        self.command_and_wait("docmanager:save")

    def show_panel(self) -> None:
        """Open the sidebar on our panel."""
        if not self.page.locator(PANEL).is_visible():
            self.command_and_wait("nbcarbon:toggle-panel")
        self.page.locator(PANEL).wait_for(state="visible")

    # Looking

    def wait_for(self, script: str, argument: Any = None, timeout_ms: float = WAIT_MS) -> None:
        self.page.wait_for_function(script, arg=argument, timeout=timeout_ms)

    def until(self, done: Any, timeout_s: float = WAIT_MS / 1000) -> None:
        """Wait until something is so."""
        deadline_s = time.monotonic() + timeout_s
        while not done():
            if time.monotonic() > deadline_s:
                raise TimeoutError("it did not become so")
            self.page.wait_for_timeout(50)

    def badges(self) -> list[str]:
        """The text of each badge there is, by the order of their cells; empty where a cell has none."""
        found: list[str] = self.page.evaluate(
            """() => window.__notebook().content.widgets
              .filter(each => each.model.type === 'code')
              .map(each => [...each.node.querySelectorAll('.nbc-badge')]
                .map(badge => badge.textContent).join(' + '))"""
        )
        return found

    def panel_text(self) -> str:
        return self.page.locator(PANEL).inner_text()

    def status(self) -> str:
        return str(self.page.locator(PANEL).get_attribute("data-nbc-status"))

    def chart_is_there(self) -> bool:
        return self.page.locator(f"{PANEL} [data-nbc-ready]").count() > 0

    def chart_points(self) -> int:
        """How many points the live chart holds, wherever Bokeh keeps it."""
        count: int = self.page.evaluate(
            """() => Math.max(0, ...(window.Bokeh?.documents ?? []).flatMap(doc =>
              [doc.get_model_by_name('power')].filter(Boolean)
                .map(source => source.get_length?.() ?? 0)))"""
        )
        return count

    def shot(self, path: Path) -> None:
        with contextlib.suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=str(path))
