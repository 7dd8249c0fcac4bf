"""Points of sessions and readings of a meter: the same time, each joule once, clocks apart."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from nbcarbon.core.calibration import MeterReading, Pair
from nbcarbon.core.cell import CellRun, Role
from nbcarbon.core.comparison import (
    MeterTrace,
    Stretch,
    compare,
    find_lag,
    grouped,
    pairs,
    watched,
)
from nbcarbon.core.device import Provenance
from nbcarbon.core.events import (
    CellOpened,
    DevicePoint,
    DevicesFound,
    Edge,
    Event,
    Noticed,
    Sampled,
    SessionStarted,
)
from nbcarbon.errors import CalibrationError
from nbcarbon.testing import cpu_device

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

DAY = datetime(2026, 11, 25, 10, tzinfo=UTC)
DAY_S = DAY.timestamp()
CPU = cpu_device()
CORE = cpu_device(id="core:0", within="cpu:0")
MODEL = cpu_device(
    id="mem", name="memory", provenance=Provenance.MODELLED, method="model", error_fraction=0.5
)


def started(at_s: float = 0.0, start_s: float = 1000.0) -> SessionStarted:
    return SessionStarted("s", DAY + timedelta(seconds=at_s), start_s, "h", "3", "0", "nb", "b", ())


def point(instant_s: float, seen_s: float | None = None, **joules: float) -> Sampled:
    names = {"cpu": "cpu:0", "core": "core:0", "mem": "mem"}
    seen = instant_s if seen_s is None else seen_s
    return Sampled(
        instant_s,
        tuple(DevicePoint(names[each], energy_j, seen) for each, energy_j in joules.items()),
    )


def everything(*sessions: list[Event]) -> list[tuple[tuple[str, ...], list[Stretch]]]:
    found = watched(sessions, from_s=DAY_S - 1e6, to_s=DAY_S + 1e6)
    return [(each.devices, list(each.stretches)) for each in found]


def readings(power_w: Callable[[float], float], times_s: Iterable[float]) -> MeterTrace:
    return MeterTrace(
        [MeterReading(DAY + timedelta(seconds=each), power_w(each)) for each in times_s]
    )


def test_a_sessions_points_are_mean_powers_on_the_wall_clock_each_joule_once() -> None:
    events: list[Event] = [
        started(), DevicesFound((CPU, CORE, MODEL)),
        point(1000.0, cpu=0, core=0, mem=0), point(1002.0, cpu=100, core=80, mem=20),
    ]  # fmt: skip
    ((key, (stretch,)),) = everything(events)
    assert key == ("cpu:0", "mem (model)")
    assert stretch == Stretch(DAY_S, DAY_S + 2.0, 60.0)
    (found,) = watched([events], from_s=DAY_S, to_s=DAY_S + 10)
    assert found.sensors_fraction == pytest.approx((0.05**2 * 100**2 + 0.5**2 * 20**2) ** 0.5 / 120)
    assert watched([events], from_s=DAY_S + 5, to_s=DAY_S + 10) == []


def test_a_device_that_was_not_observed_makes_a_gap() -> None:
    events: list[Event] = [
        started(), DevicesFound((CPU,)), point(1000.0, 0.0, cpu=0), point(1010.0, 2.0, cpu=50),
        point(1020.0, 12.0, cpu=550), DevicesFound((CPU, MODEL)), point(1030.0, 22.0, cpu=600, mem=3),
    ]  # fmt: skip
    first, second = everything(events)
    assert first == (("cpu:0",), [
        Stretch(DAY_S, DAY_S + 10, None), Stretch(DAY_S + 10, DAY_S + 20, 50.0)
    ])  # fmt: skip
    assert second == (("cpu:0", "mem (model)"), [Stretch(DAY_S + 20, DAY_S + 30, None)])
    blind = watched([events], from_s=DAY_S + 25, to_s=DAY_S + 40)
    assert [each.sensors_fraction for each in blind] == [0.0]


def test_cells_say_what_the_time_is_after_a_suspend() -> None:
    run = CellRun("k", 1, "", Role.CELL, DAY + timedelta(hours=2), 1030.0)
    events: list[Event] = [
        started(), DevicesFound((CPU,)), Noticed("cpu", "text"),
        point(1000.0, cpu=0), point(1010.0, cpu=100),
        Noticed("suspend:7000", "The machine slept."), point(1020.0, cpu=200), point(1030.0, cpu=300),
        CellOpened(run, Edge(1030.0, 0.0, 1)), point(1031.0, cpu=320),
    ]  # fmt: skip
    ((_, stretches),) = everything(events)
    assert [each.start_s - DAY_S for each in stretches] == pytest.approx([0.0, 7200.0])
    assert [each.power_w for each in stretches] == pytest.approx([10.0, 20.0])


def test_nobody_known_and_nothing_said_is_left_out() -> None:
    assert everything([started(), point(1000.0, cpu=0), point(1010.0, cpu=5)]) == []
    assert everything([DevicesFound((CPU,)), point(1.0, cpu=0), point(2.0, cpu=5)]) == []
    same: list[Event] = [started(), DevicesFound((CPU,)), point(1.0, cpu=0), point(1.0, cpu=5)]
    assert everything(same) == []


def test_two_sessions_of_the_same_time_count_once() -> None:
    def session(start_s: float, step_s: float) -> list[Event]:
        steps = [start_s + step_s * number for number in range(11)]
        points = [point(1000 + each, cpu=50 * each) for each in steps]
        return [started(), DevicesFound((CPU,)), *points]

    ((_, stretches),) = everything(session(0, 10), session(50, 1), session(95, 10))
    assert sum(each.duration_s for each in stretches) == pytest.approx(100 + 90)
    assert {each.power_w for each in stretches} == {50.0}


def test_stretches_that_go_on_are_grouped_and_gaps_part_them() -> None:
    fine = [Stretch(float(i), i + 1.0, 10.0 * (i % 2)) for i in range(10)]
    assert grouped(fine, 4.0) == [Stretch(0.0, 4.0, 5.0), Stretch(4.0, 8.0, 5.0)]
    fine[5] = fine[5]._replace(power_w=None)
    assert grouped(fine, 4.0) == [Stretch(0.0, 4.0, 5.0), Stretch(6.0, 10.0, 5.0)]


def test_a_meter_is_a_line_broken_where_it_was_silent() -> None:
    meter = readings(lambda t: 100 + t, [0, 1, 2, 3, 4, 20, 21, 22])
    at = DAY_S
    assert meter.interval_s == 1
    assert (meter.start_s, meter.end_s) == (at, at + 22)
    assert meter.mean_w(at + 0.5, at + 2.5) == pytest.approx(101.5)
    assert meter.mean_w(at + 1, at + 1.5) == pytest.approx(101.25)
    assert meter.mean_w(at + 20, at + 22) == pytest.approx(121)
    assert meter.mean_w(at + 3, at + 21) is None
    assert meter.mean_w(at - 1, at + 1) is None
    assert meter.mean_w(at + 21, at + 23) is None
    assert meter.mean_w(at + 2, at + 2) is None
    twice = MeterTrace([MeterReading(DAY + timedelta(seconds=i // 2), 10.0 * i) for i in range(8)])
    assert twice.mean_w(at, at + 3) == pytest.approx(35)
    with pytest.raises(CalibrationError, match="holds 1 readings"):
        readings(lambda t: t, [1, 1])


def loads(seed: int, duration_s: int, step_s: float) -> list[Stretch]:
    chance = random.Random(seed)
    powers_w = [chance.uniform(30, 200) for _ in range(duration_s // 30 + 1)]
    count = round(duration_s / step_s)
    return [
        Stretch(DAY_S + i * step_s, DAY_S + (i + 1) * step_s, powers_w[int(i * step_s) // 30])
        for i in range(count)
    ]


def wall(stretches: list[Stretch], lag_s: float, every_s: float = 1.0) -> MeterTrace:
    """A meter's means over the second before each reading, on a clock that is ahead."""
    end_s = stretches[-1].end_s
    chance = random.Random(0)
    found, at_s, place = [], DAY_S + every_s, 0
    while at_s <= end_s:
        while stretches[place].end_s < at_s - every_s / 2:
            place += 1
        power_w = 21 + 1.18 * (stretches[place].power_w or 0.0) + chance.gauss(0, 1)
        found.append(MeterReading(datetime.fromtimestamp(at_s + lag_s, UTC), power_w))
        at_s += every_s
    return MeterTrace(found)


