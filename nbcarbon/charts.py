"""The two charts, as Bokeh figures: power by device, and CO2e here and in another zone.

Without data they are templates: the panel's page finds their parts by name, fills them and sets
colours, ranges and ticks (panel/page/chart.js). With the data of a `history` message of docs/wire.md
they are whole, for a page that no kernel talks to.

Bokeh costs half a second to import: whoever calls, calls from a process of its own.
"""

from __future__ import annotations

from itertools import pairwise
from math import floor, log10
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from bokeh.plotting import figure

MOST_SLOTS: Final = 16
HEIGHT_PX: Final = 150

HEADROOM: Final = 1.16
"""The plot's upper end, where 1 is the highest tick: its label stands above it."""
LANE: Final = -0.23
"""Its lower end: between it and 0 are the cells' bars and names."""
_BAR: Final = (-0.075, -0.04)
_NAMES: Final = -0.105

COLOURS: Final = {"cpu": "#0072b2", "gpu": "#e69f00", "memory": "#009e73", "other": "#cc79a7"}
"""Okabe and Ito's, which people who see colours differently can tell apart."""
INK: Final = "#1f2328"
SOFT: Final = "#59636e"
LINE: Final = "#d9dee3"
LIGHTEST: Final = 0.64
"""How far a device is mixed with white at most, where there are several of its kind."""

# BokehJS hangs a tooltip on the page's body, out of the panel's reach. This style sheet comes with its
# text, inside its shadow root: only this tooltip is styled, in the page's own colours where it has some.
_TOOLTIP_STYLE: Final = f"""<style>:host(.bk-Tooltip) {{
  --tooltip-color: var(--jp-layout-color1, var(--vscode-editor-background, #fff));
  --tooltip-text: var(--jp-ui-font-color1, var(--vscode-foreground, {INK}));
  --tooltip-border: var(--jp-border-color1, var(--vscode-panel-border, {LINE}));
  --tooltip-arrow-color: var(--tooltip-border);
  --tooltip-arrow-inner-color: var(--tooltip-color);
}}</style>"""
_TOOLTIP: Final = f"<div>{_TOOLTIP_STYLE}@name</div><div>@energy</div>"

_STEPS: Final = (1, 1.5, 2, 3, 4, 5, 6, 8, 10)
_PREFIXES: Final = ((1e6, "M"), (1e3, "k"), (1.0, ""), (1e-3, "m"), (1e-6, "µ"))


def power_figure(
    history: Mapping[str, Any] | None = None, cells: Iterable[Mapping[str, Any]] = ()
) -> figure:
    """Power by device, stacked; what was not observed is hatched; cells are bars below the axis."""
    from bokeh.models import ColumnDataSource, HoverTool, Stack
    from bokeh.models.glyphs import VAreaStep

    parts = history["parts"][:MOST_SLOTS] if history else []
    slots = [f"p{slot}" for slot in range(MOST_SLOTS)]
    most_w = max((sum(row) for row in zip(*_watts(parts), strict=True)), default=0.0)
    top_w, most = round_up(most_w, "W") if history else (1.0, "")
    fig = _figure("nbcarbon power", _times(history), lane=LANE, top=top_w, most=most)
    power = ColumnDataSource(_power_columns(history, slots), name="power")
    gaps = ColumnDataSource(_gaps(history), name="gaps")
    bars = ColumnDataSource(_bars(cells), name="cells")
    names = ColumnDataSource({"x": [], "name": []}, name="names")

    fills = colours([part["kind"] for part in parts])
    for index, slot in enumerate(slots):
        # An interval's mean stands at its end: a page that hears the next only adds a row.
        area = VAreaStep(
            x="t",
            y1=Stack(fields=slots[:index]) if index else 0,  # type: ignore[arg-type]
            y2=Stack(fields=slots[: index + 1]),  # type: ignore[arg-type]
            step_mode="before",
            fill_color=fills[index] if index < len(fills) else COLOURS["other"],
        )
        fig.add_glyph(power, area, name=slot, visible=index < len(parts))
    fig.quad(
        left="left", right="right", bottom=0, top=1, source=gaps, y_range_name="lane", name="gap",
        fill_color=None, line_color=None, hatch_pattern="/", hatch_color=SOFT,
        hatch_alpha=0.7, hatch_scale=7, hatch_weight=1,
    )  # fmt: skip
    fig.quad(
        left="left", right="right", bottom=_BAR[0], top=_BAR[1], source=bars, y_range_name="lane",
        name="bar", fill_color=INK, line_color=INK, line_width=1,
    )  # fmt: skip
    # Three pixels of bar are hard to hit: a cell's name and energy show anywhere above or below it.
    reach = fig.quad(
        left="left", right="right", bottom=LANE, top=HEADROOM, source=bars, y_range_name="lane",
        name="reach", fill_alpha=0, line_alpha=0,
    )  # fmt: skip
    fig.text(
        x="x", y=_NAMES, text="name", source=names, y_range_name="lane", name="name",
        text_align="center", text_baseline="top", text_font_size="10px", text_color=SOFT,
    )  # fmt: skip
    fig.add_tools(
        HoverTool(
            name="hover",
            renderers=[reach],
            tooltips=_TOOLTIP,
            point_policy="follow_mouse",
        )
    )
    return fig


