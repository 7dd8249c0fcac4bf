"""Windows over traces: interval, coverage, resolution; totals that count each joule once."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbcarbon.core.device import Provenance
from nbcarbon.core.energy import DeviceEnergy, Energy, coverage, energy, total
from nbcarbon.core.trace import CounterReading, PowerReading, Trace, Window
from nbcarbon.testing import cpu_device


def steady(power_w: float = 100.0, *, resolution_s: float = 0.0) -> Trace:
    trace = Trace(cpu_device(resolution_s=resolution_s))
    for tenth in range(101):
        trace.add(CounterReading(tenth / 10, power_w * tenth / 10))
    return trace


def test_steady_power_is_exact_with_the_sensors_own_interval() -> None:
    found = energy(steady(), Window(2.05, 7.05))

    assert found.energy_j == pytest.approx(500.0)
    assert found.low_j == pytest.approx(475.0)
    assert found.high_j == pytest.approx(525.0)
    assert found.coverage_fraction == pytest.approx(1.0)
    assert not found.below_resolution


def test_a_window_below_resolution_says_so_and_starts_at_zero() -> None:
    found = energy(steady(resolution_s=0.1), Window(2.02, 2.07))

    assert found.below_resolution
    assert found.low_j == 0.0
    assert found.high_j > found.energy_j


def test_unseen_time_lowers_coverage_and_raises_only_the_high_end() -> None:
    trace = Trace(cpu_device())
    for instant_s in (10.0, 11.0):
        trace.add(PowerReading(instant_s, 100.0))

    found = energy(trace, Window(9.0, 11.0))

    assert found.energy_j == pytest.approx(100.0)
    assert found.coverage_fraction == pytest.approx(0.5)
    assert found.low_j == pytest.approx(95.0)
    assert found.high_j == pytest.approx(205.0)


@pytest.mark.parametrize("window", [Window(50.0, 60.0), Window(5.0, 5.0)])
def test_a_window_no_reading_touches_is_not_measured(window: Window) -> None:
    found = energy(steady(), window)

    assert (found.energy_j, found.low_j, found.high_j, found.coverage_fraction) == (0, 0, 0, 0)


def test_a_device_without_readings_is_not_measured() -> None:
    assert energy(Trace(cpu_device()), Window(0.0, 1.0)).coverage_fraction == 0.0


@given(st.floats(0.1, 9.0), st.floats(0.05, 0.9), st.floats(1.0, 500.0), st.floats(1.0, 500.0))
def test_a_hidden_step_stays_within_the_interval(
    step_s: float, duration_s: float, low_w: float, high_w: float
) -> None:
    """True power steps once; the counter is read ten times a second, the ends fall anywhere."""

    def true_j(instant_s: float) -> float:
        return low_w * min(instant_s, step_s) + high_w * max(0.0, instant_s - step_s)

    trace = Trace(cpu_device(error_fraction=0.0))
    for tenth in range(-20, 121):
        trace.add(CounterReading(tenth / 10, true_j(tenth / 10)))
    window = Window(step_s - duration_s / 2, step_s + duration_s / 2)
    found = energy(trace, window)
    truth_j = true_j(window.end_s) - true_j(window.start_s)

    assert found.low_j - 1e-6 <= truth_j <= found.high_j + 1e-6


def part(device_id: str, energy_j: float, half_j: float = 0.0) -> DeviceEnergy:
    return DeviceEnergy(device_id, energy_j, energy_j - half_j, energy_j + half_j, 1.0)


def test_totals_count_no_device_twice() -> None:
    devices = {
        "psys": cpu_device(id="psys"),
        "cpu:0": cpu_device(id="cpu:0", within="psys"),
        "core": cpu_device(id="core", within="cpu:0"),
        "gpu": cpu_device(id="gpu"),
    }
    parts = [part("psys", 100.0), part("cpu:0", 60.0), part("core", 40.0), part("gpu", 10.0)]

    assert total(parts, devices).energy_j == pytest.approx(110.0)
    assert total(parts[1:], devices).energy_j == pytest.approx(70.0)
    assert total([parts[0], parts[2]], devices).energy_j == pytest.approx(100.0)


def test_devices_read_alike_err_together_and_others_independently() -> None:
    devices = {
        "a": cpu_device(id="a", method="RAPL"),
        "b": cpu_device(id="b", method="RAPL"),
        "c": cpu_device(id="c", method="model", provenance=Provenance.MODELLED),
    }

    alike = total([part("a", 100.0, 3.0), part("b", 100.0, 4.0)], devices)
    apart = total([part("a", 100.0, 3.0), part("c", 100.0, 4.0)], devices)

    assert alike.high_j == pytest.approx(207.0)
    assert apart.high_j == pytest.approx(205.0)


def test_energies_one_after_the_other_add_end_to_end() -> None:
    assert Energy(1, 0.5, 2) + Energy(2, 1, 3) == Energy(3, 1.5, 5)


def test_coverage_of_nothing_is_nothing() -> None:
    assert coverage([]) == 0.0
    assert coverage([part("a", 1.0)]) == 1.0
