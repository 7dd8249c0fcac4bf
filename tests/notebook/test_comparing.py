"""Tables and charts of scores against energy: readable, bounded, and never anybody's markup."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import html5lib
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbcarbon.core.energy import Energy
from nbcarbon.core.notes import CellNotes
from nbcarbon.core.pareto import compare
from nbcarbon.errors import SettingError
from nbcarbon.notebook import card, comparing
from tests.payloads import PAYLOADS
from tests.samples import short, train

if TYPE_CHECKING:
    from xml.etree import ElementTree

    from nbcarbon.core.figures import Figures

CIRCLE = "{http://www.w3.org/2000/svg}circle"


def scored(
    name: str, score: float, joules: float, unit: str = "accuracy", index: int = 1
) -> Figures:
    energy = Energy(joules, joules * 0.9, joules * 1.1)
    notes = CellNotes(score=score, score_unit=unit)
    return replace(train(name), index=index, energy=energy, notes=notes)


MODELS = compare(
    [
        scored("tree", 0.81, 36.0),
        scored("forest", 0.93, 360.0),
        scored("neighbours", 0.9, 540.0),
        scored("network", 0.947, 1080.0),
    ]
)


def svgs(html: str) -> list[ElementTree.Element]:
    document = html5lib.parse(html)
    return document.findall(".//{http://www.w3.org/2000/svg}svg")  # type: ignore[no-any-return]


def test_the_table_in_a_terminal() -> None:
    lines = comparing.text(MODELS).splitlines()
    assert lines[0].split() == ["cell", "accuracy", "energy", "CO₂e", "duration"]
    assert lines[1].split()[:5] == ["a", "tree", "0.81", "10", "mWh"]
    assert [line.endswith("on the front") for line in lines[1:5]] == [True, True, False, True]
    # A capital letter is on the front: the same in the chart without any colour.
    chart = "\n".join(lines[6:18])
    assert all(chart.count(letter) == 1 for letter in "ABcD")
    assert "Higher is better" in lines[-1]


def test_better_is_higher_up_and_dearer_is_further_right() -> None:
    rows = comparing.text(MODELS).splitlines()[6:18]
    places = {
        letter: next((row.index(letter), n) for n, row in enumerate(rows) if letter in row)
        for letter in "ABcD"
    }
    across = [places[letter][0] for letter in "ABcD"]
    assert across == sorted(across)
    assert places["D"][1] <= places["B"][1] <= places["c"][1] < places["A"][1]


def test_the_chart_is_drawn_where_the_figures_are() -> None:
    (svg,) = svgs(comparing.html(MODELS))
    circles = svg.findall(f".//{CIRCLE}")
    x = [float(each.get("cx", "")) for each in circles]
    y = [float(each.get("cy", "")) for each in circles]
    assert x == sorted(x)
    assert y[3] < y[1] < y[2] < y[0]
    filled = ["fill:#0072b2" in each.get("style", "") for each in circles]
    assert filled == [True, True, False, True]
    assert svg.get("aria-label") == "accuracy against energy, 4 cells"


@pytest.mark.parametrize("payload", PAYLOADS)
def test_no_name_and_no_unit_is_markup(payload: str) -> None:
    found = compare([scored(payload, 1.0, 10.0, payload)])
    html = comparing.html(found)
    tree = html5lib.parse(html, namespaceHTMLElements=False)
    plain = html5lib.parse(
        comparing.html(compare([scored("x", 1.0, 10.0, "y")])), namespaceHTMLElements=False
    )
    assert [each.tag for each in tree.iter()] == [each.tag for each in plain.iter()]
    text = comparing.text(found, ascii=True)
    assert text.isascii()
    assert max(map(len, text.splitlines())) <= card.LONGEST_LINE
    assert not any(each in text for each in ("\x1b", "\x07", "\r"))


values = st.floats(-1e9, 1e9)


@given(st.lists(st.tuples(values, st.floats(0, 1e12)), min_size=1, max_size=40), st.booleans())
def test_any_scores_and_energies_can_be_drawn(
    points: list[tuple[float, float]], higher: bool
) -> None:
    cells = [scored(f"c{n}", score, joules, index=n) for n, (score, joules) in enumerate(points)]
    found = compare(cells, higher_is_better=higher)
    text = comparing.text(found)
    assert max(map(len, text.splitlines())) <= card.LONGEST_LINE
    assert all(f"c{n}" in text for n in range(len(points)))
    (svg,) = svgs(comparing.html(found))
    for each in svg.findall(f".//{CIRCLE}"):
        assert 0 <= float(each.get("cx", "")) <= 560
        assert 0 <= float(each.get("cy", "")) <= 260


def test_a_cell_below_resolution_shows_its_range() -> None:
    found = compare([replace(short(), notes=CellNotes(score=3.0))])
    assert "0 – 3 mWh" in comparing.text(found)


def test_one_unit_can_be_asked_for() -> None:
    found = compare([scored("a", 1, 2.0), scored("b", 2, 3.0, "RMSE")])
    assert [each.unit for each in comparing.chosen(found, "RMSE")] == ["RMSE"]
    assert list(comparing.chosen(found, "")) == list(found)
    with pytest.raises(SettingError, match="There are: accuracy, RMSE"):
        comparing.chosen(found, "F1")
    with pytest.raises(SettingError, match=r"nbcarbon\.note"):
        comparing.chosen((), "")