def emissions_figure(history: Mapping[str, Any] | None = None) -> figure:
    """CO2e since the session began: here, and dashed what it would have been in another zone."""
    from bokeh.models import ColumnDataSource

    here_g = history["emissions_g"] if history else []
    there_g = (history["what_if_g"] if history else None) or [float("nan")] * len(here_g)
    most_g = max([0.0, *here_g, *(each for each in there_g if each == each)])
    top_g, most = round_up(most_g, "g") if history else (1.0, "")
    fig = _figure("nbcarbon emissions", _times(history), lane=0.0, top=top_g, most=most)
    columns = {"t": _times(history), "here": here_g, "there": there_g}
    source = ColumnDataSource(columns, name="emissions")
    fig.line("t", "there", source=source, name="there", color=SOFT, line_width=2, line_dash=[5, 3])
    fig.line("t", "here", source=source, name="here", color=INK, line_width=2)
    return fig


def documents() -> dict[str, Any]:
    """Both, empty, in the form that `Bokeh.embed.embed_item` takes."""
    import logging

    from bokeh.embed import json_item

    # The sources are empty on purpose, and nobody reads this process's log.
    logging.getLogger("bokeh").setLevel(logging.ERROR)
    return {
        "power": json_item(power_figure()),
        "emissions": json_item(emissions_figure()),
    }


def _figure(
    name: str, times_ms: Sequence[float], *, lane: float, top: float = 1.0, most: str = ""
) -> figure:
    """What both have in common. `top` is the highest tick, `most` how it is written."""
    from bokeh.models import (
        DatetimeTicker,
        DatetimeTickFormatter,
        FixedTicker,
        PanTool,
        Range1d,
        WheelZoomTool,
    )
    from bokeh.models.annotations import Label, Span
    from bokeh.plotting import figure

    # Zooming out goes on to the left where the end of the session is reached on the right.
    wheel = WheelZoomTool(dimensions="width", maintain_focus=False)
    pan = PanTool(dimensions="width")
    start_ms, end_ms = (times_ms[0], times_ms[-1]) if times_ms else (0.0, 1.0)
    fig = figure(
        name=name,
        height=HEIGHT_PX,
        sizing_mode="stretch_width",
        min_width=0,
        min_border=1,  # BokehJS leaves the outermost half pixel uncleared
        x_range=Range1d(start=start_ms, end=end_ms, name="x"),
        y_range=Range1d(start=lane * top, end=HEADROOM * top, name="y"),
        x_axis_type="datetime",
        tools=[wheel, pan],
        toolbar_location=None,
        outline_line_color=None,
        background_fill_color=None,
        border_fill_color=None,
        lod_threshold=None,
    )
    fig.toolbar.logo = None
    fig.toolbar.active_scroll = wheel
    fig.toolbar.active_drag = pan
    fig.extra_y_ranges = {"lane": Range1d(start=lane, end=HEADROOM)}
    fig.grid.visible = False
    fig.yaxis.visible = False
    axis = fig.xaxis[0]
    axis.name = "time"
    axis.ticker = DatetimeTicker(desired_num_ticks=4) if times_ms else FixedTicker(ticks=[])
    axis.formatter = DatetimeTickFormatter(
        seconds="%H:%M:%S", minsec="%H:%M:%S", minutes="%H:%M", hourmin="%H:%M", hours="%H:%M"
    )
    axis.axis_line_color = axis.minor_tick_line_color = axis.major_tick_line_color = None
    axis.major_label_text_color, axis.major_label_text_font_size = SOFT, "10px"
    axis.major_tick_out = axis.minor_tick_out = axis.major_tick_in = 0
    axis.major_label_standoff = 2
    for where, at in (("base", 0), ("half", 0.5), ("top", 1)):
        line = Span(name=where, location=at, dimension="width", y_range_name="lane")
        line.line_color, line.level = LINE, "glyph" if where == "base" else "underlay"
        fig.add_layout(line)
    label = Label(name="most", x=0, y=1, x_units="screen", y_range_name="lane", text=most)
    label.text_color, label.text_font_size, label.text_baseline = SOFT, "10px", "bottom"
    fig.add_layout(label)
    return fig


