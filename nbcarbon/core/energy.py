"""From a trace and a window to joules with an interval, and from several devices to a total.

The interval is the end of a 95 % one; `uncertainty` says what it is made of, `ends` what is known of a
window's two ends. Unobserved time within a window widens it upwards only, by the highest power seen
around it: those joules are missing from the figure, and its coverage says so. A device that nothing
observed at all is *not measured*: no joules, no interval, coverage 0.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from math import hypot, sqrt
from typing import TYPE_CHECKING

from nbcarbon.core.device import Provenance
from nbcarbon.core.ends import WITHIN, Turn, end_of
from nbcarbon.core.trace import EXACT_S, Window
from nbcarbon.core.uncertainty import (
    AVERAGING,
    MODEL,
    REFRESH,
    SENSOR,
    STEPS,
    UNSEEN,
    ErrorPart,
    notable,
    quadrature_j,
    scaled,
)

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping

    from nbcarbon.core.device import Device
    from nbcarbon.core.ends import End
    from nbcarbon.core.trace import Trace

NEIGHBOURHOOD_S = 1.0
"""How far around an end power levels are looked at."""

AVERAGED = 0.3
"""Of a sensor's averaging, how much of a change of power at a window's ends it may hide."""

SAMPLED = 0.8
"""Of a refresh of a power sensor: a shorter window is likely enough to pass between two samples."""

UNSHOWN = 0.4
"""The same of a sensor's averaging: what is shorter hardly moves its mean."""

AS_IS = (Turn.UNKNOWN, Turn.UNKNOWN)
OF_A_RUN = (Turn.OPENS, Turn.CLOSES)


@dataclass(frozen=True, slots=True)
class DeviceEnergy:
    """What one device used in one window.

    `own_fraction` is the part of the device's work that this kernel's processes did, None where
    nobody can tell. It divides the energy under the rule `share` and changes nothing else. `parts` are
    the reasons for the interval, biggest first; ledgers before 0.2 have none.
    """

    device_id: str
    energy_j: float
    low_j: float
    high_j: float
    coverage_fraction: float
    below_resolution: bool = False
    own_fraction: float | None = None
    parts: tuple[ErrorPart, ...] = ()

    def part(self, fraction: float) -> DeviceEnergy:
        """The same facts about a part of these joules, with the reasons."""
        return replace(self.scaled(fraction), parts=scaled(self.parts, fraction))

    def scaled(self, fraction: float) -> DeviceEnergy:
        """The same facts about a part of these joules, but for the reasons: sums need none."""
        # Not `replace`, which takes five times as long: done for each device of each cell.
        return DeviceEnergy(
            self.device_id,
            self.energy_j * fraction,
            self.low_j * fraction,
            self.high_j * fraction,
            self.coverage_fraction,
            self.below_resolution,
            self.own_fraction,
        )


@dataclass(frozen=True, slots=True)
class Energy:
    """Joules with the ends of their 95 % interval."""

    energy_j: float = 0.0
    low_j: float = 0.0
    high_j: float = 0.0

    def __add__(self, other: Energy) -> Energy:
        """One after the other: what a sensor reads wrong now it reads wrong later, so ends add."""
        return Energy(
            self.energy_j + other.energy_j, self.low_j + other.low_j, self.high_j + other.high_j
        )

    def divided(self, count: int) -> Energy:
        """One of so many alike parts."""
        return Energy(self.energy_j / count, self.low_j / count, self.high_j / count)


def energy(
    trace: Trace,
    window: Window,
    *,
    own_fraction: float | None = None,
    turns: tuple[Turn, Turn] = AS_IS,
) -> DeviceEnergy:
    """Joules of one device in a window. One that no reading touches has coverage 0.

    `turns` says what the window's ends are, where they were not pinned before.
    """
    device = trace.device
    duration_s = window.duration_s
    if not trace.last or duration_s <= 0:
        return DeviceEnergy(device.id, 0.0, 0.0, 0.0, 0.0, own_fraction=own_fraction)
    start, end = end_of(trace, window.start_s, turns[0]), end_of(trace, window.end_s, turns[1])
    energy_j = max(0.0, end.energy_j - start.energy_j)
    seen_s = min(duration_s, max(0.0, end.seen_s - start.seen_s))
    if seen_s <= 0:
        return DeviceEnergy(device.id, 0.0, 0.0, 0.0, 0.0, own_fraction=own_fraction)
    low_w, high_w = _levels_w(trace, window, energy_j / seen_s)
    unseen_j = (duration_s - seen_s) * high_w
    parts = _parts(trace, start, end, energy_j, high_w - low_w)
    half_width_j = quadrature_j(parts)
    # A value that stands still for longer than the window lasts says little about it.
    below = duration_s < max(trace.period_s or device.resolution_s, device.power_window_s / 2)
    high_j = energy_j + half_width_j
    hidden_s = SAMPLED * device.resolution_s + UNSHOWN * device.power_window_s
    if trace.power_w is not None and duration_s < hidden_s:
        # No sample need lie in it: anything from nothing to all that it can draw.
        high_j = device.max_power_w * duration_s
    elif below:
        high_j = max(high_j, _most_j(trace, window))
    return DeviceEnergy(
        device.id,
        energy_j,
        0.0 if below else max(0.0, energy_j - half_width_j),
        max(energy_j, high_j) + unseen_j,
        seen_s / duration_s,
        below_resolution=below,
        own_fraction=own_fraction,
        parts=notable([*parts, ErrorPart(UNSEEN, unseen_j)]),
    )


