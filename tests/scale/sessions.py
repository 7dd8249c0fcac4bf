"""Sessions of any size, as the events a sampler would have recorded: the same ones each time."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from nbcarbon.core.cell import CellReport, CellRun, Outcome, Role
from nbcarbon.core.device import Device, Kind, Provenance
from nbcarbon.core.energy import DeviceEnergy
from nbcarbon.core.events import (
    BetweenMeasured,
    CellClosed,
    CellOpened,
    DevicePoint,
    DevicesFound,
    Edge,
    IntensityLearned,
    Sampled,
    SamplerStarted,
    SessionStarted,
    SettingChanged,
)
from nbcarbon.core.uncertainty import MODEL, REFRESH, SENSOR, STEPS, ErrorPart
from tests.samples import FRANCE, FRENCH

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nbcarbon.core.events import Event

DAY = datetime(2026, 1, 1, tzinfo=UTC)
NOTEBOOK_CELLS = 200
"""How many cells the notebook has that is run over and over."""


def sixteen() -> tuple[Device, ...]:
    """Two packages, each with its cores and its memory, two models, and eight GPUs."""
    cpus = [
        Device(f"rapl:package-{n}", Kind.CPU, f"CPU package {n}", Provenance.MEASURED, "RAPL", 0.05, 400.0)
        for n in range(2)
    ]  # fmt: skip
    cores = [
        Device(f"rapl:core-{n}", Kind.CPU, f"CPU cores {n}", Provenance.MEASURED, "RAPL", 0.05, 400.0,
               within=f"rapl:package-{n}")
        for n in range(2)
    ]  # fmt: skip
    drams = [
        Device(f"rapl:dram-{n}", Kind.DRAM, f"DRAM {n}", Provenance.MEASURED, "RAPL", 0.1, 100.0)
        for n in range(2)
    ]
    models = [
        Device(f"model:{n}", Kind.MEMORY, f"memory {n}", Provenance.MODELLED, "W per GB", 0.3, 100.0)
        for n in range(2)
    ]  # fmt: skip
    gpus = [
        Device(f"GPU-{n:08x}-1c2d-4e5f-8a9b-0c1d2e3f4a5b", Kind.GPU, f"GPU {n} A100",
               Provenance.MEASURED, "energy counter", 0.05, 500.0, 0.1)
        for n in range(8)
    ]  # fmt: skip
    return (*cpus, *cores, *drams, *models, *gpus)


@dataclass
class Recorded:
    """What a session is made of. `cell_s` and `pause_s` are how long each cell and each pause lasts."""

    cells: int
    devices: tuple[Device, ...] = ()
    cell_s: float = 0.6
    pause_s: float = 0.264
    ids: bool = True
    seed: int = 1

    def __post_init__(self) -> None:
        self.devices = self.devices or sixteen()
        self._random = random.Random(self.seed)
        self._energy_j = dict.fromkeys((each.id for each in self.devices), 0.0)
        self._now_s = 1000.0
        self._point_s = 0.0

    def start(self) -> SessionStarted:
        return SessionStarted("5e55" * 4, DAY, 1000.0, "host", "3.11.7", "0.2", "nb.ipynb", "boot",
                              (("zone", "FR"), ("pue", "1.0")))  # fmt: skip

    def events(self) -> Iterator[Event]:
        """From the first to the last cell. It has no end yet."""
        yield self.start()
        yield SamplerStarted(42)
        yield DevicesFound(self.devices)
        yield SettingChanged("attribution", "machine")
        yield IntensityLearned(FRANCE, FRENCH)
        yield self._point()
        for index in range(1, self.cells + 1):
            yield from self._cell(index)

    def _cell(self, index: int) -> Iterator[Event]:
        rest_s = self._now_s
        yield from self._pass(self.pause_s, 10.0)
        started_at = DAY + timedelta(seconds=self._now_s - 1000.0)
        key = self._key(index)
        run = CellRun(key, index, f"cell {index}", Role.CELL, started_at, self._now_s)
        yield CellOpened(run, Edge(self._now_s, self._now_s / 2, 4711))
        yield BetweenMeasured(rest_s, self._now_s, self._energies(self._now_s - rest_s))
        yield from self._pass(self.cell_s, 1.0)
        flags = ("unsynced",) if index % 7 == 0 else ()
        outcome = Outcome.ERROR if index % 50 == 0 else Outcome.OK
        parts = self._energies(self.cell_s)
        yield CellClosed(CellReport(run, self._now_s, outcome, parts, flags))

    def _key(self, index: int) -> str:
        if self.ids:
            return f"{index % NOTEBOOK_CELLS:08x}-1111-4222-8333-444455556666"
        return f"{index * 7919:012x}-1"

    def _pass(self, duration_s: float, spacing_s: float) -> Iterator[Sampled]:
        end_s = self._now_s + duration_s
        while self._point_s + spacing_s < end_s:
            self._now_s = max(self._now_s, self._point_s + spacing_s)
            yield self._point()
        self._now_s = end_s

    def _point(self) -> Sampled:
        self._point_s = self._now_s
        return Sampled(self._now_s, tuple(
            DevicePoint(each.id, round(70.0 * self._now_s, 6), round(self._now_s - 1000.0, 6))
            for each in self.devices
        ))  # fmt: skip

    def _energies(self, duration_s: float) -> tuple[DeviceEnergy, ...]:
        own = self._random.random()
        found = []
        for each in self.devices:
            energy_j = duration_s * each.max_power_w * self._random.random()
            error_j = energy_j * each.error_fraction * (1 + self._random.random())
            below = duration_s < each.resolution_s
            fraction = self._random.random() if each.kind is Kind.GPU else own
            found.append(DeviceEnergy(
                each.id, energy_j, 0.0 if below else max(0.0, energy_j - error_j),
                energy_j + error_j, 1.0, below, fraction, self._reasons(each, error_j),
            ))  # fmt: skip
        return tuple(found)

    def _reasons(self, device: Device, error_j: float) -> tuple[ErrorPart, ...]:
        """The sensor's accuracy, and more where its counter is slow."""
        if device.provenance is Provenance.MODELLED:
            return (ErrorPart(MODEL, error_j),)
        more = [ErrorPart(STEPS, 0.2 * error_j)]
        if device.resolution_s:
            more.append(ErrorPart(REFRESH, 0.1 * error_j))
        return (ErrorPart(SENSOR, error_j), *more)
