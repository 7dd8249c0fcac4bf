"""What a use of energy was made of, as BLOOM's training was accounted: dynamic, idle, infrastructure, embodied.

* **idle**: what the machine would have used at rest in the same time, by its measured baseline. Never
  more than was used. Where no baseline was measured it is not known, and then dynamic is not either.
* **dynamic**: the rest of the joules.
* **infrastructure**: what the building adds to all of them, by its PUE.
* **embodied**: the share of making the hardware that the time stands for (`embodied`).
* **water**, where its factors were set: a site's by IT energy, power plants' by all energy.

The first three add up to the operational emissions, exactly: each part's, and so their totals'. One run
of less than idle power is all idle, so that runs may add up to less idle time than their session has.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import hypot, sqrt
from typing import TYPE_CHECKING, Final, NamedTuple

from nbcarbon.core.booking import counted, devices_key
from nbcarbon.core.embodied import embodied
from nbcarbon.core.emissions import Emissions, operational
from nbcarbon.core.energy import Energy
from nbcarbon.core.units import kwh

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from nbcarbon.core.baseline import Baseline
    from nbcarbon.core.booking import Booking, Calibrations
    from nbcarbon.core.calibration import Calibration
    from nbcarbon.core.device import Device
    from nbcarbon.core.embodied import Manufactured
    from nbcarbon.core.energy import DeviceEnergy
    from nbcarbon.core.intensity import Intensity


class Idle(NamedTuple):
    """Power at rest with the ends of its 95 % interval. `common_w` of it errs as the sensors do always."""

    power_w: float = 0.0
    low_w: float = 0.0
    high_w: float = 0.0
    common_w: float = 0.0

    def plus(self, other: Idle) -> Idle:
        return Idle(*(a + b for a, b in zip(self, other, strict=True)))


class Water(NamedTuple):
    """Litres for each kilowatt-hour, None where nobody said: cooling the site, making the electricity."""

    site_l_per_kwh: float | None = None
    grid_l_per_kwh: float | None = None

    @classmethod
    def of(cls, settings: Mapping[str, str]) -> Water:
        """What was set. A setting of 0 is none."""
        site = float(settings.get("water_site_l_per_kwh", "0"))
        grid = float(settings.get("water_grid_l_per_kwh", "0"))
        return cls(site or None, grid or None)


NO_WATER: Final = Water()


@dataclass(frozen=True, slots=True)
class Ground:
    """What a split starts from.

    `idle` is by device as calibrations know it (`devices_key`). `hardware` is None where nobody looked
    (ledgers before 0.3), `unknown` says of which hardware there is no figure.
    """

    idle: Mapping[str, Idle]
    names: Mapping[str, str]
    baseline_date: str | None = None
    hardware: tuple[Manufactured, ...] | None = None
    unknown: tuple[str, ...] = ()
    water: Water = NO_WATER

    @classmethod
    def of(
        cls,
        devices: Iterable[Device],
        *,
        baseline: Baseline | None,
        hardware: tuple[Manufactured, ...] | None = None,
        unknown: tuple[str, ...] = (),
        water: Water = NO_WATER,
    ) -> Ground:
        found, names = {}, {}
        at_rest = {each.device_id: each for each in baseline.devices} if baseline else {}
        for device in devices:
            key = devices_key([device])[0]
            names[key] = device.name
            each = at_rest.get(device.id)
            if each is not None:
                common_w = device.error_fraction * each.power_w
                found[key] = Idle(each.power_w, each.low_w, each.high_w, common_w)
        date = baseline.date if baseline else None
        return cls(found, names, date, hardware, unknown, water)

    def idle_of(self, keys: Iterable[str]) -> Idle | None:
        """Idle power of devices together, None where one of them has none."""
        whole = Idle()
        for key in keys:
            each = self.idle.get(key)
            if each is None:
                return None
            whole = whole.plus(each)
        return whole


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """One part, or all of them. `idle` and `dynamic` are None where there is no baseline.

    `embodied` is None where nothing is known of the hardware, and `embodied_whole` false where some of it is
    not known: it is at least that much then. `time_s` are the seconds charged.
    """

    energy: Energy
    idle: Energy | None
    dynamic: Energy | None
    embodied: Emissions | None
    time_s: float
    pue: float
    intensity: Intensity
    water: Water = NO_WATER
    embodied_whole: bool = True

    @property
    def operational(self) -> Emissions:
        return operational(self.energy, pue=self.pue, intensity=self.intensity)

    @property
    def dynamic_emissions(self) -> Emissions | None:
        return self._priced(self.dynamic)

    @property
    def idle_emissions(self) -> Emissions | None:
        return self._priced(self.idle)

    @property
    def infrastructure(self) -> Emissions:
        """What the building adds, by its PUE."""
        return operational(self.energy, pue=self.pue - 1, intensity=self.intensity)

    def _priced(self, energy: Energy | None) -> Emissions | None:
        return None if energy is None else operational(energy, pue=1.0, intensity=self.intensity)

    @property
    def emissions(self) -> Emissions:
        """Operational and, as far as it is known, embodied: independent of one another."""
        one, other = self.operational, self.embodied or Emissions()
        whole_g = one.emissions_g + other.emissions_g
        below_g = hypot(one.emissions_g - one.low_g, other.emissions_g - other.low_g)
        above_g = hypot(one.high_g - one.emissions_g, other.high_g - other.emissions_g)
        return Emissions(whole_g, max(0.0, whole_g - below_g), whole_g + above_g)

    @property
    def idle_fraction(self) -> float | None:
        """The idle part of the joules, None where it is not known or there are none."""
        if self.idle is None or self.energy.energy_j <= 0:
            return None
        return self.idle.energy_j / self.energy.energy_j

    @property
    def site_water_l(self) -> float | None:
        factor = self.water.site_l_per_kwh
        return None if factor is None else kwh(self.energy.energy_j) * factor

    @property
    def grid_water_l(self) -> float | None:
        factor = self.water.grid_l_per_kwh
        return None if factor is None else kwh(self.energy.energy_j) * self.pue * factor

    def plus(self, other: Lifecycle) -> Lifecycle:
        """Another part of the same session, one after the other: ends add."""
        return replace(
            self,
            energy=self.energy + other.energy,
            idle=_added(self.idle, other.idle),
            dynamic=_added(self.dynamic, other.dynamic),
            embodied=_added_g(self.embodied, other.embodied),
            time_s=self.time_s + other.time_s,
        )


@dataclass(frozen=True, slots=True)
class DeviceLifecycle:
    """What one device used in a session by its own sensor, and what making it emitted."""

    id: str
    name: str
    energy_j: float
    idle_j: float | None
    embodied: Emissions | None


@dataclass(frozen=True, slots=True)
class SessionLifecycle:
    """A session's parts (without other people's), their sum, its devices, and what it all starts from."""

    total: Lifecycle
    parts: Mapping[str, Lifecycle]
    devices: tuple[DeviceLifecycle, ...]
    ground: Ground


def _added(one: Energy | None, other: Energy | None) -> Energy | None:
    return None if one is None or other is None else one + other


def _added_g(one: Emissions | None, other: Emissions | None) -> Emissions | None:
    if one is None or other is None:
        return one or other
    return Emissions(
        one.emissions_g + other.emissions_g, one.low_g + other.low_g, one.high_g + other.high_g
    )


def at_rest(energy: Energy, idle: Idle, time_s: float) -> Energy:
    """The joules of some time at rest, no more than were used."""
    idle_j = min(energy.energy_j, idle.power_w * time_s)
    return Energy(
        idle_j,
        min(idle_j, idle.low_w * time_s),
        max(idle_j, min(energy.high_j, idle.high_w * time_s)),
    )


def beyond_rest(energy: Energy, idle: Energy, common_fraction: float) -> Energy:
    """All joules but those at rest. What both err by alike, a part of each, cancels out but for the rest's."""
    dynamic_j = energy.energy_j - idle.energy_j
    common_j = common_fraction * dynamic_j

    def side(whole_j: float, rest_j: float) -> float:
        whole2 = max(0.0, whole_j**2 - (common_fraction * energy.energy_j) ** 2)
        rest2 = max(0.0, rest_j**2 - (common_fraction * idle.energy_j) ** 2)
        return sqrt(whole2 + rest2 + common_j**2)

    below_j = side(energy.energy_j - energy.low_j, idle.high_j - idle.energy_j)
    above_j = side(energy.high_j - energy.energy_j, idle.energy_j - idle.low_j)
    return Energy(dynamic_j, max(0.0, dynamic_j - below_j), dynamic_j + above_j)


