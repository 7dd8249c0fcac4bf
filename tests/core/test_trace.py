"""Laws of traces: energy is conserved, wraps vanish, resets and gaps never become joules."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbcarbon.core.energy import energy
from nbcarbon.core.trace import KEPT, CounterReading, Point, PowerReading, Trace, Window
from nbcarbon.testing import cpu_device

steps = st.lists(st.tuples(st.floats(0.01, 2.0), st.floats(0.0, 900.0)), min_size=2, max_size=40)


def counted(steps_given: list[tuple[float, float]], *, wraps_at_j: float | None = None) -> Trace:
    """A trace of a counter under steps of (seconds, watts), starting close to its wrap."""
    trace = Trace(cpu_device(wraps_at_j=wraps_at_j))
    instant_s, joules = 100.0, 0.0
    start_j = wraps_at_j - 50.0 if wraps_at_j else 0.0
    trace.add(CounterReading(instant_s, start_j))
    for elapsed_s, power_w in steps_given:
        instant_s += elapsed_s
        joules += elapsed_s * power_w
        raw_j = start_j + joules
        trace.add(CounterReading(instant_s, raw_j % wraps_at_j if wraps_at_j else raw_j))
    return trace


def test_first_reading_is_a_baseline_only() -> None:
    trace = Trace(cpu_device())
    trace.add(CounterReading(1.0, 5000.0))

    assert trace.at(1.0).energy_j == 0.0


def test_asking_an_empty_trace_is_an_error() -> None:
    with pytest.raises(LookupError, match="no reading"):
        Trace(cpu_device()).at(1.0)


@given(steps)
def test_a_counter_that_wraps_equals_one_that_does_not(
    given_steps: list[tuple[float, float]],
) -> None:
    plain, wrapping = counted(given_steps), counted(given_steps, wraps_at_j=20_000.0)

    for left, right in zip(plain.points, wrapping.points, strict=True):
        assert left.energy_j == pytest.approx(right.energy_j, abs=1e-6)
        assert left.seen_s == pytest.approx(right.seen_s)


@given(steps, st.floats(0, 1), st.floats(0, 1))
def test_splitting_a_window_conserves_energy(
    given_steps: list[tuple[float, float]], left: float, right: float
) -> None:
    trace = counted(given_steps)
    start_s, end_s = trace.points[0].instant_s, trace.points[-1].instant_s
    low, high = sorted((left, right))
    cuts = [start_s, start_s + low * (end_s - start_s), start_s + high * (end_s - start_s), end_s]

    parts = [energy(trace, Window(a, b)).energy_j for a, b in itertools.pairwise(cuts) if b > a]

    assert sum(parts) == pytest.approx(energy(trace, Window(start_s, end_s)).energy_j, rel=1e-9)


@given(steps, st.floats(-1e5, 1e5))
def test_shifting_the_clock_changes_nothing(
    given_steps: list[tuple[float, float]], shift_s: float
) -> None:
    plain = Trace(cpu_device())
    shifted = Trace(cpu_device())
    instant_s, joules = 0.0, 0.0
    for elapsed_s, power_w in given_steps:
        instant_s += elapsed_s
        joules += elapsed_s * power_w
        plain.add(CounterReading(instant_s, joules))
        shifted.add(CounterReading(instant_s + shift_s, joules))

    assert plain.last is not None
    assert shifted.last is not None
    assert shifted.last.energy_j == pytest.approx(plain.last.energy_j)


def test_a_reset_is_a_gap_and_what_follows_counts() -> None:
    trace = counted([(1.0, 50.0)])
    trace.add(CounterReading(102.0, 3.0))
    trace.add(CounterReading(103.0, 53.0))

    assert trace.last == Point(103.0, pytest.approx(100.0), pytest.approx(2.0))
    assert trace.refused_count == 1


@pytest.mark.parametrize("garbage_j", [-1.0, 1.8e19, 4e9])
def test_one_garbage_reading_neither_counts_nor_stays(garbage_j: float) -> None:
    trace = counted([(1.0, 50.0)])
    trace.add(CounterReading(102.0, garbage_j))
    trace.add(CounterReading(103.0, 150.0))

    assert trace.last is not None
    assert trace.last.energy_j == pytest.approx(150.0)


def test_a_decrease_too_late_to_be_a_wrap_is_a_gap() -> None:
    trace = Trace(cpu_device(wraps_at_j=1000.0, max_power_w=100.0))
    trace.add(CounterReading(0.0, 900.0))
    trace.add(CounterReading(6.0, 100.0))
    trace.add(CounterReading(7.0, 150.0))

    assert trace.last == Point(7.0, pytest.approx(50.0), pytest.approx(1.0))


def test_power_is_integrated_as_trapezoids() -> None:
    trace = Trace(cpu_device())
    for instant_s, power_w in ((0.0, 10.0), (1.0, 30.0), (2.0, 30.0)):
        trace.add(PowerReading(instant_s, power_w))

    assert trace.last is not None
    assert trace.last[:3] == (2.0, 50.0, 2.0)
    assert trace.last.rough_j2 == pytest.approx(20.0**2 / 12)


def test_a_long_pause_of_a_power_sensor_is_a_gap() -> None:
    trace = Trace(cpu_device(), longest_gap_s=2.0)
    trace.add(PowerReading(0.0, 10.0))
    trace.add(PowerReading(5.0, 10.0))
    trace.add(PowerReading(6.0, 10.0))

    assert trace.last == Point(6.0, 10.0, 1.0)


@pytest.mark.parametrize("power_w", [-1.0, 4e6, float("nan"), float("inf")])
def test_impossible_power_is_refused(power_w: float) -> None:
    trace = Trace(cpu_device())
    trace.add(PowerReading(0.0, 10.0))
    trace.add(PowerReading(1.0, power_w))
    trace.add(PowerReading(2.0, 10.0))

    assert trace.last == Point(2.0, 0.0, 0.0)
    assert trace.refused_count == 1


def test_a_missed_reading_breaks_power_and_not_a_counter() -> None:
    power, counter = Trace(cpu_device()), Trace(cpu_device())
    power.add(PowerReading(0.0, 10.0))
    counter.add(CounterReading(0.0, 0.0))
    power.miss()
    counter.miss()
    power.add(PowerReading(1.0, 10.0))
    counter.add(CounterReading(1.0, 10.0))

    assert power.last == Point(1.0, 0.0, 0.0)
    assert counter.last == Point(1.0, 10.0, 1.0)


def test_after_an_interruption_nothing_in_between_is_energy() -> None:
    trace = counted([(1.0, 50.0)])
    trace.interrupt()
    trace.add(CounterReading(200.0, 4000.0))
    trace.add(CounterReading(201.0, 4010.0))

    assert trace.last == Point(201.0, pytest.approx(60.0), pytest.approx(2.0))


def test_a_late_reading_makes_an_edge_exact() -> None:
    trace = Trace(cpu_device())
    trace.add(CounterReading(0.0, 0.0))
    trace.add(CounterReading(1.0, 100.0))
    trace.add(CounterReading(0.5, 10.0))

    assert trace.at(0.5).energy_j == pytest.approx(10.0)
    assert [point.seen_s for point in trace.points] == pytest.approx([0.0, 0.5, 1.0])


def test_a_late_reading_across_a_wrap() -> None:
    trace = Trace(cpu_device(wraps_at_j=1000.0))
    trace.add(CounterReading(0.0, 950.0))
    trace.add(CounterReading(1.0, 50.0))
    trace.add(CounterReading(0.5, 990.0))

    assert trace.at(0.5).energy_j == pytest.approx(40.0)


@pytest.mark.parametrize("raw_j", [200.0, -50.0])
def test_a_late_reading_that_does_not_fit_is_left_out(raw_j: float) -> None:
    trace = Trace(cpu_device())
    trace.add(CounterReading(0.0, 0.0))
    trace.add(CounterReading(1.0, 100.0))
    trace.add(CounterReading(0.5, raw_j))

    assert len(trace.points) == 2


def test_readings_older_than_the_trace_are_left_out() -> None:
    trace = Trace(cpu_device())
    trace.add(CounterReading(5.0, 0.0))
    trace.add(CounterReading(4.0, 0.0))
    trace.add(CounterReading(5.0, 0.0))
    power = Trace(cpu_device())
    power.add(PowerReading(5.0, 1.0))
    power.add(PowerReading(4.0, 1.0))

    assert len(trace.points) == 1
    assert len(power.points) == 1


@given(steps, st.data())
def test_forgetting_the_middle_changes_no_kept_window(
    given_steps: list[tuple[float, float]], data: st.DataObject
) -> None:
    trace = counted(given_steps)
    start_s, end_s = trace.points[0].instant_s, trace.points[-1].instant_s
    opened_s = data.draw(st.floats(start_s, end_s))
    window = Window(opened_s, end_s + 0.001)
    before = energy(trace, window)

    trace.forget(end_s, keep=[opened_s])

    assert len(trace.points) <= 4 * KEPT
    assert energy(trace, window).energy_j == pytest.approx(before.energy_j, abs=1e-9)


def test_resuming_keeps_the_joules_and_makes_the_pause_a_gap() -> None:
    trace = Trace(cpu_device())
    trace.resume([Point(9.0, 450.0, 9.0), Point(10.0, 500.0, 10.0)])
    trace.add(CounterReading(12.0, 7.0))
    trace.add(CounterReading(13.0, 57.0))

    assert trace.last == Point(13.0, pytest.approx(550.0), pytest.approx(11.0))
    with pytest.raises(ValueError, match="before its first reading"):
        trace.resume([])


def test_a_trace_is_flat_outside_its_ends() -> None:
    trace = counted([(1.0, 50.0)])

    assert trace.at(0.0).energy_j == 0.0
    assert trace.at(500.0).energy_j == pytest.approx(50.0)
    assert trace.around(500.0) is None
    assert trace.around(99.0) is None


def test_a_jump_that_counts_on_from_there_is_a_reset_upwards() -> None:
    trace = Trace(cpu_device())
    for instant_s, energy_j in ((0.0, 100.0), (1.0, 150.0), (2.0, 9e6), (3.0, 9e6 + 50.0)):
        trace.add(CounterReading(instant_s, energy_j))

    assert trace.at(3.0) == Point(3.0, 100.0, 2.0)


def test_one_garbage_reading_after_another_is_no_reset() -> None:
    trace = Trace(cpu_device())
    for instant_s, energy_j in ((0.0, 100.0), (1.0, 9e6), (2.0, 5e8), (3.0, 250.0)):
        trace.add(CounterReading(instant_s, energy_j))

    assert trace.refused_count == 2
    assert trace.at(3.0) == Point(3.0, 150.0, 3.0)


def test_a_late_reading_finds_its_place_across_a_wrap() -> None:
    trace = Trace(cpu_device(wraps_at_j=1e6))
    trace.add(CounterReading(0.0, 1e6 - 100.0))
    trace.add(CounterReading(2.0, 100.0))
    trace.add(CounterReading(0.5, 1e6 - 80.0))

    assert trace.at(0.5).energy_j == pytest.approx(20.0)
    assert trace.at(2.0).energy_j == pytest.approx(200.0)


def test_a_sensor_that_changes_its_kind_begins_anew_and_keeps_its_joules() -> None:
    trace = Trace(cpu_device())
    trace.add(PowerReading(0.0, 100.0))
    trace.add(PowerReading(1.0, 100.0))
    trace.add(CounterReading(2.0, 5000.0))
    trace.add(CounterReading(3.0, 5050.0))

    assert trace.at(3.0).energy_j == pytest.approx(150.0)


def test_a_reading_at_the_very_instant_of_the_last_adds_nothing() -> None:
    trace = Trace(cpu_device())
    trace.add(CounterReading(0.0, 0.0))
    trace.add(CounterReading(1.0, 50.0))
    trace.interrupt()
    trace.add(CounterReading(1.0, 50.0))

    assert trace.points == (Point(0.0, 0.0, 0.0), Point(1.0, 50.0, 1.0))


def test_a_window_in_a_gap_has_no_power_to_widen_it() -> None:
    trace = Trace(cpu_device())
    trace.resume([Point(0.0, 0.0, 0.0), Point(100.0, 0.0, 0.0)])
    found = energy(trace, Window(50.0, 51.0))
    assert (found.energy_j, found.high_j, found.coverage_fraction) == (0.0, 0.0, 0.0)