@pytest.mark.parametrize("lag_s", [-9.0, -2.0, 0.0, 2.0, 6.3])
@pytest.mark.parametrize("step_s", [1.0, 5.0])
def test_the_clocks_are_found_apart(lag_s: float, step_s: float) -> None:
    stretches = loads(1, 900, step_s)
    found, lag = compare(stretches, wall(stretches, lag_s))
    assert lag.told
    # Half a second more: what a meter shows is the mean of the second before.
    assert lag.lag_s == pytest.approx(lag_s + 0.5, abs=0.3)
    assert len(found) >= 85
    assert all(each.duration_s >= 10 for each in found)


def test_clocks_that_cannot_be_compared_are_taken_to_agree() -> None:
    steady = [each._replace(power_w=50.0) for each in loads(1, 600, 1.0)]
    assert find_lag(steady, wall(steady, 3.0)) == (0.0, False)
    assert find_lag([], wall(steady, 3.0)) == (0.0, False)


def test_clocks_far_apart_are_refused() -> None:
    stretches = loads(2, 900, 1.0)
    with pytest.raises(CalibrationError, match="more than 10 s apart"):
        compare(stretches, wall(stretches, 11.5))


def test_many_gaps_are_no_fair_picture() -> None:
    stretches = loads(1, 900, 1.0)
    meter = wall(stretches, 0.0)
    holes = [
        each._replace(power_w=None) if place % 5 else each for place, each in enumerate(stretches)
    ]
    with pytest.raises(CalibrationError, match=r"gaps in the meter's time, 80% of it"):
        compare(holes, meter)
    few = [
        each._replace(power_w=None) if place < 90 else each for place, each in enumerate(stretches)
    ]
    found, _ = compare(few, meter)
    assert sum(each.duration_s for each in found) == pytest.approx(800, abs=20)
    assert pairs([holes[1]], meter, 0.0) == []


