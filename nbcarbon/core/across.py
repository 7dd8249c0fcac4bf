"""Sums across recorded sessions: by notebook, day, zone or tag, overlapping time counted once.

Sessions come one by one, in order of their begin, and little of each is held: a session whose time is over
is settled as soon as nobody can begin beside it any more. How common joules are divided is `overlap`'s to
say. A session's own facts are scaled by what its readings show it to be counted for, so that one which
nothing overlaps comes out as it says of itself.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace
from math import inf
from typing import TYPE_CHECKING, NamedTuple

from nbcarbon.core.emissions import Emissions
from nbcarbon.core.energy import Energy
from nbcarbon.core.overlap import Counted, Steps, Watcher, counted, joined, weights

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from nbcarbon.core.events import Sampled
    from nbcarbon.core.overlap import Span

    Curve = Sequence[tuple[float, float, float]]
    """Stretches (start, end, joules) of even power."""

    DayOf = Callable[[float], tuple[str, float]]
    """The day of an instant since 1970, and when the next one begins."""

WHOLE_FRACTION = 0.75
"""A device that was seen for more of the time between two points was seen for all of it: its clock lags."""


class Sum(NamedTuple):
    """What cells, or time without them, are counted for."""

    energy: Energy = Energy()
    emissions: Emissions = Emissions()

    def plus(self, other: Sum) -> Sum:
        one, two = self.emissions, other.emissions
        return Sum(
            self.energy + other.energy,
            Emissions(
                one.emissions_g + two.emissions_g, one.low_g + two.low_g, one.high_g + two.high_g
            ),
        )

    def times(self, fraction: float) -> Sum:
        energy, emissions = self.energy, self.emissions
        return Sum(
            Energy(energy.energy_j * fraction, energy.low_j * fraction, energy.high_j * fraction),
            Emissions(
                emissions.emissions_g * fraction,
                emissions.low_g * fraction,
                emissions.high_g * fraction,
            ),
        )


class Tagged(NamedTuple):
    """The cells of one tag in a session: their part of the joules of all cells, and how many they are."""

    cells_fraction: float
    cell_count: int


@dataclass(frozen=True, slots=True)
class PastSession:
    """One recorded session, as much of it as sums across sessions need.

    `clock` tells whose instants can be compared: those of one boot. `wall_ahead_s` are steps of how far the wall
    clock is ahead of them, `curves` the joules of each counted device, `cell_starts_s` instants. `tags` hold the
    cells by tag with how many they are, where any has one.
    """

    id: str
    notebook: str
    zone: str
    clock: str
    start_s: float
    end_s: float
    cells: Sum
    rest: Sum
    watcher: Watcher
    wall_ahead_s: Sequence[tuple[float, float]]
    curves: Mapping[str, Curve] = field(default_factory=dict)
    cell_starts_s: Sequence[float] = ()
    tags: Mapping[str, Tagged] = field(default_factory=dict)

    @property
    def own(self) -> Sum:
        """All that it says of itself."""
        return self.cells.plus(self.rest)

    def wall_s(self, instant_s: float) -> float:
        """An instant of this session, since 1970."""
        place = bisect_right(self.wall_ahead_s, (instant_s, inf)) - 1
        return instant_s + self.wall_ahead_s[max(0, place)][1]


class Day(NamedTuple):
    """What of a session is one day's: fractions of its cells' joules and of the rest, and cells."""

    cells_fraction: float = 0.0
    rest_fraction: float = 0.0
    cell_count: int = 0


@dataclass(frozen=True, slots=True)
class Settled:
    """What a session is counted for, by day."""

    session: PastSession
    days: Mapping[str, Day]

    @property
    def whole(self) -> Sum:
        return self._of(self.sum)

    @property
    def sum(self) -> Day:
        """All days together."""
        each = self.days.values()
        return Day(
            sum(day.cells_fraction for day in each),
            sum(day.rest_fraction for day in each),
            sum(day.cell_count for day in each),
        )

    def _of(self, day: Day) -> Sum:
        cells, rest = self.session.cells, self.session.rest
        return cells.times(day.cells_fraction).plus(rest.times(day.rest_fraction))

    def by_day(self) -> Iterator[tuple[str, Sum, int]]:
        for name, day in self.days.items():
            yield name, self._of(day), day.cell_count

    def by_tag(self) -> Iterator[tuple[str, Sum, int]]:
        """The cells of each tag; `""` for all else that is counted."""
        whole = self.sum
        cells = self.session.cells.times(whole.cells_fraction)
        left, left_count = 1.0, whole.cell_count
        for tag, (fraction, count) in self.session.tags.items():
            if tag:
                left, left_count = left - fraction, left_count - count
                yield tag, cells.times(fraction), count
        rest = self.session.rest.times(whole.rest_fraction)
        yield "", cells.times(max(0.0, left)).plus(rest), max(0, left_count)


def curve(points: Iterable[Sampled], device_id: str) -> list[tuple[float, float, float]]:
    """A device's joules between points, each stretch as long as it was seen."""
    found = []
    last_s, last_j, last_seen_s = -inf, 0.0, 0.0
    for point in points:
        for each_id, energy_j, seen_s in point.points:
            if each_id != device_id:
                continue
            added_s, length_s = seen_s - last_seen_s, point.instant_s - last_s
            if added_s < 0 or energy_j < last_j:  # another sampler took up the session
                added_s = 0.0
            if added_s > 0:
                full = length_s < inf and added_s >= WHOLE_FRACTION * length_s
                start_s = last_s if full else max(last_s, point.instant_s - added_s)
                found.append((start_s, point.instant_s, energy_j - last_j))
            last_s, last_j, last_seen_s = point.instant_s, energy_j, seen_s
    return found


