"""The report: one HTML file to read, print and hand in. It holds all it shows, and asks nobody for anything.

The same order as the panel: energy, emissions, how they are known and where, charts, cells; then every input,
so that somebody else can recompute it. The summary it was made of is in it, and comes back with `load`.
"""

from __future__ import annotations

import json
import os
import re
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from nbcarbon import chart_process
from nbcarbon.core import humanize
from nbcarbon.core.humanize import GRAMS, NOT_MEASURED
from nbcarbon.core.summary import notable_cells
from nbcarbon.errors import ExportError
from nbcarbon.export import json_summary, shown
from nbcarbon.export.report.drawn import DARK, drawn, stacked
from nbcarbon.export.report.inputs import inputs
from nbcarbon.export.report.page import SUMMARY_ID, element, page, text
from nbcarbon.export.report.story import story, title

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

NAME: Final = "Report (HTML)"
AS: Final = "html"
ENDINGS: Final = (".html", ".htm")
WANTS: Final = ("elsewhere",)

MOST_ROWS: Final = 500
"""Of more cells the newest half as many are shown, and as many of the rest that used most."""
MOST_KEPT: Final = 5000
"""A page of more cells than this does not hold its summary: it would be too long to open."""

_HOW: Final = {"measured": "●", "modelled": "○", "reported": "◇"}
_MIXED: Final = "◐"
_PARTS: Final = {
    "front end": "front_end",
    "background": "background",
    "between cells": "between_cells",
}


def render(summary: Mapping[str, Any]) -> bytes:
    """A summary as a page of HTML. Raises ExportError where Bokeh is missing or fails."""
    wanted = drawn(summary)
    charts, script = _draw(wanted) if wanted else ({}, "")
    name = title(summary)
    body = [
        *_head(summary, name),
        *_charts(summary, charts),
        *_cells(summary),
        *_devices(summary),
        *_methods(summary),
        *_notices(summary),
        _footer(summary),
    ]
    kept = None
    if len(summary["cells"]) <= MOST_KEPT:
        kept = {**summary, "cells": list(summary["cells"])}
    return page(
        title=name, body=body, rules=_colours(summary), charts=charts, script=script, summary=kept
    )


def load(data: bytes) -> dict[str, Any]:
    """The summary a report was made of. Raises ExportError where it is none, or too long to hold one."""
    pattern = rf'<script type="application/json" id="{SUMMARY_ID}">(.*?)</script>'
    found = re.search(pattern.encode(), data, re.DOTALL)
    if found is None:
        raise ExportError(
            "This page holds no summary.",
            hint=f"Reports of nbcarbon do, up to {MOST_KEPT} cells. JSON holds any number.",
        )
    return json_summary.load(found[1])


