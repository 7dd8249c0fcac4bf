"""Random cells in each hardware configuration: how wrong figures are, and how true their intervals.

The bench and the calibration test both call `CONFIGURATIONS[name](seed, durations)`, which builds one
random machine, runs cells of these lengths on it and returns what was said beside what is true; `score`
sums many of them up.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil
from random import Random
from typing import TYPE_CHECKING

from nbcarbon.core.device import Device, Kind, Provenance
from nbcarbon.core.energy import total
from tests.accuracy.machine import (
    Cell,
    Power,
    PowerSensor,
    TickingCounter,
    cells,
    work_of_cells,
    work_of_others,
)
from tests.accuracy.run import Follower

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from nbcarbon.core.energy import DeviceEnergy, Energy

GPU_W = 300.0
CPU_W = 120.0


@dataclass(frozen=True)
class Found:
    """One cell: what it truly used, and what was said of it."""

    cell: Cell
    true_j: float
    energy_j: float
    low_j: float
    high_j: float
    below_resolution: bool

    @property
    def error_j(self) -> float:
        return self.energy_j - self.true_j

    @property
    def held(self) -> bool:
        return self.low_j <= self.true_j <= self.high_j

    @property
    def half_width_fraction(self) -> float:
        return (self.high_j - self.low_j) / 2 / self.true_j


@dataclass(frozen=True)
class Score:
    """`error_fraction` is the sum of |error| over the sum of truth. `needed_fraction` is half the width of
    the narrowest interval, in parts of the truth and the same for every cell, that holds 95 % of these
    very cells; `width_ratio` is the mean width of those that were said over it."""

    count: int
    error_fraction: float
    coverage_fraction: float
    needed_fraction: float
    width_ratio: float
    below_fraction: float


def score(found: Iterable[Found]) -> Score:
    rows = list(found)
    errors = sorted(abs(each.error_j) / each.true_j for each in rows)
    needed = errors[ceil(0.95 * len(errors)) - 1]
    return Score(
        count=len(rows),
        error_fraction=sum(abs(each.error_j) for each in rows) / sum(each.true_j for each in rows),
        coverage_fraction=sum(each.held for each in rows) / len(rows),
        needed_fraction=needed,
        width_ratio=sum(each.half_width_fraction for each in rows) / len(rows) / needed,
        below_fraction=sum(each.below_resolution for each in rows) / len(rows),
    )


Configuration = "Callable[[int, Sequence[float]], list[Found]]"


def _gain(random: Random, error_fraction: float, common: float | None = None) -> float:
    """What a sensor shows of each true joule: the truth is anywhere within the accuracy around it.

    Makers give a limit, so it is uniform. With `common` half of the deviation is that of its kind.
    """
    off = random.uniform(-1, 1)
    return 1 / (1 + error_fraction * (off if common is None else (off + common) / 2))


def _plan(random: Random, durations_s: Sequence[float], most_w: float) -> tuple[list[Cell], Power]:
    """Cells and the power under them: half of the machines do the cells' work, half that of others."""
    planned = cells(random, durations_s, first_s=random.uniform(2.0, 8.0))
    idle_w = random.uniform(0.07, 0.27) * most_w
    if random.random() < 0.5:
        return planned, work_of_cells(random, planned, idle_w=idle_w, most_w=most_w)
    until_s = planned[-1].end_s + 2.0
    return planned, work_of_others(random, until_s, idle_w=idle_w, most_w=most_w)


def _found(
    planned: Sequence[Cell], said: Sequence[DeviceEnergy | Energy], true: Sequence[Power]
) -> list[Found]:
    rows = []
    for cell, each in zip(planned, said, strict=True):
        true_j = sum(power.between_j(cell.start_s, cell.end_s) for power in true)
        below = getattr(each, "below_resolution", False)
        rows.append(Found(cell, true_j, each.energy_j, each.low_j, each.high_j, below))
    return rows


def gpu_device(**changes: object) -> Device:
    device = Device(
        id="gpu:0",
        kind=Kind.GPU,
        name="GPU 0",
        provenance=Provenance.MEASURED,
        method="NVML energy counter",
        error_fraction=0.05,
        max_power_w=1.5 * GPU_W,
        resolution_s=0.1,
    )
    return replace(device, **changes)  # type: ignore[arg-type]


def _gpu(
    random: Random,
    device: Device,
    power: Power,
    *,
    period_s: float,
    jitter: float = 0.0,
    dropped: float = 0.0,
    common: float | None = None,
) -> Follower:
    period_s *= random.uniform(0.97, 1.03)
    counter = TickingCounter(
        power,
        random,
        period_s,
        phase_s=random.uniform(0, period_s) - 20.0,
        jitter_s=jitter * period_s,
        drop_fraction=dropped,
        gain=_gain(random, device.error_fraction, common),
    )
    return Follower(device, counter.energy_j, random, ticking=True)


def gpu(
    seed: int,
    durations_s: Sequence[float],
    *,
    period_s: float,
    error_fraction: float = 0.05,
    jitter: float = 0.0,
    dropped: float = 0.0,
) -> list[Found]:
    """A GPU whose counter moves every `period_s`, or so."""
    random = Random(seed)
    planned, power = _plan(random, durations_s, GPU_W)
    device = gpu_device(error_fraction=error_fraction)
    follower = _gpu(random, device, power, period_s=period_s, jitter=jitter, dropped=dropped)
    return _found(planned, follower.follow(planned), [power])


