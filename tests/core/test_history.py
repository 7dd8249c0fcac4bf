from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbcarbon.core.events import DevicePoint, Sampled
from nbcarbon.core.history import MOST_COUNT, RECENT_S, History


def point(instant_s: float, energy_j: float, seen_s: float | None = None) -> Sampled:
    seen_s = instant_s if seen_s is None else seen_s
    return Sampled(instant_s, (DevicePoint("cpu:0", energy_j, seen_s),))


def test_power_is_the_mean_of_an_interval() -> None:
    history = History()
    for each in (point(0, 0), point(1, 50), point(3, 90)):
        history.add(each)

    assert [each.powers_w for each in history.intervals(["cpu:0"])] == [(50.0,), (20.0,)]
    assert [(each.start_s, each.end_s) for each in history.intervals(["cpu:0"])] == [(0, 1), (1, 3)]
    assert history.intervals(["cpu:0"], last=1)[0].powers_w == (20.0,)
    assert history.device_ids == {"cpu:0"}


def test_the_latest_interval_reaches_back_to_where_somebody_was_told() -> None:
    history = History()
    assert history.latest(["cpu:0"]) is None
    for second in range(5):
        history.add(point(second, second * second))

    def latest(since_s: float | None) -> tuple[float, float, float | None]:
        since = None if since_s is None else point(since_s, since_s**2)
        found = history.latest(["cpu:0"], since=since)
        assert found is not None
        return found.start_s, found.end_s, found.powers_w[0]

    assert latest(None) == latest(4) == latest(3) == (3, 4, 7)
    assert latest(1) == (1, 4, 5)


def test_what_was_not_observed_is_a_gap() -> None:
    history = History()
    for each in (point(0, 0, 0), point(10, 0, 0.5), point(11, 30, 1.5)):
        history.add(each)

    assert [each.powers_w for each in history.intervals(["cpu:0"])] == [(None,), (30.0,)]
    assert history.intervals(["gpu:0"])[0].powers_w == (None,)


def test_a_device_that_appears_is_seen_from_then_on() -> None:
    history = History()
    both = [DevicePoint("cpu:0", 90, 9), DevicePoint("gpu:0", 240, 8)]
    late = [DevicePoint("cpu:0", 100, 10), DevicePoint("gpu:0", 270, 9), DevicePoint("new", 1, 0.1)]
    for each in (
        Sampled(0, (DevicePoint("cpu:0", 0, 0),)),
        Sampled(9, tuple(both)),
        Sampled(10, tuple(late)),
    ):
        history.add(each)

    assert [each.powers_w for each in history.intervals(["cpu:0", "gpu:0", "new"])] == [
        (10, 30, None), (10, 30, None),
    ]  # fmt: skip


def test_points_that_do_not_come_later_are_left_out() -> None:
    history = History()
    for each in (point(1, 0), point(1, 5), point(0.5, 5)):
        history.add(each)

    assert len(history.points) == 1
    assert history.intervals(["cpu:0"]) == []


@given(
    st.lists(st.tuples(st.floats(0.5, 30), st.floats(0, 500)), min_size=2, max_size=1500),
)
def test_thinning_keeps_the_energy_the_ends_and_the_last_minutes(
    steps: list[tuple[float, float]],
) -> None:
    history, instant_s, energy_j = History(), 0.0, 0.0
    history.add(point(0, 0))
    for elapsed_s, power_w in steps:
        instant_s, energy_j = instant_s + elapsed_s, energy_j + elapsed_s * power_w
        history.add(point(instant_s, energy_j))

    intervals = history.intervals(["cpu:0"])
    kept_j = sum((each.powers_w[0] or 0.0) * (each.end_s - each.start_s) for each in intervals)
    recent_s = [each.end_s - each.start_s for each in intervals if each.start_s > instant_s - 300]

    assert len(history.points) <= MOST_COUNT
    assert history.points[0].instant_s == 0
    assert history.points[-1].instant_s == instant_s
    assert kept_j == pytest.approx(energy_j, rel=1e-6, abs=1e-6)
    assert all(each <= 30 + RECENT_S / 250 + 1e-6 for each in recent_s)


def test_a_day_at_one_point_a_second_stays_small_and_fine_at_its_end() -> None:
    history = History()
    for second in range(24 * 3600):
        history.add(point(float(second), 20.0 * second))

    recent = [each for each in history.points if each.instant_s > 24 * 3600 - 1 - RECENT_S]
    assert len(history.points) <= MOST_COUNT
    assert len(recent) >= 200