def of_bookings(
    bookings: Iterable[tuple[Sequence[str], Booking]],
    ground: Ground,
    *,
    calibrations: Calibrations,
    pue: float,
    intensity: Intensity,
) -> Lifecycle:
    """One part of a session, booked by set of devices."""
    whole = _nothing(ground, pue, intensity)
    for keys, booking in bookings:
        if booking.energy.energy_j <= 0 and booking.energy.high_j <= 0 and booking.time_s <= 0:
            continue
        calibration = calibrations.get(tuple(keys))
        whole = whole.plus(
            of_energy(
                booking.calibrated(calibration),
                keys,
                booking.time_s,
                ground,
                calibration=calibration,
                pue=pue,
                intensity=intensity,
            )
        )
    return whole


def of_energy(
    energy: Energy,
    keys: Iterable[str],
    time_s: float,
    ground: Ground,
    *,
    calibration: Calibration | None,
    pue: float,
    intensity: Intensity,
) -> Lifecycle:
    """Joules of one set of devices in so many seconds, at the wall with a calibration."""
    rest = ground.idle_of(keys)
    idle = None if rest is None else _idle(energy, rest, time_s, calibration)
    like = _nothing(ground, pue, intensity)
    return _made(energy, idle, rest, calibration, time_s, like, ground)


