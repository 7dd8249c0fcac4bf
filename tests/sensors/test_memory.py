"""Memory by the gigabyte: the container's where it is limited, never beside a device that holds it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from nbcarbon.core.device import Kind, Provenance, Reach
from nbcarbon.sensors.memory import POWER_W_PER_GB, MemoryBackend
from nbcarbon.testing import FakeClock
from tests.stand_in.linux import FakeLinux

if TYPE_CHECKING:
    from pathlib import Path

INSTALLED_GB = 67_108_864 * 1024 / 1e9


@pytest.fixture
def linux(tmp_path: Path) -> FakeLinux:
    return FakeLinux(tmp_path)


def test_power_is_constant_and_the_counter_exact(linux: FakeLinux) -> None:
    clock = FakeClock()
    (sensor,) = MemoryBackend(clock, proc=linux.proc).discover().sensors
    before = sensor.read()
    clock.advance(3600.0)
    after = sensor.read()

    used_j = after.energy_j - before.energy_j  # type: ignore[union-attr]
    assert used_j == pytest.approx(POWER_W_PER_GB * INSTALLED_GB * 3600)
    assert sensor.own_fraction([1]) is None
    sensor.close()


def test_the_device_says_that_it_is_a_model(linux: FakeLinux) -> None:
    (sensor,) = MemoryBackend(FakeClock(), proc=linux.proc).discover().sensors
    device = sensor.device

    assert (device.kind, device.provenance) == (Kind.MEMORY, Provenance.MODELLED)
    assert (device.name, device.reach, device.within) == ("memory 68.7 GB", Reach.MACHINE, None)


def test_published_figures_lie_within_the_interval(linux: FakeLinux) -> None:
    (sensor,) = MemoryBackend(FakeClock(), proc=linux.proc).discover().sensors
    low = POWER_W_PER_GB * (1 - sensor.device.error_fraction)
    high = POWER_W_PER_GB * (1 + sensor.device.error_fraction)

    for w_per_gb in (0.3725, 0.375, 0.392, 5 / 8, 5 / 16, 5 / 32):
        assert low <= w_per_gb <= high


def test_a_limit_makes_it_the_containers(linux: FakeLinux) -> None:
    linux.write(linux.version_2() / "memory.max", "8000000000\n")
    (sensor,) = MemoryBackend(FakeClock(1.0), proc=linux.proc).discover().sensors

    assert sensor.device.reach is Reach.CONTAINER
    assert sensor.device.name == "memory 8 GB"
    assert sensor.read().energy_j == pytest.approx(8 * POWER_W_PER_GB)  # type: ignore[union-attr]


@pytest.mark.parametrize("limit", ["max", "0", "9223372036854771712"])
def test_a_limit_above_the_machine_is_none(linux: FakeLinux, limit: str) -> None:
    linux.write(linux.version_2() / "memory.max", f"{limit}\n")
    (sensor,) = MemoryBackend(FakeClock(), proc=linux.proc).discover().sensors

    assert sensor.device.reach is Reach.MACHINE


@pytest.mark.parametrize("text", ["", "MemTotal:\n", "MemTotal: many kB\n", "MemTotal: 0 kB\n"])
def test_without_meminfo_the_system_is_asked(linux: FakeLinux, text: str) -> None:
    linux.write(linux.proc / "meminfo", text)
    (sensor,) = MemoryBackend(FakeClock(1.0), proc=linux.proc).discover().sensors

    assert sensor.read().energy_j > 0  # type: ignore[union-attr]


def test_an_unknown_size_is_said(linux: FakeLinux, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nbcarbon.sensors.memory._installed_bytes", lambda proc: None)
    discovery = MemoryBackend(FakeClock(), proc=linux.proc).discover()

    assert discovery.sensors == ()
    assert [each.status for each in discovery.findings] == ["unsupported"]
