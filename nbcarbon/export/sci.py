"""The Software Carbon Intensity of ISO/IEC 21031:2024: SCI = (E × I + M) per R, in gCO2e per functional unit.

E is energy with what the building adds (PUE), I the zone's intensity, M this time's share of making the
hardware, R what the session did: `--count` and `--unit`, else its queries or tokens where cells said how many,
else the session itself. Where M is not known the score is of operation alone, and says that it is not complete.
"""

from __future__ import annotations

import json
from math import hypot, isfinite
from typing import TYPE_CHECKING, Any, Final

from nbcarbon.core.escape import label
from nbcarbon.errors import ExportError
from nbcarbon.export import shown

if TYPE_CHECKING:
    from collections.abc import Mapping

NAME: Final = "SCI score (JSON)"
AS: Final = "sci"
ENDINGS: Final = (".sci.json",)
OPTIONS: Final = {
    "unit": "for the SCI score: the functional unit, such as query",
    "count": "for the SCI score: how many of it the session did",
}

SPECIFICATION: Final = "ISO/IEC 21031:2024"


def render(summary: Mapping[str, Any], *, unit: str = "", count: str = "") -> bytes:
    """The score with all that it is made of, as JSON. Raises ExportError for a count that is none."""
    name, many = _functional_unit(summary, unit, count)
    totals = shown.totals(summary)
    operational = shown.values(totals, "emissions_g", "low_g", "high_g")
    made = (summary.get("lifecycle") or {}).get("embodied")
    embodied = shown.values(made, "emissions_g", "low_g", "high_g") if made else [0.0, 0.0, 0.0]
    score, low, high = (_finite(each / many) for each in _together(operational, embodied))
    kwh, pue = totals["energy_kwh"], summary["settings"]["pue"]
    found = {
        "specification": SPECIFICATION,
        "sci_g_per_unit": score,
        "low_g_per_unit": low,
        "high_g_per_unit": high,
        "unit": name,
        "complete": bool(made),
        "equation": "(E * I + M) / R",
        "E": {"kwh": None if kwh is None or pue is None else kwh * pue, "at_the_machine_kwh": kwh, "pue": pue},
        "I": {key: summary["intensity"][key] for key in (
            "g_per_kwh", "low", "high", "basis", "scope", "accounting", "source", "year", "fallback",
        )},
        "M": {"emissions_g": made["emissions_g"], "low_g": made["low_g"], "high_g": made["high_g"]} if made else None,
        "R": {"unit": name, "count": many},
        "operational_g": totals["emissions_g"],
        "boundary": _boundary(summary),
        "zone": summary["zone"]["id"],
        "session": summary["session"]["id"],
        "software": f"nbcarbon {summary['session']['nbcarbon']}",
    }  # fmt: skip
    return (json.dumps(found, indent=2, allow_nan=False) + "\n").encode("ascii")


def _functional_unit(summary: Mapping[str, Any], unit: str, count: str) -> tuple[str, float]:
    """R: what was said, else the queries or tokens that cells noted, else the session."""
    if count:
        try:
            many = float(count)
        except ValueError:
            many = 0.0
        if not many > 0 or not isfinite(many):
            raise ExportError(
                f"--count cannot be {label(count)[:40]!r}.",
                hint="For example: --unit query --count 1000.",
            )
        return label(unit) or "unit", many
    if unit:
        raise ExportError(
            "--unit needs a number of them.",
            hint=f"For example: --unit {label(unit)[:40]} --count 1000.",
        )
    for name in ("query", "token"):
        noted = shown.noted(summary, name)
        if noted:
            return name, float(noted)
    return "session", 1.0


def _together(one: list[float], other: list[float]) -> tuple[float, float, float]:
    """The sum of two figures that are unsure of different things: their intervals in quadrature."""
    value = one[0] + other[0]
    below = hypot(one[0] - one[1], other[0] - other[1])
    above = hypot(one[2] - one[0], other[2] - other[0])
    return value, max(0.0, value - below), value + above


def _boundary(summary: Mapping[str, Any]) -> str:
    whole = summary["settings"]["attribution"] == "machine"
    devices = [each["name"] for each in summary["devices"] if each.get("counted", True)]
    charged = "all that this machine used" if whole else "this notebook's share of this machine"
    return f"{charged} in {summary['totals']['duration_s']:.6g} s: {', '.join(devices) or 'no device was seen'}"


def _finite(value: float) -> float | None:
    return value if isfinite(value) else None
