"""Fakes for every border, and the contract each real thing behind it must keep.

For the authors of sensors and grid sources, ours and third parties' alike::

    from nbcarbon.testing import ScriptedSensor, FakeClock

Fake the port, do not patch the module.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from nbcarbon.core.device import Device, Kind, Provenance
from nbcarbon.core.trace import CounterReading, PowerReading
from nbcarbon.ports import Discovery, Finding

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from nbcarbon.core.intensity import Intensity, Zone
    from nbcarbon.core.trace import Reading
    from nbcarbon.errors import SensorError
    from nbcarbon.ports import Clock, Sensor


class FakeClock:
    """A clock that moves when told to. `suspend` moves boot time and wall alone."""

    def __init__(self, start_s: float = 1000.0) -> None:
        self._monotonic_s = start_s
        self._suspended_s = 0.0
        self._stepped_s = 0.0

    def monotonic_s(self) -> float:
        return self._monotonic_s

    def boottime_s(self) -> float:
        return self._monotonic_s + self._suspended_s

    def now(self) -> datetime:
        offset_s = self.boottime_s() + self._stepped_s
        return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=offset_s)

    def advance(self, seconds: float) -> None:
        self._monotonic_s += seconds

    def suspend(self, seconds: float) -> None:
        self._suspended_s += seconds

    def step_wall(self, seconds: float) -> None:
        self._stepped_s += seconds


def cpu_device(**changes: object) -> Device:
    """A measured CPU package, for tests that need some device."""
    given: dict[str, object] = {
        "id": "cpu:0",
        "kind": Kind.CPU,
        "name": "CPU package 0",
        "provenance": Provenance.MEASURED,
        "method": "scripted",
        "error_fraction": 0.05,
        "max_power_w": 1000.0,
    }
    return Device(**{**given, **changes})  # type: ignore[arg-type]


@dataclass
class ScriptedSensor:
    """A sensor whose true power is a function of time.

    `power_w` takes an instant; a counter integrates it from `start_s` in steps of the device's
    `resolution_s` where that is set. `fail` holds what the next reads raise, first one first.
    """

    clock: Clock
    device: Device = field(default_factory=cpu_device)
    power_w: Callable[[float], float] = lambda instant_s: 50.0
    counter: bool = True
    start_j: float = 0.0
    fraction: float | None = None
    fail: list[SensorError] = field(default_factory=list)
    closed: bool = False

    def __post_init__(self) -> None:
        self._energy_j = self.start_j
        self._until_s = self.clock.monotonic_s()

    def read(self) -> Reading:
        now_s = self.clock.monotonic_s()
        self._integrate(now_s)
        if self.fail:
            raise self.fail.pop(0)
        if not self.counter:
            return PowerReading(now_s, self.power_w(now_s))
        wraps = self.device.wraps_at_j
        return CounterReading(now_s, self._energy_j % wraps if wraps else self._energy_j)

    def _integrate(self, now_s: float) -> None:
        step_s = self.device.resolution_s or max(1e-3, (now_s - self._until_s) / 100)
        while self._until_s + step_s <= now_s + 1e-9:
            self._energy_j += self.power_w(self._until_s + step_s / 2) * step_s
            self._until_s += step_s

    def own_fraction(self, pids: Collection[int]) -> float | None:
        return self.fraction

    def close(self) -> None:
        self.closed = True


@dataclass
class ScriptedBackend:
    """A back end that finds what it is given."""

    sensors: tuple[Sensor, ...] = ()
    findings: tuple[Finding, ...] = ()
    name: str = "scripted"

    def discover(self) -> Discovery:
        return Discovery(self.sensors, self.findings)


@dataclass
class FixedIntensity:
    """A grid source with one answer."""

    answer: Intensity | None
    name: str = "fixed"

    def intensity(self, zone: Zone) -> Intensity | None:
        return self.answer
