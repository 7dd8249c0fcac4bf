"""From single readings to cumulative joules. Wraps, resets and gaps are resolved here and only here.

Beyond a `Trace` nobody needs to know whether a device counts joules or reports watts.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nbcarbon.core.device import Device
    from nbcarbon.core.ends import End

EXACT_S = 1e-6
"""Two instants closer than this are the same instant."""

SAME_TICK = 6.0
"""A counter that shows the same at two ticks further apart than this, in standard deviations, used nothing."""

LONGEST_UNSURE_S = 1.0
"""A counter known by its ticks is read without them again after this long."""

KEPT = 4
"""How many points on either side of an end outlive its surroundings."""

NEIGHBOURS = 8
"""How many points on either side of an instant tell the power around it."""


class CounterReading(NamedTuple):
    """Joules counted so far, since an unknown start.

    A counter that moves at ticks shows what it held at the last one. Where that is known (`ticks`),
    `as_of_s` says when it was, and `as_of_error_s` how sure that is (one standard deviation).
    `period_s` is how long it stands still at most, 0 where nobody has seen that.
    """

    instant_s: float
    energy_j: float
    as_of_s: float | None = None
    as_of_error_s: float = 0.0
    period_s: float = 0.0


class PowerReading(NamedTuple):
    """Watts at an instant."""

    instant_s: float
    power_w: float


Reading = CounterReading | PowerReading


@dataclass(frozen=True, slots=True)
class Window:
    """A half-open span of monotonic time, from `start_s` up to but not including `end_s`."""

    start_s: float
    end_s: float

    @property
    def duration_s(self) -> float:
        return self.end_s - self.start_s


class Point(NamedTuple):
    """One instant of a trace: joules so far, and how many seconds of it were truly observed.

    `error_s` is how far off the instant may be (one standard deviation): 0 but for a tick's. `rough_j2`
    is the variance of the joules so far, as far as it comes from what happens between two samples.
    """

    instant_s: float
    energy_j: float
    seen_s: float
    error_s: float = 0.0
    rough_j2: float = 0.0


class Near(NamedTuple):
    """What lies around an instant, in order of time."""

    before: list[Point]
    after: list[Point]


class Stretch(NamedTuple):
    """What lies between two neighbouring points of a trace."""

    start: Point
    end: Point


class Trace:
    """Cumulative joules of one device, as a line through its readings.

    A stretch that nobody observed adds neither joules nor seen seconds, so the coverage of any
    window is a difference of two numbers. A counter bridges a missed reading by itself; a power
    sensor cannot, so a pause longer than `longest_gap_s` between two of its readings is a gap.
    """

    def __init__(self, device: Device, *, longest_gap_s: float = 3.0) -> None:
        self.device = device
        self.longest_gap_s = longest_gap_s
        self.moved_s = float("-inf")
        self.read_s = float("-inf")
        self.period_s = 0.0
        self.pins: dict[float, End] = {}
        self.refused_count = 0
        self._points: list[Point] = []
        self._baseline: Reading | None = None
        self._candidate: CounterReading | None = None
        self._broken = False

    @property
    def points(self) -> tuple[Point, ...]:
        return tuple(self._points)

    @property
    def last(self) -> Point | None:
        return self._points[-1] if self._points else None

    def resume(self, points: Iterable[Point]) -> None:
        """Go on from points another process recorded: its joules stay, the time since is a gap.

        Raises ValueError if this trace already has readings.
        """
        if self._points:
            raise ValueError("a trace can only be resumed before its first reading")
        self._points.extend(points)
        self._broken = True

    def interrupt(self) -> None:
        """Start anew at the next reading: suspend, a lost driver, a paused session."""
        self._baseline = None
        self._candidate = None
        self._broken = True

    def miss(self) -> None:
        """Note a failed reading: the line of a power sensor is broken, a counter bridges it."""
        if isinstance(self._baseline, PowerReading):
            self.interrupt()

    def add(self, reading: Reading) -> None:
        """Extend the trace. An implausible reading is refused, counted and becomes a gap."""
        if isinstance(reading, PowerReading):
            self._add_power(reading)
            return
        if reading.as_of_s is None:
            # What may be either of two ticks' says nothing new.
            if self.ticking and reading.instant_s - self.read_s <= LONGEST_UNSURE_S:
                return
            self._add_counter(reading, reading.instant_s)
        else:
            self._add_counter(reading._replace(instant_s=reading.as_of_s), reading.instant_s)
        self.period_s = reading.period_s

    @property
    def ticking(self) -> bool:
        """Whether this is a counter whose updates are known by their instants."""
        return isinstance(self._baseline, CounterReading) and self._baseline.as_of_s is not None

    def _add_counter(self, new: CounterReading, read_s: float) -> None:
        old = self._baseline
        if not isinstance(old, CounterReading):
            self._baseline = new
            self._start(new.instant_s, error_s=new.as_of_error_s)
            self.read_s = read_s
            return
        if self.ticking and new.as_of_s is not None:
            same = new.energy_j == old.energy_j
            if same:
                self.read_s = read_s
            least_s = SAME_TICK * new.as_of_error_s if same else 0.0
            if new.instant_s - old.instant_s <= least_s:
                return
        if new.instant_s <= old.instant_s:
            self._insert_late(old, new)
            return
        candidate, self._candidate = self._candidate, None
        # It went down. If it counts on from there it was reset, even where the old line would fit as
        # well: what was used around a reset is a gap, never a guess.
        if (
            candidate is not None
            and candidate.energy_j < old.energy_j
            and self._difference_j(candidate, new) is not None
        ):
            self._rebase(candidate)
            old = candidate
        added_j = self._difference_j(old, new)
        if added_j is None and candidate is not None and old is not candidate:
            # Neither the old line nor one garbage reading explains it: a reset upwards.
            added_j = self._difference_j(candidate, new)
            if added_j is not None:
                self._rebase(candidate)
        if added_j is None:
            self.refused_count += 1
            self._candidate = new if new.energy_j >= 0 else None
            return
        self._baseline = new
        self.read_s = read_s
        if added_j > 0:
            self.moved_s = new.instant_s
        self._append(new.instant_s, added_j, seen=True, error_s=new.as_of_error_s)

    def _rebase(self, reading: CounterReading) -> None:
        """Count on from this reading; the time since the last one was not seen."""
        self._baseline = reading
        self._broken = True
        self._start(reading.instant_s)

    def _difference_j(self, old: CounterReading, new: CounterReading) -> float | None:
        """Joules from one reading to the next, or None where no plausible power explains them."""
        elapsed_s = new.instant_s - old.instant_s
        limit_j = self.device.max_power_w * (elapsed_s + 2 * self.device.resolution_s) + 1e-6
        difference_j = new.energy_j - old.energy_j
        wraps_at_j = self.device.wraps_at_j
        if difference_j < 0 and wraps_at_j:
            wrap_period_s = wraps_at_j / self.device.max_power_w
            if elapsed_s < wrap_period_s / 2:
                difference_j += wraps_at_j
        return difference_j if 0 <= difference_j <= limit_j else None

    def _insert_late(self, old: CounterReading, new: CounterReading) -> None:
        """A reading taken before the last one arrived after it: the hook's own, through the channel."""
        back_j = old.energy_j - new.energy_j
        if back_j < 0 and self.device.wraps_at_j:
            back_j += self.device.wraps_at_j
        position = bisect_right(self._points, new.instant_s, key=lambda point: point.instant_s)
        if position == 0:
            return
        before = self._points[position - 1]
        after = self._points[position] if position < len(self._points) else None
        energy_j = self._points[-1].energy_j - back_j
        if after is None or new.instant_s - before.instant_s < EXACT_S:
            return
        if after.seen_s > before.seen_s and before.energy_j <= energy_j <= after.energy_j:
            seen_s = before.seen_s + (new.instant_s - before.instant_s)
            self._points.insert(position, Point(new.instant_s, energy_j, seen_s))

    def _add_power(self, new: PowerReading) -> None:
        if not 0 <= new.power_w <= self.device.max_power_w:
            self.refused_count += 1
            self.miss()
            return
        read_s = new.instant_s
        new = new._replace(instant_s=read_s - self.lag_s)
        old = self._baseline
        if isinstance(old, PowerReading) and new.instant_s <= old.instant_s:
            return
        self._baseline = new
        self.read_s = read_s
        if not isinstance(old, PowerReading):
            self._start(new.instant_s)
            return
        elapsed_s = new.instant_s - old.instant_s
        seen = elapsed_s <= self.longest_gap_s
        added_j = (old.power_w + new.power_w) / 2 * elapsed_s if seen else 0.0
        if new.power_w != old.power_w:
            self.moved_s = new.instant_s
        # A step between two samples may lie anywhere between them.
        rough_j2 = ((new.power_w - old.power_w) * elapsed_s) ** 2 / 12 if seen else 0.0
        self._append(new.instant_s, added_j, seen=seen, rough_j2=rough_j2)

    @property
    def lag_s(self) -> float:
        """How old a power reading is on average: half its averaging, and half a refresh."""
        return (self.device.power_window_s + self.device.resolution_s) / 2

    @property
    def power_w(self) -> float | None:
        """The last power reading, None for a counter."""
        return self._baseline.power_w if isinstance(self._baseline, PowerReading) else None

    def _start(self, instant_s: float, *, error_s: float = 0.0) -> None:
        """First reading, or the first after a break: a baseline only."""
        if not self._points:
            self._points.append(Point(instant_s, 0.0, 0.0, error_s))
        elif self._broken:
            self._append(instant_s, 0.0, seen=False, error_s=error_s)
        self._broken = False
        self.moved_s = max(self.moved_s, instant_s)

    def _append(
        self,
        instant_s: float,
        added_j: float,
        *,
        seen: bool,
        error_s: float = 0.0,
        rough_j2: float = 0.0,
    ) -> None:
        last = self._points[-1]
        elapsed_s = instant_s - last.instant_s
        if elapsed_s <= 0:
            return
        seen_s = last.seen_s + (elapsed_s if seen else 0.0)
        self._points.append(
            Point(instant_s, last.energy_j + added_j, seen_s, error_s, last.rough_j2 + rough_j2)
        )

    def near(self, instant_s: float) -> Near:
        """The points around an instant: those not after it, and those after."""
        position = bisect_right(self._points, instant_s, key=lambda point: point.instant_s)
        return Near(
            self._points[max(0, position - NEIGHBOURS) : position],
            self._points[position : position + NEIGHBOURS],
        )

    def at(self, instant_s: float) -> Point:
        """The trace at an instant, on the line between its neighbours; flat outside its ends.

        Raises LookupError if there is no reading yet.
        """
        if not self._points:
            raise LookupError(f"no reading of {self.device.id} yet")
        stretch = self.around(instant_s)
        if stretch is None:
            nearest = (
                self._points[0] if instant_s <= self._points[0].instant_s else self._points[-1]
            )
            return nearest._replace(instant_s=instant_s)
        start, end = stretch
        part = (instant_s - start.instant_s) / (end.instant_s - start.instant_s)
        return Point(
            instant_s,
            start.energy_j + part * (end.energy_j - start.energy_j),
            start.seen_s + part * (end.seen_s - start.seen_s),
        )

    def around(self, instant_s: float) -> Stretch | None:
        """The stretch an instant lies in, None outside the trace. An end belongs to both sides."""
        position = bisect_right(self._points, instant_s, key=lambda point: point.instant_s)
        if position == len(self._points) and position > 1:
            if instant_s > self._points[-1].instant_s:
                return None
            position -= 1
        if not 0 < position < len(self._points):
            return None
        return Stretch(self._points[position - 1], self._points[position])

    def levels_w(self, window: Window, *, shortest_s: float) -> list[float]:
        """Mean power of every seen stretch in the window that is at least this long."""
        first = bisect_right(self._points, window.start_s, key=lambda point: point.instant_s)
        found = []
        for start, end in pairwise(self._points[max(first - 1, 0) :]):
            if start.instant_s >= window.end_s:
                break
            span_s = end.instant_s - start.instant_s
            if end.seen_s > start.seen_s and span_s >= shortest_s:
                found.append((end.energy_j - start.energy_j) / span_s)
        return found

    def forget(self, before_s: float, *, keep: Iterable[float] = ()) -> None:
        """Drop points older than `before_s`, but for the neighbours of the instants in `keep`.

        This bounds the memory of a session of any length: a window needs its two ends, not its
        middle. Energies of windows whose ends are kept do not change.
        """
        positions: set[int] = set()
        keep = tuple(keep)
        for instant_s in (before_s, *keep):
            position = bisect_right(self._points, instant_s, key=lambda point: point.instant_s)
            # Some points each side: the power next to an end says how to divide a tick there.
            positions.update(range(position - KEPT, position + KEPT))
        self.pins = {
            at_s: end for at_s, end in self.pins.items() if at_s >= before_s or at_s in keep
        }
        first_recent = bisect_right(self._points, before_s, key=lambda point: point.instant_s)
        self._points = [
            point
            for position, point in enumerate(self._points)
            if position >= first_recent or position in positions
        ]