def round_up(most: float, unit: str) -> tuple[float, str]:
    """The round number at or above a value, and how an axis writes it. Of nothing: 1."""
    if not most > 0:
        return 1.0, f"1 {unit}"
    whole = 10.0 ** floor(log10(most))
    top = next(step * whole for step in _STEPS if step * whole >= most * (1 - 1e-9))
    factor, prefix = next((each for each in _PREFIXES if top >= each[0] * 0.999), _PREFIXES[-1])
    return top, f"{top / factor:.3g} {prefix}{unit}"


def _times(history: Mapping[str, Any] | None) -> Sequence[float]:
    return history["t_ms"] if history else ()


def _watts(parts: Sequence[Mapping[str, Any]]) -> list[list[float]]:
    """Nothing instead of null: an area has no gaps, it would join what is left and right of one."""
    return [[each or 0.0 for each in part["power_w"]] for part in parts]


def _power_columns(
    history: Mapping[str, Any] | None, slots: Sequence[str]
) -> dict[str, Sequence[float]]:
    times_ms = _times(history)
    columns: dict[str, Sequence[float]] = {"t": times_ms}
    watts = _watts(history["parts"]) if history else []
    for index, slot in enumerate(slots):
        columns[slot] = [0.0, *watts[index]] if index < len(watts) else [0.0] * len(times_ms)
    return columns


def _gaps(history: Mapping[str, Any] | None) -> dict[str, list[float]]:
    """Where any device was not observed, joined where they touch."""
    left: list[float] = []
    right: list[float] = []
    parts = history["parts"] if history else ()
    for index, (start_ms, end_ms) in enumerate(pairwise(_times(history))):
        if all(part["power_w"][index] is not None for part in parts):
            continue
        if right and right[-1] == start_ms:
            right[-1] = end_ms
        else:
            left.append(start_ms)
            right.append(end_ms)
    return {"left": left, "right": right}


def _bars(cells: Iterable[Mapping[str, Any]]) -> dict[str, list[Any]]:
    cells = list(cells)
    return {
        "left": [each["start_ms"] for each in cells],
        "right": [each["end_ms"] for each in cells],
        "name": [each["name"] for each in cells],
        "energy": [each["text"]["energy"] for each in cells],
    }


def colours(kinds: Sequence[str]) -> list[str]:
    """A colour for each device: its kind's, in as many shades as there are of a kind."""
    known = [kind if kind in COLOURS else "other" for kind in kinds]
    return [
        _lighter(COLOURS[kind], _shade(known[:index].count(kind), known.count(kind)))
        for index, kind in enumerate(known)
    ]


def _shade(nth: int, count: int) -> float:
    """All differ, neighbours most: those in even places are the darker half."""
    place = nth // 2 if nth % 2 == 0 else nth // 2 + (count + 1) // 2
    return LIGHTEST * place / (count - 1) if count > 1 else 0.0


def _lighter(colour: str, fraction: float) -> str:
    channels = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return "#" + "".join(f"{round(each + (255 - each) * fraction):02x}" for each in channels)
