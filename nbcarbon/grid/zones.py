"""Zones by what a person types: an id, a country's or zone's name, a cloud region.

Ids are Electricity Maps' where it has the zone and ISO 3166 country codes elsewhere. They are not
ISO 3166-2: `IT-NO` is the north of Italy, not Novara.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from nbcarbon.core.intensity import Confidence, Zone
from nbcarbon.errors import UnknownZoneError
from nbcarbon.grid.tables import WORLD, rows

if TYPE_CHECKING:
    from collections.abc import Mapping

LONGEST_SHOWN: Final = 40
COMMON_NAMES: Final = {
    "usa": "US", "united states of america": "US", "uk": "GB", "england": "GB", "russia": "RU",
    "czech republic": "CZ", "holland": "NL", "the netherlands": "NL", "quebec": "CA-QC",
}  # fmt: skip
"""What people type and no table has."""

ONLY_WITH_PROVIDER: Final = frozenset({"fly"})
"""Providers whose regions are airports: three letters that mean nothing alone."""


class ZoneTable:
    """Every zone there is a figure for, and the cloud regions in them."""

    def __init__(
        self, names: Mapping[str, str], regions: Mapping[str, str], also: Mapping[str, str]
    ) -> None:
        """`names` by id, zones by cloud region, and `also` other names for zones, in lower case."""
        self._names = dict(names)
        self._also = dict(also)
        self._regions = dict(regions)
        self._by_text = {each.casefold(): each for each in names}

    def ids(self) -> tuple[str, ...]:
        return tuple(sorted(self._names))

    def __contains__(self, zone_id: str) -> bool:
        return zone_id in self._names

    def name(self, zone_id: str) -> str:
        """Raises KeyError for an id that is none."""
        return self._names[zone_id]

    def zone(
        self, zone_id: str, how: str, confidence: Confidence, alternates: tuple[str, ...] = ()
    ) -> Zone:
        return Zone(zone_id, self._names[zone_id], how, confidence, alternates)

    def region(self, region: str, provider: str = "") -> str | None:
        """The zone of a cloud region, `provider` being aws, gcp, azure, oci, ...; None if unknown."""
        wanted = region.strip().casefold()
        return self._regions.get(f"{provider}:{wanted}" if provider else wanted)

    def resolve(self, text: str, how: str = "set by you") -> Zone:
        """The zone somebody means by an id, a name or a cloud region, in any case.

        Raises UnknownZoneError, with the nearest there are.
        """
        wanted = " ".join(text.split()).casefold()
        found = self._by_text.get(wanted) or self._by_name().get(wanted)
        if found is None:
            provider, separator, region = wanted.partition(":")
            found = self.region(region, provider) if separator else self.region(wanted)
        if found is None:
            raise UnknownZoneError(self._unknown(text), hint=self._nearest(wanted))
        return self.zone(found, how, Confidence.SET)

    def _by_name(self) -> dict[str, str]:
        # Shortest id last: of two zones with one name, the country itself is meant.
        ids = sorted(self._names, key=len, reverse=True)
        return {**self._also, **{self._names[each].casefold(): each for each in ids}}

    @staticmethod
    def _unknown(text: str) -> str:
        if not text.strip():
            return "A zone needs a name."
        return f"There is no zone {text.strip()[:LONGEST_SHOWN]!r}."

    def _nearest(self, wanted: str) -> str:
        from difflib import get_close_matches

        known = {**self._by_name(), **self._by_text}
        close = get_close_matches(wanted[:LONGEST_SHOWN], known, n=3, cutoff=0.6)
        ids = list(dict.fromkeys(known[each] for each in close))
        if not ids:
            return "Use a zone such as FR, US-CAL-CISO or Germany, or a cloud region such as eu-west-3."
        return "Did you mean " + " or ".join(f"{each} ({self._names[each]})" for each in ids) + "?"


def load_zones() -> ZoneTable:
    """The table that ships with the package."""
    names = {zone: name for zone, name, *_ in rows("zone_aliases.csv")}
    countries = {zone: name for zone, name, *_ in rows("ember.csv") if zone != WORLD}
    names |= countries
    names |= {zone: name for zone, name, *_ in rows("electricity_maps_yearly.csv")}
    regions: dict[str, str] = {}
    for provider, region, _, zone in rows("cloud_regions.csv"):
        regions[f"{provider}:{region.casefold()}"] = zone
        if provider in ONLY_WITH_PROVIDER:
            continue
        # Where two providers use one name for different places, it takes the provider's name too.
        bare = region.casefold()
        regions[bare] = zone if regions.get(bare, zone) == zone else ""
    also = {name.casefold(): zone for zone, name in countries.items()} | COMMON_NAMES
    return ZoneTable(names, {region: zone for region, zone in regions.items() if zone}, also)
