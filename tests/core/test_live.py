from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbcarbon.core.attribution import Rule
from nbcarbon.core.cell import CellReport, CellRun, Outcome, Role
from nbcarbon.core.device import Provenance
from nbcarbon.core.energy import DeviceEnergy
from nbcarbon.core.events import (
    BetweenMeasured,
    CellClosed,
    CellEnded,
    CellOpened,
    DevicePoint,
    DevicesFound,
    Edge,
    Event,
    Sampled,
    SettingChanged,
)
from nbcarbon.core.live import counted, live
from nbcarbon.core.session import Session
from nbcarbon.testing import cpu_device
from tests.samples import STARTED

START = STARTED._replace(start_s=0.0)
CPU = cpu_device()
CORE = cpu_device(id="core:0", within="cpu:0")
MODEL = cpu_device(id="mem", name="memory", provenance=Provenance.MODELLED, method="model")


def run(index: int, start_s: float, role: Role = Role.CELL) -> CellRun:
    return CellRun(f"id{index}", index, f"cell {index}", role, START.started_at, start_s)


def opened(index: int, start_s: float, role: Role = Role.CELL) -> CellOpened:
    return CellOpened(run(index, start_s, role), Edge(start_s, 0.0, 1))


def sampled(instant_s: float, **energies_j: float) -> Sampled:
    names = {"cpu": "cpu:0", "core": "core:0", "mem": "mem"}
    points = [DevicePoint(names[each], joules, instant_s) for each, joules in energies_j.items()]
    return Sampled(instant_s, tuple(points))


def used(energy_j: float, own: float | None = None, device_id: str = "cpu:0") -> DeviceEnergy:
    return DeviceEnergy(device_id, energy_j, 0.9 * energy_j, 1.1 * energy_j, 1.0, own_fraction=own)


def closed(index: int, start_s: float, end_s: float, *parts: DeviceEnergy) -> CellClosed:
    return CellClosed(CellReport(run(index, start_s), end_s, Outcome.OK, parts))


def test_nothing_is_known_before_anything_was_read() -> None:
    now = live(Session([START]))

    assert now.energy.energy_j == 0
    assert now.power_w is None
    assert now.measured_fraction is None
    assert now.cells_fraction is None
    assert now.run is None
    assert now.devices == ()


def test_power_is_that_of_the_last_interval_each_joule_once() -> None:
    session = Session([START, DevicesFound((CPU, CORE)), sampled(1.0, cpu=100, core=50)])
    assert live(session).power_w is None
    session.apply(sampled(3.0, cpu=180, core=90))

    assert live(session).power_w == pytest.approx(40.0)
    assert counted(session) == (CPU,)


def test_a_running_cell_grows_and_its_report_takes_its_place() -> None:
    between = BetweenMeasured(0.0, 5.0, (used(50.0),))
    session = Session([START, DevicesFound((CPU,)), sampled(0.0, cpu=0), between, opened(1, 5.0)])
    session.apply(sampled(6.0, cpu=80))
    now = live(session)

    assert now.running_energy.energy_j == pytest.approx(30.0)
    assert now.running_energy.low_j < 30.0 < now.running_energy.high_j
    assert now.energy.energy_j == pytest.approx(80.0)
    assert now.cells_fraction == pytest.approx(30 / 80)
    assert now.run == run(1, 5.0)
    assert now.run_s == pytest.approx(1.0)
    assert now.running_emissions.emissions_g > 0

    session.apply(closed(1, 5.0, 7.0, used(60.0)))
    assert live(session).energy.energy_j == pytest.approx(110.0)
    assert live(session).running_energy.energy_j == 0
    assert live(session).run is None


def test_a_point_at_the_very_end_puts_sums_right() -> None:
    """What was booked and what the trace holds may drift apart; a common instant mends it."""
    session = Session([START, DevicesFound((CPU,)), sampled(10.0, cpu=107)])
    session.apply(BetweenMeasured(0.0, 10.01, (used(100.0),)))
    session.apply(sampled(11.0, cpu=117))

    assert live(session).running_energy.energy_j == pytest.approx(10.0)


