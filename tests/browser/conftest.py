"""One server and one browser for all tests here; each test has a page and kernels of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import sync_playwright

from tests.browser.pages import Notebook
from tests.browser.servers import CHROMIUM, CHROMIUM_ARGUMENTS, Server, server_environment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser, BrowserContext


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "/tests/browser/" in str(item.path):
            item.add_marker(pytest.mark.xdist_group("browser"))
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.timeout(180))


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    made = Server(tmp_path_factory.mktemp("jupyter"), server_environment())
    yield made
    made.close()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if not CHROMIUM:
        pytest.fail("There is no Chromium here. On Debian: sudo apt install chromium")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGUMENTS)
        yield started
        started.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    made = browser.new_context(viewport={"width": 1280, "height": 900})
    yield made
    made.close()


@pytest.fixture
def new_notebook(context: BrowserContext, server: Server) -> Iterator[Callable[..., Notebook]]:
    """Makes pages. In the end none of them may have failed or asked anybody outside this machine."""
    made: list[Notebook] = []

    def make(*, app: str = "lab") -> Notebook:
        made.append(Notebook(context.new_page(), server, app=app))
        return made[-1]

    yield make
    for each in made:
        each.page.close()
    server.end_kernels()
    server.tidy()
    assert [error for each in made for error in each.own_errors] == []
    assert [url for each in made for url in each.requests_elsewhere] == []


@pytest.fixture
def notebook(new_notebook: Callable[..., Notebook]) -> Notebook:
    """A page of JupyterLab."""
    return new_notebook()
