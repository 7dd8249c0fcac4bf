"""The line from the sensors to the wall: recovered with an interval that holds, applied so that it adds up."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from math import inf, nan, sin
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbcarbon.core.calibration import Calibration, Pair, fit, student
from nbcarbon.core.energy import Energy
from nbcarbon.errors import CalibrationError

DAY = datetime(2026, 11, 25, 10, tzinfo=UTC)
OFFSET_W, SLOPE = 21.0, 1.18
IDENTITY = Calibration(
    measured_at=DAY, offset_w=0.0, slope=1.0, centre_w=0.0, level_error_w=0.0,
    slope_error_fraction=0.0, residual_w=0.0, misfit_w=0.0, block_s=10.0, correlation_s=10.0,
    effective_count=60.0, low_power_w=0.0, high_power_w=1e9, meter_fraction=0.0,
    sensors_fraction=0.0, count=60, duration_s=600.0, lag_s=0.0, devices=("cpu:0",),
)  # fmt: skip


def recorded(
    seed: int,
    *,
    count: int = 60,
    noise_w: float = 1.0,
    alike: float = 0.0,
    bend: float = 0.0,
    spread_w: tuple[float, float] = (30.0, 220.0),
) -> list[Pair]:
    """Ten-second means of a machine whose load changes once a minute, and of its meter."""
    chance = random.Random(seed)
    pairs, power_w, error_w = [], 0.0, chance.gauss(0, noise_w)
    for number in range(count):
        if number % 6 == 0:
            power_w = chance.uniform(*spread_w)
        error_w = alike * error_w + (1 - alike**2) ** 0.5 * chance.gauss(0, noise_w)
        wall_w = OFFSET_W + SLOPE * power_w + bend * (power_w - 125) ** 2 + error_w
        pairs.append(Pair(1e9 + 10 * number, 10.0, power_w, wall_w))
    return pairs


def fitted(pairs: list[Pair], **changes: Any) -> Calibration:
    given: dict[str, Any] = {
        "measured_at": DAY,
        "devices": ("cpu:0",),
        "sensors_fraction": 0.3,
        "meter_fraction": 0.0,
    }
    return fit(pairs, **{**given, **changes})


def exactly(energy_j: float) -> Energy:
    return Energy(energy_j, energy_j, energy_j)


@pytest.mark.parametrize(("alike", "count"), [(0.0, 60), (0.5, 60), (0.7, 120)])
def test_the_line_is_within_its_interval_in_95_of_100_trials(alike: float, count: int) -> None:
    held = {"offset": 0, "slope": 0, "wall": 0}
    trials = 0
    for seed in range(400):
        try:
            found = fitted(recorded(seed, alike=alike, count=count))
        except CalibrationError:
            continue  # by chance too few independent readings
        trials += 1
        offset_error_w = found.half_width_j(0.0, 1e9) / 1e9
        held["slope"] += abs(found.slope - SLOPE) <= found.slope_error_fraction
        # At no load at all nothing but the line is extrapolated, so its own interval is asked for.
        line = replace(found, low_power_w=0.0, residual_w=0.0, misfit_w=0.0)
        held["offset"] += abs(found.offset_w - OFFSET_W) <= line.half_width_j(0.0, 1.0)
        # An hour at some load, whose own residuals have averaged out.
        power_w = random.Random(-seed).uniform(30, 220)
        wall = found.apply(exactly(power_w * 3600), 3600.0)
        held["wall"] += wall.low_j <= (OFFSET_W + SLOPE * power_w) * 3600 <= wall.high_j
        assert offset_error_w > 0

    assert trials > 380
    assert min(held.values()) >= 0.95 * trials, held


def test_short_and_long_windows_hold_what_the_meter_would_show() -> None:
    held, trials = {1: 0, 10: 0}, 0
    for seed in range(300):
        found = fitted(recorded(seed, alike=0.5, count=90))
        chance = random.Random(-seed)
        for blocks in held:
            power_w, error_w = chance.uniform(30, 220), chance.gauss(0, 1)
            errors_w = []
            for _ in range(blocks):
                error_w = 0.5 * error_w + 0.75**0.5 * chance.gauss(0, 1)
                errors_w.append(error_w)
            wall_w = OFFSET_W + SLOPE * power_w + sum(errors_w) / blocks
            duration_s = 10.0 * blocks
            wall = found.apply(exactly(power_w * duration_s), duration_s)
            held[blocks] += wall.low_j <= wall_w * duration_s <= wall.high_j
        trials += 1
    assert min(held.values()) >= 0.94 * trials, held


def test_a_supply_that_bends_is_never_averaged_away() -> None:
    straight, bent = fitted(recorded(1, count=300)), fitted(recorded(1, count=300, bend=3e-4))
    assert straight.misfit_w < 0.2 < bent.misfit_w

    day_s = 86_400.0
    assert bent.error_fraction(100.0, day_s) > 2 * straight.error_fraction(100.0, day_s)


@given(
    st.floats(-5, 100), st.floats(0.5, 3),
    st.lists(st.tuples(st.floats(0.001, 1e4), st.floats(10, 1e3)), min_size=1, max_size=8),
)  # fmt: skip
def test_a_split_window_adds_up(
    offset_w: float, slope: float, parts: list[tuple[float, float]]
) -> None:
    calibration = replace(
        IDENTITY, offset_w=offset_w, slope=slope, residual_w=2.0, level_error_w=1.0,
        slope_error_fraction=0.02, centre_w=50.0, misfit_w=0.3, meter_fraction=0.01,
    )  # fmt: skip
    whole_s = sum(duration_s for duration_s, _ in parts)
    whole = calibration.apply(exactly(sum(s * w for s, w in parts)), whole_s)
    summed = sum((calibration.apply(exactly(s * w), s) for s, w in parts), Energy())

    assert summed.energy_j == pytest.approx(whole.energy_j, rel=1e-9)
    # Ends add at worst: the whole is as sure or surer. (The low ones stop at nothing, each by itself.)
    assert summed.high_j >= whole.high_j * (1 - 1e-9) - 1e-6


@given(st.floats(0, 1e9), st.floats(0, 1e3), st.floats(0, 1e3), st.floats(0, 1e6))
def test_the_identity_changes_nothing(
    energy_j: float, below_j: float, above_j: float, duration_s: float
) -> None:
    before = Energy(energy_j, max(0.0, energy_j - below_j), energy_j + above_j)
    after = IDENTITY.apply(before, duration_s)

    assert after.energy_j == before.energy_j
    assert after.low_j == pytest.approx(before.low_j, abs=1e-6)
    assert after.high_j == pytest.approx(before.high_j, abs=1e-6)


@given(st.floats(0, 1e6), st.floats(0, 1e5))
def test_no_figure_is_surer_than_its_meter(energy_j: float, duration_s: float) -> None:
    found = fitted(recorded(3), meter_fraction=0.01)
    wall = found.apply(exactly(energy_j), duration_s)

    assert wall.high_j - wall.energy_j >= 0.0099 * wall.energy_j
    assert wall.low_j >= 0


def test_beyond_what_was_seen_the_sensors_own_accuracy_counts() -> None:
    found = fitted(recorded(4), sensors_fraction=0.2)
    hour_s = 3600.0
    inside, outside = found.error_fraction(200.0, hour_s), found.error_fraction(2000.0, hour_s)
    assert inside < 0.02
    assert 0.1 < outside < 0.25
    assert found.error_fraction(-1e6, hour_s) == 1.0


def test_residuals_average_down_only_as_far_as_they_are_independent() -> None:
    calibration = replace(IDENTITY, residual_w=1.0, block_s=10.0, correlation_s=100.0)
    by_duration = {s: calibration.half_width_j(0.0, s) / s for s in (0.1, 1.0, 10.0, 100.0, 1e4)}
    assert by_duration[0.1] == by_duration[1.0]
    assert by_duration[1.0] > by_duration[10.0] == pytest.approx(by_duration[100.0])
    assert by_duration[1e4] == pytest.approx(by_duration[100.0] / 10)
    assert calibration.half_width_j(0.0, 0.0) == 0
    for shorter, longer in pairwise(sorted(by_duration)):
        assert by_duration[shorter] >= by_duration[longer]


def refused(pairs: list[Pair], **changes: Any) -> str:
    with pytest.raises(CalibrationError) as caught:
        fitted(pairs, **changes)
    assert caught.value.hint
    return str(caught.value)


def test_what_cannot_calibrate_is_a_sentence() -> None:
    assert "Only 4.8 minutes" in refused(recorded(1, count=29))
    assert "and 5 are needed" in refused([])
    assert "hardly varied" in refused(recorded(1, spread_w=(50.0, 51.0)))
    backwards = [pair._replace(meter_w=500 - pair.meter_w) for pair in recorded(1)]
    assert "does not follow" in refused(backwards)
    chance = random.Random(1)
    other = [pair._replace(meter_w=chance.uniform(50, 500)) for pair in recorded(1)]
    assert "does not follow" in refused(other)
    drifting = [
        pair._replace(meter_w=pair.meter_w + 30 * sin(number / 20))
        for number, pair in enumerate(recorded(1))
    ]
    assert "drifts too slowly" in refused(drifting)
    moved = [
        pair._replace(meter_w=pair.meter_w + 30 * (number >= 30))
        for number, pair in enumerate(recorded(1))
    ]
    assert "drifts too slowly" in refused(moved)
    assert "less sure" in refused(recorded(1, noise_w=20.0), sensors_fraction=0.02)


def test_a_meter_without_any_noise_is_taken_at_its_word() -> None:
    found = fitted(recorded(1, noise_w=0.0))
    assert found.offset_w == pytest.approx(OFFSET_W)
    assert found.slope == pytest.approx(SLOPE)
    assert found.residual_w == pytest.approx(0, abs=1e-6)
    assert found.effective_count == 60


def test_a_few_long_pairs_will_do_but_do_not_tell_whether_the_line_bends() -> None:
    few = [
        pair._replace(start_s=1e9 + 30 * i, duration_s=30.0) for i, pair in enumerate(recorded(2))
    ]
    found = fitted(few[::3])
    assert found.count == 20
    assert found.misfit_w == 0
    assert found.slope == pytest.approx(SLOPE, abs=0.05)


def test_breaks_in_the_record_part_what_is_compared() -> None:
    """Residuals on two sides of a break say nothing of how fast they change."""
    chance = random.Random(5)
    pairs = [
        Pair(100.0 * i, 10.0, w, OFFSET_W + SLOPE * w + chance.gauss(0, 1))
        for i, w in enumerate(chance.uniform(30, 200) for _ in range(60))
    ]
    assert fitted(pairs).effective_count == pytest.approx(60, rel=0.2)


@pytest.mark.parametrize(
    "changes",
    [
        {"slope": 0.0}, {"slope": nan}, {"offset_w": inf}, {"residual_w": -1.0}, {"block_s": 0.0},
        {"measured_at": DAY.replace(tzinfo=None)}, {"effective_count": 0.0}, {"lag_s": nan},
    ],
)  # fmt: skip
def test_nonsense_out_of_a_file_is_no_calibration(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="not a calibration"):
        replace(IDENTITY, **changes)


def test_students_quantiles() -> None:
    for freedom, known in {3: 3.182, 5: 2.571, 10: 2.228, 30: 2.042, 1000: 1.962}.items():
        assert student(freedom) == pytest.approx(known, rel=0.01)


def test_power_never_falls_below_nothing() -> None:
    calibration = replace(IDENTITY, offset_w=-5.0)
    assert calibration.power_w(2.0) == 0
    assert calibration.power_w(12.0) == 7
    assert replace(calibration, offset_w=20.0).power_w(10.0, time_fraction=0.5) == 20
    assert calibration.date == "2026-11-25"
