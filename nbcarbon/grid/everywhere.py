"""Everywhere that electricity has a figure: zones, and cloud regions in them, to compare with one place.

A comparison needs figures of one kind. Most zones have one by consumption; of the few countries that have
none the comparison is with all countries by generation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbcarbon.core.intensity import Accounting, Confidence
from nbcarbon.core.where import MAINSTREAM, Candidate
from nbcarbon.grid import clouds
from nbcarbon.grid.averages import YearlyAverages
from nbcarbon.grid.zones import load_zones

if TYPE_CHECKING:
    from nbcarbon.core.intensity import Intensity, Zone


def average(zone: Zone) -> Intensity | None:
    """The yearly average of a place to compare with. None where nobody knows where it is."""
    return None if zone.id is None else YearlyAverages().intensity(zone)


def zones(accounting: Accounting = Accounting.CONSUMPTION) -> list[Candidate]:
    """Every zone, by figures of this accounting where it has one."""
    table, averages = load_zones(), YearlyAverages()
    found = []
    for zone_id in table.ids():
        zone = table.zone(zone_id, "", Confidence.SET)
        plain = averages.intensity(zone)
        by_plants = averages.by_generation(zone) if accounting is Accounting.GENERATION else None
        intensity = by_plants or plain
        if intensity is not None and not intensity.fallback:
            found.append(Candidate(zone.id or "", zone.name, zone_id, intensity))
    return found


def cloud_regions(provider: str) -> list[Candidate]:
    """Every region of a cloud, or of all for an empty name. Raises SettingError for an unknown one."""
    table, averages = load_zones(), YearlyAverages()
    found = []
    for each in clouds.regions(provider):
        intensity = averages.intensity(table.zone(each.zone_id, "", Confidence.SET))
        if intensity is not None:
            found.append(Candidate(each.id, each.city, each.zone_id, intensity))
    return found


def mainstream_regions() -> list[tuple[str, Intensity]]:
    """Where most people could move their work to: the regions of the large clouds, by name."""
    return [
        (f"{each.id} ({each.name})", each.intensity)
        for cloud in MAINSTREAM
        for each in cloud_regions(cloud)
    ]
