"""What the same energy would have emitted in other zones, as plain JSON values of a summary (docs/summary.md)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from nbcarbon.core.energy import Energy
from nbcarbon.core.intensity import Accounting, Basis, Intensity, Scope
from nbcarbon.core.where import Candidate, rank

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

UNKNOWN: Final = "world average (zone unknown)"


def elsewhere(summary: Mapping[str, Any], candidates: Iterable[Candidate]) -> list[dict[str, Any]]:
    """The session's own place among others, least emissions first; those that cannot be compared last.

    Empty where the session's energy is not known.
    """
    totals, zone, pue = summary["totals"], summary["zone"], summary["settings"]["pue"]
    joules = [totals[key] for key in ("energy_j", "low_j", "high_j")]
    if pue is None or any(each is None for each in joules):
        return []
    name = zone["name"] if zone["id"] else UNKNOWN
    here = Candidate(zone["id"] or "", name, zone["id"] or "", intensity_of(summary))
    others = [each for each in candidates if each.id != here.id]
    found = rank(Energy(*joules), [*others, here], here, pue=pue)
    return [
        {
            "id": each.id or None,
            "name": each.name,
            "here": each.is_here,
            "comparable": each in found.ranked,
            "ratio": each.ratio_fraction,
            "g_per_kwh": each.intensity.g_per_kwh,
            "year": each.intensity.year,
            "source": each.intensity.source,
            "emissions_g": each.emissions.emissions_g,
            "low_g": each.emissions.low_g,
            "high_g": each.emissions.high_g,
        }
        for each in (*found.ranked, *found.unranked)
    ]


def intensity_of(summary: Mapping[str, Any]) -> Intensity:
    """The intensity that a summary's emissions were worked out with. Raises ValueError for a kind nobody knows."""
    found = summary["intensity"]
    return Intensity(
        g_per_kwh=found["g_per_kwh"],
        low_g_per_kwh=found["low"],
        high_g_per_kwh=found["high"],
        basis=Basis(found["basis"]),
        scope=Scope(found["scope"]),
        accounting=Accounting(found["accounting"]),
        source=found["source"],
        year=found["year"],
        fallback=found["fallback"],
    )