def test_no_time_in_common_is_no_pair() -> None:
    early = [Stretch(1.0, 2.0, 5.0)]
    assert compare(early, wall(loads(1, 60, 1.0), 0.0))[0] == []


def test_pairs_end_where_power_rests_so_that_the_slope_is_not_flattened() -> None:
    stretches = loads(3, 1800, 1.0)
    meter = wall(stretches, 0.0)
    found, _ = compare(stretches, meter)
    reach_w = max(each.power_w or 0.0 for each in stretches) - 30
    for each in found[1:]:
        place = round(each.start_s - DAY_S)
        around_w = [one.power_w or 0.0 for one in stretches[place - 1 : place + 1]]
        assert max(around_w) - min(around_w) < 0.1 * reach_w

    def slope(made: list[Pair]) -> float:
        x = sum(each.machine_w for each in made) / len(made)
        return sum((each.machine_w - x) * each.meter_w for each in made) / sum(
            (each.machine_w - x) ** 2 for each in made
        )

    assert slope(found) == pytest.approx(1.18, abs=0.003)
    assert slope(pairs(grouped(stretches, 10.0), meter, 0.5)) < 1.176


def test_power_that_never_rests_is_compared_all_the_same() -> None:
    chance = random.Random(1)
    restless = [each._replace(power_w=chance.uniform(30, 200)) for each in loads(1, 600, 1.0)]
    lengths_s = [each.duration_s for each in grouped(restless, 10.0, calm_s=1.5)]
    assert max(lengths_s) == 60
    assert min(lengths_s) >= 10
    gap = [each._replace(power_w=None) for each in restless]
    assert grouped(gap, 10.0, calm_s=1.5) == []