def test_front_ends_runs_are_nobodys_cell() -> None:
    session = Session([START, DevicesFound((CPU,)), opened(1, 0.0, Role.FRONT_END)])
    assert live(session).run is None


def test_the_innermost_cell_is_the_one_that_runs() -> None:
    session = Session([START, opened(1, 0.0), opened(2, 1.0)])
    assert live(session).run == run(2, 1.0)
    session.apply(CellEnded(2, Edge(2.0, 0.0, 1), Outcome.OK))
    assert live(session).run == run(1, 0.0)


def test_how_much_is_measured_counts_what_runs() -> None:
    session = Session([START, DevicesFound((CPU, MODEL)), sampled(0.0, cpu=0, mem=0)])
    session.apply(opened(1, 0.0))
    session.apply(sampled(1.0, cpu=30, mem=10))

    assert live(session).measured_fraction == pytest.approx(0.75)


def test_under_the_rule_share_what_runs_is_a_guess_with_all_of_it_as_its_range() -> None:
    session = Session([START, DevicesFound((CPU,)), SettingChanged("attribution", "share")])
    session.apply(closed(1, 0.0, 1.0, used(100.0, own=0.25)))
    session.apply(opened(2, 1.0))
    session.apply(sampled(2.0, cpu=140))
    now = live(session)

    assert session.rule is Rule.SHARE
    assert now.running_energy.energy_j == pytest.approx(10.0)
    assert now.running_energy.low_j == 0
    assert now.running_energy.high_j == pytest.approx(40 * 1.05)
    assert now.energy.energy_j == pytest.approx(25 + 10)


def test_a_device_nobody_announced_is_left_out() -> None:
    session = Session([START, sampled(0.0, cpu=0), sampled(1.0, cpu=30)])
    assert live(session).energy.energy_j == 0


@given(st.lists(st.tuples(st.booleans(), st.floats(1, 20), st.floats(0, 300)), max_size=12))
def test_live_energy_never_jumps_when_it_is_booked(spans: list[tuple[bool, float, float]]) -> None:
    """Whatever ran, in whatever order: before and after booking the session's energy is the same."""
    events: list[Event] = [START, DevicesFound((CPU,)), sampled(0.0, cpu=0)]
    session = Session(events)
    now_s, cumulative_j = 0.0, 0.0
    for index, (is_cell, duration_s, power_w) in enumerate(spans, start=1):
        start_s = now_s
        if is_cell:
            session.apply(opened(index, start_s))
        now_s, cumulative_j = now_s + duration_s, cumulative_j + duration_s * power_w
        session.apply(sampled(now_s, cpu=cumulative_j))
        before_j = live(session).energy.energy_j
        part = used(duration_s * power_w)
        if is_cell:
            session.apply(closed(index, start_s, now_s, part))
        else:
            session.apply(BetweenMeasured(start_s, now_s, (part,)))

        assert live(session).energy.energy_j == pytest.approx(before_j, abs=1e-6)
        assert live(session).energy.energy_j == pytest.approx(cumulative_j, abs=1e-6)


def test_a_cell_names_itself_by_the_notebooks_id_or_not_at_all() -> None:
    named = run(1, 0.0)
    assert named.cell_id == "id1"
    assert replace(named, key="0123456789ab-12").cell_id is None


def test_what_was_read_reaches_to_the_latest_point() -> None:
    session = Session([START, DevicesFound((CPU,)), opened(1, 2.0), closed(1, 2.0, 9.0, used(1.0))])
    assert (live(session).from_s, live(session).until_s) == (None, 0.0)
    session.apply(sampled(4.0, cpu=1))
    assert (live(session).from_s, live(session).until_s) == (None, 4.0)
    session.apply(sampled(5.0, cpu=2))
    assert (live(session).from_s, live(session).until_s) == (4.0, 5.0)
    assert live(Session()).until_s == 0.0
