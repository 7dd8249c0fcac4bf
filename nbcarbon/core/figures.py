"""The priced view of a run and of a session: all that a card, a table, an export or a chart gets.

A report holds facts; figures add who is charged, where the electricity came from and what it
emitted. They are derived each time somebody looks, and never stored.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from heapq import nlargest
from typing import TYPE_CHECKING, NamedTuple, overload

from nbcarbon.core import attribution
from nbcarbon.core.attribution import Rule
from nbcarbon.core.booking import divided, seen_devices
from nbcarbon.core.device import Provenance
from nbcarbon.core.emissions import operational
from nbcarbon.core.energy import contained, coverage
from nbcarbon.core.lifecycle import of_run
from nbcarbon.core.notes import NO_NOTES, CellNotes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from nbcarbon.core.booking import Booking, Calibrations, Charged
    from nbcarbon.core.calibration import Calibration
    from nbcarbon.core.cell import CellReport, Outcome
    from nbcarbon.core.device import Device, Kind
    from nbcarbon.core.emissions import Emissions
    from nbcarbon.core.energy import DeviceEnergy, Energy
    from nbcarbon.core.intensity import Intensity, Zone
    from nbcarbon.core.lifecycle import Ground, Lifecycle, SessionLifecycle


@dataclass(frozen=True, slots=True)
class DeviceFigure:
    """What one device used in one run, as far as this notebook is charged for it.

    `counted` is false for a device whose joules another one of the same run already holds: it is
    shown, and left out of the total. `own_fraction` is None where nobody can tell whose work it
    was; all of its joules are charged then. `mean_power_w` is over the time truly observed. `idle_j` are
    the joules it would have used at rest, None where that is not known.
    """

    id: str
    kind: Kind
    name: str
    energy_j: float
    low_j: float
    high_j: float
    mean_power_w: float | None
    provenance: Provenance
    method: str
    below_resolution: bool
    coverage_fraction: float
    own_fraction: float | None = None
    counted: bool = True
    idle_j: float | None = None


@dataclass(frozen=True, slots=True)
class Figures:
    """One run, priced: joules and grams of CO2e with the ends of their 95 % intervals.

    `coverage_fraction` is the part of the run that was truly observed, `measured_fraction` the part
    of the joules that a sensor measured; the rest is modelled or reported. `own_fraction` is this
    notebook's part of the machine's joules, None where nobody can tell, and `other_energy` what the
    rule not in force would have charged. `parent_index` is the run this one was nested in, whose
    figures hold these already. With a `calibration` the joules are those at the wall, its devices' their
    sensors' own all the same. `lifecycle` says what the joules were made of, None where nobody asked.
    `notes` are what the user said of it, `run_count` is how often it ran its body, in
    runs that are each an `is_batch` in it.
    """

    name: str
    index: int
    key: str
    started_at: datetime
    duration_s: float
    outcome: Outcome
    flags: tuple[str, ...]
    energy: Energy
    emissions: Emissions
    coverage_fraction: float
    measured_fraction: float
    mean_power_w: float | None
    devices: tuple[DeviceFigure, ...]
    own_fraction: float | None
    rule: Rule
    other_energy: Energy
    zone: Zone
    intensity: Intensity
    pue: float
    parent_index: int | None = None
    calibration: Calibration | None = None
    lifecycle: Lifecycle | None = None
    notes: CellNotes = NO_NOTES
    run_count: int = 1
    is_batch: bool = False

    @property
    def energy_j(self) -> float:
        return self.energy.energy_j

    @property
    def low_j(self) -> float:
        return self.energy.low_j

    @property
    def high_j(self) -> float:
        return self.energy.high_j

    @property
    def emissions_g(self) -> float:
        return self.emissions.emissions_g

    @property
    def low_g(self) -> float:
        return self.emissions.low_g

    @property
    def high_g(self) -> float:
        return self.emissions.high_g

    @property
    def below_resolution(self) -> bool:
        """Whether the run was too short for one of the sensors that make up its total."""
        return any(device.below_resolution for device in self.devices if device.counted)

    @property
    def reported(self) -> bool:
        """Whether every joule is what somebody else reported."""
        counted = [device for device in self.devices if device.counted]
        return bool(counted) and all(d.provenance is Provenance.REPORTED for d in counted)


class Seen(NamedTuple):
    """What runs that are in no other one say together of how they are known: sums over them."""

    run_count: int = 0
    energy_j: float = 0.0
    measured_j: float = 0.0
    measured_count: float = 0.0
    duration_s: float = 0.0
    covered_s: float = 0.0
    covered_count: float = 0.0

    def plus(self, other: Seen) -> Seen:
        return Seen(*(mine + theirs for mine, theirs in zip(self, other, strict=True)))  # type: ignore[arg-type]

    @property
    def measured_fraction(self) -> float:
        """The part of the joules that a sensor measured."""
        return _mean(self.measured_j, self.energy_j, self.measured_count, self.run_count)

    @property
    def coverage_fraction(self) -> float:
        """The part of the time that was truly observed."""
        return _mean(self.covered_s, self.duration_s, self.covered_count, self.run_count)


class CellFigures(Sequence[Figures]):
    """The runs of a session, each priced when somebody asks for it: a table asks for few of 100,000.

    `joules` ranks them, negative where a run is inside of another one.
    """

    def __init__(self, price: Callable[[int], Figures], joules: Sequence[float]) -> None:
        self._price = price
        self._joules = joules

    @classmethod
    def of(cls, cells: Sequence[Figures]) -> CellFigures:
        """Runs that are priced already."""
        return cls(
            cells.__getitem__,
            [each.energy_j if each.parent_index is None else -1.0 for each in cells],
        )

    def __len__(self) -> int:
        return len(self._joules)

    @overload
    def __getitem__(self, position: int) -> Figures: ...
    @overload
    def __getitem__(self, position: slice) -> tuple[Figures, ...]: ...
    def __getitem__(self, position: int | slice) -> Figures | tuple[Figures, ...]:
        places = range(len(self))[position]
        if isinstance(places, range):
            return tuple(self._price(each) for each in places)
        return self._price(places)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and tuple(self) == tuple(other)

    __hash__ = None  # type: ignore[assignment]

    def notable(self, most_count: int) -> CellFigures:
        """All of them; where there are more than that, of those in no other one the newest, and of the rest
        those that used most."""
        if len(self) <= most_count:
            return self
        return CellFigures.of([self._price(each) for each in notable(self._joules, most_count)])


def notable(joules: Sequence[float], most_count: int) -> list[int]:
    """Of very many places which to show: the newest, and of the rest those with most joules. A negative
    number of joules is never shown."""
    ranked = [place for place, energy_j in enumerate(joules) if energy_j >= 0]
    older = ranked[: max(0, len(ranked) - most_count // 2)]
    largest = nlargest(most_count - most_count // 2, older, key=joules.__getitem__)
    return [*sorted(largest), *ranked[len(older) :]]


@dataclass(frozen=True, slots=True)
class SessionFigures:
    """A whole session, priced. The five parts add up to `machine_j`; `energy` is all but `others`.

    `cells` holds nested runs too, which are part of the run around them: the totals do not add them.
    `cells_energy` is that of those in no other one, and `seen` says how they are known. `calibrated_fraction` is the part of the
    joules that `calibration` holds for: devices come and go. `tagged` says that some cells have a tag.
    """

    cells: CellFigures
    cells_energy: Energy
    seen: Seen
    front_end: Energy
    background: Energy
    between_cells: Energy
    others: Energy
    machine_j: float
    energy: Energy
    emissions: Emissions
    duration_s: float
    zone: Zone
    intensity: Intensity
    rule: Rule
    pue: float
    notices: tuple[str, ...] = ()
    calibration: Calibration | None = None
    calibrated_fraction: float = 0.0
    lifecycle: SessionLifecycle | None = None
    tagged: bool = False

    @property
    def measured_fraction(self) -> float:
        """The part of the cells' joules that a sensor measured."""
        return self.seen.measured_fraction

    @property
    def coverage_fraction(self) -> float:
        """The part of the cells' time that was truly observed."""
        return self.seen.coverage_fraction


