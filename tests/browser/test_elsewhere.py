"""The same notebook where it is not JupyterLab that shows it: Notebook 7, Voila, a page of HTML."""

from __future__ import annotations

import subprocess
import sys
import urllib.error
import urllib.request
from typing import TYPE_CHECKING

import nbformat

from tests.browser.pages import BADGE, PANEL, write_notebook
from tests.browser.servers import free_port, server_environment
from tests.browser.test_live import BUSY, LOAD

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from playwright.sync_api import BrowserContext

    from tests.browser.pages import Notebook

VOILA_S = 60


def test_notebook_7_has_panel_badges_and_cards(new_notebook: Callable[..., Notebook]) -> None:
    notebook = new_notebook(app="notebook")
    write_notebook(notebook.server.root / "seven.ipynb", LOAD, "%%carbon train\n" + BUSY.format(2))
    notebook.open("seven.ipynb", reset=False)
    notebook.show_panel()
    notebook.run(0)
    notebook.until(lambda: notebook.status() in ("live", "idle"))
    notebook.run(1)
    notebook.until(notebook.chart_is_there)
    notebook.until(lambda: notebook.badges()[1] != "")
    notebook.page.locator(".nbcarbon-card").wait_for()
    assert notebook.page.locator(BADGE).count() == 1
    assert "Wh" in notebook.page.locator(PANEL).inner_text()


def test_voila_shows_the_panel(context: BrowserContext, tmp_path: Path, capfd: object) -> None:
    """Voila's own page asks others for fonts and formulas, which is not ours to forbid."""
    path = write_notebook(
        tmp_path / "dashboard.ipynb", LOAD, "x = sum(range(10**6))", "%carbon panel"
    )
    port = free_port()
    process = subprocess.Popen(
        [
            sys.executable, "-m", "voila", str(path), "--no-browser", f"--port={port}",
            "--Voila.ip=127.0.0.1",
        ],
        env={**server_environment(), "HOME": str(tmp_path), "NBCARBON_ZONE": "FR"},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        page = context.new_page()
        page.route(
            lambda url: f"127.0.0.1:{port}" not in url and not url.startswith(("data:", "blob:")),
            lambda route: route.abort(),
        )
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(error.message))
        _wait_for(f"http://127.0.0.1:{port}/voila/static/voila.js", page)
        page.goto(f"http://127.0.0.1:{port}/", wait_until="commit")
        panel = page.locator(".nbc")
        panel.wait_for(timeout=VOILA_S * 1000)
        page.locator("[data-nbc-ready]").wait_for(timeout=VOILA_S * 1000)
        assert "Wh" in panel.inner_text()
        assert page.get_by_label("Zone", exact=True).input_value() == "FR · France"
        assert [each for each in errors if "nbc" in each] == []
        page.close()
    finally:
        process.terminate()
        process.wait(20)


def _wait_for(url: str, page: object) -> None:
    import time

    deadline_s = time.monotonic() + VOILA_S
    while time.monotonic() < deadline_s:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except urllib.error.HTTPError as error:
            error.close()
            return
        except OSError:
            time.sleep(0.2)
    raise TimeoutError(url)


def test_nbconvert_and_whoever_knows_only_html_show_the_card_without_a_script(
    tmp_path: Path,
) -> None:
    path = write_notebook(tmp_path / "page.ipynb", "%%carbon train\nx = 1")
    done = subprocess.run(
        [sys.executable, "-m", "nbcarbon", "run", str(path), "--zone", "FR",
         "--output", str(tmp_path / "done.ipynb")],
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    executed = nbformat.read(tmp_path / "done.ipynb", as_version=4)
    (output,) = executed.cells[0].outputs
    assert set(output.data) == {
        "text/plain", "text/html", "application/vnd.nbcarbon.v1+json",
    }  # fmt: skip
    html = output.data["text/html"]
    assert "<script" not in html
    assert "train" in html
    subprocess.run(
        [sys.executable, "-m", "nbconvert", "--to", "html", "--template", "basic",
         str(tmp_path / "done.ipynb")],
        check=True, capture_output=True, timeout=120,
    )  # fmt: skip
    page = (tmp_path / "done.html").read_text(encoding="utf-8")
    assert '<div class="nbcarbon' in page
    assert "31 g/kWh" in page.replace("\u00a0", " ")