def _most_j(trace: Trace, window: Window) -> float:
    """All that was counted from the update before a window to the one after it.

    Two updates say nothing of where between them the work was: power next to one end of a window is
    that of its other end as well, where all of it lies within a period or two.
    """
    before, _ = trace.near(window.start_s)
    _, after = trace.near(window.end_s)
    if not before or not after:
        return 0.0
    counted_j = after[0].energy_j - before[-1].energy_j
    return min(counted_j, trace.device.max_power_w * window.duration_s)


def _parts(trace: Trace, start: End, end: End, energy_j: float, swing_w: float) -> list[ErrorPart]:
    """All that makes joules unsure which were observed."""
    device = trace.device
    modelled = device.provenance is Provenance.MODELLED
    rough_j = WITHIN * sqrt(max(0.0, end.rough_j2 - start.rough_j2))
    return [
        ErrorPart(MODEL if modelled else SENSOR, device.error_fraction * energy_j),
        ErrorPart(
            REFRESH,
            hypot(start.refresh_j, end.refresh_j) + abs(end.late_j - start.late_j),
        ),
        ErrorPart(STEPS, hypot(start.steps_j, end.steps_j, rough_j)),
        ErrorPart(AVERAGING, AVERAGED * swing_w * device.power_window_s),
    ]


def _levels_w(trace: Trace, window: Window, mean_w: float) -> tuple[float, float]:
    """Lowest and highest power near the window's ends, over stretches long enough to trust."""
    steady_s = 0.0 if trace.power_w is not None else 2 * trace.device.resolution_s
    shortest_s = max(EXACT_S, steady_s)
    nearby = Window(window.start_s - NEIGHBOURHOOD_S, window.end_s + NEIGHBOURHOOD_S)
    levels_w = [mean_w, *trace.levels_w(nearby, shortest_s=shortest_s)]
    return min(levels_w), max(levels_w)


def total(parts: Iterable[DeviceEnergy], devices: Mapping[str, Device]) -> Energy:
    """Joules of several devices in one window, each joule once.

    A device within another one of these is skipped. Sensors of one kind err together, so their
    accuracies add; everything else is each device's own and combines in quadrature.
    """
    present = list(parts)
    ids = {part.device_id for part in present}
    energy_j = 0.0
    below_j: defaultdict[str, float] = defaultdict(float)
    above_j: defaultdict[str, float] = defaultdict(float)
    for part in present:
        device = devices[part.device_id]
        if contained(device, ids, devices):
            continue
        energy_j += part.energy_j
        alike_j = device.error_fraction * part.energy_j
        for sums_j, side_j in (
            (below_j, part.energy_j - part.low_j),
            (above_j, part.high_j - part.energy_j),
        ):
            alike_j = min(alike_j, side_j)
            sums_j[device.method] += alike_j
            # Too short for its sensors is too short for all of them: what ran is theirs alike.
            whose = "short" if part.below_resolution else f"{device.id} alone"
            sums_j[whose] += sqrt(side_j**2 - alike_j**2)
    return Energy(
        energy_j,
        max(0.0, energy_j - hypot(*below_j.values())),
        energy_j + hypot(*above_j.values()),
    )


def contained(device: Device, ids: Container[str], devices: Mapping[str, Device]) -> bool:
    """Whether one of `ids` already contains this device, directly or through others."""
    outer = device.within
    while outer is not None:
        if outer in ids:
            return True
        outer = devices[outer].within if outer in devices else None
    return False


def coverage(parts: Iterable[DeviceEnergy]) -> float:
    """The part of a window truly observed, on average over its devices; 0 where there are none."""
    fractions = [part.coverage_fraction for part in parts]
    return sum(fractions) / len(fractions) if fractions else 0.0
