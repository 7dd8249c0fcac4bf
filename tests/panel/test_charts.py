"""The figures as Python makes them: what the page looks for by name is there, and nothing else is."""

from __future__ import annotations

import json
from typing import Any

import pytest
from bokeh.models import ColumnDataSource, GlyphRenderer, HoverTool, Range1d
from bokeh.models.glyphs import VAreaStep
from hypothesis import given
from hypothesis import strategies as st

from nbcarbon import charts

HISTORY = {
    "t_ms": [0, 1000, 2000, 3000, 4000],
    "parts": [
        {"name": "CPU package 0", "kind": "cpu", "power_w": [20.0, None, None, 30.0]},
        {"name": "GPU 0", "kind": "gpu", "power_w": [100.0, 120.0, None, 60.0]},
    ],
    "emissions_g": [0.0, 0.1, 0.2, 0.3, 0.4],
    "what_if_g": None,
}
CELL = {"start_ms": 0, "end_ms": 1000, "name": "train", "text": {"energy": "5 Wh"}}


def one(figure: Any, name: str) -> Any:
    found = figure.select_one({"name": name})
    assert found is not None, name
    return found


def test_power_has_every_part_that_the_page_fills() -> None:
    figure = charts.power_figure()

    for name in ("power", "gaps", "cells", "names"):
        assert isinstance(one(figure, name), ColumnDataSource)
        assert all(len(column) == 0 for column in one(figure, name).data.values())
    for slot in range(charts.MOST_SLOTS):
        renderer = one(figure, f"p{slot}")
        assert isinstance(renderer, GlyphRenderer)
        assert isinstance(renderer.glyph, VAreaStep)
        assert not renderer.visible
    for name in ("x", "y", "time", "most", "base", "half", "top", "gap", "bar", "name"):
        one(figure, name)


def test_emissions_have_two_lines_told_apart_by_more_than_colour() -> None:
    figure = charts.emissions_figure()

    assert set(one(figure, "emissions").data) == {"t", "here", "there"}
    assert one(figure, "here").glyph.line_dash == []
    assert one(figure, "there").glyph.line_dash == [5, 3]


@pytest.mark.parametrize("figure", [charts.power_figure, charts.emissions_figure])
def test_nothing_but_the_chart_is_drawn(figure: Any) -> None:
    drawn = figure()

    assert drawn.toolbar_location is None
    assert drawn.toolbar.logo is None
    assert drawn.legend == []
    assert drawn.background_fill_color is None
    assert drawn.border_fill_color is None
    assert drawn.sizing_mode == "stretch_width"


def test_slots_are_stacked_in_their_order() -> None:
    glyph = one(charts.power_figure(), "p2").glyph

    assert glyph.y1.expr.fields == ["p0", "p1"]
    assert glyph.y2.expr.fields == ["p0", "p1", "p2"]
    assert glyph.step_mode == "before"


def test_hovering_a_cell_names_it() -> None:
    figure = charts.power_figure()
    hover = figure.select_one({"type": HoverTool})

    assert hover is not None
    assert hover.renderers == [one(figure, "reach")]
    # A field is escaped by BokehJS unless it says otherwise: a cell's name is anybody's text.
    assert "safe" not in hover.tooltips
    # No rule of its style sheet can reach another chart's tooltip.
    _, _, style = hover.tooltips.partition("<style>")
    assert style.startswith(":host(.bk-Tooltip) {")
    assert style.partition("</style>")[0].count("{") == 1


def test_documents_are_json_and_refer_to_nothing_outside() -> None:
    found = charts.documents()
    text = json.dumps(found)

    assert set(found) == {"power", "emissions"}
    assert all({"doc", "root_id"} <= set(each) for each in found.values())
    assert "http" not in text
    assert "//" not in text
    assert "CustomJS" not in text  # a page may forbid code in strings


def test_a_gap_is_hatched_and_joined_never_drawn_as_a_line() -> None:
    figure = charts.power_figure(HISTORY, [CELL])

    assert one(figure, "gaps").data == {"left": [1000], "right": [3000]}
    assert one(figure, "gap").glyph.hatch_pattern == "/"
    assert one(figure, "power").data["p0"] == [0.0, 20.0, 0.0, 0.0, 30.0]
    assert one(figure, "power").data["p1"] == [0.0, 100.0, 120.0, 0.0, 60.0]


def test_with_data_a_figure_is_whole() -> None:
    figure = charts.power_figure(HISTORY, [CELL])

    assert [one(figure, f"p{slot}").visible for slot in range(3)] == [True, True, False]
    assert one(figure, "p0").glyph.fill_color == charts.COLOURS["cpu"]
    assert one(figure, "p1").glyph.fill_color == charts.COLOURS["gpu"]
    assert one(figure, "cells").data["name"] == ["train"]
    assert one(figure, "most").text == "150 W"
    y, x = one(figure, "y"), one(figure, "x")
    assert isinstance(y, Range1d)
    assert y.end == pytest.approx(150 * charts.HEADROOM)
    assert (x.start, x.end) == (0, 4000)


def test_without_another_zone_its_line_is_empty() -> None:
    alone = charts.emissions_figure(HISTORY)
    both = charts.emissions_figure({**HISTORY, "what_if_g": [0.0, 1.0, 2.0, 3.0, 4.0]})

    assert all(each != each for each in one(alone, "emissions").data["there"])
    assert one(alone, "most").text == "400 mg"
    assert one(both, "emissions").data["there"] == [0.0, 1.0, 2.0, 3.0, 4.0]
    assert one(both, "most").text == "4 g"


@given(st.floats(min_value=1e-7, max_value=1e9))
def test_an_axis_ends_at_a_round_number_not_far_above(most: float) -> None:
    top, text = charts.round_up(most, "W")

    assert most * (1 - 1e-9) <= top <= 2 * most
    value, unit = text.split(" ")
    assert float(value) * {"MW": 1e6, "kW": 1e3, "W": 1, "mW": 1e-3, "µW": 1e-6}[
        unit
    ] == pytest.approx(top)


@pytest.mark.parametrize("kinds", [["cpu"], ["gpu"] * 8, ["cpu", "gpu", "gpu", "memory", "npu"]])
def test_no_two_devices_have_the_same_colour(kinds: list[str]) -> None:
    found = charts.colours(kinds)

    assert len(set(found)) == len(kinds)
    assert found[0] == charts.COLOURS[kinds[0]]
