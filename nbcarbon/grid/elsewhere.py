"""Places that work could be moved to: the zones in which the large clouds have regions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from nbcarbon.core.intensity import Confidence
from nbcarbon.grid.averages import YearlyAverages
from nbcarbon.grid.tables import rows
from nbcarbon.grid.zones import load_zones

if TYPE_CHECKING:
    from nbcarbon.core.intensity import Intensity

PROVIDERS: Final = ("aws", "gcp", "azure")


def elsewhere() -> list[tuple[str, Intensity]]:
    """Each such zone with a region of it, `Sweden (aws eu-north-1)`, and its yearly average."""
    zones, averages = load_zones(), YearlyAverages()
    found: dict[str, tuple[str, Intensity]] = {}
    for provider, region, _, zone_id in rows("cloud_regions.csv"):
        if provider not in PROVIDERS or zone_id in found or zone_id not in zones:
            continue
        intensity = averages.intensity(zones.zone(zone_id, "cloud region", Confidence.SET))
        if intensity is not None:
            name = f"{zones.name(zone_id)} ({provider} {region})"
            found[zone_id] = (name, intensity)
    return list(found.values())
