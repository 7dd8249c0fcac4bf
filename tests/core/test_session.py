"""The session is the fold of its events, priced when asked, its parts adding up to the whole."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbcarbon.core.attribution import Rule
from nbcarbon.core.cell import CellReport, CellRun, Outcome, Role
from nbcarbon.core.energy import DeviceEnergy
from nbcarbon.core.events import (
    BetweenMeasured,
    CellClosed,
    CellOpened,
    CellRestarted,
    DevicesFound,
    Edge,
    Event,
    IntensityLearned,
    Noticed,
    SamplerStarted,
    SessionEnded,
    SessionStarted,
    SettingChanged,
    Unknown,
)
from nbcarbon.core.intensity import (
    Accounting,
    Basis,
    Confidence,
    Intensity,
    Scope,
    Zone,
)
from nbcarbon.core.session import Session
from nbcarbon.testing import cpu_device

DAY = datetime(2026, 1, 1, tzinfo=UTC)
START = SessionStarted("s", DAY, 0.0, "h", "3", "0", "nb", "b", (("pue", "1.0"),))
FRANCE = IntensityLearned(
    Zone("FR", "France", "set", Confidence.SET),
    Intensity(36.0, 32.4, 39.6, Basis.AVERAGE, Scope.LIFECYCLE, Accounting.CONSUMPTION, "EM", 2025),
)
DEVICES = DevicesFound((cpu_device(),))


def used(energy_j: float, own_fraction: float | None = None) -> tuple[DeviceEnergy, ...]:
    return (
        DeviceEnergy("cpu:0", energy_j, energy_j * 0.9, energy_j * 1.1, 1.0, False, own_fraction),
    )


def closed(
    index: int,
    energy_j: float,
    *,
    role: Role = Role.CELL,
    parent: int | None = None,
    own: float | None = None,
) -> CellClosed:
    run = CellRun(f"k{index}", index, "", role, DAY, float(index), parent)
    return CellClosed(CellReport(run, index + 0.5, Outcome.OK, used(energy_j, own)))


def test_parts_and_totals_on_a_personal_machine() -> None:
    figures = Session(
        [
            START,
            DEVICES,
            FRANCE,
            BetweenMeasured(0.0, 1.0, used(100.0, 0.25)),
            closed(1, 3600.0),
            closed(2, 36.0, role=Role.FRONT_END),
            closed(3, 1000.0, parent=1),
            SessionEnded(10.0),
        ]
    ).figures()

    assert figures.rule is Rule.MACHINE
    assert figures.front_end.energy_j == pytest.approx(36.0)
    assert figures.background.energy_j == pytest.approx(25.0)
    assert figures.between_cells.energy_j == pytest.approx(75.0)
    assert figures.others.energy_j == 0.0
    assert figures.machine_j == pytest.approx(3736.0)
    assert figures.energy.energy_j == pytest.approx(3736.0)
    assert figures.emissions.emissions_g == pytest.approx(3736.0 / 3.6e6 * 36.0)
    assert [cell.index for cell in figures.cells] == [1, 3]
    assert figures.duration_s == pytest.approx(10.0)


def test_the_same_facts_under_the_rule_share() -> None:
    session = Session([START, DEVICES, BetweenMeasured(0.0, 1.0, used(100.0, 0.25))])
    session.apply(closed(1, 1000.0, own=0.5))
    session.apply(SettingChanged("attribution", "share"))
    figures = session.figures()

    assert figures.cells[0].energy.energy_j == pytest.approx(500.0)
    assert figures.cells[0].other_energy.energy_j == pytest.approx(1000.0)
    assert figures.background.energy_j == pytest.approx(25.0)
    assert figures.between_cells.energy_j == 0.0
    assert figures.others.energy_j == pytest.approx(575.0)
    assert figures.machine_j == pytest.approx(1100.0)
    assert session.figures(rule=Rule.MACHINE).others.energy_j == 0.0


fractions = st.none() | st.floats(0, 1)


@given(
    st.lists(
        st.tuples(st.floats(0, 1e6), fractions, st.sampled_from(["cell", "front_end", "between"]))
    ),
    st.sampled_from(Rule),
)
def test_the_parts_add_up_under_every_rule(
    spent: list[tuple[float, float | None, str]], rule: Rule
) -> None:
    session = Session([START, DEVICES])
    for index, (energy_j, own, what) in enumerate(spent):
        if what == "between":
            session.apply(BetweenMeasured(index, index + 1.0, used(energy_j, own)))
        else:
            session.apply(closed(index, energy_j, role=Role(what), own=own))
    figures = session.figures(rule=rule)

    whole_j = sum(energy_j for energy_j, _, _ in spent)
    assert figures.machine_j == pytest.approx(whole_j, rel=1e-9, abs=1e-9)
    assert figures.energy.energy_j + figures.others.energy_j == pytest.approx(
        figures.machine_j, rel=1e-9, abs=1e-9
    )


def test_a_late_zone_reprices_what_was() -> None:
    session = Session([START, DEVICES, closed(1, 3.6e6)])
    before = session.figures_of(1).emissions_g
    session.apply(FRANCE)

    assert before == pytest.approx(458.29)
    assert session.figures_of(1).emissions_g == pytest.approx(36.0)


def test_pue_multiplies_emissions_and_never_energy() -> None:
    session = Session([START, DEVICES, FRANCE, closed(1, 3.6e6), SettingChanged("pue", "1.5")])

    assert session.figures_of(1).energy_j == pytest.approx(3.6e6)
    assert session.figures_of(1).emissions_g == pytest.approx(54.0)


def test_what_is_open_and_what_was_said() -> None:
    run = CellRun("k", 7, "", Role.CELL, DAY, 3.0)
    session = Session([START, CellOpened(run, Edge(3.0, 0.0, 1)), Noticed("a", "once")])
    session.apply(Unknown("MoonPhase", {}))

    assert session.open == {7: run}
    assert session.figures().notices == ("once",)
    session.apply(DEVICES)
    session.apply(closed(7, 5.0))
    session.apply(CellOpened(run, Edge(3.0, 0.0, 1)))
    assert session.open == {}


def test_a_report_that_comes_twice_counts_once() -> None:
    session = Session([START, DEVICES, closed(1, 50.0), closed(1, 50.0)])

    assert session.figures().machine_j == pytest.approx(50.0)


def test_a_new_sampler_reopens_an_ended_session() -> None:
    session = Session([START, SessionEnded(5.0)])
    assert session.ended is not None
    session.apply(SamplerStarted(1))
    assert session.ended is None


def test_any_split_of_the_events_folds_to_the_same_session() -> None:
    events: list[Event] = [START, DEVICES, FRANCE, closed(1, 5.0), BetweenMeasured(1, 2, used(3.0))]
    whole = Session(events)
    for cut in range(len(events)):
        parted = Session(events[:cut])
        for event in events[cut:]:
            parted.apply(event)
        assert parted.figures() == whole.figures()


def test_a_restart_of_a_cell_nobody_knows_changes_nothing() -> None:
    session = Session([START, DEVICES])
    session.apply(CellRestarted(7, Edge(1.0, 0.0, 1)))
    assert session.open == {}
