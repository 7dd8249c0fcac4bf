"""Laws of the modelled CPU: between idle and full power, linear in load, exact, without state."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbcarbon.core.device import Device, Kind, Provenance, Reach
from nbcarbon.core.energy import energy
from nbcarbon.core.power_model import CpuPower
from nbcarbon.core.trace import CounterReading, Trace, Window
from nbcarbon.errors import SensorLost, SensorReadError
from nbcarbon.sensors.modelled import (
    ModelledCpuBackend,
    ModelledCpuSensor,
    PortableBusyTime,
    StatFile,
)
from nbcarbon.testing import FakeClock, cpu_device
from tests.stand_in.linux import FakeLinux

if TYPE_CHECKING:
    from pathlib import Path

    from nbcarbon.ports import Sensor

CPU = CpuPower("Test", 2.0, 10.0, 8, 0.5, False, "a test", "test model")


class Worked:
    """Busy time as it is told."""

    resolution_s = 0.01

    def __init__(self, busy_s: float = 0.0) -> None:
        self.busy_s = busy_s

    def read_s(self) -> float:
        return self.busy_s

    def close(self) -> None:
        pass


@pytest.fixture
def linux(tmp_path: Path) -> FakeLinux:
    return FakeLinux(tmp_path)


def found(linux: FakeLinux, clock: FakeClock | None = None) -> Sensor:
    (sensor,) = ModelledCpuBackend(CPU, clock or FakeClock(), proc=linux.proc).discover().sensors
    return sensor


# The model


@given(st.floats(0.001, 1e4), st.floats(0, 1))
def test_power_lies_between_idle_and_full(elapsed_s: float, utilisation: float) -> None:
    clock, busy = FakeClock(), Worked(50.0)
    sensor = ModelledCpuSensor(cpu_device(), CPU, 8.0, busy, clock)
    before = sensor.read()
    clock.advance(elapsed_s)
    busy.busy_s += utilisation * 8 * elapsed_s
    after = sensor.read()
    used_j = after.energy_j - before.energy_j

    assert 16.0 * elapsed_s - 1e-6 <= used_j <= 80.0 * elapsed_s + 1e-6
    assert used_j == pytest.approx(CPU.power_w(utilisation) * elapsed_s, abs=1e-6)


@given(st.lists(st.tuples(st.floats(0.011, 5.0), st.floats(0, 1)), min_size=1, max_size=30))
def test_a_trace_of_it_holds_the_models_joules(steps: list[tuple[float, float]]) -> None:
    clock, busy = FakeClock(), Worked()
    sensor = ModelledCpuSensor(cpu_device(max_power_w=100.0), CPU, 8.0, busy, clock)
    trace = Trace(sensor.device)
    trace.add(sensor.read())
    expected_j = 0.0
    for elapsed_s, utilisation in steps:
        clock.advance(elapsed_s)
        busy.busy_s += utilisation * 8 * elapsed_s
        expected_j += CPU.power_w(utilisation) * elapsed_s
        trace.add(sensor.read())
    counted = energy(trace, Window(1000.0, clock.monotonic_s()))

    assert trace.refused_count == 0
    assert counted.energy_j == pytest.approx(expected_j, abs=1e-5)


def test_two_sensors_are_one_counter(linux: FakeLinux) -> None:
    clock = FakeClock()
    linux.set_busy(100.0)
    first = found(linux, clock)
    clock.advance(7.0)
    linux.set_busy(120.0)
    second = found(linux, clock)

    assert first.read() == second.read()


# The machine


def test_a_machine_without_limits(linux: FakeLinux) -> None:
    clock = FakeClock(start_s=500.0)
    linux.set_busy(40.0)
    sensor = found(linux, clock)

    assert sensor.read() == CounterReading(500.0, pytest.approx(8 * 2.0 * 500 + 8.0 * 40))
    assert sensor.device == Device(
        id="cpu",
        kind=Kind.CPU,
        name="CPU Test",
        provenance=Provenance.MODELLED,
        method="test model",
        error_fraction=0.5,
        max_power_w=100.0,
        resolution_s=pytest.approx(0.01),
    )
    assert sensor.own_fraction([1]) is None


@pytest.mark.parametrize("busy_s", [0.0, 0.01, 0.03, 1.0, 123.45, 99_999.99])
def test_only_work_is_busy(linux: FakeLinux, busy_s: float) -> None:
    linux.set_busy(busy_s, idle_s=4e5, steal_s=3e3)
    busy = StatFile(linux.proc)

    assert busy.read_s() == pytest.approx(busy_s)
    busy.close()
    busy.close()


def test_the_machines_root_group_is_finer_than_stat(linux: FakeLinux) -> None:
    top = linux.version_2("/user", machine=True)
    linux.write(top / "cpu.stat", "usage_usec 1234567\n")
    sensor = found(linux, FakeClock(0.0))

    assert sensor.read().energy_j == pytest.approx(1.234567 * 8)  # type: ignore[union-attr]
    assert sensor.device.reach is Reach.MACHINE
    assert sensor.device.resolution_s <= 0.01


# A container


def test_under_a_quota_it_is_the_container(linux: FakeLinux) -> None:
    top = linux.version_2()
    linux.write(top / "cpu.max", "150000 100000\n")
    linux.set_usage(top, 10.0)
    linux.set_busy(5000.0)
    clock = FakeClock(100.0)
    sensor = found(linux, clock)

    assert sensor.device.reach is Reach.CONTAINER
    assert sensor.read() == CounterReading(100.0, pytest.approx(1.5 * 2.0 * 100 + 8.0 * 10))


def test_a_burst_of_all_threads_is_no_garbage(linux: FakeLinux) -> None:
    top = linux.version_2()
    linux.write(top / "cpu.max", "100000 100000\n")
    linux.set_usage(top, 0.0)
    clock = FakeClock()
    sensor = found(linux, clock)
    trace = Trace(sensor.device)
    trace.add(sensor.read())
    clock.advance(0.0125)
    linux.set_usage(top, 0.1)  # the quota of a whole period, spent at once by eight threads
    trace.add(sensor.read())

    assert trace.refused_count == 0


def test_a_quota_above_the_machine_is_none(linux: FakeLinux) -> None:
    top = linux.version_2()
    linux.write(top / "cpu.max", "1600000 100000\n")
    linux.set_usage(top, 10.0)

    assert found(linux).device.reach is Reach.MACHINE


# Where it fails


def test_cpu_time_that_makes_no_sense_is_a_gap(linux: FakeLinux) -> None:
    sensor = found(linux)
    for text in ("", "cpu\n", "cpu0 1 2 3 4 5 6 7 8\n", "cpu a b c d e f g h\n"):
        linux.write(linux.proc / "stat", text)
        with pytest.raises(SensorReadError):
            sensor.read()


def test_after_closing_nothing_is_read(linux: FakeLinux) -> None:
    sensor = found(linux)
    sensor.close()
    with pytest.raises(SensorLost):
        sensor.read()


def test_the_doctor_hears_whose_figures_these_are(linux: FakeLinux) -> None:
    discovery = ModelledCpuBackend(CPU, FakeClock(), proc=linux.proc).discover()
    (finding,) = discovery.findings

    assert finding.status == "ok"
    assert "a test" in finding.text
    assert "8 threads" in finding.text


def test_a_group_that_vanishes_is_said(linux: FakeLinux, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(path: Path) -> None:
        raise FileNotFoundError(2, "No such file or directory", str(path))

    monkeypatch.setattr("nbcarbon.sensors.modelled.StatFile", gone)
    discovery = ModelledCpuBackend(CPU, FakeClock(), proc=linux.proc).discover()

    assert discovery.sensors == ()
    assert discovery.findings[0].status == "broken"


def test_without_proc_the_system_is_asked(tmp_path: Path) -> None:
    busy = PortableBusyTime()
    first_s = busy.read_s()
    (sensor,) = ModelledCpuBackend(CPU, FakeClock(0.0), proc=tmp_path).discover().sensors

    assert first_s > 0
    assert sensor.read().energy_j >= 8.0 * first_s  # type: ignore[union-attr]
    sensor.close()
