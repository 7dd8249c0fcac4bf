"""Sums across sessions: against a brute force second by second, and settled one by one as all at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbcarbon.core.across import Day, PastSession, Settled, Sum, Sweep, Table, Tagged, curve, seen
from nbcarbon.core.emissions import Emissions
from nbcarbon.core.energy import Energy
from nbcarbon.core.events import DevicePoint, Sampled
from nbcarbon.core.overlap import Watcher, joined

if TYPE_CHECKING:
    from collections.abc import Sequence

DAY_S = 10
"""Days of these tests are as short as this, so that a session of some seconds has several."""

LENGTH = 40
CPU = "cpu"


def day_of(wall_s: float) -> tuple[str, float]:
    number = int(wall_s // DAY_S)
    return f"day {number:02d}", (number + 1.0) * DAY_S


def joules(energy_j: float) -> Sum:
    """Priced at a gram for each joule."""
    return Sum(Energy(energy_j, energy_j, energy_j), Emissions(energy_j, energy_j, energy_j))


def past(
    name: str,
    start: int,
    end: int,
    *,
    powers_w: Sequence[float],
    busy: Sequence[tuple[int, int]] = (),
    clock: str = "boot",
    ahead_s: float = 0.0,
    notebook: str = "",
) -> PastSession:
    """A session that watched one device for its whole time, and says what it used to the joule."""
    spans = joined((float(max(a, start)), float(min(b, end))) for a, b in busy)
    stretches = [(float(each), each + 1.0, powers_w[each]) for each in range(start, end)]
    cells_j = sum(j for a, b, j in stretches if any(x <= a and b <= y for x, y in spans))
    return PastSession(
        name,
        notebook or name,
        "FR",
        clock,
        float(start),
        float(end),
        joules(cells_j),
        joules(sum(j for _, _, j in stretches) - cells_j),
        Watcher({CPU: seen(stretches)}, spans),
        [(float(start), ahead_s)],
        {CPU: stretches},
        [a for a, _ in spans],
    )


def swept(sessions: Sequence[PastSession], since_s: float = float("-inf")) -> list[Settled]:
    sweep = Sweep(day_of, since_s=since_s)
    found = [each for one in sessions for each in sweep.take(one)]
    return [*found, *sweep.finish()]


def table(by: str, sessions: Sequence[PastSession], since_s: float = float("-inf")) -> Table:
    found = Table(by)
    for each in swept(sessions, since_s):
        found.add(each)
    return found


def energies_j(found: Table) -> dict[str, float]:
    return {row.key: row.sum.energy.energy_j for row in found.rows()}


powers = st.lists(st.floats(0, 100), min_size=LENGTH, max_size=LENGTH)
bounds = st.tuples(st.integers(0, LENGTH), st.integers(0, LENGTH)).map(sorted)
plans = st.lists(st.tuples(bounds, st.lists(bounds, max_size=3)), min_size=1, max_size=5)


@given(powers, plans, st.integers(0, LENGTH))
def test_the_sums_are_the_machines_joules_of_the_union_of_time(
    powers_w: list[float], plan: list[tuple[list[int], list[list[int]]]], since: int
) -> None:
    sessions = sorted(
        (
            past(f"s{number}", start, end, powers_w=powers_w, busy=[(a, b) for a, b in busy])
            for number, ((start, end), busy) in enumerate(plan)
        ),
        key=lambda each: each.start_s,
    )
    union = {second for each in sessions for second in range(int(each.start_s), int(each.end_s))}
    by_day = {
        f"day {day:02d}": sum(powers_w[s] for s in union if s // DAY_S == day and s >= since)
        for day in range(LENGTH // DAY_S + 1)
    }
    found = table("day", sessions, float(since))
    for day, energy_j in energies_j(found).items():
        assert energy_j == pytest.approx(by_day[day], abs=1e-6)
    assert found.whole.sum.energy.energy_j == pytest.approx(sum(by_day.values()), abs=1e-6)
    assert found.whole.sum.emissions.emissions_g == pytest.approx(sum(by_day.values()), abs=1e-6)
    by_notebook = energies_j(table("notebook", sessions, float(since)))
    assert sum(by_notebook.values()) == pytest.approx(sum(by_day.values()), abs=1e-6)
    by_tag = energies_j(table("tag", sessions, float(since)))
    assert sum(by_tag.values()) == pytest.approx(sum(by_day.values()), abs=1e-6)


@given(powers, plans)
def test_what_is_settled_early_is_what_all_together_would_say(
    powers_w: list[float], plan: list[tuple[list[int], list[list[int]]]]
) -> None:
    sessions = sorted(
        (
            past(f"s{number}", start, end, powers_w=powers_w, busy=[(a, b) for a, b in busy])
            for number, ((start, end), busy) in enumerate(plan)
        ),
        key=lambda each: each.start_s,
    )
    early = {each.session.id: each.whole.energy.energy_j for each in swept(sessions)}
    # One that lasts for ever keeps everything open; it watches nothing, so it changes nothing.
    for_ever = past("-", 0, 0, powers_w=powers_w)
    for_ever = PastSession(
        "-", "", "", "boot", 0.0, 1e9, Sum(), Sum(), Watcher({}, []), for_ever.wall_ahead_s
    )
    late = {each.session.id: each.whole.energy.energy_j for each in swept([for_ever, *sessions])}
    del late["-"]

    assert late == pytest.approx(early)


@given(powers, st.lists(bounds, max_size=3))
def test_a_session_that_nothing_overlaps_comes_out_as_it_says_of_itself(
    powers_w: list[float], busy: list[list[int]]
) -> None:
    one = past("one", 3, 17, powers_w=powers_w, busy=[(a, b) for a, b in busy])
    (found,) = swept([one])

    assert found.whole.energy.energy_j == pytest.approx(
        one.cells.energy.energy_j + one.rest.energy.energy_j
    )
    assert found.session.curves == {}


def test_machines_and_boots_do_not_overlap() -> None:
    powers_w = [10.0] * LENGTH
    here = past("here", 0, 20, powers_w=powers_w)
    there = past("there", 0, 20, powers_w=powers_w, clock="another boot")

    assert table("", [here, there]).whole.sum.energy.energy_j == pytest.approx(400)


def test_two_at_once_are_one_machine() -> None:
    powers_w = [10.0] * LENGTH
    rows = energies_j(
        table("", [past("a", 0, 20, powers_w=powers_w), past("b", 10, 30, powers_w=powers_w)])
    )

    assert rows == {"a": pytest.approx(150), "b": pytest.approx(150)}


def test_days_are_those_of_the_wall_clock_with_the_cells_that_began_in_them() -> None:
    """The wall clock is 15 s ahead: seconds 0 to 20 are the second half of day 1, day 2, half of day 3."""
    found = table(
        "day", [past("a", 0, 20, powers_w=[10.0] * LENGTH, busy=[(2, 9), (12, 13)], ahead_s=15.0)]
    )

    assert energies_j(found) == {
        "day 01": pytest.approx(50), "day 02": pytest.approx(100), "day 03": pytest.approx(50),
    }  # fmt: skip
    assert [row.cell_count for row in found.rows()] == [1, 1, 0]
    assert (found.whole.session_count, found.whole.cell_count) == (1, 2)


def test_what_was_before_is_left_out() -> None:
    sessions = [past(name, 0, end, powers_w=[10.0] * LENGTH) for name, end in (("a", 10), ("b", 30))]  # fmt: skip
    found = table("", sessions, since_s=20.0)

    assert energies_j(found) == {"b": pytest.approx(100)}


def test_rows_by_notebook_zone_and_tag() -> None:
    powers_w = [10.0] * LENGTH
    one = past("one", 0, 10, powers_w=powers_w, busy=[(0, 6)], notebook="a.ipynb")
    two = past("two", 10, 30, powers_w=powers_w, notebook="b.ipynb")
    three = past("three", 30, 40, powers_w=powers_w, notebook="a.ipynb")
    tagged = PastSession(
        *(getattr(one, name) for name in list(PastSession.__dataclass_fields__)[:-1]),
        {"training": Tagged(40 / 60, 1), "": Tagged(20 / 60, 0)},
    )

    assert list(energies_j(table("notebook", [one, two, three]))) == ["a.ipynb", "b.ipynb"]
    assert energies_j(table("zone", [one, two, three])) == {"FR": pytest.approx(400)}
    assert energies_j(table("tag", [tagged, two])) == {
        "": pytest.approx(260),
        "training": pytest.approx(40),
    }


def test_a_session_without_readings_is_all_where_it_began() -> None:
    silent = PastSession(
        "silent",
        "",
        "FR",
        "boot",
        5.0,
        6.0,
        joules(3.0),
        joules(1.0),
        Watcher({}, []),
        [(0.0, 0.0)],
    )
    (found,) = swept([silent])

    assert found.days == {"day 00": Day(1.0, 1.0)}
    assert found.whole == joules(4.0)
    assert table("", [silent], since_s=8.0).rows() == []


# From points -------------------------------------------------------------------------------------


def point(instant_s: float, energy_j: float, seen_s: float, device_id: str = CPU) -> Sampled:
    return Sampled(instant_s, (DevicePoint(device_id, energy_j, seen_s),))


def test_stretches_between_points() -> None:
    points = [point(10, 0, 0), point(11, 50, 1), point(12, 90, 1.9), point(12.5, 7, 1.9, "gpu")]

    assert curve(points, CPU) == [(10, 11, 50), (11, 12, 40)]
    assert seen(curve(points, CPU)) == [(10, 12)]


def test_time_that_was_not_seen_is_not_watched() -> None:
    """A pause of eight seconds in the middle of ten; a device that came two seconds before its first point."""
    points = [point(10, 40, 2), point(11, 50, 3), point(21, 70, 5)]

    assert curve(points, CPU) == [(8, 10, 40), (10, 11, 10), (19, 21, 20)]
    assert seen(curve(points, CPU)) == [(8, 11), (19, 21)]


def test_another_sampler_that_begins_anew_takes_nothing_away() -> None:
    points = [point(10, 0, 0), point(11, 50, 1), point(20, 0, 0), point(21, 30, 1)]

    assert curve(points, CPU) == [(10, 11, 50), (20, 21, 30)]