def seen(stretches: Curve) -> list[Span]:
    """When a device was watched."""
    return joined((start, end) for start, end, _ in stretches)


class Sweep:
    """Takes sessions in order of their begin on one clock, and settles each once all beside it are known."""

    def __init__(self, day_of: DayOf, *, since_s: float = -inf) -> None:
        self._day_of = day_of
        self._since_s = since_s
        self._open: list[PastSession] = []
        self._known: list[tuple[float, str, Watcher]] = []

    def take(self, session: PastSession) -> list[Settled]:
        """The next session. Returns those that are settled now: their time was over before it began."""
        over: list[PastSession] = []
        still: list[PastSession] = []
        for each in self._open:
            ended = each.clock != session.clock or each.end_s <= session.start_s
            (over if ended else still).append(each)
        settled = [self._settle(each) for each in over]
        self._open = still
        first_s = min((each.start_s for each in self._open), default=session.start_s)
        self._known = [
            each for each in self._known if each[0] > first_s and each[1] == session.clock
        ]
        self._open.append(session)
        self._known.append((session.end_s, session.clock, session.watcher))
        return settled

    def finish(self) -> list[Settled]:
        """The rest of them."""
        settled = [self._settle(each) for each in self._open]
        self._open, self._known = [], []
        return settled

    def _settle(self, session: PastSession) -> Settled:
        watchers = [watcher for _, clock, watcher in self._known if clock == session.clock]
        place = next(i for i, each in enumerate(watchers) if each is session.watcher)
        busy = Steps.of(session.watcher.busy)
        days: dict[str, Counted] = {}
        for device_id, stretches in session.curves.items():
            (weight,) = weights(watchers, device_id, [place])
            for day, part in self._cut(session, stretches).items():
                days[day] = days.get(day, Counted()).plus(counted(part, weight, busy))
        counts = Counter(self._day(session.wall_s(each))[0] for each in session.cell_starts_s)
        return Settled(
            replace(session, curves={}, cell_starts_s=()), self._days(session, days, counts)
        )

    def _cut(self, session: PastSession, stretches: Curve) -> dict[str, Curve]:
        """By day, with what was before the time asked for under no day at all."""
        found: defaultdict[str, list[tuple[float, float, float]]] = defaultdict(list)
        for start_s, end_s, energy_j in stretches:
            ahead_s = session.wall_s(start_s) - start_s
            power_w = energy_j / (end_s - start_s) if end_s > start_s else 0.0
            at_s = start_s
            while at_s < end_s:
                day, until_s = self._day(at_s + ahead_s)
                next_s = min(end_s, max(until_s - ahead_s, at_s + 1e-6))
                found[day].append((at_s, next_s, power_w * (next_s - at_s)))
                at_s = next_s
        return dict(found)

    def _day(self, wall_s: float) -> tuple[str, float]:
        if wall_s < self._since_s:
            return "", self._since_s
        return self._day_of(wall_s)

    def _days(
        self, session: PastSession, days: Mapping[str, Counted], counts: Mapping[str, int]
    ) -> dict[str, Day]:
        whole = Counted()
        for each in days.values():
            whole = whole.plus(each)
        if whole.cells_j + whole.rest_j <= 0:
            # No reading tells when it used what it used: all of it when it began.
            day, _ = self._day(session.wall_s(session.start_s))
            return {day: Day(1.0, 1.0, len(session.cell_starts_s))} if day else {}
        found = {}
        for day in sorted({*days, *counts} - {""}):
            each = days.get(day, Counted())
            both = (each.cells_counted_j + each.rest_counted_j) / (whole.cells_j + whole.rest_j)
            found[day] = Day(
                each.cells_counted_j / whole.cells_j if whole.cells_j > 0 else both,
                each.rest_counted_j / whole.rest_j if whole.rest_j > 0 else both,
                counts.get(day, 0),
            )
        return found


@dataclass(slots=True)
class Row:
    """One line of a table: what its sessions are counted for together.

    `own` is what they say of themselves: more where others measured the same joules, or some was earlier.
    """

    key: str
    session_count: int = 0
    cell_count: int = 0
    sum: Sum = field(default_factory=Sum)
    own: Sum = field(default_factory=Sum)

    def add(self, part: Sum, cell_count: int, own: Sum) -> None:
        self.session_count += 1
        self.cell_count += cell_count
        self.sum = self.sum.plus(part)
        self.own = self.own.plus(own)


class Table:
    """Rows by key, filled session by session."""

    def __init__(self, by: str) -> None:
        self.by = by
        self.whole = Row("total")
        self._rows: dict[str, Row] = {}

    def add(self, settled: Settled) -> None:
        session = settled.session
        if not settled.days:
            return  # all of it was before the time asked for
        whole, cell_count, own = settled.whole, settled.sum.cell_count, session.own
        self.whole.add(whole, cell_count, own)
        if self.by == "day":
            for day, part, count in settled.by_day():
                self._row(day).add(part, count, part)
        elif self.by == "tag":
            for tag, part, count in settled.by_tag():
                self._row(tag).add(part, count, part)
        else:
            key = {"notebook": session.notebook, "zone": session.zone}.get(self.by, session.id)
            self._row(key).add(whole, cell_count, own)

    def _row(self, key: str) -> Row:
        return self._rows.setdefault(key, Row(key))

    def rows(self) -> list[Row]:
        """Days and sessions in their order, all else by energy, the most first."""
        rows = list(self._rows.values())
        if self.by == "day":
            return sorted(rows, key=lambda row: row.key)
        if self.by in ("notebook", "zone", "tag"):
            return sorted(rows, key=lambda row: -row.sum.energy.energy_j)
        return rows
