"""Sessions side by side on one machine: which part of a device's joules each of them is to be counted for.

Several kernels measure the same devices at the same time, and each has all of the joules in its ledger. Over
all of them a joule is counted once:

* among sessions that charge the whole machine, for those that ran a cell while it was used, in equal
  parts; where none did, for all that were watching;
* a session that charges its share alone keeps that: the others divide what it leaves.

So in every moment the weights of those who watch a device add up to one.
"""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    Span = tuple[float, float]
    """From one instant to another, in seconds of one clock."""


class Watcher(NamedTuple):
    """One session: when it watched each device, and when a cell of it ran. Spans lie apart, in order.

    `own_fraction` is by device the part that it charges, None where it charges the whole machine.
    """

    watched: Mapping[str, Sequence[Span]]
    busy: Sequence[Span]
    own_fraction: Mapping[str, float] | None = None


class Steps:
    """A function of time that is constant between two of its instants, and 0 before the first one."""

    def __init__(self, steps: Iterable[tuple[float, float]]) -> None:
        """From (instant, value from there on), in order of time."""
        kept: list[tuple[float, float]] = []
        for instant_s, value in steps:
            if kept and kept[-1][0] == instant_s:
                kept[-1] = (instant_s, value)
            elif not kept or kept[-1][1] != value:
                kept.append((instant_s, value))
        self._instants = [instant_s for instant_s, _ in kept]
        self._values = [value for _, value in kept]
        areas = [(b[0] - a[0]) * a[1] for a, b in pairwise(kept)]
        self._until = list(accumulate(areas, initial=0.0))

    @classmethod
    def of(cls, spans: Iterable[Span]) -> Steps:
        """1 within the spans, 0 elsewhere."""
        return cls(step for start, end in spans for step in ((start, 1.0), (end, 0.0)))

    def value(self, instant_s: float) -> float:
        place = bisect_right(self._instants, instant_s) - 1
        return self._values[place] if place >= 0 else 0.0

    def integral(self, start_s: float, end_s: float) -> float:
        """The area between two instants."""
        return self._area(end_s) - self._area(start_s)

    def _area(self, instant_s: float) -> float:
        place = bisect_right(self._instants, instant_s) - 1
        if place < 0:
            return 0.0
        return self._until[place] + (instant_s - self._instants[place]) * self._values[place]

    def times(self, other: Steps) -> Steps:
        """The product of two."""
        instants = sorted({*self._instants, *other._instants})
        return Steps((each, self.value(each) * other.value(each)) for each in instants)


def weights(watchers: Sequence[Watcher], device_id: str, wanted: Sequence[int]) -> list[Steps]:
    """What some of these (by position) are to be counted for of one device, over time."""
    edges: list[tuple[float, int, bool, bool]] = []
    for place, each in enumerate(watchers):
        for is_busy, spans in ((False, each.watched.get(device_id, ())), (True, each.busy)):
            edges += [(start, place, is_busy, True) for start, _ in spans]
            edges += [(end, place, is_busy, False) for _, end in spans]
    edges.sort(key=lambda edge: edge[0])
    watching: set[int] = set()
    busy: set[int] = set()
    found: list[list[tuple[float, float]]] = [[] for _ in wanted]
    for number, (instant_s, place, is_busy, begins) in enumerate(edges):
        among = busy if is_busy else watching
        (among.add if begins else among.discard)(place)
        if number + 1 < len(edges) and edges[number + 1][0] == instant_s:
            continue
        whole, left = _charged(watchers, device_id, watching, busy)
        for steps, one in zip(found, wanted, strict=True):
            if watchers[one].own_fraction is not None:
                weight = 1.0 if one in watching else 0.0
            else:
                weight = left / len(whole) if one in whole else 0.0
            steps.append((instant_s, weight))
    return [Steps(steps) for steps in found]


def _charged(
    watchers: Sequence[Watcher], device_id: str, watching: set[int], busy: set[int]
) -> tuple[set[int], float]:
    """Who divides a device's joules now, and which part of them."""
    shares = [watchers[place].own_fraction for place in watching]
    owned = sum(each.get(device_id, 1.0) for each in shares if each is not None)
    whole = {place for place in watching if watchers[place].own_fraction is None}
    return whole & busy or whole, max(0.0, 1.0 - owned)


def joined(spans: Iterable[Span], gap_s: float = 0.0) -> list[Span]:
    """Spans in order, those that overlap, touch, or lie no farther apart than this, as one."""
    found: list[Span] = []
    for start, end in sorted(spans):
        if found and start <= found[-1][1] + gap_s:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        elif end > start:
            found.append((start, end))
    return found


class Counted(NamedTuple):
    """Joules of a session in one stretch: all of them, and those it is counted for; with cells, and without."""

    cells_j: float = 0.0
    cells_counted_j: float = 0.0
    rest_j: float = 0.0
    rest_counted_j: float = 0.0

    def plus(self, other: Counted) -> Counted:
        return Counted(*(a + b for a, b in zip(self, other, strict=True)))


def counted(curve: Iterable[tuple[float, float, float]], weight: Steps, busy: Steps) -> Counted:
    """What a session is counted for of one device, from stretches (start, end, joules) of even power."""
    both = weight.times(busy)
    whole = Counted()
    for start_s, end_s, energy_j in curve:
        length_s = end_s - start_s
        if length_s <= 0:
            continue
        power_w = energy_j / length_s
        cells_s = busy.integral(start_s, end_s)
        all_s, cells_counted_s = weight.integral(start_s, end_s), both.integral(start_s, end_s)
        whole = whole.plus(
            Counted(
                power_w * cells_s,
                power_w * cells_counted_s,
                power_w * (length_s - cells_s),
                power_w * (all_s - cells_counted_s),
            )
        )
    return whole
