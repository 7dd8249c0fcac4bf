"""Memory energy where nothing measures it: watts per gigabyte that this machine or container may use.

Installed memory draws power whether it is used or not, so the model is constant, and its joules are
a counter like any other's.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from nbcarbon.core.device import Device, Kind, Provenance, Reach
from nbcarbon.core.trace import CounterReading
from nbcarbon.core.units import BYTES_PER_GB
from nbcarbon.ports import Discovery, Finding
from nbcarbon.sensors import cgroup

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from nbcarbon.ports import Clock

NAME = "memory"
DEVICE_ID = "memory"
BYTES_PER_KIB: Final = 1024

POWER_W_PER_GB: Final = 0.3725
"""Lannelongue, Grealey and Inouye 2021 (Green Algorithms, CC-BY-4.0). Cloud Carbon Footprint has 0.392."""

ERROR_FRACTION: Final = 0.7
"""A module draws some 5 W of whatever size: 0.11 W/GB is one of 45 GB, 0.63 W/GB one of 8 GB."""


class MemorySensor:
    """Joules of a constant power since boot."""

    def __init__(self, device: Device, power_w: float, clock: Clock) -> None:
        self.device = device
        self._power_w = power_w
        self._clock = clock

    def read(self) -> CounterReading:
        """Joules so far. Never fails."""
        now_s = self._clock.monotonic_s()
        return CounterReading(now_s, self._power_w * now_s)

    def own_fraction(self, pids: Collection[int]) -> float | None:
        """None: nobody's work moves it."""
        return None

    def close(self) -> None:
        """Nothing is kept open."""


class MemoryBackend:
    """The memory this container may use, or the whole machine's.

    `within` is the id of a device that holds the memory's joules already (the model of a whole
    server): totals then count them only while that device is not there.
    """

    name = NAME

    def __init__(
        self, clock: Clock, *, within: str | None = None, proc: Path = cgroup.PROC
    ) -> None:
        self._clock = clock
        self._within = within
        self._proc = proc

    def discover(self) -> Discovery:
        """One sensor, where the size of the memory is known. Raises nothing."""
        installed = _installed_bytes(self._proc)
        if installed is None:
            text = "memory power: the size of the memory is unknown here."
            return Discovery((), (Finding(NAME, "unsupported", f"{text} Not counted."),))
        allowed = cgroup.read_limits(self._proc).memory_bytes
        limited = allowed is not None and 0 < allowed < installed
        size_gb = (allowed if limited and allowed is not None else installed) / BYTES_PER_GB
        power_w = POWER_W_PER_GB * size_gb
        device = Device(
            id=DEVICE_ID,
            kind=Kind.MEMORY,
            name=f"memory {size_gb:.3g} GB",
            provenance=Provenance.MODELLED,
            method="memory model",
            error_fraction=ERROR_FRACTION,
            max_power_w=2 * power_w,
            within=self._within,
            reach=Reach.CONTAINER if limited else Reach.MACHINE,
        )
        return Discovery((MemorySensor(device, power_w, self._clock),))


def _installed_bytes(proc: Path) -> int | None:
    for line in cgroup.text_of(proc / "meminfo").splitlines():
        name, _, rest = line.partition(":")
        number = rest.split()[0] if rest.split() else ""
        if name == "MemTotal" and number.isdigit() and int(number) > 0:
            return int(number) * BYTES_PER_KIB
    try:
        found = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError, AttributeError):
        return None
    return found if found > 0 else None
