"""The report's tables: cells with all parts, what was noted of cells, the life cycle, devices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from nbcarbon.core import humanize, tasks
from nbcarbon.core.humanize import GRAMS, NOT_MEASURED
from nbcarbon.core.summary import notable_cells
from nbcarbon.export import lifecycle as life
from nbcarbon.export import rows, shown
from nbcarbon.export.report.page import element, text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

_HOW: Final = {"measured": "●", "modelled": "○", "reported": "◇"}
_MIXED: Final = "◐"
_PARTS: Final = {
    "front end": "front_end",
    "background": "background",
    "between cells": "between_cells",
}


def cells(summary: Mapping[str, Any]) -> Iterator[str]:
    """Every cell, the parts beside them, and the total that they add up to."""
    found = notable_cells(summary["cells"], rows.MOST_ROWS)
    lines = [_cell(each) for each in found]
    for name, key in _PARTS.items():
        if summary[key]["high_j"]:
            part = shown.priced(summary[key], summary)
            numbers = _number(shown.energy(part)), _number(shown.emissions(part, GRAMS))
            lines.append(_row(name, "", *numbers, ""))
    totals = shown.totals(summary)
    lines.append(
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
    yield _table(("cell", "duration", "energy", "CO₂e", "how it is known"), lines)
    left_out = len(summary["cells"]) - len(found)
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
        marked(each) if each.endswith(tuple(_HOW)) else each.replace(" ", humanize.SPACE)
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


def notes(summary: Mapping[str, Any]) -> Iterator[str]:
    """What cells achieved for their energy, and what belongs together, where somebody said so."""
    found = (
        ("Scores", rows.SCORES, rows.scores(summary), (1, 2, 3)),
        ("Queries", rows.QUERIES, rows.queries(summary), (2, 3, 4)),
        ("Tags", rows.TAGS, rows.tags(summary), (1, 2, 3, 4)),
    )
    for heading, titles, lines, numbers in found:
        if lines:
            yield text("h2", heading)
            yield _table(titles, [_words(each.words, numbers) for each in lines], numbers)
        if any(not each.ours for each in lines):
            yield text("p", f"Published: {tasks.SOURCE}.", class_="soft")


def lifecycle(summary: Mapping[str, Any]) -> Iterator[str]:
    """What emissions were made of. What was assumed stands among the inputs."""
    titles, lines = life.table(summary)
    if lines:
        numbers = range(1, len(titles))
        total = len(lines) - 1
        yield text("h2", "Life cycle")
        yield _table(
            titles,
            [
                _words(each, numbers, class_="total" if place == total else "")
                for place, each in enumerate(lines)
            ],
            numbers,
        )


def devices(summary: Mapping[str, Any]) -> Iterator[str]:
    """Where each figure comes from."""
    if not summary["devices"]:
        return
    duration_s = shown.totals(summary)["duration_s"]
    lines = []
    for each in summary["devices"]:
        energy_j = each.get("energy_j")
        power = humanize.power(energy_j / duration_s) if energy_j and duration_s else ""
        limits = [] if each.get("counted", True) else ["within another row"]
        if each["error_fraction"] is not None:
            limits.append(f"± {humanize.percent(each['error_fraction'])}")
        lines.append(
            element(
                "tr",
                text("th", each["name"], scope="row"),
                text(
                    "td",
                    NOT_MEASURED if energy_j is None else humanize.energy(energy_j),
                    class_="number",
                ),
                text("td", power, class_="number"),
                text("td", marked(each["provenance"])),
                text("td", ", ".join(filter(None, [each["method"], *limits]))),
            )
        )
    yield text("h2", "Devices")
    yield _table(("device", "energy", "mean power", "how it is known", "by"), lines, numbers=(1, 2))


def marked(known: str) -> str:
    """How a figure is known, by shape and in words."""
    return f"{_HOW.get(known, _MIXED)}{humanize.SPACE}{known.replace(' ', humanize.SPACE)}"


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


def _words(words: Sequence[str], numbers: Sequence[int], class_: str = "") -> str:
    """A row of words, the first its heading."""
    name, *others = words
    cells = (
        element("td", _figure(each), class_="number") if place in numbers else text("td", each)
        for place, each in enumerate(others, 1)
    )
    return element("tr", text("th", name, scope="row"), *cells, class_=class_)


def _figure(words: str) -> str:
    """A figure in words, with the range that stands in its brackets below it."""
    value, bracket, ends = words.removesuffix(")").partition(" (")
    return text("span", value) + (text("small", ends) if bracket else "")


def _number(estimate: humanize.Estimate) -> str:
    """A figure, and its range below it."""
    aside = text("small", estimate.interval) if estimate.interval else ""
    return text("span", estimate.headline) + aside


def _table(titles: Sequence[str], lines: Iterable[str], numbers: Sequence[int] = (1, 2, 3)) -> str:
    head = (
        text("th", each, scope="col", class_="number" if place in numbers else "")
        for place, each in enumerate(titles)
    )
    table = element("table", element("thead", element("tr", *head)), element("tbody", *lines))
    return element("div", table, class_="wide")
