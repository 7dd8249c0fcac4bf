"""A session of one CPU and one A100 that ran two cells, in a zone of choice."""

from __future__ import annotations

from datetime import UTC, datetime

from nbcarbon.core.cell import CellReport, CellRun, Outcome, Role
from nbcarbon.core.device import Device, Kind, Provenance
from nbcarbon.core.energy import DeviceEnergy
from nbcarbon.core.events import (
    CellClosed,
    DevicesFound,
    IntensityLearned,
    SessionStarted,
    SettingChanged,
)
from nbcarbon.core.session import Session
from nbcarbon.core.units import J_PER_WH
from nbcarbon.grid.locate import locate

DAY = datetime(2026, 1, 1, 12, tzinfo=UTC)
CPU = Device("cpu:0", Kind.CPU, "CPU package 0", Provenance.MEASURED, "RAPL", 0.05, 300)
GPU = Device(
    "gpu:0", Kind.GPU, "GPU 0 NVIDIA A100-SXM4-80GB", Provenance.MEASURED, "counter", 0.05, 400
)


def used(device: Device, energy_wh: float) -> DeviceEnergy:
    energy_j = energy_wh * J_PER_WH
    return DeviceEnergy(device.id, energy_j, 0.95 * energy_j, 1.05 * energy_j, 1.0)


def cell(index: int, name: str, *, cpu_wh: float, gpu_wh: float) -> CellClosed:
    run = CellRun(f"key{index}", index, name, Role.CELL, DAY, 100.0 * index)
    parts = (used(CPU, cpu_wh), used(GPU, gpu_wh)) if gpu_wh else (used(CPU, cpu_wh),)
    return CellClosed(CellReport(run, 100.0 * index + 90.0, Outcome.OK, parts))


def session(
    zone: str = "DE", *, pue: float = 1.0, gpu: Device = GPU, measured: bool = True
) -> Session:
    """`train` used 10 Wh on the CPU and 30 on the GPU, `cell 2` 1 Wh on the CPU."""
    found, intensity, _ = locate(zone, {}, timezone=lambda: None)
    return Session(
        [
            SessionStarted("s", DAY, 0.0, "h", "3", "0", "nb", "b", ()),
            DevicesFound((CPU, gpu)),
            IntensityLearned(found, intensity),
            SettingChanged("pue", str(pue)),
            *(
                [cell(1, "train", cpu_wh=10, gpu_wh=30), cell(2, "cell 2", cpu_wh=1, gpu_wh=0)]
                if measured
                else []
            ),
        ]
    )