def _nothing(ground: Ground, pue: float, intensity: Intensity) -> Lifecycle:
    made = Emissions() if ground.hardware else None
    return Lifecycle(
        Energy(), Energy(), Energy(), made, 0.0, pue, intensity, ground.water, not ground.unknown
    )


def _idle(energy: Energy, rest: Idle, time_s: float, calibration: Calibration | None) -> Energy:
    if calibration is None:
        return at_rest(energy, rest, time_s)
    by_sensors = Energy(rest.power_w * time_s, rest.low_w * time_s, rest.high_w * time_s)
    at_wall = calibration.apply(by_sensors, time_s)
    idle_j = min(energy.energy_j, at_wall.energy_j)
    return Energy(
        idle_j, min(idle_j, at_wall.low_j), max(idle_j, min(energy.high_j, at_wall.high_j))
    )


def _made(
    energy: Energy,
    idle: Energy | None,
    rest: Idle | None,
    calibration: Calibration | None,
    time_s: float,
    like: Lifecycle,
    ground: Ground,
) -> Lifecycle:
    dynamic = None
    if idle is not None and rest is not None:
        sensors = calibration is None and rest.power_w > 0
        dynamic = beyond_rest(energy, idle, rest.common_w / rest.power_w if sensors else 0.0)
    made = embodied(ground.hardware, time_s) if ground.hardware else None
    return replace(like, energy=energy, idle=idle, dynamic=dynamic, embodied=made, time_s=time_s)


