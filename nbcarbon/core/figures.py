"""The priced view of a run and of a session: all that a card, a table, an export or a chart gets.

A report holds facts; figures add who is charged, where the electricity came from and what it
emitted. They are derived each time somebody looks, and never stored.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from nbcarbon.core import attribution
from nbcarbon.core.attribution import Rule
from nbcarbon.core.device import Provenance
from nbcarbon.core.emissions import operational
from nbcarbon.core.energy import contained, coverage, total

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from nbcarbon.core.cell import CellReport, Outcome
    from nbcarbon.core.device import Device, Kind
    from nbcarbon.core.emissions import Emissions
    from nbcarbon.core.energy import DeviceEnergy, Energy
    from nbcarbon.core.intensity import Intensity, Zone


@dataclass(frozen=True, slots=True)
class DeviceFigure:
    """What one device used in one run, as far as this notebook is charged for it.

    `counted` is false for a device whose joules another one of the same run already holds: it is
    shown, and left out of the total. `own_fraction` is None where nobody can tell whose work it
    was; all of its joules are charged then. `mean_power_w` is over the time truly observed.
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


@dataclass(frozen=True, slots=True)
class Figures:
    """One run, priced: joules and grams of CO2e with the ends of their 95 % intervals.

    `coverage_fraction` is the part of the run that was truly observed, `measured_fraction` the part
    of the joules that a sensor measured; the rest is modelled or reported. `own_fraction` is this
    notebook's part of the machine's joules, None where nobody can tell, and `other_energy` what the
    rule not in force would have charged. `parent_index` is the run this one was nested in, whose
    figures hold these already.
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


@dataclass(frozen=True, slots=True)
class SessionFigures:
    """A whole session, priced. The five parts add up to `machine_j`; `energy` is all but `others`.

    `cells` holds nested runs too, which are part of the run around them: the totals do not add them.
    """

    cells: tuple[Figures, ...]
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

    @property
    def measured_fraction(self) -> float:
        """The part of the cells' joules that a sensor measured."""
        outer = [cell for cell in self.cells if cell.parent_index is None]
        return _weighted((cell.measured_fraction, cell.energy_j) for cell in outer)

    @property
    def coverage_fraction(self) -> float:
        """The part of the cells' time that was truly observed."""
        outer = [cell for cell in self.cells if cell.parent_index is None]
        return _weighted((cell.coverage_fraction, cell.duration_s) for cell in outer)


def figures(
    report: CellReport,
    devices: Mapping[str, Device],
    *,
    rule: Rule,
    zone: Zone,
    intensity: Intensity,
    pue: float,
) -> Figures:
    """Price one report. Raises KeyError where it speaks of a device that `devices` does not hold."""
    ids = {part.device_id for part in report.devices}
    counted = [
        part for part in report.devices if not contained(devices[part.device_id], ids, devices)
    ]
    charged = [attribution.own(part, rule) for part in report.devices]
    other_rule = Rule.SHARE if rule is Rule.MACHINE else Rule.MACHINE
    energy = total(charged, devices)
    shown = tuple(
        _device_figure(part, devices[part.device_id], report.duration_s, before in counted)
        for part, before in zip(charged, report.devices, strict=True)
    )
    powers_w = [
        each.mean_power_w for each in shown if each.counted and each.mean_power_w is not None
    ]
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
        measured_fraction=_weighted(
            (float(each.provenance is Provenance.MEASURED), each.energy_j)
            for each in shown
            if each.counted
        ),
        mean_power_w=sum(powers_w) if powers_w else None,
        devices=shown,
        own_fraction=attribution.own_fraction(counted),
        rule=rule,
        other_energy=total([attribution.own(part, other_rule) for part in report.devices], devices),
        zone=zone,
        intensity=intensity,
        pue=pue,
        parent_index=run.parent_index,
    )


def _device_figure(
    part: DeviceEnergy, device: Device, duration_s: float, counted: bool
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
    )


def _weighted(parts: Iterable[tuple[float, float]]) -> float:
    """Mean of fractions by weight, a plain mean where nothing weighs, 0 where there is nothing."""
    pairs = list(parts)
    weight = sum(each for _, each in pairs)
    if weight <= 0:
        return sum(fraction for fraction, _ in pairs) / len(pairs) if pairs else 0.0
    return sum(fraction * each for fraction, each in pairs) / weight
