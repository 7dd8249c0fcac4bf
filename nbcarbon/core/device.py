"""What has joules: a CPU package, its memory, a GPU, a whole board."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What a device is. Reports group by it."""

    CPU = "cpu"
    DRAM = "dram"
    GPU = "gpu"
    MEMORY = "memory"
    SOC = "soc"
    MODULE = "module"
    PLATFORM = "platform"


class Provenance(StrEnum):
    """How a number came to be."""

    MEASURED = "measured"
    MODELLED = "modelled"
    REPORTED = "reported"


class Reach(StrEnum):
    """Whose work a device's joules stand for: the whole machine's, or only this container's."""

    MACHINE = "machine"
    CONTAINER = "container"


@dataclass(frozen=True, slots=True)
class CounterFile:
    """An energy counter that is a plain file holding one integer.

    Such a counter costs a microsecond to read, so the kernel's own hook reads it and a cell's two
    ends are exact. Anything behind a driver stays in the sampler.
    """

    path: str
    joules_per_count: float


@dataclass(frozen=True, slots=True)
class Device:
    """A thing with joules, and how its joules become known.

    `within` names the device that already contains this one (core in package, package in psys), so
    totals skip it. `error_fraction` is half of the sensor's 95 % interval, proportional to the
    energy. `resolution_s` is how long its value may stand still under steady power, `power_window_s` of
    how much time a power sensor shows the mean.
    """

    id: str
    kind: Kind
    name: str
    provenance: Provenance
    method: str
    error_fraction: float
    max_power_w: float
    resolution_s: float = 0.0
    within: str | None = None
    wraps_at_j: float | None = None
    reach: Reach = Reach.MACHINE
    counter_file: CounterFile | None = None
    power_window_s: float = 0.0
