"""Sums across sessions as lines for a terminal and as plain JSON values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from nbcarbon.core import humanize
from nbcarbon.core.escape import label
from nbcarbon.core.plain import finite

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nbcarbon.core.across import Row, Sum, Table

SCHEMA: Final = "nbcarbon.history"
SCHEMA_VERSION: Final = 1

LONGEST_KEY: Final = 40
_NOTICEABLE: Final = 0.005
"""A session that is counted for less of itself than this leaves out says so."""

_NONE: Final = {
    "notebook": "no notebook",
    "zone": "zone unknown",
    "tag": "untagged, and between cells",
}


def name_of(row: Row, by: str) -> str:
    """What a row is called where people read it."""
    name = label(row.key) or _NONE.get(by, "")
    return name if len(name) <= LONGEST_KEY else f"{name[: LONGEST_KEY - 1]}…"


def lines(table: Table, began: Mapping[str, str]) -> list[str]:
    """A line for each row, and the total. `began` says by session when it began."""
    rows = _in_order(table, began)
    if not rows:
        return []
    cells = [_cells(row, table.by, began) for row in rows]
    total = _cells(table.whole, "", {})
    total[1] = _sessions(table.whole) if len(rows) > 1 or table.by else ""
    columns = list(zip(*cells, total, strict=True))
    widths = [max(map(len, column)) for column in columns]
    right = {2, 3, 4}
    found = [
        "  ".join(
            text.rjust(width) if place in right else text.ljust(width)
            for place, (text, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in [*cells, total]
    ]
    *shown, last = found
    shared = _shared(table)
    return [*shown, last, *shared] if len(rows) > 1 else [*shown, *shared]


def _in_order(table: Table, began: Mapping[str, str]) -> list[Row]:
    """Sessions by their begin."""
    return sorted(table.rows(), key=lambda row: began.get(row.key, ""))


def _cells(row: Row, by: str, began: Mapping[str, str]) -> list[str]:
    count = f"{humanize.count(row.cell_count)} cell{' ' if row.cell_count == 1 else 's'}"
    whole = row.sum
    if by:
        middle = _sessions(row)
    else:
        whole, middle = row.own if began else row.sum, began.get(row.key, "")
    less = [] if by or not began or not _is_less(row) else [_counted(row)]
    return [
        name_of(row, by),
        middle,
        count,
        humanize.energy(whole.energy.energy_j),
        humanize.mass(whole.emissions.emissions_g),
        *(less or [""]),
    ]


def _sessions(row: Row) -> str:
    return f"{humanize.count(row.session_count)} session{'' if row.session_count == 1 else 's'}"


def _is_less(row: Row) -> bool:
    return row.sum.energy.energy_j < (1 - _NOTICEABLE) * row.own.energy.energy_j


def _counted(row: Row) -> str:
    return f"of it {humanize.energy(row.sum.energy.energy_j)} counted"


def _shared(table: Table) -> list[str]:
    if not _is_less(table.whole):
        return []
    return ["What several sessions measured at the same time is counted once."]


def as_json(
    table: Table, *, since: str | None, began: Mapping[str, str], unread: Sequence[tuple[str, str]]
) -> dict[str, Any]:
    """The rows and their total; ledgers that could not be read, with why."""
    return {
        "schema": SCHEMA,
        "schema_version": SCHEMA_VERSION,
        "by": table.by or "session",
        "since": since,
        "rows": [_row(row, began) for row in _in_order(table, began)],
        "total": _row(table.whole, {}),
        "unread": [{"session": name, "error": error} for name, error in unread],
    }


def _row(row: Row, began: Mapping[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {"key": row.key}
    if row.key in began:
        found["started_at"] = began[row.key]
    return {
        **found,
        "sessions": row.session_count,
        "cells": row.cell_count,
        **_sum(row.sum),
        "own": _sum(row.own),
    }


def _sum(found: Sum) -> dict[str, Any]:
    energy, emissions = found.energy, found.emissions
    return {
        "energy_j": finite(energy.energy_j),
        "low_j": finite(energy.low_j),
        "high_j": finite(energy.high_j),
        "emissions_g": finite(emissions.emissions_g),
        "low_g": finite(emissions.low_g),
        "high_g": finite(emissions.high_g),
    }
