"""Power over a session's time, thin enough to draw: finer in the last ten minutes, coarser before.

Kept are points of cumulative joules. Leaving one out merges the intervals on its two sides, and the
mean power of what is left is still right: thinning loses detail, never energy.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from nbcarbon.core.events import Sampled

MOST_COUNT: Final = 400
RECENT_S: Final = 600.0
_RECENT_COUNT: Final = 250
_OLD_COUNT: Final = 100
_SEEN_FRACTION: Final = 0.5
"""An interval that was observed for less of its time than this is a gap."""


class Interval(NamedTuple):
    """Mean power between two points, by device. None: not observed."""

    start_s: float
    end_s: float
    powers_w: tuple[float | None, ...]


class History:
    """The points of a session, at most `MOST_COUNT` of them, the first and the last always among them."""

    def __init__(self) -> None:
        self._points: list[Sampled] = []
        self.device_ids: set[str] = set()

    @property
    def points(self) -> Sequence[Sampled]:
        return self._points

    def add(self, point: Sampled) -> None:
        """Take in the next point. One that is not later than the last is left out."""
        if self._points and point.instant_s <= self._points[-1].instant_s:
            return
        self._points.append(point)
        self.device_ids.update(device_id for device_id, _, _ in point.points)
        if len(self._points) > MOST_COUNT:
            self._points = self._thinned()

    def _thinned(self) -> list[Sampled]:
        border_s = self._points[-1].instant_s - RECENT_S
        old = [each for each in self._points if each.instant_s < border_s]
        recent = self._points[len(old) :]
        if len(old) > _OLD_COUNT:
            old = old[::2]
        return [*old, *_spaced(recent, RECENT_S / _RECENT_COUNT)]

    def intervals(self, device_ids: Sequence[str], *, last: int | None = None) -> list[Interval]:
        """Mean powers of these devices, oldest first; with `last`, of that many intervals only."""
        points = self._points if last is None else self._points[-last - 1 :]
        return [_interval(start, end, device_ids) for start, end in pairwise(points)]

    def latest(self, device_ids: Sequence[str], *, since: Sampled | None = None) -> Interval | None:
        """From the point `since` to the latest one; the last interval where nothing came after it.

        None where there are not two points yet.
        """
        if len(self._points) < 2:
            return None
        start, end = self._points[-2:]
        if since is not None and since.instant_s < end.instant_s:
            start = since  # which thinning may have left out here
        return _interval(start, end, device_ids)


def _interval(start: Sampled, end: Sampled, device_ids: Sequence[str]) -> Interval:
    before, after = _by_device(start), _by_device(end)
    elapsed_s = end.instant_s - start.instant_s
    # A device that is new counts from nothing, and was seen for as long as it was there.
    powers_w = tuple(
        _power_w(before.get(each, (0.0, 0.0)), after.get(each), elapsed_s) for each in device_ids
    )
    return Interval(start.instant_s, end.instant_s, powers_w)


def _by_device(point: Sampled) -> dict[str, tuple[float, float]]:
    return {device_id: (energy_j, seen_s) for device_id, energy_j, seen_s in point.points}


def _power_w(
    before: tuple[float, float], after: tuple[float, float] | None, elapsed_s: float
) -> float | None:
    if after is None:
        return None
    added_j, seen_s = after[0] - before[0], after[1] - before[1]
    # A device's own clock may run a reading behind the point's.
    return max(0.0, added_j / seen_s) if seen_s >= _SEEN_FRACTION * elapsed_s else None


def _spaced(points: Iterable[Sampled], spacing_s: float) -> list[Sampled]:
    """Points at least this far apart, the last one always among them."""
    kept: list[Sampled] = []
    waiting: Sampled | None = None
    for each in points:
        waiting = each
        if not kept or each.instant_s - kept[-1].instant_s >= spacing_s:
            kept.append(each)
            waiting = None
    return kept if waiting is None else [*kept, waiting]
