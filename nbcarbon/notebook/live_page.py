"""What a page that shows the notebook gets: its comm, the live messages, the panel's widget.

Made once such a page is known to be there: the request that ran a cell named the cell. Preparing is
done on a thread of its own and in a helper process, never in a user's cell, and the kernel itself
imports no Bokeh. Where something is missing the page still has its figures, without a chart.
"""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Any

from nbcarbon.errors import NbcarbonError, PanelError
from nbcarbon.notebook.comm import PageComm
from nbcarbon.notebook.feed import Feed
from nbcarbon.notebook.requests import Requests
from nbcarbon.panel import view_model

if TYPE_CHECKING:
    from collections.abc import Callable

    from nbcarbon.app import App
    from nbcarbon.panel.prepare import Prepared
    from nbcarbon.panel.widget import Panel


class LivePage:
    """One kernel's page. It outlives a session: `follow` shows another one in the same place."""

    def __init__(self, app: App, *, reset: Callable[[], None]) -> None:
        self._reset = reset
        self._panel: Panel | None = None
        self._prepared: Prepared | None = None
        self._comm: PageComm | None = None
        self._building = threading.Lock()
        self._closed = False
        self._take(app)

    def _take(self, app: App) -> None:
        self._app = app
        self._feed = Feed(app.meter)
        self._requests = Requests(app, self._feed, bokehjs=self._bokehjs, reset=self._reset)

    def start(self) -> None:
        """A page is there: prepare what it shows. Takes a second: for a thread of its own."""
        try:
            self._comm = PageComm(self._hear)
            self._listen()
            self._feed.tell_state()
            self.panel()
            found = self._bokehjs()
            if found is not None and not self._closed:
                self._comm.send(view_model.bokehjs(found[0]), [found[1]])
                self._feed.tell_state()
        except NbcarbonError:
            pass  # the page shows figures without a chart, and `%carbon panel` says why
        finally:
            if self._closed:
                self._let_go()  # unloaded meanwhile

    def follow(self, app: App) -> None:
        """Show another session from now on."""
        before = self._feed
        self._app.meter.unsubscribe(before.heard)
        self._take(app)
        if self._comm is None and self._panel is None:
            return
        self._feed.panel, self._feed.bokeh = before.panel, before.bokeh
        self._listen()

    def close(self) -> None:
        """Take leave of the page."""
        self._closed = True
        self._app.meter.unsubscribe(self._feed.heard)
        self._feed.send(view_model.bye())
        self._let_go()

    def _let_go(self) -> None:
        if self._comm is not None:
            self._comm.close()
        if self._panel is not None:
            self._panel.close()

    def text(self) -> str:
        """The panel in words, for a terminal or a notebook that nobody runs."""
        return self._feed.text()

    def panel(self) -> Panel:
        """The panel's widget, made now where it is not there yet.

        Raises PanelError where a package is missing or the chart library cannot be prepared.
        """
        with self._building:
            if self._panel is None:
                self._panel = self._build()
                self._feed.panel = self._panel.model_id
                self._feed.bokeh = self._panel.bokeh
                self._listen()
            return self._panel

    # Making it

    def _build(self) -> Panel:
        from concurrent.futures import ThreadPoolExecutor

        from nbcarbon import settings
        from nbcarbon.panel.prepare import prepare

        with ThreadPoolExecutor(1, "nbcarbon-charts") as pool:
            # Two packages to import, one here and one in the helper process: side by side.
            prepared = pool.submit(prepare, settings.cache_folder(os.environ), os.environ)
            try:
                from nbcarbon.panel.widget import Panel
            except ImportError as error:
                raise PanelError(
                    f"The panel needs {error.name}.", hint="Run: pip install ipywidgets anywidget"
                ) from None
            self._prepared = prepared.result()
        return Panel(
            self._prepared,
            snapshot=self._snapshot,
            choices=self._app.choices(),
            asked=self._hear,
        )

    def _listen(self) -> None:
        """Tell whoever is there of what the meter says."""
        for sink in (self._comm, self._panel):
            if sink is not None:
                self._feed.add(sink)
        self._app.meter.unsubscribe(self._feed.heard)
        self._app.meter.subscribe(self._feed.heard)

    def _snapshot(self) -> list[dict[str, Any]]:
        """Everything a widget needs that is drawn now: on a page that was loaded again, say."""
        return [self._feed.state(), self._feed.cells(), self._feed.history()]

    def _bokehjs(self) -> tuple[str, bytes] | None:
        prepared = self._prepared
        return None if prepared is None else (prepared.version, prepared.bokehjs)

    def _hear(self, data: Any, sink: Any) -> None:
        self._requests.handle(data, sink)
