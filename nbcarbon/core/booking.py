"""Joules as they are booked: by the sensors, with what is needed to put a calibration on them later.

Facts stay as they were read. A calibration is a view of them, so a booking keeps apart what it replaces
(the sensors' own accuracy) from what it cannot make better (a window's two ends), and counts the
seconds that the machine's constant part is charged for.
"""

from __future__ import annotations

from itertools import pairwise
from math import sqrt
from typing import TYPE_CHECKING, NamedTuple

from nbcarbon.core.device import Provenance
from nbcarbon.core.energy import Energy, contained, total

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from nbcarbon.core.calibration import Calibration
    from nbcarbon.core.cell import CellReport
    from nbcarbon.core.device import Device
    from nbcarbon.core.energy import DeviceEnergy

    Calibrations = Mapping[tuple[str, ...], Calibration]
    """By the devices that each holds for."""


class Booking(NamedTuple):
    """Joules of one set of devices.

    `ends` are the same joules with the interval that remains where every sensor is exact. `time_s` are
    the seconds charged: of a window that is divided, by the joules.
    """

    energy: Energy = Energy()
    ends: Energy = Energy()
    time_s: float = 0.0

    def plus(self, other: Booking) -> Booking:
        """One after the other, of the same devices."""
        return Booking(
            self.energy + other.energy, self.ends + other.ends, self.time_s + other.time_s
        )

    def calibrated(self, calibration: Calibration | None) -> Energy:
        """At the wall where there is a calibration for these devices, else as the sensors say."""
        return self.energy if calibration is None else calibration.apply(self.ends, self.time_s)


class Charged(NamedTuple):
    """A run beside which others ran, and its part of the time: all of them divided what they had in common."""

    run_index: int
    start_s: float
    end_s: float
    time_s: float


class Books:
    """All joules of a session under one rule: by part, and in it by set of devices.

    A calibration holds for one set, and devices come and go.
    """

    def __init__(self) -> None:
        self._parts: dict[str, dict[tuple[str, ...], Booking]] = {}

    def add(self, of: tuple[str, ...], shares: Mapping[str, Booking]) -> None:
        """Book a window that is divided among parts, all of them of the same devices."""
        for part, share in shares.items():
            booked = self._parts.setdefault(part, {})
            booked[of] = booked.get(of, Booking()).plus(share)

    def sums(self) -> Iterator[tuple[str, tuple[str, ...], Booking]]:
        """Everything booked: part, devices, and what of them."""
        for part, booked in self._parts.items():
            for of, each in booked.items():
                yield part, of, each

    def energy(self, parts: Iterable[str], calibrations: Calibrations) -> Energy:
        """Parts together, at the wall where that is known: the longer a time, the surer its mean is."""
        sums = self._sums(parts)
        return sum((each.calibrated(calibrations.get(of)) for of, each in sums.items()), Energy())

    def calibrated(
        self, parts: Iterable[str], calibrations: Calibrations
    ) -> tuple[Calibration | None, float]:
        """The calibration behind most of these parts' joules, and how much of them is calibrated."""
        sums_j = {of: each.energy.energy_j for of, each in self._sums(parts).items()}
        held_j = {of: each for of, each in sums_j.items() if of in calibrations and each > 0}
        if not held_j:
            return None, 0.0
        most = max(held_j, key=held_j.__getitem__)
        return calibrations[most], sum(held_j.values()) / sum(sums_j.values())

    def _sums(self, parts: Iterable[str]) -> dict[tuple[str, ...], Booking]:
        sums: dict[tuple[str, ...], Booking] = {}
        for part in parts:
            for of, each in self._parts.get(part, {}).items():
                sums[of] = sums.get(of, Booking()).plus(each)
        return sums


def booking(parts: Sequence[DeviceEnergy], devices: Mapping[str, Device]) -> Booking:
    """What devices used in one window, charged with no time yet."""
    if not any(part.high_j for part in parts):
        return Booking()
    energy = total(parts, devices)
    below_j2 = above_j2 = 0.0
    for part in counted(parts, devices):
        # The sensor's accuracy and all else were in quadrature.
        accuracy_j2 = (devices[part.device_id].error_fraction * part.energy_j) ** 2
        below_j2 += max(0.0, (part.energy_j - part.low_j) ** 2 - accuracy_j2)
        above_j2 += max(0.0, (part.high_j - part.energy_j) ** 2 - accuracy_j2)
    joules = energy.energy_j
    ends = Energy(joules, max(0.0, joules - sqrt(below_j2)), joules + sqrt(above_j2))
    return Booking(energy, ends)


def divided(
    shares: Mapping[str, Sequence[DeviceEnergy]],
    devices: Mapping[str, Device],
    time_s: float,
    *,
    rest: str,
) -> dict[str, Booking]:
    """A window that several are charged with: its seconds go by their joules, to `rest` if there are none."""
    found = {name: booking(parts, devices) for name, parts in shares.items()}
    whole_j = sum(each.energy.energy_j for each in found.values())
    return {
        name: each._replace(
            time_s=time_s * (each.energy.energy_j / whole_j if whole_j > 0 else float(name == rest))
        )
        for name, each in found.items()
    }


def counted(parts: Sequence[DeviceEnergy], devices: Mapping[str, Device]) -> list[DeviceEnergy]:
    """Those whose joules no other one of them holds already."""
    ids = {part.device_id for part in parts}
    return [part for part in parts if not contained(devices[part.device_id], ids, devices)]


def seen_devices(parts: Sequence[DeviceEnergy], devices: Mapping[str, Device]) -> tuple[str, ...]:
    """The devices that a window's total is of, by which a calibration for it is found.

    One that nobody observed is missing from the total, and so from these.
    """
    return devices_key(
        devices[part.device_id] for part in counted(parts, devices) if part.coverage_fraction > 0
    )


def devices_key(devices: Iterable[Device]) -> tuple[str, ...]:
    """What a calibration holds for: the counted devices, by id.

    A model's or a recording's id is the same everywhere, so its method tells two of them apart.
    """
    return tuple(
        sorted(
            each.id if each.provenance is Provenance.MEASURED else f"{each.id} ({each.method})"
            for each in devices
        )
    )


def charged(report: CellReport, opened: Iterable[float], closed: Iterable[Charged]) -> Charged:
    """A run's part of its time, by when those that ran beside it began, or began and ended.

    `closed` come newest first.
    """
    start_s, end_s = report.run.start_s, report.end_s
    beside = [(max(each, start_s), end_s) for each in opened if each < end_s]
    for each in closed:
        if each.end_s <= start_s:
            break
        beside.append((max(each.start_s, start_s), min(each.end_s, end_s)))
    edges = sorted({start_s, end_s, *(edge for span in beside for edge in span)})
    time_s = sum(
        (after - before) / (1 + sum(a <= before and b >= after for a, b in beside))
        for before, after in pairwise(edges)
    )
    return Charged(report.run.index, start_s, end_s, time_s)
