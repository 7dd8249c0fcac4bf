"""A session's events so far, said anew in a few: what a ledger of a month is kept small with.

Nothing that a session is folded to is lost: the sums are there to the last digit, finished cells are
packed, the points are those that its history kept. What is not booked yet can still be closed by
whoever reads it (`recover`): open cells are kept, and the points around their beginnings.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, Final

from nbcarbon.core.events import (
    BetweenMeasured,
    CellClosed,
    CellEnded,
    CellOpened,
    CellRestarted,
    CellsKept,
    DevicesFound,
    Folded,
    Sampled,
    SamplerStarted,
    SessionEnded,
    SessionStarted,
)
from nbcarbon.core.recover import recorded_points, restarted
from nbcarbon.core.session import Session

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from nbcarbon.core.events import Event

AROUND_COUNT: Final = 3
"""How many points are kept on either side of an instant at which something unbooked begins."""

_LATEST_COUNT: Final = 8
_MOST_POINTS: Final = 200

_FOLDED: Final = (BetweenMeasured, CellClosed, DevicesFound, Sampled, SamplerStarted, SessionEnded)
"""What the sums, the packed cells and the history stand for. Whatever else there is stays as it is."""


def compacted(events: Iterable[Event]) -> list[Event]:
    """The same session in fewer events."""
    compactor = Compactor()
    passed = [event for event in events if not compactor.take(event)]
    return [*passed, *compactor.events()]


class Compactor:
    """Takes a session's events one by one. Holds little of them, however many there are."""

    def __init__(self) -> None:
        self.damaged_count = 0
        self._session = Session()
        self._kept: list[Event] = []
        self._opened: dict[int, CellOpened] = {}
        self._told: dict[int, CellEnded] = {}
        self._points: list[Sampled] = []
        self._booked_s: float | None = None

    def take(self, event: Event) -> bool:
        """Take in the next event. False for one that is to be passed on as it is, before all others:
        the session's beginning, and cells that were packed before."""
        if isinstance(event, CellsKept):
            return False
        self._session.apply(event)
        if isinstance(event, CellOpened):
            self._opened[event.run.index] = event
        elif isinstance(event, CellRestarted):
            if event.cell_index in self._opened:
                before = self._opened[event.cell_index]
                self._opened[event.cell_index] = restarted(before, event)
        elif isinstance(event, CellEnded):
            self._told[event.cell_index] = event
        elif isinstance(event, Folded):
            self.damaged_count += event.damaged_count
            self._booked_s = event.booked_s
            self._points = list(event.anchors)
        elif not isinstance(event, (*_FOLDED, SessionStarted)):
            self._kept.append(event)
        self._follow(event)
        return not isinstance(event, SessionStarted)

    def _follow(self, event: Event) -> None:
        """How far the session's time is booked, and what lies around the instants beyond it."""
        if isinstance(event, SessionStarted):
            self._booked_s = event.start_s
        elif isinstance(event, CellClosed):
            self._session.cells.pages()  # packed at once: as they came they take ten times as much
            run = event.report.run
            self._opened.pop(run.index, None)
            self._told.pop(run.index, None)
            if run.parent_index is None:
                self._book(event.report.end_s)
        elif isinstance(event, BetweenMeasured):
            self._book(event.end_s)
        elif isinstance(event, Sampled):
            self._points.append(event)
            if len(self._points) > _MOST_POINTS:
                self._points = self._anchors()

    def _book(self, end_s: float) -> None:
        self._booked_s = end_s if self._booked_s is None else max(self._booked_s, end_s)

    def _anchors(self) -> list[Sampled]:
        points = recorded_points(self._points)
        needed_s = [each.run.start_s for each in self._opened.values()]
        needed_s += [each.edge.instant_s for each in self._told.values()]
        if self._booked_s is not None:
            needed_s.append(self._booked_s)
        positions = set(range(max(0, len(points) - _LATEST_COUNT), len(points)))
        for instant_s in needed_s:
            after = bisect_left(points, instant_s, key=_instant_s)
            positions.update(range(max(0, after - AROUND_COUNT), after + AROUND_COUNT))
        return [point for position, point in enumerate(points) if position in positions]

    def events(self) -> Iterator[Event]:
        """All that was taken in, but for what was passed on."""
        session = self._session
        yield from self._kept
        if session.devices:
            yield DevicesFound(tuple(session.devices.values()))
        for shapes, data in session.cells.pages():
            yield CellsKept(tuple(shapes), bytes(data))
        yield session.folded(
            booked_s=self._booked_s, anchors=self._anchors(), damaged_count=self.damaged_count
        )
        yield from session.history.points
        yield from self._opened.values()
        yield from self._told.values()
        if session.ended is not None:
            yield session.ended


def _instant_s(point: Sampled) -> float:
    return point.instant_s
