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
from nbcarbon.core.humanize import NOT_MEASURED
from nbcarbon.errors import ExportError
from nbcarbon.export import json_summary, shown
from nbcarbon.export.report import tables
from nbcarbon.export.report.drawn import DARK, drawn, stacked
from nbcarbon.export.report.inputs import inputs
from nbcarbon.export.report.page import SUMMARY_ID, element, page, text
from nbcarbon.export.report.story import story, title

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

NAME: Final = "Report (HTML)"
AS: Final = "html"
ENDINGS: Final = (".html", ".htm")
WANTS: Final = ("elsewhere", "advice")

MOST_KEPT: Final = 5000
"""A page of more cells than this does not hold its summary: it would be too long to open."""


def render(summary: Mapping[str, Any]) -> bytes:
    """A summary as a page of HTML. Raises ExportError where Bokeh is missing or fails."""
    wanted = drawn(summary)
    charts, script = _draw(wanted) if wanted else ({}, "")
    name = title(summary)
    body = [
        *_head(summary, name),
        *_charts(summary, charts),
        *_advice(summary),
        *tables.cells(summary),
        *tables.notes(summary),
        *tables.lifecycle(summary),
        *tables.devices(summary),
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
    session, totals = summary["session"], shown.totals(summary)
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
    return tables.marked(humanize.known(measured_fraction=measured))


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
        "tags": (
            "Energy by tag",
            "The parts of cells that belong together in the energy of all cells.",
        ),
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
    """By which figures zones are compared."""
    years = sorted({each["year"] for each in summary.get("elsewhere") or () if each["comparable"]})
    if not years:
        return ""
    found = summary["intensity"]
    span = f"{years[0]} to {years[-1]}" if len(years) > 1 else f"{years[0]}"
    return (
        "What the same energy would have emitted in other zones, by yearly averages of one kind "
        f"({found['scope']}, {found['accounting']}, {span})."
    )


def _advice(summary: Mapping[str, Any]) -> Iterator[str]:
    """The largest savings this session shows, each with its figure and how it was found."""
    found, whole_g = summary.get("advice") or (), shown.totals(summary)["emissions_g"]
    if not found or not whole_g:
        return
    yield text("h2", "What would have saved most")
    items = []
    for each in found:
        part = humanize.percent(each["emissions_g"] / whole_g)
        less = f"Up to {humanize.mass(each['emissions_g'])} less, {part}: {each['how']}."
        items.append(element("li", text("span", each["text"]), " ", text("small", less)))
    yield element("ol", *items)


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
