"""CPU energy where nothing measures it: a model of idle and full power, as a counter.

The model is a straight line in busy time, and both time and busy time are counted since boot. So its
joules are a counter too, as exact at both ends of a window as the system's own CPU clock. The counter
has no state: two sensors, or one that starts anew, give the same joules at the same instant.

Under a quota or a set of CPUs it stands for the container alone: its threads, its CPU time.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Protocol

from nbcarbon.core.device import Device, Kind, Provenance, Reach
from nbcarbon.core.trace import CounterReading
from nbcarbon.errors import SensorError, SensorLost, SensorReadError
from nbcarbon.ports import Discovery, Finding
from nbcarbon.sensors import cgroup

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from nbcarbon.core.power_model import CpuPower
    from nbcarbon.ports import Clock

NAME = "modelled"
DEVICE_ID = "cpu"
PORTABLE_TICK_S = 1 / 64
"""The coarsest CPU clock of systems without /proc: that of Windows."""

PEAK_FACTOR = 1.25
"""Busy time arrives in ticks: a short span may hold more of it than it can."""


class BusyTime(Protocol):
    """CPU seconds that threads have worked since some fixed start."""

    @property
    def resolution_s(self) -> float:
        """How long they may stand still although threads work."""

    def read_s(self) -> float:
        """Raises OSError or ValueError."""

    def close(self) -> None: ...


class StatFile:
    """The machine's busy time from /proc/stat, in hundredths of a second.

    Idle and waiting for a disk are not work, and stolen time is the work of other guests. Guest time
    is in user time already.
    """

    def __init__(self, proc: Path) -> None:
        self._second = os.sysconf("SC_CLK_TCK")
        self.resolution_s = max(1 / self._second, cgroup.tick_s())
        self._fd = os.open(proc / "stat", os.O_RDONLY | os.O_CLOEXEC)

    def read_s(self) -> float:
        fields = os.pread(self._fd, 256, 0).partition(b"\n")[0].split()
        if len(fields) < 8 or fields[0] != b"cpu":
            raise ValueError("no sum over all CPUs in /proc/stat")
        user, nice, system, _idle, _iowait, irq, softirq = map(int, fields[1:8])
        return (user + nice + system + irq + softirq) / self._second

    def close(self) -> None:
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)


class PortableBusyTime:
    """The machine's busy time through psutil, for systems without /proc."""

    resolution_s = PORTABLE_TICK_S

    def __init__(self) -> None:
        import psutil

        self._times = psutil.cpu_times

    def read_s(self) -> float:
        times = self._times()
        # Windows counts interrupts in system time already, so only these are added up.
        return float(times.user + times.system + getattr(times, "nice", 0.0))

    def close(self) -> None:
        """Nothing is kept open."""


class ModelledCpuSensor:
    """Joules of `thread_count` threads since boot, by the model."""

    def __init__(
        self, device: Device, cpu: CpuPower, thread_count: float, busy: BusyTime, clock: Clock
    ) -> None:
        self.device = device
        self._cpu = cpu
        self._thread_count = thread_count
        self._busy = busy
        self._clock = clock

    def read(self) -> CounterReading:
        """Joules so far. Raises a SensorError."""
        try:
            busy_s = self._busy.read_s()
        except OSError as error:
            raise SensorLost(
                f"{self.device.name}: CPU time cannot be read ({error.strerror or error}).",
                hint="It is looked for again.",
            ) from error
        except (ValueError, IndexError) as error:
            raise SensorReadError(
                f"{self.device.name}: CPU time is not a number.", hint="A gap until it is one."
            ) from error
        now_s = self._clock.monotonic_s()
        return CounterReading(now_s, self._cpu.energy_j(self._thread_count, now_s, busy_s))

    def own_fraction(self, pids: Collection[int]) -> float | None:
        """None: the part of each process is told by its own CPU time."""
        return None

    def close(self) -> None:
        self._busy.close()


class ModelledCpuBackend:
    """The CPU of this machine, or of this container, by a model."""

    name = NAME

    def __init__(self, cpu: CpuPower, clock: Clock, *, proc: Path = cgroup.PROC) -> None:
        self._cpu = cpu
        self._clock = clock
        self._proc = proc

    def discover(self) -> Discovery:
        """One sensor, always but where the system tells no CPU time. Raises nothing."""
        limits = cgroup.read_limits(self._proc)
        machine = float(self._cpu.thread_count)
        threads = machine
        reach = Reach.MACHINE
        try:
            if limits.thread_count is not None and limits.usage and limits.thread_count < machine:
                busy: BusyTime = cgroup.CpuUsage(limits.usage)
                threads, reach = limits.thread_count, Reach.CONTAINER
            else:
                busy = self._machine()
        except (OSError, ImportError, SensorError) as error:
            text = f"CPU power: not even CPU time can be read here ({error})."
            return Discovery((), (Finding(NAME, "broken", text, notify=True),))
        device = Device(
            id=DEVICE_ID,
            kind=Kind.CPU,
            name=f"CPU {self._cpu.model}",
            provenance=Provenance.MODELLED,
            method=self._cpu.method,
            error_fraction=self._cpu.error_fraction,
            # A container may use more threads than its share for a moment: never more than all.
            max_power_w=PEAK_FACTOR * machine * self._cpu.thread_full_w,
            resolution_s=busy.resolution_s,
            reach=reach,
        )
        sensor = ModelledCpuSensor(device, self._cpu, threads, busy, self._clock)
        return Discovery((sensor,), (Finding(NAME, "ok", self._described(threads)),))

    def _machine(self) -> BusyTime:
        usage = cgroup.machine_usage(self._proc)
        if usage is not None:
            return cgroup.CpuUsage(usage)
        if (self._proc / "stat").exists():
            return StatFile(self._proc)
        return PortableBusyTime()

    def _described(self, threads: float) -> str:
        cpu = self._cpu
        what = "whole server, memory included" if cpu.whole_server else "CPU alone"
        return (
            f"CPU modelled as {cpu.model}: {cpu.thread_idle_w:.3g} W idle to "
            f"{cpu.thread_full_w:.3g} W busy for each of {threads:g} threads ({what}; {cpu.source})."
        )