def figures(
    report: CellReport,
    devices: Mapping[str, Device],
    *,
    rule: Rule,
    zone: Zone,
    intensity: Intensity,
    pue: float,
    calibrations: Calibrations | None = None,
    overlapped: Mapping[int, Charged] | None = None,
    ground: Ground | None = None,
    notes: CellNotes = NO_NOTES,
    run_count: int = 1,
) -> Figures:
    """Price one report. Raises KeyError where it speaks of a device that `devices` does not hold.

    `overlapped` says of runs beside others how much of their time they are charged with.
    """
    counted = _counted(report, devices)
    counted_ids = {part.device_id for part in counted}
    charged = [attribution.own(part, rule) for part in report.devices]
    other_rule = Rule.SHARE if rule is Rule.MACHINE else Rule.MACHINE
    calibration = None
    if calibrations:
        calibration = calibrations.get(seen_devices(report.devices, devices))
    beside = (overlapped or {}).get(report.run.index)
    time_s = report.duration_s if beside is None else beside.time_s
    booking = _booking(report, devices, rule, time_s)
    energy = booking.calibrated(calibration)
    split = None
    if ground is not None:
        split = of_run(
            charged,
            devices,
            ground,
            energy=energy,
            time_s=booking.time_s,
            calibration=calibration,
            pue=pue,
            intensity=intensity,
        )
    shown = tuple(
        _device_figure(
            part,
            devices[part.device_id],
            report.duration_s,
            part.device_id in counted_ids,
            None if split is None else split.idle_j[part.device_id],
        )
        for part in charged
    )
    powers_w = [
        each.mean_power_w for each in shown if each.counted and each.mean_power_w is not None
    ]
    mean_power_w = sum(powers_w) if powers_w else None
    if calibration is not None and mean_power_w is not None:
        mean_power_w = energy.energy_j / report.duration_s
    run = report.run
    return Figures(
        name=run.name,
        index=run.index,
        key=run.key,
        started_at=run.started_at,
        duration_s=report.duration_s,
        outcome=report.outcome,
        flags=report.flags,
        energy=energy,
        emissions=operational(energy, pue=pue, intensity=intensity),
        coverage_fraction=coverage(counted),
        measured_fraction=_measured(
            [(each.provenance, each.energy_j) for each in shown if each.counted]
        )[0],
        mean_power_w=mean_power_w,
        devices=shown,
        own_fraction=attribution.own_fraction(counted),
        rule=rule,
        other_energy=_booking(report, devices, other_rule, time_s).calibrated(calibration),
        zone=zone,
        intensity=intensity,
        pue=pue,
        parent_index=run.parent_index,
        calibration=calibration,
        lifecycle=None if split is None else split.whole,
        notes=notes,
        run_count=run_count,
        is_batch=run.repeat_count > 0,
    )


