"""The report's charts, as Bokeh figures: power over time, and rows of bars with their ranges.

They stand on their own: no kernel talks to them, nothing is fetched, and SVG prints sharp. Bokeh costs half a
second to import: whoever calls, calls from a process of its own (`_report_charts.py`).
"""

from __future__ import annotations

from itertools import accumulate, takewhile
from math import pi
from typing import TYPE_CHECKING, Any, Final
from unicodedata import east_asian_width

from nbcarbon import charts
from nbcarbon.core import humanize
from nbcarbon.core.units import S_PER_DAY, S_PER_MS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bokeh.plotting import figure

WIDTH_PX: Final = 680
"""What the page is wide, on paper too. Narrower pages shrink a chart."""
POWER_HEIGHT_PX: Final = 210
ROW_PX: Final = 24
NAME_PX: Final = 190
"""Room for the names left of bars."""
PIE_PX: Final = 170
LETTER_PX: Final = 6.2
LONGEST_NAME: Final = 28
MOST_TICKS: Final = 6

_MINUTE, _HOUR = 60, 3600
_TICKS_S: Final = (
    1, 2, 5, 10, 15, 30, _MINUTE, 2 * _MINUTE, 5 * _MINUTE, 10 * _MINUTE, 15 * _MINUTE,
    30 * _MINUTE, _HOUR, 2 * _HOUR, 3 * _HOUR, 6 * _HOUR, 12 * _HOUR,
)  # fmt: skip


