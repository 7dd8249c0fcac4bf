"""What the same energy would have emitted in other zones, as plain JSON values of a summary (docs/summary.md)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbcarbon.core.emissions import operational
from nbcarbon.core.energy import Energy

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from nbcarbon.core.intensity import Intensity, Zone


def elsewhere(
    summary: Mapping[str, Any], zones: Iterable[tuple[Zone, Intensity]]
) -> list[dict[str, Any]]:
    """Each zone with its intensity and what a session of this summary would have emitted there, least first.

    `comparable` says whether its figure is of the same kind as the session's own: basis, scope and
    accounting. Empty where the session's energy is not known.
    """
    totals, pue, here = summary["totals"], summary["settings"]["pue"], summary["intensity"]
    joules = [totals[key] for key in ("energy_j", "low_j", "high_j")]
    if pue is None or any(each is None for each in joules):
        return []
    rows = []
    for zone, intensity in zones:
        found = operational(Energy(*joules), pue=pue, intensity=intensity)
        kind = [str(each) for each in (intensity.basis, intensity.scope, intensity.accounting)]
        rows.append(
            {
                "id": zone.id,
                "name": zone.name,
                "g_per_kwh": intensity.g_per_kwh,
                "year": intensity.year,
                "source": intensity.source,
                "comparable": kind == [here["basis"], here["scope"], here["accounting"]],
                "emissions_g": found.emissions_g,
                "low_g": found.low_g,
                "high_g": found.high_g,
            }
        )
    return sorted(rows, key=lambda each: (each["emissions_g"], each["name"]))
