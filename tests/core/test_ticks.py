"""When a counter moves: learnt from its own readings, in simulated time."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nbcarbon.core.beat import Beat, Bracket, fit
from nbcarbon.core.ticks import BURST_S, LONGEST_CHECK_S, RETRY_S, Ticks
from nbcarbon.core.trace import CounterReading
from tests.accuracy.machine import Power, TickingCounter

STEADY = Power([(-100.0, 100.0)])
CALL_S = 0.0001


def counter(period_s: float, *, phase_s: float = 0.0, **changes: float) -> TickingCounter:
    return TickingCounter(STEADY, Random(1), period_s, phase_s=phase_s - 50.0, **changes)


class Reader:
    """Reads a counter whenever its ticks ask for it, and counts how often."""

    def __init__(self, of: TickingCounter) -> None:
        self.counter = of
        self.now_s = 0.0
        self.read_count = 0
        self.ticks = Ticks(0.0)

    def read(self, at_s: float) -> CounterReading:
        begun_s = max(self.now_s, at_s)
        self.now_s = begun_s + CALL_S
        self.read_count += 1
        shown_j = self.counter.energy_j(begun_s + CALL_S / 2)
        return self.ticks.observe(begun_s, CounterReading(self.now_s, shown_j))

    def until(self, end_s: float) -> Ticks:
        while self.ticks.due_s < end_s:
            self.read(self.ticks.due_s)
        self.now_s = end_s
        return self.ticks


@settings(max_examples=40, deadline=None)
@given(st.floats(0.015, 0.11), st.floats(0.0, 1.0), st.floats(0.0, 1.0))
def test_period_and_phase_are_learnt_within_their_own_error(
    period_s: float, phase: float, ahead: float
) -> None:
    reader = Reader(counter(period_s, phase_s=phase * period_s))
    beat = reader.until(20.0).beat
    assert beat is not None
    at_s = 20.0 + 5.0 * ahead
    error_s = beat.before(at_s) - reader.counter.last_tick_s(at_s)
    near_s = min(abs(error_s), abs(abs(error_s) - period_s))

    assert beat.period_s == pytest.approx(period_s, rel=1e-4)
    assert near_s <= 4 * beat.error_s(at_s)
    assert beat.error_s(at_s) < 0.001


def test_learning_is_a_short_burst_and_then_ever_fewer_readings() -> None:
    reader = Reader(counter(0.02))
    reader.until(1.0)
    first = reader.read_count
    reader.until(3600.0)

    assert first < 120
    assert reader.read_count - first < 250
    assert reader.ticks.due_s > 3600.0


def test_a_reading_is_as_of_the_last_tick() -> None:
    reader = Reader(counter(0.1, phase_s=0.03))
    reader.until(10.0)
    reading = reader.read(10.08)

    assert reading.as_of_s == pytest.approx(10.03, abs=0.001)
    assert reading.period_s == pytest.approx(0.1, rel=1e-3)
    assert 0 < reading.as_of_error_s < 0.001


def test_a_reading_that_may_be_of_either_tick_says_so() -> None:
    reader = Reader(counter(0.1, phase_s=0.03))
    reader.until(10.0)
    assert reader.read(10.0299).as_of_s is None
    clear_s = reader.ticks.clear_s(10.1299)
    assert 10.13 < clear_s < 10.14
    assert reader.read(clear_s).as_of_s == pytest.approx(10.13, abs=0.001)


def test_a_call_that_spans_a_tick_says_so_too() -> None:
    beat = Beat(0.0, 0.1, 0.0, 1e-4, 0.0, 0.0)
    assert beat.only_tick_s(0.05, 0.06) == 0.0
    assert beat.only_tick_s(0.05, 0.15) is None
    assert beat.only_tick_s(0.0999, 0.12) is None


def test_when_the_ticks_after_an_edge_have_passed() -> None:
    reader = Reader(counter(0.1, phase_s=0.03))
    assert reader.ticks.settled_s(0.0) is None
    ticks = reader.until(10.0)
    assert ticks.settled_s(10.05) == pytest.approx(10.13, abs=0.003)
    assert ticks.settled_s(10.05, ticks=2) == pytest.approx(10.23, abs=0.003)


def test_irregular_ticks_have_no_beat_and_are_looked_at_ever_more_rarely() -> None:
    reader = Reader(counter(0.06, jitter_s=0.02, drop_fraction=0.2))
    ticks = reader.until(5.0)
    assert ticks.beat is None
    assert ticks.longest_gap_s is not None
    assert 0.06 < ticks.longest_gap_s < 0.4
    assert ticks.settled_s(1.0) == 1.0 + ticks.longest_gap_s
    assert ticks.clear_s(1.0) == 1.0
    reader.until(10_000.0)
    assert reader.read_count < (10_000 / RETRY_S[-1] + 4) * BURST_S / 0.002


def test_an_irregular_reading_is_as_of_some_time_since_the_one_before() -> None:
    reader = Reader(counter(0.06, jitter_s=0.02, drop_fraction=0.2))
    ticks = reader.until(5.0)
    reader.read(6.0)
    near = reader.read(6.01)
    far = reader.read(9.0)

    assert near.as_of_s == pytest.approx(6.005, abs=0.001)
    assert far.as_of_s == pytest.approx(9.0 - (ticks.longest_gap_s or 0) / 2, abs=0.001)
    assert near.as_of_error_s < far.as_of_error_s


def test_a_counter_finer_than_a_burst_needs_no_ticks() -> None:
    reader = Reader(counter(0.0005))
    ticks = reader.until(1.0)
    assert ticks.beat is None
    assert ticks.finest_s is not None
    assert ticks.due_s > LONGEST_CHECK_S
    reading = reader.read(2.0)
    assert reading.as_of_s is None
    assert reading.period_s == ticks.finest_s
    reader.until(2 * LONGEST_CHECK_S)
    assert ticks.finest_s is not None


def test_a_counter_that_never_moves_has_no_ticks() -> None:
    reader = Reader(TickingCounter(Power([(0.0, 0.0)]), Random(1), 0.1))
    ticks = reader.until(100.0)
    assert (ticks.beat, ticks.finest_s, ticks.longest_gap_s) == (None, None, None)
    assert reader.read(100.0).as_of_s is None


def test_a_beat_that_jumped_is_learnt_anew() -> None:
    """After a suspend the ticks come at the same pace and at other instants."""
    reader = Reader(counter(0.1, phase_s=0.03))
    reader.until(50.0)
    reader.counter = counter(0.1, phase_s=0.08)
    for tenth in range(20):
        for at_s in (50.055 + tenth / 10, 50.09 + tenth / 10):
            reader.until(at_s)
            reader.read(at_s)
    beat = reader.until(60.0).beat

    assert beat is not None
    assert beat.before(60.0) == pytest.approx(59.98, abs=0.002)


def test_a_check_that_finds_no_tick_begins_anew() -> None:
    reader = Reader(counter(0.1, phase_s=0.03))
    reader.until(50.0)
    reader.counter = counter(0.1, phase_s=0.08)
    beat = reader.until(400.0).beat
    assert beat is not None
    assert beat.before(400.0) == pytest.approx(399.98, abs=0.002)


def test_too_long_without_a_look_is_too_little_known() -> None:
    reader = Reader(counter(0.02))
    reader.until(1.0)
    beat = reader.ticks.beat
    reader.read(5000.0)
    assert beat is not None
    assert reader.ticks.beat is None
    assert reader.until(5010.0).beat is not None


def test_a_missed_check_teaches_nothing_and_harms_nothing() -> None:
    """The one reading around a predicted tick comes half a second late."""
    reader = Reader(counter(0.1, phase_s=0.03))
    ticks = reader.until(10.0)
    due_s = ticks.due_s
    reader.read(due_s)
    reader.read(ticks.due_s)
    reader.read(due_s + 0.5)
    assert ticks.beat is not None
    assert reader.until(due_s + 30.0).beat is not None


def test_a_failed_reading_is_tried_again_a_little_later() -> None:
    reader = Reader(counter(0.02))
    reader.until(0.05)
    reader.ticks.miss(0.05)
    assert reader.ticks.due_s == pytest.approx(1.05)
    assert reader.until(5.0).beat is not None


def test_a_line_needs_three_ticks_and_time_that_passes() -> None:
    rows = [Bracket(number, 0.1 * number, 0.1 * number + 0.002) for number in range(4)]
    assert fit(rows[:2]) is None
    assert fit([each._replace(tick_number=-each.tick_number) for each in rows]) is None
    beat = fit(rows)
    assert beat is not None
    assert beat.period_s == pytest.approx(0.1)
    assert beat.jitter_s == 0.0


def test_ticks_off_their_line_are_jitter() -> None:
    off_s = (0.0, 0.01, -0.01, 0.008, -0.009, 0.0)
    beat = fit([Bracket(n, 0.1 * n + off, 0.1 * n + off) for n, off in enumerate(off_s)])
    assert beat is not None
    assert 0.005 < beat.jitter_s < 0.02
