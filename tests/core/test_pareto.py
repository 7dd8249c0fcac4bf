"""What is on the front, by its definition and by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbcarbon.core.energy import Energy
from nbcarbon.core.notes import CellNotes
from nbcarbon.core.pareto import compare, front
from tests.samples import blind, train

# Few different values, so that ties are common.
points = st.lists(st.tuples(st.integers(0, 4).map(float), st.integers(0, 4).map(float)), max_size=9)


def beaten(point: tuple[float, float], others: list[tuple[float, float]], sign: int) -> bool:
    return any(
        sign * score >= sign * point[0]
        and energy_j <= point[1]
        and (sign * score > sign * point[0] or energy_j < point[1])
        for score, energy_j in others
    )


@given(points, st.booleans())
def test_whatever_nobody_beats_is_on_the_front(
    found: list[tuple[float, float]], higher: bool
) -> None:
    sign = 1 if higher else -1
    assert front(found, higher) == tuple(not beaten(each, found, sign) for each in found)


@given(points)
def test_lower_is_better_is_the_same_upside_down(found: list[tuple[float, float]]) -> None:
    assert front(found, False) == front([(-score, energy_j) for score, energy_j in found], True)


def test_cells_are_compared_within_a_unit_and_by_one_run() -> None:
    def scored(name: str, index: int, score: float, unit: str, joules: float, runs: int = 1):  # type: ignore[no-untyped-def]
        energy = Energy(joules, joules * 0.9, joules * 1.1)
        notes = CellNotes(score=score, score_unit=unit)
        return replace(train(name), index=index, energy=energy, notes=notes, run_count=runs)

    found = compare(
        [
            scored("large", 1, 0.9, "accuracy", 100.0),
            scored("twice", 2, 0.8, "accuracy", 20.0, runs=10),
            scored("error", 3, 0.1, "RMSE", 5.0),
            scored("worse", 4, 0.7, "accuracy", 50.0),
            replace(blind(), notes=CellNotes(score=1.0, score_unit="accuracy")),
            train("unscored"),
        ]
    )
    assert [each.unit for each in found] == ["accuracy", "RMSE"]
    accuracy = found[0]
    assert [each.name for each in accuracy.cells] == ["twice", "worse", "large"]
    assert accuracy.on_front == (True, False, True)
    assert accuracy.cells[0].energy.energy_j == pytest.approx(2.0)
    assert accuracy.cells[0].energy.high_j == pytest.approx(2.2)
    assert accuracy.cells[0].duration_s == pytest.approx(1.23)
