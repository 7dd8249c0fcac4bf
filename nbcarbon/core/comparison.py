"""What the sensors saw and what a wall meter saw, of the same stretches of time.

A session's points are joules so far on the monotonic clock; the wall clock is told where a session and
each of its cells begins. A meter's readings are watts on a clock of its own, a few seconds off at worst:
how many is what makes the two agree best.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from itertools import pairwise
from math import fsum, inf
from typing import TYPE_CHECKING, Final, NamedTuple

from nbcarbon.core.booking import devices_key
from nbcarbon.core.calibration import JOINED_S, Pair
from nbcarbon.core.energy import DeviceEnergy, contained, total
from nbcarbon.core.events import (
    CellOpened,
    DevicesFound,
    Noticed,
    Sampled,
    SessionStarted,
)
from nbcarbon.errors import CalibrationError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from nbcarbon.core.calibration import MeterReading
    from nbcarbon.core.device import Device
    from nbcarbon.core.events import Event

BLOCK_S: Final = 10.0
"""Pairs are this long or longer, and no shorter than two readings of the meter."""

LONGEST_BLOCKS: Final = 6.0
"""Where power never rests, a pair ends after so many times that, come what may."""

CALM_READINGS: Final = 1.5
CALM_FRACTION: Final = 0.1
"""A pair ends where power moved by no more than this part of its range, for so many readings of the meter."""

LONGEST_LAG_S: Final = 10.0
"""How far apart the clocks may be, beside one interval of the meter."""

LAG_STEP_S: Final = 0.5
FINEST_LAG_S: Final = 0.1
LAG_PAIRS: Final = 4000
"""The clocks are compared by so many stretches, those where power changed most."""

LAG_READINGS: Final = 3.0
"""They are as long as so many of the meter's: a line through readings is the smoother between them, which
must not pass for a better fit."""

TOLD_FRACTION: Final = 0.3
"""Where the best lag is no better than the worst by this part, the clocks cannot be compared."""

EXPLAINED: Final = 0.7
"""Nor where the best line leaves more than this part of the meter's variance."""

SEEN_FRACTION: Final = 0.75
"""A stretch observed for less of its time is a gap."""

MOST_GAPS_FRACTION: Final = 0.5
"""With more of the time in gaps than this, what is left is no fair picture."""

_CLOCK_NOTICES: Final = ("suspend:", "clock:")
_HOLE_COUNT: Final = 4.0
_SHORTEST_HOLE_S: Final = 5.0


class Stretch(NamedTuple):
    """Mean power of the machine between two of its points, None where a device was not observed.

    Instants are seconds since 1970.
    """

    start_s: float
    end_s: float
    power_w: float | None

    @property
    def duration_s(self) -> float:
        return self.end_s - self.start_s


class Watched(NamedTuple):
    """All stretches of one set of devices, in order of time, and how sure their sensors' total is."""

    devices: tuple[str, ...]
    stretches: tuple[Stretch, ...]
    sensors_fraction: float


class Lag(NamedTuple):
    """How far the meter's clock is ahead of the machine's. Not `told`: taken as 0."""

    lag_s: float
    told: bool