def gpu_20_ms(seed: int, durations_s: Sequence[float]) -> list[Found]:
    return gpu(seed, durations_s, period_s=0.02)


def gpu_100_ms(seed: int, durations_s: Sequence[float]) -> list[Found]:
    return gpu(seed, durations_s, period_s=0.1)


def gpu_irregular(seed: int, durations_s: Sequence[float]) -> list[Found]:
    """Ticks a third of a period off their beat, one in ten missing."""
    return gpu(seed, durations_s, period_s=0.06, jitter=0.3, dropped=0.1)


def _watched(
    seed: int, durations_s: Sequence[float], *, window_s: float, error_fraction: float
) -> list[Found]:
    random = Random(seed)
    planned, power = _plan(random, durations_s, GPU_W)
    device = gpu_device(
        method="NVML power samples", error_fraction=error_fraction, power_window_s=window_s
    )
    sensor = PowerSensor(
        power,
        update_s=0.1,
        window_s=window_s,
        phase_s=random.uniform(0.0, 0.1),
        gain=_gain(random, error_fraction),
    )
    follower = Follower(device, sensor.power_w, random, counts=False)
    return _found(planned, follower.follow(planned), [power])


def gpu_power(seed: int, durations_s: Sequence[float]) -> list[Found]:
    """No counter: power as it is every 100 ms (Pascal and older)."""
    return _watched(seed, durations_s, window_s=0.0, error_fraction=0.05)


def gpu_power_quarter(seed: int, durations_s: Sequence[float]) -> list[Found]:
    """No counter: the mean of 25 of every 100 ms."""
    return _watched(seed, durations_s, window_s=0.025, error_fraction=0.1)


def gpu_power_1_s(seed: int, durations_s: Sequence[float]) -> list[Found]:
    """No counter: the mean of the last second, every 100 ms."""
    return _watched(seed, durations_s, window_s=1.0, error_fraction=0.05)


def eight_gpus(seed: int, durations_s: Sequence[float]) -> list[Found]:
    """Eight GPUs at different loads, their counters each at its own beat of 20 or 100 ms."""
    random = Random(seed)
    planned, first = _plan(random, durations_s, GPU_W)
    powers = [first]
    for _ in range(7):
        powers.append(
            work_of_cells(random, planned, idle_w=random.uniform(20.0, 80.0), most_w=GPU_W)
        )
    common = random.uniform(-1, 1)
    devices = {f"gpu:{index}": gpu_device(id=f"gpu:{index}") for index in range(8)}
    said = [
        _gpu(random, device, power, period_s=random.choice((0.02, 0.1)), common=common).follow(
            planned
        )
        for device, power in zip(devices.values(), powers, strict=True)
    ]
    totals = [total(parts, devices) for parts in zip(*said, strict=True)]
    return _found(planned, totals, powers)


def rapl(seed: int, durations_s: Sequence[float]) -> list[Found]:
    """A CPU package's counter, which moves every millisecond; the hook reads both ends itself."""
    random = Random(seed)
    planned, power = _plan(random, durations_s, CPU_W)
    device = Device(
        id="cpu:0",
        kind=Kind.CPU,
        name="CPU package 0",
        provenance=Provenance.MEASURED,
        method="RAPL",
        error_fraction=0.05,
        max_power_w=1500.0,
        resolution_s=0.001,
    )
    counter = TickingCounter(
        power,
        random,
        0.001,
        phase_s=random.uniform(-20.0, -19.0),
        jitter_s=2e-5,
        gain=_gain(random, device.error_fraction),
        step_j=61e-6,
    )
    follower = Follower(device, counter.energy_j, random, hooked=True)
    return _found(planned, follower.follow(planned), [power])


def modelled_cpu(seed: int, durations_s: Sequence[float]) -> list[Found]:
    """Idle power and power per busy thread, half of it wrong at most; busy time in 10-ms ticks."""
    random = Random(seed)
    threads = random.choice((2, 8, 64))
    planned, power = _plan(random, durations_s, 8.0 * threads)
    idle_w = min(power.power_w)
    gain = _gain(random, 0.5)
    device = Device(
        id="cpu",
        kind=Kind.CPU,
        name="CPU",
        provenance=Provenance.MODELLED,
        method="TDP model",
        error_fraction=0.5,
        max_power_w=10.0 * threads,
        resolution_s=0.01,
    )

    def shown_j(instant_s: float) -> float:
        # Each tick of a thread adds its hundredth of a second at once.
        tick_j = 8.0 * 0.01
        busy_j = power.energy_j(instant_s) - idle_w * (instant_s + 20.0)
        return gain * (idle_w * (instant_s + 20.0) + busy_j // tick_j * tick_j)

    follower = Follower(device, shown_j, random)
    return _found(planned, follower.follow(planned), [power])


CONFIGURATIONS = {
    each.__name__: each
    for each in (
        rapl,
        gpu_20_ms,
        gpu_100_ms,
        gpu_irregular,
        gpu_power,
        gpu_power_quarter,
        gpu_power_1_s,
        eight_gpus,
        modelled_cpu,
    )
}
