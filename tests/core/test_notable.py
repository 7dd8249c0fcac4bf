"""Very many cells: priced when asked for, and only those shown that somebody wants to see."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from nbcarbon.core.figures import CellFigures, Seen, notable
from nbcarbon.core.summary import CellRows, cell, notable_cells
from tests.samples import blind, train


def test_the_newest_are_shown_and_the_largest_of_the_rest() -> None:
    joules = [float(each % 10) for each in range(100)]
    joules[50], joules[9], joules[98] = 100.0, -1.0, -1.0

    assert notable(joules, 4) == [19, 50, 97, 99]
    assert notable(joules, 5) == [19, 29, 50, 97, 99]
    assert notable(joules, 1) == [50]
    assert notable([], 4) == []


def cells(count: int, asked: list[int]) -> CellFigures:
    def price(position: int):  # type: ignore[no-untyped-def]
        asked.append(position)
        return replace(train(f"cell {position}"), index=position)

    return CellFigures(price, [1.0] * count)


def test_cells_are_priced_when_asked_for() -> None:
    asked: list[int] = []
    found = cells(1000, asked)

    assert len(found) == 1000
    assert asked == []
    assert [found[0].index, found[-1].index] == [0, 999]
    assert [each.index for each in found[10:12]] == [10, 11]
    assert asked == [0, 999, 10, 11]
    assert found.notable(1000) is found
    assert [each.index for each in found.notable(4)] == [0, 1, 998, 999]
    assert len(asked) == 8
    with pytest.raises(IndexError):
        found[1000]


def test_cells_are_equal_by_what_they_are() -> None:
    assert CellFigures.of([train(), blind()]) == CellFigures.of([train(), blind()])
    assert CellFigures.of([train()]) == (train(),)
    assert CellFigures.of([train()]) != 1


def test_rows_of_a_summary_are_made_one_by_one() -> None:
    asked: list[int] = []
    rows = CellRows(cells(1000, asked))

    assert (len(rows), asked) == (1000, [])
    assert rows[3]["name"] == "cell 3"
    assert [each["index"] for each in rows[3:5]] == [3, 4]
    assert [each["index"] for each in notable_cells(rows, 4)] == [0, 1, 998, 999]
    assert CellRows(CellFigures.of([train()])) == [cell(train())]
    assert CellRows(CellFigures.of([train()])) != 1


def test_of_a_summary_that_was_read_the_same_cells_are_shown() -> None:
    asked: list[int] = []
    read = json.loads(json.dumps(list(CellRows(cells(20, asked)))))
    read[3]["energy_j"] = None
    read[4]["parent_index"] = 1

    assert [each["index"] for each in notable_cells(read, 4)] == [0, 1, 18, 19]
    assert notable_cells(read, 20) is read


def test_nothing_is_known_of_nothing() -> None:
    assert (Seen().measured_fraction, Seen().coverage_fraction) == (0.0, 0.0)
    assert Seen(2, measured_count=1.0).measured_fraction == 0.5