def documents(wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Each chart by its name, in the form that `Bokeh.embed.embed_item` takes.

    `wanted` has `power` (`history` as a page's `history` message, `cells`) and any number of rows of bars,
    each with `name`, `value`, `low`, `high`, `text`, `colour`, and `more` behind a name where there is more.
    """
    import logging

    from bokeh.embed import json_item

    logging.getLogger("bokeh").setLevel(logging.ERROR)
    made = {
        name: power_figure(**what) if name == "power" else _ROWS.get(name, bars_figure)(what)
        for name, what in wanted.items()
    }
    return {name: json_item(each) for name, each in made.items()}


def power_figure(history: Mapping[str, Any], cells: Sequence[Mapping[str, Any]]) -> figure:
    """Power by device since the session began. `t_ms` count from there."""
    from bokeh.models import FixedTicker
    from bokeh.models.text import PlainText

    fig = charts.power_figure(history, cells)
    fig.height = POWER_HEIGHT_PX
    fig.output_backend = "svg"
    fig.toolbar.tools = [each for each in fig.toolbar.tools if each.name == "hover"]
    fig.toolbar.active_scroll = fig.toolbar.active_drag = None
    start_ms, end_ms = history["t_ms"][0], history["t_ms"][-1]
    axis = fig.xaxis[0]
    ticks_s = _ticks_s((end_ms - start_ms) * S_PER_MS)
    ticks_ms = [start_ms + each / S_PER_MS for each in ticks_s]
    axis.ticker = FixedTicker(ticks=ticks_ms)
    axis.major_label_overrides = {
        tick_ms: PlainText(text=humanize.duration(tick_s) if tick_s else "0")
        for tick_ms, tick_s in zip(ticks_ms, ticks_s, strict=True)
    }
    axis.major_label_text_font_size = "11px"
    names: Any = fig.select_one({"name": "names"})
    names.data = _bar_names(cells, end_ms - start_ms)
    return fig


def _ticks_s(span_s: float) -> list[float]:
    """Round times from 0 on, few enough to read."""
    day_s = round(S_PER_DAY)
    steps_s = [*_TICKS_S, *(day_s * each for each in (1, 2, 5, 10, 20, 50, 100))]
    step_s = next((each for each in steps_s if span_s / each <= MOST_TICKS), steps_s[-1])
    return [step_s * each for each in range(int(span_s // step_s) + 1)]


def _bar_names(cells: Sequence[Mapping[str, Any]], span_ms: float) -> dict[str, list[Any]]:
    """The names of those bars that are as wide as theirs."""
    shown: dict[str, list[Any]] = {"x": [], "name": []}
    for each in cells:
        width_px = (each["end_ms"] - each["start_ms"]) / span_ms * WIDTH_PX if span_ms > 0 else 0
        name = _cut(each["name"], int(width_px / LETTER_PX))
        if name:
            shown["x"].append((each["start_ms"] + each["end_ms"]) / 2)
            shown["name"].append(name)
    return shown


def _bare_figure(**properties: Any) -> figure:
    """Paper to draw on: no frame, no tools, no ground of its own."""
    from bokeh.plotting import figure

    fig = figure(
        width=WIDTH_PX,
        tools=[],
        toolbar_location=None,
        outline_line_color=None,
        background_fill_color=None,
        border_fill_color=None,
        output_backend="svg",
        **properties,
    )
    fig.toolbar.logo = None
    return fig


def bars_figure(rows: Sequence[Mapping[str, Any]]) -> figure:
    """Bars from 0 below each other, the first on top, each with its range as a line and its value in words."""
    from bokeh.models import ColumnDataSource, FixedTicker, Range1d
    from bokeh.models.text import PlainText

    count = len(rows)
    most = max([0.0, *(max(each["high"], each["value"]) for each in rows)]) or 1.0
    longest_px = LETTER_PX * max([1, *(len(each["text"]) for each in rows)]) + 12
    room_px = WIDTH_PX - NAME_PX - longest_px
    fig = _bare_figure(
        height=ROW_PX * count + 4,
        sizing_mode="stretch_width",
        min_width=0,
        min_border=1,
        min_border_left=NAME_PX,
        x_range=Range1d(start=0, end=most * (WIDTH_PX - NAME_PX) / room_px),
        y_range=Range1d(start=-0.5, end=count - 0.5),
    )
    fig.grid.visible = False
    fig.xaxis.visible = False
    places = [count - 1 - each for each in range(count)]
    axis = fig.yaxis[0]
    axis.ticker = FixedTicker(ticks=places)
    # Words that look like a formula are words here.
    axis.major_label_overrides = {
        place: PlainText(text=_named(each)) for place, each in zip(places, rows, strict=True)
    }
    axis.major_label_text_color, axis.major_label_text_font_size = charts.INK, "12px"
    axis.axis_line_color = axis.minor_tick_line_color = axis.major_tick_line_color = None
    axis.major_tick_out = axis.minor_tick_out = axis.major_tick_in = 0
    axis.major_label_standoff = 8
    source = ColumnDataSource(
        {
            "y": places,
            "value": [each["value"] for each in rows],
            "low": [each["low"] for each in rows],
            "high": [each["high"] for each in rows],
            "end": [max(each["high"], each["value"]) for each in rows],
            "text": [each["text"] for each in rows],
            "colour": [each["colour"] for each in rows],
        }
    )
    fig.hbar(y="y", right="value", height=0.58, source=source, color="colour", line_color=None)
    fig.segment(x0="low", x1="high", y0="y", y1="y", source=source, color=charts.SOFT, line_width=1)
    fig.text(
        x="end", y="y", text="text", source=source, x_offset=6, text_baseline="middle",
        text_font_size="12px", text_color=charts.SOFT,
    )  # fmt: skip
    return fig


def pie_figure(rows: Sequence[Mapping[str, Any]]) -> figure:
    """Parts of a whole, clockwise from the top, with their names and words beside them."""
    from bokeh.models import ColumnDataSource, Range1d

    height_px = max(PIE_PX, ROW_PX * len(rows)) + 8
    fig = _bare_figure(
        height=height_px,
        min_border=0,
        x_range=Range1d(start=0, end=WIDTH_PX),
        y_range=Range1d(start=0, end=height_px),
    )
    fig.grid.visible = fig.axis.visible = False
    whole = sum(each["value"] for each in rows)
    ends = [pi / 2 - 2 * pi * each / whole for each in accumulate(row["value"] for row in rows)]
    top = height_px / 2 + ROW_PX * (len(rows) - 1) / 2
    source = ColumnDataSource(
        {
            "start": [pi / 2, *ends[:-1]],
            "end": ends,
            "colour": [each["colour"] for each in rows],
            "y": [top - ROW_PX * place for place in range(len(rows))],
            "name": [_named(each) for each in rows],
            "text": [each["text"] for each in rows],
        }
    )
    fig.wedge(
        x=PIE_PX / 2 + 4, y=height_px / 2, radius=PIE_PX / 2, start_angle="start", end_angle="end",
        direction="clock", source=source, fill_color="colour", line_color=None,
    )  # fmt: skip
    beside_px = PIE_PX + 48
    fig.scatter(
        x=beside_px,
        y="y",
        marker="square",
        size=11,
        source=source,
        fill_color="colour",
        line_color=None,
    )
    fig.text(
        x=beside_px + 14, y="y", text="name", source=source, text_baseline="middle",
        text_font_size="12px", text_color=charts.INK,
    )  # fmt: skip
    fig.text(
        x=beside_px + 14 + NAME_PX, y="y", text="text", source=source, text_baseline="middle",
        text_font_size="12px", text_color=charts.SOFT,
    )  # fmt: skip
    return fig


_ROWS: Final = {"tags": pie_figure}
"""How rows are drawn that are no bars."""


def _named(row: Mapping[str, Any]) -> str:
    """A bar's name, cut where it is long, and what must not be cut."""
    more: str = row.get("more", "")
    return _cut(row["name"], LONGEST_NAME - len(more)) + more


def _cut(text: str, longest: int) -> str:
    """As much of a name as there is room for; nothing where that would say nothing."""
    widths = [_width(each) for each in text]
    if sum(widths) <= longest:
        return text
    if longest < 4:
        return ""
    kept = takewhile(lambda each: each <= longest - 1, accumulate(widths))
    return f"{text[: sum(1 for _ in kept)].rstrip()}…"


def _width(letter: str) -> float:
    """How wide a letter is, in mean ones."""
    if east_asian_width(letter) in "WF":
        return 2.0
    return 1.6 if letter in "MWmw@%—" else 1.0
