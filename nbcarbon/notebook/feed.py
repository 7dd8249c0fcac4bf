"""Tells whoever shows a session how it stands: once a second while a cell runs, and once after it.

It speaks when the sampler has said something, on the thread that heard it: no timer of its own, so a
sampler that is silent is silence on the page too. Nothing is sent while nothing runs, or a server
would never find a kernel idle.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Final, Protocol

from nbcarbon.core.cell import Role
from nbcarbon.notebook import pace
from nbcarbon.panel import view_model
from nbcarbon.panel.view_model import Context, WhatIf

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nbcarbon.core.events import Sampled
    from nbcarbon.core.session import Session
    from nbcarbon.meter.meter import Meter

HISTORY_AFTER: Final = 150
"""States a page was sent since the last history, which is thinner than what it collects itself."""

MOST_FAILURES: Final = 3
_AT_ONCE: Final = ("IntensityLearned", "SettingChanged")
"""What the user did, or waits for."""


class Sink(Protocol):
    """Somebody who shows messages."""

    def send(self, message: dict[str, Any], buffers: Sequence[bytes] = ()) -> None: ...


class Feed:
    """The messages of one session. `heard` is the only way it learns of anything."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        self._lock = threading.Lock()
        self._sinks: dict[Sink, int] = {}
        self._seq = 0
        self._states = 0
        self._sent_s = float("-inf")
        self._told: Sampled | None = None
        self.what_if: WhatIf | None = None
        self.panel: str | None = None
        self.bokeh: str | None = None

    def add(self, sink: Sink) -> None:
        """Somebody shows this session from now on."""
        self._sinks = {**self._sinks, sink: 0}

    def remove(self, sink: Sink) -> None:
        self._sinks = {each: count for each, count in self._sinks.items() if each is not sink}

    def heard(self, event: dict[str, Any]) -> None:
        """Something happened: tell of it where it is time to. On the link's thread."""
        kind = event.get("type")
        if kind == "Sampled":
            self._tick(float(event["instant_s"]))
        elif kind == "CellClosed":
            self._closed(event["report"]["run"])
        elif kind in _AT_ONCE:
            self.tell_state()

    def _tick(self, instant_s: float) -> None:
        run_s = self._meter.look(_run_s)
        if run_s is None or not pace.is_due(instant_s - self._sent_s, run_s):
            return
        self._sent_s = instant_s
        self.tell_state()
        self._states += 1
        if self._states >= HISTORY_AFTER:
            self._states = 0
            self.send(self.history())

    def _closed(self, run: dict[str, Any]) -> None:
        if run["role"] != Role.CELL or run["parent_index"] is not None:
            return
        self.send(
            self._meter.look(
                lambda session: view_model.cell(session, session.figures_of(run["index"]))
            )
        )
        if self._meter.look(_run_s) is None:
            self.tell_state()  # the last one, until something runs again

    # Messages

    def state(self) -> dict[str, Any]:
        """How things stand now."""
        return self._state()[0]

    def _state(self) -> tuple[dict[str, Any], Sampled | None]:
        """The same, and the point up to which it tells."""
        with self._lock:
            self._seq += 1
            seq = self._seq

        def seen(session: Session) -> tuple[dict[str, Any], Sampled | None]:
            context = Context(
                seq=seq,
                since=self._told,
                next_s=pace.next_s(_run_s(session) or 0.0),
                measuring=self._meter.measuring,
                problem=self._meter.problem,
                what_if=self.what_if,
                panel=self.panel,
                bokeh=self.bokeh,
            )
            points = session.history.points
            return view_model.state(session, context), points[-1] if points else None

        return self._meter.look(seen)

    def cells(self) -> dict[str, Any]:
        return self._meter.look(view_model.cells)

    def history(self) -> dict[str, Any]:
        return self._meter.look(lambda session: view_model.history(session, self.what_if))

    def text(self) -> str:
        """The panel in words."""
        context = Context(measuring=self._meter.measuring, problem=self._meter.problem)
        context = context._replace(what_if=self.what_if)
        return self._meter.look(lambda session: view_model.panel_text(session, context))

    # Out

    def tell_state(self) -> None:
        """Tell everybody how things stand: power is the mean since they were told last."""
        state, self._told = self._state()
        self.send(state)

    def send(self, message: dict[str, Any], buffers: Sequence[bytes] = ()) -> None:
        """To everybody. One who cannot take it three times running is left out from then on."""
        for sink in self._sinks:
            try:
                sink.send(message, buffers)
                failures = 0
            except Exception:  # noqa: BLE001 (a page that is gone must not end the measuring)
                failures = self._sinks.get(sink, 0) + 1
            if failures >= MOST_FAILURES:
                self.remove(sink)
            elif sink in self._sinks:
                self._sinks[sink] = failures


def _run_s(session: Session) -> float | None:
    """For how long the outermost cell has run, None where none does."""
    starts_s = [run.start_s for run in session.open.values() if run.role is Role.CELL]
    return max(0.0, session.until_s - min(starts_s)) if starts_s else None