def _draw(wanted: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
    """The charts' documents and BokehJS."""
    given = json.dumps(wanted).encode("ascii")
    out, wrong = chart_process.run("_report_charts.py", environ=os.environ, given=given)
    if wrong:
        missing = "No module named 'bokeh'" in wrong
        raise ExportError(
            f"The report's charts cannot be drawn ({wrong}).",
            hint="Run: pip install 'bokeh>=3.4'" if missing else "The JSON export needs no charts.",
        )
    made = json.loads(out)
    return made["charts"], made["script"]


def _head(summary: Mapping[str, Any], name: str) -> Iterator[str]:
    session, totals = summary["session"], summary["totals"]
    began = datetime.fromisoformat(session["started_at"])
    when = [
        f"{began:%Y-%m-%d %H:%M} UTC" if not began.utcoffset() else f"{began:%Y-%m-%d %H:%M %z}"
    ]
    host = [session["host"]] if session["host"] else []
    running = [] if session["ended_at"] else ["still running"]
    yield text("h1", name)
    yield text("p", " · ".join([*when, *host, *running]), class_="soft")
    yield text("p", " ".join(story(summary)), class_="lead")
    yield element(
        "div",
        _figure(shown.energy(totals), "energy"),
        _figure(shown.emissions(totals), "emissions"),
        _figure_text(humanize.duration(totals["duration_s"]), "duration"),
        class_="figures",
    )
    pills = [_known_pill(summary), shown.place(summary), shown.charged(summary)]
    pills += shown.calibrated(summary.get("calibration"))
    yield element("ul", *(text("li", each) for each in pills), class_="pills")


def _figure(estimate: humanize.Estimate, what: str) -> str:
    ends = f", {estimate.range}" if estimate.range else ""
    return _figure_text(estimate.headline, f"{what}{ends}")


def _figure_text(value: str, what: str) -> str:
    return element("div", text("b", value), text("span", what))


def _known_pill(summary: Mapping[str, Any]) -> str:
    measured = shown.measured_fraction(summary)
    if measured is None:
        return NOT_MEASURED
    return _marked(humanize.known(measured_fraction=measured))


def _marked(known: str) -> str:
    """How a figure is known, by shape and in words."""
    return f"{_HOW.get(known, _MIXED)}{humanize.SPACE}{known.replace(' ', humanize.SPACE)}"


def _charts(summary: Mapping[str, Any], charts: Mapping[str, Any]) -> Iterator[str]:
    if charts:
        yield element(
            "noscript",
            text(
                "p", "The charts need JavaScript. Their numbers are in the tables.", class_="soft"
            ),
        )
    said = {
        "power": (
            "Power over time",
            "Mean power of each device, stacked; bars below are cells, hatched is what nobody observed.",
        ),
        "cells": ("Energy per cell", "The cells that used most, with the ends of their ranges."),
        "devices": ("Energy by device", "What each device used in all of the session."),
        "elsewhere": ("The same work elsewhere", _elsewhere_note(summary)),
    }
    for name, (heading, note) in said.items():
        if name not in charts:
            continue
        key = _key(summary) if name == "power" else ""
        yield text("h2", heading)
        yield element(
            "figure",
            element(
                "div",
                element("div", id=f"light-{name}", class_="light"),
                element("div", id=f"dark-{name}", class_="dark"),
                class_="chart" if name == "power" else "chart bars",
                role="img",
                aria_label=f"{heading}. {note}",
            ),
            key,
            text("figcaption", note),
        )


def _key(summary: Mapping[str, Any]) -> str:
    names = (
        text("li", name, class_=f"k{place}") for place, (name, _) in enumerate(stacked(summary))
    )
    return element("ul", *names, class_="key")


def _colours(summary: Mapping[str, Any]) -> str:
    """Style rules: an inline style is what the page's policy forbids."""
    light = [fill for _, fill in stacked(summary)]
    dark = [DARK.get(fill, fill) for fill in light]
    return (
        f"{_rules(light)}\n@media screen and (prefers-color-scheme: dark) {{\n{_rules(dark)}\n}}\n"
    )


def _rules(fills: Sequence[str]) -> str:
    return "\n".join(
        f".k{place}::before {{ background: {fill}; }}" for place, fill in enumerate(fills)
    )


def _elsewhere_note(summary: Mapping[str, Any]) -> str:
    years = sorted({each["year"] for each in summary.get("elsewhere") or ()})
    note = (
        "Emissions of the same energy by other zones’ yearly averages"
        f" ({years[0]}{f' to {years[-1]}' if len(years) > 1 else ''}, lifecycle, consumption)."
        if years
        else ""
    )
    if summary["zone"]["id"] or not years:
        return note
    return (
        f"{note} The world’s average is counted where electricity is made, so it compares roughly."
    )


def _cells(summary: Mapping[str, Any]) -> Iterator[str]:
    cells = notable_cells(summary["cells"], MOST_ROWS)
    rows = [_cell(each) for each in cells]
    for name, key in _PARTS.items():
        if summary[key]["high_j"]:
            part = shown.priced(summary[key], summary)
            numbers = _number(shown.energy(part)), _number(shown.emissions(part, GRAMS))
            rows.append(_row(name, "", *numbers, ""))
    totals = summary["totals"]
    rows.append(
        _row(
            "total",
            humanize.duration(totals["duration_s"]),
            _number(shown.energy(totals)),
            _number(shown.emissions(totals, GRAMS)),
            "",
            class_="total",
        )
    )
    yield text("h2", "Cells")
    yield _table(("cell", "duration", "energy", "CO₂e", "how it is known"), rows)
    left_out = len(summary["cells"]) - len(cells)
    if left_out:
        more = (
            f"{humanize.count(left_out)} smaller and older cells are not shown. JSON has them all."
        )
        yield text("p", more, class_="soft")
    if summary["others"]["high_j"]:
        others = shown.with_range(shown.energy(summary["others"]))
        yield text(
            "p", f"Not in the total: what others used on this machine, {others}.", class_="soft"
        )


def _cell(cell: Mapping[str, Any]) -> str:
    within = cell["parent_index"] is not None
    known = [
        _marked(each) if each.endswith(tuple(_HOW)) else each.replace(" ", humanize.SPACE)
        for each in shown.how(cell)
    ]
    return _row(
        ("↳ " if within else "") + cell["name"],
        humanize.duration(cell["duration_s"]),
        _number(shown.energy(cell)),
        _number(shown.emissions(cell, GRAMS)),
        ", ".join(known),
        class_="within" if within else "",
    )


def _row(name: str, duration: str, energy: str, emissions: str, how: str, class_: str = "") -> str:
    return element(
        "tr",
        text("th", name, scope="row"),
        text("td", duration, class_="number"),
        element("td", energy, class_="number"),
        element("td", emissions, class_="number"),
        text("td", how),
        class_=class_,
    )


def _number(estimate: humanize.Estimate) -> str:
    """A figure, and its range below it."""
    aside = text("small", estimate.interval) if estimate.interval else ""
    return text("span", estimate.headline) + aside


def _devices(summary: Mapping[str, Any]) -> Iterator[str]:
    """Where each figure comes from."""
    if not summary["devices"]:
        return
    duration_s = summary["totals"]["duration_s"]
    rows = []
    for each in summary["devices"]:
        energy_j = each.get("energy_j")
        power = humanize.power(energy_j / duration_s) if energy_j and duration_s else ""
        limits = [] if each.get("counted", True) else ["within another row"]
        if each["error_fraction"] is not None:
            limits.append(f"± {humanize.percent(each['error_fraction'])}")
        rows.append(
            element(
                "tr",
                text("th", each["name"], scope="row"),
                text(
                    "td",
                    NOT_MEASURED if energy_j is None else humanize.energy(energy_j),
                    class_="number",
                ),
                text("td", power, class_="number"),
                text("td", _marked(each["provenance"])),
                text("td", ", ".join(filter(None, [each["method"], *limits]))),
            )
        )
    yield text("h2", "Devices")
    yield _table(("device", "energy", "mean power", "how it is known", "by"), rows, numbers=(1, 2))


def _methods(summary: Mapping[str, Any]) -> Iterator[str]:
    yield text("h2", "How this was worked out")
    yield text(
        "p",
        "Everything below went into the figures above; with it somebody else can recompute them.",
        class_="soft",
    )
    yield element("dl", *(text("dt", name) + text("dd", said) for name, said in inputs(summary)))


def _notices(summary: Mapping[str, Any]) -> Iterator[str]:
    if summary["notices"]:
        yield text("h2", "What was noticed")
        yield element("ul", *(text("li", each) for each in summary["notices"]))


def _footer(summary: Mapping[str, Any]) -> str:
    session = summary["session"]
    ended = session["ended_at"] or "still running"
    return text(
        "footer",
        f"{session['started_at']} to {ended} · session {session['id']} · made by nbcarbon {session['nbcarbon']}",
    )


def _table(titles: Sequence[str], rows: Iterable[str], numbers: Sequence[int] = (1, 2, 3)) -> str:
    head = (
        text("th", each, scope="col", class_="number" if place in numbers else "")
        for place, each in enumerate(titles)
    )
    table = element("table", element("thead", element("tr", *head)), element("tbody", *rows))
    return element("div", table, class_="wide")
