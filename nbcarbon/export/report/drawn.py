"""What the report's charts show, as plain values: a process of its own draws them."""

from __future__ import annotations

from datetime import datetime
from heapq import nlargest
from typing import TYPE_CHECKING, Any, Final

from nbcarbon.charts import COLOURS, colours
from nbcarbon.core import humanize
from nbcarbon.core.summary import notable_cells
from nbcarbon.core.units import S_PER_MS
from nbcarbon.export import shown

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MOST_CELLS: Final = 12
MOST_DEVICES: Final = 16
MOST_NAMED: Final = 500
"""Bars of cells below the power."""

HERE: Final = "#0072b2"
"""Okabe and Ito's, as the panel's."""
ELSEWHERE: Final = "#b6bec7"
TAGS: Final = (
    "#0072b2", "#e69f00", "#009e73", "#cc79a7", "#d55e00", "#56b4e9", "#f0e442", "#b6bec7",
)  # fmt: skip
_CHART_KINDS: Final = {"soc": "cpu", "dram": "memory"}

DARK: Final = {
    "#0072b2": "#56b4e9", "#e69f00": "#f0b93a", "#009e73": "#3fc79a", "#cc79a7": "#e2a3c7",
    "#1f2328": "#e6e9ec", "#59636e": "#a3adb8", "#d9dee3": "#2c333a", "#b6bec7": "#55606b",
}  # fmt: skip
"""Each colour of the charts, and the one it is on a dark page."""


def drawn(summary: Mapping[str, Any]) -> dict[str, Any]:
    """What there is to draw, by name: `power`, `cells`, `devices`, `tags`, `elsewhere`; nothing empty."""
    found = {
        "power": _power(summary),
        "cells": _cells(summary),
        "devices": _devices(summary),
        "tags": _tags(summary),
        "elsewhere": _elsewhere(summary),
    }
    return {name: what for name, what in found.items() if what}


def _power(summary: Mapping[str, Any]) -> dict[str, Any] | None:
    power = summary.get("power")
    if not power or not power["devices"]:
        return None
    devices = {each["id"]: each for each in summary["devices"]}
    parts = [
        {
            "name": devices[each["id"]]["name"],
            "kind": _CHART_KINDS.get(devices[each["id"]]["kind"], devices[each["id"]]["kind"]),
            "power_w": each["power_w"],
        }
        for each in power["devices"][:MOST_DEVICES]
        if each["id"] in devices
    ]
    times_ms = [each / S_PER_MS for each in power["t_s"]]
    return {"history": {"t_ms": times_ms, "parts": parts}, "cells": _bars(summary)}


def _bars(summary: Mapping[str, Any]) -> list[dict[str, Any]]:
    """When each cell ran, in milliseconds since the session began."""
    began = datetime.fromisoformat(summary["session"]["started_at"])
    bars = []
    for cell in notable_cells(summary["cells"], MOST_NAMED):
        if cell["parent_index"] is not None:
            continue
        start_s = (datetime.fromisoformat(cell["started_at"]) - began).total_seconds()
        end_s = start_s + (cell["duration_s"] or 0.0)
        bars.append(
            {
                "start_ms": start_s / S_PER_MS,
                "end_ms": end_s / S_PER_MS,
                "name": cell["name"],
                "text": {"energy": shown.with_range(shown.energy(cell))},
            }
        )
    return bars


def _cells(summary: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Those in no other one that used most, the largest first; the runs of one cell together."""
    runs: dict[str, list[Mapping[str, Any]]] = {}
    for each in summary["cells"]:
        if each["parent_index"] is None and each["energy_j"]:
            runs.setdefault(each["key"], []).append(each)
    most = nlargest(MOST_CELLS, runs.values(), key=lambda same: sum(_joules(same, "energy_j")))
    return [_cell(same) for same in most]


def _cell(runs: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    name = runs[-1]["name"]
    sums = {key: sum(_joules(runs, key)) for key in ("energy_j", "low_j", "high_j")}
    alone = runs[0] if len(runs) == 1 else sums
    return {
        "name": name,
        "more": f" × {len(runs)}" if len(runs) > 1 else "",
        "value": sums["energy_j"],
        "low": sums["low_j"],
        "high": sums["high_j"],
        "text": str(shown.energy(alone)),
        "colour": COLOURS["cpu"],
    }


def _joules(runs: Sequence[Mapping[str, Any]], key: str) -> list[float]:
    return [each["energy_j"] if each[key] is None else each[key] for each in runs]


def _devices(summary: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What each device used in all, with its part of the sum."""
    known = [each for each in summary["devices"] if each.get("counted") and each.get("energy_j")]
    whole_j = sum(each["energy_j"] for each in known)
    fills = _colours(summary)
    rows = []
    for each in sorted(known, key=lambda each: -each["energy_j"])[:MOST_DEVICES]:
        energy_j = each["energy_j"]
        part = humanize.percent(energy_j / whole_j)
        rows.append(
            {
                "name": each["name"],
                "value": energy_j,
                "low": energy_j,
                "high": energy_j,
                "text": f"{humanize.energy(energy_j)} · {part}",
                "colour": fills[each["id"]],
            }
        )
    return rows


def _tags(summary: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The part of each tag in the energy of all cells; as many as there are colours to tell them apart."""
    found = [each for each in summary.get("tags", ()) if each["energy_j"]]
    if len(found) > len(TAGS):
        return []
    rows = []
    for place, each in enumerate(found):
        part = "" if each["cells_fraction"] is None else humanize.percent(each["cells_fraction"])
        rows.append(
            {
                "name": each["tag"] or "no tag",
                "value": each["energy_j"],
                "text": f"{part} · {shown.energy(each).headline}",
                "colour": TAGS[place] if each["tag"] else ELSEWHERE,
            }
        )
    return rows


def _elsewhere(summary: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The zones to compare with, and here among them where its figure is of their kind."""
    zones = list(summary.get("elsewhere") or ())
    if not zones:
        return []
    totals, zone = summary["totals"], summary["zone"]
    rows = [each for each in zones if each["id"] != zone["id"]]
    comparable = all(each["comparable"] for each in zones)
    name = f"{zone['name']} (here)" if zone["id"] else "world average (zone unknown)"
    if comparable or not zone["id"]:
        rows.append({**totals, "id": "", "name": name})
    rows.sort(key=lambda each: each["emissions_g"])
    return [
        {
            "name": each["name"],
            "value": each["emissions_g"],
            "low": each["low_g"],
            "high": each["high_g"],
            "text": str(shown.emissions(each)),
            "colour": ELSEWHERE if each["id"] else HERE,
        }
        for each in rows
    ]


def stacked(summary: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Names and colours of the devices in the power chart, in the order they are stacked."""
    power = _power(summary)
    parts: Sequence[Mapping[str, Any]] = power["history"]["parts"] if power else ()
    fills = colours([each["kind"] for each in parts])
    return [(each["name"], fill) for each, fill in zip(parts, fills, strict=True)]


def _colours(summary: Mapping[str, Any]) -> dict[str, str]:
    """The colour of each device by id, the same in each chart."""
    power = summary.get("power") or {"devices": ()}
    kinds = {each["id"]: each["kind"] for each in summary["devices"]}
    ids = [each["id"] for each in power["devices"] if each["id"] in kinds]
    ids += [each for each in kinds if each not in ids]
    shown = [_CHART_KINDS.get(kinds[each], kinds[each]) for each in ids]
    return dict(zip(ids, colours(shown), strict=True))
