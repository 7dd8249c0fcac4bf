"""The summary as Markdown: two sentences that can be read aloud, then the tables behind them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from nbcarbon.core import humanize, tasks
from nbcarbon.core.escape import markdown as escaped
from nbcarbon.core.summary import notable_cells
from nbcarbon.export import lifecycle, rows, shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

NAME: Final = "Markdown"
AS: Final = "markdown"
ENDINGS: Final = (".md", ".markdown")

_LEFT, _RIGHT = ":--", "--:"


def render(summary: Mapping[str, Any]) -> bytes:
    """A summary as UTF-8 Markdown with GitHub's tables."""
    blocks = [
        "# Energy and CO₂e of a notebook session",
        _sentence(summary),
        _origin(summary),
        *_section("Cells", _cells(summary)),
        *_section("Scores", _scores(summary)),
        *_section("Queries", _queries(summary)),
        *_section("Tags", _tags(summary)),
        *_section("Parts", _parts(summary)),
        *_section("Life cycle", _lifecycle(summary)),
        *_section("Devices", _devices(summary)),
        *_section("Notices", [f"- {escaped(each)}" for each in summary["notices"]]),
        _footer(summary),
    ]
    return ("\n\n".join(blocks) + "\n").encode("utf-8")


def _section(title: str, lines: Sequence[str]) -> list[str]:
    return [f"## {title}", "\n".join(lines)] if lines else []


def _sentence(summary: Mapping[str, Any]) -> str:
    totals = shown.totals(summary)
    return (
        f"This session used **{_energy(totals)}** in {humanize.duration(totals['duration_s'])}, "
        f"which stands for **{_emissions(totals)}**. "
        "The figures in brackets are the ends of a 95 % interval."
    )


def _origin(summary: Mapping[str, Any]) -> str:
    intensity = summary["intensity"]
    parts = [
        shown.place(summary, escaped),
        f"{intensity['accounting']}, {escaped(intensity['source'])}",
        shown.charged(summary),
        *map(escaped, shown.calibrated(summary.get("calibration"))),
        f"PUE {humanize.number(summary['settings']['pue'])}",
    ]
    return " · ".join(parts)


def _cells(summary: Mapping[str, Any]) -> list[str]:
    cells = notable_cells(summary["cells"], rows.MOST_ROWS)
    lines = [
        [
            ("↳ " if cell["parent_index"] is not None else "") + escaped(cell["name"]),
            humanize.duration(cell["duration_s"]),
            _energy(cell),
            _emissions(cell),
            escaped(", ".join(shown.how(cell))),
        ]
        for cell in cells
        if not cell.get("is_batch")
    ]
    columns = {"cell": _LEFT, "duration": _RIGHT, "energy": _RIGHT, "CO₂e": _RIGHT, "how": _LEFT}
    left_out = len(summary["cells"]) - len(cells)
    more = (
        f"{humanize.count(left_out)} smaller and older cells are not shown. The JSON has them all."
    )
    return [*_table(columns, lines), *(["", more] if left_out else [])]


def _scores(summary: Mapping[str, Any]) -> list[str]:
    return _rows(rows.SCORES, (_LEFT, _RIGHT, _RIGHT, _RIGHT), rows.scores(summary, escaped))


def _queries(summary: Mapping[str, Any]) -> list[str]:
    """Cells per 1,000 queries or tokens, in bold, and the published tasks among them."""
    found = rows.queries(summary, escaped)
    among = any(not each.ours for each in found)
    table = _rows(rows.QUERIES, (_LEFT, _LEFT, _RIGHT, _RIGHT, _RIGHT), found, bold=True)
    return [*table, *(["", f"Published: {escaped(tasks.SOURCE)}."] if among else [])]


def _tags(summary: Mapping[str, Any]) -> list[str]:
    return _rows(rows.TAGS, (_LEFT, _RIGHT, _RIGHT, _RIGHT, _RIGHT), rows.tags(summary, escaped))


def _rows(
    titles: Sequence[str], sides: Sequence[str], found: Iterable[rows.Row], *, bold: bool = False
) -> list[str]:
    """A table of rows; with `bold` our own names stand out."""
    lines = []
    for each in found:
        name, *others = each.words
        lines.append([f"**{name}**" if bold and each.ours else name, *others])
    return _table(dict(zip(titles, sides, strict=True)), lines)


def _parts(summary: Mapping[str, Any]) -> list[str]:
    parts = {
        "front end": "front_end",
        "background": "background",
        "between cells": "between_cells",
        "others (not in the total)": "others",
    }
    lines = [[name, _energy(summary[key])] for name, key in parts.items() if summary[key]["high_j"]]
    return _table({"part": _LEFT, "energy": _RIGHT}, lines)


def _lifecycle(summary: Mapping[str, Any]) -> list[str]:
    titles, lines = lifecycle.table(summary)
    # Names and figures are ours: nothing of theirs has to be escaped.
    table = _table(dict.fromkeys(titles, _RIGHT) | dict.fromkeys(titles[:1], _LEFT), lines)
    remarks = [f"- {escaped(each)}" for each in lifecycle.remarks(summary)]
    return [*table, "", *remarks] if table else []


def _devices(summary: Mapping[str, Any]) -> list[str]:
    lines = [
        [
            escaped(device["name"]),
            escaped(device["kind"]),
            escaped(", ".join(filter(None, (device["provenance"], device["method"])))),
        ]
        for device in summary["devices"]
    ]
    return _table(dict.fromkeys(("device", "kind", "how"), _LEFT), lines)


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


def _table(columns: Mapping[str, str], words: Iterable[Sequence[str]]) -> list[str]:
    """Lines of a table, none where it would have no rows. Cells are escaped already."""
    lines = [f"| {' | '.join(row)} |" for row in words]
    return (
        [f"| {' | '.join(columns)} |", f"| {' | '.join(columns.values())} |", *lines]
        if lines
        else []
    )


def _energy(part: Mapping[str, Any]) -> str:
    return shown.with_range(shown.energy(part))


def _emissions(part: Mapping[str, Any]) -> str:
    return shown.with_range(shown.emissions(part))
