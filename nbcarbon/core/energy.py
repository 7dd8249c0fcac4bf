"""From a trace and a window to joules with an interval, and from several devices to a total.

The interval is the end of a 95 % one, made of three independent parts in quadrature: the sensor's
own accuracy (proportional), the counter's refresh at both ends, and the line drawn between two
readings where an end falls between them. Unobserved time within a window widens it upwards only, by
the highest power seen around it: those joules are missing from the figure, and its coverage says so.
A device that nothing observed at all is *not measured*: no joules, no interval, coverage 0.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from math import hypot
from typing import TYPE_CHECKING

from nbcarbon.core.trace import EXACT_S, Window

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from nbcarbon.core.device import Device
    from nbcarbon.core.trace import Trace

REFRESH_SPREAD = 0.78
"""95 % of the difference of two independent delays, uniform over one refresh, lies within 0.78 of it."""

NEIGHBOURHOOD_S = 1.0
"""How far around an end power levels are looked at."""


@dataclass(frozen=True, slots=True)
class DeviceEnergy:
    """What one device used in one window.

    `own_fraction` is the part of the device's work that this kernel's processes did, None where
    nobody can tell. It divides the energy under the rule `share` and changes nothing else.
    """

    device_id: str
    energy_j: float
    low_j: float
    high_j: float
    coverage_fraction: float
    below_resolution: bool = False
    own_fraction: float | None = None

    def scaled(self, fraction: float) -> DeviceEnergy:
        """The same facts about a part of these joules."""
        return replace(
            self,
            energy_j=self.energy_j * fraction,
            low_j=self.low_j * fraction,
            high_j=self.high_j * fraction,
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


def energy(trace: Trace, window: Window, *, own_fraction: float | None = None) -> DeviceEnergy:
    """Joules of one device in a window. One that no reading touches has coverage 0."""
    device = trace.device
    duration_s = window.duration_s
    if not trace.last or duration_s <= 0:
        return DeviceEnergy(device.id, 0.0, 0.0, 0.0, 0.0, own_fraction=own_fraction)
    start, end = trace.at(window.start_s), trace.at(window.end_s)
    energy_j = end.energy_j - start.energy_j
    seen_s = min(duration_s, max(0.0, end.seen_s - start.seen_s))
    if seen_s <= 0:
        return DeviceEnergy(device.id, 0.0, 0.0, 0.0, 0.0, own_fraction=own_fraction)
    low_w, high_w = _levels_w(trace, window)
    half_width_j = hypot(
        device.error_fraction * energy_j,
        REFRESH_SPREAD * device.resolution_s * high_w,
        _end_error_j(trace, window.start_s, high_w - low_w),
        _end_error_j(trace, window.end_s, high_w - low_w),
    )
    below = duration_s < device.resolution_s
    unseen_j = (duration_s - seen_s) * high_w
    return DeviceEnergy(
        device.id,
        energy_j,
        0.0 if below else max(0.0, energy_j - half_width_j),
        energy_j + half_width_j + unseen_j,
        seen_s / duration_s,
        below_resolution=below,
        own_fraction=own_fraction,
    )


def _levels_w(trace: Trace, window: Window) -> tuple[float, float]:
    """Lowest and highest power near the window's ends, over stretches long enough to trust."""
    shortest_s = max(EXACT_S, 2 * trace.device.resolution_s)
    nearby = Window(window.start_s - NEIGHBOURHOOD_S, window.end_s + NEIGHBOURHOOD_S)
    levels_w = trace.levels_w(nearby, shortest_s=shortest_s)
    start, end = trace.at(nearby.start_s), trace.at(nearby.end_s)
    # Some of it was seen, or there would be no energy to find the interval of.
    levels_w.append((end.energy_j - start.energy_j) / (end.seen_s - start.seen_s))
    return min(levels_w), max(levels_w)


def _end_error_j(trace: Trace, instant_s: float, swing_w: float) -> float:
    """How wrong a straight line between two readings can be where one power step hides in it."""
    stretch = trace.around(instant_s)
    if stretch is None or not stretch.seen:
        return 0.0
    after_s = instant_s - stretch.start.instant_s
    before_s = stretch.end.instant_s - instant_s
    return swing_w * after_s * before_s / stretch.duration_s


def total(parts: Iterable[DeviceEnergy], devices: Mapping[str, Device]) -> Energy:
    """Joules of several devices in one window, each joule once.

    A device within another one of these is skipped. Devices read in the same way err together, so
    their intervals add; different ways are independent and combine in quadrature.
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
        below_j[device.method] += part.energy_j - part.low_j
        above_j[device.method] += part.high_j - part.energy_j
    return Energy(
        energy_j,
        max(0.0, energy_j - hypot(*below_j.values())),
        energy_j + hypot(*above_j.values()),
    )


def contained(device: Device, ids: set[str], devices: Mapping[str, Device]) -> bool:
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
