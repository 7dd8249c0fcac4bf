"""Zones that many readers know, for a report to compare with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from nbcarbon.core.intensity import Confidence
from nbcarbon.grid.averages import YearlyAverages
from nbcarbon.grid.zones import load_zones

if TYPE_CHECKING:
    from nbcarbon.core.intensity import Intensity, Zone

SHOWN: Final = (
    "SE", "FR", "CA-QC", "CH", "BR", "ES", "GB", "NL", "DE", "IE", "US", "JP", "CN", "IN", "ZA",
)  # fmt: skip
"""Where many data centres are, from the cleanest grids to the least clean."""


def well_known() -> list[tuple[Zone, Intensity]]:
    """A few zones that many readers know, and their intensities."""
    zones, averages = load_zones(), YearlyAverages()
    found = []
    for each in SHOWN:
        zone = zones.zone(each, "for comparison", Confidence.SET)
        intensity = averages.intensity(zone)
        if intensity is not None:
            found.append((zone, intensity))
    return found
