"""Numbers of a summary as people read them: what every format for people shares, not escaped."""

from __future__ import annotations

from math import nan
from typing import TYPE_CHECKING, Any

from nbcarbon.core import humanize
from nbcarbon.core.elsewhere import intensity_of
from nbcarbon.core.emissions import operational
from nbcarbon.core.energy import Energy
from nbcarbon.core.humanize import CO2E, Estimate

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def energy(part: Mapping[str, Any]) -> Estimate:
    """Joules of a total, part, cell or device, as watt-hours."""
    return humanize.energy_estimate(*values(part, "energy_j", "low_j", "high_j"), **_quality(part))


def emissions(part: Mapping[str, Any], scale: humanize.Scale = CO2E) -> Estimate:
    """Grams of a total, cell or zone."""
    numbers = values(part, "emissions_g", "low_g", "high_g")
    return humanize.estimate(*numbers, scale=scale, **_quality(part))


def with_range(estimate: Estimate) -> str:
    """The value and always its range: a page has room for both."""
    return f"{estimate.headline} ({estimate.interval})" if estimate.interval else estimate.headline


def totals(summary: Mapping[str, Any]) -> Mapping[str, Any]:
    """A session's totals; where nothing has been seen yet they are not known, and not 0."""
    found: Mapping[str, Any] = summary["totals"]
    if found["high_j"]:
        return found
    return {**found, **dict.fromkeys(found.keys() - {"duration_s"})}


def priced(part: Mapping[str, Any], summary: Mapping[str, Any]) -> dict[str, Any]:
    """A part's joules with the grams that they emitted, by the session's own intensity and PUE."""
    joules = values(part, "energy_j", "low_j", "high_j")
    (pue,) = values(summary["settings"], "pue")
    emitted = operational(Energy(*joules), pue=pue, intensity=intensity_of(summary))
    return {
        **part,
        "emissions_g": emitted.emissions_g,
        "low_g": emitted.low_g,
        "high_g": emitted.high_g,
    }


def values(part: Mapping[str, Any], *keys: str) -> list[float]:
    """Numbers of a summary, which says None where it has none."""
    return [nan if part[key] is None else part[key] for key in keys]


def place(summary: Mapping[str, Any], escape: Callable[[str], str] = str) -> str:
    """Where the electricity comes from: `France, 31 g/kWh (2025, lifecycle)`, its name escaped."""
    zone, intensity = summary["zone"], summary["intensity"]
    return humanize.place(
        escape(zone["name"]) if zone["id"] else None,
        values(intensity, "g_per_kwh")[0],
        year=intensity["year"],
        scope=intensity["scope"],
        basis=intensity["basis"],
        fallback=intensity["fallback"],
    )


def charged(summary: Mapping[str, Any]) -> str:
    """Whom shared devices are charged to."""
    whole = summary["settings"]["attribution"] == "machine"
    return "whole machine" if whole else "this notebook's share"


def calibrated(calibration: Mapping[str, Any] | None) -> list[str]:
    """What the joules were calibrated against; a summary of an earlier version does not say."""
    if calibration is None:
        return []
    fraction = calibration["calibrated_fraction"]
    part = "" if fraction >= 0.9999 else f"{humanize.percent(fraction)} "
    return [f"{part}calibrated against a wall meter on {calibration['date']}"]


def how(cell: Mapping[str, Any]) -> list[str]:
    """How a cell ended where that was not well, how its joules are known, what limits them, its tag."""
    outcome = [] if cell["outcome"] == "ok" else [cell["outcome"].replace("_", " ")]
    known = humanize.known(measured_fraction=cell["measured_fraction"])
    tag = [f"#{cell['tag']}"] if cell.get("tag") else []
    return [*outcome, *([known] if cell["coverage_fraction"] > 0 else []), *cell["flags"], *tag]


def noted(summary: Mapping[str, Any], unit: str) -> int:
    """How many queries or tokens all cells say they had, those within others left out; 0 where none says."""
    found = (each.get(f"per_{unit}") for each in summary["cells"] if each["parent_index"] is None)
    return sum(each["count"] for each in found if each)


def measured_fraction(summary: Mapping[str, Any]) -> float | None:
    """The part of the session's joules that a sensor measured; None where no device's sum is known."""
    known = [
        (each["provenance"], each["energy_j"])
        for each in summary["devices"]
        if each.get("energy_j") is not None and each.get("counted", True)
    ]
    whole_j = sum(energy_j for _, energy_j in known)
    if not whole_j > 0:
        return None
    measured_j = sum(energy_j for provenance, energy_j in known if provenance == "measured")
    return float(measured_j / whole_j)


def _quality(part: Mapping[str, Any]) -> dict[str, Any]:
    """How far a cell's or device's figure goes; totals and parts are taken as they are."""
    devices = part.get("devices", ())
    below = part.get("below_resolution", False)
    return {
        "coverage_fraction": part.get("coverage_fraction", 1.0),
        "below_resolution": below
        or any(each["below_resolution"] and each["counted"] for each in devices),
    }
