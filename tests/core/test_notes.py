"""What was said of runs: the last word counts, whatever it was said of, and it survives a ledger."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbcarbon.core import notes
from nbcarbon.core.cell import CellReport, CellRun, Outcome, Role
from nbcarbon.core.compact import compacted
from nbcarbon.core.energy import DeviceEnergy
from nbcarbon.core.events import (
    BetweenMeasured,
    CellClosed,
    CellsNoted,
    DevicesFound,
    SessionStarted,
    from_json,
    to_json,
)
from nbcarbon.core.notes import NO_NOTES, TAG, CellNotes, Notes
from nbcarbon.core.session import Session
from nbcarbon.core.tags import by_tag
from nbcarbon.errors import SettingError
from nbcarbon.testing import cpu_device

DAY = datetime(2026, 1, 1, tzinfo=UTC)
START = SessionStarted("s", DAY, 0.0, "h", "3", "0", "nb", "b", (("pue", "1.0"),))
FOUND = DevicesFound((cpu_device(),))


def closed(index: int, energy_j: float, parent: int | None = None) -> CellClosed:
    run = CellRun(f"k{index}", index, f"cell {index}", Role.CELL, DAY, float(index), parent)
    used = (DeviceEnergy("cpu:0", energy_j, energy_j * 0.9, energy_j * 1.1, 1.0),)
    return CellClosed(CellReport(run, index + 0.5, Outcome.OK, used))


@st.composite
def sayings(draw: st.DrawFn) -> CellsNoted:
    first = draw(st.integers(1, 8))
    last = draw(st.none() | st.integers(first, 8))
    return CellsNoted(TAG, draw(st.sampled_from(["", "a", "b"])), first, last)


@given(st.lists(sayings(), max_size=12))
def test_the_last_word_that_covers_a_run_counts(said: list[CellsNoted]) -> None:
    found = Notes()
    for each in said:
        found.add(each)
    for index in range(1, 10):
        words = [
            each.value
            for each in said
            if each.first_index <= index and (each.last_index is None or index <= each.last_index)
        ]
        assert found.value(TAG, index) == (words[-1] if words else "")
        assert found.of(index, index) == CellNotes(tag=words[-1] if words else "")


@given(
    st.floats(allow_nan=False, allow_infinity=False),
    st.integers(1, notes.MOST_COUNT),
    st.integers(1, notes.MOST_COUNT),
)
def test_what_is_said_is_read_back(score: float, queries: int, tokens: int) -> None:
    found = Notes()
    for name, value in notes.said(score=score, unit="F1", queries=queries, tokens=tokens).items():
        found.add(from_json(to_json(CellsNoted(name, value, 3, 3))))  # type: ignore[arg-type]

    assert found.of(3, 3) == CellNotes("", score, "F1", queries, tokens)
    assert found.of(4, 4) == NO_NOTES


@pytest.mark.parametrize(
    "wrong",
    [
        {"score": float("nan")}, {"score": float("inf")}, {"score": "good"}, {"queries": 0},
        {"queries": -3}, {"queries": 2.5}, {"tokens": "many"}, {"tokens": 10**16},
        {"queries": float("inf")}, {"tokens": None, "score": [1]},
    ],
)  # fmt: skip
def test_what_cannot_be_is_one_sentence_with_a_remedy(wrong: dict[str, object]) -> None:
    with pytest.raises(SettingError) as error:
        notes.said(**wrong)  # type: ignore[arg-type]
    assert error.value.hint


def test_values_of_a_later_version_are_left_out() -> None:
    found = Notes()
    for name, value in (("score", "high"), ("queries", "-1"), ("tokens", "1e3"), ("mood", "fine")):
        found.add(CellsNoted(name, value, 1, 1))
    assert found.of(1, 1) == CellNotes()
    assert found.has("mood")
    assert not found.has(TAG)


EVENTS = [
    START,
    FOUND,
    closed(1, 100.0),
    CellsNoted(TAG, "training", 2, None),
    closed(3, 50.0, parent=2),
    closed(2, 200.0),
    BetweenMeasured(3.0, 3.5, closed(9, 7.0).report.devices),
    closed(4, 300.0),
    CellsNoted(TAG, "", 5, None),
    closed(5, 400.0),
    CellsNoted(TAG, "evaluation", 1, 1),
]


@pytest.mark.parametrize("events", [EVENTS, compacted(EVENTS)], ids=["as told", "compacted"])
def test_cells_of_a_tag_are_added_up(events: list[object]) -> None:
    figures = Session(events).figures()  # type: ignore[arg-type]
    found = {each.tag: each for each in by_tag(figures)}

    assert list(found) == ["evaluation", "training", ""]
    assert [each.cell_count for each in found.values()] == [1, 2, 1]
    joules = [each.energy.energy_j for each in found.values()]
    assert joules == pytest.approx([100.0, 500.0, 400.0])
    assert sum(joules) == pytest.approx(figures.cells_energy.energy_j)
    assert sum(each.cells_fraction or 0.0 for each in found.values()) == pytest.approx(1.0)
    assert found["training"].duration_s == pytest.approx(1.0)
    # A cell inside of another one is of the other's tag, whatever its own index.
    tags = {each.index: each.notes.tag for each in figures.cells}
    assert tags == {1: "evaluation", 2: "training", 3: "training", 4: "training", 5: ""}


def test_a_run_inside_of_one_that_began_before_the_tag_has_no_tag() -> None:
    session = Session([START, FOUND, CellsNoted(TAG, "t", 2, None), closed(2, 5.0, 1)])
    session.apply(closed(1, 9.0))
    assert [each.notes.tag for each in session.figures().cells] == ["", ""]
    assert by_tag(session.figures()) == ()


def test_without_a_tag_there_are_no_sums() -> None:
    assert by_tag(Session([START, FOUND, closed(1, 3.0)]).figures()) == ()
