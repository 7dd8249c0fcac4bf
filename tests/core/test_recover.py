"""A session that nobody ended, closed by whoever reads it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbcarbon.core.cell import CellReport, CellRun, Outcome, Role
from nbcarbon.core.events import (
    BetweenMeasured,
    CellClosed,
    CellEnded,
    CellOpened,
    CellRestarted,
    DevicePoint,
    DevicesFound,
    Edge,
    Event,
    Sampled,
    SamplerStarted,
    SessionEnded,
    SessionStarted,
)
from nbcarbon.core.recover import close_dead
from nbcarbon.core.session import Session
from nbcarbon.testing import cpu_device

DAY = datetime(2026, 1, 1, tzinfo=UTC)
START: list[Event] = [
    SessionStarted("5e55", DAY, 0.0, "", "3.11", "0", "", ""),
    SamplerStarted(1),
    DevicesFound((cpu_device(error_fraction=0.0),)),
]


def points(until_s: int) -> list[Event]:
    """100 W, a point a second."""
    return [
        Sampled(float(second), (DevicePoint("cpu:0", 100.0 * second, float(second)),))
        for second in range(until_s + 1)
    ]


def opened(index: int, start_s: float, parent: int | None = None) -> CellOpened:
    run = CellRun(f"key-{index}", index, f"cell {index}", Role.CELL, DAY, start_s, parent)
    return CellOpened(run, Edge(start_s, 0.0, 1))


def recovered(*events: Event) -> Session:
    return Session(close_dead([*START, *events]))


def test_an_open_cell_is_closed_at_the_last_sample() -> None:
    session = recovered(*points(2), opened(1, 2.5), *points(6)[3:])
    (cell,) = session.figures().cells

    assert cell.outcome is Outcome.KERNEL_DIED
    assert cell.duration_s == pytest.approx(3.5)
    assert cell.energy_j == pytest.approx(350.0)
    assert session.figures().between_cells.energy_j == pytest.approx(250.0)
    assert session.ended == SessionEnded(6.0, "kernel_gone")
    assert session.figures().machine_j == pytest.approx(600.0)


def test_a_cell_whose_end_the_kernel_told_ends_there() -> None:
    told = CellEnded(1, Edge(4.0, 0.0, 1), Outcome.ERROR, name="late name")
    (cell,) = recovered(*points(2), opened(1, 2.0), *points(6)[3:], told).figures().cells

    assert (cell.outcome, cell.name) == (Outcome.ERROR, "late name")
    assert cell.energy_j == pytest.approx(200.0)


def test_a_restarted_cell_begins_when_it_began_again() -> None:
    restart = CellRestarted(1, Edge(4.0, 0.0, 1))
    (cell,) = recovered(*points(2), opened(1, 2.0), restart, *points(6)[3:]).figures().cells
    assert cell.duration_s == pytest.approx(2.0)


def test_a_nested_cell_is_not_added_to_its_parent() -> None:
    session = recovered(opened(1, 0.0), opened(2, 1.0, parent=1), *points(3))
    assert session.figures().machine_j == pytest.approx(300.0)
    assert [each.energy_j for each in session.figures().cells] == pytest.approx([300.0, 200.0])


def test_a_nested_cell_that_was_closed_books_nothing() -> None:
    def closed(nested: bool) -> CellClosed:
        parent = 1 if nested else None
        run = CellRun("key-2", 2, "inner", Role.CELL, DAY, 1.0, parent)
        return CellClosed(CellReport(run, 2.0, Outcome.OK, ()))

    session = recovered(opened(1, 0.0), closed(True), *points(3))
    assert session.figures().machine_j == pytest.approx(300.0)


def test_cells_side_by_side_share_what_was_used() -> None:
    session = recovered(opened(1, 0.0), opened(2, 0.0), *points(4))
    assert session.figures().machine_j == pytest.approx(400.0)
    assert all("overlap" in each.flags for each in session.figures().cells)


def test_time_after_the_last_cell_is_booked() -> None:
    session = recovered(*points(2), BetweenMeasured(0.0, 1.0, ()), *points(5)[3:])
    assert session.figures().between_cells.energy_j == pytest.approx(400.0)


def test_what_ended_or_never_began_comes_back_as_it_is() -> None:
    ended = [*START, *points(2), SessionEnded(2.0)]
    assert close_dead(ended) == ended
    assert close_dead(points(2)) == points(2)
    taken_up = [*ended, SamplerStarted(2)]
    assert len(close_dead(taken_up)) > len(taken_up)


def test_a_cell_without_a_sample_has_no_energy_and_no_coverage() -> None:
    (cell,) = recovered(opened(1, 5.0)).figures().cells
    assert (cell.energy_j, cell.coverage_fraction, cell.duration_s) == (0.0, 0.0, 0.0)


@given(st.integers(0, 30), st.integers(0, 12))
def test_every_prefix_of_a_session_adds_up(cut: int, start: int) -> None:
    """Wherever a session is cut off, no joule is there twice and none is made up."""
    closed = CellClosed(
        replace(
            next(
                each.report
                for each in close_dead([*START, *points(3), opened(1, 1.0)])
                if isinstance(each, CellClosed)
            ),
            outcome=Outcome.OK,
        )
    )
    events = [*START, *points(3), opened(1, 1.0), closed, *points(8)[4:], opened(2, 5.0 + start / 4),
              *points(12)[9:]]  # fmt: skip
    session = Session(close_dead(events[: 3 + cut]))
    seen = [each for each in events[: 3 + cut] if isinstance(each, Sampled)]
    whole_j = 100.0 * seen[-1].instant_s if seen else 0.0
    assert session.figures().machine_j <= whole_j + 1e-6
