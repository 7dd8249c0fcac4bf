"""The life cycle of a summary as rows and remarks: what every format for people shows of it, not escaped."""

from __future__ import annotations

from math import nan
from typing import TYPE_CHECKING, Any, Final

from nbcarbon.core import humanize
from nbcarbon.core.humanize import CO2E, GRAMS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_PARTS: Final = {
    "cells": "cells",
    "front end": "front_end",
    "background": "background",
    "between cells": "between_cells",
}
NOT_KNOWN: Final = "not known"


def table(summary: Mapping[str, Any]) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Titles and rows: each part in grams of CO2e, then the total. No rows for a summary that has no split.

    Where the idle part is not known, what the work used stands there whole; a building that adds nothing
    has no column.
    """
    found = summary.get("lifecycle")
    if not found:
        return (), []
    kinds = ["operational"] if found["idle"] is None else ["dynamic", "idle"]
    kinds += ["infrastructure"] if summary["settings"]["pue"] != 1 and found["idle"] else []
    kinds += ["embodied"]
    parts = found["parts"]
    rows = [
        _row(name, parts[key], kinds)
        for name, key in _PARTS.items()
        if parts[key]["total"]["high_g"]
    ]
    return ("part", *kinds, "together"), [*rows, _row("total", found, kinds)]


def _row(name: str, part: Mapping[str, Any], kinds: Sequence[str]) -> tuple[str, ...]:
    shown = {kind: _shown(part[kind]) for kind in kinds}
    whole = _estimate(part["total"], CO2E)
    if part["embodied"] and not part["embodied_whole"]:
        shown["embodied"], whole = _least(shown["embodied"]), _least(whole)
    return (name, *shown.values(), whole)


def _shown(value: Mapping[str, Any] | None) -> str:
    return NOT_KNOWN if value is None else _estimate(value, GRAMS)


def _least(shown: str) -> str:
    """Where some hardware is not known, it is more."""
    return f"at least {shown.removeprefix('about ')}"


def _estimate(value: Mapping[str, Any], scale: humanize.Scale) -> str:
    numbers = [
        nan if value[key] is None else value[key] for key in ("emissions_g", "low_g", "high_g")
    ]
    estimate = humanize.estimate(*numbers, scale=scale)
    return f"{estimate.headline} ({estimate.interval})" if estimate.interval else estimate.headline


def remarks(summary: Mapping[str, Any]) -> list[str]:
    """What the rows start from, so that somebody else can recompute them."""
    found = summary.get("lifecycle")
    if not found:
        return []
    return [*_idle(found), *_hardware(found), *_water(found)]


def _idle(found: Mapping[str, Any]) -> list[str]:
    baseline = found["baseline"]
    if baseline is None:
        return ["Idle power of this machine was not measured (nbcarbon baseline does that)."]
    powers = ", ".join(
        f"{each['name']} {humanize.estimate(each['power_w'], each['low_w'], each['high_w'], scale=humanize.POWER)}"
        for each in baseline["devices"]
    )
    less = "" if found["idle"] else " It has not all of the devices: the idle part is not known."
    return [f"Idle power, measured on {baseline['date']}: {powers}.{less}"]


def _hardware(found: Mapping[str, Any]) -> list[str]:
    lines = []
    for each in found["hardware"] or ():
        made = _estimate(each, GRAMS)
        part = each["share_fraction"]
        of = "" if part == 1 else f"{humanize.percent(part)} of "
        lines.append(
            f"Embodied: {of}{each['name']}, {made}, over {humanize.number(each['lifetime_years'])} years, "
            f"in use {humanize.percent(each['utilisation'])} of them ({each['source']})."
        )
    unknown = found["unknown_hardware"]
    lines += [f"Of {each} no manufacturing figure is known." for each in unknown]
    return lines


def _water(found: Mapping[str, Any]) -> list[str]:
    factors, water = found["water_factors"], found["water"]
    said = {"site": "on site", "grid": "in power plants"}
    return [
        f"Water {words}: {humanize.quantity(water[f'{key}_l'], humanize.WATER)}, "
        f"at {humanize.number(factors[f'{key}_l_per_kwh'])} l/kWh (set by the user)."
        for key, words in said.items()
        if water[f"{key}_l"] is not None
    ]