class MeterTrace:
    """A meter's readings as a line through them, broken where it was silent for long.

    Raises CalibrationError where there are too few of them.
    """

    def __init__(self, readings: Sequence[MeterReading]) -> None:
        by_time: dict[float, list[float]] = {}
        for each in readings:
            by_time.setdefault(each.instant.timestamp(), []).append(each.power_w)
        if len(by_time) < 3:
            raise CalibrationError(
                f"The meter's file holds {len(by_time)} readings.",
                hint="Record for longer, once a second or so.",
            )
        self._times_s = sorted(by_time)
        self._powers_w = [fsum(by_time[at]) / len(by_time[at]) for at in self._times_s]
        steps_s = sorted(after - before for before, after in pairwise(self._times_s))
        self.interval_s = steps_s[len(steps_s) // 2]
        longest_s = max(_SHORTEST_HOLE_S, _HOLE_COUNT * self.interval_s)
        self._energies_j, self._holes = [0.0], [0]
        for i, (before, after) in enumerate(pairwise(self._times_s)):
            mean_w = (self._powers_w[i] + self._powers_w[i + 1]) / 2
            self._energies_j.append(self._energies_j[-1] + mean_w * (after - before))
            self._holes.append(self._holes[-1] + (after - before > longest_s))

    @property
    def start_s(self) -> float:
        return self._times_s[0]

    @property
    def end_s(self) -> float:
        return self._times_s[-1]

    def mean_w(self, start_s: float, end_s: float) -> float | None:
        """Mean power between two instants of the meter's clock, None where it was silent there."""
        if start_s < self.start_s or end_s > self.end_s or end_s <= start_s:
            return None
        first = max(0, bisect_right(self._times_s, start_s) - 1)
        last = bisect_left(self._times_s, end_s)
        if self._holes[last] != self._holes[first]:
            return None
        return (self._energy_j(end_s) - self._energy_j(start_s)) / (end_s - start_s)

    def _energy_j(self, instant_s: float) -> float:
        i = min(max(0, bisect_right(self._times_s, instant_s) - 1), len(self._times_s) - 2)
        step_s, into_s = self._times_s[i + 1] - self._times_s[i], instant_s - self._times_s[i]
        power_w = self._powers_w[i] + (self._powers_w[i + 1] - self._powers_w[i]) * (
            into_s / step_s / 2
        )
        return self._energies_j[i] + power_w * into_s


def watched(sessions: Iterable[Sequence[Event]], *, from_s: float, to_s: float) -> list[Watched]:
    """What recorded sessions saw between two instants since 1970, by set of devices, the longest first.

    Where two sessions watched the same time, the one that is named first has it.
    """
    found: dict[tuple[str, ...], list[Stretch]] = {}
    energies_j: dict[tuple[str, ...], dict[str, float]] = {}
    known: dict[tuple[str, ...], dict[str, Device]] = {}
    taken: list[tuple[float, float]] = []
    for events in sessions:
        before = len(taken)
        free = sorted(taken)
        for each in _stretches(events, from_s, to_s):
            stretch = each.stretch
            if _overlaps(stretch, free):
                continue
            taken.append((stretch.start_s, stretch.end_s))
            found.setdefault(each.key, []).append(stretch)
            sums_j = energies_j.setdefault(each.key, {})
            known.setdefault(each.key, {}).update((one.id, one) for one in each.devices)
            for device_id, energy_j in each.energies_j:
                sums_j[device_id] = sums_j.get(device_id, 0.0) + energy_j
        taken[before:] = _joined(taken[before:])
    listed = [
        Watched(key, tuple(sorted(stretches)), _fraction(energies_j[key], known[key]))
        for key, stretches in found.items()
    ]
    return sorted(listed, key=lambda each: -fsum(one.duration_s for one in each.stretches))


class _Found(NamedTuple):
    key: tuple[str, ...]
    stretch: Stretch
    devices: tuple[Device, ...]
    energies_j: tuple[tuple[str, float], ...]


def _stretches(events: Iterable[Event], from_s: float, to_s: float) -> Iterable[_Found]:
    devices: dict[str, Device] = {}
    wall_s: float | None = None  # how far the wall clock is ahead of the monotonic one
    last: Sampled | None = None
    for event in events:
        if isinstance(event, SessionStarted):
            wall_s = event.started_at.timestamp() - event.start_s
        elif isinstance(event, CellOpened):
            wall_s = event.run.started_at.timestamp() - event.run.start_s
        elif isinstance(event, DevicesFound):
            devices.update((each.id, each) for each in event.devices)
        elif isinstance(event, Noticed) and event.key.startswith(_CLOCK_NOTICES):
            wall_s = last = None  # until the next cell says what the time is
        elif isinstance(event, Sampled):
            if last is not None and wall_s is not None:
                start_s, end_s = last.instant_s + wall_s, event.instant_s + wall_s
                if start_s < end_s and end_s > from_s and start_s < to_s:
                    made = _between(last, event, devices, Stretch(start_s, end_s, None))
                    if made is not None:
                        yield made
            last = event


def _between(
    last: Sampled, now: Sampled, devices: dict[str, Device], where: Stretch
) -> _Found | None:
    ids = {each.device_id for each in now.points} & devices.keys()
    counted = [devices[each] for each in ids if not contained(devices[each], ids, devices)]
    if not counted:
        return None
    before = {each.device_id: each for each in last.points}
    after = {each.device_id: each for each in now.points}
    power_w: float | None = 0.0
    energies_j = []
    for device in sorted(counted, key=lambda each: each.id):
        old, new = before.get(device.id), after[device.id]
        seen_s = new.seen_s - old.seen_s if old is not None else 0.0
        if old is None or power_w is None or seen_s < SEEN_FRACTION * where.duration_s:
            power_w = None
            break
        # A driver's reading may be older than the point: joules go with the seconds they were seen in.
        device_w = max(0.0, new.energy_j - old.energy_j) / seen_s
        power_w += device_w
        energies_j.append((device.id, device_w * where.duration_s))
    return _Found(
        devices_key(counted),
        where._replace(power_w=power_w),
        tuple(counted),
        () if power_w is None else tuple(energies_j),
    )


def _overlaps(stretch: Stretch, taken: Sequence[tuple[float, float]]) -> bool:
    position = bisect_right(taken, (stretch.start_s, inf))
    before = taken[position - 1][1] > stretch.start_s if position else False
    after = taken[position][0] < stretch.end_s if position < len(taken) else False
    return before or after


def _joined(spans: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Spans in order, those that touch as one."""
    joined: list[tuple[float, float]] = []
    for start_s, end_s in sorted(spans):
        if joined and start_s <= joined[-1][1] + 1e-6:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end_s))
        else:
            joined.append((start_s, end_s))
    return joined


def _fraction(energies_j: dict[str, float], devices: dict[str, Device]) -> float:
    """Half of the interval of the sensors' total, as a part of it, by their own accuracy alone."""
    whole = total(
        [
            DeviceEnergy(
                device_id,
                energy_j,
                energy_j * max(0.0, 1 - devices[device_id].error_fraction),
                energy_j * (1 + devices[device_id].error_fraction),
                1.0,
            )
            for device_id, energy_j in energies_j.items()
        ],
        devices,
    )
    return (whole.high_j - whole.energy_j) / whole.energy_j if whole.energy_j > 0 else 0.0


def grouped(
    stretches: Sequence[Stretch], shortest_s: float, *, calm_s: float | None = None
) -> list[Stretch]:
    """Stretches that go on from one another as longer ones of at least this length. Gaps part them.

    With `calm_s` they end only where power has been steady for so long, and stays so. A meter smears a
    change of power over its own interval: where that crosses an end, a busy block would look less busy at
    the wall, and an idle one less idle, and the slope would come out too small.
    """
    groups: list[Stretch] = []
    restless = _restless(stretches, calm_s)
    energy_j, start_s, end_s = 0.0, 0.0, -inf
    for place, each in enumerate(stretches):
        if each.power_w is None:
            end_s = -inf
            continue
        if abs(each.start_s - end_s) > JOINED_S:
            energy_j, start_s = 0.0, each.start_s
        energy_j += each.power_w * each.duration_s
        end_s = each.end_s
        length_s = end_s - start_s
        wanted_s = shortest_s * (LONGEST_BLOCKS if place in restless else 1.0)
        if length_s >= wanted_s - 1e-6:
            groups.append(Stretch(start_s, end_s, energy_j / length_s))
            energy_j, start_s = 0.0, end_s
    return groups


def _restless(stretches: Sequence[Stretch], calm_s: float | None) -> set[int]:
    """Places after which power is not steady, that long before and after."""
    powers_w = sorted(each.power_w for each in stretches if each.power_w is not None)
    if calm_s is None or not powers_w:
        return set()
    reach_w = powers_w[(len(powers_w) * 9) // 10] - powers_w[len(powers_w) // 10]
    largest_w = CALM_FRACTION * reach_w
    found = set()
    first = 0
    for place, each in enumerate(stretches):
        while stretches[first].end_s <= each.end_s - calm_s:
            first += 1
        near_w = []
        last = first
        while last < len(stretches) and stretches[last].start_s < each.end_s + calm_s:
            power_w = stretches[last].power_w
            near_w += [] if power_w is None else [power_w]
            last += 1
        if near_w and max(near_w) - min(near_w) > largest_w:
            found.add(place)
    return found


def pairs(stretches: Iterable[Stretch], meter: MeterTrace, lag_s: float) -> list[Pair]:
    """Each stretch that the meter watched too. `lag_s` is how far its clock is ahead."""
    found = []
    for each in stretches:
        meter_w = meter.mean_w(each.start_s + lag_s, each.end_s + lag_s)
        if meter_w is not None and each.power_w is not None:
            found.append(Pair(each.start_s, each.duration_s, each.power_w, meter_w))
    return found


def compare(stretches: Sequence[Stretch], meter: MeterTrace) -> tuple[list[Pair], Lag]:
    """Pairs to fit, and how far the clocks are apart.

    Raises CalibrationError where most of the common time was not observed, or the clocks are too far
    apart to tell.
    """
    common = [
        each for each in stretches if each.end_s > meter.start_s and each.start_s < meter.end_s
    ]
    whole_s = fsum(each.duration_s for each in common)
    gaps = [each.duration_s for each in common if each.power_w is None]
    if fsum(gaps) > MOST_GAPS_FRACTION * whole_s:
        raise CalibrationError(
            f"The sensors have {len(gaps)} gaps in the meter's time, {fsum(gaps) / whole_s:.0%} of it.",
            hint="`nbcarbon doctor` says what cannot be read.",
        )
    lag = find_lag(common, meter)
    shortest_s = max(BLOCK_S, 2 * meter.interval_s)
    blocks = grouped(common, shortest_s, calm_s=CALM_READINGS * max(1.0, meter.interval_s))
    return pairs(blocks, meter, lag.lag_s), lag


def find_lag(stretches: Sequence[Stretch], meter: MeterTrace) -> Lag:
    """How far the meter's clock is ahead, by where its readings fit the sensors' best."""
    fine = grouped(stretches, LAG_READINGS * max(1.0, meter.interval_s) - 0.5)
    telling = sorted(
        range(1, len(fine)),
        key=lambda i: -abs((fine[i].power_w or 0.0) - (fine[i - 1].power_w or 0.0)),
    )[: LAG_PAIRS // 2]
    chosen = [fine[i] for i in sorted({i for each in telling for i in (each - 1, each)})]
    longest_s = LONGEST_LAG_S + meter.interval_s
    steps = round(longest_s / LAG_STEP_S)
    tried = {
        step * LAG_STEP_S: _misfit(pairs(chosen, meter, step * LAG_STEP_S))
        for step in range(-steps, steps + 1)
    }
    finite = {lag_s: each for lag_s, each in tried.items() if each.left_w2 < inf}
    if not finite:
        return Lag(0.0, told=False)
    best_s = min(finite, key=lambda lag_s: (finite[lag_s].left_w2, abs(lag_s)))
    best, worst_w2 = finite[best_s], max(each.left_w2 for each in finite.values())
    if best.left_w2 > (1 - TOLD_FRACTION) * worst_w2 or best.left_w2 > EXPLAINED * best.whole_w2:
        return Lag(0.0, told=False)
    if abs(best_s) >= longest_s - LAG_STEP_S:
        raise CalibrationError(
            f"The meter's clock and this machine's are more than {LONGEST_LAG_S:.0f} s apart.",
            hint="Set the meter's clock, or correct the times in its file.",
        )
    finer = [best_s + step * FINEST_LAG_S for step in range(-5, 6)]
    best_s = min(
        finer, key=lambda lag_s: (_misfit(pairs(chosen, meter, lag_s)).left_w2, abs(lag_s))
    )
    return Lag(round(best_s, 1), told=True)


class _Misfit(NamedTuple):
    """Mean square of the meter's power beside the best line, and of all that it varied."""

    left_w2: float
    whole_w2: float


def _misfit(found: Sequence[Pair]) -> _Misfit:
    """How well these pairs lie on a line; infinitely badly where they are too few to draw one."""
    count = len(found)
    if count < 10:
        return _Misfit(inf, inf)
    machine_w = fsum(each.machine_w for each in found) / count
    meter_w = fsum(each.meter_w for each in found) / count
    spread_w2 = fsum((each.machine_w - machine_w) ** 2 for each in found)
    common_w2 = fsum((each.machine_w - machine_w) * (each.meter_w - meter_w) for each in found)
    whole_w2 = fsum((each.meter_w - meter_w) ** 2 for each in found)
    explained_w2 = common_w2**2 / spread_w2 if spread_w2 > 0 else 0.0
    return _Misfit((whole_w2 - explained_w2) / count, whole_w2 / count)
