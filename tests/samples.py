"""A few runs and a session that several tests look at, built from the bottom up."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from nbcarbon.core.attribution import Rule
from nbcarbon.core.cell import CellReport, CellRun, Outcome, Role
from nbcarbon.core.device import Device, Kind, Provenance
from nbcarbon.core.emissions import operational
from nbcarbon.core.energy import DeviceEnergy, Energy
from nbcarbon.core.events import SessionStarted
from nbcarbon.core.figures import CellFigures, Figures, Seen, SessionFigures, figures
from nbcarbon.core.intensity import Accounting, Basis, Confidence, Intensity, Scope, Zone
from nbcarbon.core.units import J_PER_WH

FRANCE = Zone("FR", "France", "time zone", Confidence.MEDIUM)
UNKNOWN = Zone(None, "unknown", "UTC says nothing", Confidence.NONE)
FRENCH = Intensity(
    31, 27.4, 35.1, Basis.AVERAGE, Scope.LIFECYCLE, Accounting.CONSUMPTION, "Electricity Maps", 2025
)
WORLD = Intensity(
    458, 32, 730, Basis.AVERAGE, Scope.LIFECYCLE, Accounting.GENERATION, "Ember", 2025, True
)

CPU = Device("cpu:0", Kind.CPU, "CPU package 0", Provenance.MEASURED, "RAPL", 0.05, 400)
GPU = Device("gpu:0", Kind.GPU, "GPU 0 A100", Provenance.MEASURED, "energy counter", 0.05, 500, 0.1)
MEMORY = Device("mem", Kind.MEMORY, "memory 64 GB", Provenance.MODELLED, "W per GB", 0.3, 100)
DRAM = Device("dram:0", Kind.DRAM, "DRAM 0", Provenance.MEASURED, "RAPL", 0.1, 100, within="cpu:0")
DEVICES = {each.id: each for each in (CPU, GPU, MEMORY, DRAM)}


def part(
    device: Device,
    energy_wh: float,
    low_wh: float,
    high_wh: float,
    *,
    coverage: float = 1.0,
    below: bool = False,
    own: float | None = None,
) -> DeviceEnergy:
    """What a device used, in watt-hours."""
    joules = (energy_wh * J_PER_WH, low_wh * J_PER_WH, high_wh * J_PER_WH)
    return DeviceEnergy(device.id, *joules, coverage, below, own)


def report(
    name: str,
    duration_s: float,
    *parts: DeviceEnergy,
    index: int = 1,
    outcome: Outcome = Outcome.OK,
    flags: tuple[str, ...] = (),
    parent: int | None = None,
) -> CellReport:
    started_at = datetime(2026, 3, 1, 12, 0, index, tzinfo=UTC)
    run = CellRun(f"key{index}", index, name, Role.CELL, started_at, 100.0, parent)
    return CellReport(run, 100.0 + duration_s, outcome, parts, flags)


def priced(
    facts: CellReport,
    *,
    rule: Rule = Rule.MACHINE,
    zone: Zone = FRANCE,
    intensity: Intensity = FRENCH,
    pue: float = 1.0,
) -> Figures:
    return figures(facts, DEVICES, rule=rule, zone=zone, intensity=intensity, pue=pue)


def train(name: str = "train", **changes: object) -> Figures:
    """The card of the design: a mixed run of 12.3 s."""
    facts = report(
        name,
        12.3,
        part(CPU, 0.1093, 0.09, 0.129, own=0.91),
        part(GPU, 0.2187, 0.178, 0.2594, own=0.91),
        part(MEMORY, 0.081, 0.058, 0.104),
    )
    return priced(facts, **changes)  # type: ignore[arg-type]


def short() -> Figures:
    """A run below the resolution of its one sensor."""
    facts = report("short", 0.02, part(GPU, 0.0005, 0, 0.003, below=True), index=2)
    return priced(facts)


def blind() -> Figures:
    """A run that no reading touched."""
    return priced(report("blind", 3.3, part(CPU, 0, 0, 0.3, coverage=0.0), index=3))


def wide() -> Figures:
    """A modelled run in an unknown zone, interrupted."""
    facts = report("wide", 250, part(MEMORY, 0.4, 0.1, 0.9), index=4, outcome=Outcome.INTERRUPTED)
    return priced(facts, zone=UNKNOWN, intensity=WORLD)


def modelled(device: Device) -> Device:
    return replace(device, provenance=Provenance.MODELLED, method="model", error_fraction=0.5)


def energy(energy_wh: float) -> Energy:
    return Energy(*(energy_wh * J_PER_WH * each for each in (1.0, 0.9, 1.1)))


def _seen(cell: Figures) -> Seen:
    measured_j, covered_s = (
        cell.energy_j * cell.measured_fraction,
        cell.duration_s * cell.coverage_fraction,
    )
    return Seen(
        1,
        cell.energy_j,
        measured_j,
        cell.measured_fraction,
        cell.duration_s,
        covered_s,
        cell.coverage_fraction,
    )


def session(*cells: Figures, zone: Zone = FRANCE, notices: tuple[str, ...] = ()) -> SessionFigures:
    ours = energy(12.4)
    outer = [each for each in cells if each.parent_index is None]
    known = Seen()
    for each in outer:
        known = known.plus(_seen(each))
    return SessionFigures(
        cells=CellFigures.of(cells),
        cells_energy=energy(10.88),
        seen=known,
        front_end=energy(0.02),
        background=energy(0.3),
        between_cells=energy(1.2),
        others=Energy(),
        machine_j=ours.energy_j,
        energy=ours,
        emissions=operational(ours, pue=1.0, intensity=FRENCH),
        duration_s=2520.0,
        zone=zone,
        intensity=FRENCH,
        rule=Rule.MACHINE,
        pue=1.0,
        notices=notices,
    )


STARTED = SessionStarted(
    id="20260301-120000-abcd",
    started_at=datetime(2026, 3, 1, 12, 0, tzinfo=UTC),
    start_s=100.0,
    host="machine",
    python="3.12.1",
    nbcarbon="0.1.0",
    notebook="/home/somebody/training.ipynb",
    boot_id="boot",
)
