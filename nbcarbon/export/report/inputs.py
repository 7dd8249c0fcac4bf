"""Every input of a session's figures, and the sum they make: so that somebody else can recompute them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbcarbon.core import humanize
from nbcarbon.export import lifecycle, shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


def inputs(summary: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What each input is called and what it was, not escaped."""
    return [
        ("Energy", _energy(summary)),
        ("Seen", _coverage(summary)),
        ("Charged", _charged(summary)),
        ("Wall meter", _calibration(summary)),
        ("Zone", _zone(summary)),
        ("Intensity", _intensity(summary)),
        ("Building", _building(summary)),
        *_beyond(summary),
        ("CO₂e", recomputed(summary)),
        ("Ranges", _ranges()),
        ("Software", _software(summary)),
    ]


def recomputed(summary: Mapping[str, Any]) -> str:
    """The product itself, in numbers long enough to check: `0.0124 kWh × 1 × 31 g/kWh = 0.3844 g`."""
    totals = shown.totals(summary)
    factors = (totals["energy_kwh"], summary["settings"]["pue"], summary["intensity"]["g_per_kwh"])
    if totals["emissions_g"] is None or any(each is None for each in factors):
        return "Not known: energy × PUE × intensity needs all three."
    kwh, pue, g_per_kwh = (f"{each:.6g}" for each in factors)
    grams = f"{totals['emissions_g']:.6g}"
    return f"energy × PUE × intensity: {kwh} kWh × {pue} × {g_per_kwh} g/kWh = {grams} g"


def _energy(summary: Mapping[str, Any]) -> str:
    provenances = dict.fromkeys(
        each["provenance"] for each in summary["devices"] if each.get("counted", True)
    )
    how = " and ".join(provenances) or "not measured"
    interval_s = summary["settings"]["interval_s"]
    often = f", read every {humanize.duration(interval_s)} at most" if interval_s else ""
    return f"{how}, device by device as in the table above{often}"


def _coverage(summary: Mapping[str, Any]) -> str:
    seen_s = whole_s = 0.0
    for cell in summary["cells"]:
        if cell["parent_index"] is None and cell["duration_s"]:
            whole_s += cell["duration_s"]
            seen_s += cell["duration_s"] * (cell["coverage_fraction"] or 0.0)
    if not whole_s:
        return "no cell ran"
    return f"{humanize.percent(seen_s / whole_s)} of the time in which cells ran was observed"


def _charged(summary: Mapping[str, Any]) -> str:
    if summary["settings"]["attribution"] == "machine":
        return "all that the machine used in this time, whoever caused it"
    return "this notebook’s share: its part of the processors’ time and of the GPUs’ work"


def _calibration(summary: Mapping[str, Any]) -> str:
    found = summary.get("calibration")
    if found is None:
        return "not calibrated: what power supply, fans, board and disks use is not in the figures"
    return (
        f"{shown.calibrated(found)[0]}: {found['offset_w']:.4g} W + {found['slope']:.4g} × sensors, "
        f"meter ± {found['meter_error_fraction'] * 100:.3g} %"
    )


def _zone(summary: Mapping[str, Any]) -> str:
    zone = summary["zone"]
    if not zone["id"]:
        return f"unknown ({zone['how']})"
    return f"{zone['name']} ({zone['id']}), {zone['how']}, confidence {zone['confidence']}"


def _intensity(summary: Mapping[str, Any]) -> str:
    found = summary["intensity"]
    figure, low, high = shown.values(found, "g_per_kwh", "low", "high")
    other = "; not the zone’s own figure" if found["fallback"] else ""
    return (
        f"{humanize.intensity(figure)} ({humanize.number(low)} – {humanize.number(high)}), "
        f"{found['basis']}, {found['scope']}, {found['accounting']}, "
        f"{found['source']}, {found['year']}{other}"
    )


def _building(summary: Mapping[str, Any]) -> str:
    pue = summary["settings"]["pue"]
    if pue is None or pue == 1:
        return "PUE 1: cooling and power distribution of the building are not counted"
    return f"PUE {humanize.number(pue)}, set by the user: the building uses that much for 1 at the machine"


def _beyond(summary: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Idle power, what making the hardware emitted, and water: what was assumed, or that it was not."""
    said = lifecycle.remarks(summary)
    if said:
        yield "Life cycle", " ".join(said)
    if not (summary.get("lifecycle") or {}).get("embodied"):
        yield "Embodied", "not counted: what making the hardware emitted is in no figure here"


def _ranges() -> str:
    return (
        "the ends of 95 % intervals: the sensors’ accuracy, what a reading’s moment leaves open, models, time "
        "nobody observed; for CO₂e the intensity’s own range beside it, in quadrature"
    )


def _software(summary: Mapping[str, Any]) -> str:
    session = summary["session"]
    return f"nbcarbon {session['nbcarbon']}, Python {session['python']}, session {session['id']}"
