"""The joules at a window's ends: between ticks, between readings, beyond them, and once booked."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbcarbon.core.ends import Turn, end_of, is_settled, pin
from nbcarbon.core.energy import OF_A_RUN, energy
from nbcarbon.core.trace import CounterReading, PowerReading, Trace, Window
from nbcarbon.core.uncertainty import AVERAGING
from nbcarbon.testing import cpu_device

ERROR_S = 1e-4
PERIOD_S = 0.1


def ticking(*tick_j: float, read_s: float = 0.0) -> Trace:
    """A counter read once after each tick, at 0.0, 0.1, ... seconds."""
    trace = Trace(cpu_device(error_fraction=0.0, resolution_s=PERIOD_S))
    for number, energy_j in enumerate(tick_j):
        add_tick(trace, number, energy_j, read_s=read_s)
    return trace


def add_tick(trace: Trace, number: int, energy_j: float, *, read_s: float = 0.0) -> None:
    at_s = number * PERIOD_S
    trace.add(CounterReading(at_s + 0.01 + read_s, energy_j, at_s, ERROR_S, PERIOD_S))


def test_one_step_between_two_ticks_is_found_exactly() -> None:
    """50 W until 0.23 s, 250 W from there on; no matter what the edge at hand is."""
    trace = ticking(0.0, 5.0, 10.0, 10.0 + 0.03 * 50 + 0.07 * 250, 54.0, 79.0)
    for turn in Turn:
        assert end_of(trace, 0.23, turn).energy_j == pytest.approx(11.5)
        assert end_of(trace, 0.21, turn).energy_j == pytest.approx(10.5)
        assert end_of(trace, 0.28, turn).energy_j == pytest.approx(11.5 + 0.05 * 250)


def test_a_step_down_too() -> None:
    trace = ticking(0.0, 25.0, 50.0, 50.0 + 0.03 * 250 + 0.07 * 50, 66.0, 71.0)
    assert end_of(trace, 0.23).energy_j == pytest.approx(57.5)
    assert end_of(trace, 0.26).energy_j == pytest.approx(57.5 + 0.03 * 50)


def test_work_that_fits_between_two_ticks_belongs_to_the_run_that_was_open() -> None:
    """50 W but for 250 W from 0.22 to 0.27 s."""
    trace = ticking(0.0, 5.0, 10.0, 10.0 + 0.05 * 50 + 0.05 * 250, 30.0, 35.0)
    found = energy(trace, Window(0.22, 0.27), turns=OF_A_RUN)
    assert found.energy_j == pytest.approx(12.5)
    assert found.below_resolution
    assert found.low_j == 0.0
    assert end_of(trace, 0.25).energy_j == pytest.approx(17.5)


def test_a_pause_between_two_runs_belongs_to_neither() -> None:
    """250 W but for 50 W from 0.22 to 0.27 s: one run closed and the next opened."""
    trace = ticking(0.0, 25.0, 50.0, 50.0 + 0.05 * 250 + 0.05 * 50, 90.0, 115.0)
    assert end_of(trace, 0.22, Turn.CLOSES).energy_j == pytest.approx(55.0)
    assert end_of(trace, 0.27, Turn.OPENS).energy_j == pytest.approx(57.5)


def test_ticks_that_nobody_read_leave_only_the_near_one() -> None:
    trace = ticking(0.0, 5.0, 10.0)
    for number, energy_j in ((12, 110.0), (13, 135.0), (14, 160.0)):
        add_tick(trace, number, energy_j)
    assert end_of(trace, 1.18).energy_j == pytest.approx(110.0 - 0.02 * 250)
    assert end_of(trace, 0.22).energy_j == pytest.approx(11.0)
    assert end_of(trace, 1.18).steps_j == pytest.approx(0.02 * 200)


def test_without_a_level_on_one_side_the_other_is_taken_on() -> None:
    first = ticking(0.0, 10.0, 35.0)
    assert end_of(first, 0.02).energy_j == pytest.approx(2.0)
    alone = ticking(0.0, 10.0)
    assert end_of(alone, 0.02).energy_j == pytest.approx(2.0)


def test_beyond_the_last_tick_power_goes_on_for_as_long_as_somebody_looked() -> None:
    trace = ticking(0.0, 5.0, 10.0, read_s=0.05)
    end = end_of(trace, 0.24)
    assert end.energy_j == pytest.approx(12.0)
    assert end.seen_s == pytest.approx(0.24)
    assert end.steps_j > 0
    assert end_of(trace, 9.0).seen_s == pytest.approx(0.26)


def test_a_counter_that_no_longer_moves_counts_nothing_on() -> None:
    trace = ticking(0.0, 5.0, 10.0)
    trace.add(CounterReading(3.0, 10.0, 2.9, ERROR_S, PERIOD_S))
    assert end_of(trace, 3.0).energy_j == pytest.approx(10.0)
    assert end_of(trace, 3.0).seen_s == pytest.approx(3.0)


def test_one_tick_alone_tells_no_power() -> None:
    trace = ticking(0.0)
    assert end_of(trace, 0.005).energy_j == 0.0
    assert end_of(trace, -1.0).energy_j == 0.0


def test_what_is_booked_stays_and_never_falls() -> None:
    trace = ticking(0.0, 25.0, 50.0, read_s=0.05)
    pin(trace, 0.25, Turn.CLOSES)
    assert end_of(trace, 0.25).energy_j == pytest.approx(62.5)
    add_tick(trace, 3, 51.0)
    pin(trace, 0.25, Turn.OPENS)
    pin(trace, 0.28, Turn.OPENS)
    assert end_of(trace, 0.25).energy_j == pytest.approx(62.5)
    assert end_of(trace, 0.28).energy_j == pytest.approx(62.5)
    assert energy(trace, Window(0.25, 0.28)).energy_j == 0.0


def test_nothing_is_booked_before_anything_was_read() -> None:
    trace = Trace(cpu_device())
    pin(trace, 1.0, Turn.OPENS)
    assert trace.pins == {}


def test_forgetting_keeps_what_is_booked_where_it_is_needed() -> None:
    trace = ticking(*(float(number) for number in range(100)))
    for at_s in (1.05, 2.05, 9.5):
        pin(trace, at_s, Turn.OPENS)
    trace.forget(9.0, keep=[1.05])
    assert set(trace.pins) == {1.05, 9.5}


def test_when_later_ticks_would_say_no_more() -> None:
    trace = ticking(0.0, 5.0, 10.0)
    assert is_settled(trace, -1.0)
    assert not is_settled(trace, 0.25)
    add_tick(trace, 3, 15.0)
    assert is_settled(trace, 0.25)
    add_tick(trace, 4, 28.0)
    assert not is_settled(trace, 0.35)
    add_tick(trace, 5, 53.0)
    assert is_settled(trace, 0.35)
    assert is_settled(Trace(cpu_device()), 0.0)
    assert not is_settled(ticking(0.0, 5.0, read_s=0.05), 0.15)
    plain = Trace(cpu_device())
    plain.add(CounterReading(0.0, 0.0))
    assert is_settled(plain, 0.0)
    assert not is_settled(plain, 5.0)


def test_a_level_does_not_reach_across_a_gap() -> None:
    trace = ticking(0.0, 5.0)
    trace.interrupt()
    add_tick(trace, 5, 500.0)
    add_tick(trace, 6, 525.0)
    end = end_of(trace, 0.52)
    assert end.energy_j == pytest.approx(5.0 + 0.02 * 250)
    assert end_of(trace, 0.3).energy_j == pytest.approx(5.0)
    assert energy(trace, Window(0.2, 0.4)).coverage_fraction == 0.0


def test_readings_that_may_be_of_either_tick_are_left_out_for_a_while() -> None:
    trace = ticking(0.0, 5.0, 10.0)
    trace.add(CounterReading(0.3, 14.0, None, 0.0, PERIOD_S))
    assert len(trace.points) == 3
    trace.add(CounterReading(2.0, 100.0, None, 0.0, PERIOD_S))
    assert trace.last is not None
    assert trace.last.instant_s == 2.0
    assert not trace.ticking


def test_a_second_reading_of_a_tick_adds_nothing() -> None:
    trace = ticking(0.0, 5.0)
    trace.add(CounterReading(0.19, 5.0, 0.1001, ERROR_S, PERIOD_S))
    trace.add(CounterReading(0.2, 6.0, 0.0999, ERROR_S, PERIOD_S))
    assert [point.energy_j for point in trace.points] == [0.0, 5.0]
    assert trace.read_s == pytest.approx(0.19)


levels = st.lists(st.floats(0.0, 400.0), min_size=4, max_size=12)


@given(levels, st.floats(0, 1), st.floats(0, 1), st.sampled_from(Turn))
def test_splitting_a_window_of_ticks_conserves_energy(
    levels_w: list[float], left: float, right: float, turn: Turn
) -> None:
    trace = ticking(*itertools.accumulate((0.1 * each for each in levels_w), initial=0.0))
    end_s = 0.1 * len(levels_w)
    low, high = sorted((left, right))
    cuts = sorted({0.0, low * end_s, high * end_s, end_s})
    for cut_s in cuts:
        pin(trace, cut_s, turn)
    parts = [energy(trace, Window(a, b)).energy_j for a, b in itertools.pairwise(cuts)]

    assert sum(parts) == pytest.approx(0.1 * sum(levels_w), abs=1e-6)
    assert min(parts) >= 0.0


@given(levels, st.floats(0.05, 0.95), st.floats(-1000.0, 1000.0))
def test_shifting_the_clock_changes_no_end(
    levels_w: list[float], part: float, shift_s: float
) -> None:
    sums_j = list(itertools.accumulate((0.1 * each for each in levels_w), initial=0.0))
    shifted = Trace(cpu_device(error_fraction=0.0, resolution_s=PERIOD_S))
    for number, energy_j in enumerate(sums_j):
        at_s = number * PERIOD_S + shift_s
        shifted.add(CounterReading(at_s + 0.01, energy_j, at_s, ERROR_S, PERIOD_S))
    at_s = part * 0.1 * len(levels_w)
    here, there = end_of(ticking(*sums_j), at_s), end_of(shifted, at_s + shift_s)

    assert there.energy_j == pytest.approx(here.energy_j, abs=1e-3)
    assert there.steps_j == pytest.approx(here.steps_j, abs=1e-3)


@given(levels, st.floats(0, 1))
def test_an_end_lies_between_the_ticks_around_it(levels_w: list[float], part: float) -> None:
    sums_j = list(itertools.accumulate((0.1 * each for each in levels_w), initial=0.0))
    at_s = part * 0.1 * len(levels_w)
    before = min(len(levels_w) - 1, int(at_s / 0.1 + 1e-9))
    for turn in Turn:
        found_j = end_of(ticking(*sums_j), at_s, turn).energy_j
        assert sums_j[before] - 1e-6 <= found_j <= sums_j[before + 1] + 1e-6


def test_a_power_reading_is_as_of_the_middle_of_what_it_averages() -> None:
    device = cpu_device(error_fraction=0.0, resolution_s=0.1, power_window_s=1.0)
    trace = Trace(device)
    for tenth in range(31):
        trace.add(PowerReading(tenth / 10, 100.0 if tenth < 20 else 200.0))
    assert trace.lag_s == pytest.approx(0.55)
    assert trace.points[0].instant_s == pytest.approx(-0.55)
    found = energy(trace, Window(1.0, 3.0))
    assert found.energy_j == pytest.approx(0.35 * 100 + 0.1 * 150 + 1.55 * 200, rel=0.01)
    assert found.coverage_fraction == pytest.approx(1.0)
    assert AVERAGING in {part.name for part in found.parts}


def test_a_window_no_sample_of_power_need_lie_in_may_hold_all_that_can_be_drawn() -> None:
    trace = Trace(cpu_device(resolution_s=0.1, max_power_w=400.0))
    for tenth in range(11):
        trace.add(PowerReading(tenth / 10, 50.0))
    found = energy(trace, Window(0.52, 0.57))
    assert found.below_resolution
    assert (found.low_j, found.high_j) == (0.0, pytest.approx(20.0))
    longer = energy(trace, Window(0.2, 0.8))
    assert longer.high_j < 60.0
