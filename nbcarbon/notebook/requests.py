"""What a page asks for, done by the session. Anything may come in: what is not understood is ignored.

A kernel hands such messages to its main thread or to a subshell's, as it likes, so one is done at a
time. Errors are answers: one sentence, shown on the page.
"""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Any, Final

from nbcarbon import app as sessions
from nbcarbon.core.humanize import plain
from nbcarbon.errors import NbcarbonError, SettingError
from nbcarbon.panel import view_model

if TYPE_CHECKING:
    from collections.abc import Callable

    from nbcarbon.app import App
    from nbcarbon.notebook.feed import Feed, Sink

LONGEST_VALUE: Final = 1000


class Requests:
    """Answers of one session. `bokehjs` and `reset` belong to the page that is shown."""

    def __init__(
        self,
        app: App,
        feed: Feed,
        *,
        bokehjs: Callable[[], tuple[str, bytes] | None],
        reset: Callable[[], None],
    ) -> None:
        self._app = app
        self._feed = feed
        self._bokehjs = bokehjs
        self._reset = reset
        self._lock = threading.RLock()

    def handle(self, data: Any, sink: Sink) -> None:
        """Do what a page asked for, and answer it."""
        if not isinstance(data, dict) or data.get("v") != view_model.VERSION:
            return
        do = {
            "need": self._need,
            "set": self._set,
            "export": self._export,
            "reset": self._begin_anew,
        }.get(str(data.get("type")))
        if do is None:
            return
        with self._lock:
            try:
                do(data, sink)
            except NbcarbonError as error:
                sink.send(view_model.said(str(error), ok=False))

    def _need(self, data: dict[str, Any], sink: Sink) -> None:
        what = data.get("what")
        if what == "state":
            sink.send(self._feed.state())
        elif what == "cells":
            sink.send(self._feed.cells())
        elif what == "history":
            sink.send(self._feed.history())
        elif what == "choices":
            sink.send(self._app.choices())
        elif what == "bokehjs":
            found = self._bokehjs()
            if found is not None:
                sink.send(view_model.bokehjs(found[0]), [found[1]])
        elif what == "doctor":
            # It reads every device in a process of its own, and cells must not wait for that.
            work = threading.Thread(
                target=self._examine, args=(sink,), name="nbcarbon-doctor", daemon=True
            )
            work.start()

    def _examine(self, sink: Sink) -> None:
        from nbcarbon import doctor

        lines = doctor.lines(doctor.examine_apart(os.environ))
        sink.send(view_model.doctor(map(plain, [*lines, *self._app.remarks()])))

    def _set(self, data: dict[str, Any], sink: Sink) -> None:
        name, value = data.get("name"), _text(data.get("value"))
        if name == "zone":
            self._app.change("zone", sessions.checked_zone(value))
            sink.send(view_model.said(self._app.zone_text()))
        elif name == "attribution":
            self._app.change("attribution", sessions.checked_rule(value))
        elif name == "measuring":
            self._app.change("measuring", "off" if value == "off" else "on")
        elif name == "what_if":
            self._feed.what_if = self._app.what_if(value) if value else None
            self._feed.tell_state()
            self._feed.send(self._feed.history())

    def _export(self, data: dict[str, Any], sink: Sink) -> None:
        self._app.settle()
        path = _text(data.get("path"))
        if path.startswith("."):
            path = self._app.export_name(path)
        sink.send(view_model.said(f"Written: {self._app.export(path)}"))

    def _begin_anew(self, data: dict[str, Any], sink: Sink) -> None:
        self._reset()
        sink.send(view_model.said("A new session has begun. The one before is kept."))


def _text(value: Any) -> str:
    if not isinstance(value, str) or not len(value) <= LONGEST_VALUE:
        raise SettingError("This cannot be understood.", hint="Reload the page.")
    return value