def _booking(
    report: CellReport, devices: Mapping[str, Device], rule: Rule, time_s: float
) -> Booking:
    """What a rule charges: joules, and the seconds that go with them."""
    own = [attribution.own(part, rule) for part in report.devices]
    if rule is Rule.MACHINE:
        return divided({"own": own}, devices, time_s, rest="own")["own"]
    rest = [attribution.rest(part, rule) for part in report.devices]
    return divided({"own": own, "rest": rest}, devices, time_s, rest="own")["own"]


def _device_figure(
    part: DeviceEnergy, device: Device, duration_s: float, counted: bool, idle_j: float | None
) -> DeviceFigure:
    seen_s = duration_s * part.coverage_fraction
    return DeviceFigure(
        id=device.id,
        kind=device.kind,
        name=device.name,
        energy_j=part.energy_j,
        low_j=part.low_j,
        high_j=part.high_j,
        mean_power_w=part.energy_j / seen_s if seen_s > 0 else None,
        provenance=device.provenance,
        method=device.method,
        below_resolution=part.below_resolution,
        coverage_fraction=part.coverage_fraction,
        own_fraction=part.own_fraction,
        counted=counted,
        idle_j=idle_j,
    )


def seen(report: CellReport, devices: Mapping[str, Device], rule: Rule) -> Seen:
    """How one run's joules and time are known. Raises KeyError as `figures` does."""
    charged = [attribution.own(part, rule) for part in _counted(report, devices)]
    measured_fraction, measured_j, energy_j = _measured(
        [(devices[part.device_id].provenance, part.energy_j) for part in charged]
    )
    covered, duration_s = coverage(charged), report.duration_s
    return Seen(
        1, energy_j, measured_j, measured_fraction, duration_s, duration_s * covered, covered
    )


def _measured(parts: Sequence[tuple[Provenance, float]]) -> tuple[float, float, float]:
    """Which part of some joules a sensor measured, how many those are, and all of them."""
    measured_j = [energy_j for known, energy_j in parts if known is Provenance.MEASURED]
    sum_j, whole_j = sum(measured_j), sum([energy_j for _, energy_j in parts])
    return _mean(sum_j, whole_j, len(measured_j), len(parts)), sum_j, whole_j


def _counted(report: CellReport, devices: Mapping[str, Device]) -> list[DeviceEnergy]:
    """Of the devices, those whose joules no other one of them holds already."""
    ids = {part.device_id for part in report.devices}
    return [part for part in report.devices if not contained(devices[part.device_id], ids, devices)]


def _mean(weighted: float, weight: float, plain: float, count: int) -> float:
    """A mean of fractions by weight, a plain one where nothing weighs, 0 where there is nothing."""
    if weight > 0:
        return weighted / weight
    return plain / count if count else 0.0