def of_session(
    sums: Sequence[tuple[str, tuple[str, ...], Booking]],
    names: Iterable[str],
    devices: Mapping[str, Device],
    ground: Ground,
    *,
    charged_j: Callable[[str], float],
    calibrations: Calibrations,
    pue: float,
    intensity: Intensity,
) -> SessionLifecycle:
    """A session's parts of these names, booked by part and set of devices.

    `charged_j` are a device's joules as far as they are this notebook's.
    """
    wanted = tuple(names)
    parts = {
        name: of_bookings(
            [(keys, booking) for part, keys, booking in sums if part == name],
            ground,
            calibrations=calibrations,
            pue=pue,
            intensity=intensity,
        )
        for name in wanted
    }
    whole = _nothing(ground, pue, intensity)
    for each in parts.values():
        whole = whole.plus(each)
    seen = {key for part, keys, _ in sums if part in wanted for key in keys}
    found = []
    for device in devices.values():
        key = devices_key([device])[0]
        if key in seen:
            time_s = sum(
                booking.time_s for part, keys, booking in sums if part in wanted and key in keys
            )
            found.append(
                _device(device, ground, charged_j(device.id), ground.idle.get(key), time_s)
            )
    return SessionLifecycle(whole, parts, tuple(found), ground)


def _device(
    device: Device, ground: Ground, energy_j: float, rest: Idle | None, time_s: float
) -> DeviceLifecycle:
    made = [each for each in ground.hardware or () if each.device_id == device.id]
    return DeviceLifecycle(
        device.id,
        device.name,
        energy_j,
        None if rest is None else min(energy_j, rest.power_w * time_s),
        embodied(made, time_s) if made else None,
    )


class RunSplit(NamedTuple):
    """A run, and each of its devices: the joules at rest, None where they are not known."""

    whole: Lifecycle
    idle_j: Mapping[str, float | None]


def of_run(
    parts: Sequence[DeviceEnergy],
    devices: Mapping[str, Device],
    ground: Ground,
    *,
    energy: Energy,
    time_s: float,
    calibration: Calibration | None,
    pue: float,
    intensity: Intensity,
) -> RunSplit:
    """One run. `parts` are what it is charged with, `energy` their total, `time_s` the seconds charged.

    A device is at rest only while it is observed: joules nobody saw are in no figure.
    """
    idle_j: dict[str, float | None] = {}
    rests: dict[str, Idle] = {}
    for part in parts:
        rest = ground.idle.get(devices_key([devices[part.device_id]])[0])
        seen_s = time_s * part.coverage_fraction
        idle_j[part.device_id] = None
        if rest is not None:
            used = Energy(part.energy_j, part.low_j, part.high_j)
            idle_j[part.device_id] = at_rest(used, rest, seen_s).energy_j
            rests[part.device_id] = rest
    whole, known = Idle(), True
    at_rest_j = 0.0
    for part in counted(parts, devices):
        each_j = idle_j[part.device_id]
        if each_j is None:
            known = known and part.energy_j <= 0 and part.high_j <= 0
            continue
        at_rest_j += each_j
        whole = whole.plus(rests[part.device_id])
    idle = None
    if known:
        idle = _run_idle(energy, whole, at_rest_j, time_s, calibration)
    like = _nothing(ground, pue, intensity)
    return RunSplit(
        _made(energy, idle, whole if known else None, calibration, time_s, like, ground), idle_j
    )


def _run_idle(
    energy: Energy, whole: Idle, idle_j: float, time_s: float, calibration: Calibration | None
) -> Energy:
    """The run's joules at rest: its devices' together, which may have been seen for less than all of it."""
    if calibration is not None or whole.power_w <= 0 or time_s <= 0:
        return _idle(energy, whole, time_s, calibration)
    idle_j = min(idle_j, energy.energy_j)
    scale = idle_j / whole.power_w
    return Energy(
        idle_j,
        min(idle_j, whole.low_w * scale),
        max(idle_j, min(energy.high_j, whole.high_w * scale)),
    )
