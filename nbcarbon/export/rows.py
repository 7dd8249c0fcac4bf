"""Scores, queries and tags of a summary as titles and rows: what every format for people shows.

`escape` is for whatever somebody else named.

A summary of an earlier version has none of them, and neither has a session in which nobody said any.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from nbcarbon.core import humanize, tasks, wording
from nbcarbon.core.summary import notable_cells
from nbcarbon.export import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

MOST_ROWS: Final = 500
"""Of more cells the newest half as many are shown, and as many of the rest that used most."""

SCORES: Final = ("cell", "score", "energy", "CO₂e")
QUERIES: Final = ("cell or task", "of", "each", "per 1,000", "CO₂e per 1,000")
TAGS: Final = ("tag", "cells", "energy", "CO₂e", "of all cells")


class Row(NamedTuple):
    """The words of a row. One that is not `ours` is a published figure to compare with."""

    words: tuple[str, ...]
    ours: bool = True


def scores(summary: Mapping[str, Any], escape: Callable[[str], str] = str) -> list[Row]:
    """Cells that have a score, by rising energy of one run of their body."""
    cells = notable_cells(summary["cells"], MOST_ROWS)
    scored = [each for each in cells if each.get("score") is not None]
    scored.sort(key=lambda cell: (cell["energy_j"] or 0.0) / cell["run_count"])
    return [
        Row(
            (
                escape(cell["name"]),
                f"{wording.score(cell['score'], '')} {escape(cell['score_unit'] or '')}".rstrip(),
                _energy(divided(cell, cell["run_count"])),
                _emissions(divided(cell, cell["run_count"])),
            )
        )
        for cell in scored
    ]


def queries(summary: Mapping[str, Any], escape: Callable[[str], str] = str) -> list[Row]:
    """Cells per 1,000 queries or tokens, and the published tasks among them."""
    rows: list[tuple[float, Row]] = []
    cells = notable_cells(summary["cells"], MOST_ROWS)
    for cell in cells:
        for unit, plural in (("query", "queries"), ("token", "tokens")):
            each = cell.get(f"per_{unit}")
            if each is None:
                continue
            many = divided({**cell, **each}, 1 / tasks.QUERY_COUNT)
            words = (
                escape(cell["name"]),
                f"{humanize.count(each['count'])} {plural}",
                _energy({**cell, **each}),
                _energy(many),
                _emissions(many),
            )
            rows.append((many["energy_j"] or 0.0, Row(words)))
    if any(cell.get("per_query") for cell in cells):
        for task in tasks.TASKS:
            words = (task.name, "published", "", humanize.energy(task.energy_j), "")
            rows.append((task.energy_j, Row(words, ours=False)))
    return [row for _, row in sorted(rows, key=lambda each: each[0])]


def tags(summary: Mapping[str, Any], escape: Callable[[str], str] = str) -> list[Row]:
    """What the cells of each tag used."""
    return [
        Row(
            (
                escape(each["tag"] or "none"),
                humanize.count(each["cell_count"]),
                _energy(each),
                _emissions(each),
                "" if each["cells_fraction"] is None else humanize.percent(each["cells_fraction"]),
            )
        )
        for each in summary.get("tags", ())
    ]


def divided(part: Mapping[str, Any], count: float) -> dict[str, Any]:
    """A part of something that has energy and emissions."""
    keys = ("energy_j", "low_j", "high_j", "emissions_g", "low_g", "high_g")
    values = {key: None if part[key] is None else part[key] / count for key in keys}
    return {**part, **values}


def _energy(part: Mapping[str, Any]) -> str:
    return shown.with_range(shown.energy(part))


def _emissions(part: Mapping[str, Any]) -> str:
    return shown.with_range(shown.emissions(part))
