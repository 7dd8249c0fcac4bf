"""The summary as Markdown: two sentences that can be read aloud, then the tables behind them."""

from __future__ import annotations

from math import nan
from typing import TYPE_CHECKING, Any, Final

from nbcarbon.core import humanize
from nbcarbon.core.escape import markdown as escaped
from nbcarbon.core.humanize import CO2E
from nbcarbon.core.summary import notable_cells

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

NAME: Final = "Markdown"
AS: Final = "markdown"
ENDINGS: Final = (".md", ".markdown")

MOST_ROWS: Final = 500
"""Of more cells the newest half as many are shown, and as many of the rest that used most."""

_LEFT, _RIGHT = ":--", "--:"


def render(summary: Mapping[str, Any]) -> bytes:
    """A summary as UTF-8 Markdown with GitHub's tables."""
    blocks = [
        "# Energy and CO₂e of a notebook session",
        _sentence(summary),
        _origin(summary),
        *_section("Cells", _cells(summary)),
        *_section("Parts", _parts(summary)),
        *_section("Devices", _devices(summary)),
        *_section("Notices", [f"- {escaped(each)}" for each in summary["notices"]]),
        _footer(summary),
    ]
    return ("\n\n".join(blocks) + "\n").encode("utf-8")


def _section(title: str, lines: Sequence[str]) -> list[str]:
    return [f"## {title}", "\n".join(lines)] if lines else []


def _sentence(summary: Mapping[str, Any]) -> str:
    totals = summary["totals"]
    return (
        f"This session used **{_energy(totals)}** in {humanize.duration(totals['duration_s'])}, "
        f"which stands for **{_emissions(totals)}**. "
        "The figures in brackets are the ends of a 95 % interval."
    )


def _origin(summary: Mapping[str, Any]) -> str:
    zone, intensity, settings = summary["zone"], summary["intensity"], summary["settings"]
    charged = "whole machine" if settings["attribution"] == "machine" else "this notebook's share"
    parts = [
        humanize.place(
            escaped(zone["name"]) if zone["id"] else None,
            intensity["g_per_kwh"],
            year=intensity["year"],
            scope=intensity["scope"],
            basis=intensity["basis"],
            fallback=intensity["fallback"],
        ),
        f"{intensity['accounting']}, {escaped(intensity['source'])}",
        charged,
        *_calibrated(summary.get("calibration")),
        f"PUE {humanize.number(settings['pue'])}",
    ]
    return " · ".join(parts)


def _calibrated(calibration: Mapping[str, Any] | None) -> list[str]:
    """What the joules were calibrated against; a summary of an earlier version does not say."""
    if calibration is None:
        return []
    fraction = calibration["calibrated_fraction"]
    part = "" if fraction >= 0.9999 else f"{humanize.percent(fraction)} "
    return [f"{part}calibrated against a wall meter on {escaped(calibration['date'])}"]


def _cells(summary: Mapping[str, Any]) -> list[str]:
    cells = notable_cells(summary["cells"], MOST_ROWS)
    rows = [
        [
            ("↳ " if cell["parent_index"] is not None else "") + escaped(cell["name"]),
            humanize.duration(cell["duration_s"]),
            _energy(cell),
            _emissions(cell),
            escaped(", ".join(_how(cell))),
        ]
        for cell in cells
    ]
    columns = {"cell": _LEFT, "duration": _RIGHT, "energy": _RIGHT, "CO₂e": _RIGHT, "how": _LEFT}
    left_out = len(summary["cells"]) - len(cells)
    more = (
        f"{humanize.count(left_out)} smaller and older cells are not shown. The JSON has them all."
    )
    return [*_table(columns, rows), *(["", more] if left_out else [])]


def _how(cell: Mapping[str, Any]) -> list[str]:
    outcome = [] if cell["outcome"] == "ok" else [cell["outcome"].replace("_", " ")]
    known = humanize.known(measured_fraction=cell["measured_fraction"])
    return [*outcome, *([known] if cell["coverage_fraction"] > 0 else []), *cell["flags"]]


def _parts(summary: Mapping[str, Any]) -> list[str]:
    parts = {
        "front end": "front_end",
        "background": "background",
        "between cells": "between_cells",
        "others (not in the total)": "others",
    }
    rows = [[name, _energy(summary[key])] for name, key in parts.items() if summary[key]["high_j"]]
    return _table({"part": _LEFT, "energy": _RIGHT}, rows)


def _devices(summary: Mapping[str, Any]) -> list[str]:
    rows = [
        [
            escaped(device["name"]),
            escaped(device["kind"]),
            escaped(", ".join(filter(None, (device["provenance"], device["method"])))),
        ]
        for device in summary["devices"]
    ]
    return _table(dict.fromkeys(("device", "kind", "how"), _LEFT), rows)


def _footer(summary: Mapping[str, Any]) -> str:
    session = summary["session"]
    ended = f" to {session['ended_at']}" if session["ended_at"] else ", still running"
    where = [escaped(each) for each in (session["notebook"], session["host"]) if each]
    parts = [
        f"{session['started_at']}{ended}",
        *where,
        f"Python {escaped(session['python'])}",
        f"nbcarbon {escaped(session['nbcarbon'])}",
        f"session {escaped(session['id'])}",
    ]
    return " · ".join(parts)


def _table(columns: Mapping[str, str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Lines of a table, none where it would have no rows. Cells are escaped already."""
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return (
        [f"| {' | '.join(columns)} |", f"| {' | '.join(columns.values())} |", *lines]
        if lines
        else []
    )


def _energy(part: Mapping[str, Any]) -> str:
    return _shown(
        humanize.energy_estimate(*_values(part, "energy_j", "low_j", "high_j"), **_quality(part))
    )


def _emissions(part: Mapping[str, Any]) -> str:
    values = _values(part, "emissions_g", "low_g", "high_g")
    return _shown(humanize.estimate(*values, scale=CO2E, **_quality(part)))


def _values(part: Mapping[str, Any], *keys: str) -> list[float]:
    """Numbers of a summary, which says None where it has none."""
    return [nan if part[key] is None else part[key] for key in keys]


def _quality(part: Mapping[str, Any]) -> dict[str, Any]:
    """How far a cell's figure goes; totals and parts are taken as they are."""
    devices = part.get("devices", ())
    return {
        "coverage_fraction": part.get("coverage_fraction", 1.0),
        "below_resolution": any(each["below_resolution"] and each["counted"] for each in devices),
    }


def _shown(estimate: humanize.Estimate) -> str:
    """The value and always its range: a page has room for both."""
    return f"{estimate.headline} ({estimate.interval})" if estimate.interval else estimate.headline
